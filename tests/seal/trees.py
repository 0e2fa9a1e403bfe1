"""What the seal's tests share: the definition of the tree as the RFC says it, fixed keys, a log.

`mth`, `path` and `proof` are RFC 6962 sections 2.1, 2.1.1 and 2.1.2 word for word, recursive and
slow: the naive twin of `ledger.seal.merkle`. Keys come from fixed seeds, so that every byte that
is signed is the same on every run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

from ledger.seal import merkle, proof
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.cosign import CosigningKey
from ledger.seal.note import SigningKey, sign
from ledger.seal.tiles import Edge, TileFile, entry_bundles, folder, tile_reader

ORIGIN = "example.org/ledger"
LOG = SigningKey(ORIGIN, sha256(b"the log").digest())
STRANGER = SigningKey(ORIGIN, sha256(b"somebody else").digest())
OTHER_LOG = SigningKey("example.org/other", sha256(b"another log").digest())
DPO = CosigningKey("dpo.example.org/w1", sha256(b"the dpo").digest())
AUDITOR = CosigningKey("auditor.example/w1", sha256(b"the auditor").digest())
TIME = 1_767_603_600  # 2026-01-05 09:00 UTC


def entry_of(index: int) -> bytes:
    """A small entry: what is in it does not matter to the tree."""
    return b'{"n":%d,"v":1}' % index


@cache
def leaf_of(index: int) -> bytes:
    """Its leaf, by the words of the RFC."""
    return sha256(b"\x00" + entry_of(index)).digest()


def split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    k = 1
    while k * 2 < count:
        k *= 2
    return k


@cache
def mth(low: int, high: int) -> bytes:
    """MTH(D[low:high])."""
    if low == high:
        return sha256(b"").digest()
    if high - low == 1:
        return leaf_of(low)
    k = split(high - low)
    return sha256(b"\x01" + mth(low, low + k) + mth(low + k, high)).digest()


def path(m: int, low: int, high: int) -> list[bytes]:
    """PATH(m, D[low:high])."""
    if high - low == 1:
        return []
    k = split(high - low)
    if m < k:
        return [*path(m, low, low + k), mth(low + k, high)]
    return [*path(m - k, low + k, high), mth(low, low + k)]


def consistency(m: int, n: int) -> list[bytes]:
    """PROOF(m, D[n])."""
    return subproof(m, 0, n, True)


def subproof(m: int, low: int, high: int, complete: bool) -> list[bytes]:
    """SUBPROOF(m, D[low:high], b)."""
    if m == high - low:
        return [] if complete else [mth(low, high)]
    k = split(high - low)
    if m <= k:
        return [*subproof(m, low, low + k, complete), mth(low + k, high)]
    return [*subproof(m - k, low + k, high, False), mth(low, low + k)]


def read(names: Sequence[tuple[int, int]]) -> list[bytes]:
    """A reader over the naive tree."""
    return [mth(index << level, (index + 1) << level) for level, index in names]


def flipped(raw: bytes, bit: int = 0) -> bytes:
    """The bytes with one bit changed."""
    changed = bytearray(raw)
    changed[bit // 8 % len(raw)] ^= 1 << bit % 8
    return bytes(changed)


# --- a log in a folder ------------------------------------------------------------------------


def write_files(root: Path, files: Iterable[TileFile]) -> None:
    """Write tile files below a folder."""
    for path_, content in files:
        target = root / path_
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def signed_head(size: int, root: bytes, key: SigningKey = LOG, origin: str = ORIGIN) -> bytes:
    """A checkpoint as its log signs it."""
    return sign(format_checkpoint(Checkpoint(origin, size, root)), key)


def write_log(root: Path, entries: Sequence[bytes], sizes: Sequence[int], proven: set[int]) -> None:
    """A log that grew to each of `sizes` in turn, with its checkpoints, tiles and proofs.

    `proven`: the indexes that get a `.tlog-proof` and their entry beside it.
    """
    for name in ("checkpoints", "proofs", "consistency"):
        (root / name).mkdir(parents=True)
    edge = Edge.empty()
    for size in sizes:
        edge = grow_log(root, edge, entries[:size])
    size, note = sizes[-1], (root / "checkpoint").read_bytes()
    hashes = tile_reader(size, folder(root))
    for index in proven:
        inclusion = tuple(merkle.prove_inclusion(index, size, hashes))
        raw = proof.format_inclusion(proof.InclusionProof(index, inclusion, note))
        (root / f"proofs/{index}.tlog-proof").write_bytes(raw)
        (root / f"proofs/{index}.entry").write_bytes(entries[index])


def grow_log(root: Path, edge: Edge, entries: Sequence[bytes]) -> Edge:
    """The edge of the log that holds all of `entries`: tiles first, then the checkpoint."""
    before, size = edge.frontier.size, len(entries)
    edge, full = edge.extend(map(merkle.leaf_hash, entries[before:]))
    first = before - before % 256
    write_files(root, [*full, *edge.partial_tiles(), *entry_bundles(first, entries[first:])])
    note = signed_head(size, edge.frontier.root())
    if before:
        hashes = tuple(merkle.prove_consistency(before, size, tile_reader(size, folder(root))))
        raw = proof.format_consistency(proof.ConsistencyProof(before, hashes, note))
        (root / f"consistency/{before}-{size}.txt").write_bytes(raw)
    (root / f"checkpoints/{size}").write_bytes(note)
    (root / "checkpoint").write_bytes(note)
    return edge
