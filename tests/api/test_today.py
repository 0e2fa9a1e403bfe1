"""The first screen: each number is what the plain definitions give, and none names a person."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from api.today import note_check
from ledger.outbound.standing import overdue
from tests.api.conftest import Caller, order
from tests.clock import StepClock

A_DIGEST = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
GONE = {"data": {"channel": "letter"}}
OTHER_DIGEST = "gSKyXoYZUgZ6jduWYrkDOARinOMGJveXjgMkBTcdPlQ"


def today(caller: Caller) -> dict[str, Any]:
    """The answer."""
    answer = caller.get("/v1/today")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def asked(caller: Caller, right: str = "access", who: str = "0042") -> str:
    """A request, by its id."""
    body = {"person": {"kind": "shop", "value": who}, "data": {"right": right, "channel": "letter"}}
    made: str = caller.say("POST", "/v1/requests", body).json()["request"]["id"]
    return made


def test_requests_are_counted_by_the_clock_of_the_law(anywhere: Caller, clock: StepClock) -> None:
    """As the queue says, one by one; answered ones are none of these."""
    anywhere.post(order())
    first = asked(anywhere)
    clock.advance(days=20)
    asked(anywhere)
    done = asked(anywhere)
    assert anywhere.say("POST", f"/v1/requests/{done}/withdraw", GONE).status_code == 201
    clock.advance(days=7)
    asked(anywhere)
    assert today(anywhere)["requests"] == {"overdue": 0, "due_soon": 1, "on_track": 2}
    clock.advance(days=10)
    told = today(anywhere)["requests"]
    queue = anywhere.get("/v1/requests").json()["items"]
    for status, n in told.items():
        assert sum(one["status"] == status for one in queue) == n, status
    assert told["overdue"] == 1
    step = anywhere.say("POST", f"/v1/requests/{first}/withdraw", GONE).json()
    anywhere.post({"void": {"position": step["position"]}})
    queue = anywhere.get("/v1/requests").json()["items"]
    assert today(anywhere)["requests"]["overdue"] == sum(o["status"] == "overdue" for o in queue)


def test_holds_and_texts_that_wait_are_counted(anywhere: Caller, clock: StepClock) -> None:
    """Open ones, with the next review; a lifted or a decided one is gone."""
    ids = []
    for day in ("2026-01-10", "2026-01-20"):
        data = {"article": "RGPD art. 17(3)(e)", "review": day, "classes": ["order"]}
        body = {"person": {"kind": "shop", "value": day}, "data": data}
        ids.append(anywhere.say("POST", "/v1/holds", body).json()["stream"])
    text = {"text": "Bonjour, et merci", "channel": "letter"}
    subject = anywhere.post(order()).json()["subject"]
    anywhere.say("POST", "/v1/motives", {"subject": subject, **text})
    found = today(anywhere)
    assert found["holds"] == {
        "open": 2,
        "overdue": 0,
        "due_soon": 1,
        "next_review": "2026-01-10",
    }
    assert sum(found["queue"].values()) == 1
    clock.advance(days=8)
    anywhere.say("POST", f"/v1/holds/{ids[1]}/lift", {"data": {}})
    waiting = anywhere.get("/v1/queue").json()["items"][0]["position"]
    anywhere.say("POST", f"/v1/queue/{waiting}/decide", {"decision": "nothing"})
    found = today(anywhere)
    assert (found["holds"]["open"], found["holds"]["overdue"], found["queue"]) == (1, 1, {})


def test_people_past_a_term_are_those_of_the_live_tables(
    anywhere: Caller, clock: StepClock
) -> None:
    """Counted by the same query as `/v1/retention/due`, and remembered for a minute."""
    anywhere.post([order("0042", "A-1"), order("0043", "A-2", occurred="2021-02-01")])
    clock.advance(days=60)
    first = today(anywhere)
    due = anywhere.get("/v1/retention/due").json()["classes"]
    assert {name: counts["past_operational"] for name, counts in first["retention"].items()} == {
        name: counts["past_operational"] for name, counts in due.items()
    }
    assert first["retention"]["order"]["past_operational"] == 1
    clock.advance(seconds=30)
    assert today(anywhere)["counted_at"] == first["counted_at"]
    clock.advance(seconds=31)
    assert today(anywhere)["counted_at"] != first["counted_at"]


def declared(caller: Caller, digest: str, **more: Any) -> None:
    """A form is shown with this text from now on."""
    email = {"name": "email", "classes": ["contact"], "source": "provided"}
    form = {"form": "popup-3", "fields": ["email"], "document": digest, **more}
    told = [{"kind": "field.declared", "data": email}, {"kind": "form.published", "data": form}]
    assert caller.post(told).json()["items"][1]["status"] == 201


def test_stale_consents_are_those_whose_verdict_says_so(anywhere: Caller, clock: StepClock) -> None:
    """Given on a text that was replaced since; not on an editorial change, not after it, and not
    without a form."""

    def agree(who: str, **more: Any) -> None:
        data = {"purpose": "newsletter", "channel": "email", "grade": "proved", **more}
        item = {"kind": "consent.given", "person": {"kind": "shop", "value": who}, "data": data}
        assert anywhere.post(item).status_code == 201

    declared(anywhere, A_DIGEST)
    clock.advance(days=1)
    agree("one", form="popup-3")
    agree("none")
    assert today(anywhere)["stale_consents"] == {}
    clock.advance(days=1)
    declared(anywhere, OTHER_DIGEST, material=False)
    assert today(anywhere)["stale_consents"] == {}
    clock.advance(days=1)
    agree("two", form="popup-3")
    clock.advance(days=1)
    declared(anywhere, A_DIGEST[:-1] + "Q")
    clock.advance(days=1)
    agree("three", form="popup-3")
    expected = 0
    for who in ("one", "two", "three", "none"):
        lookup = anywhere.lookup({"person": {"kind": "shop", "value": who}}).json()
        asked = {"subject": lookup["subject"], "purpose": "newsletter", "channel": "email"}
        verdict = anywhere.say("POST", "/v1/permissions/check", asked).json()
        expected += verdict["stale"] is not None
    assert today(anywhere)["stale_consents"] == {"newsletter": expected}
    assert expected == 2


def test_who_is_overdue_is_counted_as_the_list_says(anywhere: Caller, clock: StepClock) -> None:
    """Facts by recipient: acknowledged ones, voided ones and those nobody is told of are not."""
    for recipient, kind in (("crm", "other"), ("mailer", "mailing"), ("cnil", "authority")):
        data = {"recipient": recipient, "type": kind}
        anywhere.post({"kind": "recipient.declared", "data": data})
    positions = []
    for who, channel in (("a", "email"), ("b", "phone"), ("c", "email"), ("d", "email")):
        data = {"purpose": "newsletter", "channel": channel}
        person = {"kind": "shop", "value": who}
        if channel == "phone":
            data = {"purpose": "phone_marketing", "channel": "phone"}
        yes = {"kind": "consent.given", "person": person, "data": {**data, "grade": "proved"}}
        anywhere.post(yes)
        no = anywhere.post({"kind": "consent.withdrawn", "person": person, "data": data})
        positions.append(no.json()["position"])
    rectified = {"changed": ["email"], "email": "z@example.org"}
    anywhere.post(
        {
            "kind": "customer.profile_rectified",
            "person": {"kind": "shop", "value": "a"},
            "data": rectified,
        }
    )
    said = {"recipient": "crm", "positions": positions[:1], "reason": "by_phone"}
    assert anywhere.say("POST", "/v1/acknowledgements", said).status_code == 200
    anywhere.say("POST", "/v1/acknowledgements", said)
    anywhere.post({"void": {"position": positions[3]}})
    assert today(anywhere)["acknowledgements_overdue"] == {}
    clock.advance(days=9)
    expected: dict[str, int] = {}
    for about in overdue(anywhere.ledger, 7):
        for one in about.recipients:
            expected[one.recipient] = expected.get(one.recipient, 0) + 1
    assert today(anywhere)["acknowledgements_overdue"] == expected
    assert expected.keys() == {"crm", "mailer"}
    assert min(expected.values()) > 0


def test_the_last_check_and_the_journal_are_told(caller: Caller, tmp_path: Path) -> None:
    """From the note that `probant verify` leaves; a note that cannot be read is none."""
    found = today(caller)
    assert (found["last_check"], found["erasures_waiting"]) == (None, 0)
    assert found["seal"]["size"] == 0
    assert found["seal"]["waiting"] == found["position"]
    note = {"at": "2026-01-05T09:00:00.000000Z", "position": 1, "ok": True, "findings": 0}
    note_check(tmp_path / "verified.json", note)
    assert today(caller)["last_check"] == note
    (tmp_path / "verified.json").write_text(json.dumps([1]))
    assert today(caller)["last_check"] is None
