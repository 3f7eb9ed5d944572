"""Opening connections, with the project's own deadline and proxies.

Name resolution, TCP, proxy and TLS share one deadline, ``limits.connectMs``.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable, Iterable
from time import perf_counter_ns
from typing import Any, ClassVar, Final

import anyio
from anyio.abc import ByteStream

from turnwire_core.http._proxy import Proxy
from turnwire_core.http._sockets import StampedStream, connect
from turnwire_core.http._wire import (
    DialError,
    Step,
    TunnelRefused,
    Wire,
    WireStream,
    discard,
    handshake,
)

_HEAD_BYTES: Final = 16 * 1024
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?\r?\n")


class Dialler:
    """Opens TCP to the target, or through ``proxy`` with CONNECT (RFC 9110 §9.3.6)."""

    stream_class: ClassVar[type[WireStream]] = WireStream

    def __init__(
        self, wire: Wire, context: Callable[[], ssl.SSLContext], proxy: Proxy | None = None
    ) -> None:
        self._wire = wire
        self._context = context
        self._proxy = proxy

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002 - limits.connect_ms bounds more than TCP
        local_address: str | None = None,  # noqa: ARG002 - httpcore hands on what its pool was told
        socket_options: Iterable[Any] | None = None,  # noqa: ARG002 - TCP_NODELAY is set below
    ) -> WireStream:
        wire = self._wire
        deadline = anyio.current_time() + wire.connection.limits.connect_ms / 1000
        leading = b""
        if self._proxy is None:
            # A plain HTTP request through a proxy is one to the proxy: the client said so.
            via = wire.proxy is not None
            step = wire.step = Step.PROXY if via else Step.REACH
            tls_step = Step.PROXY if via else Step.TLS
            raw = await _tcp(host, port, deadline, step)
            stream: ByteStream = raw
        else:
            wire.step = Step.PROXY
            tls_step = Step.TLS
            raw = await _tcp(self._proxy.host, self._proxy.port, deadline, Step.PROXY)
            stream, leading = await self.tunnel(self._proxy, raw, host, port, deadline)
        wire.connected_ns = perf_counter_ns()
        connected = self.stream_class(wire, stream, raw, deadline=deadline, tls_step=tls_step)
        if leading:
            connected.unread(leading, was_shown=False)
        return connected

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    async def tunnel(
        self, proxy: Proxy, stream: ByteStream, host: str, port: int, deadline: float
    ) -> tuple[ByteStream, bytes]:
        """Have ``stream``, a connection to the proxy, lead to the target.

        The bytes are what the target has said already. If it fails, the stream is closed.

        Raises:
            DialError: the proxy refused, broke off, or took too long.
        """
        if proxy.scheme == "https":
            stream = await handshake(
                stream, self._context(), proxy.host, deadline=deadline, step=Step.PROXY
            )
        cause: BaseException | None = None
        try:
            with anyio.CancelScope(deadline=deadline):
                return stream, await self._ask(proxy, stream, host, port)
        except (TunnelRefused, OSError, anyio.BrokenResourceError, anyio.EndOfStream) as exc:
            cause = exc
        except BaseException:  # cancelled from outside
            await discard(stream)
            raise
        await discard(stream)
        raise DialError(Step.PROXY, cause, proxy.host) from cause

    async def _ask(self, proxy: Proxy, stream: ByteStream, host: str, port: int) -> bytes:
        """Send CONNECT. What the proxy sent after its answer belongs to the target."""
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if proxy.authorization is not None:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        request = "\r\n".join([*lines, "", ""]).encode("ascii")
        await stream.send(request)
        tap = self._wire.connection.tap
        if tap is not None:
            tap.sent(perf_counter_ns(), "connect", request)
        data = b""
        while b"\r\n\r\n" not in data:
            if len(data) > _HEAD_BYTES:
                raise TunnelRefused(0, "an endless head")
            data += await stream.receive()
        head, _, rest = data.partition(b"\r\n\r\n")
        head += b"\r\n"
        if tap is not None:
            tap.received(perf_counter_ns(), "connect", head)
        match = _STATUS_LINE.match(head)
        if match is None:
            raise TunnelRefused(0, "something that is not HTTP")
        status = int(match[1])
        if not 200 <= status <= 299:
            raise TunnelRefused(status, (match[2] or b"").decode("latin-1"))
        return rest


async def _tcp(host: str, port: int, deadline: float, step: Step) -> StampedStream:
    cause: BaseException | None = None
    with anyio.CancelScope(deadline=deadline):
        try:
            return await connect(host, port)
        except OSError as exc:
            cause = exc
        except UnicodeError as exc:  # a label that IDNA cannot write
            cause = exc
    raise DialError(step, cause, host) from cause
