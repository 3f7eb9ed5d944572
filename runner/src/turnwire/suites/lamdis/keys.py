"""The keys of the files of lamdis-runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import attrs

from turnwire_core.contracts.connection import JsonValue, Milliseconds, option

Name = str | None


@attrs.frozen
class EnvKeys:
    """Where an assistant is."""

    channel: Literal["http_chat", "openai_chat", "bedrock_chat"] = option("How.", "http_chat")
    base_url: str | None = option("Where; `/chat` is appended.", None, aliases=("baseUrl",))
    headers: Mapping[str, str] = option("Headers.", factory=dict)
    timeout_ms: Milliseconds | None = option("Bounds a turn.", None)


@attrs.frozen
class AuthRefKeys:
    """The long form of ``authRef``."""

    auth_ref: str = option("The auth file.")


@attrs.frozen
class AssistantKeys:
    """A file in ``assistants/``."""

    env: EnvKeys = option("Where it is.")
    id: str | None = option("Its name.", None)
    name: str | None = option("For people.", None)
    description: str | None = option("For people.", None)
    auth_ref: str | None = option("The auth file.", None)
    auth: AuthRefKeys | None = option("The same.", None)
    path: str = option("Appended to the URL.", "/chat")
    input_schema: JsonValue = option("What is sent; for people.", None)
    output_schema: JsonValue = option("What is answered.", None)


@attrs.frozen
class ApplyKeys:
    """How a token is sent."""

    type: Literal["bearer"] = option("Only so.", "bearer")
    header: str = option("In which header.", "authorization")


@attrs.frozen
class PatternKeys:
    """How a header is made."""

    header: str = option("Which one.", "authorization")
    template: str | None = option("Its value.", None)
    type: Literal["bearer", "header"] = option("Which kind.", "header")


@attrs.frozen
class AuthKeys:
    """A file in ``auth/``."""

    id: str | None = option("Its name.", None)
    name: str | None = option("For people.", None)
    description: str | None = option("For people.", None)
    kind: Literal["oauth_client_credentials", "headers", "static"] | None = option("Which.", None)
    client_id: str | None = option("OAuth.", None)
    client_secret: str | None = option("OAuth.", None)
    token_url: str | None = option("OAuth.", None)
    scopes: tuple[str, ...] = option("OAuth.", ())
    cache_ttl_seconds: int | None = option("OAuth; the server's own word counts.", None)
    apply: ApplyKeys = option("OAuth.", factory=ApplyKeys)
    headers: Mapping[str, str] = option("Static headers.", factory=dict)
    env: Mapping[str, str] = option("Other names for the environment.", factory=dict)
    pattern: PatternKeys | None = option("One header.", None)


@attrs.frozen
class HttpKeys:
    """An HTTP call."""

    method: str = option("The method.", "GET")
    base_url: str = option("The beginning of the URL.", "", aliases=("baseUrl",))
    path: str = option("The rest of it.", "")
    full_url: str | None = option("Or all of it.", None)
    headers: Mapping[str, str] = option("Headers.", factory=dict)
    body: JsonValue = option("The body. Default: the input.", None)


@attrs.frozen
class TransportKeys:
    """How a request travels."""

    http: HttpKeys = option("The call.")
    mode: Literal["direct"] = option("From here.", "direct")
    authority: str | None = option("For people.", None)
    auth_ref: str | None = option("The auth file.", None)


@attrs.frozen
class RequestKeys:
    """One of ``requests``."""

    id: str = option("Its name.")
    transport: TransportKeys = option("How.")
    title: str | None = option("For people.", None)
    name: str | None = option("For people.", None)
    description: str | None = option("For people.", None)
    auth_ref: str | None = option("The auth file.", None)
    auth: AuthRefKeys | None = option("The same.", None)
    input_schema: JsonValue = option("For people.", None)
    output_schema: JsonValue = option("For people.", None)


@attrs.frozen
class RequestsFileKeys:
    """A file in ``requests/``."""

    requests: tuple[RequestKeys, ...] = option("The requests.")
    id: str | None = option("Its name.", None)
    auth_ref: str | None = option("The auth file of all.", None)
    auth: JsonValue = option("An auth block in place.", None)


@attrs.frozen
class PersonaKeys:
    """One of ``personas``."""

    id: str = option("Its name.")
    name: str | None = option("For people.", None)
    description: str | None = option("Who it is.", None)
    text: str | None = option("The same.", None, aliases=("yaml",))
    user_profile: Mapping[str, JsonValue] = option("Facts.", factory=dict)


@attrs.frozen
class PersonasFileKeys:
    """A file in ``personas/``."""

    personas: tuple[PersonaKeys, ...] = option("The personas.")
    id: str | None = option("Its name.", None)


@attrs.frozen
class ImportKeys:
    """What a test file imports."""

    personas: tuple[str, ...] = option("Files of personas.", ())
    requests: tuple[str, ...] = option("Files of requests.", ())


@attrs.frozen
class AssistantsKeys:
    """Which assistants a suite is for."""

    include: tuple[str, ...] = option("By reference.", ())
    include_folders: tuple[str, ...] = option("All in a folder.", ())
    exclude: tuple[str, ...] = option("But not these.", ())


@attrs.frozen
class TestsKeys:
    """Which tests a suite has."""

    __test__ = False

    include_files: tuple[str, ...] = option("Test files.", ())
    include_folders: tuple[str, ...] = option("All in a folder.", ())
    include_ids: tuple[str, ...] = option("Ids of those; must be among them.", ())


@attrs.frozen
class FileKeys:
    """A test file, or a suite file."""

    tests: JsonValue = option("The tests, or where they are.")
    id: str | None = option("Its name.", None)
    suite: str | None = option("The same.", None)
    name: str | None = option("For people.", None)
    description: str | None = option("For people.", None)
    org_id: str | None = option("Of the hosted product only.", None)
    imports: ImportKeys = option("Files it uses.", factory=ImportKeys)
    assistant_ref: str | None = option("The assistant.", None)
    assistants: AssistantsKeys | None = option("The assistants.", None)
    env: EnvKeys | None = option("An assistant in place.", None)


@attrs.frozen
class MessageKeys:
    """One of a script's messages."""

    content: str = option("What is said.")
    role: Literal["user", "system"] = option("By whom.", "user")
    persona_id: str | None = option("Who the user is.", None)


