"""A folder of segments, judged as an evidence bundle is: the same checks, the same words.

`replay/verify.py` holds the checks; this file hands it rows of Parquet where it reads tiles, entry
bundles and lines of columns in a bundle. What must hold, by its numbers:

 1 a pinned key signed the checkpoint            2 pinned witnesses cosigned it, if asked
 4 the leaves of all rows give its root          5 every entry hashes to its leaf and is canonical
 6 checkpoints you kept are beginnings of it     7 versions without a gap, record time grows
 8 R2: a bare row is named by a later prune, and what a prune names is bare
10 the policies in force are there              11 typed columns say what the entries say
14 the files are those of the manifest

Streaming: memory stays flat whatever the length of the log. What this file never does: repair, or
believe the manifest. Read next: `replay/verify.py`.
"""

from __future__ import annotations

import gc
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from ledger.errors import BadData
from replay import verify
from replay.segments import layout
from replay.segments.layout import CHECKPOINT, EVENTS, MANIFEST, SCHEMA, Manifest
from replay.verify import HASH, WIDTH, Bundle, Misuse, Scan, Task, Trust, Verifier, bytes_of, fold

ROWS = 16 * WIDTH  # read at a time
NAMES = tuple(name for name in SCHEMA.names if name not in ("entry", "leaf"))
_KIND = verify.COLUMNS.index("subject")  # where a row of the verifier has one column and we two
_EDITION = verify.COLUMNS.index("edition")

Progress = Callable[[int, int], None]
"""Told how many rows were read, and how many there are."""

# Beside those of `verify.WORDS`, or in their place: in English, in French.
WORDS = {
    "about": (
        "{origin} (segments): {size} rows, root {root}; {entries} entries read, {pruned} pruned.",
        "{origin} (segments) : {size} lignes, racine {root} ; {entries} écritures lues, "
        "{pruned} élaguées.",
    ),
    "rests_tree": (
        "the leaves of all {size} rows hashed up to the signed root",
        "les feuilles des {size} lignes hachées jusqu'à la racine signée",
    ),
    "rests_pruned": (
        "{n} bare row[s], each named by a later prune (R2); segments hold no sealed part",
        "{n} ligne[s] nue[s], chacune nommée par un élagage (R2) ; aucune partie scellée ici",
    ),
    "rests_columns": (
        "the columns of {n} row[s] say what the entries say",
        "les colonnes de {n} ligne[s] disent ce que disent les écritures",
    ),
    "rests_manifest": (
        "{n} segment[s] [is/are] as the manifest says; the manifest is the sender's own",
        "{n} segment[s] conforme[s] au manifeste ; le manifeste vient de l'expéditeur",
    ),
    "no_bundle": ("there is no such folder of segments", "ce dossier de segments n'existe pas"),
    "shape": (
        "not a segment of these columns and that many rows",
        "pas un segment de ces colonnes et de ce nombre de lignes",
    ),
    "still_named": (
        "the entry is still there although a later event prunes it: export again",
        "l'écriture est encore là alors qu'un fait ultérieur l'élague : exportez à nouveau",
    ),
    "unlisted": (
        "{n} file[s] that the manifest does not name; an export that is done removes [it/them]",
        "{n} fichier[s] que le manifeste ne nomme pas ; un export terminé [le/les] retire",
    ),
}


class Report(verify.Report):
    """The verdict, in the words of segments."""

    def __init__(self, lang: str) -> None:
        super().__init__(lang)
        self.words = verify.WORDS | {key: list(words) for key, words in WORDS.items()}


