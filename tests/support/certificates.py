"""Certificates for servers on loopback."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path

import attrs
import trustme

from turnwire_core.contracts.connection import DocumentPath, Tls


@attrs.frozen
class Certificates:
    """A CA that nobody knows, in a file for those who want to, and contexts of servers."""

    authority: trustme.CA
    bundle: Path

    @property
    def trusting(self) -> Tls:
        return Tls(ca_bundle=DocumentPath(str(self.bundle)))

    def server(self, *names: str, expired: bool = False) -> ssl.SSLContext:
        """The context of a server whose certificate is for ``names``, else for localhost."""
        past = dt.datetime(2001, 1, 1, tzinfo=dt.UTC) if expired else None
        leaf = self.authority.issue_cert(*(names or ("localhost",)), not_after=past)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        leaf.configure_cert(context)
        return context
