"""What the tests of this room share: recipients, facts, people."""

from __future__ import annotations

from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.events import (
    CardKept,
    ConsentGiven,
    ConsentWithdrawn,
    Fact,
    ObjectionRaised,
    ProfileRectified,
    RecipientDeclared,
)
from ledger.handlers import Accepted, record


def put(ledger: Ledger, fact: Fact, who: str = "0042", thing: str | None = None) -> Accepted:
    """Record a fact of somebody."""
    person = None if fact.about_nobody else Reference("shop", who)
    return record(ledger, Record(fact, person, thing=Reference("ref", thing) if thing else None))


def declare(ledger: Ledger) -> None:
    """A mailer for the newsletter, a CRM without limits, a PSP for cards."""
    now = moment_of_instant(ledger.clock.now())
    for fact in (
        RecipientDeclared(
            occurred=now,
            recipient="mailer",
            type="mailing",
            classes=("contact", "account", "consent"),
            purposes=("newsletter", "phone_marketing"),
        ),
        RecipientDeclared(occurred=now, recipient="crm", type="other"),
        RecipientDeclared(
            occurred=now, recipient="psp", type="psp", classes=("order", "card", "card_proof")
        ),
        RecipientDeclared(occurred=now, recipient="cnil", type="authority"),
    ):
        put(ledger, fact)


def grant(ledger: Ledger, who: str = "0042", actor: str = "self") -> Accepted:
    """She agrees to the newsletter by e-mail."""
    now = moment_of_instant(ledger.clock.now())
    fact = ConsentGiven(
        occurred=now, actor=actor, purpose="newsletter", channel="email", grade="proved"
    )
    return put(ledger, fact, who)


def withdraw(ledger: Ledger, who: str = "0042", actor: str = "self") -> Accepted:
    """She withdraws it."""
    now = moment_of_instant(ledger.clock.now())
    fact = ConsentWithdrawn(occurred=now, actor=actor, purpose="newsletter", channel="email")
    return put(ledger, fact, who)


def object_to(ledger: Ledger, purpose: str, channel: str, who: str = "0042") -> Accepted:
    """She objects to marketing over a channel."""
    now = moment_of_instant(ledger.clock.now())
    return put(ledger, ObjectionRaised(occurred=now, purpose=purpose, channel=channel), who)


def rectify(ledger: Ledger, who: str = "0042") -> Accepted:
    """Her profile is put right."""
    now = moment_of_instant(ledger.clock.now())
    return put(
        ledger, ProfileRectified(occurred=now, changed=("email",), email="z@example.org"), who
    )


def subject_of(accepted: Accepted) -> UUID:
    assert accepted.subject is not None
    return accepted.subject


__all__ = ["CardKept", "declare", "grant", "object_to", "put", "rectify", "subject_of", "withdraw"]
