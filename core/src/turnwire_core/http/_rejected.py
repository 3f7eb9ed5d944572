"""What to say, and raise, when the status is no success."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from turnwire_core.errors import DriverError, Phase, ProtocolError, ProxyError, RejectedError
from turnwire_core.http._response import HttpResponse
from turnwire_core.http._retry_after import retry_after
from turnwire_core.http._url import Url, parse_url
from turnwire_core.http._wire import Wire
from turnwire_core.showing import neutral

_SHOWN_CHARACTERS: Final = 300

_ADVICE: Final[Mapping[int, str]] = {
    400: "Check 'request.body' against what the API wants.",
    401: "Check the credentials in 'auth' or 'headers'.",
    403: "Check the credentials in 'auth' or 'headers', and what they allow.",
    404: "Check the path in base_url: it is used exactly as written.",
    405: "Check 'request.method'.",
    415: "Check the Content-Type in 'headers'.",
    422: "Check 'request.body' against what the API wants.",
    426: "It may speak another protocol: check 'protocol'.",
}


async def refuse(response: HttpResponse, wire: Wire, *, upgrading: bool = False) -> None:
    """Raise if the response is no reply or, when upgrading, no 101.

    Raises:
        RejectedError: the status is no success.
        ProtocolError: it is one, without a body (204, 205).
        ProxyError: a proxy wants credentials.
    """
    status = response.status
    if upgrading and status == 101:
        return
    if not upgrading and 200 <= status <= 299 and status not in (204, 205):
        return
    raise await _refusal(response, wire, upgrading=upgrading)


async def _refusal(response: HttpResponse, wire: Wire, *, upgrading: bool) -> DriverError:
    status = response.status
    if wire.proxy is not None and status == 407:
        return ProxyError(
            f"The proxy {wire.proxy} wants credentials (407). Write them into its URL: "
            "http://USER:PASSWORD@HOST:PORT."
        )
    if not upgrading and status in (204, 205):
        return ProtocolError(
            f"{wire.target} gave an empty answer ({_named(status)}), which holds no reply.",
            phase=Phase.HEADERS,
        )
    seconds = retry_after(response.headers)
    body = await response.excerpt()
    said = f": {body[:_SHOWN_CHARACTERS]}" if body else ""
    message = f"{wire.target} answered {_named(status)}{said}"
    if message[-1] not in ".!?…":
        message += "."
    if upgrading and 200 <= status <= 299:
        message += " That is no WebSocket: check base_url, or set 'protocol' to http_chat or sse."
    elif 300 <= status <= 399:
        message += _redirect_advice(response.headers.get("location", ""), wire)
    elif status == 429 or seconds is not None:
        wait = f" It asks to wait {seconds:g} s." if seconds is not None else ""
        message += f"{wait} See 'retry' for trying again."
    elif upgrading and status in (400, 404, 405):
        message += " Is base_url the URL of a WebSocket? The target would not switch to one."
    elif status in _ADVICE:
        message += f" {_ADVICE[status]}"
    elif status >= 500:
        via = f", or the proxy {wire.proxy}," if wire.proxy else ""
        message += f" The target{via} failed; look into its log."
    return RejectedError(message, status=status, body=body, retry_after=seconds)


def origin_text(url: Url) -> str:
    """Scheme, host and port: what messages may show of an URL."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return f"{url.scheme}://{host}:{url.port}" if url.port else f"{url.scheme}://{host}"


def _redirect_advice(location: str, wire: Wire) -> str:
    """Where a redirect leads (its origin, no more), and what to do about it."""
    if not location:
        return ""
    try:
        target = origin_text(parse_url(wire.target).join(location))
    except ValueError:
        target = "something that is no URL"
    return (
        f" It redirects to {wire.connection.secrets.mask(neutral(target))}. Put the new URL into "
        "base_url, or set 'followRedirects' to true (only 307 and 308 are followed)."
    )


def _named(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status)
