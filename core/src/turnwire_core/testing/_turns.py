"""A message reaches the target, and its reply comes back."""

from __future__ import annotations

from typing import Any

import attrs

from turnwire_core.contracts.tap import WireTap
from turnwire_core.events import Message, Verdict
from turnwire_core.testing._base import ContractBase
from turnwire_core.testing._peer import Peer

_AWKWARD = (
    'é 漢字 🙂 "quoted" \\back / tab\t line\nline\r\nsep\u2028par\u2029 {{message}} ${HOME} \x7f'
)


class _Tap(WireTap):
    """Keeps what it is shown."""

    def __init__(self) -> None:
        self.out: list[tuple[int, str, bytes]] = []
        self.came: list[tuple[int, str, bytes]] = []

    def sent(self, at_ns: int, label: str, data: bytes) -> None:
        self.out.append((at_ns, label, data))

    def received(self, at_ns: int, label: str, data: bytes) -> None:
        self.came.append((at_ns, label, data))


class TurnTests(ContractBase):
    """Turns that go well."""

    async def test_a_message_goes_out_and_its_reply_comes_in(self) -> None:
        heard: list[str] = []

        async def play(peer: Peer) -> None:
            heard.append(peer.message)
            await peer.say("Hello, ", "you")
            await peer.complete()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            reply = await conversation.send("hi")
        assert heard == ["hi"]
        assert (reply.content, reply.verdict, reply.error) == (
            "Hello, you",
            Verdict.FINISHED,
            None,
        )

    async def test_a_conversation_takes_turn_after_turn(self) -> None:
        heard: list[str] = []

        async def play(peer: Peer) -> None:
            heard.append(peer.message)
            await peer.say(f"to {peer.message}")
            await peer.complete()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            replies = [await conversation.send(message) for message in ("one", "two", "three")]
            transcript = conversation.transcript
        assert heard == ["one", "two", "three"]
        assert [reply.content for reply in replies] == ["to one", "to two", "to three"]
        assert transcript[:2] == (Message("user", "one"), Message("assistant", "to one"))
        assert len(transcript) == 6

    async def test_text_of_any_kind_goes_out_and_comes_back_unharmed(self) -> None:
        heard: list[str] = []

        async def play(peer: Peer) -> None:
            heard.append(peer.message)
            await peer.say(peer.message)
            await peer.complete()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            reply = await conversation.send(_AWKWARD)
        assert heard == [_AWKWARD]
        assert reply.content == _AWKWARD

    async def test_the_body_is_the_one_that_the_connection_asks_for(self) -> None:
        heard: list[str] = []

        async def play(peer: Peer) -> None:
            heard.append(peer.message)
            await peer.complete()

        plain = self.connection(self.url.format(port=1))
        body = _replaced(self.driver.default_body(plain.options), "{{message}}", "<{{message}}>")
        request = {**self.settings.get("request", {}), "body": body}
        async with (
            self.serve(play) as url,
            self.conversation(url, request=request) as conversation,
        ):
            await conversation.send("hi")
        assert heard == ["<hi>"]

    async def test_a_long_message_and_a_long_reply_arrive_whole(self) -> None:
        heard: list[int] = []
        size = 1_000_000

        async def play(peer: Peer) -> None:
            heard.append(len(peer.message))
            await peer.say("r" * size)
            await peer.complete()

        async with self.serve(play) as url, self.conversation(url) as conversation:
            reply = await conversation.send("m" * size)
        assert heard == [size]
        assert (reply.verdict, reply.content == "r" * size) == (Verdict.FINISHED, True)

    async def test_the_wire_is_shown_to_who_looks_at_it(self) -> None:
        async def play(peer: Peer) -> None:
            await peer.say("visible-reply")
            await peer.complete()

        tap = _Tap()
        async with self.serve(play) as url:
            connection = attrs.evolve(self.connection(url), tap=tap)
            async with self.open(connection) as session:
                await session.take("visible-message")
        assert b"visible-message" in b"".join(data for _, _, data in tap.out)
        assert b"visible-reply" in b"".join(data for _, _, data in tap.came)
        assert all(label for _, label, _ in (*tap.out, *tap.came))
        stamps = [at_ns for at_ns, _, _ in tap.came]
        assert stamps == sorted(stamps)


def _replaced(body: Any, old: str, new: str) -> Any:
    """A copy of a JSON value with ``old`` replaced in all its texts."""
    match body:
        case str():
            return body.replace(old, new)
        case dict():
            return {key: _replaced(value, old, new) for key, value in body.items()}
        case list():
            return [_replaced(value, old, new) for value in body]
        case _:
            return body
