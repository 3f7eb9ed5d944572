"""Looking at the wire."""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from typing import Final

FRAMES: Final = "frames"
"""The label of bytes that are not to be read by people; ``carried`` tells what is in them."""


class Ending(StrEnum):
    """How the target's side of a transport ended."""

    CLOSED = "closed"
    """It said that nothing more comes (a FIN), wherever in a message that was."""
    BROKEN = "broken"
    """It was reset, or something between broke it."""


class WireTap(ABC):
    """Sees the raw bytes of a conversation: for ``-vv`` and for recording.

    A driver calls it only where ``connection.tap`` is set, and must tell it of every byte, in the
    order in which they went over the wire: of what was sent before what came in answer to it. No
    method may block. ``label`` says what the bytes are (``request``, ``body``, ``lines`` …).

    ``sent`` and ``received`` are all that a driver needs that has one transport at a time and
    whose bytes can be read as they are. What the other methods tell makes a recording replay more
    faithfully; a tap that has no use for them leaves them as they are.
    """

    @abstractmethod
    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that were handed to the transport at ``at_ns``."""

    @abstractmethod
    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that had arrived at ``at_ns``."""

    def carried(self, at_ns: int, label: str, data: bytes, *, sent: bool) -> None:  # noqa: B027 - as ended
        """What bytes that were labelled :data:`FRAMES` carried: the payload of a message.

        Called besides, and never instead of, ``sent`` and ``received``. ``sent`` is which way.
        """

    def ended(self, at_ns: int, ending: Ending) -> None:  # noqa: B027 - to be left as it is
        """The target's side ended at ``at_ns``, not ours: nothing more can be received."""

    def transport(self) -> WireTap:
        """The tap of one transport, for a driver that may have several open at once.

        Asked for once for each connection to the target that is opened; without it, all bytes are
        taken for those of one connection after another.
        """
        return self
