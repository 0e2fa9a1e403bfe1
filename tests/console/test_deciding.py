"""What people wrote: listed closed, read on record, decided once; and an edition, examined and then
published."""

from __future__ import annotations

import re
from hashlib import sha256
from html import unescape
from typing import Any

import pytest

from api.answers import find
from ledger.commands import Reference
from ledger.events import DataRead, PolicyPublished
from ledger.handlers import publish
from ledger.policy.book import shipped_bytes
from ledger.requests.reading import queue
from ledger.store import reader
from tests.console.conftest import Opened
from tests.console.room import Visitor, seen

QUEUE = "/console/queue"
PUBLISH = "/console/policy/publish"
WROTE = "Arrêtez vos courriels s'il vous plaît"  # in the story of the demo company


@pytest.fixture
def agent(visitor: Visitor) -> Visitor:
    """Somebody at the telephone."""
    visitor.sign_in("agent")
    return visitor


@pytest.fixture
def dpo(visitor: Visitor) -> Visitor:
    """Who answers for the data."""
    visitor.sign_in("dpo")
    return visitor


@pytest.fixture
def phrases(visitor: Visitor) -> None:
    """An edition with agreed phrases is in force: the company's own of 2022 has none."""
    publish(visitor.company.ledger, shorter(account="12").encode(), notified=True)
    visitor.company.clock.advance(days=27)


def last(visitor: Visitor) -> Any:
    """The newest fact."""
    ledger = visitor.company.ledger
    with ledger.database.read() as connection:
        found = reader.event_at(connection, ledger.recorder.head().position)
    assert found is not None
    return found.fact


def the_one(visitor: Visitor) -> str:
    """The page of the text that waits."""
    (path,) = set(re.findall(rf'href="({QUEUE}/\d+)"', visitor.get(QUEUE).text))
    return str(path)


def test_a_text_is_listed_closed_and_read_on_record(agent: Visitor) -> None:
    where = the_one(agent)
    for path in (QUEUE, where):
        assert WROTE not in seen(agent.get(path).text)
    before = agent.company.ledger.recorder.head().position
    page = agent.send(f"{where}/reading", on=where)
    assert WROTE in seen(page.text)
    assert agent.company.ledger.recorder.head().position == before + 1
    fact = last(agent)
    assert isinstance(fact, DataRead) and fact.reason == "queue"


@pytest.mark.usefixtures("phrases")
def test_a_phrase_is_applied_as_of_the_day_it_came(agent: Visitor) -> None:
    """The first click of two that differ decides; the text waits no more."""
    where = the_one(agent)
    done = agent.send(f"{where}/decide", on=where, decision="motive", motive="stop_email")
    assert done.headers["location"] == QUEUE
    assert "a été appliquée" in seen(agent.get(QUEUE).text)
    assert "Aucun texte n'attend" in seen(agent.get(QUEUE).text)
    assert agent.get(where).status_code == 404
    late = agent.send(f"{where}/decide", on=QUEUE, decision="nothing")
    assert late.status_code in (404, 422)


def test_a_text_becomes_a_request_with_its_own_day(agent: Visitor) -> None:
    where = the_one(agent)
    done = agent.send(f"{where}/decide", on=where, decision="request", right="access")
    assert done.headers["location"].startswith("/console/requests/")
    (found,) = [
        one.request
        for one in queue(agent.company.ledger).requests
        if done.headers["location"].endswith(str(one.request.stream))
    ]
    assert (found.right, found.received) == ("access", 20251120)


@pytest.mark.parametrize(
    "fields",
    [
        {"decision": "motive", "motive": "no_such"},
        {"decision": "motive"},
        {"decision": "request"},
        {"decision": "request", "right": "no_such"},
        {"decision": "apply"},
        {},
    ],
    ids=str,
)
def test_what_is_no_decision_decides_nothing(agent: Visitor, fields: dict[str, str]) -> None:
    where, before = the_one(agent), agent.company.ledger.recorder.head().position
    assert agent.send(f"{where}/decide", on=where, **fields).status_code == 422
    assert agent.company.ledger.recorder.head().position == before
    assert agent.get(where).status_code == 200


@pytest.mark.usefixtures("phrases")
def test_a_letter_that_holds_an_agreed_phrase_takes_effect_at_once(agent: Visitor) -> None:
    ledger = agent.company.ledger
    said = {"channel": "letter", "received": "2026-01-02"}
    her = {"kind": "shop", "reference": "D-0042"}
    done = agent.send(QUEUE, on=QUEUE, text="Stop email SoftSystem", **said, **her)
    assert done.headers["location"] == QUEUE
    assert "elle a pris effet" in seen(agent.get(QUEUE).text)
    phrase = "Supprimer mon espace client SoftSystem"
    done = agent.send(QUEUE, on=QUEUE, text=phrase, **said, **her)
    assert done.headers["location"].startswith("/console/requests/")
    subject = find(ledger, Reference("shop", "D-0042"))
    (asked,) = [one.request for one in queue(ledger, subject=subject).requests][-1:]
    assert (asked.right, asked.received) == ("erasure", 20260102)
    done = agent.send(QUEUE, on=QUEUE, text="Bonjour, merci", subject=str(subject), **said)
    assert "attend une décision" in seen(agent.get(QUEUE).text)
    for wrong in ({"text": ""}, {"text": "x", "received": "soon"}, {"text": "x", "channel": "owl"}):
        page = agent.send(QUEUE, on=QUEUE, **{**said, **her, **wrong})
        assert page.status_code == 422


