"""Grants and consultations: on record before anything is opened, refused in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from ledger.archiving import consulted, granting
from ledger.archiving.granting import Consultation
from ledger.entry import read
from ledger.errors import Broken, NotFound, Refused
from ledger.fields import Unreadable
from ledger.store.vault import Named, context_of
from tests.archiving.room import CASE, TEXT, UNTIL, Room


def refusal(deed: Callable[[], Any]) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        deed()
    said = caught.value.refusal
    assert (said.clause, said.article) == ("SS-RET-2", "RGPD art. 29, 32")
    assert CASE not in said.detail
    return said.problem, said.field


def test_a_consultation_is_on_record_with_its_case_sealed_before_anything_is_opened(room: Room):
    position = room.consult(grant := room.grant())
    with room.ledger.database.read() as connection:
        opened = room.ledger.vault.open(connection, position)
    assert opened == {"case": CASE}
    raw = room.ledger.recorder.select_notifications(position, 1)[0].state
    assert CASE.encode() not in raw
    meta = read(raw)["meta"]
    assert (meta["reader"], meta["motive"], meta["of"]) == ("s1", "litigation", "contact")
    assert (meta["grant"], meta["subject"], len(meta["keys"])) == (
        str(grant),
        str(room.subject),
        1,
    )


def test_without_a_motive_of_the_list_and_a_case_nothing_is_recorded(room: Room):
    grant, before = room.grant(), room.ledger.recorder.head().position
    for motive in (None, "", "curiosity"):
        said = refusal(partial(room.consult, grant, motive=motive))
        assert said == ("archived-motive-required", "motive")
    for case in (None, " "):
        said = refusal(partial(room.consult, grant, case=case))
        assert said == ("archived-motive-required", "case")
    assert room.ledger.recorder.head().position == before


def test_without_a_live_grant_of_this_reader_for_this_class_nothing_is_recorded(room: Room):
    ended, grant = room.grant(), room.grant()
    order, other = room.grant(classes=("order",)), room.grant(holder="s9")
    granting.revoke(room.ledger, ended, "dpo")
    before = room.ledger.recorder.head().position
    for wrong in (uuid4(), ended, order, other, room.subject):
        assert refusal(partial(room.consult, wrong)) == ("no-grant", "grant")
    room.clock.set("2026-02-02T09:00:00")
    assert refusal(lambda: room.consult(grant)) == ("no-grant", "grant")
    assert room.ledger.recorder.head().position == before
    room.clock.set("2026-02-01T09:00:00")
    assert room.consult(grant) == before + 1


def test_what_is_not_in_the_archive_cannot_be_consulted_there(room: Room):
    grant = room.grant(classes=("contact", "order"))
    changes: tuple[dict[str, Any], ...] = (
        {"of": "order"},
        {"scope": "elsewhere"},
        {"subject": uuid4()},
    )
    for change in changes:
        assert refusal(partial(room.consult, grant, **change))[0] == "not-archived"


def test_four_eyes_and_known_classes(one: Room):
    assert refusal(lambda: one.grant(holder="dpo"))[0] == "four-eyes"
    assert refusal(lambda: one.grant(classes=("nonsense",)))[0] == "malformed"
    assert refusal(lambda: one.grant(classes=()))[0] == "malformed"
    grant = one.grant()
    assert refusal(lambda: one.consult(grant, approver="s1")) == ("four-eyes", "approver")
    granting.revoke(one.ledger, grant, "dpo")
    assert refusal(lambda: granting.revoke(one.ledger, grant, "dpo"))[0] == "conflict"
    assert refusal(lambda: granting.revoke(one.ledger, uuid4(), "dpo"))[0] == "no-grant"
    with pytest.raises(Refused):
        granting.grant(one.ledger, "s1", ("contact",), UNTIL - 10000, "dpo")


def test_a_consultation_that_is_not_sealed_is_said_to_be_so(room: Room):
    position = room.consult(room.grant())
    assert refusal(lambda: room.request(position))[0] == "not-sealed-yet"
    room.seal()
    assert len(room.request(position).parts) == 1
    for elsewhere in (1, position + 5):
        with pytest.raises(NotFound):
            room.request(elsewhere)


def test_the_service_with_its_keyring_and_its_database_cannot_open_the_archive(room: Room):
    """Neither through the vault, nor with every key-encryption key on the wrapped key itself."""
    request = room.asked()
    (key,), (part,) = request.keys, request.parts
    with room.ledger.database.read() as connection:
        assert room.ledger.vault.open(connection, part.position) is Unreadable.ARCHIVED
    context = context_of(Named(key.kid, room.subject, "contact", key.scope, key.generation))
    for wrapped in (key.wrapped, key.wrapped[32:]):
        with pytest.raises(Broken):
            room.ledger.keyring.unwrap(room.ledger.keyring.epoch, wrapped, context)
    assert room.opener().open(request)[0]["fields"]["text"] == TEXT


def test_an_approval_repeats_the_consultation_in_another_name(room: Room):
    """Word for word but for the case, which whoever approves states herself (decision 0030)."""
    wish = Consultation(room.subject, "contact", "s1", room.grant(), "litigation", CASE)
    consultation, asked = granting.consult(room.ledger, wish)
    said = refusal(lambda: granting.approve(room.ledger, consultation, "s1", CASE))
    assert said == ("four-eyes", "approver")
    said = refusal(lambda: granting.approve(room.ledger, consultation, "s2", " "))
    assert said == ("archived-motive-required", "case")
    approved = granting.approve(room.ledger, consultation, "s2", "dossier Durand")
    assert refusal(lambda: granting.approve(room.ledger, consultation, "s3", CASE))[0] == "conflict"
    first, second = (
        read(room.ledger.recorder.select_notifications(at, 1)[0].state) for at in (asked, approved)
    )
    assert (first["stream"], first["ver"], second["ver"]) == (second["stream"], 1, 2)
    assert second["meta"].pop("approver") == "s2"
    assert {**second["meta"], "occurred": None} == {**first["meta"], "occurred": None}
    known = consulted.one(room.ledger, consultation)
    assert (known.position, known.approver) == (approved, "s2")
    with room.ledger.database.read() as connection:
        assert room.ledger.vault.open(connection, approved) == {"case": "dossier Durand"}
    room.seal()
    assert len(room.request(approved).parts) == 1


def test_nothing_else_can_be_approved(room: Room):
    grant = room.grant()
    for stream in (grant, uuid4(), room.subject):
        with pytest.raises(NotFound):
            granting.approve(room.ledger, stream, "s2", CASE)
    wish = Consultation(room.subject, "contact", "s1", grant, "litigation", CASE)
    consultation, _ = granting.consult(room.ledger, wish)
    granting.revoke(room.ledger, grant, "dpo")
    said = refusal(lambda: granting.approve(room.ledger, consultation, "s2", CASE))
    assert said == ("no-grant", "grant")
    approved = granting.consult(room.ledger, wish._replace(grant=room.grant(), approver="dpo"))[0]
    assert refusal(lambda: granting.approve(room.ledger, approved, "s2", CASE))[0] == "conflict"
