"""Which of the cases are run: ``-k``, ``--tag``, ``--only-failed``, ``only``, ``--shard``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

import attrs

from turnwire.suites.expressions import Expression, Matches, compile_expression
from turnwire.suites.model import Case
from turnwire_core import ConfigError, Problem

ONLY_REASON: Final = "another test of this run says 'only'"
"""Why a case is skipped that would otherwise have been run."""

_SHARD: Final = re.compile(r"\s*(\d{1,6})\s*/\s*(\d{1,6})\s*")


@attrs.frozen
class Shard:
    """One of several runs that share the cases between them. ``index`` counts from 1."""

    index: int
    count: int

    def __attrs_post_init__(self) -> None:
        if not 1 <= self.index <= self.count:
            message = f"There is no shard {self.index} of {self.count}."
            hint = "The first of three is 1/3, the last 3/3."
            raise ConfigError([Problem(message, path="--shard", hint=hint)])

    @classmethod
    def parse(cls, text: str) -> Shard:
        """A shard from ``i/n``.

        Raises:
            ConfigError: it is written otherwise, or there is no such shard.
        """
        match = _SHARD.fullmatch(text)
        if match is None:
            message = f"{text!r} is no shard."
            hint = "Write which of how many: 1/3."
            raise ConfigError([Problem(message, path="--shard", hint=hint)])
        return cls(int(match[1]), int(match[2]))

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"


@attrs.frozen
class Selection:
    """What was asked for. Without anything: all cases.

    ``keyword`` is an expression over words; a word fits where it is a part of the case's id or of
    the test's name, in any case. ``tags`` are expressions over whole tags, all of which must hold.

    Raises:
        ConfigError: an expression is broken.
    """

    keyword: str | None = None
    tags: tuple[str, ...] = ()
    only_failed_ids: frozenset[str] | None = None
    """The ids of an earlier run to run again; None: all."""
    shard: Shard | None = None

    def __attrs_post_init__(self) -> None:
        self._expressions()

    def apply(self, cases: Sequence[Case]) -> list[Case]:
        """The selected cases, in their order.

        Where some of them say ``only``, the others stay and are skipped: a report must show that
        they were not run.
        """
        keyword, tags = self._expressions()
        chosen = [
            case
            for case in cases
            if (keyword is None or keyword(_words_of(case)))
            and all(tag(case.tags.__contains__) for tag in tags)
            and (self.only_failed_ids is None or case.id in self.only_failed_ids)
        ]
        if any(case.test.only for case in chosen):
            chosen = [case if case.test.only else _skipped(case) for case in chosen]
        if self.shard is not None:
            # In turn, not by a hash: few cases are spread evenly too, and no shard goes empty.
            chosen = chosen[self.shard.index - 1 :: self.shard.count]
        return chosen

    def _expressions(self) -> tuple[Expression | None, list[Expression]]:
        keyword = compile_expression(self.keyword, option="-k") if self.keyword else None
        return keyword, [compile_expression(tag, option="--tag") for tag in self.tags]


def _words_of(case: Case) -> Matches:
    text = f"{case.id}\n{case.test.name}".lower()
    return lambda word: word.lower() in text


def _skipped(case: Case) -> Case:
    if case.test.skip is not None:
        return case
    return attrs.evolve(case, test=attrs.evolve(case.test, skip=ONLY_REASON))
