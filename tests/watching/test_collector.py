"""The garbage collector is kept out of a run, and is afterwards what it was."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from turnwire.watching.collector import calm_collector


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    threshold = gc.get_threshold()
    yield
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_it_comes_seldom_and_passes_over_what_is_there() -> None:
    gc.set_threshold(700, 10, 10)
    with calm_collector():
        assert gc.get_threshold()[0] > 10_000
        assert gc.get_freeze_count() > 0
    assert gc.get_threshold() == (700, 10, 10)
    assert gc.get_freeze_count() == 0


def test_within_another_nothing_ends_too_early() -> None:
    with calm_collector():
        with calm_collector():
            pass
        assert gc.get_freeze_count() > 0


def test_who_has_switched_it_off_keeps_it_off() -> None:
    gc.set_threshold(0)
    with calm_collector():
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold()[0] == 0
