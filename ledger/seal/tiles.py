"""Tiles (C2SP tlog-tiles): the tree and its entries as plain files that never change.

    tile/<L>/<N>            256 hashes of level L, 8,192 bytes; level L counts in steps of 256**L
    tile/<L>/<N>.p/<W>      the same while only W of them exist (a partial tile)
    tile/entries/<N>        256 entries, each behind its length in two bytes, big-endian

N is written in groups of three digits, all but the last behind an x: 1234067 is x001/x234/067. A
partial tile is superseded by a longer file beside it, never rewritten. Ours alone: an entry of
length zero is a *pruned* one (docs/evidence.md); its leaf is in the level-0 tile.

For the sealer: an `Edge` is the right side of a tree, all that is needed to append; `extend` gives
the full tiles that new leaves complete, `partial_tiles` those still open. Writing the same tiles
again is harmless, so after a crash the sealer loads the edge of the last checkpoint and goes on.

For a reader: `tile_reader` hands hashes to `merkle`. It authenticates nothing: a proof or root made
from it must be checked against a verified checkpoint, or the tree rebuilt from its leaves.

What this file never does: write a file, or parse what is in an entry. Read next: `proof.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ledger.errors import BadData, Misuse
from ledger.seal.merkle import HASH_BYTES, Frontier, Reader, frontier_at

TILE_WIDTH = 256
ENTRIES = -1  # the "level" of an entry bundle
ENTRY_BYTES_MAX = 65_535
LEVEL_MAX = 63
_HEIGHT = 8  # levels of the tree in one tile: 2**8 hashes
_FULL_BYTES = TILE_WIDTH * HASH_BYTES
_CACHED = 64  # tiles a reader keeps: half a megabyte
_PATH = re.compile(
    r"tile/(?P<level>entries|[0-9]{1,2})/(?P<index>(?:x[0-9]{3}/)*[0-9]{3})(?:\.p/(?P<width>[0-9]{1,3}))?",
    re.ASCII,
)

Fetch = Callable[[str], bytes | None]
"""The content of a path below the log's folder (or zip), None where there is none."""


@dataclass(frozen=True, slots=True)
class Tile:
    """The coordinates of one file: a hash tile, or a bundle of entries (level `ENTRIES`)."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Where it lies, relative to the log's folder."""
        digits = f"{self.index:03}"
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        *above, last = (digits[at : at + 3] for at in range(0, len(digits), 3))
        folder = "entries" if self.level == ENTRIES else str(self.level)
        partial = "" if self.width == TILE_WIDTH else f".p/{self.width}"
        return f"tile/{folder}/" + "".join(f"x{group}/" for group in above) + last + partial


class TileFile(NamedTuple):
    """A file to write below the log's folder."""

    path: str
    content: bytes


def parse_tile_path(path: str) -> Tile:
    """Strict inverse of `Tile.path`. Raises BadData."""
    found = _PATH.fullmatch(path)
    if found:
        level = ENTRIES if found["level"] == "entries" else int(found["level"])
        width = TILE_WIDTH if found["width"] is None else int(found["width"])
        tile = Tile(level, int(found["index"].replace("x", "").replace("/", "")), width)
        if level <= LEVEL_MAX and 1 <= width <= TILE_WIDTH and tile.path == path:
            return tile
    raise BadData("a path is not that of a tile")


