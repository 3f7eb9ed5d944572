"""Every preset against aimock itself: two turns of a conversation, and an error."""

from __future__ import annotations

from urllib.parse import urlsplit

import anyio
import pytest

from support.preset_connection import PLUGINS, connection_to
from support.presets import ANSWER, APIS, Api
from turnwire_core import Reply, Verdict, open_conversation

pytestmark = [pytest.mark.anyio, pytest.mark.aimock]


async def _say(url: str, api: Api, *messages: str) -> list[Reply]:
    connection = connection_to(api, urlsplit(url).netloc)
    with anyio.fail_after(20):
        async with open_conversation(connection, plugins=PLUGINS) as conversation:
            return [await conversation.send(message) for message in messages]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.preset)
async def test_a_conversation_of_two_turns(aimock_url: str, api: Api) -> None:
    second = "think first" if "think first" in api.says else "greet me"
    replies = await _say(aimock_url, api, "greet me", second)

    assert [(reply.content, reply.verdict) for reply in replies] == [
        (ANSWER, Verdict.FINISHED),
        (ANSWER, Verdict.FINISHED),
    ]


@pytest.mark.parametrize(
    "api", [api for api in APIS if "break off" in api.says], ids=lambda api: api.preset
)
async def test_a_reply_that_is_cut_off(aimock_url: str, api: Api) -> None:
    (reply,) = await _say(aimock_url, api, "break off")

    assert reply.verdict is Verdict.MALFORMED
    assert reply.content
    assert (ANSWER * 3).startswith(reply.content)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.preset)
async def test_a_failure_and_a_turn_after_it(aimock_url: str, api: Api) -> None:
    failed, answered = await _say(aimock_url, api, "fail", "greet me")

    assert failed.verdict in (Verdict.REJECTED, Verdict.ERROR_EVENT)
    assert answered.content == ANSWER
