"""The sealer of a benchmark: a process of its own, with a signer of its own, as a ledger has them.

`beside` runs it while the caller appends: rounds of a second or of 1,000 leaves. It begins when
everything committed before is sealed, so that only what is appended meanwhile is paid for.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ledger.sealing.keyfiles import KEY
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import Signer
from ledger.store.setup import open_database
from tests.sealing.room import Here


@contextmanager
def beside(url: str, origin: str, home: Path) -> Iterator[None]:
    """A sealer of this ledger at work."""
    command = [sys.executable, "-m", __name__, url, origin, str(home)]
    running = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert running.stdin is not None
    assert running.stdout is not None
    try:
        ready = running.stdout.readline()
        assert ready == b"ready\n", "the sealer did not start"
        yield
    finally:
        running.stdin.close()  # it ends with us
        running.wait()
        running.stdout.close()


def main(url: str, origin: str, home: Path) -> None:
    """Seal until standard input ends."""
    folder = home / "signer"
    signer = Signer(folder) if (folder / KEY).exists() else Signer.create(folder, origin)
    database = open_database(url)
    sealer = Sealer(database, origin, Here(signer), home / "log")
    while sealer.round() is not None:
        pass
    print("ready", flush=True)
    sealer.watch()
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
