"""What is inferred from a recording reads it as the preset made for it does, without any preset."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager

import anyio
import pytest

from support.captures import RECORDINGS, captured
from support.preset_connection import PLUGINS, connection_to
from support.presets import APIS, Api
from support.replay import Heard, replay_response, replay_socket
from turnwire.inferring import infer
from turnwire.inferring.probing import as_connection, read_again
from turnwire_core import Connection, Plugins, Reply, open_conversation, parse_connection

pytestmark = pytest.mark.anyio

CASES = [
    pytest.param(api, message, id=api.recording(message)) for api in APIS for message in api.says
]
OTHER_PLUGINS = Plugins()
MADE_UP = ("threadId", "runId", "id", "messageId")
"""Ids that the client makes up for each turn."""


def _play(api: Api, message: str) -> AbstractAsyncContextManager[Heard]:
    recording = (RECORDINGS / api.recording(message)).read_bytes()
    return replay_socket(recording) if api.protocol == "websocket" else replay_response(recording)


async def _say(connection: Connection, message: str) -> Reply:
    with anyio.fail_after(10):
        async with open_conversation(connection, plugins=PLUGINS) as conversation:
            return await conversation.send(message)


def _without_made_up(value: object) -> object:
    if isinstance(value, dict):
        return {k: _without_made_up(item) for k, item in value.items() if k not in MADE_UP}
    return [_without_made_up(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(autouse=True)
def no_presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the presets out, where it is not the preset itself that is asked."""
    get = Plugins.preset

    def only_of_the_test(self: Plugins, name: str, protocol: str | None = None) -> object:
        assert self is PLUGINS, "inference asked for a preset"
        return get(self, name, protocol)

    monkeypatch.setattr(Plugins, "preset", only_of_the_test)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.preset)
async def test_the_inferred_connection_reads_and_sends_what_the_preset_does(api: Api) -> None:
    message = "greet me"
    async with _play(api, message) as by_preset:
        expected = await _say(connection_to(api, by_preset.origin), message)
    inference = infer(captured(api, message))
    scheme = "ws" if api.protocol == "websocket" else "http"
    async with _play(api, message) as heard:
        url = f"{scheme}://{heard.origin}{api.path}"
        mapping = {**inference.connection, "base_url": url}
        reply = await _say(parse_connection(mapping, plugins=OTHER_PLUGINS), message)

    assert (reply.content, reply.verdict, reply.usage) == (
        expected.content,
        expected.verdict,
        expected.usage,
    )
    assert _without_made_up(heard.bodies) == _without_made_up(by_preset.bodies)


@pytest.mark.parametrize(("api", "message"), CASES)
def test_every_recording_is_read_as_the_preset_reads_it(api: Api, message: str) -> None:
    exchange = captured(api, message)
    assert exchange.reply is not None
    expected = read_again(connection_to(api, "assistant.example"), exchange.reply)
    outcome = read_again(as_connection(infer(exchange), OTHER_PLUGINS), exchange.reply)

    assert (outcome.content, outcome.verdict, outcome.usage) == (
        expected.content,
        expected.verdict,
        expected.usage,
    )
    assert outcome.content or message in ("fail", "nothing you know")


def test_the_same_evidence_gives_the_same_connection() -> None:
    api = APIS[1]
    assert infer(captured(api, "think first")) == infer(captured(api, "think first"))
