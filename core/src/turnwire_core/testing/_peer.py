"""The server's side of one turn: the author writes the bytes, the kit makes the moves."""

from __future__ import annotations

import socket
import struct
from abc import ABC, abstractmethod
from typing import Protocol

import anyio
from anyio.abc import SocketAttribute, SocketStream


class Peer(ABC):
    """The server's side of one turn, made for each turn that a client has sent.

    A protocol's author writes what the wire looks like (``head`` to ``breach``); none of it does
    I/O. The kit decides what is sent when, and in which pieces.
    """

    def __init__(self, stream: SocketStream, message: str) -> None:
        """``message`` is what the client said in this turn, taken out of whatever wrapped it."""
        self.stream = stream
        self.message = message
        self.finished = False
        """Whether the reply was sent to its end."""
        self._begun = False

    # -- the wire of the protocol ------------------------------------------------------------------

    def head(self) -> bytes:
        """What comes before the first frame of a reply: the head of an HTTP response."""
        return b""

    @abstractmethod
    def frame(self, text: str) -> bytes:
        """One frame whose content is ``text``; where ``streams`` is false, that much of the reply.

        ``text`` may be anything, also something that has to be escaped.
        """

    @abstractmethod
    def finish(self) -> bytes:
        """What makes the reply complete; after it the client may send its next turn."""

    def ending(self) -> bytes:
        """What ends the stream cleanly before TCP is closed; ``finished`` may matter to it."""
        return b""

    def breach(self, text: str) -> bytes:
        """An answer that breaks the protocol; a careless driver quotes ``text`` from it.

        It comes in place of ``head`` and everything after it. The kit sends nothing more.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say how to break the protocol.")

    # -- what the kit does with it -----------------------------------------------------------------

    async def begin(self) -> None:
        """Send the head, unless it was sent."""
        if not self._begun:
            self._begun = True
            if head := self.head():
                await self.stream.send(head)

    async def send(self, data: bytes) -> None:
        """Send the head, if that is still to do, and ``data`` as it is."""
        await self.begin()
        await self.stream.send(data)

    async def say(self, *texts: str) -> None:
        """Send one frame for each text, all in one write."""
        await self.send(b"".join(map(self.frame, texts)))

    async def complete(self) -> None:
        """Finish the reply."""
        self.finished = True
        await self.send(self.finish())

    async def break_rules(self, text: str) -> None:
        """Send the breach, and nothing before it."""
        self._begun = True
        await self.stream.send(self.breach(text))

    async def end(self) -> None:
        """End the stream cleanly, whether the reply was finished or not, and close TCP."""
        if ending := self.ending():
            await self.send(ending)
        # Not send_eof: after it, some event loops take a further write for a mistake of ours.
        self.stream.extra(SocketAttribute.raw_socket).shutdown(socket.SHUT_WR)

    async def drop(self) -> None:
        """Break off with a reset (RST), as a process that crashes does."""
        # Linger on, for no time: what turns the close into a reset (socket(7), SO_LINGER).
        linger = struct.pack("ii", 1, 0)
        raw = self.stream.extra(SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        await anyio.aclose_forcefully(self.stream)

    async def wait_gone(self) -> None:
        """Wait until the client has hung up. What it still sends is thrown away."""
        try:
            while True:
                await self.stream.receive()
        except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
            pass


class Play(Protocol):
    """What the server does in one turn; a test writes it."""

    async def __call__(self, peer: Peer, /) -> None: ...
