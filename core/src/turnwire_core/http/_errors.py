"""The one boundary for foreign exceptions: what becomes what.

    when                         foreign                                     ours
    ───────────────────────────  ──────────────────────────────────────────  ─────────────────
    name, route, port            gaierror, OSError, UnicodeError             ConnectError
    the same, of the proxy;      the same, TunnelRefused, ssl.SSLError,      ProxyError
      CONNECT, TLS to the proxy    time
    TLS with the target          ssl.SSLError, CertificateError, end         TlsError
    limits.connectMs ran out     DialError without a cause                   TimeLimitError
    reset, cut short             anyio's Broken- and ClosedResourceError,    StreamBrokenError
                                   OSError, an end that breaks the rules
    not HTTP, endless head       HttpViolation                               ProtocolError
    a request that is no HTTP    Unsendable, UnicodeError                    ProtocolError
                                                                               (phase send)

httpcore and h11 are imported where a proxy is used, so what they raise becomes one of these there.

Callers write ``raise translate(exc, wire) from root(exc)``. No message holds more of an URL than
its origin, or more than a line of what the peer said.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from typing import Final

import anyio

from turnwire_core.errors import (
    ConnectError,
    DriverError,
    Phase,
    ProtocolError,
    ProxyError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
)
from turnwire_core.http._http1 import HttpViolation
from turnwire_core.http._message import Unsendable
from turnwire_core.http._text import excerpt_of
from turnwire_core.http._wire import DialError, Step, TunnelRefused, Wire
from turnwire_core.showing import neutral

FOREIGN: Final = (
    DialError,
    OSError,  # ssl.SSLError and socket.gaierror among them
    UnicodeError,
    anyio.BrokenResourceError,
    anyio.ClosedResourceError,
    anyio.EndOfStream,
    HttpViolation,
    Unsendable,
)
"""Everything that may come up from below."""

# OpenSSL's X509_V_ERR_… → what to say. https://docs.openssl.org/3.0/man3/X509_STORE_CTX_get_error/
_CERTIFICATE: Final[Mapping[int, str]] = {
    9: "its certificate is not valid yet. Check this machine's clock.",
    10: "its certificate has expired. Renew it at the target.",
    18: "its certificate is self-signed. Name it in 'tls.caBundle' to trust it.",
    19: "its certificate comes from an unknown CA. Name that CA in 'tls.caBundle'.",
    20: "its certificate comes from an unknown CA. Name that CA in 'tls.caBundle'.",
    21: "its certificate comes from an unknown CA. Name that CA in 'tls.caBundle'.",
    23: "its certificate has been revoked.",
    62: "its certificate is for another host name. Use the certificate's name in the URL.",
    64: "its certificate is for another address. Use the certificate's name in the URL.",
}
_PLAIN_HTTP: Final = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE")
_OUR_CERTIFICATE: Final = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "UNKNOWN_CA", "HANDSHAKE_F")


def root(exc: BaseException) -> BaseException:
    """The exception to chain: the cause that a :class:`DialError` carries, or ``exc``."""
    return exc.cause if isinstance(exc, DialError) and exc.cause is not None else exc


def translate(exc: BaseException, wire: Wire) -> DriverError:
    """Our error for ``exc``, one of :data:`FOREIGN`."""
    if isinstance(exc, DialError):
        return _dial(exc, wire)
    if isinstance(exc, Unsendable):
        return ProtocolError(
            f"The request to {_where(wire)} cannot be sent: {_said(exc, wire)}.", phase=Phase.SEND
        )
    if isinstance(exc, ssl.SSLError):
        return TlsError(f"{_tls_failed(wire)}: {_tls_reason(exc)}", phase=wire.phase)
    if isinstance(exc, HttpViolation) and not wire.ended:
        return _not_http(exc, wire)
    if isinstance(exc, UnicodeError):
        return ProtocolError(
            f"The request to {_where(wire)} cannot be sent: it holds characters that HTTP does "
            "not allow there.",
            phase=Phase.SEND,
        )
    return _broken(wire)


def connect_timed_out(wire: Wire) -> DriverError:
    """``limits.connectMs`` ran out, at the step that ``wire`` has come to."""
    seconds = wire.connection.limits.connect_ms / 1000
    limit = f"within {seconds:g} s (limits.connectMs)"
    if wire.step is Step.PROXY:
        return ProxyError(
            f"The proxy {wire.proxy} did not let us through to {wire.target} {limit}. "
            f"{_PROXY_ADVICE}"
        )
    handshaking = wire.step is Step.TLS and wire.connected_ns is None
    doing = "the TLS handshake did not end" if handshaking else "it did not answer"
    return TimeLimitError(
        f"Could not connect to {_where(wire)} {limit}: {doing}. "
        "Check that the target is up and reachable from here, or raise the limit.",
        limit="connect",
        phase=Phase.CONNECT,
    )


_PROXY_ADVICE: Final = (
    "Check the proxy in 'proxy' or in the environment (HTTPS_PROXY, HTTP_PROXY, NO_PROXY); "
    '"proxy": "" goes without.'
)


def _dial(exc: DialError, wire: Wire) -> DriverError:
    if exc.cause is None:
        return connect_timed_out(wire)
    cause = exc.cause
    if exc.step is Step.PROXY:
        return ProxyError(_proxy_failed(cause, wire))
    if exc.step is Step.TLS:
        return TlsError(f"{_tls_failed(wire)}: {_tls_reason(cause)}")
    if isinstance(cause, socket.gaierror | UnicodeError):
        return ConnectError(
            f"Could not find the host {exc.host!r} ({_reason(cause)}). "
            f"Check its spelling in {wire.key}, and the network."
        )
    if isinstance(cause, ConnectionRefusedError):
        return ConnectError(
            f"Could not connect to {_where(wire)}: connection refused. "
            f"Is the server running, and is the port in {wire.key} right?"
        )
    return ConnectError(
        f"Could not connect to {_where(wire)}: {_reason(cause)}. "
        f"Check the host and port in {wire.key}, and the network."
    )


def _proxy_failed(cause: BaseException, wire: Wire) -> str:
    mask = wire.connection.secrets.mask
    what = f"The proxy {wire.proxy}"
    if isinstance(cause, TunnelRefused):
        said = neutral(mask(str(cause)))[:200]
        if cause.status == 407:
            return (
                f"{what} wants credentials ({said}). Write them into its URL: "
                "http://USER:PASSWORD@HOST:PORT."
            )
        answered = f"answered {said}" if cause.status else f"sent {said}"
        return f"{what} refused to connect us to {wire.target}: it {answered}."
    if isinstance(cause, socket.gaierror | UnicodeError):
        return f"{what} could not be found ({_reason(cause)}). {_PROXY_ADVICE}"
    if isinstance(cause, ssl.SSLError):
        return f"The TLS handshake with {what[0].lower()}{what[1:]} failed: {_tls_reason(cause)}"
    if isinstance(cause, OSError):
        return f"{what} could not be reached: {_reason(cause)}. {_PROXY_ADVICE}"
    return f"{what} closed the connection before it let us through. {_PROXY_ADVICE}"


def _tls_failed(wire: Wire) -> str:
    return f"TLS with {_where(wire)} failed"


def _tls_reason(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        code = cause.verify_code
        known = _CERTIFICATE.get(code)
        return known or f"its certificate is refused ({neutral(cause.verify_message)[:200]})."
    if isinstance(cause, ssl.SSLError):
        reason = cause.reason or ""
        if any(mark in reason for mark in _PLAIN_HTTP):
            return "it does not speak TLS on this port. Write http:// (or ws://) if that is meant."
        if any(mark in reason for mark in _OUR_CERTIFICATE):
            return f"it refused us ({reason}). It may want a certificate: 'tls.clientCert'."
        return f"{neutral(reason or str(cause))[:200] or 'no reason given'}."
    if isinstance(cause, ValueError):
        return "the host name in the URL cannot be checked against a certificate."
    return "it closed the connection during the handshake. Does it speak TLS on this port?"


def _not_http(exc: BaseException, wire: Wire) -> DriverError:
    who = _where(wire)
    if wire.phase is Phase.STREAM:
        return ProtocolError(f"The body from {who} breaks the rules of HTTP: {_said(exc, wire)}.")
    if "too long" in str(exc):  # the bound on a head: 100 KiB, with h11 and without it
        return ProtocolError(
            f"The head of the response from {who} is too long; over 100 KiB is not read.",
            phase=Phase.HEADERS,
        )
    # A TLS alert (RFC 8446 §5.1, §6) is what a TLS server answers to plain HTTP.
    advice = (
        "It speaks TLS: write https:// (or wss://)."
        if wire.opening.startswith(b"\x15\x03")
        else f"Check the scheme and the port in {wire.key}."
    )
    begin = excerpt_of(wire.opening, wire.connection.secrets, limit=60)
    return ProtocolError(
        f"{_subject(wire)} did not answer with HTTP; the answer begins with {begin!r}. {advice}",
        phase=Phase.HEADERS,
    )


def _broken(wire: Wire) -> StreamBrokenError:
    what = "closed the connection" if wire.ended else "reset the connection"
    match wire.phase:
        case Phase.STREAM:
            return StreamBrokenError(
                f"{_subject(wire)} {what} in the middle of the reply.", phase=Phase.STREAM
            )
        case Phase.HEADERS if wire.opening:
            when = "in the middle of the response's head"
        case Phase.HEADERS:
            when = "before it answered"
        case _:
            when = "while the request was being sent"
    return StreamBrokenError(
        f"{_subject(wire)} {what} {when}. Look into the server's log; it may have crashed or "
        "restarted.",
        phase=wire.phase,
    )


def _where(wire: Wire) -> str:
    return f"{wire.target} (through the proxy {wire.proxy})" if wire.proxy else wire.target


def _subject(wire: Wire) -> str:
    """The peer as the beginning of a sentence; an URL keeps its case."""
    where = _where(wire)
    return f"The{where[3:]}" if where.startswith("the ") else where


def _reason(cause: BaseException) -> str:
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        text = os.strerror(cause.errno)  # each event loop words it in its own way
    elif isinstance(cause, OSError) and cause.strerror:  # gaierror: its numbers are its own
        text = cause.strerror
    else:
        text = str(cause)
    return neutral(text)[:200] or type(cause).__name__


def _said(exc: BaseException, wire: Wire) -> str:
    text = neutral(wire.connection.secrets.mask(str(exc)))[:120]
    return text.rstrip(".") or type(exc).__name__
