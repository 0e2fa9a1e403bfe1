"""The tree: RFC 6962 section 2.1 (RFC 9162 section 2.1 is the same). Pure.

A leaf is SHA-256(0x00 || entry), a node SHA-256(0x01 || left || right); a tree of n > 1 leaves
splits at the largest power of two below n; the empty tree is SHA-256(""). Indexes count from 0
(position - 1), sizes and indexes stay below 2**63.

A hash that never changes again is that of a *perfect subtree*: (level, index) names the one over
the leaves index * 2**level up to (index + 1) * 2**level, so level 0 holds the leaves. Every root
and every proof is put together from such hashes, handed in by a `Reader`. First comes the question
which are needed (`_path`, `_subtrees`), then one read, then the combination.

`prove_…` trusts its reader: whoever serves a proof checks it first. `check_…` trusts nothing but
the root it is given, answers None or raises ProofError, and gives no reason that would help to
forge. What this file never does: read a file, know a signature. Read next: `tiles.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice

from ledger.entry import leaf_hash
from ledger.errors import BadData, Misuse

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "SIZE_LIMIT",
    "Frontier",
    "ProofError",
    "Reader",
    "check_consistency",
    "check_inclusion",
    "frontier_at",
    "leaf_hash",
    "node_hash",
    "prove_consistency",
    "prove_inclusion",
    "root_at",
]

HASH_BYTES = 32
SIZE_LIMIT = 2**63  # Go and Rekor count in int64
EMPTY_ROOT = sha256(b"").digest()
_CHUNK = 1024  # leaves added at a time: bounds memory, and pays the walk over the levels once

Reader = Callable[[Sequence[tuple[int, int]]], list[bytes]]
"""Hashes of the perfect subtrees named (level, index), in the order asked."""

Rows = Callable[[int, list[bytes]], None]
"""Told of each perfect subtree as it is completed: the level, its new hashes in order."""


class ProofError(BadData):
    """A proof does not hold. Nothing that rests on it may be believed."""

    code = "proof"


def node_hash(left: bytes, right: bytes) -> bytes:
    """The parent of two hashes: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """All that must be kept of a tree for it to grow: the perfect subtrees that make it up.

    `size` in leaves; `hashes` largest subtree first, one for each 1 bit of `size` (at most 63).
    """

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        if not 0 <= self.size < SIZE_LIMIT or len(self.hashes) != self.size.bit_count():
            raise BadData("a frontier has one hash for each subtree of its size")
        _demand_hashes(self.hashes, BadData)

    @classmethod
    def empty(cls) -> Frontier:
        """The frontier of the tree without leaves."""
        return cls(0, ())

    def extend(self, leaves: Iterable[bytes], rows: Rows | None = None) -> Frontier:
        """The frontier after appending these leaf hashes.

        `rows(level, hashes)` is told of every perfect subtree that they complete, leaves included:
        what a writer of tiles needs, at no extra hashing.
        """
        size, hashes = self.size, iter(self.hashes)
        # waiting[level]: the left sibling that still waits for its right one.
        waiting = [next(hashes) if size >> level & 1 else None for level in reversed(range(64))][
            ::-1
        ]
        source = iter(leaves)
        while chunk := list(islice(source, _CHUNK)):
            _demand_hashes(chunk, Misuse)
            _add(waiting, chunk, rows)
            size += len(chunk)
        return Frontier(size, tuple(h for h in reversed(waiting) if h is not None))

    def root(self) -> bytes:
        """The root of the tree (RFC 6962 MTH)."""
        return _join(self.hashes) if self.hashes else EMPTY_ROOT

    def to_bytes(self) -> bytes:
        """The size as 8 bytes, big-endian, then the hashes."""
        return self.size.to_bytes(8, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, raw: bytes) -> Frontier:
        """Strict inverse of `to_bytes`. Raises BadData."""
        size = int.from_bytes(raw[:8], "big")
        hashes = tuple(raw[at : at + HASH_BYTES] for at in range(8, len(raw), HASH_BYTES))
        found = cls(size, hashes)
        if found.to_bytes() != raw:
            raise BadData("a frontier begins with its size in 8 bytes")
        return found


def frontier_at(size: int, read: Reader) -> Frontier:
    """The frontier of the first `size` leaves. Raises Misuse for an impossible size."""
    if not 0 <= size < SIZE_LIMIT:
        raise Misuse("a tree has between 0 and 2**63 - 1 leaves")
    return Frontier(size, tuple(_read(read, _subtrees(0, size))))


def root_at(size: int, read: Reader) -> bytes:
    """The root of the first `size` leaves. Raises Misuse for an impossible size."""
    return frontier_at(size, read).root()


# --- inclusion (RFC 6962 section 2.1.1) -------------------------------------------------------


def prove_inclusion(index: int, size: int, read: Reader) -> list[bytes]:
    """The siblings of leaf `index` up to the root of `size` leaves, the leaf's own first.

    Raises Misuse unless 0 <= index < size.
    """
    if not 0 <= index < size < SIZE_LIMIT:
        raise Misuse("a leaf can only be proven in a tree that holds it")
    return _ranges_hashed(_inclusion_path(index, size), read)


