"""Holds, retention, the policy, what leaves and who may: what their pages do."""

from __future__ import annotations

import html
import re
import time
from typing import Any

import pytest

from api import keys
from api.answers import find
from api.routes import DPO, OPERATOR
from ledger.commands import Reference
from tests.console.conftest import Opened
from tests.console.room import Visitor, seen

HOLDS, RETENTION, POLICY = "/console/holds", "/console/retention", "/console/policy"
WEBHOOKS, ACCESS = "/console/webhooks", "/console/access"


@pytest.fixture
def dpo(visitor: Visitor) -> Visitor:
    visitor.sign_in(DPO)
    return visitor


def asked(visitor: Visitor, path: str) -> Any:
    """What the interface says, to the same role."""
    key = {"Authorization": f"Bearer {visitor.company.keys[DPO]}"}
    return visitor.client.get(path, headers=key).json()


# --- holds ----------------------------------------------------------------------------------------


def test_a_hold_is_placed_reviewed_and_lifted(dpo: Visitor) -> None:
    subject = str(find(dpo.company.ledger, Reference("shop", "D-0042")))
    fields = {"subject": subject, "article": "C. civ. art. 2224", "review": "2026-06-01"}
    assert dpo.send(HOLDS, on=HOLDS, **fields).status_code == 422  # of nothing
    placed = dpo.send(HOLDS, on=HOLDS, **fields, classes=["account", "order"], reason="litige")
    assert placed.headers["location"] == HOLDS
    (hold,) = [one for one in asked(dpo, "/v1/holds")["items"] if one["subject"] == subject]
    assert hold["classes"] == ["account", "order"]
    page = dpo.get(HOLDS).text
    assert f"{HOLDS}/{hold['id']}/review" in page and "litige" not in page
    path = f"{HOLDS}/{hold['id']}"
    assert dpo.send(f"{path}/review", on=HOLDS, review="2026-12-01").status_code == 303
    assert asked(dpo, f"/v1/holds/{hold['id']}")["review"] == "2026-12-01"
    assert dpo.send(f"{path}/lift", on=HOLDS, reason="jugé").status_code == 303
    assert asked(dpo, f"/v1/holds/{hold['id']}")["open"] is False
    assert dpo.send(f"{path}/lift", on=HOLDS).status_code == 422
    assert dpo.send(f"{path}/dance", on=HOLDS).status_code == 404
    assert dpo.send(f"{HOLDS}/1/lift", on=HOLDS).status_code == 404


# --- retention ------------------------------------------------------------------------------------


def run(visitor: Visitor, how: str) -> Any:
    """A run, and its page when it is over."""
    begun = visitor.send(f"{RETENTION}/runs", on=RETENTION, how=how)
    if begun.status_code != 303:
        return begun
    deadline = time.monotonic() + 180
    while not visitor.get(begun.headers["location"] + "/progress").json()["over"]:
        assert time.monotonic() < deadline, "this run does not end"
        time.sleep(0.05)
    return visitor.get(begun.headers["location"])


def test_a_run_comes_after_a_rehearsal_of_the_same_day(dpo: Visitor) -> None:
    """What the rehearsal counted is what the run does."""
    before = dpo.company.ledger.recorder.head().position
    refused = run(dpo, "run")
    assert refused.status_code == 422 and "répétition" in seen(refused.text)
    assert dpo.company.ledger.recorder.head().position == before
    page = run(dpo, "rehearse").text
    assert "data-progress" not in page and "refresh" not in page
    done = run(dpo, "run")
    # Something of hers must be archived, and this company has no archive key.
    assert "no-archive-key" in seen(done.text)
    dpo.company.clock.advance(days=1)
    dpo.sign_in(DPO)
    assert run(dpo, "run").status_code == 422


def test_the_picture_and_its_table_say_the_same(dpo: Visitor) -> None:
    """And both what the interface says."""
    for what in ("leaving", "ending"):
        page = dpo.get(f"{RETENTION}?what={what}").text
        told = asked(dpo, "/v1/retention/calendar?months=24")["classes"]
        months = [one[what]["months"] for one in told.values() if any(one[what]["months"].values())]
        drawn = re.findall(r'class="t\d">(\d+)<', page)
        assert sorted(map(int, drawn)) == sorted(n for one in months for n in one.values() if n)
        table = page.partition('<table class="wide">')[2].partition("</table>")[0]
        assert table.count('scope="row"') == len(months) == page.count('class="big">') - 2


def test_whose_terms_are_past_is_listed_by_class(dpo: Visitor) -> None:
    told = asked(dpo, "/v1/retention/due/account?limit=100")["items"]
    page = dpo.get(f"{RETENTION}/due/account").text
    assert page.count("/console/people/") == len(told) > 0
    assert dpo.get(f"{RETENTION}/due/nothing").status_code == 404


# --- policy ---------------------------------------------------------------------------------------


