"""Writing segments: what is sealed and not there yet, beside live writers, a row group at a time.

Steps; each may be the last before a crash, and the next export goes on from there:

1. The plan (`plan.py`): the newest checkpoint, the files to write. What they disclose is recorded,
   then the plan is written down. A crash between: a disclosure stands on record that did not
   happen; never the reverse.
2. The files, each written aside, synced and renamed; one that is there is whole and stays. A row
   whose entry is not what its leaf was made of stops everything.
3. The leaves of what was written, read back, must continue the tree of the folder to the root that
   was signed; and no prune may have come in between, or the plan is dropped.
4. The policies and the log's public keys, then the manifest, which is the new state of the folder;
   the checkpoint beside it.
5. The plan and the files that the manifest does not name are removed: after a prune, those of the
   generation before, which still hold what was pruned.

Nothing here is locked against writers: rows up to a signed size only change by a prune. What this
file never does: open a sealed part, or write into a file with a name that a manifest ever gave.
Read next: `replay/segments/reading.py`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from ledger.application import Ledger
from ledger.errors import Broken, Misuse, Tampered
from ledger.evidence.disclosing import record_disclosure
from ledger.seal import tiles
from ledger.seal.checkpoint import Checkpoint, open_checkpoint
from ledger.seal.merkle import Frontier, frontier_at
from ledger.sealing import keys
from ledger.sealing.files import read_if_there, sync_folder, write_whole
from ledger.segmenting.plan import Cut, Plan, cuts
from ledger.segmenting.rows import rows_of
from ledger.store import arrow, editions
from replay.segments import layout
from replay.segments.layout import CHECKPOINT, EVENTS, MANIFEST, EditionFile, Manifest, Segment

PLAN, LOCK = ".plan.json", ".lock"
SEAL_FIRST = (
    "entries were pruned after the newest checkpoint; run `probant seal`, then this once more"
)
_LEAVES = 4096  # read at a time

Progress = Callable[[int, int, str], None]
"""Told how many rows were written, of how many, and of what."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What the folder holds now, and what it took: files and rows written, files removed."""

    origin: str
    size: int
    generation: int
    files: int
    written: int
    rows: int
    bytes: int
    removed: int
    disclosed: int  # position of the disclosure, 0 when nothing new was disclosed


def export(
    ledger: Ledger,
    log: Path,
    folder: Path,
    *,
    recipient: str,
    recipient_type: str,
    compact: bool = False,
    progress: Progress = lambda _done, _total, _what: None,
) -> Exported:
    """Bring a folder of segments up to the newest checkpoint of `log`, the folder of the sealed
    log. `recipient` is a code and `recipient_type` as in `recipient.declared`.

    Raises Misuse when nothing is sealed yet, when the folder holds something else, or when somebody
    else is writing it; Refused when the policy forbids the recipient; Tampered when the database
    does not hold what was sealed; Broken when entries were pruned that no checkpoint knows of yet.
    """
    note = read_if_there(log / "checkpoint")
    if note is None:
        raise Misuse("nothing is sealed yet; run `probant seal` first")
    if folder.exists() and not _is_ours(folder):
        raise Misuse("the folder of new segments must be empty, or not exist yet")
    folder.mkdir(parents=True, exist_ok=True)
    with _alone(folder):
        work = _Export(ledger, log, folder, note, progress)
        plan = work.planned(recipient, recipient_type, compact=compact)
        if plan is None:
            return work.close(work.renewed(), (), 0)
        work.write(plan)
        work.check(plan)
        return work.close(work.manifest(plan), plan.cuts, plan.disclosed)


