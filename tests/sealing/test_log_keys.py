"""The log's signing key is replaced: both sign for a while, everybody follows, any crash heals."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from ledger import log_keys
from ledger.application import Ledger
from ledger.errors import BadData, Misuse
from ledger.evidence.export import Wanted, export
from ledger.opening import create
from ledger.seal.merkle import ProofError
from ledger.seal.note import NoteError, SigningKey, VerifyKey, add_lines, open_note, sign
from ledger.seal.succession import ADDED, RETIRED, open_handover
from ledger.sealing import keys, receipt
from ledger.sealing import signer as signing
from ledger.sealing.sealer import Sealer
from ledger.sealing.signer import Signer, answer
from ledger.store import log
from ledger.witnessing.witness import cosign
from replay.verify import Trust, verify
from tests.clock import StepClock
from tests.go.building import GoVerifier
from tests.sealing.room import Here, check_log, orders

ORIGIN = "example.org/sealed"


class Room(NamedTuple):
    """A ledger with a signer, and the folder it is sealed into."""

    ledger: Ledger
    home: Path
    folder: Path

    @property
    def signer(self) -> Signer:
        return Signer(self.home)

    def run(self, step: Any, signer: Any = None) -> log_keys.Rotated:
        here = signer or Here(self.signer)
        done: log_keys.Rotated = step(
            self.ledger, here, Sealer(self.ledger.database, ORIGIN, here, self.folder)
        )
        return done

    def seal(self) -> None:
        Sealer(self.ledger.database, ORIGIN, Here(self.signer), self.folder).round()

    def bundle(self, name: str, **wanted: Any) -> Path:
        place = self.folder.parent / name
        export(self.ledger, self.folder, place, Wanted(**{"kind": "whole", **wanted}))
        return place

    def signers(self, size: int | str) -> int:
        raw = (self.folder / ("checkpoint" if size == "" else f"checkpoints/{size}")).read_bytes()
        return raw.count("\n— ".encode())


@pytest.fixture
def room(tmp_path: Path, clock: StepClock) -> Iterator[Room]:
    ledger = create("sqlite://", clock=clock, origin=ORIGIN)
    Signer.create(tmp_path / "signer", ORIGIN)
    made = Room(ledger, tmp_path / "signer", tmp_path / "log")
    orders(ledger, 20)
    made.seal()
    yield made
    ledger.close()


def judged(bundle: Path, *vkeys: str, receipt: Path | None = None, kept: Path | None = None) -> Any:
    """What an auditor who pins these keys says."""
    lines = f'origin = "{ORIGIN}"\nlog = {list(vkeys)}\n'
    lines += f'checkpoints = ["{kept}"]\n' if kept else ""
    file = bundle.parent / "anchors.toml"
    file.write_text(lines.replace("'", '"'), "utf-8")
    return verify(bundle, Trust.load(file), receipts=[receipt] if receipt else [])


def test_both_keys_sign_for_a_while_and_then_the_new_one_alone(
    room: Room, go_verifier: GoVerifier
) -> None:
    old = room.signer.key.vkey
    orders(room.ledger, 5, "late")
    done = room.run(log_keys.rotate)
    assert (done.old, room.signers("")) == (old, 2)
    assert room.signers(done.position - 1) == 1  # both from the first checkpoint that covers it
    orders(room.ledger, 300, "more")
    room.seal()
    assert (room.folder / keys.LOG_KEYS).read_text() == f"{old}\n{done.new}\n"
    for pinned in ((old,), (old, done.new)):
        check_log(room.ledger, room.folder, *pinned[:1], go_verifier, *pinned[1:])
    ended = room.run(log_keys.retire)
    assert (ended.old, ended.new, room.signer.key.vkey) == (old, done.new, done.new)
    orders(room.ledger, 3, "after")
    room.seal()
    assert room.signers("") == 1
    check_log(room.ledger, room.folder, old, go_verifier, done.new)
    assert not go_verifier.verify(room.folder, old).accepted
    history = f"{old} 1 {ended.position - 1}\n{done.new} {done.position} -\n"
    assert (room.folder / keys.HISTORY).read_text() == history
    assert not (room.home / "next.key").exists()
    assert old not in (room.home / "log.key").read_text()
    assert log_keys.retire(
        room.ledger,
        Here(room.signer),
        Sealer(room.ledger.database, ORIGIN, Here(room.signer), room.folder),
    ) == ended._replace(size=room.signer.last[0])  # again: nothing more to do


def test_whoever_pinned_either_key_follows(room: Room, tmp_path: Path) -> None:
    """The old key leads to the new one, the new one back; a stranger's leads nowhere."""
    old = room.signer.key.vkey
    kept = tmp_path / "kept"
    kept.write_bytes((room.folder / "checkpoint").read_bytes())
    before = room.bundle("before")
    done = room.run(log_keys.rotate)
    during = room.bundle("during")
    orders(room.ledger, 3, "more")
    room.run(log_keys.retire)
    third = room.run(log_keys.rotate)
    orders(room.ledger, 3, "late")
    room.run(log_keys.retire)
    after = room.bundle("after")
    for bundle, pinned in (
        *((before, (old,)), (during, (old,)), (during, (old, done.new)), (after, (old,))),
        *((after, (done.new,)), (after, (third.new,)), (after, (old, done.new, third.new))),
    ):
        report = judged(bundle, *pinned)
        assert report.ok, (bundle, list(report.lines()))
    assert judged(after, old, kept=kept).ok
    stranger = SigningKey.generate(ORIGIN)
    assert not judged(after, stranger.vkey).ok
    report = judged(room.bundle("redacted", kind="redacted"), old)  # the proofs are enough
    assert report.status(1) == report.status(6) == "passed", list(report.lines())
    for gone in ("tlog-proof", "entry"):
        bundle = shutil.copytree(after, tmp_path / f"without-{gone}")
        for file in (bundle / "keys").glob(f"*.{gone}"):
            file.unlink()
        assert judged(bundle, old).status(1) == "failed"


