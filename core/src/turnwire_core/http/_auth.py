"""Credentials of a connection: what they add to a request, and OAuth 2 client credentials."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import cached_property
from time import monotonic
from typing import Any, Final
from urllib.parse import quote_plus, unquote, urlencode, urlsplit

import anyio
import attrs

from turnwire_core.contracts.connection import Auth, Connection
from turnwire_core.errors import Phase, ProtocolError, RejectedError
from turnwire_core.http._request import basic_credentials
from turnwire_core.http._text import excerpt_of
from turnwire_core.secrets import Secrets

DEFAULT_KEY_HEADER: Final = "X-API-Key"

_TOKENS: Final = ("access_token", "refresh_token", "id_token")

_LONGEST_MARGIN_S: Final = 30.0


@attrs.frozen
class Credentials:
    """What goes into a request."""

    headers: dict[str, str] = attrs.field(factory=dict, repr=False)
    query: dict[str, str] = attrs.field(factory=dict, repr=False)


@attrs.frozen
class TokenAnswer:
    """The answer of a token endpoint, read to its end (bounded)."""

    status: int
    body: bytes


PostForm = Callable[[str, dict[str, str], bytes], Awaitable[TokenAnswer]]
"""POST a form to a URL with these headers."""


class TokenStore:
    """The OAuth 2 token of a conversation. A conversation with several clients gives it to all."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.good_until = 0.0
        self.in_body = False
        """The token endpoint wants the client's secret in the body."""

    @cached_property
    def lock(self) -> anyio.Lock:
        """Made where there are tokens: a kilobyte, and most conversations have none."""
        return anyio.Lock()


class Authenticator:
    """The credentials of one client, with its OAuth 2 token."""

    def __init__(self, connection: Connection, post: PostForm, tokens: TokenStore | None) -> None:
        self._connection = connection
        auth = connection.auth
        self._tokens = (
            _Tokens(connection, auth, post, tokens or TokenStore())
            if auth is not None and auth.type == "oauth2"
            else None
        )

    @property
    def renewable(self) -> bool:
        """Whether a 401 may mean no more than that the token has expired."""
        return self._tokens is not None

    def forget(self, credentials: Credentials) -> None:
        """The target answered 401 to these: the token in them is not used again."""
        if self._tokens is not None:
            self._tokens.forget(credentials.headers.get("Authorization", ""))

    async def credentials(self) -> Credentials:
        """Headers and query parameters to add to a request.

        Raises:
            DriverError: the token endpoint could not be reached, refused, or made no sense.
        """
        auth, secrets = self._connection.auth, self._connection.secrets
        if self._tokens is not None:
            return Credentials(headers={"Authorization": f"Bearer {await self._tokens.token()}"})
        if auth is None:
            return self._from_url()
        match auth.type:
            case "bearer":
                return Credentials(headers={"Authorization": f"Bearer {auth.token or ''}"})
            case "basic":
                value = basic_credentials(auth.username or "", auth.password or "")
                secrets.add(value.removeprefix("Basic "))
                return Credentials(headers={"Authorization": value})
            case _:
                key = auth.key or ""
                if auth.query is not None:
                    return Credentials(query={auth.query: key})
                return Credentials(headers={auth.header or DEFAULT_KEY_HEADER: key})

    def _from_url(self) -> Credentials:
        """User and password in ``base_url`` mean Basic, as with curl."""
        parts = urlsplit(self._connection.base_url)
        if parts.username is None:
            return Credentials()
        password = unquote(parts.password or "")
        value = basic_credentials(unquote(parts.username), password)
        self._connection.secrets.add(password)
        self._connection.secrets.add(value.removeprefix("Basic "))
        return Credentials(headers={"Authorization": value})


