"""Kinds of third parties: found by entry point, and named when something is wrong with them.

The distributions here are made on the spot: a folder on ``sys.path`` with the metadata that an
installer would have written.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from support.checking import check
from turnwire.checks.contract import CheckError
from turnwire.kinds import Kinds
from turnwire_core import PluginError
from turnwire_core.config import Findings

pytestmark = pytest.mark.anyio

PLUGIN = """
import attrs
from turnwire.checks.contract import Check, CheckResult
from turnwire.steps.contract import Step
from turnwire_core import hookimpl
from turnwire_core.contracts.connection import option

@attrs.frozen
class PolitenessOptions:
    words: tuple[str, ...] = option("Words that are polite.", ("please",))

class Politeness(Check):
    kind = "politeness"
    options = PolitenessOptions
    shorthand = "words"
    doc = "The reply is polite."
    async def evaluate(self, options, context):
        found = [word for word in options.words if word in context.last.reply.content]
        return CheckResult(bool(found), " or ".join(options.words), ", ".join(found) or "none")

class Breaks(Check):
    kind = "breaks"
    async def evaluate(self, options, context):
        raise RuntimeError("no luck")

class Leaves(Check):
    kind = "leaves"
    async def evaluate(self, options, context):
        raise SystemExit(3)

class Mute(Check):
    kind = "mute"
    async def evaluate(self, options, context):
        return True

class Wait(Step):
    kind = "wait_for_it"
    async def run(self, options, test):
        pass

@hookimpl
def turnwire_checks():
    return [Politeness(), Breaks(), Leaves(), Mute()]

@hookimpl
def turnwire_steps():
    return [Wait()]
"""

ONE_CHECK = """
from turnwire.checks.contract import Check
from turnwire_core import hookimpl

class Own(Check):
    kind = {kind!r}
    {more}
    async def evaluate(self, options, context):
        raise NotImplementedError

@hookimpl
def turnwire_checks():
    return {returned}
"""


def one_check(kind: str = "own", *, more: str = "pass", returned: str = "[Own()]") -> str:
    return ONE_CHECK.format(kind=kind, more=more, returned=returned)


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install("name", "1.2", source)``: a distribution with one plugin module."""
    modules = set(sys.modules)

    def install(distribution: str, version: str, source: str, name: str = "own") -> None:
        folder = tmp_path / distribution
        module = distribution.replace("-", "_")
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        (folder / f"{module}.py").write_text(source)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n"
        )
        (info / "entry_points.txt").write_text(f"[turnwire.runner]\n{name} = {module}\n")
        monkeypatch.syspath_prepend(str(folder))

    yield install
    for name in set(sys.modules) - modules:
        if not name.startswith("turnwire."):  # ours are imported when they are first used
            del sys.modules[name]


async def test_an_installed_kind_is_used_like_our_own(install: Install) -> None:
    install("acme-checks", "1.2", PLUGIN)
    kinds = Kinds()
    assert (await check({"politeness": True}, "please do", kinds=kinds)).passed
    result = await check({"politeness": ["kindly", "please"]}, "do it", kinds=kinds)
    assert (result.passed, result.expected, result.actual) == (False, "kindly or please", "none")
    with pytest.raises(Findings) as caught:
        await check({"politeness": {"word": "x"}}, "do it", kinds=kinds)
    assert caught.value.findings[0].hint == "Did you mean 'words'?"
    assert kinds.step("waitForIt").kind == "wait_for_it"
    assert "politeness" in kinds.checks()
    assert "wait_for_it" in kinds.steps()


async def test_nothing_is_imported_before_a_kind_is_asked_for(install: Install) -> None:
    install("acme-checks", "1.2", PLUGIN)
    kinds = Kinds()
    assert "acme_checks" not in sys.modules
    kinds.check("contains")
    assert "acme_checks" in sys.modules


