"""HTTP/1.1 as a client sees it (RFC 9112 §4–7): a request's head, and the reader of a response.

No I/O. h11 gives out one chunk for each call and looks at every byte twice; a stream of events,
each in a chunk of its own, spends most of its time there. This reader takes all that one read
brought and hands back all of its body at once.

It is as strict as h11, and agrees with it on every valid response. What breaks the rules sets
``failure``; the body before it has been handed out, so how the bytes were cut makes no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs

HEAD_BYTES: Final = 100 * 1024
"""The bound on a head with the interim ones before it, and on trailers; h11's in httpcore too."""
_FIELDS: Final = 1000
_SIZE_LINE_BYTES: Final = 4096
"""The bound on the line before a chunk, most of which can only be extensions (§7.1.1)."""
_ODD_START_BYTES: Final = 64

_STATUS_LINE = re.compile(rb"HTTP/1\.([0-9]) ([1-9][0-9]{2})(?: [^\x00\r\n\f\v]*)?")
_FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):([^\x00\r\n\f\v]*)")
# A line may end in a bare LF (§2.2); the bare CR that is left then is refused with its line.
_BLANK = re.compile(rb"\n\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r\n")
_LENGTH_DIGITS: Final = 20


class HttpViolation(Exception):
    """The bytes are not what HTTP allows here, or end too early."""


class HeadTooLong(HttpViolation):
    """A head that passes its bound in bytes."""


@attrs.frozen
class ResponseHead:
    """The head of a final response. Folded lines of a field are joined by a space (§5.2)."""

    status: int
    fields: tuple[tuple[bytes, bytes], ...] = attrs.field(repr=False)


def request_head(method: str, target: bytes, fields: Iterable[tuple[str, str]]) -> bytes:
    """The head of a request. Its fields have been checked already.

    Raises:
        UnicodeError: the method, or a field, is not ASCII.
    """
    lines = "\r\n".join([f"{name}: {value}" for name, value in fields])
    return b"%b %b HTTP/1.1\r\n%b\r\n\r\n" % (method.encode("ascii"), target, lines.encode("ascii"))


