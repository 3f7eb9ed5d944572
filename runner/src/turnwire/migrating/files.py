"""A config file that is to be changed: its bytes as they are, and the change in one step or not."""

from __future__ import annotations

import contextlib
import difflib
import os
import stat
import tempfile
from pathlib import Path
from typing import Self

import attrs

from turnwire_core.config import Document, read_document

_BOM = "\ufeff"


class FileChanged(Exception):
    """Somebody else has written the file since it was read."""


@attrs.frozen
class ConfigFile:
    """A file as it was read: its text with its own line ends, without a byte order mark."""

    path: Path
    data: bytes = attrs.field(repr=False)
    text: str = attrs.field(repr=False)
    document: Document = attrs.field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read and parse it.

        Raises:
            ConfigError: it cannot be read, or its syntax is broken.
        """
        read_document(path)  # says what is wrong with the file itself
        data = path.read_bytes()
        text = data.decode().removeprefix(_BOM)
        return cls(path, data, text, read_document(path, text))

    def diff(self, text: str) -> list[str]:
        """The lines of a unified diff to another text."""
        return [
            line.rstrip("\r\n")
            for line in difflib.unified_diff(
                _lines(self.text), _lines(text), str(self.path), str(self.path)
            )
        ]

    def replace(self, text: str) -> None:
        """Put ``text`` in its place: all of it, or, whatever happens, nothing.

        Mode and byte order mark are kept; a link is followed, not replaced.

        Raises:
            FileChanged: it is not what was read any more.
            OSError: it cannot be written.
        """
        target = self.path.resolve()
        if target.read_bytes() != self.data:
            raise FileChanged(f"{self.path} was changed by somebody else meanwhile.")
        has_mark = self.data.startswith(_BOM.encode())
        data = ((_BOM if has_mark else "") + text).encode()
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        try:
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            temporary = Path(name)
            temporary.chmod(stat.S_IMODE(target.stat().st_mode))
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise


def _lines(text: str) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    return [f"{line}\n" for line in lines]
