"""Each kind of error has its exit code and a message that a new user can act on."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner, Result

from turnwire.cli import cli
from turnwire.cli._exit import exit_code_for
from turnwire.runlog import RunLogError, RunLogIncomplete
from turnwire_core.errors import (
    ConfigError,
    ConnectError,
    DriverConflict,
    DriverLoadError,
    DriverNotFound,
    DriverVersionError,
    Phase,
    Problem,
    RejectedError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
    TurnwireError,
)
from turnwire_core.secrets import Secrets


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError([Problem("bad")]), 2),
        (ConnectError("no route"), 3),
        (TlsError("bad certificate"), 3),
        (RejectedError("no", status=401), 3),
        (TimeLimitError("late", limit="total", phase=Phase.STREAM), 3),
        (StreamBrokenError("cut"), 3),
        (DriverNotFound("none"), 4),
        (DriverLoadError("broken"), 4),
        (DriverConflict("two"), 4),
        (DriverVersionError("old"), 4),
        (RunLogError("exists already"), 2),
        (RunLogIncomplete("disk full"), 4),
        (TurnwireError("else"), 4),
        (ZeroDivisionError("bug"), 4),
        (KeyboardInterrupt(), 130),
        (BrokenPipeError(), 141),
    ],
)
def test_an_error_has_its_exit_code(error: BaseException, code: int) -> None:
    assert exit_code_for(error) == code


def run_raising(
    monkeypatch: pytest.MonkeyPatch, error: BaseException, *options: str, secret: str | None = None
) -> Result:
    @click.command()
    @click.pass_obj
    def failing(options: object) -> None:
        if secret is not None:
            options.hide(Secrets([secret]))  # type: ignore[attr-defined]
        raise error

    monkeypatch.setattr(type(cli), "get_command", lambda self, ctx, name: failing)
    return CliRunner().invoke(cli, [*options, "chat"])


def test_a_bug_is_one_line_that_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_raising(monkeypatch, ZeroDivisionError("division by zero"))
    assert result.exit_code == 4
    assert result.stderr.count("\n") == 1
    assert "ZeroDivisionError: division by zero" in result.stderr
    assert "Please report it" in result.stderr
    assert "--traceback" in result.stderr


def test_a_traceback_is_shown_on_demand_and_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    error = ValueError("token sk-12345678 \x1b[2J")
    result = run_raising(monkeypatch, error, "--traceback", secret="sk-12345678")
    assert "Traceback (most recent call last)" in result.stderr
    assert "sk-12345678" not in result.stderr
    assert "\x1b" not in result.stderr


def test_the_address_to_report_to_is_the_one_of_the_distribution(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from email.message import Message

    metadata = Message()
    metadata["Project-URL"] = "Issues, https://example.org/issues"
    monkeypatch.setattr("importlib.metadata.metadata", lambda name: metadata)
    result = run_raising(monkeypatch, RuntimeError("x"))
    assert "Please report it at https://example.org/issues;" in result.stderr


def test_all_problems_of_a_config_are_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    problems = [Problem("one", file="a.json", line=3), Problem("two", "$.x", "Do this.")]
    result = run_raising(monkeypatch, ConfigError(problems))
    assert result.exit_code == 2
    assert result.stderr.splitlines() == [
        "Error: 2 problems in the configuration:",
        "  a.json:3: $: one",
        "  $.x: two Do this.",
    ]


def test_an_interrupt_is_130_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    result = run_raising(monkeypatch, KeyboardInterrupt())
    assert result.exit_code == 130
    assert "Traceback" not in result.output
