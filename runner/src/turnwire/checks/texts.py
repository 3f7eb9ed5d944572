"""Checks on what was said: equals, contains, icontains, starts_with, ends_with, regex, length."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import attrs

from turnwire.checks.bounds import within
from turnwire.checks.contract import Check, CheckContext, CheckError, CheckResult
from turnwire.checks.each import Outcome, each_text
from turnwire.checks.showing import excerpt, nearest_place, parting
from turnwire_core.contracts.connection import option

LONGEST_SEARCHED: Final = 200_000
"""Characters. A pattern is not tried on a longer text: that is said, the text is not cut."""

_PHRASES_SHOWN: Final = 100


@attrs.frozen
class EqualsOptions:
    """What the reply must be."""

    text: str = option("The whole text.")
    ignore_case: bool = option("Take upper and lower case for the same.", False)
    trim: bool = option("Leave out white space at both ends of the reply.", False)


class Equals(Check):
    """The text is exactly this."""

    kind = "equals"
    reads_events = False
    options = EqualsOptions
    shorthand = "text"
    doc = "The text is exactly this one."

    async def evaluate(self, options: EqualsOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        wanted = _folded(options.text, options.ignore_case)
        shown_at: int | None = None

        def test(text: str) -> Outcome:
            nonlocal shown_at
            found = _folded(text.strip() if options.trim else text, options.ignore_case)
            if found == wanted:
                return True, excerpt(text)
            at = parting(found, wanted)
            shown_at = at if shown_at is None else shown_at
            return False, f"{excerpt(text, at)}, which parts at character {at + 1}"

        result = each_text(context, "", test)
        return attrs.evolve(result, expected=excerpt(options.text, shown_at or 0))


@attrs.frozen
class ContainsOptions:
    """Which phrases must be in the text, and which not."""

    all: tuple[str, ...] = option("Every one of these is in it.", ())
    any: tuple[str, ...] = option("At least one of these is in it.", ())
    none: tuple[str, ...] = option("None of these is in it.", ())

    def __attrs_post_init__(self) -> None:
        if not (self.all or self.any or self.none):
            raise ValueError("Say what to look for: one of all, any, none.")
        if "" in (*self.all, *self.any, *self.none):
            raise ValueError("An empty text is in every text: there is nothing to look for.")


class Contains(Check):
    """Phrases are in the text, letter by letter."""

    kind = "contains"
    reads_events = False
    options = ContainsOptions
    shorthand = "all"
    doc = "Phrases are in the text: all, any or none of several."

    _ignore_case = False

    async def evaluate(self, options: ContainsOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        return each_text(context, _wanted(options), lambda text: self._test(options, text))

    def _test(self, options: ContainsOptions, text: str) -> Outcome:
        searched = _folded(text, self._ignore_case)

        def found(phrase: str) -> bool:
            return _folded(phrase, self._ignore_case) in searched

        def near(phrase: str) -> str:
            return excerpt(text, nearest_place(searched, _folded(phrase, self._ignore_case)))

        missing = [phrase for phrase in options.all if not found(phrase)]
        if missing:
            return False, f"{near(missing[0])}, without {_listed(missing)}"
        if options.any and not any(map(found, options.any)):
            return False, f"{near(options.any[0])}, without {_listed(options.any, 'or')}"
        unwanted = [phrase for phrase in options.none if found(phrase)]
        if unwanted:
            at = searched.find(_folded(unwanted[0], self._ignore_case))
            return False, f"{excerpt(text, at)}, with {_listed(unwanted)}"
        shown = [phrase for phrase in (*options.all, *options.any) if found(phrase)]
        at = searched.find(_folded(shown[0], self._ignore_case)) if shown else 0
        return True, excerpt(text, at)


class IContains(Contains):
    """Phrases are in the text, in upper or lower case."""

    kind = "icontains"
    reads_events = False
    doc = "Like `contains`, with upper and lower case taken for the same."

    _ignore_case = True


@attrs.frozen
class EdgeOptions:
    """What the text begins or ends with."""

    any: tuple[str, ...] = option("One of these; a single text needs no list.")
    ignore_case: bool = option("Take upper and lower case for the same.", False)

    def __attrs_post_init__(self) -> None:
        if not self.any or "" in self.any:
            raise ValueError("An empty text begins and ends every text: write what to look for.")


class StartsWith(Check):
    """The text begins with one of these."""

    kind = "starts_with"
    reads_events = False
    options = EdgeOptions
    shorthand = "any"
    doc = "The text begins with this, or with one of these."

    async def evaluate(self, options: EdgeOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        wanted = tuple(_folded(one, options.ignore_case) for one in options.any)
        return each_text(
            context,
            f"a text that begins with {_listed(options.any, 'or')}",
            lambda text: _folded(text, options.ignore_case).startswith(wanted),
        )


class EndsWith(Check):
    """The text ends with one of these."""

    kind = "ends_with"
    reads_events = False
    options = EdgeOptions
    shorthand = "any"
    doc = "The text ends with this, or with one of these."

    async def evaluate(self, options: EdgeOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        wanted = tuple(_folded(one, options.ignore_case) for one in options.any)
        return each_text(
            context,
            f"a text that ends with {_listed(options.any, 'or')}",
            lambda text: (
                _folded(text, options.ignore_case).endswith(wanted),
                excerpt(text, len(text)),
            ),
        )


@attrs.frozen
class RegexOptions:
    """A pattern in the syntax of Python's ``re``."""

    pattern: str = option("The pattern, in the syntax of Python's `re`; found anywhere.")
    whole: bool = option("The whole text must match, not only a part of it.", False)
    ignore_case: bool = option("Take upper and lower case for the same.", False)
    multiline: bool = option("`^` and `$` also match at line breaks.", False)
    dot_all: bool = option("`.` also matches a line break.", False)

    def __attrs_post_init__(self) -> None:
        try:
            self.compiled()
        except (re.error, RecursionError, OverflowError) as exc:
            raise ValueError(f"This is no pattern: {exc}.") from exc

    def compiled(self) -> re.Pattern[str]:
        """The pattern with its flags; ``re`` keeps it."""
        flags = re.IGNORECASE if self.ignore_case else re.NOFLAG
        flags |= re.MULTILINE if self.multiline else re.NOFLAG
        flags |= re.DOTALL if self.dot_all else re.NOFLAG
        return re.compile(self.pattern, flags)


