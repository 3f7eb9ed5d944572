"""The steps of a probe: their order, what each finds, and that the first broken one is the last."""

from __future__ import annotations

import datetime as dt
import json
import ssl
from importlib import import_module
from typing import Any

import anyio
import pytest
from anyio.abc import ByteStream
from hypothesis import given, settings
from hypothesis import strategies as st

from support.certificates import Certificates
from support.http_peer import secured
from support.pages import ROOT
from support.probing import (
    HELLO,
    SSE_RULES,
    answering,
    chat,
    probe,
    sse,
    step,
    streamed,
    told,
    websocket,
)
from support.raw_server import raw_server, read_http_request
from support.ws_server import Peer, close, message, ws_server
from turnwire.probing import Fault, Step, StepName, StepStatus
from turnwire.probing.heads import HeadTap
from turnwire.probing.network import Way
from turnwire_core import Connection
from turnwire_core.plugins import Plugins

io = pytest.mark.anyio

OK, WARN, FAILED, SKIPPED = StepStatus.OK, StepStatus.WARN, StepStatus.FAILED, StepStatus.SKIPPED


async def two_turns(peer: Peer) -> None:
    for _ in range(2):
        await peer.receive()
        for value in HELLO:
            await peer.send(message(**value))
            await anyio.sleep(0.002)
    await peer.part()


@io
async def test_a_stream_that_works_is_gone_through_to_its_close() -> None:
    told_of: list[StepName] = []
    async with raw_server(streamed(*HELLO)) as port:
        result = await probe(
            sse(port), second_turn=True, on_step=lambda one: told_of.append(one.name)
        )
    assert result.failed is None, told(result)
    assert [one.name for one in result.steps] == list(StepName) == told_of
    assert {one.name.value for one in result.steps if one.status is not OK} == {"tls"}
    assert step(result, "config").found == f"bot in turnwire.json: sse to http://127.0.0.1:{port}"
    assert step(result, "tcp").found == f"127.0.0.1:{port}"
    assert step(result, "answer").found == "POST /chat → 200 OK"
    assert step(result, "content_type").found == "text/event-stream"
    assert step(result, "content").found.startswith("contentPath `text`: 'Hello'")
    assert step(result, "finish").found == "finishPath `done` = true, in event 3 of 3"
    assert step(result, "second_turn").found == "5 characters, over a new network connection"
    timed = {one.name.value for one in result.steps if one.time_ms is not None}
    assert timed == {*map(str, StepName)} - {"proxy", "tls", "content_type"}


@io
async def test_a_websocket_keeps_its_socket_for_the_second_turn() -> None:
    async with ws_server(two_turns) as url:
        result = await probe(websocket(url), second_turn=True)
    assert result.failed is None, told(result)
    assert step(result, "answer").found == "GET /chat → 101 Switching Protocols"
    assert step(result, "content_type").status is SKIPPED
    assert step(result, "second_turn").facts == {"reused": True}
    assert step(result, "close").status is OK


@io
async def test_after_a_broken_step_no_other_is_taken() -> None:
    async with raw_server(answering("nope", status="500 Internal Server Error")) as port:
        result = await probe(chat(port))
    assert result.failed is not None
    assert result.failed.name is StepName.ANSWER
    rest = list(StepName)[list(StepName).index(StepName.ANSWER) + 1 :]
    assert all(step(result, name).status is SKIPPED for name in rest)


@io
async def test_a_second_turn_that_fails_is_told_apart_from_the_first() -> None:
    async def one_turn(peer: Peer) -> None:
        await peer.receive()
        for value in HELLO:
            await peer.send(message(**value))
        await peer.receive()
        await peer.send(close(1008, "one question a day"))

    async with ws_server(one_turn) as url:
        result = await probe(websocket(url), second_turn=True)
    failed = step(result, "second_turn")
    assert failed.status is FAILED
    assert "The first turn went well, the second ended" in (failed.cause or "")
    assert "one question a day" in (failed.cause or "")


