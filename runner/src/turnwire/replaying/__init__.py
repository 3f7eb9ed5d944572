"""Playing recordings back: through the real drivers, or as a server for other tools."""

from __future__ import annotations

from turnwire.replaying.pace import Clock, Cut, Speed
from turnwire.replaying.replayer import Manner, Replayer, local_url, pointed, replaying
from turnwire.replaying.script import acts_of
from turnwire.replaying.server import serve_acts

__all__ = [
    "Clock",
    "Cut",
    "Manner",
    "Replayer",
    "Speed",
    "acts_of",
    "local_url",
    "pointed",
    "replaying",
    "serve_acts",
]
