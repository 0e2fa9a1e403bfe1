"""The sandbox's clock: only in a demo, only forward, and everything answers as of then."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pytest
from playwright.sync_api import expect

from api.console.texts import speech
from api.demo.sandbox import Sandbox, sandbox_of
from api.routes import AGENT, DPO
from ledger.calendar import day_of, parse_instant
from ledger.errors import Misuse
from ledger.opening import create
from tests.clock import StepClock
from tests.console.conftest import Live, Opened, Windows
from tests.console.room import Visitor, seen

CLOCK = "/console/clock"
SAYS = speech("fr")


def strip_of(text: str) -> str:
    found = re.search(r'<p class="sandbox">(.*?)</p>', text, re.DOTALL)
    return seen(found[1]) if found else ""


# --- the clock itself -----------------------------------------------------------------------------


def test_it_runs_as_the_clock_under_it_does() -> None:
    under = StepClock("2026-01-05T09:00:00")
    clock = Sandbox(under)
    assert (clock.now(), clock.is_ahead) == (under.now(), False)
    clock.jump(parse_instant("2026-03-01T08:00:00Z"))
    under.advance(seconds=90)
    assert clock.now() == parse_instant("2026-03-01T08:01:30Z")
    assert clock.real() == parse_instant("2026-01-05T09:01:30Z") and clock.is_ahead


@pytest.mark.parametrize("to", ["2026-01-05T09:00:00Z", "2026-01-05T08:59:59.999999Z"])
def test_it_never_goes_back(to: str) -> None:
    clock = Sandbox(StepClock("2026-01-05T09:00:00"))
    with pytest.raises(Misuse):
        clock.jump(parse_instant(to))
    assert not clock.is_ahead


def test_it_begins_no_earlier_than_what_was_recorded_last(visitor: Visitor) -> None:
    """A server that is started again goes on where the clock of the one before had been moved."""
    company = visitor.company
    company.sandbox.jump(parse_instant("2040-01-01T08:00:00Z"))
    visitor.sign_in(DPO)
    visitor.send("/console/controls", on="/console/controls")
    again = sandbox_of(company.ledger)
    assert again is not None and again.now() >= parse_instant("2040-01-01T08:00:00Z")


def test_real_people_have_no_sandbox(tmp_path: Path, visitor: Visitor) -> None:
    """The clock is for the made-up company, whose edition nobody else has."""
    ledger = create(f"sqlite:///{tmp_path / 'ledger.sqlite'}", tmp_path / "keyring.json")
    assert sandbox_of(ledger) is None
    ledger.close()
    assert sandbox_of(visitor.company.ledger) is not None


# --- where it is, and where it is not -------------------------------------------------------------


@pytest.mark.parametrize("demo", [False, True])
def test_elsewhere_there_is_no_such_page(open_visitor: Opened, demo: bool) -> None:
    """Without a demo; and in a demo that has no such clock."""
    visitor = open_visitor(demo=demo, has_clock=False)
    visitor.sign_in(DPO)
    page = visitor.get(CLOCK)
    assert page.status_code == 404 and f'href="{CLOCK}"' not in page.text
    before = visitor.company.ledger.clock.now()
    said = visitor.send(CLOCK, on="/console/holds", how="month")
    assert said.status_code in (404, 405)
    assert visitor.company.ledger.clock.now() == before
    home = visitor.get("/console")
    assert strip_of(home.text) == "" and f'href="{CLOCK}"' not in home.text


def test_every_page_says_that_the_clock_is_a_sandboxs(visitor: Visitor) -> None:
    now = SAYS.moment(visitor.company.ledger.clock.now())
    today = " ".join(SAYS("clock.strip", moment=now).split())  # as `seen` tells spaces
    assert strip_of(visitor.get("/console/sign-in").text) == today
    visitor.play("dpo")
    for path in ("/console", "/audit", CLOCK, "/console/nowhere", "/console/retention"):
        assert strip_of(visitor.get(path).text).startswith(today), path
    visitor.send("/console/sign-out", on="/console")
    visitor.play("customer")
    assert strip_of(visitor.get("/my").text) == today


def test_who_may_not_move_it_does_not(open_visitor: Opened) -> None:
    for part, role in (("customer", None), (None, AGENT)):
        visitor = open_visitor()
        if part:
            visitor.play(part)
        else:
            visitor.sign_in(str(role))
        before = visitor.company.ledger.clock.now()
        home = "/my" if part else "/console/people"
        assert visitor.get(CLOCK).status_code == 403
        assert visitor.send(CLOCK, on=home, how="month").status_code == 403
        assert visitor.company.ledger.clock.now() == before


def test_a_form_from_elsewhere_does_not_move_it(visitor: Visitor) -> None:
    visitor.play("dpo")
    before = visitor.company.ledger.clock.now()
    said = visitor.client.post(CLOCK, data={"how": "month", "token": "0" * 64})
    assert said.status_code == 403
    assert visitor.company.ledger.clock.now() == before


# --- jumping --------------------------------------------------------------------------------------


def test_a_month_on_everything_answers_as_of_then(visitor: Visitor) -> None:
    """And whoever is signed in stays so, for nobody waited a month."""
    visitor.play("dpo")
    assert visitor.send(CLOCK, on=CLOCK, how="month").headers["location"] == CLOCK
    assert day_of(visitor.company.ledger.clock.now()) == 20260205
    page = visitor.get(CLOCK)
    assert SAYS("clock.moved", day=SAYS.day(20260205)) in unescape(page.text)
    assert "5 février 2026" in seen(visitor.get("/console").text)
    assert 'value="2026-02-05"' in visitor.get("/audit").text
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    assert visitor.client.get("/v1/today", headers=key).json()["day"] == "2026-02-05"


def test_a_form_sent_twice_moves_it_once(visitor: Visitor) -> None:
    visitor.play("dpo")
    page = visitor.get(CLOCK).text
    once = re.findall(r'name="once" value="([^"]+m)"', page)[0]
    for _ in range(2):
        assert visitor.send(CLOCK, on=CLOCK, how="month", once=once).status_code == 303
    assert day_of(visitor.company.ledger.clock.now()) == 20260205


@pytest.mark.parametrize("day", ["2026-01-04", "2026-01-05", "1999-12-31", "2101-01-01", "Zoé", ""])
def test_it_goes_to_no_day_that_is_over_and_to_none_that_is_none(
    visitor: Visitor, day: str
) -> None:
    visitor.play("dpo")
    before = visitor.company.ledger.clock.now()
    said = visitor.send(CLOCK, on=CLOCK, how="date", day=day)
    assert said.status_code == 422 and 'id="refusal"' in said.text
    assert visitor.company.ledger.clock.now() == before


def test_what_falls_due_next_is_past_after_the_jump(visitor: Visitor) -> None:
    """Jump after jump: each time somebody's data is past its term that was not before."""
    visitor.play("dpo")
    past = things_past(visitor)
    for _ in range(5):
        page = visitor.get(CLOCK)
        assert SAYS("clock_sort.term") in unescape(page.text)
        visitor.send(CLOCK, on=CLOCK, how="next")
        now = things_past(visitor)
        assert now > past
        past = now


