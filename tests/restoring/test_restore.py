"""After the loss of a disk: what comes back, is erased again, is lost, is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
import sqlalchemy as sa

from ledger import entry, log_keys
from ledger.archive_key import ArchiveKey
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.erasing import prune
from ledger.erasing.journal import NAME
from ledger.errors import BadData, Broken, Misuse, ProbantError, Tampered
from ledger.events import AccountOpened, ContactedUs, OrderPlaced
from ledger.evidence.export import Wanted, export
from ledger.fields import Unreadable
from ledger.handlers import publish, record
from ledger.opening import create, open_ledger
from ledger.policy.book import shipped_bytes
from ledger.restoring.restore import restore
from ledger.retention.run import run
from ledger.rotating import rotate
from ledger.seal import tiles
from ledger.seal.checkpoint import format_checkpoint, open_checkpoint
from ledger.seal.note import NoteError, VerifyKey, sign
from ledger.sealing.sealer import export_entries
from ledger.sealing.signer import Signer
from ledger.store import dump, pruning, tables, verify
from replay import verify as verifier
from tests.erasure.canaries import CANARIES, REAL, in_files, in_tables
from tests.restoring.room import Room
from tests.rotation import epochs_in_use
from tests.sealing.room import orders


def tables_hold(room: Room, needle: bytes) -> bool:
    """Whether any column of any table holds these bytes."""
    with room.ledger.database.read() as connection:
        return any(
            needle in bytes(value)
            for table in tables.metadata.sorted_tables
            for row in connection.execute(sa.select(table))
            for value in row
            if isinstance(value, bytes | memoryview)
        )


def test_what_left_the_house_comes_back_byte_for_byte(room: Room):
    hers, _ = room.told("anna", "mine")
    room.seal()
    head = room.backup().about.position
    room.clock.advance(days=1)
    orders(room.ledger, 300)
    late, _ = room.told("bert", "late")
    more, _ = room.told("anna", "more")
    sealed = room.seal()
    before = room.events()
    orders(room.ledger, 5, "never exported")
    room.lose()
    done = room.restore()
    assert (done.backup_head, done.last_checkpoint) == (head, sealed)
    assert (done.put_back, done.lost, done.position) == (sealed - head, 2, sealed + 1)
    assert done.unnamed == 301  # nobody finds them by a reference any more
    assert room.events(sealed) == before
    assert room.reads(hers) == {"text": "mine"}
    assert room.reads(late) is room.reads(more) is Unreadable.LOST
    [(_, said)] = room.facts("ledger.restored.v1")
    assert entry.read(bytes(said))["meta"]["lost_parts"] == [[late, more]]
    room.assert_sound()
    again, _ = room.told("anna", "back")  # her key and her name came with the backup
    assert room.reads(again) == {"text": "back"}
    room.assert_sound()


def test_a_stranger_finds_nothing_and_the_lost_are_lost(room: Room, tmp_path: Path):
    room.told("anna", "mine")
    room.seal()
    room.backup()
    room.told("bert", "late")
    room.seal()
    kept = (room.log / "checkpoint").read_bytes()
    room.lose()
    room.restore()
    room.seal()
    export(room.ledger, room.log, tmp_path / "bundle", Wanted("whole"))
    (tmp_path / "kept").write_bytes(kept)
    key = room.signer.signer.key
    anchors = f'origin = "{key.name}"\nlog = ["{key.vkey}"]\ncheckpoints = ["kept"]\n'
    (tmp_path / "anchors.toml").write_text(anchors)
    trust = verifier.Trust.load(tmp_path / "anchors.toml")
    report = verifier.verify(tmp_path / "bundle", trust, "en")
    assert report.ok, list(report.lines())
    assert [report.status(check) for check in (4, 5, 6, 8, 11)] == ["passed"] * 5
    # The same bundle is not accepted without the fact that names what was lost (rule R3).
    for path in (tmp_path / "bundle" / "envelopes").iterdir():
        path.unlink()
        assert not verifier.verify(tmp_path / "bundle", trust, "en").ok
        break


def test_the_erased_is_erased_before_anybody_looks(room: Room, tmp_path: Path):
    now = moment_of_instant(room.clock.now())
    fact = ContactedUs(occurred=now, channel="form", text=CANARIES["text"], email=CANARIES["email"])
    done = record(room.ledger, Record(fact, Reference("shop", CANARIES["customer"])))
    assert done.subject is not None
    other, _ = room.told("bert", "his")
    [key] = room.rows(tables.keys, tables.keys.c.subject == done.subject)
    [part] = room.rows(tables.sealed, tables.sealed.c.position == done.position)
    room.seal()
    room.backup()
    assert tables_hold(room, bytes(key.wrapped)) and tables_hold(room, bytes(part.envelope))
    room.clock.advance(days=1)
    room.erase(done.subject)
    room.seal()
    room.lose()
    made = restore(room.places(), clock=room.clock)
    assert made.erased == 1
    keyring = room.home / "keyring.json"
    room.ledger = open_ledger(room.place.url, keyring, clock=room.clock)  # no journal: as it is
    assert room.reads(done.position) is Unreadable.ERASED
    assert room.reads(other) == {"text": "his"}
    with room.ledger.database.read() as connection:
        assert in_tables(connection, REAL) == {}
    for forgotten in (bytes(key.wrapped), bytes(part.envelope)):
        assert not tables_hold(room, forgotten)
    subjects = tables.lookups.c.subject == done.subject
    assert room.rows(tables.lookups, subjects) == []
    assert [row.reason for row in room.rows(tables.suppressions)] == ["erased"]
    room.assert_sound()
    room.ledger.close()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert in_files(files, REAL) == {}
    for path in tmp_path.glob("scratch.sqlite*"):
        for forgotten in (bytes(key.wrapped), bytes(part.envelope)):
            assert forgotten not in path.read_bytes()
    room.open()


def test_an_erasure_that_was_never_exported_happens_again(room: Room):
    hers, anna = room.told("anna", "mine")
    room.seal()
    room.backup()
    room.erase(anna)
    room.lose()
    assert room.restore().erased == 1
    assert room.reads(hers) is Unreadable.ERASED
    assert len(room.facts("customer.class_erased.v1")) == 1
    room.assert_sound()


def test_what_was_pruned_is_pruned_again(room: Room):
    _, anna = room.told("anna", "mine")
    his, _ = room.told("bert", "his")
    room.seal()
    room.backup()
    after, _ = room.told("anna", "more")
    room.erase(anna)
    done = prune.prune(room.ledger, room.journal)
    assert done.entries
    room.seal()
    export_entries(room.ledger.database, room.log, pruning.named(room.ledger.database))
    before = room.events()
    assert not before[after - 1].entry
    room.lose()
    made = room.restore()
    assert made.pruned == done.entries - 1  # one was behind the backup, and came back empty
    assert room.events(len(before)) == before
    assert [row.position for row in room.rows(tables.sealed)] == [his]
    room.assert_sound(pruned=True)


@pytest.mark.parametrize("kept", [True, False], ids=["journal", "older journal"])
def test_what_was_pruned_is_counted_as_before(room: Room, kept: bool):
    """By class and day, of what the backup had and of what came and went after it. A journal of
    before such counts leaves what the backup brought back; the total is true all the same."""
    for who in ("anna", "bert"):
        for n in range(6):
            room.told(who, f"before {n}")
    anna, bert = (room.told(who, "last")[1] for who in ("anna", "bert"))
    room.erase(anna)
    prune.prune(room.ledger, room.journal)
    room.seal()
    room.backup()
    for n in range(7):
        room.told("bert", f"after {n}")
        room.told("carl", f"all of it {n}")
    carl = room.told("carl", "the last")[1]
    for gone in (bert, carl):
        room.erase(gone)
    prune.prune(room.ledger, room.journal)
    room.seal()
    export_entries(room.ledger.database, room.log, pruning.named(room.ledger.database))
    before, days = room.unreadable(), room.rows(tables.pruned_days)
    assert (before["erased"], before["classes"]["contact"]) == (3, {"pruned": 8 + 15 + 9})
    room.lose()
    file = room.journal / "erasures.ndjson"
    if not kept:
        lines = file.read_bytes().splitlines(keepends=True)
        file.write_bytes(b"".join(one for one in lines if b'"pruned"' not in one))
    room.restore()
    after = room.unreadable()
    if kept:
        assert (after, room.rows(tables.pruned_days)) == (before, days)
    else:
        assert (after["erased"], after["pruned"]) == (before["erased"], before["pruned"])
        assert after["classes"]["contact"] == {"pruned": 8 + 8}
    room.assert_sound(pruned=True)


def test_an_entry_that_is_missing_for_no_reason_is_refused(room: Room):
    room.told("anna", "mine")
    room.backup()
    at, _ = room.told("bert", "his")
    room.seal()
    [bundle] = (path for path in (room.log / "tile" / "entries").rglob("*") if path.is_file())
    entries = tiles.parse_entries(bundle.read_bytes(), at)
    bundle.write_bytes(tiles.format_entries([*entries[:-1], b""]))
    room.lose()
    with pytest.raises(Tampered, match="no prune names it"):
        room.restore()
    with pytest.raises(Misuse, match="not restored to the end"):
        room.open()
    bundle.write_bytes(tiles.format_entries([*entries[:-1], entries[-1][:-1] + b" "]))
    room.place.wipe()
    with pytest.raises(Tampered, match="altered"):
        room.restore()
    bundle.unlink()
    with pytest.raises(Broken, match="is missing"):
        room.restore()
    bundle.write_bytes(tiles.format_entries(entries))
    room.restore()
    room.assert_sound()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_bundle_brings_ciphertexts_too(room: Room, tmp_path: Path, zipped: bool):
    room.told("anna", "mine")
    room.backup()
    more, _ = room.told("anna", "more")
    late, _ = room.told("bert", "late")
    room.seal()
    bundle = tmp_path / "bundle"
    export(room.ledger, room.log, bundle, Wanted("whole"))
    if zipped:
        with ZipFile(tmp_path / "bundle.zip", "w") as made:
            for path in bundle.rglob("*"):
                if path.is_file():
                    made.write(path, path.relative_to(bundle).as_posix())
        bundle = tmp_path / "bundle.zip"
    shutil.rmtree(room.log)
    room.lose()
    assert room.restore(entries=bundle).lost == 1
    assert room.reads(more) == {"text": "more"}
    assert room.reads(late) is Unreadable.LOST  # its key was on the disk only
    room.assert_sound()  # the tiles of the log are made again


def test_a_policy_that_was_published_since_is_asked_for(room: Room):
    room.told("anna", "mine")
    room.backup()
    edition = shipped_bytes().replace(b"2018-11-20", b"2018-11-21")
    publish(room.ledger, edition, actor="agent")
    room.seal()
    room.lose()
    with pytest.raises(Tampered, match="policies/") as caught:
        room.restore()
    path = room.log / str(caught.value).split(" as ")[1].split(" ")[0]
    path.parent.mkdir()
    path.write_bytes(edition)
    room.restore()
    assert len(room.ledger.book(room.ledger.epoch()).entries) == 2
    room.assert_sound()


def test_what_was_archived_since_is_archived_again(room: Room):
    recipient = ArchiveKey.generate().recipient
    now = moment_of_instant(room.clock.now())
    anna = Reference("shop", "anna")
    record(room.ledger, Record(OrderPlaced(occurred=now), anna))
    at = record(room.ledger, Record(AccountOpened(occurred=now, name="Élise"), anna)).position
    room.backup()
    room.clock.advance(days=365 * 6)
    assert run(room.ledger, recipient, room.journal).archived
    assert room.reads(at) is Unreadable.ARCHIVED
    room.seal()
    room.lose()
    with pytest.raises(Misuse, match=r"archive\.pub"):
        room.restore()
    (room.home / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    with pytest.raises(Misuse, match="another archive key"):
        room.restore()
    (room.home / "archive.pub").write_bytes(recipient.to_bytes())
    assert room.restore().archived
    assert room.reads(at) is Unreadable.ARCHIVED
    room.assert_sound()


def test_keys_come_back_under_the_living_key(room: Room):
    hers, _ = room.told("anna", "mine")
    room.backup()
    rotate(room.ledger, 35)
    room.seal()
    room.lose()
    assert room.restore().rewrapped == 1
    assert epochs_in_use(room.ledger) == {2: 1}
    assert room.reads(hers) == {"text": "mine"}
    room.assert_sound()


def test_a_backup_past_its_horizon_is_refused(room: Room):
    room.told("anna", "mine")
    room.backup()
    rotate(room.ledger, 35)
    room.clock.advance(days=36)
    rotate(room.ledger, 35)
    room.lose()
    with pytest.raises(Misuse, match="older than the horizon"):
        room.restore()
    assert dump.standing(room.place.url).is_empty


def test_a_backup_younger_than_the_exported_log(room: Room):
    room.told("anna", "mine")
    sealed = room.seal()
    room.told("bert", "his")
    head = room.backup().about.position
    room.lose()
    done = room.restore()
    assert (done.backup_head, done.last_checkpoint, done.put_back) == (head, sealed, 0)
    assert (done.lost, done.position) == (0, head + 1)
    room.assert_sound()


@pytest.mark.parametrize("rotations", [1, 2])
def test_a_log_signed_by_a_key_replaced_since_is_accepted_on_proof(
    room: Room, tmp_path: Path, rotations: int
):
    """An old copy of the log, its key retired: the proofs of the log as it is now lead back to it.
    Without them, or when they are another's, it is signed by nobody we know."""
    hers, _ = room.told("anna", "mine")
    room.seal()
    old = tmp_path / "old"
    shutil.copytree(room.log, old)
    for _ in range(rotations):
        log_keys.rotate(room.ledger, room.signer, room.sealer())
        log_keys.retire(room.ledger, room.signer, room.sealer())
    room.told("bert", "his")
    last = room.ledger.recorder.head().position
    room.backup()
    room.lose()
    signed = room.signer.state()
    with pytest.raises(NoteError):
        room.restore(entries=old, log=None)
    with pytest.raises(NoteError):
        room.restore(entries=old, log=old)
    forged = tmp_path / "forged"
    shutil.copytree(room.log / "keys", forged / "keys")
    for proof in (forged / "keys").glob("*.tlog-proof"):
        proof.write_bytes(proof.read_bytes().replace(b"example.org/restored\n", b"a.org/b\n", 1))
    with pytest.raises(BadData):
        room.restore(entries=old, log=forged)
    assert room.restore(entries=old, log=room.log, signed=signed).position == last + 1
    assert room.reads(hers) == {"text": "mine"}
    assert verify.verify(room.ledger.database).ok
    assert room.seal() == last + 1  # the signer finds an extension of what it signed


