"""``extract``: keep something of what was said for later."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

import attrs

from turnwire.steps._text import shown, text_of
from turnwire.steps.contract import RunningTest, Step, StepError
from turnwire_core.contracts.connection import option
from turnwire_core.paths import MISSING, Path


@attrs.frozen
class ExtractOptions:
    """Where something is, and which variable takes it."""

    assign: str = option("The variable that takes it: `{{variables.NAME}}`.")
    path: Path | None = option("Where it is, in JSON.", None)
    regex: str | None = option(
        "What to search in the text: the first group, or the whole match if there is none.", None
    )
    from_: Literal["reply", "request", "transcript"] = option(
        "`reply`: the last one. `request`: what the last request brought. `transcript`: all that "
        "was said, a list of `{role, content}`.",
        "reply",
    )

    def __attrs_post_init__(self) -> None:
        if self.path is None and self.regex is None:
            raise ValueError("Say what to extract: write 'path' or 'regex'.")
        if self.regex is not None:
            try:
                re.compile(self.regex)
            except re.error as exc:
                raise ValueError(f"'regex' is no regular expression: {exc}.") from exc


class ExtractStep(Step):
    """See :class:`ExtractOptions`."""

    kind = "extract"
    options = ExtractOptions
    shorthand = "path"
    doc = "Take a value out of a reply, an answer or the transcript, and keep it in a variable."

    async def run(self, options: ExtractOptions, test: RunningTest) -> None:
        """Find it, and assign it.

        Raises:
            StepError: it is not there (kind ``check``), or nothing was said yet (``config``).
        """
        source = _source(options.from_, test)
        value = source
        if options.path is not None:
            value = options.path.get(_as_json(source, options.from_))
            if value is MISSING:
                raise _absent(f"Nothing is at {options.path}", options.from_, source)
        if options.regex is not None:
            match = re.search(options.regex, _as_text(value))
            if match is None:
                raise _absent(f"Nothing matches {options.regex!r}", options.from_, value)
            found = match[1] if match.re.groups else match[0]
            if found is None:
                group = f"The first group of {options.regex!r}"
                raise _absent(f"{group} matches nothing", options.from_, value)
            value = found
        test.assign(options.assign, value)


def _source(name: str, test: RunningTest) -> Any:
    if name == "transcript":
        return [entry.as_json() for entry in test.conversation.transcript]
    if name == "request":
        if test.answer is MISSING:
            raise StepError("There was no request yet to extract from.", kind="config")
        return test.answer
    if not test.turns:
        raise StepError("There is no reply yet to extract from.", kind="config")
    return test.turns[-1].reply.content


def _as_json(source: Any, name: str) -> Any:
    """What a path can look into: a reply is text that ought to hold JSON."""
    if not isinstance(source, str):
        return source
    try:
        return json.loads(source)
    except (ValueError, RecursionError) as exc:
        raise _absent("It is no JSON, so 'path' finds nothing in it", name, source) from exc


def _as_text(value: Any) -> str:
    match value:
        case [{"role": _, "content": _}, *_]:
            return "\n".join(f"{entry['role']}: {entry['content']}" for entry in value)
        case _:
            return text_of(value)


def _absent(what: str, name: str, source: Any) -> StepError:
    where = {"reply": "the last reply", "request": "the last answer"}.get(name, f"the {name}")
    return StepError(f"{what}, in {where}: {shown(_as_text(source))}", kind="check")
