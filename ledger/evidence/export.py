"""Writing an evidence bundle (docs/verifying.md): plain files, each written whole or not at all.

Kinds: `whole` (everything), `range` (whole hash tiles, the entries of the bundles that hold these
positions), `subject` (one person's events, each with its proof), `redacted` (hash tiles only).

Steps: (1) the plan, which checkpoint and what of it, is written first; (2) the tree is built again
from its leaves and compared with the checkpoint, its files are written; (3) envelopes, columns,
documents, proofs; (4) the manifest, last, and the zip. Crash at any step: the same command goes on
from the plan; a file that is there is whole, for it was renamed into place. A folder without a
manifest is unfinished.

What this file never does: open an envelope, unless one person's own parts are disclosed on request.
Read next: `replay/verify.py`, which reads what is written here.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, TypeAlias
from uuid import UUID

from ledger.application import Ledger
from ledger.erasing.certificate import UNSIGNED
from ledger.errors import Broken, Misuse, Tampered
from ledger.events import PolicyPublished, Row
from ledger.evidence import words
from ledger.fields import Unreadable
from ledger.seal import proof, tiles
from ledger.seal.checkpoint import Checkpoint, open_checkpoint
from ledger.seal.merkle import check_inclusion, leaf_hash, prove_consistency, prove_inclusion
from ledger.sealing import keys
from ledger.sealing.files import read_if_there
from ledger.store import evidence as questions

Kind: TypeAlias = Literal["whole", "range", "subject", "redacted"]
FORMAT = "probant-evidence/1"
PLAN, MANIFEST = ".plan.json", "manifest.json"
ALONGSIDE = ("tsa", "certificates")  # folders of the log that travel as they are
CHECKPOINTS_KEPT = 64  # older checkpoints in a bundle, the newest of them
RULES = ("ledger.key_destroyed.v1", "ledger.pruned.v1", "ledger.restored.v1")  # R1 to R3

Progress = Callable[[int, int, str], None]
"""Told how much was done, of how much, and of what."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to export. `first` and `last` are positions (range), `subject` a person (subject)."""

    kind: Kind
    first: int | None = None
    last: int | None = None
    subject: UUID | None = None
    disclose: bool = False  # hand over the salt and text of her parts
    envelopes: bool = True


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the head it speaks of, how many files and bytes."""

    origin: str
    size: int
    kind: Kind
    files: int
    bytes: int


def export(
    ledger: Ledger,
    log: Path,
    folder: Path,
    wanted: Wanted,
    *,
    certificates: Path | None = None,
    zipped: Path | None = None,
    progress: Progress = lambda _done, _total, _what: None,
) -> Exported:
    """Write the bundle, or go on with it, and as one file beside the folder if `zipped` names one.
    `log` is the folder of exported tiles.

    Raises Misuse when nothing was sealed yet, when the folder holds something else, or for a range
    outside the log; Tampered when the log's files do not make the root that was signed.
    """
    note = read_if_there(log / "checkpoint")
    if note is None:
        raise Misuse("nothing is sealed yet; run `probant seal` first")
    work = _Bundle(ledger, log, folder, wanted, _planned(folder, wanted, note), progress)
    work.copy_log()
    work.add_contents()
    work.copy_beside(certificates)
    return work.close(zipped)


def _planned(folder: Path, wanted: Wanted, note: bytes) -> bytes:
    """The checkpoint to export: that of an unfinished export of the same, else the newest."""
    asked = {k: str(v) if isinstance(v, UUID) else v for k, v in asdict(wanted).items()}
    found = read_if_there(folder / PLAN)
    if found is not None:
        plan = json.loads(found)
        if plan["wanted"] != asked:
            raise Misuse("this folder holds an unfinished export of something else")
        return str(plan["checkpoint"]).encode()
    if folder.exists() and any(folder.iterdir()):
        raise Misuse("the folder of a new bundle must be empty, or not exist yet")
    _write(folder / PLAN, json.dumps({"wanted": asked, "checkpoint": note.decode()}).encode())
    return note


class _Bundle:
    """One export on its way."""

    def __init__(
        self,
        ledger: Ledger,
        log: Path,
        folder: Path,
        wanted: Wanted,
        note: bytes,
        progress: Progress,
    ) -> None:
        self.ledger, self.log, self.folder, self.wanted = ledger, log, folder, wanted
        self.note, self.progress = note, progress
        self.head: Checkpoint = open_checkpoint(note, keys.every_key(log)).checkpoint
        self.fetch = tiles.folder(log)
        self.reader = tiles.tile_reader(self.head.size, self.fetch)
        if self.head.origin != ledger.keyring.origin:
            raise Misuse("the exported log belongs to another ledger")
        self.first, self.last = self._range()

    def _range(self) -> tuple[int, int]:
        """Positions whose entries go out: whole entry bundles, so that each is one file."""
        if self.wanted.kind != "range":
            return 1, self.head.size
        first, last = self.wanted.first or 1, self.wanted.last or self.head.size
        if not 1 <= first <= last <= self.head.size:
            raise Misuse(f"a range lies between 1 and the sealed size, {self.head.size}")
        width = tiles.TILE_WIDTH
        return (first - 1) // width * width + 1, min(-(-last // width) * width, self.head.size)

    # -- the log's own files -----------------------------------------------------------------

    def copy_log(self) -> None:
        """Checkpoints and tiles. The tree is built again from its leaves, so that what is written
        is what was signed; nothing that is not goes further than this step."""
        if self.wanted.kind != "subject":
            self._build_tiles()
            for bundle in tiles.bundles_between(0, self.head.size):
                start = bundle.index * tiles.TILE_WIDTH + 1
                if self.wanted.kind != "redacted" and self.first <= start <= self.last:
                    self._copy_bundle(bundle)
            for old in self._checkpoints():
                self._add_consistency(old)
        self.add("checkpoint", self.note)

    def _build_tiles(self) -> None:
        edge, size = tiles.Edge.empty(), self.head.size
        while edge.frontier.size < size:
            start = edge.frontier.size
            names = [(0, index) for index in range(start, min(start + tiles.TILE_WIDTH, size))]
            edge, full = edge.extend(self.reader(names))
            for path, content in full:
                self.add(path, content)
            self.progress(edge.frontier.size, size, "tile")
        if edge.frontier.root() != self.head.root:
            raise Tampered("the exported tiles do not make the root that was signed")
        for path, content in edge.partial_tiles():
            self.add(path, content)

    def _copy_bundle(self, bundle: tiles.Tile) -> None:
        """The entries as the log exported them; if the bundle was partial when the plan was made
        and has grown since, its first ones."""
        for width in range(bundle.width, tiles.TILE_WIDTH + 1):
            content = self.fetch(tiles.Tile(tiles.ENTRIES, bundle.index, width).path)
            if content is not None:
                kept = tiles.parse_entries(content, width)[: bundle.width]
                self.add(bundle.path, tiles.format_entries(kept))
                return
        raise Broken(f"{bundle.path} is missing from the exported log; run `probant seal`")

    def _checkpoints(self) -> Iterator[tuple[int, bytes]]:
        """The newest older checkpoints, and all that a time-stamping authority dated."""
        folder = self.log / "checkpoints"
        sizes = sorted(int(p.name) for p in folder.iterdir() if p.name.isdigit())
        older = [size for size in sizes if size <= self.head.size]
        dated = {size for size in older if (self.log / "tsa" / f"{size}.tsr").exists()}
        for size in sorted({*older[-CHECKPOINTS_KEPT:], *dated}):
            content = read_if_there(folder / str(size))
            if content is not None:
                yield size, content

    def _add_consistency(self, old: tuple[int, bytes]) -> None:
        size, content = old
        self.add(f"checkpoints/{size}", content)
        if size < self.head.size:
            hashes = prove_consistency(size, self.head.size, self.reader)
            made = proof.ConsistencyProof(size, tuple(hashes), self.note)
            path = f"consistency/{size}-{self.head.size}.txt"
            self.add(path, proof.format_consistency(made))

    # -- what the log commits to ----------------------------------------------------------------

    def add_contents(self) -> None:
        """Envelopes, typed columns, policies; or one person's proofs."""
        if self.wanted.kind == "redacted":
            return
        if self.wanted.kind == "subject":
            self._add_person()
        else:
            if self.wanted.envelopes:
                self._add_envelopes()
            self._add_columns()
        for digest, content in questions.documents(self.ledger.database):
            self.add(f"policies/{digest.hex()}", content)

    def _add_envelopes(self) -> None:
        found = questions.envelopes(self.ledger.database, self.first, self.last)
        for one in found:
            self.add(f"envelopes/{one.position - 1}-{one.part}", one.content)
            self.progress(one.position - self.first + 1, self.last - self.first + 1, "envelope")

    def _add_columns(self) -> None:
        """One line an event. Written aside in one go: a crash begins it again."""
        path = self.folder / "columns.ndjson"
        if path.exists():
            return
        aside = path.with_name(path.name + ".tmp")
        aside.parent.mkdir(parents=True, exist_ok=True)
        with aside.open("wb") as file:
            for row in questions.columns(self.ledger.database, self.first, self.last):
                file.write(_line(row))
                self.progress(row.position - self.first + 1, self.last - self.first + 1, "column")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)

    def _add_person(self) -> None:
        """Her events, what rules R1 to R3 need, the policies published: each with a proof."""
        assert self.wanted.subject is not None
        size, database = self.head.size, self.ledger.database
        hers = questions.events_of(database, self.wanted.subject, size)
        count = 0
        for count, event in enumerate(hers, 1):
            self._prove(event)
            if self.wanted.disclose:
                self._disclose(event)
            for one in questions.envelopes(database, event.position, event.position):
                self.add(f"envelopes/{one.position - 1}-{one.part}", one.content)
            self.progress(count, count, "proof")
        if not count:
            raise Misuse("no sealed event of this ledger concerns that person")
        for event in questions.events_of_kinds(database, (PolicyPublished.kind, *RULES), size):
            self._prove(event)

    def _prove(self, event: questions.Whole) -> None:
        if leaf_hash(event.entry) != event.leaf:
            raise Tampered(f"the entry at position {event.position} is not the one recorded")
        index = event.position - 1
        hashes = prove_inclusion(index, self.head.size, self.reader)
        check_inclusion(event.leaf, index, self.head.size, hashes, self.head.root)
        made = proof.InclusionProof(index, tuple(hashes), self.note)
        self.add(f"proofs/{index}.entry", event.entry)
        self.add(f"proofs/{index}.tlog-proof", proof.format_inclusion(made))

    def _disclose(self, event: questions.Whole) -> None:
        with self.ledger.database.read() as connection:
            opened = self.ledger.vault.disclose(connection, event.position)
        if not isinstance(opened, Unreadable) and opened:
            content = json.dumps(opened, ensure_ascii=False, indent=1).encode()
            self.add(f"proofs/{event.position - 1}.open.json", content)

    def copy_beside(self, certificates: Path | None) -> None:
        """Keys, tokens and certificates as they are, and how to check all this."""
        for name, content in keys.as_of(self.log, self.head.size):
            self.add(name, content)
        for name in ALONGSIDE:
            source = certificates if name == "certificates" else self.log / name
            if source is None or (self.wanted.kind == "subject" and name == "certificates"):
                continue
            for path in sorted(source.rglob("*")) if source.is_dir() else ():
                later = name == "tsa" and path.stem.isdigit() and int(path.stem) > self.head.size
                # A certificate that nobody signed yet says nothing to a stranger.
                left_out = later or path.name.startswith(".") or path.name.endswith(UNSIGNED)
                if not path.is_file() or left_out:
                    continue
                content = path.read_bytes()
                if name != "certificates" or cited_by(content) <= self.head.size:
                    self.add(f"{name}/{path.relative_to(source)}", content)
        policy = read_if_there(self.log / "policy.txt")
        if policy is not None:
            self.add("policy.txt", policy)
        self.add("README.txt", words.README.encode())

    # -- closing ----------------------------------------------------------------------------------

    def add(self, path: str, content: bytes) -> None:
        """Write one file unless it is there already."""
        if not (self.folder / path).exists():
            _write(self.folder / path, content)

    def close(self, zipped: Path | None) -> Exported:
        """The manifest and the zip, last: then the bundle is finished, and the plan is gone."""
        files: dict[str, str] = {}
        total = 0
        paths = sorted(p for p in self.folder.rglob("*") if p.is_file())
        for n, path in enumerate(paths, 1):
            name = path.relative_to(self.folder).as_posix()
            if name in (PLAN, MANIFEST) or name.endswith(".tmp"):
                continue
            with path.open("rb") as file:
                files[name] = _digest(file)
            total += path.stat().st_size
            self.progress(n, len(paths), "manifest")
        ranged = self.wanted.kind in ("whole", "range")
        manifest: dict[str, Any] = {
            "format": FORMAT,
            "origin": self.head.origin,
            "size": self.head.size,
            "kind": self.wanted.kind,
            **({"first": self.first, "last": self.last} if ranged else {}),
            "files": files,
        }
        _write(self.folder / MANIFEST, json.dumps(manifest, indent=1).encode())
        if zipped is not None:
            _zip(self.folder, zipped)
        (self.folder / PLAN).unlink(missing_ok=True)
        return Exported(self.head.origin, self.head.size, self.wanted.kind, len(files), total)


