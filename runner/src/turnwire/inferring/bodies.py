"""From the bytes of a reply to its events, whatever the reply says or does not say of itself.

This reads what somebody recorded, all at once; replies of a live target are read by drivers. What
the bytes look like counts more than what they are called: to find that these disagree is part of
the work.
"""

from __future__ import annotations

import re
from typing import Final

from turnwire.inferring.evidence import BodyFormat, Event, Exchange, Reply
from turnwire_core.paths import MISSING
from turnwire_core.reader import parse_json

_STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ (\d{3})[^\n]*\n")
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9a-fA-F]{1,8})[^\r\n]*\r\n")
_FIELD = re.compile(r"(?:data|event|id|retry)(?::|$)|:", re.MULTILINE)
_LINE_END = re.compile(r"\r\n|\r|\n")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([^\s;\"']+)", re.IGNORECASE)
_NOTHING_INFORMATIONAL: Final = 200


def read_reply(data: bytes, content_type: str = "") -> Reply:
    """A recorded reply: a body, or head and body as ``curl -i`` prints them.

    Of several heads (100 Continue, redirects, a proxy's CONNECT) the last counts. A body that
    still has the chunks of HTTP/1.1 in it is put together, and known to be cut off if its last
    chunk is missing.
    """
    status: int | None = None
    chunked = False
    while match := _STATUS_LINE.match(data):
        end = _HEAD_END.search(data)
        head, rest = (data, b"") if end is None else (data[: end.start()], data[end.end() :])
        status = int(match[1])
        fields = _fields(head.decode("latin-1"))
        content_type = fields.get("content-type", "")
        chunked = "chunked" in fields.get("transfer-encoding", "").lower()
        data = rest
        if status >= _NOTHING_INFORMATIONAL and not _STATUS_LINE.match(rest):
            break
    ended = True
    if chunked and (not data or _CHUNK_SIZE.match(data)):
        data, ended = _unchunked(data)
    charset = _CHARSET.search(content_type)
    return reply_of(_decoded(data, charset[1] if charset else "utf-8"), content_type, status, ended)


def reply_of(
    text: str, content_type: str = "", status: int | None = None, ended: bool = True
) -> Reply:
    """The text of a body as a reply."""
    body_format = _format_of(text)
    if body_format == "json" and re.search(r"ndjson|jsonl|jsonlines|stream\+json", content_type):
        body_format = "ndjson"  # a stream of one event
    if body_format == "sse":
        events, complete = _read_event_stream(text)
        ended = ended and complete
    elif body_format == "ndjson":
        events = [Event.of(line.strip()) for line in text.split("\n") if line.strip()]
    else:
        events = [Event.of(text)] if text.strip() else []
    return Reply(
        events=tuple(events),
        status=status,
        content_type=content_type,
        body_format=body_format,
        whole=body_format in ("json", "text"),
        ended=ended,
    )


def read_socket_log(text: str) -> Exchange | None:
    """What a tool for WebSockets shows: ``> `` before what was sent, ``< `` before what came.

    None if the text is nothing of the kind.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or not all(line[:2] in ("> ", "< ", ">", "<") for line in lines):
        return None
    if not any(line.startswith("<") for line in lines):
        return None
    from turnwire.inferring.sockets import exchange_of_messages

    return exchange_of_messages([(line[0] == ">", line[1:].strip()) for line in lines])


def _fields(head: str) -> dict[str, str]:
    fields = {}
    for line in head.splitlines()[1:]:
        name, _, value = line.partition(":")
        fields[name.strip().lower()] = value.strip()
    return fields


def _unchunked(data: bytes) -> tuple[bytes, bool]:
    """RFC 9112 §7.1: the body without its chunks, and whether the last chunk is there."""
    body = b""
    while match := _CHUNK_SIZE.match(data):
        size = int(match[1], 16)
        if size == 0:
            return body, True
        body += data[match.end() : match.end() + size]
        data = data[match.end() + size + 2 :]
    return body, False


def _decoded(data: bytes, charset: str) -> str:
    try:
        text = data.decode(charset, "replace")
    except LookupError:
        text = data.decode("utf-8", "replace")
    return text.removeprefix("\ufeff")


def _format_of(text: str) -> BodyFormat:
    lines = [line for line in _LINE_END.split(text) if line]
    fields = sum(_FIELD.match(line) is not None for line in lines)
    if lines and fields == len(lines):
        return "sse"
    if parse_json(text) is not MISSING:
        return "json"
    # A stream that was cut off may end inside a line.
    parsed = [isinstance(parse_json(line), dict | list) for line in lines]
    if len(parsed) > 1 and all(parsed[:-1]):
        return "ndjson"
    if fields >= 2 and fields >= len(lines) - 1:
        return "sse"
    return "text"


def _read_event_stream(text: str) -> tuple[list[Event], bool]:
    """The events of a stream (WHATWG HTML §9.2.6), and whether it ended between two of them.

    Files often lack the last blank line, so an event that is there is taken without one.
    """
    events: list[Event] = []
    data: list[str] = []
    name = ""
    for line in [*_LINE_END.split(text), ""]:
        if not line:
            if data:
                events.append(Event.of("\n".join(data), name or None))
            data, name = [], ""
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            name = value
    is_cut = bool(events) and events[-1].data.startswith(("{", "[{")) and not events[-1].is_json
    return (events[:-1] if is_cut else events), not is_cut
