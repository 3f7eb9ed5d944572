"""A connection, loaded and checked: everything that a config file can say about one target.

Field names are snake_case here and camelCase in files. ``option`` carries each key's documentation,
from which the JSON Schema and the reference are made: a key is described once.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal, NewType
from urllib.parse import urlsplit

import attrs

from turnwire_core.contracts.tap import WireTap
from turnwire_core.paths import Path
from turnwire_core.secrets import Secrets
from turnwire_core.templates import Template

JsonValue = Any
"""Any JSON value, kept as it is."""

Milliseconds = NewType("Milliseconds", float)
"""A positive number of milliseconds."""

ByteCount = NewType("ByteCount", int)
"""A positive number of bytes."""


class Secret(str):
    """Text that is hidden wherever something is shown: also in the repr of what has it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


DocumentPath = NewType("DocumentPath", str)
"""The path of a file, relative to the config file that names it."""

EntryTemplate = NewType("EntryTemplate", Template)
"""A template for one entry of ``{{messages}}``: it may name ``templates.ENTRY_NAMES``."""


class _Unset:
    """A key that was not written. JSON null is a value, this is not."""

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> bool:
        return False

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = _Unset()


def option(
    doc: str, default: Any = attrs.NOTHING, *, factory: Any = None, aliases: tuple[str, ...] = ()
) -> Any:
    """A key of a config section: an attrs field with its documentation.

    ``aliases`` are further spellings read from files, besides snake_case and camelCase.
    """
    metadata = {"doc": doc, "aliases": aliases}
    if factory is not None:
        return attrs.field(factory=factory, metadata=metadata)
    return attrs.field(default=default, metadata=metadata)


@attrs.frozen
class Condition:
    """What must be true of a frame: each path has the wanted value.

    In files an object: ``{"type": ["a", "b"], "choices": true, "$event": "ping"}``. A list means
    any of its values, ``true`` means that the path is there and not null. ``$event`` is the name
    of the SSE event.
    """

    tests: tuple[tuple[Path | None, JsonValue], ...]
    """(path, wanted) pairs, all of which must hold; path None stands for ``$event``."""


@attrs.frozen
class ContentRule:
    """Where the reply's text is. In files an object, in ``content``."""

    path: Path = option("Where the text is in the event.")
    when: Condition | None = option("Only events for which all of this holds.", None)
    unless: Condition | None = option(
        "Not the events, or items of a list, for which it holds.", None
    )
    mode: Literal["delta", "cumulative", "replace"] = option(
        "`delta` appends the text, `cumulative` holds the whole text so far, "
        "`replace` starts the text anew.",
        "delta",
    )
    join: str = option("What stands between the texts of a list that `[*]` found.", "")


@attrs.frozen
class FinishRule:
    """When the reply is finished. In files an object, in ``finish``; one that holds will do."""

    path: Path | None = option("Finished when the value here is `value`.", None)
    value: JsonValue = option(
        "The value or list of values. Without it: any but null, false and absence.", UNSET
    )
    when: Condition | None = option("Finished by an event for which all of this holds.", None)
    unless: Condition | None = option("Not by an event for which it holds.", None)
    sentinel: str | None = option("Finished by an event whose data is this text.", None)
    end: bool = option("Finished by the end of the stream.", False)
    quiet_ms: Milliseconds | None = option(
        "Finished when nothing has arrived for so long after content.", None
    )

    def __attrs_post_init__(self) -> None:
        if not (self.path or self.when or self.sentinel is not None or self.end or self.quiet_ms):
            raise ValueError("A finish rule needs one of path, when, sentinel, end, quietMs.")
        if self.value is not UNSET and self.path is None:
            raise ValueError("'value' needs 'path': the place that is compared with it.")


@attrs.frozen
class ErrorRule:
    """How the target says, inside a reply, that something went wrong. In ``errors``."""

    when: Condition | None = option("An event for which all of this holds is an error.", None)
    unless: Condition | None = option("But not one for which this holds.", None)
    path: Path | None = option(
        "Where the message is. Without `when`, a value here is what makes the event an error.", None
    )

    def __attrs_post_init__(self) -> None:
        if not (self.when or self.path):
            raise ValueError("An error rule needs 'when' or 'path'.")


