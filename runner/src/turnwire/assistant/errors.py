"""What a client did wrong. Each becomes an answer in the shape of the API that was called."""

from __future__ import annotations


class BadRequest(Exception):
    """The request cannot be answered. ``status`` is the HTTP status that says so."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
