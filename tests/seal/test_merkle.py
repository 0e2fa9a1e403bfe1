"""The tree grows to 300 leaves; at every size everything is proven, bent, and refused."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import entry
from ledger.errors import BadData, Misuse
from ledger.seal import merkle
from ledger.seal.merkle import Frontier, ProofError
from tests.seal.trees import consistency, entry_of, flipped, leaf_of, mth, path, read

GROWN = 300
SIZES = range(1, GROWN + 1)


def refused(check: Callable[..., None], *arguments: Any) -> bool:
    """Whether the check says no, in its own words."""
    try:
        check(*arguments)
    except ProofError:
        return True
    return False


# --- growth -----------------------------------------------------------------------------------


def test_the_root_at_every_size_is_the_one_that_the_rfc_defines():
    frontier = Frontier.empty()
    assert frontier.root() == merkle.EMPTY_ROOT == mth(0, 0)
    for size in SIZES:
        frontier = frontier.extend([merkle.leaf_hash(entry_of(size - 1))])
        assert frontier.root() == mth(0, size) == merkle.root_at(size, read)
        assert frontier == merkle.frontier_at(size, read)
        assert Frontier.from_bytes(frontier.to_bytes()) == frontier


@pytest.mark.parametrize("stripe", range(4))
def test_every_leaf_is_proven_at_every_size_and_no_bent_proof_passes(stripe: int):
    for size in SIZES[stripe::4]:
        root = mth(0, size)
        for index in range(size):
            proof = merkle.prove_inclusion(index, size, read)
            assert proof == path(index, 0, size)
            leaf = leaf_of(index)
            merkle.check_inclusion(leaf, index, size, proof, root)
            for at, one in enumerate(proof):
                bent = [*proof[:at], flipped(one, index + at), *proof[at + 1 :]]
                assert refused(merkle.check_inclusion, leaf, index, size, bent, root)
            assert refused(merkle.check_inclusion, flipped(leaf, size), index, size, proof, root)
            assert refused(merkle.check_inclusion, leaf, index, size, proof, flipped(root, index))


@pytest.mark.parametrize("stripe", range(4))
def test_every_earlier_tree_is_proven_at_every_size_and_no_bent_proof_passes(stripe: int):
    for new in SIZES[stripe::4]:
        root = mth(0, new)
        for old in range(1, new + 1):
            proof = merkle.prove_consistency(old, new, read)
            assert proof == consistency(old, new)
            was = mth(0, old)
            merkle.check_consistency(old, new, was, root, proof)
            for at, one in enumerate(proof):
                bent = [*proof[:at], flipped(one, old + at), *proof[at + 1 :]]
                assert refused(merkle.check_consistency, old, new, was, root, bent)
            assert refused(merkle.check_consistency, old, new, flipped(was, new), root, proof)
            assert refused(merkle.check_consistency, old, new, was, flipped(root, old), proof)


@settings(deadline=None)
@given(st.lists(st.integers(0, 1500), max_size=5))
def test_a_frontier_grows_the_same_in_one_step_and_in_many(steps: list[int]):
    """Steps beyond the internal chunk of 1,024 leaves are among them."""
    frontier, size = Frontier.empty(), 0
    for step in steps:
        frontier = frontier.extend(leaf_of(at) for at in range(size, size + step))
        size += step
    assert frontier == Frontier.empty().extend(map(leaf_of, range(size)))
    assert frontier.root() == mth(0, size)


def test_whoever_follows_the_growth_sees_each_perfect_subtree_once_and_in_order():
    seen: dict[int, list[bytes]] = {}
    frontier = Frontier.empty()
    for low, high in ((0, 3), (3, 3), (3, 700), (700, 2500)):
        leaves = map(leaf_of, range(low, high))
        frontier = frontier.extend(
            leaves, lambda level, row: seen.setdefault(level, []).extend(row)
        )
    for level in range(12):
        wanted = read([(level, index) for index in range(2500 >> level)])
        assert seen.get(level, []) == wanted


# --- published values -------------------------------------------------------------------------

RFC_LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657"]
RFC_LEAVES += ["606162636465666768696a6b6c6d6e6f"]
RFC_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_the_published_tree_of_eight_leaves_has_its_published_roots():
    """The eight entries and roots that Certificate Transparency's test data has had since 2013."""
    leaves = [merkle.leaf_hash(bytes.fromhex(one)) for one in RFC_LEAVES]
    for size, root in enumerate(RFC_ROOTS, start=1):
        assert Frontier.empty().extend(leaves[:size]).root().hex() == root


