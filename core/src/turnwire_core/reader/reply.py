"""Reading one reply: frames in, text, errors and the finish out.

The reader knows nothing of time or sockets, so it can be tested frame by frame and run again over
a recording.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import FrameTooLarge
from turnwire_core.events import Frame
from turnwire_core.paths import MISSING
from turnwire_core.reader.parsing import has_too_many_values, is_rounded, parse_json
from turnwire_core.reader.rules import CompiledRules, compile_rules, is_root, noted
from turnwire_core.reader.suspicions import repetition, restarts

if TYPE_CHECKING:
    from turnwire_core.reader.diagnosis import Evidence

_FIRST_KEPT = 32
_FIRST_CHARACTERS = 256 * 1024
_LAST_KEPT = 16
_LAST_CHARACTERS = 16 * 1024
"""How many events are kept to explain afterwards what did not match: the first, up to so much text
altogether, and the last, each up to so much. A document is all there is, and kept."""

_TAIL_KEPT = 4
"""Events after the finish: where a usage comes, if it comes."""

_USAGE_COUNTS = 64
"""How many counts an earlier part of a usage may have and still be joined with a later one."""

_OPENING_CHARACTERS = 2000


Kept = tuple[str | bytes, str | None]
"""Of a frame that is kept: its data, and its event. The frame itself would be twice as much."""


class Reading:
    """What one frame brought.

    ``text`` is new text or None; ``replaces`` says that it stands for all text before it.
    ``error`` is the target's message where an error rule matched. Reused for speed: read it before
    the next frame.
    """

    __slots__ = ("error", "finished", "replaces", "text")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Back to: nothing happened."""
        self.text: str | None = None
        self.replaces = False
        self.finished = False
        self.error: str | None = None


