"""From two run reports to what changed between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from turnwire.comparing.chance import change_of
from turnwire.comparing.measures import Bounds, Conversation, deltas_of
from turnwire.comparing.model import (
    Change,
    CheckChange,
    Comparison,
    LeftOut,
    Side,
    Tally,
    TestChange,
)
from turnwire.reports.model import CaseReport, CheckReport, RunReport, Status, TurnReport

_ENDS = {"interrupted": "was interrupted", "failed": "failed"}
_JUDGED = (Status.PASSED, Status.FAILED, Status.ERROR)


def compare(
    before: RunReport,
    after: RunReport,
    *,
    names: tuple[str, str] = ("before", "after"),
    bounds: Bounds | None = None,
) -> Comparison:
    """What changed from ``before`` to ``after``.

    Tests are paired by id, which names suite, test, connection and repetition; their turns by
    their order. Nothing but the two reports goes into it: the same two give the same comparison.
    """
    bounds = bounds or Bounds()
    pairs = _pairs(before, after)
    conversations, left_out = _conversations(pairs, without_spoilt=not bounds.with_spoilt)
    if (before.replayed or after.replayed) and not bounds.with_replayed:
        conversations = []
    return Comparison(
        before=_side(before, names[0]),
        after=_side(after, names[1]),
        tests=_test_changes(before, after),
        suite_checks=_check_changes(before, after),
        times=deltas_of(conversations, bounds),
        left_out=left_out,
        confidence=bounds.confidence,
        notes=_notes(before, after, pairs),
    )


def _side(report: RunReport, name: str) -> Side:
    return Side(
        name=name,
        run=report.run,
        started=report.started,
        turnwire=report.turnwire,
        outcome=report.outcome,
        jobs=report.jobs,
        in_words=report.in_words,
    )


# What broke, and what was mended.


def _test_changes(before: RunReport, after: RunReport) -> list[TestChange]:
    groups_before, groups_after = _by_test(before), _by_test(after)
    return [
        _test_change(
            test, groups_before.get(test, []), groups_after.get(test, []), ended=_has_ended(after)
        )
        for test in dict.fromkeys([*groups_after, *groups_before])
    ]


def _by_test(report: RunReport) -> dict[str, list[CaseReport]]:
    groups: dict[str, list[CaseReport]] = {}
    for case in report.cases:
        groups.setdefault(_first_id(case), []).append(case)
    return groups


def _first_id(case: CaseReport) -> str:
    """The id without its repetition."""
    return case.id.removesuffix(f"#{case.repetition}")


def _has_ended(report: RunReport) -> bool:
    return report.outcome == "completed"


def _test_change(
    test: str, before: Sequence[CaseReport], after: Sequence[CaseReport], *, ended: bool
) -> TestChange:
    tally_before, tally_after = _tally(before), _tally(after)
    any_case = [*after, *before][0]
    reason = next((one.reason for one in after if one.status in _JUDGED and one.reason), "")
    return TestChange(
        id=test,
        suite=any_case.suite,
        connection=any_case.connection,
        change=_change(before, after, tally_before, tally_after, ended=ended),
        before=tally_before,
        after=tally_after,
        reason=reason,
    )


def _tally(cases: Sequence[CaseReport]) -> Tally | None:
    judged = [case for case in cases if case.status in _JUDGED]
    if not judged:
        return None
    return Tally(sum(case.status is Status.PASSED for case in judged), len(judged))


def _change(
    before: Sequence[CaseReport],
    after: Sequence[CaseReport],
    tally_before: Tally | None,
    tally_after: Tally | None,
    *,
    ended: bool,
) -> Change:
    if tally_before is not None and tally_after is not None:
        return change_of(tally_before, tally_after)
    if tally_after is not None:
        return Change.UNFINISHED if _unfinished(before) else Change.NEW
    if tally_before is not None:
        # Of a run that was killed, tests that never began are not gone.
        return Change.UNFINISHED if _unfinished(after) or not ended else Change.GONE
    return Change.UNFINISHED if _unfinished([*before, *after]) else Change.SAME


def _unfinished(cases: Sequence[CaseReport]) -> bool:
    return any(case.status is Status.UNFINISHED for case in cases)


def _check_changes(before: RunReport, after: RunReport) -> list[CheckChange]:
    checks_before, checks_after = _suite_checks(before), _suite_checks(after)
    changes = []
    for key in dict.fromkeys([*checks_after, *checks_before]):
        suite, name, connection = key
        old, new = checks_before.get(key), checks_after.get(key)
        change = Change.SAME
        if old is None:
            change = Change.NEW
        elif new is None:
            change = Change.GONE if _has_ended(after) else Change.UNFINISHED
        elif old.counts != new.counts:
            change = Change.BROKE if new.counts else Change.MENDED
        reason = f"expected {new.expected}, found {new.actual}" if new and new.counts else ""
        changes.append(CheckChange(suite, name, connection, change, reason))
    return changes


def _suite_checks(report: RunReport) -> Mapping[tuple[str, str, str], CheckReport]:
    return {
        (suite.name, check.name, check.connection): check for suite, check in report.suite_checks
    }


# What became slower.


def _pairs(before: RunReport, after: RunReport) -> list[tuple[CaseReport, CaseReport]]:
    cases = {case.id: case for case in before.cases}
    return [(cases[case.id], case) for case in after.cases if case.id in cases]


def _conversations(
    pairs: Sequence[tuple[CaseReport, CaseReport]], *, without_spoilt: bool
) -> tuple[list[Conversation], LeftOut]:
    found = []
    left_out = LeftOut()
    for before, after in pairs:
        turns = []
        for old, new in zip(before.turns, after.turns, strict=False):
            why = _why_left_out(old, new, without_spoilt=without_spoilt)
            if why is None:
                turns.append((old, new))
            else:
                left_out = attrs.evolve(left_out, **{why: getattr(left_out, why) + 1})
        if turns:
            found.append(Conversation(_first_id(after), after.connection, turns))
    return found, left_out


def _why_left_out(before: TurnReport, after: TurnReport, *, without_spoilt: bool) -> str | None:
    """The field of :class:`LeftOut` that counts it."""
    if before.verdict is None or after.verdict is None:
        return "unfinished"
    if not (before.ok and after.ok):
        return "not_ok"
    return "spoilt" if without_spoilt and (before.is_spoilt or after.is_spoilt) else None


# What is to be known about it.


def _notes(
    before: RunReport, after: RunReport, pairs: Sequence[tuple[CaseReport, CaseReport]]
) -> list[str]:
    notes = []
    if before == after:
        notes.append("Both logs say the same, word for word: is it one log, named twice?")
    for which, report in (("before", before), ("after", after)):
        if report.outcome is None:
            notes.append(f"The log of the run {which} has no end: compared as far as it goes.")
        elif report.outcome != "completed":
            notes.append(f"The run {which} {_ENDS[report.outcome]}: compared as far as it came.")
        if report.replayed:
            notes.append(
                f"In the run {which}, recordings answered: their times are not those of a target. "
                "No times are compared, unless --with-replayed says so."
            )
    if not pairs and before.cases and after.cases:
        notes.append("No test is in both runs. Are these logs of the same suites?")
    if before.jobs != after.jobs and before.jobs and after.jobs:
        notes.append(
            f"The runs had {before.jobs} and {after.jobs} tests going at once (--jobs): that alone "
            "may change times."
        )
    other = sum(
        old.user != new.user
        for one, two in pairs
        for old, new in zip(one.turns, two.turns, strict=False)
    )
    if other:
        notes.append(
            f"{_turns(other)} said something else in the other run (generated values, a simulated "
            "user, or a suite that was changed); they are compared all the same."
        )
    if before.turnwire != after.turnwire:
        notes.append(f"Measured by Turnwire {before.turnwire} and {after.turnwire}.")
    return notes


def _turns(count: int) -> str:
    return f"{count} turn{'s' if count != 1 else ''}"
