"""A run is shown as it goes on: redrawn on a terminal, line by line elsewhere."""

from __future__ import annotations

import io
import sys
import threading
import time
from collections.abc import Callable

import pytest
from rich.console import Console

from turnwire.view.dashboard import LiveView
from turnwire.view.progress import Finished, LineView, run_view
from turnwire.view.screen import Screen

PASSED = Finished("shop::a[bot]", "passed", None, 420.0)
FAILED = Finished("shop::b[bot]", "failed", "check", 510.0, "contains: expected x, found \x1b[2J")


class Tape(io.StringIO):
    """A terminal that can be waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.encoding_ = "utf-8"
        self._changed = threading.Condition()

    @property
    def encoding(self) -> str:  # type: ignore[override] # of a real stream it is never None
        return self.encoding_

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        with self._changed:
            count = super().write(text)
            self._changed.notify_all()
        return count

    def wait_for(self, text: str) -> str:
        """Everything since the last call of this, once ``text`` is in it."""
        with self._changed:
            assert self._changed.wait_for(lambda: text in self.getvalue(), 10), self.getvalue()
            seen = self.getvalue()
            self.seek(0)
            self.truncate()
        return seen


@pytest.fixture
def tape() -> Tape:
    return Tape()


@pytest.fixture
def live(tape: Tape) -> Callable[..., LiveView]:
    def make(total: int = 3, *, verbose: bool = False, height: int = 24) -> LiveView:
        console = Console(
            file=tape, force_terminal=True, color_system=None, width=70, height=height
        )
        return LiveView(console, total, verbose=verbose)

    return make


def test_a_line_is_written_for_each_test_that_is_finished() -> None:
    err = io.StringIO()
    with Screen(out=io.StringIO(), err=err) as screen, LineView(screen, 2) as view:
        view.started("shop::a[bot]")
        view.chunk("shop::a[bot]", "Hello", received_ns=0, replaces=False)
        view.finished(Finished("shop::a[bot]", "passed", None, 420.0, details=["  user: Hi"]))
        view.finished(FAILED)
    assert err.getvalue().splitlines() == [
        "[1/2] passed shop::a[bot] 0.42 s",
        "  user: Hi",
        "[2/2] failed shop::b[bot] 0.51 s  contains: expected x, found ␛[2J",
    ]


def test_the_reply_grows_and_its_times_are_shown_as_they_come(
    tape: Tape, live: Callable[..., LiveView]
) -> None:
    with live() as view:
        view.started("shop::a[bot]")
        view.turn_started("shop::a[bot]", 0)
        assert "turn 1  waiting" in tape.wait_for("shop::a[bot]")
        view.chunk("shop::a[bot]", "Hel", received_ns=time.perf_counter_ns(), replaces=False)
        shown = tape.wait_for("    Hel")
        assert "first token " in shown
        assert "1 chunks" in shown
        view.chunk("shop::a[bot]", "lo\nyou", received_ns=0, replaces=False)
        tape.wait_for("    Hello you")
        view.chunk("shop::a[bot]", "Bye", received_ns=0, replaces=True)
        assert "Hello" not in tape.wait_for("    Bye")
        view.turn_finished("shop::a[bot]", first_token_ms=12.0, latency_ms=345.0)
        tape.wait_for("first token 12 ms  latency 345 ms")


def test_of_a_long_reply_the_end_is_shown(tape: Tape, live: Callable[..., LiveView]) -> None:
    with live() as view:
        view.started("shop::a[bot]")
        view.turn_started("shop::a[bot]", 0)
        for number in range(1000):
            view.chunk("shop::a[bot]", f"word{number} ", received_ns=0, replaces=False)
        shown = tape.wait_for("word999")
    assert "word900" not in shown


def test_what_failed_stays_and_the_rest_is_counted(
    tape: Tape, live: Callable[..., LiveView]
) -> None:
    with live() as view:
        for test in (PASSED, FAILED):
            view.started(test.id)
            view.finished(test)
        shown = tape.wait_for("2/3  1 passed 1 failed")
    assert "✗ failed shop::b[bot] 0.51 s  contains: expected x, found ␛[2J" in shown
    assert "✓" not in shown
    assert "\x1b[2J" not in shown


def test_what_is_not_read_as_was_meant_is_said_at_once_in_both_views(
    tape: Tape, live: Callable[..., LiveView]
) -> None:
    with live() as view:
        view.misread("bot: not read", ["contentPath \x1b[2J [red]matched[/red] 0 of 3"])
        seen = tape.wait_for("0 of 3")
    assert "warning: bot: not read" in seen
    assert "[red]matched" in seen
    assert "\x1b[2J" not in seen
    lines = io.StringIO()
    with Screen(err=lines) as screen, LineView(screen, 1) as plain:
        plain.misread("bot: not read", ["a \x1b[2J hint"])
    assert lines.getvalue() == "warning: bot: not read\n  a ␛[2J hint\n"


def test_verbose_keeps_what_passed_too(tape: Tape, live: Callable[..., LiveView]) -> None:
    with live(verbose=True) as view:
        view.started(PASSED.id)
        view.finished(PASSED)
        tape.wait_for("✓ passed shop::a[bot] 0.42 s")


def test_what_finishes_last_is_not_lost(tape: Tape, live: Callable[..., LiveView]) -> None:
    with live() as view:
        view.finished(FAILED)
    assert "failed shop::b[bot]" in tape.getvalue()


def test_more_tests_than_lines_are_counted(tape: Tape, live: Callable[..., LiveView]) -> None:
    with live(50, height=12) as view:
        for number in range(50):
            view.started(f"shop::{number}[bot]")
        shown = tape.wait_for("and 45 more")
    assert "shop::4[bot]" in shown
    assert "shop::5[bot]" not in shown


def test_a_reply_is_no_markup_and_commands_no_terminal(
    tape: Tape, live: Callable[..., LiveView]
) -> None:
    with live() as view:
        view.started("shop::a[bot]")
        view.turn_started("shop::a[bot]", 0)
        text = "[bold]x[/bold] \x1b]0;title\x07 \u202eabc"
        view.chunk("shop::a[bot]", text, received_ns=0, replaces=False)
        tape.wait_for("    [bold]x[/bold] ␛]0;title␇ ⟨U+202E⟩abc")


def test_a_terminal_that_hangs_holds_up_nobody(live: Callable[..., LiveView], tape: Tape) -> None:
    release = threading.Event()
    write = tape.write
    tape.write = lambda text: release.wait(30) and write(text)  # type: ignore[method-assign,assignment,return-value] # a terminal after Ctrl-S
    with live() as view:
        began = time.perf_counter()
        view.started("shop::a[bot]")
        view.turn_started("shop::a[bot]", 0)
        for _ in range(1000):
            view.chunk("shop::a[bot]", "text ", received_ns=0, replaces=False)
        view.finished(FAILED)
        assert time.perf_counter() - began < 5
        release.set()


def test_a_terminal_that_is_gone_stops_no_run(live: Callable[..., LiveView], tape: Tape) -> None:
    with live() as view:
        tape.close()
        view.started("shop::a[bot]")
        view.finished(FAILED)


def test_a_terminal_without_unicode_gets_ascii(tape: Tape, live: Callable[..., LiveView]) -> None:
    tape.encoding_ = "ascii"
    with live() as view:
        view.finished(FAILED)
        assert "x failed shop::b[bot]" in tape.wait_for("failed shop::b[bot]")


@pytest.mark.parametrize(
    ("terminal", "environment", "kind"),
    [
        (True, {"TERM": "xterm"}, LiveView),
        (True, {"TERM": "dumb"}, LineView),
        (True, {"TERM": "xterm", "CI": "true"}, LineView),
        (False, {"TERM": "xterm"}, LineView),
    ],
)
def test_it_is_live_only_where_that_can_be_seen(
    monkeypatch: pytest.MonkeyPatch, terminal: bool, environment: dict[str, str], kind: type
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", Tape() if terminal else io.StringIO())
    assert type(run_view(Screen(), 1, verbose=False)) is kind
