"""Asked of everybody at once, controls and questions say what they say of one after the other.

Of histories made by chance, of the demo company and of a few that chance does not bring together,
at random times; from one share or from many, from segments and from what lies aside.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from api.answers import Times
from api.demo import cast, telling
from api.replaying import STRANGER, SegmentHistory
from ledger import pan
from ledger.aggregates import AGGREGATES, door, door_kinds, fold
from ledger.calendar import parse_as_of
from ledger.errors import BadData
from ledger.events import KINDS
from ledger.fields import KeyProof
from ledger.opening import create
from ledger.policy.book import Book, shipped
from replay.controls.at_once import Most
from replay.controls.catalogue import CONTROLS
from replay.controls.declaring import DECLARED, UNDECLARED
from replay.controls.run import Result, run
from replay.controls.scene import Scene
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.diff import changes
from replay.inspect.model import Answer, Question
from replay.inspect.run import OF_ALL, ask
from replay.segments.layout import SCHEMA
from replay.segments.reading import open_segments
from tests.agreement.histories import ASKED, ASKED_AT, HISTORIES, SUBJECTS, book
from tests.clock import StepClock
from tests.controls.filed import segments_of
from tests.controls.lean import Lean, LeanLines
from tests.controls.room import LETTER, OTHER, SHE, Company, findings, furnished, key
from tests.controls.seldom import STORIES, long_ago, of_ours
from tests.controls.test_any_history import NOW, company
from tests.engines.conftest import aside
from tests.golden.examples import example
from tests.segments.stage import Stage

SEED = 20261128
ALOUD = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SOUGHT = [
    name
    for name, one in CONTROLS.items()
    if one.seek or one.most or one.ours or one.reads is not None or one.hears is not None
]
COUNTED = [
    name
    for name, one in QUESTIONS.items()
    if one.apart is not None
    or one.seek is not Question.seek
    or one.set_apart is not Question.set_apart
    or one.reads is not None
    or one.keys
]
OTHERS = [name for name in QUESTIONS if name not in COUNTED]
Opener = Callable[[Files, Book, Path], Engine]
OPENERS: dict[str, Opener] = {
    "one share": lambda files, book, _: DuckEngine(files, book),
    "many": lambda files, book, _: DuckEngine(files, book, at_once=max(files.rows // 5, 1)),
    "aside": lambda files, book, folder: DuckEngine(files, book, aside=aside(folder, files)),
}


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    """What opens an engine that is asked of everybody at once."""
    return OPENERS[request.param]


def both(history: SegmentHistory) -> tuple[Result, tuple[Answer, ...]]:
    """What is found and answered of everybody at once, each asked alone (those that are asked like
    any other, together): it is what the fold says of all of them."""
    everybody = history.at_once
    assert everybody is not None
    found = [run(history, [name]) for name in SOUGHT]
    answers = [ask(history, [name])[0] for name in COUNTED] + [*ask(history, OTHERS)]
    history.__dict__["at_once"] = None  # a cached property
    folded, told = run(history, SOUGHT), ask(history, (*COUNTED, *OTHERS))
    history.__dict__["at_once"] = everybody
    for one, other in zip(found, findings(folded), strict=True):
        assert findings(one) == [other]
        everyone = CONTROLS[other[0]].concerns is None
        assert not everyone or (one.people, one.events) == (folded.people, folded.events)
    for answer, other_answer in zip(answers, told, strict=True):
        assert answer == other_answer
    return folded, told


def differing(history: SegmentHistory, times: Times, limit: int) -> tuple[Answer, ...]:
    """What changed since is the same counted and found one after the other."""
    before, everybody = history.at(times), history.at_once
    assert everybody is not None
    assert before.at_once is not None
    found = changes(before, history, OF_ALL, limit)
    history.__dict__["at_once"] = None
    folded = changes(before, history, OF_ALL, limit)
    history.__dict__["at_once"] = everybody
    for one, other in zip(found, folded, strict=True):
        assert one == other
    return folded


@contextmanager
def opened(made: Company, opener: Opener, folder: Path) -> Iterator[SegmentHistory]:
    """A made-up company as files, at its two times."""
    segments = segments_of(made, folder)
    files = Files(segments.paths, segments.size, 0)
    recorded = [e.row.recorded_at for e in made.events if e.row.position <= made.known]
    times = Times(made.as_of, recorded[-1] if recorded else 0)
    with opener(files, segments.book, folder) as engine:
        yield SegmentHistory(segments, engine, times, made.as_of, None, STRANGER)


def under_other_articles() -> Book:
    """The same editions; the newest cites other articles for the terms of some classes."""
    made = Book()
    for published in book().entries:
        edition = published.edition
        if edition.number >= 20220610:
            classes = {
                name: replace(found, article=f"{found.article} bis")
                if name in ("order", "card_proof", "contact")
                else found
                for name, found in edition.classes.items()
            }
            edition = replace(edition, classes=classes)
        made = made.with_edition(edition, published.position)
    return made


def test_of_any_history_at_any_two_times(opener: Opener, tmp_path: Path) -> None:
    """Late, backdated, corrected, voided, archived, erased, joined, under three editions."""

    @settings(ALOUD, max_examples=10)
    @given(
        history=HISTORIES,
        as_of=ASKED_AT,
        back=st.integers(0, 12),
        joins=st.sampled_from((False, False, True)),
        earlier=st.sampled_from(ASKED),
        before=st.integers(1, 60),
        limit=st.sampled_from((0, 1, 3, 1000)),
    )
    def examples(
        history: Any, as_of: Any, back: int, joins: bool, earlier: int, before: int, limit: int
    ) -> None:
        made = company(history)
        made.book = under_other_articles()
        note("\n".join(repr(event.row) for event in made.events))
        if joins:
            made.she("customer.joined", "2022-06-02", other=SUBJECTS[1], who=SUBJECTS[0])
        made.as_of, made.known = as_of or NOW, max(made.known - back, 1)
        with opened(made, opener, tmp_path) as asked:
            both(asked)
            for since, position in ((made.as_of, before), (earlier, before), (earlier, None)):
                differing(asked, known_then(made, since, position), limit)

    examples()


def known_then(made: Company, as_of: int, position: int | None) -> Times:
    """At an earlier time, as known at a position (None: as now)."""
    known = made.known if position is None else max(min(position, made.known), 1)
    recorded = [e.row.recorded_at for e in made.events if e.row.position <= known]
    return Times(min(as_of, made.as_of), recorded[-1])


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Ten made-up years, sealed and exported."""
    home = tmp_path_factory.mktemp("sealed")
    ledger = create(
        "sqlite://", home / "keyring.json", clock=StepClock(), origin="example.org/segments"
    )
    telling.fill(ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
    made = Stage(ledger, "sqlite://", home)
    made.seal()
    made.export()
    yield made
    ledger.close()


def test_of_ten_made_up_years_at_random_times(
    sealed: Stage, opener: Opener, tmp_path: Path
) -> None:
    """From a printed seed; every line and finding of at least one of them names something."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    segments = open_segments(sealed.folder)
    files = Files(segments.paths, segments.size, 0)
    violations = lines = moved = 0
    with opener(files, segments.book, tmp_path) as engine:
        for _ in range(2):
            as_of = parse_as_of(f"{chance.randint(2019, 2029)}-{chance.randint(1, 12):02}-28")
            position = chance.randint(1, segments.size)
            times = Times(as_of, chance.choice((None, recorded_at(engine, position))))
            print(f"as of {as_of}, known at {times.known_at}")
            asked = SegmentHistory(segments, engine, times, as_of, None, STRANGER)
            found, answers = both(asked)
            violations += sum(one.violations for one in found.outcomes)
            earlier = as_of - chance.randint(1, 900) * 86_400_000_000
            then = recorded_at(engine, chance.randint(1, position))
            for since in (Times(earlier, times.known_at), Times(as_of, then), Times(earlier, then)):
                moved += len(differing(asked, since, chance.choice((5, 10_000)))[0].lines)
            lines += sum(len(answer.lines) for answer in answers)
    assert violations > 0
    assert lines > 0
    assert moved > 0


def recorded_at(engine: Engine, position: int) -> int:
    """When a position was recorded."""
    return next(row.recorded_at for row in engine.people() if row.position >= position)


# --- what chance does not bring together ----------------------------------------------------------


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_of_what_seldom_happens(
    story: Callable[[Company], None], opener: Opener, tmp_path: Path
) -> None:
    """Alone, and beside somebody of whom there is nothing to say."""
    made = Company(notice=story is not long_ago)
    made.she("customer.registered", "2024-03-01")
    made.she("customer.registered", "2024-03-01", who=UUID(int=2**127 + 7))
    story(made)
    for as_of in ("2024-12-31", "2031-12-31"):
        made.as_of = parse_as_of(as_of)
        with opened(made, opener, tmp_path) as asked:
            both(asked)
            differing(asked, Times(parse_as_of("2024-06-30")), 1000)


# --- what a search may leave out ------------------------------------------------------------------


def test_of_the_kinds_that_name_nothing_nothing_is_undeclared() -> None:
    """Whatever a fixed fact of it says, under an edition that declares nothing."""
    nothing = replace(shipped(), purposes={}, classes={})
    empty = fold(AGGREGATES["policy_book"], ())
    for kind, cls in KINDS.items():
        fact = example(cls)
        found = door_kinds.refuse_undeclared(fact, empty) or door.refuse_declared(fact, nothing)
        if found is not None and found.problem in UNDECLARED:
            assert kind in DECLARED, kind


CHARACTERS = st.text("0123456789 -._^=;%Bcvv4111", max_size=40)
CODES = st.sampled_from(("cvv", "CVC2", "code de securite", "card verification value", "c.v.v"))


@settings(max_examples=400, deadline=None)
@given(before=CHARACTERS, word=CODES, after=CHARACTERS)
def test_what_holds_card_data_may_hold_some(before: str, word: str, after: str) -> None:
    """The pattern that entries are searched by misses nothing that the gate finds."""
    for text in (before, before + word + after, f"{before}4111 1111-1111.1111{after}"):
        if pan.problem(text) is not None:
            said = json.dumps({"reason": text})
            found = duckdb.execute("SELECT regexp_matches(?, ?)", [said, pan.MAY_HOLD])
            assert found.fetchall() == [(True,)], text


@contextmanager
def bared(made: Company, kinds: Collection[str], folder: Path) -> Iterator[SegmentHistory]:
    """Its files, without the entries of facts of these kinds."""
    with opened(made, OPENERS["one share"], folder) as asked:
        (path,) = asked.segments.paths
        lines = pq.read_table(path).to_pylist()
        lines = [line | ({"entry": None} if line["kind"] in kinds else {}) for line in lines]
        pq.write_table(pa.Table.from_pylist(lines, schema=SCHEMA), path)
    segments = asked.segments
    with DuckEngine(Files(segments.paths, segments.size, 0), made.book) as engine:
        yield SegmentHistory(segments, engine, Times(made.as_of), made.as_of, None, STRANGER)


def test_files_without_entries_are_not_said_to_hold_nothing(tmp_path: Path) -> None:
    """What would be searched is not there."""
    with bared(furnished(), KINDS, tmp_path) as bare:
        everybody = bare.at_once
        assert everybody is not None
        for control in ("C09", "C12", "C16"):
            seek = CONTROLS[control].seek
            assert seek is not None
            with pytest.raises(BadData, match="hold no entries"):
                seek(everybody, Scene(bare.book, (), bare.as_of, bare.known))


def test_an_entry_that_is_not_there_is_missed_where_it_is_searched(tmp_path: Path) -> None:
    """Of one kind only, of whom nothing else is read; of two whose cards are alike."""
    made = furnished()
    made.she("ticket.opened", "2024-04-02", topic="cvv:123", channel="email", who=OTHER)
    made.she("consent.requested", "2024-04-01", purpose="unheard_of", who=UUID(int=90))
    for n in range(2):
        made.she("card.kept", "2024-04-01", item=f"c{n}", ground="proof", who=UUID(int=91 + n))
    gone = {"of": "contact", "reason": "request", "keys": (key(),), "id": UUID(int=101)}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)
    said = {"reason": "request", "authority": UUID(int=101), "actor": "system"}
    made.tells("ledger.key_destroyed", "2024-06-01", keys=(KeyProof(key(), "A" * 43),), **said)
    of = [("C09", "ticket.opened.v1"), ("C12", "consent.requested.v1"), ("C04", "card.kept.v1")]
    of += [("C06", "customer.class_erased.v1"), ("C06", "ledger.key_destroyed.v1")]
    for control, kind in (*of, ("C16", "ticket.opened.v1")):
        with (
            bared(made, (kind,), tmp_path) as bare,
            pytest.raises(BadData, match="hold no entries"),
        ):
            run(bare, [control])


def test_a_form_that_was_told_of_late_is_known_from_then_on(tmp_path: Path) -> None:
    """Of three acceptances on devices one came before its form was known."""
    made = Company()
    of_ours(made)
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        (found,) = findings(run(asked, ["C11"]))
    assert [one.why for one in found[1]] == ["form_unpublished"]


def test_of_the_company_the_first_fact_is_handed_over_whatever_it_is(tmp_path: Path) -> None:
    """It says since when there is a ledger; of the others, those that were asked for."""
    made = furnished()
    made.tells("notice.published", "2024-01-01", notice="late", document="A" * 43)
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        all_of_them = [event.row for event in asked.company()]
        some = [event.row for event in asked.company(frozenset({"notice.published.v1"}))]
    noticed = [row for row in all_of_them if row.kind == "notice.published.v1"]
    assert some == [all_of_them[0], *noticed]
    assert len(some) < len(all_of_them)


def test_what_is_found_at_once_and_not_in_her_life_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is told one by one was judged from the life itself."""
    made = furnished()
    made.she("message.sent", "2019-01-01", **LETTER)
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        lean = LeanLines((Lean(SHE, "past_erase", (1,)),))
        most = Most(frozenset(), False, frozenset(), lambda *_: [lean])
        control = replace(CONTROLS["C03"], most=most)
        monkeypatch.setitem(CONTROLS, "C03", control)
        with pytest.raises(BadData, match="--engine fold"):
            run(asked, ["C03"])
