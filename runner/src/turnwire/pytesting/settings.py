"""What a run of pytest was asked for: options of the command line, else of the ini file."""

from __future__ import annotations

import datetime as dt
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

BACKENDS: Final = ("asyncio", "trio")

_SEEDS: Final = 2**31


@attrs.frozen
class Settings:
    """The options, whoever gave them."""

    connections: tuple[str, ...]
    """Instead of those that suites name; empty: theirs."""
    config_file: Path | None
    log: Path | None
    """A file, or a folder that is to have a new one."""
    log_in_folder: bool
    record: Path | None
    """The folder that recordings go into."""
    backend: str
    seed: int
    started: dt.datetime
    """What the dates that suites draw are counted from."""


_settings = pytest.StashKey[Settings]()


def failed(message: str) -> BaseException:
    """To be raised where nothing can go on: pytest shows the message and nothing else."""
    return pytest.fail.Exception(message, pytrace=False)


def settings_of(config: pytest.Config) -> Settings:
    """The settings of this run; read once, so that a seed that is drawn stays the same.

    A value that cannot be used fails whatever asked for it, in words.
    """
    if _settings not in config.stash:
        config.stash[_settings] = _read(config)
    return config.stash[_settings]


def _read(config: pytest.Config) -> Settings:
    log = _path(config, "turnwire_log")
    written = str(_value(config, "turnwire_log") or "")
    return Settings(
        connections=tuple(_value(config, "turnwire_connection") or ()),
        config_file=_path(config, "turnwire_config"),
        log=log,
        log_in_folder=log is not None and (written.endswith("/") or log.is_dir()),
        record=_path(config, "turnwire_record"),
        backend=_backend(config),
        seed=_seed(config),
        started=dt.datetime.now(dt.UTC),
    )


def _value(config: pytest.Config, name: str) -> Any:
    """The option, else the ini key; None or empty where neither says anything."""
    return config.getoption(name) or config.getini(name) or None


def _path(config: pytest.Config, name: str) -> Path | None:
    """An option is relative to where pytest was called, an ini key to its file."""
    if given := config.getoption(name):
        return Path(config.invocation_params.dir, given)
    if given := config.getini(name):
        return Path(config.inipath.parent if config.inipath else config.rootpath, given)
    return None


def _backend(config: pytest.Config) -> str:
    backend = str(_value(config, "turnwire_backend") or BACKENDS[0])
    if backend not in BACKENDS:
        raise failed(f"turnwire_backend is asyncio or trio, not {backend!r}.")
    if find_spec(backend) is None:
        raise failed(
            f"The backend {backend!r} is not installed. Install it: pip install {backend}."
        )
    return backend


def _seed(config: pytest.Config) -> int:
    worker: dict[str, Any] = getattr(config, "workerinput", {})
    if "turnwire_seed" in worker:
        return int(worker["turnwire_seed"])
    given = config.getoption("turnwire_seed")  # 0 is a seed too
    if given is None:
        given = config.getini("turnwire_seed") or secrets.randbelow(_SEEDS)
    try:
        return int(given)
    except ValueError:
        raise failed(f"turnwire_seed is a whole number, not {given!r}.") from None
