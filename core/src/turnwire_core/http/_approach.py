"""The way to a target that speaks HTTP, step by step, on a socket of one's own.

For tools that say where the way ends. A conversation goes the same way, but in one go: what a step
needs (the proxy, the certificates, the words of the errors) is the same code as theirs.
"""

from __future__ import annotations

import datetime as dt
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

import attrs
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute

from turnwire_core.contracts.connection import Connection
from turnwire_core.http._dial import Dialler
from turnwire_core.http._errors import root, translate
from turnwire_core.http._proxy import Proxy, explain_proxy
from turnwire_core.http._tls import tls_context
from turnwire_core.http._wire import DialError, Step, Wire, handshake

_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}


@attrs.frozen
class TlsFacts:
    """What a TLS handshake agreed on, and whose certificate it was.

    ``checked`` is false where ``tls.verify`` is: then nothing is known of the certificate.
    """

    version: str
    cipher: str
    checked: bool
    subject: str | None = None
    issuer: str | None = None
    not_after: dt.datetime | None = None


class Approach:
    """The way to ``connection.base_url``, whose scheme is http, https, ws or wss.

    ``proxy`` is where it leads through, as scheme, host and port, or None; ``proxy_source`` says in
    words what decided so.

    Raises:
        ProxyError: the proxy's URL cannot be used.
        ValueError: ``base_url`` has another scheme, no host, or a port that is no number.
    """

    def __init__(self, connection: Connection) -> None:
        parts = urlsplit(connection.base_url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ValueError(f"{connection.origin} is not for HTTP.")
        self.host = parts.hostname
        self.port = parts.port or _PORTS[parts.scheme]
        self.wants_tls = parts.scheme in ("https", "wss")
        self._wire = Wire(connection)
        chosen, self.proxy_source = explain_proxy(connection, parts.scheme, self.host, self.port)
        self._proxy: Proxy | None = chosen
        self.proxy = chosen.origin if chosen is not None else None
        self._wire.proxy = self.proxy
        self.wants_tunnel = chosen is not None and parts.scheme != "http"
        """Whether the proxy is asked to let us through, not handed the request itself."""

    @property
    def first_hop(self) -> tuple[str, int]:
        """Host and port of what TCP is opened to: the proxy, or else the target."""
        return (self._proxy.host, self._proxy.port) if self._proxy else (self.host, self.port)

    async def tunnel(self, stream: ByteStream, deadline: float) -> ByteStream:
        """Have the proxy at the other end of ``stream`` let us through to the target.

        ``deadline`` is of anyio's clock. If it fails, the stream is closed.

        Raises:
            ProxyError: it did not.
        """
        if self._proxy is None:
            return stream
        dialler = Dialler(self._wire, self._context, self._proxy)
        try:
            through, _ = await dialler.tunnel(self._proxy, stream, self.host, self.port, deadline)
        except DialError as exc:
            raise translate(exc, self._wire) from root(exc)
        return through

    async def secure(
        self, stream: ByteStream, deadline: float, *, verify: bool = True
    ) -> tuple[ByteStream, TlsFacts]:
        """TLS over ``stream``. If it fails, the stream is closed.

        ``verify`` false accepts any certificate, whatever the connection says: to find out only
        whether the target speaks TLS.

        Raises:
            TlsError: the handshake failed.
            TimeLimitError: it did not end in time.
        """
        self._wire.step = Step.TLS
        self._wire.connected_ns = None
        context = self._context() if verify else _accepting_anything()
        try:
            secured = await handshake(stream, context, self.host, deadline=deadline, step=Step.TLS)
        except DialError as exc:
            raise translate(exc, self._wire) from root(exc)
        extra = secured.extra  # anyio's; a linter takes it for a method of Django's
        cipher = extra(TLSAttribute.cipher)
        certificate: Any = extra(TLSAttribute.peer_certificate) or {}
        return secured, TlsFacts(
            version=extra(TLSAttribute.tls_version),
            cipher=cipher[0],
            checked=context.verify_mode is not ssl.CERT_NONE,
            subject=_name(certificate.get("subject")) or _first_alternative(certificate),
            issuer=_name(certificate.get("issuer")),
            not_after=_moment(certificate.get("notAfter")),
        )

    def _context(self) -> ssl.SSLContext:
        return tls_context(self._wire.connection)


def _accepting_anything() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _name(parts: Any) -> str | None:
    """The common name, else the organisation, of what :meth:`ssl.SSLSocket.getpeercert` gives."""
    found = {key: value for part in parts or () for key, value in part}
    for key in ("commonName", "organizationName"):
        if key in found:
            return str(found[key])
    return None


def _first_alternative(certificate: Any) -> str | None:
    names = certificate.get("subjectAltName") or ()
    return str(names[0][1]) if names else None


def _moment(text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    return dt.datetime.fromtimestamp(ssl.cert_time_to_seconds(text), dt.UTC)
