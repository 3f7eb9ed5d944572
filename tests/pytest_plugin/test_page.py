"""The page about pytest: its files are written, its commands are run."""

from __future__ import annotations

import re
import shlex

from support.background import assistant_in_background
from support.pages import ROOT, examples_of
from support.pytest_runs import Project

PAGE = ROOT / "docs" / "pytest.md"
SHOWN_URL = "127.0.0.1:8765"


def _comparable(text: str) -> list[str]:
    """The lines without what differs from run to run, and without how wide they are."""
    without = re.sub(r"\d+(?:\.\d+)?", "N", text)
    without = re.sub(r"([=_])\1+", r"\1", without)
    return [" ".join(line.split()) for line in without.splitlines() if line.strip()]


def test_the_commands_of_the_page_print_what_it_shows(project: Project) -> None:
    ran = 0
    with assistant_in_background() as assistant:
        here = assistant.url.removeprefix("http://")
        for example in examples_of(PAGE):
            if example.title:
                text = example.body.replace(SHOWN_URL, here)
                project.folder.joinpath(example.title).write_text(text)
            if example.language == "console":
                command, _, shown = example.body.removeprefix("$ ").partition("\n")
                program, *arguments = shlex.split(command)
                assert program == "pytest"
                printed = project.run(*arguments).output
                printed = re.sub("- generated xml file.*\n", "", printed)
                assert _comparable(printed) == _comparable(shown), example
                ran += 1
    assert ran