class ResponseReader:
    """Reads one response. ``bodiless``: it answers HEAD, so there is no body (RFC 9112 §6.3)."""

    head: ResponseHead | None = None
    """None until it is complete. Interim responses (1xx but 101) are skipped."""
    complete: bool = False
    """Whether the body has ended. An upgrade (101) has none."""
    failure: HttpViolation | None = None
    """Why reading stopped, for good."""

    def __init__(self, *, bodiless: bool = False) -> None:
        self._bodiless = bodiless
        self._take = self._take_head
        self._held = b""
        """What has arrived and cannot be taken before more does."""
        self._lines = bytearray()
        """The lines of a head, or of trailers, so far. A bytearray, because it grows in place."""
        self._spent = 0
        """The bytes of interim heads."""
        self._left = 0
        """What the body lacks, where its length is known; the same of a chunk."""
        self._behind_chunk = False
        """All of a chunk but the line break at its end has been taken."""
        self._delimited = True
        self._persistent = True

    @property
    def reusable(self) -> bool:
        """Whether another request may follow on the same connection (RFC 9112 §9.3)."""
        return self.complete and self._persistent and self._delimited and not self._held

    @property
    def leftover(self) -> bytes:
        """What came after the end of the response. After an upgrade it is the other protocol's."""
        return self._held if self.complete else b""

    def feed(self, data: bytes) -> bytes:
        """Take what one read brought, and return all of its body. Never raises."""
        if self.failure is not None:
            return b""
        body: list[bytes] = []
        try:
            self._take(data, body)
        except HttpViolation as exc:
            self.failure = exc
        return body[0] if len(body) == 1 else b"".join(body)

    def end(self) -> None:
        """The connection has ended: for some bodies that is their end, for others too early."""
        if self.complete or self.failure is not None:
            return
        if self.head is not None and not self._delimited:
            self.complete = True
        else:
            self.failure = HttpViolation("the connection was closed too early")

    # Each state is a method that takes all it can, and hands what is left over to the next one.

    def _take_head(self, data: bytes, body: list[bytes]) -> None:
        while True:
            try:
                block, data = self._block(data)
            finally:
                self._check_start()  # before its length: how the bytes were cut must not matter
            if block is None:
                return
            self._spent += len(block)
            head, version = _parse_head(block)
            if head.status >= 200 or head.status == 101:
                break
        self._choose_framing(head, version)
        self.head = head
        self._take(data, body)

    def _check_start(self) -> None:
        """Say at once what is obviously no response, instead of waiting for the end of its head."""
        lines = self._lines
        if not lines or lines.startswith(b"HTTP/") or b"HTTP/".startswith(lines):
            return
        if lines[0] <= 0x20 or b"\n" in lines or len(lines) >= _ODD_START_BYTES:
            raise HttpViolation("illegal status line")

    def _block(self, data: bytes) -> tuple[bytes | None, bytes]:
        """The lines up to a blank one, with their ends but without it, and what follows.

        None while there is no blank line.

        Raises:
            HeadTooLong: there will be none within the bound.
        """
        lines = self._lines
        start = max(len(lines) - 2, 0)  # linear, however the lines arrive
        lines += data
        for blank in (b"\r\n", b"\n"):
            if lines.startswith(blank):
                return self._cut(0, len(blank))
        match = _BLANK.search(lines, start)
        # In the first case the end may be missed by two bytes, so the bound is looked at first.
        if self._spent + (match.end() if match else len(lines)) > HEAD_BYTES:
            raise HeadTooLong("the head is too long")
        return self._cut(match.start() + 1, match.end()) if match else (None, b"")

    def _cut(self, end: int, rest: int) -> tuple[bytes, bytes]:
        block, data = bytes(self._lines[:end]), bytes(self._lines[rest:])
        self._lines.clear()
        return block, data

    def _choose_framing(self, head: ResponseHead, version: int) -> None:
        """How long the body is (RFC 9112 §6.3), and whether the connection outlives it (§9.3)."""
        lengths: set[bytes] = set()
        codings: list[bytes] = []
        options: set[bytes] = set()
        for name, value in head.fields:
            match name.lower():
                case b"content-length":
                    lengths.update(one.strip(b" \t") for one in value.split(b","))
                case b"transfer-encoding":
                    codings.append(value.lower())
                case b"connection":
                    options.update(one.strip(b" \t") for one in value.lower().split(b","))
        if len(lengths) > 1:
            raise HttpViolation("conflicting Content-Length headers")
        length = lengths.pop() if lengths else None
        if length is not None and not (length.isdigit() and len(length) <= _LENGTH_DIGITS):
            raise HttpViolation("bad Content-Length")
        if codings and codings != [b"chunked"]:
            raise HttpViolation("only Transfer-Encoding: chunked is supported")
        # Both together look like an attempt to smuggle: the length is ignored, and the connection
        # not used again (§6.3). One that promises nothing (HTTP/1.0) is not either.
        conflict = bool(codings) and length is not None
        self._persistent = version > 0 and b"close" not in options and not conflict
        if head.status == 101:
            self._persistent = False
            self._take = self._take_nothing
            self.complete = True
        elif self._bodiless or head.status in (204, 304):
            self._take = self._take_nothing
            self.complete = True
        elif codings:
            self._take = self._take_chunks
        elif length is not None:
            self._left = int(length)
            self._take = self._take_length
        else:
            self._delimited = False
            self._take = self._take_all

    def _take_nothing(self, data: bytes, body: list[bytes]) -> None:  # noqa: ARG002 - as its siblings
        self._held += data

    def _take_all(self, data: bytes, body: list[bytes]) -> None:
        body.append(data)

    def _take_length(self, data: bytes, body: list[bytes]) -> None:
        left = self._left
        if len(data) < left:
            self._left = left - len(data)
            body.append(data)
            return
        self.complete = True
        self._take = self._take_nothing
        body.append(data[:left])
        self._held = data[left:]

    def _take_chunks(self, data: bytes, body: list[bytes]) -> None:
        # The hot loop of most streams: one match and one slice for each chunk.
        if self._held:
            data, self._held = self._held + data, b""
        at, end, left = 0, len(data), self._left
        while at < end:
            if not left:
                if self._behind_chunk:
                    if not data.startswith(b"\r\n", at):
                        self._hold_line_break(data[at:])
                        break
                    self._behind_chunk = False
                    at += 2
                    if at == end:  # as a rule: a read ends where a chunk does
                        break
                match = _CHUNK_SIZE.match(data, at)
                if match is None:
                    self._hold_size(data[at:])
                    break
                left = int(match[1], 16)
                at = match.end()
                if not left:
                    self._spent = 0
                    self._take = self._take_trailers
                    self._take(data[at:], body)
                    return
            upto = at + left
            body.append(data[at:upto])
            if upto > end:
                left = upto - end
                break
            at, left = upto, 0
            self._behind_chunk = True
        self._left = left

    def _hold_line_break(self, rest: bytes) -> None:
        if rest != b"\r":
            raise HttpViolation("a chunk is longer than its size")
        self._held = rest

    def _hold_size(self, rest: bytes) -> None:
        if b"\n" in rest or len(rest) > _SIZE_LINE_BYTES:
            raise HttpViolation("illegal chunk size")
        self._held = rest

    def _take_trailers(self, data: bytes, body: list[bytes]) -> None:  # noqa: ARG002 - as its siblings
        block, data = self._block(data)
        if block is not None:
            _parse_fields(_lines(block))  # what they say is of no use to anybody here
            self.complete = True
            self._take = self._take_nothing
            self._held = data


def _lines(block: bytes) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in block.split(b"\n")[:-1]]


def _parse_head(block: bytes) -> tuple[ResponseHead, int]:
    """The head, and the minor version of HTTP/1."""
    lines = _lines(block)
    match = _STATUS_LINE.fullmatch(lines[0]) if lines else None
    if match is None:
        raise HttpViolation("illegal status line")
    return ResponseHead(int(match[2]), _parse_fields(lines[1:])), int(match[1])


def _parse_fields(lines: list[bytes]) -> tuple[tuple[bytes, bytes], ...]:
    if len(lines) > _FIELDS:
        raise HttpViolation(f"more than {_FIELDS} header lines")
    unfolded: list[bytes] = []
    for line in lines:
        if not line.startswith((b" ", b"\t")):
            unfolded.append(line)
        elif unfolded:
            unfolded[-1] += b" " + line.lstrip(b" \t")
        else:
            raise HttpViolation("continuation line at the start of the headers")
    fields = []
    for line in unfolded:
        match = _FIELD.fullmatch(line)
        if match is None:
            raise HttpViolation("illegal header line")
        fields.append((match[1], match[2].strip(b" \t")))
    return tuple(fields)
