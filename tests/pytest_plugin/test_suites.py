"""Suites collected as tests."""

from __future__ import annotations

import json
from textwrap import dedent

import pytest

from support.pytest_runs import Project, PytestRun
from turnwire.recordings import load_recordings

SHOP = """
    connections: [demo-sse, demo-http]
    tests:
      - name: Opening hours
        tags: [smoke, needs care, skip]
        steps:
          - message: When are you open?
        checks:
          - contains: "9:00"
      - name: Refund
        matrix: {what: [shoes, a hat]}
        connections: [demo-websocket]
        repeat: 2
        steps:
          - message: Can I get a refund for {{variables.what}}?
          - message: Thank you
        checks:
          - verdict: finished
      - name: Later
        skip: not yet
        steps:
          - message: Hello
        checks:
          - contains: Hello
"""

BAD = """
    connections: [demo-sse]
    variables: {order: {$randomInt: {min: 10000, max: 99999}}}
    tests:
      - name: Check
        steps:
          - message: Where is order {{variables.order}}?
            checks:
              - contains: refunded
                name: says so
                message: The policy wants it.
              - latency_ms: 1
                severity: warning
              - verdict: finished
      - name: Transport
        steps:
          - message: "[fault=error] Hello"
        checks:
          - contains: Hello
      - name: Config
        connections: [nobody]
        steps:
          - message: Hello
        checks:
          - contains: Hello
      - name: Judge
        steps:
          - message: Hello
        checks:
          - judge: {rubric: Is it polite?}
      - name: Plugin
        steps:
          - message: Hello
        checks:
          - python: "broken:check"
    judge: judge
"""


UNKNOWN = """
    connections: [staging]
    tests:
      - name: One
        steps: [{message: Hello}]
        checks: [{contains: Hello}]
"""


def test_node_ids_name_suite_test_connection_and_values(project: Project) -> None:
    project.write(shop__turnwire__yaml=SHOP)
    run = project.run("--collect-only", "-q")
    found = [line for line in run.output.splitlines() if "::" in line]
    assert found == [
        f"shop.turnwire.yaml::{name}"
        for name in (
            "opening-hours[demo-sse]",
            "opening-hours[demo-http]",
            *("refund[demo-websocket-shoes]", "refund[demo-websocket-shoes#2]"),
            *("refund[demo-websocket-a_hat]", "refund[demo-websocket-a_hat#2]"),
            *("later[demo-sse]", "later[demo-http]"),
        )
    ]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_suite_runs_on_either_backend(project: Project, backend: str) -> None:
    project.write(shop__turnwire__yaml=SHOP)
    options = ("--turnwire-backend", backend, "--strict-markers", "-W", "error", "-rs")
    run = project.run(*options, plugins=("turnwire",))
    assert run.counts == {"passed": 6, "skipped": 2}, run.output
    assert "SKIPPED [2] shop.turnwire.yaml:19: not yet" in run.output
    assert "turnwire: seed " in run.output
    # pytest's JUnit file: two turns, in their order.
    values = dict(run.properties("refund[demo-websocket-a_hat#2]"))
    assert values["protocol"] == "websocket"
    assert values["turn1.verdict"] == values["turn2.verdict"] == "finished"
    assert float(values["turn1.firstTokenMs"]) > 0


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["shop.turnwire.yaml::refund"], 4),
        (["shop.turnwire.yaml::refund[demo-websocket-shoes#2]"], 1),
        (["-k", "refund and hat"], 2),
        (["-m", "smoke"], 2),
        (["-m", "needs_care and tag-skip"], 2),
        (["-m", "not turnwire"], 0),
        (["--turnwire-connection", "demo-ndjson", "-k", "opening"], 1),
    ],
)
def test_what_is_selected(project: Project, arguments: list[str], count: int) -> None:
    project.write(shop__turnwire__yaml=SHOP)
    run = project.run("--collect-only", "-q", "--strict-markers", *arguments)
    assert sum("::" in line for line in run.output.splitlines()) == count, run.output


@pytest.fixture
def failed(project: Project) -> PytestRun:
    """A run with one failure of each kind."""
    project.write(
        bad__turnwire__yaml=BAD,
        broken__py="def check(context):\n    raise ZeroDivisionError('by nobody')\n",
        # Nothing listens on the port 9 of loopback.
        turnwire__yaml="connections: {judge: {base_url: http://127.0.0.1:9/}}",
    )
    return project.run("--turnwire-seed", "7", "-W", "error", plugins=("turnwire",))