def test_a_retired_key_signs_nothing_after_its_time(room: Room, tmp_path: Path):
    """Whoever kept a copy of the old key signs a larger log with it: that is no log of ours."""
    room.told("anna", "mine")
    room.seal()
    thief = tmp_path / "thief"
    shutil.copytree(room.home / "signer", thief)
    log_keys.rotate(room.ledger, room.signer, room.sealer())
    log_keys.retire(room.ledger, room.signer, room.sealer())
    room.told("bert", "his")
    room.seal()
    head = open_checkpoint(
        (room.log / "checkpoint").read_bytes(), [VerifyKey.parse(room.signer.signer.key.vkey)]
    )
    text = format_checkpoint(head.checkpoint)
    (room.log / "checkpoint").write_bytes(sign(text, Signer(thief).key))
    room.backup()
    room.lose()
    with pytest.raises(NoteError):
        room.restore(log=room.log)


def test_without_the_log_only_what_the_signer_knows_will_do(room: Room):
    room.told("anna", "mine")
    room.seal()
    room.backup()
    room.lose()
    with pytest.raises(Misuse, match="name the exported log"):
        room.restore(entries=None, signed=None)
    shutil.rmtree(room.log)
    room.restore(entries=None)  # the signer signed nothing that the backup does not hold
    room.assert_sound()
    room.told("bert", "late")
    room.seal()
    room.lose()
    with pytest.raises(Misuse, match="the signer signed"):
        room.restore(entries=None)
    assert dump.standing(room.place.url).is_empty


