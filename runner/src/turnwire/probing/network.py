"""The way to the target below its protocol: proxy, name, TCP and TLS, on a socket of our own.

Each step is timed apart, which the conversation's own connecting cannot be: it does all in one go.
Of a protocol that is not HTTP the proxy and TLS are its driver's business, and left to it.
"""

from __future__ import annotations

import datetime as dt
import os
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from time import perf_counter_ns
from typing import TYPE_CHECKING, Final, NoReturn
from urllib.parse import urlsplit

import anyio
import attrs
from anyio.abc import ByteStream

from turnwire.probing.facts import Fault, Step, StepName, StepStatus
from turnwire_core import Connection, DriverError, TimeLimitError
from turnwire_core.showing import neutral

if TYPE_CHECKING:
    from turnwire_core.http import Approach, TlsFacts

EXPIRY_WARNING_DAYS: Final = 14
"""A certificate that ends sooner is warned of: a renewal that works comes a month before."""

_HTTP_SCHEMES: Final = ("http", "https", "ws", "wss")

Tell = Callable[[Step], None]


class WayBroken(Exception):
    """A step failed, and was told of."""


class Way:
    """The steps from the proxy to TLS; ``approach`` is None for what does not speak HTTP.

    All steps together have ``limits.connect_ms``, as those of a conversation do.
    """

    def __init__(self, connection: Connection, place: str, tell: Tell) -> None:
        """``place`` is where the connection is written, for messages."""
        self._connection = connection
        self._place = place
        self._tell = tell
        self._deadline = anyio.current_time() + connection.limits.connect_ms / 1000
        self.approach: Approach | None = None
        parts = urlsplit(connection.base_url)
        self._scheme = parts.scheme.lower()
        self._target: tuple[str, int | None] = (parts.hostname or "", _port(connection))

    async def go(self) -> None:
        """Take all steps.

        Raises:
            WayBroken: one failed.
        """
        self._choose_proxy()
        host, port = self.approach.first_hop if self.approach is not None else self._target
        if not host or port is None:
            for name in (StepName.NAME, StepName.TCP, StepName.TLS):
                found = f"base_url names no {'port' if host else 'host'}; its driver knows the way"
                self._tell(Step(name, StepStatus.SKIPPED, found))
            return
        addresses = await self._resolve(host, port)
        async with self._connected(host, port, addresses) as stream:
            await self._secure(stream)

    def _choose_proxy(self) -> None:
        name = StepName.PROXY
        if self._scheme not in _HTTP_SCHEMES:
            found = f"none: {self._scheme}:// is not HTTP"
            self._tell(Step(name, StepStatus.SKIPPED, found))
            return
        from turnwire_core.http import Approach

        try:
            approach = self.approach = Approach(self._connection)
        except DriverError as exc:
            fix = f'Mend the proxy\'s URL, or set {self._place}.proxy to "" to go without.'
            self._fail(name, str(exc), fix, fault=Fault.CONFIG)
        proxy, source = approach.proxy, approach.proxy_source
        if proxy is None:
            self._tell(Step(name, StepStatus.OK, f"none: {source}"))
        else:
            self._tell(
                Step(
                    name,
                    StepStatus.OK,
                    f"{proxy}, from {source}",
                    facts={"proxy": proxy, "source": source},
                )
            )

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        name, start_ns = StepName.NAME, perf_counter_ns()
        failure: Exception | None = None
        addresses: list[str] = []
        with anyio.CancelScope(deadline=self._deadline) as scope:
            try:
                found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
                addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
            except (OSError, UnicodeError) as exc:
                failure = exc
        whose = f"the proxy {host!r}" if self._via_proxy else f"the host {host!r}"
        if scope.cancelled_caught:
            cause = f"Could not find {whose} within {self._limit}: the name servers do not answer."
            self._fail(name, cause, "Check the network of this machine, and its name servers.")
        if failure is not None:
            cause = f"Could not find {whose} ({_reason(failure)})."
            fix = f"Check the spelling of the host in {self._key}, and the network (a VPN?)."
            self._fail(name, cause, fix)
        facts = {"host": host, "addresses": addresses}
        text = (
            f"{host} → {', '.join(addresses)}" if addresses != [host] else f"{host} is an address"
        )
        self._tell(Step(name, StepStatus.OK, text, _since(start_ns), facts=facts))
        return addresses

    @asynccontextmanager
    async def _connected(
        self, host: str, port: int, addresses: Sequence[str]
    ) -> AsyncIterator[ByteStream]:
        """TCP to the first address that takes it; and through the proxy, if that is to be asked."""
        name, start_ns = StepName.TCP, perf_counter_ns()
        refused: list[str] = []
        stream: ByteStream | None = None
        failure: OSError | None = None
        with anyio.CancelScope(deadline=self._deadline) as scope:
            for address in addresses:
                try:
                    stream = await anyio.connect_tcp(address, port)
                except OSError as exc:
                    failure = exc
                    refused.append(f"{_shown(address, port)}: {_reason(exc)}")
                else:
                    break
        if stream is None:
            self._tcp_failed(host, port, refused, failure, timed_out=scope.cancelled_caught)
        through = ""
        if self.approach is not None and self.approach.wants_tunnel:
            through = f", through which {self.approach.host}:{self.approach.port} is reached"
            try:
                stream = await self.approach.tunnel(stream, self._deadline)
            except DriverError as exc:
                fix = f'Check the proxy in {self._key}; {self._place}.proxy: "" goes without one.'
                self._fail(name, str(exc), fix, time_ms=_since(start_ns))
        facts = {"address": address, "port": port, "refused": refused}
        text = f"{_shown(address, port)}{through}"
        step = Step(name, StepStatus.OK, text, _since(start_ns), facts=facts)
        if refused:
            step = attrs.evolve(
                step,
                status=StepStatus.WARN,
                cause=f"Not every address of {host} answers: {'; '.join(refused)}.",
                fix="A client that tries only the first fails: mend the records of the name, or "
                "let the server listen on all of them.",
            )
        self._tell(step)
        try:
            yield stream
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    def _tcp_failed(
        self,
        host: str,
        port: int,
        refused: Sequence[str],
        failure: OSError | None,
        *,
        timed_out: bool,
    ) -> NoReturn:
        where = f"{'the proxy ' if self._via_proxy else ''}{_shown(host, port)}"
        if timed_out or failure is None:
            cause = f"Could not connect to {where} within {self._limit}: it did not answer."
            fix = (
                "A firewall drops what is sent there, or the target is down. Check the host and "
                f"port in {self._key}, and whether a VPN or a proxy is needed; for a target that "
                f"is only slow, raise {self._place}.limits.connectMs."
            )
        else:
            reasons = [_reason(failure)] if len(refused) == 1 else refused
            cause = f"Could not connect to {where}: {'; '.join(reasons)}."
            fix = f"Check the host and port in {self._key}, and the network."
            if isinstance(_root(failure), ConnectionRefusedError):
                fix = f"Is the server running, and is the port in {self._key} right?"
        self._fail(StepName.TCP, cause, fix)

    async def _secure(self, stream: ByteStream) -> None:
        name, approach = StepName.TLS, self.approach
        if approach is None:
            found = f"left to the driver of {self._connection.protocol}"
            self._tell(Step(name, StepStatus.SKIPPED, found))
            return
        if not approach.wants_tls:
            self._tell(Step(name, StepStatus.SKIPPED, f"{self._scheme}:// has none"))
            return
        start_ns = perf_counter_ns()
        try:
            stream, facts = await approach.secure(stream, self._deadline)
        except DriverError as exc:
            time_ms, cause = _since(start_ns), str(exc)
            is_plain = isinstance(exc, TimeLimitError) and await _speaks_http(approach)
            if is_plain:
                cause = (
                    f"The target answers plain HTTP: it does not speak TLS on this port. {cause}"
                )
            fix = self._without_tls if is_plain else self._tls_fix(exc)
            self._fail(name, cause, fix, time_ms=time_ms)
        else:
            self._tell(_tls_step(facts, _since(start_ns), self._place))
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)

    def _tls_fix(self, failure: DriverError) -> str:
        said = str(failure)
        if isinstance(failure, TimeLimitError):
            key = f"{self._place}.limits.connectMs"
            return f"Look into the target's log; if it is only slow, raise {key}."
        if "does not speak TLS" in said or "closed the connection during" in said:
            return f"If the target speaks no TLS: {self._without_tls}"
        if "refused us" in said:
            return f"Name our certificate in {self._place}.tls.clientCert and clientKey."
        if "certificate" in said:
            return (
                f"Renew or replace the certificate, or name its CA in {self._place}.tls.caBundle. "
                '"tls": {"verify": false} accepts any, for tests on your own machine only.'
            )
        return f"Check the scheme and the port in {self._key}, and the TLS versions of the target."

    @property
    def _without_tls(self) -> str:
        _, rest = self._connection.base_url.split("://", 1)
        scheme = {"https": "http", "wss": "ws"}.get(self._scheme, self._scheme)
        return f'{self._place}.base_url: "{scheme}://{rest}"'

    @property
    def _via_proxy(self) -> bool:
        return self.approach is not None and self.approach.proxy is not None

    @property
    def _key(self) -> str:
        """What names the host that TCP is opened to."""
        if self.approach is not None and self.approach.proxy is not None:
            return self.approach.proxy_source
        return f"{self._place}.base_url"

    @property
    def _limit(self) -> str:
        return f"{self._connection.limits.connect_ms:g} ms (limits.connectMs)"

    def _fail(
        self,
        name: StepName,
        cause: str,
        fix: str,
        *,
        time_ms: float | None = None,
        fault: Fault = Fault.TARGET,
    ) -> NoReturn:
        mask = self._connection.secrets.mask
        self._tell(
            Step(
                name,
                StepStatus.FAILED,
                time_ms=time_ms,
                cause=mask(cause),
                fix=mask(fix),
                fault=fault,
            )
        )
        raise WayBroken


