"""A conversation on a socket, from its messages in order."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from turnwire.inferring.evidence import Event, Exchange, HttpRequest, OpeningStep, Reply
from turnwire.inferring.leaves import leaves

Said = tuple[bool, str]
"""Whether we sent it, and the text."""


def exchange_of_messages(
    messages: Sequence[Said],
    *,
    message: str | None = None,
    protocol: str = "websocket",
    url: str = "",
    ended: bool = True,
) -> Exchange:
    """The last turn of a conversation, and what came before its first.

    What was sent before the first message of a turn, and was answered, is the opening. With
    ``message``, what the user said, the turn begins where that is sent; else with the last of what
    was sent before the longest answer.
    """
    begin = _turn_begins(messages, message)
    sent_to = begin
    while sent_to < len(messages) and messages[sent_to][0]:
        sent_to += 1
    end = next((n for n in range(sent_to, len(messages)) if messages[n][0]), len(messages))
    heard = tuple(Event.of(text) for _, text in messages[sent_to:end])
    return Exchange(
        request=HttpRequest(
            url=url, method="GET", bodies=tuple(text for _, text in messages[begin:sent_to])
        ),
        reply=Reply(heard, body_format="ndjson", stays_open=True, ended=ended),
        protocol=protocol,
        message=message,
        opening=_opening(messages[:begin]),
    )


def _turn_begins(messages: Sequence[Said], message: str | None) -> int:
    sent = [n for n, (is_ours, _) in enumerate(messages) if is_ours]
    if not sent:
        return 0
    if message is not None:
        for n in sent:
            text = messages[n][1]
            event = Event.of(text)
            if text == message or any(leaf.value == message for leaf in leaves(event.value)):
                return n
    # Where the most was heard; messages sent in one go belong together.
    heard = {n: next((m for m in sent if m > n), len(messages)) - n - 1 for n in sent}
    last = max(sent, key=lambda n: heard[n])
    while last - 1 in heard and heard[last - 1] == 0:
        last -= 1
    return last


def _opening(before: Sequence[Said]) -> tuple[OpeningStep, ...]:
    steps: list[OpeningStep] = []
    for is_ours, text in before:
        if is_ours:
            steps.append(OpeningStep(text))
        elif steps:
            steps[-1] = attrs.evolve(steps[-1], heard=(*steps[-1].heard, Event.of(text)))
        else:
            steps.append(OpeningStep(None, (Event.of(text),)))
    return tuple(steps)
