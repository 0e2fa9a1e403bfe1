"""The register of processing: made from what was declared, compared with what events show."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import Any

import pytest

from ledger.calendar import parse_as_of
from ledger.commands import Void
from ledger.entry import to_base64
from ledger.errors import NotFound
from ledger.events import (
    AssessmentRecorded,
    ConsentGiven,
    ContactedUs,
    ControllerDeclared,
    DataDisclosed,
    DpoAppointed,
    FieldDeclared,
    ObligationDeclared,
    OrderPlaced,
    PurposeDeclared,
    RecipientDeclared,
)
from ledger.handlers import publish, record
from ledger.policy.book import shipped
from ledger.register import formats, model, telling
from ledger.register.gaps import gaps
from ledger.register.reading import Answer, read
from tests.stories.facts_room import Shop, on
from tests.stories.policy_room import toml

SHA = to_base64(bytes(32))
PAST, NOW = on("2025-06-02"), "2026-01-05"
CONTROLLER = ControllerDeclared(**PAST, controller="softsystem", registration="rcs.843877531")
DPO = DpoAppointed(**PAST, dpo="staff-02", designation="dpo-4711")
PAYLINE = RecipientDeclared(
    **PAST, recipient="payline", type="psp", purposes=("payment",), country="fr", contract=SHA
)
HANDED = DataDisclosed(
    **PAST, recipient="payline", purpose="payment", classes=("order",), people=12
)
LOYALTY = PurposeDeclared(
    **on("2025-09-01"),
    purpose="loyalty",
    basis="consent",
    article="GDPR art. 6(1)(a)",
    marketing=True,
    channels=("email",),
    classes=("order",),
    owner="marketing",
)


def at(shop: Shop, as_of: str | None = None) -> Answer:
    return read(shop.ledger, parse_as_of(as_of) if as_of else None, None)


def said(shop: Shop, as_of: str | None = None, lang: Any = "en") -> dict[str, Any]:
    return telling.content(at(shop, as_of), lang)


def activity(shop: Shop, name: str, as_of: str | None = None) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (one for one in said(shop, as_of)["activities"] if one["id"] == name)
    return found


def codes(shop: Shop, as_of: str | None = None) -> set[tuple[str, str]]:
    return {(gap["code"], gap["about"]) for gap in said(shop, as_of)["gaps"]}


@pytest.mark.clause("SS-CTL-1", "SS-DPO-1")
def test_the_register_says_who_answers_and_misses_whoever_was_not_declared(shop: Shop):
    assert {("no_controller", ""), ("no_dpo", "")} <= codes(shop)
    assert said(shop)["controller"] is None
    first = shop.told(CONTROLLER).position
    shop.told(DPO)
    found = said(shop)
    assert found["controller"] == {
        "controller": "softsystem",
        "registration": "rcs.843877531",
        "position": first,
    }
    assert found["dpo"]["designation"] == "dpo-4711"
    assert {("no_controller", ""), ("no_dpo", "")} & codes(shop) == set()
    assert said(shop, "2025-06-01")["controller"] is None  # not yet


@pytest.mark.clause("SS-CTL-2")
def test_every_purpose_is_an_activity_with_its_data_terms_and_basis(shop: Shop):
    edition = shipped()
    assert {one["id"] for one in said(shop)["activities"]} == set(edition.purposes)
    found = activity(shop, "payment")
    assert (found["basis"], found["article"]) == ("contract", "GDPR art. 6(1)(b)")
    assert (found["created"], found["updated"]) == ("2018-11-20", "2018-11-20")
    assert [kept["class"] for kept in found["classes"]] == ["card_proof", "card", "order"]
    assert found["classes"][2]["said"].startswith("60 months, then 60 months of archive")
    economic = next(d for d in found["data"] if d["category"] == "economic")
    assert set(economic["fields"]) >= {"amount", "bin6", "last4", "psp_id"}


@pytest.mark.clause("SS-CTL-2")
def test_a_purpose_declared_beside_the_edition_is_an_activity_from_its_day_on(shop: Shop):
    shop.told(LOYALTY)
    found = activity(shop, "loyalty")
    assert (found["created"], found["owner"]) == ("2025-09-01", "marketing")
    assert [kept["class"] for kept in found["classes"]] == ["order"]
    assert "loyalty" not in {one["id"] for one in said(shop, "2025-08-31")["activities"]}


@pytest.mark.clause("SS-CTL-2")
def test_it_is_called_as_the_edition_in_force_says(shop: Shop):
    shop.told(LOYALTY)
    label = '[[label]]\npurpose = "loyalty"\nlabel_en = "loyalty programme"\n'
    publish(shop.ledger, toml("2026-01-05", replace={"[[clause]]": f"{label}[[clause]]"}))
    assert activity(shop, "loyalty")["name"] == "loyalty programme"
    assert activity(shop, "loyalty", "2026-01-04")["name"] == "loyalty"
    french = said(shop, lang="fr")["activities"]
    assert next(one["name"] for one in french if one["id"] == "loyalty") == "loyalty"


@pytest.mark.clause("SS-DATA-1")
def test_a_declared_field_is_among_the_data_of_its_class(shop: Shop):
    shop.told(FieldDeclared(**PAST, name="birth_month", classes=("account",), source="provided"))
    data = activity(shop, "account")["data"]
    assert "birth_month" in next(d for d in data if d["category"] == "other")["fields"]
    assert "email" in next(d for d in data if d["category"] == "identity")["fields"]


def test_what_events_show_stands_beside_what_was_declared(shop: Shop):
    shop.told(ConsentGiven(**on("2025-07-01"), purpose="newsletter", channel="email"), "42")
    shop.told(ConsentGiven(**on("2025-08-01"), purpose="newsletter", channel="sms"), "42")
    shop.told(OrderPlaced(**on("2025-08-02")), "42")
    seen = activity(shop, "newsletter")["observed"]
    assert (seen["facts"], seen["last"]) == (2, "2025-08-01")
    assert activity(shop, "newsletter", "2025-07-15")["observed"]["facts"] == 1
    assert activity(shop, "order_management")["observed"]["people"] == 1
    unused = next(gap for gap in said(shop)["gaps"] if gap["code"] == "unused")
    assert "surveys" in unused["about"]
    assert "newsletter" not in unused["about"]


@pytest.mark.clause("SS-RET-3")
def test_data_past_its_term_is_a_gap_with_its_count(shop: Shop):
    shop.told(ContactedUs(**on("2020-01-10"), channel="email"), "42")
    assert ("past_term", "contact") not in codes(shop, "2023-01-10")
    found = next(g for g in said(shop, "2023-01-11")["gaps"] if g["code"] == "past_term")
    assert found["said"] == "Past their term in “exchanges with a prospect”: 1."
    assert (found["about"], found["seen"], found["clause"]) == ("contact", "1", "SS-RET-3")


@pytest.mark.clause("SS-REC-1", "SS-PAY-2")
def test_a_recipient_stands_with_what_it_was_handed(shop: Shop):
    shop.told(PAYLINE)
    shop.told(HANDED)
    shop.told(replace(HANDED, people=30))
    (to,) = activity(shop, "payment")["recipients"]
    assert (to["recipient"], to["disclosures"], to["people"]) == ("payline", 2, 42)
    assert activity(shop, "accounting")["recipients"] == []
    wrong = shop.told(HANDED)
    assert activity(shop, "payment")["recipients"][0]["disclosures"] == 3
    record(shop.ledger, Void(wrong.position))
    assert activity(shop, "payment")["recipients"][0]["disclosures"] == 2


@pytest.mark.clause("SS-PAY-2", "SS-REC-1")
@pytest.mark.parametrize(
    ("changed", "gap"),
    [
        ({"contract": None}, "no_contract"),
        ({"attested_until": 20251231}, "lapsed"),
        ({"country": "us"}, "outside"),
    ],
)
def test_what_a_recipient_lacks_is_a_gap(shop: Shop, changed: dict[str, Any], gap: str):
    shop.told(PAYLINE)
    assert (gap, "payline") not in codes(shop)
    at_ = shop.told(replace(PAYLINE, **changed)).position
    assert (gap, "payline") in codes(shop)
    (found,) = (one for one in said(shop)["gaps"] if one["code"] == gap)
    assert found["positions"] == [at_]
    if gap == "outside":
        assert activity(shop, "payment")["transfers"] == ["payline"]
        assessed: Any = {"type": "processor_contract", "outcome": "favourable", "document": SHA}
        shop.told(AssessmentRecorded(**PAST, recipient="payline", **assessed))
        assert (gap, "payline") not in codes(shop)


@pytest.mark.clause("SS-LB-3")
def test_a_legitimate_interest_asks_for_a_balancing_test(shop: Shop):
    assert ("no_balancing", "surveys") in codes(shop)
    test: Any = {"type": "balancing_test", "outcome": "unfavourable", "document": SHA}
    shop.told(AssessmentRecorded(**PAST, purpose="surveys", **test))
    assert ("no_balancing", "surveys") not in codes(shop)
    assert ("unfavourable", "surveys") in codes(shop)


@pytest.mark.clause("SS-LB-4")
def test_an_obligation_stands_beside_the_term_it_explains(shop: Shop):
    books: Any = {"obligation": "accounting", "article": "C. com. art. L123-22", "months": 120}
    shop.told(ObligationDeclared(**PAST, classes=("invoice",), **books))
    (kept,) = activity(shop, "accounting")["classes"]
    assert kept["obligations"] == ["C. com. art. L123-22"]


# --- what the door refuses may still lie in an imported history: the rules alone -----------------


def judged(
    *handed: DataDisclosed, uses: dict[str, model.Use] | None = None
) -> set[tuple[str, str, str]]:
    edition = shipped()
    observed = model.Observed({}, uses or {}, tuple(enumerate(handed, start=5)))
    declared = model.declared([(2, CONTROLLER), (3, DPO), (4, PAYLINE)])
    found = model.register((edition,), edition.purposes, declared, observed, 20260105)
    return {(gap.code, gap.about, gap.seen) for gap in gaps(found) if gap.severity == "error"}


def test_a_disclosure_beyond_what_is_declared_is_contrary():
    assert judged(HANDED) == set()
    other = replace(HANDED, purpose="surveys")
    assert judged(other) == {("disclosed_other_purpose", "payline", "surveys")}
    assert judged(replace(HANDED, recipient="agora")) == {
        ("undeclared_recipient", "agora", "payment")
    }
    limited = replace(PAYLINE, classes=("card_proof",))
    declared = model.declared([(4, limited)])
    observed = model.Observed({}, {}, ((5, HANDED),))
    edition = shipped()
    found = model.register((edition,), edition.purposes, declared, observed, 20260105)
    beyond = [gap for gap in gaps(found) if gap.code == "disclosed_other_classes"]
    assert [(gap.seen, gap.positions) for gap in beyond] == [("order", (5,))]


def test_facts_under_a_purpose_nobody_declared_are_contrary():
    uses = {"astrology": model.Use(3, 20250101), "payment": model.Use(1, 20250101)}
    assert judged(uses=uses) == {("undeclared_use", "astrology", "3")}


# --- its forms ------------------------------------------------------------------------------------


def test_both_languages_say_the_same():
    french, english = telling.words("fr"), telling.words("en")
    assert {name: set(found) for name, found in french.items()} == {
        name: set(found) for name, found in english.items()
    }


def test_a_spreadsheet_a_table_and_a_page_hold_every_activity(shop: Shop):
    from odfdo import Document

    shop.told(CONTROLLER)
    found = said(shop, lang="fr")
    names = [one["name"] for one in found["activities"]]
    lines = list(csv.reader(io.StringIO(formats.to_csv(found, "fr").decode("utf-8-sig"))))
    assert lines[0][0] == "Nom de l'activité"
    assert [line[0] for line in lines[1:]] == names
    assert {len(line) for line in lines} == {len(lines[0])}
    page = formats.to_markdown(found, "fr").decode()
    assert all(f"\n## {name}\n" in page for name in names)
    book = Document(io.BytesIO(formats.to_ods(found, "fr")))
    sheets = {table.name: table for table in book.body.tables}
    assert list(sheets) == ["Qui en répond", "Activités", "Durées", "Écarts"]
    rows = [[str(cell) for cell in row] for row in sheets["Activités"].get_values()]
    assert [row[0] for row in rows[1:]] == names
    assert "softsystem" in str(sheets["Qui en répond"].get_values())


def test_no_cell_is_a_formula(shop: Shop):
    found = said(shop)
    found["activities"][0]["name"] = "=1+1"
    assert formats.to_csv(found, "en").decode("utf-8-sig").splitlines()[1].startswith("'=1+1")


def test_before_any_edition_was_known_there_is_no_register(shop: Shop):
    with pytest.raises(NotFound):
        read(shop.ledger, None, parse_as_of("2000-01-01"))
