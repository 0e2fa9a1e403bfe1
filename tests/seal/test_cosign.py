"""Cosignatures: a witness's line binds the text and the time, and nothing else will do."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ledger.errors import BadData, Misuse
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.cosign import CosigningKey, cosigned_at
from ledger.seal.note import NoteError, Signature, add_lines, open_note
from tests.seal.trees import AUDITOR, DPO, LOG, ORIGIN, TIME, flipped, mth, signed_head

TEXT = format_checkpoint(Checkpoint(ORIGIN, 7, mth(0, 7)))
NOTE = signed_head(7, mth(0, 7))
LINE = DPO.cosign(TEXT, TIME)
COSIGNED = add_lines(NOTE, LINE)


def test_the_signed_message_is_the_published_one():
    """Verified by hand: two lines in front of the text, the time in eight bytes."""
    (line,) = open_note(COSIGNED, [DPO.public]).verified
    assert int.from_bytes(line.signature[:8], "big") == TIME == cosigned_at(line)
    message = f"cosignature/v1\ntime {TIME}\n{TEXT}".encode()
    Ed25519PublicKey.from_public_bytes(DPO.public.public).verify(line.signature[8:], message)


def test_the_published_example_carries_the_published_time():
    """The witness line in C2SP tlog-cosignature, whose message is printed as time 1679315147."""
    line = (
        "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+"
        "mbIUBkBIfZ+qnA=="
    )
    text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    raw = f"{text}\n— witness.example.com/w1 {line}\n".encode()
    with pytest.raises(NoteError):
        open_note(raw, [DPO.public])
    opened = open_note(add_lines(raw, DPO.cosign(text, TIME)), [DPO.public])
    assert cosigned_at(opened.unverified[0]) == 1679315147
    assert opened.unverified[0].key_id.hex() == "8d66cf3f"


def test_lines_of_log_and_witnesses_stand_together():
    raw = add_lines(COSIGNED, AUDITOR.cosign(TEXT, TIME + 60))
    opened = open_note(raw, [LOG.public, DPO.public, AUDITOR.public])
    assert [one.name for one in opened.verified] == [LOG.name, DPO.name, AUDITOR.name]
    assert [cosigned_at(one) for one in opened.verified[1:]] == [TIME, TIME + 60]


def test_a_witness_may_sign_again_later():
    raw = add_lines(COSIGNED, DPO.cosign(TEXT, TIME + 60))
    assert len(open_note(raw, [DPO.public]).verified) == 2


def test_every_changed_bit_of_a_cosignature_is_refused():
    (line,) = open_note(COSIGNED, [DPO.public]).verified
    for bit in range(8 * len(line.signature)):
        bent = Signature(line.name, line.key_id, flipped(line.signature, bit)).line
        with pytest.raises(NoteError, match="does not fit"):
            open_note(add_lines(NOTE, bent), [LOG.public, DPO.public])


def test_a_cosignature_of_another_length_is_refused():
    (line,) = open_note(COSIGNED, [DPO.public]).verified
    for signature in (line.signature[8:], line.signature + b"\0", line.signature[:-1], b"x"):
        bent = Signature(line.name, line.key_id, signature).line
        with pytest.raises(NoteError):
            open_note(add_lines(NOTE, bent), [LOG.public, DPO.public])


def test_a_cosignature_does_not_move_to_another_head():
    with pytest.raises(NoteError):
        open_note(add_lines(signed_head(8, mth(0, 8)), LINE), [DPO.public])


def test_a_plain_signature_is_no_cosignature():
    """The key of a witness signing like a log, and the other way round."""
    seed_twins = CosigningKey(ORIGIN, LOG.named(ORIGIN)._private.private_bytes_raw())
    assert seed_twins.public.key_id != LOG.public.key_id
    plain = Signature(DPO.name, DPO.public.key_id, LOG.sign(TEXT.encode())).line
    with pytest.raises(NoteError):
        open_note(add_lines(NOTE, plain), [LOG.public, DPO.public])


def test_a_time_beyond_the_formats_limit_is_refused_though_it_is_signed():
    """A cosignature's time must not exceed 2**63 - 1."""
    for time, good in ((2**63 - 1, True), (2**63, False)):
        signed = DPO._sign_raw(f"cosignature/v1\ntime {time}\n{TEXT}".encode())
        assert DPO.public.verify(TEXT.encode(), time.to_bytes(8, "big") + signed) is good


@pytest.mark.parametrize("text", ["hello\n", "a\n1\nb\n", TEXT[:-1], TEXT + "\n"])
def test_a_witness_cosigns_checkpoints_only(text: str):
    with pytest.raises(BadData):
        DPO.cosign(text, TIME)


@pytest.mark.parametrize("time", [-1, 2**63])
def test_a_time_is_posix_seconds(time: int):
    with pytest.raises(Misuse):
        DPO.cosign(TEXT, time)


def test_a_witness_key_is_written_and_read():
    again = CosigningKey.from_bytes(DPO.to_bytes())
    assert again.cosign(TEXT, TIME) == LINE