@io
async def test_who_does_not_take_part_in_the_closing_is_told_of() -> None:
    async def stubborn(peer: Peer) -> None:
        await peer.receive()
        for value in HELLO:
            await peer.send(message(**value))
        await anyio.sleep_forever()

    async with ws_server(stubborn) as url:
        result = await probe(websocket(url, limits={"closeMs": 150}))
    assert step(result, "close").status is WARN
    assert "limits.closeMs" in (step(result, "close").cause or "")


# -- below the protocol ---------------------------------------------------------------------------


@io
async def test_tls_is_told_with_version_and_certificate(certificates: Certificates) -> None:
    handler = secured(streamed(*HELLO), certificates.server("localhost"))
    async with raw_server(handler) as port:
        config = sse(port, tls={"caBundle": str(certificates.bundle)})
        config["base_url"] = f"https://localhost:{port}/chat"
        result = await probe(config)
    assert result.failed is None, told(result)
    tls = step(result, "tls")
    assert tls.status is OK
    assert tls.found.startswith("TLSv1.3, TLS_")
    assert "valid until" in tls.found
    assert tls.facts["checked"] is True


@io
async def test_a_certificate_that_ends_soon_is_warned_of(certificates: Certificates) -> None:
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(days=5, hours=1)
    leaf = certificates.authority.issue_cert("localhost", not_after=soon)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    leaf.configure_cert(context)
    async with raw_server(secured(streamed(*HELLO), context)) as port:
        config = sse(port, tls={"caBundle": str(certificates.bundle)})
        config["base_url"] = f"https://localhost:{port}/chat"
        result = await probe(config)
    tls = step(result, "tls")
    assert tls.status is WARN
    assert tls.cause == "The target's certificate expires in 5 days."
    assert result.failed is None


@io
async def test_a_certificate_that_nobody_checks_is_warned_of(certificates: Certificates) -> None:
    async with raw_server(secured(streamed(*HELLO), certificates.server())) as port:
        config = sse(port, tls={"verify": False})
        config["base_url"] = f"https://localhost:{port}/chat"
        result = await probe(config)
    assert step(result, "tls").status is WARN
    assert "NOT checked" in step(result, "tls").found


@io
async def test_the_proxy_that_applies_is_named_with_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def proxy(stream: ByteStream) -> None:
        head, _ = await read_http_request(stream)  # type: ignore[arg-type]
        assert head.startswith(b"POST http://assistant.example/chat HTTP/1.1")
        await stream.send(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n"
            b'data: {"text":"Hi"}\n\n'
        )
        await anyio.sleep(0.002)
        await stream.send(b'data: {"done":true}\n\n')

    async with raw_server(proxy) as port:
        monkeypatch.setenv("http_proxy", f"http://user:pass-word@127.0.0.1:{port}")
        config = sse(0)
        config["base_url"] = "http://assistant.example/chat"
        result = await probe(config, trust_env=True)
        assert result.failed is None, told(result)
        found = step(result, "proxy").found
        assert found == f"http://127.0.0.1:{port}, from the environment (HTTP_PROXY)"
        assert "127.0.0.1" in step(result, "name_resolution").found

        monkeypatch.setenv("no_proxy", "assistant.example")
        config["limits"] = {"connectMs": 50}
        result = await probe(config, trust_env=True)
        assert step(result, "proxy").found == "none: NO_PROXY exempts this host"


@io
async def test_a_proxy_that_does_not_let_us_through_ends_at_tcp() -> None:
    async with raw_server(answering("", status="403 Forbidden", headers=())) as port:
        config = sse(0, proxy=f"http://127.0.0.1:{port}")
        config["base_url"] = "https://assistant.example/chat"
        result = await probe(config)
    assert result.failed is step(result, "tcp")
    assert "refused to connect us to https://assistant.example" in told(result)


