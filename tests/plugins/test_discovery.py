"""Finding drivers by entry point: lazily, and with a message for each way that it goes wrong.

The distributions here are made on the spot: a folder on ``sys.path`` with the metadata that an
installer would have written.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from turnwire_core import (
    API_VERSION,
    Driver,
    DriverConflict,
    DriverLoadError,
    DriverNotFound,
    DriverVersionError,
    PluginError,
    Plugins,
    hookimpl,
    load_config,
    parse_connection,
)

DRIVER = """
import attrs
from turnwire_core import API_VERSION, Driver, hookimpl

class TheDriver(Driver):
    name = {protocol!r}
    api_version = {api_version}
    {more}
    def connect(self, connection, options):
        raise NotImplementedError

@hookimpl
def turnwire_driver():
    return TheDriver()

@hookimpl
def turnwire_presets():
    return {{"{protocol}-preset": {{"timeoutMs": 1234}}}}
"""


def driver_source(protocol: str, *, api_version: str = "API_VERSION", more: str = "pass") -> str:
    return DRIVER.format(protocol=protocol, api_version=api_version, more=more)


Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install("name", "1.2", protocol="x", source=…)``: a distribution with one driver module."""
    monkeypatch.syspath_prepend(str(tmp_path))
    before = set(sys.modules)

    def make(
        name: str,
        version: str = "1.0",
        *,
        protocol: str,
        source: str | None = "",
        target: str | None = None,
        metadata: bool = True,
    ) -> None:
        module = f"{name.replace('-', '_')}_module"
        info = tmp_path / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        if metadata:
            head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (info / "METADATA").write_text(head)
        entry = f"[turnwire.drivers]\n{protocol} = {target or module}\n"
        (info / "entry_points.txt").write_text(entry)
        if source is not None:
            (tmp_path / f"{module}.py").write_text(source)

    yield make
    for added in set(sys.modules) - before:
        if added.endswith("_module"):
            del sys.modules[added]


@pytest.fixture(autouse=True)
def _no_memory_of_other_installations() -> None:
    from turnwire_core import announcements

    announcements._announced.cache_clear()


def test_listing_the_protocols_imports_no_driver(install: Install) -> None:
    install("lazy-one", protocol="lazy", source="raise AssertionError('imported')")
    assert "lazy" in Plugins().protocols()
    assert "lazy_one_module" not in sys.modules


def test_metadata_is_read_once_however_often_plugins_are_made(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("known", protocol="known", source=driver_source("known"))
    Plugins()

    def read_again(self: object, name: str) -> str:
        raise AssertionError(f"{name} is read again")

    monkeypatch.setattr(importlib.metadata.PathDistribution, "read_text", read_again)
    assert Plugins().driver("known").name == "known"


def test_asking_for_one_driver_imports_only_that_one(install: Install) -> None:
    install("wanted", protocol="wanted", source=driver_source("wanted"))
    install("unwanted", protocol="unwanted", source="raise AssertionError('imported')")
    driver = Plugins().driver("wanted")
    assert isinstance(driver, Driver)
    assert driver.name == "wanted"
    assert "unwanted_module" not in sys.modules


def test_a_driver_is_made_once(install: Install) -> None:
    install("once", protocol="once", source=driver_source("once"))
    plugins = Plugins()
    assert plugins.driver("once") is plugins.driver("once")


def test_a_missing_driver_of_ours_says_what_to_install_and_what_is_installed() -> None:
    with pytest.raises(DriverNotFound) as caught:
        Plugins(discover=False).driver("sse")
    assert str(caught.value) == (
        "No driver for protocol 'sse'. Install it: pip install turnwire-sse. Installed: none."
    )


def test_a_missing_driver_of_somebody_else_names_the_nearest(install: Install) -> None:
    install("carrier", protocol="pigeon", source=driver_source("pigeon"))
    with pytest.raises(DriverNotFound) as caught:
        Plugins().driver("pidgeon")
    message = str(caught.value)
    assert message.startswith("No driver for protocol 'pidgeon'. Did you mean 'pigeon'?")
    assert "pigeon" in message.partition("Installed: ")[2]


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("import no_such_library", "ModuleNotFoundError: No module named 'no_such_library'"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("def broken(:", "SyntaxError"),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
    ],
)
def test_a_driver_that_breaks_at_import_is_named_with_distribution_version_and_cause(
    install: Install, source: str, cause: str
) -> None:
    install("broken-one", "3.1", protocol="broken", source=source)
    with pytest.raises(DriverLoadError) as caught:
        Plugins().driver("broken")
    assert "The driver for 'broken', of broken-one 3.1, is broken: " in str(caught.value)
    assert cause in str(caught.value)
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        ("", "has no hook 'turnwire_driver'"),
        (
            "from turnwire_core import hookimpl\n@hookimpl\ndef turnwire_driver(): return None",
            "has no hook 'turnwire_driver' that returns a driver",
        ),
        (
            "from turnwire_core import hookimpl\n@hookimpl\ndef turnwire_driver(): return 1 / 0",
            "ZeroDivisionError: division by zero",
        ),
        (
            "from turnwire_core import hookimpl\n@hookimpl\ndef turnwire_drivr(): return None",
            "unknown hook 'turnwire_drivr'",
        ),
        (
            "from turnwire_core import API_VERSION, hookimpl\n"
            "class Odd: api_version = API_VERSION\n"
            "@hookimpl\ndef turnwire_driver(): return Odd()",
            "returned a Odd, which is no turnwire_core.Driver",
        ),
        (driver_source("x", more="options = dict"), "has options that are no attrs class"),
        (
            driver_source(
                "x",
                more="options = attrs.make_class('Options', {'content_path': "
                "attrs.field(default=None, metadata={'doc': 'mine', 'aliases': ()})})",
            ),
            "has options that are the core's reply rules: contentPath, content_path",
        ),
    ],
    ids=["empty", "none", "raises", "misspelt", "no driver", "options", "shadowing"],
)
def test_a_driver_that_cannot_be_made_is_named_with_its_cause(
    install: Install, source: str, cause: str
) -> None:
    install("unmade", "0.2", protocol="unmade", source=source)
    with pytest.raises(DriverLoadError) as caught:
        Plugins().driver("unmade")
    assert "of unmade 0.2," in str(caught.value)
    assert cause in str(caught.value)


