"""One request beside the conversations: any status is an answer."""

from __future__ import annotations

import pytest

from support.http_answers import answering_server
from turnwire_core.contracts.connection import Auth, Connection, Limits, Secret
from turnwire_core.errors import ConnectError, FrameTooLarge
from turnwire_core.http import call_once

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("status", [200, 204, 301, 404, 500])
async def test_any_status_is_an_answer(status: int) -> None:
    async with answering_server() as server:
        server.status = status
        server.body = b"" if status == 204 else {"said": status}
        answer = await call_once(
            Connection(base_url=server.url),
            "PUT",
            headers={"X-A": "1"},
            query={"q": "ä b"},
            body=[1],
        )
    assert (answer.status, answer.body) == (
        status,
        b"" if status == 204 else b'{"said": %d}' % status,
    )
    (asked,) = server.asked
    assert (asked.method, asked.target) == ("PUT", "/?q=%C3%A4%20b")
    assert (asked.headers["x-a"], asked.json) == ("1", [1])
    assert asked.headers["content-type"] == "application/json"


async def test_credentials_of_the_connection_go_along() -> None:
    async with answering_server() as server:
        auth = Auth(type="bearer", token=Secret("tok"))
        connection = Connection(base_url=server.url, auth=auth)
        await call_once(connection, "GET", headers={}, query={})
    assert server.asked[0].headers["authorization"] == "Bearer tok"


async def test_where_nobody_answers_is_an_error() -> None:
    with pytest.raises(ConnectError):
        await call_once(Connection(base_url="http://127.0.0.1:1/"), "GET", headers={}, query={})


async def test_an_answer_is_bounded() -> None:
    async with answering_server() as server:
        server.body = b"x" * 2000
        limits = Limits(max_reply_bytes=1000)  # type: ignore[arg-type] # a plain number will do
        connection = Connection(base_url=server.url, limits=limits)
        with pytest.raises(FrameTooLarge):
            await call_once(connection, "GET", headers={}, query={})
