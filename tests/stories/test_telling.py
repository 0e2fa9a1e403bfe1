"""Whom a fact concerns, and where they stand: rules over plain values."""

from __future__ import annotations

import pytest

from ledger.calendar import parse_instant
from ledger.events import KINDS
from ledger.policy.telling import (
    CONCERNING,
    About,
    Heard,
    Recipient,
    concerned,
    standing,
)

HERE = 100  # the position of the fact
MAILER = Recipient("mailer", "mailing", ("contact", "consent"), ("newsletter",), 2)
CRM = Recipient("crm", "other", None, None, 3)
PSP = Recipient("psp", "psp", ("order", "card", "card_proof"), None, 4)
CALLS = Recipient("calls", "telephony", None, None, 5)
CNIL = Recipient("cnil", "authority", None, None, 6)
ALL = (MAILER, CRM, PSP, CALLS, CNIL)


def fact(kind: str, *classes: str, purpose: str | None = None, channel: str | None = None) -> About:
    return About(kind, HERE, "self", classes, purpose, channel)


def choice(kind: str, purpose: str, channel: str | None = None) -> About:
    return fact(f"{kind}.v1", "consent", purpose=purpose, channel=channel)


@pytest.mark.clause("SS-REC-1", "SS-DSR-2", "SS-DSR-3")
@pytest.mark.parametrize(
    ("happened", "told"),
    [
        # A withdrawal: those who act for the purpose, over the channel, or do not say.
        (choice("consent.withdrawn", "newsletter", "email"), "crm mailer"),
        (choice("consent.withdrawn", "newsletter", "sms"), "calls crm mailer"),
        (choice("consent.withdrawn", "newsletter"), "calls crm mailer"),
        (choice("consent.withdrawn", "reco_purchase"), "calls crm"),
        (choice("objection.raised", "phone_marketing", "phone"), "calls crm"),
        # A rectification or an erasure: those who are given the class, or do not say.
        (fact("customer.profile_rectified.v1", "account"), "calls crm"),
        (fact("customer.profile_rectified.v1", "account", "contact"), "calls crm mailer"),
        (fact("customer.class_erased.v1", "card_proof"), "calls crm psp"),
        # A restriction stops everybody; a card is removed by who holds it.
        (fact("customer.restricted.v1", "rights"), "calls crm mailer psp"),
        (fact("card.removal_requested.v1", "card"), "psp"),
        # What opens no list.
        (choice("consent.given", "newsletter", "email"), ""),
        (fact("order.placed.v1", "order"), ""),
        (choice("consent.withdrawn", "newsletter")._replace(actor="import"), ""),
    ],
)
def test_whom_a_fact_concerns(happened: About, told: str) -> None:
    """An authority is no recipient; what is not said is not limited."""
    assert " ".join(concerned(happened, ALL)) == told


@pytest.mark.clause("SS-REC-1")
def test_a_recipient_is_what_it_was_declared_to_be_when_it_happened() -> None:
    """Declared later, it was not given the data before; declared again, the later word counts from
    there on."""
    erased = fact("customer.class_erased.v1", "account")
    later = CRM._replace(position=HERE + 1)
    assert concerned(erased, [later]) == ()
    narrowed = CRM._replace(classes=("order",), position=50)
    assert concerned(erased, [CRM, narrowed]) == ()
    assert concerned(erased, [CRM, narrowed._replace(position=HERE + 1)]) == ("crm",)


def test_every_kind_that_concerns_somebody_is_a_kind() -> None:
    """No misspelt name."""
    assert set(CONCERNING) <= set(KINDS)


AT = parse_instant("2026-01-05T22:59:00Z")  # still the 5th in Paris
TOLD = Heard(101, AT + 1)
DONE = Heard(102, AT + 2, "job-7")


@pytest.mark.clause("SS-REC-1")
@pytest.mark.parametrize(
    ("told", "acknowledged", "today", "state"),
    [
        (None, None, 20260105, "to_tell"),
        (None, None, 20260112, "to_tell"),
        (None, None, 20260113, "overdue"),
        (TOLD, None, 20260112, "told"),
        (TOLD, None, 20260113, "overdue"),
        (TOLD, DONE, 20260113, "acknowledged"),
        (None, DONE, 20260113, "acknowledged"),
    ],
)
def test_where_a_recipient_stands(
    told: Heard | None, acknowledged: Heard | None, today: int, state: str
) -> None:
    """Seven days, the last one included; delivered is not done, and done late is done."""
    found = standing("crm", AT, told, acknowledged, today, 7)
    assert (found.state, found.due) == (state, 20260112)
