"""The questions asked of a real ledger: they count as everything else does, and prove it."""

from __future__ import annotations

import csv
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from api.answers import Times, population_answer
from api.demo import cast, telling
from api.inspecting import answer_csv, inspected, write_proofs
from ledger.application import Ledger
from ledger.calendar import parse_as_of
from ledger.errors import Misuse, NotFound
from ledger.opening import create
from ledger.seal.note import VerifyKey
from ledger.seal.proof import open_inclusion
from ledger.store import evidence
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.words import value_of
from tests.api.conftest import Caller, order
from tests.clock import StepClock
from tests.evidence.test_export import sealed

SEED = 20260105


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """The demo company."""
    folder = tmp_path_factory.mktemp("demo")
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    ledger = create(url, folder / "keyring.json", origin="demo.test/1", clock=StepClock())
    telling.fill(ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
    yield ledger
    ledger.close()


def rows(ledger: Ledger, question: str, times: Times) -> list[dict[str, Any]]:
    """The lines of one answer as plain values."""
    _, (answer,) = inspected(ledger, times, [question])
    return [
        dict(zip(answer.columns, map(value_of, line.cells), strict=True)) for line in answer.lines
    ]


def test_questions_count_as_the_fold_does_at_random_times(company: Ledger) -> None:
    """Q1 and Q5 against the classes, Q2 against the choices, at days from a printed seed."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    for _ in range(4):
        day = f"{chance.randint(2016, 2026)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
        times = Times(parse_as_of(day))
        whole = population_answer(company, times, "fold")
        held: Counter[str] = Counter()
        for row in rows(company, "Q1", times):
            held[row["class"]] += row["things"]
        tallies = {name: found["items"] for name, found in whole["classes"].items()}
        present = {name: found["present"] for name, found in tallies.items() if found["present"]}
        assert dict(held) == present, day
        said = {
            (row["purpose"], row["channel"] or "", row["state"]): row["people"]
            for row in rows(company, "Q2", times)
        }
        told = {
            (
                c["purpose"],
                c["channel"] or "",
                ", ".join(s for s in (c["state"], c["reason"]) if s),
            ): n
            for c in whole["consents"]
            for n in [c["subjects"]]
        }
        assert said == told, day


def test_every_question_is_answered_with_positions_that_exist(company: Ledger) -> None:
    about, answers = inspected(company, Times(), ())
    assert [answer.question for answer in answers] == list(QUESTIONS)
    there = range(1, about["position"] + 1)
    assert all(p in there for a in answers for line in a.lines for p in line.positions)
    with_lines = {answer.question for answer in answers if answer.lines}
    assert with_lines >= {"Q1", "Q2", "Q3", "Q4", "Q5", "Q7", "Q9", "Q10", "Q13", "Q14", "Q15"}


def test_csv_holds_every_line_and_no_formula(company: Ledger) -> None:
    _, answers = inspected(company, Times(), ["Q4", "Q9"])
    read = list(csv.reader(answer_csv(answers, "fr")))
    by_question: dict[str, int] = defaultdict(int)
    for row in read:
        by_question[row[0]] += 1
        assert not any(cell[:1] in ("=", "+", "@") for cell in row)
    assert by_question == {"": 2, "Q4": len(answers[0].lines), "Q9": len(answers[1].lines)}


def test_each_number_leads_to_proofs_that_hold(company: Ledger, tmp_path: Path) -> None:
    log, proofs = tmp_path / "log", tmp_path / "proofs"
    _, answers = inspected(company, Times(), ["Q4"])
    with pytest.raises(Misuse, match="nothing is sealed"):
        write_proofs(answers, log, proofs)
    key = sealed(company, log)
    written = write_proofs(answers, log, proofs)
    named = {p for line in answers[0].lines for p in line.positions}
    assert written == len(named) > 0
    leaves = {
        e.position: e.leaf
        for e in evidence.events_of_kinds(
            company.database, ("message.sent.v1", "consent.withdrawn.v1"), 10**9
        )
    }
    for position in named:
        note = (proofs / f"{position}.tlog-proof").read_bytes()
        index, _ = open_inclusion(note, leaves[position], [VerifyKey.parse(key.vkey)])
        assert index == position - 1


def test_what_is_not_there_is_said(company: Ledger) -> None:
    with pytest.raises(NotFound):
        inspected(company, Times(), ["Q16"])
    with pytest.raises(Misuse, match="positions"):
        inspected(company, Times(), ["Q1"], positions=0)
    with pytest.raises(NotFound):
        inspected(company, Times(), ["Q2"], subject=UUID(int=1))


def test_over_http_in_json_and_csv_at_two_times(anywhere: Caller) -> None:
    subject = anywhere.post(order()).json()["subject"]
    listed = anywhere.get("/v1/inspect", lang="en").json()["questions"]
    assert [one["id"] for one in listed] == list(QUESTIONS)
    whole = anywhere.get("/v1/inspect/Q1", lang="en").json()
    (answer,) = whole["answers"]
    classes = {line["values"]["class"] for line in answer["lines"]}
    assert "order" in classes
    assert all(line["positions"] for line in answer["lines"])
    assert anywhere.get("/v1/inspect/q1", known_at="1999-12-31").json()["position"] == 0
    hers = anywhere.get("/v1/inspect/Q5", subject=subject).json()
    assert hers["subject"] == subject
    text = anywhere.get("/v1/inspect/Q5", subject=subject, format="csv")
    assert text.headers["content-type"].startswith("text/csv")
    assert text.text.startswith(",classe")
    assert anywhere.get("/v1/inspect/Q99").status_code == 404
    assert anywhere.get("/v1/inspect/Q1", format="pdf").status_code == 400
    assert anywhere.get("/v1/inspect/Q2", subject="nobody").status_code == 404