def test_another_history_is_not_restored(room: Room, tmp_path: Path):
    """The backup is of a fork: same origin, other events."""
    room.told("anna", "mine")
    room.backup()
    room.lose()
    room.ledger = create(room.place.url, room.home / "keyring.json", clock=room.clock)
    room.told("anna", "other")
    room.seal()
    room.lose()
    with pytest.raises(Tampered, match="differ at position"):
        room.restore()
    with pytest.raises(Misuse, match="not restored to the end"):
        room.open()
    with pytest.raises(Misuse, match="not restored to the end"):
        create(room.place.url, room.home / "keyring.json")
    room.place.wipe()
    with pytest.raises(Tampered, match="signer signed another tree"):
        room.restore(entries=None)


def _tile(room: Room) -> None:
    [path] = (p for p in (room.log / "tile" / "0").rglob("*") if p.is_file())
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def _checkpoint(room: Room) -> None:
    path = room.log / "checkpoint"
    path.write_bytes(path.read_bytes().replace(b"example.org", b"example.com"))


def _no_log(room: Room) -> None:
    (room.log / "checkpoint").unlink()


def _journal(room: Room) -> None:
    (room.journal / NAME).unlink()


def _cut_journal(room: Room) -> None:
    path = room.journal / NAME
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:2]))


