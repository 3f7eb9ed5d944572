"""A log with one test of each kind, and its report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.run_logs import HandWrittenLog
from turnwire.reports.model import RunReport
from turnwire.reports.reading import read_report

Reader = Callable[[HandWrittenLog], RunReport]


@pytest.fixture
def report_of(tmp_path: Path) -> Reader:
    """The report of a log, read from a file as it would be."""

    def read(log: HandWrittenLog) -> RunReport:
        return read_report(log.write(tmp_path / "log.jsonl"))

    return read


@pytest.fixture
def mixed() -> HandWrittenLog:
    """One passed, one failed, one of each error, one skipped, and a check over the suite."""
    log = HandWrittenLog()
    log.passed("shop::opening hours[bot]")
    log.failed("shop::refund[bot]")
    for failure in ("transport", "config", "judge", "plugin"):
        log.broken(f"shop::{failure}[bot]", failure, f"The {failure} broke.")
    log.begin("shop::later[bot]")
    log.end("shop::later[bot]", "skipped", reasons=["not built yet"], turns=0)
    log.check(None, "failed", name="p95 of firstTokenMs", kind="percentiles", scope="transcript")
    log.finish(4)
    return log
