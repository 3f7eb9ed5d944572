"""What is in the wheels, before anything is installed."""

from __future__ import annotations

import email
import tarfile
import zipfile
from email.message import Message

import pytest

pytestmark = pytest.mark.packaging

DISTRIBUTIONS = {
    "turnwire-core": "turnwire_core",
    "turnwire-http-chat": "turnwire_http_chat",
    "turnwire-sse": "turnwire_sse",
    "turnwire-websocket": "turnwire_websocket",
    "turnwire": "turnwire",
}
DRIVERS = {
    "turnwire-http-chat": "http_chat",
    "turnwire-sse": "sse",
    "turnwire-websocket": "websocket",
}
CORE_REQUIRES = {"anyio", "attrs", "cattrs", "glom", "pluggy"}

each = pytest.mark.parametrize("name", DISTRIBUTIONS)


def _names(wheel: zipfile.ZipFile) -> list[str]:
    return [name for name in wheel.namelist() if not name.endswith("/")]


def _metadata(wheel: zipfile.ZipFile) -> Message:
    (file,) = [name for name in _names(wheel) if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(file))


def _requires(metadata: Message) -> set[str]:
    """The names of what is installed in any case, without extras."""
    wanted = [one for one in metadata.get_all("Requires-Dist", []) if "extra ==" not in one]
    return {one.split(";")[0].split("[")[0].split("=")[0].split(">")[0].strip() for one in wanted}


@each
def test_a_wheel_holds_one_typed_package_and_nothing_besides(name, built) -> None:
    with zipfile.ZipFile(built[name].wheel) as wheel:
        names = _names(wheel)
    tops = {one.split("/")[0] for one in names if ".dist-info/" not in one}
    assert tops == {DISTRIBUTIONS[name]}
    assert f"{DISTRIBUTIONS[name]}/py.typed" in names
    # What new-driver writes has tests; as text they are data.
    code = [one for one in names if one.endswith(".py")]
    assert not [one for one in names if "__pycache__" in one]
    assert not [one for one in code if "/tests/" in one]


@each
def test_a_wheel_carries_licence_and_readme(name, built) -> None:
    with zipfile.ZipFile(built[name].wheel) as wheel:
        metadata = _metadata(wheel)
        (licence,) = [one for one in _names(wheel) if one.endswith("/licenses/LICENSE")]
        assert b"Apache License" in wheel.read(licence)
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    readme = metadata.get_payload()
    assert isinstance(readme, str)
    assert name in readme
    assert "pip install" in readme


@each
def test_a_distribution_says_where_it_lives(name, built) -> None:
    with zipfile.ZipFile(built[name].wheel) as wheel:
        metadata = _metadata(wheel)
    assert metadata["Summary"]
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])


@each
def test_the_sdist_can_be_read_without_the_repository(name, built) -> None:
    with tarfile.open(built[name].sdist) as sdist:
        names = {one.partition("/")[2] for one in sdist.getnames()}
    package = DISTRIBUTIONS[name]
    assert {"LICENSE", "README.md", "pyproject.toml", f"src/{package}/__init__.py"} <= names


def test_the_core_requires_five_libraries(built) -> None:
    with zipfile.ZipFile(built["turnwire-core"].wheel) as wheel:
        assert _requires(_metadata(wheel)) == CORE_REQUIRES


def test_the_runner_requires_no_driver(built) -> None:
    with zipfile.ZipFile(built["turnwire"].wheel) as wheel:
        assert not _requires(_metadata(wheel)) & {*DRIVERS, "httpx"}


@pytest.mark.parametrize("name", DRIVERS)
def test_a_driver_requires_neither_the_runner_nor_a_sibling(name, built) -> None:
    with zipfile.ZipFile(built[name].wheel) as wheel:
        required = _requires(_metadata(wheel))
    assert required & set(DISTRIBUTIONS) == {"turnwire-core"}


@pytest.mark.parametrize(("name", "protocol"), DRIVERS.items())
def test_a_driver_registers_its_protocol(name, protocol, built) -> None:
    with zipfile.ZipFile(built[name].wheel) as wheel:
        (file,) = [one for one in _names(wheel) if one.endswith("/entry_points.txt")]
        text = wheel.read(file).decode()
    assert "[turnwire.drivers]" in text
    assert f"{protocol} = {DISTRIBUTIONS[name]}.plugin" in text
