"""Controls asked of files alone: what the ledger finds, and a sentence for what files cannot show.

`test_stories.py` asks each of its histories of files too. Here: whole ledgers at random times, a
folder that was altered, and whose keys it is judged by.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from api.answers import Times
from api.controlling import history
from api.controls import asked_of, result_json
from api.demo import cast, telling
from api.inspecting import inspected
from api.replaying import (
    STRANGER,
    Reader,
    Source,
    _under,
    controlled_alone,
    inspected_alone,
    opened,
    segment_history,
)
from ledger.application import Ledger
from ledger.calendar import parse_as_of
from ledger.errors import BadData, Misuse, Tampered
from ledger.opening import create
from ledger.policy.explain import Language
from ledger.store import tables
from replay.controls.catalogue import CONTROLS
from replay.controls.run import Outcome, Result, run
from replay.controls.words import because, words
from replay.engines.duck import DuckEngine
from replay.engines.fold import FoldEngine
from replay.inspect.run import ask
from tests.clock import StepClock
from tests.contracts.props import unfenced
from tests.controls.room import Company, findings, key
from tests.segments.conftest import stage
from tests.segments.stage import Rows, Stage
from tests.segments.test_verify import (
    as_somebody_else,
    column,
    forge,
    half_bared,
    original,
    swapped,
    without_leaf,
)

SEED = 20261128
LANGUAGES: tuple[Language, Language] = ("en", "fr")
OF_THE_DATABASE = {"C06": "part", "C09": "part", "C14": "no", "C17": "no"}

FIXTURES = original, stage


def silent(_people: int) -> None:
    """Hears how many people were looked at."""


def alone(
    folder: Path, *names: str, reader: Reader = STRANGER, times: Times | None = None
) -> Result:
    """One run over files."""
    return controlled_alone(Source(str(folder)), times or Times(), names, reader, silent)


def of(result: Result, control: str) -> Outcome:
    """What one of them found."""
    return next(one for one in result.outcomes if one.control == control)


def checked(result: Result) -> dict[str, str]:
    """Those not checked in full, and how much of them was."""
    return {one.control: one.checked for one in result.outcomes if one.checked != "whole"}


# --- the same company, twice ----------------------------------------------------------------------


@pytest.fixture
def company(ledger_url: str, tmp_path: Path) -> Iterator[Stage]:
    """Ten made-up years, sealed and exported."""
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    ledger = create(ledger_url, keyring, clock=StepClock(), origin="example.org/segments")
    telling.fill(ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
    made = Stage(ledger, ledger_url, tmp_path)
    made.seal()
    made.export()
    yield made
    ledger.close()


def test_files_and_ledger_find_the_same_at_random_times(company: Stage) -> None:
    """All eighteen, each as it is; from a printed seed."""
    chance = random.Random(SEED)
    print(f"seed {SEED}")
    reader, size = Reader(log=company.log), company.manifest.size
    found = 0
    for _ in range(3):
        day = f"{chance.randint(2017, 2027)}-{chance.randint(1, 12):02}-28"
        at = instant_of(company.ledger, chance.randint(1, size))
        times = Times(parse_as_of(day), chance.choice((at, instant_of(company.ledger, size))))
        print(f"as of {day}, known at {times.known_at}")
        here = asked_of(company.ledger, times)
        there = alone(company.folder, reader=reader, times=times)
        assert [one.control for one in there.outcomes] == list(CONTROLS)
        assert findings(there) == findings(here)
        assert (there.people, there.events, there.known) == (here.people, here.events, here.known)
        assert checked(there) == OF_THE_DATABASE
        found += sum(one.violations for one in here.outcomes)
    assert found > 0


def test_asked_alone_each_says_what_it_says_among_all(company: Stage) -> None:
    """Of a ledger and of files: asked alone, only those are read whom it concerns."""
    times = Times(parse_as_of("2024-12-31"))
    alone = [one.id for one in CONTROLS.values() if one.person or one.event]
    with (
        history(company.ledger, times, check=True) as here,
        segment_history(Source(str(company.folder)), times) as there,
    ):
        for found in (here, there):
            everybody = run(found, alone)
            for whole in everybody.outcomes:
                by_itself = run(found, [whole.control])
                assert by_itself.outcomes[0].digest == whole.digest, whole.control
                assert by_itself.outcomes[0].counts == whole.counts, whole.control
                assert by_itself.people <= everybody.people
            answers = ask(found)
            assert [ask(found, [answer.question]) for answer in answers] == [
                (answer,) for answer in answers
            ]


def instant_of(ledger: Ledger, position: int) -> int:
    """When a position was recorded."""
    e = tables.events.c
    with ledger.database.read() as connection:
        return int(connection.scalar(sa.select(e.recorded_at).where(e.position == position)) or 0)


def test_what_the_inspector_hears_of_integrity_is_the_same(company: Stage) -> None:
    """Q8 and Q13 but for the store; Q12 with what the checks of the folder find."""
    (company.log / "keys/log.vkey").write_text(f"{company.trust.log[0].written}\n")
    times = Times(parse_as_of("2025-12-31"), instant_of(company.ledger, company.manifest.size))
    asked = ("Q8", "Q12", "Q13")
    told: dict[str, Any] = {"subject": None, "positions": 20, "progress": silent}
    _, here = inspected(company.ledger, times, asked, log=company.log, **told)
    files = Source(str(company.folder)), times, asked
    with inspected_alone(*files, reader=Reader(log=company.log), **told) as (_, there):
        for one, other in zip(here, there, strict=True):
            missing = {"store", "revived"} if one.question == "Q8" else set()
            assert other.lines == one.lines
            assert one.figures.keys() - other.figures.keys() == missing
            assert all(one.figures[name] == value for name, value in other.figures.items())
    assert there[1].figures["wrong"] == 0


@pytest.mark.parametrize("engine", ["duck", "fold"])
def test_the_two_sides_of_a_draft_have_half_the_memory_each(company: Stage, engine: str) -> None:
    """Both are read at the same time."""
    source = Source(str(company.folder), engine, "100MB")
    with opened(source) as (segments, whole):
        assert isinstance(whole, DuckEngine | FoldEngine)
        with _under(source, whole, segments.book) as side:
            assert isinstance(side, type(whole))
            assert 2 * side.memory == pytest.approx(whole.memory, rel=0.01)


# --- a folder that was altered --------------------------------------------------------------------


@pytest.fixture
def folder(original: Stage, tmp_path: Path) -> Stage:
    """A copy of a folder of three files, to be altered."""
    shutil.copytree(original.folder, tmp_path / "segments")
    shutil.copytree(original.log, tmp_path / "log")
    return Stage(original.ledger, original.url, tmp_path)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        (column("amount_minor", 1), {136}),
        (column("occurred_at", 1), {136}),
        (without_leaf, {136}),
        (half_bared, {136}),
        (swapped, {137}),
        (as_somebody_else, set()),  # the whole row agrees with itself; the signed root does not
    ],
)
def test_c13_a_row_that_is_not_what_was_recorded(
    folder: Stage, change: Callable[[Rows], Any], at: set[int]
) -> None:
    """Whose keys are pinned or not; in both languages."""
    assert alone(folder.folder, "C13", reader=Reader(log=folder.log)).ok
    forge(folder, change)
    for reader in (STRANGER, Reader(log=folder.log)):
        result = alone(folder.folder, "C13", reader=reader)
        (outcome,) = result.outcomes
        assert not result.ok
        assert at <= {p for one in outcome.findings for p in one.positions}
        (told, french) = (result_json(result, lang)["controls"][0] for lang in LANGUAGES)
        for one, other in zip(told["findings"], french["findings"], strict=True):
            assert one["values"] == other["values"]
            assert one["explanation"] != other["explanation"]
    before = Times(None, folder.rows()[99]["recorded_at"])
    assert not any(o.positions for o in of(alone(folder.folder, times=before), "C13").findings)


def test_c13_answers_alone_where_an_entry_cannot_be_read(folder: Stage) -> None:
    """Of the company's own first fact; what needs that entry stops, and says whom to ask."""

    def unreadable(rows: Rows) -> None:
        rows[0]["entry"] = b"{}"

    forge(folder, unreadable, file=0)
    (outcome,) = alone(folder.folder, "C13").outcomes
    assert 1 in {p for one in outcome.findings for p in one.positions}
    with pytest.raises(Tampered, match="C13, asked alone"):
        alone(folder.folder)


