"""The run log: what happened in a run, one JSON object a line, written as it happens."""

from __future__ import annotations

from turnwire.runlog.entries import SCHEMA_VERSION, Entry
from turnwire.runlog.reader import read_log
from turnwire.runlog.recording import RunLog, RunLogObserver, RunPlan, log_path, reply_fields
from turnwire.runlog.resuming import FinishedTest, Progress, read_progress
from turnwire.runlog.writer import RunLogError, RunLogIncomplete, RunLogWriter

__all__ = [
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
]
