"""From a connection to a client, for the drivers that speak HTTP.

The only place in Turnwire that imports httpx and httpcore: what replaces them one day replaces
them here. Needs the extra ``turnwire-core[http]``.
"""

from __future__ import annotations

from turnwire_core.http._alarm import Alarm
from turnwire_core.http._approach import Approach, TlsFacts
from turnwire_core.http._auth import TokenStore
from turnwire_core.http._call import HttpAnswer, call_once
from turnwire_core.http._client import HttpClient, prepare
from turnwire_core.http._response import HttpResponse, UpgradedStream
from turnwire_core.http._text import excerpt_of
from turnwire_core.http._turnstile import Turnstile
from turnwire_core.showing import neutral

__all__ = [
    "Alarm",
    "Approach",
    "HttpAnswer",
    "HttpClient",
    "HttpResponse",
    "TlsFacts",
    "TokenStore",
    "Turnstile",
    "UpgradedStream",
    "call_once",
    "excerpt_of",
    "neutral",
    "prepare",
]
