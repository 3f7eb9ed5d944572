"""What to do about a turn that failed: in terms of the config, with what was really sent."""

from __future__ import annotations

import json
from typing import Final

from turnwire.probing.credentials import credentials_sent
from turnwire.probing.heads import HeadTap, RequestHead
from turnwire.probing.watching import TurnWatch
from turnwire_core import (
    Connection,
    InvalidFrame,
    Phase,
    ProtocolError,
    RejectedError,
    Reply,
    ReplyError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
)
from turnwire_core.showing import neutral

_LONGEST: Final = 200

_LIMIT_KEYS: Final = {
    "connect": "limits.connectMs",
    "first_content": "limits.firstContentMs",
    "idle": "limits.idleMs",
    "total": "timeoutMs",
    "close": "limits.closeMs",
}
_STREAMS: Final = ("text/event-stream", "application/x-ndjson", "application/jsonl")


class Adviser:
    """Advice on one connection. ``place`` is where it is written, such as ``connections.bot``."""

    def __init__(
        self, connection: Connection, place: str, heads: HeadTap, watch: TurnWatch
    ) -> None:
        self._connection = connection
        self._place = place
        self._heads = heads
        self._watch = watch

    def cause(self, reply: Reply) -> str:
        """What went wrong; of refused credentials also which ones were sent."""
        said = reply.error or "The turn failed."
        if isinstance(reply.exception, RejectedError) and reply.exception.status in (401, 403):
            return f"{said} {self._credentials()}"
        return said

    def fix(self, reply: Reply) -> str:
        """What to do about it."""
        match reply.exception:
            case RejectedError() as failure:
                return self._rejected(failure)
            case TimeLimitError() as failure:
                return self._too_late(failure.limit, reply)
            case InvalidFrame():
                return self._unreadable()
            case TlsError():
                tls = f"{self._place}.tls"
                return f"If it wants to see our certificate: {tls}.clientCert and {tls}.clientKey."
            case ReplyError():
                return self._error_inside()
            case StreamBrokenError():
                return (
                    "Look into the target's log: it crashed, was restarted, or something between "
                    "us (a proxy, a load balancer with a time limit of its own) cut the connection."
                )
            case ProtocolError():
                return f"Check the scheme and the port in {self._place}.base_url, and 'protocol'."
        return f"Check {self._place} against what the target expects."

    def what_was_sent(self) -> str:
        """The message as it went out, for comparison with what the target expects."""
        turn = self._watch.turn
        if self._heads.messages:
            shown = self._heads.messages[-1].decode("utf-8", "replace")
        elif turn is not None and turn.bodies:
            body = turn.bodies[-1]
            shown = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
        else:
            return ""
        text = neutral(self._connection.secrets.mask(shown))
        return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"

    def tls_instead(self) -> str:
        """The URL with TLS, for a connection without."""
        scheme, rest = self._connection.base_url.split("://", 1)
        url = f"{ {'http': 'https', 'ws': 'wss'}.get(scheme, scheme) }://{rest}"
        return f'{self._place}.base_url: "{self._connection.secrets.mask(url)}"'

    def _credentials(self) -> str:
        request = self._heads.request
        if request is None:
            return ""
        sent = [self._said(one) for one in self._sent(request)]
        return f"Sent: {'; '.join(sent)}." if sent else "No credential was sent."

    def _said(self, text: str) -> str:
        return neutral(self._connection.secrets.mask(text))

    def _sent(self, request: RequestHead) -> list[str]:
        return list(credentials_sent(self._connection, request))

    def _rejected(self, failure: RejectedError) -> str:
        request, response = self._heads.request, self._heads.response
        asked = self._said(f"{request.method} {request.target}") if request is not None else "This"
        answered = response.headers if response is not None else {}
        upgrading = request is not None and "sec-websocket-key" in request.headers
        match failure.status:
            case 401 | 403:
                return self._unauthorised(failure, upgrading=upgrading)
            case 404 if not upgrading:
                return (
                    f"{asked} was asked for: {self._place}.base_url is used exactly as written, "
                    "nothing is appended. Write the whole path, such as /v1/chat/completions."
                )
            case 405 if not upgrading:
                allowed = self._said(answered.get("allow", ""))[:80]
                said = f"; the target allows {allowed}" if allowed else ""
                return (
                    f"{asked} was sent{said}. Set {self._place}.request.method, or mend the path."
                )
            case 426 if answered.get("upgrade", "").lower() == "websocket":
                return (
                    f'{self._place}: "protocol": "websocket", and a base_url with ws:// or wss://'
                )
            case 400 | 415 | 422 if not upgrading:
                sent = self.what_was_sent()
                body = f" It was sent: {sent}" if sent else ""
                return f"Write {self._place}.request.body as the target expects it.{body}"
            case status if upgrading and 200 <= status <= 299:
                media_type = response.media_type if response is not None else ""
                protocol = "sse" if media_type in _STREAMS else "http_chat"
                return (
                    f'{self._place}: "protocol": "{protocol}" and a base_url with http:// or '
                    "https://; or the path of the WebSocket, if the target has one."
                )
            case status if upgrading and status in (400, 404, 405, 426):
                return (
                    f"Check the path in {self._place}.base_url: {asked} is no WebSocket; or write "
                    '"protocol": "sse" or "http_chat" and a URL with http:// or https://.'
                )
            case status if 300 <= status <= 399:
                return f"Put the URL it leads to into {self._place}.base_url."
            case 429:
                return f"Wait, or let it be tried again: {self._place}.retry."
            case status if status >= 500:
                return (
                    "Look into the target's log: it failed, or what stands before it could not "
                    "reach it."
                )
        return f"Check {self._place} against what the target expects."

    def _unauthorised(self, failure: RejectedError, *, upgrading: bool) -> str:
        status = failure.status
        if failure.phase is Phase.CONNECT and not upgrading:
            return (
                f"That was the token endpoint, not the target: check {self._place}.auth with who "
                "runs it."
            )
        request = self._heads.request
        sent = self._sent(request) if request is not None else []
        auth = self._connection.auth
        if not sent:
            where = " (it travels on the handshake)" if upgrading else ""
            return (
                f'Write {self._place}.headers: {{"Authorization": "Bearer ${{TOKEN}}"}}, or '
                f"'auth'{where}."
            )
        if auth is not None and auth.type == "oauth2":
            return (
                "The token is new, so it is not a matter of its age: check 'auth.scope', and that "
                "'auth.tokenUrl' is of the same environment as the target."
            )
        if status == 403 and upgrading:
            return (
                "The credential may lack the right; or the target wants the header Origin of its "
                f'own pages: {self._place}.headers: {{"Origin": "https://…"}}.'
            )
        if status == 403:
            return "The credential is known, but may not do this: check its rights."
        return (
            "Check that value: has it expired, is it of this environment, and does the target want "
            "it in this header, with this scheme?"
        )

    def _too_late(self, limit: str, reply: Reply) -> str:
        key = f"{self._place}.{_LIMIT_KEYS.get(limit, limit)}"
        if limit in ("first_content", "total") and not self._watch.events:
            sent = self.what_was_sent()
            body = f" It was sent: {sent}" if sent else ""
            return (
                f"If the target is only slow, raise {key}. Else it does not know the message for "
                "one: compare what it expects ('request.body'; on a WebSocket also 'messageField' "
                f"and 'messageFormat').{body}"
            )
        if limit == "first_content":
            return (
                f"Events came, but no text: check 'contentPath'. If it is only slow, raise {key}."
            )
        if reply.content:
            return (
                "The text came, the finish did not: check 'finishPath' and 'finishValue'. If the "
                f"target is only slow, raise {key}."
            )
        return f"If the target is only slow, raise {key}. Else look into its log."

    def _unreadable(self) -> str:
        response = self._heads.response
        media_type = response.media_type if response is not None else ""
        if media_type in _STREAMS and self._connection.protocol != "sse":
            return f'{self._place}: "protocol": "sse"'
        if "html" in media_type:
            return (
                f"Open {self._connection.origin} in a browser: is it a login, or the page of a "
                f"product? {self._place}.base_url must be that of the API; credentials may be "
                "missing."
            )
        if self._connection.protocol == "sse":
            return (
                "If the stream is there and only its Content-Type is wrong, write "
                f'{self._place}.sse.format: "sse", "ndjson" or "json".'
            )
        return f"Check {self._place}.base_url and 'protocol': does this target speak it?"

    def _error_inside(self) -> str:
        sent = self.what_was_sent()
        body = f" It was sent: {sent}" if sent else ""
        return f"The target understood that there was a request, and says what it lacks.{body}"
