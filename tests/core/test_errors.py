"""The tree of errors: what each carries, what may be retried, and that they travel."""

from __future__ import annotations

import copy
import inspect
import pickle
import re

import pytest

from turnwire_core import errors
from turnwire_core.errors import (
    ConfigError,
    ConnectError,
    DriverError,
    DriverNotFound,
    FrameTooLarge,
    InvalidFrame,
    Phase,
    PluginError,
    Problem,
    ProtocolError,
    ProxyError,
    RejectedError,
    ReplyError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
    TurnwireError,
)

ONE_OF_EACH = [
    DriverError("x", phase=Phase.SEND),
    ConnectError("x"),
    TlsError("x"),
    ProxyError("x"),
    RejectedError("x", status=429, body="slow down", retry_after=2.5),
    TimeLimitError("x", limit="idle", phase=Phase.STREAM),
    StreamBrokenError("x", phase=Phase.HEADERS),
    ReplyError("x"),
    ProtocolError("x"),
    FrameTooLarge("x", limit_bytes=10),
    InvalidFrame("x"),
]


def _classes() -> list[type[TurnwireError]]:
    return [
        kind
        for kind in vars(errors).values()
        if inspect.isclass(kind) and issubclass(kind, BaseException)
    ]


def test_the_tree_at_the_top_of_the_module_is_the_tree_of_classes() -> None:
    drawn = {}
    branch: list[str] = []
    for match in re.finditer(r"^ {4}([│├└─ ]*)([A-Z]\w+)", errors.__doc__ or "", re.MULTILINE):
        depth = len(match[1]) // 3
        branch[depth:] = [match[2]]
        drawn[match[2]] = branch[-2] if depth else "Exception"
    assert drawn == {kind.__name__: kind.__base__.__name__ for kind in _classes() if kind.__base__}


@pytest.mark.parametrize("kind", _classes(), ids=lambda kind: kind.__name__)
def test_every_error_says_what_it_means(kind: type[TurnwireError]) -> None:
    assert inspect.getdoc(kind)
    assert kind.__doc__ != Exception.__doc__


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_a_driver_error_carries_its_phase_and_has_no_reply_of_its_own(error: DriverError) -> None:
    assert isinstance(error.phase, Phase)
    assert error.partial is None
    assert str(error) == "x"


@pytest.mark.parametrize(
    ("error", "phase"),
    [
        (ConnectError("x"), Phase.CONNECT),
        (TlsError("x"), Phase.CONNECT),
        (ProxyError("x"), Phase.CONNECT),
        (RejectedError("x", status=401), Phase.HEADERS),
        (StreamBrokenError("x"), Phase.STREAM),
        (ReplyError("x"), Phase.STREAM),
        (InvalidFrame("x"), Phase.STREAM),
    ],
    ids=lambda value: type(value).__name__,
)
def test_without_another_word_an_error_is_of_the_phase_where_it_belongs(
    error: DriverError, phase: Phase
) -> None:
    assert error.phase is phase


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (ConnectError("x"), True),
        (TlsError("x"), False),
        (ProxyError("x"), False),
        *((RejectedError("x", status=s), True) for s in (408, 425, 429, 500, 502, 503, 504)),
        *((RejectedError("x", status=s), False) for s in (200, 301, 400, 401, 403, 404, 501)),
        (StreamBrokenError("x", phase=Phase.CONNECT), True),
        *((StreamBrokenError("x", phase=p), False) for p in Phase if p is not Phase.CONNECT),
        (TimeLimitError("x", limit="connect", phase=Phase.CONNECT), True),
        (TimeLimitError("x", limit="first_content", phase=Phase.HEADERS), False),
        (TimeLimitError("x", limit="total", phase=Phase.CONNECT), False),
        (ReplyError("x"), False),
        (InvalidFrame("x"), False),
        (FrameTooLarge("x", limit_bytes=1), False),
        (DriverError("x", phase=Phase.CONNECT), False),
    ],
)
def test_only_what_came_to_nothing_and_may_pass_is_worth_another_try(
    error: DriverError, retryable: bool
) -> None:
    assert error.retryable is retryable


@pytest.mark.parametrize("error", ONE_OF_EACH, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_out_of_a_worker_process(error: DriverError) -> None:
    error.partial = "half a reply"
    for copied in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(copied) is type(error)
        assert str(copied) == str(error)
        assert vars(copied) == vars(error)


def test_a_config_error_and_a_plugin_error_survive_it_too() -> None:
    problems = [Problem("is missing", path="$.a", file="f.json", line=3), Problem("is wrong")]
    copied = pickle.loads(pickle.dumps(ConfigError(problems)))
    assert copied.problems == tuple(problems)
    assert str(copied) == str(ConfigError(problems))
    assert str(pickle.loads(pickle.dumps(DriverNotFound("none")))) == "none"
    assert issubclass(DriverNotFound, PluginError)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("is odd"), "$: is odd"),
        (Problem("is odd", path="$.a"), "$.a: is odd"),
        (Problem("is odd", path="$.a", hint="Write x."), "$.a: is odd Write x."),
        (Problem("is odd", path="$.a", file="c.yaml"), "c.yaml: $.a: is odd"),
        (Problem("is odd", path="$.a", file="c.yaml", line=7), "c.yaml:7: $.a: is odd"),
    ],
)
def test_a_problem_reads_as_where_then_what_then_how_to_mend_it(
    problem: Problem, text: str
) -> None:
    assert str(problem) == text


def test_a_config_error_has_a_line_for_each_problem() -> None:
    error = ConfigError([Problem("one", path="$.a"), Problem("two", path="$.b")])
    assert str(error) == "$.a: one\n$.b: two"
    assert [problem.path for problem in error.problems] == ["$.a", "$.b"]
