"""What the libraries below us log, at the level DEBUG, of requests and responses: masked.

A target may say our credentials back in its headers, and httpcore logs those as they came.
"""

from __future__ import annotations

import logging
import weakref
from typing import Final

from turnwire_core.secrets import Secrets

_LOGGERS: Final = ("connection", "http11", "proxy", "socks")

_hidden: Final[weakref.WeakSet[Secrets]] = weakref.WeakSet()


class _Masked(logging.Filter):
    """Masks the message of a record. It is asked only where somebody wants to see the record."""

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        for secrets in tuple(_hidden):
            text = secrets.mask(text)
        record.msg, record.args = text, None
        return True


def _install() -> None:
    masked = _Masked()
    for name in _LOGGERS:
        # Filters of a logger see what is logged by that logger only, not by those below it.
        logging.getLogger(f"httpcore.{name}").addFilter(masked)


_install()  # once: every conversation has secrets to hide


def hide_in_logs(secrets: Secrets) -> None:
    """From now on, as long as ``secrets`` lives, let no library log one of them."""
    _hidden.add(secrets)