class ReplyReader:
    """The reading of one reply. ``stream_ends`` is the :class:`FrameStream`'s ``ends``."""

    def __init__(self, rules: CompiledRules, *, stream_ends: bool = True) -> None:
        self._rules = rules
        self._parse = rules.parse
        # A lasting socket has no end to wait for: without a rule, one message is one reply.
        self._first_content_finishes = not stream_ends and not rules.has_finish
        self._parts: list[str] = []
        self._half = ""
        """The first half of a surrogate pair, while its second may still come."""
        self._reading = Reading()
        self._first: list[Kept] = []
        self._room = _FIRST_CHARACTERS
        # An empty deque has room for 64 values already, and most replies need neither.
        self._last: deque[Kept] | tuple[()] = ()
        self._tail: tuple[Kept, ...] = ()
        self._whole = False
        """Whether the reply came as one document."""
        self._restarts = 0
        self._events = 0
        self._unreadable = 0
        self._sentinel_seen = False
        self.finished = False
        self.usage: Any = None
        self.captured: dict[str, Any] = {}

    @property
    def content(self) -> str:
        """All text so far."""
        if len(self._parts) > 1:
            self._parts = ["".join(self._parts)]
        text = self._parts[0] if self._parts else ""
        return f"{text}\ufffd" if self._half else text

    @property
    def unreadable(self) -> bool:
        """Whether there were events, and not one of them could be read at all."""
        return self._events > 0 and self._unreadable == self._events

    @property
    def expects_more(self) -> bool:
        """Whether the rules name something that usually follows the finish and is not there yet."""
        rules = self._rules
        wants_usage = rules.usage is not None and self.usage is None
        wants_sentinel = bool(rules.own_sentinels) and not self._sentinel_seen
        return wants_usage or wants_sentinel

    def read(self, frame: Frame) -> Reading:
        """Read one frame. Content is read before the finish test: one frame may carry both.

        Raises:
            FrameTooLarge: it holds more values than the limit allows.
        """
        reading = self._reading
        reading.clear()
        data: Any = frame.data
        if type(data) is bytes:
            data = data.decode("utf-8", "replace")
        size = len(data)
        if size > self._rules.max_values and has_too_many_values(data, self._rules.max_values):
            raise FrameTooLarge(
                f"An event holds more than {self._rules.max_values} JSON values. If that is "
                "expected, raise 'limits.maxEventValues'.",
                limit_bytes=len(data),
            )
        self._events += 1
        if len(self._first) < _FIRST_KEPT or size > _LAST_CHARACTERS:
            self._keep(frame)
        else:
            self._keep_last(frame)
        if frame.whole:
            self._whole = True
            self._read_whole(data, frame.event, reading)
            return reading
        if data in self._rules.sentinels:
            self._sentinel_seen = True
            self.finished = reading.finished = True
            return reading
        if self._rules.plain:
            if frame.event is None or not self._failed(data, frame.event, data, reading):
                self._add(_plain_text(data), self._rules.content[0].mode, reading)
        else:
            self._read_event(data, frame.event, reading)
        if reading.text and self._first_content_finishes:
            self.finished = reading.finished = True
        return reading

    def read_tail(self, frame: Frame) -> None:
        """A frame after the finish: only usage, captures and the sentinel still matter."""
        text = frame.data if isinstance(frame.data, str) else frame.data.decode("utf-8", "replace")
        if text in self._rules.sentinels:
            self._sentinel_seen = True
            return
        if len(text) <= _LAST_CHARACTERS:
            self._tail = (*self._tail[1 - _TAIL_KEPT :], (frame.data, frame.event))
        if not has_too_many_values(text, self._rules.max_values):
            data = self._parse(text)
            if data is not MISSING:
                self._note(data, text)

    def hints(self) -> tuple[str, ...]:
        """What did not match, and the nearest that would have. Not for the hot path."""
        from turnwire_core.reader.diagnosis import explain

        return explain(self._rules, self._evidence())

    def closer_look(self) -> tuple[str, ...]:
        """What is odd about events that were read well. Not for the hot path."""
        from turnwire_core.reader.diagnosis import closer_look

        return closer_look(self._rules, self._evidence())

    def doubts(self, *, closely: bool = True) -> tuple[str, ...]:
        """What is odd about a reply that was read, as far as that is seen at a glance.

        Asked before :attr:`content` joins what came. With ``closely``, where a usage or a value to
        capture never came, a few events are looked through for it.
        """
        found = [repetition(self._parts), restarts(self._restarts, self._events)]
        doubts = [one for one in found if one is not None]
        if closely and (self._no_usage or self._missing):
            from turnwire_core.reader.diagnosis import explain_side_values

            kept = [*self._first[:2], *self._first[2:][-_TAIL_KEPT:], *self._last, *self._tail]
            doubts += explain_side_values(self._rules, self._evidence(kept))
        return tuple(doubts)

    @property
    def _no_usage(self) -> bool:
        return self._rules.usage is not None and self.usage is None

    @property
    def _missing(self) -> tuple[str, ...]:
        """The names of what was to be captured, and never came."""
        captured = self.captured
        return tuple(name for name, _ in self._rules.capture if name not in captured)

    def _evidence(self, kept: Sequence[Kept] | None = None) -> Evidence:
        from turnwire_core.reader.diagnosis import Evidence

        if kept is None:
            first = self._first
            kept = [*first, *self._last] if self._events > len(first) else first
        values = [(parse_json(_as_text(data)), event) for data, event in kept]
        return Evidence(
            values=tuple((data, event) for data, event in values if data is not MISSING),
            events=self._events,
            unreadable=self._unreadable,
            whole=self._whole,
            has_content=bool(self._parts),
            finished=self.finished,
            opening=_as_text(kept[0][0])[:_OPENING_CHARACTERS] if kept else "",
            missing=self._missing,
            no_usage=self._no_usage,
        )

    def _read_whole(self, text: str, event: str | None, reading: Reading) -> None:
        data = self._parse(text)
        rules = self._rules
        self.finished = reading.finished = True
        if data is MISSING:
            path = rules.whole_path or (rules.content[0].path if rules.content else None)
            if path is not None and is_root(path):
                self._add(text, "delta", reading)
            else:
                self._unreadable += 1
            return
        if self._failed(data, event, text, reading):
            return
        self._note(data, text)
        if rules.whole is not None:
            self._add(rules.whole(data, event), "delta", reading)
        else:
            self._add_content(data, event, reading)

    def _read_event(self, text: str, event: str | None, reading: Reading) -> None:
        rules = self._rules
        data = self._parse(text)
        if self._failed(text if data is MISSING else data, event, text, reading):
            return
        if rules.takes_text and not isinstance(data, str | dict | list):
            # Text that is no JSON, or looks like a number: with the path ``$`` it is the content.
            rule = rules.content[0]
            self._add(rule.read(text, event), rule.mode, reading)
        elif data is MISSING:
            self._unreadable += 1  # but an event may mean something by its name alone
        else:
            for rule in rules.content:
                self._add(rule.read(data, event), rule.mode, reading)
            if rules.notes:
                self._note(data, text)
        for finished in rules.finish:
            if finished(data, event):
                self.finished = reading.finished = True
                return

    def _add_content(self, data: Any, event: str | None, reading: Reading) -> None:
        for rule in self._rules.content:
            self._add(rule.read(data, event), rule.mode, reading)

    def _failed(self, data: Any, event: str | None, text: str, reading: Reading) -> bool:
        for error in self._rules.errors:
            message = error(data, event)
            if message is not None:
                if is_rounded(data):
                    message = error(parse_json(text), event)
                reading.error = message
                return True
        return False

    def _add(self, text: str | None, mode: str, reading: Reading) -> None:
        if not text:
            return
        if self._half or not text.isascii():
            text = self._paired(text, mode)
            if not text:
                return
        if mode == "delta":
            self._parts.append(text)
            reading.text = text if reading.text is None else reading.text + text
            return
        before = self.content
        if mode == "cumulative" and text.startswith(before):
            delta = text[len(before) :]
            if delta:
                self._parts = [text]
                reading.text = delta if reading.text is None else reading.text + delta
        else:
            self._restarts += mode == "cumulative"
            self._parts = [text]
            reading.text = text
            reading.replaces = True

    def _paired(self, text: str, mode: str) -> str:
        """``text`` with whole characters only.

        JSON may hold half of a surrogate pair (RFC 8259 §8.2), but nothing can be written with it.
        Servers that cut text by UTF-16 units send the two halves of one in two events.
        """
        if mode == "delta":
            text = self._half + text
        self._half = ""
        try:
            text.encode()
        except UnicodeEncodeError:
            if mode == "delta" and "\ud800" <= text[-1] <= "\udbff":
                text, self._half = text[:-1], text[-1]
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return text

    def _note(self, data: Any, text: str) -> None:
        usage, captured = noted(self._rules, data)
        if is_rounded([usage, captured]):
            usage, captured = noted(self._rules, parse_json(text))
        if usage is not None:
            self.usage = _joined(self.usage, usage)
        if captured:
            self.captured |= captured

    def _keep_last(self, frame: Frame) -> None:
        if not self._last:
            self._last = deque(maxlen=_LAST_KEPT)
        self._last.append((frame.data, frame.event))

    def _keep(self, frame: Frame) -> None:
        size = len(frame.data)
        if len(self._first) < _FIRST_KEPT and (size <= self._room or frame.whole):
            self._first.append((frame.data, frame.event))
            self._room -= size
        elif size <= _LAST_CHARACTERS:
            self._keep_last(frame)


