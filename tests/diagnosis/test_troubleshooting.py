"""Each row of the page on troubleshooting: its fault is made, and what is said of it names cause
and fix as the page shows."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
from typing import Any

import anyio
import anyio.to_thread
import pytest
from anyio.abc import ByteStream

from support.certificates import Certificates
from support.http_peer import response, secured
from support.probing import HELLO, answering, chat, events, silent, sse, streamed, websocket
from support.raw_server import Handler, raw_server, read_http_request
from support.troubleshooting import FAULTS, chatted, fault, probed, rows, says
from support.ws_server import Peer, close, message, text, ws_server

ROWS = rows()
JSON_TYPE = ("Content-Type: application/json",)


def test_every_row_of_the_page_has_its_fault_and_every_fault_its_row() -> None:
    assert ROWS.keys() == FAULTS.keys()


async def streaming(*values: Any, rules: dict[str, Any], **more: Any) -> str:
    """What chat and probe say of a stream of these events, read by these rules: the same."""
    async with raw_server(streamed(*values)) as port:
        settings = sse(port, sse=rules, **more)
        return f"{await chatted(settings)}\n{await probed(settings)}"


async def refused(status: str, body: str = "", *headers: str, **more: Any) -> str:
    async with raw_server(answering(body, status=status, headers=headers)) as port:
        return await probed(chat(port, **more))


async def refused_upgrade(status: str, *headers: str, body: bytes = b"", **more: Any) -> str:
    async def answer(peer: Peer) -> None:
        await peer.read_request()
        await peer.send(response(body, status=status, headers=headers))

    async with ws_server(answer, shake=False) as url:
        return await probed(websocket(url, **more))


def secure(port: int, certificates: Certificates, **more: Any) -> dict[str, Any]:
    return {**chat(port, **more), "base_url": f"https://localhost:{port}/chat"}


def unused_port() -> tuple[socket.socket, int]:
    """A port that nobody listens on, as long as the socket lives."""
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    return held, held.getsockname()[1]


# -- no content, or the wrong one -----------------------------------------------------------------


@fault("The reply is empty, though events come")
async def _() -> str:
    return await streaming(*HELLO, rules={"contentPath": "contnt", "finishPath": "done"})


@fault("No `contentPath` is written")
async def _() -> str:
    return await streaming(*HELLO, rules={"finishPath": "done"})


@fault("The path leads to an object")
async def _() -> str:
    return await streaming({"delta": {"text": "Hi"}}, rules={"contentPath": "delta"})


@fault("A condition keeps the text out")
async def _() -> str:
    rule = {"path": "text", "when": {"type": "text"}}
    sent = [{"type": "output_text", "text": one} for one in ("Hel", "lo")]
    return await streaming(*sent, rules={"content": [rule]})


@fault("Only reasoning comes")
async def _() -> str:
    sent = [{"delta": {"reasoning_content": f"hm {n}"}} for n in range(5)]
    return await streaming(*sent, rules={"contentPath": "delta.content"})


@fault("Reasoning is mixed into the answer")
async def _() -> str:
    kinds = [("reasoning.delta", "Hm. "), ("answer.delta", "Hel"), ("answer.delta", "lo")]
    return await streaming(
        *({"type": kind, "delta": one} for kind, one in kinds), rules={"contentPath": "delta"}
    )


@fault("A JSON body without the answer")
async def _() -> str:
    async with raw_server(answering('{"reply": "Hello there"}')) as port:
        return await chatted(chat(port, responseFieldPath="answer"))


@fault("Plain text where JSON was expected")
async def _() -> str:
    async def talk(peer: Peer) -> None:
        await peer.receive()
        await peer.send(text("Hello ") + text("there") + close())
        await peer.part()

    async with ws_server(talk) as url:
        return await chatted(websocket(url))


PAGE = "<!doctype html><html><body>Log in</body></html>"


@fault("A web page instead of a reply")
async def _() -> str:
    async with raw_server(answering(PAGE, headers=["Content-Type: text/html"])) as port:
        return await chatted(chat(port)) + await probed(chat(port))


@fault("A web page instead of a stream")
async def _() -> str:
    async with raw_server(answering(PAGE, headers=["Content-Type: text/html"])) as port:
        return await chatted(sse(port)) + await probed(sse(port))


@fault("A stream where a document was expected")
async def _() -> str:
    async with raw_server(streamed(*HELLO)) as port:
        return await chatted(chat(port)) + await probed(chat(port))


@fault("NDJSON that calls itself JSON")
async def _() -> str:
    body = "".join(f"{json.dumps(one)}\n" for one in HELLO)
    async with raw_server(answering(body)) as port:
        return await chatted(chat(port))


@fault("A document where a stream was expected")
async def _() -> str:
    async with raw_server(answering('{"text": "Hello"}')) as port:
        return await probed(sse(port, responseFieldPath="text"))


@fault("The text is doubled")
async def _() -> str:
    sent = [{"text": one} for one in ("He", "Hello", "Hello you")]
    return await streaming(
        *sent, {"done": True}, rules={"contentPath": "text", "finishPath": "done"}
    )


@fault("The whole text comes once more at the end")
async def _() -> str:
    sent = [{"text": one} for one in ("Hello ", "over ", "there", "Hello over there")]
    return await streaming(*sent, rules={"contentPath": "text"})


@fault("Only the last piece is left")
async def _() -> str:
    sent = [{"text": one} for one in ("Hel", "lo ", "you")]
    return await streaming(*sent, rules={"content": [{"path": "text", "mode": "cumulative"}]})


@fault("All events come at once")
async def _() -> str:
    async with raw_server(streamed(*HELLO, apart=False)) as port:
        return await probed(sse(port))


@fault("An error inside a reply")
async def _() -> str:
    return await streaming({"error": {"message": "quota exceeded"}}, rules={"contentPath": "text"})


@fault("An error that nobody recognises")
async def _() -> str:
    sent = [{"text": "Hel"}, {"type": "run_failed", "message": "quota exceeded"}]
    return await streaming(*sent, rules={"contentPath": "text", "finishPath": "done"})


# -- the stream never ends ------------------------------------------------------------------------


def held_open(*values: Any) -> Handler:
    """Sends these events, and leaves the stream open."""

    async def handle(stream: ByteStream) -> None:
        await read_http_request(stream)  # type: ignore[arg-type]  # reads only
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        for value in values:
            await stream.send(b"data: " + json.dumps(value).encode() + b"\n\n")
        await anyio.sleep_forever()

    return handle


@fault("The finish has another value")
async def _() -> str:
    sent = [{"text": "Hi", "reason": None}] * 3
    rules = {"contentPath": "text", "finishPath": "reason", "finishValue": "stop"}
    async with raw_server(held_open(*sent, {"reason": "end_turn"})) as port:
        settings = sse(port, sse=rules, limits={"idleMs": 100})
        return await chatted(settings) + await probed(settings)


@fault("The finish is somewhere else")
async def _() -> str:
    return await streaming(*HELLO, rules={"contentPath": "text", "finishPath": "finished"})


@fault("The stream ends without a finish")
async def _() -> str:
    return await streaming(*HELLO[:2], rules={"contentPath": "text", "finishPath": "done"})


@fault("No finish rule at all")
async def _() -> str:
    return await streaming(*HELLO, rules={"contentPath": "text"})


@fault("The stream breaks")
async def _() -> str:
    async def cut(stream: ByteStream) -> None:
        await read_http_request(stream)  # type: ignore[arg-type]  # reads only
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 999\r\n\r\n"
        await stream.send(head + b'data: {"text": "Hel"}\n\n')

    async with raw_server(cut) as port:
        return await probed(sse(port))


# -- timeouts -------------------------------------------------------------------------------------


@fault("The upgrade is not answered")
async def _() -> str:
    async with raw_server(silent) as port:
        return await probed(websocket(f"ws://127.0.0.1:{port}/", limits={"connectMs": 150}))


@fault("No text for a long time")
async def _() -> str:
    async with raw_server(held_open({"role": "assistant"})) as port:
        settings = sse(port, limits={"firstContentMs": 100})
        return await chatted(settings) + await probed(settings)


@fault("Silence in the middle")
async def _() -> str:
    async with raw_server(held_open({"text": "Hel"})) as port:
        settings = sse(port, limits={"idleMs": 100})
        return await chatted(settings) + await probed(settings)


@fault("The turn takes too long")
async def _() -> str:
    async def endless(stream: ByteStream) -> None:
        await read_http_request(stream)  # type: ignore[arg-type]  # reads only
        await stream.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
        while True:
            await stream.send(b'data: {"text": "and "}\n\n')
            await anyio.sleep(0.01)

    async with raw_server(endless) as port:
        settings = sse(port, timeoutMs=200, limits={"firstContentMs": 200, "idleMs": 200})
        return await chatted(settings) + await probed(settings)


@fault("Closing takes long")
async def _() -> str:
    async def stubborn(peer: Peer) -> None:
        await peer.receive()
        for value in HELLO:
            await peer.send(message(**value))
        await anyio.sleep_forever()

    async with ws_server(stubborn) as url:
        return await probed(websocket(url, limits={"closeMs": 150}))


# -- no connection --------------------------------------------------------------------------------


@fault("The name is not found")
async def _() -> str:
    # No name server needs to be asked: RFC 1035 §2.3.4 allows 63 characters in a label.
    settings = {**chat(80), "base_url": f"http://{'a' * 64}.example/"}
    return await chatted(settings) + await probed(settings)


@fault("Connection refused")
async def _() -> str:
    held, port = unused_port()
    with held:
        return await probed(chat(port))


@fault("`http://` or `ws://` where TLS is wanted")
async def _(certificates: Certificates) -> str:
    async with raw_server(secured(streamed(*HELLO), certificates.server())) as port:
        found = await probed(chat(port))
        url = f"ws://127.0.0.1:{port}/"
        assert f'base_url: "wss://127.0.0.1:{port}/"' in await probed(websocket(url))
        return found


@fault("`https://` or `wss://` where there is no TLS")
async def _(certificates: Certificates) -> str:
    async def annoyed(stream: ByteStream) -> None:
        await stream.receive()
        await stream.send(response(status="400 Bad Request"))

    async with raw_server(annoyed) as port:
        found = await probed(secure(port, certificates))
    # One that waits for the end of a head, which a TLS hello has not.
    async with raw_server(answering()) as port:
        patient = await probed(secure(port, certificates, limits={"connectMs": 200}))
    assert "The target answers plain HTTP: it does not speak TLS on this port." in patient
    return found


@fault("The certificate's CA is unknown")
async def _(certificates: Certificates) -> str:
    async with raw_server(secured(answering(), certificates.server())) as port:
        return await chatted(secure(port, certificates)) + await probed(secure(port, certificates))


@fault("The certificate has expired")
async def _(certificates: Certificates) -> str:
    tls = {"caBundle": str(certificates.bundle)}
    async with raw_server(secured(answering(), certificates.server(expired=True))) as port:
        settings = secure(port, certificates, tls=tls)
        return await chatted(settings) + await probed(settings)


@fault("The certificate is for another host")
async def _(certificates: Certificates) -> str:
    tls = {"caBundle": str(certificates.bundle)}
    async with raw_server(secured(answering(), certificates.server("else.example"))) as port:
        settings = secure(port, certificates, tls=tls)
        return await chatted(settings) + await probed(settings)


@fault("The target wants to see our certificate")
async def _(certificates: Certificates) -> str:
    context = certificates.server()
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = ssl.TLSVersion.TLSv1_2  # where the handshake itself fails
    certificates.authority.configure_trust(context)
    tls = {"caBundle": str(certificates.bundle)}

    def refuse_one(listener: socket.socket) -> None:
        # Not anyio's: it hangs up without the alert that says why.
        taken, _ = listener.accept()
        with taken, contextlib.suppress(ssl.SSLError):
            context.wrap_socket(taken, server_side=True)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anyio.to_thread.run_sync, refuse_one, listener)
            return await probed(secure(listener.getsockname()[1], certificates, tls=tls))


@fault("The proxy is not there")
async def _(monkeypatch: pytest.MonkeyPatch) -> str:
    held, port = unused_port()
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
    with held:
        settings = {**chat(80), "base_url": "http://assistant.example/"}
        return await probed(settings, trust_env=True)


async def through_proxy(status: str) -> str:
    async with raw_server(answering("", status=status, headers=())) as port:
        settings = {**chat(80), "base_url": "https://assistant.example/"}
        settings["proxy"] = f"http://127.0.0.1:{port}"
        return await chatted(settings) + await probed(settings)


@fault("The proxy does not let us through")
async def _() -> str:
    return await through_proxy("403 Forbidden")


@fault("The proxy wants credentials")
async def _() -> str:
    return await through_proxy("407 Proxy Authentication Required")


# -- refused --------------------------------------------------------------------------------------


@fault("No credential")
async def _() -> str:
    return await refused("401 Unauthorized")


@fault("A wrong or expired credential")
async def _() -> str:
    return await refused("401 Unauthorized", headers={"Authorization": "Bearer a-stale-token"})


@fault("A WebSocket handshake without credential")
async def _() -> str:
    return await refused_upgrade("401 Unauthorized")


@fault("Forbidden")
async def _() -> str:
    return await refused("403 Forbidden", auth={"type": "bearer", "token": "a-token-of-mine"})


@fault("A WebSocket wants the origin of its own pages")
async def _() -> str:
    return await refused_upgrade("403 Forbidden", auth={"type": "bearer", "token": "a-token-of-us"})


async def with_oauth(token_answer: bytes) -> str:
    async def serve(stream: ByteStream) -> None:
        while True:
            head, _ = await read_http_request(stream)  # type: ignore[arg-type]  # reads only
            is_token = head.startswith(b"POST /token")
            await stream.send(token_answer if is_token else response(status="401 Unauthorized"))

    async with raw_server(serve) as port:
        auth = {
            "type": "oauth2",
            "tokenUrl": f"http://127.0.0.1:{port}/token",
            "clientId": "me",
            "clientSecret": "my-client-secret",
        }
        return await probed(chat(port, auth=auth))


@fault("The OAuth client is refused")
async def _() -> str:
    body = b'{"error": "invalid_client"}'
    return await with_oauth(response(body, status="401 Unauthorized", headers=JSON_TYPE))


@fault("A fresh OAuth token is refused")
async def _() -> str:
    body = b'{"access_token": "fresh-but-useless", "expires_in": 60}'
    return await with_oauth(response(body, headers=JSON_TYPE))


@fault("Not found")
async def _() -> str:
    return await refused("404 Not Found")


@fault("Another method is wanted")
async def _() -> str:
    return await refused("405 Method Not Allowed", "", "Allow: GET")


@fault("Another protocol is wanted")
async def _() -> str:
    return await refused("426 Upgrade Required", "", "Upgrade: websocket", "Connection: Upgrade")


@fault("The upgrade is refused")
async def _() -> str:
    return await refused_upgrade("200 OK", "Content-Type: text/event-stream")


@fault("A WebSocket at another path")
async def _() -> str:
    return await refused_upgrade("404 Not Found")


async def with_protocol(chosen: str | None, offered: list[str]) -> str:
    async def talk(peer: Peer) -> None:
        await peer.handshake(protocol=chosen)
        await peer.receive()
        for value in HELLO:
            await peer.send(message(**value))
        await peer.part()

    async with ws_server(talk, shake=False) as url:
        rules = {"contentPath": "text", "finishPath": "done", "protocols": offered}
        return await probed(websocket(url, rules))


@fault("A sub-protocol that was not offered")
async def _() -> str:
    return await with_protocol("chat.v2", ["chat.v1"])


@fault("No sub-protocol is chosen")
async def _() -> str:
    return await with_protocol(None, ["chat.v1"])


@fault("A redirect")
async def _() -> str:
    return await refused("307 Temporary Redirect", "", "Location: https://new.example/chat")


@fault("Too many requests")
async def _() -> str:
    return await refused("429 Too Many Requests", "", "Retry-After: 7")


@fault("The target fails")
async def _() -> str:
    return await refused("502 Bad Gateway")


# -- message format -------------------------------------------------------------------------------


@fault("The body is not what the API wants")
async def _() -> str:
    body = '{"error": "field required: prompt"}'
    return await refused("422 Unprocessable Content", body, *JSON_TYPE)


@fault("The body has another format")
async def _() -> str:
    return await refused("400 Bad Request")


def strange_message(*answers: bytes) -> Any:
    async def talk(peer: Peer) -> None:
        await peer.receive()
        for answer in answers:
            await peer.send(answer)
        await peer.wait_gone()

    return talk


STRANGE = {"contentPath": "text", "finishPath": "done", "messageField": "msg"}


@fault("`messageField` is wrong")
async def _() -> str:
    async with ws_server(strange_message()) as url:
        return await probed(websocket(url, STRANGE, limits={"firstContentMs": 100}))


@fault("Text where the target wants JSON")
async def _() -> str:
    async def picky(peer: Peer) -> None:
        await peer.receive()
        await peer.send(close(1007, "expected JSON"))
        await peer.receive_close()

    async with ws_server(picky) as url:
        rules = {"contentPath": "text", "finishPath": "done", "messageFormat": "text"}
        return await probed(websocket(url, rules))


@fault("An answer that says what is missing")
async def _() -> str:
    async with ws_server(strange_message(message(error="unknown field 'msg'"))) as url:
        return await probed(websocket(url, STRANGE))


@fault("The second turn fails")
async def _() -> str:
    turns = 0

    async def once(stream: ByteStream) -> None:
        nonlocal turns
        await read_http_request(stream)  # type: ignore[arg-type]  # reads only
        turns += 1
        if turns == 1:
            head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
            await stream.send(head + events(*HELLO))
        else:
            await stream.send(response(status="409 Conflict"))

    async with raw_server(once) as port:
        return await probed(sse(port), second_turn=True)


@pytest.mark.anyio
@pytest.mark.parametrize("what", FAULTS)
async def test_the_message_of_a_fault_is_what_the_page_shows(
    what: str, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = FAULTS[what]
    given = {"certificates": certificates, "monkeypatch": monkeypatch}
    text = await made(**{name: given[name] for name in made.__annotations__ if name in given})
    assert says(text, ROWS[what]), f"{ROWS[what]}\n\nis not in\n\n{text}"
