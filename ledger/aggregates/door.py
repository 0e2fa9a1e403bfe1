"""Rules at the door: what no ledger accepts, whatever happened before. Pure.

A refused wish writes nothing and says why, with the clause and the article. The refusal names
fields, never values.
"""

from __future__ import annotations

from dataclasses import replace

from ledger.aggregates import door_kinds
from ledger.aggregates.door_cards import refuse_card, refuse_names, refuse_references
from ledger.calendar import FIRST_YEAR, MINUTE, Instant, day_of, start_of
from ledger.errors import ERASED_CLASS, Refusal
from ledger.events import (
    ACTORS,
    Choice,
    ConsentInvalidated,
    ConsentRefused,
    ConsentWithdrawn,
    Died,
    Fact,
    MessageSent,
    MinorSignalled,
    ObjectionRaised,
    RequestReceived,
    Restricted,
)
from ledger.policy.model import Edition

EARLIEST: Instant = start_of(FIRST_YEAR * 10000 + 101)
FUTURE_TOLERANCE: Instant = 5 * MINUTE  # clocks differ; planned ends are fields, not times

ERASED_PERSON = Refusal(
    "erased",
    "this reference was erased; nothing it did before may be recorded again",
    "SS-DSR-3",
    "RGPD art. 17",
    "person",
)
ERASED_THING = replace(ERASED_PERSON, field="thing")
GONE = Refusal("erased", "this person was erased", "SS-DSR-3", "RGPD art. 17", "subject")

PROTECTING = (
    *(ConsentRefused, ConsentWithdrawn, ConsentInvalidated, ObjectionRaised),
    *(Died, MinorSignalled, Restricted),
)
"""What is heard of the past even where that was erased."""

__all__ = [
    "outlives_erasure",
    "refuse",
    "refuse_card",
    "refuse_choice",
    "refuse_declared",
    "refuse_names",
    "refuse_past",
    "refuse_references",
]


def refuse(fact: Fact, now: Instant, edition: Edition) -> Refusal | None:
    """The first rule this fact breaks, or None. `edition` is the one in force now."""
    if fact.actor not in ACTORS:
        return Refusal("malformed", f"field 'actor' must be one of: {', '.join(ACTORS)}")
    if fact.occurred.at > now + FUTURE_TOLERANCE:
        return Refusal(
            "future", "field 'occurred' is in the future: only what happened can be recorded"
        )
    if fact.occurred.at < EARLIEST or fact.occurred.day != day_of(fact.occurred.at):
        return Refusal("malformed", "field 'occurred' is not a moment of this calendar")
    refused = refuse_card(fact) or door_kinds.refuse_numbers(fact)
    return refused or refuse_declared(fact, edition)


def refuse_declared(fact: Fact, edition: Edition) -> Refusal | None:
    """The first of those rules that asks what the policy declares, or None: also asked again, of
    history, by the controls."""
    if isinstance(fact, Choice | MessageSent):
        undeclared = _purpose(fact.purpose, fact.channel, edition)
        if undeclared is not None:
            return undeclared
    return door_kinds.refuse(fact, edition)


def _purpose(name: str, channel: str | None, edition: Edition) -> Refusal | None:
    purpose = edition.purposes.get(name)
    if purpose is None:
        return Refusal(
            "purpose-undeclared",
            "field 'purpose' is not a purpose that the policy in force declares",
            "SS-CTL-2",
            "RGPD art. 5(1)(b)",
            "purpose",
        )
    if channel and purpose.channels and channel not in purpose.channels:
        return Refusal(
            "channel-undeclared",
            "field 'channel' is not one that the policy declares for this purpose",
            purpose.clause,
            purpose.article,
            "channel",
        )
    if purpose.channels and not channel:
        return Refusal(
            "channel-required",
            f"field 'channel' is required for this purpose: {', '.join(purpose.channels)}",
            purpose.clause,
            purpose.article,
            "channel",
        )
    return None


def outlives_erasure(fact: Fact) -> bool:
    """Whether a fact about somebody who was erased is heard all the same: the answer to the request
    that had her erased, and telling the recipients, come after it (GDPR art. 12(3), 19)."""
    return fact.aggregate == "rights_request" and not isinstance(fact, RequestReceived)


def refuse_past(fact: Fact, ended: Instant | None) -> Refusal | None:
    """What was erased does not come back by import: nothing of a class that ended at that instant
    which happened before. Said is heard: her no, and what protects her (GDPR art. 7(3), 18, 21)."""
    if ended is None or fact.actor != "import" or fact.occurred.at > ended:
        return None
    return None if isinstance(fact, PROTECTING) else ERASED_CLASS


def refuse_choice(fact: Fact, edition: Edition) -> Refusal | None:
    """Choices that the law leaves to nobody: a contract purpose cannot be switched on by consent
    (GDPR art. 7(4)), an objection to marketing is never weighed (art. 21(2)-(3))."""
    if not isinstance(fact, Choice):
        return None
    purpose = edition.purposes.get(fact.purpose)
    if purpose is None:
        return None
    if fact.kind.startswith("consent.") and purpose.basis in ("contract", "legal_obligation"):
        return Refusal(
            "not-a-choice",
            "this purpose rests on a contract or a law: consent neither allows nor stops it",
            "SS-LB-1",
            "RGPD art. 6(1)(b), 7(4)",
            "purpose",
        )
    if fact.kind == "objection.assessed.v1" and purpose.marketing:
        return Refusal(
            "objected",
            "an objection to marketing is absolute and cannot be weighed",
            "SS-LB-3",
            "RGPD art. 21(3)",
            "purpose",
        )
    return None