def _tls_step(facts: TlsFacts, time_ms: float, place: str) -> Step:
    text = f"{facts.version}, {facts.cipher}"
    shown = {
        "version": facts.version,
        "cipher": facts.cipher,
        "checked": facts.checked,
        "subject": facts.subject,
        "issuer": facts.issuer,
        "notAfter": facts.not_after.isoformat() if facts.not_after else None,
    }
    if not facts.checked:
        return Step(
            StepName.TLS,
            StepStatus.WARN,
            f"{text}; the certificate is NOT checked",
            time_ms,
            "tls.verify is false: anyone on the way can read and change what is said.",
            f"Name the CA in {place}.tls.caBundle, and leave 'verify' away.",
            facts=shown,
        )
    left = facts.not_after - dt.datetime.now(dt.UTC) if facts.not_after else None
    if facts.not_after is None or left is None:
        return Step(StepName.TLS, StepStatus.OK, text, time_ms, facts=shown)
    issuer = f" by {neutral(facts.issuer)}" if facts.issuer else ""
    text += f"; certificate of {neutral(facts.subject or 'nobody')}{issuer}"
    text += f", valid until {facts.not_after:%Y-%m-%d} ({left.days} days)"
    if left.days >= EXPIRY_WARNING_DAYS:
        return Step(StepName.TLS, StepStatus.OK, text, time_ms, facts=shown)
    cause = f"The target's certificate expires in {left.days} days."
    fix = "Renew it at the target; from that day on nobody gets through."
    return Step(StepName.TLS, StepStatus.WARN, text, time_ms, cause, fix, facts=shown)


