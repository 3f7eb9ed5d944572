"""Whatever text a run brought, no report is anything but that report: each format, each text.

Formats come from the registry: one that is new has to say here how it is read back.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from support.hostile_text import HOSTILE, RAW, obeyed
from support.run_logs import HandWrittenLog
from turnwire.reports import FORMATS, terminal
from turnwire.reports.model import RunReport
from turnwire.reports.reading import read_report


def log_of(text: str) -> HandWrittenLog:
    """A run in which the text stands wherever a target, a file or a user can put one."""
    log = HandWrittenLog()
    names = {"suite": f"shop {text}", "name": text, "connection": f"bot {text}", "tags": [text]}
    turn = {"hints": [text], "captured": {text: text}, "usage": {text: text}}
    check = dict.fromkeys(("name", "expected", "actual", "message", "detail"), text)
    place = {"origin": f"{text}:14: $.tests[0]"}
    log.begin(f"passed {text}", **names, variables={text: text})
    log.turn(f"passed {text}", user=text, reply=text, connection=f"bot {text}", **turn)
    log.check(
        f"passed {text}", "failed", **check, **place, severity="warning", suite=names["suite"]
    )
    log.end(f"passed {text}")
    log.begin(f"failed {text}", **names, **place)
    log.turn(f"failed {text}", user=text, reply=text, connection=f"bot {text}", **turn)
    log.check(f"failed {text}", "failed", **check)
    log.add("request", test=f"failed {text}", label=text, method="GET", url=text, status=None,
            durationMs=1.0, error=text)  # fmt: skip
    log.end(f"failed {text}", "failed", reasons=[text])
    log.begin(f"broken {text}", **names)
    log.turn(f"broken {text}", user=text, reply=None, connection=f"bot {text}")
    log.end(f"broken {text}", "error", failure="transport", error=text, reasons=[text])
    log.begin(f"skipped {text}", **names)
    log.end(f"skipped {text}", "skipped", reasons=[text], turns=0)
    log.check(None, "failed", **check, connection=f"bot {text}")
    log.finish(3, outcome="failed", error=text)
    return log


# How each format is read by those for whom it is: what must be the same whatever the text.


def _json(text: str) -> object:
    document = json.loads(text)
    return [len(suite["cases"]) for suite in document["suites"]], document["counts"]


def _junit(text: str) -> object:
    root = ET.fromstring(text.encode())
    return [element.tag for element in root.iter() if element.tag != "property"]


def _csv(text: str) -> object:
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(text.split("\r\n")) == len(rows) + 1, "a row is a line"
    for row in rows:
        for cell in row:
            assert not re.match(r"\s*[=+\-@＝＋－＠]", cell) or re.fullmatch(r"-?[\d.]+", cell)
    return [len(row) for row in rows]


def _github(text: str) -> object:
    lines = text.removesuffix("\n").split("\n")
    found = [re.fullmatch(r"::(error|warning|notice) ([^:]*)::(.*)", line) for line in lines]
    assert all(found)
    return [(one[1], re.findall(r"(?:^|,)(\w+)=", one[2])) for one in found if one]


def _markdown(text: str) -> object:
    page = re.sub(r"^(`{3,})text\n.*?\n\1$", "[block]", text, flags=re.DOTALL | re.MULTILINE)
    page = re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "[code]", page)
    assert not re.search(r"[<@~*_]|\]\(|http|owned", page.replace("**", "")), page
    assert len(text.encode()) < 1024 * 1024, "GitHub takes no more"
    return [line for line in page.split("\n") if line.startswith(("#", "|", "[", "-", "*"))]


READERS: Mapping[str, Callable[[str], object]] = {
    "json": _json,
    "junit": _junit,
    "csv": _csv,
    "github": _github,
    "markdown": _markdown,
}


def report_of(text: str, folder: Path) -> RunReport:
    return read_report(log_of(text).write(folder / "log.jsonl"))


def test_every_format_is_held_to_this() -> None:
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("format_", FORMATS)
def test_no_text_makes_a_report_anything_else(tmp_path: Path, format_: str, text: str) -> None:
    rendered = FORMATS[format_].render(report_of(text, tmp_path))
    rendered.encode()
    harmless = FORMATS[format_].render(report_of("harmless", tmp_path))
    read = READERS[format_]
    assert read(rendered) == read(harmless)
    # A table of CSV ends its lines with CR LF (RFC 4180 §2).
    assert RAW.findall(rendered.replace("\r\n", "\n")) == []
    if format_ != "github":
        assert obeyed(rendered) == []


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_makes_the_end_of_a_run_anything_else(tmp_path: Path, text: str) -> None:
    lines = [line.text for line in terminal.render(report_of(text, tmp_path), verbose=True)]
    shown = "\n".join(lines)
    assert not RAW.findall(shown)
    assert obeyed(shown) == []
    assert not [line for line in lines if "\n" in line]
    # Lines of a text that has several are marked as its own: none is taken for one of ours.
    starts = [line.split(" ")[0] for line in lines]
    assert starts.count("PASSED") == 1
    assert [one for one in starts if one in ("FAILED", "ERROR", "UNFINISHED")] == [
        "FAILED",
        "ERROR",
    ]
