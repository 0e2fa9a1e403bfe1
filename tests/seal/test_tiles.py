"""Tiles: names, widths, entries; what a sealer writes is what the tree is, and reads back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadData, Misuse
from ledger.seal import merkle
from ledger.seal.tiles import (
    ENTRIES,
    Edge,
    Tile,
    bundles_between,
    entry_bundles,
    folder,
    format_entries,
    parse_entries,
    parse_tile_path,
    tile_reader,
    tiles_between,
)
from tests.seal.trees import entry_of, flipped, leaf_of, mth, path, read, write_files

# --- names ------------------------------------------------------------------------------------

NAMES = {
    Tile(0, 0): "tile/0/000",
    Tile(0, 273, 112): "tile/0/273.p/112",
    Tile(1, 1, 17): "tile/1/001.p/17",
    Tile(2, 0, 1): "tile/2/000.p/1",
    Tile(0, 999): "tile/0/999",
    Tile(0, 1000): "tile/0/x001/000",
    Tile(63, 1234067): "tile/63/x001/x234/067",
    Tile(ENTRIES, 1234067, 8): "tile/entries/x001/x234/067.p/8",
    Tile(ENTRIES, 12): "tile/entries/012",
}


@pytest.mark.parametrize(("tile", "name"), NAMES.items())
def test_a_tile_has_the_name_that_the_format_gives_it(tile: Tile, name: str):
    assert tile.path == name
    assert parse_tile_path(name) == tile


@settings(deadline=None)
@given(st.integers(ENTRIES, 63), st.integers(0, 2**60), st.integers(1, 256))
def test_every_name_reads_back(level: int, index: int, width: int):
    tile = Tile(level, index, width)
    assert parse_tile_path(tile.path) == tile


@pytest.mark.parametrize(
    "name",
    [
        "",
        "tile/0/0",
        "tile/0/00",
        "tile/0/0000",
        "tile/0/x000/001",
        "tile/0/001/002",
        "tile/0/x001",
        "tile/0/X001/002",
        "tile/00/000",
        "tile/64/000",
        "tile/-1/000",
        "tile/ /000",
        "tile/data/000",
        "tile/0/000.p/0",
        "tile/0/000.p/256",
        "tile/0/000.p/257",
        "tile/0/000.p/08",
        "tile/0/000.p/",
        "tile/0/000.p",
        "tile/0/٠٠٠",
        "/tile/0/000",
        "tile/0/000\n",
        "tile/0/../0/000",
    ],
)
def test_no_other_name_is_that_of_a_tile(name: str):
    with pytest.raises(BadData):
        parse_tile_path(name)


def test_seventy_thousand_leaves_have_the_tiles_that_the_format_counts():
    """C2SP's own example: 273 full and 112; 1 full and 17; 1."""
    tiles = list(tiles_between(0, 70_000))
    for level, full, partial in ((0, 273, 112), (1, 1, 17), (2, 0, 1)):
        here = [tile for tile in tiles if tile.level == level]
        assert [tile.width for tile in here] == [256] * full + [partial]
        assert [tile.index for tile in here] == list(range(full + 1))
    assert len(tiles) == 274 + 2 + 1
    assert list(tiles_between(0, 256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_between(70_000, 70_000)) == []


# --- entries ----------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), max_size=20))
def test_entries_read_back_pruned_ones_as_nothing(entries: list[bytes]):
    raw = format_entries(entries)
    assert parse_entries(raw, len(entries)) == entries


def test_an_entry_may_have_65535_bytes_and_not_one_more():
    longest = b"x" * 65_535
    assert parse_entries(format_entries([longest]), 1) == [longest]
    with pytest.raises(Misuse):
        format_entries([longest + b"x"])


BUNDLE = format_entries([b"one", b"", b"three"])


@pytest.mark.parametrize(
    ("raw", "width"),
    [
        (BUNDLE, 2),
        (BUNDLE, 4),
        (b"", 1),
        (BUNDLE[:-1], 3),
        (BUNDLE + b"\0", 3),
        (BUNDLE + b"\0", 4),
        (BUNDLE + b"\0\0", 3),
        (BUNDLE + b"\0\1", 4),
        (b"\0", 1),
    ],
)
def test_a_bundle_of_another_length_is_refused(raw: bytes, width: int):
    assert parse_entries(BUNDLE, 3) == [b"one", b"", b"three"]
    with pytest.raises(BadData):
        parse_entries(raw, width)


def test_bundles_are_cut_at_every_256th_entry():
    files = list(entry_bundles(512, map(entry_of, range(512, 1100))))
    assert [one.path for one in files] == [tile.path for tile in bundles_between(512, 1100)]
    assert [one.path[-6:] for one in files] == ["es/002", "es/003", "4.p/76"]
    found = [
        entry
        for one in files
        for entry in parse_entries(one.content, parse_tile_path(one.path).width)
    ]
    assert found == [entry_of(at) for at in range(512, 1100)]
    with pytest.raises(Misuse):
        next(entry_bundles(513, [b"x"]))


# --- writing and reading ----------------------------------------------------------------------


def naive_tile(tile: Tile) -> bytes:
    """A tile by the definition of the format: the hashes over 256**level leaves each."""
    first = tile.index * 256
    return b"".join(read([(8 * tile.level, at) for at in range(first, first + tile.width)]))


STEPS = [0, 1, 255, 256, 257, 511, 1300, 65_535, 65_536, 65_537, 66_000, 70_000]


def test_what_is_written_step_by_step_is_every_tile_of_the_definition(tmp_path: Path):
    """Through 70,000 leaves in uneven steps, the edge loaded anew from the files each time."""
    before, fetch = 0, folder(tmp_path)
    for size in STEPS:
        edge = Edge.load(before, fetch)
        assert edge.frontier.root() == mth(0, before)
        edge, full = edge.extend(map(leaf_of, range(before, size)))
        files = [*full, *edge.partial_tiles()]
        for file in files:
            assert file.content == naive_tile(parse_tile_path(file.path))
        assert {tile.path for tile in tiles_between(before, size)} <= {f.path for f in files}
        write_files(tmp_path, files)
        assert edge == Edge.load(size, fetch)
        assert merkle.root_at(size, tile_reader(size, fetch)) == mth(0, size)
        before = size
    written = {str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()}
    assert {tile.path for tile in tiles_between(0, 70_000)} <= written


@settings(deadline=None)
@given(st.lists(st.integers(0, 600), max_size=6))
def test_the_edge_does_not_depend_on_the_steps(steps: list[int]):
    edge, size, files = Edge.empty(), 0, []
    for step in steps:
        edge, full = edge.extend(map(leaf_of, range(size, size + step)))
        files += full
        size += step
    at_once, all_full = Edge.empty().extend(map(leaf_of, range(size)))
    assert edge == at_once
    assert sorted(files) == sorted(all_full)


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiles of 1,300 leaves."""
    root = tmp_path_factory.mktemp("tiles")
    edge, full = Edge.empty().extend(map(leaf_of, range(1300)))
    write_files(root, [*full, *edge.partial_tiles()])
    return root


def test_proofs_are_made_from_files(log: Path):
    hashes = tile_reader(1300, folder(log))
    for index in range(0, 1300, 37):
        assert merkle.prove_inclusion(index, 1300, hashes) == path(index, 0, 1300)
    for old in range(1, 1300, 111):
        proof = merkle.prove_consistency(old, 1300, hashes)
        merkle.check_consistency(old, 1300, mth(0, old), mth(0, 1300), proof)


def test_one_reader_serves_every_earlier_size(log: Path):
    hashes = tile_reader(1300, folder(log))
    for size in range(0, 1301, 13):
        assert merkle.root_at(size, hashes) == mth(0, size)


def test_the_full_tile_serves_where_its_partial_one_is_gone(log: Path):
    """A log may remove a partial tile once the full one exists."""
    assert not (log / "tile/0/000.p").exists()
    assert merkle.root_at(100, tile_reader(100, folder(log))) == mth(0, 100)
    with pytest.raises(BadData, match=r"tile/1/000\.p/1"):
        merkle.root_at(300, tile_reader(300, folder(log)))


@pytest.mark.parametrize("name", ["tile/0/003", "tile/0/005.p/20", "tile/1/000.p/5"])
def test_a_missing_or_cut_tile_is_refused(log: Path, name: str):
    good = folder(log)
    broken = {
        "missing": None,
        "cut": (log / name).read_bytes()[:-1],
        "longer": (log / name).read_bytes() + b"\0" * 32,
        "empty": b"",
    }
    for content in broken.values():

        def fetch(path_: str, content: bytes | None = content) -> bytes | None:
            return content if path_ == name else good(path_)

        hashes = tile_reader(1300, fetch)
        with pytest.raises(BadData, match=name):
            hashes([(0, at) for at in range(1300)] + [(8, at) for at in range(5)])


@pytest.mark.parametrize("name", ["tile/0/005.p/20", "tile/1/000.p/5"])
def test_an_edge_from_a_changed_tile_has_another_root(log: Path, name: str):
    """So a sealer that compares the root it signed last never builds on a changed file."""
    good = folder(log)
    for bit in range(0, 8 * len((log / name).read_bytes()), 97):

        def fetch(path_: str, bit: int = bit) -> bytes | None:
            content = good(path_)
            return flipped(content, bit) if path_ == name and content else content

        assert Edge.load(1300, fetch).frontier.root() != mth(0, 1300)


@pytest.mark.parametrize("name", [(0, 1300), (0, -1), (8, 5), (2, 325), (11, 0)])
def test_no_hash_is_read_beyond_the_size(log: Path, name: tuple[int, int]):
    with pytest.raises(Misuse):
        tile_reader(1300, folder(log))([name])
