"""A witness cosigns what extends its memory, and nothing else; its line comes home."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from ledger.errors import BadData, Misuse
from ledger.seal import merkle
from ledger.seal.cosign import WitnessKey, cosigned_at
from ledger.seal.merkle import ProofError
from ledger.seal.note import NoteError, VerifyKey, open_note
from ledger.seal.witnesses import format_policy, parse_policy
from ledger.sealing.files import write_whole
from ledger.witnessing.cosigned import add_cosignatures
from ledger.witnessing.witness import Cosigned, cosign
from tests.seal.trees import LOG, OTHER_LOG, STRANGER, TIME, entry_of, signed_head, write_log

NAME = "dpo.example.org/w1"


def log_of(folder: Path, *sizes: int, proofs: bool = False) -> Path:
    """A log that grew to each of these sizes; its witness has only the tiles unless `proofs`."""
    write_log(folder, [entry_of(n) for n in range(sizes[-1])], sizes, set())
    if not proofs:
        shutil.rmtree(folder / "consistency")
    (folder / "keys").mkdir()
    (folder / "keys/history.txt").write_text(f"{LOG.vkey} 1 -\n")
    return folder


def begun(tmp_path: Path, size: int = 300) -> tuple[Path, Cosigned]:
    """A witness that has seen a log of this size."""
    state = tmp_path / "witness" / "dpo.state"
    return state, cosign(log_of(tmp_path / "first", size), state, TIME, NAME, LOG.vkey)


def test_a_witness_signs_the_first_head_and_each_that_extends_it(tmp_path: Path) -> None:
    state, made = begun(tmp_path)
    assert (made.size, made.before) == (300, 0)
    assert state.stat().st_mode & 0o077 == 0
    key = WitnessKey.parse(made.vkey)
    (line,) = open_note(made.note, [key]).verified
    assert (line.name, cosigned_at(line)) == (NAME, TIME)
    assert made.file == f"300-{key.key_id.hex()}.txt"
    for size, proofs in ((700, False), (800, True)):
        grown = log_of(tmp_path / f"{size}", made.size, size, proofs=proofs)
        if proofs:  # then they are enough
            shutil.rmtree(grown / "tile")
        again = cosign(grown, state, TIME + size)
        assert (again.before, again.size, again.vkey) == (made.size, size, made.vkey)
        assert cosigned_at(open_note(again.note, [key]).verified[0]) == TIME + size
        made = again
    assert cosign(tmp_path / "800", state, TIME + 9).before == 800  # the same head once more


def test_a_witness_refuses_a_log_that_shrank_forked_or_does_not_prove_its_growth(
    tmp_path: Path,
) -> None:
    state, _ = begun(tmp_path)
    remembered = state.read_bytes()
    with pytest.raises(ProofError, match="shrank"):
        cosign(log_of(tmp_path / "small", 299), state, TIME)
    fork = log_of(tmp_path / "fork", 300)
    (fork / "checkpoint").write_bytes(signed_head(300, sha256(b"another").digest()))
    with pytest.raises(ProofError, match="two different logs of size 300"):
        cosign(fork, state, TIME)
    # Properly signed, its own tiles whole, but it does not begin with what was seen.
    rewritten = tmp_path / "rewritten"
    write_log(rewritten, [entry_of(n + (n == 7)) for n in range(400)], [400], set())
    with pytest.raises(ProofError, match="nothing proves"):
        cosign(rewritten, state, TIME)
    bare = log_of(tmp_path / "bare", 400)
    shutil.rmtree(bare / "tile")
    with pytest.raises(ProofError, match="nothing proves"):
        cosign(bare, state, TIME)
    lying = log_of(tmp_path / "lying", 300, 400, proofs=True)
    text = (lying / "consistency/300-400.txt").read_bytes().split(b"\n")
    text[1], text[2] = text[2], text[1]
    (lying / "consistency/300-400.txt").write_bytes(b"\n".join(text))
    with pytest.raises(ProofError, match="nothing proves"):
        cosign(lying, state, TIME)
    assert state.read_bytes() == remembered


def test_the_log_s_key_is_pinned_once_and_never_taken_from_the_bundle(tmp_path: Path) -> None:
    bundle, state = log_of(tmp_path / "log", 20), tmp_path / "state"
    with pytest.raises(Misuse, match="--name"):
        cosign(bundle, state, TIME, None, LOG.vkey)
    with pytest.raises(Misuse, match="--key"):
        cosign(bundle, state, TIME, NAME)
    for stranger in (STRANGER, OTHER_LOG):
        with pytest.raises(NoteError):
            cosign(bundle, state, TIME, NAME, stranger.vkey)
    assert not state.exists()  # nothing was pinned by a visit that failed
    cosign(bundle, state, TIME, NAME, LOG.vkey)
    (bundle / "checkpoint").write_bytes(signed_head(20, merkle.EMPTY_ROOT, STRANGER))
    with pytest.raises(NoteError):
        cosign(bundle, state, TIME)
    with pytest.raises(Misuse, match="another key"):
        cosign(bundle, state, TIME, None, STRANGER.vkey)
    with pytest.raises(Misuse, match="another name"):
        cosign(bundle, state, TIME, "somebody/else")


def test_a_damaged_state_is_refused_without_showing_the_key(tmp_path: Path) -> None:
    state, _ = begun(tmp_path, 20)
    said = json.loads(state.read_bytes())
    altered = said["logs"][0]["checkpoint"].replace("\n20\n", "\n19\n")
    for bad in (
        b"{",
        json.dumps(said | {"format": "x"}).encode(),
        json.dumps(said | {"logs": [said["logs"][0] | {"checkpoint": altered}]}).encode(),
    ):
        state.write_bytes(bad)
        with pytest.raises(BadData) as caught:
            cosign(tmp_path / "first", state, TIME)
        assert said["key"] not in f"{caught.value!r}{caught.value.__cause__!r}"


def test_what_was_answered_is_remembered_even_if_the_answer_was_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off right after the state is written: the witness will not go back behind it."""
    state, _ = begun(tmp_path)
    grown = log_of(tmp_path / "grown", 400)

    class Cut(Exception):
        pass

    def cut(path: Path, content: bytes, mode: int) -> None:
        write_whole(path, content, mode)
        raise Cut

    with monkeypatch.context() as patched:
        patched.setattr("ledger.witnessing.witness.write_whole", cut)
        with pytest.raises(Cut):
            cosign(grown, state, TIME)
    with pytest.raises(ProofError, match="shrank"):
        cosign(tmp_path / "first", state, TIME)
    assert cosign(grown, state, TIME).before == 400


