"""The little language of ``-k`` and ``--tag``: words, ``and``, ``or``, ``not`` (or ``!``), ``( )``.

expression = term { "or" term }
term       = factor { "and" factor }
factor     = ("not" | "!") factor | "(" expression ")" | word
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NoReturn

from turnwire_core import ConfigError, Problem

Matches = Callable[[str], bool]
"""Whether a word of an expression fits."""

Expression = Callable[[Matches], bool]
"""A compiled expression: whether the whole holds."""

_TOKEN: Final = re.compile(r"\s*(?:(?P<mark>[()!])|(?P<word>[^\s()!]+))")
_DEEPEST: Final = 50


def compile_expression(text: str, *, option: str) -> Expression:
    """An expression from its text. ``option`` names it in messages: ``-k``, ``--tag``.

    Raises:
        ConfigError: it is empty or broken; the message has the column.
    """
    return _Parser(text, option).whole()


class _Parser:
    def __init__(self, text: str, option: str) -> None:
        self._text = text
        self._option = option
        self._tokens = [
            (match.start(match.lastgroup or 0), match[match.lastgroup or 0])
            for match in _TOKEN.finditer(text)
        ]
        self._position = 0
        self._depth = 0

    def whole(self) -> Expression:
        expression = self._either()
        if self._next() is not None:
            self._wrong("Expected 'and', 'or' or the end here")
        return expression

    def _either(self) -> Expression:
        terms = [self._both()]
        while self._takes("or"):
            terms.append(self._both())
        return terms[0] if len(terms) == 1 else lambda fits: any(term(fits) for term in terms)

    def _both(self) -> Expression:
        factors = [self._factor()]
        while self._takes("and"):
            factors.append(self._factor())
        if len(factors) == 1:
            return factors[0]
        return lambda fits: all(factor(fits) for factor in factors)

    def _factor(self) -> Expression:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._wrong(f"Nested deeper than {_DEEPEST} levels")
        try:
            if self._takes("not") or self._takes("!"):
                negated = self._factor()
                return lambda fits: not negated(fits)
            if self._takes("("):
                inner = self._either()
                if not self._takes(")"):
                    self._wrong("Expected ')' here")
                return inner
        finally:
            self._depth -= 1
        word = self._next()
        if word is None or word in (")", "and", "or"):
            self._wrong("Expected a word here")
        self._position += 1
        return lambda fits: fits(word)

    def _next(self) -> str | None:
        return self._tokens[self._position][1] if self._position < len(self._tokens) else None

    def _takes(self, token: str) -> bool:
        taken = self._next() == token
        self._position += taken
        return taken

    def _wrong(self, message: str) -> NoReturn:
        at_end = self._position >= len(self._tokens)
        column = (len(self._text) if at_end else self._tokens[self._position][0]) + 1
        hint = f"In {self._text!r}. Write words, 'and', 'or', 'not' and brackets."
        raise ConfigError([Problem(f"{message}: column {column}.", path=self._option, hint=hint)])