def test_the_empty_tree_has_the_root_of_no_bytes():
    expected = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.EMPTY_ROOT.hex() == expected


def test_there_is_one_definition_of_a_leaf():
    assert merkle.leaf_hash is entry.leaf_hash


# --- strictness -------------------------------------------------------------------------------

ROOT7, ROOT8 = mth(0, 7), mth(0, 8)
IN8 = path(5, 0, 8)
FROM7 = consistency(7, 8)

INCLUSION = {
    "an index equal to the size": (leaf_of(5), 8, 8, IN8, ROOT8),
    "an index beyond the size": (leaf_of(5), 5, 4, path(1, 4, 8), ROOT8),
    "an index below nothing": (leaf_of(5), -3, 8, IN8, ROOT8),
    "the empty tree": (leaf_of(0), 0, 0, [], merkle.EMPTY_ROOT),
    "a neighbour's index": (leaf_of(5), 4, 8, IN8, ROOT8),
    "a neighbour's leaf": (leaf_of(4), 5, 8, IN8, ROOT8),
    "another size and its root": (leaf_of(5), 5, 7, IN8, ROOT7),
    "another size, with fewer hashes": (leaf_of(5), 5, 6, IN8, ROOT8),
    "another root": (leaf_of(5), 5, 8, IN8, ROOT7),
    "no root": (leaf_of(5), 5, 8, IN8, b""),
    "no hash": (leaf_of(5), 5, 8, [], ROOT8),
    "a hash too few": (leaf_of(5), 5, 8, IN8[:-1], ROOT8),
    "a hash too few in front": (leaf_of(5), 5, 8, IN8[1:], ROOT8),
    "a hash too many": (leaf_of(5), 5, 8, [*IN8, IN8[0]], ROOT8),
    "a hash too many in front": (leaf_of(5), 5, 8, [IN8[0], *IN8], ROOT8),
    "the root as a further hash": (leaf_of(5), 5, 8, [*IN8, ROOT8], ROOT8),
    "a surplus empty hash": (leaf_of(5), 5, 8, [*IN8, b""], ROOT8),
    "hashes in another order": (leaf_of(5), 5, 8, IN8[::-1], ROOT8),
    "a hash of 31 bytes": (leaf_of(5), 5, 8, [IN8[0][:-1], *IN8[1:]], ROOT8),
    "a hash of 33 bytes": (leaf_of(5), 5, 8, [IN8[0] + b"\0", *IN8[1:]], ROOT8),
    "64 bytes and none": (leaf_of(5), 5, 8, [IN8[0] + IN8[1], b"", IN8[2]], ROOT8),
    "a leaf of 31 bytes": (leaf_of(5)[1:], 5, 8, IN8, ROOT8),
    "an entry for its leaf": (entry_of(0), 0, 1, [], entry_of(0)),
    "a hash of 31 bytes that the root was made from": (
        leaf_of(0),
        0,
        2,
        [leaf_of(1)[1:]],
        merkle.node_hash(leaf_of(0), leaf_of(1)[1:]),
    ),
    "a size of 2**63": (leaf_of(5), 5, 2**63, IN8, ROOT8),
}

CONSISTENCY = {
    "from the empty tree": (0, 8, merkle.EMPTY_ROOT, ROOT8, []),
    "from the empty tree to itself": (0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, []),
    "backwards": (8, 7, ROOT8, ROOT7, FROM7),
    "from below nothing": (-1, 8, ROOT7, ROOT8, FROM7),
    "the same size, other roots": (8, 8, ROOT7, ROOT8, []),
    "the same size and a hash": (8, 8, ROOT8, ROOT8, [ROOT8]),
    "the same size, roots that are no hashes": (1, 1, b"root", b"root", []),
    "an older size with the same proof": (6, 8, mth(0, 6), ROOT8, FROM7),
    "another older root": (7, 8, mth(0, 6), ROOT8, FROM7),
    "another newer root": (7, 8, ROOT7, mth(0, 9), FROM7),
    "the roots changed places": (7, 8, ROOT8, ROOT7, FROM7),
    "no hash": (7, 8, ROOT7, ROOT8, []),
    "a hash too few": (7, 8, ROOT7, ROOT8, FROM7[:-1]),
    "a hash too few in front": (7, 8, ROOT7, ROOT8, FROM7[1:]),
    "a hash too many": (7, 8, ROOT7, ROOT8, [*FROM7, FROM7[0]]),
    "the old root repeated where it is known": (
        4,
        8,
        mth(0, 4),
        ROOT8,
        [mth(0, 4), *consistency(4, 8)],
    ),
    "a hash of 31 bytes": (7, 8, ROOT7, ROOT8, [FROM7[0][:-1], *FROM7[1:]]),
    "a hash of 33 bytes": (7, 8, ROOT7, ROOT8, [FROM7[0] + b"\0", *FROM7[1:]]),
    "a hash of 31 bytes that the newer root was made from": (
        1,
        2,
        leaf_of(0),
        merkle.node_hash(leaf_of(0), leaf_of(1)[1:]),
        [leaf_of(1)[1:]],
    ),
    "a size of 2**63": (7, 2**63, ROOT7, ROOT8, FROM7),
}