def test_every_kind_of_failure_is_told_apart(failed: PytestRun) -> None:
    assert failed.counts == {"failed": 5}, failed.output
    said = {name: case[-1].get("message", "") for name, case in failed.cases.items()}
    assert said["check[demo-sse]"].startswith("check failed: says so (The policy wants it.): ")
    assert said["transport[demo-sse]"].startswith("transport error: step 1 (message): The turn")
    assert said["config[nobody]"].startswith("config error: ")
    assert "There is no connection 'nobody'." in said["config[nobody]"]
    assert said["judge[demo-sse]"].startswith("judge error: judge: ")
    assert said["plugin[demo-sse]"].startswith("plugin error: python: ")
    assert "ZeroDivisionError" in said["plugin[demo-sse]"]
    # Nobody's traceback but that of the user's own function.
    assert "turnwire/pytesting" not in failed.output


def test_a_failure_shows_transcript_times_checks_and_origin(failed: PytestRun) -> None:
    text = str(failed.cases["check[demo-sse]"].findtext("failure"))
    lines = text.splitlines()
    assert lines[1:3] == [
        "Check, over demo-sse (sse)",
        "at bad.turnwire.yaml:5: $.tests[0]",
    ]
    assert lines[4].startswith("user       Where is order ")
    assert lines[5].startswith("assistant  Order ")
    assert lines[6].startswith("           finished  firstTokenMs ")
    assert "  FAILED   says so: The policy wants it.\n           expected   a text with" in text
    assert "           at         bad.turnwire.yaml:9: $.tests[0].steps[0].checks[0]\n" in text
    assert "  warning  latency_ms\n" in text
    assert "  ok       verdict\n" in text
    again = "pytest 'bad.turnwire.yaml::check[demo-sse]' --turnwire-seed 7"
    assert lines[-1] == f"again: {again}"


def test_a_failed_turn_shows_how_it_ended(failed: PytestRun) -> None:
    text = str(failed.cases["transport[demo-sse]"].findtext("failure"))
    assert "           error_event  firstTokenMs " in text
    assert "  latencyMs -  chunks " in text
    assert "error      The target sent an error inside its reply" in text


def test_the_summary_says_in_a_line_what_was_wrong(failed: PytestRun) -> None:
    summary = failed.output.partition("short test summary info")[2]
    assert "FAILED bad.turnwire.yaml::check[demo-sse] - check failed: says so" in summary


def test_the_seed_repeats_what_was_drawn(failed: PytestRun, project: Project) -> None:
    project.write(bad__turnwire__yaml=BAD.partition("  - name: Transport")[0].rstrip() + "\n")
    again = project.run("--turnwire-seed", "7")
    other = project.run("--turnwire-seed", "8")
    orders = [
        run.output.partition("Where is order ")[2].partition("?")[0]
        for run in (failed, again, other)
    ]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0].isdecimal()


def test_a_suite_that_cannot_be_loaded_says_all_that_is_wrong(project: Project) -> None:
    project.write(
        wrong__turnwire__yaml="""
            connections: [demo-sse]
            tests:
              - name: One
                steps:
                  - mesage: Hello
                checks: [{contians: x}]
        """,
        test_other__py="def test_it(): ...",
    )
    run = project.run("--continue-on-collection-errors")
    assert run.counts == {"passed": 1, "error": 1}
    assert "ERROR collecting wrong.turnwire.yaml" in run.output
    assert "wrong.turnwire.yaml:6: $.tests[0].steps[0]" in run.output
    assert "wrong.turnwire.yaml:7: $.tests[0].checks[0]" in run.output
    assert "Traceback" not in run.output


def test_what_a_message_advises_are_options_of_pytest(project: Project) -> None:
    nowhere = SHOP.replace("    connections: [demo-sse, demo-http]\n", "")
    project.write(nowhere__turnwire__yaml=nowhere, unknown__turnwire__yaml=UNKNOWN)
    run = project.run("--continue-on-collection-errors")
    assert run.counts == {"failed": 1, "error": 1}, run.output
    assert "or with --turnwire-connection." in run.output
    assert "There is no connection 'staging'. Known here: demo-" in run.output
    assert "Or name a config file: --turnwire-config" in run.output


def test_two_config_files_are_not_guessed_between(project: Project) -> None:
    project.write(unknown__turnwire__yaml=UNKNOWN, turnwire__json="{}", turnwire__yaml="")
    run = project.run()
    assert run.counts == {"failed": 1}, run.output
    assert "config error: turnwire.json: $: There is turnwire.yaml beside it." in run.output


