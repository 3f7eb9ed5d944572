"""Checks that a tester writes in Python."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.checking import check, written
from turnwire.checks.contract import CheckError, CheckResult
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio

SOURCE = """
from __future__ import annotations
import dataclasses
import sys
import threading
import anyio, pytest
from turnwire.checks import CheckContext, CheckResult, CheckError

@dataclasses.dataclass
class Price:
    euros: int

def yes(context: CheckContext): return True
def no(context): return False
def silent(context): assert "euros" in context.last.reply.content
def why_not(context): return "the price is missing"
def result(context): return CheckResult(True, "a", "b", score=0.5)
def asserts(context):
    assert "dollars" in context.last.reply.content, "no dollars were named"
def bare(context):
    assert Price(3).euros == 4
def breaks(context): return {}["price"]
def leaves(context): sys.exit(3)
def fails(context): pytest.fail("not like that")
def number(context): return 1
def refuses(context): raise CheckError("cannot say", kind="judge")
def wants(context, *, low, unit="euros"): return f"{low} {unit}"
def thread(context): return str(threading.get_ident())
async def waits(context):
    await anyio.lowlevel.checkpoint()
    return "waited"
async def breaks_later(context):
    await anyio.lowlevel.checkpoint()
    raise ValueError("too late")
async def leaves_later(context):
    sys.exit(4)
not_a_function = 3
"""


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    (tmp_path / "checks_shop.py").write_text(SOURCE)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "prices.py").write_text("def yes(context): return True\n")
    return tmp_path


async def ask(suite: Path, function: str, **args: Any) -> CheckResult:
    raw: dict[str, Any] = {"python": function}
    if args:
        raw["args"] = args
    return await check(raw, "It costs 30 euros.", directory=suite)


@pytest.mark.parametrize("name", ["yes", "silent", "result"])
async def test_holds(suite: Path, name: str) -> None:
    assert (await ask(suite, f"checks_shop:{name}")).passed


async def test_a_dot_is_a_folder(suite: Path) -> None:
    assert (await ask(suite, "more.prices:yes")).passed


async def test_a_result_of_its_own_is_taken_as_it_is(suite: Path) -> None:
    assert await ask(suite, "checks_shop:result") == CheckResult(True, "a", "b", score=0.5)


@pytest.mark.parametrize(
    ("name", "actual"),
    [
        ("no", 'False, for "It costs 30 euros."'),
        ("why_not", "the price is missing"),
        ("asserts", "no dollars were named"),
        ("bare", "assert Price(3).euros == 4 (line 21 of checks_shop.py)"),
        ("waits", "waited"),
    ],
)
async def test_does_not_hold_and_says_why(suite: Path, name: str, actual: str) -> None:
    result = await ask(suite, f"checks_shop:{name}")
    assert not result.passed
    assert result.expected == f"checks_shop:{name} to hold"
    assert result.actual == actual


async def test_it_takes_arguments(suite: Path) -> None:
    assert (await ask(suite, "checks_shop:wants", low=3)).actual == "3 euros"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("breaks", "failed itself at line 22 of checks_shop.py: KeyError: 'price'"),
        ("breaks_later", "of checks_shop.py: ValueError: too late"),
        ("leaves", "SystemExit: 3"),
        ("fails", "Failed: not like that"),
        ("leaves_later", "SystemExit: 4"),
        ("number", "returned a int; it returns True, False, None"),
        (
            "wants",
            "wants' failed itself: TypeError: wants() missing 1 required keyword-only argument",
        ),
    ],
)
async def test_one_that_breaks_is_an_error_of_the_plugin(
    suite: Path, name: str, message: str
) -> None:
    with pytest.raises(CheckError) as caught:
        await ask(suite, f"checks_shop:{name}")
    assert message in str(caught.value)
    assert caught.value.kind == "plugin"


async def test_it_may_say_itself_that_it_cannot_tell(suite: Path) -> None:
    with pytest.raises(CheckError, match="cannot say") as caught:
        await ask(suite, "checks_shop:refuses")
    assert caught.value.kind == "judge"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nowhere:yes", "there is no such file"),
        ("checks_shop:gone", "There is no function 'gone'"),
        ("checks_shop:not_a_function", "There is no function 'not_a_function'"),
    ],
)
async def test_one_that_is_not_there_is_an_error_of_the_suite(
    suite: Path, function: str, message: str
) -> None:
    with pytest.raises(CheckError, match=message) as caught:
        await ask(suite, function)
    assert caught.value.kind == "config"


@pytest.mark.parametrize("function", ["yes", "../secrets:yes", "a:b:c", "a/b:c", ".a:b", "a:"])
def test_what_names_no_function_is_refused_when_it_is_read(function: str) -> None:
    with pytest.raises(Findings):
        written({"python": function})


async def test_a_file_that_cannot_be_imported_leaves_nothing_behind(suite: Path) -> None:
    (suite / "broken.py").write_text("import no_such_module_anywhere\n")
    with pytest.raises(CheckError, match=r"line 1 of broken\.py: ModuleNotFoundError") as caught:
        await ask(suite, "broken:yes")
    assert caught.value.kind == "plugin"
    assert not [name for name in sys.modules if "broken" in name and name.startswith("_turnwire")]


async def test_a_file_with_a_broken_syntax_is_named_with_its_line(suite: Path) -> None:
    (suite / "broken.py").write_text("x = 1\ndef yes(context:\n")
    with pytest.raises(CheckError, match=r"at line 2 of broken\.py: SyntaxError"):
        await ask(suite, "broken:yes")


async def test_the_import_path_stays_as_it_was(suite: Path) -> None:
    before = list(sys.path)
    await ask(suite, "checks_shop:yes")
    assert sys.path == before
    assert "checks_shop" not in sys.modules


async def test_a_file_is_imported_once_and_again_when_it_has_changed(suite: Path) -> None:
    file = suite / "counted.py"
    file.write_text(
        "import pathlib\nwith open(__file__ + '.log', 'a') as log: log.write('x')\n"
        "def yes(context): return True\n"
    )
    for _ in range(3):
        await ask(suite, "counted:yes")
    assert (suite / "counted.py.log").read_text() == "x"
    stamp = file.stat().st_mtime_ns + 1_000_000_000
    os.utime(file, ns=(stamp, stamp))
    await ask(suite, "counted:yes")
    assert (suite / "counted.py.log").read_text() == "xx"


async def test_two_suites_may_each_have_a_file_of_the_same_name(suite: Path) -> None:
    other = suite / "other"
    other.mkdir()
    (other / "checks_shop.py").write_text("def yes(context): return 'the other one'\n")
    assert (await ask(suite, "checks_shop:yes")).passed
    assert (await ask(other, "checks_shop:yes")).actual == "the other one"


async def test_a_sync_function_does_not_hold_up_the_event_loop(suite: Path) -> None:
    assert (await ask(suite, "checks_shop:thread")).actual != str(threading.get_ident())


async def test_a_function_that_never_returns_ends_with_its_test(suite: Path) -> None:
    (suite / "stuck.py").write_text(
        "import threading\nevent = threading.Event()\ndef waits(context):\n    event.wait(20)\n"
    )
    with anyio.move_on_after(0.2) as scope:
        await ask(suite, "stuck:waits")
    assert scope.cancelled_caught
    for name, module in sys.modules.items():
        if name.startswith("_turnwire_stuck"):
            module.event.set()
