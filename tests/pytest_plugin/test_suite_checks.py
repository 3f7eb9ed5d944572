"""Checks over a whole suite: an item at the end, which must see all the others."""

from __future__ import annotations

import pytest

from support.pytest_runs import Project

SUITE = """
    connections: [demo-sse]
    tests:
      - name: Hours
        repeat: 4
        steps: [{message: When are you open?}]
        checks: [{verdict: finished}]
    checks:
      - percentiles: {metric: firstTokenMs, p: 95, max: MAX, minSamples: 4}
"""


def suite(*, slowest: int) -> str:
    return SUITE.replace("MAX", str(slowest))


def test_they_are_the_last_item_and_see_all_replies(project: Project) -> None:
    project.write(speed__turnwire__yaml=suite(slowest=5000))
    run = project.run("-v")
    assert run.counts == {"passed": 5}, run.output
    assert list(run.cases)[-1] == "suite-checks"


def test_one_that_does_not_hold_fails_the_item_alone(project: Project) -> None:
    project.write(speed__turnwire__yaml=suite(slowest=1))
    run = project.run("--turnwire-seed", "7")
    assert run.counts == {"passed": 4, "failed": 1}, run.output
    text = str(run.cases["suite-checks"].findtext("failure"))
    assert text.startswith("check failed: percentiles: expected ")
    assert "           at         speed.turnwire.yaml:9: $.checks[0]\n" in text
    assert text.endswith("again: pytest 'speed.turnwire.yaml' --turnwire-seed 7")


def test_too_few_replies_are_an_error(project: Project) -> None:
    project.write(speed__turnwire__yaml=suite(slowest=5000))
    run = project.run("-k", "suite-checks or 2 or 3")
    assert run.counts == {"passed": 2, "failed": 1}, run.output
    assert "config error: percentiles: " in run.output


def test_alone_they_are_an_error(project: Project) -> None:
    project.write(speed__turnwire__yaml=suite(slowest=5000))
    run = project.run("speed.turnwire.yaml::suite-checks")
    assert run.counts == {"failed": 1}, run.output
    assert "None of the suite's tests ran" in run.output


def test_they_come_last_whatever_a_plugin_does_to_the_order(project: Project) -> None:
    project.write(
        speed__turnwire__yaml=suite(slowest=5000),
        conftest__py="def pytest_collection_modifyitems(items): items.reverse()",
        test_other__py="def test_other(): ...",
    )
    run = project.run()
    assert run.counts == {"passed": 6}, run.output
    assert list(run.cases) == [
        "test_other",
        *("hours[demo-sse#4]", "hours[demo-sse#3]", "hours[demo-sse#2]", "hours[demo-sse]"),
        "suite-checks",
    ]


def test_xdist_can_keep_a_suite_in_one_worker(project: Project) -> None:
    project.write(speed__turnwire__yaml=suite(slowest=5000))
    options = ("-n2", "--dist", "loadfile", "--strict-markers", "--turnwire-log", "run.jsonl")
    run = project.run_process(*options, plugins=("turnwire", "xdist"))
    assert run.counts == {"passed": 5}, run.output
    (log,) = project.folder.glob("run-gw*.jsonl")
    assert log.read_text().count('"type":"test_finished"') == 4


def test_spread_over_workers_they_fail_and_say_why(project: Project) -> None:
    project.write(speed__turnwire__yaml=suite(slowest=5000))
    run = project.run_process("-n2", "--dist", "load", plugins=("turnwire", "xdist"))
    assert run.counts == {"passed": 4, "failed": 1}, run.output
    assert "of the 4 tests did not run before it in this process" in run.output
    assert "--dist loadfile" in run.output


@pytest.mark.parametrize("with_xdist", [True, False])
def test_they_share_a_group_of_xdist_where_it_is_installed(
    project: Project, with_xdist: bool
) -> None:
    project.write(
        speed__turnwire__yaml=suite(slowest=5000),
        conftest__py="""
            import pytest

            @pytest.hookimpl(trylast=True)
            def pytest_collection_modifyitems(items):
                marks = [item.get_closest_marker("xdist_group") for item in items]
                print("groups:", *sorted({str(mark and mark.args) for mark in marks}))
        """,
    )
    plugins = ("turnwire", *(["xdist"] if with_xdist else []))
    run = project.run("--collect-only", "--strict-markers", "-s", plugins=plugins)
    assert run.code == 0, run.output
    group = "('turnwire-speed.turnwire.yaml',)" if with_xdist else "None"
    assert f"groups: {group}\n" in run.output
