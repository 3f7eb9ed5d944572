"""A process that takes turns and says how much memory they took. Run as a script.

It reads jobs, one JSON object a line, and answers each with one. ``{"warm": true}`` is done by the
process itself, so that everything is imported and used once; every other job in a fork of it, whose
memory begins where the idle process stands and can be looked at afterwards by itself.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from typing import Any

import anyio

from turnwire_core import open_conversation, parse_connection


def main(backend: str) -> None:
    for line in sys.stdin:
        job = json.loads(line)
        if job.pop("warm", False):
            answer(measured(job, backend))
        elif child := os.fork():
            os.waitpid(child, 0)
        else:
            answer(measured(job, backend))
            os._exit(0)


def measured(job: dict[str, Any], backend: str) -> dict[str, Any]:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        result = anyio.run(turn, job, backend=backend)
    except BaseException as exc:  # noqa: BLE001 # the test is to show it
        result = {"verdict": repr(exc)}
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {**result, "grown_kib": after - before}


async def turn(job: dict[str, Any]) -> dict[str, Any]:
    connection = parse_connection(job["connection"], trust_env=False)
    async with open_conversation(connection) as conversation:
        reply = await conversation.send("hi")
    return {"verdict": reply.verdict, "error": reply.error, "characters": len(reply.content)}


def answer(result: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
