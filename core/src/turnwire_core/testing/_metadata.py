"""What a driver says of itself, and how it is found."""

from __future__ import annotations

import inspect
from importlib import metadata

import attrs
import pytest

from turnwire_core.config import keys_of
from turnwire_core.contracts.connection import ReplyRules
from turnwire_core.contracts.driver import API_VERSION, Driver
from turnwire_core.hookspecs import ENTRY_POINT_GROUP
from turnwire_core.plugins import Plugins
from turnwire_core.templates import Template
from turnwire_core.testing._base import ContractBase


class MetadataTests(ContractBase):
    """Read by ``turnwire drivers``, ``turnwire schema``, and whoever loads a config file."""

    def test_the_hook_gives_the_driver_of_the_protocol(self) -> None:
        assert isinstance(self.driver, Driver)
        assert self.driver.name == self.protocol
        assert self.driver.api_version == API_VERSION

    def test_the_driver_and_its_options_are_documented(self) -> None:
        driver = type(self.driver)
        assert inspect.getdoc(driver) != inspect.getdoc(Driver), "the driver has no docstring"
        assert inspect.getdoc(driver.options)
        undocumented = [
            field.name
            for field in attrs.fields(driver.options)
            if field.init and not field.metadata.get("doc")
        ]
        assert undocumented == [], "declare options with turnwire_core.contracts.connection.option"

    def test_the_options_name_no_reply_rule_and_cannot_be_changed(self) -> None:
        options = self.driver.options
        assert not set(keys_of(options)) & set(keys_of(ReplyRules))
        instance = self.connection(self.url.format(port=1)).options
        assert type(instance) is options
        hash(instance)
        for field in attrs.fields(options):
            with pytest.raises(attrs.exceptions.FrozenInstanceError):
                setattr(instance, field.name, None)

    def test_a_good_connection_has_no_problem(self) -> None:
        connection = self.connection(self.url.format(port=1))
        assert list(self.driver.check(connection, connection.options)) == []

    def test_the_default_body_carries_the_message(self) -> None:
        connection = self.connection(self.url.format(port=1))
        body = Template(self.driver.default_body(connection.options))
        assert "message" in body.names or "messages" in body.names or "transcript" in body.names

    def test_one_driver_serves_two_connections_and_keeps_neither(self) -> None:
        """It is one instance for all, so what it remembered of one would show in another."""
        before = dict(vars(self.driver))
        for port in (1, 2):
            connection = self.connection(self.url.format(port=port))
            self.driver.connect(connection, connection.options)
        assert dict(vars(self.driver)) == before

    def test_the_entry_point_leads_to_the_plugin(self) -> None:
        if self.distribution is None:
            pytest.skip("distribution is None")
        (entry_point,) = [
            one
            for one in metadata.distribution(self.distribution).entry_points
            if one.group == ENTRY_POINT_GROUP and one.name == self.protocol
        ]
        assert entry_point.load() is self.plugin
        (record,) = [one for one in Plugins().inventory() if one.protocol == self.protocol]
        assert record.error is None
        assert type(record.driver) is type(self.driver)
