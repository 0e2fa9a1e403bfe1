"""The rehearsal: a made-up ledger loses its disk, and every promise of a restore is looked at.

Three people are on record when the backup is taken. Afterwards a fourth arrives, one writes again,
one is erased, another erased and pruned; the log is sealed, and the database destroyed. What must
hold of the restored one is the list `STEPS`, in order; each is looked at from outside, not
believed. Everything happens in a scratch place with keys and a signer of its own: no other ledger
is touched. Read next: `restore.py`, docs/backup.md.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prune
from ledger.errors import Misuse, ProbantError
from ledger.events import ContactedUs
from ledger.evidence.export import Wanted, export
from ledger.fields import Unreadable
from ledger.handlers import record
from ledger.opening import create, open_ledger
from ledger.restoring.backup import backup, read_manifest
from ledger.restoring.restore import Done, Places, restore
from ledger.seal import tiles
from ledger.seal.checkpoint import open_checkpoint
from ledger.seal.merkle import check_consistency, prove_consistency
from ledger.seal.note import VerifyKey
from ledger.sealing.client import SignerClient, running_signer
from ledger.sealing.sealer import Sealer
from ledger.store import dump, erasure, log, verify
from ledger.store.scratch import Scratch, scratch
from ledger.store.vault import Scope

ORIGIN = "probant.invalid/drill"
TEXTS = {
    "erased": "forget me",
    "pruned": "forget me, and that I wrote",
    "stays": "keep me",
    "newcomer": "I came too late",
}
STEPS = (
    *("backup", "events", "lost", "half", "restore", "same", "erased", "pruned", "live"),
    *("named", "whole", "extension", "stranger"),
)

Judge = Callable[[Path, str, str], bool]
"""Whether a stranger accepts a bundle, given the origin and the key she pins."""


class Step(NamedTuple):
    """One step, and whether what must hold after it holds."""

    name: str
    holds: bool


def drill(url: str, folder: Path, judge: Judge) -> list[Step]:
    """Rehearse in the empty `folder`, on a database of the same kind as that at `url`.

    A step that fails or breaks ends the rehearsal: the steps behind it do not hold. Everything is
    cleared away but the folder itself.
    """
    with scratch(url, folder) as place:
        ledger = create(place.url, folder / "keyring.json", origin=ORIGIN)
        ledger.close()
        with running_signer(folder / "signer", folder / "s", ORIGIN) as signer:
            drill_ = _Drill(place, folder, signer, judge)
            steps: list[Step] = []
            for name in STEPS:
                holds = all(step.holds for step in steps)
                try:
                    holds = holds and bool(getattr(drill_, name)())
                except ProbantError:
                    holds = False
                steps.append(Step(name, holds))
    return steps


class _Drill:
    """The steps. Each opens what it needs and closes it again."""

    def __init__(self, place: Scratch, folder: Path, signer: SignerClient, judge: Judge) -> None:
        self.place, self.folder, self.signer, self.judge = place, folder, signer, judge
        self.said: dict[str, tuple[int, UUID]] = {}
        self.before: list[log.Leaf] = []
        self.checkpoint = b""
        self.done: Done | None = None

    def backup(self) -> bool:
        """A copy is taken, whole."""
        with self._open() as ledger:
            for who in ("erased", "pruned", "stays"):
                self._tell(ledger, who)
            self._seal(ledger)
            made = backup(ledger, self.folder / "backup")
        return read_manifest(self.folder / "backup") == made

    def events(self) -> bool:
        """Life goes on: somebody new, one who writes again, two erasures, a prune between them (it
        would take both); then the seal."""
        with self._open() as ledger:
            self._tell(ledger, "newcomer")
            _contact(ledger, "stays", "me again")
            self._erase(ledger, "pruned")
            gone = prune(ledger, self.folder / "journal")
            self._erase(ledger, "erased")
            self._seal(ledger)
            self.before = _events(ledger)
        self.checkpoint = (self.folder / "log" / "checkpoint").read_bytes()
        behind = len(self.before) > read_manifest(self.folder / "backup").about.position
        return behind and gone.entries > 0

    def lost(self) -> bool:
        """The database is destroyed."""
        self.place.wipe()
        return dump.standing(self.place.url).is_empty

    def half(self) -> bool:
        """A restore that was cut off is not served."""
        about = read_manifest(self.folder / "backup").about
        dump.load(self.place.url, self.folder / "backup", about)
        try:
            with self._open():
                return False
        except Misuse:
            return True

    def restore(self) -> bool:
        """It is finished by running it again."""
        home = self.folder
        self.done = restore(
            Places(
                self.place.url,
                *(home / "keyring.json", home / "backup", home / "log", home / "journal"),
                home / "archive.pub",
                self.signer.state(),
            )
        )
        return self.done.position == len(self.before) + 1

    def same(self) -> bool:
        """Every event is there, byte for byte."""
        with self._open() as ledger:
            return _events(ledger)[: len(self.before)] == self.before

    def erased(self) -> bool:
        """She who was erased is erased, before anybody opened the ledger."""
        position, subject = self.said["erased"]
        with self._open() as ledger, ledger.database.read() as connection:
            reads = ledger.vault.open(connection, position)
            closed = erasure.closed_scopes(connection, subject)
        return reads is Unreadable.ERASED and Scope(subject, "contact", "") in closed

    def pruned(self) -> bool:
        """What was pruned since the backup is a bare leaf again, as it was in the log."""
        at = self.said["pruned"][0] - 1
        with self._open() as ledger:
            now = _events(ledger)[at]
        again = self.done is not None and self.done.pruned > 0
        return again and now == self.before[at] and now.entry == b""

    def live(self) -> bool:
        """What the backup had of the others is readable."""
        with self._open() as ledger, ledger.database.read() as connection:
            opened = ledger.vault.open(connection, self.said["stays"][0])
        return opened == {"text": TEXTS["stays"]}

    def named(self) -> bool:
        """What only the disk had reads as lost, and the log says so (rule R3)."""
        with self._open() as ledger, ledger.database.read() as connection:
            reads = ledger.vault.open(connection, self.said["newcomer"][0])
        return reads is Unreadable.LOST and self.done is not None and self.done.lost == 2

    def whole(self) -> bool:
        """The ledger agrees with itself: entries, columns, live tables."""
        with self._open() as ledger:
            return verify.verify(ledger.database).ok

    def extension(self) -> bool:
        """The signer signs the restored log, and its head extends the one of before."""
        with self._open() as ledger:
            self._seal(ledger)
        keys = [VerifyKey.parse(self.signer.state().vkey)]
        old = open_checkpoint(self.checkpoint, keys).checkpoint
        shown = (self.folder / "log" / "checkpoint").read_bytes()
        new = open_checkpoint(shown, keys).checkpoint
        reader = tiles.tile_reader(new.size, tiles.folder(self.folder / "log"))
        proof = prove_consistency(old.size, new.size, reader)
        check_consistency(old.size, new.size, old.root, new.root, proof)
        return True

    def stranger(self) -> bool:
        """A verifier that knows nothing but the key finds nothing."""
        with self._open() as ledger:
            export(ledger, self.folder / "log", self.folder / "bundle", Wanted("whole"))
        return self.judge(self.folder / "bundle", ORIGIN, self.signer.state().vkey)

    # -- props --------------------------------------------------------------------------------

    def _open(self) -> closing[Ledger]:
        home = self.folder
        ledger = open_ledger(self.place.url, home / "keyring.json", journal=home / "journal")
        return closing(ledger)

    def _tell(self, ledger: Ledger, who: str) -> None:
        self.said[who] = _contact(ledger, who, TEXTS[who])

    def _erase(self, ledger: Ledger, who: str) -> None:
        hers = Scope(self.said[who][1], "contact", "")
        erase_scopes(ledger, [hers], journal=self.folder / "journal", reason="request")

    def _seal(self, ledger: Ledger) -> None:
        Sealer(ledger.database, ORIGIN, self.signer, self.folder / "log").round()


def _contact(ledger: Ledger, who: str, text: str) -> tuple[int, UUID]:
    now = moment_of_instant(ledger.clock.now())
    fact = ContactedUs(occurred=now, channel="form", text=text)
    done = record(ledger, Record(fact, person=Reference("drill", who)))
    assert done.subject is not None
    return done.position, done.subject


def _events(ledger: Ledger) -> list[log.Leaf]:
    last = log.head_position(ledger.database)
    return [one for page in log.leaves(ledger.database, 1, last) for one in page]


__all__ = ["STEPS", "Judge", "Step", "drill"]
