"""How alike two texts are: by their words or by their characters, always with the same result."""

from __future__ import annotations

import difflib
import math
import re
from collections import Counter
from typing import Final, Literal

import attrs

from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult
from turnwire.checks.showing import excerpt, number
from turnwire_core.contracts.connection import option

LONGEST_COMPARED: Final = 5_000
"""Characters, for the comparison by characters: its cost is their product."""

_WORD = re.compile(r"\w+")


@attrs.frozen
class SimilarityOptions:
    """What the text should be like, and how much."""

    to: tuple[str, ...] = option("The text to compare with; of several the nearest counts.")
    min: float = option("At least this similarity, from 0 (nothing alike) to 1 (the same).", 0.8)
    by: Literal["words", "characters"] = option(
        "`words` counts the words that both have, whatever their order, case and punctuation; "
        "`characters` the characters in common, in order.",
        "words",
    )

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.min <= 1:
            raise ValueError("'min' is a similarity, from 0 to 1.")
        if not self.to or not all(text.strip() for text in self.to):
            raise ValueError("Nothing is like an empty text: write what to compare with.")


class Similarity(Check):
    """The text is like another.

    By words: the cosine of the angle between the two texts' counts of words, in lower case. By
    characters: twice the characters in matching blocks over the characters of both, the ratio of
    Python's ``difflib``. Neither knows what words mean: for that there is the judge.
    """

    kind = "similarity"
    reads_events = False
    options = SimilarityOptions
    shorthand = "to"
    doc = "The text is like another one, by words or by characters; no model is asked."

    async def evaluate(self, options: SimilarityOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        compare = by_words if options.by == "words" else by_characters
        scored = []
        for text in context.texts():
            score, nearest = max(((compare(text, to), to) for to in options.to), key=_score)
            scored.append((score, nearest, text))
        score, nearest, text = min(scored, key=_score)
        return CheckResult(
            passed=score >= options.min,
            expected=f"a similarity of {number(options.min)} or more to {excerpt(nearest)}",
            actual=f"{number(score)}: {excerpt(text)}",
            score=score,
        )


def by_words(one: str, other: str) -> float:
    """The cosine of two texts' word counts, from 0 to 1."""
    counts, others = (Counter(_WORD.findall(text.casefold())) for text in (one, other))
    if counts == others:
        # Exactly 1, which the division below may miss in the last place.
        return 1.0 if counts else float(one.split() == other.split())
    product = sum(count * others[word] for word, count in counts.items())
    lengths = math.hypot(*counts.values()) * math.hypot(*others.values())
    return min(product / lengths, 1.0) if lengths else 0.0


def by_characters(one: str, other: str) -> float:
    """The ratio of ``difflib.SequenceMatcher``, from 0 to 1.

    Raises:
        CheckError: a text is too long for it.
    """
    longest = max(len(one), len(other))
    if longest > LONGEST_COMPARED:
        raise CheckError(
            f"A text of {longest} characters is too long to compare by characters; at most "
            f"{LONGEST_COMPARED}. Compare 'by: words'."
        )
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()


def _score(scored: tuple[float, *tuple[str, ...]]) -> float:
    return scored[0]
