"""Lines are read as they come, and waiting for one blocks nothing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from turnwire.cli._lines import LineReader

pytestmark = pytest.mark.anyio


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)


async def test_lines_end_at_newlines_however_they_arrive(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    lines = LineReader(reading)
    os.write(writing, "one\r\ntwo\u2028three\nfo".encode())
    with anyio.fail_after(10):
        assert await lines.receive() == "one"
        assert await lines.receive() == "two\u2028three"
        os.write(writing, b"ur \xc3")
        os.write(writing, b"\xa4")
        os.close(writing)
        assert await lines.receive() == "four ä"
        assert await lines.receive() is None
        assert await lines.receive() is None


async def test_what_is_not_utf_8_is_replaced(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.write(writing, b"a\xffb\n")
    os.close(writing)
    assert await LineReader(reading).receive() == "a\ufffdb"


async def test_waiting_leaves_the_event_loop_free_and_can_be_cancelled(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    lines = LineReader(reading)
    with anyio.fail_after(10):
        with anyio.move_on_after(0.01) as scope:
            await lines.receive()
        assert scope.cancelled_caught
        os.write(writing, b"later\n")
        assert await lines.receive() == "later"
    os.close(writing)


async def test_a_file_is_read_though_it_cannot_be_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "lines.txt"
    path.write_text("one\ntwo")
    with path.open() as file, anyio.fail_after(10):
        lines = LineReader(file.fileno())
        assert [await lines.receive() for _ in range(3)] == ["one", "two", None]
