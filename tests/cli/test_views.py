"""What is shown is in order, is never in the way, and goes where it belongs."""

from __future__ import annotations

import io
import threading
from typing import Any

import pytest

from turnwire.view.live import Clock, EventView, TextView, WireView
from turnwire.view.replies import metrics_line, outcome_lines
from turnwire.view.screen import Screen
from turnwire.view.tables import table_text
from turnwire_core import Attempt, Chunk, Connection, Frame, Metrics, Reply, Turn, Verdict
from turnwire_core.errors import Phase
from turnwire_core.secrets import Secrets

SECRET = "sk-very-secret-1"
BOT = Connection(
    base_url="http://127.0.0.1/", protocol="sse", name="bot", secrets=Secrets([SECRET])
)
TURN = Turn(index=0, message="hi", transcript=(), bodies=())


class Terminal(io.StringIO):
    """A stream that says that it is a terminal, and notes what was written in which order."""

    def __init__(self, tape: list[str] | None = None) -> None:
        super().__init__()
        self.tape = tape if tape is not None else []

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.tape.append(text)
        return super().write(text)


def reply(**changes: Any) -> Reply:
    metrics = Metrics(
        duration_ms=9.0, stream_chunks=3, events=4, network_reads=4, characters=5, latency_ms=9.04
    )
    values = {"content": "Hello", "verdict": Verdict.FINISHED, "metrics": metrics, "ok": True}
    return Reply(**(values | changes))


@pytest.fixture(autouse=True)
def _no_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")


def test_data_goes_to_stdout_and_notes_to_stderr() -> None:
    out, err = io.StringIO(), io.StringIO()
    with Screen(out=out, err=err) as screen:
        screen.text("Hel")
        screen.note("a note")
        screen.text("lo\x1b")
        screen.end_line()
        screen.line("data")
    assert out.getvalue() == "Hello␛\ndata\n"
    assert err.getvalue() == "a note\n"


def test_on_one_terminal_a_note_begins_on_a_line_of_its_own() -> None:
    tape: list[str] = []
    with Screen(out=Terminal(tape), err=Terminal(tape)) as screen:
        screen.text("Hel")
        screen.note("a note")
        screen.text("lo\n")
        screen.note("another")
    assert "".join(tape) == "Hel\na note\nlo\nanother\n"


def test_a_line_that_is_still_open_at_the_end_is_ended() -> None:
    out = io.StringIO()
    with Screen(out=out, err=io.StringIO()) as screen:
        screen.text("Hello")
    assert out.getvalue() == "Hello\n"


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False), ({"NO_COLOR": ""}, True)],
)
def test_colour_is_for_terminals_that_want_it(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], coloured: bool
) -> None:
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    terminal, pipe = Terminal(), io.StringIO()
    with Screen(out=io.StringIO(), err=terminal) as screen:
        screen.note("text", fg="red")
    with Screen(out=io.StringIO(), err=pipe) as screen:
        screen.note("text", fg="red")
    assert terminal.getvalue() == ("\x1b[31mtext\x1b[0m\n" if coloured else "text\n")
    assert pipe.getvalue() == "text\n"


def test_a_slow_terminal_holds_up_nobody() -> None:
    release = threading.Event()

    class Slow(io.StringIO):
        def write(self, text: str) -> int:
            assert release.wait(30)
            return super().write(text)

    out = Slow()
    with Screen(out=out, err=io.StringIO()) as screen:
        for _ in range(100):
            screen.text("x")  # returns, though nothing was written yet
        assert out.getvalue() == ""
        release.set()
        screen.flush()
        assert out.getvalue() == "x" * 100


def test_what_the_terminal_cannot_write_is_spelled_out() -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    with Screen(out=out, err=io.StringIO()) as screen:
        screen.text("naïve ✓")
    assert raw.getvalue() == b"na\\xefve \\u2713\n"


def test_a_pipe_that_nobody_reads_is_noticed() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    err = io.StringIO()
    with Screen(out=Gone(), err=err) as screen:
        screen.text("x")
        screen.flush()
        assert screen.broken
        screen.text("y")


def test_a_metrics_line_has_a_dash_for_what_never_happened() -> None:
    line = metrics_line("sse", reply())
    assert line == "sse  finished  firstTokenMs -  streamChunks 3  latencyMs 9.0"


def test_a_good_reply_needs_no_more_words() -> None:
    assert outcome_lines(BOT, reply()) == []


