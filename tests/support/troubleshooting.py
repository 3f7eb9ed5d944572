"""The rows of the page on troubleshooting, and the faults that are made for them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from support.pages import ROOT
from support.probing import probe, told
from turnwire.view.replies import outcome_lines
from turnwire_core import Plugins, open_conversation, parse_connection

PAGE = ROOT / "docs" / "troubleshooting.md"

Fault = Callable[..., Awaitable[str]]
"""Makes a fault and gives what was said of it."""

FAULTS: dict[str, Fault] = {}

_ROW = re.compile(r"^\| (?P<what>[^|]+) \| ``(?P<says>.+?)`` \| [^|]+ \|$", re.MULTILINE)
_PLUGINS = Plugins()


def fault(what: str) -> Callable[[Fault], Fault]:
    """Marks the fault of the row that begins with ``what``."""

    def mark(function: Fault) -> Fault:
        assert what not in FAULTS
        FAULTS[what] = function
        return function

    return mark


def rows() -> dict[str, str]:
    """By what happens, what the page shows of the message."""
    return {match["what"]: match["says"] for match in _ROW.finditer(PAGE.read_text())}


def says(text: str, shown: str) -> bool:
    """Whether ``text`` holds all parts of what is shown, one after another."""
    parts = (re.escape(part.strip()) for part in shown.split("…") if part.strip())
    return re.search(".*?".join(parts), text, re.DOTALL) is not None


async def probed(settings: dict[str, Any], **options: Any) -> str:
    """What a probe says."""
    return told(await probe(settings, **options))


async def chatted(settings: dict[str, Any], **options: Any) -> str:
    """What ``turnwire chat`` says below a reply."""
    connection = parse_connection(
        settings, name="bot", plugins=_PLUGINS, trust_env=False, **options
    )
    with anyio.fail_after(20):
        async with open_conversation(connection, plugins=_PLUGINS) as conversation:
            reply = await conversation.send("Hello")
    return "\n".join(outcome_lines(connection, reply))
