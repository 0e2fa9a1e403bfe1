"""Proof files: read strictly, believed only through a pinned key and the verified checkpoint."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadData
from ledger.seal.merkle import ProofError
from ledger.seal.note import NoteError, add_lines
from ledger.seal.proof import (
    ConsistencyProof,
    InclusionProof,
    format_consistency,
    format_inclusion,
    open_consistency,
    open_inclusion,
    parse_consistency,
    parse_inclusion,
)
from tests.seal.trees import (
    DPO,
    LOG,
    OTHER_LOG,
    STRANGER,
    TIME,
    consistency,
    flipped,
    leaf_of,
    mth,
    path,
    signed_head,
)

SIZE, INDEX, OLD = 100, 37, 60
NOTE = signed_head(SIZE, mth(0, SIZE))
PROOF = InclusionProof(INDEX, tuple(path(INDEX, 0, SIZE)), NOTE)
RAW = format_inclusion(PROOF)
GROWTH = ConsistencyProof(OLD, tuple(consistency(OLD, SIZE)), NOTE)
GREW = format_consistency(GROWTH)
KEYS = [LOG.public]


def test_a_proof_file_has_the_lines_that_the_format_gives_it():
    lines = RAW.decode().split("\n")
    assert lines[:2] == ["c2sp.org/tlog-proof@v1", "index 37"]
    assert lines[2 + len(PROOF.hashes)] == ""
    assert RAW.endswith(b"\n\n" + NOTE)
    assert GREW.startswith(b"old 60\n")
    assert GREW.endswith(b"\n\n" + NOTE)


def test_what_is_written_reads_back():
    assert parse_inclusion(RAW) == PROOF
    assert parse_consistency(GREW) == GROWTH
    alone = InclusionProof(0, (), NOTE)
    assert parse_inclusion(format_inclusion(alone)) == alone


def test_an_extra_line_is_handed_over_unread():
    extra = replace(PROOF, extra=b"anything")
    raw = format_inclusion(extra)
    assert raw.split(b"\n")[1] == b"extra YW55dGhpbmc="
    assert parse_inclusion(raw) == extra
    assert open_inclusion(raw, leaf_of(INDEX), KEYS)[0] == INDEX


def test_a_proof_opens_to_the_index_and_the_head():
    index, head = open_inclusion(RAW, leaf_of(INDEX), KEYS)
    assert (index, head.checkpoint.size) == (INDEX, SIZE)
    cosigned = replace(PROOF, note=add_lines(NOTE, DPO.cosign(head.opened.text, TIME)))
    _, head = open_inclusion(format_inclusion(cosigned), leaf_of(INDEX), KEYS, [DPO.public])
    assert [one.name for one in head.opened.verified] == [LOG.name, DPO.name]


HEADER = b"c2sp.org/tlog-proof@v1\n"
HASH = RAW.split(b"\n")[2]
MALFORMED = {
    "nothing": b"",
    "no checkpoint": RAW.split(b"\n\n")[0] + b"\n",
    "no header": RAW.removeprefix(HEADER),
    "another version": RAW.replace(b"@v1", b"@v2"),
    "a header twice": HEADER + RAW,
    "no index": RAW.replace(b"index 37\n", b""),
    "an index twice": RAW.replace(b"index 37\n", b"index 37\nindex 37\n"),
    "an index with a sign": RAW.replace(b"index 37", b"index +37"),
    "an index with a leading zero": RAW.replace(b"index 37", b"index 037"),
    "an index with a space": RAW.replace(b"index 37", b"index  37"),
    "an index with a space behind": RAW.replace(b"index 37", b"index 37 "),
    "an index in other digits": RAW.replace(b"index 37", "index ٣٧".encode()),
    "an index with an underscore": RAW.replace(b"index 37", b"index 3_7"),
    "an index of 2**63": RAW.replace(b"index 37", b"index 9223372036854775808"),
    "a negative index": RAW.replace(b"index 37", b"index -1"),
    "INDEX": RAW.replace(b"index", b"INDEX"),
    "a tab": RAW.replace(b"index 37", b"index\t37"),
    "CRLF": RAW.replace(b"\n", b"\r\n"),
    "a carriage return": RAW.replace(b"index 37\n", b"index 37\r\n"),
    "a byte order mark": b"\xef\xbb\xbf" + RAW,
    "not UTF-8": RAW.replace(b"index 37", b"index 37\xff"),
    "extra after the index": RAW.replace(b"index 37\n", b"index 37\nextra YQ==\n"),
    "extra twice": RAW.replace(b"index 37\n", b"extra YQ==\nextra YQ==\nindex 37\n"),
    "extra of bad base64": RAW.replace(b"index 37\n", b"extra YR==\nindex 37\n"),
    "a hash of 31 bytes": RAW.replace(HASH, b"A" * 42 + b"=="),
    "a hash of 33 bytes": RAW.replace(HASH, b"A" * 44),
    "a hash without padding": RAW.replace(HASH, HASH.rstrip(b"=")),
    "a hash with a space": RAW.replace(HASH, HASH + b" "),
    "a hash in hexadecimal": RAW.replace(HASH, b"ab" * 32),
    "64 hashes": RAW.replace(HASH, b"\n".join([HASH] * 64)),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_it_is_no_proof(case: str):
    assert MALFORMED[case] != RAW
    with pytest.raises(BadData):
        parse_inclusion(MALFORMED[case])


def test_every_changed_byte_above_the_checkpoint_is_refused():
    """Whatever a byte becomes, the file is malformed or proves nothing."""
    end = RAW.index(b"\n\n")
    for at in range(end):
        for step in (1, 255):
            bent = bytearray(RAW)
            bent[at] = (bent[at] + step) % 256
            with pytest.raises(BadData):
                open_inclusion(bytes(bent), leaf_of(INDEX), KEYS)


def moved(index: int, size: int = SIZE) -> bytes:
    """A true proof of another leaf or another tree."""
    note = signed_head(size, mth(0, size))
    return format_inclusion(InclusionProof(index, tuple(path(index, 0, size)), note))


PROVES_NOTHING = {
    "another leaf's proof": moved(INDEX + 1),
    "an index moved": format_inclusion(replace(PROOF, index=INDEX + 1)),
    "an index outside": format_inclusion(replace(PROOF, index=SIZE)),
    "a hash too few": format_inclusion(replace(PROOF, hashes=PROOF.hashes[:-1])),
    "a hash too many": format_inclusion(replace(PROOF, hashes=(*PROOF.hashes, leaf_of(1)))),
    "a fork signed with the right key": format_inclusion(
        replace(PROOF, note=signed_head(SIZE, flipped(mth(0, SIZE))))
    ),
    "the size of a signed head changed": format_inclusion(
        replace(PROOF, note=signed_head(SIZE * 2, mth(0, SIZE)))
    ),
}


@pytest.mark.parametrize("case", PROVES_NOTHING)
def test_a_proof_does_not_hold(case: str):
    with pytest.raises(ProofError):
        open_inclusion(PROVES_NOTHING[case], leaf_of(INDEX), KEYS)


@pytest.mark.parametrize("key", [STRANGER, OTHER_LOG])
def test_a_checkpoint_of_somebody_else_proves_nothing(key):
    origin = key.name
    raw = format_inclusion(replace(PROOF, note=signed_head(SIZE, mth(0, SIZE), key, origin)))
    with pytest.raises(NoteError):
        open_inclusion(raw, leaf_of(INDEX), KEYS)


# --- consistency ------------------------------------------------------------------------------


def test_a_consistency_file_opens_to_the_newer_head():
    assert open_consistency(GREW, OLD, mth(0, OLD), KEYS).checkpoint.size == SIZE
    same = format_consistency(ConsistencyProof(SIZE, (), NOTE))
    assert open_consistency(same, SIZE, mth(0, SIZE), KEYS).checkpoint.size == SIZE


def test_the_size_remembered_is_the_readers_own():
    """A file that starts elsewhere is refused, though it may be true."""
    with pytest.raises(ProofError):
        open_consistency(GREW, OLD - 1, mth(0, OLD - 1), KEYS)
    with pytest.raises(ProofError):
        open_consistency(GREW.replace(b"old 60", b"old 59"), OLD, mth(0, OLD), KEYS)


def test_a_fork_or_a_rollback_does_not_join():
    fork = signed_head(SIZE, flipped(mth(0, SIZE)))
    with pytest.raises(ProofError):
        open_consistency(format_consistency(replace(GROWTH, note=fork)), OLD, mth(0, OLD), KEYS)
    with pytest.raises(ProofError):
        open_consistency(GREW, OLD, flipped(mth(0, OLD)), KEYS)
    back = format_consistency(ConsistencyProof(SIZE, (), signed_head(OLD, mth(0, OLD))))
    with pytest.raises(ProofError):
        open_consistency(back, SIZE, mth(0, SIZE), KEYS)


def test_an_introduction_has_no_hashes_and_proves_nothing():
    """`old 0` is how a log presents itself to a witness."""
    raw = format_consistency(ConsistencyProof(0, (), NOTE))
    assert parse_consistency(raw).old == 0
    with pytest.raises(ProofError):
        open_consistency(raw, 0, mth(0, 0), KEYS)
    with pytest.raises(BadData):
        parse_consistency(format_consistency(replace(GROWTH, old=0)))


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        (b"old 60\n", b""),
        (b"old 60\n", b"old 60\nold 60\n"),
        (b"old 60", b"old 060"),
        (b"old 60", b"old -60"),
        (b"old 60", b"old 6_0"),
        (b"old 60", b"old 60 "),
        (b"old 60", b"Old 60"),
        (b"old 60\n", b"old 60\r\n"),
        (b"old 60", b""),
    ],
)
def test_a_consistency_file_is_read_strictly(good: bytes, bad: bytes):
    raw = GREW.replace(good, bad, 1)
    assert raw != GREW
    with pytest.raises(BadData):
        parse_consistency(raw)


@settings(deadline=None)
@given(st.binary())
def test_whatever_comes_in_it_is_refused_in_our_words(raw: bytes):
    for parse in (parse_inclusion, parse_consistency):
        for given_ in (raw, HEADER + raw, b"old 1\n" + raw):
            try:
                parse(given_)
            except BadData:
                continue
