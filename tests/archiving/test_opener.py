"""The opener believes nobody: each thing that could be wrong is, once, and it opens nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from ledger.archive_key import ArchiveKey
from ledger.archiving import granting, opener
from ledger.archiving.opener import State, answer
from ledger.archiving.wire import Request
from ledger.entry import leaf_hash, read
from ledger.errors import BadData, Broken, Misuse, Refused, Tampered
from ledger.seal.merkle import ProofError
from ledger.seal.note import NoteError, SigningKey, VerifyKey
from ledger.seal.tiles import Tile
from ledger.store.archive import first_of
from tests.archiving.room import TEXT, Room, archive
from tests.contracts.props import somebody


def refused(room: Room, request: Request, said: str, **rules: Any) -> None:
    """It opens nothing, says why, and remembers nothing."""
    before = (room.folder / "state.json").read_bytes()
    with pytest.raises((BadData, Broken), match=said):
        room.opener(**rules).open(request)
    assert (room.folder / "state.json").read_bytes() == before


def test_what_is_proven_is_opened_and_no_key_is_handed_out(room: Room) -> None:
    request = room.asked()
    (part,) = room.opener().open(request)
    assert part["fields"] == {"text": TEXT}
    assert (part["kind"], part["position"]) == ("customer.contacted_us.v1", 4)
    assert set(part) == {"position", "kind", "occurred", "fields"}
    assert Request.parse(json.loads(json.dumps(request.to_json()))) == request


def test_a_checkpoint_of_another_key_proves_nothing(one: Room) -> None:
    request = one.asked()
    other = SigningKey(one.vkey.name, sha256(b"another").digest())
    with pytest.raises(NoteError):
        one.opener(log=(VerifyKey.parse(other.vkey),)).open(request)


def test_a_consultation_that_is_not_in_the_log_proves_nothing(one: Room) -> None:
    request = one.asked()
    forged = request.consultation.replace(b'"litigation"', b'"authority"')
    assert forged != request.consultation
    changes: tuple[dict[str, Any], ...] = (
        {"consultation": forged},
        {"consultation_proof": request.grant_proof},
        {"grant_proof": request.consultation_proof},
    )
    for changed in changes:
        with pytest.raises(ProofError):
            one.opener().open(request._replace(**changed))
    refused(one, request._replace(consultation=request.grant), "no consultation under a grant")


def test_both_must_be_proven_in_one_checkpoint(one: Room) -> None:
    request = one.asked()
    position = one.consult(one.grant())
    one.seal()
    later = one.request(position)
    refused(one, later._replace(grant=request.grant, grant_proof=request.grant_proof), "different")


def test_only_the_keys_that_the_consultation_names(one: Room) -> None:
    request = one.asked()
    other = somebody(one.ledger, "another", TEXT)
    archive(one.ledger, one.key, other)
    position = one.consult(one.grant(), subject=other)
    one.seal()
    foreign, mine = one.request(position), request.keys[0]
    for keys in ((), foreign.keys, (*request.keys, *foreign.keys), (mine, mine)):
        refused(one, request._replace(keys=keys), "the keys are not those")
    # Another's wrapped key under the id that was consulted: bound to her, it does not unwrap.
    stolen = foreign.keys[0]._replace(kid=mine.kid)
    refused(one, request._replace(keys=(stolen,)), "does not unwrap")
    for change in ({"scope": "x"}, {"generation": 2}):
        refused(one, request._replace(keys=(mine._replace(**change),)), "does not unwrap")
    refused(one, request._replace(parts=foreign.parts), "not of the record")
    # The service recorded one scope and the keys of another.
    meta = read(request.consultation)["meta"]
    opener._check_keys(meta | {"scope": mine.scope}, request, 5)
    with pytest.raises(Refused, match="not of the scope"):
        opener._check_keys(meta | {"scope": "elsewhere"}, request, 5)


def test_a_grant_of_another_reader_another_class_or_another_day(one: Room) -> None:
    """The service recorded none of these; the opener asks again all the same."""
    request = one.asked()
    position = one.consult(one.grant())
    foreign, order = one.grant(holder="s9"), one.grant(classes=("order",))
    one.seal()
    whole = one.request(position)
    meta, grant = read(whole.consultation)["meta"], read(whole.grant)
    now = one.clock.now()
    opener._check_grant(meta, grant, now)
    for given, said in ((foreign, "does not hold"), (order, "does not cover")):
        other = read(_entry(one, given))
        with pytest.raises(Refused, match="names another grant"):
            opener._check_grant(meta, other, now)
        with pytest.raises(Refused, match=said):
            opener._check_grant(meta | {"grant": str(given)}, other, now)
    one.clock.set("2026-02-02T00:00:00")
    refused(one, request, "too old")
    refused(one, request, "the grant has ended", hours=24 * 60)


def _entry(room: Room, stream: Any) -> bytes:
    found = first_of(room.ledger.database, stream)
    assert found is not None
    return found[1]


def test_a_revocation_in_the_checkpoint_is_seen_and_cannot_be_withheld(one: Room) -> None:
    grant = one.grant()
    position = one.consult(grant)
    one.seal()
    before = one.request(position)
    granting.revoke(one.ledger, grant, "dpo")
    assert one.opener().open(before)  # the limit: younger than the checkpoint shown
    one.seal()
    request = one.request(position)
    with pytest.raises(Refused, match="revoked"):
        one.opener().open(request)
    refused(one, before, "older than one the opener has seen")
    size = one.ledger.recorder.head().position
    bundle = one.folder / "log" / Tile(-1, 0, size).path
    whole = bundle.read_bytes()
    at = whole.rindex(b'{"at"')
    bundle.write_bytes(whole[: at - 2] + b"\0\0")  # as if it had been pruned
    refused(one, request, "no prune on record")
    bundle.write_bytes(whole.replace(b"access.revoked", b"access.granted"))
    refused(one, request, "not the one that was sealed")
    bundle.unlink()
    refused(one, request, "not as long")
    bundle.write_bytes(whole)
    tile = one.folder / "log" / Tile(0, 0, size).path
    forged = whole[at:].replace(b"access.revoked", b"access.granted")
    bundle.write_bytes(whole[:at] + forged)
    tile.write_bytes(tile.read_bytes()[:-32] + leaf_hash(forged))
    refused(one, request, "not those of the checkpoint")


def test_a_checkpoint_older_than_one_it_has_seen_is_stale(one: Room) -> None:
    request = one.asked()
    later = one.asked()
    one.opener().open(later)
    refused(one, request, "older than one the opener has seen")


def test_a_consultation_is_opened_again_for_minutes_only(one: Room) -> None:
    request = one.asked()
    assert one.opener().open(request)
    one.clock.advance(minutes=30)
    assert one.opener().open(request)  # a restart remembers when it was first opened
    one.clock.advance(minutes=1)
    refused(one, request, "its time is over")
    one.clock.set("2026-01-05T08:00:00")
    refused(one, request, "too old")


def test_a_consultation_is_opened_within_hours(one: Room) -> None:
    request = one.asked()
    one.clock.advance(hours=24, minutes=1)
    refused(one, request, "too old")


def test_many_keys_need_an_approver_who_is_not_the_reader(one: Room) -> None:
    for _ in range(2):  # two more generations
        somebody(one.ledger, "somebody", TEXT)
        archive(one.ledger, one.key, one.subject)
    grant = one.grant()
    alone, two = one.consult(grant), one.consult(grant, approver="dpo")
    one.seal()
    refused(one, one.request(alone), "more than 2 keys", many=2)
    assert len(one.opener(many=2).open(one.request(two))) == 3
    assert len(one.opener(many=3).open(one.request(alone))) == 3


def test_an_altered_envelope_and_another_recipient_are_found(one: Room) -> None:
    request = one.asked()
    (part,) = request.parts
    altered = part.envelope[:-1] + bytes([part.envelope[-1] ^ 1])
    with pytest.raises(Tampered):
        one.opener().open(request._replace(parts=(part._replace(envelope=altered),)))
    said = read(part.entry)
    kc = said["parts"][0]["kc"].encode()
    forged = part.entry.replace(kc, kc[::-1])
    refused(one, request._replace(parts=(part._replace(entry=forged),)), "committed to")
    one.key = ArchiveKey.generate()
    refused(one, request, "another archive key")


def test_what_cannot_be_remembered_is_not_opened(
    one: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crash before the memory is on the disk: nothing was opened, and it may be asked again."""
    request, held = one.asked(), one.opener()
    real: Callable[..., Any] = Path.replace

    def fails(*_: Any) -> Any:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", fails)
    said = answer(held, request.to_json())
    assert said["error"]["code"] == "broken"
    assert TEXT not in json.dumps(said, ensure_ascii=False)
    monkeypatch.setattr(Path, "replace", real)
    assert State.load(one.folder / "state.json").opened == {}
    assert one.opener().open(request)


