"""Every clear field of a fact, and every code it may hold, is said in both languages."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from api.console.differing import told_change
from api.console.stating import code, stated
from api.console.texts import WIDE, speech, words
from api.settings import Language
from ledger.events import KINDS
from ledger.policy.book import shipped

LANGUAGES: tuple[Language, ...] = ("fr", "en")
CLEAR = [spec for kind in KINDS.values() for spec in kind.specs if not spec.personal]
NAMES = {"class": {"order": "Commandes"}, "purpose": {}}
LETTERS = "newsletter"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_field_has_a_name_and_no_other_is_named(lang: Language) -> None:
    assert set(words(lang)["clear"]) == {spec.key for spec in CLEAR}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_code_has_a_name(lang: Language) -> None:
    codes = {(spec.key, value) for spec in CLEAR for value in spec.one_of}
    assert {one for one in codes if not code(*one, speech(lang))} == set()


def test_a_fact_is_said_in_the_words_of_the_reader() -> None:
    data = {
        "type": "subscription",
        "until": "2021-02-03",
        "tacit": 1,
        "amount": {"minor": 1234050, "currency": "EUR"},
    }
    assert stated("contract.started.v1", data, NAMES, speech("fr")) == [
        ("type", "abonnement"),
        ("jusqu'au", f"3{WIDE}février 2021"),
        ("tacite", "oui"),
        ("montant", f"12\u202f340,50{WIDE}EUR"),
    ]
    assert stated("card.kept.v1", {"ground": "wallet", "expiry": "2021-03"}, {}, speech("en")) == [
        ("ground", "wallet"),
        ("expiry", "03/2021"),
    ]


def test_a_code_nobody_named_is_said_as_it_is() -> None:
    said = stated("order.cancelled.v1", {"reason": "changed_mind"}, NAMES, speech("fr"))
    assert said == [("raison", "changed_mind")]
    ordered = stated("customer.class_erased.v1", {"reason": "order"}, NAMES, speech("fr"))
    assert ordered == [("raison", "ordre d'une autorité")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_an_edition_changes_is_said_in_words(lang: Language) -> None:
    """Of every field that two editions can differ in, and of every value that is a code."""
    old, say = shipped(), speech(lang)
    order, letters = old.classes["order"], old.purposes[LETTERS]
    other: dict[str, Any] = {f.name: _other(getattr(order, f.name)) for f in fields(order)}
    other |= {"name": "order", "home": ("order.paid.v1",)}
    new = replace(
        old,
        classes={**old.classes, "order": replace(order, **other)},
        purposes={
            **old.purposes,
            LETTERS: replace(letters, channels=("phone",), people=("staff",), basis="consent"),
        },
    )
    told = {one.field: one for one in told_change(old, new, {"class": {}}, say)["changes"]}
    assert {one.code for one in told.values()} == {"order", LETTERS}
    kinds = {one.before for one in told_change(old, new, {"class": {}}, say)["changes"]}
    assert say.policy("kind", "order.placed.v1") in kinds
    assert told[say("changed_field.choice")].before in (say("page.yes"), say("page.no"))
    assert told[say("changed_field.why_fr")].tongue == "fr"


def _other(value: object) -> object:
    """Something else of the same sort."""
    match value:
        case bool():
            return not value
        case int():
            return value + 1
        case str():
            return f"{value} too"
    return value
