"""The report as CSV (RFC 4180): one row per turn, for a spreadsheet or a data frame."""

from __future__ import annotations

import csv
from io import StringIO
from typing import Any, Final

from turnwire.reports.model import CaseReport, ClientReport, RunReport, TurnReport
from turnwire.view.text import quiet, shorten, visible

_OF_CLIENT: Final = ("spoiltMs", "loopLagMs", "gcMs", "cpu")
COLUMNS: Final = (
    *("suite", "test", "connection", "protocol", "repetition", "status", "failure"),
    *("conversation", "turn", "verdict", "ok", "firstTokenMs", "latencyMs", "gapP50Ms"),
    *("gapP95Ms", "gapP99Ms", "gapMaxMs", "streamChunks", "characters", "connectMs"),
    *("headersMs", "durationMs", "user", "reply", "error"),
    *_OF_CLIENT,
)

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A cell that begins with one of these is run by a spreadsheet; the last four are full-width."""

_LONGEST_CELL: Final = 32_000
"""Excel takes 32,767 characters, Python's csv module 131,072; the run log has all."""


def render(report: RunReport) -> str:
    """The table. A test that took no turn has one row with its status and no times."""
    file = StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for case in report.cases:
        for turn in case.turns or (None,):
            writer.writerow([_cell(value) for value in _row(case, turn)])
    return file.getvalue()


def _row(case: CaseReport, turn: TurnReport | None) -> list[Any]:
    row = [case.suite, case.id, case.connection, case.protocol, case.repetition]
    row += [case.status.value, case.failure]
    if turn is None:
        empty = len(COLUMNS) - len(row) - 1 - len(_OF_CLIENT)
        return [*row, *[None] * empty, case.error, *[None] * len(_OF_CLIENT)]
    metric = turn.metrics.get
    return [
        *row,
        *(turn.conversation, turn.index, turn.verdict, turn.ok),
        *(turn.first_token_ms, turn.latency_ms),
        *(metric("gapP50Ms"), metric("gapP95Ms"), metric("gapP99Ms"), metric("gapMaxMs")),
        *(turn.stream_chunks, metric("characters"), metric("connectMs"), metric("headersMs")),
        *(metric("durationMs"), turn.user, turn.reply, turn.error or case.error),
        *_client(turn.client),
    ]


def _client(client: ClientReport | None) -> list[Any]:
    if client is None:
        return [None] * len(_OF_CLIENT)
    return [client.worst_ms, client.loop_lag_ms, client.gc_ms, client.cpu]


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case _:
            text = str(value)
            # A quote before it makes a cell text for every spreadsheet. And a row stays one line:
            # the run log and the JSON report have the text as it came.
            marked = f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
            return quiet(shorten(visible(marked), _LONGEST_CELL))
