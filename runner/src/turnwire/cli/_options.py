"""What the options of ``turnwire`` itself say, shared with its commands and its error handling."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from turnwire_core.secrets import Secrets


class CliOptions:
    """One per run of the command line."""

    def __init__(self) -> None:
        self.with_traceback = False
        self._hidden: list[Secrets] = []

    def hide(self, secrets: Secrets) -> None:
        """From now on mask ``secrets`` in whatever is said about an error."""
        self._hidden.append(secrets)

    def mask(self, text: str) -> str:
        """``text`` without the secrets that are known so far."""
        for secrets in self._hidden:
            text = secrets.mask(text)
        return text
