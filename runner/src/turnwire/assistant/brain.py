"""What the assistant says: a small shop's front desk, with no model and no chance in it.

The answer depends on the message and on what was said before it, and on nothing else, so a test
may compare it as text. An order number, a name or an earlier message is remembered only if the
client sent the conversation along, or if the server kept it: that is what makes memory testable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final

import attrs

GREETING: Final = (
    "Hello! I am the Turnwire demo assistant. "
    "Ask me about opening hours, refunds, delivery or an order."
)
HOURS: Final = "We are open from 9:00 to 17:00, Monday to Friday. At weekends we are closed."
REFUND: Final = (
    "You can return anything within 30 days for a full refund. "
    "The money is back on your account five working days later."
)
DELIVERY: Final = "Delivery takes two to three working days and is free from 50 euros."
WHICH_ORDER: Final = "Which order do you mean? Tell me its number, for example 12345."
NOTHING_BEFORE: Final = "Nothing yet: this is your first message."
NO_NAME: Final = "You have not told me your name yet."
THANKS: Final = "You are welcome!"
FAREWELL: Final = "Goodbye, and thank you for calling in."
HUMAN: Final = "I will ask a colleague to call you back within one hour."
STORY: Final = (
    "Once there was a client that waited for a reply. The reply came in many small pieces, and "
    "the client wrote down when each of them arrived. Some came early, some came late, and one "
    "took so long that the client almost hung up. In the end all of them were there, in the "
    "right order, and the client knew exactly how long it had waited. The end."
)

MAX_COUNT: Final = 1000
"""How far the assistant is willing to count."""

_STATES: Final = (
    "is being packed and leaves us tomorrow",
    "has shipped and arrives on Thursday",
    "was delivered on Monday",
    "is waiting for your payment",
)


@attrs.frozen
class Entry:
    """One thing that was said. ``role`` is ``user`` or ``assistant``."""

    role: str
    content: str


@attrs.frozen
class Said:
    """What a rule may look at: the message, and what came before it.

    ``detail`` is what the rule's pattern found in its first group.
    """

    message: str
    history: Sequence[Entry] = ()
    persona: str | None = None
    detail: str = ""

    @property
    def earlier(self) -> list[str]:
        """The user's earlier messages, oldest first."""
        return [entry.content for entry in self.history if entry.role == "user"]

    def last(self, pattern: re.Pattern[str]) -> str | None:
        """What the first group of ``pattern`` found, in this message or the latest before it."""
        for text in (self.message, *reversed(self.earlier)):
            if match := pattern.search(text):
                return match[1]
        return None


_ORDER_NUMBER = re.compile(r"(?<![\w.,])#?([0-9]{4,12})(?![\w])")
_NAME = re.compile(r"\b(?:my name is|call me|i am called)\s+([^\W\d_][\w'-]*)", re.IGNORECASE)


def _echo(said: Said) -> str:
    return said.detail


def _hello(said: Said) -> str:
    name = said.last(_NAME)
    return GREETING.replace("Hello!", f"Hello, {name}!") if name else GREETING


def _introduction(said: Said) -> str:
    return f"Nice to meet you, {said.detail}. What can I do for you?"


def _who(said: Said) -> str:
    if name := said.last(_NAME):
        return f"Your name is {name}."
    return f"You are {said.persona}." if said.persona else NO_NAME


def _before(said: Said) -> str:
    return f'You said: "{said.earlier[-1]}"' if said.earlier else NOTHING_BEFORE


def _first(said: Said) -> str:
    return f'Your first message was: "{said.earlier[0]}"' if said.earlier else NOTHING_BEFORE


def _how_many(said: Said) -> str:
    return f"This is message number {len(said.earlier) + 1} of our conversation."


def _refund(said: Said) -> str:
    order = said.last(_ORDER_NUMBER)
    return f"{REFUND} That goes for order {order} too." if order else REFUND


def _order(said: Said) -> str:
    order = said.last(_ORDER_NUMBER)
    if order is None:
        return WHICH_ORDER
    return f"Order {order} {_STATES[sum(map(int, order)) % len(_STATES)]}."


def _count(said: Said) -> str:
    return " ".join(str(number) for number in range(1, min(int(said.detail), MAX_COUNT) + 1))


def _rule(
    pattern: str, say: Callable[[Said], str] | str
) -> tuple[re.Pattern[str], Callable[[Said], str]]:
    compiled = re.compile(pattern, re.IGNORECASE | re.DOTALL)
    return compiled, (lambda _: say) if isinstance(say, str) else say


_RULES: Final = (
    # What quotes the user comes first: the quotation may hold words of the rules below.
    _rule(r"^\s*(?:echo|repeat after me)\b[:\s]\s*(.+)", _echo),
    _rule(r"\bwhat did i (?:say|ask|write|tell)\b.*\bfirst\b", _first),
    _rule(r"\bwhat (?:did i|have i just|was my) (?:say|said|ask|write|tell|last)\b", _before),
    _rule(r"\bhow many (?:messages|questions|turns)\b", _how_many),
    _rule(r"\b(?:what is|what's) my name\b|\bwho am i\b", _who),
    _rule(_NAME.pattern, _introduction),
    _rule(r"\bcount to ([0-9]{1,6})\b", _count),
    _rule(r"\bstory\b", STORY),
    _rule(r"\brefund|\breturn(?:s|ed|ing)?\b|\bmoney back\b", _refund),
    _rule(r"\b(?:opening|hours|open|close[ds]?|weekends?)\b", HOURS),
    _rule(r"\border|\bparcel\b|\bpackage\b|^\s*#?[0-9]{4,12}\s*[.!?]?\s*$", _order),
    _rule(r"\bdeliver|\bshipping\b", DELIVERY),
    _rule(r"\b(?:human|agent|colleague|person)\b", HUMAN),
    _rule(r"\bthank", THANKS),
    _rule(r"\b(?:bye|goodbye|farewell)\b", FAREWELL),
    _rule(r"^\s*(?:hi|hello|hey|good (?:morning|afternoon|evening))\b|\bhelp\b", _hello),
)


def answer(message: str, history: Sequence[Entry] = (), persona: str | None = None) -> str:
    """The reply to ``message``; never empty, and the same every time."""
    for pattern, say in _RULES:
        if match := pattern.search(message):
            detail = match[1] if pattern.groups else ""
            return say(Said(message, history, persona, detail))
    return (
        f"I do not know what to say to {_excerpt(message)}. "
        "I know about opening hours, refunds, delivery and orders."
    )


def _excerpt(message: str, limit: int = 60) -> str:
    text = " ".join(message.split())
    return f'"{text}"' if len(text) <= limit else f'"{text[:limit].rstrip()}…"'