def test_a_failed_reply_says_what_where_how_often_what_is_left_and_what_to_try() -> None:
    failed = reply(
        ok=False,
        verdict=Verdict.STALLED,
        phase=Phase.STREAM,
        error=f"Nothing came for {SECRET} ms.\nSo\x1b[2J.",
        attempts=(Attempt(0.0, "reset", 1.0), Attempt(2.0)),
        hints=(f"Raise {SECRET}.",),
    )
    assert outcome_lines(BOT, failed) == [
        "stalled (phase: stream): Nothing came for *** ms.␊So␛[2J.",
        "Tried 2 times.",
        "The 5 characters that had arrived are kept.",
        "hint: Raise ***.",
    ]


def events(*frames: Frame, chunk_of: int | None = None, **chunk: Any) -> list[str]:
    """The lines of -v for these frames, of which one made a chunk."""
    err = io.StringIO()
    with Screen(out=io.StringIO(), err=err) as screen:
        view = EventView(screen, Clock())
        view.turnwire_turn_started(connection=BOT, turn=TURN, at_ns=1_000_000)
        for index, frame in enumerate(frames):
            view.turnwire_frame(frame=frame)
            if index == chunk_of:
                view.turnwire_chunk(chunk=Chunk(**chunk))
        view.turnwire_turn_finished()
    return err.getvalue().splitlines()[1:]


def test_an_event_stands_on_one_line_with_its_offset_its_name_and_its_chunk() -> None:
    one = Frame(received_ns=3_500_000, data='{"a":\n"Hi"}', event="delta")
    two = Frame(received_ns=14_000_000, data=b'{"b": "\xff"}')
    lines = events(one, two, chunk_of=0, index=7, text="Hi", received_ns=3_500_000)
    assert lines == [
        '+      2.5 ms  delta    {"a":␊"Hi"}  → chunk 7, 2 characters',
        '+     13.0 ms  event    {"b": "\\xff"}',
    ]


def test_long_data_is_cut_and_secrets_in_it_are_masked_first() -> None:
    data = "x" * 95 + SECRET
    (line,) = events(Frame(received_ns=1_000_000, data=data, whole=True))
    assert line.startswith("+      0.0 ms  body     xxx")
    assert line.endswith("x***")
    (line,) = events(Frame(received_ns=1_000_000, data="x" * 500, event="\x1b"))
    assert "␛ " in line
    assert line.endswith("x…")
    assert len(line) < 130


def test_a_chunk_that_replaces_says_so() -> None:
    frame = Frame(received_ns=1_000_000, data="{}")
    (line,) = events(frame, chunk_of=0, index=1, text="new", received_ns=1_000_000, replaces=True)
    assert line.endswith("→ chunk 1, replaces the text")
    out, err = io.StringIO(), io.StringIO()
    with Screen(out=out, err=err) as screen:
        view = TextView(screen)
        view.turnwire_turn_started(connection=BOT)
        view.turnwire_chunk(chunk=Chunk(0, "old", 0))
        view.turnwire_chunk(chunk=Chunk(1, f"new {SECRET}", 0, replaces=True))
        view.turnwire_turn_finished()
    assert out.getvalue() == "old\nnew ***\n"
    assert "replaces the text so far" in err.getvalue()


def test_a_failed_attempt_and_the_ends_of_a_session_are_events_too() -> None:
    err = io.StringIO()
    with Screen(out=io.StringIO(), err=err) as screen:
        view = EventView(screen, clock := Clock())
        clock.restart(0)
        view.turnwire_connection_opened(connection=BOT, at_ns=1_000_000)
        view.turnwire_attempt_failed(connection=BOT, attempt=Attempt(1.0, f"no {SECRET}", 500.0))
        view.turnwire_connection_closed(at_ns=2_000_000)
    assert err.getvalue().splitlines() == [
        "+      1.0 ms  open     bot (sse)",
        "attempt failed: no ***; waited 500 ms",
        "+      2.0 ms  closed",
    ]


def test_raw_bytes_show_direction_size_and_lines_and_no_secret() -> None:
    err = io.StringIO()
    with Screen(out=io.StringIO(), err=err) as screen:
        clock = Clock()
        clock.restart(0)
        view = WireView(screen, clock, BOT.secrets)
        view.sent(500_000, "request", f"GET / HTTP/1.1\r\nKey: {SECRET}\r\n\r\n".encode())
        view.received(2_000_000, "bo\x1bdy", b"a\x1b[2J\xff")
    assert err.getvalue().splitlines() == [
        "+      0.5 ms  → request, 41 bytes",
        "    GET / HTTP/1.1",
        "    Key: ***",
        "    ",
        "    ",
        "+      2.0 ms  ← bo␛dy, 6 bytes",
        "    a␛[2J\\xff",
    ]