def _is_ours(folder: Path) -> bool:
    """Whether a folder is empty, or of segments, finished or not."""
    names = {path.name for path in folder.iterdir()}
    return not names or bool(names & {PLAN, MANIFEST, LOCK})


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    descriptor = os.open(folder / LOCK, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise Misuse("another export is writing into this folder") from None
    finally:
        os.close(descriptor)


class _Export:
    """One export on its way. `before` is what the folder says of itself, None when it is new."""

    def __init__(
        self, ledger: Ledger, log: Path, folder: Path, note: bytes, progress: Progress
    ) -> None:
        self.ledger, self.folder, self.progress = ledger, folder, progress
        self.note, self.log, self.log_keys = note, log, keys.every_key(log)
        self.head = self._opened(note)
        if self.head.origin != ledger.keyring.origin:
            raise Misuse("the exported log belongs to another ledger")
        self.fetch = tiles.folder(log)
        raw = read_if_there(folder / MANIFEST)
        self.base = "" if raw is None else sha256(raw).hexdigest()
        self.before = None if raw is None else Manifest.parse(raw)
        self.files = self.before.files if self.before else ()
        self.covered = self.before.size if self.before else 0
        self.frontier = self._continued()
        self.done = self.total = 0

    def _opened(self, note: bytes) -> Checkpoint:
        return open_checkpoint(note, self.log_keys).checkpoint

    def _continued(self) -> Frontier:
        """The tree of what the folder holds already, which must be a beginning of the log."""
        if self.before is None:
            return Frontier.empty()
        if self.before.origin != self.head.origin:
            raise Misuse("this folder holds the segments of another ledger")
        if self.covered > self.head.size:
            raise Misuse("these segments reach further than the sealed log: use a new folder")
        found = frontier_at(self.covered, tiles.tile_reader(self.head.size, self.fetch))
        if found.root() != self._opened(self.before.checkpoint.encode()).root:
            raise Tampered("the sealed log does not continue the one these segments were made of")
        return found

    # -- the plan --------------------------------------------------------------------------------

    def planned(self, recipient: str, recipient_type: str, *, compact: bool) -> Plan | None:
        """What to do: that of an export that was cut off if it still holds, else a new plan. None
        when there is nothing to write."""
        found = read_if_there(self.folder / PLAN)
        if found is not None:
            plan = msgspec.json.decode(found, type=Plan)
            if self._still_holds(plan, recipient):
                return plan
            (self.folder / PLAN).unlink()
        self._tidy()
        pruned = self._pruned()
        found_cuts = cuts(self.files, self.head.size, pruned, compact=compact)
        if not found_cuts:
            return None
        generation = self.before.generation if self.before else 1
        generation += any(one.first <= self.covered for one in pruned)
        position = 0
        if self.head.size > self.covered:
            position = record_disclosure(
                self.ledger,
                recipient,
                recipient_type,
                None,
                self.head.size,
                first=self.covered + 1,
            )
        plan = Plan(
            base=self.base,
            recipient=recipient,
            checkpoint=self.note.decode(),
            generation=generation,
            cuts=found_cuts,
            disclosed=position,
        )
        write_whole(self.folder / PLAN, msgspec.json.encode(plan))
        return plan

    def _still_holds(self, plan: Plan, recipient: str) -> bool:
        """Whether a plan builds on what is there, for the same recipient, with no prune since."""
        if (plan.base, plan.recipient) != (self.base, recipient):
            return False
        head = self._opened(plan.checkpoint.encode())
        if arrow.prunes_after(self.ledger.database, head.size):
            return False
        self.head, self.note = head, plan.checkpoint.encode()
        return True

    def _pruned(self) -> list[Cut]:
        """What was pruned since the folder was written. Raises Broken where a prune is not sealed:
        no checkpoint could explain why its entries are missing."""
        since = self.covered or self.head.size
        prunes = arrow.prunes_after(self.ledger.database, since)
        if prunes and prunes[-1].position > self.head.size:
            raise Broken(SEAL_FIRST)
        return [Cut(*one) for prune in prunes for one in prune.ranges]

    # -- the files -------------------------------------------------------------------------------

    def write(self, plan: Plan) -> None:
        """The files of the plan, but those that are there already."""
        done, total = 0, sum(cut.last - cut.first + 1 for cut in plan.cuts)

        def heard(rows: int) -> None:
            self.progress(done + rows, total, "segment")

        for cut in plan.cuts:
            path = self.folder / layout.path_of(*cut, plan.generation)
            if not path.exists():
                self._write(path, cut, heard)
            done += cut.last - cut.first + 1
            heard(0)

    def _write(self, path: Path, cut: Cut, heard: Callable[[int], None]) -> None:
        path.parent.mkdir(exist_ok=True)
        aside, rows = path.with_name(path.name + ".tmp"), 0
        with pq.ParquetWriter(aside, layout.SCHEMA, **layout.WRITING) as file:
            for group in _groups(map(rows_of, arrow.batches(self.ledger.database, *cut))):
                file.write_table(group, row_group_size=layout.ROW_GROUP)
                rows += len(group)
                heard(rows)
        if rows != cut.last - cut.first + 1:
            raise Tampered(f"an event is missing between {cut.first} and {cut.last}")
        _into_place(aside, path)

    def check(self, plan: Plan) -> None:
        """What was written is what was sealed, and nothing was pruned while it was written."""
        frontier, reader = self.frontier, tiles.tile_reader(self.head.size, self.fetch)
        for cut in plan.cuts:
            for first, leaves in _leaves(self.folder / layout.path_of(*cut, plan.generation), cut):
                old = max(0, min(len(leaves), self.covered - first + 1))
                if leaves[:old] != reader([(0, first - 1 + at) for at in range(old)]):
                    raise Tampered(
                        f"leaves from position {first} on are not those that were sealed"
                    )
                frontier = frontier.extend(leaves[old:])
        if (frontier.size, frontier.root()) != (self.head.size, self.head.root):
            raise Tampered("the events in the database do not make the root that was signed")
        if arrow.prunes_after(self.ledger.database, self.head.size):
            raise Broken(SEAL_FIRST)

    # -- closing ---------------------------------------------------------------------------------

    def manifest(self, plan: Plan) -> Manifest:
        """The folder as it is now: files that stay, and those that were written."""
        written = [self._described(cut, plan.generation) for cut in plan.cuts]
        kept = [
            one
            for one in self.files
            if not any(cut.first <= one.first <= cut.last for cut in plan.cuts)
        ]
        files = sorted((*kept, *written), key=lambda one: one.first)
        return Manifest(
            format=layout.FORMAT,
            origin=self.head.origin,
            generation=plan.generation,
            size=self.head.size,
            editions=self._editions(),
            files=tuple(files),
            checkpoint=self.note.decode(),
        )

    def renewed(self) -> Manifest:
        """The same folder under the newest note: more witnesses may have signed it since."""
        if self.before is None:
            raise Misuse("nothing is sealed yet; run `probant seal` first")
        return msgspec.structs.replace(self.before, checkpoint=self.note.decode())

    def _described(self, cut: Cut, generation: int) -> Segment:
        name = layout.path_of(*cut, generation)
        path = self.folder / name
        with path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        return Segment(
            path=name,
            first=cut.first,
            last=cut.last,
            rows=cut.last - cut.first + 1,
            pruned=_bare(path),
            bytes=path.stat().st_size,
            sha256=digest,
            generation=generation,
        )

    def _editions(self) -> tuple[EditionFile, ...]:
        """The editions published so far, their documents beside them."""
        found = []
        for edition, position in self.ledger.book(self.ledger.epoch()).entries:
            if position > self.head.size:
                continue
            path = self.folder / layout.POLICIES / edition.pol
            if not path.exists():
                with self.ledger.database.read() as connection:
                    document = editions.document(connection, bytes.fromhex(edition.pol))
                if document is None or sha256(document.content).hexdigest() != edition.pol:
                    raise Tampered(f"the document of edition {edition.id} is not the one published")
                write_whole(path, document.content)
            found.append(
                EditionFile(
                    id=edition.id, number=edition.number, position=position, sha256=edition.pol
                )
            )
        return tuple(found)

    def close(self, manifest: Manifest, written: tuple[Cut, ...], disclosed: int) -> Exported:
        """The manifest, last: with it the folder has its new state. Then what it no longer names
        is removed."""
        for name, content in (
            *keys.as_of(self.log, manifest.size),
            (MANIFEST, manifest.to_bytes()),
            (CHECKPOINT, manifest.checkpoint.encode()),
        ):
            if read_if_there(self.folder / name) != content:
                write_whole(self.folder / name, content)
        (self.folder / PLAN).unlink(missing_ok=True)
        self.files = manifest.files
        fresh = [one for one in manifest.files if (one.first, one.last) in written]
        return Exported(
            origin=manifest.origin,
            size=manifest.size,
            generation=manifest.generation,
            files=len(manifest.files),
            written=len(fresh),
            rows=sum(one.rows for one in fresh),
            bytes=sum(one.bytes for one in fresh),
            removed=self._tidy(),
            disclosed=disclosed,
        )

    def _tidy(self) -> int:
        """Remove segments that the manifest does not name, and halves of some. How many."""
        named, removed = {one.path for one in self.files}, 0
        for path in (self.folder / EVENTS).glob("*"):
            name = f"{EVENTS}/{path.name}"
            if layout.is_segment(name.removesuffix(".tmp")) and name not in named:
                path.unlink()
                removed += layout.is_segment(name)
        aside = self.folder / layout.aside_path(one.sha256 for one in self.files)
        for path in (self.folder / layout.ASIDE).glob("*"):
            if path != aside:  # laid out of files that are no more: whoever was pruned is in it
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return removed


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """The same rows, as many at a time as a row group has."""
    waiting: list[pa.RecordBatch] = []
    for batch in batches:
        waiting.append(batch)
        while sum(map(len, waiting)) >= layout.ROW_GROUP:
            table = pa.Table.from_batches(waiting)
            yield table.slice(0, layout.ROW_GROUP)
            waiting = table.slice(layout.ROW_GROUP).to_batches()
    if any(map(len, waiting)):
        yield pa.Table.from_batches(waiting)


def _into_place(aside: Path, path: Path) -> None:
    """A file that was written aside, synced and renamed."""
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)
    sync_folder(path.parent)


def _leaves(path: Path, cut: Cut) -> Iterator[tuple[int, list[bytes]]]:
    """The leaves that a file holds, some at a time, with the position of the first."""
    first = cut.first
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(_LEAVES, columns=["leaf"]):
            yield first, batch.column("leaf").to_pylist()
            first += len(batch)


def _bare(path: Path) -> int:
    """How many rows of a file were pruned: where there is no version, there is nothing."""
    with pq.ParquetFile(path) as file:
        at, metadata = layout.SCHEMA.names.index("version"), file.metadata
        groups = map(metadata.row_group, range(metadata.num_row_groups))
        return sum(int(group.column(at).statistics.null_count) for group in groups)


__all__ = ["Exported", "export"]
