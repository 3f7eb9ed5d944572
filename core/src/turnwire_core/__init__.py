"""The small core of Turnwire: everything that is alike for all protocols.

    async with open_conversation(connection) as conversation:
        reply = await conversation.send("Hello")

A tool embeds it with :func:`load_config` and :func:`open_conversation`; a driver implements
:class:`Driver`, :class:`Session` and :class:`FrameStream`.
"""

from turnwire_core.config import Config
from turnwire_core.contracts.connection import Connection, option
from turnwire_core.contracts.driver import (
    API_VERSION,
    Driver,
    EndOfStream,
    FrameStream,
    NoOptions,
    Session,
    WireTap,
)
from turnwire_core.conversation import Conversation, open_conversation
from turnwire_core.errors import (
    ConfigError,
    ConnectError,
    DriverConflict,
    DriverError,
    DriverLoadError,
    DriverNotFound,
    DriverVersionError,
    FrameTooLarge,
    InvalidFrame,
    Phase,
    PluginError,
    Problem,
    ProtocolError,
    ProxyError,
    RejectedError,
    ReplyError,
    StreamBrokenError,
    TimeLimitError,
    TlsError,
    TurnwireError,
)
from turnwire_core.events import (
    Attempt,
    Chunk,
    Frame,
    Message,
    Metrics,
    Reply,
    Turn,
    Verdict,
    WireTimes,
)
from turnwire_core.hookspecs import hookimpl
from turnwire_core.plugins import DriverRecord, Plugins, load_config, parse_connection

__all__ = [
    "API_VERSION",
    "Attempt",
    "Chunk",
    "Config",
    "ConfigError",
    "ConnectError",
    "Connection",
    "Conversation",
    "Driver",
    "DriverConflict",
    "DriverError",
    "DriverLoadError",
    "DriverNotFound",
    "DriverRecord",
    "DriverVersionError",
    "EndOfStream",
    "Frame",
    "FrameStream",
    "FrameTooLarge",
    "InvalidFrame",
    "Message",
    "Metrics",
    "NoOptions",
    "Phase",
    "PluginError",
    "Plugins",
    "Problem",
    "ProtocolError",
    "ProxyError",
    "RejectedError",
    "Reply",
    "ReplyError",
    "Session",
    "StreamBrokenError",
    "TimeLimitError",
    "TlsError",
    "Turn",
    "TurnwireError",
    "Verdict",
    "WireTap",
    "WireTimes",
    "hookimpl",
    "load_config",
    "open_conversation",
    "option",
    "parse_connection",
]
