"""What every engine answers about a small history that is read in a minute, and how it fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.calendar import parse_as_of
from ledger.errors import BadData, Misuse
from ledger.events import Row
from ledger.policy.book import Book, shipped
from ledger.projections.population import Age
from replay.engines.contract import Engine, Files, Last
from replay.engines.duck import DuckEngine, covered
from tests.agreement.histories import BASE, SUBJECTS, Event, rows_of
from tests.engines.conftest import Opener
from tests.engines.files import written
from tests.engines.test_agreement import check

ANN, BOB, _ = SUBJECTS
THEN = parse_as_of("2026-06-30")
ORDER = Event(
    "fact", "order.placed.v1", 0, 0, "self", 0, 0, None, None, None, 1, None, home=0, target=1
)
STORY = [
    ORDER,  # Ann, in 2015
    replace(ORDER, at=7),  # Ann, in 2022
    replace(ORDER, subject=1, at=3),  # Bob, in 2020
    replace(ORDER, kind="order.invoiced.v1", subject=1, at=3),
    replace(ORDER, kind="consent.given.v1", at=4, channel="email"),
    replace(ORDER, kind="contract.started.v1", at=5, item=1, basis="service", decision="tacit"),
    replace(ORDER, verb="void", target=1),  # Ann's order of 2022
]


@pytest.fixture
def rows() -> list[Row]:
    """The story as rows."""
    return rows_of(STORY)


@pytest.fixture
def book() -> Book:
    """The shipped edition alone."""
    return Book().with_edition(shipped(), 1)


@pytest.fixture
def engine(opener: Opener, rows: list[Row], book: Book, tmp_path: Path) -> Engine:
    """Each engine over the story; a pruned position stands between."""
    return opener(written(tmp_path / "story.parquet", rows, pruned=[90]), book)


def test_what_is_recorded_after_an_erasure_is_held_again(
    opener: Opener, book: Book, tmp_path: Path
) -> None:
    """Her orders were erased; then she orders again."""
    erased = replace(ORDER, kind="customer.class_erased.v1", at=6)
    for story, gone in (([ORDER, erased], 1), ([ORDER, erased, replace(ORDER, at=7)], 0)):
        rows = rows_of(story)
        with opener(written(tmp_path / "story.parquet", rows), book) as engine:
            order = engine.population(THEN).classes["order"].items
            assert (order.erased, order.present) == (gone, 1 - gone)
            check(engine, rows, book, THEN, None)


def test_a_thing_is_not_held_again_by_what_is_only_recorded_after_its_end(
    opener: Opener, book: Book, tmp_path: Path
) -> None:
    """Her invoice was erased; then something older about it is recorded."""
    invoiced = replace(ORDER, kind="order.invoiced.v1", at=3)
    erased = replace(ORDER, kind="customer.class_erased.v1", at=6, home=1)
    rows = rows_of([invoiced, erased, replace(invoiced, at=0)])
    with opener(written(tmp_path / "story.parquet", rows), book) as engine:
        invoice = engine.population(THEN).classes["invoice"].items
        assert (invoice.erased, invoice.present) == (1, 0)
        check(engine, rows, book, THEN, None)


def test_a_yes_whose_proof_was_erased_is_counted_as_what_it_is(
    opener: Opener, book: Book, tmp_path: Path
) -> None:
    """Not as given, until she says it again; a no is a no, and an archived proof is one."""
    yes = replace(ORDER, kind="consent.given.v1", channel="email")
    no = replace(yes, kind="consent.withdrawn.v1", purpose=1)
    erased = replace(ORDER, kind="customer.class_erased.v1", at=6, home=3)
    archived = replace(erased, kind="customer.class_archived.v1")
    gone, given = ("ConsentUnknown", "proof_erased"), ("ConsentGiven", "")
    for story, state in (
        ([yes, no], given),
        ([yes, no, erased], gone),
        ([yes, no, archived], given),
        ([yes, no, archived, erased], gone),
        ([yes, no, erased, replace(yes, at=7)], given),
    ):
        rows = rows_of(story)
        with opener(written(tmp_path / "story.parquet", rows), book) as engine:
            counted = {(c.state, c.reason): c.subjects for c in engine.population(THEN).consents}
            assert counted == {state: 1, ("ConsentWithdrawn", ""): 1}
            check(engine, rows, book, THEN, None)


def test_a_thing_that_nothing_moved_is_as_old_as_whatever_first_named_it(
    opener: Opener, book: Book, tmp_path: Path
) -> None:
    """A contract without a type, and an older invoice under the same number."""
    named = replace(ORDER, kind="order.invoiced.v1")
    rows = rows_of([named, replace(ORDER, kind="contract.started.v1", at=7)])
    with opener(written(tmp_path / "story.parquet", rows), book) as engine:
        (due,) = engine.deadlines(THEN, klass="contract")
        assert (due.since, due.position) == (20150601, 1)
        assert engine.population(THEN).classes["contract"].items.past_operational == 1
        check(engine, rows, book, THEN, None)


def test_everybody_is_counted(engine: Engine) -> None:
    with engine:
        counted = engine.population(THEN)
    assert counted.subjects == 2
    assert counted.events["order.placed.v1"] == 2  # one of three was voided
    order = counted.classes["order"].subjects
    assert (order.present, order.suspended, order.past_operational) == (2, 1, 1)
    assert counted.classes["invoice"].items.past_operational == 1
    assert [(c.purpose, c.state) for c in counted.consents] == [("newsletter", "ConsentGiven")]


def test_what_is_known_later_is_not_known_before(engine: Engine) -> None:
    """Before the void, Ann has two orders."""
    with engine:
        assert engine.population(THEN, 6).events["order.placed.v1"] == 3
        assert engine.population(THEN, 0).subjects == 0


def test_ages_count_people_and_things_by_years(engine: Engine) -> None:
    with engine:
        found = engine.ages(THEN)
    assert [a for a in found if a.klass in ("order", "invoice")] == [
        Age("invoice", 6, True, 1, 1),
        Age("order", 6, True, 1, 1),
        Age("order", None, False, 1, 1),
    ]


def test_deadlines_of_one_class_only(engine: Engine) -> None:
    with engine:
        found = list(engine.deadlines(THEN, klass="invoice"))
    assert [(d.subject, d.scope, d.until) for d in found] == [(BOB, "i1", 20250228)]
    assert found[0].archive_until == 20300228


def test_the_last_activity_of_each(engine: Engine) -> None:
    """Voided facts are none, and neither is a consent."""
    with engine:
        assert list(engine.activity(THEN)) == [Last.of(ANN, 20150601, 1), Last.of(BOB, 20200229, 3)]


def test_a_timeline_has_every_row(engine: Engine, rows: list[Row]) -> None:
    """In order of position, corrections and voids among them, as far as it was known."""
    hers = [row for row in rows if row.subject == ANN]
    with engine:
        assert engine.timeline(ANN) == hers
        assert engine.timeline(ANN, 2) == hers[:2]
        assert engine.timeline(SUBJECTS[2]) == []
        assert list(engine.people()) == [*hers, *(row for row in rows if row.subject == BOB)]


def test_what_was_known_at_an_instant(engine: Engine, rows: list[Row]) -> None:
    with engine:
        assert engine.position_at(BASE) == 0
        assert engine.position_at(rows[2].recorded_at) == 3
        assert engine.position_at(rows[3].recorded_at - 1) == 3


def test_an_engine_tells_where_the_time_went(engine: Engine) -> None:
    with engine:
        engine.population(THEN)
        told = engine.report().to_json()
    assert (told["engine"], told["rows"]) == (engine.name, 8)
    assert told["seconds"] > 0
    assert told["bytes_read"] > 0
    assert told["rows_per_second"] == round(8 / told["seconds"])
    assert told["plan"]


def test_what_goes_by_side_by_side_counts_once(rows: list[Row], book: Book, tmp_path: Path) -> None:
    assert covered([]) == 0
    assert covered([(2, 5), (0, 3), (1, 2), (7, 8), (7, 7.5), (4, 6)]) == 7
    with DuckEngine(written(tmp_path / "story.parquet", rows), book) as engine:
        engine.population(THEN)
        assert 0 < engine.report().seconds <= sum(end - began for began, end in engine._spans)
        engine._spans = [(0, 2), (1, 3)]
        assert engine.report().seconds == 3


def test_without_a_policy_facts_are_counted_all_the_same(
    opener: Opener, rows: list[Row], tmp_path: Path
) -> None:
    with opener(written(tmp_path / "story.parquet", rows), Book()) as engine:
        counted = engine.population(THEN)
        assert list(engine.deadlines(THEN)) == []
        assert list(engine.activity(THEN)) == []
        assert engine.ages(THEN) == ()
    assert (counted.subjects, counted.classes, counted.edition) == (2, {}, None)
    assert counted.flags == ("no_edition_known",)


def test_nothing_at_all_is_an_answer(opener: Opener, book: Book) -> None:
    with opener(Files((), 0, 0), book) as engine:
        counted = engine.population(THEN)
        assert list(engine.choices(THEN)) == []
        assert engine.position_at(THEN) == 0
    assert (counted.subjects, counted.events, counted.classes) == (0, {}, {})


def test_a_file_that_is_none_is_refused(opener: Opener, book: Book, tmp_path: Path) -> None:
    """In a sentence that quotes nothing of it."""
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 Ann Onymous PAR1")
    with pytest.raises(BadData) as refused:
        opener(Files((str(broken),), 1, 21), book).population(THEN)
    assert "Ann" not in str(refused.value)


def test_a_kind_from_the_future_is_refused(
    opener: Opener, rows: list[Row], book: Book, tmp_path: Path
) -> None:
    """It may move a clock: an answer without it would be wrong."""
    later = [*rows, rows[0]._replace(position=20, kind="order.teleported.v1")]
    files = written(tmp_path / "story.parquet", later)
    with opener(files, book) as engine, pytest.raises(BadData):
        list(engine.deadlines(THEN))


def test_memory_that_is_no_size_is_refused(book: Book) -> None:
    with pytest.raises(Misuse):
        DuckEngine(Files((), 0, 0), book, memory="a lot")


def test_whose_facts_are_told_is_named_by_person_or_by_kind(engine: Engine) -> None:
    """These people, and whoever has a fact of these kinds, whole; known facts only."""

    def told(**named: Any) -> list[tuple[UUID | None, str]]:
        return [(row.subject, row.kind) for row, _ in engine.entries(**named)]

    with engine:
        everything = told()
        of_bob = [one for one in everything if one[0] == BOB]
        of_ann = [one for one in everything if one[0] == ANN]
        assert len(of_bob) == 2
        assert told(having={"order.invoiced.v1"}) == of_bob
        assert told(having={"consent.given.v1"}) == of_ann
        assert told(having={"order.invoiced.v1"}, people=[ANN]) == everything
        assert told(people=[BOB]) == told(people=[BOB], having=()) == of_bob
        assert told(having={"card.kept.v1"}) == told(people=[]) == []
        assert told(having={"consent.given.v1"}, known=4) == []
        assert told(having={"order.invoiced.v1"}, kinds={"order.placed.v1"}) == of_bob[:1]