def check_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> None:
    """Whether `leaf` is leaf `index` of the tree of `size` leaves with this root.

    Raises ProofError otherwise: an index outside the tree, too few or too many hashes, a hash that
    is not 32 bytes, or another root.
    """
    if not 0 <= index < size < SIZE_LIMIT:
        raise ProofError("an inclusion proof speaks of a leaf outside its tree")
    _demand_hashes((leaf, root, *proof), ProofError)
    path = _inclusion_path(index, size)
    if len(proof) != len(path):
        raise ProofError("an inclusion proof has too few or too many hashes")
    found = leaf
    for (low, _), sibling in zip(path, proof, strict=True):
        found = node_hash(found, sibling) if low > index else node_hash(sibling, found)
    if found != root:
        raise ProofError("an inclusion proof does not lead to the root")


def _inclusion_path(index: int, size: int) -> list[tuple[int, int]]:
    """The ranges of leaves under each sibling on the way from a leaf to the root."""
    low, high, path = 0, size, []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    return path[::-1]


# --- consistency (RFC 6962 section 2.1.2) -----------------------------------------------------


def prove_consistency(old: int, new: int, read: Reader) -> list[bytes]:
    """The hashes that show the first `old` leaves unchanged in the tree of `new` leaves.

    Raises Misuse unless 0 < old <= new: from the empty tree there is nothing to prove.
    """
    if not 0 < old <= new < SIZE_LIMIT:
        raise Misuse("consistency is proven from a tree with leaves to one at least as large")
    return _ranges_hashed(_consistency_path(old, new), read)


def check_consistency(
    old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> None:
    """Whether the tree of `old` leaves is a prefix of the tree of `new` leaves.

    Raises ProofError otherwise, and for `old` = 0, which would prove nothing, for `old` > `new`,
    too few or too many hashes, and hashes or roots that are not 32 bytes.
    """
    if not 0 < old <= new < SIZE_LIMIT:
        raise ProofError("a consistency proof speaks of sizes that prove nothing")
    _demand_hashes((old_root, new_root, *proof), ProofError)
    path = _consistency_path(old, new)
    if len(proof) != len(path):
        raise ProofError("a consistency proof has too few or too many hashes")
    steps = list(zip(path, proof, strict=True))
    # The climb starts from the last subtree of the old tree; where that is the whole old tree, its
    # root is known already and the proof does not repeat it.
    was = now = steps.pop(0)[1] if path and path[0][1] == old else old_root
    for (low, _), sibling in steps:
        if low >= old:
            now = node_hash(now, sibling)
        else:
            was, now = node_hash(sibling, was), node_hash(sibling, now)
    if was != old_root or now != new_root:
        raise ProofError("a consistency proof does not join the two roots")


def _consistency_path(old: int, new: int) -> list[tuple[int, int]]:
    """The ranges under each hash of the proof, from where the old tree's right edge ends."""
    low, high, path = 0, new, []
    while high != old:
        middle = low + _split(high - low)
        if old <= middle:
            path.append((middle, high))
            high = middle
        else:
            path.append((low, middle))
            low = middle
    if low > 0:
        path.append((low, high))
    return path[::-1]


# --- shared -----------------------------------------------------------------------------------


def _split(count: int) -> int:
    """The largest power of two below `count` (count > 1)."""
    return 1 << (count - 1).bit_length() - 1


def _subtrees(low: int, high: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees over the leaves low..high-1, largest first, as (level, index).

    `low` is where the tree splits, hence a multiple of every power of two up to high - low.
    """
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level


def _ranges_hashed(path: list[tuple[int, int]], read: Reader) -> list[bytes]:
    """The hash over each range, all of them from one read."""
    wanted = [list(_subtrees(low, high)) for low, high in path]
    found = iter(_read(read, (name for names in wanted for name in names)))
    return [_join([next(found) for _ in names]) for names in wanted]


def _read(read: Reader, names: Iterable[tuple[int, int]]) -> list[bytes]:
    wanted = list(names)
    found = read(wanted)
    if len(found) != len(wanted):
        raise Misuse("a reader of hashes answers as many as it was asked for")
    return found


def _join(hashes: Sequence[bytes]) -> bytes:
    """The root over adjacent perfect subtrees, largest first."""
    *left, found = hashes
    for one in reversed(left):
        found = node_hash(one, found)
    return found


def _add(waiting: list[bytes | None], row: list[bytes], rows: Rows | None) -> None:
    """Append a row of leaves; what finds no sibling waits at its level."""
    level = 0
    while row:
        if rows is not None:
            rows(level, row)
        sibling = waiting[level]
        if sibling is not None:
            row = [sibling, *row]
        waiting[level] = row[-1] if len(row) % 2 else None
        pairs = iter(row)  # the hot loop: both names draw from one iterator; an odd last one stays
        row = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs)]  # noqa: B905
        level += 1


def _demand_hashes(hashes: Iterable[bytes], error: type[BadData] | type[Misuse]) -> None:
    if not {HASH_BYTES}.issuperset(map(len, hashes)):
        raise error("a hash is not 32 bytes long")
