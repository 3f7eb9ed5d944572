"""Whatever a target says, no command lets it reach a terminal, or the runner of a CI job, raw."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from support.command_line import invoke
from support.hostile_text import HOSTILE, RAW, obeyed
from turnwire.view.dashboard import LiveView
from turnwire.view.progress import Finished, LineView
from turnwire.view.screen import Screen

TEXT = " ".join(HOSTILE[name] for name in HOSTILE if "long" not in name)
# What a line of HTTP can hold; h11 refuses the rest, and that is tested with the faults.
HEADER = "a\x80\x9b31m \u202e b ::error::owned ##[group]x".encode()


class Target(BaseHTTPRequestHandler):
    """Says it wherever a target can."""

    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # its base class's
        """Say nothing."""

    def do_POST(self) -> None:  # its base class names it
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.close_connection = True
        text = TEXT.encode("utf-8", "surrogatepass")
        match self.path:
            case "/chat":
                self._say(b"200 OK", b"application/json", json.dumps({"reply": TEXT}).encode())
            case "/stream":
                lines = [f"data: {json.dumps({'text': TEXT})}\n\n".encode()]
                lines.insert(0, b"event: x\x1b[31m\x9b \xe2\x80\xae\ndata: {}\n\n:\x1b[2J\n")
                done = json.dumps({"done": True, "text": TEXT})
                self._say(b"200 OK", b"text/event-stream", *lines, f"data: {done}\n\n".encode())
            case "/error":
                said = json.dumps({"error": {"message": TEXT}})
                self._say(b"200 OK", b"text/event-stream", f"data: {said}\n\n".encode())
            case "/rejected":
                self._say(b"403 " + HEADER, b"text/plain", text)
            case "/page":
                self._say(b"200 OK", b"text/html; x=" + HEADER, text)
            case _:
                self.wfile.write(text)

    def _say(self, status: bytes, media_type: bytes, *body: bytes) -> None:
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: " + media_type
        self.wfile.write(head + b"\r\nX-Odd: " + HEADER + b"\r\nConnection: close\r\n\r\n")
        for piece in body:
            self.wfile.write(piece)


@contextmanager
def target() -> Iterator[int]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Target)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with target() as found:
        yield found


PATHS = ("chat", "stream", "error", "rejected", "page", "garbage")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, port: int) -> Path:
    """Connections to it, and a suite whose words are no better."""
    monkeypatch.chdir(tmp_path)
    events = {"contentPath": "text", "finishPath": "done"}
    connections = {
        path: {
            "base_url": f"http://127.0.0.1:{port}/{path}",
            "protocol": "http_chat" if path in ("chat", "garbage") else "sse",
            "responseFieldPath": "reply",
            ("http_chat" if path in ("chat", "garbage") else "sse"): (
                {} if path in ("chat", "garbage") else events
            ),
        }
        for path in PATHS
    }
    (tmp_path / "turnwire.json").write_text(json.dumps({"connections": connections}))
    text = TEXT.replace("{{", "{").replace("${", "$ {")
    suite = {
        "name": "shop",
        "connections": ["chat", "stream", "error", "rejected"],
        "tests": [
            {
                "name": f"hostile {text}",
                "steps": [{"message": text, "checks": [{"contains": text, "name": text}]}],
                "checks": [{"equals": "x", "message": text}],
            }
        ],
    }
    (tmp_path / "shop.turnwire.json").write_text(json.dumps(suite))
    return tmp_path


def assert_harmless(*outputs: str) -> None:
    for output in outputs:
        assert RAW.findall(output) == []
        assert obeyed(output) == []


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("options", [(), ("-v",), ("-vv",), ("--json",)], ids=" ".join)
def test_a_chat_shows_it_harmless(project: Path, path: str, options: tuple[str, ...]) -> None:
    done = invoke("chat", path, "Hi", *options)
    assert len(done.output) > 50
    assert_harmless(done.stderr)
    assert_harmless_lines(done.stdout)


def assert_harmless_lines(*outputs: str) -> None:
    """What is data, such as the text of a reply on stdout, keeps its words."""
    for output in outputs:
        assert RAW.findall(output) == []


@pytest.mark.parametrize("path", PATHS)
def test_a_probe_shows_it_harmless(project: Path, path: str) -> None:
    done = invoke("probe", path, "Hi")
    assert_harmless(done.stdout, done.stderr)


@pytest.mark.parametrize("options", [(), ("-v",)], ids=" ".join)
def test_a_run_and_what_is_made_of_its_log_show_it_harmless(
    project: Path, options: tuple[str, ...]
) -> None:
    done = invoke("run", "--log", "log.jsonl", *options)
    assert "failed" in done.stderr
    assert_harmless(done.stdout, done.stderr)
    for command in (("report", "log.jsonl", "-v"), ("compare", "log.jsonl", "log.jsonl")):
        done = invoke(*command)
        assert_harmless(done.stdout, done.stderr)
    done = invoke("run", "--dry-run")
    assert_harmless(done.stdout, done.stderr)


def test_the_bytes_that_a_run_shows_are_harmless(project: Path) -> None:
    done = invoke("run", "-vv", "--jobs", "1", "--log", "log.jsonl")
    assert "← " in done.stderr
    assert_harmless(done.stdout, done.stderr)


def test_what_is_wrong_with_a_file_is_told_harmless(project: Path) -> None:
    (project / "wrong.json").write_text(
        json.dumps({"connections": {TEXT: {TEXT: 1, "protocol": TEXT, "base_url": TEXT}}, TEXT: 1})
    )
    (project / "wrong.turnwire.json").write_text(
        json.dumps(
            {"connections": [TEXT], "tests": [{"name": TEXT, TEXT: 1, "steps": [{TEXT: 1}]}]}
        )
    )
    for command in (("validate", "wrong.json"), ("run", "wrong.turnwire.json")):
        done = invoke(*command)
        assert done.exit_code == 2
        assert_harmless(done.stdout, done.stderr)


def test_a_reply_that_infer_reads_is_told_harmless(project: Path) -> None:
    (project / "reply.txt").write_bytes(
        f"data: {json.dumps({TEXT: TEXT, 'text': TEXT})}\n\ndata: [DONE]\n\n".encode()
    )
    done = invoke("infer", "reply.txt")
    assert_harmless(done.stderr)
    assert_harmless_lines(done.stdout)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_the_view_of_a_run_draws_it_harmless(text: str) -> None:
    drawn, printed = io.StringIO(), io.StringIO()
    console = Console(file=drawn, force_terminal=True, width=100, color_system=None)
    with Screen(out=io.StringIO(), err=printed) as screen:
        views = (LiveView(console, 2, verbose=True), LineView(screen, 2))
        for view in views:
            with view:
                view.started(f"shop::{text}")
                view.turn_started(f"shop::{text}", 0)
                view.chunk(f"shop::{text}", text, received_ns=1, replaces=False)
                view.finished(Finished(f"shop::{text}", "failed", "check", 1.0, text))
    # The cursor is moved by the view itself: nothing but that may be there.
    shown = drawn.getvalue()
    for ours in ("\x1b[?25l", "\x1b[?25h", "\x1b[2K", "\x1b[1A", "\x1b[K", "\r"):
        shown = shown.replace(ours, "")
    assert RAW.findall(shown) == []
    assert RAW.findall(printed.getvalue()) == []