def _other_keyring(room: Room) -> None:
    (room.home / "keyring.json").unlink()
    create("sqlite:///" + str(room.home / "x.sqlite"), room.home / "keyring.json").close()


@pytest.mark.parametrize(
    ("harm", "raises", "starts"),
    [
        (_tile, Tampered, False),
        (_checkpoint, BadData, False),
        (_no_log, Misuse, False),
        (_journal, Broken, False),
        (_cut_journal, Broken, True),
        (_other_keyring, Misuse, False),
    ],
)
def test_what_is_not_whole_ends_it_before_anything_is_served(
    room: Room, harm: Callable[[Room], None], raises: type[ProbantError], starts: bool
):
    _, bert = room.told("bert", "his")
    hers, anna = room.told("anna", "mine")
    room.erase(bert)
    room.backup()
    room.erase(anna)
    room.seal()
    room.lose()
    shutil.copytree(room.home, kept := room.home.with_name(f"{room.home.name}-kept"))
    harm(room)
    with pytest.raises(raises):
        room.restore()
    assert dump.standing(room.place.url).is_empty is not starts
    with pytest.raises((Misuse, Broken)):
        room.open()
    for name in ("log", "journal", "keyring.json"):
        source, target = kept / name, room.home / name
        if source.is_dir():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)
        else:
            shutil.copy(source, target)
    room.restore()
    assert room.reads(hers) is Unreadable.ERASED
    room.assert_sound()


