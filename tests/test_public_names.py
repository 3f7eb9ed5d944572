"""The public face of each package, name by name: adding or losing one is a decision."""

from __future__ import annotations

import importlib
import os
import pkgutil
import subprocess
import sys

import pytest

PUBLIC = {
    "turnwire_core": {
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
    },
}
PUBLIC |= {
    "turnwire_core.http": {
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
    },
    "turnwire_core.testing": {"DriverContract", "Peer", "Play", "tcp_server"},
    "turnwire_http_chat": {"HttpChatDriver"},
    "turnwire_sse": {
        "DocumentDecoder",
        "EventStreamDecoder",
        "FrameDecoder",
        "JsonLinesDecoder",
        "SseDriver",
        "SseOptions",
        "iter_sse",
    },
    "turnwire_websocket": {"OpeningMessage", "WebSocketDriver", "WebSocketOptions"},
    "turnwire": set(),
    "turnwire.assistant": {
        "DEMO_PACE",
        "FAULTS",
        "Assistant",
        "Pace",
        "SendRecord",
        "demo_connections",
        "serve_assistant",
    },
    "turnwire.engine": {
        "BUILTIN_PREFIX",
        "CASE_STATUSES",
        "CaseFinished",
        "CaseResult",
        "CaseStarted",
        "CheckDone",
        "CheckOutcome",
        "ChunkArrived",
        "ConnectionSource",
        "Event",
        "ReplyMisread",
        "RunOutcome",
        "Shared",
        "TurnFinished",
        "TurnStarted",
        "builtin_connection",
        "check_suites",
        "run_case",
        "run_cases",
    },
    "turnwire.steps": {"BUILT_IN", "RunningTest", "Step", "StepError"},
    "turnwire.runlog": {
        "SCHEMA_VERSION",
        "Entry",
        "FinishedTest",
        "Progress",
        "RunLog",
        "RunLogError",
        "RunLogIncomplete",
        "RunLogObserver",
        "RunLogWriter",
        "RunPlan",
        "log_path",
        "read_log",
        "read_progress",
        "reply_fields",
    },
}

each = pytest.mark.parametrize("package", PUBLIC)


@each
def test_a_package_exports_exactly_these_names(package: str) -> None:
    exported = importlib.import_module(package).__all__
    assert len(exported) == len(set(exported))
    assert set(exported) == PUBLIC[package]


@each
def test_every_exported_name_is_there(package: str) -> None:
    module = importlib.import_module(package)
    assert [name for name in module.__all__ if not hasattr(module, name)] == []


@each
def test_every_exported_class_and_function_is_documented(package: str) -> None:
    module = importlib.import_module(package)
    exported = [getattr(module, name) for name in module.__all__]
    undocumented = [one.__name__ for one in exported if callable(one) and not one.__doc__]
    assert undocumented == []


@pytest.mark.parametrize("package", sorted({name.partition(".")[0] for name in PUBLIC}))
def test_every_module_can_be_imported_first(package: str) -> None:
    # An import circle shows only in some orders, so nothing of ours is loaded before each.
    root = importlib.import_module(package)
    modules = [one.name for one in pkgutil.walk_packages(root.__path__, f"{package}.")]
    source = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    for loaded in [one for one in sys.modules if one.startswith('turnwire')]:\n"
        "        del sys.modules[loaded]\n"
        "    importlib.import_module(name)\n"
    )
    wanted = [name for name in (package, *modules) if not name.endswith("__main__")]
    # Not measured: importing everything a hundred times over is all that it does.
    environ = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source, *wanted],
        env=environ,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stderr
