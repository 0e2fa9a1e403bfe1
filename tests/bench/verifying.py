"""`python -m tests.bench.verifying`: the verifier on a large bundle, beside bare SHA-256.

The peer hashes the records that ours reads once, one call each, from memory: the entries, for all
checks the lines of typed columns too. Ours reads the bundle from files in a process of its own,
start of the interpreter included. Prints medians of the ratios of each round, and the peak memory
of the largest process. `--entries N`, `--rounds N`, `--json`.

The bundle is invented: shop orders of three events each, choices, contacts (one entry in ten has a
sealed part, its envelope a file of its own), typed columns, one policy.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from itertools import islice
from pathlib import Path
from typing import Any

from replay import verify
from tests.evidence.bundles import ORIGIN, canonical, key, line, vkey, web64

START = datetime(2026, 1, 5, tzinfo=UTC)
POLICY = b"[edition]\neffective_from = 2018-11-20\n"
AIMS = {"hashes and tree": 0.25, "all checks": 0.05, "all checks, two processes": 0.09}


def identifier(kind: int, number: int) -> str:
    """A UUID that is random enough to sort badly."""
    digits = sha256(b"%d %d" % (kind, number)).hexdigest()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:32]}"


def events(count: int) -> Iterator[tuple[bytes, bytes, bytes | None]]:
    """(entry, line of columns, envelope) of each position."""
    pol = web64(sha256(POLICY).digest())
    versions: dict[str, int] = {}
    for n in range(count):
        position, order, who = n + 1, n // 10 * 2 + n % 2, identifier(1, n // 23)
        amount = {"amount": {"currency": "EUR", "minor": 100 + n % 9000}}
        channel = {"purpose": "newsletter", "channel": "email"}
        cases: list[tuple[str, str, str, dict[str, Any]]] = [
            ("order.placed.v1", "order", identifier(2, order), amount),
            ("order.placed.v1", "order", identifier(2, order), amount),
            ("order.paid.v1", "order", identifier(2, order), amount),
            ("order.paid.v1", "order", identifier(2, order), amount),
            ("order.invoiced.v1", "invoice", identifier(2, order), amount),
            ("order.invoiced.v1", "invoice", identifier(2, order), amount),
            ("consent.given.v1", "consent", identifier(3, n // 23), channel),
            ("consent.withdrawn.v1", "consent", identifier(3, n // 23), channel),
            ("customer.account_opened.v1", "account", who, {}),
            ("customer.contacted_us.v1", "contact", who, {"channel": "form"}),
        ]
        kind, home, stream, more = cases[n % 10]
        if n == 0:
            kind, stream, more = "policy.published.v1", identifier(4, 0), {"document": pol}
            more = {**more, "edition": "2018-11-20"}
        versions[stream] = version = versions.get(stream, 0) + 1
        at = START + timedelta(milliseconds=37 * n)
        written = at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        meta: dict[str, Any] = {"occurred": written, "grain": "instant", "actor": "self", **more}
        if n:
            meta |= {"subject": who, "class": home}
        said: dict[str, Any] = {"v": 1, "type": kind, "id": identifier(5, n), "stream": stream}
        said |= {"ver": version, "at": written, "pol": pol, "meta": meta}
        said |= {"salt": web64(sha256(b"%d" % n).digest()[:16])}
        envelope = None
        if kind == "customer.contacted_us.v1":
            envelope = sha256(b"envelope %d" % n).digest() * 4
            digest = web64(sha256(b"\3" + envelope).digest())
            part = {"n": "contact", "kid": identifier(6, n // 23), "ct": digest}
            said["parts"] = [{**part, "kc": digest, "cm": digest}]
        micros = (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
        day = (at + timedelta(hours=1)).strftime("%Y%m%d")
        row = [position, stream, version, kind, meta.get("subject"), meta.get("class"), None]
        row += [meta.get("purpose"), meta.get("channel"), None, None, None, "self", 20181120]
        row += [20181120 if n == 0 else None, None, meta.get("amount", {}).get("minor")]
        row += [micros, "instant", int(day), micros]
        yield canonical(said), canonical(row), envelope


def write(folder: Path, count: int) -> None:
    """A whole bundle of `count` entries, and `anchors.toml` beside it."""
    bundle, level, bundled, listed = folder / "bundle", b"", bytearray(), []

    def put(name: str, content: bytes) -> None:
        file = bundle / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        listed.append(f' "{name}": "{sha256(content).hexdigest()}"')

    columns = bundle / "columns.ndjson"
    leaves, summary = bytearray(), sha256()
    bundle.mkdir()
    with columns.open("wb") as rows:
        for n, (entry, row, envelope) in enumerate(events(count)):
            leaves += sha256(b"\0" + entry).digest()
            bundled += len(entry).to_bytes(2, "big") + entry
            rows.write(row + b"\n")
            summary.update(row + b"\n")
            if envelope is not None:
                put(f"envelopes/{n}-contact", envelope)
            if n % 256 == 255 or n == count - 1:
                put(verify.tile("entries", n // 256, n % 256 + 1), bytes(bundled))
                bundled.clear()
    listed.append(f' "columns.ndjson": "{summary.hexdigest()}"')
    level, number = bytes(leaves), 0
    while level:
        chunks = [level[at : at + 8192] for at in range(0, len(level), 8192)]
        for index, chunk in enumerate(chunks):
            put(verify.tile(number, index, len(chunk) // 32), chunk)
        level = b"".join(verify.fold(chunk) for chunk in chunks if len(chunk) == 8192)
        number += 1
    put(f"policies/{sha256(POLICY).hexdigest()}", POLICY)
    root = b64encode(verify.fold(bytes(leaves))).decode()
    text = f"{ORIGIN}\n{count}\n{root}\n"
    put("checkpoint", (text + "\n" + line(ORIGIN, key(1), text)).encode())
    head = f'"format": "probant-evidence/1",\n"origin": "{ORIGIN}",\n"size": {count},\n'
    head += f'"kind": "whole",\n"first": 1,\n"last": {count},\n"files": {{\n'
    manifest = "{\n" + head + ",\n".join(listed) + "\n}\n}\n"
    (bundle / "manifest.json").write_text(manifest, "utf-8")
    anchors = f'origin = "{ORIGIN}"\nlog = ["{vkey(ORIGIN, key(1))}"]\n'
    (folder / "anchors.toml").write_text(anchors, "utf-8")


def bare(folder: Path, *, entries_only: bool) -> float:
    """Seconds to hash the records that a run reads, one call each: entries, or also lines of
    typed columns."""
    bundle, spent = folder / "bundle", 0.0
    with (bundle / "columns.ndjson").open("rb") as rows:
        for file in (bundle / "tile/entries").rglob("*"):
            if file.is_file():
                width = int(file.name) if file.parent.suffix == ".p" else 256
                records = verify.frames(file.read_bytes(), width) or []
                if not entries_only:
                    records += list(islice(rows, width))
                began = time.perf_counter()
                for record in records:
                    sha256(record).digest()
                spent += time.perf_counter() - began
    return spent


# Started by a small process of its own: a child begins with the peak of the one that forked it.
STARTER = """import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
spent = time.perf_counter() - began
print(json.dumps([code, spent, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024]))
"""


def ours(folder: Path, *options: str) -> tuple[float, float]:
    """Seconds, and MiB of the largest process, of one verification."""
    command = [sys.executable, str(Path(verify.__file__)), str(folder / "bundle"), "--json"]
    command += ["--trust", str(folder / "anchors.toml"), *options]
    starter = [sys.executable, "-c", STARTER, *command]
    done = subprocess.run(starter, capture_output=True, text=True, check=True)
    code, seconds, memory = json.loads(done.stdout)
    assert code == ("--hashes-only" in options), "a sound bundle did not verify"
    return seconds, memory


def measure(count: int, rounds: int) -> dict[str, Any]:
    """Ratios of each kind of run, and the peak memory."""
    ways = {
        "hashes and tree": ("--hashes-only",),
        "all checks": (),
        "all checks, two processes": ("--processes", "2"),
    }
    ratios: dict[str, list[float]] = {name: [] for name in ways}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    peak = 0.0
    with tempfile.TemporaryDirectory(prefix="probant-bench-") as place:
        folder = Path(place)
        write(folder, count)
        for turn in range(rounds):
            print(f"  {count} entries: round {turn + 1}/{rounds}", file=sys.stderr)
            for name, options in ways.items():
                floor = bare(folder, entries_only="--hashes-only" in options)
                seconds, memory = ours(folder, *options)
                ratios[name].append(floor / seconds)
                rates[name].append(count / seconds)
                peak = max(peak, memory)
    return {
        "entries": count,
        "ratios": {name: statistics.median(some) for name, some in ratios.items()},
        "rates": {name: statistics.median(some) for name, some in rates.items()},
        "peak_mib": peak,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    measured = [measure(count, options.rounds) for count in options.entries]
    if options.json:
        print(json.dumps(measured))
        return
    for one in measured:
        print(f"{one['entries']:,} entries, peak {one['peak_mib']:.0f} MiB (aim: 96 at most)")
        for name, ratio in one["ratios"].items():
            rate = one["rates"][name]
            print(f"  {name:<28} {rate:>10,.0f}/s  ratio {ratio:.3f}  aim {AIMS[name]}")


if __name__ == "__main__":
    main()
