"""The entries that left the house: a folder of the sealed log, or an evidence bundle (or its zip).

Nothing read here is believed. The tree is built again from the leaves and must have the root that
the log signed; each entry must be the one that its leaf was made of; an empty one was pruned, and
whoever takes it asks for the prune that names it. Memory stays flat: a bundle of entries at a time.
Read next: `restore.py`, `ledger/seal/tiles.py`.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import islice, product
from pathlib import Path

from ledger.errors import BadData, Broken, Misuse, Tampered
from ledger.seal import tiles
from ledger.seal.checkpoint import Checkpoint, open_checkpoint
from ledger.seal.merkle import Frontier, leaf_hash
from ledger.seal.note import NoteError, VerifyKey
from ledger.seal.succession import forerunners
from ledger.store.log import Sealed
from ledger.store.restoring import Back


class Exported:
    """A signed log as files. `vkeys` are the keys that may have signed it, and retired ones that
    the proofs in `keys/` lead back to from those, up to the sizes of their time; the keys beside
    it, when nobody remembers any. `keys` is where else such proofs may lie: a newer copy of the
    log. Raises Misuse where there is none, NoteError when no such key signed it, Tampered when its
    tiles do not hold the tree that was signed."""

    def __init__(self, place: Path, vkeys: Sequence[str], keys: Path | None = None) -> None:
        self.fetch = _zipped(place) if place.suffix == ".zip" else tiles.folder(place)
        note = self.fetch("checkpoint")
        if note is None:
            raise Misuse("there is no exported log here: it has a file named checkpoint")
        beside = (self.fetch("keys/log.vkey") or b"").decode().split()
        believed = [VerifyKey.parse(text) for text in vkeys or beside]
        self.note = note
        self.head: Checkpoint = self._opened(note, believed, keys)
        self._read = tiles.tile_reader(self.head.size, self.fetch)
        frontier = Frontier.empty().extend(self.leaves())
        if frontier.root() != self.head.root:
            raise Tampered("the exported tiles do not make the root that was signed")
        self.sealed = Sealed(self.head.size, self.head.root, frontier.to_bytes())

    def _opened(self, note: bytes, believed: list[VerifyKey], keys: Path | None) -> Checkpoint:
        """What a believed key signed, or a retired one in its time."""
        try:
            return open_checkpoint(note, believed).checkpoint
        except NoteError:
            places = [self.fetch] + ([tiles.folder(keys)] if keys is not None else [])
            for fetch, heir in product(places, believed):
                for retired, last in forerunners(fetch, heir):
                    with suppress(NoteError):
                        head = open_checkpoint(note, [retired]).checkpoint
                        if head.size <= last:
                            return head
            raise

    def leaves(self, first: int = 0) -> Iterator[bytes]:
        """The leaves from this index on, as the tiles have them."""
        while first < self.head.size:
            end = min(first - first % tiles.TILE_WIDTH + tiles.TILE_WIDTH, self.head.size)
            yield from self._read([(0, index) for index in range(first, end)])
            first = end

    def entries(self, first: int) -> Iterator[list[Back]]:
        """The events from this position on, a bundle at a time. Raises Tampered for an entry that
        is not its leaf, Broken when a bundle is missing."""
        for bundle in tiles.bundles_between(0, self.head.size):
            start = bundle.index * tiles.TILE_WIDTH
            if start + bundle.width < first:
                continue
            entries = self._entries(bundle)
            leaves = self._read([(0, index) for index in range(start, start + bundle.width)])
            page = [
                Back(position, raw, leaf)
                for position, (raw, leaf) in enumerate(zip(entries, leaves, strict=True), start + 1)
            ]
            for one in page:
                if one.entry and leaf_hash(one.entry) != one.leaf:
                    raise Tampered(f"the exported entry at position {one.position} was altered")
            yield [one for one in page if one.position >= first]

    def _entries(self, bundle: tiles.Tile) -> list[bytes]:
        """A partial bundle may have grown since the checkpoint was shown: its first entries."""
        for width in range(bundle.width, tiles.TILE_WIDTH + 1):
            content = self.fetch(tiles.Tile(tiles.ENTRIES, bundle.index, width).path)
            if content is not None:
                return tiles.parse_entries(content, width)[: bundle.width]
        raise Broken(f"{bundle.path} is missing from the exported log: take a whole copy of it")


def root_at(size: int, leaves: Iterable[bytes]) -> bytes | None:
    """The root of the tree of the first `size` leaves; None where there are fewer."""
    frontier = Frontier.empty().extend(islice(leaves, size))
    return frontier.root() if frontier.size == size else None


def _zipped(file: Path) -> tiles.Fetch:
    try:
        archive = zipfile.ZipFile(file)
    except (OSError, zipfile.BadZipFile):
        raise BadData("this zip cannot be read") from None

    def fetch(path: str) -> bytes | None:
        try:
            return archive.read(path)
        except KeyError:
            return None

    return fetch
