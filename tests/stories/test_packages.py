"""What belongs in a package: everything (access), or what she gave us (portability)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ledger.events import KINDS
from ledger.packages import page, rendering
from ledger.policy import packages as policy
from ledger.policy.book import shipped
from ledger.policy.explain import words
from ledger.policy.packages import Statement, Told, portability, source_of, validities

EDITION = shipped()


def told(kind: str, klass: str | None, **more: Any) -> Told:
    return Told(f"{kind}.v1", klass, more.get("purpose"), more.get("grade"))


@pytest.mark.clause("SS-DSR-6", "SS-DATA-3")
@pytest.mark.parametrize(
    ("fact", "why_not"),
    [
        (told("customer.account_opened", "account"), None),
        (told("customer.contacted_us", "contact"), None),
        (told("order.placed", "order"), None),
        (told("order.paid", "card_proof"), None),
        (told("consent.given", "consent", purpose="newsletter", grade="proved"), None),
        (told("message.opened", "message"), None),  # observed, under its own consent
        (told("consent.given", "consent", purpose="newsletter", grade="inferred"), "inferred"),
        (told("objection.raised", "consent", purpose="newsletter"), "basis"),
        (told("customer.logged_in", "security_log"), "basis"),  # legitimate interest
        (told("survey.answered", "survey"), "basis"),
        (told("customer.directive_set", "directive"), "basis"),
        (told("request.received", "request"), "basis"),
        (told("signal.received", "consent"), "basis"),
        (told("order.invoiced", "invoice"), "ours"),
        (told("message.sent", "message", purpose="service_message"), "ours"),
        (told("hold.placed", "hold"), "ours"),
        (told("objection.assessed", "consent", purpose="newsletter"), "ours"),
    ],
    ids=lambda value: getattr(value, "kind", value),
)
def test_portable_is_what_she_gave_under_consent_or_contract(
    fact: Told, why_not: str | None
) -> None:
    """GDPR art. 20(1): provided or observed, under consent or contract, by the edition."""
    assert portability(fact, EDITION).why_not == why_not


@pytest.mark.clause("SS-DATA-3")
def test_what_is_declared_of_a_field_wins_but_what_is_ours_stays_ours() -> None:
    assert source_of("customer.account_opened.v1", None, "inferred") == "inferred"
    assert source_of("customer.account_opened.v1", None, "observed") == "observed"
    assert source_of("message.sent.v1", None, "provided") == "ours"


def test_every_kind_is_somebodys_and_every_class_has_its_purpose() -> None:
    """No kind is both; every purpose named is one of the edition's."""
    assert not policy.PROVIDED & policy.OBSERVED
    assert KINDS.keys() >= policy.PROVIDED | policy.OBSERVED | policy.OF_OTHERS.keys()
    assert EDITION.purposes.keys() >= set(policy.PURPOSE_OF.values())


@pytest.mark.clause("SS-DSR-1")
def test_what_is_about_somebody_else_is_a_field_of_that_kind() -> None:
    """GDPR art. 15(4); every staff code that a fact about a person holds is named there."""
    staff = {"reader", "approver", "operator", "author"}
    for kind, cls in KINDS.items():
        fields = {spec.key for spec in cls.specs}
        assert policy.OF_OTHERS.get(kind, frozenset()) <= fields
        if not cls.about_nobody:
            assert staff & fields <= policy.OF_OTHERS.get(kind, frozenset()), kind


@pytest.mark.clause("SS-DSR-2")
def test_a_rectified_detail_keeps_both_intervals() -> None:
    """Old until the new; what was believed and corrected keeps when it was believed."""
    old = Statement("email", 2, 100, 150, None)
    slip = Statement("email", 5, 200, 210, 300)  # recorded as of 200, known so until 300
    new = Statement("email", 5, 180, 300, None)  # the same fact, put right: as of 180
    name = Statement("name", 2, 100, 150, None)
    found = {one.statement: one.true_until for one in validities([new, name, slip, old])}
    assert found == {old: 180, slip: None, new: None, name: None}


def test_the_words_of_the_page_cover_what_it_says() -> None:
    """Both languages, every code that a page may meet."""
    for lang in ("fr", "en"):
        say = words(lang)["package"]
        needed = {
            *(f"automated_{code}" for code in policy.AUTOMATED),
            *(f"right_{code}" for code in policy.RIGHTS),
            *(f"field_{name}" for name in policy.DETAILS),
            *(f"source_{name}" for name in ("provided", "observed", "inferred", "ours")),
            *(f"basis_{name}" for name in {p.basis for p in EDITION.purposes.values()}),
            *(f"missing_{state}" for state in ("archived", "archived_consulted", "erased", "lost")),
        }
        assert say.keys() >= needed


@pytest.mark.parametrize("text", ["=1+1", "+33", "-2", "@SUM(A1)", "\t=1", "\r=1", '="x"'])
def test_no_cell_is_a_formula(text: str) -> None:
    """A spreadsheet runs nothing that somebody wrote to us; numbers stay numbers."""
    columns, rows = ("said", "n"), [{"said": text, "n": -4990}]
    raw = "".join(rendering._csv(columns, rows)).removeprefix("\ufeff")
    (row,) = csv.DictReader(io.StringIO(raw, newline=""))
    assert row == {"said": f"'{text}", "n": "-4990"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-07-01T22:30:00.000001Z", "2026-07-02 00:30"),
        ("2026-01-05T09:00:00.000000Z", "2026-01-05 10:00"),
        ("2026-01-05", "2026-01-05"),
        ("20260105", "20260105"),
        ("Zoé", "Zoé"),
    ],
)
def test_the_page_tells_the_time_of_paris(text: str, shown: str) -> None:
    assert page._shown(text) == shown


def test_the_schema_is_one() -> None:
    """It travels in every ZIP and is in the tree, for readers of docs/packages.md."""
    path = Path(rendering.__file__).with_name("package.schema.json")
    assert rendering.schema() == path.read_bytes()
    assert json.loads(rendering.schema())["properties"]["format"]["const"] == "probant-package/1"