def test_the_policy_is_shown_with_what_the_law_finds_in_it(dpo: Visitor) -> None:
    """The edition of a day, by the law of a day: the interface's findings, with their wording."""
    page = seen(dpo.get(f"{POLICY}?day=2019-01-01").text)
    told = asked(dpo, "/v1/policy/editions/2019-01-01/lint?lang=fr")
    assert len(told["findings"]) > 10
    for one in told["findings"]:
        assert " ".join(one["found"].split()) in page
        assert " ".join(one["proposed"].split()) in page
    earlier = seen(dpo.get(f"{POLICY}?day=2019-01-01&law_of=2018-11-20").text)
    assert earlier.count("Rédaction proposée") < page.count("Rédaction proposée")
    assert dpo.get(f"{POLICY}?day=1999-01-01").status_code == 404
    change = seen(dpo.get(f"{POLICY}/change?old=2019-01-01&new=2022-03-01").text)
    assert "plus court" in change


def test_a_draft_is_tried_and_nothing_is_recorded(dpo: Visitor) -> None:
    where = f"{POLICY}/what-if"
    text = re.search(r"<textarea[^>]*>(.*?)</textarea>", dpo.get(where).text, re.S)
    assert text is not None
    before = dpo.company.ledger.recorder.head().position
    draft = html.unescape(text[1]).strip()
    shorter = re.sub(r"(?m)^operational_months = 60$", "operational_months = 6", draft)
    said = dpo.send(where, on=where, edition=shorter)
    assert said.status_code == 200 and "Personnes touchées" in seen(said.text)
    assert dpo.send(where, on=where, edition="nonsense").status_code == 422
    assert dpo.company.ledger.recorder.head().position == before


# --- controls -------------------------------------------------------------------------------------


def test_controls_are_run_and_put_on_record(dpo: Visitor) -> None:
    """Each finding is told with its clause and positions, and the run is one of those on record."""
    where = "/console/controls"
    assert dpo.send(where, on=where, as_of="yesterday").status_code == 422
    before = dpo.company.ledger.recorder.head().position
    page = dpo.send(where, on=where)
    assert dpo.company.ledger.recorder.head().position == before + 1
    (ran,) = asked(dpo, "/v1/controls/C02")["runs"]
    assert ran["violations"] > 0  # the demo company wrote to somebody who had withdrawn
    said = seen(page.text)
    assert "C02" in said and "SS-" in said and f"position {before + 1}" in said
    assert "jamais lancé" not in seen(dpo.get(where).text)
    earlier = seen(dpo.send(where, on=where, as_of="2018-12-01").text)
    assert "0 manquement" in earlier


# --- what leaves, who may -------------------------------------------------------------------------


def test_the_secret_of_a_webhook_is_shown_once(dpo: Visitor) -> None:
    fields = {"url": "https://mailer.example.org/in", "recipient": "routeur"}
    made = dpo.send(WEBHOOKS, on=WEBHOOKS, **fields)
    secret = re.search(r'class="secret">(whsec_[^<]+)<', made.text)
    assert made.status_code == 201 and secret is not None
    again = dpo.get(WEBHOOKS).text
    assert secret[1] not in again
    (path,) = re.findall(rf'href="({WEBHOOKS}/[^"]+)"', again)
    assert dpo.get(path).status_code == dpo.get(f"{path}?state=dead").status_code == 200
    assert dpo.send(f"{path}/redeliver", on=path).headers["location"] == path
    wrong = dpo.send(WEBHOOKS, on=WEBHOOKS, **fields | {"recipient": "nobody"})
    assert wrong.status_code == 422 and "SS-REC-1" in wrong.text
    wrong = dpo.send(WEBHOOKS, on=WEBHOOKS, **fields | {"url": "http://mailer.example.org"})
    assert wrong.status_code == 422
    assert dpo.send(f"{path}/remove", on=path).headers["location"] == WEBHOOKS
    assert dpo.get(path).status_code == 404


def test_keys_are_listed_and_revoked_and_never_made(open_visitor: Opened) -> None:
    """Whose key is revoked is out at her next request; no page makes a key or shows a secret."""
    visitor = open_visitor()
    visitor.sign_in(OPERATOR)
    page = visitor.get(ACCESS).text
    listed = keys.read(visitor.company.known_at)
    assert all(one.id in page and one.sha256 not in page for one in listed)
    dpo = open_visitor(visitor.company)
    dpo.sign_in(DPO)
    (hers,) = [one.id for one in listed if one.name == DPO]
    assert visitor.send(f"{ACCESS}/{hers}/revoke", on=ACCESS).headers["location"] == ACCESS
    assert "révoquée" in seen(visitor.get(ACCESS).text)
    assert dpo.get("/console").status_code == 303
    assert visitor.send(f"{ACCESS}/key:0/revoke", on=ACCESS).status_code == 404
