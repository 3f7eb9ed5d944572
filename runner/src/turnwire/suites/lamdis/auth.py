"""Auth files of lamdis-runs: what they add to a request or a connection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from turnwire.suites.lamdis.files import Finder
from turnwire.suites.lamdis.keys import AuthKeys
from turnwire.suites.model import Origin
from turnwire.suites.sources import Ledger
from turnwire.suites.structuring import structure_leniently


@attrs.frozen
class Credentials:
    """What an auth file says, with ``${NAME}`` as it stands there."""

    headers: Mapping[str, str] = attrs.field(factory=dict)
    oauth: Mapping[str, str] | None = None
    """The keys of a connection's ``auth``."""
    aliases: Mapping[str, str] = attrs.field(factory=dict)
    """Its own names for parts of the environment."""


class AuthDesk:
    """Reads auth files, each once, and blocks that stand in other files."""

    def __init__(self, ledger: Ledger, finder: Finder) -> None:
        self._ledger = ledger
        self._finder = finder
        self._blocks: dict[str, Credentials] = {}
        self._read: dict[str, Credentials] = {}

    def add_block(self, raw: Mapping[str, Any], origin: Origin) -> None:
        """Remember an auth block that stands in a requests file."""
        self._blocks[str(raw.get("id"))] = self._credentials(raw, origin)

    def credentials(self, reference: str | None, origin: Origin) -> Credentials:
        """What a reference leads to; nothing where there is none."""
        if reference is None:
            return Credentials()
        if reference in self._blocks:
            return self._blocks[reference]
        source = self._finder.open(reference, origin, "auth file")
        if source is None:
            return Credentials()
        file = source.document.file
        if file not in self._read:
            self._read[file] = self._credentials(source.data, source.origin())
        return self._read[file]

    def _credentials(self, raw: Any, origin: Origin) -> Credentials:
        keys = structure_leniently(self._ledger, origin, raw, AuthKeys)
        if keys is None:
            return Credentials()
        if keys.kind == "oauth_client_credentials":
            return Credentials(oauth=self._oauth(keys, origin), aliases=keys.env)
        headers = dict(keys.headers)
        if keys.pattern is not None:
            headers[keys.pattern.header] = self._header(keys, origin)
        if not headers:
            message = "This says nothing about how to authenticate."
            hint = "Write 'headers', or the kind 'oauth_client_credentials'."
            self._ledger.add(origin, message, hint)
        return Credentials(headers=headers, aliases=keys.env)

    def _header(self, keys: AuthKeys, origin: Origin) -> str:
        pattern = keys.pattern
        if pattern is None or pattern.template is None:
            message = "The pattern has no 'template'."
            self._ledger.add(origin.under("pattern"), message, 'For example "Bearer ${TOKEN}".')
            return ""
        return pattern.template

    def _oauth(self, keys: AuthKeys, origin: Origin) -> Mapping[str, str]:
        # Its cacheTtlSeconds is for servers that do not say how long a token lasts; here such a
        # token is used until the target refuses it, and then fetched anew.
        if keys.apply.header.lower() != "authorization":
            message = f"A token cannot be sent in the header {keys.apply.header!r}."
            hint = "It is sent as 'Authorization: Bearer …'."
            self._ledger.add(origin.under("apply", "header"), message, hint)
        needed = {
            "clientId": keys.client_id,
            "clientSecret": keys.client_secret,
            "tokenUrl": keys.token_url,
        }
        for name, value in needed.items():
            if not value:
                self._ledger.add(origin, f"The key {name!r} is missing.")
        oauth = {"type": "oauth2", **{name: value or "" for name, value in needed.items()}}
        if keys.scopes:
            oauth["scope"] = " ".join(keys.scopes)
        return oauth
