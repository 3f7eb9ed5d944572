"""One measurement, in a process of its own: what it is told on the command line, JSON out.

    python benchmarks/client.py '{"measure": "paced", "reader": "turnwire-sse", "port": 1234, …}'

CPU is that of this process, user and system; a wall clock would measure the machine.
"""

from __future__ import annotations

import gc
import importlib.util
import itertools
import json
import os
import resource
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import perf_counter_ns, process_time
from typing import Any

import anyio
from readers import READERS, Reader

_LEAD_NS = 1_500_000_000
"""From opening the first stream to the first event: all are open by then."""


async def blast(reader: Reader, wanted: dict[str, Any]) -> dict[str, float]:
    """CPU per event of one saturated stream."""
    events = wanted["events"]
    await reader.read(f"events={min(2000, events)}&size=5")  # imports, caches
    before = process_time()
    assert await reader.read(f"events={events}&size=5") == events
    return {"us": (process_time() - before) * 1e6 / events}


async def paced(reader: Reader, wanted: dict[str, Any]) -> dict[str, float]:
    """CPU per event of many streams at once, while all of them stream; and events per wake-up.

    Much more than one event per wake-up says that client or server did not keep up: what is
    measured then is another thing, and flatters the slower.
    """
    streams, rate, seconds = wanted["streams"], wanted["rate"], wanted["seconds"]
    marks: list[float] = []
    wake_ups: list[int] = []
    await reader.read("events=10&gap_us=1000")  # imports, caches
    begin_ns = perf_counter_ns() + _LEAD_NS + streams * 4_000_000

    async def mark(at_ns: int) -> None:
        await anyio.sleep((at_ns - perf_counter_ns()) / 1e9)
        marks.append(process_time())
        wake_ups.append(resource.getrusage(resource.RUSAGE_SELF).ru_nvcsw)

    async with anyio.create_task_group() as tasks:
        # Streams are as far from each other in time as can be: one event wakes the client once.
        for query in _staggered(begin_ns, streams, rate, seconds + 0.6):
            tasks.start_soon(reader.read, query)
        tasks.start_soon(mark, begin_ns + 200_000_000)
        tasks.start_soon(mark, begin_ns + 200_000_000 + int(seconds * 1e9))
    events = streams * rate * seconds
    return {
        "us": (marks[1] - marks[0]) * 1e6 / events,
        "events_per_wakeup": events / max(1, wake_ups[1] - wake_ups[0]),
    }


