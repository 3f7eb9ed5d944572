"""Putting it together: from an exchange to a connection as it stands in a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit, urlunsplit

import attrs

from turnwire.inferring import words
from turnwire.inferring.content import Answer, find_answer
from turnwire.inferring.credentials import Vault
from turnwire.inferring.evidence import Event, Exchange, HttpRequest, OpeningStep, Reply
from turnwire.inferring.extras import conversation_ids, find_counts, find_usage, spell_all
from turnwire.inferring.failures import find_errors
from turnwire.inferring.findings import Finding, counted
from turnwire.inferring.finish import find_finish
from turnwire.inferring.labels import label_events, spell_label, type_of_events, value_of
from turnwire.inferring.leaves import last_name
from turnwire.inferring.request import (
    BodyTemplate,
    body_template,
    escape_all,
    fill_text,
    without_references,
)
from turnwire_core.paths import MISSING
from turnwire_core.reader import parse_json

UNKNOWN_URL: Final = "${ASSISTANT_URL}"
"""What stands for a URL that nothing tells: loading the config asks for the variable."""

_NOISE: Final = frozenset(
    """
    host content-length connection accept accept-encoding accept-language user-agent cache-control
    pragma dnt priority te expect upgrade upgrade-insecure-requests transfer-encoding
    """.split()  # noqa: SIM905 - a list of twenty words is not read
)
"""Headers of the client, not of the API: a driver has its own."""

_NOISE_PREFIXES: Final = ("sec-",)

_STREAM_TYPES: Final = {
    "sse": ("text/event-stream",),
    "ndjson": (
        "application/x-ndjson",
        "application/ndjson",
        "application/jsonl",
        "application/x-jsonlines",
        "application/stream+json",
    ),
}


@attrs.frozen
class Inference:
    """A connection, and how it was found.

    ``connection`` is what stands in a file, with ``${NAME}`` for each credential; ``environ`` has
    the values of those that are known and is shown nowhere. ``notes`` say what could not be found.
    """

    connection: dict[str, Any]
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    environ: Mapping[str, str] = attrs.field(repr=False)
    missing: tuple[str, ...] = ()
    spoken: str | None = None
    """What the user said in the request, where that is known or guessed."""

    def without(self, key: str, name: str) -> Inference:
        """The same without one entry of a key of the section, for whom it is of no use."""
        protocol = self.connection["protocol"]
        section = dict(self.connection.get(protocol, {}))
        kept = {one: value for one, value in section.pop(key, {}).items() if one != name}
        return attrs.evolve(
            self,
            connection={
                **self.connection,
                protocol: {**section, key: kept} if kept else section,
            },
            findings=tuple(one for one in self.findings if one.field != f"{key}.{name}"),
        )

    @property
    def confidence(self) -> float:
        """That of the weakest thing that a reply cannot be read without."""
        needed = [f.confidence for f in self.findings if f.field in _NEEDED]
        return min(needed, default=0.0)


_NEEDED: Final = ("protocol", "contentPath", "content", "responseFieldPath", "request.body")


def infer(exchange: Exchange) -> Inference:
    """Work out the connection. Looks at nothing but ``exchange``; the same gives the same."""
    return _Inferring(exchange).infer()


class _Inferring:
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._request = exchange.request
        self._reply = exchange.reply
        self._vault = Vault(self._request.url if self._request else "")
        self._findings: list[Finding] = []
        self._notes: list[str] = []
        self._connection: dict[str, Any] = {}
        self._section: dict[str, Any] = {}
        self._request_keys: dict[str, Any] = {}
        self._sent: dict[str, Any] = {}
        """Ids that were sent, by the placeholder that took their place."""
        self._spoken = exchange.message

    def infer(self) -> Inference:
        protocol = self._find_protocol()
        self._connection["base_url"] = UNKNOWN_URL
        self._connection["protocol"] = protocol
        if self._request is not None:
            self._take_request(self._request, protocol)
        if self._reply is not None:
            self._take_reply(self._reply, protocol)
        else:
            self._notes.append(
                "There is no reply to look at, so how to read one is unknown. Add a recorded one "
                "(--reply FILE), or let the request be made (--call)."
            )
        if self._request_keys:
            query = self._request_keys.pop("query", None)
            keys = without_references(self._request_keys)
            # The query has references of ours in it.
            self._connection["request"] = keys if query is None else {**keys, "query": query}
        if self._section:
            self._connection[protocol] = without_references(self._section)
        return Inference(
            connection=self._vault.scrubbed(self._connection),
            findings=tuple(self._findings),
            notes=tuple(self._notes),
            environ=self._vault.values,
            missing=tuple(sorted(self._missing())),
            spoken=self._spoken,
        )

    def _missing(self) -> set[str]:
        wanted = set(self._vault.wanted)
        if self._connection["base_url"] == UNKNOWN_URL:
            wanted.add("ASSISTANT_URL")
        return wanted

    # --- the protocol ---------------------------------------------------------------------------

    def _find_protocol(self) -> str:
        protocol, confidence, because = self._protocol()
        self._findings.append(Finding("protocol", protocol, confidence, because))
        return protocol

    def _protocol(self) -> tuple[str, float, str]:
        exchange, request, reply = self._exchange, self._request, self._reply
        if exchange.protocol is not None:
            return exchange.protocol, 1.0, "as it was spoken"
        if request is not None and urlsplit(request.url).scheme in ("ws", "wss"):
            return "websocket", 0.98, "the URL is that of a WebSocket"
        if reply is not None and reply.events and (reply.status or 200) < 300:
            shape = {
                "sse": "lines of an event stream",
                "ndjson": "a JSON value on each line",
                "json": "one JSON document",
                "text": "plain text",
            }[reply.body_format or "text"]
            announced = f", Content-Type {reply.content_type}" if reply.content_type else ""
            because = f"the body is {shape}{announced}"
            confidence = 0.97 if reply.body_format != "text" or announced else 0.6
            return ("http_chat" if reply.whole else "sse"), confidence, because
        if request is not None and _asks_for_stream(request):
            return "sse", 0.7, "the request asks for a stream"
        return "http_chat", 0.5, "nothing says that the reply streams"

    # --- the request ----------------------------------------------------------------------------

    def _take_request(self, request: HttpRequest, protocol: str) -> None:
        vault, connection = self._vault, self._connection
        if request.url:
            connection["base_url"] = vault.base_url()
        headers = self._headers(request, protocol)
        if headers:
            connection["headers"] = headers
        if request.user is not None:
            connection["auth"] = {
                "type": "basic",
                "username": vault.text(request.user),
                "password": vault.password(request.password or ""),
            }
        if not request.verify:
            connection["tls"] = {"verify": False}
        if request.follow_redirects:
            connection["followRedirects"] = True
        if request.proxy is not None:
            connection["proxy"] = vault.text(request.proxy)
        on_socket = bool(request.bodies) or protocol not in ("http_chat", "sse")
        if on_socket:
            self._take_messages(request.bodies or ((request.body,) if request.body else ()))
        else:
            self._take_http(request)
        if vault.values:
            names = ", ".join(f"${{{name}}}" for name in vault.values)
            self._findings.append(
                Finding("headers", names, 1.0, "credentials: their values are not shown")
            )

    def _headers(self, request: HttpRequest, protocol: str) -> dict[str, str]:
        kept = {}
        for name, value in request.headers.items():
            lowered = name.lower()
            if lowered in _NOISE or lowered.startswith(_NOISE_PREFIXES):
                continue
            if lowered == "content-type" and value.startswith("application/json"):
                continue
            kept[name] = self._vault.header(name, value)
        return (
            kept
            if protocol != "websocket"
            else {name: value for name, value in kept.items() if name.lower() != "content-type"}
        )

    def _take_http(self, request: HttpRequest) -> None:
        if request.method not in ("POST", "HEAD"):
            self._request_keys["method"] = request.method
        if request.body is None:
            if request.method == "GET":
                self._take_query(request)
            return
        template = body_template(request.body, self._exchange.message, remembers=False)
        self._take_template(template)
        self._request_keys["body"] = self._vault.body(template.body)

    def _take_query(self, request: HttpRequest) -> None:
        """A request without a body: the message can only be in the URL."""
        parts = urlsplit(request.url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        message = self._exchange.message
        found = next((name for name, value in query.items() if message and message in value), None)
        found = found or next((name for name in query if words.is_message(name)), None)
        self._request_keys["method"] = "GET"
        if found is None:
            because = "no body, and nothing in the URL looks like a message"
            self._findings.append(Finding("request.body", None, 0.1, because))
            self._notes.append(
                "Say what the message in the request is: turnwire infer SOURCE MESSAGE."
            )
            return
        shown = self._vault.query({name: value for name, value in query.items() if name != found})
        has_message = message is not None and message in query[found]
        filled = fill_text(query[found], message) if has_message and message else "{{message}}"
        shown[found] = without_references(filled)
        bare = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
        self._connection["base_url"] = self._vault.text(bare)
        self._request_keys["query"] = {name: shown[name] for name in query}
        because = f"the message is the parameter {found!r} of the URL"
        confidence = 0.95 if has_message else 0.7
        self._findings.append(Finding("request.query", "{{message}}", confidence, because))

    def _take_messages(self, bodies: Sequence[str]) -> None:
        """What was sent on a socket for one turn."""
        templates = [body_template(body, self._exchange.message, remembers=True) for body in bodies]
        for template in templates:
            if template.has_message or len(templates) == 1:
                self._take_template(template)
            else:
                self._sent.update(template.values)
        if len(templates) == 1:
            if not _is_usual_message(templates[0].body, self._exchange.protocol):
                self._request_keys["body"] = self._vault.body(templates[0].body)
        elif templates:
            self._request_keys["bodies"] = [self._vault.body(one.body) for one in templates]
        self._take_opening(self._exchange.opening)

    def _take_template(self, template: BodyTemplate) -> None:
        self._findings.append(template.finding)
        self._sent.update(template.values)
        self._spoken = self._spoken or template.spoken
        if template.message_template is not None:
            self._request_keys["messageTemplate"] = template.message_template
        if template.roles:
            self._request_keys["roles"] = template.roles
        if not template.has_message:
            self._notes.append(
                "What in the request is the user's message is not clear. Say what it was: "
                "turnwire infer SOURCE MESSAGE."
            )

    def _take_opening(self, steps: Sequence[OpeningStep]) -> None:
        opening = []
        for step in steps:
            written: dict[str, Any] = {}
            if step.sent is not None:
                value = parse_json(step.sent)
                sent = step.sent if value is MISSING else value
                written["send"] = self._vault.body(escape_all(sent))
            condition = _condition_for(step.heard)
            if condition is not None:
                written["waitFor"] = condition
            if written:
                opening.append(written)
        if opening:
            self._section["opening"] = opening
            because = f"{counted(len(opening), 'step')} before the first turn"
            self._findings.append(Finding("opening", counted(len(opening), "step"), 0.8, because))

    # --- the reply ------------------------------------------------------------------------------

    def _take_reply(self, reply: Reply, protocol: str) -> None:
        if reply.status is not None and reply.status >= 300:
            self._notes.append(
                f"The target answered with status {reply.status}, which is no reply: how to read "
                "one is unknown."
            )
            return
        if not reply.events:
            self._notes.append("The reply is empty: how to read one is unknown.")
            return
        events = label_events(reply.events)
        types = None if reply.whole else type_of_events(events)
        answer = find_answer(events, types, message=self._exchange.message, whole=reply.whole)
        self._take_format(reply, protocol)
        self._take_answer(answer, protocol, whole=reply.whole)
        if not reply.whole:
            shape = None if answer is None else answer.texts[0].shape
            first = answer.first_index if answer is not None else 0
            last = answer.last_index if answer is not None else len(events) - 1
            if answer is not None:
                finish = find_finish(events, types, reply, answer=shape, first=first, last=last)
                self._section.update(finish.keys)
                self._findings.append(finish.finding)
        rules, seen = find_errors(events, types)
        if rules is not None:
            self._section["errors"] = rules
        if seen is not None:
            self._findings.append(seen)
        usage = find_usage(events)
        if usage is not None:
            self._section["usagePath"] = usage[0]
            self._findings.append(usage[1])
        self._take_captures(events, has_usage=usage is not None)

    def _take_format(self, reply: Reply, protocol: str) -> None:
        """A stream that is announced as something else has to be called by its name."""
        if protocol != "sse" or not reply.content_type or reply.body_format is None:
            return
        media_type = reply.content_type.partition(";")[0].strip().lower()
        if media_type not in _STREAM_TYPES.get(reply.body_format, (media_type,)):
            self._section["format"] = reply.body_format
            because = f"the body is {reply.body_format}, but announced as {media_type}"
            self._findings.append(Finding("format", reply.body_format, 0.95, because))

    def _take_answer(self, answer: Answer | None, protocol: str, *, whole: bool) -> None:
        if answer is None:
            self._notes.append("There is no text in the reply that could be the answer.")
            return
        finding = answer.finding
        if whole and answer.is_plain_path:
            self._connection["responseFieldPath"] = without_references(answer.path)
            finding = attrs.evolve(finding, field="responseFieldPath")
        elif answer.is_plain_path:
            self._section["contentPath"] = answer.path
        else:
            rules = [dict(rule) for rule in answer.rules]
            if whole and _joins_lines(answer):
                rules = [{**rule, "join": "\n"} for rule in rules]
            self._section["content"] = rules
        self._findings.append(finding)
        if protocol == "websocket" and answer.path == "$" and not self._request_keys:
            self._section["messageFormat"] = "text"

    def _take_captures(self, events: Sequence[Any], *, has_usage: bool) -> None:
        capture: dict[str, str] = {}
        ids = conversation_ids(events)
        for placeholder, sent in self._sent.items():
            given = [shape for shape, value in ids.items() if value == sent]
            if placeholder == "sessionId" and given:
                ids = {shape: value for shape, value in ids.items() if value != sent}
                because = "sent by us, and told again by the reply"
                self._findings.append(Finding("request.body", "{{sessionId}}", 0.85, because))
            elif placeholder.startswith("variables."):
                self._capture_previous(placeholder.removeprefix("variables."), events, capture)
        if ids and "sessionId" not in self._sent:
            shapes = [shape for shape in ids if last_name(shape) == last_name(next(iter(ids)))]
            path = spell_all(shapes)
            capture["sessionId"] = path
            because = "an id that stays the same throughout the reply; send {{sessionId}} with it"
            self._findings.append(Finding("capture.sessionId", path, 0.6, because))
        if not has_usage:
            counts = find_counts(events)
            if counts:
                capture.update(counts)
                because = "counts of tokens beside everything else"
                self._findings.append(Finding("capture", ", ".join(counts), 0.8, because))
        if capture:
            self._section["capture"] = capture

    def _capture_previous(self, name: str, events: Sequence[Any], capture: dict[str, str]) -> None:
        """``previous_X_id`` is sent with the next turn: it is the id of this turn's X."""
        what = name.removesuffix("Id")
        for event in events:
            for leaf in event.leaves:
                keys = [str(step).lower() for step in leaf.steps]
                if keys in ([what.lower(), "id"], [f"{what}_id".lower()], [name.lower()]):
                    path = ".".join(str(step) for step in leaf.steps)
                    capture[name] = path
                    because = "the id of this reply, which the next request names"
                    self._findings.append(Finding(f"capture.{name}", path, 0.85, because))
                    return


def _asks_for_stream(request: HttpRequest) -> bool:
    body = parse_json(request.body) if request.body else MISSING
    if isinstance(body, dict) and any(
        "stream" in key.lower() and (value is True or value == "streaming")
        for key, value in body.items()
    ):
        return True
    accept = next((v for k, v in request.headers.items() if k.lower() == "accept"), "")
    return "event-stream" in accept or "ndjson" in accept or "stream" in urlsplit(request.url).path


def _is_usual_message(body: Any, protocol: str | None) -> bool:
    """Whether a driver sends this without being told."""
    return protocol == "websocket" and body == {"message": "{{message}}"}


def _condition_for(heard: Sequence[Event]) -> dict[str, Any] | None:
    """What the last message before the next step is known by."""
    events = label_events(heard)
    if not events:
        return None
    last = events[-1]
    typed = [label for label in last.labels if isinstance(label.value, str) and len(label.key) == 1]
    for label in typed:
        if words.is_type(last_name(tuple(label.key))):
            return {spell_label(label.key): value_of(last, label.key)}
    value = last.event.value
    if isinstance(value, dict) and value:
        return {next(iter(value)): True}
    return None


def _joins_lines(answer: Answer) -> bool:
    return None in answer.steps