def test_only_an_empty_place_will_do(room: Room):
    room.told("anna", "mine")
    room.backup()
    before = room.events()
    with pytest.raises(Misuse, match="not empty"):
        restore(room.places(entries=None), clock=room.clock)
    assert room.events() == before
    kind = "postgresql+psycopg2://nowhere/x" if "sqlite" in room.place.url else "sqlite:///x"
    with pytest.raises(Misuse, match="backup of a"):
        restore(room.places(url=kind), clock=room.clock)
    if "sqlite" in room.place.url:
        room.lose()
        file = Path(room.place.url.removeprefix("sqlite:///"))
        left = file.with_name(f"{file.name}-wal")
        left.write_bytes(b"of the old one")
        with pytest.raises(Misuse, match="lies beside"):
            restore(room.places(entries=None), clock=room.clock)
        left.unlink()
        with pytest.raises(Misuse, match="in memory"):
            restore(room.places(url="sqlite://", entries=None), clock=room.clock)
        room.restore(entries=None)


def test_another_backup_does_not_finish_it(room: Room):
    room.told("anna", "mine")
    about = room.backup().about
    room.told("bert", "his")
    room.backup("later")
    room.lose()
    dump.load(room.place.url, room.home / "backup", about)
    with pytest.raises(Misuse, match="another backup"):
        room.restore(backup=room.home / "later", entries=None)
    room.restore(entries=None)


def test_twice_lost_is_twice_restored(room: Room):
    room.told("anna", "mine")
    room.backup()
    first, _ = room.told("bert", "late")
    room.seal()
    room.lose()
    room.restore()
    room.seal()
    second, _ = room.told("carl", "later")
    room.seal()
    room.lose()
    done: Any = room.restore()
    assert done.lost == 2
    assert room.reads(first) is room.reads(second) is Unreadable.LOST
    assert len(room.facts("ledger.restored.v1")) == 2
    room.assert_sound()
