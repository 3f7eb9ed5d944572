"""Nothing that a run writes holds a secret, whatever the target makes of it.

Every command that shows something, the pytest plugin and a tool that embeds the core talk to a
target that says all their secrets back, in every way to write them, as separate processes. All that
they print and every file that they leave is searched, byte for byte.
"""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from textwrap import dedent
from typing import Any
from urllib.parse import quote

import pytest

from support.echoing_target import echoing_target
from support.written_forms import written_forms
from turnwire.reports import FORMATS
from turnwire_core.secrets import MASK

HEADER = "hk\"1+2/3=&<v>%41\\z'k"
QUERY = 'qk é&=+?#"7/w~value'
PASSWORD = 'pw@:/?#é9"x-word'
CLIENT = "client+secret/with=all&of it"
LITERAL = "written-into-the-file-1/2+3"
TOKEN = "issued.token/of+the-server=="
SUITE = "only\tof the suite\n\"7'"
ENVIRONMENT = {
    "HEADER_KEY": HEADER,
    "QUERY_KEY": QUERY,
    "URL_PASSWORD": quote(PASSWORD, safe=""),
    "CLIENT_SECRET": CLIENT,
    "SUITE_KEY": SUITE,
}
ALL = (HEADER, QUERY, PASSWORD, CLIENT, LITERAL, TOKEN, SUITE)

REPLY = {"responseFieldPath": "reply", "http_chat": {"usagePath": "usage"}}
EVENTS = {"contentPath": "text", "finishPath": "done", "usagePath": "usage"}
CONNECTIONS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "http": ("http_chat", "chat", REPLY),
    "events": ("sse", "stream", {"sse": EVENTS | {"capture": {"told": "session"}}}),
    "socket": ("websocket", "socket", {"websocket": EVENTS | {"capture": {"told": "session"}}}),
    "rejected": ("http_chat", "rejected", {}),
    "rejected-events": (
        "sse",
        "rejected_in_json",
        {"retry": {"attempts": 1, "statuses": [403], "backoffMs": 1}},
    ),
    "rejected-socket": ("websocket", "rejected", {}),
    "bad-socket": ("websocket", "bad_socket", {}),
    "redirect": ("http_chat", "redirect", {}),
    "redirected": ("http_chat", "redirect", {"followRedirects": True}),
    "error-event": ("sse", "error_event", {"sse": EVENTS}),
    "garbage": ("http_chat", "garbage", {}),
    "page": ("sse", "page", {"sse": EVENTS}),
    "not-http": ("http_chat", "not_http", {}),
    "bad-header": ("sse", "bad_header", {}),
    "cut": ("sse", "cut", {"sse": EVENTS}),
    "wrong-path": ("sse", "stream", {"sse": {"contentPath": "txet"}}),
}

SOME = ["http", "events", "socket", "rejected", "error-event"]


def config(port: int) -> dict[str, Any]:
    """Connections to the target, with every kind of credential."""
    origin = f"127.0.0.1:{port}"
    found: dict[str, Any] = {
        name: {
            "base_url": f"http://user:${{URL_PASSWORD}}@{origin}/{path}",
            "protocol": protocol,
            "headers": {"X-Api-Key": "${HEADER_KEY}", "X-Auth-Token": LITERAL},
            "request": {
                "query": {"api_key": "${QUERY_KEY}"},
                "body": {"message": "{{message}}", "stream": True, "key": "${CLIENT_SECRET}"},
            },
            **more,
        }
        for name, (protocol, path, more) in CONNECTIONS.items()
    }
    for name in ("token", "no_token", "broken_token"):
        found[f"oauth-{name}"] = {
            "base_url": f"http://{origin}/chat",
            "responseFieldPath": "reply",
            "request": {"body": {"message": "{{message}}", "key": "${HEADER_KEY}"}},
            "auth": {
                "type": "oauth2",
                "tokenUrl": f"http://{origin}/{name}",
                "clientId": "turnwire",
                "clientSecret": "${CLIENT_SECRET}",
            },
        }
    found["nobody"] = {**found["http"], "base_url": "http://user:${URL_PASSWORD}@127.0.0.1:1/"}
    for name in ("socket", "rejected-socket", "bad-socket"):
        found[name]["base_url"] = found[name]["base_url"].replace("http://", "ws://")
    return {"connections": found}


