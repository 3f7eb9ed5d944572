"""Finding drivers by entry point, and loading only those that a connection names.

Listing reads the metadata of installed distributions and imports nothing. A driver's module is
imported when its protocol is first asked for; what is wrong with it stops only who asked.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import attrs
import pluggy

from turnwire_core.announcements import Announced, announced
from turnwire_core.config import Config, keys_of, nearest, read_config, read_mapping
from turnwire_core.contracts.connection import Connection, ReplyRules
from turnwire_core.contracts.driver import API_VERSION, Driver
from turnwire_core.errors import (
    DriverConflict,
    DriverLoadError,
    DriverNotFound,
    DriverVersionError,
    PluginError,
)
from turnwire_core.hookspecs import ENTRY_POINT_GROUP, PROJECT, DriverHooks

_SHIPPED = {
    "http_chat": "turnwire-http-chat",
    "sse": "turnwire-sse",
    "websocket": "turnwire-websocket",
}
"""Which distribution brings which of our own protocols, for the advice when one is missing."""


@attrs.frozen
class DriverRecord:
    """What is known of one protocol: ``driver`` or the ``error`` that keeps it from working.

    ``distributions`` are (name, version) of all that register it; none for one that was
    registered in Python.
    """

    protocol: str
    distributions: tuple[tuple[str, str], ...]
    driver: Driver[Any] | None = None
    error: PluginError | None = None


class Plugins:
    """The drivers that can be used, installed or registered. Cheap to make; loading is lazy."""

    def __init__(self, *, discover: bool = True) -> None:
        """With ``discover=False`` only what is registered by hand is known."""
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(DriverHooks)
        self._announced: dict[str, list[Announced]] = {}
        self._loaded: dict[str, Driver[Any]] = {}
        self._sources: dict[str, object] = {}
        self._failed: dict[str, PluginError] = {}
        if discover:
            for one in announced(ENTRY_POINT_GROUP):
                self._announced.setdefault(one.entry_point.name, []).append(one)

    def protocols(self) -> Sequence[str]:
        """The names that have a driver, sorted. Imports nothing."""
        return sorted({*self._announced, *self._loaded})

    def register(self, plugin: object, protocol: str | None = None) -> Driver[Any]:
        """Use a plugin that no distribution announces: a module or object with hooks.

        Raises:
            DriverLoadError: it has no ``turnwire_driver`` hook, or the hook failed.
            DriverVersionError: its driver is for another version of the contracts.
        """
        label = protocol or getattr(plugin, "__name__", type(plugin).__name__)
        driver = self._adopt(plugin, str(label), f"The plugin {label!r}")
        self._loaded[protocol or driver.name] = driver
        self._sources[protocol or driver.name] = plugin
        return driver

    def driver(self, protocol: str) -> Driver[Any]:
        """The driver of a protocol, imported on first use.

        Raises:
            DriverNotFound: no distribution registers it; says what to install.
            DriverLoadError: importing it failed; names distribution, version and cause.
            DriverConflict: several distributions register it; names all.
            DriverVersionError: it was built for another ``api_version``.
        """
        if protocol in self._loaded:
            return self._loaded[protocol]
        if protocol in self._failed:
            raise self._failed[protocol].with_traceback(None)
        try:
            self._loaded[protocol] = self._load(protocol)
        except PluginError as exc:
            self._failed[protocol] = exc
            raise
        return self._loaded[protocol]

    def inventory(self) -> tuple[DriverRecord, ...]:
        """Every protocol with its driver or its error. Imports all drivers; never raises."""
        records = []
        for protocol in self.protocols():
            claims = self._announced.get(protocol, ())
            distributions = tuple(one.distribution for one in claims)
            driver, error = None, None
            try:
                driver = self.driver(protocol)
            except PluginError as exc:
                error = exc
            records.append(DriverRecord(protocol, distributions, driver, error))
        return tuple(records)

    def presets(self, protocol: str | None = None) -> Mapping[str, Mapping[str, Any]]:
        """All presets by name: of one protocol, or of every driver that can be loaded.

        Raises:
            PluginError: the driver of the protocol that was named cannot be loaded.
        """
        if protocol is not None:
            self.driver(protocol)
            return self._presets_of(protocol)
        return {
            name: preset
            for record in self.inventory()
            if record.driver is not None
            for name, preset in self._presets_of(record.protocol).items()
        }

    def preset(self, name: str, protocol: str | None = None) -> Mapping[str, Any]:
        """One preset.

        Raises:
            KeyError: there is none of that name; ``args`` holds it and the known names.
        """
        try:
            presets = self.presets(protocol)
        except PluginError:
            presets = {}
        if name not in presets:
            raise KeyError(name, *presets)
        return presets[name]

    def _load(self, protocol: str) -> Driver[Any]:
        claims = self._announced.get(protocol, ())
        if not claims:
            raise DriverNotFound(self._not_found(protocol))
        sources = sorted(one.distribution for one in claims)
        named = " and ".join(f"{name} {version}" for name, version in sources)
        if len(claims) > 1:
            message = f"Several distributions claim the protocol {protocol!r}: {named}."
            raise DriverConflict(f"{message} Uninstall all but one.")
        entry_point = claims[0].entry_point
        try:
            # Not pluggy's load_setuptools_entrypoints: it reads the metadata of everything that
            # is installed once more, and what is broken in a stranger's would be blamed on this.
            plugin = entry_point.load()
        except (Exception, SystemExit) as exc:
            raise _broken(f"The driver for {protocol!r}, of {named},", exc) from exc
        label = f"The driver for {protocol!r} ({entry_point.value}), of {named},"
        self._sources[protocol] = plugin
        driver = self._adopt(plugin, protocol, label)
        if driver.name != protocol:
            raise DriverLoadError(
                f"{label} calls itself {driver.name!r}. The key of its entry point and the name "
                "of the driver must be the same."
            )
        return driver

    def _adopt(self, plugin: object, name: str, label: str) -> Driver[Any]:
        try:
            if not self._manager.is_registered(plugin):
                self._manager.register(plugin, name)
            self._manager.check_pending()
            others = [one for one in self._manager.get_plugins() if one is not plugin]
            driver = self._manager.subset_hook_caller("turnwire_driver", others)()
        except (Exception, SystemExit) as exc:
            if self._manager.is_registered(plugin):
                self._manager.unregister(plugin)
            raise _broken(label, exc) from exc
        if driver is None:
            raise DriverLoadError(f"{label} has no hook 'turnwire_driver' that returns a driver.")
        version = getattr(driver, "api_version", None)
        if version != API_VERSION:
            raise DriverVersionError(
                f"{label} was built for api_version {version}; this turnwire-core has "
                f"{API_VERSION}. Upgrade the older of the two."
            )
        if not isinstance(driver, Driver):
            raise DriverLoadError(
                f"{label} returned a {type(driver).__name__}, which is no turnwire_core.Driver."
            )
        if not attrs.has(driver.options):
            raise DriverLoadError(f"{label} has options that are no attrs class.")
        if shadowed := set(keys_of(driver.options)) & set(keys_of(ReplyRules)):
            keys = ", ".join(sorted(shadowed))
            raise DriverLoadError(f"{label} has options that are the core's reply rules: {keys}.")
        return driver

    def _presets_of(self, protocol: str) -> Mapping[str, Mapping[str, Any]]:
        plugin = self._sources[protocol]
        others = [one for one in self._manager.get_plugins() if one is not plugin]
        results = self._manager.subset_hook_caller("turnwire_presets", others)()
        return {name: preset for result in results for name, preset in result.items()}

    def _not_found(self, protocol: str) -> str:
        installed = ", ".join(self.protocols()) or "none"
        if protocol in _SHIPPED:
            advice = f"Install it: pip install {_SHIPPED[protocol]}."
        else:
            known = sorted({*self.protocols(), *_SHIPPED})
            advice = f"{nearest(protocol, known)} Otherwise install the package that brings it."
        return f"No driver for protocol {protocol!r}. {advice} Installed: {installed}."


def load_config(
    file: str | os.PathLike[str],
    *,
    plugins: Plugins | None = None,
    only: Collection[str] | None = None,
    environ: Mapping[str, str] | None = None,
    text: str | None = None,
) -> Config:
    """Load a config file with the installed drivers, or with ``plugins``.

    With ``only``, connections of other names are left out unread, and their drivers unimported.
    With ``text`` it is loaded as if that stood in it.

    Raises:
        ConfigError: with every problem that the file has.
    """
    return read_config(file, plugins or Plugins(), only=only, environ=environ, text=text)


def parse_connection(
    mapping: Mapping[str, Any],
    *,
    name: str = "connection",
    plugins: Plugins | None = None,
    environ: Mapping[str, str] | None = None,
    trust_env: bool = True,
) -> Connection:
    """One connection from a mapping with the keys of a config file.

    With ``trust_env=False``, proxy variables of the environment are ignored.

    Raises:
        ConfigError: with every problem that it has.
        PluginError: its driver is missing or broken.
    """
    data = {"connections": {name: mapping}}
    config = read_mapping(data, plugins or Plugins(), environ=environ)
    return attrs.evolve(config.connection(name), trust_env=trust_env)


def _broken(label: str, exc: BaseException) -> DriverLoadError:
    return DriverLoadError(f"{label} is broken: {type(exc).__name__}: {exc}")
