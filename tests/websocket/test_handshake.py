"""What is asked for in the opening handshake, and which answers are refused."""

from __future__ import annotations

import base64

import httpx
import pytest

from turnwire_websocket.handshake import Offer

# The example of RFC 6455 §1.3.
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def answer(**changes: str | None) -> httpx.Headers:
    headers: dict[str, str | None] = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": ACCEPT,
        **{name.replace("_", "-"): value for name, value in changes.items()},
    }
    return httpx.Headers({name: value for name, value in headers.items() if value is not None})


def problem(offer: Offer | None = None, **changes: str | None) -> str:
    return (offer or Offer(key=KEY)).problem(answer(**changes)) or ""


def test_the_request_is_that_of_rfc_6455() -> None:
    headers = Offer(("chat", "superchat"), key=KEY).headers()
    assert headers == {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "chat, superchat",
    }


def test_neither_sub_protocols_nor_extensions_are_offered_unasked() -> None:
    names = Offer().headers()
    assert "Sec-WebSocket-Protocol" not in names
    assert "Sec-WebSocket-Extensions" not in names


def test_every_key_is_sixteen_fresh_bytes() -> None:
    keys = [Offer().key for _ in range(20)]
    assert len(set(keys)) == 20
    assert all(len(base64.b64decode(key)) == 16 for key in keys)


def test_the_answer_of_the_standard_is_accepted() -> None:
    assert Offer(key=KEY).problem(answer()) is None


def test_tokens_are_compared_without_case_and_among_others() -> None:
    changed = answer(Upgrade="WebSocket", Connection="keep-alive, UPGRADE")
    assert Offer(key=KEY).problem(changed) is None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"Upgrade": None}, "Upgrade"),
        ({"Upgrade": "h2c"}, "Upgrade"),
        ({"Connection": None}, "Connection"),
        ({"Connection": "keep-alive"}, "Connection"),
        ({"Sec_WebSocket_Accept": None}, "Sec-WebSocket-Accept"),
        ({"Sec_WebSocket_Accept": ACCEPT.lower()}, "Sec-WebSocket-Accept"),
        ({"Sec_WebSocket_Accept": "c3RhbGU="}, "Sec-WebSocket-Accept"),
        ({"Sec_WebSocket_Extensions": "permessage-deflate"}, "'permessage-deflate'"),
        ({"Sec_WebSocket_Protocol": "chat"}, "'chat'"),
    ],
)
def test_an_answer_to_something_else_is_refused(changes: dict[str, str], said: str) -> None:
    assert said in problem(**changes)


def test_a_sub_protocol_that_was_offered_is_accepted() -> None:
    offer = Offer(("chat", "superchat"), key=KEY)
    assert problem(offer, Sec_WebSocket_Protocol="superchat") == ""


def test_choosing_none_of_the_offered_sub_protocols_is_allowed() -> None:
    assert problem(Offer(("chat",), key=KEY)) == ""


@pytest.mark.parametrize("chosen", ["other", "Chat", "chat, superchat", ""])
def test_a_sub_protocol_that_was_not_offered_is_refused(chosen: str) -> None:
    said = problem(Offer(("chat", "superchat"), key=KEY), Sec_WebSocket_Protocol=chosen)
    assert "not offered" in said
    assert "'protocols'" in said


def test_an_endless_answer_is_not_repeated_in_full() -> None:
    assert len(problem(Sec_WebSocket_Extensions="x" * 10_000)) < 300
