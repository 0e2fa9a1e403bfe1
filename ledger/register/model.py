"""The rows of the register: activities, what they use, whom they hand it to. Pure.

Fields follow the model register of the CNIL; what nobody declared is None and is said to be, never
invented. Read next: `gaps.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ledger.calendar import Day
from ledger.events import (
    KINDS,
    AssessmentRecorded,
    ControllerDeclared,
    DataDisclosed,
    DpoAppointed,
    Fact,
    FieldDeclared,
    ObligationDeclared,
    PurposeDeclared,
    RecipientDeclared,
)
from ledger.policy.model import DataClass, Edition, Purpose
from ledger.projections.population import ClassCount

Stated = tuple[int, Fact]
"""The position of a fact, and the fact."""

# The categories of the CNIL's model register, by the keys of our own fields.
CATEGORIES: dict[str, tuple[str, ...]] = {
    "identity": (
        *("name", "last_name", "first_name", "email", "phone", "address", "signature"),
        *("trustee", "author"),
    ),
    "professional": ("company", "siret"),
    "economic": ("amount", "psp_id", "bin6", "last4", "psp_reference"),
    "connection": ("ip", "user_agent"),
    "other": (),
}
_CATEGORY = {field: name for name, fields in CATEGORIES.items() for field in fields}
# The European Economic Area, ISO 3166-1: what is elsewhere is a transfer (GDPR art. 44).
EEA = frozenset(
    (
        *("at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu", "ie"),
        *("is", "it", "li", "lt", "lu", "lv", "mt", "nl", "no", "pl", "pt", "ro", "se", "si", "sk"),
    )
)


def is_outside(country: str | None) -> bool:
    """Whether a country is known to be outside the European Economic Area (GDPR art. 44)."""
    return country is not None and country not in EEA


class Use(NamedTuple):
    """What events show under one purpose: how many facts name it, and the day of the latest."""

    facts: int
    last_day: Day | None


class Observed(NamedTuple):
    """What events show at the two times. `disclosures`: each with its position."""

    classes: Mapping[str, ClassCount]
    uses: Mapping[str, Use]
    disclosures: Sequence[tuple[int, DataDisclosed]]


class Recipient(NamedTuple):
    """Somebody data may be handed to, and how often it was under this purpose (None: never)."""

    code: str
    type: str
    country: str | None
    contract: str | None  # digest of the contract, base64url
    attested_until: Day | None
    classes: tuple[str, ...] | None  # None: not limited
    purposes: tuple[str, ...] | None
    position: int
    disclosures: int = 0
    people: int = 0  # the sum of what each disclosure states


class Kept(NamedTuple):
    """One data class of an activity: its terms, and the people in it at that day."""

    data_class: DataClass
    people: int
    past: int  # items past their term where they are
    articles: tuple[str, ...]  # obligations declared for it


class Activity(NamedTuple):
    """One processing activity: one purpose. `created`, `updated`: days of the editions or of the
    declaration. `assessments`: (type, outcome, position)."""

    purpose: Purpose
    created: Day
    updated: Day
    owner: str | None
    kept: tuple[Kept, ...]
    data: Mapping[str, tuple[str, ...]]  # category -> keys of fields
    recipients: tuple[Recipient, ...]
    assessments: tuple[tuple[str, str, int], ...]
    use: Use


class Declared(NamedTuple):
    """What the book says at the two times, the last word on each thing."""

    controller: tuple[int, ControllerDeclared] | None
    dpo: tuple[int, DpoAppointed] | None
    purposes: Mapping[str, tuple[int, PurposeDeclared]]
    recipients: Mapping[str, tuple[int, RecipientDeclared]]
    fields: Mapping[str, FieldDeclared]
    obligations: tuple[ObligationDeclared, ...]
    assessments: tuple[tuple[int, AssessmentRecorded], ...]


class Register(NamedTuple):
    """The register whole. `editions`: those known and in force up to that day, oldest first."""

    day: Day
    editions: tuple[Edition, ...]
    declared: Declared
    activities: tuple[Activity, ...]
    observed: Observed


def declared(stated: Iterable[Stated]) -> Declared:
    """The last word of each declaration, from facts in position order."""
    last: dict[type[Fact], Any] = {}
    purposes: dict[str, tuple[int, PurposeDeclared]] = {}
    recipients: dict[str, tuple[int, RecipientDeclared]] = {}
    fields: dict[str, FieldDeclared] = {}
    obligations: dict[str, ObligationDeclared] = {}
    assessments: list[tuple[int, AssessmentRecorded]] = []
    for position, fact in stated:
        match fact:
            case ControllerDeclared() | DpoAppointed():
                last[type(fact)] = (position, fact)
            case PurposeDeclared():
                purposes[fact.purpose] = (position, fact)
            case RecipientDeclared():
                recipients[fact.recipient] = (position, fact)
            case FieldDeclared():
                fields[fact.name] = fact
            case ObligationDeclared():
                obligations[fact.obligation] = fact
            case AssessmentRecorded():
                assessments.append((position, fact))
    return Declared(
        last.get(ControllerDeclared),
        last.get(DpoAppointed),
        purposes,
        recipients,
        fields,
        tuple(obligations.values()),
        tuple(assessments),
    )


def register(
    editions: Sequence[Edition],
    purposes: Mapping[str, Purpose],
    said: Declared,
    observed: Observed,
    day: Day,
) -> Register:
    """The register of that day. `editions`: the chain in force; `purposes`: those of the last one
    and those declared beside it, in their order. Empty when no edition is known."""
    activities = tuple(
        _activity(one, editions, said, observed) for one in purposes.values() if editions
    )
    return Register(day, tuple(editions), said, activities, observed)


def _activity(
    purpose: Purpose, editions: Sequence[Edition], said: Declared, observed: Observed
) -> Activity:
    created, updated = _days(purpose, editions, said)
    beside = said.purposes.get(purpose.id)
    classes = purpose.classes or (beside[1].classes if beside else None) or ()
    return Activity(
        purpose,
        created,
        updated,
        beside[1].owner if beside else None,
        tuple(
            _kept(editions[-1].classes[name], said, observed)
            for name in classes
            if name in editions[-1].classes
        ),
        data_of(classes, said),
        tuple(_recipients(purpose.id, classes, said, observed)),
        tuple(
            (fact.type, fact.outcome, position)
            for position, fact in said.assessments
            if fact.purpose == purpose.id
        ),
        observed.uses.get(purpose.id, Use(0, None)),
    )


def _days(purpose: Purpose, editions: Sequence[Edition], said: Declared) -> tuple[Day, Day]:
    """When the activity first appears, and when it or a class it uses last changed."""
    beside = said.purposes.get(purpose.id)
    if beside is not None and purpose.id not in editions[-1].purposes:
        day = beside[1].occurred.day
        return day, day
    created, updated, before = editions[-1].effective_from, editions[0].effective_from, None
    for edition in editions:
        found = edition.purposes.get(purpose.id)
        if found is None:
            continue
        now = (found, tuple(edition.classes.get(name) for name in found.classes))
        if before is None:
            created = updated = edition.effective_from
        elif now != before:
            updated = edition.effective_from
        before = now
    return created, updated


def _kept(found: DataClass, said: Declared, observed: Observed) -> Kept:
    count = observed.classes.get(found.name)
    articles = tuple(one.article for one in said.obligations if found.name in one.classes)
    if count is None:
        return Kept(found, 0, 0, articles)
    past = count.items.past_operational + count.items.past_archive
    return Kept(found, count.subjects.present, past, articles)


def data_of(classes: Collection[str], said: Declared) -> dict[str, tuple[str, ...]]:
    """The fields used, by category: those our facts have in these classes, and those declared, be
    they asked for or taken automatically (SS-DATA-1, SS-DATA-3)."""
    keys = {name for name, one in said.fields.items() if set(one.classes) & set(classes)}
    for cls in KINDS.values():
        if not {*((cls.also,) if cls.also else cls.homes)}.isdisjoint(classes):
            keys |= {spec.key for spec in cls.specs if spec.personal}
        if not set(cls.homes).isdisjoint(classes):
            keys |= {spec.key for spec in cls.specs if spec.column == "amount_minor"}
    found: dict[str, list[str]] = {}
    for key in sorted(keys):
        found.setdefault(_CATEGORY.get(key, "other"), []).append(key)
    return {name: tuple(found[name]) for name in CATEGORIES if name in found}


def _recipients(
    purpose: str, classes: Collection[str], said: Declared, observed: Observed
) -> Iterable[Recipient]:
    """Those to whom data of this purpose may go, as declared: what is not said is not limited."""
    for code, (position, fact) in sorted(said.recipients.items()):
        if fact.purposes is not None and purpose not in fact.purposes:
            continue
        if fact.classes is not None and classes and not set(fact.classes) & set(classes):
            continue
        handed = [
            one
            for _, one in observed.disclosures
            if (one.recipient, one.purpose) == (code, purpose)
        ]
        if fact.purposes is None and fact.classes is None and not handed:
            continue  # limited by nothing: listed where it was really used
        yield recipient_of(code, position, fact, handed)


def recipient_of(
    code: str, position: int, fact: RecipientDeclared, handed: Sequence[DataDisclosed]
) -> Recipient:
    """A declared recipient beside the disclosures made to it."""
    return Recipient(
        code,
        fact.type,
        fact.country,
        fact.contract,
        fact.attested_until,
        fact.classes,
        fact.purposes,
        position,
        len(handed),
        sum(one.people for one in handed),
    )
