"""Certificates for the tests of this folder."""

from __future__ import annotations

import pytest
import trustme

from support.certificates import Certificates
from support.http_paths import http_path as http_path


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    authority = trustme.CA()
    bundle = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(bundle))
    return Certificates(authority, bundle)
