"""``--record``: keeping every byte of the conversations of a command."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import click

from turnwire.wiring import STRAIGHT, Wiring

record_option: Callable[[Any], Any] = click.option(
    "--record",
    metavar="DIR",
    help="Keep every byte of each conversation, with its time and with secrets masked, in a file "
    "of its own in DIR: for `turnwire replay`.",
)


def recording(folder: str | None) -> AbstractContextManager[Wiring]:
    """The wiring of a command's conversations: recorded into ``folder``, if there is one.

    Raises (on entering and on leaving):
        RecordingError: the folder cannot be made; not everything could be written.
    """
    if folder is None:
        return nullcontext(STRAIGHT)
    from turnwire.recordings import Recorder

    return Recorder(Path(folder))
