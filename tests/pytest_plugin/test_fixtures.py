"""Fixtures for tests written in Python."""

from __future__ import annotations

import json

import pytest

from support.background import assistant_in_background
from support.pytest_runs import Project

TALKS = """
    import pytest


    @pytest.mark.anyio
    async def test_talks(conversation):
        reply = await conversation.send("Hello, my name is Ada.")
        assert reply.ok
        reply = await conversation.send("What is my name?")
        assert "Ada" in reply.content
        assert conversation.connection.name == "demo-sse"


    @pytest.mark.anyio
    @pytest.mark.parametrize("connection", ["demo-http", "demo-websocket"], indirect=True)
    async def test_is_parametrized(conversation, connection):
        assert conversation.connection is connection
        (await conversation.send("When are you open?")).raise_for_verdict()


    @pytest.mark.turnwire(connection="demo-openai")
    async def test_needs_no_mark_of_anyio(conversation):
        assert conversation.connection.name == "demo-openai"
        assert (await conversation.send("When are you open?")).metrics.stream_chunks > 1
"""


def test_a_conversation_is_open_in_tests_of_either_backend(project: Project) -> None:
    project.write(test_python__py=TALKS)
    run = project.run("-W", "error", "--strict-markers")
    assert run.counts == {"passed": 8}, run.output
    assert {name for name in run.cases if "talks" in name} == {
        "test_talks[asyncio]",
        "test_talks[trio]",
    }


def test_the_junit_file_has_the_times_of_each_turn(project: Project) -> None:
    project.write(test_python__py=TALKS)
    run = project.run("-k", "test_talks and trio")
    names = ["verdict", "firstTokenMs", "latencyMs", "maxGapMs", "streamChunks"]
    values = dict(run.properties("test_talks[trio]"))
    assert list(values) == [
        *("connection", "protocol"),
        *(f"turn1.{name}" for name in names),
        *(f"turn2.{name}" for name in names),
    ]
    assert 0 < float(values["turn1.firstTokenMs"]) < float(values["turn1.latencyMs"])
    assert values["turn2.verdict"] == "finished"
    assert (values["connection"], values["protocol"]) == ("demo-sse", "sse")


def test_a_failed_test_shows_what_was_said_and_when(project: Project) -> None:
    project.write(
        test_shown__py="""
            async def test_fails(conversation):
                await conversation.send("When are you open?")
                await conversation.send("[fault=error] Hello")
                assert False
        """,
    )
    run = project.run("-k", "asyncio")
    assert run.code == 1
    section = run.output.partition("conversation over demo-sse (sse)")[2]
    assert "user       When are you open?\nassistant  We are open from 9:00" in section
    assert "finished  firstTokenMs " in section
    assert "error_event  firstTokenMs " in section
    assert "error      " in section


def test_a_test_that_passes_shows_nothing(project: Project) -> None:
    project.write(test_python__py=TALKS)
    run = project.run("-rA", "-k", "talks and asyncio")
    assert run.counts == {"passed": 1}
    assert "conversation over" not in run.output


def test_a_sync_test_uses_the_assistant(project: Project) -> None:
    project.write(
        test_sync__py="""
            import json
            import urllib.request

            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

            def test_serves(assistant):
                data = json.dumps({"message": "Hello"}).encode()
                head = {"Content-Type": "application/json"}
                request = urllib.request.Request(f"{assistant.url}/chat", data, head)
                with opener.open(request, timeout=5) as response:
                    assert "demo assistant" in json.load(response)["reply"]

            def test_is_the_same_for_the_session(assistant, connection):
                assert connection.base_url.startswith(assistant.url)
                assert len(assistant.sends) == 1
        """,
    )
    run = project.run("-W", "error", plugins=("turnwire",))
    assert run.counts == {"passed": 2}, run.output


@pytest.fixture(scope="module")
def config() -> object:
    with assistant_in_background() as assistant:
        yield json.dumps(
            {
                "connections": {
                    "bot": {
                        "base_url": f"{assistant.url}/chat/stream",
                        "protocol": "sse",
                        "headers": {"Authorization": "Bearer ${BOT_TOKEN:-a-secret-token}"},
                        "sse": {"contentPath": "content", "finishPath": "done"},
                    },
                    "other": {"base_url": f"{assistant.url}/chat", "responseFieldPath": "reply"},
                }
            }
        )


NAMES = """
    import pytest

    def test_which(connection):
        assert connection.name == "bot"

    @pytest.mark.turnwire(connection="other")
    def test_marked(connection):
        assert connection.name == "other"
"""