def curl(port: int) -> str:
    """What somebody pastes who has credentials in it."""
    url = f"http://127.0.0.1:{port}/stream?api_key={quote(QUERY, safe='')}"
    headers = f"-H 'Authorization: Bearer {LITERAL}' -u 'user:{PASSWORD}'"
    return f"""curl '{url}' {headers} -d '{{"message": "Hi", "stream": true}}'"""


SUITE_FILE = {
    "name": "shop",
    "connections": SOME,
    "judge": "rejected",
    "variables": {"key": "{{env.SUITE_KEY}}"},
    "tests": [
        {
            "name": "Says it all",
            "steps": [
                {
                    "message": "echo {{env.SUITE_KEY}} and {{variables.key}}",
                    "checks": [
                        {"equals": "{{env.SUITE_KEY}}"},
                        {"contains": "{{variables.key}}", "not": True, "name": "key"},
                        {"regex": "never-{{env.HEADER_KEY}}", "severity": "warning"},
                        {"python": "functions:leak"},
                        {"python": "functions:say"},
                        {"python": "functions:refuse"},
                        {"judge": {"rubric": "Does not say {{env.SUITE_KEY}}", "threshold": 0.5}},
                    ],
                },
                {"extract": {"regex": "(?s).*", "assign": "everything"}},
            ],
        },
        {
            "name": "Asks elsewhere",
            "connections": ["http"],
            "steps": [
                {
                    "request": {
                        "url": "{{env.TARGET}}/rejected",
                        "query": {"key": "{{env.SUITE_KEY}}"},
                        "expect": {"status": 200},
                    }
                },
            ],
            "checks": [{"contains": "x"}],
        },
        {
            "name": "Takes another's word",
            "connections": ["events", "socket"],
            "steps": [
                {"message": "one"},
                {"message": "two {{variables.told}}"},
            ],
            "checks": [{"contains": "nothing of the kind"}],
        },
        {
            "name": "Cannot be filled",
            "connections": ["http"],
            "steps": [{"request": {"url": "{{env.SUITE_KEY}}"}}],
            "checks": [{"contains": "x"}],
        },
        {
            "name": "Left out",
            "skip": "because of ${SUITE_KEY}",
            "steps": [{"message": "x", "checks": [{"contains": "x"}]}],
        },
        {
            "name": "Wants more",
            "connections": ["events"],
            "steps": [{"user_objective": "Tell {{env.SUITE_KEY}}.", "maxTurns": 1}],
            "checks": [{"contains": "x"}],
        },
    ],
}

FUNCTIONS = """
import os

from turnwire.checks import CheckResult


def leak(context):
    secret = os.environ["HEADER_KEY"]
    try:
        raise KeyError(secret)
    except KeyError as exc:
        other = os.environ["SUITE_KEY"]
        raise RuntimeError(f"cannot use {secret}, {secret!r} or {other!r}") from exc


def say(context):
    said, other = context.last.reply.content, os.environ["SUITE_KEY"]
    return CheckResult(False, os.environ["HEADER_KEY"], said, detail=other)


def refuse(context):
    assert os.environ["SUITE_KEY"] not in context.last.reply.content, os.environ["SUITE_KEY"]
"""