def test_a_line_under_a_checkpoint_makes_no_key(room: Room, tmp_path: Path) -> None:
    """Anybody can sign what the log signed: nobody follows, with or without a false history."""
    old, thief = room.signer.key.vkey, SigningKey.generate(ORIGIN)
    state = tmp_path / "dpo.state"
    cosign(room.bundle("seen"), state, 1, "dpo.example.org", old)
    orders(room.ledger, 4, "more")
    room.seal()
    bundle = room.bundle("b")
    raw = (bundle / "checkpoint").read_bytes()
    text = raw.partition(b"\n\n")[0].decode() + "\n"
    (line,) = open_note(sign(text, thief), [thief.public]).verified
    (bundle / "checkpoint").write_bytes(add_lines(raw, line.line))
    (bundle / keys.HISTORY).write_text(f"{old} 1 -\n{thief.vkey} 2 -\n")
    index = "1"
    proof = bundle / "keys" / f"{index}.tlog-proof"
    proof.write_bytes(b"c2sp.org/tlog-proof@v1\nindex 1\n\n" + add_lines(raw, line.line))
    (bundle / "keys" / f"{index}.entry").write_bytes(b"{}")
    assert judged(bundle, old).status(1) == "failed"
    with pytest.raises(ProofError):
        cosign(bundle, state, 2)
    (bundle / "checkpoint").write_bytes(sign(text, thief))
    proof.unlink()
    with pytest.raises(NoteError):
        cosign(bundle, state, 2)


