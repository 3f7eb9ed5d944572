"""Certificates for loopback, made once."""

from __future__ import annotations

import pytest
import trustme

from support.certificates import Certificates
from support.http_paths import http_path as http_path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("certificates") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return Certificates(authority, bundle)


@pytest.fixture(autouse=True)
def _both_ways(http_path: str) -> None:
    """Whatever is said here of HTTP holds for both. A module where it says nothing overrides it."""
