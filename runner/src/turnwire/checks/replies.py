"""Checks on how a turn went: its verdict, and the events in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import attrs

from turnwire.checks.bounds import blame_for
from turnwire.checks.contract import Check, CheckContext, CheckResult, TurnEvent, TurnRecord
from turnwire.checks.each import Outcome, each_turn
from turnwire.checks.showing import bounded, number, value_excerpt
from turnwire_core import Verdict
from turnwire_core.config import Findings, structure
from turnwire_core.contracts.connection import Condition, JsonValue, Milliseconds, option
from turnwire_core.contracts.driver import NoOptions
from turnwire_core.reader.conditions import compile_condition

VerdictName = Literal[
    "finished",
    "closed_without_finish",
    "error_event",
    "stalled",
    "timed_out",
    "refused",
    "rejected",
    "malformed",
    "too_large",
    "cancelled",
]
"""The values of :class:`turnwire_core.Verdict`, as a file writes them."""

_SHOWN_EVENTS = 12


@attrs.frozen
class VerdictOptions:
    """How the turn must end."""

    any: tuple[VerdictName, ...] = option("One of these; a single verdict needs no list.")

    def __attrs_post_init__(self) -> None:
        if not self.any:
            raise ValueError("Name at least one verdict.")


class VerdictCheck(Check):
    """The turn ended in this way.

    On a ``message`` step it also says that a turn that fails is what is wanted: the test then goes
    on where it would otherwise end with a transport error.
    """

    kind = "verdict"
    reads_events = False
    options = VerdictOptions
    shorthand = "any"
    doc = "The turn ended with this verdict, such as `finished`, `stalled` or `rejected`."

    async def evaluate(self, options: VerdictOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""

        def test(turn: TurnRecord) -> Outcome:
            reply = turn.reply
            why = f": {bounded(reply.error)}" if reply.error else ""
            return reply.verdict.value in options.any, f"{reply.verdict}{why}"

        return each_turn(context, " or ".join(options.any), test)


class NoErrorEvent(Check):
    """Nothing in the reply says that something went wrong."""

    kind = "no_error_event"
    doc = "No event of the reply is an error: by the connection's error rules, or named `error`."

    options = NoOptions

    async def evaluate(self, options: Any, context: CheckContext) -> CheckResult:  # noqa: ARG002 # has none
        """See :meth:`Check.evaluate`."""

        def test(turn: TurnRecord) -> Outcome:
            if turn.reply.verdict is Verdict.ERROR_EVENT:
                return False, bounded(turn.reply.error or "an error event")
            for event in turn.events:
                if event.name == "error":
                    data = f": {value_excerpt(event.data)}" if event.data is not None else ""
                    return False, f"an event 'error' after {number(event.offset_ms)} ms{data}"
            return True, f"none in {len(turn.events)} events"

        return each_turn(context, "no error event", test)


@attrs.frozen
class EventsOptions:
    """Which events must come, and in which order."""

    order: tuple[JsonValue, ...] = option(
        "These events, in this order; others may stand between them. Each is a name, or an object "
        'of paths into the event and the value there: `{"type": "tool_call", "name": "lookup"}`.',
        (),
    )
    none: tuple[JsonValue, ...] = option("Events that must not come, written in the same way.", ())
    exact: bool = option(
        "Nothing but the events of `order`; the same one several times in a row counts once.",
        False,
    )

    def __attrs_post_init__(self) -> None:
        if not (self.order or self.none):
            raise ValueError("Say which events: order, none or both.")
        if self.exact and not self.order:
            raise ValueError("'exact' needs 'order'.")
        for wanted in (*self.order, *self.none):
            _matcher(wanted)


class Events(Check):
    """Events come in an order: tool calls, phases of an answer, whatever the target tells."""

    kind = "events"
    options = EventsOptions
    shorthand = "order"
    doc = "Events, such as tool calls, come in this order; others do not come."

    async def evaluate(self, options: EventsOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        expected = []
        if options.order:
            only = "exactly " if options.exact else ""
            expected.append(only + ", then ".join(map(_shown, options.order)))
        if options.none:
            expected.append(f"no {' and no '.join(map(_shown, options.none))}")
        return each_turn(
            context, bounded("; ".join(expected)), lambda turn: _test_events(options, turn.events)
        )


def _test_events(options: EventsOptions, events: Sequence[TurnEvent]) -> Outcome:
    for wanted in options.none:
        matches = _matcher(wanted)
        for event in events:
            if matches(event):
                at = number(event.offset_ms)
                return False, f"{_shown(wanted)} after {at} ms, in {_names(events)}"
    before: Callable[[TurnEvent], bool] | None = None
    left = list(map(_matcher, options.order))
    for place, event in enumerate(events, start=1):
        if left and left[0](event):
            before = left.pop(0)
        elif options.exact and not (before is not None and before(event)):
            return False, f"{event.name!r} at place {place}, of {_names(events)}"
    if left:
        missing = options.order[len(options.order) - len(left)]
        found = len(options.order) - len(left)
        after = f" after {_shown(options.order[found - 1])}" if found else ""
        return False, f"no {_shown(missing)}{after}, in {_names(events)}"
    return True, _names(events)


@attrs.frozen
class EventWithinOptions:
    """An event and its time."""

    name: str = option("The name of the event: of an SSE event, else its `type` or `event`.")
    ms: Milliseconds = option("At most so many milliseconds from the start of the turn.")


class EventWithin(Check):
    """An event comes soon. The first one of that name counts."""

    kind = "event_within"
    reads_times = True
    options = EventWithinOptions
    doc = "An event of this name came within so many milliseconds of the start of the turn."

    async def evaluate(self, options: EventWithinOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""

        def in_time(ms: float) -> bool:
            return ms <= options.ms

        def test(turn: TurnRecord) -> Outcome:
            for event in turn.events:
                if event.name == options.name:
                    blame = ""
                    if turn.client is not None:
                        true = turn.client.arrival(event.offset_ms)
                        blame = blame_for(event.offset_ms, true, in_time, "ms")
                    shown = f"after {number(event.offset_ms)} ms{blame}"
                    return in_time(event.offset_ms), shown
            return False, f"it did not come, among {_names(turn.events)}"

        return each_turn(context, f"{options.name!r} within {number(options.ms)} ms", test)


def _matcher(wanted: Any) -> Callable[[TurnEvent], bool]:
    """A test for an event, from its name or a condition on its data.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(wanted, str) and wanted:
        return lambda event: event.name == wanted
    if isinstance(wanted, dict) and wanted:
        try:
            condition = compile_condition(structure(wanted, Condition))
        except Findings as exc:
            raise ValueError(" ".join(finding.message for finding in exc.findings)) from exc
        return lambda event: condition(event.data, event.name)
    raise ValueError("An event is a name, or an object of paths and values.")


def _shown(wanted: Any) -> str:
    return value_excerpt(wanted, 100)


def _names(events: Sequence[TurnEvent]) -> str:
    """The names of events in order; one that comes several times in a row is counted."""
    runs: list[tuple[str, int]] = []
    for event in events:
        if runs and runs[-1][0] == event.name:
            runs[-1] = (event.name, runs[-1][1] + 1)
        else:
            runs.append((event.name, 1))
    shown = [f"{name} ×{count}" if count > 1 else name for name, count in runs[:_SHOWN_EVENTS]]
    if len(runs) > len(shown):
        shown.append(f"… ({len(runs)} in all)")
    return bounded(f"[{', '.join(shown)}]")
