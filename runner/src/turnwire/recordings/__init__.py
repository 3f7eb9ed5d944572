"""Recordings: every byte of a conversation with its time, in a file that can be read again."""

from __future__ import annotations

from turnwire.recordings.model import (
    RECORDING_VERSION,
    SUFFIX,
    End,
    Event,
    Payload,
    Piece,
    Recording,
    TurnBegan,
    TurnEnded,
)
from turnwire.recordings.reading import load_recording, load_recordings
from turnwire.recordings.writing import Recorder, TwoTaps
from turnwire.wiring import RecordingError, RecordingIncomplete

__all__ = [
    "RECORDING_VERSION",
    "SUFFIX",
    "End",
    "Event",
    "Payload",
    "Piece",
    "Recorder",
    "Recording",
    "RecordingError",
    "RecordingIncomplete",
    "TurnBegan",
    "TurnEnded",
    "TwoTaps",
    "load_recording",
    "load_recordings",
]