@attrs.frozen
class ReplyRules:
    """How a reply is read: the same keys in the section of every protocol."""

    content_path: Path | None = option("Where the text is in each event.", None)
    content: tuple[ContentRule, ...] = option("The long form of `contentPath`.", ())
    finish_path: Path | None = option("Where the event says that the reply is finished.", None)
    finish_value: JsonValue = option(
        "The value or list of values at `finishPath` that means so.", UNSET
    )
    finish: tuple[FinishRule, ...] = option("The long form of `finishPath`.", ())
    errors: tuple[ErrorRule, ...] | None = option(
        "How an event says that something went wrong. Without it: an event named `error`, or one "
        "with a value at `error`. `[]` switches that off.",
        None,
    )
    usage_path: Path | None = option(
        "Where the token usage is; parts of it that come in several events are joined.", None
    )
    capture: Mapping[str, Path] = option(
        "Values to keep for later turns, by name: `sessionId` fills `{{sessionId}}`, any other "
        "name `{{variables.NAME}}`.",
        factory=dict,
    )
    allow_unfinished: bool = option(
        "A stream that ends without the finish rule fulfilled still passes.", False
    )

    def __attrs_post_init__(self) -> None:
        if self.content_path and self.content:
            raise ValueError("Write either 'contentPath' or 'content', not both.")
        if self.finish_path and self.finish:
            raise ValueError("Write either 'finishPath' or 'finish', not both.")
        if self.finish_value is not UNSET and not self.finish_path:
            raise ValueError(
                "'finishValue' needs 'finishPath': the place that is compared with it."
            )


@attrs.frozen
class Request:
    """What is sent for a turn."""

    method: Literal["POST", "GET", "PUT", "PATCH"] = option("The HTTP method.", "POST")
    query: Mapping[str, Template] = option("Query parameters; may hold placeholders.", factory=dict)
    body: Template | None = option("The body, a JSON template with `{{placeholders}}`.", None)
    bodies: tuple[Template, ...] = option(
        "Several bodies, sent one after another as messages (WebSocket only).", ()
    )
    message_template: EntryTemplate | None = option(
        "The shape of one entry of `{{messages}}`, with `{{role}}`, `{{content}}`, `{{id}}`.", None
    )
    roles: Mapping[str, str] = option(
        'Other names for roles in `{{messages}}`: `{"assistant": "model"}`.', factory=dict
    )

    def __attrs_post_init__(self) -> None:
        if self.body is not None and self.bodies:
            raise ValueError("Write either 'body' or 'bodies', not both.")


@attrs.frozen
class Limits:
    """Bounds on time and size, besides the connection's ``timeoutMs``, which bounds a turn."""

    connect_ms: Milliseconds = option(
        "Name resolution, TCP, proxy, TLS and upgrade.", Milliseconds(10_000)
    )
    first_content_ms: Milliseconds = option(
        "From the start of the turn to the first text.", Milliseconds(60_000)
    )
    idle_ms: Milliseconds = option("Between two arrivals of bytes.", Milliseconds(30_000))
    close_ms: Milliseconds = option("For the target to take part in closing.", Milliseconds(5_000))
    linger_ms: Milliseconds = option(
        "How long to read on after the finish, for usage, sentinel and the end of the stream.",
        Milliseconds(500),
    )
    # The largest replies there are have 128,000 tokens: as many events, 700,000 characters, and
    # 40 MiB with the JSON around them. Nothing that a target can make of these bounds takes more
    # than 64 MiB of memory; tests/faults/test_memory.py measures it.
    max_event_bytes: ByteCount = option("One event, message or line.", ByteCount(4 * 1024 * 1024))
    max_event_values: int = option(
        "JSON values of one event. Each may take a hundred times the memory of its text.", 250_000
    )
    max_events: int = option("Events of one turn.", 250_000)
    max_characters: int = option("The text of one reply.", 2_000_000)
    max_reply_bytes: ByteCount = option("Everything of one turn.", ByteCount(64 * 1024 * 1024))


@attrs.frozen
class Retry:
    """Trying a turn again, only while nothing of a reply has arrived. Off by default."""

    attempts: int = option("How often to try again. 0: never.", 0)
    statuses: tuple[int, ...] = option(
        "The HTTP statuses after which to try again.", (429, 502, 503, 504)
    )
    backoff_ms: Milliseconds = option(
        "The first wait; doubled each time. A `Retry-After` of the target wins.", Milliseconds(500)
    )
    max_wait_ms: Milliseconds = option(
        "The longest wait; a target that asks for more ends the turn.", Milliseconds(30_000)
    )


