"""Where this machine may have spoilt times, every report says so."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from support.run_logs import HandWrittenLog
from turnwire.reports import csv_, github, json_, junit, markdown, terminal
from turnwire.reports.model import RunReport

Reader = Callable[[HandWrittenLog], RunReport]

SENTENCE = "The times of 1 of 3 replies may be off by up to 31 ms because of this machine"


def client(**spoilt: float) -> dict[str, Any]:
    return {"loopLagMs": 38.4, "gcMs": 2.0, "cpu": 0.5, "spoilt": spoilt}


def log_with(*clients: dict[str, Any] | None, **start: Any) -> HandWrittenLog:
    log = HandWrittenLog(**start)
    for number, one in enumerate(clients):
        log.passed(f"shop::{number}[bot]", client=one)
    log.finish()
    return log


@pytest.fixture
def spoilt(report_of: Reader) -> RunReport:
    return report_of(log_with(client(), client(firstTokenMs=31.2, latencyMs=12.0), client()))


def text_of(report: RunReport) -> str:
    return "\n".join(line.text for line in terminal.render(report, verbose=True))


def test_the_terminal_marks_the_turn_and_the_connection(spoilt: RunReport) -> None:
    text = text_of(spoilt)
    assert f"{SENTENCE}: run with fewer --jobs." in text
    assert "3 (1 spoilt)" in text
    assert "off by up to: firstTokenMs 31.2 ms, latencyMs 12.0 ms)" in text


def test_markdown_and_github_say_it(spoilt: RunReport) -> None:
    assert f"**{SENTENCE}" in markdown.render(spoilt)
    assert "| 3 (1 spoilt) |" in markdown.render(spoilt)
    assert f"::notice title=Times may be off::{SENTENCE}" in github.render(spoilt)


def test_json_has_it_for_each_turn_and_for_all(spoilt: RunReport) -> None:
    document = json.loads(json_.render(spoilt))
    assert document["client"] == {"turns": 3, "spoilt": 1, "worstMs": 31.2, "cpu": 0.5}
    turns = [case["turns"][0] for case in document["suites"][0]["cases"]]
    assert turns[1]["client"]["spoilt"] == {"firstTokenMs": 31.2, "latencyMs": 12.0}
    assert document["connections"][0]["spoilt"] == 1


def test_junit_has_properties_and_csv_has_columns(spoilt: RunReport) -> None:
    root = ET.fromstring(junit.render(spoilt))
    found = {one.get("name"): one.get("value") for one in root.iter("property")}
    assert found["turnwire.spoiltTurns"] == "1"
    assert found["turn1.spoilt.firstTokenMs"] == "31.2"
    rows = list(csv.DictReader(io.StringIO(csv_.render(spoilt), newline="")))
    assert [row["spoiltMs"] for row in rows] == ["0.0", "31.2", "0.0"]
    assert rows[0]["loopLagMs"] == "38.4"


def test_nothing_is_said_where_nothing_is_spoilt_or_nobody_watched(report_of: Reader) -> None:
    for log in (log_with(client(), client()), log_with(None)):
        report = report_of(log)
        assert report.on_trust is None
        for text in (text_of(report), markdown.render(report), github.render(report)):
            assert "machine" not in text
            assert "spoilt" not in text


def test_one_test_at_a_time_needs_other_advice(report_of: Reader) -> None:
    report = report_of(log_with(client(latencyMs=31.2), client(), client(), jobs=1))
    assert "let it do nothing else" in (report.on_trust or "")


def test_a_process_that_was_busy_throughout_is_named(report_of: Reader) -> None:
    report = report_of(log_with(client(latencyMs=31.2) | {"cpu": 0.98}, client(), client()))
    assert "of which Turnwire kept a whole core busy" in (report.on_trust or "")


def test_what_no_version_of_ours_wrote_is_no_error(report_of: Reader) -> None:
    odd = {"loopLagMs": "much", "spoilt": {"firstTokenMs": None, "latencyMs": True}}
    [case] = report_of(log_with(odd)).cases
    assert case.turns[0].client is not None
    assert not case.turns[0].is_spoilt
