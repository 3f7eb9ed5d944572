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

from turnwire.suites.lamdis.files import is_lamdis
from turnwire.suites.lamdis.reading import read_suite

__all__ = ["is_lamdis", "read_suite"]
