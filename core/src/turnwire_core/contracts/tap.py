"""Looking at the wire."""

from __future__ import annotations

from abc import ABC, abstractmethod


class WireTap(ABC):
    """Sees the raw bytes of a conversation: for ``-vv`` and for recording.

    A driver calls it only where ``connection.tap`` is set. ``sent`` and ``received`` must not
    block; ``label`` says what the bytes are (``request``, ``body``, ``message``, ``ping`` …).
    """

    @abstractmethod
    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that were handed to the transport at ``at_ns``."""

    @abstractmethod
    def received(self, at_ns: int, label: str, data: bytes) -> None:
        """Bytes that had arrived at ``at_ns``."""
