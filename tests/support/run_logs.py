"""Run logs written by hand, as a run of tests would have written them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any


class HandWrittenLog:
    """A log that a test puts together, line by line."""

    def __init__(self, **start: Any) -> None:
        self.lines: list[str] = []
        self._conversations = itertools.count(1)
        self._runs = itertools.count(1)
        self.run = ""
        self.t = 0.0
        self.start(**start)

    def start(self, **fields: Any) -> None:
        """A run, or one more that resumes it."""
        self.run = f"run{next(self._runs)}"
        self.t = 0.0
        self.add(
            "run_started",
            **{
                "schemaVersion": 1,
                "command": "run",
                "started": "2026-03-02T09:30:00.000+01:00",
                "turnwire": "0.1.0",
                "core": "0.1.0",
                "python": "3.12.4",
                "platform": "Linux",
                "drivers": {},
                "seed": 7,
                "jobs": 4,
            }
            | fields,
        )

    def add(self, type_: str, **fields: Any) -> None:
        """Any entry."""
        self.t = round(self.t + 0.01, 6)
        entry = {"type": type_, "t": self.t, "run": self.run} | fields
        self.lines.append(json.dumps(entry))

    def begin(self, case: str, *, connection: str = "bot", **fields: Any) -> None:
        """A test starts."""
        suite, _, name = case.partition("::")
        self.add(
            "test_started",
            **{
                "test": case,
                "suite": suite,
                "name": name,
                "connection": connection,
                "protocol": "sse",
                "tags": [],
                "variables": {},
                "repetition": 1,
                "origin": "shop.turnwire.yaml:14: $.tests[0]",
            }
            | fields,
        )

    def turn(
        self,
        case: str | None,
        user: str = "Hi",
        reply: str | None = "Hello",
        *,
        connection: str = "bot",
        role: str = "target",
        offsets: Sequence[float] = (100.0, 110.0),
        latency: float | None = 120.0,
        **fields: Any,
    ) -> None:
        """A conversation of one turn; with ``reply=None`` the log has its chunks and no end."""
        conversation = f"c{next(self._conversations)}"
        ids = {"conversation": conversation, "test": case}
        self.add(
            "connection_opened",
            **ids,
            connection=connection,
            protocol="sse",
            origin="http://127.0.0.1",
            role=role,
        )
        ids = ids | {"turn": 0}
        self.add("user_message", **ids, content=user)
        for index, offset in enumerate(offsets):
            text = f"piece{index} "
            self.add("stream_chunk", **ids, index=index, text=text, offsetMs=offset)
        if reply is not None:
            self.add(
                "assistant_reply",
                **{
                    "content": reply,
                    "latencyMs": latency,
                    "protocol": "sse",
                    "streamChunks": len(offsets),
                    "firstTokenMs": offsets[0] if offsets else None,
                    **ids,
                    "verdict": "finished",
                    "ok": True,
                    "metrics": {"chunkOffsetsMs": list(offsets), "gapMaxMs": 10.0},
                }
                | fields,
            )

    def check(self, case: str | None, status: str = "passed", **fields: Any) -> None:
        """The result of a check."""
        self.add(
            "check",
            **{
                "test": case,
                "turn": 0 if case else None,
                "suite": case.partition("::")[0] if case else "shop",
                "connection": "bot",
                "name": "contains",
                "kind": "contains",
                "severity": "error",
                "scope": "last",
                "status": status,
                "expected": '"refund"',
                "actual": '"Hello"',
                "message": None,
                "score": None,
                "detail": None,
                "failure": None if status == "passed" else "check",
                "origin": "shop.turnwire.yaml:17: $.tests[0].checks[0]",
            }
            | fields,
        )

    def end(self, case: str, status: str = "passed", **fields: Any) -> None:
        """A test is over."""
        self.add(
            "test_finished",
            **{
                "test": case,
                "status": status,
                "failure": "check" if status == "failed" else None,
                "error": None,
                "durationMs": 1234.5,
                "turns": 1,
                "reasons": [],
            }
            | fields,
        )

    def finish(self, exit_code: int | None = 0, **fields: Any) -> None:
        """The run is over."""
        self.add(
            "run_finished",
            **{"outcome": "completed", "error": None, "turns": 1, "failed": 0}
            | {"exitCode": exit_code}
            | fields,
        )

    def passed(self, case: str, **turn: Any) -> None:
        """A whole test that passed."""
        self.begin(case, connection=turn.get("connection", "bot"))
        self.turn(case, **turn)
        self.check(case)
        self.end(case)

    def failed(self, case: str, *, check: Mapping[str, Any] | None = None, **turn: Any) -> None:
        """A whole test with a check that did not hold."""
        self.begin(case)
        self.turn(case, **turn)
        self.check(case, "failed", **(check or {}))
        self.end(case, "failed", reasons=['contains: expected "refund", found "Hello"'])

    def broken(self, case: str, failure: str = "transport", error: str = "No one listens.") -> None:
        """A whole test that could not be judged."""
        self.begin(case)
        fields = {"verdict": "refused", "ok": False, "error": error}
        self.turn(case, reply="", offsets=(), latency=None, **fields)
        self.end(case, "error", failure=failure, error=error, reasons=[error])

    def write(self, path: Path, *, cut: int = 0) -> Path:
        """The file; without the last ``cut`` bytes, as after a kill."""
        data = "".join(f"{line}\n" for line in self.lines).encode()
        path.write_bytes(data[: len(data) - cut])
        return path
