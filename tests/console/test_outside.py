"""Saying in a recipient's place that it did its part: by whom, with which motive, of whom; with
scripts and without, in both languages (decision 0048)."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from api import webhooks
from api.answers import find
from api.console.outside import REASONS
from api.routes import AGENT, AUDITOR, DPO, OPERATOR, READER
from ledger.choosing import joining
from ledger.commands import Reference
from ledger.store.recorder import Written
from tests.console.conftest import Live, Windows
from tests.console.room import Company, Visitor, seen

HER, OTHER = Reference("shop", "D-0045"), Reference("shop", "D-0049")


def path(company: Company, who: Reference = HER) -> str:
    return f"/console/recipients/{find(company.ledger, who)}"


def waiting(company: Company, who: Reference = HER) -> list[tuple[int, str]]:
    """The facts about her and the recipients that have not acknowledged them."""
    subject = find(company.ledger, who)
    found = webhooks.recipients_of(company.ledger, subject, 7)["items"]
    return [
        (one["position"], standing["recipient"])
        for one in found
        for standing in one["recipients"]
        if standing["acknowledged"] is None
    ]


def said(visitor: Visitor, role: str, **more: Any) -> Any:
    visitor.sign_in(role)
    position, recipient = waiting(visitor.company)[0]
    form = {"position": str(position), "recipient": recipient, "reason": "letter"}
    return visitor.send(path(visitor.company), **form | more)


@pytest.mark.parametrize("role", [AGENT, DPO])
def test_staff_who_open_letters_say_it_and_it_stays_said(visitor: Visitor, role: str) -> None:
    before = waiting(visitor.company)
    answer = said(visitor, role, receipt="job-42")
    assert (answer.status_code, answer.headers["location"]) == (303, path(visitor.company))
    assert waiting(visitor.company) == before[1:]
    page = seen(visitor.get(path(visitor.company)).text)
    assert "dit à sa place : par courrier" in re.sub(r"\s+", " ", page)
    assert "job-42" in page
    head = visitor.company.ledger.recorder.head().position
    visitor.send(path(visitor.company), position=str(before[0][0]), recipient=before[0][1],
                 reason="email")  # fmt: skip
    assert visitor.company.ledger.recorder.head().position == head, "said twice, recorded once"


@pytest.mark.parametrize("role", [AUDITOR, OPERATOR, READER])
def test_nobody_else_says_it(visitor: Visitor, role: str) -> None:
    before = waiting(visitor.company)
    assert said(visitor, role).status_code == 403
    assert waiting(visitor.company) == before
    shown = visitor.get(path(visitor.company))
    assert shown.status_code == (200 if role == AUDITOR else 403)
    assert '<form method="post" action="/console/recipients' not in shown.text


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "Par courrier"},
        {"position": "1"},
        {"position": "x"},
        {"recipient": "nobody"},
        {"receipt": "deux mots"},
    ],
    ids=str,
)
def test_what_is_wrong_is_said_on_the_page_and_nothing_recorded(
    visitor: Visitor, wrong: dict[str, str]
) -> None:
    """Without a motive, of a fact that concerns nobody outside, for a recipient nobody declared."""
    head = visitor.company.ledger.recorder.head().position
    answer = said(visitor, DPO, **wrong)
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert visitor.company.ledger.recorder.head().position == head


def test_nobody_elses_fact_is_acknowledged_on_her_page(visitor: Visitor) -> None:
    position, recipient = waiting(visitor.company, OTHER)[0]
    answer = said(visitor, DPO, position=str(position), recipient=recipient)
    assert answer.status_code == 422
    assert (position, recipient) in waiting(visitor.company, OTHER)


def test_a_form_without_its_token_does_nothing(visitor: Visitor) -> None:
    visitor.sign_in(DPO)
    position, recipient = before = waiting(visitor.company)[0]
    form = {"position": str(position), "recipient": recipient, "reason": "letter"}
    for token in ({}, {"token": "x"}):
        answer = visitor.client.post(path(visitor.company), data=form | token)
        assert answer.status_code == 403
    assert before in waiting(visitor.company)


def test_what_is_late_is_listed_and_leads_to_whom_it_is_about(visitor: Visitor) -> None:
    """From the first screen to the list, and from there to her; an agent has her page only."""
    visitor.company.clock.advance(days=9)
    visitor.sign_in(DPO)
    assert 'href="/console/recipients"' in visitor.get("/console").text
    assert path(visitor.company) in visitor.get("/console/recipients").text
    assert (
        path(visitor.company)
        in visitor.get(f"/console/people/{find(visitor.company.ledger, HER)}").text
    )
    visitor.sign_in(AGENT)
    assert visitor.get("/console/recipients").status_code == 403


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "plain"])
@pytest.mark.parametrize(
    ("locale", "summary", "record", "done"),
    [
        ("fr-FR", "Accuser réception à sa place", "Enregistrer", "par courriel"),
        ("en-GB", "Acknowledge in its place", "Record", "by e-mail"),
    ],
    ids=["fr", "en"],
)
def test_the_dpo_acknowledges_in_a_browser(
    own: Live, window: Windows, scripts: bool, locale: str, summary: str, record: str, done: str
) -> None:
    """From her page: a motive, the recipient's receipt, and where it stands then."""
    before = waiting(own.company)
    page = window(own, java_script_enabled=scripts, locale=locale).play("dpo")
    page.goto(path(own.company).replace("recipients", "people"))
    page.locator(f'main a[href="{path(own.company)}"]').click()
    one = page.locator("li", has=page.locator("summary", has_text=summary)).first
    one.locator("summary").click()
    one.locator("select").select_option("email")
    one.locator("input[name=receipt]").fill("job-7")
    with page.expect_navigation():
        one.get_by_role("button", name=record).click()
    expect(page.locator("main")).to_contain_text(done)
    expect(page.locator("main code", has_text="job-7")).to_be_visible()
    assert len(waiting(own.company)) == len(before) - 1
    assert set(REASONS) == {"letter", "email", "phone", "their_page"}


@pytest.mark.clause("SS-DSR-8")
def test_what_was_recorded_of_another_reference_of_hers_is_shown_and_said(
    visitor: Visitor,
) -> None:
    """With the join it is hers by; and whoever opens the letter may say so on either page."""
    ledger = visitor.company.ledger
    kept, other = find(ledger, HER), find(ledger, OTHER)
    apart = waiting(visitor.company)
    theirs = [one for one in waiting(visitor.company, OTHER) if one not in apart]
    assert theirs
    joined = joining.join(ledger, kept, other)
    assert isinstance(joined, Written)
    visitor.sign_in(DPO)
    page = re.sub(r"\s+", " ", seen(visitor.get(path(visitor.company)).text))
    assert f"Inscrit sous {str(other)[:8]}, la même personne (réunion) · position" in page
    position, recipient = theirs[0]
    form = {"position": str(position), "recipient": recipient, "reason": "letter"}
    assert visitor.send(path(visitor.company), **form).status_code == 303
    assert set(waiting(visitor.company)) == {*apart, *theirs} - {theirs[0]}