def test_raw_bytes_are_cut_where_they_get_long() -> None:
    err = io.StringIO()
    with Screen(out=io.StringIO(), err=err) as screen:
        WireView(screen, Clock(), BOT.secrets).received(0, "body", b"x" * 20_000)
    assert "… and 3616 characters more" in err.getvalue()
    assert err.getvalue().count("x") == 16 * 1024


def test_a_secret_that_comes_in_pieces_is_masked_in_the_text_and_in_its_events() -> None:
    pieces = ["It is ", SECRET[:5], SECRET[5:9], SECRET[9:] + ". ", "Yes "]
    out, err = io.StringIO(), io.StringIO()
    with Screen(out=out, err=err) as screen:
        text, lines = TextView(screen), EventView(screen, Clock())
        text.turnwire_turn_started(connection=BOT)
        lines.turnwire_turn_started(connection=BOT, turn=TURN, at_ns=0)
        for index, piece in enumerate(pieces):
            lines.turnwire_frame(frame=Frame(received_ns=index, data=f'{{"text":"{piece}"}}'))
            for view in (lines, text):
                view.turnwire_chunk(chunk=Chunk(index, piece, received_ns=index))
            lines.turnwire_frame(frame=Frame(received_ns=index, data="{}"))
        text.turnwire_turn_finished()
        lines.turnwire_turn_finished()
    assert out.getvalue() == "It is ***. Yes \n"
    shown = [
        line.split(maxsplit=3)[3].removeprefix("event").strip()
        for line in err.getvalue().splitlines()[1:]
    ]
    assert shown == [
        '{"text":"It is "}  → chunk 0, 6 characters',
        "{}",
        "***  → chunk 1, 5 characters",
        "{}",
        "***  → chunk 2, 4 characters",
        "{}",
        f"***  → chunk 3, {len(pieces[3])} characters",
        "{}",
        '{"text":"Yes "}  → chunk 4, 4 characters',
        "{}",
    ]


def test_the_text_after_a_beginning_that_led_to_nothing_is_shown_whole() -> None:
    out = io.StringIO()
    with Screen(out=out, err=io.StringIO()) as screen:
        view = TextView(screen)
        view.turnwire_turn_started(connection=BOT)
        for index, piece in enumerate([SECRET[:5], " no. ", SECRET[:6]]):
            view.turnwire_chunk(chunk=Chunk(index, piece, received_ns=index))
        view.turnwire_turn_finished()
    assert out.getvalue() == f"{SECRET[:5]} no. {SECRET[:6]}\n"


def test_a_secret_and_a_character_that_two_reads_cut_are_whole_in_the_raw_bytes() -> None:
    err = io.StringIO()
    with Screen(out=io.StringIO(), err=err) as screen:
        clock = Clock()
        clock.restart(0)
        view = WireView(screen, clock, BOT.secrets)
        data = f"é {SECRET}!".encode()
        view.received(1_000_000, "body", data[:1])
        view.received(2_000_000, "body", data[1:8])
        view.sent(3_000_000, "ping", b".")
        view.received(4_000_000, "body", data[8:])
        view.received(5_000_000, "body", SECRET[:6].encode())
        view.flush()
    assert err.getvalue().splitlines() == [
        "+      1.0 ms  ← body, 1 bytes",
        "    ",
        "+      3.0 ms  → ping, 1 bytes",
        "    .",
        "+      2.0 ms  ← body, 7 bytes",
        "    é ***",
        f"+      4.0 ms  ← body, {len(data) - 8} bytes",
        "    !",
        "+      5.0 ms  ← body, 6 bytes",
        f"    {SECRET[:6]}",
    ]


def test_every_hook_of_the_views_is_one_that_exists() -> None:
    import pluggy

    from turnwire_core.hookspecs import PROJECT, ObserverHooks

    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(ObserverHooks)
    with Screen(out=io.StringIO(), err=io.StringIO()) as screen:
        manager.register(EventView(screen, Clock()))
        manager.register(TextView(screen))
        manager.check_pending()


def test_a_table_takes_brackets_for_brackets_and_no_orders() -> None:
    text = table_text(("name", "ms"), [("[red]a[/red]\x1b", "1.5")], numbers=1)
    assert "[red]a[/red]␛" in text
    assert text.splitlines()[-1].endswith("1.5")
