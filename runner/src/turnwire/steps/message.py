"""``message``: one turn of the conversation."""

from __future__ import annotations

from typing import Literal

import attrs

from turnwire.steps._text import text_of
from turnwire.steps.contract import RunningTest, Step, StepError
from turnwire_core.contracts.connection import option
from turnwire_core.templates import Template


@attrs.frozen
class MessageOptions:
    """What is said, and by whom."""

    content: Template = option("What is said; may hold placeholders.")
    persona: str | None = option(
        "Who says it: the name of one of the suite's personas, or a description. Default: the "
        "test's.",
        None,
    )
    role: Literal["user", "system"] = option(
        "`user` takes a turn. `system` only puts the message into the transcript, for targets "
        "whose request carries it.",
        "user",
    )

    def __attrs_post_init__(self) -> None:
        if self.role == "system" and self.persona is not None:
            raise ValueError("A system message has no 'persona': nobody says it.")


class MessageStep(Step):
    """See :class:`MessageOptions`."""

    kind = "message"
    options = MessageOptions
    shorthand = "content"
    doc = "Say something to the target, and read its reply."

    async def run(self, options: MessageOptions, test: RunningTest) -> None:
        """Take the turn, or add to the transcript."""
        content = text_of(test.fill(options.content))
        if options.role == "system":
            test.conversation.add_system(content)
            return
        if not content.strip():
            raise StepError("The message is empty.", kind="config")
        await test.say(content, persona=options.persona)