@io
async def test_an_address_that_does_not_answer_beside_one_that_does_is_warned_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def two(host: str, port: int, **_: Any) -> list[Any]:
        return [(None, None, None, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]

    async with raw_server(streamed(*HELLO)) as port:
        monkeypatch.setattr("turnwire.probing.network.anyio.getaddrinfo", two)
        config = sse(port)
        config["base_url"] = f"http://localhost:{port}/chat"
        found: list[Any] = []
        await probe(config, on_step=found.append)
    tcp = next(one for one in found if one.name is StepName.TCP)
    assert tcp.status is WARN
    assert "connection refused" in tcp.cause
    assert tcp.found == f"127.0.0.1:{port}"


@io
async def test_who_does_not_answer_in_time_is_told_with_the_limit_to_raise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await anyio.sleep_forever()

    config = chat(80, limits={"connectMs": 50})
    with monkeypatch.context() as patched:
        patched.setattr("turnwire.probing.network.anyio.connect_tcp", never)
        unreachable = await probe(config)
    with monkeypatch.context() as patched:
        patched.setattr("turnwire.probing.network.anyio.getaddrinfo", never)
        unknown = await probe(config)
    assert unreachable.failed is step(unreachable, "tcp")
    assert "raise connections.bot.limits.connectMs" in told(unreachable)
    assert unknown.failed is step(unknown, "name_resolution")
    assert "within 50 ms (limits.connectMs): the name servers do not answer" in told(unknown)


@io
async def test_a_proxy_that_is_no_url_is_the_configs_fault(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:1")
    result = await probe(chat(80), trust_env=True)
    assert result.failed is step(result, "proxy")
    assert result.failed is not None
    assert result.failed.fault is Fault.CONFIG


@io
@pytest.mark.parametrize("url", ["pipe:///run/bot", "tcp://bot.example"])
async def test_where_the_url_names_no_port_the_driver_knows_the_way(url: str) -> None:
    steps: list[Step] = []
    connection = Connection(base_url=url, protocol="pipe", name="bot")
    await Way(connection, "connections.bot", steps.append).go()
    assert [one.status for one in steps] == [SKIPPED] * 4
    assert "its driver knows the way" in steps[-1].found


# -- what is shown --------------------------------------------------------------------------------


@io
async def test_a_refused_credential_is_shown_masked_with_where_it_comes_from() -> None:
    key = "sk-very-secret-indeed"
    refusal = answering('{"error": "bad key sk-very-secret-indeed"}', status="401 Unauthorized")
    async with raw_server(refusal) as port:
        by_header = await probe(
            chat(port, headers={"Authorization": "Bearer ${KEY}"}), environ={"KEY": key}
        )
        literal = await probe(chat(port, headers={"X-Api-Key": "plainly-written"}))
        by_auth = await probe(chat(port, auth={"type": "bearer", "token": key}))
        by_query = await probe(chat(port, auth={"type": "api_key", "query": "key", "key": key}))
        by_url = await probe(chat(port) | {"base_url": f"http://me:{key}@127.0.0.1:{port}/"})
        none = await probe(chat(port))
    assert "Sent: Authorization: Bearer *** (from 'headers.Authorization')." in told(by_header)
    assert "Sent: X-Api-Key: *** (from 'headers.X-Api-Key')." in told(literal)
    assert "Sent: Authorization: Bearer *** (from 'auth' (bearer))." in told(by_auth)
    assert "Sent: ?key=*** (from 'auth' (api_key))." in told(by_query)
    assert "Sent: Authorization: Basic *** (from the user in base_url)." in told(by_url)
    assert "No credential was sent." in told(none)
    assert key not in str(by_header.steps)
    for result in (by_auth, by_query, by_url):
        assert key not in str(result.steps)
    assert "plainly-written" not in str(literal.steps)


@io
async def test_nothing_that_a_terminal_obeys_leaves_a_step() -> None:
    hostile = "\x1b[2J\u202e"
    handler = answering(hostile, status=f"404 {hostile}", headers=[f"Content-Type: {hostile}"])
    async with raw_server(streamed({"text": hostile}, {"done": True})) as port:
        well = await probe(sse(port))
    async with raw_server(handler) as port:
        badly = await probe(chat(port))
    shown = "".join(str(one.found) + told(badly) for one in (*well.steps, *badly.steps))
    assert "\x1b" not in shown
    assert "\u202e" not in shown


@io
async def test_what_ends_a_reply_without_a_rule_is_named() -> None:
    async def one_message(peer: Peer) -> None:
        await peer.receive()
        await peer.send(message(text="Hello"))
        await peer.part()

    async with ws_server(one_message) as url:
        socket = await probe(websocket(url, {"contentPath": "text"}))
    async with raw_server(streamed({"text": "Hello"})) as port:
        stream = await probe(sse(port, sse={"contentPath": "text"}))
    assert step(socket, "finish").found == "the first message with content"
    assert step(stream, "finish").found == "the end of the stream"
    assert step(stream, "finish").status is WARN


@given(st.binary(max_size=300), st.binary(max_size=300))
@settings(max_examples=60, deadline=None)
def test_whatever_bytes_go_by_a_head_is_read_or_there_is_none(sent: bytes, came: bytes) -> None:
    heads = HeadTap()
    heads.sent(0, "request", sent)
    heads.received(0, "response", came)
    assert heads.request is None or heads.request.method.isupper()
    assert heads.response is None or 100 <= heads.response.status <= 999


def test_of_several_requests_the_heads_of_the_last_are_kept() -> None:
    heads = HeadTap()
    for path, status in (("/token", b"200 OK"), ("/chat", b"401 Unauthorized")):
        heads.sent(0, "request", f"POST {path}?key=1 HTTP/1.1\r\nX-Key: a: b\r\n\r\n".encode())
        heads.received(0, "response", b"HTTP/1.1 " + status[:5])
        heads.received(0, "response", status[5:] + b"\r\nAllow:  GET \r\n\r\n{}")
    assert heads.request is not None
    assert heads.response is not None
    assert (heads.request.target, heads.request.headers) == ("/chat?key=1", {"x-key": "a: b"})
    assert (heads.response.status, heads.response.reason) == (401, "Unauthorized")
    assert heads.response.headers == {"allow": "GET"}


# -- whose fault ----------------------------------------------------------------------------------


@io
async def test_a_wrong_config_is_the_configs_fault() -> None:
    result = await probe({"base_url": "http://127.0.0.1/", "protocol": "sse", "timeout": 5})
    assert result.failed is step(result, "config")
    assert result.failed is not None
    assert result.failed.fault is Fault.CONFIG
    assert "timeoutMs" in told(result)


@io
async def test_a_header_that_the_message_spoils_is_the_configs_fault() -> None:
    async with raw_server(answering()) as port:
        result = await probe(chat(port, headers={"X-Said": "{{message}}"}), message="a\nb")
    assert result.failed is step(result, "answer")
    assert result.failed is not None
    assert result.failed.fault is Fault.CONFIG
    assert "headers.X-Said" in told(result)


@io
async def test_a_missing_driver_is_a_plugins_fault() -> None:
    result = await probe({"base_url": "x://y", "protocol": "nobodys"})
    assert result.failed is not None
    assert result.failed.fault is Fault.PLUGIN


@io
async def test_a_protocol_that_is_not_http_is_probed_as_far_as_its_driver_shows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.syspath_prepend(ROOT / "examples" / "turnwire-ndjson-tcp" / "src")
    plugins = Plugins()
    plugins.register(import_module("turnwire_ndjson_tcp.plugin"), "ndjson_tcp")

    async def lines(stream: ByteStream) -> None:
        while True:
            await stream.receive()
            for value in HELLO:
                await stream.send(json.dumps(value).encode() + b"\n")
                await anyio.sleep(0.002)

    async with raw_server(lines) as port:
        config = {
            "base_url": f"tcp://127.0.0.1:{port}",
            "protocol": "ndjson_tcp",
            "ndjson_tcp": SSE_RULES,
        }
        result = await probe(config, plugins=plugins, second_turn=True)
    assert result.failed is None, told(result)
    states = {one.name.value: one.status for one in result.steps}
    assert {name for name, status in states.items() if status is SKIPPED} == {
        *("proxy", "tls", "content_type")
    }
    assert step(result, "second_turn").facts == {"reused": True}
