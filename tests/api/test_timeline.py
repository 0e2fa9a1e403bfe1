"""A person's history, deadlines and choices over HTTP; entity tags."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from ledger.store import tables
from tests.api.conftest import CANARY, Caller, order
from tests.clock import StepClock

PERSON = {"person": {"kind": "shop", "value": "0042"}}
LETTERS = {"purpose": "newsletter", "channel": "email", "grade": "proved"}
WRITES = {
    "kind": "customer.contacted_us",
    **PERSON,
    "occurred": "2021-05-06T07:08:09Z",
    "data": {"channel": "form", "text": CANARY},
}


def told(caller: Caller) -> tuple[str, list[Any]]:
    """A person with an order, a choice and a message; the order is corrected twice, the choice
    voided."""
    said = caller.post(
        [
            order(occurred="2020-02-29"),
            {"kind": "consent.given", **PERSON, "occurred": "2020-03-01", "data": LETTERS},
            WRITES,
        ]
    ).json()["items"]
    first, choice, _ = (one["position"] for one in said)
    amended = caller.post(
        [
            {"correct": {"position": first, "occurred": "2020-03-02", "reason": "typo"}},
            {"correct": {"position": first, "occurred": "2022-03-03"}},
            {"void": {"position": choice, "reason": "wrong_person"}},
            order("0043", "B-1"),
        ]
    ).json()
    assert amended["recorded"] == 4
    return said[0]["subject"], [one["position"] for one in said + amended["items"]]


def test_a_history_is_told_in_order_with_what_became_of_it(anywhere: Caller) -> None:
    """As it was recorded; corrections and voids are shown, linked both ways."""
    subject, (placed, given, wrote, once, twice, void, _) = told(anywhere)
    answer = anywhere.get(f"/v1/subjects/{subject}/timeline")
    assert answer.status_code == 200
    page = answer.json()
    assert (page["next"], page["as_of"]) == (None, None)
    by = {item["position"]: item for item in page["items"]}
    assert list(by) == [placed - 1, placed, given, wrote, once, twice, void]
    assert by[placed - 1]["kind"] == "customer.registered.v1"
    first = by[placed]
    assert (first["occurred"], first["stands"]) == ("2020-02-29", "corrected")
    assert first["amended_by"] == [once, twice]
    assert first["data"] == {"amount": {"minor": 4990, "currency": "EUR"}}
    assert (by[once]["amends"], by[once]["stands"]) == (placed, "superseded")
    assert by[once]["data"]["reason"] == "typo"
    assert (by[twice]["amends"], by[twice]["stands"]) == (placed, "in_force")
    assert by[twice]["occurred"] == "2022-03-03"
    assert by[given]["stands"] == "voided"
    assert by[given]["data"] == LETTERS
    assert (by[void]["kind"], by[void]["amends"]) == ("fact.voided.v1", given)
    assert by[wrote]["occurred"] == "2021-05-06T07:08:09.000000Z"
    assert by[wrote]["personal"] == {by[wrote]["class"]: "sealed"}
    assert by[wrote]["data"] == {"channel": "form"}
    assert CANARY not in answer.text


def test_pages_follow_positions(anywhere: Caller) -> None:
    """Together they are the whole, whatever is recorded in between."""
    subject, _ = told(anywhere)
    path = f"/v1/subjects/{subject}/timeline"
    whole = anywhere.get(path).json()["items"]
    for limit in (1, 2, 3, 7, 8):
        read: list[Any] = []
        after: int | None = 0
        while after is not None:
            page = anywhere.get(path, after=str(after), limit=str(limit)).json()
            assert len(page["items"]) <= limit
            read += page["items"]
            after = page["next"]
        assert read == whole
    anywhere.post(order(thing="A-2"))
    assert len(anywhere.get(path, after=str(whole[-1]["position"])).json()["items"]) == 1


def test_the_two_times_of_a_history(anywhere: Caller, clock: StepClock) -> None:
    """As of a day: what had happened by then, as it stands. As known: nothing of later records."""
    began = "2026-01-05T09:30:00Z"
    subject, (placed, given, wrote, once, twice, void, _) = told(anywhere)
    clock.advance(hours=1)
    anywhere.post({"void": {"position": placed}})
    path = f"/v1/subjects/{subject}/timeline"

    def positions(**times: str) -> list[int]:
        items = anywhere.get(path, **times).json()["items"]
        return [item["position"] for item in items if item["position"] >= placed]

    assert positions(as_of="2020-12-31", known_at=began) == [given, void]
    assert positions(as_of="2021-12-31", known_at=began) == [given, wrote, void]
    assert positions(as_of="2022-12-31", known_at=began, limit="2") == [placed]  # after registering
    then = anywhere.get(path, known_at=began).json()["items"]
    stands = {item["position"]: item["stands"] for item in then}
    assert (stands[placed], stands[twice]) == ("corrected", "in_force")
    now = {i["position"]: i["stands"] for i in anywhere.get(path).json()["items"]}
    assert (now[placed], now[twice], now[once]) == ("voided", "superseded", "superseded")
    assert positions(known_at="2025-01-01") == []


def test_an_erased_part_says_so(anywhere: Caller) -> None:
    """The fact stays, its personal part is gone."""
    subject = anywhere.post(WRITES).json()["subject"]
    path = f"/v1/subjects/{subject}/timeline"
    before = anywhere.get(path)
    with anywhere.ledger.database.write() as connection:
        connection.execute(sa.update(tables.keys).values(wrapped=None, state="destroyed"))
        connection.execute(sa.update(tables.head).values(epoch=tables.head.c.epoch + 1))
    anywhere.ledger.forget()
    tag = {"If-None-Match": before.headers["etag"], **anywhere.headers}
    after = anywhere.client.get(path, headers=tag)
    assert after.status_code == 200  # the epoch is in the tag
    states = [item["personal"] for item in after.json()["items"] if item["personal"]]
    assert [set(state.values()) for state in states] == [{"erased"}]


@pytest.mark.parametrize("part", ["deadlines", "consents"])
def test_the_parts_are_those_of_the_whole_answer(anywhere: Caller, part: str) -> None:
    """Explained, in both languages, at both times."""
    subject, _ = told(anywhere)
    said: dict[str, Any] = {}
    for lang in ("fr", "en"):
        times = {"as_of": "2024-06-30", "known_at": "2026-01-05T10:00:00Z", "lang": lang}
        whole = anywhere.get(f"/v1/subjects/{subject}", **times).json()
        answer = anywhere.get(f"/v1/subjects/{subject}/{part}", **times)
        assert answer.headers["content-language"] == lang
        said = answer.json()
        assert said == {name: whole[name] for name in said}
        assert {part, "edition", "position", "path"} < set(said)
        assert not {"deadlines", "consents", "facts"} - {part} & set(said)
    assert said[part] or part == "consents"


PARTS = ("", "/timeline", "/deadlines", "/consents")


@pytest.mark.parametrize("part", PARTS)
def test_what_has_not_changed_is_not_sent_again(
    anywhere: Caller, clock: StepClock, part: str
) -> None:
    """304 until a fact of this very person, a new day, or another language."""
    subject, _ = told(anywhere)
    path = f"/v1/subjects/{subject}{part}"
    first = anywhere.get(path, lang="en")
    tag = first.headers["etag"]
    assert tag.startswith('W/"')

    def asked(tag: str, **parameters: str) -> int:
        headers = {**anywhere.headers, "If-None-Match": tag}
        answer = anywhere.client.get(path, params={"lang": "en"} | parameters, headers=headers)
        assert (answer.content == b"") is (answer.status_code == 304)
        assert answer.headers["etag"]
        status: int = answer.status_code
        return status

    clock.advance(hours=2)
    anywhere.post(order("0043", "B-2"))  # somebody else
    strong = tag.removeprefix("W/")
    assert [asked(t) for t in (tag, strong, f'"x", {tag}', "*", '"x"')] == [304] * 4 + [200]
    if part != "/timeline":
        assert asked(tag, lang="fr") == 200
    assert asked(tag, as_of="2024-01-01") == 200
    clock.advance(days=1)
    assert asked(tag) == 200
    tag = anywhere.get(path, lang="en").headers["etag"]
    anywhere.post(order(thing="A-3"))
    assert asked(tag) == 200


def test_a_fact_ahead_of_our_clock_leaves_no_tag(caller: Caller) -> None:
    """It will come true within minutes, and nothing will be recorded then."""
    subject = caller.post(order(occurred="2026-01-05T09:03:00Z")).json()["subject"]
    assert "etag" not in caller.get(f"/v1/subjects/{subject}").headers
    assert "etag" in caller.get(f"/v1/subjects/{subject}", as_of="2026-01-05").headers


@pytest.mark.parametrize("part", PARTS)
def test_nobody_is_not_found(caller: Caller, part: str) -> None:
    """Before any tag is compared; and the key comes first."""
    headers = {**caller.headers, "If-None-Match": "*"}
    for unknown in ("00000000-0000-4000-8000-000000000000", CANARY):
        path = f"/v1/subjects/{unknown}{part}"
        assert caller.client.get(path, headers=headers).status_code == 404
        assert caller.client.get(path).status_code == 401


@pytest.mark.parametrize(
    ("name", "value"), [("after", CANARY), ("after", "-1"), ("limit", "0"), ("limit", "1001")]
)
def test_a_page_that_cannot_be_asked_for(caller: Caller, name: str, value: str) -> None:
    """400 naming the parameter."""
    subject = caller.post(order()).json()["subject"]
    answer = caller.get(f"/v1/subjects/{subject}/timeline", **{name: value})
    assert (answer.status_code, answer.json()["field"]) == (400, name)
    assert CANARY not in answer.text
