"""The keys of this driver in the ``sse`` section of a connection."""

from __future__ import annotations

from typing import Literal

import attrs

from turnwire_core.contracts.connection import option


@attrs.frozen
class SseOptions:
    """What the driver itself wants to know. How a reply is read stands beside it in the section."""

    format: Literal["auto", "sse", "ndjson", "json"] = option(
        "How the body of the response is cut into events: as an event stream (`sse`), one JSON "
        "value a line (`ndjson`), or one document (`json`). `auto` goes by its Content-Type.",
        "auto",
    )
