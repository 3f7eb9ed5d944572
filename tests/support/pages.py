"""The Markdown pages of the project, and the examples in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import attrs

ROOT = Path(__file__).parents[2]

PAGES = (
    ROOT / "README.md",
    *(ROOT / folder / "README.md" for folder in ("core", "runner")),
    *sorted(ROOT.glob("drivers/*/README.md")),
    *sorted(ROOT.glob("examples/**/*.md")),
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("**/*.md")),
)

_FENCE = re.compile(
    r'^(?P<indent> *)```(?P<language>\w+)(?: +title="(?P<title>[^"]+)")?[^\n]*\n'
    r"(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_SNIPPET = re.compile(r'^--8<-- "(?P<file>[^":]+)(?::(?P<section>\w+))?"$', re.MULTILINE)


@attrs.frozen
class Example:
    """A fenced block of a page. ``title`` is the name of the file that it shows, if it does."""

    page: Path
    line: int
    language: str
    body: str
    title: str | None = None

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def examples(*languages: str) -> list[Example]:
    """All blocks in these languages, in the order in which they stand."""
    return [one for page in PAGES for one in examples_of(page) if one.language in languages]


def examples_of(page: Path) -> Iterator[Example]:
    """The blocks of one page; what it includes from elsewhere is tested there."""
    text = page.read_text()
    for match in _FENCE.finditer(text):
        if _SNIPPET.search(match["body"]):
            continue
        line = text.count("\n", 0, match.start()) + 1
        body = re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
        yield Example(page, line, match["language"], body, match["title"])
