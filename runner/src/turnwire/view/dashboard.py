"""The live view of a run, for terminals that can move their cursor."""

from __future__ import annotations

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from types import TracebackType
from typing import Final, Self

import attrs
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from turnwire.view.progress import COLOURS, Finished, RunView, headline, misread_lines
from turnwire.view.text import visible

_MARKS: Final = {"passed": "✓", "failed": "✗", "error": "!", "skipped": "-"}
_ASCII_MARKS: Final = _MARKS | {"passed": "+", "failed": "x"}

_REFRESH_SECONDS: Final = 0.1
_REPLY_LINES: Final = 3
_KEPT: Final = 2000
"""Characters kept of the end of a reply: more than fits in what is shown of it."""


def stderr_console() -> Console:
    """Where the view is drawn."""
    return Console(stderr=True, highlight=False)


@attrs.define
class _Running:
    """A test that runs. Changed by the event loop, read by the thread that draws."""

    id: str
    started: float
    turn: int | None = None
    turn_ns: int = 0
    text: str = ""
    chunks: int = 0
    first_token_ms: float | None = None
    latency_ms: float | None = None


class LiveView(RunView):
    """Counts, the tests that run, and the reply of the oldest of them as it grows.

    A thread of its own draws it, some times a second; the calls only leave word for it.
    """

    def __init__(self, console: Console, total: int, *, verbose: bool) -> None:
        self._console = console
        self._total = total
        self._verbose = verbose
        self._running: dict[str, _Running] = {}
        self._counts: Counter[str] = Counter()
        self._lines: deque[Text] = deque()
        self._started = time.monotonic()
        self._stop = threading.Event()
        can_draw = console.encoding.lower().startswith("utf")
        self._marks = _MARKS if can_draw else _ASCII_MARKS
        self._thread = threading.Thread(target=self._draw, name="turnwire-progress", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()

    def started(self, test: str) -> None:
        self._running[test] = _Running(test, time.monotonic())

    def turn_started(self, test: str, turn: int) -> None:
        running = self._running.get(test)
        if running is not None:
            running.turn, running.turn_ns = turn, time.perf_counter_ns()
            running.text, running.chunks = "", 0
            running.first_token_ms = running.latency_ms = None

    def chunk(self, test: str, text: str, *, received_ns: int, replaces: bool) -> None:
        running = self._running.get(test)
        if running is not None:
            if running.first_token_ms is None:
                running.first_token_ms = (received_ns - running.turn_ns) / 1e6
            running.chunks += 1
            running.text = (text if replaces else running.text + text)[-_KEPT:]

    def turn_finished(
        self, test: str, *, first_token_ms: float | None, latency_ms: float | None
    ) -> None:
        running = self._running.get(test)
        if running is not None:
            running.first_token_ms, running.latency_ms = first_token_ms, latency_ms

    def misread(self, what: str, hints: Sequence[str]) -> None:
        self._lines.extend(Text(line, style="yellow") for line in misread_lines(what, hints))

    def finished(self, test: Finished) -> None:
        self._running.pop(test.id, None)
        self._counts[test.status] += 1
        if test.status in ("failed", "error") or self._verbose:
            mark = self._marks.get(test.status, "?")
            line = Text(f"{mark} {headline(test)}", style=COLOURS.get(test.status, ""))
            # One line: the whole reason stands at the end of the run.
            line.no_wrap, line.overflow = True, "ellipsis"
            self._lines.append(line)
            self._lines.extend(map(Text, test.details))

    def _draw(self) -> None:
        live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        try:
            with live:
                while not self._stop.wait(_REFRESH_SECONDS):
                    self._print_lines()
                    live.update(self._view(), refresh=True)
                live.update(Text(""))
            self._print_lines()
        except (OSError, ValueError):
            # The terminal has gone. The run goes on: its log and its exit code tell what came out.
            return

    def _print_lines(self) -> None:
        while self._lines:
            self._console.print(self._lines.popleft())

    def _view(self) -> RenderableType:
        # A copy: the event loop goes on changing the original.
        running = list(self._running.copy().values())
        rows = max(self._console.height - _REPLY_LINES - 4, 1)
        parts: list[RenderableType] = [self._head()]
        if running:
            parts += [_state(running[0]), *self._reply(running[0])]
            parts += [_state(one) for one in running[1:rows]]
        if len(running) > rows:
            parts.append(Text(f"  and {len(running) - rows} more", style="dim"))
        return Group(*parts)

    def _head(self) -> RenderableType:
        done = sum(self._counts.values())
        head = Text(f"{done}/{self._total} ")
        for status, colour in COLOURS.items():
            if self._counts[status]:
                head.append(f" {self._counts[status]} {status}", style=colour)
        head.append(f"  {time.monotonic() - self._started:.1f} s", style="dim")
        grid = Table.grid(padding=(0, 1))
        grid.add_row(ProgressBar(total=max(self._total, 1), completed=done, width=20), head)
        return grid

    def _reply(self, running: _Running) -> list[Text]:
        """The end of the reply, as much of it as fits in its lines."""
        width = max(self._console.width - 4, 10)
        lines = Text(visible(" ".join(running.text.split()))).wrap(self._console, width)
        return [Text.assemble("    ", line) for line in list(lines)[-_REPLY_LINES:]]


def _state(running: _Running) -> Text:
    line = Text(f"  {visible(running.id)}", no_wrap=True, overflow="ellipsis")
    line.append(f"  {time.monotonic() - running.started:.1f} s", style="dim")
    if running.turn is not None:
        line.append(f"  turn {running.turn + 1}", style="dim")
        if running.first_token_ms is None and running.latency_ms is None:
            line.append("  waiting", style="dim")
        if running.first_token_ms is not None:
            line.append(f"  first token {running.first_token_ms:.0f} ms", style="cyan")
        if running.latency_ms is not None:
            line.append(f"  latency {running.latency_ms:.0f} ms", style="cyan")
        elif running.chunks:
            line.append(f"  {running.chunks} chunks", style="dim")
    return line