def things_past(visitor: Visitor) -> int:
    """Things past their term, as the interface counts them; the page counts the people alike."""
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    classes = visitor.client.get("/v1/retention/due", headers=key).json()["classes"]
    text = visitor.get("/console/retention").text.partition('id="past"')[2].partition("</table>")[0]
    rows = re.findall(r'/due/(\w+)">.*?class="n">([^<]*)<', text)
    told = {name: int(re.sub(r"\D", "", n)) for name, n in rows}
    assert told == {name: classes[name]["past_operational"] for name in told} and told
    return sum(one["items"]["past_operational"] for one in classes.values())


def test_a_morning_after_the_deadline(own: Live, window: Windows) -> None:
    """From the strip on any page to the jump, to what fell due, to a rehearsal that sees it."""
    page = window(own).play("dpo")
    page.get_by_role("link", name="L'avancer").click()
    page.get_by_role("button", name="Jusqu'à la prochaine échéance").click()
    expect(page.get_by_role("status").first).to_contain_text("L'horloge a été avancée")
    expect(page.locator(".sandbox")).not_to_contain_text("5 janvier 2026")
    page.get_by_label("Au matin du").fill("2027-06-01")
    page.get_by_role("button", name="Y aller").click()
    expect(page.locator(".sandbox")).to_contain_text("1er juin 2027")
    page.get_by_role("link", name="Conservation", exact=True).click()
    expect(page.locator(".when")).to_contain_text("1er juin 2027")
    page.get_by_role("button", name="Répéter maintenant").click()
    expect(page.get_by_text("terminé")).to_be_visible()
    expect(page.locator("[data-count=people]")).not_to_have_text("0")


def test_the_same_with_the_keyboard_and_without_scripts(own: Live, window: Windows) -> None:
    page = window(own, java_script_enabled=False).play("auditor")
    page.goto(CLOCK)
    page.get_by_role("button", name="D'un mois").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".sandbox")).to_contain_text("5 février 2026")
