"""Questions over segments: the engine beside SQL by hand, PySpark, folds and the library.

    python -m tests.bench.replaying [--events N …] [--rounds R] [--ways W …] [--json]

Each way runs in a process of its own (`asked.py` says what each answers), in turns; the table has
medians of the ratios of each round, rates in rows a second, and the peak memory of the process.
Ways that answer the same are compared, and a difference is an error. Two ratios for each peer: of
the first question about these files, which reads them, and of one that follows, in a process of its
own, when facts lie aside (the first of those, which lays them out, is told apart). The last line is
the engine under 256 MB. What is slow by nature is given the first rows only; rates are of what each
was given.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

from api.demo.playing import play, policies
from replay.generating.pattern import Pattern, pattern_of
from replay.generating.writing import write
from replay.segments.layout import ASIDE

SEED, PEOPLE = 2018, 400
SMALL = "256MB"


class Peer(NamedTuple):
    """One way to be compared with the engine, and by which factor the engine should be faster."""

    way: str
    what: str
    aim: float | None


PEERS = (
    Peer("packed", "SQL by hand, packed max, same answer", 0.8),
    Peer("argmax", "SQL by hand, arg_max, same answer", None),
    Peer("lean", "SQL by hand, a lean question", None),
    Peer("spark", "PySpark local[2], the lean question", 3.0),
    Peer("tuples", "a loop over tuples, the lean question", None),
    Peer("fold", "the plain fold over tuples, same answer", 5.0),
    Peer("library", "eventsourcing on PostgreSQL, same answer", 300.0),
    Peer("repository", "eventsourcing on PostgreSQL: replay only", None),
    Peer("library-sqlite", "eventsourcing on SQLite, same answer", None),
    Peer("library-memory", "eventsourcing in memory, same answer", None),
)
LIBRARY = ("library", "repository", "library-sqlite", "library-memory")
SAME = ("packed", "argmax", "fold", *LIBRARY)  # ways whose counts must be those of the engine
LARGE, GROUPED = 5_000_000, ("packed", "argmax")  # above: they hold a group for nearly each event
SLOW = {
    "fold": 200_000,
    **dict.fromkeys(LIBRARY, 20_000),
}  # ways that get a folder of their own, of so many events
MEMORY_AIM, SPILL_AIM = 0.6, 2.2


def main() -> None:
    """Generate, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=[peer.way for peer in PEERS])
    parser.add_argument("--folder", type=Path, help="where to generate; a fresh one by default")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    peers = [peer for peer in PEERS if peer.way in options.ways]
    with tempfile.TemporaryDirectory(prefix="probant-bench-") as aside:
        place = options.folder or Path(aside)
        slow = {way: _made(place, SLOW[way]) for way in options.ways if way in SLOW}
        for events in options.events:
            folder = _made(place, events)
            fit = [one for one in peers if events <= LARGE or one.way not in GROUPED]
            told = measure(folder, slow, fit, options.rounds)
            print(json.dumps(told)) if options.json else show(events, told, fit)


@cache
def _pattern() -> Pattern:
    with tempfile.TemporaryDirectory(prefix="probant-bench-") as aside:
        return pattern_of(play(Path(aside), PEOPLE, SEED, lambda *_: None), SEED)


def _made(place: Path, events: int) -> Path:
    folder = place / f"segments-{events}"
    if not (folder / "manifest.json").exists():
        print(f"  generating {events:,} events", file=sys.stderr)
        copies = _pattern().copies_for(events)
        write(folder, _pattern(), policies(), events=events, copies=copies, seed=SEED)
    return folder