@attrs.frozen
class ScriptKeys:
    """A script: the messages of a test without steps."""

    messages: tuple[MessageKeys, ...] = option("The messages.", ())


@attrs.frozen
class JudgeConfigKeys:
    """When a conversation has come to its end."""

    rubric: str | None = option("What must hold.", None)
    threshold: float = option("From 0 to 1.", 0.75)


@attrs.frozen
class TestKeys:
    """One test."""

    __test__ = False

    id: str | None = option("Its id.", None)
    name: str | None = option("For people.", None)
    description: str | None = option("For people.", None)
    tags: tuple[str, ...] = option("Tags.", ())
    objective: str | None = option("What the conversation is for.", None)
    persona_id: str | None = option("Who the user is.", None)
    script: JsonValue = option("The messages; text is YAML.", None)
    steps: tuple[JsonValue, ...] = option("The steps; with them the script is not used.", ())
    assertions: tuple[JsonValue, ...] = option("Checks at the end.", ())
    judge_config: JudgeConfigKeys = option("When to end.", factory=JudgeConfigKeys)
    max_turns: int = option("The most turns.", 8)
    min_turns: int = option("The fewest.", 1)
    iterate: bool = option("Go on with a simulated user.", True)
    continue_after_pass: bool = option("Go on when the judge is content.", False)


Severity = Literal["error", "warning", "info"]


@attrs.frozen
class StepMessageKeys:
    """``message``."""

    content: str = option("What is said.")
    role: Literal["user", "system"] = option("By whom.", "user")
    persona_id: str | None = option("Who the user is.", None)


@attrs.frozen
class ExpectKeys:
    """What a request must bring."""

    path: str | None = option("Where.", None)
    equals: JsonValue = option("What.", None)


@attrs.frozen
class StepRequestKeys:
    """``request``, as a step or as an assertion."""

    request_id: str = option("Which.")
    input: Mapping[str, JsonValue] = option("Values for it.", factory=dict)
    input_mappings: Mapping[str, JsonValue] = option("The same.", factory=dict)
    assign: str | None = option("The variable that takes the answer.", None)
    save_as: str | None = option("The same.", None)
    expect: ExpectKeys | None = option("What must come.", None)


@attrs.frozen
class IncludesKeys:
    """``includes``, as a step or as an assertion."""

    includes: tuple[str, ...] = option("The phrases.")
    scope: Literal["last", "transcript"] = option("Where.", "transcript")


@attrs.frozen
class JudgeKeys:
    """``assistant_check`` and ``semantic``."""

    rubric: str = option("What must hold.")
    threshold: float = option("From 0 to 1.", 0.75)
    scope: Literal["last", "transcript"] = option("What is judged.", "last")
    mode: Literal["judge"] = option("Who judges.", "judge")


@attrs.frozen
class ObjectiveKeys:
    """``user_objective``."""

    description: str = option("The goal.", aliases=("objective",))
    max_turns: int = option("The most turns.", 8)
    persona_id: str | None = option("Who the user is.", None)
