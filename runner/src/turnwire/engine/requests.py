"""The HTTP calls of ``request`` steps: prepared from what a suite says, made by the core."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import anyio
import attrs

from turnwire.steps.contract import StepError
from turnwire.suites.model import RequestSpec
from turnwire_core import Connection, DriverError
from turnwire_core.config import header_problem
from turnwire_core.config.checks import hide_credentials
from turnwire_core.contracts.connection import ByteCount, Limits

_MAX_ANSWER_BYTES: Final = ByteCount(8 * 1024 * 1024)


@attrs.frozen
class Call:
    """One call, ready to be made."""

    connection: Connection
    method: str
    headers: Mapping[str, str] = attrs.field(repr=False)
    query: Mapping[str, str] = attrs.field(repr=False)
    body: Any = attrs.field(repr=False)
    timeout_ms: float

    @property
    def shown_url(self) -> str:
        """The URL, masked; the query that is added to it is not in it."""
        return self.connection.secrets.mask(_without_userinfo(self.connection.base_url))


def prepare(
    spec: RequestSpec, filled: Mapping[str, Any], target: Connection, *, label: str
) -> Call:
    """A call, from its specification and what its templates became.

    The proxy and the trust in certificates are those of the connection under test; its headers and
    credentials stay with it, and its client certificate is shown to its own origin only.

    Raises:
        StepError: the URL or a header is none (kind ``config``).
    """
    url = str(filled["url"])
    if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        shown = target.secrets.mask(url)
        raise StepError(f"{label!r} has no URL to call, but {shown!r}.", kind="config")
    headers = {name: _text(value) for name, value in filled["headers"].items()}
    for name, value in headers.items():
        if problem := header_problem(name, value):
            raise StepError(f"{label!r}: {problem}", kind="config")
    connection = Connection(
        base_url=url,
        name=label,
        auth=spec.auth,
        timeout_ms=spec.timeout_ms,
        limits=attrs.evolve(Limits(), max_reply_bytes=_MAX_ANSWER_BYTES),
        tls=target.tls,
        proxy=target.proxy,
        trust_env=target.trust_env,
        secrets=target.secrets,
    )
    if connection.origin != target.origin:
        tls = attrs.evolve(target.tls, client_cert=None, client_key=None, client_key_password=None)
        connection = attrs.evolve(connection, tls=tls)
    hide_credentials(connection)
    return Call(
        connection=connection,
        method=spec.method,
        headers=headers,
        query={name: _text(value) for name, value in filled["query"].items()},
        body=filled["body"],
        timeout_ms=spec.timeout_ms,
    )


async def make(call: Call) -> tuple[int, Any]:
    """Make it. The status, whatever it is, and the answer: JSON if it is any, else text.

    Raises:
        StepError: no answer came (kind ``transport``), or what speaks HTTP is not installed
            (kind ``config``).
    """
    try:
        from turnwire_core.http import call_once
    except ImportError as exc:
        raise StepError(
            f"A 'request' step needs an HTTP client ({exc}). Install it: "
            'pip install "turnwire-core[http]".',
            kind="config",
        ) from exc
    name = call.connection.name
    answer = None
    started = time.perf_counter()
    try:
        with anyio.move_on_after(call.timeout_ms / 1000):
            answer = await call_once(
                call.connection,
                call.method,
                headers=call.headers,
                query=call.query,
                body=call.body,
            )
    except DriverError as exc:
        reason = call.connection.secrets.mask(str(exc))
        raise StepError(f"{name!r} got no answer: {reason}", kind="transport") from exc
    if answer is None:
        waited_ms = (time.perf_counter() - started) * 1000
        raise StepError(
            f"{name!r} got no answer from {call.connection.origin} within {waited_ms:.0f} ms "
            "(timeoutMs).",
            kind="transport",
        )
    return answer.status, _read(answer.body)


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _without_userinfo(url: str) -> str:
    return re.sub(r"(?<=://)[^/?#]*@", "***@", url)
