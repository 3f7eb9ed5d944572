"""Where the answer is: which path, in which events, and how its pieces make the text.

Every string in the reply is a candidate. Strings at the same place in events of the same type are
one *strand*; the best strand is the answer, and what stands at its place in events of other types
is either more of the answer, or something that the rule has to leave out.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from turnwire.inferring import words
from turnwire.inferring.findings import Finding, counted
from turnwire.inferring.labels import LabelKey, LabelledEvent, spell_label
from turnwire.inferring.leaves import Shape, last_name, names
from turnwire.inferring.parting import Parting, part, values_of, written
from turnwire.inferring.texts import Kind, Text, is_id, is_sentinel, is_state, prose, texts_of
from turnwire_core.paths import spell

_CLOSE: Final = 0.75
"""An alternative that reaches so much of the winner's score is worth a mention."""

_LEAST_SCORE: Final = 0.9
"""Less than that is no answer, only the least unlikely string."""

_MOST_ALTERNATIVES: Final = 3


@attrs.frozen
class Strand:
    """The strings at one place, in events of one type."""

    shape: Shape
    type: str | bool | None
    texts: tuple[Text, ...]
    score: float = 0.0

    @property
    def joined(self) -> str:
        """All of them, one after the other."""
        return "".join(text.text for text in self.texts)

    @property
    def events(self) -> int:
        """In how many events they are."""
        return len({text.index for text in self.texts})


@attrs.frozen
class Answer:
    """The content rules, as they are written in a file, and where they found text."""

    rules: tuple[dict[str, Any], ...]
    path: str
    steps: tuple[str | int | None, ...]
    texts: tuple[Text, ...]
    finding: Finding

    @property
    def first_index(self) -> int:
        """The first event with text of the answer."""
        return self.texts[0].index

    @property
    def last_index(self) -> int:
        """The last one."""
        return self.texts[-1].index

    @property
    def is_plain_path(self) -> bool:
        """Whether a mere path says it all."""
        return len(self.rules) == 1 and self.rules[0].keys() == {"path"}


def find_answer(
    events: Sequence[LabelledEvent],
    types: LabelKey | None,
    *,
    message: str | None,
    whole: bool,
) -> Answer | None:
    """The content rules for a reply; None if there is no text in it that could be the answer."""
    texts = _without_marks(texts_of(events), len(events))
    strands = [
        attrs.evolve(strand, score=_score(strand, len(events), message))
        for strand in _strands(texts, types)
    ]
    strands = _without_repetitions(strands)
    if not strands:
        return None
    best = max(strands, key=lambda strand: strand.score)
    if best.score < _LEAST_SCORE:
        return None
    same_place = [text for text in texts if text.shape == best.shape]
    kept = {
        id(text)
        for strand in strands
        if strand is best or (strand.shape == best.shape and not _is_frame(strand))
        for text in strand.texts
    }
    taken = tuple(text for text in same_place if id(text) in kept)
    left_out = tuple(text for text in same_place if id(text) not in kept)
    for besides in (_repeated_at_the_end(taken), _said_on_the_way(taken)):
        out = {id(text) for text in besides}
        taken = tuple(text for text in taken if id(text) not in out)
        left_out = (*left_out, *besides)
    steps = _steps(best.shape, taken, whole=whole)
    parting = part(steps, taken, left_out, None if whole else types, events)
    rules = _rules(steps, taken, parting, types)
    others = [strand for strand in strands if strand.shape != best.shape]
    finding = _finding(best, taken, left_out, others, len(events), parting, rules, types)
    return Answer(rules, spell(steps), steps, taken, finding)


def _without_marks(texts: list[Text], events: int) -> list[Text]:
    """The texts without what is an event of its own and only marks the end."""
    return [
        text
        for text in texts
        if not (text.steps == () and text.index >= events - 2 and is_sentinel(text.text))
    ]