def tiles_between(old: int, new: int) -> Iterator[Tile]:
    """The hash tiles to write when a log grows from `old` to `new` leaves, level by level.

    From 0: every tile of the log. A tile that was partial and has grown is among them.
    """
    for level in range(LEVEL_MAX + 1):
        before, after = old >> _HEIGHT * level, new >> _HEIGHT * level
        if before == after:  # no new hash here, so none above either
            return
        for index in range(before // TILE_WIDTH, after // TILE_WIDTH):
            yield Tile(level, index)
        if after % TILE_WIDTH:
            yield Tile(level, after // TILE_WIDTH, after % TILE_WIDTH)


def bundles_between(old: int, new: int) -> Iterator[Tile]:
    """The entry bundles to write when a log grows from `old` to `new` leaves."""
    for tile in tiles_between(old, new):
        if tile.level:
            return
        yield replace(tile, level=ENTRIES)


# --- entries ----------------------------------------------------------------------------------


def format_entries(entries: Iterable[bytes]) -> bytes:
    """An entry bundle: each entry behind its length (u16, big-endian); b"" is a pruned one."""
    made = bytearray()
    for entry in entries:
        if len(entry) > ENTRY_BYTES_MAX:
            raise Misuse("an entry of a bundle is at most 65,535 bytes long")
        made += len(entry).to_bytes(2, "big") + entry
    return bytes(made)


def parse_entries(raw: bytes, width: int) -> list[bytes]:
    """The `width` entries of a bundle, pruned ones as b"". Raises BadData on any other count."""
    entries, at = [], 0
    while at < len(raw):
        end = at + 2 + int.from_bytes(raw[at : at + 2], "big")
        if end > len(raw):
            raise BadData("an entry bundle is cut off")
        entries.append(raw[at + 2 : end])
        at = end
    if len(entries) != width:
        raise BadData("an entry bundle holds more or fewer entries than its name says")
    return entries


def entry_bundles(first: int, entries: Iterable[bytes]) -> Iterator[TileFile]:
    """The bundles of these entries, which begin with leaf `first`, a multiple of 256.

    The last may be partial: so a sealer reads from where the last bundle began.
    """
    if first % TILE_WIDTH:
        raise Misuse("entry bundles begin at a multiple of 256")
    source = iter(entries)
    index = first // TILE_WIDTH
    while bundle := list(islice(source, TILE_WIDTH)):
        yield TileFile(Tile(ENTRIES, index, len(bundle)).path, format_entries(bundle))
        index += 1


# --- writing hashes ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Edge:
    """The right side of a tree: its frontier, and the open hash tile of each level, lowest first.

    The frontier follows from the open tiles; so an edge whose root is the expected one is whole.
    """

    frontier: Frontier
    open_tiles: tuple[bytes, ...]

    @classmethod
    def empty(cls) -> Edge:
        """The edge of the tree without leaves."""
        return cls(Frontier.empty(), ())

    @classmethod
    def load(cls, size: int, fetch: Fetch) -> Edge:
        """The edge at `size` from written tiles. Raises BadData where one is missing or cut.

        The caller compares `frontier.root()` with the root it knows; that checks every byte read.
        """
        hashes = _Hashes(size, fetch)
        levels = range(-(-size.bit_length() // _HEIGHT))
        counts = [size >> _HEIGHT * level for level in levels]
        tiles = [
            hashes.tile(level, count // TILE_WIDTH) if count % TILE_WIDTH else b""
            for level, count in enumerate(counts)
        ]
        return cls(frontier_at(size, hashes.read), tuple(tiles))

    def extend(self, leaves: Iterable[bytes]) -> tuple[Edge, list[TileFile]]:
        """The edge after appending these leaf hashes, and the full tiles that they complete."""
        growing = [bytearray(tile) for tile in self.open_tiles]
        next_index = [
            self.frontier.size >> _HEIGHT * (level + 1) for level in range(len(self.open_tiles))
        ]
        full = []

        def keep(level: int, hashes: list[bytes]) -> None:
            if level % _HEIGHT:
                return
            level //= _HEIGHT
            if level == len(growing):
                growing.append(bytearray())
                next_index.append(0)
            tile = growing[level]
            tile += b"".join(hashes)
            while len(tile) >= _FULL_BYTES:
                path = Tile(level, next_index[level]).path
                full.append(TileFile(path, bytes(tile[:_FULL_BYTES])))
                del tile[:_FULL_BYTES]
                next_index[level] += 1

        frontier = self.frontier.extend(leaves, keep)
        return Edge(frontier, tuple(bytes(tile) for tile in growing)), full

    def partial_tiles(self) -> list[TileFile]:
        """The open tiles as files, to be written before a checkpoint of this size is shown."""
        return [
            TileFile(Tile(level, self._next(level), len(tile) // HASH_BYTES).path, tile)
            for level, tile in enumerate(self.open_tiles)
            if tile
        ]

    def _next(self, level: int) -> int:
        return self.frontier.size >> _HEIGHT * (level + 1)


# --- reading hashes ---------------------------------------------------------------------------


def folder(root: Path) -> Fetch:
    """Fetch from a folder."""

    def fetch(path: str) -> bytes | None:
        try:
            return (root / path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    return fetch


def tile_reader(size: int, fetch: Fetch) -> Reader:
    """The hashes of a log of `size` leaves from its tiles, a few of them kept in memory.

    Takes the full tile where a partial one has been removed (C2SP allows that). Raises BadData for
    a missing tile or one of a wrong length, Misuse for a hash that this size does not have.
    """
    return _Hashes(size, fetch).read


class _Hashes:
    def __init__(self, size: int, fetch: Fetch) -> None:
        self._size, self._fetch = size, fetch
        self.tile = lru_cache(_CACHED)(self._load)

    def read(self, names: Sequence[tuple[int, int]]) -> list[bytes]:
        return [self._hash(level, index) for level, index in names]

    def _hash(self, level: int, index: int) -> bytes:
        if index < 0 or (index + 1) << level > self._size:
            raise Misuse("a hash is asked for beyond the size of the log")
        tile_level, rest = divmod(level, _HEIGHT)
        tile_index, offset = divmod(index << rest, TILE_WIDTH)
        tile = self.tile(tile_level, tile_index)
        if not rest:
            return tile[offset * HASH_BYTES : (offset + 1) * HASH_BYTES]
        ends = range(offset * HASH_BYTES, (offset + (1 << rest)) * HASH_BYTES, HASH_BYTES)
        return Frontier.empty().extend(tile[at : at + HASH_BYTES] for at in ends).root()

    def _load(self, level: int, index: int) -> bytes:
        width = min(TILE_WIDTH, (self._size >> _HEIGHT * level) - index * TILE_WIDTH)
        tile = Tile(level, index, width)
        content = self._fetch(tile.path)
        if content is None and width < TILE_WIDTH:
            whole = self._fetch(replace(tile, width=TILE_WIDTH).path)
            if whole is not None and len(whole) == _FULL_BYTES:
                content = whole[: width * HASH_BYTES]
        if content is None or len(content) != width * HASH_BYTES:
            raise BadData(f"{tile.path} is missing, or not {width} hashes long")
        return content
