"""All measurements, interleaved, against what is asked of them; writes docs/performance.md.

    make bench                  some twelve minutes
    make bench QUICK=1          a third of that, and less sure
    python benchmarks/run.py --only blast,paced [--rounds 4] [--no-write]
                                these again; the others stay on the page as they were found last

Peers are installed into an environment of their own, .venv-bench, with the packages of this
workspace; promptfoo beside them, where npm is there and brings it in five minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import commands
import streams
from bench import Bench
from peers import ROOT, environment
from report import Measured, load, save, table, write

MEASURES = (
    streams.blast,
    streams.paced,
    streams.streams,
    streams.first_token,
    streams.memory,
    streams.requests,
    streams.linear,
    commands.startup,
    commands.runner,
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    names = [measure.__name__ for measure in MEASURES]
    parser.add_argument("--only", help=f"some of {','.join(names)}")
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--no-write", action="store_true", help="print the table, and that is all")
    parser.add_argument("--here", action="store_true", help="this python has the peers already")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "performance.md")
    wanted = parser.parse_args()
    python = sys.executable if wanted.here else environment(ROOT / ".venv-bench")
    rounds = wanted.rounds or (3 if wanted.quick else 4)
    bench = Bench(python, rounds, quick=wanted.quick)
    only = wanted.only.split(",") if wanted.only else names
    kept = ROOT / ".venv-bench" / "results.json"
    measured = load(kept) if wanted.only else {}
    with bench.server():
        for measure in MEASURES:
            if (name := measure.__name__) in only:
                print(f"{name}: {(measure.__doc__ or '').splitlines()[0]}", flush=True)
                bench.found = Measured()
                measure(bench)
                if hasattr(os, "getloadavg"):
                    bench.found.load = os.getloadavg()[0]
                measured[name] = bench.found
    print("\n".join(["", *table([row for name in only for row in measured[name].rows])]))
    if not wanted.no_write:
        save(kept, measured)
        write(wanted.page, [measured[name] for name in names if name in measured])
        print(f"\nWritten to {wanted.page}")


if __name__ == "__main__":
    main()
