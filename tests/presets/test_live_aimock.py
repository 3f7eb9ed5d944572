"""Every preset against aimock itself: two turns of a conversation, and an error; and no preset."""

from __future__ import annotations

import json
import shlex
from urllib.parse import urlsplit

import anyio
import pytest

from support.command_line import invoke
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


@pytest.mark.parametrize(
    "api", [api for api in APIS if api.protocol != "websocket"], ids=lambda api: api.preset
)
def test_a_connection_is_inferred_from_a_command_and_its_call(aimock_url: str, api: Api) -> None:
    command = ["curl", f"{aimock_url}{api.path}", "-d", json.dumps(api.bodies("greet me")[0])]
    for name, value in api.headers.items():
        command += ("-H", f"{name}: {value}")
    result = invoke("infer", shlex.join(command), "greet me", "--call")

    assert result.exit_code == 0, result.output
    assert f"is finished, {len(ANSWER)} characters: {ANSWER}" in result.stderr
    assert "Said again over it: " in result.stderr
