"""A recording holds every byte of a conversation, whatever becomes of its process."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from anyio.abc import SocketStream

from support.raw_server import raw_server, read_http_request
from turnwire.assistant import demo_connections, serve_assistant
from turnwire.builtin import builtin_connection
from turnwire.recordings import (
    SUFFIX,
    End,
    Payload,
    Piece,
    Recorder,
    RecordingError,
    RecordingIncomplete,
    TurnBegan,
    load_recording,
    load_recordings,
)
from turnwire_core import Connection, Plugins, open_conversation, parse_connection
from turnwire_core.contracts.tap import Ending
from turnwire_core.secrets import Secrets

pytestmark = pytest.mark.anyio


async def hold(recorder: Recorder, connection: Connection, *messages: str) -> None:
    async with (
        recorder.conversation(connection) as (wired, observers),
        open_conversation(wired, observers=observers) as conversation,
    ):
        for message in messages:
            await conversation.send(message)


def sse(port: int, **fields: object) -> Connection:
    return parse_connection(
        {
            "base_url": f"http://127.0.0.1:{port}/chat",
            "protocol": "sse",
            "sse": {"contentPath": "t"},
            **fields,
        },
        name="bot",
        environ={"KEY": "hunter2-hunter2"},
    )


@pytest.mark.parametrize("name", ["demo-http", "demo-sse", "demo-websocket"])
async def test_a_conversation_is_in_its_file_turn_by_turn(tmp_path: Path, name: str) -> None:
    with Recorder(tmp_path) as recorder:
        async with serve_assistant() as assistant:
            settings = demo_connections(assistant.url)[name]
            connection = builtin_connection(name, settings, Plugins())
            await hold(recorder, connection, "Thanks", "Hello")
    (recording,) = load_recordings(tmp_path)
    assert recording.path.name == f"{name}{SUFFIX}"
    assert (recording.connection, recording.protocol) == (name, connection.protocol)
    assert recording.url == connection.base_url
    assert recording.complete
    assert recording.messages == ("Thanks", "Hello")
    assert [(one.verdict, one.ok) for one in recording.outcomes] == [("finished", True)] * 2
    assert recording.outcomes[0].content == "You are welcome!"
    stamps = [one.at_ns for one in recording.pieces if not one.sent]
    assert stamps == sorted(stamps)
    assert min(one.at_ns for one in recording.events) > 0
    # The first turn's bytes stand between its message and its end.
    kinds = [type(one).__name__ for one in recording.events]
    assert kinds[0] == TurnBegan.__name__
    assert Piece.__name__ in kinds[1 : kinds.index("TurnEnded")]
    payloads = [one for one in recording.events if isinstance(one, Payload)]
    assert bool(payloads) == (name == "demo-websocket")


async def test_the_bytes_are_those_of_the_wire_and_their_end_is_told(tmp_path: Path) -> None:
    said = b'data: {"t": "caf\xc3\xa9"}\n\ndata: {"t": "\xff"}\n\n'
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
    asked: list[bytes] = []

    async def answer(stream: SocketStream) -> None:
        asked.append(b"".join(await read_http_request(stream)))
        await stream.send(head + said)

    with Recorder(tmp_path) as recorder:
        async with raw_server(answer) as port:
            await hold(recorder, sse(port), "Hi")
    recording = load_recording(tmp_path / f"bot{SUFFIX}")
    assert b"".join(one.data for one in recording.pieces if one.sent) == asked[0]
    assert b"".join(one.data for one in recording.pieces if not one.sent) == head + said
    ends = [one for one in recording.events if isinstance(one, End)]
    assert [one.ending for one in ends] == [Ending.CLOSED]
    assert {one.transport for one in (*ends, *recording.pieces)} == {1}


async def test_no_secret_is_in_the_file_and_lengths_stay_true(tmp_path: Path) -> None:
    body = b'data: {"t": "you are hunter2-hunter2"}\n\n'

    async def answer(stream: SocketStream) -> None:
        await read_http_request(stream)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(body)
        await stream.send(head + b"Content-Type: text/event-stream\r\n\r\n")
        for at in range(0, len(body), 7):  # so that it comes in several reads
            await stream.send(body[at : at + 7])
            await anyio.sleep(0.002)

    with Recorder(tmp_path) as recorder:
        async with raw_server(answer) as port:
            headers = {"Authorization": "Bearer ${KEY}"}
            await hold(recorder, sse(port, headers=headers), "Hi, hunter2-hunter2")
    text = (tmp_path / f"bot{SUFFIX}").read_text()
    assert "hunter2" not in text
    (recording,) = load_recordings(tmp_path)
    received = b"".join(one.data for one in recording.pieces if not one.sent)
    assert received.endswith(body.replace(b"hunter2-hunter2", b"*" * 15))
    sent = b"".join(one.data for one in recording.pieces if one.sent)
    assert b"\r\nAuthorization: " + b"*" * len("Bearer hunter2-hunter2") in sent


async def test_names_are_safe_and_never_taken_twice(tmp_path: Path) -> None:
    connection = Connection(base_url="x://y", name="bot", secrets=Secrets(["swordfish"]))
    tests = ["../a/b: c[bot]", "../a/b: c[bot]", "swordfish", "", "nul\0é" * 90]
    for _ in range(2):
        with Recorder(tmp_path / "new" / "folder") as recorder:
            for test in tests:
                async with recorder.conversation(connection, test=test, role="judge"):
                    pass
    names = sorted(path.name for path in (tmp_path / "new" / "folder").iterdir())
    assert len(names) == 2 * len(tests)
    assert all(name.endswith(SUFFIX) for name in names)
    assert all(len(name) < 130 and name.isascii() and name[0].isalnum() for name in names)
    assert not any("swordfish" in name for name in names)
    assert "a-b-c-bot-judge-4.recording.jsonl" in names


async def test_only_its_owner_reads_a_recording(tmp_path: Path) -> None:
    with Recorder(tmp_path) as recorder:
        async with recorder.conversation(Connection(base_url="x://y", name="bot")):
            pass
    assert stat.S_IMODE((tmp_path / f"bot{SUFFIX}").stat().st_mode) == 0o600


async def test_a_folder_that_cannot_be_written_is_an_error_that_names_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RecordingError, match=r"Cannot make the folder .*file: "):
        Recorder(tmp_path / "file")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
async def test_a_full_disk_breaks_no_conversation_and_is_told_at_the_end(tmp_path: Path) -> None:
    with pytest.raises(RecordingIncomplete, match=r"bot\.recording\.jsonl is incomplete: No space"):
        await record_on_full_device(tmp_path)


async def record_on_full_device(folder: Path) -> None:
    connection = Connection(base_url="x://y", name="bot")
    with Recorder(folder) as recorder:
        async with recorder.conversation(connection) as (wired, _):
            replace_by_full_device(folder / f"bot{SUFFIX}")
            assert wired.tap is not None
            wired.tap.received(1, "lines", b"hello")


def replace_by_full_device(path: Path) -> None:
    """Make the open descriptor of ``path`` one of a device that is always full."""
    for link in Path("/proc/self/fd").iterdir():
        if link.is_symlink() and link.readlink() == path:
            full = os.open("/dev/full", os.O_WRONLY)
            os.dup2(full, int(link.name))
            os.close(full)
            return
    raise AssertionError(f"{path} is not open")


KILLED = """
import sys, time, anyio
from pathlib import Path
from turnwire.recordings import Recorder
from turnwire_core import Connection

