"""What WHATWG HTML §9.2.6 makes of event streams: bytes, and the events that they are.

The expectations are written by hand from the standard. Groups whose name ends in ``(wpt …)`` say
again in our words what web-platform-tests' ``eventsource/`` establishes under that name.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple


class Event(NamedTuple):
    """An event as the standard sees it. ``retry``: asked for since the event before."""

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None


class Case(NamedTuple):
    name: str
    stream: bytes
    events: list[Event]


E = Event
BOM = b"\xef\xbb\xbf"

_Table = list[tuple[bytes, list[Event]]]

_GROUPS: dict[str, _Table] = {
    "byte order mark (wpt format-bom)": [
        (BOM + b"data: 1\n\n", [E("1")]),
        (BOM + b"data:1\n\n\ndata:2\n\ndata:3\n\n", [E("1"), E("2"), E("3")]),
        (BOM, []),
        (BOM + b"\n", []),
        (BOM + b":comment\ndata: 1\n\n", [E("1")]),
        (BOM + b"\r\ndata: 1\r\n\r\n", [E("1")]),
        (b"\xef\xbb\xbf"[:2] + b"\n\ndata: 1\n\n", [E("1")]),
        (b"\xef\xbbdata: 1\n\ndata: 2\n\n", [E("2")]),
        (b"\xfe\xffdata: 1\n\ndata: 2\n\n", [E("2")]),
        (BOM + b"event: x\ndata: 1\n\n", [E("1", "x")]),
        (BOM + b"data", []),
        (BOM + b" data: 1\n\ndata: 2\n\n", [E("2")]),
    ],
    "a second byte order mark is text (wpt format-bom-2)": [
        (BOM + BOM + b"data:1\n\ndata:2\n\ndata:3\n\n", [E("2"), E("3")]),
        (b"data: 1\n\n" + BOM + b"data: 2\n\ndata: 3\n\n", [E("1"), E("3")]),
        (b"\n" + BOM + b"data: 1\n\ndata: 2\n\n", [E("2")]),
        (b"data: " + BOM + b"1\n\n", [E("\ufeff1")]),
        (b"data:" + BOM + b" 1\n\n", [E("\ufeff 1")]),
    ],
    "comments (wpt format-comments)": [
        (b":\n", []),
        (b":\n\n", []),
        (b": heartbeat\n\n: heartbeat\n\n", []),
        (b"data:1\n:\0\n:\r\ndata:2\n:x\rdata:3\n:data:fail\r:x\ndata:4\n\n", [E("1\n2\n3\n4")]),
        (b":data: no\n\ndata: yes\n\n", [E("yes")]),
        (b"data: yes\n:data: no\n\n", [E("yes")]),
        (b": a\n: b\ndata: 1\n: c\n\n", [E("1")]),
        (b"::\ndata: 1\n\n", [E("1")]),
        (b":" + b"x" * 5000 + b"\ndata: 1\n\n", [E("1")]),
        (b" : no comment, but a field of one space\ndata: 1\n\n", [E("1")]),
    ],
    "the end of the stream (wpt format-data-before-final-empty-line)": [
        (b"", []),
        (b"retry:1000\ndata:test1\n\nid:test\ndata:test2", [E("test1", retry=1000)]),
        (b"data: 1", []),
        (b"data: 1\n", []),
        (b"data: 1\r", []),
        (b"data: 1\r\n", []),
        (b"data: 1\n\ndata: 2\n", [E("1")]),
        (b"data: 1\r\n\r\ndata: 2\r\n", [E("1")]),
        (b"data: 1\n\ndata: 2\nevent: x", [E("1")]),
        (b"data: 1\n\n:", [E("1")]),
        (b"data: 1\n\n\xe2\x82", [E("1")]),
        (b"\n", []),
        (b"\r", []),
        (b"\r\n\r\n", []),
        (b"data", []),
    ],
    "data (wpt format-field-data)": [
        (b"data:\n\ndata\ndata\n\ndata:test\n\n", [E(""), E("\n"), E("test")]),
        (b"data: \n\n", [E("")]),
        (b"data:  \n\n", [E(" ")]),
        (b"data\n\n", [E("")]),
        (b"data:a\ndata:b\ndata:c\n\n", [E("a\nb\nc")]),
        (b"data: a\ndata\ndata: c\n\n", [E("a\n\nc")]),
        (b"data:\ndata: b\n\n", [E("\nb")]),
        (b"data: a\ndata:\n\n", [E("a\n")]),
        (b"data:: x\n\n", [E(": x")]),
        (b"data: a: b\n\n", [E("a: b")]),
        (b"data: data: x\n\n", [E("data: x")]),
        (b"data: {\ndata: }\n\n", [E("{\n}")]),
        (b"data:\ndata:\n\n", [E("\n")]),
        (b"data:\ndata:\ndata:\n\n", [E("\n\n")]),
        (b"data\ndata\ndata\n\n", [E("\n\n")]),
        (b"data: \ndata:a\n\n", [E("\na")]),
        (b"data: x \n\n", [E("x ")]),
        (b"data: \\n\n\n", [E("\\n")]),
        (b"\n\n\ndata: 1\n\n\n\ndata: 2\n\n\n", [E("1"), E("2")]),
        (b"data: [DONE]\n\n", [E("[DONE]")]),
        (b"data: " + b"x" * 10_000 + b"\n\n", [E("x" * 10_000)]),
    ],
    "an event without data is none": [
        (b"event: ping\n\n", []),
        (b"event: ping\n\ndata: 1\n\n", [E("1")]),
        (b"event: a\n\nevent: b\ndata: 1\n\n", [E("1", "b")]),
        (b"id: 7\n\n", []),
        (b"retry: 10\n\n", []),
        (b"event: ping\nid: 1\nretry: 2\n\n", []),
        (b"nonsense\n\n", []),
        (b"nonsense\n\ndata: 1\n\n", [E("1")]),
    ],
    "event (wpt format-field-event)": [
        (b"event:test\ndata:x\n\ndata:x\n\n", [E("x", "test"), E("x")]),
        (b"event: test\ndata: x\n\n", [E("x", "test")]),
        (b"data: x\nevent: test\n\n", [E("x", "test")]),
        (b"event:  test\ndata: x\n\n", [E("x", " test")]),
        (b"event: a\nevent: b\ndata: x\n\n", [E("x", "b")]),
        (b"event: a\nevent:\ndata: x\n\n", [E("x")]),
        (b"event: a\ndata: x\nevent: b\n\n", [E("x", "b")]),
        (b"event: message\ndata: x\n\n", [E("x", "message")]),
        (b"event: a:b\ndata: x\n\n", [E("x", "a:b")]),
        (b"event: \xc3\xa9t\xc3\xa9\ndata: x\n\n", [E("x", "été")]),
        (b"event: a\xff\ndata: x\n\n", [E("x", "a\ufffd")]),
        (b"event: a\0b\ndata: x\n\n", [E("x", "a\0b")]),
        (b"event: a b \ndata: x\n\n", [E("x", "a b ")]),
    ],
    "an empty event name is none (wpt format-field-event-empty)": [
        (b"event: \ndata:data\n\n", [E("data")]),
        (b"event:\ndata:data\n\n", [E("data")]),
        (b"event\ndata:data\n\n", [E("data")]),
        (b"event: \ndata: data\n\n", [E("data")]),
    ],
    "id (wpt format-field-id, format-field-id-2)": [
        (b"id: 1\ndata: a\n\n", [E("a", id="1")]),
        (b"id: 1\ndata: a\n\ndata: b\n\n", [E("a", id="1"), E("b", id="1")]),
        (b"id: 1\ndata: a\n\nid\ndata: b\n\n", [E("a", id="1"), E("b")]),
        (b"id: 1\ndata: a\n\nid:\ndata: b\n\n", [E("a", id="1"), E("b")]),
        (b"id: 1\nid: 2\ndata: a\n\n", [E("a", id="2")]),
        (b"data: a\nid: 1\n\n", [E("a", id="1")]),
        (b"id: 1\n\ndata: a\n\n", [E("a", id="1")]),
        (b"id:  1\ndata: a\n\n", [E("a", id=" 1")]),
        (b"id: \xe2\x80\xa6\ndata: a\n\n", [E("a", id="…")]),
        (b"id: \xff\ndata: a\n\n", [E("a", id="\ufffd")]),
        (b"ID: 1\ndata: a\n\n", [E("a")]),
        (b"id: 1\nevent: x\ndata: a\n\ndata: b\n\n", [E("a", "x", id="1"), E("b", id="1")]),
    ],
    "an id with NUL is ignored (wpt format-field-id-null)": [
        (b"id: \0\ndata: a\n\n", [E("a")]),
        (b"id: 1\0\ndata: a\n\n", [E("a")]),
        (b"id: 1\nid: \0 2\ndata: a\n\n", [E("a", id="1")]),
        (b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n", [E("a", id="1"), E("b", id="1")]),
    ],
    "field names (wpt format-field-parsing, format-field-unknown)": [
        (
            b"data:\0\ndata:  2\rData:1\ndata\0:2\ndata:1\r\0data:4\nda-ta:3\rdata_5\n"
            b"data:3\r\ndata:\r\n data:32\ndata:4\n\n",
            [E("\0\n 2\n1\n3\n\n4")],
        ),
        (
            b"data:test\n data\ndata\nfoobar:xxx\njustsometext\n:thisisacommentyay\ndata:test\n\n",
            [E("test\n\ntest")],
        ),
        (b"Data: 1\n\n", []),
        (b"DATA: 1\n\n", []),
        (b"Event: x\ndata: 1\n\n", [E("1")]),
        (b"data : 1\n\n", []),
        (b" data: 1\n\n", []),
        (b"\tdata: 1\n\n", []),
        (b"datax: 1\n\n", []),
        (b"dat: 1\n\n", []),
        (b"data=1\n\n", []),
        (b"\0data: 1\n\n", []),
        (b"data\0: 1\n\n", []),
        (b"\xffdata: 1\n\n", []),
        (b"x-custom: 1\ndata: 1\n\n", [E("1")]),
        (b"data: 1\n2\n3\n\n", [E("1")]),
        (b'{"data": 1}\n\n', []),
        (b"\xe2\x80\xa8data: 1\n\n", []),
    ],
    "one leading space goes (wpt format-leading-space)": [
        (b"data:\ttest\rdata: \ndata:test\n\n", [E("\ttest\n\ntest")]),
        (b"data:1\n\n", [E("1")]),
        (b"data: 1\n\n", [E("1")]),
        (b"data:  1\n\n", [E(" 1")]),
        (b"data:   1\n\n", [E("  1")]),
        (b"data:\t1\n\n", [E("\t1")]),
        (b"data: \t1\n\n", [E("\t1")]),
        (b"data:\xc2\xa01\n\n", [E("\u00a01")]),
        (b"data:\xe3\x80\x801\n\n", [E("\u30001")]),
        (b"data:\x0b1\n\n", [E("\x0b1")]),
        (b"data:\xe2\x80\x8b 1\n\n", [E("\u200b 1")]),
        (b"event: \ndata:  \n\n", [E(" ")]),
        (b"event:\tx\ndata: 1\n\n", [E("1", "\tx")]),
        (b"id:\t1\ndata: 1\n\n", [E("1", id="\t1")]),
    ],
    "line ends (wpt format-newlines)": [
        (b"data:test\r\ndata\ndata:test\r\n\r", [E("test\n\ntest")]),
        (b"data: 1\n\n", [E("1")]),
        (b"data: 1\r\r", [E("1")]),
        (b"data: 1\r\n\r\n", [E("1")]),
        (b"data: 1\r\n\n", [E("1")]),
        (b"data: 1\n\r\n", [E("1")]),
        (b"data: 1\n\r", [E("1")]),
        (b"data: 1\r\r\n", [E("1")]),
        (b"data: 1\rdata: 2\r\r", [E("1\n2")]),
        (b"data: 1\r\ndata: 2\r\n\r\n", [E("1\n2")]),
        (b"data: 1\ndata: 2\rdata: 3\r\ndata: 4\n\r", [E("1\n2\n3\n4")]),
        (b"data: 1\r\rdata: 2\r\r", [E("1"), E("2")]),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [E("1"), E("2")]),
        (b"data: 1\n\ndata: 2\r\rdata: 3\r\n\r\n", [E("1"), E("2"), E("3")]),
        (b"data: 1\r\n\r\n\r\n\r\ndata: 2\r\n\r\n", [E("1"), E("2")]),
        (b"\r\rdata: 1\r\r", [E("1")]),
        (b"\n\rdata: 1\n\r", [E("1")]),
        (b"event: a\r\ndata: 1\r\n\r\nevent: b\r\ndata: 2\r\n\r\n", [E("1", "a"), E("2", "b")]),
        (b"event: a\rdata: 1\r\r", [E("1", "a")]),
        (b"data: 1\r\n\rdata: 2\n\r\n", [E("1"), E("2")]),
    ],
    "nothing else ends a line": [
        (b"data: a\x0bb\n\n", [E("a\x0bb")]),
        (b"data: a\x0cb\n\n", [E("a\x0cb")]),
        (b"data: a\x1cb\x1dc\x1ed\n\n", [E("a\x1cb\x1dc\x1ed")]),
        (b"data: a\xc2\x85b\n\n", [E("a\x85b")]),
        (b"data: a\xe2\x80\xa8b\n\n", [E("a\u2028b")]),
        (b"data: a\xe2\x80\xa9b\n\n", [E("a\u2029b")]),
        (b"data: a\0b\n\n", [E("a\0b")]),
        (b"data: a\\r\\nb\n\n", [E("a\\r\\nb")]),
    ],
    "NUL (wpt format-null-character)": [
        (b"data:\0\n\n\n\n", [E("\0")]),
        (b"data: \0\ndata: \0\n\n", [E("\0\n\0")]),
        (b"\0\ndata: 1\n\n", [E("1")]),
    ],
    "retry (wpt format-field-retry, -retry-bogus, -retry-empty)": [
        (b"retry:03000\ndata:x\n\n", [E("x", retry=3000)]),
        (b"retry: 3000\ndata: x\n\n", [E("x", retry=3000)]),
        (b"retry: 0\ndata: x\n\n", [E("x", retry=0)]),
        (b"retry:3000\nretry:1000x\ndata:x\n\n", [E("x", retry=3000)]),
        (b"retry:1\nretry:2\ndata:x\n\n", [E("x", retry=2)]),
        (b"retry\ndata:test\n\n", [E("test")]),
        (b"retry:\ndata:test\n\n", [E("test")]),
        (b"retry: +1\ndata: x\n\n", [E("x")]),
        (b"retry: -1\ndata: x\n\n", [E("x")]),
        (b"retry: +1_0\ndata: x\n\n", [E("x")]),
        (b"retry: 1_0\ndata: x\n\n", [E("x")]),
        (b"retry: 1.5\ndata: x\n\n", [E("x")]),
        (b"retry: 1e3\ndata: x\n\n", [E("x")]),
        (b"retry: 0x10\ndata: x\n\n", [E("x")]),
        (b"retry:  1\ndata: x\n\n", [E("x")]),
        (b"retry: 1 \ndata: x\n\n", [E("x")]),
        (b"retry: \xd9\xa1\ndata: x\n\n", [E("x")]),
        (b"retry: \xc2\xb2\ndata: x\n\n", [E("x")]),
        (b"retry: " + b"9" * 5000 + b"\ndata: x\n\n", [E("x")]),
        (b"retry: 5\n\ndata: x\n\ndata: y\n\n", [E("x", retry=5), E("y")]),
        (b"Retry: 5\ndata: x\n\n", [E("x")]),
    ],
    "UTF-8 (wpt format-utf-8)": [
        (b"data:ok\xe2\x80\xa6\n\n", [E("ok…")]),
        (b"data: \xf0\x9f\x98\x80\n\n", [E("😀")]),
        (b"data: \xe4\xbd\xa0\xe5\xa5\xbd\n\n", [E("你好")]),
        (b"data: e\xcc\x81\n\n", [E("e\u0301")]),
        (b"data: a\ndata: \xc3\xbc\ndata: b\n\n", [E("a\nü\nb")]),
    ],
    "broken UTF-8 becomes U+FFFD, and the stream goes on": [
        (b"data: a\xffb\n\ndata: c\n\n", [E("a\ufffdb"), E("c")]),
        (b"data: \x80\n\n", [E("\ufffd")]),
        (b"data: \xc3\n\n", [E("\ufffd")]),
        (b"data: \xe2\x82\n\n", [E("\ufffd")]),
        (b"data: \xe2\x82\ndata: \xac\n\n", [E("\ufffd\n\ufffd")]),
        (b"data: \xe2\x82\r\r", [E("\ufffd")]),
        (b"data: \xf0\x9f\x98\r\n\r\n", [E("\ufffd")]),
        (b"data: \xf0\x9f\x98x\n\n", [E("\ufffdx")]),
        (b"data: \xc0\xaf\n\n", [E("\ufffd\ufffd")]),
        (b"data: \xed\xa0\x80\n\n", [E("\ufffd\ufffd\ufffd")]),
        (b"data: \xf4\x90\x80\x80\n\n", [E("\ufffd\ufffd\ufffd\ufffd")]),
        (b"data: \xf8\x88\x80\x80\x80\n\n", [E("\ufffd" * 5)]),
        (b"data: \xe9t\xe9\n\n", [E("\ufffdt\ufffd")]),
        (b"data\xc3: 1\n\ndata: 2\n\n", [E("2")]),
        # Encoding Standard §8.1.1: as many bytes as could begin a character become one U+FFFD.
        (b"data: \xe2\x82A\n\n", [E("\ufffdA")]),
        (b"data: \xf0\x90\x80A\n\n", [E("\ufffdA")]),
        (b"data: \xf0\x80\x80A\n\n", [E("\ufffd\ufffd\ufffdA")]),
        (b"data: \xe0\x80\xaf\n\n", [E("\ufffd" * 3)]),
        (b"data: \xf0\x80\x80\xaf\n\n", [E("\ufffd" * 4)]),
        (b"data: \xc1\xbf\n\n", [E("\ufffd\ufffd")]),
        (b"data: \xf5\x80\x80\x80\n\n", [E("\ufffd" * 4)]),
        (b"data: \xfe\xff\n\n", [E("\ufffd\ufffd")]),
        (b"data: \xe2\x82\xe2\x82\xac\n\n", [E("\ufffd€")]),
        (b"data: \xe2\xf0\x9f\x98\x80\n\n", [E("\ufffd😀")]),
        (b"data: \xf0\x9f\xe2\x82\xac\x80\n\n", [E("\ufffd€\ufffd")]),
        (b"data: \xed\xbf\xbf\n\n", [E("\ufffd" * 3)]),
        (b"data: \xed\x9f\xbf\xee\x80\x80\n\n", [E("\ud7ff\ue000")]),
        (b"data: \xef\xbf\xbe\xef\xbf\xbf\n\n", [E("\ufffe\uffff")]),
        (b"data: \xf4\x8f\xbf\xbf\n\n", [E("\U0010ffff")]),
        (b"data: \xf4\x8f\xbf\n\n", [E("\ufffd")]),
        (b"data:\xc2\n\n", [E("\ufffd")]),
        (b"id: \xe2\x82\nevent: \xe2\ndata: x\n\n", [E("x", "\ufffd", id="\ufffd")]),
    ],
    "what assistants send": [
        (
            b'data: {"choices":[{"delta":{"content":"Hi"}}]}\n\ndata: [DONE]\n\n',
            [E('{"choices":[{"delta":{"content":"Hi"}}]}'), E("[DONE]")],
        ),
        (b": OPENROUTER PROCESSING\n\ndata: {}\n\n", [E("{}")]),
        (
            b'event: ping\ndata: {"type": "ping"}\n\nevent: message_stop\ndata: {}\n\n',
            [E('{"type": "ping"}', "ping"), E("{}", "message_stop")],
        ),
        (b"event: message\r\nid: a-b\r\ndata: {}\r\n\r\n", [E("{}", "message", id="a-b")]),
        (b"event: ping\n\nevent: ping\n\ndata: {}\n\n", [E("{}")]),
        (b"event: complete\ndata: null\n\n", [E("null", "complete")]),
        (b"data:{}\n\ndata:{}\n\n", [E("{}"), E("{}")]),
        (b": ping - 2024-01-01 00:00:00\r\n\r\ndata: {}\r\n\r\n", [E("{}")]),
        (
            b"id: 1\nevent: token\ndata: a\n\nid: 2\nevent: token\ndata: b\n\n",
            [E("a", "token", id="1"), E("b", "token", id="2")],
        ),
        (b"retry: 3000\n\ndata: a\n\n", [E("a", retry=3000)]),
        (b"data: a\n\ndata: b\n\nevent: error\ndata: c\n\n", [E("a"), E("b"), E("c", "error")]),
    ],
    "the fast lane and the other, one after another": [
        (b"event: x\n:c\ndata: 1\n\ndata: 2\n\n", [E("1", "x"), E("2")]),
        (b"event: x\ndata: 1\ndata: 2\n\ndata: 3\n\n", [E("1\n2", "x"), E("3")]),
        (b"event: x\n\ndata: 1\n\n", [E("1")]),
        (b"event: x\nevent: y\ndata: 1\n\n", [E("1", "y")]),
        (b"\nevent: x\ndata: 1\n\n\ndata: 2\n\n", [E("1", "x"), E("2")]),
        (b"id: 1\ndata: 1\n\nevent: x\ndata: 2\n\n", [E("1", id="1"), E("2", "x", id="1")]),
        (b"data: 1\nid: 1\n\ndata: 2\n\n", [E("1", id="1"), E("2", id="1")]),
        (b"data: 1\r\n\r\ndata: 2\n\ndata: 3\r\n\r\n", [E("1"), E("2"), E("3")]),
        (b"data: 1\n\n:\r\n\r\ndata: 2\r\n\r\n", [E("1"), E("2")]),
    ],
}


def _cases() -> Iterator[Case]:
    for group, table in _GROUPS.items():
        for number, (stream, events) in enumerate(table, start=1):
            yield Case(f"{group}: {number}", stream, events)


CASES = list(_cases())
