"""What the page about pytest shows is run by pytest, as a reader would."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.pages import ROOT, examples_of

PAGE = ROOT / "docs/pytest.md"


def test_the_files_that_are_shown_pass(tmp_path: Path) -> None:
    shown = [one for one in examples_of(PAGE) if one.title]
    for example in shown:
        (tmp_path / str(example.title)).write_text(example.body)
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=junit.xml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    junit = (tmp_path / "junit.xml").read_text()
    assert "firstTokenMs" in junit
    assert "knows-the-state-of-an-order[demo-sse-4711]" in junit
