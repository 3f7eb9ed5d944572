"""No report of a test shows a secret of the connections that it used.

What a test prints, and what pytest shows of an assertion that does not hold, may be what a target
said, and a target may say our credentials back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import pytest

from turnwire_core.secrets import Secrets

_hidden = pytest.StashKey[list[Secrets]]()

_DEEPEST: Final = 10


def hide(item: pytest.Item, secrets: Secrets) -> None:
    """Let no report of the test show one of these."""
    item.stash.setdefault(_hidden, []).append(secrets)


def conceal(item: pytest.Item, report: pytest.TestReport) -> None:
    """Mask what the report says of an error, and what it captured."""
    sources = item.stash.get(_hidden, None)
    if sources is None:
        return
    secrets = Secrets()
    for source in sources:
        secrets.update(source)
    report.longrepr = _masked(report.longrepr, secrets.mask, _DEEPEST)
    report.sections = [(name, secrets.mask(text)) for name, text in report.sections]


def _masked(value: Any, mask: Callable[[str], str], levels: int) -> Any:
    """A text, masked; a list or one of pytest's representations, masked in place."""
    if isinstance(value, str):
        return mask(value)
    if levels == 0:
        return value
    if isinstance(value, list):
        value[:] = [_masked(item, mask, levels - 1) for item in value]
    elif isinstance(value, tuple):
        return tuple(_masked(item, mask, levels - 1) for item in value)
    elif type(value).__module__.startswith("_pytest.") and hasattr(value, "__dict__"):
        for name, item in vars(value).items():
            setattr(value, name, _masked(item, mask, levels - 1))
    return value
