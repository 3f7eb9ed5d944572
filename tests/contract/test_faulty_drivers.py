"""The contract kit finds what is wrong with a driver, and nothing wrong with a sound one."""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from support import faulty_contract

FAULTS = {
    "TestLeavesSocketsOpen": ["test_conversations_leave_nothing_behind"],
    "TestLeavesThreads": [
        "test_conversations_leave_nothing_behind",
        "test_a_session_that_is_never_used_leaves_nothing_behind",
    ],
    "TestRaisesOSErrorAndNeverGivesUpConnecting": [
        "test_a_port_where_nobody_listens_is_a_connect_error",
        "test_a_target_that_lets_nobody_in_is_given_up",
    ],
    "TestRaisesExceptionGroups": ["test_a_drop_before_anything_came_is_a_broken_stream"],
    "TestMixesTurns": ["test_nothing_of_a_turn_that_was_broken_off_reaches_the_next"],
    "TestHangsOnClose": ["test_a_target_that_takes_no_part_in_closing_is_dropped"],
    "TestSaysNothing": ["test_a_port_where_nobody_listens_is_a_connect_error"],
    "TestNamesTheWrongPhase": ["test_a_port_where_nobody_listens_is_a_connect_error"],
    "TestSharesStateBetweenConversations": ["test_conversations_at_once_do_not_mix"],
    "TestSwallowsCancellation": ["test_a_cancelled_turn_leaves_nothing_and_the_next_one_works"],
    "TestReadsOnWhenCancelled": ["test_a_cancelled_turn_leaves_nothing_and_the_next_one_works"],
    "TestBatchesFramesToTheEnd": ["test_what_the_target_sends_arrives_before_it_sends_more"],
    "TestHidesSignsOfLife": ["test_a_part_of_a_frame_is_a_sign_of_life"],
    "TestStampsWhatItHasParsed": ["test_the_frames_of_one_read_have_one_stamp"],
    "TestStampsWhenItIsAsked": ["test_a_frame_that_waited_keeps_the_time_of_its_arrival"],
    "TestTakesFramesOfAnySize": [
        "test_a_frame_that_is_too_large_is_refused",
        "test_a_frame_that_never_ends_is_refused_before_its_end",
    ],
    "TestTellsSecrets": ["test_a_breach_shows_no_secret"],
    "TestEndsOnce": ["test_the_end_of_a_stream_is_told_again_to_who_asks_again"],
    "TestTakesADropForAnEnd": ["test_a_drop_in_mid_stream_keeps_what_had_arrived"],
    "TestReordersFrames": ["test_frames_come_in_the_order_in_which_they_were_sent"],
    "TestDecodesEachReadByItself": ["test_a_reply_may_be_cut_anywhere_on_its_way"],
    "TestSendsABodyOfItsOwn": ["test_the_body_is_the_one_that_the_connection_asks_for"],
    "TestHidesTheWire": ["test_the_wire_is_shown_to_who_looks_at_it"],
    "TestHasLooseOptions": [
        "test_the_driver_and_its_options_are_documented",
        "test_the_options_name_no_reply_rule_and_cannot_be_changed",
    ],
    "TestHasAnotherName": ["test_the_hook_gives_the_driver_of_the_protocol"],
    "TestRemembersAConnection": ["test_one_driver_serves_two_connections_and_keeps_neither"],
}
"""Each faulty driver, and the tests that find its fault."""

SOUND = "TestSound"

FILE = Path(faulty_contract.__file__)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], str]:
    """(class, test) → how it ended, after one run of everything that the table names."""
    report = tmp_path_factory.mktemp("faulty") / "report.xml"
    wanted = [f"{FILE}::{name}::{test}" for name, tests in FAULTS.items() for test in tests]
    wanted += sorted({f"{FILE}::{SOUND}::{test}" for tests in FAULTS.values() for test in tests})
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=line"),
            *("-p", "no:xdist", f"--junitxml={report}", *wanted),
        ],
        cwd=FILE.parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert report.exists(), done.stdout + done.stderr
    outcomes: dict[tuple[str, str], str] = {}
    for case in ET.parse(report).iter("testcase"):
        how = {one.tag for one in case}
        # A test that fails may also be an error at its end, and is then listed twice.
        where = (case.attrib["classname"].rpartition(".")[2], case.attrib["name"])
        if outcomes.get(where) != "failure":
            outcomes[where] = "failure" if "failure" in how else min(how, default="passed")
    return outcomes


def test_nothing_is_wrong_with_a_sound_driver(outcomes: dict[tuple[str, str], str]) -> None:
    found = {test: how for (name, test), how in outcomes.items() if name == SOUND}
    assert found.pop("test_a_frame_that_waited_keeps_the_time_of_its_arrival[asyncio]") == "skipped"
    assert found.pop("test_a_frame_that_waited_keeps_the_time_of_its_arrival[trio]") == "skipped"
    assert len(found) > 40
    assert {test: how for test, how in found.items() if how != "passed"} == {}


def test_every_faulty_driver_is_in_the_table() -> None:
    written = {name for name in vars(faulty_contract) if name.startswith("Test")}
    assert written == {*FAULTS, SOUND}


@pytest.mark.parametrize(
    ("name", "test"), [(name, test) for name, tests in FAULTS.items() for test in tests]
)
def test_a_fault_is_found(name: str, test: str, outcomes: dict[tuple[str, str], str]) -> None:
    """On both event loops, where the test is one of I/O."""
    found = {
        case: how
        for (class_name, case), how in outcomes.items()
        if class_name == name and case.partition("[")[0] == test
    }
    assert len(found) in (1, 2)
    # An error is a test that could not even be cleaned up after.
    assert set(found.values()) <= {"failure", "error"}, found
