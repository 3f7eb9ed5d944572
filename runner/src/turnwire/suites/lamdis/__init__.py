"""Test files and suites of lamdis-runs, run as they are: translated into suites of ours.

    files.py         where its references are looked for, and how its files are read
    keys.py          the keys of its files
    expressions.py   ``${var.account.id}``, ``${input.id}``, ``${TOKEN}``
    auth.py          auth files: headers, bearer patterns, OAuth client credentials
    assistants.py    assistant files, as connections
    requests.py      requests files, as the requests of a suite
    tests.py         tests: steps, scripts, objectives, assertions
    reading.py       test files and suite files

What it has and cannot be honoured here is an error; it is not skipped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnwire.suites.lamdis.files import is_lamdis

if TYPE_CHECKING:
    from turnwire.kinds import Kinds
    from turnwire.suites.native import Draft
    from turnwire.suites.sources import Ledger
    from turnwire_core.config import Document

__all__ = ["is_lamdis", "read_suite"]


def read_suite(document: Document, ledger: Ledger, kinds: Kinds) -> Draft | None:
    """See :func:`turnwire.suites.lamdis.reading.read_suite`, which is imported by the first call.

    Its classes take longer to be made than a whole suite of ours takes to be read.
    """
    from turnwire.suites.lamdis import reading

    return reading.read_suite(document, ledger, kinds)
