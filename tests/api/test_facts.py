"""`POST /v1/facts`: each item has its own outcome, and nothing that is good is lost."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from ledger.calendar import format_instant
from ledger.store import reader, tables
from tests.api.conftest import CANARY, Caller, order


def test_one_fact_is_recorded_and_its_place_in_the_log_answered(anywhere: Caller) -> None:
    """201 with position, subject, stream, record time and hashes that the log agrees with."""
    answer = anywhere.post(order(occurred="2026-01-02"))
    assert answer.status_code == 201
    said = answer.json()
    assert said["position"] == anywhere.position() == 3
    assert said["registered_at"] == 2
    assert answer.headers["location"] == f"/v1/subjects/{said['subject']}"
    assert said["recorded_at"] > format_instant(anywhere.ledger.clock.now())
    events = tables.events.c
    with anywhere.ledger.database.read() as connection:
        query = sa.select(events.entry, events.leaf, events.stream).where(events.position == 3)
        row = connection.execute(query).one()
    assert said["entry_sha256"] == sha256(row.entry).hexdigest()
    assert said["leaf"] == row.leaf.hex()
    assert said["stream"] == str(row.stream)


def test_of_a_thousand_items_three_bad_ones_leave_997(anywhere: Caller) -> None:
    """Three clear outcomes, in their places; everything else is recorded."""
    items: list[Any] = [order(f"c-{n % 50}", f"A-{n}", occurred="2026-01-02") for n in range(1000)]
    items[10] = {"kind": "order.dreamt", "person": {"kind": "shop", "value": CANARY}}
    items[500] = order("c-1", "B-1", data={"amount": {"minor": CANARY, "currency": "EUR"}})
    items[999] = order("c-2", "A-1", occurred="2026-01-02")  # the order of somebody else
    answer = anywhere.post(items)
    assert answer.status_code == 200
    said = answer.json()
    assert (said["recorded"], said["refused"], len(said["items"])) == (997, 3, 1000)
    assert [n for n, one in enumerate(said["items"]) if one["status"] != 201] == [10, 500, 999]
    statuses = [said["items"][n]["status"] for n in (10, 500, 999)]
    assert statuses == [422, 422, 409]
    assert said["items"][10]["field"] == "kind"
    assert said["items"][500]["field"] == "amount"
    assert CANARY not in answer.text
    assert anywhere.position() == 1 + 50 + 997
    positions = [one["position"] for one in said["items"] if one["status"] == 201]
    assert positions == sorted(set(positions))


def test_ndjson_is_read_line_by_line(anywhere: Caller) -> None:
    """A line that is no JSON is the business of that line only."""
    lines = [json.dumps(order("1", "A-1")), '{"kind": ', "", json.dumps(order("1", "A-2"))]
    answer = anywhere.raw("\n".join(lines).encode(), "application/x-ndjson")
    assert [one["status"] for one in answer.json()["items"]] == [201, 400, 201]


def test_items_of_one_batch_see_those_before_them(caller: Caller) -> None:
    """An order placed can be cancelled two lines below, once."""
    cancelled = {"kind": "order.cancelled", "thing": {"kind": "order_ref", "value": "A-1"}}
    said = caller.post([order(), cancelled, cancelled]).json()["items"]
    assert [one["status"] for one in said] == [201, 201, 409]
    assert len({one["subject"] for one in said[:2]}) == 1


def test_a_fact_is_corrected_and_voided_by_position(anywhere: Caller) -> None:
    """What the person's page says follows at once."""
    placed = anywhere.post(order(occurred="2026-01-02")).json()
    moved = {"position": placed["position"], "occurred": "2025-12-24", "reason": "typo"}
    assert anywhere.post({"correct": moved}).status_code == 201
    page = anywhere.get(f"/v1/subjects/{placed['subject']}").json()
    assert page["last_activity"]["day"] == "2025-12-24"
    assert anywhere.post({"void": {"position": placed["position"]}}).status_code == 201
    page = anywhere.get(f"/v1/subjects/{placed['subject']}").json()
    assert page["last_activity"] is None
    assert anywhere.post({"void": {"position": 999}}).status_code == 404


def test_a_refusal_names_its_clause_and_article(caller: Caller) -> None:
    """An undeclared purpose, a consent where the law leaves no choice, a future date."""
    choice = {"kind": "consent.given", "person": {"kind": "shop", "value": "1"}}
    undeclared = caller.post({**choice, "data": {"purpose": "resale", "channel": "email"}})
    assert undeclared.status_code == 422
    assert undeclared.headers["content-type"] == "application/problem+json"
    problem = undeclared.json()
    assert problem["type"] == "/docs#problem-purpose-undeclared"
    assert (problem["clause"], problem["field"]) == ("SS-CTL-2", "purpose")
    assert "art. 5(1)(b)" in problem["article"]
    no_choice = caller.post({**choice, "data": {"purpose": "accounting"}}).json()
    assert no_choice["type"] == "/docs#problem-not-a-choice"
    assert caller.post(order(occurred="2031-01-01")).json()["type"] == "/docs#problem-future"
    assert caller.position() == 1


def test_what_was_erased_is_gone_for_ever(caller: Caller) -> None:
    """410: a destroyed key is never made again."""
    contact = {
        "kind": "customer.contacted_us",
        "person": {"kind": "email", "value": CANARY},
        "data": {"channel": "form", "text": "hello"},
    }
    assert caller.post(contact).status_code == 201
    with caller.ledger.database.write() as connection:
        connection.execute(sa.update(tables.keys).values(wrapped=None, state="destroyed"))
        connection.execute(sa.update(tables.head).values(epoch=tables.head.c.epoch + 1))
    caller.ledger.forget()
    gone = caller.post(contact)
    assert gone.status_code == 410
    assert gone.json()["clause"] == "SS-DSR-3"
    assert CANARY not in gone.text
    batch = caller.post([contact, order()]).json()
    assert [one["status"] for one in batch["items"]] == [410, 201]


def test_a_personal_field_is_sealed_and_a_reference_kept_as_a_hash(anywhere: Caller) -> None:
    """Neither is in an answer; both are found again by those who may."""
    answer = anywhere.post(
        {
            "kind": "customer.registered",
            "person": {"kind": "email", "value": CANARY},
            "data": {"class": "contact", "origin": "contact", "email": CANARY},
        }
    )
    assert answer.status_code == 201
    page = anywhere.get(f"/v1/subjects/{answer.json()['subject']}")
    assert CANARY not in answer.text + page.text
    with anywhere.ledger.database.read() as connection:
        opened = anywhere.ledger.vault.open(connection, answer.json()["position"])
        found = reader.event_at(connection, answer.json()["position"])
    assert opened == {"email": CANARY}
    assert found is not None
    assert found.fact.personal_fields() == {}
