"""The opening handshake of RFC 6455 §4, without I/O: what to ask for, and what answer to accept.

httpx makes the request. That its answer is a WebSocket's, and the one asked for, is checked here.
No extension is offered (:mod:`turnwire_websocket.framing` says why), so none is accepted.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs
from wsproto.utilities import generate_accept_token, generate_nonce

VERSION = "13"

RESERVED_HEADERS = frozenset(
    {
        "connection",
        "host",
        "sec-websocket-accept",
        "sec-websocket-extensions",
        "sec-websocket-key",
        "sec-websocket-protocol",
        "sec-websocket-version",
        "upgrade",
    }
)
"""Headers that are the handshake's own, in lower case: a connection must not set them."""


def _new_key() -> str:
    return generate_nonce().decode("ascii")


@attrs.frozen
class Offer:
    """What one opening handshake asks for. ``key`` is fresh for each (RFC 6455 §4.1, item 7)."""

    protocols: tuple[str, ...] = ()
    key: str = attrs.field(factory=_new_key)

    def headers(self) -> dict[str, str]:
        """The headers that make a GET request this handshake."""
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": self.key,
            "Sec-WebSocket-Version": VERSION,
        }
        if self.protocols:
            headers["Sec-WebSocket-Protocol"] = ", ".join(self.protocols)
        return headers

    def problem(self, answer: Mapping[str, str]) -> str | None:
        """Why the headers of a 101 answer are no answer to this offer, or None.

        ``answer`` looks its names up in any case. The sentence may quote the target.
        """
        if answer.get("upgrade", "").strip().lower() != "websocket":
            return "the header Upgrade of its answer does not say 'websocket'"
        if "upgrade" not in _tokens(answer.get("connection", "")):
            return "the header Connection of its answer does not say 'Upgrade'"
        accept = answer.get("sec-websocket-accept", "").strip()
        if accept != generate_accept_token(self.key.encode("ascii")).decode("ascii"):
            return (
                "its Sec-WebSocket-Accept is not the answer to our key: "
                "something between us may have answered from a cache, or does not know WebSocket"
            )
        if extensions := answer.get("sec-websocket-extensions", "").strip():
            return f"it uses an extension that was not offered: {extensions[:100]!r}"
        chosen = answer.get("sec-websocket-protocol")
        if chosen is not None and chosen.strip() not in self.protocols:
            offered = ", ".join(self.protocols) or "none"
            return (
                f"it chose the sub-protocol {chosen.strip()[:100]!r}, which was not offered "
                f"(offered: {offered}); name it in 'protocols' if it is wanted"
            )
        return None


def _tokens(value: str) -> list[str]:
    return [token.strip().lower() for token in value.split(",")]
