"""A conversation over one WebSocket. wsproto keeps the rules, anyio the socket.

One task reads, so that pings and the closing handshake are answered in the middle of a reply; the
messages wait in a queue for the task that replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

import anyio
import attrs
from anyio.abc import ByteStream
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from wsproto import events as ws
from wsproto.connection import Connection, ConnectionType
from wsproto.utilities import LocalProtocolError

from turnwire.assistant.brain import Entry
from turnwire.assistant.desk import Desk
from turnwire.assistant.documents import parse_object
from turnwire.assistant.errors import BadRequest
from turnwire.assistant.framing import Event, to_json
from turnwire.assistant.routes import Socket
from turnwire.assistant.script import Wishes, whole_number
from turnwire.assistant.shapes import PlainText, Question
from turnwire.assistant.shapes.base import DONE_TEXT
from turnwire.assistant.stage import Outlet, perform

MAX_MESSAGE_BYTES: Final = 1024 * 1024
MAX_WAITING: Final = 64
"""Messages that a client may send ahead; then nothing is read until some were replied to."""
CLOSE_S: Final = 2.0
"""How long a client may take over its part of the closing handshake."""

# RFC 6455 §7.4.1
NORMAL_CLOSURE: Final = 1000
UNSUPPORTED_DATA: Final = 1003
MESSAGE_TOO_BIG: Final = 1009

GONE: Final = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
"""What anyio raises when the client has hung up."""


@attrs.frozen
class SocketOptions:
    """What the handshake asked for. ``turns`` None: as many as the client wants."""

    wishes: Wishes
    end_text: str = DONE_TEXT
    turns: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str], wishes: Wishes) -> SocketOptions:
        """The options in a query: ``?end=<text>`` and ``?turns=<number>``.

        Raises:
            BadRequest: ``turns`` is no number.
        """
        turns = query.get("turns")
        return cls(
            wishes,
            query.get("end", DONE_TEXT),
            None if turns is None else whole_number("turns", 1, 1_000_000)(turns),
        )


class Cutting(Exception):
    """The connection is to be dropped without a closing handshake."""


class SocketWire:
    """The server's end of one WebSocket, after its handshake."""

    def __init__(self, stream: ByteStream, trailing_data: bytes) -> None:
        self._stream = stream
        self._trailing_data = trailing_data
        self._connection = Connection(ConnectionType.SERVER)
        self._sending = anyio.Lock()

    async def send(self, event: ws.Event) -> None:
        """Write one frame.

        Raises:
            ClosedResourceError: the closing handshake has begun.
            BrokenResourceError: the client is gone.
        """
        async with self._sending:
            try:
                data = self._connection.send(event)
            except LocalProtocolError:
                raise anyio.ClosedResourceError from None
            await self._stream.send(data)

    async def read(self, messages: MemoryObjectSendStream[str]) -> None:
        """Put each message into the queue, until the client closes or hangs up."""
        data, text, size = self._trailing_data, "", 0
        while True:
            self._connection.receive_data(data)
            for event in self._connection.events():
                match event:
                    case ws.TextMessage():
                        text += event.data
                        size += len(event.data.encode())
                        if size > MAX_MESSAGE_BYTES:
                            reason = f"A message is at most {MAX_MESSAGE_BYTES} bytes."
                            return await self.send(ws.CloseConnection(MESSAGE_TOO_BIG, reason))
                        if event.message_finished:
                            await messages.send(text)
                            text, size = "", 0
                    case ws.BytesMessage():
                        reason = "Send text messages."
                        return await self.send(ws.CloseConnection(UNSUPPORTED_DATA, reason))
                    case ws.Ping():
                        await self.send(event.response())
                    case ws.CloseConnection():
                        return await self.send(event.response())
            data = await self._stream.receive()


class SocketOutlet(Outlet):
    """A reply as messages of a WebSocket, which stays open for the next one."""

    def __init__(self, wire: SocketWire) -> None:
        self._wire = wire

    async def open(self) -> None:
        pass

    async def write(self, event: Event) -> None:
        if event.data is None:
            await self._wire.send(ws.Ping())
        else:
            await self._wire.send(ws.TextMessage(event.data))

    async def end(self, *, complete: bool) -> None:
        if not complete:
            await self._wire.send(ws.CloseConnection(NORMAL_CLOSURE))

    async def hang(self) -> None:
        # The task that reads ends this when the client closes or hangs up.
        await anyio.sleep_forever()

    async def cut(self) -> None:
        raise Cutting

    async def reject(self, status: int, body: dict[str, Any], retry_after: int | None) -> None:
        # No status can be sent any more: the message says what it would have been.
        error = {**body, "status": status}
        if retry_after is not None:
            error["retryAfter"] = retry_after
        await self._wire.send(ws.TextMessage(to_json(error)))

    async def document(self, text: str, *, cut: bool = False) -> None:
        await self._wire.send(ws.TextMessage(text))
        if cut:
            raise Cutting


class SocketConversation:
    """All turns of one WebSocket; what was said is remembered here, not by the server."""

    def __init__(self, desk: Desk, route: Socket, options: SocketOptions, wire: SocketWire) -> None:
        self._desk = desk
        self._route = route
        self._options = options
        self._wire = wire
        self._history: tuple[Entry, ...] = ()
        self._session: str | None = None

    async def run(self) -> None:
        """Reply until the client closes or hangs up. Raises nothing."""
        writer, reader = anyio.create_memory_object_stream[str](MAX_WAITING)
        closed = anyio.Event()
        async with writer, reader, anyio.create_task_group() as tasks:

            async def read() -> None:
                with suppress(*GONE):
                    await self._wire.read(writer)
                closed.set()
                tasks.cancel_scope.cancel()

            tasks.start_soon(read)
            try:
                await self._reply_to_all(reader)
            except Cutting:
                closed.set()
            except GONE:
                # The other task may be in the middle of answering the client's close.
                pass
            with anyio.move_on_after(CLOSE_S):
                await closed.wait()
            tasks.cancel_scope.cancel()

    async def _reply_to_all(self, messages: MemoryObjectReceiveStream[str]) -> None:
        turn = 0
        async for message in messages:
            await self._reply(message)
            turn += 1
            if turn == self._options.turns:
                return await self._wire.send(ws.CloseConnection(NORMAL_CLOSURE))
        return None

    async def _reply(self, message: str) -> None:
        try:
            question = self._read(message)
            plan = self._desk.plan(
                self._route.path, self._route.shape, question, self._options.wishes
            )
        except BadRequest as exc:
            error = self._route.shape.rejection(exc.status, str(exc))
            return await self._wire.send(ws.TextMessage(to_json(error)))
        self._session = plan.shape.session

        def finished() -> None:
            plan.remember()
            self._history = plan.entries

        return await perform(
            plan.steps,
            plan.shape,
            SocketOutlet(self._wire),
            plan.record,
            stream=True,
            finished=finished,
        )

    def _read(self, message: str) -> Question:
        if self._route.shape is PlainText:
            if not message.strip():
                raise BadRequest("The message is empty.")
            question = Question(message, end_text=self._options.end_text)
        else:
            question = self._route.shape.read(parse_object(message, "The message"))
        if question.history is None and question.session is None:
            question = attrs.evolve(question, history=self._history)
        return attrs.evolve(question, session=question.session or self._session)