def test_an_entry_point_that_leads_nowhere_is_a_load_error(install: Install) -> None:
    install("nowhere", protocol="nowhere", source=None)
    install("halfway", protocol="halfway", target="halfway_module:missing")
    for protocol in ("nowhere", "halfway"):
        with pytest.raises(DriverLoadError, match=f"of {protocol} 1.0, is broken"):
            Plugins().driver(protocol)


def test_two_distributions_that_claim_one_protocol_are_both_named(install: Install) -> None:
    install("first-claim", "1.0", protocol="claimed", source=driver_source("claimed"))
    install("second-claim", "2.0", protocol="claimed", source=driver_source("claimed"))
    with pytest.raises(DriverConflict) as caught:
        Plugins().driver("claimed")
    assert str(caught.value) == (
        "Several distributions claim the protocol 'claimed': first-claim 1.0 and "
        "second-claim 2.0. Uninstall all but one."
    )


@pytest.mark.parametrize("version", [str(API_VERSION + 1), "0", "'1'", "None"])
def test_a_driver_for_another_version_of_the_contracts_says_so(
    install: Install, version: str
) -> None:
    source = driver_source("other", api_version=version)
    install("other-age", "9.9", protocol="other", source=source)
    with pytest.raises(DriverVersionError) as caught:
        Plugins().driver("other")
    assert "of other-age 9.9, was built for api_version" in str(caught.value)
    assert f"this turnwire-core has {API_VERSION}" in str(caught.value)


def test_what_is_broken_stays_broken_and_says_the_same_again(install: Install) -> None:
    install("broken-twice", protocol="twice", source="import no_such_library")
    plugins = Plugins()
    messages = set()
    for _ in range(2):
        with pytest.raises(DriverLoadError) as caught:
            plugins.driver("twice")
        messages.add(str(caught.value))
    assert len(messages) == 1


def test_the_inventory_lists_everything_and_never_raises(install: Install) -> None:
    install("fine", "1.5", protocol="a-fine", source=driver_source("a-fine"))
    install("quitter", protocol="b-quits", source="import sys; sys.exit(3)")
    install(
        "optionless", protocol="c-options", source=driver_source("c-options", more="options = int")
    )
    install("twin-a", protocol="d-twins", source="")
    install("twin-b", protocol="d-twins", source="")
    install("nameless", protocol="e-nameless", source=driver_source("e-nameless"), metadata=False)
    records = {record.protocol: record for record in Plugins().inventory()}
    assert records["a-fine"].distributions == (("fine", "1.5"),)
    assert records["a-fine"].driver is not None
    assert records["a-fine"].error is None
    for protocol in ("b-quits", "c-options", "d-twins"):
        assert records[protocol].driver is None
        assert isinstance(records[protocol].error, PluginError)
    assert len(records["d-twins"].distributions) == 2
    assert records["e-nameless"].driver is not None
    assert records["e-nameless"].distributions == (("an unknown distribution", "?"),)


def test_a_stranger_with_unreadable_metadata_is_nobody_elses_trouble(
    install: Install, tmp_path: Path
) -> None:
    install("fine", protocol="fine", source=driver_source("fine"))
    stranger = tmp_path / "stranger-1.0.dist-info"
    stranger.mkdir()
    (stranger / "entry_points.txt").write_text("[turnwire.drivers]\nno equals sign here\n")
    plugins = Plugins()
    assert "fine" in plugins.protocols()
    assert plugins.driver("fine").name == "fine"


