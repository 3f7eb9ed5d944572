"""What a client sends and gets, without httpx's objects, which cost more than the exchange."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import attrs

from turnwire_core.http._url import Url


class Headers(Mapping[str, str]):
    """Headers by name in any case; the values of one that came several times are joined."""

    __slots__ = ("_values", "raw")

    def __init__(self, fields: Iterable[tuple[bytes, bytes]] = ()) -> None:
        self.raw = tuple(fields)
        self._values: dict[str, str] = {}
        for name, value in self.raw:
            key, text = name.decode("latin-1").lower(), _text(value)
            known = self._values.get(key)
            self._values[key] = text if known is None else f"{known}, {text}"

    def __getitem__(self, name: str) -> str:
        return self._values[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@attrs.frozen
class Request:
    """One request. ``fields`` are all headers as they are sent, by their names in lower case.

    ``upgrade`` marks one that asks for another protocol: it wants a tunnel also for ``http``.
    """

    method: str
    url: Url
    fields: Mapping[str, tuple[str, str]] = attrs.field(repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    upgrade: bool = False


class Unsendable(Exception):
    """The request is none that HTTP can carry."""


class Network(Protocol):
    """The connection below HTTP. Its methods raise one of ``FOREIGN``."""

    async def read(self, max_bytes: int) -> bytes:
        """What arrived; empty at the end."""

    async def write(self, buffer: bytes) -> None:
        """Write all of it."""

    async def aclose(self) -> None:
        """Close it."""


class Answer(ABC):
    """A response whose head has arrived."""

    status: int
    headers: Headers
    network: Network
    """The connection that it comes from: after 101, the other protocol's."""

    @abstractmethod
    async def read(self) -> bytes:
        """Some bytes of the body; empty at its end, and only there.

        Raises one of :data:`turnwire_core.http._errors.FOREIGN`.
        """

    @abstractmethod
    async def keep(self) -> None:
        """The body was read to its end: the connection may serve another request."""

    @abstractmethod
    async def drop(self) -> None:
        """Close the connection, at whatever point the body is."""
