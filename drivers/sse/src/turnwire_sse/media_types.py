"""Which body format a response has, and what to say when it has none that can be read."""

from __future__ import annotations

from typing import Final, Literal

BodyFormat = Literal["sse", "ndjson", "json"]

_FORMATS: Final[dict[str, BodyFormat]] = {
    "text/event-stream": "sse",
    "application/x-ndjson": "ndjson",
    "application/ndjson": "ndjson",
    "application/jsonl": "ndjson",
    "application/x-jsonlines": "ndjson",
    "application/stream+json": "ndjson",
    "application/json": "json",
}

_PREFERRED: Final[dict[str, str]] = {
    "auto": "text/event-stream, application/x-ndjson;q=0.9, application/json;q=0.8",
    "sse": "text/event-stream",
    "ndjson": "application/x-ndjson, application/json;q=0.9, */*;q=0.1",
    "json": "application/json, */*;q=0.1",
}


def accept(wanted: str) -> str:
    """The ``Accept`` header (RFC 9110 §12.5.1) for the option ``format``."""
    return _PREFERRED[wanted]


def format_of(media_type: str) -> BodyFormat | None:
    """The format that a media type announces: its lower-cased essence, without parameters."""
    known = _FORMATS.get(media_type)
    if known is None and media_type.endswith("+json"):
        return "json"
    return known


def advice(media_type: str, excerpt: str) -> str:
    """What to try with a body that is in no known format. ``excerpt`` is how it begins."""
    start = excerpt.lstrip("\ufeff \t\r\n").lower()
    if media_type in ("text/html", "application/xhtml+xml") or start.startswith(
        ("<!doctype", "<html")
    ):
        return "It is a web page: a login page, or the URL is not that of the API?"
    if start.startswith(("data:", "event:", "id:", "retry:", ":")):
        return 'It looks like an event stream; if it is one, write "sse": {"format": "sse"}.'
    if start.startswith(("{", "[")):
        return (
            "It looks like JSON; if every line is a value of its own, "
            'write "sse": {"format": "ndjson"}, if all of it is one, "sse": {"format": "json"}.'
        )
    return (
        "Check the URL and what the target expects; if the Content-Type is just wrong, "
        'write "sse": {"format": "sse"} or {"format": "ndjson"}.'
    )
