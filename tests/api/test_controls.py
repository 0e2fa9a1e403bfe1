"""Controls over HTTP: listed, run on record, and each with its past."""

from __future__ import annotations

from tests.api.conftest import Caller, order
from tests.clock import StepClock

SEND = {"kind": "message.sent", "data": {"purpose": "newsletter", "channel": "email"}}


def test_a_run_is_on_record_and_tells_what_it_found(anywhere: Caller, clock: StepClock) -> None:
    subject = anywhere.post(order()).json()["subject"]
    clock.advance(minutes=1)  # what is known at an instant was recorded before it
    sent = anywhere.post({**SEND, "subject": subject}).json()["position"]
    answer = anywhere.say("POST", "/v1/controls/runs?lang=en", {})
    assert answer.status_code == 201
    told = answer.json()
    assert told["ok"] is False
    found = {one["id"]: one for one in told["controls"]}
    assert len(found) == 18
    (finding,) = found["C01"]["findings"]
    assert (finding["subject"], finding["positions"][0]) == (subject, sent)
    assert finding["clause"] == "SS-COM-2"
    assert told["recorded"]["signed"] is False  # nobody signs here
    assert told["recorded"]["position"] == sent + 1 == anywhere.position()
    past = anywhere.get("/v1/controls/c01", lang="en").json()
    assert [run["violations"] for run in past["runs"]] == [1]
    assert past["title"].startswith("No message")


def test_times_and_names_are_asked_for(anywhere: Caller) -> None:
    subject = anywhere.post(order()).json()["subject"]
    anywhere.post({**SEND, "subject": subject})
    asked = {"controls": ["C01", "c02"], "as_of": "2020-01-01"}
    told = anywhere.say("POST", "/v1/controls/runs", asked).json()
    assert (told["ok"], [one["id"] for one in told["controls"]]) == (True, ["C01", "C02"])
    none = anywhere.say("POST", "/v1/controls/runs", {"known_at": "2020-01-01"}).json()
    assert (none["ok"], none["position"]) == (True, 0)


def test_what_makes_no_sense_is_refused_and_not_recorded(caller: Caller) -> None:
    before = caller.position()
    for wrong in ({"controls": ["C99"]}, {"controls": "C01"}, {"as_of": "soon"}, {"x": 1}, [1]):
        answer = caller.say("POST", "/v1/controls/runs", wrong)
        assert 400 <= answer.status_code < 500, wrong
        assert answer.headers["content-type"] == "application/problem+json"
    assert caller.get("/v1/controls/C99").status_code == 404
    assert caller.position() == before


def test_the_list_is_told_in_both_languages(caller: Caller) -> None:
    french, english = (caller.get("/v1/controls", lang=lang).json() for lang in ("fr", "en"))
    assert [c["id"] for c in french["controls"]] == [c["id"] for c in english["controls"]]
    assert french["controls"][0]["title"] != english["controls"][0]["title"]
