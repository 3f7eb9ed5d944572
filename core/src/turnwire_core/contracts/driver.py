"""What a driver is: three small abstract classes, and every exception that may leave them.

A driver moves one turn onto the wire and hands back the frames, each stamped with its time of
arrival. It does not know ``contentPath``, does not decide when a reply is finished, and measures
nothing: the core does these once, alike for every protocol.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, ClassVar, Generic, TypeVar

import attrs

from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.tap import WireTap
from turnwire_core.events import Frame, Turn, WireTimes

API_VERSION = 1
"""The version of these contracts. A driver says for which one it was written."""

OptionsT = TypeVar("OptionsT")

__all__ = [
    "API_VERSION",
    "Driver",
    "EndOfStream",
    "FrameStream",
    "NoOptions",
    "Session",
    "WireTap",
]


class EndOfStream(Exception):
    """``FrameStream.receive`` has nothing more to give: the target ended the stream cleanly."""


@attrs.frozen
class NoOptions:
    """The options of a driver that has none of its own."""


class Driver(ABC, Generic[OptionsT]):
    """One protocol. Stateless: one instance serves any number of connections at once."""

    name: ClassVar[str]
    """The protocol's name, equal to the key of the entry point."""

    api_version: ClassVar[int]
    """The :data:`API_VERSION` that the driver was written for."""

    schemes: ClassVar[tuple[str, ...]] = ("http", "https", "ws", "wss")
    """With which ``base_url`` may begin. What else must be true of it is for :meth:`check`."""

    options: ClassVar[type[Any]] = NoOptions
    """An attrs class for the driver's own keys in its section of the connection.

    The keys of the reply rules (``contentPath``, ``finish`` …) stand in the same section and are
    the core's; an options class must not name one of them.
    """

    response_field_path: ClassVar[str | None] = None
    """Where a body that is one document holds the answer, if the connection does not say."""

    def default_body(self, options: OptionsT) -> Any:  # noqa: ARG002 # some drivers look at it
        """The template of a turn's body for a connection that has no ``request.body``."""
        return {
            "message": "{{message}}",
            "transcript": "{{transcript}}",
            "persona": "{{persona}}",
        }

    def default_content_path(self, options: OptionsT) -> str | None:  # noqa: ARG002 # see above
        """Where an event holds the text, for a connection without content rules. None: unknown."""
        return None

    def check(
        self,
        connection: Connection,  # noqa: ARG002 # some drivers look at it
        options: OptionsT,  # noqa: ARG002 # some drivers look at it
    ) -> Sequence[str]:
        """What is wrong with this connection, beyond the types of single keys.

        Called when a config file is loaded, before anything is opened. Each item is a sentence
        that says what is wrong and what to write instead; a key that it names is quoted.
        """
        return ()

    @abstractmethod
    def connect(
        self, connection: Connection, options: OptionsT
    ) -> AbstractAsyncContextManager[Session]:
        """Make a session ready, without reaching out: the first exchange connects.

        So connecting is timed as part of a turn, a target that cannot be reached is that turn's
        verdict, and retries work alike for every protocol. Entering raises nothing of the
        target's. Leaving closes everything within ``connection.limits.close_ms``; a target that
        does not take part in the closing is dropped, and that is not an error.
        """


class Session(ABC):
    """One open conversation. Turns are taken one after another, never two at once."""

    @abstractmethod
    def exchange(self, turn: Turn) -> AbstractAsyncContextManager[FrameStream]:
        """Send one turn, and read what comes.

        Entering the context sends the turn and waits for the head of the response where the
        protocol has one. How the context is left tells how the turn went: normally, the reply is
        complete and the transport may be used again; by an exception, the turn was broken off and
        **none of its frames may reach a later turn**: the transport is dropped, and the next
        exchange opens another.

        Raises (on entering the context):
            ConnectError: name resolution, routing or the port failed.
            TlsError: the TLS handshake failed.
            ProxyError: the proxy refused or broke off.
            TimeLimitError: ``limits.connect_ms`` ran out (limit ``connect``).
            RejectedError: the target answered with a status that is no reply, or no handshake.
            InvalidFrame: the head announces a body that cannot be read.
            ProtocolError: the target answered with something that is not the protocol.
            StreamBrokenError: the transport ended before the head was there.
            ReplyError: the target gave a reason for ending the session (a WebSocket's close code).
        """


class FrameStream(ABC):
    """What one turn brought, as it arrives."""

    ends: ClassVar[bool] = True
    """True: the target ends the stream after each turn, so reading on until then is cheap."""

    @property
    @abstractmethod
    def times(self) -> WireTimes:
        """The stamps that only the driver can take. May be read at any moment."""

    @abstractmethod
    async def receive(self) -> Sequence[Frame]:
        """The frames that one network read completed, in order, with one stamp.

        Empty if the read held no complete frame (a part of one, a comment, a heartbeat): the
        bytes still count as a sign of life. Safe to cancel; what had arrived is then lost.

        Raises:
            EndOfStream: the target ended the stream cleanly. Raised again on every later call.
            StreamBrokenError: the transport ended in the middle of the body, or was reset.
            FrameTooLarge: one frame passed ``limits.max_event_bytes``.
            InvalidFrame: the bytes break the rules of the protocol.
            ReplyError: the target gave a reason for ending the session (a WebSocket's close code).
        """
