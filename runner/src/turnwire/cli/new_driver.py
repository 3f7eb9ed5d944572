"""``turnwire new-driver``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePosixPath
from typing import Final

import click

from turnwire_core.config.connections import SHIPPED_PROTOCOLS
from turnwire_core.plugins import Plugins

_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)*\Z")

_MODULE_FOLDER: Final = "module"
_SUFFIX: Final = ".txt"
"""What the files of the template end with, so that nobody takes them for code."""


@click.command("new-driver")
@click.argument("name")
@click.option(
    "--to",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where to write it; ./turnwire-NAME if left out. Must be new or empty.",
)
def new_driver(name: str, folder: Path | None) -> None:
    """Write a package with a driver of your own, for the protocol NAME.

    It works as it is, for JSON lines over a TCP socket, and its tests pass; then change it into
    what you need. The tests are those that every driver must pass.
    """
    names = _names(name)
    target = folder or Path(names["distribution"])
    if target.exists() and any(target.iterdir()):
        raise click.UsageError(f"{target} is there already, and not empty: nothing is overwritten.")
    template = files("turnwire") / "templates" / "driver"
    for path, text in _rendered(template, names, PurePosixPath()):
        file = target / path
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8", newline="\n")
        except OSError as exc:
            raise click.UsageError(f"{file} cannot be written: {exc.strerror}.") from exc
        click.echo(f"wrote {file}")
    click.echo(f'\nNext: cd {target} && pip install --editable ".[test]" && pytest')


def _names(name: str) -> Mapping[str, str]:
    """What NAME becomes in the files.

    Raises:
        click.UsageError: it cannot be the name of a new protocol.
    """
    if not _NAME.match(name):
        raise click.UsageError(
            f"{name!r} is no name for a protocol: lower-case letters and digits, with - or _ "
            "between words, and a letter first, such as acme-chat."
        )
    if name.startswith(("turnwire-", "turnwire_")):
        raise click.UsageError(
            f"Leave out 'turnwire' in {name!r}: it comes before the name of the package by itself."
        )
    words = re.split("[-_]", name)
    protocol = "_".join(words)
    if protocol in {*SHIPPED_PROTOCOLS, *Plugins().protocols()}:
        raise click.UsageError(
            f"There is a driver for the protocol {protocol!r} already, and two that claim one name "
            "are an error. Choose another."
        )
    return {
        "protocol": protocol,
        "module": f"turnwire_{protocol}",
        "distribution": f"turnwire-{'-'.join(words)}",
        "Class": "".join(word.capitalize() for word in words),
    }


def _rendered(
    folder: Traversable, names: Mapping[str, str], path: PurePosixPath
) -> Iterator[tuple[PurePosixPath, str]]:
    """The files of the template: where each belongs, and what is in it."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir():
            name = names["module"] if entry.name == _MODULE_FOLDER else entry.name
            yield from _rendered(entry, names, path / name)
        elif entry.name.endswith(_SUFFIX):
            text = entry.read_text(encoding="utf-8")
            for key, value in names.items():
                text = text.replace(f"%%{key}%%", value)
            yield path / entry.name.removesuffix(_SUFFIX), text