def test_the_queue_goes_on(agent: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.console import deciding

    said = {"channel": "letter", "kind": "shop", "reference": "D-0042"}
    for n in range(2):
        agent.send(QUEUE, on=QUEUE, text=f"texte {n}", **said)
    monkeypatch.setattr(deciding, "LIMIT", 2)
    page = agent.get(QUEUE)
    (more,) = re.findall(r'href="(/console/queue\?after=\d+)"', page.text)
    rest = agent.get(more)
    first, then = (set(re.findall(rf'href="({QUEUE}/\d+)"', p.text)) for p in (page, rest))
    assert (len(first), len(then), first & then) == (2, 1, set())


# --- editions -------------------------------------------------------------------------------------


def shorter(**changes: str) -> str:
    """The shipped edition as one of 2026 that keeps accounts for a shorter time."""
    text = shipped_bytes().decode()
    text = re.sub(r"(?m)^id = .*$", 'id = "shop-2026"', text, count=1)
    text = re.sub(r"(?m)^effective_from = .*$", "effective_from = 2026-02-01", text, count=1)
    for name, months in changes.items():
        before, head, after = text.partition(f'name = "{name}"\n')
        assert head
        terms = re.compile(r"operational_months = \d+")
        text = before + head + terms.sub(f"operational_months = {months}", after, count=1)
    return text


def published(visitor: Visitor) -> list[str]:
    """The ids of the editions of the ledger."""
    book = visitor.company.ledger.book(visitor.company.ledger.epoch())
    return [one.edition.id for one in book.entries]


def test_an_edition_is_examined_and_then_published(dpo: Visitor) -> None:
    """What a browser sends, with carriage returns, is published as the file it was."""
    text = shorter(account="12")
    sent, before = text.replace("\n", "\r\n"), dpo.company.ledger.recorder.head().position
    page = dpo.send(f"{PUBLISH}/examine", on=PUBLISH, edition=sent)
    assert page.status_code == 200, seen(page.text)
    said = seen(page.text)
    digest = sha256(text.encode()).hexdigest()
    assert digest in said
    assert "Ce que la loi y trouve à redire" in said
    assert "plus court" in said and "operational_months" in said
    assert dpo.company.ledger.recorder.head().position == before
    (kept,) = re.findall(r'(?s)<textarea name="edition" hidden[^>]*>\n(.*?)</textarea>', page.text)
    assert unescape(kept) == text
    missing = dpo.send(PUBLISH, on=PUBLISH, edition=sent)
    assert missing.status_code == 422 and published(dpo)[-1] != "shop-2026"
    done = dpo.send(PUBLISH, on=PUBLISH, edition=sent, sure="yes")
    assert done.headers["location"] == "/console/policy"
    assert published(dpo)[-1] == "shop-2026"
    fact = last(dpo)
    assert isinstance(fact, PolicyPublished) and fact.notified is None
    assert "publiée, à la position" in seen(dpo.get("/console/policy").text)


def test_a_text_that_was_not_examined_is_not_published(dpo: Visitor) -> None:
    """Not another word, not in another session, not twice."""
    text = shorter(account="12")
    said = dpo.send(PUBLISH, on=PUBLISH, edition=text, sure="yes")
    assert said.status_code == 422
    assert "D'abord l'examen" in seen(said.text)
    assert 'action="/console/policy/publish"' not in said.text
    dpo.send(f"{PUBLISH}/examine", on=PUBLISH, edition=text)
    other = dpo.send(PUBLISH, on=PUBLISH, edition=shorter(account="13"), sure="yes")
    assert other.status_code == 422
    assert "shop-2026" not in published(dpo)


def test_a_longer_term_needs_that_people_were_told(dpo: Visitor) -> None:
    text = shorter(account="120").replace("2026-02-01", "2026-01-05")
    page = dpo.send(f"{PUBLISH}/examine", on=PUBLISH, edition=text)
    assert "Conservé plus longtemps" in seen(page.text)
    said = dpo.send(PUBLISH, on=PUBLISH, edition=text, sure="yes")
    assert said.status_code == 422
    assert "SS-POL-2" in seen(said.text)
    assert "shop-2026" not in published(dpo)
    done = dpo.send(PUBLISH, on=PUBLISH, edition=text, sure="yes", notified="yes")
    assert done.status_code == 303, seen(done.text)
    assert published(dpo)[-1] == "shop-2026"
    fact = last(dpo)
    assert isinstance(fact, PolicyPublished) and fact.notified is True


@pytest.mark.parametrize("text", ["", "x = ", "[class]", "<script>alert(1)</script>", "é" * 50])
def test_what_is_no_edition_is_refused_with_a_sentence(dpo: Visitor, text: str) -> None:
    for path in (f"{PUBLISH}/examine", PUBLISH):
        page = dpo.send(path, on=PUBLISH, edition=text, sure="yes")
        assert page.status_code == 422
        assert "<script>alert" not in page.text
        assert 'role="alert"' in page.text


def test_who_only_reads_the_policy_does_not_publish_it(open_visitor: Opened) -> None:
    visitor = open_visitor()
    visitor.sign_in("auditor")
    assert visitor.get(PUBLISH).status_code == 403
    assert PUBLISH not in visitor.get("/console/policy").text
