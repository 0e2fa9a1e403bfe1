"""Restore: a backup, the entries that left the house since, the erasure journal; in that order.

1. Everything is read and compared before anything is written: the hashes of the backup, the signed
   tree of the entries, what the signer remembers, the journal, the keys.
2. The backup goes into the empty database, with a mark: until step 7, whoever opens the ledger is
   refused. A crash inside: the database is empty.
3. The backup must be the beginning of what was signed. The entries behind it come back byte for
   byte, a bundle in a transaction; with them policies, and envelopes where their keys survived.
4. What the archive had taken is archived again; the live tables are computed afresh.
5. The journal erases again whom it names. A log that tells of an erasure which the journal does not
   know ends it here: nobody is served who was erased. What was pruned is pruned again, and what the
   journal kept of it by class and day is counted again.
6. Every living key is wrapped under the newest KEK: the one of the backup may be about to die.
7. `ledger.restored` names the positions whose sealed parts were lost (rule R3), and takes the mark
   away: both in one transaction.

A crash after step 2: run it again; each step begins where it ended. The signer finds a log that
extends what it signed, or refuses. What this file never does: start a server, or sign.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import Clock, moment_of_instant
from ledger.entry import from_base64
from ledger.erasing.erase import settle
from ledger.erasing.journal import Journal
from ledger.errors import Broken, Misuse, Tampered
from ledger.events import ClassArchived, ClassErased, Restored
from ledger.restoring.backup import DATABASES, Manifest, read_manifest
from ledger.restoring.exported import Exported, root_at
from ledger.rotating import rewrap
from ledger.sealing.client import Remembered
from ledger.sealing.files import read_if_there
from ledger.store import archival, dump, erasure, keyrings, log, pruning, rebuild, restoring
from ledger.store.database import Database
from ledger.store.keyring import Keyring
from ledger.store.keyrings import Where
from ledger.store.recipient import ArchiveRecipient

RANGES = 300  # of lost positions named by one fact: its entry stays well under 16 KiB

Progress = Callable[[int, int, str], None]
"""Told how much was done, of how much, and of what."""


class Places(NamedTuple):
    """Where everything is. `entries`: a folder of the sealed log, or a bundle; None: nothing was
    ever exported. `signed`: what the signer remembers; None: there is no signer any more. `log`:
    the folder of the log as it is now, for the proofs of handovers that an older copy lacks."""

    url: str
    keyring: Where
    backup: Path
    entries: Path | None
    journal: Path
    recipient: Path  # the file of the archive's public key; needed if something was archived
    signed: Remembered | None
    log: Path | None = None


class Done(NamedTuple):
    """What a restore did; one that was resumed counts only what it did itself."""

    origin: str
    backup_head: int
    last_checkpoint: int
    put_back: int
    archived: int
    erased: int  # intents of the journal carried out
    pruned: int
    rewrapped: int
    lost: int  # events whose sealed parts are gone
    unnamed: int  # people whom no reference finds any more
    position: int  # of the last `ledger.restored`


def restore(
    places: Places,
    *,
    clock: Clock | None = None,
    progress: Progress = lambda _done, _total, _what: None,
) -> Done:
    """Restore into an empty database, or finish a restore that was interrupted.

    Raises Misuse when the database holds something, or what was given does not belong together,
    BadData or Tampered when a file is not what it should be, Broken when something is missing.
    """
    manifest = read_manifest(places.backup)
    if not keyrings.exists(places.keyring):
        raise Misuse(
            "the keyring of this ledger is not there: put it back before anything is restored, for"
            " nothing else opens what the backup holds"
        )
    keys = keyrings.load(places.keyring)
    _check(places, manifest, keys)
    exported = _exported(places, manifest)
    standing = dump.standing(places.url)
    if not standing.is_empty and standing.restoring is None:
        raise Misuse("the database is not empty; restore into an empty one (nothing was changed)")
    if standing.restoring not in (None, manifest.about.position):
        raise Misuse("another backup was restored here by half; empty the database first")
    if standing.is_empty:
        progress(0, 0, "database")
        dump.load(places.url, places.backup, manifest.about)
    database = Database(places.url)
    try:
        dump.complete(database)
        ledger = Ledger(database, keys, clock)
        return _Work(ledger, places, manifest, exported, progress).run()
    finally:
        database.close()


# --- step 1 --------------------------------------------------------------------------------------


def _check(places: Places, manifest: Manifest, keys: Keyring) -> None:
    about = manifest.about
    kind = DATABASES[not places.url.startswith("sqlite")]
    if manifest.database != kind:
        raise Misuse(f"this is a backup of a {manifest.database} database, and not of {kind}")
    if about.origin != keys.origin:
        raise Misuse("the backup and the keyring belong to two ledgers")
    if gone := sorted(set(about.kek_epochs).difference(keys.epochs)):
        raise Misuse(
            f"the backup needs key-encryption keys that are gone (epoch {gone[0]}): it is older"
            " than the horizon of backups, or this keyring is an old copy"
        )
    if len(Journal(places.journal, keys.origin).intents()) < about.erasures:
        raise Broken("the erasure journal is not complete; put it back before anything is restored")


def _exported(places: Places, manifest: Manifest) -> Exported | None:
    about, signed = manifest.about, places.signed
    exported = None
    if places.entries is not None:
        known = [vkey for vkey in (signed.vkey, signed.next) if vkey] if signed else []
        exported = Exported(places.entries, known, places.log)
        if exported.head.origin != about.origin:
            raise Misuse("the backup and the exported log belong to two ledgers")
    elif about.sealed and signed is None:
        raise Misuse(
            f"{about.sealed} events were sealed: name the exported log, or a bundle (--entries)"
        )
    reached = max(about.position, exported.head.size if exported else 0)
    if signed is not None and signed.size > reached:
        raise Misuse(
            f"the signer signed {signed.size} events, and the backup and the entries reach"
            f" {reached}: find a newer copy of the exported log, or begin a new origin"
        )
    return exported


# --- steps 3 to 7 --------------------------------------------------------------------------------


class _Work:
    """One restore on its way, on a database that is marked."""

    def __init__(
        self,
        ledger: Ledger,
        places: Places,
        manifest: Manifest,
        exported: Exported | None,
        progress: Progress,
    ) -> None:
        self.ledger, self.database, self.places = ledger, ledger.database, places
        self.exported, self.progress = exported, progress
        self.origin, self.head = manifest.about.origin, manifest.about.position
        self.sealed = manifest.about.sealed

    def run(self) -> Done:
        """Every step that is not done yet."""
        self._compare()
        put_back = self._put_back()
        archived = self._archive_again()
        rebuild.rebuild(self.database, lambda table, rows: self.progress(rows, rows, table))
        journal = Journal(self.places.journal, self.origin)
        erased = settle(self.ledger, journal)
        self._demand_erased()
        if pruned := restoring.prune_again(self.database, journal.counts()):
            rebuild.rebuild(self.database)
        erasure.tidy(self.database)
        if pruned:
            pruning.tidy(self.database)
        rewrapped = rewrap(self.ledger, lambda done, total: self.progress(done, total, "keys"))
        lost = restoring.lost(self.database, self.head)
        reached = max(self.sealed, self.exported.head.size if self.exported else 0)
        unnamed = restoring.unnamed(self.database, self.head)
        counts = (put_back, archived, erased, pruned, rewrapped, len(lost), unnamed)
        return Done(self.origin, self.head, reached, *counts, self._say(lost, reached))

    def _compare(self) -> None:
        """What is there is the beginning of what was signed. Raises Tampered."""
        last, signed = log.head_position(self.database), self.places.signed
        theirs = self.exported.leaves() if self.exported else iter(())
        ours = restoring.leaves(self.database, last)
        for position, (one, other) in enumerate(zip(ours, theirs, strict=False), 1):
            if one != other:
                raise Tampered(f"the backup and the signed log differ at position {position}")
        if signed is not None and signed.size:
            beyond = self.exported.leaves(last) if self.exported else iter(())
            leaves = chain(restoring.leaves(self.database, last), beyond)
            if root_at(signed.size, leaves) != signed.root:
                raise Tampered("the signer signed another tree than the one that is restored")

    def _put_back(self) -> int:
        if self.exported is None:
            return 0
        exported, count, now = self.exported, 0, self.ledger.clock.now()
        editions = restoring.editions(self.database)
        first = log.head_position(self.database) + 1
        for page in exported.entries(first):
            count += restoring.put_back(self.database, page, editions, exported.fetch, now)
            self.progress(page[-1].position, exported.head.size, "entry")
        self.ledger.forget()
        restoring.reach(self.database, exported.sealed, exported.note)
        return count

    def _archive_again(self) -> int:
        """Keys that were archived after the backup are wrapped for the same recipient again."""
        rows = restoring.archived_again(self.database, self.head)
        if not rows:
            return 0
        raw = read_if_there(self.places.recipient)
        if raw is None:
            raise Misuse("keys were archived after the backup: put the file archive.pub back first")
        recipient = ArchiveRecipient.parse(raw)
        facts = restoring.facts_after(self.database, self.head, ClassArchived)
        if any(f.recipient and from_base64(f.recipient) != recipient.digest for f in facts):
            raise Misuse("keys were archived after the backup for another archive key than this")
        wrapped = archival.wrap(self.ledger.vault, recipient, [rows])
        self.ledger.recorder.redo(lambda connection: archival.restrict(connection, wrapped))
        return len(wrapped)

    def _demand_erased(self) -> None:
        """Whom the log calls erased is erased. Raises Broken."""
        facts = restoring.facts_after(self.database, self.head, ClassErased)
        keys = [set(fact.keys or ()) for fact in facts]
        with self.database.read() as connection:
            gone = erasure.destroyed(connection, set().union(*keys))
            left = sum(not named <= gone for named in keys)
            left = left or len(erasure.unfinished(connection, self.head))
        if left:
            raise Broken(
                f"the log tells of erasures ({left}) that the erasure journal does not know;"
                " put the whole journal back and run this again: nothing is served before"
            )

    def _say(self, lost: list[int], reached: int) -> int:
        """Record what was restored and what was lost, and let the ledger serve."""
        ranges = pruning.ranges_of(lost)
        now = moment_of_instant(self.ledger.clock.now())
        acts = [
            act_of(
                Restored(
                    occurred=now,
                    actor="system",
                    backup_head=self.head,
                    last_checkpoint=reached,
                    lost_parts=tuple(ranges[start : start + RANGES]) or None,
                )
            )
            for start in range(0, max(len(ranges), 1), RANGES)
        ]
        written = act(
            self.ledger,
            acts,
            lambda connection, _written: restoring.unmark(connection),
            new_epoch=True,
        )
        return written[-1].position


__all__ = ["Done", "Places", "restore"]
