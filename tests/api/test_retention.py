"""Retention over HTTP: what is due, what falls due when, and runs that outlive their server."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.archive_key import ArchiveKey
from ledger.calendar import MINUTE, day_of, end_of, format_day
from ledger.erasing.certificate import Desk, Issued, document_of, issue
from ledger.erasing.journal import Journal
from ledger.policy.evaluate import deadlines
from ledger.retention import certifying, running
from ledger.retention.run import batch
from ledger.retention.running import Keeper
from ledger.store import runs, states
from ledger.store.runs import Overtaken
from tests.api.conftest import PATIENCE_SECONDS, Caller, finished, order
from tests.clock import StepClock

RUNS = "/v1/retention/runs"


def furnished(caller: Caller) -> None:
    """People whose classes end on many days, a contract that ends as planned, cards, a hold."""
    items: list[dict[str, Any]] = []
    for number in range(30):
        who, year = f"r{number}", 2019 + number % 7
        items.append(order(who, f"R-{number}", occurred=f"{year}-0{1 + number % 9}-11"))
        person = {"kind": "shop", "value": who}
        if number % 3 == 0:
            said = {"kind": "customer.contacted_us", "person": person, "data": {"channel": "form"}}
            items.append({**said, "occurred": f"{2022 + number % 4}-05-31"})
        if number % 5 == 0:
            data = {"type": "subscription", "until": f"202{6 + number % 4}-10-31"}
            items.append(
                {
                    "kind": "contract.started",
                    "person": person,
                    "occurred": "2021-03-01",
                    "data": data,
                }
            )
    told = caller.post(items).json()
    assert told["refused"] == 0, told
    hold = {"article": "RGPD art. 17(3)(e)", "review": "2099-01-01", "classes": ["contact"]}
    caller.say("POST", "/v1/holds", {"person": {"kind": "shop", "value": "r0"}, "data": hold})


def origin(caller: Caller) -> str:
    """The name of the ledger."""
    return caller.ledger.keyring.origin


def people(caller: Caller) -> list[UUID]:
    """Everybody."""
    with caller.ledger.database.read() as connection:
        rows = states.rows_by_subject(connection)
        return list(dict.fromkeys(row.subject for row in rows if row.subject))


@pytest.mark.clause("SS-RET-3")
def test_what_is_due_is_counted_and_listed_page_by_page(anywhere: Caller) -> None:
    """The pages hold whom the counts count, each with its last day; a held one says so."""
    furnished(anywhere)
    counted = anywhere.get("/v1/retention/due", as_of="2027-06-01").json()
    assert counted["classes"]["contact"]["past_operational"] > 3
    path, after = "/v1/retention/due/contact", None
    seen: list[dict[str, Any]] = []
    while True:
        more: dict[str, str] = {} if after is None else {"after": after}
        page = anywhere.get(path, as_of="2027-06-01", limit="2", **more).json()
        assert len(page["items"]) <= 2
        seen += page["items"]
        after = page["next"]
        if after is None:
            break
    assert len({one["subject"] for one in seen}) == len(seen)
    tiers = counted["classes"]["contact"]
    assert len(seen) == tiers["past_operational"]
    assert all(one["due"] < "2027-06-01" for one in seen)
    (held,) = [one for one in seen if one["what"] == "held"]
    assert held["held_by"] == ["RGPD art. 17(3)(e)"]
    assert not any(one["held_by"] for one in seen if one is not held)
    assert anywhere.get("/v1/retention/due/nothing").status_code == 404
    assert anywhere.get(path, after="????").status_code == 400


def test_the_calendar_is_what_the_definition_gives_at_the_end_of_the_window(
    anywhere: Caller,
) -> None:
    """Every person judged by the plain rules on the last day, counted by month of her last days."""
    furnished(anywhere)
    told = anywhere.get("/v1/retention/calendar", months="30").json()
    assert len(told["months"]) == 30
    ledger = anywhere.ledger
    book, now = ledger.book(ledger.epoch()), ledger.clock.now()
    until = end_of(int(told["until"].replace("-", "")))
    expected: dict[str, dict[str, Counter[str]]] = {}
    for subject in people(anywhere):
        with ledger.database.read() as connection:
            state = states.live_state(connection, subject)
        for found in deadlines(state, book, until):
            said = expected.setdefault(found.klass, {"leaving": Counter(), "ending": Counter()})
            if found.suspended_by:
                continue
            ends = (found.operational_until, found.archive_until or found.operational_until)
            for what, day in zip(("leaving", "ending"), ends, strict=True):
                assert day is not None
                said[what][bucket(day, day_of(now), day_of(until))] += 1
    assert told["classes"].keys() == expected.keys()
    for klass, said in expected.items():
        for what, counts in said.items():
            shown = told["classes"][klass][what]
            flat = {**shown["months"], "before": shown["before"], "after": shown["after"]}
            assert {month: n for month, n in flat.items() if n} == dict(counts), (klass, what)
    assert sum(told["classes"]["contact"]["leaving"]["months"].values()) > 0
    assert sum(one["leaving"]["after"] for one in told["classes"].values()) > 0
    assert sum(one["suspended"] for one in told["classes"].values()) > 0


def bucket(day: int, today: int, last: int) -> str:
    """The name of the column a last day falls into."""
    if day < today:
        return "before"
    return "after" if day > last else format_day(day)[:7]


def test_a_rehearsal_counts_and_changes_nothing(anywhere: Caller, clock: StepClock) -> None:
    """By class and what would become of it, on record as a rehearsal."""
    furnished(anywhere)
    clock.advance(days=500)
    asked = anywhere.say("POST", RUNS, {"dry_run": True})
    assert asked.status_code == 202
    done = finished(anywhere, asked.json()["id"])
    assert asked.headers["location"] == f"{RUNS}/{done['id']}"
    assert (done["state"], done["rehearsal"], done["error"]) == ("done", True, None)
    total = done["archived"] + done["erased"] + done["held"]
    assert total == sum(sum(counts.values()) for counts in done["classes"].values()) > 0
    (ran,) = anywhere.get(RUNS).json()["items"]
    assert (ran["position"], ran["run"], ran["rehearsal"]) == (done["position"], done["id"], True)
    assert (ran["due"], ran["erased"]) == (total, None)
    assert anywhere.position() == done["position"]


@pytest.mark.clause("SS-RET-3")
def test_a_run_archives_and_erases_in_the_background(
    anywhere: Caller, clock: StepClock, tmp_path: Path
) -> None:
    """What a rehearsal had found, then nothing is due but what is held."""
    furnished(anywhere)
    clock.advance(days=500)
    (tmp_path / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    planned = finished(anywhere, anywhere.say("POST", RUNS, {"dry_run": True}).json()["id"])
    done = finished(anywhere, anywhere.say("POST", RUNS, {}).json()["id"])
    numbers = ("archived", "erased", "held")
    assert [done[name] for name in numbers] == [planned[name] for name in numbers]
    again = finished(anywhere, anywhere.say("POST", RUNS, {"dry_run": True}).json()["id"])
    assert (again["archived"], again["erased"], again["held"]) == (0, 0, planned["held"])
    first = anywhere.get(RUNS, limit="2").json()
    rest = anywhere.get(RUNS, limit="2", before=str(first["next"])).json()
    erased = [intent.scopes for intent in Journal(tmp_path / "journal", origin(anywhere)).intents()]
    people = {one.scope.subject for scopes in erased for one in scopes}
    assert done["certified"] == len(list((tmp_path / "certificates").iterdir())) == len(people) > 1
    listed = [one["run"] for one in first["items"] + rest["items"]]
    assert listed == [again["id"], done["id"], planned["id"]]


@pytest.mark.clause("SS-REC-1")
def test_who_acknowledged_a_term_s_erasure_stands_beside_its_certificate(
    anywhere: Caller, clock: StepClock
) -> None:
    """As issued, and made again with the receipt; of whom nothing was erased there is none."""
    recipient = {"kind": "recipient.declared", "data": {"recipient": "crm", "type": "other"}}
    anywhere.post(recipient)
    wrote = {"kind": "customer.contacted_us", "person": {"kind": "shop", "value": "1"}}
    her = anywhere.post({**wrote, "data": {"channel": "form", "text": "Bonjour"}}).json()["subject"]
    path = f"/v1/subjects/{her}/certificates"
    assert anywhere.get(path).status_code == 404
    clock.advance(days=1200)
    finished(anywhere, anywhere.say("POST", RUNS, {}).json()["id"])
    (issued,) = anywhere.get(path).json()["items"]
    (state,) = issued["recipients"]
    assert (issued["reason"], issued["renews"], state["state"]) == ("term", None, "to_tell")
    said = {"recipient": "crm", "positions": [state["position"]], "receipt": "job-7"}
    assert anywhere.say("POST", "/v1/acknowledgements", {**said, "reason": "letter"}).is_success
    (after,) = anywhere.get(path).json()["items"]
    (renewed,) = anywhere.get(path, now="true").json()["items"]
    assert after["note"] == issued["note"]
    assert renewed["renews"] == issued["id"]
    assert renewed["recipients"] == after["recipients"] != issued["recipients"]
    document = document_of(renewed["note"].encode())
    assert document["recipients"][0]["acknowledged"]["receipt"] == "job-7"
    assert document["erased"] == document_of(issued["note"].encode())["erased"]
    assert {one["why"] for one in document["kept"]} == {"term"}  # nobody asked for an erasure


@pytest.mark.clause("SS-DSR-8")
def test_what_was_erased_under_another_reference_of_hers_is_told_with_it(
    anywhere: Caller, clock: StepClock
) -> None:
    """Whichever is asked for; what each certificate says is of the one it was made for."""
    wrote = {"kind": "customer.contacted_us", "data": {"channel": "form", "text": "Bonjour"}}
    people = []
    for who in ("1", "2"):
        person = {"kind": "shop", "value": who}
        people.append(anywhere.post({**wrote, "person": person}).json()["subject"])
        placed = {"kind": "order.placed", "thing": {"kind": "ref", "value": f"A-{who}"}}
        assert anywhere.post({**placed, "person": person}).status_code == 201
    joined = anywhere.say("POST", f"/v1/subjects/{people[0]}/joins", {"other": people[1]})
    assert joined.status_code == 201
    clock.advance(days=1200)
    finished(anywhere, anywhere.say("POST", RUNS, {}).json()["id"])
    kept, other = (
        anywhere.get(f"/v1/subjects/{one}/certificates").json()["items"] for one in people
    )
    assert kept == other
    assert {one["subject"] for one in kept} == set(people)
    for one in kept:
        document = document_of(one["note"].encode())
        assert document["subject"] == one["subject"]


def test_without_an_archive_key_a_run_fails_and_says_so(caller: Caller, clock: StepClock) -> None:
    """What was done before stays done; nothing is under way any more."""
    furnished(caller)
    clock.advance(days=500)
    done = finished(caller, caller.say("POST", RUNS, {}).json()["id"])
    assert (done["state"], done["error"], done["position"]) == ("failed", "no-archive-key", None)
    assert caller.get(RUNS).json()["under_way"] is None


def waiting(caller: Caller) -> str:
    """A run that a killed server left: asked for, taken, and nobody at it any more."""
    keeper: Keeper = caller.client.app.state.keeper  # type: ignore[attr-defined]
    keeper.close()
    now = caller.ledger.clock.now()
    state = ("running", uuid4(), now, now)
    one = runs.Asked(uuid4(), False, "key:0", *state, 25, 3, 1, 2, 1, None, None, None)
    with caller.ledger.database.write() as connection:
        runs.begin(connection, one, AssertionError())
    return str(one.id)


def test_what_a_killed_server_left_is_taken_up_after_a_minute_of_silence(
    anywhere: Caller, clock: StepClock, tmp_path: Path
) -> None:
    """Not before: somebody may be at it. What it had counted stays counted."""
    furnished(anywhere)
    clock.advance(days=500)
    (tmp_path / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    run = waiting(anywhere)
    refused = anywhere.say("POST", RUNS, {})
    assert (refused.status_code, refused.json()["type"]) == (409, "/docs#problem-conflict")
    early = Keeper(anywhere.ledger, tmp_path / "journal", tmp_path / "archive.pub")
    early.close()
    found = anywhere.get(f"{RUNS}/{run}").json()
    assert (found["state"], found["looked"]) == ("running", 25)
    clock.advance(seconds=61)
    next_one = Keeper(anywhere.ledger, tmp_path / "journal", tmp_path / "archive.pub")
    done = finished(anywhere, run)
    next_one.close()
    assert (done["state"], done["held"]) == ("done", 1)
    assert done["held_by"] == {"RGPD art. 17(3)(e)": 1}
    assert done["erased"] > 2
    assert done["archived"] > 1


def test_a_server_told_to_stop_lets_go_between_two_batches(
    caller: Caller, clock: StepClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next one need not wait, and does the rest."""
    furnished(caller)
    clock.advance(days=500)
    (tmp_path / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    keeper: Keeper = caller.client.app.state.keeper  # type: ignore[attr-defined]
    real, done_one = batch, Event()
    monkeypatch.setattr(running, "AT_ONCE", 3)

    def stopping(*given: Any) -> Any:
        found = real(*given)
        keeper._stopping.set()
        done_one.set()
        return found

    monkeypatch.setattr(running, "batch", stopping)
    run = caller.say("POST", RUNS, {}).json()["id"]
    assert done_one.wait(PATIENCE_SECONDS)
    keeper.close()
    left = caller.get(f"{RUNS}/{run}").json()
    assert (left["state"], left["looked"]) == ("waiting", 3)
    monkeypatch.setattr(running, "batch", real)
    next_one = Keeper(caller.ledger, tmp_path / "journal", tmp_path / "archive.pub")
    assert finished(caller, run)["state"] == "done"
    next_one.close()


def test_told_to_stop_between_two_certificates_the_next_server_makes_the_others(
    caller: Caller, clock: StepClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything was erased; the run is on record once everybody is certified, each once."""
    furnished(caller)
    clock.advance(days=500)
    (tmp_path / "archive.pub").write_bytes(ArchiveKey.generate().recipient.to_bytes())
    keeper: Keeper = caller.client.app.state.keeper  # type: ignore[attr-defined]
    monkeypatch.setattr(running, "AT_ONCE", 3)
    begun = Event()

    def stopping(desk: Desk, content: dict[str, Any]) -> Issued:
        keeper._stopping.set()
        begun.set()
        return issue(desk, content)

    with monkeypatch.context() as patch:
        patch.setattr(certifying, "issue", stopping)
        run = caller.say("POST", RUNS, {}).json()["id"]
        assert begun.wait(PATIENCE_SECONDS)
        keeper.close()
    left = caller.get(f"{RUNS}/{run}").json()
    folder = tmp_path / "certificates"
    some = {path: path.read_bytes() for path in folder.iterdir()}
    assert (left["state"], left["certified"], 0 < len(some) <= 3) == ("waiting", None, True)
    paths = tmp_path / "journal", tmp_path / "archive.pub"
    next_one = Keeper(caller.ledger, *paths, Desk(folder, 35))
    done = finished(caller, run)
    next_one.close()
    made = {path: path.read_bytes() for path in folder.iterdir()}
    assert some.items() <= made.items()  # what was made is not made again
    assert done["certified"] == len(made) - len(some) > 0
    intents = Journal(paths[0], origin(caller)).intents()
    assert len(made) == len({one.scope.subject for intent in intents for one in intent.scopes})


def test_who_was_overtaken_writes_nothing_more(anywhere: Caller, clock: StepClock) -> None:
    """A holder that was silent too long finds another one, and its transaction is undone."""
    run = UUID(waiting(anywhere))
    with anywhere.ledger.database.read() as connection:
        before = runs.find(connection, run)
    assert before is not None
    assert before.holder is not None
    late, new = before.holder, uuid4()
    clock.advance(seconds=61)
    with anywhere.ledger.database.write() as connection:
        assert runs.take(connection, run, new, clock.now())
        assert not runs.take(connection, run, late, clock.now() + MINUTE // 2)
    with pytest.raises(Overtaken), anywhere.ledger.database.write() as connection:
        runs.beat(connection, run, late, clock.now(), erased=5)
    with anywhere.ledger.database.read() as connection:
        after = runs.find(connection, run)
    assert after is not None
    assert (after.holder, after.erased) == (new, 2)
