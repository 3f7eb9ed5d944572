"""Watching one turn, to say afterwards which event carried what."""

from __future__ import annotations

import json
from typing import Any, Final

from turnwire_core import Connection, Frame, Reply, Turn, hookimpl
from turnwire_core.paths import MISSING
from turnwire_core.reader import CompiledRules, compile_rules, parse_json

_MOST_KEPT: Final = 200
_LONGEST_READ: Final = 256 * 1024


class TurnWatch:
    """An observer of the first turn: its events are read once more, rule by rule.

    ``content_path`` is the path that found the first text, ``finish`` says in words what finished
    the reply, ``finish_at`` is the number of that event; each is None as long as there was none.
    """

    def __init__(self, connection: Connection) -> None:
        self._rules: CompiledRules = compile_rules(connection)
        self.turn: Turn | None = None
        self.frames: list[Frame] = []
        """The first ones."""
        self.events = 0
        self.content_path: str | None = None
        self.content_at: int | None = None
        self.finish: str | None = None
        self.finish_at: int | None = None

    @property
    def first(self) -> Frame | None:
        """The first event."""
        return self.frames[0] if self.frames else None

    @property
    def is_document(self) -> bool:
        """Whether the reply was one document, not a stream."""
        return any(frame.whole for frame in self.frames)

    @hookimpl
    def turnwire_turn_started(self, turn: Turn) -> None:
        self.turn = turn

    @hookimpl
    def turnwire_frame(self, frame: Frame) -> None:
        self.events += 1
        if len(self.frames) < _MOST_KEPT:
            self.frames.append(frame)
        if self.finish is not None or len(frame.data) > _LONGEST_READ:
            return
        text = frame.data if isinstance(frame.data, str) else frame.data.decode("utf-8", "replace")
        data = parse_json(text)
        if self.content_path is None:
            self._look_for_content(data, frame)
        self._look_for_finish(text, data, frame)

    def _look_for_content(self, data: Any, frame: Frame) -> None:
        rules = self._rules
        if frame.whole and rules.whole is not None and rules.whole_path is not None:
            if data is not MISSING and rules.whole(data, frame.event):
                self._found(f"responseFieldPath `{rules.whole_path}`")
            return
        for rule in rules.content:
            takes_all = rules.takes_text and not isinstance(data, dict | list)
            if takes_all or (data is not MISSING and rule.read(data, frame.event)):
                self._found(f"contentPath `{rule.path}`")
                return

    def _found(self, path: str) -> None:
        self.content_path, self.content_at = path, self.events

    def _look_for_finish(self, text: str, data: Any, frame: Frame) -> None:
        rules = self._rules
        if frame.whole:
            self.finish = "the body is one document, finished at its end"
        elif text in rules.sentinels:
            self.finish = f"an event with the text {text[:40]}"
        elif any(finished(data, frame.event) for finished in rules.finish):
            self.finish = self._why(data)
        if self.finish is not None:
            self.finish_at = self.events

    def _why(self, data: Any) -> str:
        path = self._rules.finish_path
        value = path.get(data) if path is not None else MISSING
        if path is None or value is MISSING:
            return "a rule of 'finish' held"
        shown = json.dumps(value, ensure_ascii=False)
        return f"finishPath `{path}` = {shown if len(shown) <= 40 else shown[:40] + '…'}"


def ending_without_rule(connection: Connection, reply: Reply) -> str:
    """What finished a reply in which no finish rule held, in words."""
    rules = compile_rules(connection)
    if rules.quiet_ms is not None:
        return f"nothing came for {rules.quiet_ms:g} ms (quietMs)"
    if rules.has_finish:
        return "the end of the stream, as 'finish' or 'allowUnfinished' says"
    # A message that finishes is itself the last; the end of a stream comes after it.
    by_message = reply.metrics.latency_ms == reply.metrics.last_content_ms
    return "the first message with content" if by_message else "the end of the stream"