@pytest.mark.parametrize("name", ["amount_minor", "local_day", "leaf"])
def test_c13_the_same_change_is_found_at_the_same_position(stage: Stage, name: str) -> None:
    """In the database, and in the folder that was made of it before."""
    stage.seal()
    stage.export()
    value: Any = bytes(32) if name == "leaf" else 20010101
    forge(stage, column(name, value), file=0)
    e = tables.events.c
    with unfenced(stage.ledger, stage.url) as connection:
        connection.execute(sa.update(tables.events).where(e.position == 8).values({name: value}))
    here = of(asked_of(stage.ledger, Times(), ["C13"]), "C13")
    there = of(alone(stage.folder, "C13", reader=Reader(log=stage.log)), "C13")
    for outcome in (here, there):
        assert {p for one in outcome.findings for p in one.positions} == {8}


def test_c13_a_signature_that_is_not_the_pinned_one(folder: Stage, tmp_path: Path) -> None:
    """A stranger's keys condemn the folder; without any, it is judged by its own, and that is
    said."""
    anchors = tmp_path / "anchors.toml"
    origin, other = folder.manifest.origin, folder.trust.log[0]._replace(public=bytes(range(32)))
    anchors.write_text(f'origin = "{origin}"\nlog = ["{other.written}"]\n')
    result = alone(folder.folder, "C13", reader=Reader(anchors=anchors))
    assert (result.ok, checked(result)) == (False, {})
    anchors.write_text(f'origin = "{origin}"\nlog = ["{folder.trust.log[0].written}"]\n')
    result = alone(folder.folder, "C13", reader=Reader(anchors=anchors))
    assert (result.ok, checked(result)) == (True, {})
    result = alone(folder.folder, "C13")
    assert (result.ok, checked(result)) == (True, {"C13": "part"})
    with pytest.raises(Misuse):
        alone(folder.folder, "C13", reader=Reader(anchors=tmp_path / "nowhere"))
    shutil.rmtree(folder.folder / "keys")
    result = alone(folder.folder, "C13")
    assert (result.is_unchecked, checked(result)) == (True, {"C13": "no"})


