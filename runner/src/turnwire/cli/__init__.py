"""The ``turnwire`` command.

This module is all that ``turnwire --help`` imports besides click: each command lives in a module of
its own, imported when it is called. Nothing here may import turnwire_core, a driver, or rich.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click

from turnwire.cli._options import CliOptions

__all__ = ["main"]

# Command → (module, attribute, what the list of commands says of it).
_COMMANDS: Final[dict[str, tuple[str, str, str]]] = {
    "chat": ("chat", "chat", "Talk to a connection, and see the times of each reply."),
    "compare": (
        "compare",
        "compare_command",
        "Compare two runs: what broke, what is slower.",
    ),
    "demo": ("demo", "demo", "Watch conversations over every protocol; needs no config."),
    "drivers": ("drivers", "drivers", "List the installed drivers, the broken ones too."),
    "infer": ("infer", "infer_command", "Work out a connection from a curl command or a reply."),
    "migrate": ("migrate", "migrate", "Move a connection to another protocol; show the diff."),
    "new-driver": ("new_driver", "new_driver", "Write a package with a driver of your own."),
    "probe": ("probe", "probe", "Go the way to a connection step by step; say where it ends."),
    "replay": ("replay", "replay", "Play recordings back, through the drivers or as a server."),
    "report": ("report", "report", "Report a run from its log, in any format, as often as needed."),
    "run": ("run", "run_command", "Run suites of tests, and say with an exit code what came out."),
    "schema": ("schema", "schema", "Print the JSON Schema of config files, or of run logs."),
    "serve-demo": ("demo", "serve_demo", "Run the built-in assistant until Ctrl-C."),
    "tail": ("tail", "tail", "Show what happens in a run, line by line, from its log."),
    "validate": ("validate", "validate", "Check config files; say all that is wrong."),
}


def main(args: Sequence[str] | None = None, prog_name: str | None = None) -> NoReturn:
    """Run the command line and exit with one of the codes of ``turnwire.cli._exit``."""
    # A command imports some hundred thousand objects, and none of them is garbage: to look for it
    # as often as Python does takes 8 % of the time until the first request.
    gc.set_threshold(10_000, 20)
    try:
        cli.main(args=args, prog_name=prog_name)
    finally:
        # Nor when it is over: the interpreter looks through all of them some times more before it
        # ends, a tenth of a second that whoever waits for the exit code would wait too.
        gc.freeze()
    raise AssertionError("unreachable: main exits")


class _PipeClosed(Exception):
    """Nobody reads our output any more."""


class _Cli(click.Group):
    """Loads a command when it is called, and turns every error into a message and a code."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 — click's signature
        return list(_COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 — click's signature
        cmd_name: str,
    ) -> click.Command | None:
        entry = _COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, attribute, _ = entry
        command: click.Command = getattr(import_module(f"turnwire.cli.{module}"), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if name not in _COMMANDS and not name.startswith("-"):
            from difflib import get_close_matches

            near = get_close_matches(name, _COMMANDS, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(_COMMANDS)}."
            ctx.fail(f"No such command {name!r}. {hint}")
        return super().resolve_command(ctx, args)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 — click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        # click would import every command for its first line.
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as exc:
            # click would exit with 1, which says here that a check failed.
            raise _PipeClosed from exc

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 — we always handle what click would
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        options = CliOptions()
        try:
            result = super().main(
                args,
                prog_name,
                complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                obj=options,
                **extra,
            )
        except click.ClickException as exc:
            exc.show()
            code = exc.exit_code
        except (click.Abort, KeyboardInterrupt):
            from turnwire.cli._exit import ExitCode

            click.echo("Interrupted.", err=True)
            code = ExitCode.INTERRUPTED
        except _PipeClosed:
            from turnwire.cli._exit import ExitCode

            _discard_stdout()
            code = ExitCode.PIPE_CLOSED
        except Exception as exc:  # noqa: BLE001 — the top: nothing may pass but a message and a code
            from turnwire.cli._exit import report

            code = report(exc, with_traceback=options.with_traceback, mask=options.mask)
        else:
            code = result if isinstance(result, int) else 0
        sys.exit(int(code))


def _discard_stdout() -> None:
    """Keep the interpreter from complaining, at exit, about a pipe that nobody reads."""
    import os

    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _show_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        from importlib.metadata import version
        from platform import python_version

        click.echo(f"turnwire {version('turnwire')} (Python {python_version()})")
        ctx.exit()


@click.group(
    cls=_Cli,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start with `turnwire demo`. Exit codes: 0 all passed, 1 a check failed, 2 usage or "
    "config, 3 the target failed, 4 Turnwire or a plugin failed, 5 nothing selected, "
    "130 interrupted.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
@click.option("--traceback", "with_traceback", is_flag=True, help="Show where an error arose.")
@click.pass_obj
def cli(options: CliOptions, with_traceback: bool) -> None:
    """Test conversational assistants as they stream: HTTP, Server-Sent Events, WebSocket."""
    options.with_traceback = with_traceback
