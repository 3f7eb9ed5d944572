"""Where the connections of tests come from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import anyio
import pytest

from support.suites import make_suite
from turnwire.assistant import demo_connections
from turnwire.builtin import BUILTIN_NAMES
from turnwire.engine import ConnectionSource
from turnwire.suites.model import Suite
from turnwire_core import ConfigError, PluginError, open_conversation
from turnwire_core.secrets import Secrets

pytestmark = pytest.mark.anyio


def config(folder: Path, name: str = "turnwire.json", **connections: Any) -> Path:
    file = folder / name
    file.write_text(json.dumps({"connections": connections}))
    return file


def url(name: str) -> dict[str, Any]:
    return {"base_url": f"http://{name}.example/"}


async def test_inline_goes_before_the_command_and_that_before_the_suite(tmp_path: Path) -> None:
    suite = make_suite(
        inline_connections={"one": url("inline")},
        config=config(tmp_path, "suite.json", one=url("s"), two=url("s"), three=url("suite")),
    )
    command = config(tmp_path, "command.json", one=url("c"), two=url("command"))
    async with ConnectionSource(config=command) as sources:
        found = [await sources.connection(name, suite) for name in ("one", "two", "three")]
    assert [one.base_url for one in found] == [
        "http://inline.example/",
        "http://command.example/",
        "http://suite.example/",
    ]


async def test_what_is_wrong_with_a_connection_is_no_matter_of_the_others(tmp_path: Path) -> None:
    file = config(
        tmp_path,
        good=url("good"),
        bad={"base_url": "ftp://x"},
        alien={"protocol": "smoke", **url("x")},
    )
    suite = make_suite(config=file)
    async with ConnectionSource() as sources:
        assert (await sources.connection("good", suite)).name == "good"
        for _ in range(2):
            with pytest.raises(ConfigError, match="ftp"):
                await sources.connection("bad", suite)
            with pytest.raises(PluginError, match="smoke"):
                await sources.connection("alien", suite)


async def test_a_file_is_read_once_for_each_connection(tmp_path: Path) -> None:
    file = config(tmp_path, one=url("one"))
    suite = make_suite(config=file)
    async with ConnectionSource() as sources:
        first = await sources.connection("one", suite)
        file.unlink()
        assert await sources.connection("one", suite) is first
        assert (await sources.connection("one", make_suite(config=file))).base_url == first.base_url


async def test_an_unknown_name_is_an_error_that_names_the_nearest(tmp_path: Path) -> None:
    suite = make_suite(config=config(tmp_path, production=url("p")))
    async with ConnectionSource() as sources:
        with pytest.raises(ConfigError, match="'production'"):
            await sources.connection("prodution", suite)
        with pytest.raises(ConfigError, match="--config"):
            await sources.connection("production", make_suite())
        with pytest.raises(ConfigError, match="'demo-sse'"):
            await sources.connection("demo-ssse", suite)


async def test_an_own_connection_may_be_named_like_a_built_in_one(tmp_path: Path) -> None:
    suite = make_suite(config=config(tmp_path, **{"demo-sse": url("own")}))
    async with ConnectionSource() as sources:
        assert (await sources.connection("demo-sse", suite)).base_url == "http://own.example/"


async def test_the_built_in_assistant_is_started_once_and_stopped_at_the_end() -> None:
    suite = make_suite()
    found: list[Any] = []

    async with ConnectionSource() as sources:

        async def look_up(name: str) -> None:
            found.append(await sources.connection(name, suite))

        async with anyio.create_task_group() as tasks:
            for name in ("demo-http", "demo-sse", "demo-ndjson"):
                tasks.start_soon(look_up, name)
        async with open_conversation(found[0]) as conversation:
            assert (await conversation.send("Thank you")).content == "You are welcome!"
    assert len({one.origin for one in found}) == 1
    async with open_conversation(found[0]) as conversation:
        assert not (await conversation.send("Thank you")).ok


async def test_a_source_can_be_entered_again(tmp_path: Path) -> None:
    sources = ConnectionSource()
    suite = make_suite()
    for _ in range(2):
        async with sources:
            connection = await sources.connection("demo-http", suite)
            async with open_conversation(connection) as conversation:
                assert (await conversation.send("Thank you")).ok


async def test_a_source_that_was_not_entered_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await ConnectionSource().connection("demo-sse", make_suite())


async def test_what_is_raised_inside_leaves_as_it_is() -> None:
    async def fail() -> None:
        async with ConnectionSource() as sources:
            await sources.connection("demo-sse", make_suite())
            raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await fail()


async def test_a_connection_masks_the_secrets_of_its_suite_too(tmp_path: Path) -> None:
    file = config(tmp_path, one={"headers": {"Authorization": "Bearer of-config"}, **url("one")})

    def suite(secret: str) -> Suite:
        return make_suite(config=file, secrets=Secrets([secret]))

    async with ConnectionSource() as sources:
        one = await sources.connection("one", suite("of-suite-1"))
        other = await sources.connection("one", suite("of-suite-2"))
    assert one.secrets.mask("of-config of-suite-1 of-suite-2") == "*** *** of-suite-2"
    assert other.secrets.mask("of-config of-suite-1 of-suite-2") == "*** of-suite-1 ***"


async def test_files_that_an_inline_connection_names_lie_beside_the_suite(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").touch()
    suite = make_suite(
        file=tmp_path / "shop.turnwire.yaml",
        inline_connections={"one": {"tls": {"caBundle": "ca.pem"}, **url("one")}},
    )
    async with ConnectionSource() as sources:
        connection = await sources.connection("one", suite)
    assert connection.tls.ca_bundle == str(tmp_path / "ca.pem")


async def test_what_is_wrong_with_an_inline_connection_names_the_suite(tmp_path: Path) -> None:
    suite = make_suite(inline_connections={"one": {"base_url": "ftp://x"}})
    async with ConnectionSource() as sources:
        with pytest.raises(ConfigError, match=r"shop\.turnwire\.yaml"):
            await sources.connection("one", suite)


def test_the_names_of_the_built_in_connections_are_those_of_the_assistant() -> None:
    assert list(demo_connections("http://127.0.0.1")) == list(BUILTIN_NAMES)
