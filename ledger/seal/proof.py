"""Proof files: what somebody keeps to show, years later and offline, what a log once held.

`proofs/<index>.tlog-proof` (C2SP tlog-proof), an entry is in the log:

    c2sp.org/tlog-proof@v1
    index 73894
    gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ=      the leaf's sibling, then up to the root
    …
                                                      an empty line
    example.com/fancylog                              the checkpoint, verbatim
    …

`consistency/<old>-<new>.txt`, one state grew out of another: `old <size>`, the hashes, an empty
line, the newer checkpoint. It is the body of a witness's `add-checkpoint` (C2SP tlog-witness).

The format allows an `extra` line; nobody signs it, ours have none, and it is handed over unread.
Size and root are taken from the checkpoint once its signature is verified, from nowhere else.

What this file never does: compute a proof (`merkle.py`), or open a proof without a pinned key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ledger.errors import BadData
from ledger.seal.checkpoint import Head, open_checkpoint
from ledger.seal.merkle import ProofError, check_consistency, check_inclusion
from ledger.seal.note import PublicKey, VerifyKey
from ledger.seal.text import from_base64, parse_hash, parse_number, split_head, to_base64

HEADER = "c2sp.org/tlog-proof@v1"
MAX_HASHES = 63


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """A parsed `.tlog-proof`, not yet believed: index, hashes, the checkpoint's note."""

    index: int
    hashes: tuple[bytes, ...]
    note: bytes
    extra: bytes | None = None


@dataclass(frozen=True, slots=True)
class ConsistencyProof:
    """A parsed consistency file, not yet believed: the older size, hashes, the newer note."""

    old: int
    hashes: tuple[bytes, ...]
    note: bytes


def format_inclusion(proof: InclusionProof) -> bytes:
    """The bytes of a `.tlog-proof`."""
    extra = [] if proof.extra is None else [f"extra {to_base64(proof.extra)}"]
    return _format([HEADER, *extra, f"index {proof.index}"], proof.hashes, proof.note)


def parse_inclusion(raw: bytes) -> InclusionProof:
    """Strict inverse of `format_inclusion`. Raises BadData."""
    lines, note = split_head(raw)
    if lines.pop(0) != HEADER:
        raise BadData("a proof does not begin with the name of its format")
    extra = None
    if lines and lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "))
    index = _number_after("index ", lines)
    return InclusionProof(index, _hashes(lines), note, extra)


def open_inclusion(
    raw: bytes,
    leaf: bytes,
    log_keys: Sequence[VerifyKey],
    witnesses: Sequence[PublicKey] = (),
) -> tuple[int, Head]:
    """The index at which `leaf` is proven to be, and the head that proves it.

    Raises BadData for a malformed proof, NoteError for a checkpoint that the log did not sign,
    ProofError when the proof does not hold.
    """
    proof = parse_inclusion(raw)
    head = open_checkpoint(proof.note, log_keys, witnesses)
    size, root = head.checkpoint.size, head.checkpoint.root
    check_inclusion(leaf, proof.index, size, proof.hashes, root)
    return proof.index, head


def format_consistency(proof: ConsistencyProof) -> bytes:
    """The bytes of a consistency file."""
    return _format([f"old {proof.old}"], proof.hashes, proof.note)


def parse_consistency(raw: bytes) -> ConsistencyProof:
    """Strict inverse of `format_consistency`. Raises BadData.

    `old 0` is legal without hashes: it introduces a log to a witness and proves nothing.
    """
    lines, note = split_head(raw)
    old = _number_after("old ", lines)
    hashes = _hashes(lines)
    if old == 0 and hashes:
        raise BadData("a proof from size 0 has no hashes")
    return ConsistencyProof(old, hashes, note)


def open_consistency(
    raw: bytes,
    old_size: int,
    old_root: bytes,
    log_keys: Sequence[VerifyKey],
    witnesses: Sequence[PublicKey] = (),
) -> Head:
    """The newer head, proven to be an extension of the one remembered.

    Raises as `open_inclusion` does; ProofError too when the file speaks of another older size.
    """
    proof = parse_consistency(raw)
    head = open_checkpoint(proof.note, log_keys, witnesses)
    if proof.old != old_size:
        raise ProofError("a consistency proof starts from another size than the one remembered")
    size, root = head.checkpoint.size, head.checkpoint.root
    check_consistency(old_size, size, old_root, root, proof.hashes)
    return head


def _format(first: list[str], hashes: Sequence[bytes], note: bytes) -> bytes:
    lines = [*first, *map(to_base64, hashes)]
    return "".join(f"{line}\n" for line in lines).encode("ascii") + b"\n" + note


def _number_after(word: str, lines: list[str]) -> int:
    if not lines or not lines[0].startswith(word):
        raise BadData(f"a proof lacks its line «{word}…»")
    return parse_number(lines.pop(0).removeprefix(word))


def _hashes(lines: list[str]) -> tuple[bytes, ...]:
    if len(lines) > MAX_HASHES:
        raise BadData("a proof has more than 63 hashes")
    return tuple(map(parse_hash, lines))
