"""Requests files of lamdis-runs. What a step gives to a request is filled in when it is read.

So a request becomes one of the suite's requests for each different input that is given to it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import attrs

from turnwire.checks.structuring import PLACEHOLDERS
from turnwire.suites.lamdis.auth import AuthDesk, Credentials
from turnwire.suites.lamdis.expressions import Scope, Translator
from turnwire.suites.lamdis.files import Finder
from turnwire.suites.lamdis.keys import RequestKeys, RequestsFileKeys
from turnwire.suites.model import Origin, RequestSpec
from turnwire.suites.sources import Ledger
from turnwire.suites.structuring import structure_leniently
from turnwire_core.config import nearest, structure_mapping

_INPUT: Final = re.compile(r"\$\{[^}]*\}|\{\{|\{([^{}]+)\}")
"""``{id}`` in a URL or a header; what is written otherwise is none of it."""


@attrs.frozen
class _Defined:
    keys: RequestKeys
    raw: Mapping[str, Any]
    credentials: Credentials
    origin: Origin


class Requests:
    """What the requests files of a suite define, and what its steps make of it."""

    def __init__(
        self, ledger: Ledger, finder: Finder, auth: AuthDesk, translator: Translator
    ) -> None:
        self._ledger = ledger
        self._finder = finder
        self._auth = auth
        self._translator = translator
        self._defined: dict[str, _Defined] = {}
        self._names: dict[tuple[str, str], str] = {}
        self._files: set[str] = set()
        self.specs: dict[str, RequestSpec] = {}
        """The requests of the suite, by name."""
        self.origins: dict[str, Origin] = {}

    def add_file(self, reference: str, origin: Origin) -> None:
        """Read a requests file."""
        source = self._finder.open(reference, origin, "requests file")
        if source is None or source.document.file in self._files:
            return
        self._files.add(source.document.file)
        root = source.origin()
        keys = structure_leniently(self._ledger, root, source.data, RequestsFileKeys)
        if keys is None:
            return
        common = keys.auth_ref
        if isinstance(keys.auth, Mapping):
            if "authRef" in keys.auth:
                common = str(keys.auth["authRef"])
            else:
                self._auth.add_block(keys.auth, root.under("auth"))
                common = common or str(keys.auth.get("id"))
        for index, request in enumerate(keys.requests):
            place = root.under("requests", index)
            reference_ = request.auth.auth_ref if request.auth is not None else None
            reference_ = reference_ or request.auth_ref or request.transport.auth_ref or common
            if request.id in self._defined:
                other = self._defined[request.id].origin
                message = f"There is a request {request.id!r} already, at {other}."
                self._ledger.add(place.under("id"), message, "Rename one of them.")
            self._defined[request.id] = _Defined(
                request,
                source.data["requests"][index],
                self._auth.credentials(reference_, place),
                place,
            )

    def name_for(self, request_id: str, inputs: Mapping[str, Any], origin: Origin) -> str | None:
        """The name of the suite's request that is this one with these inputs.

        ``inputs`` are translated already; None where there is no such request, which is noted.
        """
        defined = self._defined.get(request_id)
        if defined is None:
            message = f"There is no request {request_id!r} in what is imported."
            self._ledger.add(origin, message, nearest(request_id, list(self._defined)))
            return None
        key = (request_id, json.dumps(inputs, sort_keys=True))
        if key not in self._names:
            others = sum(1 for known, _ in self._names if known == request_id)
            self._names[key] = name = f"{request_id}#{others + 1}" if others else request_id
            with self._ledger.at(defined.origin):
                raw = self._request(defined, inputs, origin)
                self.specs[name] = structure_mapping(raw, RequestSpec, names=PLACEHOLDERS)
                self.origins[name] = defined.origin
        return self._names[key]

    def _request(
        self, defined: _Defined, inputs: Mapping[str, Any], giver: Origin
    ) -> dict[str, Any]:
        http = defined.keys.transport.http
        place = defined.origin.under("transport", "http")
        scope = Scope(inputs=inputs, giver=giver, aliases=defined.credentials.aliases)

        def text(raw: str, origin: Origin) -> str:
            def named(match: re.Match[str]) -> str:
                name = match[1]
                if name is None:
                    return match[0]
                if inputs.get(name) is None:
                    self._translator.miss_input(name, inputs, giver)
                    return ""
                return f"${{input.{name}}}"

            return str(self._translator.text(_INPUT.sub(named, raw), scope, origin))

        url = http.full_url or f"{http.base_url}{http.path}"
        if not url:
            self._ledger.add(place, "The request has no URL.", "Write base_url and path.")
        method = http.method.upper()
        headers = {
            name: text(raw, place.under("headers", name)) for name, raw in http.headers.items()
        }
        written = {name.lower() for name in headers}
        for name, raw in defined.credentials.headers.items():
            if name.lower() not in written:
                headers[name] = text(raw, defined.origin)
        request: dict[str, Any] = {
            "url": text(url, place.under("path")),
            "method": method,
            "headers": headers,
        }
        if method == "GET":
            given = {name: value for name, value in inputs.items() if value is not None}
            request["query"] = {name: _as_text(value) for name, value in given.items()}
        elif "body" in defined.raw["transport"]["http"]:
            request["body"] = self._translator.value(http.body, scope, place.under("body"))
        else:
            request["body"] = dict(inputs)
        oauth = defined.credentials.oauth
        if oauth is not None and "authorization" not in written:
            request["auth"] = {
                # No template of ours, so nothing of it is escaped.
                key: text(raw, defined.origin).replace("\\{{", "{{")
                for key, raw in oauth.items()
            }
        return request


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