def _strands(texts: Iterable[Text], types: LabelKey | None) -> list[Strand]:
    """What may be the answer, by place and type."""
    grouped: dict[tuple[Shape, str | bool | None], list[Text]] = {}
    for text in texts:
        if text.kind is Kind.ANSWER:
            type_ = text.label(types) if types is not None else None
            grouped.setdefault((text.shape, type_), []).append(text)
    return [
        Strand(shape, type_, tuple(found))
        for (shape, type_), found in grouped.items()
        if not all(is_sentinel(text.text) for text in found)
    ]


def _score(strand: Strand, events: int, message: str | None) -> float:
    """Presence, change, length, prose, and what the place is called."""
    texts = [text.text for text in strand.texts]
    different = len(set(texts))
    name = last_name(strand.shape)
    score = strand.events / events
    score += min(1.0, len(strand.joined) / 200)
    score += 1.5 * prose(strand.joined)
    score += 0.8 * different / len(texts) if different > 1 else 0.0
    score += 0.6 if words.is_content(name) or not name else 0.0
    score -= 1.0 if words.is_meta(name) else 0.0
    score -= 0.05 * len(names(strand.shape))
    score -= 2.5 * sum(map(is_id, texts)) / len(texts)
    score -= 2.0 if len(texts) >= 3 and different == 1 else 0.0
    score -= 1.5 if strand.joined == message else 0.0
    return score


def _without_repetitions(strands: list[Strand]) -> list[Strand]:
    """Without those that say again, in one piece, what another has said in more or sooner."""
    kept = []
    for strand in strands:
        first = strand.texts[0].index
        repeats = any(
            other is not strand
            and (other.events > strand.events or other.texts[0].index < first)
            and all(_is_said_by(text.text, other) for text in strand.texts)
            for other in strands
        )
        if not repeats:
            kept.append(strand)
    return kept


def _is_frame(strand: Strand) -> bool:
    """Whether these are texts of events that only begin or end a reply."""
    type_ = str(strand.type or "")
    return words.is_start(type_) or (strand.shape == () and words.is_finish(type_))


def _is_said_by(text: str, other: Strand) -> bool:
    said = {other.joined, other.texts[-1].text}
    return any(text.strip() == one.strip() for one in said)


def _repeated_at_the_end(taken: tuple[Text, ...]) -> tuple[Text, ...]:
    """The last text, if all that it says is what the others have said together."""
    *before, last = taken
    said = "".join(text.text for text in before)
    return (last,) if len(before) > 1 and last.text.strip() == said.strip() else ()


def _said_on_the_way(taken: tuple[Text, ...]) -> tuple[Text, ...]:
    """What was said while the answer was still being worked on, and is no part of it.

    A state beside the texts says so. Texts that go on in the middle of a sentence are pieces of one
    answer all the same.
    """
    early = tuple(
        text
        for text in taken
        if any(is_state(one) and words.is_progress(str(one.value)) for one in text.labels)
    )
    late = [text for text in taken if text not in early]
    if not early or not late or early[-1].index > late[0].index:
        return ()
    goes_on = early[-1].text[-1].isspace() or not late[0].text[0].isupper()
    return () if goes_on else early


def _steps(shape: Shape, texts: Sequence[Text], *, whole: bool) -> tuple[str | int | None, ...]:
    """The place with an index or a wildcard for each list on the way.

    The last list is one of pieces, and all of them count, unless its name says that its items
    are alternatives. Of the lists around it the first item counts, unless others had text.
    """
    lists = [position for position, step in enumerate(shape) if step is None]
    steps: list[str | int | None] = list(shape)
    for position in lists:
        name = last_name(shape[:position])
        is_pieces = position == lists[-1] and position < len(shape) - 1
        only_first = {text.steps[position] for text in texts} == {0}
        if words.is_list_of_alternatives(name):
            if only_first or not whole:
                steps[position] = 0
        elif only_first and not is_pieces:
            steps[position] = 0
    return tuple(steps)