class Rows(Scan):
    """The verifier's reader of entries, fed with batches of rows."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        self.lines = io.BytesIO()  # columns are compared: with those of `columns`
        self.columns: dict[int, tuple[Any, ...]] = {}
        self.position, self.tail = 0, bytearray()  # leaves of the tile that is not full yet

    def add(self, batch: pa.RecordBatch) -> None:
        """Check the next rows."""
        first, self.position = self.position + 1, self.position + len(batch)
        entries = [raw or b"" for raw in batch.column("entry").to_pylist()]
        leaves = batch.column("leaf").to_pylist()
        for at, (entry, leaf) in enumerate(zip(entries, leaves, strict=True), first):
            if entry and sha256(b"\0" + entry).digest() != leaf:
                self.found.add(5, "leaf", position=at)
        self.grow(b"".join(leaves))
        values = zip(*(batch.column(name).to_pylist() for name in NAMES), strict=True)
        self.columns = dict(enumerate(values, first))
        self.read(first, entries)

    def missing(self, rows: int) -> None:
        """So many rows cannot be read: nothing is believed of them."""
        self.position += rows
        self.grow(bytes(HASH * rows))

    def grow(self, leaves: bytes) -> None:
        """Hash whole tiles of leaves."""
        self.tail += leaves
        while len(self.tail) >= HASH * WIDTH:
            self.level1 += fold(bytes(self.tail[: HASH * WIDTH]))
            del self.tail[: HASH * WIDTH]

    def compare(self, rows: dict[int, list[Any] | None], file: IO[bytes]) -> None:  # noqa: ARG002
        """Each surviving row says in its columns what its entry says; a bare row says nothing."""
        self.counts["columns"] += len(rows)
        for position, found in self.columns.items():
            row = rows.get(position)
            if row is not None:
                try:
                    wanted = self.implied(row, found)
                except ValueError:  # an id that is none
                    self.found.add(5, "form", position=position)
                    continue
            elif position in rows:
                continue  # an entry that cannot be read, or of a kind we do not know
            else:
                wanted = (position, *(None,) * (len(NAMES) - 1))
            if wanted != found:
                wrong = [n for n, a, b in zip(NAMES, wanted, found, strict=True) if a != b]
                self.found.add(11, "columns_differ", position=position, names=", ".join(wrong))

    def implied(self, row: list[Any], found: tuple[Any, ...]) -> tuple[Any, ...]:
        """The columns of a row as its entry implies them."""
        if (pol := row[_EDITION]) not in self.editions:
            self.editions[pol] = found[_EDITION + 1]
        row[_EDITION], row[1] = self.editions[pol], bytes_of(row[1])
        subject = (None, None) if row[_KIND] is None else _halves(bytes_of(row[_KIND]))
        return (*row[:_KIND], *subject, *row[_KIND + 1 :])


def _halves(raw: bytes) -> tuple[int, int]:
    return (
        int.from_bytes(raw[:8], "big", signed=True),
        int.from_bytes(raw[8:], "big", signed=True),
    )


class _Segments(Verifier):
    """The checks of one folder, in the order of `Verifier.run`."""

    files: tuple[layout.Segment, ...] = ()
    progress: Progress

    def manifest(self) -> dict[str, Any]:
        """14: the files are there as the manifest names them, and no other."""
        try:
            said = Manifest.parse(self.bundle.read(MANIFEST))
        except BadData:
            self.fail(14, "manifest_form")
            return {}
        self.files = said.files
        for one in said.files:
            try:
                with self.bundle.open(one.path) as file:
                    if file_digest(file, "sha256").hexdigest() != one.sha256:  # type: ignore[arg-type]
                        self.fail(14, "damaged", path=one.path)
            except OSError:
                self.fail(14, "absent", path=one.path)
        named = {one.path for one in said.files}
        if more := [name for name in self.bundle.names(EVENTS) if name not in named]:
            self.fail(14, "unlisted", n=len(more))
        if self.bundle.read(CHECKPOINT) != said.checkpoint.encode():
            self.fail(14, "manifest_differs")
        self.settled(14, "rests_manifest", n=len(said.files))
        return {"origin": said.origin, "size": said.size, "kind": "whole"}

    def scans(self, folder: Path, processes: int, hashes_only: bool) -> list[Scan]:  # noqa: ARG002
        """4, 5, 7, 11: every row of every file, in order."""
        size = self.head.size
        spill = str(folder / "0.sqlite")
        task = Task(self.path, size, 0, 0, 1, size, (), self.trust.tolerance, spill, False)
        rows, total = Rows(task), sum(one.rows for one in self.files)
        gc.disable()  # nothing here is cyclic, and a million small objects come and go
        try:
            for one in self.files:
                for batch in self.batches(one):
                    if isinstance(batch, int):
                        rows.missing(batch)
                    else:
                        rows.add(batch)
                    self.progress(rows.position, total)
        finally:
            gc.enable()
        self.tail, self.read_rows = bytes(rows.tail), rows.position
        return [rows.close()]

    def batches(self, one: layout.Segment) -> Iterator[pa.RecordBatch | int]:
        """The rows of a file; instead of what cannot be read, how many rows it should have had."""
        left = one.rows
        try:
            with pq.ParquetFile(self.path / one.path) as file:
                if file.schema_arrow != SCHEMA or file.metadata.num_rows != one.rows:
                    raise pa.ArrowInvalid
                for batch in file.iter_batches(ROWS):
                    left -= len(batch)
                    yield batch
        except (OSError, pa.ArrowException):
            self.fail(5, "shape", path=one.path)
            yield left

    def tree(self, scans: list[Scan]) -> None:
        """4: the leaves give the root."""
        (one,) = scans
        self.report.found.kept += one.found.kept
        self.report.found.counts.update(one.found.counts)
        self.counts.update(one.counts)
        above = bytes(one.level1)
        while above:
            self.levels.append(above)
            wide = WIDTH * HASH
            chunks = [above[i : i + wide] for i in range(0, len(above), wide)]
            above = b"".join(fold(chunk) for chunk in chunks if len(chunk) == wide)
        if self.read_rows != self.head.size or self.root_at(self.head.size) != self.head.root:
            self.fail(4, "root")
        self.settled(4, "rests_tree", size=self.head.size)

    def leaves(self, start: int, level: int | str = 0) -> bytes:
        """The leaves of the tile that begins at this index, or its entries, each behind its length;
        what cannot be read gives neither root nor entry."""
        if level == 0 and start == self.read_rows // WIDTH * WIDTH:
            return self.tail
        found: list[bytes | None] = []
        try:
            for one in self.files:
                if one.first <= start + WIDTH and one.last > start:
                    with pq.ParquetFile(self.path / one.path) as file:
                        column = file.read(["entry" if level else "leaf"]).column(0)
                    before = max(0, start + 1 - one.first)
                    found += column.slice(before, WIDTH - len(found)).to_pylist()
        except (OSError, pa.ArrowException):
            return bytes(HASH * WIDTH)
        if level:
            return b"".join(len(raw or b"").to_bytes(2, "big") + (raw or b"") for raw in found)
        return b"".join(leaf or b"" for leaf in found)

    def keys(self, db: Any) -> None:
        """8: R2 both ways; R1 and R3 speak of sealed parts, which are not here."""
        super().keys(db)
        ranges = db.execute("SELECT first, last FROM excused WHERE rule = 2 ORDER BY first")
        bare = db.execute("SELECT position, position FROM pruned ORDER BY position")
        for position in verify.uncovered(_each(ranges), bare):
            self.fail(8, "still_named", position=position)
        self.settled(8, "rests_pruned", n=self.counts["pruned"])


def _each(ranges: Iterable[tuple[int, int]]) -> Iterator[int]:
    """Every position that some of the ranges hold, once; they ascend by their first."""
    reach = 0
    for first, last in ranges:
        yield from range(max(first, reach + 1), last + 1)
        reach = max(reach, last)


def verify_segments(
    folder: Path,
    trust: Trust,
    lang: str = "en",
    *,
    receipts: Sequence[Path] = (),
    progress: Progress = lambda _done, _total: None,
) -> Report:
    """The verdict on a folder of segments. Raises Misuse (of `replay.verify`)."""
    report = Report(lang)
    report.about = {"origin": trust.origin, "kind": "segments", "size": 0, "root": "-"}
    report.about |= {"first": 0, "last": 0, "entries": 0, "pruned": 0}
    report.required = set(verify.REQUIRED["whole"])
    if not folder.is_dir() or not all(receipt.is_file() for receipt in receipts):
        raise Misuse("no_bundle")
    judge = _Segments(Bundle(folder), folder, trust, report)
    judge.progress = progress
    judge.run(receipts, 1, hashes_only=False)
    report.about["kind"] = "segments"
    return report
