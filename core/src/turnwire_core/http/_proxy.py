"""Which proxy a request goes through.

The rule, alike for ``http``/``ws`` and ``https``/``wss``:

1. ``proxy`` in the connection is used for everything; an empty one means none.
2. Without it, and only if the environment is trusted: ``https_proxy`` for https and wss,
   ``http_proxy`` for http and ws, else ``all_proxy``; lower case wins over upper case, and
   ``HTTP_PROXY`` is not read in a CGI process. ``no_proxy`` is a list, parted by commas, of hosts
   (with their sub-domains), addresses and networks (``10.0.0.0/8``), each with an optional port;
   ``*`` means all. Loopback is not exempt unless it is listed, as with curl.

https, wss and ws go through a CONNECT tunnel (RFC 6455 §4.1 wants one for ws too), http is handed
to the proxy with its full URL (RFC 9112 §3.2.2).
"""

from __future__ import annotations

import base64
import ipaddress
import os
from typing import Final
from urllib.parse import unquote, urlsplit

import attrs

from turnwire_core.contracts.connection import Connection
from turnwire_core.errors import ProxyError
from turnwire_core.secrets import Secrets

_DEFAULT_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}

_VARIABLES: Final = tuple(
    name for key in ("http", "https", "all") for name in (f"{key}_proxy", f"{key}_proxy".upper())
)


@attrs.frozen
class Proxy:
    """An HTTP proxy. ``authorization`` is the value of ``Proxy-Authorization``."""

    scheme: str
    host: str
    port: int
    authorization: str | None = attrs.field(default=None, repr=False)

    @property
    def origin(self) -> str:
        """What messages may show of the proxy's URL."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def choose_proxy(connection: Connection, scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy for a request to ``host``, or None.

    Raises:
        ProxyError: the proxy's URL cannot be used.
    """
    return explain_proxy(connection, scheme, host, port)[0]


def explain_proxy(
    connection: Connection, scheme: str, host: str, port: int
) -> tuple[Proxy | None, str]:
    """Like it, and what decided so, in words.

    Raises:
        ProxyError: the proxy's URL cannot be used.
    """
    if connection.proxy is not None:
        url, source = connection.proxy, "'proxy'"
        why_none = "'proxy' is empty"
    elif connection.trust_env:
        url, source = _from_environment(scheme, host, port)
        why_none = source or "neither 'proxy' nor the environment names one"
    else:
        return None, "the environment is not looked at"
    if not url.strip():
        return None, why_none
    return parse_proxy(url, source, connection.secrets), source


def parse_proxy(url: str, source: str, secrets: Secrets) -> Proxy:
    """The proxy that ``url`` names; without a scheme it is ``http://``, as with curl."""
    url = url.strip()
    if "://" not in url:
        url = f"http://{url}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise ProxyError(f"The proxy in {source} is no URL. Write http://HOST:PORT.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ProxyError(
            f"The proxy in {source} has the scheme {parts.scheme!r}. Write http://HOST:PORT or "
            f'https://HOST:PORT, or set "proxy" to "" to go without one.'
        )
    authorization = None
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
        secrets.add(password)
        pair = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        secrets.add(pair)
        authorization = f"Basic {pair}"
    return Proxy(
        scheme=parts.scheme,
        host=parts.hostname,
        port=port or _DEFAULT_PORTS[parts.scheme],
        authorization=authorization,
    )


def _from_environment(scheme: str, host: str, port: int) -> tuple[str, str]:
    # For most there is nothing to find, which is seen in a hundredth of the time.
    if not any(name in os.environ for name in _VARIABLES):
        return "", ""
    from urllib.request import getproxies_environment  # which brings all of http.client

    proxies = getproxies_environment()
    key = "https" if scheme in ("https", "wss") else "http"
    name = key if proxies.get(key) else "all"
    if is_exempt(proxies.get("no", ""), host, port):
        return "", "NO_PROXY exempts this host"
    url = proxies.get(name, "")
    return url, f"the environment ({name.upper()}_PROXY)" if url else ""


def is_exempt(no_proxy: str, host: str, port: int) -> bool:
    """Whether ``no_proxy`` lists the host."""
    host = host.strip("[]").rstrip(".").lower()
    return any(_matches(entry.strip().lower(), host, port) for entry in no_proxy.split(","))


def _matches(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    name, wanted = _split_port(entry)
    if not name or wanted not in (None, port):
        return False
    try:
        network = ipaddress.ip_network(name, strict=False)
    except ValueError:
        name = name.removeprefix("*").strip(".")
        return bool(name) and (host == name or host.endswith(f".{name}"))
    try:
        return ipaddress.ip_address(host) in network
    except ValueError:
        return False


def _split_port(entry: str) -> tuple[str, int | None]:
    """``host:8080`` in two. The colons of a bare IPv6 address part nothing."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        port = rest.removeprefix(":")
    elif entry.count(":") == 1:
        name, _, port = entry.partition(":")
    else:
        return entry, None
    return name, int(port) if port.isascii() and port.isdigit() else None
