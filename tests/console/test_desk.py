"""The auditor's desk: its numbers are those of the interface and of the replay at the same two
times, each leads to events, and no event says more than it may."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from html import unescape
from typing import Any

import pytest

from api.answers import Times, population_answer
from api.console.audit.asking import SHOWN
from api.console.texts import speech
from api.routes import AUDITOR, DPO
from ledger.calendar import format_instant, parse_as_of, parse_instant
from ledger.fields import Unreadable
from ledger.seal.merkle import leaf_hash
from ledger.seal.note import VerifyKey
from ledger.seal.proof import open_inclusion
from ledger.sealing.signer import Signer
from ledger.store import browsing, reader
from tests.console.conftest import Opened
from tests.console.room import Visitor, seen
from tests.sealing.room import orders

SEED = 20261127
NUMBER = re.compile(r'<t?dd?[^>]* data-number="([^"]+)">([^<]*)<')


@pytest.fixture
def auditor(open_visitor: Opened) -> Visitor:
    visitor = open_visitor()
    visitor.sign_in(AUDITOR)
    return visitor


def numbers(text: str) -> dict[str, int]:
    """Every number of a page that says what it counts."""
    found = NUMBER.findall(text)
    assert found
    return {unescape(what): int(re.sub(r"[^0-9]", "", n)) for what, n in found}


def two_times(visitor: Visitor, chance: random.Random) -> tuple[str, int]:
    """Some day of the story or after it, and some position."""
    day = f"{chance.randint(2014, 2030)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    return day, chance.randint(1, visitor.company.ledger.recorder.head().position)


def settled(visitor: Visitor, path: str, day: str, position: int) -> str:
    """The address that a form with these two fields leads to."""
    said = visitor.get(f"{path}?as_of={day}&position={position}")
    assert said.status_code == 303
    where: str = said.headers["location"]
    return where


def asked(visitor: Visitor, path: str) -> Any:
    """The interface, asked with the same question as an address of the desk."""
    key = visitor.company.keys[AUDITOR]
    return visitor.client.get(path, headers={"Authorization": f"Bearer {key}"})


# --- numbers --------------------------------------------------------------------------------------


def test_its_numbers_are_those_of_the_replay_at_random_two_times(auditor: Visitor) -> None:
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    ledger = auditor.company.ledger
    for _ in range(8):
        day, position = two_times(auditor, chance)
        where = settled(auditor, "/audit", day, position)
        told = numbers(auditor.get(where).text)
        with ledger.database.read() as connection:
            at = reader.recorded_at(connection, position)
        whole = population_answer(ledger, Times(parse_as_of(day), at), "fold", with_ages=True)
        assert whole["position"] == position
        assert told["subjects"] == whole["subjects"], (day, position)
        assert told["facts"] == sum(whole["events"].values())
        for name, found in whole["classes"].items():
            if found["present"] or found["erased"]:
                for tally in ("present", "suspended", "past_operational", "archived", "erased"):
                    assert told[f"{name} {tally}"] == found[tally], (day, position, name)
        for one in whole["consents"]:
            key = f"{one['purpose']} {one['channel']} {one['state']} {one['reason'] or ''}".rstrip()
            assert told[key] == one["subjects"]
        assert at is not None
        times = f"as_of={day}&known_at={format_instant(at)}&ages=true"
        bearer = f"Bearer {auditor.company.keys['auditor']}"
        asked = auditor.get(f"/v1/population?{times}", authorization=bearer).json()
        assert {**asked, "engine": "fold"} == whole  # the interface counts the same


def test_its_picture_is_the_replays(auditor: Visitor) -> None:
    """Each class in turn: every column, by whole years, within its term and past it."""
    ledger = auditor.company.ledger
    whole = population_answer(ledger, Times(parse_as_of("2021-06-30")), "fold", with_ages=True)
    page = auditor.get("/audit?as_of=2021-06-30")
    classes = set(re.findall(r"class=(\w+)\"", page.text))
    assert classes == {age["klass"] for age in whole["ages"]}
    for name in classes:
        text = auditor.get(f"/audit?as_of=2021-06-30&class={name}").text
        told = {what: n for what, n in numbers(text).items() if what.startswith("age ") and n}
        assert told == {
            f"age {age['years']} {'past' if age['past'] else 'within'}": age["subjects"]
            for age in whole["ages"]
            if age["klass"] == name
        }


@pytest.mark.parametrize("years", [1, 3, 4])
def test_a_year_is_whole_on_its_anniversary_and_not_on_its_eve(
    auditor: Visitor, years: int
) -> None:
    """Whoever ordered today is the youngest of her class from now on; as the replay says."""
    orders(auditor.company.ledger, 1)
    for day, whole in ((f"{2026 + years}-01-04", years - 1), (f"{2026 + years}-01-05", years)):
        told = numbers(auditor.get(f"/audit?as_of={day}&class=order").text)
        ages = {what.split()[1] for what, n in told.items() if what.startswith("age ") and n}
        assert min(int(age) for age in ages if age.isdigit()) == whole, day
        assert "data-agree" in auditor.get(f"/audit/replay?as_of={day}").text


def test_its_numbers_are_those_of_the_interface(auditor: Visitor) -> None:
    """What is held, by class (Q1), and the choices (Q2), at the same address but for its path."""
    chance = random.Random(SEED)
    for _ in range(4):
        where = settled(auditor, "/audit", *two_times(auditor, chance))
        query = where.partition("?")[2]
        told = numbers(auditor.get(where).text)
        said = asked(auditor, f"/v1/inspect/Q2?{query}").json()
        lines = [line["values"] for line in said["answers"][0]["lines"]]
        choices = {
            f"{one['purpose']} {one['channel'] or ''} {one['state']}": one["people"]
            for one in lines
        }
        assert choices == {key: told[key] for key in choices}, query
        held = Counter[str]()
        for line in asked(auditor, f"/v1/inspect/Q1?{query}").json()["answers"][0]["lines"]:
            held[line["values"]["class"]] += line["values"]["things"]
        times = Times(*(parse_instant_of(query, name) for name in ("as_of", "known_at")))
        items = population_answer(auditor.company.ledger, times)["classes"]
        assert held == Counter({n: one["items"]["present"] for n, one in items.items()})


def parse_instant_of(query: str, name: str) -> int | None:
    found = re.search(rf"{name}=([^&]+)", query)
    return parse_as_of(found[1].replace("%3A", ":")) if found else None


def test_live_tables_and_history_agree_and_a_difference_would_be_said(auditor: Visitor) -> None:
    assert "data-agree" in auditor.get("/audit").text
    assert "data-agree" in auditor.get("/audit/replay?as_of=2020-02-29").text
    database = auditor.company.ledger.database
    with database.write() as connection:
        connection.exec_driver_sql("DELETE FROM consents WHERE purpose = 'personalisation'")
    auditor.company.clock.advance(minutes=20)  # what was compared is told for a while
    told = auditor.get("/audit").text
    assert "data-agree" not in told and "personalisation" in told.partition('role="alert"')[2]


def test_now_and_everything_is_asked_without_a_word(auditor: Visitor) -> None:
    head = auditor.company.ledger.recorder.head().position
    assert settled(auditor, "/audit", "2026-01-05", head) == "/audit"
    assert settled(auditor, "/audit", "2026-01-05", head + 9) == "/audit"
    assert settled(auditor, "/audit", "2027-01-05", head) == "/audit?as_of=2027-01-05"


@pytest.mark.parametrize(
    "query",
    [
        "as_of=Zoé",
        "as_of=2024-02-30",
        "known_at=hier",
        "position=-7",
        "position=Zoé",
        "position=0.5",
    ],
)
def test_what_is_no_time_is_refused_and_not_repeated(auditor: Visitor, query: str) -> None:
    for path in ("/audit", "/audit/inspect", "/audit/inspect/Q4", "/audit/replay"):
        said = auditor.get(f"{path}?{query}")
        assert said.status_code == 400, path
        assert query.partition("=")[2] not in seen(said.text.partition("<main")[2])


# --- questions ------------------------------------------------------------------------------------


def test_each_question_is_answered_as_the_interface_answers_it(auditor: Visitor) -> None:
    """All fifteen: the page has the lines it has room for, the files are the very same bodies."""
    query = settled(auditor, "/audit/inspect", "2024-03-01", 700).partition("?")[2]
    for number in range(1, 16):
        name = f"Q{number}"
        said = asked(auditor, f"/v1/inspect/{name}?{query}&lang=fr").json()
        (answer,) = said["answers"]
        page = auditor.get(f"/audit/inspect/{name}?{query}").text
        rows = re.findall(r"<tr>.*?</tr>", page.partition("<tbody>")[2], re.DOTALL)
        shown = answer["lines"][:SHOWN]
        assert len(rows) == len(shown), name
        for row, line in zip(rows, shown, strict=True):
            assert re.findall(r"/audit/events/(\d+)\"", row) == list(map(str, line["positions"]))
        base = f"/audit/inspect/{name}/file?{query}"
        assert auditor.get(f"{base}&format=json").json() == said
        told = auditor.get(f"{base}&format=csv").text
        direct = asked(auditor, f"/v1/inspect/{name}?{query}&lang=fr&format=csv").text
        assert told == direct
        assert len(list(csv.reader(io.StringIO(told)))) == len(answer["lines"]) + 1


def test_every_position_a_line_names_can_be_opened(auditor: Visitor) -> None:
    page = auditor.get("/audit/inspect/Q4").text
    positions = set(re.findall(r"/audit/events/(\d+)\"", page))
    assert positions
    for position in positions:
        assert auditor.get(f"/audit/events/{position}").status_code == 200


def test_there_are_fifteen_questions_and_two_forms(auditor: Visitor) -> None:
    assert len(set(re.findall(r"/audit/inspect/(Q\d+)", auditor.get("/audit/inspect").text))) == 15
    for path in ("/audit/inspect/Q16", "/audit/inspect/q4", "/audit/inspect/Q4é"):
        assert auditor.get(path).status_code == 404
    assert auditor.get("/audit/inspect/Q4/file?format=pdf").status_code == 400


# --- events ---------------------------------------------------------------------------------------


def test_an_event_says_what_it_says_in_clear_and_its_proofs_hold(auditor: Visitor) -> None:
    company = auditor.company
    key = VerifyKey.parse(Signer(company.folder / "signer").key.vkey)
    for position in (1, 100, 256, 257, 738):
        page = auditor.get(f"/audit/events/{position}")
        assert page.status_code == 200
        with company.ledger.database.read() as connection:
            found = browsing.single(connection, position)
        assert found is not None and found.row is not None
        assert found.row.kind in page.text and found.leaf.hex() in page.text
        entry = auditor.get(f"/audit/events/{position}/entry").content
        assert leaf_hash(entry) == found.leaf
        proof = auditor.get(f"/audit/events/{position}/tlog-proof").content
        index, _ = open_inclusion(proof, found.leaf, [key])
        assert index == position - 1
        direct = asked(auditor, f"/v1/log/proof/{position}")
        assert direct.content == proof
        if position < 738:
            told = auditor.get(f"/audit/events/{position}/consistency").content
            assert told == asked(auditor, f"/v1/log/consistency?old={position}").content


def test_no_event_shows_a_personal_part(auditor: Visitor) -> None:
    """Nobody's address or name is on the page of an event that holds it, nor in its files."""
    ledger = auditor.company.ledger
    secrets: dict[int, set[str]] = {}
    with ledger.database.read() as connection:
        found = connection.exec_driver_sql("SELECT DISTINCT position FROM sealed LIMIT 60").all()
        for (position,) in found:
            parts = ledger.vault.disclose(connection, position)
            assert not isinstance(parts, Unreadable)
            told = {value for part in parts for value in strings(part["text"])}
            secrets[position] = {value for value in told if "@" in value or " " in value}
    assert any("@" in value for told in secrets.values() for value in told)
    for position, told in secrets.items():
        page = unescape(auditor.get(f"/audit/events/{position}").text)
        entry = auditor.get(f"/audit/events/{position}/entry").text
        assert not {secret for secret in told if secret in page + entry}, position


