"""Rules at the door that belong to single kinds: what the policy does not declare, and what it says
that we never do. Pure; called by `door.py` and, with what the company declared, by the session.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeAlias

from ledger.aggregates.policy_book import Declared
from ledger.errors import Refusal
from ledger.events import (
    KINDS,
    AssessmentRecorded,
    CallPlaced,
    CardKept,
    CardRebound,
    CardSettled,
    ContractStarted,
    DataDisclosed,
    DataRead,
    Fact,
    FieldDeclared,
    FormPublished,
    HoldPlaced,
    IncidentDetected,
    MessageDecided,
    MessageSent,
    ObligationDeclared,
    OrderPaid,
    OrderPlaced,
    OrderRefunded,
    ProfileRectified,
    PurposeDeclared,
    RecipientDeclared,
    RecoveredFromQueue,
    RequestQualified,
    RequestReceived,
    SelectionRun,
    SurveySent,
    TrackerChoice,
)
from ledger.fields import Money
from ledger.policy.loader import LONGEST_MONTHS
from ledger.policy.model import CHANNELS, Edition

# A word of a field's name that says where somebody is.
_PLACE = re.compile(r"(geo.*|gps|lat|latitude|lng|lon|long|longitude|coordinates|coordonnees_gps)")
_WORDS = re.compile(r"[_.:-]")


class Undeclared(NamedTuple):
    """What a refusal of something undeclared cites."""

    what: str
    clause: str
    article: str


# Which facts each rule is about: most facts are of none of these kinds, and no rule is asked.
Placed: TypeAlias = FieldDeclared | FormPublished | ProfileRectified
Channelled: TypeAlias = CallPlaced | MessageDecided | SurveySent
Purposed: TypeAlias = (
    TrackerChoice
    | DataDisclosed
    | SelectionRun
    | AssessmentRecorded
    | RequestReceived
    | RequestQualified
    | RecoveredFromQueue
)
Classed: TypeAlias = (
    HoldPlaced
    | DataRead
    | DataDisclosed
    | FieldDeclared
    | ObligationDeclared
    | IncidentDetected
    | PurposeDeclared
    | RequestReceived
    | RequestQualified
    | RecipientDeclared
)
Card: TypeAlias = CardKept | CardRebound
Declaration: TypeAlias = RecipientDeclared | FormPublished | PurposeDeclared

PURPOSE = Undeclared("purpose", "SS-CTL-2", "RGPD art. 5(1)(b)")
RECIPIENT = Undeclared("recipient", "SS-REC-1", "RGPD art. 13(1)(e), 30(1)(d)")
FIELD = Undeclared("field", "SS-DATA-1", "RGPD art. 5(1)(c)")
CLASS = Undeclared("class", "SS-RET-3", "RGPD art. 5(1)(e)")

COUNTED = {
    OrderPlaced.kind: ("amount", "quantity"),
    **{cls.kind: ("amount",) for cls in (OrderPaid, OrderRefunded, ContractStarted, CardSettled)},
}
"""The numbers that are nothing or more. Not that of an invoice: a credit note is one (CGI art.
289), of a negative amount."""


def refuse(fact: Fact, edition: Edition) -> Refusal | None:
    """The first rule of its kind that this fact breaks, or None. `edition` is the one in force,
    with the purposes declared beside it."""
    for rule in _ASKED[fact.kind]:
        refused = rule(fact, edition)
        if refused is not None:
            return refused
    return None


def refuse_undeclared(fact: Fact, declared: Declared) -> Refusal | None:
    """Recipients and fields that the company did not declare (SS-REC-1, SS-DATA-1)."""
    match fact:
        case DataDisclosed() if fact.recipient not in declared.recipients:
            return _undeclared(RECIPIENT, "recipient")
        case AssessmentRecorded() if fact.recipient and fact.recipient not in declared.recipients:
            return _undeclared(RECIPIENT, "recipient")
        case FormPublished() if not declared.fields.issuperset(fact.fields):
            return _undeclared(FIELD, "fields")
    return None


def refuse_negative(kind: str, name: str, number: int) -> Refusal | None:
    """A purchase of less than nothing would be an activity that never was: a refund is a fact of
    its own. What was recorded before anybody asked stands."""
    if number >= 0 or name not in COUNTED.get(kind, ()):
        return None
    detail = f"field '{name}' is negative: what goes back to the buyer is an order.refunded"
    return Refusal("malformed", detail, "SS-ORD-1", "RGPD art. 5(1)(d)", name)


def refuse_numbers(fact: Fact) -> Refusal | None:
    """The first number of this fact that is less than nothing, or None."""
    for name in COUNTED.get(fact.kind, ()):
        value = getattr(fact, name)
        number = value.minor if isinstance(value, Money) else value or 0
        if refused := refuse_negative(fact.kind, name, number):
            return refused
    return None


def _undeclared(rule: Undeclared, field: str) -> Refusal:
    detail = f"field '{field}' names a {rule.what} that nobody declared"
    return Refusal(f"{rule.what}-undeclared", detail, rule.clause, rule.article, field)


def _place(fact: Placed, _: Edition) -> Refusal | None:
    """No field says where somebody is (SS-GEO-1)."""
    names: Collection[str] = ()
    match fact:
        case FieldDeclared():
            names = (fact.name,)
        case FormPublished():
            names = fact.fields
        case ProfileRectified():
            names = fact.changed
    if any(_PLACE.fullmatch(word) for name in names for word in _WORDS.split(name)):
        return Refusal(
            "geolocation",
            "a field that says where somebody is: the policy promises that there is none",
            "SS-GEO-1",
            "RGPD art. 5(1)(c)",
        )
    return None


def _channel(fact: Channelled, edition: Edition) -> Refusal | None:
    """Nothing happens under an undeclared purpose, nor over a channel it does not have."""
    purpose = edition.purposes.get(fact.purpose)
    if purpose is None:
        return _undeclared(PURPOSE, "purpose")
    if purpose.channels and fact.channel not in purpose.channels:
        detail = "field 'channel' is not one that the policy declares for this purpose"
        clause, article = purpose.clause, purpose.article
        return Refusal("channel-undeclared", detail, clause, article, "channel")
    return None


def _purpose(fact: Purposed, edition: Edition) -> Refusal | None:
    """Nothing happens under an undeclared purpose; some kinds need none."""
    if fact.purpose is not None and fact.purpose not in edition.purposes:
        return _undeclared(PURPOSE, "purpose")
    return None


def _purposes(fact: RecipientDeclared, edition: Edition) -> Refusal | None:
    """Nobody receives for an undeclared purpose."""
    if not edition.purposes.keys() >= set(fact.purposes or ()):
        return _undeclared(PURPOSE, "purposes")
    return None


def _classes(fact: Classed, edition: Edition) -> Refusal | None:
    """A class that the edition does not have would have no end."""
    if not edition.classes.keys() >= set(fact.classes or ()):
        return _undeclared(CLASS, "classes")
    return None


def _content(fact: MessageSent, edition: Edition) -> Refusal | None:
    """A service message sells nothing (SS-COM-1)."""
    if fact.content != "promotional":
        return None
    purpose = edition.purposes.get(fact.purpose)
    if (
        purpose is None
        or purpose.marketing
        or purpose.basis not in ("contract", "legal_obligation")
    ):
        return None
    return Refusal(
        "promotional-in-service",
        "field 'content': a message that sells is marketing, whatever its template is called",
        "SS-COM-1",
        "RGPD art. 6(1)(b), 21(2); CPCE art. L34-5",
        "content",
    )


def _card(fact: Card, _: Edition) -> Refusal | None:
    """Without its month a wallet's card would never end, nor a subscription's without its contract
    (SS-CARD-2, SS-CARD-3)."""
    if fact.ground == "wallet" and fact.expiry is None:
        return Refusal(
            "malformed",
            "field 'expiry' is required for a card of the wallet",
            "SS-CARD-3",
            "RGPD art. 5(1)(e)",
            "expiry",
        )
    if fact.ground == "subscription" and fact.contract is None:
        return Refusal(
            "malformed",
            "field 'contract' is required for the card of a subscription",
            "SS-CARD-2",
            "RGPD art. 6(1)(b)",
            "contract",
        )
    return None


def _declaration(fact: Declaration, edition: Edition) -> Refusal | None:
    """What the company may not declare."""
    match fact:
        case RecipientDeclared() if fact.type == "social":
            return Refusal(
                "social-network",
                "field 'type': the policy promises that nothing goes to social networks",
                "SS-SOC-1",
                "RGPD art. 13(1)(e)",
                "type",
            )
        case FormPublished() if not set(fact.fields) >= set(fact.mandatory or ()):
            return Refusal(
                "malformed",
                "field 'mandatory' names a field that the form does not show",
                "SS-DATA-2",
                "RGPD art. 13(2)(e)",
                "mandatory",
            )
        case PurposeDeclared() if fact.purpose in edition.purposes:
            return Refusal(
                "conflict", "this purpose is already declared", "SS-CTL-2", "RGPD art. 5(1)(b)"
            )
        case PurposeDeclared() if not set(CHANNELS) >= set(fact.channels or ()):
            return Refusal(
                "malformed", f"field 'channels' may only hold: {', '.join(CHANNELS)}", "SS-CTL-2"
            )
        case PurposeDeclared(validity_months=int(months)) if not 0 < months <= LONGEST_MONTHS:
            return Refusal("malformed", "field 'validity_months' is a number of months", "SS-CTL-2")
    return None


_RULES: tuple[tuple[Callable[[Any, Edition], Refusal | None], Any], ...] = (
    (_place, Placed),
    (_channel, Channelled),
    (_purpose, Purposed),
    (_purposes, RecipientDeclared),
    (_classes, Classed),
    (_content, MessageSent),
    (_card, Card),
    (_declaration, Declaration),
)
"""In the order in which they are asked."""

_ASKED = {
    kind: [rule for rule, facts in _RULES if issubclass(cls, facts)] for kind, cls in KINDS.items()
}
