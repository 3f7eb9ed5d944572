"""`turnwire chat`: the text on stdout as it comes, its times on stderr, and an honest exit code."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from support.command_line import invoke, without_blame
from turnwire.runlog import read_log
from turnwire.runlog.entries import AssistantReply, RunFinished

Config = Callable[..., None]

SSE = {"contentPath": "content", "finishPath": "done"}


TIMES = r"firstTokenMs [\d.]+  streamChunks \d+  latencyMs [\d.]+\n"


@pytest.mark.parametrize(
    ("connection", "protocol"),
    [
        ("demo-http", "http_chat"),
        ("demo-sse", "sse"),
        ("demo-websocket", "websocket"),
        ("demo-openai", "sse"),
        ("demo-anthropic", "sse"),
    ],
)
def test_a_built_in_connection_needs_no_config(
    folder: Path, connection: str, protocol: str
) -> None:
    result = invoke("chat", connection, "Thanks")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "You are welcome!\n"
    assert re.fullmatch(rf"{protocol}  finished  {TIMES}", without_blame(result.stderr))


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_connection_of_the_config_file_is_talked_to(config: Config, backend: str) -> None:
    config()
    result = invoke("chat", "bot", "Thanks", "--backend", backend)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "You are welcome!\n"


def test_json_is_one_object_a_reply_with_the_documented_fields_first(config: Config) -> None:
    config()
    result = invoke("chat", "bot", "Thanks", "--json")
    assert result.exit_code == 0
    reply = json.loads(result.stdout)
    assert list(reply)[:6] == [
        "type",
        "content",
        "latencyMs",
        "protocol",
        "streamChunks",
        "firstTokenMs",
    ]
    assert reply["content"] == "You are welcome!"
    assert reply["connection"] == "bot"


def test_v_shows_each_event_and_the_chunk_that_it_made(config: Config) -> None:
    config()
    result = invoke("chat", "bot", "Thanks", "-v")
    events = [line for line in result.stderr.splitlines() if "event" in line]
    assert re.fullmatch(
        r'\+ +[\d.]+ ms  event    \{"content": ?"You "\}  → chunk 0, 4 characters', events[0]
    )
    assert len(events) == 4
    assert "chunk" not in events[-1]
    assert result.stdout == "You are welcome!\n"


@pytest.mark.parametrize("protocol", ["http", "sse", "websocket"])
def test_vv_shows_the_bytes_in_both_directions(folder: Path, protocol: str) -> None:
    result = invoke("chat", f"demo-{protocol}", "Thanks", "-vv")
    assert result.exit_code == 0, result.stderr
    assert re.search(r"^\+ +[\d.]+ ms  → \w.*, \d+ bytes$", result.stderr, re.MULTILINE)
    assert re.search(r"^\+ +[\d.]+ ms  ← \w.*, \d+ bytes$", result.stderr, re.MULTILINE)
    assert '"Thanks"' in result.stderr
    assert "welcome!" in result.stderr


def test_a_secret_is_shown_nowhere(
    config: Config, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_TOKEN", "tok-123-very-secret")
    config(auth={"type": "bearer", "token": "${BOT_TOKEN}"})
    # Whole, because a secret that is cut into chunks cannot be found in any of them.
    message = "[chunks=1] echo my token is tok-123-very-secret"
    result = invoke("chat", "bot", message, "-vv", "--log", "run.jsonl")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "my token is ***\n"
    assert "tok-123" not in result.stderr
    assert "authorization: Bearer ***" in result.stderr.replace("Authorization", "authorization")
    assert "tok-123" not in (folder / "run.jsonl").read_text()


def test_control_characters_of_the_target_never_reach_the_terminal(config: Config) -> None:
    config()
    message = "echo \x1b[2J\x1b]0;owned\x07 \u202egnp.exe \x9b31m"
    result = invoke("chat", "bot", message, "-vv")
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "␛[2J␛]0;owned␇ ⟨U+202E⟩gnp.exe ⟨U+009B⟩31m\n"
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", result.stderr)


def test_persona_and_variables_fill_the_request(config: Config) -> None:
    body = {"message": "{{message}} {{variables.word}}", "persona": "{{persona}}"}
    config(request={"body": body}, variables={"word": "nothing"})
    result = invoke("chat", "bot", "echo", "--var", "word=a=b")
    assert result.stdout == "a=b\n"
    result = invoke("chat", "bot", "who am I?", "--persona", "Grace")
    assert result.stdout == "You are Grace.\n"


def test_a_variable_without_a_value_is_an_error_of_usage(config: Config) -> None:
    config()
    result = invoke("chat", "bot", "hi", "--var", "word")
    assert result.exit_code == 2
    assert "'word' is not NAME=VALUE" in result.stderr


def test_a_dash_reads_the_whole_message_from_standard_input(config: Config) -> None:
    config()
    result = invoke("chat", "bot", "-", input="echo one\ntwo\n")
    assert result.stdout == "one\ntwo\n"


@pytest.mark.parametrize("message", ["", "  \n"])
def test_an_empty_message_is_not_sent(config: Config, message: str) -> None:
    config()
    assert invoke("chat", "bot", message).exit_code == 2
    assert invoke("chat", "bot", "-", input=message).exit_code == 2


class TestWhatGoesWrong:
    """Each of these is a message that a new user can act on, and the exit code of its kind."""

    def test_a_stream_that_stalls_keeps_its_text(self, config: Config) -> None:
        config("?fault=stall", limits={"idleMs": 100})
        result = invoke("chat", "bot", "What is your refund policy?")
        assert result.exit_code == 3
        assert result.stdout.startswith("You can return anything")
        assert re.search(r"^sse  stalled  firstTokenMs [\d.]+ .* latencyMs -$", result.stderr, re.M)
        assert "stalled (phase: stream): Nothing arrived for 100 ms" in result.stderr
        assert re.search(r"^The \d+ characters that had arrived are kept\.$", result.stderr, re.M)

    def test_an_error_inside_a_reply(self, config: Config) -> None:
        config("?fault=error")
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 3
        assert "error_event (phase: stream)" in result.stderr

    def test_a_wrong_content_path_names_the_nearest_and_is_a_fault_of_the_config(
        self, config: Config
    ) -> None:
        config(sse={"contentPath": "contnt", "finishPath": "done"})
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 2
        assert result.stdout == ""
        assert "hint: contentPath `contnt` matched 0 of" in result.stderr
        assert "nearest: `content`" in result.stderr

    def test_a_wrong_response_field_path(self, config: Config) -> None:
        config(path="/chat", protocol="http_chat", responseFieldPath="repl")
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 2
        assert "nearest: `reply`" in result.stderr

    def test_a_refused_port(self, config: Config) -> None:
        config(base_url="http://127.0.0.1:1/")
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 3
        assert "http_chat" not in result.stderr
        assert "refused (phase: connect): Could not connect to http://127.0.0.1:1" in result.stderr

    def test_a_socket_that_cannot_be_opened(self, config: Config) -> None:
        config(base_url="ws://127.0.0.1:1/", protocol="websocket", websocket={"contentPath": "x"})
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 3
        assert "Could not connect to ws://127.0.0.1:1" in result.stderr

    def test_a_status_that_is_no_reply(self, config: Config) -> None:
        config(path="/nowhere")
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 3
        assert "rejected (phase: headers)" in result.stderr
        assert "404" in result.stderr

    def test_a_missing_driver(self, config: Config) -> None:
        config(protocol="grpc")
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 4
        assert "No driver for protocol 'grpc'" in result.stderr

    def test_an_unknown_connection_names_the_nearest(self, config: Config) -> None:
        config(name="shop")
        result = invoke("chat", "shp", "hello")
        assert result.exit_code == 2
        assert "There is no connection 'shp'. Did you mean 'shop'?" in result.stderr

    def test_an_unknown_built_in_connection_lists_them(self, folder: Path) -> None:
        result = invoke("chat", "demo-ssee", "hello")
        assert result.exit_code == 2
        assert "Did you mean 'demo-sse'?" in result.stderr
        assert "demo-websocket" in result.stderr

    def test_no_config_says_what_was_looked_for(self, folder: Path) -> None:
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 2
        for extension in ("json", "jsonc", "yaml", "yml", "toml"):
            assert f"turnwire.{extension}" in result.stderr
        assert "turnwire chat demo-sse" in result.stderr

    def test_two_configs_are_not_chosen_between(self, config: Config, folder: Path) -> None:
        config()
        (folder / "turnwire.toml").touch()
        result = invoke("chat", "bot", "hello")
        assert result.exit_code == 2
        assert "There are turnwire.json and turnwire.toml. Name one with --config" in result.stderr

    def test_another_connection_may_be_broken(self, config: Config, folder: Path) -> None:
        config()
        file = json.loads((folder / "turnwire.json").read_text())
        file["connections"]["other"] = {"base_url": "${NOT_SET}", "protocol": "grpc"}
        (folder / "turnwire.json").write_text(json.dumps(file))
        assert invoke("chat", "bot", "Thanks").exit_code == 0

    def test_a_backend_that_is_not_installed(
        self, config: Config, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        config()
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        result = invoke("chat", "bot", "hello", "--backend", "trio")
        assert result.exit_code == 2
        assert "pip install trio" in result.stderr


def test_a_log_tells_the_turn_and_a_second_one_needs_another_name(
    config: Config, folder: Path
) -> None:
    config()
    assert invoke("chat", "bot", "Thanks", "--log", "run.jsonl").exit_code == 0
    entries = list(read_log(folder / "run.jsonl"))
    assert [entry.type for entry in entries] == [
        "run_started",
        "connection_opened",
        "user_message",
        "stream_chunk",
        "stream_chunk",
        "stream_chunk",
        "assistant_reply",
        "connection_closed",
        "run_finished",
    ]
    times = [entry.t for entry in entries]
    assert times == sorted(times)
    again = invoke("chat", "bot", "Thanks", "--log", "run.jsonl")
    assert again.exit_code == 2
    assert "run.jsonl exists already" in again.stderr


def test_a_log_in_a_folder_is_named_for_you(config: Config, folder: Path) -> None:
    config()
    assert invoke("chat", "bot", "Thanks", "--log", "logs/").exit_code == 0
    (path,) = (folder / "logs").iterdir()
    assert re.fullmatch(r"\d{8}T\d{6}Z-chat-[0-9a-f]{4}\.jsonl", path.name)


def test_without_log_nothing_is_written(config: Config, folder: Path) -> None:
    config()
    assert invoke("chat", "bot", "Thanks").exit_code == 0
    assert [path.name for path in folder.iterdir()] == ["turnwire.json"]


@pytest.mark.parametrize(("scheme", "protocol"), [("http", "sse"), ("ws", "websocket")])
def test_a_refused_turn_is_in_the_log_like_any_other(
    config: Config, folder: Path, scheme: str, protocol: str
) -> None:
    config(base_url=f"{scheme}://127.0.0.1:1/", protocol=protocol, websocket=SSE)
    assert invoke("chat", "bot", "hello", "--log", "run.jsonl").exit_code == 3
    *_, reply, _, last = read_log(folder / "run.jsonl")
    assert isinstance(reply, AssistantReply)
    assert (reply.verdict, reply.ok, reply.phase) == ("refused", False, "connect")
    assert isinstance(last, RunFinished)
    assert (last.outcome, last.failed) == ("completed", 1)


def test_an_error_that_ends_the_run_is_in_the_log(config: Config, folder: Path) -> None:
    config(protocol="grpc")
    assert invoke("chat", "bot", "hello", "--log", "run.jsonl").exit_code == 4
    *_, last = read_log(folder / "run.jsonl")
    assert isinstance(last, RunFinished)
    assert last.outcome == "failed"
    assert last.error is not None
    assert "No driver for protocol 'grpc'" in last.error