@pytest.mark.parametrize("case", INCLUSION)
def test_an_inclusion_proof_is_refused(case: str):
    merkle.check_inclusion(leaf_of(5), 5, 8, IN8, ROOT8)
    with pytest.raises(ProofError):
        merkle.check_inclusion(*INCLUSION[case])


@pytest.mark.parametrize("case", CONSISTENCY)
def test_a_consistency_proof_is_refused(case: str):
    merkle.check_consistency(7, 8, ROOT7, ROOT8, FROM7)
    with pytest.raises(ProofError):
        merkle.check_consistency(*CONSISTENCY[case])


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_proof_fits_no_other_place(data: st.DataObject):
    """A leaf proven at one index is refused at every other."""
    size = data.draw(st.integers(1, 80))
    index = data.draw(st.integers(0, size - 1))
    other_index = data.draw(st.integers(0, 80))
    proof = path(index, 0, size)
    if other_index != index:
        assert refused(
            merkle.check_inclusion, leaf_of(index), other_index, size, proof, mth(0, size)
        )


@pytest.mark.parametrize(("index", "size"), [(3, 3), (-1, 3), (0, 0), (0, 2**63)])
def test_nothing_outside_a_tree_can_be_proven_in_it(index: int, size: int):
    with pytest.raises(Misuse):
        merkle.prove_inclusion(index, size, read)


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3), (1, 2**63)])
def test_no_consistency_is_proven_from_nothing_or_backwards(old: int, new: int):
    with pytest.raises(Misuse):
        merkle.prove_consistency(old, new, read)


@pytest.mark.parametrize("size", [-1, 2**63])
def test_an_impossible_size_has_no_root(size: int):
    with pytest.raises(Misuse):
        merkle.root_at(size, read)


def test_a_reader_that_answers_too_little_is_caught():
    with pytest.raises(Misuse):
        merkle.root_at(7, lambda names: read(names)[1:])


@pytest.mark.parametrize("leaf", [b"", b"x" * 31, b"x" * 33])
def test_a_leaf_of_another_length_is_not_appended(leaf: bytes):
    with pytest.raises(Misuse):
        Frontier.empty().extend([leaf_of(0), leaf])


WRITTEN = merkle.frontier_at(7, read).to_bytes()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 7,
        WRITTEN[:-1],
        WRITTEN[:-32],
        WRITTEN + b"\0",
        WRITTEN + b"\0" * 32,
        b"\x80" + b"\0" * 7 + b"\0" * 32,
        flipped(WRITTEN[:8], 63) + WRITTEN[8:],
    ],
)
def test_a_frontier_is_read_strictly(raw: bytes):
    with pytest.raises(BadData):
        Frontier.from_bytes(raw)


def test_a_large_tree_is_proven_from_a_few_hashes():
    """Sizes near 2**63 cost 63 steps: a reader that makes its hashes up is enough to see it."""
    seeded = random.Random(6962)
    made: dict[tuple[int, int], bytes] = {}

    def invent(names: Any) -> list[bytes]:
        return [made.setdefault(name, seeded.randbytes(32)) for name in names]

    size = 2**63 - 1
    for index in (0, 1, 2**62 - 1, 2**62, size - 1):
        leaf = invent([(0, index)])[0]
        proof = merkle.prove_inclusion(index, size, invent)
        assert len(proof) <= 63
        assert refused(merkle.check_inclusion, leaf, index, size, proof, merkle.EMPTY_ROOT)
    assert len(merkle.frontier_at(size, invent).hashes) == 63
