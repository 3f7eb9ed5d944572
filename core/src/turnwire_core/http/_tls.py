"""How the target's certificate is checked, and ours shown: one SSLContext per set of settings.

Building a context reads every root certificate and takes some 30 ms, so contexts are shared
between all clients with the same settings, as long as the files behind them do not change.
"""

from __future__ import annotations

import logging
import os
import ssl
from functools import lru_cache
from pathlib import Path
from typing import NoReturn

from turnwire_core.contracts.connection import Connection, Tls
from turnwire_core.errors import TlsError

_log = logging.getLogger("turnwire.http")


def tls_context(connection: Connection) -> ssl.SSLContext:
    """The context for ``connection.tls``.

    Without ``caBundle`` the roots are those of certifi or, where the environment is trusted, of
    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR``.

    Raises:
        TlsError: one of the files cannot be read or used.
    """
    tls = connection.tls
    names = [str(name) for name in (tls.ca_bundle, tls.client_cert, tls.client_key) if name]
    if connection.trust_env:
        names += [os.environ.get("SSL_CERT_FILE", ""), os.environ.get("SSL_CERT_DIR", "")]
    stamps = tuple((name, _changed_ns(name)) for name in names)
    if not tls.verify:
        _warn_once(connection.origin)
    return _build(tls, connection.trust_env, stamps)


@lru_cache(maxsize=64)
def _warn_once(origin: str) -> None:
    _log.warning(
        "TLS certificates of %s are NOT checked (tls.verify is false): anyone on the way can read "
        "and change what is said. Use this only for tests.",
        origin,
    )


@lru_cache(maxsize=64)
def _build(
    tls: Tls,
    trust_env: bool,
    stamps: tuple[tuple[str, int], ...],  # noqa: ARG001 - part of the cache's key
) -> ssl.SSLContext:
    try:
        if tls.ca_bundle is None:
            context = _with_usual_roots(trust_env)
        elif Path(tls.ca_bundle).is_dir():
            context = ssl.create_default_context(capath=tls.ca_bundle)
        else:
            context = ssl.create_default_context(cafile=tls.ca_bundle)
    except OSError as exc:
        _unusable(
            f"the CA bundle {tls.ca_bundle!r}" if tls.ca_bundle else "SSL_CERT_FILE",
            exc,
            "It must be a file of certificates in PEM form.",
        )
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.client_cert is not None:
        # Never None: OpenSSL would ask for the password on the terminal.
        password = tls.client_key_password or ""
        try:
            context.load_cert_chain(tls.client_cert, tls.client_key, password=password)
        except OSError as exc:
            _unusable(
                f"the client certificate {tls.client_cert!r}",
                exc,
                "Check 'clientCert', 'clientKey' (both PEM) and 'clientKeyPassword'.",
            )
    return context


def _with_usual_roots(trust_env: bool) -> ssl.SSLContext:
    import certifi

    if trust_env and (file := os.environ.get("SSL_CERT_FILE")):
        return ssl.create_default_context(cafile=file)
    if trust_env and (folder := os.environ.get("SSL_CERT_DIR")):
        return ssl.create_default_context(capath=folder)
    return ssl.create_default_context(cafile=certifi.where())


def _unusable(what: str, exc: OSError, advice: str) -> NoReturn:
    # A bad PEM file is an SSLError whose text is of use to nobody; a missing file says why.
    why = "" if isinstance(exc, ssl.SSLError) else f" ({exc.strerror or exc})"
    raise TlsError(f"TLS cannot be set up: {what} cannot be used{why}. {advice}") from exc


def _changed_ns(name: str) -> int:
    try:
        return Path(name).stat().st_mtime_ns if name else 0
    except OSError:
        return 0
