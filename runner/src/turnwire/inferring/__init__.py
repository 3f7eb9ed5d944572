"""Working out a connection from what an API was seen to take and to send.

Nothing here does I/O or awaits.
"""

from turnwire.inferring.bodies import read_reply
from turnwire.inferring.curl import CurlError, parse_curl
from turnwire.inferring.evidence import Event, Exchange, HttpRequest, Reply
from turnwire.inferring.findings import Finding
from turnwire.inferring.inference import Inference, infer

__all__ = [
    "CurlError",
    "Event",
    "Exchange",
    "Finding",
    "HttpRequest",
    "Inference",
    "Reply",
    "infer",
    "parse_curl",
    "read_reply",
]