def test_a_zip_is_a_bundle_too(tmp_path: Path) -> None:
    packed = shutil.make_archive(str(tmp_path / "b"), "zip", log_of(tmp_path / "log", 20))
    assert cosign(Path(packed), tmp_path / "state", TIME, NAME, LOG.vkey).size == 20
    (tmp_path / "no.zip").write_bytes(b"nothing")
    for wrong in (tmp_path / "no.zip", tmp_path / "none"):
        with pytest.raises(Misuse):
            cosign(wrong, tmp_path / "state", TIME)


def test_a_known_witness_s_line_stands_below_the_log_s_and_the_signed_copy_stays(
    tmp_path: Path,
) -> None:
    state, made = begun(tmp_path)
    log = tmp_path / "first"
    signed = (log / "checkpoints/300").read_bytes()
    with pytest.raises(Misuse, match="no witness is known"):
        add_cosignatures(log, made.note)
    stranger = cosign(log, tmp_path / "other", TIME, "other/w1", LOG.vkey)
    policy = format_policy([LOG.vkey], [made.vkey], 1)
    (log / "policy.txt").write_bytes(policy)
    with pytest.raises(BadData, match="no line"):
        add_cosignatures(log, stranger.note)
    added = add_cosignatures(log, made.note)
    assert (added.size, added.witnesses, added.is_head) == (300, (NAME,), True)
    assert (log / "checkpoints/300").read_bytes() == signed
    checked = parse_policy(policy)
    checked.demand(open_note((log / "checkpoint").read_bytes(), checked.keys))
    # A second witness joins, the first comes again: one line each.
    add_cosignatures(log, stranger.note, [stranger.vkey])
    later = cosign(log, state, TIME + 60)
    assert add_cosignatures(log, later.note, [stranger.vkey]).witnesses == (NAME, "other/w1")
    keys = [VerifyKey.parse(LOG.vkey), *map(WitnessKey.parse, (made.vkey, stranger.vkey))]
    opened = open_note((log / "checkpoint").read_bytes(), keys)
    assert [one.name for one in opened.verified] == [LOG.name, NAME, "other/w1"]
    assert cosigned_at(opened.verified[1]) == TIME + 60


def test_a_line_for_an_older_head_is_kept_beside_and_one_for_a_foreign_head_is_refused(
    tmp_path: Path,
) -> None:
    _, made = begun(tmp_path)
    log = log_of(tmp_path / "log", 300, 400)
    head = (log / "checkpoint").read_bytes()
    assert not add_cosignatures(log, made.note, [made.vkey]).is_head
    assert (log / "checkpoint").read_bytes() == head
    assert (log / "cosigned/300").read_bytes() == made.note
    fork = log_of(tmp_path / "fork", 300)
    (fork / "checkpoint").write_bytes(signed_head(300, sha256(b"another").digest()))
    forked = cosign(fork, tmp_path / "other", TIME, NAME, LOG.vkey)
    with pytest.raises(BadData, match="not a checkpoint that the log shows"):
        add_cosignatures(log, forked.note, [forked.vkey])
    (log / "checkpoints/300").unlink()
    with pytest.raises(BadData, match="not a checkpoint that the log shows"):
        add_cosignatures(log, made.note, [made.vkey])
    with pytest.raises(BadData, match="its own witness"):
        own = WitnessKey(NAME, VerifyKey.parse(LOG.vkey).public)
        add_cosignatures(log, made.note, [own.vkey])
