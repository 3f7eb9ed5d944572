"""The report as JUnit XML, in the dialect that CI servers agree on.

A check that does not hold is a ``<failure>``, everything that kept a test from being judged an
``<error>`` whose ``type`` says whose fault it was. Checks over a whole suite are test cases of
their own: a CI server that counts test cases must not call a run green that is not.
"""

from __future__ import annotations

import re
from typing import Final
from xml.etree import ElementTree as ET

from turnwire.reports.model import (
    CaseReport,
    CheckReport,
    ConnectionTimes,
    RunReport,
    Status,
    SuiteReport,
)
from turnwire.reports.text import check_lines, failure_lines, one_line, transcript_lines
from turnwire.view.text import quiet, visible

_NO_CHARACTERS: Final = re.compile("[\ufffe\uffff]")
"""With what ``visible`` replaces, all that XML 1.0 §2.2 does not let a document hold."""


def render(report: RunReport) -> str:
    """The document."""
    root = ET.Element("testsuites", name="turnwire", time=_seconds(report.duration_ms))
    for suite in report.suites:
        root.append(_suite(suite, report))
    if report.error is not None:
        root.append(_of_run(report.error))
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(one.get(name, "0")) for one in root)))
    ET.indent(root)
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _suite(suite: SuiteReport, report: RunReport) -> ET.Element:
    cases = [_case(case) for case in suite.cases]
    cases += [_suite_check(suite, check) for check in suite.checks]
    time = sum(case.duration_ms or 0 for case in suite.cases)
    element = ET.Element(
        "testsuite",
        name=_safe(suite.name),
        tests=str(len(cases)),
        failures=str(_holding(cases, "failure")),
        errors=str(_holding(cases, "error")),
        skipped=str(_holding(cases, "skipped")),
        time=_seconds(time),
        timestamp=_safe(report.started),
    )
    properties = [("turnwire.run", report.run), ("turnwire.version", report.turnwire)]
    properties += [("turnwire.seed", str(report.seed))] if report.seed is not None else []
    if report.client.turns:
        properties += [
            ("turnwire.spoiltTurns", str(report.client.spoilt)),
            ("turnwire.spoiltByMs", str(report.client.worst_ms)),
        ]
    for times in report.connections:
        properties += _percentiles(times)
    _add_properties(element, properties)
    element.extend(cases)
    return element


def _holding(cases: list[ET.Element], tag: str) -> int:
    return sum(case.find(tag) is not None for case in cases)


def _percentiles(times: ConnectionTimes) -> list[tuple[str, str]]:
    head = f"{times.connection}.{times.protocol}"
    found = [(f"{head}.turns", str(times.turns)), (f"{head}.spoilt", str(times.spoilt))]
    for name, values in (
        ("firstTokenMs", times.first_token_ms),
        ("latencyMs", times.latency_ms),
        ("gapMs", times.gap_ms),
    ):
        if values is not None:
            found += [
                (f"{head}.{name}.p50", str(values.p50)),
                (f"{head}.{name}.p95", str(values.p95)),
                (f"{head}.{name}.p99", str(values.p99)),
            ]
    return found


def _case(case: CaseReport) -> ET.Element:
    element = ET.Element(
        "testcase",
        classname=_safe(case.suite),
        name=_safe(case.id),
        time=_seconds(case.duration_ms or 0),
    )
    if case.origin is not None:
        element.set("file", _safe(case.origin.file))
        if case.origin.line is not None:
            element.set("line", str(case.origin.line))
    _add_properties(element, _timings(case))
    match case.status:
        case Status.PASSED:
            pass
        case Status.SKIPPED:
            ET.SubElement(element, "skipped", message=_line(case.reason))
        case Status.FAILED:
            _add_problem(element, "failure", case.failure or "check", case)
        case Status.ERROR | Status.UNFINISHED:
            kind = case.failure or ("unfinished" if case.status is Status.UNFINISHED else "error")
            _add_problem(element, "error", kind, case)
    said = [line for check in case.warnings for line in check_lines(check)]
    if case.status is Status.PASSED:
        said += transcript_lines(case)
    if said:
        ET.SubElement(element, "system-out").text = _safe("\n".join(said))
    return element


def _timings(case: CaseReport) -> list[tuple[str, str]]:
    found = [("connection", case.connection), ("protocol", case.protocol or "")]
    found += [("tag", tag) for tag in case.tags]
    for turn in case.turns:
        head = f"turn{turn.index + 1}"
        found += [
            (f"{head}.{name}", str(value))
            for name, value in (
                ("verdict", turn.verdict),
                ("firstTokenMs", turn.first_token_ms),
                ("latencyMs", turn.latency_ms),
                ("maxGapMs", turn.metrics.get("gapMaxMs")),
                ("streamChunks", turn.stream_chunks),
            )
            if value is not None
        ]
        if turn.client is not None and turn.client.spoilt:
            found += [(f"{head}.spoilt.{name}", str(by)) for name, by in turn.client.spoilt.items()]
    return [(name, value) for name, value in found if value]


def _add_properties(element: ET.Element, properties: list[tuple[str, str]]) -> None:
    if properties:
        parent = ET.SubElement(element, "properties")
        for name, value in properties:
            ET.SubElement(parent, "property", name=_safe(name), value=_safe(value))


def _add_problem(element: ET.Element, tag: str, kind: str, case: CaseReport) -> None:
    problem = ET.SubElement(element, tag, type=_safe(kind), message=_line(case.reason))
    problem.text = _safe("\n".join(failure_lines(case)))


def _suite_check(suite: SuiteReport, check: CheckReport) -> ET.Element:
    name = f"{suite.name}::(suite)[{check.connection}] {check.name}"
    element = ET.Element("testcase", classname=_safe(suite.name), name=_safe(name), time="0.000")
    lines = check_lines(check)
    if check.counts:
        tag = "error" if check.status == "error" else "failure"
        kind = check.failure or "check"
        problem = ET.SubElement(element, tag, type=_safe(kind), message=_line(lines[0]))
        problem.text = _safe("\n".join(lines))
    elif not check.held:
        ET.SubElement(element, "system-out").text = _safe("\n".join(lines))
    return element


def _of_run(error: str) -> ET.Element:
    """An error that ended the whole run, as a suite of its own."""
    suite = ET.Element(
        "testsuite", name="turnwire", tests="1", failures="0", errors="1", skipped="0", time="0.000"
    )
    case = ET.SubElement(suite, "testcase", classname="turnwire", name="the run", time="0.000")
    ET.SubElement(case, "error", type="run", message=_line(error))
    return suite


def _line(text: str) -> str:
    return _safe(one_line(text))


def _safe(text: str) -> str:
    return quiet(_NO_CHARACTERS.sub("\ufffd", visible(text, lines=True)))


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.3f}"