async def main():
    async with Recorder(Path(sys.argv[1])).conversation(
        Connection(base_url="x://y", name="bot")
    ) as (wired, _):
        wired.tap.sent(time.perf_counter_ns(), "lines", b"question")
        wired.tap.received(time.perf_counter_ns(), "lines", b"answer")
        print("said", flush=True)
        await anyio.sleep_forever()

anyio.run(main)
"""


def test_what_was_recorded_before_a_kill_can_be_read(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "said\n"
        path = tmp_path / f"bot{SUFFIX}"
        while path.read_text().count("\n") < 3 and process.poll() is None:
            pass
        process.send_signal(signal.SIGKILL)
    with path.open("a") as file:
        file.write('{"type":"received","atNs":5,"tran')
    recording = load_recording(path)
    assert not recording.complete
    assert [(one.sent, one.data) for one in recording.pieces] == [
        (True, b"question"),
        (False, b"answer"),
    ]


HEADER = {
    "type": "recording",
    "recordingVersion": 1,
    "connection": "bot",
    "protocol": "sse",
    "url": "u",
    "started": "2026-01-01T00:00:00+00:00",
}


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "it is empty"),
        (["[]"], "no object"),
        (["{"], "not a line of a recording"),
        ([{"type": "run_started", "schemaVersion": 1}], "the first line must be a 'recording'"),
        ([{**HEADER, "recordingVersion": 2}], "written by a newer Turnwire"),
        ([{"type": "recording", "recordingVersion": 1}], "'connection' is missing"),
        ([HEADER, {"type": "sent", "atNs": 1}], r":2: not a line of a recording"),
        ([HEADER, {"type": "sent", "atNs": "1"}], r"'atNs' is no whole number"),
        (
            [HEADER, {"type": "sent", "atNs": 1, "transport": 1, "label": "", "base64": "?"}],
            r":2: not a line",
        ),
    ],
)
def test_what_is_no_recording_is_refused_with_the_line(
    tmp_path: Path, lines: list[object], problem: str
) -> None:
    path = tmp_path / "x.recording.jsonl"
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("".join(f"{text}\n" for text in texts))
    with pytest.raises(RecordingError, match=problem):
        load_recording(path)


def test_lines_and_fields_that_are_not_known_yet_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "x.recording.jsonl"
    finished = {"type": "recording_finished"}
    lines = [{**HEADER, "new": 1}, {"type": "weather", "is": "fine"}, finished]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    recording = load_recording(path)
    assert recording.complete
    assert recording.events == ()


def test_a_folder_without_recordings_says_so(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="There are no recordings in"):
        load_recordings(tmp_path)