WRONG = {
    "connections": {
        "header": {
            "base_url": "http://x/",
            "headers": {"X-Key": "${HEADER_KEY}\r\nX: ${QUERY_KEY}"},
        },
        "number": {"base_url": "http://x/", "timeoutMs": "${HEADER_KEY}"},
        "protocol": {"base_url": "http://x/", "protocol": "${HEADER_KEY}"},
        "url": {"base_url": "${HEADER_KEY}"},
        "port": {"base_url": "http://u:${URL_PASSWORD}@x:port/"},
        "path": {
            "base_url": "http://x/",
            "protocol": "sse",
            "sse": {"contentPath": "${QUERY_KEY}["},
        },
        "auth": {"base_url": "http://x/", "auth": {"type": "${HEADER_KEY}", "secret": LITERAL}},
        "body": {"base_url": "http://x/", "request": {"body": {"a": "{{${HEADER_KEY}}}"}}},
        "preset": {"base_url": "http://x/", "preset": "${QUERY_KEY}"},
        "proxy": {"base_url": "http://x/", "proxy": "${HEADER_KEY}"},
        "tls": {"base_url": "https://x/", "tls": {"ca": "${HEADER_KEY}"}},
    }
}

PYTEST_FILE = """
import pytest

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.mark.turnwire(connection="events")
async def test_reply(conversation):
    reply = await conversation.send("Hi")
    print(reply, conversation, reply.metrics)
    assert "nothing" in reply.content


@pytest.mark.turnwire(connection="rejected")
async def test_rejected(conversation):
    reply = await conversation.send("Hi")
    reply.raise_for_verdict()


@pytest.mark.turnwire(connection="oauth-no_token")
async def test_token(conversation, connection):
    print(connection, connection.secrets, connection.headers)
    (await conversation.send("Hi")).raise_for_verdict()
"""

EMBEDDING = """
import functools, logging, os, sys, traceback, warnings
import anyio, attrs
from turnwire_core import ConfigError, hookimpl, load_config, open_conversation

logging.basicConfig(level=logging.DEBUG)
warnings.simplefilter("always")


class Quoting:
    def __init__(self, hook):
        self.hook = hook

    @hookimpl
    def turnwire_turn_finished(self, reply):
        if self.hook == "turn_finished":
            raise RuntimeError(f"cannot store {reply.content}")

    @hookimpl
    def turnwire_chunk(self, chunk):
        if self.hook == "chunk":
            raise RuntimeError("cannot use " + os.environ["HEADER_KEY"])


async def hold(connection, observers=()):
    async with open_conversation(connection, observers=observers) as conversation:
        for message in ("Hi", "again"):
            reply = await conversation.send(message)
            print(repr(reply), reply.error, reply.hints, reply.attempts, reply.metrics)
            print(repr(conversation), repr(conversation.connection))
            reply.raise_for_verdict()


def attempt(function):
    try:
        anyio.run(function)
    except Exception as exc:
        traceback.print_exc()
        print(repr(exc), vars(exc))


loaded = load_config("turnwire.json")
print(repr(loaded))
for name, connection in loaded.connections.items():
    print(repr(connection), repr(connection.auth), repr(connection.options))
    parts = [getattr(connection, field.name) for field in attrs.fields(type(connection))]
    print([repr(part) for part in parts if attrs.has(type(part))])
    attempt(functools.partial(hold, connection))
for hook in ("turn_finished", "chunk"):
    attempt(functools.partial(hold, loaded.connection("events"), [Quoting(hook)]))
try:
    load_config("wrong.json")
except ConfigError as exc:
    traceback.print_exc()
    print(repr(exc), exc.problems)
"""


CHATS = """
import json, pathlib
from turnwire.cli import cli

for arguments in json.loads(pathlib.Path("chats.json").read_text()):
    try:
        cli.main(["--traceback", *arguments], prog_name="turnwire")
    except SystemExit:
        pass
"""