class Regex(Check):
    """A pattern is found in the text.

    The pattern is the tester's own and is run as it is: one that backtracks without end holds up
    the run, as it would anywhere in Python.
    """

    kind = "regex"
    reads_events = False
    options = RegexOptions
    shorthand = "pattern"
    doc = "A regular expression is found in the text."

    async def evaluate(self, options: RegexOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        pattern = options.compiled()
        search = pattern.fullmatch if options.whole else pattern.search
        whole = "a whole text that matches" if options.whole else "a match of"

        def test(text: str) -> Outcome:
            if len(text) > LONGEST_SEARCHED:
                raise CheckError(
                    f"The text has {len(text)} characters, and 'regex' searches at most "
                    f"{LONGEST_SEARCHED}."
                )
            match = search(text)
            return match is not None, excerpt(text, match.start() if match else 0)

        return each_text(context, f"{whole} {excerpt(options.pattern)}", test)


@attrs.frozen
class LengthOptions:
    """Bounds on how much is said."""

    max: int | None = option("At most so many characters, or words.", None)
    min: int | None = option("At least so many.", None)
    words: bool = option("Count words, not characters.", False)

    def __attrs_post_init__(self) -> None:
        if self.min is None and self.max is None:
            raise ValueError("Say how long: min, max or both.")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError("'min' is more than 'max': no text is that long.")


class Length(Check):
    """How long the text is."""

    kind = "length"
    reads_events = False
    options = LengthOptions
    shorthand = "max"
    doc = "The text has a number of characters, or of words, within bounds."

    async def evaluate(self, options: LengthOptions, context: CheckContext) -> CheckResult:
        """See :meth:`Check.evaluate`."""
        unit = "words" if options.words else "characters"
        count: Callable[[str], int] = (lambda text: len(text.split())) if options.words else len
        bounds = within(options.min, options.max)

        def test(text: str) -> Outcome:
            length = count(text)
            low = options.min is None or length >= options.min
            high = options.max is None or length <= options.max
            return low and high, f"{length} {unit}: {excerpt(text, limit=_PHRASES_SHOWN)}"

        return each_text(context, f"{bounds} {unit}", test)


def _folded(text: str, ignore_case: bool) -> str:
    return text.casefold() if ignore_case else text


def _wanted(options: ContainsOptions) -> str:
    parts = []
    if options.all:
        parts.append(_listed(options.all, "and"))
    if options.any:
        parts.append(f"any of {_listed(options.any, 'or')}")
    if options.none:
        parts.append(f"none of {_listed(options.none, 'or')}")
    return f"a text with {'; '.join(parts)}"


def _listed(phrases: tuple[str, ...] | list[str], word: str = "and") -> str:
    """Phrases as people list them, bounded."""
    shown = [excerpt(phrase, limit=_PHRASES_SHOWN) for phrase in phrases[:4]]
    if len(phrases) > len(shown):
        shown.append(f"{len(phrases) - len(shown)} more")
    *most, last = shown
    return f"{', '.join(most)} {word} {last}" if most else last
