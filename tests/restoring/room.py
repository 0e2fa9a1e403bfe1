"""A ledger that will lose its disk: signer, journal and log beside it, and the way back."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger.application import Ledger
from ledger.erasing.erase import Erased, erase_scopes
from ledger.opening import create, open_ledger
from ledger.restoring.backup import Manifest, backup
from ledger.restoring.restore import Done, Places, restore
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import Signer
from ledger.store import log, pruning, tables, verify
from ledger.store.log import Leaf
from ledger.store.scratch import Scratch
from ledger.store.vault import Scope
from tests.clock import StepClock
from tests.contracts.props import assert_whole
from tests.rotation import told
from tests.sealing.room import Here, check_log

ORIGIN = "example.org/restored"


class Room:
    """One ledger at a time, at one URL."""

    def __init__(self, place: Scratch, home: Path, clock: StepClock) -> None:
        self.place, self.home, self.clock = place, home, clock
        self.ledger = create(place.url, home / "keyring.json", origin=ORIGIN, clock=clock)
        self.signer = Here(Signer.create(home / "signer", ORIGIN))

    @property
    def log(self) -> Path:
        """The exported log."""
        return self.home / "log"

    @property
    def journal(self) -> Path:
        """The folder of the erasure journal."""
        return self.home / "journal"

    def told(self, who: str, text: str) -> tuple[int, UUID]:
        """Somebody writes to us: the position, and her id."""
        return told(self.ledger, who, text)

    def sealer(self) -> Sealer:
        """The sealer of the ledger as it is open now."""
        return Sealer(self.ledger.database, ORIGIN, self.signer, self.log)

    def seal(self) -> int:
        """Seal and export; the size of the log."""
        self.sealer().round()
        return self.signer.state().size

    def backup(self, name: str = "backup") -> Manifest:
        """Take a backup."""
        return backup(self.ledger, self.home / name)

    def erase(self, subject: UUID) -> list[Erased]:
        """Erase what identifies her."""
        scope = Scope(subject, "contact", "")
        return erase_scopes(self.ledger, [scope], journal=self.journal, reason="request")

    def lose(self) -> None:
        """The disk of the database dies."""
        self.ledger.close()
        self.place.wipe()

    def places(self, **given: Any) -> Places:
        """Where everything is, unless said otherwise."""
        there: dict[str, Any] = {
            "url": self.place.url,
            "keyring": self.home / "keyring.json",
            "backup": self.home / "backup",
            "entries": self.log,
            "journal": self.journal,
            "recipient": self.home / "archive.pub",
            "signed": self.signer.state(),
        }
        return Places(**(there | given))

    def restore(self, **given: Any) -> Done:
        """Restore, and open what was restored."""
        done = restore(self.places(**given), clock=self.clock)
        self.open()
        return done

    def open(self) -> Ledger:
        """Open the ledger as a service does."""
        keyring = self.home / "keyring.json"
        self.ledger = open_ledger(self.place.url, keyring, clock=self.clock, journal=self.journal)
        return self.ledger

    # -- looking ------------------------------------------------------------------------------

    def reads(self, position: int) -> Any:
        """What a service reads there."""
        with self.ledger.database.read() as connection:
            return self.ledger.vault.open(connection, position)

    def events(self, last: int | None = None) -> list[Leaf]:
        """Entries and leaves up to a position."""
        last = last or log.head_position(self.ledger.database)
        return [one for page in log.leaves(self.ledger.database, 1, last) for one in page]

    def rows(self, table: sa.Table, *where: Any) -> list[Any]:
        """Rows of a table."""
        with self.ledger.database.read() as connection:
            return list(connection.execute(sa.select(table).where(*where)))

    def unreadable(self) -> dict[str, Any]:
        """What no count can count any more, as every answer about everybody says it."""
        with self.ledger.database.read() as connection:
            return pruning.unreadable(connection).to_json()

    def facts(self, kind: str) -> list[Any]:
        """The events of a kind."""
        e = tables.events.c
        with self.ledger.database.read() as connection:
            query = sa.select(e.position, e.entry).where(e.kind == kind).order_by(e.position)
            return list(connection.execute(query))

    def assert_sound(self, *, pruned: bool = False) -> None:
        """The ledger agrees with itself, and the signer signs it as an extension."""
        assert verify.verify(self.ledger.database).to_json()["counts"] == {}
        if not pruned:
            assert_whole(self.ledger.database)
        self.seal()
        vkey = self.signer.signer.key.vkey
        assert check_log(self.ledger, self.log, vkey) == self.ledger.recorder.head().position