def test_a_broken_driver_stops_only_the_connection_that_wants_it(
    install: Install, tmp_path: Path
) -> None:
    install("fine", protocol="fine", source=driver_source("fine"))
    install("broken-one", protocol="broken", source="import no_such_library")
    file = tmp_path / "connections.json"
    file.write_text(
        '{"connections": {"good": {"base_url": "http://a.example", "protocol": "fine"},'
        ' "bad": {"base_url": "http://b.example", "protocol": "broken"}}}'
    )
    config = load_config(file)
    assert list(config.connections) == ["good"]
    assert list(config.unavailable) == ["bad"]
    assert config.connection("good").protocol == "fine"
    with pytest.raises(DriverLoadError, match=r"broken-one 1\.0"):
        config.connection("bad")


def test_only_the_connections_that_are_asked_for_import_their_drivers(
    install: Install, tmp_path: Path
) -> None:
    install("fine", protocol="fine", source=driver_source("fine"))
    install("unread", protocol="unread", source="raise AssertionError('imported')")
    file = tmp_path / "connections.json"
    file.write_text(
        '{"connections": {"good": {"base_url": "http://a.example", "protocol": "fine"},'
        ' "other": {"base_url": "http://b.example", "protocol": "unread"}}}'
    )
    config = load_config(file, only=["good"])
    assert list(config.connections) == ["good"]
    assert not config.unavailable
    assert "unread_module" not in sys.modules


# --- registering by hand -------------------------------------------------------------------------


def plugin(protocol: str) -> ModuleType:
    module = ModuleType(f"plugin_{protocol}")
    exec(driver_source(protocol), vars(module))
    return module


def test_a_module_can_be_registered_under_a_name() -> None:
    plugins = Plugins(discover=False)
    module = plugin("hand")
    driver = plugins.register(module, "made-by-hand")
    assert plugins.protocols() == ["made-by-hand"]
    assert plugins.driver("made-by-hand") is driver
    assert plugins.presets("made-by-hand") == {"hand-preset": {"timeoutMs": 1234}}


def test_without_a_name_a_plugin_is_registered_under_its_drivers_own() -> None:
    plugins = Plugins(discover=False)
    plugins.register(plugin("hand"))
    assert plugins.protocols() == ["hand"]
    assert plugins.preset("hand-preset", "hand") == {"timeoutMs": 1234}
    assert plugins.preset("hand-preset") == {"timeoutMs": 1234}


def test_an_object_with_hooks_is_a_plugin_too() -> None:
    class Plain(Driver):  # type: ignore[type-arg] # as a newcomer would write it
        name = "plain"
        api_version = API_VERSION

        def connect(self, connection, options):  # type: ignore[no-untyped-def]
            raise NotImplementedError

    class AsObject:
        @hookimpl
        def turnwire_driver(self) -> Plain:
            return Plain()

    plugins = Plugins(discover=False)
    assert plugins.register(AsObject()).name == "plain"
    connection = parse_connection(
        {"base_url": "http://a.example", "protocol": "plain"}, plugins=plugins
    )
    assert connection.protocol == "plain"


def test_what_is_registered_by_hand_must_be_a_driver_too() -> None:
    plugins = Plugins(discover=False)
    with pytest.raises(DriverLoadError, match="has no hook 'turnwire_driver'"):
        plugins.register(ModuleType("empty"), "empty")
    assert plugins.protocols() == []


# --- presets -------------------------------------------------------------------------------------


def test_presets_come_from_every_driver_that_works(install: Install) -> None:
    install("fine", protocol="fine", source=driver_source("fine"))
    install("broken-one", protocol="broken", source="import no_such_library")
    assert Plugins().presets()["fine-preset"] == {"timeoutMs": 1234}


def test_an_unknown_preset_lists_what_is_known() -> None:
    plugins = Plugins(discover=False)
    plugins.register(plugin("hand"))
    with pytest.raises(KeyError) as caught:
        plugins.preset("nothing", "hand")
    assert caught.value.args == ("nothing", "hand-preset")


def test_the_presets_of_a_broken_driver_are_its_error(install: Install) -> None:
    install("broken-one", protocol="broken", source="import no_such_library")
    with pytest.raises(DriverLoadError):
        Plugins().presets("broken")


def test_a_driver_that_goes_by_another_name_than_its_entry_point_says_both(
    install: Install,
) -> None:
    install("misnamed", "2.0", protocol="one", source=driver_source("other"))
    with pytest.raises(DriverLoadError, match=r"misnamed 2\.0, calls itself 'other'"):
        Plugins().driver("one")