def _rules(
    steps: tuple[str | int | None, ...],
    taken: Sequence[Text],
    parting: Parting,
    types: LabelKey | None,
) -> tuple[dict[str, Any], ...]:
    """The content rules, one for each way in which pieces make the text."""
    rule = {"path": spell(steps), **parting.conditions()}
    appends = _append_flag(taken)
    if appends is not None and "unless" not in rule:
        # Pieces that are not marked as such are the text anew.
        key = spell_label(appends)
        with_flag = {**rule, "when": {**parting.when, key: [True]}}
        return (with_flag, {**rule, "unless": {key: [True]}, "mode": "replace"})
    if types is not None and spell_label(types) in parting.when:
        anew = [value for value in values_of(taken, types) if words.is_replacing(str(value))]
        rest = [value for value in values_of(taken, types) if value not in anew]
        if anew and rest:
            key = spell_label(types)
            return (
                {**rule, "when": {**parting.when, key: written(rest)}},
                {**rule, "when": {**parting.when, key: written(anew)}, "mode": "replace"},
            )
    mode = _mode(taken)
    return ({**rule, "mode": mode} if mode != "delta" else rule,)


def _append_flag(taken: Sequence[Text]) -> LabelKey | None:
    """A flag beside the texts that says whether each is to be appended."""
    for text in taken:
        for label in text.labels:
            if isinstance(label.value, bool) and last_name(tuple(label.key)) == "append":
                return label.key
    return None


def _mode(taken: Sequence[Text]) -> str:
    """``cumulative`` where nearly every text begins with the one before it, and they grow."""
    by_event: dict[int, str] = {}
    for text in taken:
        by_event[text.index] = by_event.get(text.index, "") + text.text
    texts = list(by_event.values())
    pairs = list(itertools.pairwise(texts))
    growing = sum(later.startswith(earlier) for earlier, later in pairs)
    grows = len(texts) > 1 and len(texts[-1]) > len(texts[0]) + 1
    return "cumulative" if grows and growing >= 0.8 * len(pairs) else "delta"


def _finding(
    best: Strand,
    taken: Sequence[Text],
    left_out: Sequence[Text],
    others: Sequence[Strand],
    events: int,
    parting: Parting,
    rules: Sequence[dict[str, Any]],
    types: LabelKey | None,
) -> Finding:
    indexes = len({text.index for text in taken})
    if rules[0].get("mode") == "cumulative":
        size, how = len(taken[-1].text), "each holds the whole text so far, up to"
    else:
        size = sum(len(text.text) for text in taken)
        how = "together" if len(taken) > 1 else "of"
    because = f"text in {indexes} of {counted(events, 'event')}, {how} {counted(size, 'character')}"
    kinds = sorted({str(text.kind) for text in left_out} - {str(Kind.ANSWER)})
    if left_out:
        what = f" ({', '.join(kinds)})" if kinds else ""
        because += f"; left out at the same place: {counted(len(left_out), 'text')}{what}"
    if parting.inseparable:
        because += f"; nothing tells {parting.inseparable} of them from the answer"
    ranked = sorted(others, key=lambda strand: -strand.score)
    close = [one for one in ranked if one.score >= _CLOSE * best.score]
    margin = 1.0 if not ranked else (best.score - ranked[0].score) / best.score
    confidence = 0.6 + 0.2 * prose(best.joined) + 0.1 * (indexes > 1) + 0.2 * min(0.5, margin)
    confidence -= 0.3 if parting.inseparable else 0.0
    said_by = {text.label(types) for text in taken} if types is not None else set()
    if len(said_by) > 1 and any("when" in rule for rule in rules):
        because += f"; of {len(said_by)} types of events: are all of them meant for the user?"
        confidence -= 0.15
    return Finding(
        field="contentPath" if rules[0].keys() == {"path"} and len(rules) == 1 else "content",
        value=rules[0]["path"],
        confidence=max(0.1, min(confidence, 0.98)),
        because=because,
        alternatives=tuple(
            f"{spell(one.shape)} (text in {counted(one.events, 'event')}, "
            f"{counted(len(one.joined), 'character')})"
            for one in close[:_MOST_ALTERNATIVES]
        ),
    )