async def test_what_is_installed_is_looked_for_once(install: Install) -> None:
    first = Kinds.installed()
    assert Kinds.installed() is first
    install("acme-checks", "1.2", PLUGIN)
    assert Kinds.installed() is not first
    assert "politeness" in Kinds.installed().checks()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("breaks", "The check 'breaks' is broken: RuntimeError: no luck"),
        ("leaves", "The check 'leaves' is broken: SystemExit: 3"),
        ("mute", "The check 'mute' is broken: it returned no CheckResult."),
    ],
)
async def test_a_kind_that_breaks_when_it_is_asked_is_an_error_of_the_plugin(
    install: Install, kind: str, message: str
) -> None:
    install("acme-checks", "1.2", PLUGIN)
    with pytest.raises(CheckError, match=message) as caught:
        await check({kind: True, "not": True}, "x", kinds=Kinds())
    assert caught.value.kind == "plugin"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
        ("import no_such_module_at_all", "ModuleNotFoundError: No module named 'no_such_mod"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("x = (", "SyntaxError: '(' was never closed"),
        ("x = 1", "It has no hook 'turnwire_checks' or 'turnwire_steps' that returns kinds."),
        (one_check(returned="1 / 0"), "ZeroDivisionError"),
        (one_check(returned="None"), "It has no hook"),
        (one_check(returned="[3]"), "It returned 3, which is no Check with a kind."),
        (
            one_check(returned="[Own]"),
            "It returned <class 'acme_checks.Own'>, which is no",
        ),
        (one_check(returned="[Own(), Own()]"), "It has 'own' twice."),
        (one_check(""), "which is no Check with a kind."),
        (one_check("name"), "Its 'name' is a key that all kinds have."),
        (one_check(more="options = dict"), "The options of its 'own' are no attrs class."),
        (one_check(more="shorthand = 'x'"), "The shorthand 'x' of its 'own' is none of its opt"),
        (
            one_check() + "\n@hookimpl\ndef turnwire_check():\n    pass\n",
            "PluginValidationError: unknown hook 'turnwire_check'",
        ),
    ],
    ids=lambda value: value.splitlines()[-1][:40],
)
async def test_a_broken_plugin_is_named_with_distribution_version_and_cause(
    install: Install, source: str, cause: str
) -> None:
    install("acme-checks", "3.2.1", source)
    kinds = Kinds()
    (record,) = kinds.plugins()
    assert (record.name, record.distribution, record.version) == ("own", "acme-checks", "3.2.1")
    message = "The plugin 'own' of acme-checks 3.2.1 is broken: "
    assert str(record.error).startswith(message)
    assert cause in str(record.error)
    with pytest.raises(PluginError) as caught:
        await check({"politeness": True}, "x", kinds=kinds)
    assert "There is no check 'politeness'." in str(caught.value)
    assert message in str(caught.value)


async def test_a_broken_plugin_stops_nobody_who_does_not_need_it(install: Install) -> None:
    install("acme-broken", "3.2.1", "raise RuntimeError('no luck')")
    install("acme-checks", "1.2", PLUGIN)
    kinds = Kinds()
    assert (await check({"contains": "x"}, "x", kinds=kinds)).passed
    assert (await check({"politeness": True}, "please", kinds=kinds)).passed
    with pytest.raises(PluginError, match=r"no step 'mesage'.*acme-broken 3\.2\.1"):
        kinds.step("mesage")


async def test_two_plugins_that_claim_one_kind_are_both_named(install: Install) -> None:
    install("acme-one", "1.0", one_check("own_kind"), name="one")
    install("acme-two", "2.0", one_check("ownKind"), name="two")
    kinds = Kinds()
    message = (
        r"The check 'own_kind' is claimed by the plugin 'one' of acme-one 1\.0 and "
        r"the plugin 'two' of acme-two 2\.0\. Uninstall all but one\."
    )
    with pytest.raises(PluginError, match=message):
        await check({"own_kind": True}, "x", kinds=kinds)
    with pytest.raises(PluginError, match="is claimed by"):
        kinds.check("ownKind")
    assert "own_kind" not in kinds.checks()
    assert (await check({"contains": "x"}, "x", kinds=kinds)).passed


async def test_a_plugin_that_claims_one_of_our_kinds_is_named_beside_us(install: Install) -> None:
    install("acme-one", "1.0", one_check("contains"))
    message = r"claimed by turnwire itself and the plugin 'own' of acme-one 1\.0"
    with pytest.raises(PluginError, match=message):
        await check({"contains": "x"}, "x", kinds=Kinds())


async def test_a_kind_that_nobody_has_is_a_finding_while_no_plugin_is_broken() -> None:
    with pytest.raises(KeyError):
        Kinds(discover=False).check("politeness")
    with pytest.raises(KeyError):
        Kinds(discover=False).step("politeness")


async def test_a_plugin_can_be_registered_in_python() -> None:
    module = ModuleType("by_hand")
    exec(PLUGIN, module.__dict__)
    kinds = Kinds(discover=False)
    kinds.check("contains")
    record = kinds.register(module)
    assert (record.name, record.distribution) == ("by_hand", None)
    assert [one.kind for one in record.checks] == ["politeness", "breaks", "leaves", "mute"]
    assert (await check({"politeness": True}, "please", kinds=kinds)).passed
    with pytest.raises(PluginError, match="The plugin 'nothing' is broken: It has no hook"):
        kinds.register(ModuleType("nothing"))