def test_only_skips_the_others_of_all_suites(project: Project) -> None:
    project.write(shop__turnwire__yaml=SHOP)
    project.write(one__turnwire__yaml=SHOP.replace("tags:", "only: true\n        tags:"))
    run = project.run("-rs")
    assert run.counts == {"passed": 2, "skipped": 14}, run.output
    assert "another test of this run says 'only'" in run.output


def test_autouse_fixtures_are_set_up_for_suites_too(project: Project) -> None:
    project.write(
        conftest__py="""
            import os
            import pytest

            @pytest.fixture(scope="session", autouse=True)
            def target(assistant):
                os.environ["TARGET"] = assistant.url
                yield
                print("the target is gone")

            @pytest.fixture(scope="module", autouse=True)
            def _module(request):
                print(request.module.__name__)
        """,
        turnwire__yaml="""
            connections:
              bot: {base_url: "${TARGET}/chat", responseFieldPath: reply}
        """,
        bot__turnwire__yaml="""
            connections: [bot]
            tests:
              - name: Talks
                steps: [{message: Hello}]
                checks: [{contains: Hello}]
        """,
    )
    run = project.run("-W", "error", "-s")
    assert run.counts == {"passed": 1}, run.output
    assert "the target is gone" in run.output


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_fixture_of_anyio_may_live_across_a_suite(project: Project, backend: str) -> None:
    project.write(
        conftest__py="""
            import pytest

            @pytest.fixture(scope="session")
            def anyio_backend():
                return "BACKEND"

            @pytest.fixture(scope="session", autouse=True)
            async def something(anyio_backend):
                yield "alive"
        """.replace("BACKEND", backend),
        a_test__py="""
            import pytest

            @pytest.mark.anyio
            async def test_before(something): ...
        """,
        b__turnwire__yaml=SHOP,
        c_test__py="""
            import pytest

            @pytest.mark.anyio
            async def test_after(something, conversation):
                assert (await conversation.send("Hello")).ok
        """,
    )
    run = project.run("-W", "error", "-k", "test or opening")
    assert run.counts == {"passed": 4}, run.output


def test_a_run_log_has_the_tests(project: Project) -> None:
    project.write(shop__turnwire__yaml=SHOP)
    project.run("--turnwire-log", "run.jsonl", "--turnwire-seed", "3")
    entries = [json.loads(line) for line in (project.folder / "run.jsonl").read_text().splitlines()]
    assert entries[0]["seed"] == 3
    assert entries[0]["suites"] == [str(project.folder / "shop.turnwire.yaml")]
    finished = [entry for entry in entries if entry["type"] == "test_finished"]
    assert [entry["status"] for entry in finished].count("passed") == 6
    assert [entry["status"] for entry in finished].count("skipped") == 2
    assert entries[-1]["counts"] == {"passed": 6, "failed": 0, "error": 0, "skipped": 2}
    assert entries[-1]["exitCode"] == 0


def test_conversations_of_suites_and_of_tests_in_python_are_recorded(project: Project) -> None:
    project.write(
        shop__turnwire__yaml=SHOP,
        test_python__py="""
            import pytest

            @pytest.mark.anyio
            async def test_talks(conversation):
                assert (await conversation.send("Hello")).ok
        """,
    )
    run = project.run("--turnwire-record", "tapes", "-k", "talks and asyncio or opening")
    recordings = load_recordings(project.folder / "tapes")
    assert len(recordings) == run.counts["passed"], run.output
    assert all(one.complete and one.outcomes[0].ok for one in recordings)
    tests = [one.test or "" for one in recordings]
    assert "test_python.py::test_talks[asyncio]" in tests
    assert any(test.startswith("shop::") for test in tests)


def test_a_folder_of_recordings_that_cannot_be_made_fails_what_would_be_in_it(
    project: Project,
) -> None:
    project.write(shop__turnwire__yaml=SHOP)
    (project.folder / "tapes").write_text("")
    run = project.run("--turnwire-record", "tapes", "-k", "opening")
    assert "passed" not in run.counts
    assert "Cannot make the folder" in run.output


def test_in_one_run_log_two_suites_of_one_name_are_refused(project: Project) -> None:
    for name in ("a", "b"):
        project.write(**{f"{name}__turnwire__yaml": f"name: shop\n{dedent(SHOP)}"})
    assert project.run("--collect-only").code == 0
    run = project.run("--collect-only", "--turnwire-log", "runs/")
    assert "a suite named 'shop' too" in run.output
    assert run.code == 2
