"""Making a failure fit to be shown: its message, and whatever a traceback would print below it.

Drivers mask what they put into their messages. This is the last gate: for a driver that forgot,
for what a target said inside its reply, for observers, and for the exceptions of libraries, which
like to quote the bytes that they did not understand.
"""

from __future__ import annotations

from collections.abc import Iterator

from turnwire_core.errors import RejectedError, TurnwireError
from turnwire_core.secrets import Secrets
from turnwire_core.showing import neutral


def conceal(failure: TurnwireError, secrets: Secrets) -> None:
    """Mask the message, and cut off each cause whose text holds a secret."""
    text = str(failure)
    shown = neutral(secrets.mask(text))
    if shown != text:
        failure.args = (shown,)
    if isinstance(failure, RejectedError):
        failure.body = secrets.mask(failure.body)
    for exc in list(_chain(failure)):
        _cut(exc, secrets)


def _cut(exc: BaseException, secrets: Secrets) -> None:
    """Leave out the cause or context of ``exc`` if it shows a secret, but keep its kind."""
    for link in ("__cause__", "__context__"):
        below: BaseException | None = getattr(exc, link)
        if below is None or not _shows_secret(below, secrets):
            continue
        setattr(exc, link, None)
        note = f"Because of {type(below).__qualname__}, whose text held a secret and is left out."
        if note not in getattr(exc, "__notes__", ()):
            exc.add_note(note)


def _shows_secret(exc: BaseException, secrets: Secrets) -> bool:
    parts = exc.exceptions if isinstance(exc, BaseExceptionGroup) else ()
    texts = (str(exc), *map(str, getattr(exc, "__notes__", ())))
    return any(secrets.mask(text) != text for text in texts) or any(
        _shows_secret(one, secrets) for part in parts for one in _chain(part)
    )


def _chain(exc: BaseException) -> Iterator[BaseException]:
    """``exc`` and everything that a traceback prints with it, each once."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [exc]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += (one.__cause__, one.__context__)
