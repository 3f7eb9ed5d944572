"""What a server has to do is read off the bytes of a recording, whatever they are."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from turnwire.recordings import (
    End,
    Event,
    Payload,
    Piece,
    Recording,
    RecordingError,
    TurnBegan,
    TurnEnded,
    load_recording,
)
from turnwire.recordings.model import from_line, to_line
from turnwire.replaying import local_url
from turnwire.replaying.script import Awaits, acts_of
from turnwire_core.contracts.tap import FRAMES, Ending

HEADER = (
    '{"type":"recording","recordingVersion":1,"connection":"c","protocol":"p","url":"u",'
    '"started":"2026-01-01T00:00:00+00:00"}\n'
)
SWITCH = b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n"
WORDS = [
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"CONNECT x:1 HTTP/1.1\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
    b"HTTP/1.1 307 Go\r\nLocation: https://else.where/x\r\n\r\n",
    SWITCH,
    b"\x81\x02hi",
    b"\x8a\x00",
    b"\x88\x80\0\0\0\0",
    b"hi",
]

data = st.one_of(st.sampled_from(WORDS), st.binary(max_size=20))
at = st.integers(0, 10**12)
transport = st.integers(1, 2)
labels = st.sampled_from(["request", "body", "response", FRAMES, "lines"])
events = st.lists(
    st.one_of(
        st.builds(Piece, at, transport, st.booleans(), labels, data),
        st.builds(Payload, at, transport, st.booleans(), st.just("message"), data),
        st.builds(End, at, transport, st.sampled_from(Ending)),
        st.builds(TurnBegan, at, st.integers(0, 2), st.text(max_size=5)),
        st.builds(
            TurnEnded,
            at,
            st.integers(0, 2),
            st.sampled_from(["finished", "stalled", "error_event"]),
            st.booleans(),
        ),
    ),
    max_size=12,
)


def recording(found: list[Event]) -> Recording:
    return Recording(Path("x"), "c", "p", "u", "2026-01-01T00:00:00+00:00", tuple(found))


@settings(deadline=None, max_examples=150)
@given(found=events)
def test_whatever_was_recorded_can_be_played(found: list[Event]) -> None:
    for act in acts_of(recording(found)):
        assert act.steps
        assert all(step.amount >= 0 for step in act.steps)
        for step in act.steps:
            assert all(saying.data for saying in step.sayings)


@settings(deadline=None, max_examples=60)
@given(found=events)
def test_an_event_is_read_as_it_was_written(found: list[Event]) -> None:
    assert [from_line(to_line(event)) for event in found] == found


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(rest=st.one_of(st.binary(max_size=60), st.text(max_size=60).map(str.encode)))
def test_a_file_with_anything_in_it_is_a_recording_or_an_error_that_says_so(
    rest: bytes, tmp_path: Path
) -> None:
    file = tmp_path / "x.recording.jsonl"
    for text in (rest, HEADER.encode() + rest):
        file.write_bytes(text)
        said = str(file)
        try:
            load_recording(file)
        except RecordingError as exc:
            said = str(exc)
        assert str(file) in said


def piece(*, sent: bool, data: bytes, at_ns: int = 0, label: str = "x") -> Piece:
    return Piece(at_ns, 1, sent, label, data)


def test_requests_upgrades_and_other_bytes_are_told_apart() -> None:
    (act,) = acts_of(
        recording(
            [
                piece(sent=True, data=WORDS[0]),
                piece(sent=False, data=SWITCH + b"\x81\x02hi\x8a\x00"),
                piece(sent=True, data=b"\x81\x80\0\0\0\0", label=FRAMES),
                piece(sent=True, data=b"\x89\x80\0\0\0\0", label=FRAMES),
                piece(sent=False, data=b"\x81\x02ho", label=FRAMES),
            ]
        )
    )
    opening, message = act.steps
    assert (opening.awaits, opening.upgrades) == (Awaits.REQUEST, True)
    # The token is the server's to make, and so are pongs.
    assert b"".join(one.data for one in opening.sayings).endswith(b"websocket\r\n\r\n\x81\x02hi")
    assert (message.awaits, message.amount) == (Awaits.MESSAGES, 1)
    (act,) = acts_of(recording([piece(sent=False, data=b"hello"), piece(sent=True, data=b"hi")]))
    assert [step.awaits for step in act.steps] == [Awaits.NOTHING, Awaits.BYTES]


def test_a_redirect_leads_back_here() -> None:
    (act,) = acts_of(recording([piece(sent=True, data=WORDS[0]), piece(sent=False, data=WORDS[3])]))
    assert act.steps[0].sayings[0].data == b"HTTP/1.1 307 Go\r\nLocation: /x\r\n\r\n"


def test_what_was_said_to_a_proxy_is_not_played() -> None:
    assert acts_of(recording([piece(sent=True, data=WORDS[1])])) == ()


def test_a_url_that_is_none_stands_in_nobodys_way() -> None:
    assert local_url("wss://x.example:9/a?b#c", 5) == "ws://127.0.0.1:5/a?b#c"
    assert local_url("http://[", 5) == "http://127.0.0.1:5"
