"""The sealer of a benchmark: a process of its own, with a signer of its own, as a ledger has them.

`beside` runs it while the caller appends: rounds of a second or of 1,000 leaves. It begins when
everything committed before is sealed, so that only what is appended meanwhile is paid for.

`python -m tests.bench.sealed` measures nothing else, in a minute; it also tells the processor time
that the sealer takes for a leaf, which other work on the machine disturbs less.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from ledger.sealing.keyfiles import KEY
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import Signer
from ledger.store.setup import open_database
from tests.sealing.room import Here


class Cost(NamedTuple):
    """What one sealer did: leaves, and seconds of processor time (its own, not the database's)."""

    leaves: int
    seconds: float


@contextmanager
def beside(url: str, origin: str, home: Path) -> Iterator[list[Cost]]:
    """A sealer of this ledger at work; what it cost is in the list when it has ended."""
    command = [sys.executable, "-m", __name__, url, origin, str(home)]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin is not None
    assert running.stdout is not None
    costs: list[Cost] = []
    try:
        ready = running.stdout.readline()
        assert ready == b"ready\n", "the sealer did not start"
        yield costs
    finally:
        running.stdin.close()  # it ends with us
        leaves, _, seconds = running.stdout.readline().partition(b" ")
        running.wait()
        if seconds:
            costs.append(Cost(int(leaves), float(seconds)))
        running.stdout.close()


def main(url: str, origin: str, home: Path) -> None:
    """Seal until standard input ends."""
    folder = home / "signer"
    signer = Signer(folder) if (folder / KEY).exists() else Signer.create(folder, origin)
    database = open_database(url)
    sealer = Sealer(database, origin, Here(signer), home / "log")
    while sealer.round() is not None:
        pass
    begun, used = size(home), time.process_time()
    print("ready", flush=True)
    sealer.watch()
    print(size(home) - begun, time.process_time() - used, flush=True)
    database.close()


def size(home: Path) -> int:
    """How many leaves the last checkpoint covers."""
    return int((home / "log/checkpoint").read_text("utf-8").splitlines()[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
