"""``--record`` and ``--replay``: keeping the bytes of conversations, and talking to those kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from turnwire.wiring import STRAIGHT, Wiring

if TYPE_CHECKING:
    from turnwire.replaying import Cut, Manner, Speed

record_option: Callable[[Any], Any] = click.option(
    "--record",
    metavar="DIR",
    help="Keep every byte of each conversation, with its time and with secrets masked, in a file "
    "of its own in DIR: for `turnwire replay`.",
)


def _parsed_as(name: str) -> Callable[..., Any]:
    """A callback that has the class ``name`` of :mod:`turnwire.replaying.pace` read the value.

    By its name, because a command that replays nothing must not import it.
    """

    def parse(
        ctx: click.Context,  # noqa: ARG001 — click's signature
        param: click.Parameter,  # noqa: ARG001 — click's signature
        value: str | None,
    ) -> Any:
        if value is None:
            return None
        from turnwire.replaying import pace

        try:
            return getattr(pace, name).parse(value)
        except ValueError as exc:
            raise click.BadParameter(f"{value!r}: {exc}.") from exc

    return parse


speed_option: Callable[[Any], Any] = click.option(
    "--speed",
    metavar="X",
    callback=_parsed_as("Speed"),
    help="How fast a recording is played: 1 as it was, 10 ten times as fast, max without waiting. "
    "Default: 1.",
)

cut_option: Callable[[Any], Any] = click.option(
    "--cut",
    metavar="HOW",
    callback=_parsed_as("Cut"),
    help="In which pieces its bytes come: reads (as they did), every (one by one), a number of "
    "bytes, random or random:SEED. Default: reads.",
)


def replay_options(command: Any) -> Any:
    """``--replay`` and what goes with it."""
    for option in (
        click.option(
            "--trust-replayed-times",
            "trust_times",
            is_flag=True,
            help="With --replay: make the checks on times, too. They are errors otherwise, because "
            "the times are not the target's.",
        ),
        cut_option,
        speed_option,
        click.option(
            "--replay",
            metavar="PATH",
            type=click.Path(exists=True, path_type=Path),
            help="Talk to the recordings in PATH (of --record) instead of the targets: nothing "
            "goes over a network.",
        ),
    ):
        command = option(command)
    return command


def manner_of(speed: Speed | None, cut: Cut | None) -> Manner:
    """How recordings are played; as they were, where nothing is said."""
    from turnwire.replaying import Cut, Manner, Speed

    return Manner(speed or Speed(), cut or Cut())


def replayed(
    path: Path, speed: Speed | None, cut: Cut | None, *, trust_times: bool
) -> tuple[AbstractContextManager[Wiring], Mapping[str, Any]]:
    """The wiring to recordings, and what a run log says of it.

    Raises:
        RecordingError: there are none, or they cannot be read.
    """
    from turnwire.recordings import load_recordings
    from turnwire.replaying import Replayer

    manner = manner_of(speed, cut)
    replayer = Replayer(load_recordings(path), path, manner=manner, trusts_times=trust_times)
    return nullcontext(replayer), replayer.as_json()


def recording(folder: str | None) -> AbstractContextManager[Wiring]:
    """The wiring of a command's conversations: recorded into ``folder``, if there is one.

    Raises (on entering and on leaving):
        RecordingError: the folder cannot be made; not everything could be written.
    """
    if folder is None:
        return nullcontext(STRAIGHT)
    from turnwire.recordings import Recorder

    return Recorder(Path(folder))
