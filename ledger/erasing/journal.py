"""The erasure journal: intents, in the order of the ledger, in a file that no backup overwrites.

NDJSON, append-only, one file per ledger in a folder of its own (`HOME/journal`): keep that folder
out of the backups of the database, or a restore takes the memory of erasures back with the data.
An `intent` line is on disk before anything is erased; a `done` line follows the commit, for the
reader: what counts is how many intents the *database* says it has carried out. A `certified` line
follows the certificates of what an end of a term erased. A `pruned` line, on
disk before the entries go, keeps how many of each class and day they were: of what was recorded and
pruned after a backup nobody else could tell. Only random ids, blinded references, key commitments
and counts are written, nothing personal.

Crash while a line is written: it has no line end, nothing was erased under it, and it is cut off
before the next one. What this file never does: erase. Read next: `ledger/erasing/erase.py`.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple
from uuid import UUID

from ledger.calendar import Day, Instant
from ledger.errors import Broken, Misuse
from ledger.sealing.files import sync_folder
from ledger.store.erasure import Condemned, Doomed
from ledger.store.pruning import Cell
from ledger.store.suppressions import Suppressed
from ledger.store.vault import Scope

NAME = "erasures.ndjson"
# Our own lines are compact and sorted, and a quote inside a text is escaped: these bytes stand in a
# line only where they mean it.
_INTENT, _DONE, _PRUNED = b'"type":"intent"', b'"type":"done"', b'"type":"pruned"'
_CERTIFIED = b'"type":"certified"'
UNREADABLE = "line {number} of the erasure journal cannot be read"
_ID = re.compile(rb'"id":"([0-9a-f-]{36})"')


class Intent(NamedTuple):
    """One erasure, complete: it can be carried out from this alone."""

    id: UUID
    at: Instant
    scopes: tuple[Condemned, ...]
    suppressed: tuple[Suppressed, ...]
    until: Day  # last day of the suppressions
    reason: str
    article: str | None
    request: UUID | None


class Counted(NamedTuple):
    """How many facts of each class and day one `ledger.pruned` fact, of this id, takes away."""

    id: UUID
    cells: tuple[Cell, ...]


class Journal:
    """The journal of one ledger. `folder` is made when the first intent is written."""

    def __init__(self, folder: Path, origin: str) -> None:
        self.path, self.origin = folder / NAME, origin

    def intents(self, after: int = 0) -> list[Intent]:
        """Every intent behind the first `after`, oldest first. Raises Misuse when the journal is
        another ledger's, Broken when it cannot be read."""
        whole = list(enumerate(self._whole_lines(), 1))
        wanted = [(number, line) for number, line in whole if _INTENT in line]
        return [_intent(line) for line in self._read(whole[:1] + wanted[after:])]

    def count(self) -> int:
        """How many intents were ever written. Raises Misuse when the journal is another ledger's,
        Broken when a line says nothing that a journal says."""
        whole = self._whole_lines()
        next(self._read(enumerate(whole[:1], 1)), None)
        for number, line in enumerate(whole[1:], 2):
            if not any(said in line for said in (_INTENT, _DONE, _PRUNED, _CERTIFIED)):
                raise Broken(UNREADABLE.format(number=number))
        return sum(_INTENT in line for line in whole)

    def done(self) -> set[UUID]:
        """The intents that were reported done."""
        return set(_ids(self._whole_lines(), _DONE))

    def unreported(self, among: int) -> list[UUID]:
        """Those of the first so many intents that were not reported done, oldest first."""
        whole = self._whole_lines()
        done = set(_ids(whole, _DONE))
        return [one for one in list(_ids(whole, _INTENT))[:among] if one not in done]

    def uncertified(self, among: int, reason: str) -> list[Intent]:
        """Those of the first so many intents, of this reason, that no line calls certified, oldest
        first."""
        certified = set(_ids(self._whole_lines(), _CERTIFIED))
        intents = self.intents()[:among]
        return [one for one in intents if one.reason == reason and one.id not in certified]

    def certify(self, intent: UUID) -> None:
        """Say that its certificates are written."""
        self._append({"type": "certified", "id": str(intent)})

    def counts(self) -> dict[UUID, tuple[Cell, ...]]:
        """What each prune took away, by the id of its fact; some of those may never have been
        recorded. Raises as `intents` does."""
        whole = list(enumerate(self._whole_lines(), 1))
        wanted = [(number, line) for number, line in whole if _PRUNED in line]
        return dict(_counted(line) for line in self._read(whole[:1] + wanted))

    def intend(self, intent: Intent) -> None:
        """Write an intent; it is on disk when this returns."""
        self._append(_line(intent))

    def finish(self, intent: UUID, at: Instant) -> None:
        """Say that it was carried out."""
        self._append({"type": "done", "id": str(intent), "at": at})

    def keep(self, counted: Iterable[Counted]) -> None:
        """Write what is about to be pruned, counted; it is on disk when this returns."""
        lines = [
            {"type": "pruned", "id": str(one.id), "cells": [list(cell) for cell in one.cells]}
            for one in counted
        ]
        if lines:
            self._append(*lines)

    def is_settled(self, carried_out: int) -> bool:
        """Whether so many intents were written and all of them are done: asked before every
        erasure, so the lines are counted and only the first one, whose journal it is, is read."""
        whole = self._whole_lines()
        next(self._read(enumerate(whole[:1], 1)), None)
        intents = sum(_INTENT in line for line in whole)
        done = sum(_DONE in line for line in whole)
        return intents == carried_out and done >= intents  # two processes may report the same

    def _whole_lines(self) -> list[bytes]:
        try:
            return self.path.read_bytes().split(b"\n")[:-1]  # what has no line end never happened
        except FileNotFoundError:
            return []
        except OSError:
            raise Broken("the erasure journal cannot be read") from None

    def _read(self, numbered: Iterable[tuple[int, bytes]]) -> Iterator[dict[str, Any]]:
        """Lines with their numbers, read; the first one only says whose journal it is."""
        for number, raw in numbered:
            try:
                line = json.loads(raw)
                origin = line["origin"] if number == 1 else self.origin
            except (ValueError, KeyError, TypeError):
                raise Broken(UNREADABLE.format(number=number)) from None
            if origin != self.origin:
                raise Misuse("this erasure journal belongs to another ledger")
            if number > 1:
                yield line

    def _append(self, *lines: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        is_new = not self.path.exists()
        with _alone(self.path) as file:
            end = _whole(file)
            file.truncate(end)
            file.seek(end)
            if end == 0:
                file.write(_raw({"type": "journal", "format": 1, "origin": self.origin}))
            file.write(b"".join(map(_raw, lines)))
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            sync_folder(self.path.parent)
            sync_folder(self.path.parent.parent)


def _ids(lines: list[bytes], type_: bytes) -> Iterator[UUID]:
    """The id that each line of this type begins with, its texts unread."""
    for line in lines:
        found = _ID.search(line) if type_ in line else None
        if found is not None:
            yield UUID(found[1].decode())


@contextmanager
def _alone(path: Path) -> Iterator[IO[bytes]]:
    """The file, open and ours until the end."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _whole(file: IO[bytes]) -> int:
    """The length of all complete lines."""
    return file.read().rfind(b"\n") + 1


def _raw(line: dict[str, Any]) -> bytes:
    return json.dumps(line, separators=(",", ":"), sort_keys=True).encode() + b"\n"


def _line(intent: Intent) -> dict[str, Any]:
    return {
        "type": "intent",
        "id": str(intent.id),
        "at": intent.at,
        "scopes": [
            {
                "subject": str(one.scope.subject),
                "class": one.scope.data_class,
                "item": one.scope.item,
                "keys": [[str(key.kid), key.kc, key.generation] for key in one.keys],
            }
            for one in intent.scopes
        ],
        "suppressions": [[kind, blind.hex(), *rest] for kind, blind, *rest in intent.suppressed],
        "until": intent.until,
        "reason": intent.reason,
        "article": intent.article,
        "request": intent.request and str(intent.request),
    }


def _intent(line: dict[str, Any]) -> Intent:
    try:
        scopes = tuple(
            Condemned(
                Scope(UUID(one["subject"]), one["class"], one["item"]),
                tuple(Doomed(UUID(kid), kc, generation) for kid, kc, generation in one["keys"]),
            )
            for one in line["scopes"]
        )
        suppressed = tuple(
            Suppressed(kind, bytes.fromhex(blind), *rest)
            for kind, blind, *rest in line["suppressions"]
        )
        request = line["request"] and UUID(line["request"])
        said = line["until"], line["reason"], line["article"], request
        return Intent(UUID(line["id"]), line["at"], scopes, suppressed, *said)
    except (ValueError, KeyError, TypeError):
        raise Broken("an intent of the erasure journal cannot be read") from None


def _counted(line: dict[str, Any]) -> Counted:
    try:
        cells = tuple(Cell(str(klass), int(day), int(n)) for klass, day, n in line["cells"])
        return Counted(UUID(line["id"]), cells)
    except (ValueError, KeyError, TypeError):
        raise Broken("a count of the erasure journal cannot be read") from None
