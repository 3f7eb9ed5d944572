"""What is measured of streams and requests: each function one measure, its rows, and its bars."""

from __future__ import annotations

from collections.abc import Sequence

from bench import CROWDED, LABELS, Bench, Job, Results, us

NO_EXTRAS = ("orjson", "uvloop")
STREAMS = (50, 100, 150, 200, 250, 300, 400, 500, 600, 800)


def blast(bench: Bench) -> None:
    """One stream as fast as it is read."""
    events = 10_000 if bench.quick else 30_000
    jobs = _jobs({"measure": "blast", "events": events}, "sse", ("httpx-sse", "aiohttp-sse"))
    jobs["openai"] = {"measure": "blast", "events": events // 6, "reader": "openai"}
    found = us(bench.compare(jobs))
    own = found["Turnwire"]
    bench.judge("SSE, blast, CPU per event", own, found["httpx-sse"], 0.75, "httpx + httpx-sse")
    bench.judge("the same", own, found["openai"], 0.08, "openai SDK")
    bench.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
    bench.group("SSE, one saturated stream", found)
    jobs = _jobs({"measure": "blast", "events": 2 * events}, "ws", ("websockets", "aiohttp-ws"))
    found = us(bench.compare(jobs))
    own = found["Turnwire"]
    bench.judge("WebSocket, blast, CPU per message", own, found["websockets"], 1.2, "websockets")
    bench.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
    bench.group("WebSocket, one saturated stream", found)


def paced(bench: Bench) -> None:
    """What assistants do: many streams, and each event wakes the client."""
    plan = {"measure": "paced", "streams": 100, "rate": 50, "seconds": 2}
    what = "100 streams of 50 events/s"
    kept = bench.compare(_jobs(plan, "sse", ("httpx-sse", "aiohttp-sse")))
    found = us(kept)
    own = found["Turnwire"]
    name = f"SSE, {what}, CPU per event"
    bench.judge(name, own, found["httpx-sse"], 0.55, "httpx + httpx-sse")
    bench.judge("the same", own, found["aiohttp-sse"], 1.4, "aiohttp")
    bench.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
    bench.group(f"SSE, {what}", found)
    _note_wakeups(bench, kept, "SSE")
    _layers(bench, plan | {"streams": 50})
    kept = bench.compare(_jobs(plan, "ws", ("websockets", "aiohttp-ws")))
    found = us(kept)
    own = found["Turnwire"]
    name = f"WebSocket, {what}, CPU per message"
    bench.judge(name, own, found["websockets"], 1.6, "websockets")
    bench.judge("the same on trio", found["Turnwire, trio"], own, 1.2, "asyncio")
    bench.group(f"WebSocket, {what}", found)
    _note_wakeups(bench, kept, "WebSocket")


def _layers(bench: Bench, plan: Job) -> None:
    """Where an event's time goes, at half as many streams: slower clients keep up there, too."""
    readers = ("asyncio-raw", "turnwire-http", "turnwire-events", "httpx-sse", "aiohttp-sse")
    jobs = {name: plan | {"reader": name} for name in readers}
    jobs |= {"Turnwire": plan | {"reader": "turnwire-sse"}}
    kept = bench.compare(jobs, crowd="events_per_wakeup")
    found = us(kept)
    what = f"{plan['streams']} streams of 50 events/s"
    name = f"SSE, {what}, CPU per event"
    bench.judge(name, found["Turnwire"], found["httpx-sse"], 0.55, "httpx + httpx-sse")
    bench.group(f"SSE, {what}, layer by layer", found)
    _note_wakeups(bench, kept, f"SSE, {what}")


def streams(bench: Bench) -> None:
    """How many streams of 50 events a second one core reads with a p99 lag below 10 ms."""
    peer = _most_streams(bench, {"reader": "aiohttp-sse"})
    bench.note(f"Streams per core of aiohttp, bare, over SSE on asyncio: {peer}.")
    for backend, least in (("asyncio", 200), ("uvloop", 400)):
        for reader, label in (("turnwire-sse", "SSE"), ("turnwire-ws", "WebSocket")):
            most = _most_streams(bench, {"reader": reader, "backend": backend})
            bench.bound(f"{label}, streams per core, {backend}", most, "", least, least=True)


def _most_streams(bench: Bench, job: Job) -> int:
    """The most that the client keeps up with, in one of three tries; 0 if with none."""
    low, high = -1, len(STREAMS)  # it keeps up with the one, not with the other
    while high - low > 1:
        middle = (low + high) // 2
        plan = job | {"measure": "lag", "rate": 50, "seconds": 2, "streams": STREAMS[middle]}
        tries = (bench.client(plan)["p99"] for _ in range(3))
        if any(p99 < 10 for p99 in tries):
            low = middle
        else:
            high = middle
    most = STREAMS[low] if low >= 0 else 0
    print(f"  {job}: {most}", flush=True)
    return most


def requests(bench: Bench) -> None:
    """Short requests, many at once."""
    turns = 3 if bench.quick else 5
    for at_once in (50, 200, 500):
        plan = {"measure": "requests", "at_once": at_once, "turns": turns}
        jobs = {"Turnwire": plan | {"reader": "turnwire-chat"}}
        jobs |= {name: plan | {"reader": name} for name in ("httpx-chat", "aiohttp-chat")}
        found = us(bench.compare(jobs, rounds=min(3, bench.rounds)))
        if at_once == 200:
            name = "HTTP chat, 200 at once, CPU per request"
            bench.judge(name, found["Turnwire"], found["httpx-chat"], 0.35, "one httpx client")
        bench.group(f"HTTP chat, {at_once} at once", found)


def first_token(bench: Bench) -> None:
    """The arrival stamp of the first text against the stamp of its send."""
    plan = {"measure": "first_token", "streams": 100, "rate": 50}
    jobs = {name: plan | {"reader": f"turnwire-{name}"} for name in ("sse", "ws")}
    peers = {name: plan | {"reader": name} for name in ("httpx-sse", "aiohttp-sse")}
    found = bench.compare(jobs | peers)
    for name in jobs:
        label = "SSE" if name == "sse" else "WebSocket"
        bench.bound(f"{label}, first-token error, p50", found[name]["p50"], " ms", 0.3)
        bench.bound(f"{label}, first-token error, p99", found[name]["p99"], " ms", 2)
    for name, values in found.items():
        label = LABELS.get(name, f"Turnwire, {name}")
        bench.note(
            f"First token at 100 streams started at once, {label}: the stamp is p50 "
            f"{values['p50']:.2g} ms, p99 {values['p99']:.2g} ms behind the send; the text "
            f"was in hand after p50 {values['seen_p50']:.2g} ms, "
            f"p99 {values['seen_p99']:.2g} ms."
        )


def memory(bench: Bench) -> None:
    """Resident memory for each open stream."""
    plan = {"measure": "memory", "streams": 200 if bench.quick else 1000}
    readers = ("turnwire-sse", "turnwire-ws", "httpx-sse", "aiohttp-sse", "websockets")
    found = bench.compare({name: plan | {"reader": name} for name in readers}, rounds=1)
    for name, label in (("turnwire-sse", "SSE"), ("turnwire-ws", "WebSocket")):
        bench.bound(f"{label}, memory per open stream", found[name]["kib"], " KiB", 30)
    shown = {LABELS.get(name, f"Turnwire, {name[9:]}"): v["kib"] for name, v in found.items()}
    bench.group("Memory per open stream", shown, "KiB")


def linear(bench: Bench) -> None:
    """Four times as much takes four times as long."""
    for reader, label in (("turnwire-sse", "SSE"), ("turnwire-ws", "WebSocket")):
        plan = {"measure": "pieces", "reader": reader}
        sizes = {"256 KiB": plan | {"size": 1 << 18}, "1 MiB": plan | {"size": 1 << 20}}
        found = us(bench.compare(sizes))
        what = "that of 256 KiB"
        name = f"{label}, an event of 1 MiB in pieces of 1 KiB, CPU per KiB"
        bench.judge(name, found["1 MiB"], found["256 KiB"], 1.5, what)
        plan = {"measure": "blast", "reader": reader}
        counts = {"50,000": plan | {"events": 50_000}, "200,000": plan | {"events": 200_000}}
        found = us(bench.compare(counts, rounds=min(3, bench.rounds)))
        name = f"{label}, a reply of 200,000 chunks, CPU per chunk"
        bench.judge(name, found["200,000"], found["50,000"], 1.5, "that of 50,000")


def _jobs(plan: Job, kind: str, peers: Sequence[str]) -> dict[str, Job]:
    own = plan | {"reader": f"turnwire-{kind}"}
    jobs = {
        "Turnwire": own,
        "Turnwire, trio": own | {"backend": "trio"},
        "Turnwire, uvloop": own | {"backend": "uvloop"},
        "Turnwire, without extras": own | {"without": NO_EXTRAS},
    }
    return jobs | {name: plan | {"reader": name} for name in peers}


def _note_wakeups(bench: Bench, found: Results, what: str) -> None:
    crowded = {
        LABELS.get(name, name): values["events_per_wakeup"]
        for name, values in found.items()
        if values["events_per_wakeup"] > CROWDED
    }
    if crowded:
        said = ", ".join(f"{name} {count:.1f}" for name, count in crowded.items())
        bench.note(
            f"{what}: a client that does not keep up finds several events at each wake-up, which "
            f"makes them cheap for it, and its ratio too small or too large: {said}."
        )