@pytest.mark.parametrize("by", ["option", "ini", "found"])
def test_a_connection_of_a_config_file(project: Project, config: str, by: str) -> None:
    project.folder.joinpath("below").mkdir()
    project.write(test_names__py=NAMES)
    arguments = ["--turnwire-connection", "bot"]
    match by:
        case "option":
            project.write(bots__json=config)
            arguments += ["--turnwire-config", "bots.json"]
        case "ini":
            project.folder.joinpath("below", "bots.json").write_text(config)
            project.write(
                pytest__ini="""
                    [pytest]
                    turnwire_connection = bot
                    turnwire_config = below/bots.json
                """
            )
            arguments = []
        case "found":
            project.write(turnwire__json=config)
            project.folder.joinpath("test_names.py").rename(
                project.folder.joinpath("below", "test_names.py")
            )
    run = project.run(*arguments)
    assert run.counts == {"passed": 2}, run.output


WRONG = """
    import pytest

    @pytest.mark.turnwire(connection="bto", config="bots.json")
    def test_misspelt(connection): ...

    @pytest.mark.turnwire(connection="demo-ssse")
    def test_misspelt_builtin(connection): ...

    @pytest.mark.turnwire(connection="bot")
    def test_no_file(connection): ...

    @pytest.mark.turnwire("bot")
    def test_no_keyword(connection): ...

    @pytest.mark.turnwire(connection="broken", config="broken.json")
    def test_broken_file(connection): ...

    def test_not_async(conversation): ...

    @pytest.mark.asyncio
    async def test_of_another_plugin(conversation): ...
"""


def test_what_is_wrong_is_said_in_words(project: Project, config: str) -> None:
    project.write(
        test_wrong__py=WRONG,
        bots__json=config,
        broken__json='{"connections": {"broken": {"timeout": 1}}}',
        pytest__ini="[pytest]\nmarkers = asyncio",
    )
    run = project.run("-k", "not trio")
    assert run.counts == {"error": 7}, run.output
    said = {name: "".join(case.itertext()) for name, case in run.cases.items()}
    assert "There is no connection 'bto'. Did you mean 'bot'?" in said["test_misspelt"]
    assert "Did you mean 'demo-sse'?" in said["test_misspelt_builtin"]
    assert "Looked for turnwire.json" in said["test_no_file"]
    assert "turnwire(connection=NAME, config=FILE)" in said["test_no_keyword"]
    assert "Did you mean 'timeoutMs'?" in said["test_broken_file"]
    assert "'base_url'" in said["test_broken_file"]
    assert "is for async tests" in said["test_not_async[asyncio]"]
    assert "Mark the test with anyio alone" in said["test_of_another_plugin[asyncio]"]
    assert "Traceback" not in run.output


def test_several_connections_are_not_guessed_between(project: Project) -> None:
    project.write(test_names__py="def test_which(connection): ...")
    both = ("--turnwire-connection", "demo-sse", "--turnwire-connection", "demo-http")
    run = project.run(*both)
    assert run.counts == {"error": 1}
    assert "names demo-sse and demo-http: the fixture 'connection' is one." in run.output


def test_a_run_log_has_the_conversations_of_tests_in_python(project: Project) -> None:
    project.write(test_python__py=TALKS)
    run = project.run("-k", "test_talks", "--turnwire-log", "runs/")
    (log,) = (project.folder / "runs").iterdir()
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert entries[0]["command"] == "pytest"
    assert sum(entry["type"] == "assistant_reply" for entry in entries) == 4, run.output
    assert entries[-1]["type"] == "run_finished"


def test_without_being_asked_no_run_log_is_written(project: Project) -> None:
    project.write(test_python__py=TALKS)
    project.run("-k", "test_talks and asyncio")
    names = {file.name for file in project.folder.iterdir()} - {"__pycache__"}
    assert names == {"test_python.py", "junit.xml"}


@pytest.mark.parametrize(
    ("ini", "said"),
    [
        ("turnwire_backend = curio", "turnwire_backend is asyncio or trio, not 'curio'."),
        ("turnwire_seed = seven", "turnwire_seed is a whole number, not 'seven'."),
    ],
)
def test_an_ini_key_that_says_nothing_sensible_is_an_error_of_usage(
    project: Project, ini: str, said: str
) -> None:
    project.write(test_names__py="def test_it(assistant): ...", pytest__ini=f"[pytest]\n{ini}")
    run = project.run()
    assert said in run.output
    assert run.code != 0