async def lag(reader: Reader, wanted: dict[str, Any]) -> dict[str, float]:
    """From the send of an event to the moment when its text is in the caller's hand, in ms.

    While all of them stream: that they all begin and end within one gap is no part of it. The
    garbage collector passes over what was there before, as it does in ``turnwire run``. With
    ``late``, how much after its time the server sent, which must be next to nothing.
    """
    streams, rate, seconds = wanted["streams"], wanted["rate"], wanted["seconds"]
    gap_ns = 1_000_000_000 // rate
    lags: list[int] = []
    late: list[int] = []
    await reader.read("events=10&gap_us=1000")  # imports, caches
    begin_ns = perf_counter_ns() + _LEAD_NS + streams * 4_000_000
    counted = range(rate // 5, rate // 5 + int(rate * seconds))

    async def follow(number: int, query: str) -> None:
        events = itertools.count()

        def note(text: str, _: int) -> None:
            if text and (event := next(events)) in counted:
                lags.append(perf_counter_ns() - int(text))
                late.append(int(text) - begin_ns - gap_ns * number // streams - gap_ns * event)

        await reader.read(query, note)

    async def settle() -> None:
        await anyio.sleep((begin_ns - perf_counter_ns()) / 1e9 - 0.3)
        gc.collect()
        gc.freeze()

    async with anyio.create_task_group() as tasks:
        for number, query in enumerate(_staggered(begin_ns, streams, rate, seconds + 0.4)):
            tasks.start_soon(follow, number, query)
        tasks.start_soon(settle)
    return _percentiles(lags) | {"late": _percentiles(late)["p99"]}


async def first_token(reader: Reader, wanted: dict[str, Any]) -> dict[str, float]:
    """How much later than the send the first text is stamped, all streams started at once, in ms.

    Each target takes 200 ms to its first event, as a model would, and goes on at the given rate.
    """
    streams, rate = wanted["streams"], wanted["rate"]
    errors: list[int] = []
    seen: list[int] = []

    async def one() -> None:
        first = True

        def note(text: str, received_ns: int) -> None:
            nonlocal first
            if first:
                first = False
                errors.append(received_ns - int(text))
                seen.append(perf_counter_ns() - int(text))

        await reader.read(f"events={rate}&gap_us={1_000_000 // rate}&delay_ms=200", note)

    await reader.read("events=10&gap_us=1000")
    async with anyio.create_task_group() as tasks:
        for _ in range(streams):
            tasks.start_soon(one)
    looked = _percentiles(seen)
    return _percentiles(errors) | {"seen_p50": looked["p50"], "seen_p99": looked["p99"]}


async def memory(reader: Reader, wanted: dict[str, Any]) -> dict[str, float]:
    """Resident memory per stream that is open and has brought something, in KiB."""
    streams = wanted["streams"]
    await reader.read("events=200&gap_us=100")
    gc.collect()
    before = _resident()
    sizes: list[float] = []
    begin_ns = perf_counter_ns() + _LEAD_NS + streams * 4_000_000

    async def look() -> None:
        await anyio.sleep((begin_ns - perf_counter_ns()) / 1e9 + 2.5)
        gc.collect()
        sizes.append((_resident() - before) / 1024 / streams)

    async with anyio.create_task_group() as tasks:
        for query in _staggered(begin_ns, streams, 4, 3.5):
            tasks.start_soon(reader.read, query)
        tasks.start_soon(look)
    return {"kib": sizes[0]}


async def requests(reader: Any, wanted: dict[str, Any]) -> dict[str, float]:
    """CPU per short request, so many at once; who asks, asks several times."""
    at_once, turns = wanted["at_once"], wanted["turns"]

    async def work(asking: Any) -> None:
        async with asking as ask:
            for _ in range(turns):
                await ask()

    async with anyio.create_task_group() as tasks:  # imports, caches
        tasks.start_soon(work, reader.asking("delay_ms=20"))
    before = process_time()
    async with anyio.create_task_group() as tasks:
        for _ in range(at_once):
            tasks.start_soon(work, reader.asking("delay_ms=20"))
    return {"us": (process_time() - before) * 1e6 / (at_once * turns)}


async def pieces(reader: Reader, wanted: dict[str, Any]) -> dict[str, float]:
    """CPU per KiB of one event that comes in pieces of 1 KiB."""
    size = wanted["size"]
    await reader.read("piece=1024&size=10000")
    before = process_time()
    await reader.read(f"piece=1024&size={size}")
    return {"us": (process_time() - before) * 1e6 / (size / 1024)}


MEASURES: dict[str, Callable[[Any, dict[str, Any]], Awaitable[dict[str, float]]]] = {
    function.__name__: function
    for function in (blast, paced, lag, first_token, memory, requests, pieces)
}


def _staggered(begin_ns: int, streams: int, rate: int, seconds: float) -> list[str]:
    gap_ns = 1_000_000_000 // rate
    return [
        f"events={int(rate * seconds)}&gap_us={gap_ns // 1000}"
        f"&at_ns={begin_ns + gap_ns * number // streams}"
        for number in range(streams)
    ]


def _percentiles(values_ns: list[int]) -> dict[str, float]:
    ordered = sorted(values_ns)
    return {
        "p50": ordered[len(ordered) // 2] / 1e6,
        "p99": ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)] / 1e6,
    }


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _settle_on(cpu: int | None) -> None:
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


async def _measure(wanted: dict[str, Any]) -> dict[str, float]:
    async with READERS[wanted["reader"]](f"http://127.0.0.1:{wanted['port']}") as reader:
        return await MEASURES[wanted["measure"]](reader, wanted)


def main() -> None:
    wanted = json.loads(sys.argv[1])
    _settle_on(wanted.get("cpu"))
    # What is not installed cannot be imported; nor can what we say is not.
    hidden: list[str] = wanted.get("without", [])
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment] # cannot be imported
    backend = wanted.get("backend", "asyncio")
    options: dict[str, Any] = {}
    if backend == "uvloop":
        if importlib.util.find_spec("uvloop") is None:
            sys.exit("uvloop is not installed")
        backend, options = "asyncio", {"use_uvloop": True}
    print(json.dumps(anyio.run(_measure, wanted, backend=backend, backend_options=options)))


if __name__ == "__main__":
    main()