def _zip(folder: Path, file: Path) -> None:
    """The folder as one file, which appears whole or not at all; the folder stays."""
    aside = file.with_name(file.name + ".tmp")
    with zipfile.ZipFile(aside, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.name != PLAN:
                made.write(path, path.relative_to(folder).as_posix())
    aside.replace(file)


def cited_by(certificate: bytes) -> int:
    """The last position that a certificate, or a result of the controls, cites; 0 when it cites
    none that can be read. What is not sealed yet goes out with a later bundle."""
    try:
        text = certificate.decode().partition("\n\n")[0].partition("\n")[2]
        return max((one["position"] for one in json.loads(text)["erased"]), default=0)
    except (ValueError, KeyError, TypeError):
        return 0


def _line(row: Row) -> bytes:
    """A row as one canonical JSON array, in the order of the columns; ids are text."""
    plain = [str(value) if isinstance(value, UUID) else value for value in row]
    return json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _digest(file: Any) -> str:
    made = sha256()
    while block := file.read(1 << 20):
        made.update(block)
    return made.hexdigest()


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all. No fsync: a bundle that was cut by a power failure has no manifest, or
    one whose hashes its reader will not find again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".tmp")
    aside.write_bytes(content)
    aside.replace(path)


__all__ = ["Exported", "Wanted", "export"]
