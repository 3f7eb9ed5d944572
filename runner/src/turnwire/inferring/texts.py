"""Every text in a reply, and what kind of text it is: an answer, a thought, an error …"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Final

import attrs

from turnwire.inferring import words
from turnwire.inferring.labels import EVENT_NAME, Label, LabelKey, LabelledEvent
from turnwire.inferring.leaves import Shape, Steps, last_name, names, shape_of

_SENTINEL = re.compile(
    r"\[[A-Za-z_ ]{2,20}\]|<\|?[A-Za-z_]+\|?>|__[A-Z_]+__|DONE|END|EOF|EOS|FIN|null|\{\}"
)
_ID = re.compile(r"(?:[A-Za-z]+[-_:])?[A-Za-z0-9+/=_.:-]{8,}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d.*")
_URL = re.compile(r"[a-z][a-z0-9+.-]*://\S+")
_PROSE = re.compile(r"[^\W\d_]|[\s.,;:!?'\"()…–—-]")
_LONG_BASE64: Final = 40


class Kind(StrEnum):
    """What a text is."""

    ANSWER = "answer"
    THOUGHT = "thought"
    TOOL = "call of a tool"
    REFUSAL = "refusal"
    ERROR = "error"
    SOMEBODY_ELSE = "message of somebody else"
    ASIDE = "remark about the reply"


@attrs.frozen
class Text:
    """One text in one event."""

    index: int
    steps: Steps
    text: str
    kind: Kind
    labels: tuple[Label, ...]

    @property
    def shape(self) -> Shape:
        """Where it stands, without indexes."""
        return shape_of(self.steps)

    def label(self, key: LabelKey) -> str | bool | None:
        """What the label of that key beside it says."""
        return next((label.value for label in self.labels if label.key == key), None)


def texts_of(events: Sequence[LabelledEvent]) -> list[Text]:
    """All texts, in order of arrival.

    Labels are no texts. An event that is no JSON object or list is one text as a whole.
    """
    return [text for event in events for text in _texts(event)]


def is_sentinel(text: str) -> bool:
    """Whether an event with this data can only be a mark, such as ``[DONE]``."""
    return _SENTINEL.fullmatch(text.strip()) is not None


def is_id(text: str) -> bool:
    """Whether a text was made by a machine for a machine."""
    if _TIME.fullmatch(text) or _URL.fullmatch(text):
        return True
    if " " in text or not _ID.fullmatch(text):
        return False
    digits = sum(character.isdigit() for character in text)
    return digits >= 2 or (digits > 0 and text[-1].isalnum()) or len(text) >= _LONG_BASE64


def prose(text: str) -> float:
    """How much a text looks like something that one person says to another: 0 to 1."""
    if not text:
        return 0.0
    share = len(_PROSE.findall(text)) / len(text)
    speaks = " " in text.strip() or text.rstrip().endswith((".", "!", "?", "…"))
    return 0.6 * share + 0.4 * (speaks or any(ord(character) > 0x2E80 for character in text))


def _texts(event: LabelledEvent) -> Iterator[Text]:
    if not event.event.is_json:
        value = event.event.value
        text = value if isinstance(value, str) else event.event.data
        if text:
            yield Text(event.index, (), text, _kind((), event.labels), event.labels)
        return
    label_keys = {label.key for label in event.labels}
    for leaf in event.leaves:
        shape = shape_of(leaf.steps)
        if isinstance(leaf.value, str) and leaf.value and shape not in label_keys:
            labels = tuple(label for label in event.labels if label.covers(leaf.steps))
            yield Text(event.index, leaf.steps, leaf.value, _kind(shape, labels), labels)


def _kind(shape: Shape, labels: Sequence[Label]) -> Kind:
    path = names(shape)
    types = [
        label.value
        for label in labels
        if isinstance(label.value, str) and not _is_role(label) and not is_state(label)
    ]
    flags = [str(last_name(_shape(label))) for label in labels if label.value is True]
    said = [*path, *types, *flags]
    if any(_is_role(label) and words.is_somebody_else(str(label.value)) for label in labels):
        return Kind.SOMEBODY_ELSE
    if any(map(words.is_thought, said)):
        return Kind.THOUGHT
    if any(map(words.is_tool, said)):
        return Kind.TOOL
    if any(map(words.is_refusal, said)):
        return Kind.REFUSAL
    failed = [str(label.value) for label in labels if is_state(label)]
    if any(map(words.is_error, [*said, *failed])) or any(map(words.is_blocked, path)):
        return Kind.ERROR
    is_aside = any(map(words.is_aside, types)) or any(map(words.is_beside, path))
    return Kind.ASIDE if is_aside else Kind.ANSWER


def is_state(label: Label) -> bool:
    """Whether a label tells how far something has come."""
    return words.is_state(last_name(_shape(label)))


def _is_role(label: Label) -> bool:
    return words.is_role(last_name(_shape(label)))


def _shape(label: Label) -> Shape:
    return () if label.key == EVENT_NAME or isinstance(label.key, str) else label.key
