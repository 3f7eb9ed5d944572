"""The entries of a run log: one JSON object a line, each made from one class here.

Field names are snake_case here and camelCase in the file; times in ms end in ``Ms``. Every entry
has ``type``, ``t`` (seconds since the run started, on a monotonic clock) and ``run``; what belongs
to a conversation has ``conversation`` too, what belongs to a turn ``turn`` (counted from 0), and
what belongs to a test ``test``, the id of its case.

The log grows by new types and new fields, which old readers skip; :data:`SCHEMA_VERSION` changes
only when something that is written today is to be read differently. ``option`` carries each field's
documentation, ``example`` an entry as it stands in a file: from both the reference is made.
"""

# No postponed annotations: they are what a log is read by, and would have to be compiled for that.
import builtins
import types
import typing
from collections import abc
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, ClassVar, Final, Literal, get_args, get_origin

import attrs

from turnwire_core.contracts.connection import option

SCHEMA_VERSION: Final = 1

_RUN: Final = {"t": 1.204, "run": "5a1c0ffee0d15ea5"}
_CONVERSATION: Final = {**_RUN, "conversation": "c3", "test": "shop::refund[demo-sse]"}
_TURN: Final = {**_CONVERSATION, "turn": 0}
_TEST: Final = {**_RUN, "test": "shop::refund[demo-sse]"}
_ORIGIN: Final = "shop.turnwire.yaml:14: $.tests[0]"