def strings(text: str) -> set[str]:
    """The values that an opened part holds."""
    found: set[str] = set()

    def walk(value: Any) -> None:
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, dict):
            for one in value.values():
                walk(one)
        elif isinstance(value, list):
            for one in value:
                walk(one)

    walk(json.loads(text))
    return found


def test_what_was_changed_after_it_was_recorded_is_said(auditor: Visitor) -> None:
    whole = speech("fr")("event.whole")
    changed = speech("fr")("event.changed")
    assert whole in unescape(auditor.get("/audit/events/100").text)
    with auditor.company.ledger.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.exec_driver_sql("UPDATE events SET entry = x'7b7d' WHERE position = 100")
    said = auditor.get("/audit/events/100")
    assert said.status_code == 200 and changed in unescape(said.text)


def test_there_is_no_event_outside_the_log(auditor: Visitor) -> None:
    for text in ("0", "739", "-1", "x", "9" * 15, "9" * 30, "1.5"):
        for path in ("", "/proof", "/tlog-proof", "/entry", "/consistency"):
            assert auditor.get(f"/audit/events/{text}{path}").status_code == 404, text
    assert auditor.get("/audit/events?position=5").headers["location"] == "/audit/events/5"
    assert auditor.get("/audit/events?position=../x").status_code == 404


def test_what_waits_for_its_seal_has_no_proof_yet(open_visitor: Opened) -> None:
    visitor = open_visitor()
    visitor.sign_in(DPO)
    visitor.send("/console/controls", on="/console/controls", as_of="", known_at="")
    head = visitor.company.ledger.recorder.head().position
    assert head > 738
    page = visitor.get(f"/audit/events/{head}")
    assert speech("fr")("event.waits") in unescape(page.text)
    assert visitor.get(f"/audit/events/{head}/tlog-proof").status_code == 409


def test_addresses_name_instants_of_the_log(auditor: Visitor) -> None:
    """R as a position, and as the instant at which it was recorded, are the same R."""
    ledger = auditor.company.ledger
    with ledger.database.read() as connection:
        for position in (1, 17, 737):
            at = reader.recorded_at(connection, position)
            assert at is not None and reader.position_at(connection, at) == position
            assert parse_instant(format_instant(at)) == at
