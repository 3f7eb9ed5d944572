"""What a broken, hostile or overloaded target does, as tables: one row, one injector."""

from __future__ import annotations

from support.faults.http import HTTP
from support.faults.model import SECRET, Fault
from support.faults.sockets import SOCKETS
from support.faults.streams import STREAMS

__all__ = ["HTTP", "SECRET", "SOCKETS", "STREAMS", "Fault"]
