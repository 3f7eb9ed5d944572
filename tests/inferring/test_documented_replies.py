"""What is inferred from replies as their APIs document them reads these replies."""

from __future__ import annotations

import anyio
import pytest

from support.documented_replies import ANSWERS, HIDDEN_ERRORS, document
from support.replay import replay_response
from turnwire.inferring import Exchange, infer, read_reply
from turnwire_core import Plugins, Reply, Verdict, open_conversation, parse_connection

pytestmark = pytest.mark.anyio

PLUGINS = Plugins()


async def _ask(response: bytes) -> Reply:
    """Say something to a target that answers so, over what is inferred from the answer alone."""
    inference = infer(Exchange(reply=read_reply(response)))
    with anyio.fail_after(10):
        async with replay_response(response) as heard:
            mapping = {**inference.connection, "base_url": f"http://{heard.origin}/"}
            connection = parse_connection(mapping, plugins=PLUGINS)
            async with open_conversation(connection, plugins=PLUGINS) as conversation:
                return await conversation.send("Hi")


@pytest.mark.parametrize("response", [case[1] for case in ANSWERS.values()], ids=ANSWERS.keys())
async def test_the_answer_is_all_that_is_heard(response: bytes) -> None:
    reply = await _ask(response)

    assert (reply.content, reply.verdict, reply.error) == ("It is tea.", Verdict.FINISHED, None)


@pytest.mark.parametrize(
    ("response", "content"),
    [case[1:] for case in HIDDEN_ERRORS.values()],
    ids=HIDDEN_ERRORS.keys(),
)
async def test_an_error_inside_a_200_is_no_success(response: bytes, content: str) -> None:
    reply = await _ask(response)

    assert (reply.verdict, reply.content) == (Verdict.ERROR_EVENT, content)
    assert reply.error is not None
    assert "Overloaded" in reply.error


async def test_messages_in_a_list_are_lines_of_one_answer() -> None:
    reply = await _ask(document([{"text": "It is tea."}, {"image": "x.png"}, {"text": "Milk?"}]))

    assert (reply.content, reply.verdict) == ("It is tea.\nMilk?", Verdict.FINISHED)