class Place:
    """A project on disk, the processes that run in it, and what they wrote."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder / "project"
        self.out = folder / "out"
        for made in (self.folder, self.out):
            made.mkdir()
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
            **ENVIRONMENT,
            "TARGET": f"http://127.0.0.1:{port}",
            "TERM": "xterm-256color",
            "COLUMNS": "200",
        }
        self.write("turnwire.json", json.dumps(config(port)))
        self.write("shop.turnwire.json", json.dumps(SUITE_FILE))
        self.write("functions.py", FUNCTIONS)
        self.write("wrong.json", json.dumps(WRONG))
        self.write("test_shop.py", PYTEST_FILE)
        self.write("embedding.py", EMBEDDING)
        self.write("chats.py", CHATS)
        self._given = {"chats.json", *(path.name for path in self.folder.rglob("*"))}
        self._threads = threading.Lock()

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(dedent(text), encoding="utf-8")

    def run(self, name: str, *command: str, stdin: str = "") -> None:
        """Run a command; what it prints goes to files of that name."""
        done = subprocess.run(
            [sys.executable, *command], cwd=self.folder, env=self._environment, input=stdin,
            capture_output=True, timeout=300, check=False, text=True, errors="surrogateescape",
        )  # fmt: skip
        for stream, text in (("stdout", done.stdout), ("stderr", done.stderr)):
            (self.out / f"{name}.{stream}").write_text(text, errors="surrogateescape")

    def run_on_terminal(self, name: str, *command: str) -> None:
        """Run a command on a terminal of its own."""
        with self._threads:  # a fork between openpty and Popen would keep the terminal open
            master, slave = pty.openpty()
            process = subprocess.Popen(
                [sys.executable, *command], cwd=self.folder, env=self._environment,
                stdin=slave, stdout=slave, stderr=slave, close_fds=True,
            )  # fmt: skip
            os.close(slave)
        data = b""
        try:
            while read := os.read(master, 65536):
                data += read
        except OSError:
            pass  # Linux: the last one has closed the terminal
        process.wait(timeout=60)
        os.close(master)
        (self.out / f"{name}.terminal").write_bytes(data)

    def written(self) -> Iterator[tuple[str, bytes]]:
        """All that was printed, and every file that is new: name and content."""
        for path in sorted([*self.out.rglob("*"), *self.folder.rglob("*")]):
            if path.is_file() and path.name not in self._given:
                yield path.name, path.read_bytes()


TURNWIRE = ("-m", "turnwire")
PYTEST = ("-p", "no:xdist", "--junitxml", "junit.xml", "--turnwire-log", "pytest.jsonl")
REPORTS = [part for name in FORMATS for part in ("--report", f"{name}=report.{name}")]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """By name of the file, all that a project's processes wrote."""
    folder = tmp_path_factory.mktemp("secrets")
    with echoing_target(ALL, token=TOKEN) as port:
        place = Place(folder, port)
        names = config(port)["connections"]
        chats = [["chat", name, "Hi", "-vv"] for name in names]
        chats += [["chat", name, "Hi", "--json", "--log", "chats/"] for name in SOME]
        chats += [["chat", name, "Hi", "--record", "spoken"] for name in SOME]
        chats += [["probe", name] for name in (*SOME, "redirect", "garbage", "nobody")]
        chats += [["infer", curl(port)], ["infer", curl(port), "-H", f"X-Api-Key: {HEADER}"]]
        place.write("chats.json", json.dumps(chats))
        every = [*TURNWIRE, "--traceback", "run", "-vv", "--jobs", "1", *REPORTS]
        every += ["--record", "recorded"]
        some = ["-k", "all", "--connection", "socket"]
        with ThreadPoolExecutor(3) as pool:
            jobs = [
                pool.submit(place.run, "chats", "chats.py"),
                pool.submit(place.run, "run", *every, "--log", "one.jsonl"),
                pool.submit(place.run, "pytest", "-m", "pytest", "-ra", "-vv", *PYTEST, "."),
                pool.submit(place.run_on_terminal, "live", *TURNWIRE, "run", "-v", *some),
                pool.submit(place.run, "trio", *TURNWIRE, "run", *some, "--backend", "trio"),
                pool.submit(place.run, "embedding", "embedding.py"),
                pool.submit(place.run, "wrong", *TURNWIRE, "--traceback", "validate", "wrong.json"),
            ]
            for job in jobs:
                job.result()
        place.run("report", *TURNWIRE, "report", "one.jsonl", "-v")
        place.run("tail", *TURNWIRE, "tail", "one.jsonl", "-vv")
        place.run("replay", *TURNWIRE, "replay", "spoken")
        place.run("compare", *TURNWIRE, "compare", "one.jsonl", "pytest.jsonl")
        return dict(place.written())


