"""The sealer: what was committed becomes leaves, the tree grows, a checkpoint is signed and shown.

One round, in this order; each step may be the last before a crash:

1. Ask the database how far the tree reaches and how many events are committed, and the signer what
   it signed last. A signer that signed more than there is: the database lost its tail or was
   restored; the round ends with that sentence and nothing is written.
2. Write the new hash tiles and entry bundles as files. A crash leaves files that nobody points at;
   they are written again, the same.
3. Let the signer sign the new head, with a proof that it extends what it signed last. A crash after
   that: the signer remembers a head that nobody saw; the next round proves from there.
4. Commit size, root and checkpoint in the database. A crash after that: the files still show the
   older checkpoint; the next round finds it behind and shows the newer one.
5. Show `checkpoints/<size>`, then `checkpoint`; the keys, where the folder does not have them.

So a reader who sees a checkpoint finds its tiles. Rounds may run anywhere, twice, or after any
crash: there is one way through, and it is this one. Memory stays flat: a page of leaves at a time.
What this file never does: decide, change an event, or hold a key. Read next: `ledger/store/log.py`.
"""

from __future__ import annotations

import logging
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple, Protocol

from ledger.errors import BadData, Broken, Tampered
from ledger.seal import tiles
from ledger.seal.checkpoint import parse_checkpoint
from ledger.seal.merkle import leaf_hash, prove_consistency
from ledger.seal.note import VerifyKey
from ledger.sealing import keys
from ledger.sealing.client import Remembered
from ledger.sealing.files import read_if_there, write_whole
from ledger.store import log
from ledger.store.database import Database

DELAY_SECONDS = 1  # between rounds: so long may an event wait for its seal
LEAVES_A_ROUND = 1000  # or so many, whichever comes first


class Signing(Protocol):
    """What the sealer needs of a signer."""

    def state(self) -> Remembered:
        """What it signed last."""
        ...

    def checkpoint(self, origin: str, size: int, root: bytes, proof: list[bytes]) -> bytes:
        """The signed note."""
        ...


class Round(NamedTuple):
    """What one round sealed: the size before and after, and the checkpoint."""

    before: int
    size: int
    note: bytes


