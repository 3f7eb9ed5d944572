"""The terminal: data on stdout, everything else on stderr, and neither ever in the way.

A thread writes, because a slow terminal (or a pipe that nobody empties) would otherwise hold up
the event loop, and with it the very arrivals that are being timed. One queue keeps the order of
stdout and stderr among each other.
"""

from __future__ import annotations

import contextlib
import os
import queue
import sys
import threading
from types import TracebackType
from typing import Any, Final, Self, TextIO

import click

from turnwire.view.text import quiet, visible

_CLOSE: Final = None


class Screen:
    """Use as a context manager; leaving it waits until everything is written.

    Whatever a peer may have written goes through :meth:`text`, which makes it safe; the other
    methods take text that is safe already. ``broken`` is true from the moment that nobody reads
    our stdout any more: what comes after is dropped.
    """

    def __init__(self, *, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self._err = err or sys.stderr
        self._queue: queue.SimpleQueue[tuple[TextIO, str] | threading.Event | None]
        self._queue = queue.SimpleQueue()
        self._mid_line = False
        self._one_terminal = self._out.isatty() and self._err.isatty()
        self._coloured = {one for one in (self._out, self._err) if one.isatty() and wants_colour()}
        self.broken = False
        self._thread = threading.Thread(target=self._run, name="turnwire-screen", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end_line()
        self._queue.put(_CLOSE)
        self._thread.join()

    def text(self, text: str) -> None:
        """A piece of a reply on stdout, as it comes."""
        if text:
            self._put(self._out, visible(text, lines=True))
            self._mid_line = not text.endswith("\n")

    def line(self, text: str, **style: Any) -> None:
        """A whole line of data on stdout, with a style as in :meth:`note`."""
        self._put(self._out, self._styled(self._out, text, **style) + "\n")

    def end_line(self) -> None:
        """End the line of a reply's text, if it is open."""
        if self._mid_line:
            self._put(self._out, "\n")
            self._mid_line = False

    def note(self, text: str, **style: Any) -> None:
        """A line on stderr, with :func:`click.style` if it is a terminal that wants colour."""
        if self._one_terminal:
            self.end_line()
        self._put(self._err, self._styled(self._err, quiet(text), **style) + "\n")

    def prompt(self, text: str) -> None:
        """The beginning of a line that the user will end."""
        self._put(self._err, self._styled(self._err, text, bold=True))

    def flush(self) -> None:
        """Block until everything so far is written; for a worker thread."""
        written = threading.Event()
        self._queue.put(written)
        while not written.wait(0.5) and self._thread.is_alive():
            continue

    def _styled(self, stream: TextIO, text: str, **style: Any) -> str:
        return click.style(text, **style) if style and stream in self._coloured else text

    def _put(self, stream: TextIO, text: str) -> None:
        if not self.broken:
            self._queue.put((stream, text))

    def _run(self) -> None:
        while (item := self._queue.get()) is not _CLOSE:
            if isinstance(item, threading.Event):
                item.set()
                continue
            stream, text = item
            try:
                _write(stream, text)
            except (OSError, ValueError):
                # The reader of a pipe has gone, or the terminal has. Whoever asks reads `broken`.
                self.broken = True


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
    except UnicodeEncodeError:
        # A terminal or locale that cannot show it all: show the rest, and say what is missing.
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
    with contextlib.suppress(AttributeError):
        stream.flush()


def wants_colour() -> bool:
    """Whether the environment lets us colour what stands on a terminal.

    https://no-color.org: the variable counts when it is set and not empty.
    """
    return not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
