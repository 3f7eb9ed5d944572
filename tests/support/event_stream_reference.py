"""WHATWG HTML §9.2.6, sentence by sentence. Slow, whole streams only: to compare with."""

from __future__ import annotations

import re

from support.event_stream_cases import Event


def parse(stream: bytes) -> list[Event]:
    # "Streams must be decoded using the UTF-8 decode algorithm", which strips one leading BOM.
    text = stream.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace")
    # A line is ended by a CRLF pair, a single LF, or a single CR.
    pieces = re.split("\r\n|\n|\r", text)
    # What follows the last line end is no complete line. "Once the end of the file is reached,
    # any pending data must be discarded."
    lines = pieces[:-1]

    events: list[Event] = []
    data = event_type = last_event_id_buffer = ""
    retry: int | None = None
    for line in lines:
        if line == "":
            # Dispatch the event. Step 1: set the last event ID string to the buffer.
            last_event_id = last_event_id_buffer
            # Step 2: if the data buffer is an empty string, reset and return.
            if data == "":
                event_type = ""
                continue
            # Step 3: if its last character is a LF, remove it.
            if data[-1] == "\n":
                data = data[:-1]
            # Steps 4 to 8.
            events.append(Event(data, event_type or "message", last_event_id, retry))
            data = event_type = ""
            retry = None
            continue
        if line[0] == ":":
            continue
        if ":" in line:
            field = line[: line.index(":")]
            value = line[line.index(":") + 1 :]
            if value[:1] == " ":
                value = value[1:]
        else:
            field, value = line, ""
        if field == "event":
            event_type = value
        elif field == "data":
            data = data + value + "\n"
        elif field == "id":
            if "\0" not in value:
                last_event_id_buffer = value
        elif (
            field == "retry"
            and value != ""
            and len(value) <= 18  # our own bound; the standard has none
            and all(character in "0123456789" for character in value)
        ):
            retry = int(value)
    return events