@attrs.frozen
class Auth:
    """Credentials, for those who do not write them into ``headers``."""

    type: Literal["bearer", "basic", "api_key", "oauth2"] = option("Which kind.")
    token: Secret | None = option("`bearer`: the token.", None)
    username: str | None = option("`basic`: the user.", None)
    password: Secret | None = option("`basic`: the password.", None)
    header: str | None = option("`api_key`: the header that carries the key.", None)
    query: str | None = option("`api_key`: the query parameter that carries the key.", None)
    key: Secret | None = option("`api_key`: the key.", None)
    token_url: str | None = option("`oauth2`: where client credentials become a token.", None)
    client_id: str | None = option("`oauth2`: the client.", None)
    client_secret: Secret | None = option("`oauth2`: its secret.", None)
    scope: str | None = option("`oauth2`: the scope to ask for.", None)

    def __attrs_post_init__(self) -> None:
        needed = {
            "bearer": ("token",),
            "basic": ("username", "password"),
            "api_key": ("key",),
            "oauth2": ("token_url", "client_id", "client_secret"),
        }[self.type]
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"Auth of type {self.type!r} needs {' and '.join(missing)}.")


@attrs.frozen
class Tls:
    """How the target's certificate is checked, and ours shown."""

    verify: bool = option("False accepts any certificate. Loud, and only for tests.", True)
    ca_bundle: DocumentPath | None = option("A file of certificates to trust instead.", None)
    client_cert: DocumentPath | None = option("Our certificate (PEM).", None)
    client_key: DocumentPath | None = option("Its key, if not in the same file.", None)
    client_key_password: Secret | None = option("The password of that key.", None)


@attrs.frozen
class Connection:
    """One target, ready to be opened with the driver of its protocol.

    ``base_url`` is used exactly as written. ``options`` is an instance of the driver's options
    class. Nothing secret is in the repr.
    """

    base_url: str = option(
        "The URL to talk to, used exactly as written.", aliases=("baseUrl", "url")
    )
    protocol: str = option("The driver that speaks it.", "http_chat")
    preset: str | None = option("Fill in body, paths and finish rule of a known API.", None)
    description: str | None = option("For people.", None)
    headers: Mapping[str, Template] = option(
        "Sent with every request; may hold placeholders.", factory=dict
    )
    auth: Auth | None = option("Credentials.", None)
    request: Request = option("What is sent for a turn.", factory=Request)
    response_field_path: Path | None = option(
        "Where a body that is one document holds the answer.", None
    )
    persona: str | None = option("Who the user is, for targets that want to know.", None)
    variables: Mapping[str, JsonValue] = option("Values for `{{variables.NAME}}`.", factory=dict)
    timeout_ms: Milliseconds = option("Bounds the whole turn.", Milliseconds(60_000))
    limits: Limits = option("The other bounds on time and size.", factory=Limits)
    retry: Retry = option("Trying again before anything has arrived.", factory=Retry)
    tls: Tls = option("Certificates.", factory=Tls)
    proxy: str | None = option(
        "The proxy's URL. Without it: what the environment says. Empty: none.", None
    )
    follow_redirects: bool = option(
        "Follow 307 and 308; credentials never travel to another origin.", False
    )

    # What follows is not a key: the loader fills it in.
    name: str = attrs.field(default="", kw_only=True)
    rules: ReplyRules = attrs.field(factory=ReplyRules, kw_only=True)
    options: Any = attrs.field(default=None, kw_only=True)
    environment: Mapping[str, str] = attrs.field(factory=dict, repr=False, kw_only=True)
    secrets: Secrets = attrs.field(factory=Secrets, repr=False, eq=False, kw_only=True)
    trust_env: bool = attrs.field(default=True, kw_only=True)
    tap: WireTap | None = attrs.field(default=None, repr=False, eq=False, kw_only=True)

    def __repr__(self) -> str:
        return f"<Connection {self.name!r}: {self.protocol} to {self.origin}>"

    @property
    def origin(self) -> str:
        """Scheme, host and port of ``base_url``: what messages may show of it."""
        return _origin_of(self.base_url)


@lru_cache(maxsize=256)
def _origin_of(url: str) -> str:
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname or ""
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{host}{port}"
