"""From a message to a turn: everything that templates say, filled."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from turnwire_core.config import header_problem
from turnwire_core.contracts.connection import Connection
from turnwire_core.contracts.driver import Driver
from turnwire_core.errors import ConfigError, Problem
from turnwire_core.events import Message, Turn
from turnwire_core.templates import Template


class TurnRenderer:
    """Renders the turns of one conversation."""

    def __init__(self, connection: Connection, driver: Driver[Any]) -> None:
        self._connection = connection
        request = connection.request
        if request.bodies:
            self._bodies: tuple[Template, ...] = request.bodies
        elif request.body is not None:
            self._bodies = (request.body,)
        elif request.method == "GET":
            self._bodies = ()
        else:
            self._bodies = (_default(json.dumps(driver.default_body(connection.options))),)

    def render(
        self,
        index: int,
        transcript: Sequence[Message],
        *,
        persona: str | None,
        variables: Mapping[str, Any],
        session_id: str | None,
    ) -> Turn:
        """The turn that ``transcript`` ends with.

        Raises:
            ConfigError: a filled header would not be a header.
        """
        connection = self._connection
        message = transcript[-1].content
        values: dict[str, Any] = {
            "message": message,
            "transcript": [entry.as_json() for entry in transcript],
            "messages": [self._entry(n, entry) for n, entry in enumerate(transcript)],
            "turnId": str(uuid.uuid4()),
            "turn": index,
        }
        # What has no value yet takes its key with it.
        if session_id is not None:
            values["sessionId"] = session_id
        if persona is not None:
            values["persona"] = persona
        for name, value in variables.items():
            values[f"variables.{name}"] = value
        for name, value in connection.environment.items():
            values[f"env.{name}"] = value
        return Turn(
            index=index,
            message=message,
            transcript=tuple(transcript),
            bodies=tuple(body.render(values) for body in self._bodies),
            headers=self._headers(values),
            query={
                name: _as_text(template.render(values))
                for name, template in connection.request.query.items()
            },
            persona=persona,
            values=values,
        )

    def _entry(self, index: int, entry: Message) -> Any:
        request = self._connection.request
        role = request.roles.get(entry.role, entry.role)
        if request.message_template is None:
            return {"role": role, "content": entry.content}
        return request.message_template.render(
            {"role": role, "content": entry.content, "index": index, "id": f"message-{index}"}
        )

    def _headers(self, values: Mapping[str, Any]) -> dict[str, str]:
        headers = {
            name: _as_text(template.render(values))
            for name, template in self._connection.headers.items()
        }
        problems = [
            Problem(problem, path=f"$.connections.{self._connection.name}.headers.{name}")
            for name, value in headers.items()
            if (problem := header_problem(name, value))
        ]
        if problems:
            raise ConfigError(problems)
        return headers


@lru_cache(maxsize=64)
def _default(body: str) -> Template:
    """A driver's body, compiled once for all conversations: a run of tests opens one for each."""
    return Template(json.loads(body))


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
