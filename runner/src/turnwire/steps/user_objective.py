"""``user_objective``: a simulated user who pursues a goal, turn by turn.

Who plays the user is a connection like any other, asked for the next message of the user each
time. Without one a scripted user does it, who needs no network and says the same every time: the
sentences of the objective, one a turn ("I want to …"), and again from the first while ``stopWhen``
does not hold. Without ``stopWhen`` the scripted user is content once all is said. It understands no
reply: what it is good for is a known conversation, not finding out how one might go.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final, Protocol

import attrs

from turnwire.steps._text import shown, text_of
from turnwire.steps.contract import RunningTest, Step, StepError
from turnwire.suites.model import CheckSpec
from turnwire_core import Message
from turnwire_core.contracts.connection import option
from turnwire_core.templates import Template


@attrs.frozen
class UserObjectiveOptions:
    """The goal, who pursues it, and when it is reached."""

    objective: Template = option(
        "What the user wants, as an order: `Get a refund for order 12345.` May hold placeholders."
    )
    persona: str | None = option(
        "Who the user is: the name of one of the suite's personas, or a description. Default: the "
        "test's.",
        None,
    )
    max_turns: int = option("The most turns that it may take.", 6)
    simulator: str | None = option(
        "The connection that plays the user. Default: a scripted user.", None, aliases=("judge",)
    )
    stop_when: tuple[CheckSpec, ...] = option(
        "The objective is reached when these checks hold. Default: when the simulator says so.", ()
    )

    def __attrs_post_init__(self) -> None:
        if self.max_turns < 1:
            raise ValueError("An objective needs at least one turn: 'maxTurns' is 1 or more.")


class End(Enum):
    """What a simulated user may say instead of a message."""

    REACHED = "DONE"
    GIVEN_UP = "GIVE UP"


class SimulatedUser(Protocol):
    """Whoever plays the user."""

    async def next(self, transcript: Sequence[Message]) -> str | End:
        """The next message of the user, or the end."""


class UserObjectiveStep(Step):
    """See :class:`UserObjectiveOptions`."""

    kind = "user_objective"
    options = UserObjectiveOptions
    shorthand = "objective"
    doc = "Let a simulated user pursue a goal, for a number of turns."

    async def run(self, options: UserObjectiveOptions, test: RunningTest) -> None:
        """Hold the conversation; whether the objective was reached is recorded as a check.

        Raises:
            StepError: see :meth:`RunningTest.say`; the simulator failed (kind ``judge``).
        """
        objective = text_of(test.fill(options.objective)).strip()
        if not objective:
            raise StepError("The objective is empty.", kind="config")
        user = _user(objective, options, test)
        turns = 0
        while True:
            said = await user.next(test.conversation.transcript)
            if isinstance(said, End) or turns == options.max_turns:
                reached = said is End.REACHED and not options.stop_when
                break
            reply = await test.say(said, persona=options.persona)
            turns += 1
            reached = False
            if not reply.ok:
                said = End.GIVEN_UP
                break
            if options.stop_when and await _all_hold(options.stop_when, test):
                reached = True
                break
        test.require(
            reached,
            name="objective",
            expected=f"reached within {_turns(options.max_turns)}: {shown(objective)}",
            actual=_outcome(reached, said, turns),
        )


async def _all_hold(checks: Sequence[CheckSpec], test: RunningTest) -> bool:
    for check in checks:
        if not await test.holds(check):
            return False
    return True


def _outcome(reached: bool, said: str | End, turns: int) -> str:
    if reached:
        return f"reached after {_turns(turns)}"
    match said:
        case End.GIVEN_UP:
            return f"the user gave up after {_turns(turns)}"
        case End.REACHED:
            return f"the user was content after {_turns(turns)}, but 'stopWhen' does not hold"
        case _:
            return f"not reached after {_turns(turns)}"


def _turns(count: int) -> str:
    return f"{count} turn{'s' if count != 1 else ''}"


def _user(objective: str, options: UserObjectiveOptions, test: RunningTest) -> SimulatedUser:
    if options.simulator is None:
        return ScriptedUser(objective, persistent=bool(options.stop_when))
    suite = test.case.suite
    persona = suite.persona_text(options.persona or test.case.test.persona)
    return _ConnectedUser(objective, persona, options.simulator, test)


class ScriptedUser:
    """Says what the objective says, a sentence a turn.

    A ``persistent`` user says it again and again; any other is content once all is said.
    """

    def __init__(self, objective: str, *, persistent: bool) -> None:
        self._sentences = _sentences(objective)
        self._persistent = persistent
        self._left: Iterator[str] = iter(self._sentences)

    async def next(
        self,
        transcript: Sequence[Message],  # noqa: ARG002 # it says its piece whatever is replied
    ) -> str | End:
        """The next sentence."""
        sentence = next(self._left, None)
        if sentence is None and self._persistent:
            self._left = iter(self._sentences)
            sentence = next(self._left)
        return End.REACHED if sentence is None else sentence


_SENTENCE_END: Final = re.compile(r"(?<=[.!?])\s+|\s*\n\s*")
_FIRST_PERSON: Final = re.compile(r"(?:i|i'm|i'd|my|we)\b", re.IGNORECASE)


def _sentences(objective: str) -> list[str]:
    sentences = [one.strip() for one in _SENTENCE_END.split(objective) if one.strip()]
    return [_as_wish(one) for one in sentences]


def _as_wish(sentence: str) -> str:
    """``Get a refund.`` as ``I want to get a refund.``; questions and wishes stay as they are."""
    if sentence.endswith("?") or _FIRST_PERSON.match(sentence):
        return sentence
    return f"I want to {sentence[0].lower()}{sentence[1:]}"


_PROMPT: Final = """\
You play the user in a conversation with an assistant that is being tested. You are not the \
assistant.

{persona}What you want: {objective}

{transcript}

Write the next message of the user, and nothing else: no quotes, no explanation. Stay in your \
role. If you have got what you want, write only {done}. If it is plain that you will not get it, \
write only {give_up}."""


class _ConnectedUser:
    """Asks a connection what the user would say. Each time anew, with all that it must know."""

    def __init__(
        self, objective: str, persona: str | None, connection: str, test: RunningTest
    ) -> None:
        self._objective = objective
        self._persona = f"Who you are: {persona}\n" if persona else ""
        self._connection = connection
        self._test = test

    async def next(self, transcript: Sequence[Message]) -> str | End:
        """Raises StepError of kind ``judge`` where the simulator gives no message."""
        said = "\n".join(f"{entry.role}: {entry.content}" for entry in transcript)
        prompt = _PROMPT.format(
            persona=self._persona,
            objective=self._objective,
            transcript=f"The conversation so far:\n{said}" if said else "You speak first.",
            done=End.REACHED.value,
            give_up=End.GIVEN_UP.value,
        )
        async with self._test.talk_to(self._connection, role="simulator") as conversation:
            reply = await conversation.send(prompt)
        if not reply.ok:
            raise StepError(
                f"The simulated user ({self._connection}) failed: {reply.error}", kind="judge"
            )
        return _read(reply.content, self._connection)


def _read(content: str, connection: str) -> str | End:
    text = content.strip()
    lines = {line.strip().strip(".*\"'` ") for line in text.splitlines()}
    for end in End:
        if end.value in lines:
            return end
    if not text:
        raise StepError(f"The simulated user ({connection}) said nothing.", kind="judge")
    return text
