"""Certificates for loopback, made once."""

from __future__ import annotations

import pytest
import trustme

from support.certificates import Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("certificates") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return Certificates(authority, bundle)