class _Tokens:
    """Client credentials become a token (RFC 6749 §4.4), which is kept until it runs out.

    Credentials travel in Basic (§2.3.1, which every server must take); a server that answers
    ``invalid_client`` gets them in the body, once, and from then on if that was right.
    """

    def __init__(
        self, connection: Connection, auth: Auth, post: PostForm, store: TokenStore
    ) -> None:
        self._connection = connection
        self._auth = auth
        self._post = post
        self._store = store
        self._where = f"The token endpoint {_origin(auth.token_url or '')}".rstrip()

    def forget(self, authorization: str) -> None:
        if self._store.token is not None and authorization == f"Bearer {self._store.token}":
            self._store.token = None

    async def token(self) -> str:
        store = self._store
        async with store.lock:  # whoever comes meanwhile waits for the one request
            if store.token is None or monotonic() >= store.good_until:
                await self._renew()
            return store.token or ""

    async def _renew(self) -> None:
        asked_at = monotonic()
        answer = await self._ask(in_body=self._store.in_body)
        if not self._store.in_body and _error_of(answer)[0] == "invalid_client":
            second = await self._ask(in_body=True)
            if second.status == 200:
                answer, self._store.in_body = second, True
        if not 200 <= answer.status <= 299:
            raise self._refusal(answer)
        document = _document(answer.body)
        token = document.get("access_token")
        if not isinstance(token, str) or not token:
            raise ProtocolError(
                f"{self._where} answered without a token: 'access_token' is missing. "
                "Check 'tokenUrl'.",
                phase=Phase.CONNECT,
            )
        kind = document.get("token_type", "bearer")
        if not isinstance(kind, str) or kind.lower() != "bearer":
            raise ProtocolError(
                f"{self._where} gave a token that is no bearer token; no other kind is spoken.",
                phase=Phase.CONNECT,
            )
        self._store.token = token
        self._store.good_until = asked_at + _lifetime(document.get("expires_in"))

    async def _ask(self, *, in_body: bool) -> TokenAnswer:
        auth = self._auth
        client, secret = auth.client_id or "", auth.client_secret or ""
        form = {"grant_type": "client_credentials"}
        if auth.scope is not None:
            form["scope"] = auth.scope
        headers = {}
        if in_body:
            form |= {"client_id": client, "client_secret": secret}
        else:
            # RFC 6749 §2.3.1: both are form-encoded before they go into Basic.
            value = basic_credentials(quote_plus(client), quote_plus(secret))
            self._connection.secrets.add(value.removeprefix("Basic "))
            headers["Authorization"] = value
        return await self._post(auth.token_url or "", headers, urlencode(form).encode("ascii"))

    def _refusal(self, answer: TokenAnswer) -> RejectedError:
        secrets = self._connection.secrets
        error, description = _error_of(answer)
        body = excerpt_of(answer.body, secrets)
        reason = excerpt_of(f"{error} {description}".strip().encode(), secrets, limit=300)
        advice = {
            "invalid_client": "Check 'clientId' and 'clientSecret'.",
            "invalid_scope": "Check 'scope'.",
            "unauthorized_client": "The client may not use the grant 'client_credentials'.",
        }.get(error, "Check 'tokenUrl', 'clientId', 'clientSecret' and 'scope'.")
        return RejectedError(
            f"{self._where} refused the client credentials: {answer.status}"
            f"{f' {reason}' if reason else ''}. {advice}",
            status=answer.status,
            body=body,
            phase=Phase.CONNECT,
        )


def hide_tokens(body: bytes, secrets: Secrets) -> None:
    """Hide what an answer of a token endpoint gives out, asked for or not."""
    document = _document(body)
    for name in _TOKENS:
        token = document.get(name)
        if isinstance(token, str):
            secrets.add(token)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""  # whoever posts to it says what is wrong
    return f"{parts.scheme}://{parts.hostname}{port}"


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _error_of(answer: TokenAnswer) -> tuple[str, str]:
    """``error`` and ``error_description`` (RFC 6749 §5.2)."""
    if answer.status not in (400, 401):
        return "", ""
    document = _document(answer.body)
    error, description = document.get("error"), document.get("error_description")
    return (
        error if isinstance(error, str) else "",
        description if isinstance(description, str) else "",
    )


def _lifetime(expires_in: Any) -> float:
    """Seconds to keep a token, with a margin; one without an end is kept until a 401."""
    try:
        seconds = float(expires_in)
    except (TypeError, ValueError, OverflowError):
        return float("inf")
    return max(seconds - min(_LONGEST_MARGIN_S, seconds / 10), 0.0)
