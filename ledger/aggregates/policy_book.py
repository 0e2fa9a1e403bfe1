"""The policy book: editions follow one another and are never changed; between them the company
declares what else it uses, hands over and collects. What is not declared is refused at the door."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from ledger.calendar import Day
from ledger.errors import Refusal
from ledger.events import (
    Fact,
    FieldDeclared,
    FormPublished,
    PolicyPublished,
    PurposeDeclared,
    RecipientDeclared,
)
from ledger.policy.model import Basis, Edition, Purpose


class Declared(NamedTuple):
    """The effective day of the newest edition (0 before the first), and everything declared beside
    the editions."""

    newest: Day = 0
    purposes: tuple[Purpose, ...] = ()
    recipients: frozenset[str] = frozenset()
    fields: frozenset[str] = frozenset()
    forms: frozenset[str] = frozenset()


def initial() -> Declared:
    """No edition yet."""
    return Declared()


def decide(state: Declared, fact: Fact) -> Refusal | None:
    """A new edition takes effect after the one before; a purpose is declared once. Whatever else is
    declared again replaces what was declared before."""
    match fact:
        case PolicyPublished() if fact.edition <= state.newest:
            return Refusal(
                "conflict",
                "an edition must take effect after the newest one already published",
                "SS-POL-2",
                "RGPD art. 13(3)",
            )
        case PurposeDeclared() if any(p.id == fact.purpose for p in state.purposes):
            return Refusal(
                "conflict", "this purpose is already declared", "SS-CTL-2", "RGPD art. 5(1)(b)"
            )
    return None


def evolve(state: Declared, fact: Fact) -> Declared:
    """The state after this fact."""
    match fact:
        case PolicyPublished():
            return state._replace(newest=fact.edition)
        case PurposeDeclared():
            return state._replace(purposes=(*state.purposes, _purpose(fact)))
        case RecipientDeclared():
            return state._replace(recipients=state.recipients | {fact.recipient})
        case FieldDeclared():
            return state._replace(fields=state.fields | {fact.name})
        case FormPublished():
            return state._replace(forms=state.forms | {fact.form})
    return state


def with_declared(edition: Edition, declared: Declared) -> Edition:
    """The edition with the purposes declared beside it, called as it says: those of its own win."""
    added = {p.id: edition.called(p) for p in declared.purposes if p.id not in edition.purposes}
    return replace(edition, purposes=edition.purposes | added) if added else edition


BASES: dict[str, Basis] = {
    "contract": "contract",
    "consent": "consent",
    "legitimate_interest": "legitimate_interest",
    "legal_obligation": "legal_obligation",
}


def _purpose(fact: PurposeDeclared) -> Purpose:
    return Purpose(
        id=fact.purpose,
        label_fr=fact.purpose,
        label_en=fact.purpose,
        basis=BASES[fact.basis],
        channels=fact.channels or (),
        marketing=fact.marketing,
        validity_months=fact.validity_months,
        clause="SS-CTL-2",
        article=fact.article,
    )
