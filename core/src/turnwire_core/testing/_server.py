"""Places to connect to: a server, a port where nobody is, and one that lets nobody in."""

from __future__ import annotations

import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager

import anyio
from anyio.abc import SocketAttribute, SocketStream

_BACKLOG = 512
_MOST_PENDING = 64
_ANSWER_SECONDS = 0.1


@asynccontextmanager
async def tcp_server(
    handler: Callable[[SocketStream], Awaitable[None]], *, port: int = 0
) -> AsyncIterator[int]:
    """Run ``handler`` for each connection to a port of 127.0.0.1; the value is the port.

    With port 0 the system chooses one.

    A connection is closed when its handler returns, and all are when the context is left. That a
    client went away is no error of a handler; everything else is.
    """

    async def serve(stream: SocketStream) -> None:
        gone = (
            anyio.BrokenResourceError,
            anyio.ClosedResourceError,
            anyio.EndOfStream,
            anyio.IncompleteRead,
        )
        try:
            async with stream:
                await handler(stream)
        except gone:
            pass

    listener = await anyio.create_tcp_listener(
        local_host="127.0.0.1", local_port=port, backlog=_BACKLOG
    )
    failure: Exception | None = None
    # The tasks end before their listener closes, or accepting would fail loudly.
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, serve)
        try:
            yield listener.extra(SocketAttribute.local_port)
        except Exception as exc:  # noqa: BLE001 - raised again below
            # A test that fails in here must show why, not a group with the reason in it.
            failure = exc
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure


def unused_port() -> int:
    """A port at which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def deaf_port() -> Iterator[int | None]:
    """A port that lets nobody in and refuses nobody; None where the system cannot have one.

    Its queue of connections is full, and a further one is passed over in silence.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting: list[socket.socket] = []
        try:
            while len(waiting) < _MOST_PENDING:
                one = socket.socket()
                waiting.append(one)
                one.setblocking(False)
                one.connect_ex(listener.getsockname())
                if not select.select([], [one], [], _ANSWER_SECONDS)[1]:
                    yield listener.getsockname()[1]
                    return
            yield None
        finally:
            for one in waiting:
                one.close()
