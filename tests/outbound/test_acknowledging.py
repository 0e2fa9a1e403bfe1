"""Delivered is not done: who acknowledged, with which receipt, and what the certificate says."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Void
from ledger.erasing.certificate import certificate
from ledger.erasing.erase import Erased, erase_scopes
from ledger.errors import NotFound, Refused
from ledger.events import ContactedUs
from ledger.handlers import record
from ledger.outbound import endpoints
from ledger.outbound.courier import Courier
from ledger.outbound.recording import acknowledge
from ledger.outbound.standing import overdue, standing
from ledger.store.vault import Scope
from tests.clock import StepClock
from tests.contracts.props import assert_whole
from tests.outbound.receiver import Receiver
from tests.outbound.room import grant, put, subject_of, withdraw


def stands(ledger: Ledger, subject: UUID) -> dict[tuple[int, str], str]:
    """(position, recipient) -> state."""
    return {
        (about.position, one.recipient): one.state
        for about in standing(ledger, subject)
        for one in about.recipients
    }


def test_an_acknowledgement_is_recorded_once_with_its_receipt(ledger: Ledger) -> None:
    """Said again, even with another receipt, it is answered with what is on record."""
    withdrawn = withdraw(ledger)
    subject = subject_of(withdrawn)
    [first] = acknowledge(ledger, "crm", [withdrawn.position], "job-7")
    [again] = acknowledge(ledger, "crm", [withdrawn.position], "job-8")
    assert (first.about, first.is_new) == (withdrawn.position, True)
    assert again == first._replace(is_new=False)
    [about] = standing(ledger, subject)
    crm, mailer = about.recipients
    assert crm.state == "acknowledged"
    assert crm.acknowledged is not None
    assert (crm.acknowledged.position, crm.acknowledged.receipt) == (first.position, "job-7")
    assert mailer.state == "to_tell", "one recipient says nothing for another"
    assert_whole(ledger.database)


def test_what_cannot_be_acknowledged(ledger: Ledger) -> None:
    """By nobody who was not declared, about nothing of which nobody is told; all or nothing."""
    given, withdrawn = grant(ledger), withdraw(ledger)
    with pytest.raises(Refused, match="nobody declared"):
        acknowledge(ledger, "stranger", [withdrawn.position], None)
    for positions in ([given.position], [withdrawn.position, 99_999], [-1]):
        with pytest.raises(NotFound):
            acknowledge(ledger, "crm", positions, None)
    assert stands(ledger, subject_of(withdrawn))[withdrawn.position, "crm"] == "to_tell"


def test_overdue_is_derived_and_ends_with_the_acknowledgement(
    ledger: Ledger, clock: StepClock
) -> None:
    """Nothing is recorded when the days have passed; another limit, another answer."""
    withdrawn = withdraw(ledger)
    withdraw(ledger, "imported", actor="import")
    clock.advance(days=3)
    head = ledger.recorder.head().position
    assert list(overdue(ledger, days=3)) == []
    [late] = overdue(ledger, days=2)
    assert late.position == withdrawn.position
    assert [one.recipient for one in late.recipients] == ["crm", "mailer"]
    assert ledger.recorder.head().position == head
    acknowledge(ledger, "crm", [withdrawn.position], None)
    [late] = overdue(ledger, days=2)
    assert [one.recipient for one in late.recipients] == ["mailer"]


def test_a_fact_that_did_not_happen_is_nobodys_business(ledger: Ledger) -> None:
    """A withdrawal voided later is not waited for."""
    withdrawn = withdraw(ledger)
    record(ledger, Void(withdrawn.position, reason="wrong_person"))
    assert stands(ledger, subject_of(withdrawn)) == {}


def test_the_certificate_lists_whom_it_concerns(
    ledger: Ledger, courier: Courier, receiver: Receiver, tmp_path: Path, clock: StepClock
) -> None:
    """The PSP holds no messages and is not listed; the others are told of the erasure by its own
    append, and the receipt of one that acknowledged is in the next certificate."""
    endpoints.register(ledger, receiver.url, "mailer")
    now = moment_of_instant(ledger.clock.now())
    wrote = put(ledger, ContactedUs(occurred=now, channel="form", text="secret"))
    subject = subject_of(wrote)
    [done] = erase_scopes(
        ledger, [Scope(subject, "contact", "")], journal=tmp_path / "journal", reason="request"
    )

    def listed(erased: Erased) -> list[Any]:
        made = certificate(ledger, subject, [erased], {}, reason="request", horizon=35)
        return [(one["recipient"], one["state"], one["acknowledged"]) for one in made["recipients"]]

    assert listed(done) == [("crm", "to_tell", None), ("mailer", "to_tell", None)]
    assert courier.round() == 1
    said = receiver.got[0].said
    assert said["type"] == "customer.class_erased.v1"
    assert said["data"]["fields"] == {"of": "contact", "reason": "request"}
    acknowledge(ledger, "mailer", [done.position], "del-42")
    crm, mailer = listed(done)
    assert crm == ("crm", "to_tell", None)
    assert mailer[1] == "acknowledged"
    assert mailer[2]["receipt"] == "del-42"


def test_when_nothing_of_hers_is_left_nothing_more_is_recorded(
    ledger: Ledger, courier: Courier, receiver: Receiver, tmp_path: Path
) -> None:
    """Once her class `rights` has been erased, a late delivery leaves no new trace of her, and a
    late acknowledgement is refused."""
    endpoints.register(ledger, receiver.url, "mailer")
    withdrawn = withdraw(ledger)
    subject = subject_of(withdrawn)
    scope = Scope(subject, "rights", "")
    erase_scopes(ledger, [scope], journal=tmp_path / "journal", reason="term")
    head = ledger.recorder.head().position
    assert courier.round() >= 1
    assert ledger.recorder.head().position == head
    with pytest.raises(Refused, match="erased"):
        acknowledge(ledger, "mailer", [withdrawn.position], None)
