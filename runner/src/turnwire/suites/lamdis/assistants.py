"""Assistant files of lamdis-runs, as connections of ours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from turnwire.suites.lamdis.auth import AuthDesk, Credentials
from turnwire.suites.lamdis.expressions import Translator
from turnwire.suites.lamdis.files import Finder
from turnwire.suites.lamdis.keys import AssistantKeys, EnvKeys
from turnwire.suites.model import Origin
from turnwire.suites.sources import Ledger, Source
from turnwire.suites.structuring import structure_leniently

REPLY: Final = "reply"
"""The field of an answer that has to hold the reply."""

_OPENAI: Final = "${OPENAI_BASE:-https://api.openai.com/v1}/chat/completions"


class Assistants:
    """Collects the connections that the files of a suite define."""

    def __init__(
        self, ledger: Ledger, finder: Finder, auth: AuthDesk, translator: Translator
    ) -> None:
        self._ledger = ledger
        self._finder = finder
        self._auth = auth
        self._translator = translator
        self.connections: dict[str, Mapping[str, Any]] = {}
        """By name, as in a config file: with ``${NAME}`` unfilled."""
        self.origins: dict[str, Origin] = {}

    def by_reference(self, reference: str, origin: Origin) -> str | None:
        """The name of the connection to the assistant behind a reference."""
        source = self._finder.open(reference, origin, "assistant")
        return None if source is None else self.by_file(source, reference)

    def by_file(self, source: Source, name: str) -> str | None:
        """The name of the connection to the assistant of a file."""
        origin = source.origin()
        keys = structure_leniently(self._ledger, origin, source.data, AssistantKeys)
        if keys is None:
            return None
        name = keys.id or name.removesuffix(".json")
        if name not in self.connections:
            reference = keys.auth.auth_ref if keys.auth is not None else keys.auth_ref
            where = origin.under("authRef" if keys.auth is None else "auth")
            credentials = self._auth.credentials(reference, where)
            connection = self._connection(keys.env, keys.path, credentials, origin.under("env"))
            if keys.name or keys.description:
                connection["description"] = keys.description or keys.name
            self._check_schema(keys.output_schema, origin.under("outputSchema"))
            self.connections[name] = connection
            self.origins[name] = origin
        elif self.origins[name].file != origin.file:
            message = f"{self.origins[name].file} has the id {name!r} too."
            self._ledger.add(origin.under("id"), message, "Rename one of them.")
        return name

    def in_place(self, keys: EnvKeys, name: str, origin: Origin) -> str:
        """The name of the connection to an assistant that stands in a test file as ``env``."""
        self.connections[name] = self._connection(keys, "/chat", Credentials(), origin)
        self.origins[name] = origin
        return name

    def _connection(
        self, env: EnvKeys, path: str, credentials: Credentials, origin: Origin
    ) -> dict[str, Any]:
        aliases = credentials.aliases

        def filled(text: str, place: Origin) -> str:
            return self._translator.reference(text, aliases, place)

        connection: dict[str, Any] = {"protocol": "http_chat", "responseFieldPath": REPLY}
        headers = {**credentials.headers, **env.headers}
        match env.channel:
            case "http_chat" if env.base_url:
                base_url = filled(env.base_url, origin.under("baseUrl")).rstrip("/")
                connection["base_url"] = f"{base_url}/{path.lstrip('/')}"
            case "http_chat":
                message = "An assistant over HTTP needs its 'baseUrl'."
                self._ledger.add(origin, message)
            case "openai_chat":
                connection = {
                    "preset": "openai-chat-json",
                    "base_url": _OPENAI,
                    "variables": {"model": "${OPENAI_MODEL:-gpt-4o-mini}"},
                }
                headers = {"Authorization": "Bearer ${OPENAI_API_KEY}", **headers}
            case other:
                message = f"There is no driver for the channel {other!r}."
                hint = "Put an assistant before it that speaks HTTP, as 'http_chat'."
                self._ledger.add(origin.under("channel"), message, hint)
        if headers:
            place = origin.under("headers")
            connection["headers"] = {name: filled(text, place) for name, text in headers.items()}
        if credentials.oauth is not None:
            connection["auth"] = {
                key: filled(text, origin) for key, text in credentials.oauth.items()
            }
        if env.timeout_ms is not None:
            connection["timeoutMs"] = env.timeout_ms
        return connection

    def _check_schema(self, schema: Any, origin: Origin) -> None:
        """A schema of the answer is for people, as long as it agrees about where the reply is."""
        properties = schema.get("properties") if isinstance(schema, Mapping) else None
        if isinstance(properties, Mapping) and REPLY not in properties:
            message = f"The answer has no {REPLY!r}, and the reply is read from nowhere else."
            hint = "Write a connection of our own, with its responseFieldPath."
            self._ledger.add(origin, message, hint)