def measure(
    folder: Path, slow: dict[str, Path], peers: list[Peer], rounds: int
) -> dict[str, list[dict[str, Any]]]:
    """Every way, so many times, in turns, the order changing each round."""
    told: dict[str, list[dict[str, Any]]] = {}
    rmtree(folder / ASIDE, ignore_errors=True)
    began = time.perf_counter()
    told["laying"] = [ask("aside", folder, None) | {"seconds": time.perf_counter() - began}]
    asked = [("duck", folder, None), ("duck, spilling", folder, SMALL), ("aside", folder, None)]
    asked += [(peer.way, slow.get(peer.way, folder), None) for peer in peers]
    for turn in range(rounds):
        print(f"  {folder.name}: round {turn + 1}/{rounds}", file=sys.stderr)
        for name, of, memory in asked if turn % 2 else asked[::-1]:
            told.setdefault(name, []).append(ask(name.partition(",")[0], of, memory))
    engine = {folder: told["duck"][0]}
    for way in ("aside", *SAME):
        of = slow.get(way, folder)
        for one in told.get(way, ()):
            if one["counts"] is None:  # nothing was judged
                continue
            if of not in engine:
                engine[of] = ask("duck", of, None)
            whole = engine[of]
            assert one["counts"] == whole["counts"], f"{way} answers otherwise than the engine"
    return told


def ask(way: str, folder: Path, memory: str | None) -> dict[str, Any]:
    """One way, once, in a process of its own; nothing where the memory it is given is refused."""
    command = [sys.executable, "-m", "tests.bench.asked", way, str(folder)]
    done = subprocess.run(
        [*command, *([memory] if memory else [])], capture_output=True, text=True, check=False
    )
    if memory and "too little memory" in done.stderr:
        return {}  # refused, in a sentence
    if done.returncode:
        raise SystemExit(f"{way} failed: {done.stderr[-600:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def show(events: int, told: dict[str, list[dict[str, Any]]], peers: list[Peer]) -> None:
    """One table."""
    ours, next_ = told["duck"], told["aside"]
    print(f"\n{events:,} events: the engine {_rate(ours):,.0f} rows/s, {_peak(ours):,.0f} MB")
    said = f"{_rate(next_):,.0f} rows/s, {_peak(next_):,.0f} MB"
    print(f"from what lies aside: {said} (laid out in {told['laying'][0]['seconds']:.1f} s)")
    columns = f"{'peer rows/s':>12} {'first':>8} {'next':>8} {'aim':>6} {'peer MB':>8}"
    print(f"{'the engine / ':<44} {columns}")
    for peer in peers:
        them = told[peer.way]
        first, following = (
            statistics.median(
                (o["rows"] / o["seconds"]) / (t["rows"] / t["seconds"])
                for o, t in zip(asked, them, strict=True)
            )
            for asked in (ours, next_)
        )
        below = [w for w, r in (("first", first), ("next", following)) if r < (peer.aim or 0)]
        mark = f"  below the aim: {', '.join(below)}" if below else ""
        aim = f"{peer.aim:g}" if peer.aim else "-"
        ratios = f"{first:>8.2f} {following:>8.2f}"
        said = f"{_rate(them):>12,.0f} {ratios} {aim:>6} {_peak(them):>8,.0f}"
        print(f"{peer.what:<44} {said}{mark}")
    if "argmax" in told:
        held = _peak(ours) / _peak(told["argmax"])
        print(f"peak memory / arg_max: {held:.2f} (aim: {MEMORY_AIM} at most)")
    spilt = told["duck, spilling"]
    if not all(spilt):
        print(f"with --memory {SMALL}: refused, too little for so many events")
        return
    slower = statistics.median(
        s["seconds"] / o["seconds"] for s, o in zip(spilt, ours, strict=True)
    )
    said = f"{slower:.2f} times the time (aim: {SPILL_AIM} at most), {_peak(spilt):,.0f} MB"
    print(f"with --memory {SMALL}: {said}")


def _rate(told: list[dict[str, Any]]) -> float:
    return float(statistics.median(one["rows"] / one["seconds"] for one in told))


def _peak(told: list[dict[str, Any]]) -> float:
    return float(statistics.median(one["peak"] for one in told)) / 1e6


if __name__ == "__main__":
    main()