# --- what is looked for -------------------------------------------------------------------------


def _forms(value: str) -> Mapping[bytes, str]:
    """What must stand nowhere, each with the name of the way in which the value is written."""
    forms = {form.encode(): name for name, form in written_forms(value)}
    pictures = value.translate({code: 0x2400 + code for code in range(32)})
    forms.setdefault(pictures.encode(), "as pictures")
    raw = value.encode()
    for lead in range(3):
        # Within a longer base64 text: the digits that hold bits of nothing else.
        whole = base64.b64encode(bytes(lead) + raw + bytes(3)).decode()
        inner = whole[(0, 2, 3)[lead] : (lead + len(raw)) * 8 // 6]
        forms[inner.encode()] = "within base64"
        forms[inner.replace("+", "-").replace("/", "_").encode()] = "within base64 for URLs"
    return forms


FORBIDDEN = {form: (value, name) for value in ALL for form, name in _forms(value).items()}


def leaks(files: Mapping[str, bytes]) -> list[str]:
    """Where something stands that must not, in words that do not repeat it."""
    return [
        f"{file}, at {data.index(form)}: {value[:4]}…, {name}"
        for file, data in files.items()
        for form, (value, name) in FORBIDDEN.items()
        if form in data
    ]


def test_what_looks_for_secrets_finds_them() -> None:
    files = {name: f"x{form}y".encode() for name, form in written_forms(HEADER)}
    files["Basic"] = base64.b64encode(f"user:{PASSWORD}.".encode())
    found = {leak.partition(",")[0] for leak in leaks(files)}
    assert found == set(files)


def test_a_full_run_leaves_no_secret_anywhere(written: dict[str, bytes]) -> None:
    assert leaks(written) == []


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("run.stderr", ["You sent:", "FAILED", "rejected", "RuntimeError", "→ request", MASK]),
        ("one.jsonl", ['"stream_chunk"', '"request"', '"status":401', '"usage":{"prompt":"***']),
        ("live.terminal", ["shop::says-it-all", MASK]),
        ("trio.stderr", ["shop::says-it-all[socket]", MASK]),
        ("pytest.stdout", ["test_rejected", "failed", MASK]),
        ("junit.xml", ["<failure", MASK]),
        ("wrong.stderr", ["Unknown preset '***'"]),
        ("chats.stdout", ["You sent:", '"type":"assistant_reply"', "content type     ok", MASK]),
        ("chats.stderr", ["→ chunk", "← response", "hint:", "refused", MASK]),
        ("embedding.stdout", ["<Reply", MASK]),
        ("embedding.stderr", ["Traceback", "An observer failed", MASK]),
        *((f"report.{name}", ["shop", MASK]) for name in FORMATS),
        ("shop-says-it-all-events.recording.jsonl", ["********"]),
        ("tail.stdout", ["shop::says-it-all[socket]", MASK]),
        ("replay.stdout", ["You sent:", "*****"]),
        ("compare.stdout", ["before: one.jsonl"]),
        ("report.stdout", ["shop::says-it-all[socket]", MASK]),
    ],
)
def test_what_was_searched_had_something_to_hide(
    written: dict[str, bytes], file: str, words: Sequence[str]
) -> None:
    text = written[file].decode("utf-8", "replace")
    assert [word for word in words if word not in text] == []
