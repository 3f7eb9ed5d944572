"""What the server itself remembers of conversations, for clients that send only an id."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from turnwire.assistant.brain import Entry

MAX_SESSIONS: Final = 1_000
MAX_ENTRIES: Final = 200


class Sessions:
    """Conversations by id; the one that was not used for the longest time is forgotten first."""

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, tuple[Entry, ...]] = OrderedDict()
        self._count = 0

    def new_id(self, prefix: str) -> str:
        """An id that was not given out before. Counted, so that a test may know it."""
        self._count += 1
        return f"{prefix}{self._count}"

    def recall(self, session: str) -> tuple[Entry, ...] | None:
        """What was said in ``session``, oldest first, or None if there is no such session."""
        if session in self._sessions:
            self._sessions.move_to_end(session)
        return self._sessions.get(session)

    def remember(self, session: str, *entries: Entry) -> None:
        """Replace what is known of ``session`` with the last of ``entries``."""
        self._sessions[session] = entries[-MAX_ENTRIES:]
        self._sessions.move_to_end(session)
        while len(self._sessions) > MAX_SESSIONS:
            self._sessions.popitem(last=False)
