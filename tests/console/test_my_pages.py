"""A person's own pages: what she sees is about her, what she sends is done, and nothing else is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from api import demo, tokens
from api.answers import Times, find, subject_answer
from ledger.commands import Record, Reference
from ledger.handlers import publish, record
from ledger.store import reader
from tests.console.conftest import Opened
from tests.console.room import Visitor, seen, token_of
from tests.stories.test_declarations import PURPOSE

PAGES = (
    "/my",
    "/my/cards",
    "/my/choices",
    "/my/requests",
    "/my/receipts",
    "/my/readers",
    "/my/directive",
)

LABEL = '[[label]]\npurpose = "club"\nlabel_fr = "le cercle des fidèles"\n'
DEMO = Path(demo.__file__).with_name("edition-2022.toml")


@pytest.fixture
def her(open_visitor: Opened) -> Visitor:
    visitor = open_visitor()
    visitor.play("customer")
    return visitor


def consents(visitor: Visitor) -> dict[tuple[str, str | None], str]:
    ledger = visitor.company.ledger
    subject = find(ledger, Reference("shop", "D-0052"))
    answer = subject_answer(ledger, subject, Times(), "en")
    return {(one["purpose"], one["channel"]): one["state"] for one in answer["consents"]}


@pytest.mark.parametrize("path", [*PAGES, "/my/account"])
def test_each_page_opens_in_both_languages(her: Visitor, path: str) -> None:
    french = her.get(path)
    assert (french.status_code, french.headers["content-language"]) == (200, "fr")
    her.send("/console/language", on=path, lang="en", back=path)
    english = her.get(path)
    assert (english.status_code, english.headers["content-language"]) == (200, "en")
    assert seen(french.text) != seen(english.text)


@pytest.mark.clause("SS-CTL-2")
def test_a_purpose_declared_beside_the_edition_is_called_as_the_edition_says(her: Visitor) -> None:
    """In the language in which it does; in the other, by its code."""
    ledger, text = her.company.ledger, DEMO.read_text("utf-8")
    record(ledger, Record(replace(PURPOSE, purpose="club")))
    changed = {
        "2022-03-01\npublished": "2026-01-05\npublished",
        'id = "demo-2022-03-01"': 'id = "later"',
        "[[clause]]": f"{LABEL}[[clause]]",
    }
    for old, new in changed.items():
        assert old in text
        text = text.replace(old, new, 1)
    publish(ledger, text.encode())
    assert "Le cercle des fidèles" in seen(her.get("/my/choices").text)
    her.send("/console/language", on="/my/choices", lang="en", back="/my/choices")
    assert "Club" in seen(her.get("/my/choices").text)


@pytest.mark.clause("SS-RET-1", "SS-DSR-10")
@pytest.mark.parametrize("path", ["/my", "/my/requests"])
def test_each_line_names_its_clause_and_says_why_on_the_page_of_everything(
    her: Visitor, path: str
) -> None:
    her.send("/my/requests", on="/my/requests", right="access")
    page, whole = her.get(path).text, her.get(f"{path}?whole=1").text
    links = re.findall(rf'href="{re.escape(path)}\?whole=1#(why-[^"]+)" data-why', page)
    assert links and len(links) == page.count('<li class="card">') == page.count('class="law"')
    assert "Repose sur" not in seen(page) and "data-why" not in whole
    for link in links:
        assert f'id="{link}" open>' in whole
    assert seen(whole).count("Repose sur") == len(links)


def test_staff_open_none_of_them_and_she_none_of_theirs(open_visitor: Opened, her: Visitor) -> None:
    staff = open_visitor()
    staff.play("dpo")
    for path in (*PAGES, "/my/account"):
        assert staff.get(path).status_code == 403
    assert her.get("/console").status_code == 403


@pytest.mark.clause("SS-CH-1", "SS-LB-2", "SS-COL-2")
def test_one_click_says_yes_and_one_says_no(her: Visitor) -> None:
    assert ("newsletter", "email") not in consents(her)
    said = her.send("/my/choices", on="/my/choices", choice="newsletter|email|yes")
    assert said.headers["location"] == "/my/choices"
    assert consents(her)["newsletter", "email"] == "ConsentGiven"
    page = seen(her.get("/my/choices").text)
    assert "C'est noté" in page
    assert "Le texte que vous aviez sous les yeux" in page
    her.send("/my/choices", on="/my/choices", choice="newsletter|email|no")
    assert consents(her)["newsletter", "email"] not in ("ConsentGiven", "RenewedConsentGiven")


@pytest.mark.clause("SS-CH-1")
def test_nothing_is_ticked_for_her_and_all_may_be_refused_at_once(her: Visitor) -> None:
    page = her.get("/my/choices").text
    assert "checked" not in page
    assert 'aria-pressed="true"' not in page
    her.send("/my/choices/none", on="/my/choices")
    after = consents(her)
    assert ("newsletter", "email") in after
    assert not {"ConsentGiven", "RenewedConsentGiven"} & set(after.values())


@pytest.mark.clause("SS-DATA-2")
def test_a_choice_is_proved_by_the_words_that_were_shown(her: Visitor) -> None:
    her.send("/my/choices", on="/my/choices", choice="personalisation||yes")
    her.send("/my/choices", on="/my/choices", choice="email_open_tracking|email|yes")
    ledger = her.company.ledger
    subject = find(ledger, Reference("shop", "D-0052"))
    answer = subject_answer(ledger, subject, Times(), "en")
    grades = {one["purpose"]: one["grade"] for one in answer["consents"]}
    assert grades["email_open_tracking"] == "proved"
    found = her.get("/my/choices").text
    assert re.search(r"<pre>[^<]*\[Oui\] \[Non\]", found)


def test_what_is_no_choice_is_refused_and_changes_nothing(her: Visitor) -> None:
    before = her.company.ledger.recorder.head().position
    for choice in (
        "",
        "newsletter",
        "newsletter|email|maybe",
        "astrology|email|yes",
        "accounting||yes",
    ):
        answer = her.send("/my/choices", on="/my/choices", choice=choice)
        assert 400 <= answer.status_code < 500, choice
    assert her.company.ledger.recorder.head().position == before


@pytest.mark.clause("SS-DSR-1", "SS-DSR-10", "SS-DSR-11")
def test_she_asks_and_follows_the_clock_and_takes_it_back(her: Visitor) -> None:
    text = "Tout, s'il vous plaît <b>"
    said = her.send("/my/requests", on="/my/requests", right="access", text=text)
    assert said.headers["location"] == "/my/requests"
    page = her.get("/my/requests").text
    assert "5 février 2026" in seen(page)  # the law: one month from 5 January
    assert "5 mars 2026" in seen(page)  # what the seed promises: two
    assert "CNIL" in page
    assert "s&#39;il" not in page and text not in page  # what she wrote is sealed
    stream = re.findall(r'name="request" value="([^"]+)"', page)[0]
    her.send("/my/requests/withdraw", on="/my/requests", request=stream)
    assert f'value="{stream}"' not in her.get("/my/requests").text


def test_a_request_of_somebody_else_does_not_exist_for_her(her: Visitor) -> None:
    for request in ("3f2c1a9e-6a4e-4d6c-9f53-0c1c0d6d7b11", "nonsense"):
        answer = her.send("/my/requests/withdraw", on="/my/requests", request=request)
        assert answer.status_code == 404


@pytest.mark.clause("SS-DSR-6")
def test_she_takes_her_data_away(her: Visitor) -> None:
    answer = her.send("/my/export", on="/my", file="json")
    assert answer.status_code == 200
    assert "attachment" in answer.headers["content-disposition"]
    assert isinstance(json.loads(answer.content), dict)
    assert her.send("/my/export", on="/my", file="all").content[:2] == b"PK"
    assert her.send("/my/export", on="/my", file="pdf").status_code == 422


@pytest.mark.clause("SS-DSR-7")
def test_she_leaves_a_directive_and_takes_it_back(her: Visitor) -> None:
    her.send("/my/directive", on="/my/directive", wish="erase", trustee="Ma sœur")
    page = seen(her.get("/my/directive").text)
    assert "depuis le 5 janvier 2026" in page
    assert "Ma sœur" not in page  # sealed
    her.send("/my/directive", on="/my/directive", wish="none")
    assert "aucune directive" in seen(her.get("/my/directive").text)


@pytest.mark.clause("SS-CH-6", "SS-DSR-3")
def test_leaving_shows_each_fate_before_it_is_asked(her: Visitor) -> None:
    page = seen(her.get("/my/account").text)
    assert "une obligation légale" in page
    refused = her.send("/my/account", on="/my/account", what="account")
    assert refused.status_code == 422  # she did not say that she means it
    her.send("/my/account", on="/my/account", what="account", sure="yes")
    assert "Vous l'avez demandé le 5 janvier 2026" in seen(her.get("/my/account").text)
    assert "Effacer mes données" in seen(her.get("/my/requests").text)


@pytest.mark.clause("SS-RET-2")
def test_she_sees_that_somebody_looked_and_not_who(open_visitor: Opened, her: Visitor) -> None:
    assert "Personne n'a consulté" in seen(her.get("/my/readers").text)
    ledger = her.company.ledger
    subject = find(ledger, Reference("shop", "D-0052"))
    key = her.company.keys["dpo"]
    body = {"classes": ["account"], "reason": "complaint"}
    answer = her.client.post(
        f"/v1/subjects/{subject}/readings", json=body, headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.status_code == 200
    page = seen(her.get("/my/readers").text)
    assert "5 janvier 2026" in page
    assert "dpo" not in page


def test_the_company_alone_may_frame_her_pages(open_visitor: Opened) -> None:
    visitor = open_visitor(origins=("https://espace.example",))
    visitor.play("customer")
    policy = visitor.get("/my/choices").headers["content-security-policy"]
    assert "frame-ancestors https://espace.example" in policy
    assert (
        "frame-ancestors 'none'"
        in visitor.get("/console/sign-in").headers["content-security-policy"]
    )


def test_a_receipt_that_is_not_hers_does_not_exist(her: Visitor) -> None:
    for position in ("1", "0", "x", "999999", "-1"):
        assert her.get(f"/my/receipts/proof?position={position}").status_code == 404
    assert her.get("/my/receipts/file").json()["@context"]


def test_a_form_of_another_page_or_of_nobody_is_refused(her: Visitor) -> None:
    fields: dict[str, Any] = {"choice": "newsletter|email|yes"}
    assert her.client.post("/my/choices", data=fields).status_code == 403
    token = token_of(her.get("/my/choices").text)
    crossed = her.client.post(
        "/my/choices", data={"token": token, **fields}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert crossed.status_code == 403
    assert ("newsletter", "email") not in consents(her)


@pytest.mark.clause("SS-CARD-4", "SS-CARD-3")
def test_she_removes_a_card_of_hers_and_no_other(open_visitor: Opened, her: Visitor) -> None:
    ledger = her.company.ledger
    other = find(ledger, Reference("shop", "D-0021"))
    owner = open_visitor(her.company)
    proof, _ = tokens.issue(ledger, other, ledger.clock.now())
    owner.send("/console/sign-in", proof=proof)
    page = owner.get("/my/cards").text
    (card, *_) = re.findall(r'name="card" value="([^"]+)"', page)
    assert "supprimé le 7 janvier 2020 et chez le prestataire" in seen(page)
    # Not hers: it does not exist for her.
    assert her.send("/my/cards", on="/my/cards", card=card).status_code == 404
    assert her.send("/my/cards", on="/my/cards", card="nonsense").status_code == 404
    owner.send("/my/cards", on="/my/cards", card=card)
    after = owner.get("/my/cards").text
    assert "Votre demande est enregistrée" in seen(after)
    position = ledger.recorder.head().position
    with ledger.database.read() as connection:
        found = reader.event_at(connection, position)
    assert found is not None
    assert (found.fact.kind, str(found.stream)) == ("card.removal_requested.v1", card)
    assert (found.subject, found.fact.actor) == (other, "self")
