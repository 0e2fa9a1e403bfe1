"""A backup: a folder with the database as it was at one instant, and a manifest of hashes.

    manifest.json        which ledger, where its head was, when, what is needed to read it, and the
                         SHA-256 of each file
    ledger.sqlite        SQLite: the whole database
    TABLE.copy           PostgreSQL: one file a table, in COPY's binary form

Written beside its destination, synced, then renamed: half a backup is no backup. The keys are not
in it, nor is the erasure journal: keep both apart, or a thief of the backup reads it, and a restore
forgets who was erased. Read next: `restore.py`, `ledger/store/dump.py`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from ledger.application import Ledger
from ledger.calendar import format_instant
from ledger.errors import BadData, Misuse
from ledger.sealing.files import read_if_there, sync_folder, write_whole
from ledger.store import dump
from ledger.store.dump import About

FORMAT = "probant-backup/1"
MANIFEST = "manifest.json"
DATABASES = ("sqlite", "postgresql")

Progress = Callable[[int, int, str], None]
"""Told how much was done, of about how much, and of what."""


class Manifest(NamedTuple):
    """What a backup says of itself. `files`: SHA-256 in hex, by name."""

    database: str  # one of DATABASES
    taken_at: str
    about: About
    files: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """As it is written."""
        about = self.about._asdict()
        return {
            "format": FORMAT,
            "database": self.database,
            "taken_at": self.taken_at,
            **about,
            "kek_epochs": list(self.about.kek_epochs),
            "files": self.files,
        }


def backup(
    ledger: Ledger, folder: Path, progress: Progress = lambda _done, _total, _what: None
) -> Manifest:
    """Take a backup into the new `folder`. Writers go on.

    Raises Misuse when something is there already. Crash at any point: there is no such folder, and
    the next backup to the same place clears what was left beside it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise Misuse("the folder of a new backup must be empty, or not exist yet")
    aside = folder.with_name(f".{folder.name}.partial")
    if aside.exists():
        shutil.rmtree(aside)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside.mkdir(mode=0o700)
    at = ledger.clock.now()
    about = dump.dump(ledger.database, aside, progress)
    files = {path.name: _digest(path) for path in sorted(aside.iterdir())}
    made = Manifest(DATABASES[not ledger.database.is_sqlite], format_instant(at), about, files)
    write_whole(aside / MANIFEST, json.dumps(made.to_json(), indent=1).encode())
    aside.replace(folder)
    sync_folder(folder.parent)
    return made


def read_manifest(folder: Path) -> Manifest:
    """What a backup says of itself, each file of it compared with its hash.

    Raises Misuse where there is no backup, BadData for one that is damaged or not complete.
    """
    raw = read_if_there(folder / MANIFEST)
    if raw is None:
        raise Misuse("there is no backup here: a backup is a folder with a manifest.json")
    try:
        said = json.loads(raw)
        _check_format(said.pop("format"))
        about = About(**{name: said.pop(name) for name in About._fields})
        made = Manifest(about=about._replace(kek_epochs=tuple(about.kek_epochs)), **said)
        wrong = [name for name, digest in made.files.items() if _digest(folder / name) != digest]
    except (ValueError, KeyError, TypeError, AttributeError, OSError):
        raise BadData("the backup is not complete, or its manifest cannot be read") from None
    if wrong or made.database not in DATABASES:
        raise BadData("a file of the backup is not the one that its manifest names")
    return made


def _check_format(given: object) -> None:
    """Raises Misuse for what is no backup at all, saying what it is where that is known, BadData
    for a backup of another version."""
    if given == FORMAT:
        return
    kind = given.partition("/")[0] if isinstance(given, str) else ""
    if kind == "probant-evidence":
        raise Misuse(
            "this is an evidence bundle, not a backup: give the folder that `probant backup` made,"
            " and the bundle as --entries"
        )
    if kind == "probant-segments":
        raise Misuse("these are segments, not a backup: give the folder that `probant backup` made")
    if kind != FORMAT.partition("/")[0]:
        raise Misuse("this is not a backup: give the folder that `probant backup` made")
    raise BadData("this backup was made by another version of Probant")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        made = sha256()
        while block := file.read(1 << 20):
            made.update(block)
    return made.hexdigest()
