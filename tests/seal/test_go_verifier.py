"""A verifier that we did not write accepts our folder, and rejects each of these attacks on it.

It is Go's own `sumdb/note` and `sumdb/tlog` (see `tests/go`). The folder holds a log that grew to
70 leaves, 256, 700 and 1,500, with two entries pruned; each attack is carried out on a copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.seal import merkle, proof
from ledger.seal.note import SigningKey, add_lines, sign
from ledger.seal.tiles import Edge, entry_bundles, format_entries, parse_entries
from tests.go import building
from tests.go.building import GoVerifier
from tests.seal.trees import (
    AUDITOR,
    DPO,
    LOG,
    ORIGIN,
    OTHER_LOG,
    STRANGER,
    TIME,
    entry_of,
    flipped,
    leaf_of,
    mth,
    signed_head,
    write_files,
    write_log,
)

SIZES = (70, 256, 700, 1500)
SIZE = 1500
PRUNED = {5, 600}
BUNDLE, LEAVES = "tile/entries/002", "tile/0/002"  # leaves 512 to 767


def bundle_without(entries: list[bytes], gone: set[int]) -> list[bytes]:
    return [b"" if at in gone else entry for at, entry in enumerate(entries)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The log as its keeper shows it."""
    root = tmp_path_factory.mktemp("log") / "evidence"
    entries = [entry_of(at) for at in range(SIZE)]
    write_log(root, entries, SIZES, proven={0, 699, SIZE - 1})
    shutil.rmtree(root / "tile/entries")
    write_files(root, entry_bundles(0, bundle_without(entries, PRUNED)))
    head = (root / "checkpoint").read_bytes()
    text = head.decode().split("\n\n")[0] + "\n"
    (root / "checkpoint").write_bytes(add_lines(head, DPO.cosign(text, TIME)))
    return root


def test_it_accepts_what_our_code_writes(go_verifier: GoVerifier, folder: Path):
    verdict = go_verifier.verify(folder, LOG.vkey)
    assert verdict.accepted, verdict.said
    assert verdict.said.startswith(f"Verified: {ORIGIN}, 1500 leaves, root ")
    assert "1498 entries, 2 without entry, 4 earlier checkpoints" in verdict.said
    assert verdict.said.endswith("3 proofs of entries, 3 of growth, 0 of keys.")