# --- what files cannot show -----------------------------------------------------------------------


def test_what_files_cannot_show_is_said_and_never_left_out(folder: Stage) -> None:
    """In both languages; that nothing was found in it is not the answer."""
    result = alone(folder.folder, reader=Reader(log=folder.log))
    assert [one.control for one in result.outcomes] == list(CONTROLS)
    assert checked(result) == OF_THE_DATABASE
    for outcome in result.outcomes:
        if outcome.unseen is not None:
            said = [because(outcome.unseen, lang) for lang in ("en", "fr")]
            assert said[0] != said[1]
            assert all(said)
    assert alone(folder.folder, "C14", "C17").is_unchecked
    assert not alone(folder.folder, "C14", "C06").is_unchecked
    assert set(words("en")["unseen"]) == set(words("fr")["unseen"])


def test_what_the_erased_had_said_no_to_is_in_no_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Once somebody was erased, the gate's controls say that they miss it; not before."""
    from replay.controls.run import run
    from tests.controls.filed import filed

    made = Company()
    made.she("customer.registered", "2024-03-01")
    before = made.known
    made.she(
        "customer.class_erased",
        "2025-01-02",
        of="contact",
        keys=(key(),),
        reason="request",
        actor="system",
    )
    with filed(made, tmp_path) as history:
        result = run(history, ["C01", "C02", "C03", "C11"])
    assert checked(result) == {"C01": "part", "C02": "part", "C11": "part"}
    made.known = before
    with filed(made, tmp_path) as history:
        assert checked(run(history, ["C01", "C02", "C03", "C11"])) == {}


def test_erasures_are_looked_for_where_that_matters_and_damage_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Segments that cannot be read are found by C13, which asks none of them; whoever asks them is
    told, and never that all was judged."""
    from replay.controls.run import run
    from tests.controls.filed import filed

    def damaged(*_: object, **__: object) -> Iterator[Any]:
        raise BadData("a segment cannot be read")

    made = Company()
    made.she("customer.registered", "2024-03-01")
    with filed(made, tmp_path) as history:
        for asked in ("has", "entries"):
            monkeypatch.setattr(history.engine, asked, damaged)
        assert checked(run(history, ["C13", "C14"])) == {"C13": "no", "C14": "no"}
        assert set(history.unseen(["C03"])) == set(history.unseen([]))
        for control in ("C01", "C15"):
            with pytest.raises(BadData, match="cannot be read"):
                history.unseen([control])


def test_a_ledger_says_what_was_not_opened_too(stage: Stage) -> None:
    """Sealed parts, the journal: as it was asked."""
    assert checked(asked_of(stage.ledger, Times())) == {"C09": "part", "C17": "part"}
    whole = asked_of(stage.ledger, Times(), journal=stage.home / "journal", open_parts=True)
    assert checked(whole) == {}
