"""One server's retention runs, as a process: `python -m tests.faults.retainer URL KEYRING HOME`.

Prints a line for each batch of two people that it has carried out, until it is killed: amid the
fourth at the latest.
"""

from __future__ import annotations

import sys
from pathlib import Path
from threading import Event
from typing import Any

from ledger.erasing.certificate import Desk
from ledger.opening import open_ledger
from ledger.retention import run, running


def main(url: str, keyring: str, home: str) -> None:
    """Carry out what was asked for."""

    done: list[Any] = []

    def batch(*given: Any) -> Any:
        if len(done) == 3:
            Event().wait()  # whoever is slow to kill us does so here
        found = run.batch(*given)
        done.append(found)
        sys.stdout.write("batch\n")
        sys.stdout.flush()
        return found

    vars(running).update(AT_ONCE=2, batch=batch)
    keeper = running.Keeper(
        open_ledger(url, Path(keyring)),
        Path(home) / "journal",
        Path(home) / "archive.pub",
        Desk(Path(home) / "certificates", 35),
    )
    keeper.ask("key:test", rehearsal=False)
    Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