@pytest.mark.parametrize("size", [1, 2, 255, 256, 257, 511, 513, 65_537])
def test_it_accepts_a_log_of_any_size(go_verifier: GoVerifier, tmp_path: Path, size: int):
    sizes = sorted({1, size // 2 or 1, size})
    write_log(tmp_path / "log", [entry_of(at) for at in range(size)], sizes, proven={0, size - 1})
    verdict = go_verifier.verify(tmp_path / "log", LOG.vkey)
    assert verdict.accepted, verdict.said


def test_a_redacted_folder_is_accepted_only_when_that_is_asked(
    go_verifier: GoVerifier, folder: Path, tmp_path: Path
):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    shutil.rmtree(copy / "tile/entries")
    assert not go_verifier.verify(copy, LOG.vkey).accepted
    verdict = go_verifier.verify(copy, LOG.vkey, redacted=True)
    assert verdict.accepted, verdict.said
    assert "0 entries, 1500 without entry" in verdict.said


def test_while_a_key_is_replaced_both_are_pinned(
    go_verifier: GoVerifier, folder: Path, tmp_path: Path
):
    new = SigningKey(ORIGIN, b"n" * 32)
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    (copy / "checkpoint").write_bytes(signed_head(SIZE, mth(0, SIZE), new))
    assert go_verifier.verify(copy, LOG.vkey, new.vkey).accepted
    assert not go_verifier.verify(copy, LOG.vkey).accepted


# --- attacks ----------------------------------------------------------------------------------


def patch(root: Path, name: str, at: int) -> None:
    """One bit of a file."""
    file = root / name
    file.write_bytes(flipped(file.read_bytes(), 8 * at))


def rewrite_entry(root: Path, index: int, entry: bytes) -> None:
    """An entry replaced in its bundle."""
    file = root / f"tile/entries/{index // 256:03}"
    entries = parse_entries(file.read_bytes(), 256)
    entries[index % 256] = entry
    file.write_bytes(format_entries(entries))


def rewrite_leaf(root: Path, index: int, leaf: bytes) -> None:
    """A leaf replaced in its tile."""
    file = root / f"tile/0/{index // 256:03}"
    raw = bytearray(file.read_bytes())
    raw[index % 256 * 32 : index % 256 * 32 + 32] = leaf
    file.write_bytes(raw)


def alter_an_entry(root: Path) -> None:
    rewrite_entry(root, 513, b'{"n":666,"v":1}')


def alter_a_leaf(root: Path) -> None:
    rewrite_leaf(root, 513, merkle.leaf_hash(b'{"n":666,"v":1}'))


def alter_entry_and_leaf_together(root: Path) -> None:
    """The attack that Go's tile reader let pass: CVE-2026-56865."""
    alter_an_entry(root)
    alter_a_leaf(root)


def alter_the_leaf_of_a_pruned_entry(root: Path) -> None:
    rewrite_leaf(root, 600, leaf_of(601))


def prune_and_replace_the_leaf(root: Path) -> None:
    rewrite_entry(root, 513, b"")
    rewrite_leaf(root, 513, leaf_of(514))


def alter_an_upper_tile(root: Path) -> None:
    patch(root, "tile/1/000.p/5", 33)


def alter_an_older_partial_tile(root: Path) -> None:
    patch(root, "tile/0/002.p/188", 40)


def alter_everything_but_the_signature(root: Path) -> None:
    """A whole second history, consistent in itself, under the old checkpoint."""
    entries = [entry_of(at) for at in range(SIZE)]
    entries[513] = b'{"n":666,"v":1}'
    edge, full = Edge.empty().extend(map(merkle.leaf_hash, entries))
    shutil.rmtree(root / "tile")
    write_files(root, [*full, *edge.partial_tiles(), *entry_bundles(0, entries)])


def alter_everything_and_sign_it(root: Path) -> None:
    """The same signed with the right key: a fork. The earlier checkpoints give it away."""
    alter_everything_but_the_signature(root)
    entries = [entry_of(at) for at in range(SIZE)]
    entries[513] = b'{"n":666,"v":1}'
    forked = Edge.empty().extend(map(merkle.leaf_hash, entries))[0]
    (root / "checkpoint").write_bytes(signed_head(SIZE, forked.frontier.root()))
    for name in (f"checkpoints/{SIZE}", "consistency/700-1500.txt"):
        (root / name).unlink()
    shutil.rmtree(root / "proofs")


def swap_two_entries(root: Path) -> None:
    rewrite_entry(root, 513, entry_of(514))
    rewrite_entry(root, 514, entry_of(513))


def swap_two_bundles(root: Path) -> None:
    one, other = root / "tile/entries/001", root / BUNDLE
    raw = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(raw)


def swap_bundles_and_tiles(root: Path) -> None:
    swap_two_bundles(root)
    one, other = root / "tile/0/001", root / LEAVES
    raw = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(raw)


def lengthen_a_bundle(root: Path) -> None:
    file = root / BUNDLE
    file.write_bytes(file.read_bytes() + format_entries([b"one more"]))


def add_an_entry_behind_the_end(root: Path) -> None:
    last = root / "tile/entries/005.p/220"
    raw = last.read_bytes() + format_entries([b"one more"])
    (root / "tile/entries/005.p/221").write_bytes(raw)


def add_a_hash_behind_the_end(root: Path) -> None:
    raw = (root / "tile/0/005.p/220").read_bytes() + b"\0" * 32
    (root / "tile/0/005.p/221").write_bytes(raw)


def add_a_strange_file(root: Path) -> None:
    (root / "tile/0/notes").write_bytes(b"hello")


def cut_a_bundle(root: Path) -> None:
    file = root / BUNDLE
    file.write_bytes(file.read_bytes()[:-1])


def cut_a_tile(root: Path) -> None:
    file = root / LEAVES
    file.write_bytes(file.read_bytes()[:-32])


def remove_a_bundle(root: Path) -> None:
    (root / BUNDLE).unlink()


def remove_a_tile(root: Path) -> None:
    (root / LEAVES).unlink()


def remove_an_upper_tile(root: Path) -> None:
    (root / "tile/1/000.p/5").unlink()


def cut_the_log_at_an_older_checkpoint(root: Path) -> None:
    """A true head of the past, beside newer ones: the log would have shrunk."""
    shutil.copy(root / "checkpoints/700", root / "checkpoint")
    shutil.rmtree(root / "proofs")
    shutil.rmtree(root / "tile")
    entries = [entry_of(at) for at in range(700)]
    edge, full = Edge.empty().extend(map(merkle.leaf_hash, entries))
    write_files(root, [*full, *edge.partial_tiles(), *entry_bundles(0, entries)])


def change_the_size(root: Path) -> None:
    file = root / "checkpoint"
    file.write_bytes(file.read_bytes().replace(b"\n1500\n", b"\n1499\n"))


def sign_another_size(root: Path) -> None:
    (root / "checkpoint").write_bytes(signed_head(SIZE - 1, mth(0, SIZE)))


def sign_a_fork(root: Path) -> None:
    (root / "checkpoint").write_bytes(signed_head(SIZE, mth(1, SIZE + 1)))


def sign_an_earlier_fork(root: Path) -> None:
    (root / "checkpoints/700").write_bytes(signed_head(700, mth(1, 701)))


def rename_an_earlier_checkpoint(root: Path) -> None:
    (root / "checkpoints/700").rename(root / "checkpoints/699")


def show_a_future_checkpoint(root: Path) -> None:
    (root / "checkpoints/2000").write_bytes(signed_head(2000, mth(0, 2000)))


def sign_with_another_key(root: Path) -> None:
    (root / "checkpoint").write_bytes(signed_head(SIZE, mth(0, SIZE), STRANGER))


def sign_another_origin(root: Path) -> None:
    raw = signed_head(SIZE, mth(0, SIZE), LOG, "example.org/other")
    (root / "checkpoint").write_bytes(raw)


def show_another_log(root: Path) -> None:
    raw = signed_head(SIZE, mth(0, SIZE), OTHER_LOG, OTHER_LOG.name)
    (root / "checkpoint").write_bytes(raw)


def leave_only_a_witness(root: Path) -> None:
    raw = signed_head(SIZE, mth(0, SIZE), STRANGER)
    text = raw.decode().split("\n\n")[0] + "\n"
    (root / "checkpoint").write_bytes(add_lines(raw, AUDITOR.cosign(text, TIME)))


def add_a_fourth_line(root: Path) -> None:
    text = (root / "checkpoint").read_text("utf-8").split("\n\n")[0] + "\nmore\n"
    (root / "checkpoint").write_bytes(sign(text, LOG))


def drop_the_last_newline(root: Path) -> None:
    file = root / "checkpoint"
    file.write_bytes(file.read_bytes()[:-1])


def move_a_proof(root: Path) -> None:
    for suffix in ("tlog-proof", "entry"):
        (root / f"proofs/699.{suffix}").rename(root / f"proofs/698.{suffix}")


def prove_another_entry(root: Path) -> None:
    shutil.copy(root / "proofs/0.entry", root / "proofs/699.entry")


def change_the_index_of_a_proof(root: Path) -> None:
    file = root / "proofs/699.tlog-proof"
    file.write_bytes(file.read_bytes().replace(b"index 699", b"index 698"))
    move_a_proof(root)


def bend_a_proof(root: Path) -> None:
    file = root / "proofs/699.tlog-proof"
    made = proof.parse_inclusion(file.read_bytes())
    bent = proof.InclusionProof(made.index, (flipped(made.hashes[0]), *made.hashes[1:]), made.note)
    file.write_bytes(proof.format_inclusion(bent))


def prove_in_a_fork(root: Path) -> None:
    """A true proof in a second history that the log's key signed."""
    root_of_fork = merkle.Frontier.empty().extend([leaf_of(9), leaf_of(8)]).root()
    made = proof.InclusionProof(1, (leaf_of(9),), signed_head(2, root_of_fork))
    (root / "proofs/1.tlog-proof").write_bytes(proof.format_inclusion(made))
    (root / "proofs/1.entry").write_bytes(entry_of(8))


def prove_without_the_entry(root: Path) -> None:
    (root / "proofs/699.entry").unlink()


def bend_a_proof_of_growth(root: Path) -> None:
    file = root / "consistency/256-700.txt"
    made = proof.parse_consistency(file.read_bytes())
    bent = proof.ConsistencyProof(made.old, (flipped(made.hashes[0]), *made.hashes[1:]), made.note)
    file.write_bytes(proof.format_consistency(bent))


ATTACKS: list[tuple[Callable[[Path], None], str]] = [
    (alter_an_entry, "entry 513 does not hash to its leaf"),
    (alter_a_leaf, "entry 513 does not hash to its leaf"),
    (alter_entry_and_leaf_together, "root of the checkpoint"),
    (alter_the_leaf_of_a_pruned_entry, "root of the checkpoint"),
    (prune_and_replace_the_leaf, "root of the checkpoint"),
    (alter_an_upper_tile, "hash 1 of tile/1/000.p/5"),
    (alter_an_older_partial_tile, "hash 1 of tile/0/002.p/188"),
    (alter_everything_but_the_signature, "root of the checkpoint"),
    (alter_everything_and_sign_it, "checkpoints/700: its root is not that of a prefix"),
    (swap_two_entries, "entry 513 does not hash to its leaf"),
    (swap_two_bundles, "entry 256 does not hash to its leaf"),
    (swap_bundles_and_tiles, "root of the checkpoint"),
    (lengthen_a_bundle, "257 entries, not 256"),
    (add_an_entry_behind_the_end, "beyond the size"),
    (add_a_hash_behind_the_end, "beyond the size"),
    (add_a_strange_file, "no file of a log"),
    (cut_a_bundle, "cut off"),
    (cut_a_tile, "is not 256 hashes long"),
    (remove_a_bundle, "tile/entries/002 cannot be read"),
    (remove_a_tile, "tile/0/002 cannot be read"),
    (remove_an_upper_tile, "tile/1/000.p/5 cannot be read"),
    (cut_the_log_at_an_older_checkpoint, "not one that the log has had"),
    (change_the_size, "invalid signature"),
    (sign_another_size, "tile/0/005.p/219 cannot be read"),
    (sign_a_fork, "root of the checkpoint"),
    (sign_an_earlier_fork, "checkpoints/700: its root is not that of a prefix"),
    (rename_an_earlier_checkpoint, "another size than its name"),
    (show_a_future_checkpoint, "not one that the log has had"),
    (sign_with_another_key, "no verifiable signatures"),
    (sign_another_origin, "another origin"),
    (show_another_log, "no verifiable signatures"),
    (leave_only_a_witness, "no verifiable signatures"),
    (add_a_fourth_line, "not three lines"),
    (drop_the_last_newline, "malformed note"),
    (move_a_proof, "another index than its name"),
    (prove_another_entry, "does not lead from the entry"),
    (change_the_index_of_a_proof, "does not lead from the entry"),
    (bend_a_proof, "does not lead from the entry"),
    (prove_in_a_fork, "not that of a prefix"),
    (prove_without_the_entry, "proofs/699.entry cannot be read"),
    (bend_a_proof_of_growth, "does not join the two sizes"),
]


@pytest.mark.parametrize(("attack", "said"), ATTACKS, ids=[one.__name__ for one, _ in ATTACKS])
def test_it_rejects_an_attack(
    go_verifier: GoVerifier,
    folder: Path,
    tmp_path: Path,
    attack: Callable[[Path], None],
    said: str,
):
    copy = Path(shutil.copytree(folder, tmp_path / "copy"))
    assert go_verifier.verify(copy, LOG.vkey).accepted
    attack(copy)
    verdict = go_verifier.verify(copy, LOG.vkey)
    assert not verdict.accepted
    assert said in verdict.said
    assert verdict.said.startswith("Not verified: ")


@pytest.mark.parametrize("vkey", [STRANGER.vkey, OTHER_LOG.vkey, DPO.vkey, LOG.vkey[:-1], ""])
def test_it_trusts_only_the_pinned_key(go_verifier: GoVerifier, folder: Path, vkey: str):
    assert not go_verifier.verify(folder, vkey).accepted


def test_where_go_is_missing_the_tests_fail_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AssertionError, match="apt-get install golang-go golang-golang-x-mod-dev"):
        building.build(tmp_path)
