"""The store's own findings are told; a clean company is flagged by none; a run counts all."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from ledger.events import OrderPlaced
from replay.controls.catalogue import CONTROLS
from replay.controls.model import Named, Stored, Wrong
from replay.controls.words import about, article, title, words
from tests.controls.room import LETTER, SHE, Company
from tests.controls.test_stories import YES, asked, erased

pytestmark = pytest.mark.usefixtures("files")


# --- the store ------------------------------------------------------------------------------------


def wrong(code: str, position: int | None) -> Wrong:
    """Something that a check of the store found."""
    return Wrong(code, position, Named(code, code, code), Named("x", "x", "x"))


@pytest.mark.parametrize(
    ("control", "found", "why"),
    [
        ("C06", {"findings": (wrong("destroyed", 3),), "counts": {"destroyed": 1}}, ["store"]),
        ("C09", {"cards_in_parts": (3,)}, ["in_a_part"]),
        ("C13", {"findings": (wrong("leaf", 3),), "counts": {"leaf": 2}}, ["store", "store_more"]),
        ("C14", {"findings": (wrong("live", None),), "counts": {"live": 1}}, ["store"]),
        ("C17", {"revived": ((SHE, "contact", ""),), "journal": 1}, ["revived"]),
        ("C17", {"unfinished": 7}, ["restore_unfinished"]),
        ("C17", {"carried_out": 2, "journal": 1}, ["journal_short"]),
    ],
)
def test_what_the_checks_of_the_store_found_is_told(
    shop: Company, control: str, found: dict[str, Any], why: list[str]
) -> None:
    assert shop.violations(control) == []
    shop.found = Stored(**{"findings": (), "counts": {}, "events": 0, **found})
    assert sorted(shop.violations(control)) == why


# --- and nobody else ------------------------------------------------------------------------------


def test_a_clean_company_is_flagged_by_none(shop: Company) -> None:
    """What a company may do, done as it must be: no finding of any weight, at any of these days."""
    shop.she("consent.given", "2024-03-01T09:00:00Z", **YES)
    shop.she("message.sent", "2024-04-02T10:00:00Z", **LETTER)
    order = uuid4()
    shop.she("order.placed", "2024-05-02T10:00:00Z", stream=order)
    service = {"purpose": "service_message", "channel": "email", "content": "service"}
    shop.she("message.sent", "2024-05-02T11:00:00Z", **service)
    shop.she("consent.withdrawn", "2024-06-03T10:00:00Z", **LETTER)
    stream = asked(shop, received="2024-07-01")
    shop.she("request.fulfilled", "2024-07-15", stream=stream)
    held = {"article": "C. civ. art. 2224", "review": 20270101, "classes": ("order",)}
    hold = uuid4()
    shop.she("hold.placed", "2024-08-01T09:00:00Z", stream=hold, **held)
    shop.she("hold.lifted", "2024-09-01T09:00:00Z", stream=hold)
    erased(shop, "2024-10-01T09:00:00Z")
    shop.tells("recipient.declared", "2024-10-02", recipient="payline", type="psp")
    given = {"purpose": "payment", "classes": ("order",), "people": 3}
    shop.tells("data.disclosed", "2024-10-03", recipient="payline", **given)
    for day in ("2024-03-15", "2024-12-31", "2025-12-31"):
        made = shop.run(as_of=day)
        assert [(o.control, o.findings) for o in made.outcomes if o.findings] == []
        assert made.ok
    assert {o.control for o in shop.run().outcomes} == set(CONTROLS)


def test_nothing_known_at_r_or_before_d_is_judged(shop: Company) -> None:
    sent = shop.she("message.sent", "2025-01-07T10:00:00Z", **LETTER)
    assert shop.violations("C01", "2025-01-06") == []
    assert shop.violations("C01", known=sent - 1) == []
    shop.she("fact.voided", "2025-02-01", "2025-02-01", ref=sent)
    assert shop.violations("C01") == []
    assert shop.violations("C01", known=sent) == ["sent"]


def test_a_run_counts_everything_and_keeps_the_first_of_them(
    shop: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        shop.she("message.sent", "2025-01-07T10:00:00Z", **LETTER)
    whole, again = shop.run("C01").outcomes[0], shop.run("C01").outcomes[0]
    assert whole.digest == again.digest
    monkeypatch.setattr("replay.controls.run.KEPT", 1)
    short = shop.run("C01").outcomes[0]
    assert (short.violations, len(short.findings)) == (3, 1)
    assert short.digest == whole.digest
    shop.she("message.sent", "2025-01-08T10:00:00Z", **LETTER)
    assert shop.run("C01").outcomes[0].digest != whole.digest


def test_both_languages_say_all_of_it() -> None:
    french, english = words("fr"), words("en")
    assert {s: set(found) for s, found in french.items()} == {
        s: set(found) for s, found in english.items()
    }
    for control in CONTROLS:
        for lang in ("fr", "en"):
            assert title(control, lang)
            assert about(control, lang)
    assert article("GDPR art. 17", "fr") == "RGPD art. 17"
    assert OrderPlaced.kind not in CONTROLS
