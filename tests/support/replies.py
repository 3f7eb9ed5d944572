"""Replies read without any transport: rules as in a config file, frames made by hand."""

from __future__ import annotations

import json
from typing import Any

import attrs

from turnwire_core import Frame, Plugins, parse_connection
from turnwire_core.reader import ReplyReader, compile_rules

_PLUGINS = Plugins()


def frame(data: Any, event: str | None = None, *, whole: bool = False) -> Frame:
    """A frame; what is neither text nor bytes is written as JSON."""
    raw = data if isinstance(data, str | bytes) else json.dumps(data)
    return Frame(received_ns=0, data=raw, event=event, raw=len(raw), whole=whole)


@attrs.frozen
class Outcome:
    """What came of reading some frames, one after another, up to the first error."""

    content: str
    texts: list[str]
    replaces: list[bool]
    finished_at: int | None
    error: str | None
    reader: ReplyReader


class Reading:
    """A compiled set of rules; ``read`` reads one reply with it."""

    def __init__(self, section: dict[str, Any], *, stream_ends: bool = True, **more: Any) -> None:
        mapping = {"base_url": "http://a.example", "protocol": "sse", "sse": section, **more}
        self.rules = compile_rules(parse_connection(mapping, plugins=_PLUGINS))
        self._stream_ends = stream_ends

    def reader(self) -> ReplyReader:
        return ReplyReader(self.rules, stream_ends=self._stream_ends)

    def read(self, *frames: Frame | Any) -> Outcome:
        reader = self.reader()
        texts: list[str] = []
        replaces: list[bool] = []
        finished_at, error = None, None
        for index, one in enumerate(frames):
            reading = reader.read(one if isinstance(one, Frame) else frame(one))
            if reading.text is not None:
                texts.append(reading.text)
                replaces.append(reading.replaces)
            if reading.error is not None:
                error = reading.error
                break
            if reading.finished and finished_at is None:
                finished_at = index
        return Outcome(reader.content, texts, replaces, finished_at, error, reader)