@attrs.frozen(kw_only=True)
class Entry:
    """What all entries have."""

    type: ClassVar[str]
    first: ClassVar[tuple[str, ...]] = ("t", "run", "conversation", "test", "turn")
    """The fields that are written first, where the entry has them."""
    example: ClassVar[Mapping[str, Any]] = {}
    """One as it stands in a file, without ``type``."""

    t: float = option("Seconds since the run started.")
    run: str = option("The run; a file that was resumed holds several.")
    more: Mapping[str, Any] = attrs.field(factory=dict, repr=False)
    """Fields that this version does not know, as they were in the file."""

    def __repr__(self) -> str:
        # One for all: a repr of each would be a third of what these classes take to compile, and
        # every command that writes or reads a log imports them.
        fields = [field.name for field in attrs.fields(type(self)) if field.repr]
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in fields)
        return f"{type(self).__name__}({shown})"

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in the file."""
        kind: Any = type(self)  # mypy takes a class of ours for something without a hash
        written = {key: getattr(self, name) for name, key in _written_fields(kind)}
        return {"type": self.type, **written, **self.more}


@attrs.frozen(kw_only=True, repr=False)
class RunStarted(Entry):
    """The first entry of every log, and of each further run that was appended to it."""

    type: ClassVar[str] = "run_started"
    first: ClassVar[tuple[str, ...]] = ("schema_version", "t", "run")
    example: ClassVar[Mapping[str, Any]] = {
        "schemaVersion": SCHEMA_VERSION,
        **_RUN,
        "t": 0.0,
        "command": "run",
        "started": "2026-03-02T09:30:00.000+01:00",
        "turnwire": "0.1.0",
        "core": "0.1.0",
        "python": "3.12.4",
        "platform": "Linux-6.8-x86_64",
        "drivers": {"sse": {"distribution": "turnwire-sse", "version": "0.1.0"}},
        "config": "turnwire.yaml",
        "suites": ["shop.turnwire.yaml"],
        "seed": 4711,
        "jobs": 4,
        "selection": {"keyword": "refund"},
        "resumed": False,
        "replay": None,
    }

    schema_version: int = option("The version of this format.", SCHEMA_VERSION)
    command: str = option("Which command wrote it: `run`, `chat`, `demo` …")
    started: str = option("Wall-clock time, ISO 8601 with its offset from UTC.")
    turnwire: str = option("The version of the runner.")
    core: str = option("The version of the core.")
    python: str = option("The version of Python.")
    platform: str = option("The operating system.")
    drivers: Mapping[str, Any] = option(
        "By protocol, `distribution` and `version` of each installed driver."
    )
    config: str | None = option("The config file, as it was named.", None)
    suites: Sequence[str] = option("The files of the suites.", factory=list)
    seed: int | None = option("What generated values were drawn from.", None)
    jobs: int | None = option("How many tests may run at once.", None)
    selection: Mapping[str, Any] = option(
        "What chose the tests, as it was asked for.", factory=dict
    )
    resumed: bool = option("The run goes on where an earlier one in this file ended.", False)
    replay: Mapping[str, Any] | None = option(
        "Where recordings were talked to in place of the targets: `from` which file or folder, at "
        "which `speed`, in which pieces (`cut`), and whether checks on times were made all the "
        "same (`trustTimes`). The times in such a log are not those of a target.",
        None,
    )


@attrs.frozen(kw_only=True, repr=False)
class _OfTest(Entry):
    test: str = option("The id of the case.")


@attrs.frozen(kw_only=True, repr=False)
class TestStarted(_OfTest):
    """A test begins. Without a `test_finished` after it, it was interrupted."""

    __test__ = False  # pytest would take the name for a test

    type: ClassVar[str] = "test_started"
    example: ClassVar[Mapping[str, Any]] = {
        **_TEST,
        "suite": "shop",
        "name": "A refund is offered",
        "connection": "demo-sse",
        "protocol": "sse",
        "tags": ["refund"],
        "variables": {"city": "Bern"},
        "repetition": 1,
        "origin": _ORIGIN,
    }

    suite: str = option("The name of its suite.")
    name: str = option("Its name.")
    connection: str = option("The connection that it runs over.")
    protocol: str | None = option("Null where the connection could not be made ready.", None)
    tags: Sequence[str] = option("Sorted.", factory=list)
    variables: Mapping[str, Any] = option("Masked, with what generators drew.", factory=dict)
    repetition: int = option("Counted from 1.", 1)
    origin: str | None = option("Where it is written: `file:line: path`.", None)


@attrs.frozen(kw_only=True, repr=False)
class _InConversation(Entry):
    conversation: str = option("The conversation; unique in its run.")
    test: str | None = option("The case that it belongs to; null outside of tests.", None)


@attrs.frozen(kw_only=True, repr=False)
class ConnectionOpened(_InConversation):
    """A session is open. For HTTP that means ready, not yet connected."""

    type: ClassVar[str] = "connection_opened"
    example: ClassVar[Mapping[str, Any]] = {
        **_CONVERSATION,
        "connection": "demo-sse",
        "protocol": "sse",
        "origin": "http://127.0.0.1:8765",
        "role": "target",
    }

    connection: str = option("Its name.")
    protocol: str = option("The driver that speaks it.")
    origin: str = option("Scheme, host and port.")
    role: str = option(
        "`target`: what is tested. `judge` and `simulator` (a simulated user) only help.", "target"
    )


@attrs.frozen(kw_only=True, repr=False)
class ConnectionClosed(_InConversation):
    """The session is closed, by us or because of an error."""

    type: ClassVar[str] = "connection_closed"
    example: ClassVar[Mapping[str, Any]] = _CONVERSATION


@attrs.frozen(kw_only=True, repr=False)
class _InTurn(_InConversation):
    turn: int = option("Counted from 0 in its conversation.")


@attrs.frozen(kw_only=True, repr=False)
class UserMessage(_InTurn):
    """A turn starts; `t` is the moment from which its times count."""

    type: ClassVar[str] = "user_message"
    example: ClassVar[Mapping[str, Any]] = {**_TURN, "content": "Can I return it?"}

    content: str = option("What is said.")


@attrs.frozen(kw_only=True, repr=False)
class StreamChunk(_InTurn):
    """Text arrived. Written at once: a log that ends here shows how far the reply had come."""

    type: ClassVar[str] = "stream_chunk"
    example: ClassVar[Mapping[str, Any]] = {
        **_TURN,
        "index": 0,
        "text": "You ",
        "offsetMs": 251.3,
        "replaces": False,
    }

    index: int = option("Counted from 0 in its turn.")
    text: str = option("The text.")
    offset_ms: float = option("From the start of the turn to the arrival of the bytes.")
    replaces: bool = option("`text` stands for everything before it.", False)


@attrs.frozen(kw_only=True, repr=False)
class AttemptFailed(_InTurn):
    """A try brought nothing, and the turn was tried again, as the connection says."""

    type: ClassVar[str] = "attempt_failed"
    example: ClassVar[Mapping[str, Any]] = {
        **_TURN,
        "offsetMs": 12.5,
        "error": "http://127.0.0.1:8765 answered 503 Service Unavailable.",
        "waitedMs": 500.0,
    }

    offset_ms: float = option("From the start of the turn to the end of the try.")
    error: str | None = option("Why it failed.")
    waited_ms: float = option("How long was waited before the next.")


@attrs.frozen(kw_only=True, repr=False)
class AssistantReply(_InTurn):
    """A turn is over, whatever its verdict. The documented fields come first."""

    type: ClassVar[str] = "assistant_reply"
    first: ClassVar[tuple[str, ...]] = (
        *("content", "latency_ms", "protocol", "stream_chunks", "first_token_ms"),
        *("t", "run", "conversation", "test", "turn"),
    )
    example: ClassVar[Mapping[str, Any]] = {
        "content": "You can return it.",
        "latencyMs": 372.8,
        "protocol": "sse",
        "streamChunks": 4,
        "firstTokenMs": 251.3,
        **_TURN,
        "verdict": "finished",
        "ok": True,
        "error": None,
        "phase": None,
        "metrics": {"durationMs": 373.0, "gapMaxMs": 40.6},
        "usage": None,
        "captured": {},
        "attempts": [{"offsetMs": 373.1, "error": None, "waitedMs": 0.0}],
        "hints": [],
        "client": {"loopLagMs": 38.4, "gcMs": 0.0, "cpu": 0.97, "spoilt": {"gapMaxMs": 31.2}},
    }

    content: str = option("All that was read, complete or not.")
    latency_ms: float | None = option("Null where the reply was never finished.")
    protocol: str = option("The driver that spoke.")
    stream_chunks: int = option("Events with text.")
    first_token_ms: float | None = option("Null where no text ever came.")
    verdict: str = option("How the turn ended.")
    ok: bool = option("Whether that counts as a reply.")
    error: str | None = option("Why it does not.", None)
    phase: str | None = option("How far the turn had come then.", None)
    metrics: Mapping[str, float | Sequence[float] | None] = option(
        "Every time that was taken.", factory=dict
    )
    usage: Any = option("What the target said of it, as it came.", None)
    captured: Mapping[str, Any] = option("Values kept for later turns.", factory=dict)
    attempts: Sequence[Mapping[str, Any]] = option("Every try, the last one too.", factory=list)
    hints: Sequence[str] = option("What the reader noticed.", factory=list)
    client: Mapping[str, Any] | None = option(
        "What Turnwire's own process did to the times: the worst `loopLagMs` and `gcMs` meanwhile, "
        "the `cpu` that it used (1 is one core), and in `spoilt`, by name, by how many ms a time "
        "may be off, where that matters. Null where nobody watched.",
        None,
    )


@attrs.frozen(kw_only=True, repr=False)
class Misread(_OfTest):
    """The first reply over a connection was not read as its config means it to be."""

    type: ClassVar[str] = "misread"
    example: ClassVar[Mapping[str, Any]] = {
        **_TEST,
        "turn": 0,
        "connection": "demo-sse",
        "hints": ["contentPath `contnt` matched 0 of 18 events; nearest: `content` (string …)."],
    }

    turn: int = option("Counted from 0 in its test.")
    connection: str = option("Whose reply rules it is about.")
    hints: Sequence[str] = option("What the reader noticed.")


@attrs.frozen(kw_only=True, repr=False)
class HttpRequest(Entry):
    """An HTTP call of a `request` step, answered or not."""

    type: ClassVar[str] = "request"
    example: ClassVar[Mapping[str, Any]] = {
        **_TEST,
        "label": "create_order",
        "method": "POST",
        "url": "http://127.0.0.1:9000/orders?key=***",
        "status": 201,
        "durationMs": 12.7,
        "error": None,
    }

    test: str | None = option("The id of the case; null in a fixture of the suite.", None)
    label: str = option("Its name in the suite, or `request`.")
    method: str = option("The method.")
    url: str = option("Masked.")
    status: int | None = option("Null where no answer came.", None)
    duration_ms: float = option("To the end of the answer.")
    error: str | None = option("Why none came.", None)


@attrs.frozen(kw_only=True, repr=False)
class Extracted(Entry):
    """A variable got its value from a reply or an answer."""

    type: ClassVar[str] = "extracted"
    example: ClassVar[Mapping[str, Any]] = {**_TEST, "variable": "order", "value": "12345"}

    test: str | None = option("The id of the case; null in a fixture of the suite.", None)
    variable: str = option("Its name.")
    value: Any = option("Masked.", None)


@attrs.frozen(kw_only=True, repr=False)
class CheckEvaluated(Entry):
    """A check was evaluated."""

    type: ClassVar[str] = "check"
    example: ClassVar[Mapping[str, Any]] = {
        **_TEST,
        "turn": 0,
        "suite": "shop",
        "connection": "demo-sse",
        "name": "offers a refund",
        "kind": "contains",
        "severity": "error",
        "scope": "last",
        "status": "failed",
        "expected": '"refund"',
        "actual": '"You can return it."',
        "message": "The policy says so.",
        "score": None,
        "detail": None,
        "failure": "check",
        "origin": "shop.turnwire.yaml:17: $.tests[0].checks[0]",
    }

    test: str | None = option("The id of the case; null for a check over the whole suite.", None)
    turn: int | None = option("The last turn before it, counted from 0 in its test.", None)
    suite: str = option("The name of the suite.")
    connection: str = option("The connection that it is about.")
    name: str = option("As the suite names it, else its kind.")
    kind: str = option("Its kind; of what a step itself expects, the kind of the step.")
    severity: Literal["error", "warning", "info"] = option("What it does to its test.", "error")
    scope: Literal["last", "assistant", "transcript"] = option("What it looked at.", "last")
    status: Literal["passed", "failed", "error"] = option("`error`: it could not be evaluated.")
    expected: str = option("For people; bounded.", "")
    actual: str = option("For people; bounded. Of an error, what went wrong.", "")
    message: str | None = option("What the suite says of it.", None)
    score: float | None = option("From 0 to 1, of checks that have one.", None)
    detail: str | None = option("More, such as the reasoning of a judge.", None)
    failure: Literal["check", "transport", "config", "judge", "plugin"] | None = option(
        "Whose fault it is; null where it passed.", None
    )
    origin: str | None = option("Where it is written: `file:line: path`.", None)


@attrs.frozen(kw_only=True, repr=False)
class TestFinished(_OfTest):
    """A test is over. Of several for one test, the last one counts."""

    __test__ = False

    type: ClassVar[str] = "test_finished"
    example: ClassVar[Mapping[str, Any]] = {
        **_TEST,
        "status": "failed",
        "failure": "check",
        "error": None,
        "durationMs": 381.0,
        "turns": 1,
        "reasons": ['offers a refund: expected "refund", found "You can return it."'],
        "traceback": None,
    }

    status: Literal["passed", "failed", "error", "skipped"] = option(
        "`failed`: a check did not hold. `error`: it could not be judged."
    )
    failure: Literal["check", "transport", "config", "judge", "plugin"] | None = option(
        "Whose fault it is; null where it passed or was skipped.", None
    )
    error: str | None = option("What kept it from being judged.", None)
    duration_ms: float = option("From its start to its end.")
    turns: int = option("Turns taken.")
    reasons: Sequence[str] = option(
        "One line for each thing that was wrong, or why it was skipped.", factory=list
    )
    traceback: str | None = option("Of an unexpected error: where it arose. Masked.", None)


@attrs.frozen(kw_only=True, repr=False)
class RunFinished(Entry):
    """The last entry of a run that ended by itself; a killed one has none."""

    type: ClassVar[str] = "run_finished"
    example: ClassVar[Mapping[str, Any]] = {
        **_RUN,
        "outcome": "completed",
        "error": None,
        "turns": 12,
        "failed": 0,
        "counts": {"passed": 9, "failed": 1, "error": 0, "skipped": 0},
        "exitCode": 1,
        "client": {"turns": 12, "spoilt": 1, "worstMs": 31.2, "loopLagMs": 38.4, "gcMs": 4.1},
    }

    outcome: Literal["completed", "interrupted", "failed"] = option(
        "`completed` (well or not), `interrupted` (Ctrl-C), or `failed`: an error ended it, such "
        "as a session that could not be opened."
    )
    error: str | None = option("That error.")
    turns: int = option("Turns taken in this run.")
    failed: int = option("Turns whose reply was not `ok`.")
    counts: Mapping[str, int] | None = option("Tests by status; those of resumed runs too.", None)
    exit_code: int | None = option("What the command exits with.", None)
    client: Mapping[str, Any] | None = option(
        "Of the turns that were watched, how many are `spoilt`, by how much at worst, and the "
        "worst pauses. Null where nobody watched.",
        None,
    )


@attrs.frozen(kw_only=True, repr=False)
class UnknownEntry(Entry):
    """An entry of a type that this version does not know; ``more`` holds all of it."""

    type: ClassVar[str] = ""


ENTRY_TYPES: Final[Mapping[str, type[Entry]]] = {
    cls.type: cls
    for cls in (
        RunStarted,
        TestStarted,
        ConnectionOpened,
        UserMessage,
        StreamChunk,
        AttemptFailed,
        AssistantReply,
        ConnectionClosed,
        Misread,
        HttpRequest,
        Extracted,
        CheckEvaluated,
        TestFinished,
        RunFinished,
    )
}
"""The classes by ``type``, in the order in which a run writes them."""


def entry_from_json(data: Mapping[str, Any]) -> Entry:
    """The entry that a line of a log holds.

    Raises:
        ValueError: a field of a known type is missing or of another type, or ``type`` is missing.
    """
    type_ = data.get("type")
    if not isinstance(type_, str) or not type_:
        raise ValueError("an entry needs a 'type'")
    cls: Any = ENTRY_TYPES.get(type_, UnknownEntry)
    known = _known_fields(cls)
    missing = [key for key, field in known.items() if field.needed and key not in data]
    if missing:
        raise ValueError(f"a {type_!r} entry needs {', '.join(map(repr, missing))}")
    for key, field in known.items():
        if key in data and not field.fits(data[key]):
            raise ValueError(f"{key!r} of a {type_!r} entry is not what it should be")
    values = {field.name: data[key] for key, field in known.items() if key in data}
    rest = {key: value for key, value in data.items() if key not in known}
    if cls is not UnknownEntry:
        rest.pop("type")
    entry: Entry = cls(**values, more=rest)
    return entry


@attrs.frozen
class _Known:
    """A field: whether it must be there, and what may stand in it."""

    name: str
    needed: bool
    fits: Callable[[Any], bool]


@cache
def _known_fields(cls: Any) -> Mapping[str, _Known]:
    """By key."""
    return {
        camel(field.name): _Known(field.name, field.default is attrs.NOTHING, _check_of(field.type))
        for field in attrs.fields(cls)
        if field.name != "more"
    }


@cache
def _check_of(hint: Any) -> Callable[[Any], bool]:
    """What tells whether JSON data is of a type that fields of entries have.

    The types of JSON data are exact: ``true`` is no number, though Python's ``True`` is one.
    """
    arguments = get_args(hint)
    if get_origin(hint) is Literal:
        return lambda value: value in arguments
    inner = [_check_of(argument) for argument in arguments]
    match get_origin(hint) or hint:
        case types.UnionType | typing.Union:
            return lambda value: any(fits(value) for fits in inner)
        case abc.Sequence:
            return lambda value: type(value) is list and all(map(inner[0], value))
        case abc.Mapping:
            return lambda value: type(value) is dict and all(map(inner[1], value.values()))
        case typing.Any:
            return lambda _: True
        case builtins.float:
            return lambda value: type(value) in (int, float)
        case kind:
            return lambda value: type(value) is kind


@cache
def _written_fields(cls: Any) -> Sequence[tuple[str, str]]:
    """(name, key) in the order in which they are written."""
    names = [field.name for field in attrs.fields(cls) if field.name != "more"]
    ordered = [name for name in cls.first if name in names]
    ordered += [name for name in names if name not in cls.first]
    return [(name, camel(name)) for name in ordered]


@lru_cache(maxsize=1024)
def camel(name: str) -> str:
    """``first_token_ms`` as ``firstTokenMs``."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