def test_a_witness_follows_even_if_it_missed_the_overlap(room: Room, tmp_path: Path) -> None:
    old, state = room.signer.key.vkey, tmp_path / "dpo.state"
    cosign(room.bundle("first"), state, 1, "dpo.example.org", old)
    away = shutil.copy(state, tmp_path / "away.state")
    second = room.run(log_keys.rotate)
    assert cosign(room.bundle("overlap"), state, 2).size == second.size
    orders(room.ledger, 3, "more")
    room.run(log_keys.retire)
    third = room.run(log_keys.rotate)
    room.run(log_keys.retire)
    late = room.bundle("late")
    for one in (state, Path(away)):
        assert cosign(late, one, 3).size == room.signer.last[0]
        assert third.new in one.read_text()
        assert old not in one.read_text()  # worth nothing here any more
    before = room.signer.last[0]
    orders(room.ledger, 3, "after")
    room.seal()
    assert cosign(room.bundle("after"), state, 4).before == before


def test_an_end_is_kept_to(room: Room, tmp_path: Path) -> None:
    """A copy of the old private half survived: what it signs for sizes after its end is nothing."""
    thief = room.signer.key
    old = thief.vkey
    done = room.run(log_keys.rotate)
    ended = room.run(log_keys.retire)
    orders(room.ledger, 3, "after")
    room.seal()
    bundle = room.bundle("b")
    raw = (bundle / "checkpoint").read_bytes()
    text = raw.partition(b"\n\n")[0].decode() + "\n"
    (bundle / "checkpoint").write_bytes(sign(text, thief))
    assert judged(bundle, old, done.new).status(1) == "failed"
    for file in (bundle / "keys").iterdir():
        file.unlink()  # the log's own entries say it too
    assert judged(bundle, old).status(1) == "failed"
    # Receipts: of its time, yes; of a position after its end, no.
    (bundle / "checkpoint").write_bytes(raw)
    again = room.bundle("again")
    (row,) = next(log.leaves(room.ledger.database, 5, 5))
    for position, good in ((5, True), (ended.position + 1, False)):
        (row,) = next(log.leaves(room.ledger.database, position, position))
        text = receipt.text_of(ORIGIN, position, *hashes(row), 1_767_603_600_000_000)
        file = tmp_path / f"{position}.receipt"
        file.write_bytes(sign(text, thief.named(f"{ORIGIN}/receipt")))
        assert (judged(again, old, receipt=file).status(12) == "passed") is good


def hashes(row: log.Leaf) -> tuple[bytes, bytes]:
    return sha256(row.entry).digest(), row.leaf


def test_statements_bear_every_key_of_the_moment(room: Room) -> None:
    row = next(log.leaves(room.ledger.database, 3, 3))[0]
    text = receipt.text_of(ORIGIN, 3, *hashes(row), 1_767_603_600_000_000)
    old = room.signer.key.public
    done = room.run(log_keys.rotate)
    new = VerifyKey.parse(done.new)
    both = room.signer.statement(text)
    for key in (old, new):
        open_note(both, [key.named(f"{ORIGIN}/receipt")])
    room.run(log_keys.retire)
    alone = room.signer.statement(text)
    open_note(alone, [new.named(f"{ORIGIN}/receipt")])
    with pytest.raises(NoteError):
        open_note(alone, [old.named(f"{ORIGIN}/receipt")])


# --- crashes --------------------------------------------------------------------------------------


class Cut(Exception):
    """Somebody pulled the plug."""