def _joined(earlier: Any, later: Any) -> Any:
    """The usage, of which a part came before: counts stay that the later part does not name.

    Anthropic's API sends what was read at the start of a reply, and what was written at its end.
    """
    if not (isinstance(earlier, dict) and isinstance(later, dict)):
        return later
    counts = {name: value for name, value in earlier.items() if isinstance(value, int | float)}
    return counts | later if len(counts) <= _USAGE_COUNTS else later


def diagnose(connection: Connection, frames: Sequence[Frame]) -> tuple[str, ...]:
    """What is odd about the events of a reply, read by the rules of ``connection``.

    For tools that have the events, and the time: what a conversation asks of every reply (its
    ``hints``) is asked here too, and more.
    """
    reader = ReplyReader(compile_rules(connection))
    for frame in frames:
        try:
            reader.read(frame)
        except FrameTooLarge:
            break
        if reader.finished:
            break
    return (*reader.doubts(), *reader.closer_look())


def _plain_text(text: str) -> str:
    """An event that is all text: a JSON string means its value, anything else itself."""
    if text.startswith('"'):
        value = parse_json(text)
        if isinstance(value, str):
            return value
    return text


def _as_text(data: str | bytes) -> str:
    return data if isinstance(data, str) else data.decode("utf-8", "replace")
