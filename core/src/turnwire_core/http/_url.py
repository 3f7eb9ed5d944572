"""Where a request goes. Plain URLs are taken apart here, all others by httpx.

Importing httpx takes a third of what a short run takes, with httpcore and what that brings. Most
targets have an URL about which there is nothing to decide: lower case, no escapes, no user, a plain
host. Those are matched as a whole; whatever is different in anything goes to httpx, and so there is
one place that knows what is wrong with an URL, and one normal form.
"""

from __future__ import annotations

import re
from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Final

import attrs

if TYPE_CHECKING:
    import httpx

PORTS: Final = {"http": 80, "https": 443}
_DEFAULT_PORTS: Final = PORTS | {"ws": 80, "wss": 443}

_PLAIN: Final = re.compile(
    r"(https?|wss?)://"
    r"(?:([a-z](?:[a-z0-9.-]*[a-z0-9])?)|([0-9.]+))"
    r"(?::([1-9][0-9]{0,4}))?"
    r"((?:/[A-Za-z0-9_~.:@,=+/-]*)?(?:\?[A-Za-z0-9_~.:@,=+/&-]*)?)"
)
_PLAIN_CHARACTERS: Final = 2000


@attrs.frozen
class Url:
    """What of an URL matters to a request. User, password and fragment are left out.

    ``host`` is as people read it, ``raw_host`` as DNS does, IPv6 without brackets; ``port`` is None
    where the scheme implies it; ``raw_path`` is path and query, as the request line has them.
    """

    scheme: str
    host: str
    raw_host: str
    port: int | None
    raw_path: bytes = attrs.field(repr=False)

    @property
    def netloc(self) -> str:
        """Host and port, as ``Host`` has them (RFC 9110 §7.2)."""
        host = f"[{self.raw_host}]" if ":" in self.raw_host else self.raw_host
        return host if self.port is None else f"{host}:{self.port}"

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: who is meant."""
        return self.scheme, self.host, self.port or PORTS[self.scheme]

    def __str__(self) -> str:
        return f"{self.scheme}://{self.netloc}{self.raw_path.decode('ascii')}"

    def with_query(self, added: str) -> Url:
        """With ``added``, which is encoded already, behind its own query."""
        path, _, own = self.raw_path.decode("ascii").partition("?")
        query = f"{own}&{added}" if own else added
        return attrs.evolve(self, raw_path=f"{path}?{query}".encode("ascii"))

    def join(self, location: str) -> Url:
        """Where a reference leads from here (RFC 3986 §5).

        Raises:
            ValueError: it is none.
        """
        return _by_httpx(location, self)


def parse_url(text: str) -> Url:
    """The URL that ``text`` is.

    Raises:
        ValueError: it is none.
    """
    match = _PLAIN.fullmatch(text) if len(text) <= _PLAIN_CHARACTERS else None
    if match is None:
        return _by_httpx(text)
    scheme, name, address, digits, target = match.groups()
    # Segments of dots are to be resolved, and punycode to be read.
    if "/." in target or "xn--" in text or int(digits or 0) > 65535:
        return _by_httpx(text)
    if address is not None:
        try:
            IPv4Address(address)
        except ValueError:
            return _by_httpx(text)
    host = name or address
    port = int(digits) if digits is not None else None
    if port == _DEFAULT_PORTS[scheme]:
        port = None
    if not target.startswith("/"):
        target = f"/{target}"
    return Url(scheme, host, host, port, target.encode("ascii"))


def _by_httpx(text: str, base: Url | None = None) -> Url:
    import httpx

    try:
        url = httpx.URL(text) if base is None else httpx.URL(str(base)).join(text)
        return _plainly(url)
    except (httpx.InvalidURL, TypeError) as exc:
        raise ValueError(str(exc)) from exc


def _plainly(url: httpx.URL) -> Url:
    raw_host = url.raw_host.decode("ascii")
    return Url(url.scheme, url.host, raw_host, url.port, url.raw_path)