class Sealer:
    """Seals one ledger into one folder. Keeps the edge of the tree from one round to the next."""

    def __init__(self, database: Database, origin: str, signer: Signing, folder: Path) -> None:
        self.database, self.origin = database, origin
        self.signer, self.folder = signer, folder
        self._edge: tiles.Edge | None = None
        self._superseded: list[Path] = []

    def round(self) -> Round | None:
        """One round; None when there was nothing to seal. Raises Broken or BadData, with nothing
        shown that was not signed."""
        known, last = log.sealed(self.database), log.head_position(self.database)
        remembered = self.signer.state()
        if remembered.size > last:
            raise Broken(
                f"{remembered.size} events were sealed and the database holds {last}: it was"
                " restored, or lost its tail; run `probant restore`, or begin a new origin"
            )
        if VerifyKey.parse(remembered.vkey).name != self.origin:
            raise Broken("the signer signs for another log")
        if last == known.size:
            self._show(known.size)
            self._show_keys(remembered.vkey)
            return None
        edge = self._grow(known, last)
        fetch = tiles.folder(self.folder)
        proof: list[bytes] = []
        if 0 < remembered.size < last:
            proof = prove_consistency(remembered.size, last, tiles.tile_reader(last, fetch))
        root = edge.frontier.root()
        note = self.signer.checkpoint(self.origin, last, root, proof)
        after = log.Sealed(last, root, edge.frontier.to_bytes())
        if not log.advance(self.database, known, after, note):
            self._edge = None  # another sealer was quicker; its round is as good as ours
            return None
        self._show(last)
        self._show_keys(remembered.vkey)
        self._edge = edge
        return Round(known.size, last, note)

    def run(self, stop: Callable[[], bool], heard: Callable[[Round], None]) -> None:
        """Rounds until `stop` says so: every second, or as soon as enough leaves wait."""
        while not stop():
            sealed = self.round()
            if sealed is not None:
                heard(sealed)
            until = time.monotonic() + DELAY_SECONDS
            while not stop() and time.monotonic() < until:
                if log.waiting(self.database) >= LEAVES_A_ROUND:
                    break
                time.sleep(0.05)

    def watch(self) -> None:
        """Rounds until SIGTERM, or until standard input ends. A signer that is away for a moment,
        or a database that does not answer, is asked again in the next round; a refusal ends it."""
        stopping = Event()
        signal.signal(signal.SIGTERM, lambda *_: stopping.set())
        Thread(target=_until_left_alone, args=(stopping,), daemon=True).start()
        while not stopping.is_set():
            try:
                self.run(stopping.is_set, lambda _round: None)
            except Broken as error:
                logging.getLogger("probant").warning("not sealed: %s", error.speak())
                stopping.wait(DELAY_SECONDS)

    # -- step 2: files --------------------------------------------------------------------------

    def _grow(self, known: log.Sealed, last: int) -> tiles.Edge:
        edge = self._edge_at(known)
        start = known.size - known.size % tiles.TILE_WIDTH  # where the last bundle began
        for page in log.leaves(self.database, start + 1, last):
            entries = [one.entry for one in page]
            _check(page, start)
            self._write(tiles.entry_bundles(start, entries))
            fresh = [one.leaf for one in page[max(0, edge.frontier.size - start) :]]
            edge, full = edge.extend(fresh)
            self._write(full)
            start += len(page)
        if edge.frontier.size != last:
            raise Broken("an event is missing between the sealed ones and the head")
        self._write(edge.partial_tiles())
        return edge

    def _edge_at(self, known: log.Sealed) -> tiles.Edge:
        """The edge of the tree as committed: remembered, read from the tiles, or built again from
        the leaves, where the folder is new or damaged."""
        if self._edge is not None and self._edge.frontier.size == known.size:
            return self._edge
        if known.size == 0:
            return tiles.Edge.empty()
        try:
            edge = tiles.Edge.load(known.size, tiles.folder(self.folder))
        except BadData:
            edge = tiles.Edge.empty()
        if edge.frontier.size == known.size and edge.frontier.root() == known.root:
            return edge
        return self._rebuilt(known)

    def _rebuilt(self, known: log.Sealed) -> tiles.Edge:
        edge, start = tiles.Edge.empty(), 0
        for page in log.leaves(self.database, 1, known.size):
            _check(page, start)
            self._write(tiles.entry_bundles(start, (one.entry for one in page)))
            edge, full = edge.extend(one.leaf for one in page)
            self._write(full)
            start += len(page)
        self._write(edge.partial_tiles())
        if edge.frontier.root() != known.root:
            raise Tampered("the leaves in the database do not make the root that was signed")
        return edge

    def _write(self, files: Iterable[tiles.TileFile]) -> None:
        for path, content in files:
            where = self.folder / path
            if read_if_there(where) != content:
                write_whole(where, content)
            if ".p/" not in path:
                self._superseded.append(where.with_name(where.name + ".p"))

    # -- step 5: what is shown --------------------------------------------------------------------

    def _show(self, size: int) -> None:
        """The checkpoint of the database, unless the folder shows it already."""
        if size == 0:
            return
        note = log.checkpoint(self.database, size)
        if note is None:
            raise Broken("the checkpoint of the sealed log is missing from the database")
        shown = read_if_there(self.folder / "checkpoint")
        if shown is None or not _same_head(shown, note):
            known = log.sealed(self.database)
            if shown is None or self._edge is None:
                self._edge = self._edge_at(known)  # its tiles are there, or are written again
            write_whole(self.folder / "checkpoints" / str(size), note)
            write_whole(self.folder / "checkpoint", note)
        # Nobody looks for the parts of what is whole any more (C2SP tlog-tiles). A crash before
        # this line leaves them lying about, harmless.
        while self._superseded:
            shutil.rmtree(self._superseded.pop(), ignore_errors=True)

    def _show_keys(self, vkey: str) -> None:
        """Once; whoever replaces the signing key shows them again (`ledger/log_keys.py`)."""
        if not (self.folder / keys.HISTORY).exists():
            keys.show(self.database, self.folder, vkey)


def export_entries(database: Database, folder: Path, positions: Iterable[int]) -> int:
    """Write the entry bundles of these positions again, after entries were pruned: as many
    bundles as changed. Hash tiles never change. Crash: some bundles are older; run it again."""
    written = 0
    for index in sorted({(position - 1) // tiles.TILE_WIDTH for position in positions}):
        whole = folder / tiles.Tile(tiles.ENTRIES, index).path
        parts = whole.with_name(whole.name + ".p")
        widths = [int(p.name) for p in parts.iterdir()] if parts.is_dir() else []
        widths += [tiles.TILE_WIDTH] if whole.exists() else []
        if not widths:
            continue
        first = index * tiles.TILE_WIDTH + 1
        pages = log.leaves(database, first, first + max(widths) - 1)
        entries = [one.entry for page in pages for one in page]
        for width in widths:
            path = folder / tiles.Tile(tiles.ENTRIES, index, width).path
            content = tiles.format_entries(entries[:width])
            if read_if_there(path) != content:
                write_whole(path, content)
                written += 1
    return written


def _until_left_alone(stopping: Event) -> None:
    sys.stdin.read()
    stopping.set()


def _check(page: list[log.Leaf], start: int) -> None:
    """An entry that is not its leaf is never published as if it were."""
    for offset, one in enumerate(page):
        if one.entry and leaf_hash(one.entry) != one.leaf:
            raise Tampered(f"the entry at position {start + offset + 1} is not the one recorded")


def _same_head(one: bytes, other: bytes) -> bool:
    """Whether two notes show the same head: one may carry the lines of witnesses too."""
    text, same = (raw.partition(b"\n\n")[0].decode() + "\n" for raw in (one, other))
    return parse_checkpoint(text) == parse_checkpoint(same)
