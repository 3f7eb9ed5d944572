"""From a host name to a connected TCP socket, on whichever backend runs."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address
from typing import Final

import anyio

_EYEBALLS_S: Final = 0.25
"""How long one address may take before the next is tried beside it (RFC 8305 §8)."""


async def reach(host: str, port: int) -> socket.socket:
    """Open TCP to the first address of ``host`` that answers, as :func:`anyio.connect_tcp` does.

    The socket does not block, and sends without delay (``TCP_NODELAY``).

    Raises:
        OSError: the name is not known, or no address could be reached: why not the first.
        UnicodeError: the name cannot be looked up.
    """
    first, *others = await _addresses(host, port)
    if not others:
        return await _open(first, port)
    return await _race([first, *others], port)


async def _open(address: str, port: int) -> socket.socket:
    (family, kind, proto, _, place), *_ = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )
    sock = socket.socket(family, kind, proto)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.connect(place)
        except BlockingIOError:
            await anyio.wait_writable(sock)
            if code := sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                raise OSError(code, os.strerror(code)) from None
    except BaseException:
        sock.close()
        raise
    return sock


async def _addresses(host: str, port: int) -> list[str]:
    """An IPv6 address first, then an IPv4 one, then the others."""
    try:
        return [ip_address(host).compressed]
    except ValueError:
        found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    firsts = [next((one for one in addresses if (":" in one) is v6), None) for v6 in (True, False)]
    return list(dict.fromkeys(one for one in (*firsts, *addresses) if one is not None))


async def _race(addresses: list[str], port: int) -> socket.socket:
    """Happy Eyeballs: a slow address does not hold up the next one (RFC 8305 §5)."""
    winner: socket.socket | None = None
    failures: list[OSError] = []

    async def attempt(address: str, over: anyio.Event) -> None:
        nonlocal winner
        try:
            sock = await _open(address, port)
        except OSError as exc:
            failures.append(exc)
        else:
            if winner is None:
                winner = sock
                tasks.cancel_scope.cancel()
            else:
                sock.close()
        finally:
            over.set()

    try:
        async with anyio.create_task_group() as tasks:
            for address in addresses:
                over = anyio.Event()
                tasks.start_soon(attempt, address, over)
                with anyio.move_on_after(_EYEBALLS_S):
                    await over.wait()
    except BaseException:  # cancelled from outside
        if winner is not None:
            winner.close()
        raise
    if winner is None:
        raise failures[0]
    return winner