def test_what_was_remembered_but_not_answered_counts_as_opened(
    one: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crash after: it may be asked again within its minutes, and not after them."""
    request = one.asked()
    real = State.save

    def reported_failed(state: State) -> None:
        real(state)
        raise OSError("done, but reported failed")

    monkeypatch.setattr(State, "save", reported_failed)
    with pytest.raises(Broken):
        one.opener().open(request)
    monkeypatch.setattr(State, "save", real)
    assert one.opener().open(request)
    one.clock.advance(minutes=31)
    refused(one, request, "its time is over")


def test_an_opener_without_its_memory_does_not_start(one: Room) -> None:
    (one.folder / "state.json").write_text("{")
    with pytest.raises(Broken):
        one.opener()
    (one.folder / "state.json").unlink()
    with pytest.raises(Broken):
        one.opener()


@pytest.mark.parametrize("said", [{}, {"keys": 1}, {"consultation": "é"}])
def test_nonsense_is_answered_in_words(one: Room, said: dict[str, Any]) -> None:
    assert answer(one.opener(), said)["error"]["code"] == "bad-data"
    whole = one.asked().to_json()
    assert answer(one.opener(), whole | {"grant": "e30"})["error"]["code"] == "refused"


def test_rules_without_a_pinned_key_are_refused(tmp_path: Path) -> None:
    home = tmp_path / "opener"
    opener.init(home, tmp_path / "archive.pub", "a long passphrase")
    with pytest.raises(Misuse, match="no log key is pinned"):
        opener.Rules.load(home)
    (home / "opener.toml").write_text("log = 3")
    with pytest.raises(Misuse, match="cannot be read"):
        opener.Rules.load(home)
    with pytest.raises(Misuse, match="will not be replaced"):
        opener.init(home, tmp_path / "archive.pub", "a long passphrase")
