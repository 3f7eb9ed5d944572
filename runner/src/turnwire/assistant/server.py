"""The server: a listening socket, and a task for each client."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
from anyio.abc import SocketAttribute, SocketStream

from turnwire.assistant.desk import Desk
from turnwire.assistant.reception import receive_client
from turnwire.assistant.script import Pace
from turnwire.assistant.stage import SendRecord

_log = logging.getLogger(__name__)

ACCEPT_PAUSE_S = 0.05
"""How long to wait when no client can be accepted: mostly, there is no free file descriptor."""

_ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - not bound to


class Assistant:
    """A running assistant. ``host`` and ``port`` are what clients are to connect to."""

    def __init__(self, host: str, port: int, desk: Desk) -> None:
        self.host = host
        self.port = port
        self._desk = desk

    def __repr__(self) -> str:
        return f"<Assistant at {self.url}>"

    @property
    def url(self) -> str:
        """``http://HOST:PORT``, without a slash at the end."""
        return f"http://{self._authority}"

    @property
    def ws_url(self) -> str:
        """``ws://HOST:PORT``, without a slash at the end."""
        return f"ws://{self._authority}"

    @property
    def sends(self) -> deque[SendRecord]:
        """When the latest replies were written, oldest first; also at ``GET /sends``."""
        return self._desk.sends

    @property
    def _authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


@asynccontextmanager
async def serve_assistant(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    pace: Pace = Pace(),  # noqa: B008 - frozen
    token: str | None = None,
) -> AsyncIterator[Assistant]:
    """Run the assistant until the context is left; then all its sockets are closed.

    Port 0 lets the system choose one. With a ``token``, every request must carry it, as
    ``Authorization: Bearer`` or ``x-api-key``. The server is meant for tests and demonstrations
    on one machine: it has no TLS, and it trusts its clients with faults and delays.

    Raises:
        OSError: the port is taken, or the host is no address of this machine.
    """
    desk = Desk(pace, token)

    async def receive(stream: SocketStream) -> None:
        try:
            async with stream:
                await receive_client(desk, stream)
        except Exception:  # noqa: BLE001 - logged with its traceback
            # A defect of ours. It ends one connection, not those of everybody else.
            _log.exception("The assistant failed to answer a client.")

    async def accept() -> None:
        while True:
            try:
                await listener.serve(receive, tasks)
            except* (OSError, anyio.BrokenResourceError) as group:  # the one on asyncio or trio
                cause = group.exceptions[0]
                _log.warning("No client can be accepted: %s", cause.__cause__ or cause)
                await anyio.sleep(ACCEPT_PAUSE_S)

    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - of anyio, not of Django
    failure: BaseException | None = None
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(accept)
        try:
            yield Assistant(_ANY_ADDRESS.get(host, host), port, desk)
        except (Exception, KeyboardInterrupt, SystemExit) as exc:  # noqa: BLE001 - raised again
            # Inside the task group it would leave as an ExceptionGroup.
            failure = exc
        tasks.cancel_scope.cancel()
    if failure is not None:
        raise failure