async def speaks_tls(approach: Approach, within_s: float = 1.0) -> bool:
    """Whether there is TLS where the connection goes without: the certificate does not matter."""
    if approach.proxy is not None:
        return False
    deadline = anyio.current_time() + within_s
    with anyio.CancelScope(deadline=deadline):
        try:
            stream: ByteStream = await anyio.connect_tcp(approach.host, approach.port)
        except OSError:
            return False
        try:
            stream, _ = await approach.secure(stream, deadline, verify=False)
        except DriverError:
            return False
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(stream)
        return True
    return False


async def _speaks_http(approach: Approach, within_s: float = 1.0) -> bool:
    """Whether there is plain HTTP where the connection wants TLS and nobody answers its hello."""
    if approach.proxy is not None:
        return False
    request = f"HEAD / HTTP/1.1\r\nHost: {approach.host}\r\nConnection: close\r\n\r\n"
    with anyio.move_on_after(within_s):
        try:
            async with await anyio.connect_tcp(approach.host, approach.port) as stream:
                await stream.send(request.encode("ascii"))
                return (await stream.receive()).startswith(b"HTTP/1.")
        except (OSError, UnicodeError, anyio.BrokenResourceError, anyio.EndOfStream):
            return False
    return False


def _port(connection: Connection) -> int | None:
    try:
        return urlsplit(connection.base_url).port
    except ValueError:
        return None


def _shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _since(start_ns: int) -> float:
    return (perf_counter_ns() - start_ns) / 1e6


def _reason(exc: BaseException) -> str:
    """What the system says; anyio wraps the error of the one address that was tried."""
    cause = _root(exc)
    if isinstance(cause, OSError) and cause.errno is not None and cause.errno > 0:
        return os.strerror(cause.errno).lower()
    if isinstance(cause, OSError) and cause.strerror:
        return neutral(cause.strerror)[:200]
    return neutral(str(cause))[:200] or type(cause).__name__


def _root(exc: BaseException) -> BaseException:
    cause: BaseException = exc.__cause__ or exc
    while isinstance(cause, BaseExceptionGroup):
        cause = cause.exceptions[0]
    return cause