STEPS = {
    "rotate": (log_keys.rotate, ("prepare_key", "act", "begin_key", "checkpoint", "show")),
    "retire": (log_keys.retire, ("act", "retire_key", "checkpoint", "show", "promote")),
}


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize(("name", "step"), [(n, s) for n, (_, some) in STEPS.items() for s in some])
def test_cut_at_any_step_it_is_completed_by_running_it_again(
    name: str, step: str, done: bool, room: Room, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Not done; or done and reported as failed. In between the log is sound for whoever pinned the
    old key; afterwards history says each thing once."""
    old = room.signer.key.vkey
    if name == "retire":
        room.run(log_keys.rotate)
    orders(room.ledger, 2, "more")
    here: Any = Here(room.signer)
    with monkeypatch.context() as patch:
        target, label = {
            "act": (log_keys, "act"),
            "show": (keys, "show"),
            "promote": (signing, "promote"),
        }.get(step, (here, step))
        real, left = getattr(target, label), [2 if step in ("checkpoint", "show") else 1]

        def cut(*arguments: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] and step == "checkpoint":
                return real(*arguments, **more)
            if done:
                real(*arguments, **more)
            raise Cut

        patch.setattr(target, label, cut)
        with pytest.raises(Cut):
            room.run(STEPS[name][0], here)
    assert judged(room.bundle("between"), old).ok
    orders(room.ledger, 2, "on")
    room.seal()
    finished = room.run(STEPS[name][0])
    facts = keys.told(room.ledger.database, finished.size)
    assert {(kind, vkey) for kind, vkey in facts} == {
        (ADDED, finished.new),
        *([(RETIRED, old)] if name == "retire" else []),
    }
    said = log.said(room.ledger.database, (ADDED, RETIRED), finished.size)
    assert len(said) == len(facts)
    assert judged(room.bundle("afterwards"), old).ok
    assert (room.signer.next is None) is (name == "retire")


def test_a_lost_folder_shows_its_keys_and_their_proofs_again(room: Room) -> None:
    old = room.signer.key.vkey
    room.run(log_keys.rotate)
    orders(room.ledger, 300, "more")
    room.run(log_keys.retire)
    before = {file.name: file.read_bytes() for file in (room.folder / "keys").iterdir()}
    shutil.rmtree(room.folder)
    room.seal()
    assert {file.name: file.read_bytes() for file in (room.folder / "keys").iterdir()} == before
    assert len(before) == 6
    assert old in before["history.txt"].decode()


# --- refusals -------------------------------------------------------------------------------------


def test_nothing_is_retired_before_a_checkpoint_shows_both(room: Room) -> None:
    with pytest.raises(Misuse, match="rotate"):
        room.run(log_keys.retire)
    signer = room.signer
    vkey = signer.prepare_key()
    assert signer.prepare_key() == Signer(room.home).prepare_key() == vkey
    with pytest.raises(Misuse, match="rotate"):
        room.run(log_keys.retire)
    for wish in (lambda: signer.retire_key(signer.key.vkey), lambda: signer.begin_key("x", 5)):
        with pytest.raises(Misuse):
            wish()
    signer.begin_key(vkey, 500)
    signer.begin_key(vkey, 500)
    with pytest.raises(BadData):
        signer.begin_key(vkey, 501)
    with pytest.raises(Misuse, match="both"):
        signer.retire_key(signer.key.vkey)
    with pytest.raises(Misuse, match="older"):
        signer.retire_key(vkey)
    for request in ({"ask": "begin-key", "vkey": vkey, "first": "1"}, {"ask": "retire-key"}):
        assert answer(signer, request)["error"] == "bad-data"


def test_a_handover_is_read_strictly(room: Room) -> None:
    old = room.signer.key.public
    done = room.run(log_keys.rotate)
    new, stem = VerifyKey.parse(done.new), room.folder / f"keys/{done.position - 1}"
    proof, entry = (Path(f"{stem}.{end}").read_bytes() for end in ("tlog-proof", "entry"))
    assert open_handover(proof, entry, ADDED, done.new, [old, new])[0] == done.position
    other = SigningKey.generate(ORIGIN).public
    for arguments in (
        (proof, entry, RETIRED, done.new, [old, new]),
        (proof, entry, ADDED, old.vkey, [old, new]),
        (proof, entry + b" ", ADDED, done.new, [old, new]),
        (proof, entry, ADDED, done.new, [old, new, other]),
        (proof, entry, ADDED, done.new, [other]),
    ):
        with pytest.raises(BadData):
            open_handover(*arguments)
