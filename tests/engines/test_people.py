"""What is asked of whole people runs on the executors: inspector, differences, controls, what-if.

One folder of segments of made-up years, with joins, corrections, two editions. Each question at a
random two times, from a printed seed; what DuckDB answers, word by word.
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pyspark.sql import SparkSession

from api.answers import Times
from api.demo import cast, telling
from api.inspecting import answered, compared
from api.replaying import STRANGER, SegmentHistory
from ledger.calendar import parse_as_of
from ledger.choosing import joining
from ledger.errors import Misuse, Tampered
from ledger.opening import create
from ledger.store import states
from replay.controls.catalogue import CONTROLS
from replay.controls.model import People
from replay.controls.run import run
from replay.engines import cluster
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.engines.spark import SparkEngine
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.model import Asked
from replay.segments.reading import Segments, open_segments
from tests.cli.conftest import Probant
from tests.cli.test_supposing import draft
from tests.clock import StepClock
from tests.controls.room import findings
from tests.engines.test_cluster import tasks_by_executor
from tests.segments.stage import Stage

SEED = int(os.environ.get("PROBANT_TEST_SEED", "20261130"))
NOW = parse_as_of("2026-11-27")


@pytest.fixture(scope="module")
def segments(tmp_path_factory: pytest.TempPathFactory) -> Segments:
    """Ten made-up years, two people found to be one, and two more; sealed and exported."""
    folder = tmp_path_factory.mktemp("people")
    url = f"sqlite:///{folder / 'ledger.sqlite'}"
    ledger = create(url, folder / "keyring.json", origin="demo.test/2", clock=StepClock())
    telling.fill(ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
    with ledger.database.read() as connection:
        people = sorted({r.subject for r in states.rows_by_subject(connection) if r.subject})
    for kept, other in ((people[1], people[-1]), (people[3], people[2])):
        joining.join(ledger, kept, other, "same_address")
    made = Stage(ledger, url, folder)
    made.seal()
    made.export()
    ledger.close()
    return open_segments(made.folder)


@contextmanager
def history(
    segments: Segments, times: Times, spark: SparkSession | None, subject: UUID | None = None
) -> Iterator[SegmentHistory]:
    """At two times: by the two executors, or by DuckDB."""
    files = Files(segments.paths, segments.size, sum(f.bytes for f in segments.manifest.files))
    book = segments.book
    engine: Engine = (
        DuckEngine(files, book) if spark is None else SparkEngine(files, book, session=spark)
    )
    with engine:
        yield SegmentHistory(segments, engine, times, NOW, subject, STRANGER)


def chosen(segments: Segments, chance: random.Random) -> Times:
    """Two random times."""
    day = f"{chance.randint(2019, 2027)}-{chance.randint(1, 12):02}-28"
    with history(segments, Times(), None) as whole:
        rows = list(whole.engine.people())
    known = chance.choice(rows).recorded_at
    print(f"seed {SEED}, as of {day}, known at {known}")
    return Times(parse_as_of(day), chance.choice((None, known)))


def silent(_people: int) -> None:
    """Hears how many people were looked at."""


def test_all_questions_are_answered_by_both_executors(
    segments: Segments, spark: SparkSession
) -> None:
    """Q1 to Q15, of everybody."""
    times = chosen(segments, random.Random(SEED))
    before = tasks_by_executor(spark)
    with history(segments, times, spark) as far, history(segments, times, None) as near:
        assert times.known_at or len(far.joined) == 2
        heard: list[int] = []
        found = answered(far, times, tuple(QUESTIONS), Asked(), heard.append)
        assert found == answered(near, times, tuple(QUESTIONS), Asked(), silent)
        assert heard[-1] > len(heard) > 1  # so many people, in so many shares
    after = tasks_by_executor(spark)
    assert all(after[one] > before.get(one, 0) for one in after)
    assert len(after) == 2


def test_all_controls_find_the_same(segments: Segments, spark: SparkSession) -> None:
    """C01 to C18 but for the folder's own checks, with all that is known."""
    asked = [name for name in CONTROLS if name != "C13"]
    times = Times(parse_as_of("2027-06-30"))
    with history(segments, times, spark) as far, history(segments, times, None) as near:
        assert len(far.joined) == 2
        found, same = run(far, asked), run(near, asked)
    assert findings(found) == findings(same)
    assert (found.people, found.events) == (same.people, same.events)
    assert sum(one.violations for one in found.outcomes) > 0


def test_the_same_changed_from_one_instant_to_another(
    segments: Segments, spark: SparkSession
) -> None:
    """Counted, and the first lines, wherever the limit falls."""
    since = chosen(segments, random.Random(SEED + 1))
    until = Times(parse_as_of("2027-06-30"))
    with history(segments, until, spark) as far, history(segments, until, None) as near:
        found = compared(far.at(since), far, None, 7, silent)
        assert found == compared(near.at(since), near, None, 7, silent)
    assert len(found[1][1].lines) == 7


def test_what_an_executor_refuses_is_that_sentence(segments: Segments, spark: SparkSession) -> None:
    """No stack, and the family of failure that it is."""
    with history(segments, Times(), spark) as far:
        assert far.spread is not None
        with pytest.raises(Tampered) as refused:
            list(far.spread(refusing))
        assert str(refused.value) == "not what was recorded"


def test_executors_without_python_or_probant_are_a_sentence(
    segments: Segments, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That names the page which says how it gets there."""
    monkeypatch.setattr(spark.sparkContext, "pythonExec", "/nowhere/python")
    with history(segments, Times(), spark) as far, pytest.raises(Misuse, match=r"docs/spark\.md"):
        answered(far, Times(), ("Q1",), Asked(), silent)


QUESTIONS_OF_FILES = (
    ("inspect", "--as-of", "2025-06-30"),
    ("controls", "run", "--as-of", "2025-06-30"),
    ("diff", "--from", "2022-06-30", "--to", "2026-06-30"),
    ("policy", "what-if", "{draft}", "--as-of", "2026-12-31", "--limit", "30"),
    ("timeline", "{person}"),
    ("inspect", "Q2", "Q5", "--subject", "{person}", "--as-of", "2025-06-30"),
)


@pytest.mark.parametrize("command", QUESTIONS_OF_FILES, ids=" ".join)
def test_each_command_answers_on_the_cluster(
    segments: Segments,
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: tuple[str, ...],
) -> None:
    """As by DuckDB: the same code, the same words, from a URL that Spark reads and no database."""
    monkeypatch.setattr(cluster, "session", lambda _master, _settings: nullcontext(spark))
    with history(segments, Times(), None) as whole:
        person = str(whole.joined[0].join.kept)
    said = {"draft": draft(tmp_path / "draft", 24, validity=12), "person": person}
    asked = [one.format(**said) for one in command]
    probant = Probant(tmp_path / "home", None, capsys.readouterr)
    near = probant(*asked, "--segments", str(segments.folder), "--engine", "duck", "--json")
    assert segments.folder is not None
    far = probant(*asked, "--segments", segments.folder.as_uri(), "--engine", "spark", "--json")
    assert far.err == ""
    assert far.code == near.code
    found, same = json.loads(far.out), json.loads(near.out)
    for answer in (found, same):
        forget_what_only_the_disk_shows(answer)
    assert found == same


def forget_what_only_the_disk_shows(answer: dict[str, Any]) -> None:
    """Whose checks of the folder itself are not asked of a URL: Q12, C13."""
    for one in answer.get("answers", ()):
        if one["question"] == "Q12":
            for name in ("wrong", "keys"):
                one["figures"].pop(name, None)
    for one in answer.get("controls", ()):
        if one["id"] == "C13":
            one.clear()


def refusing(people: People) -> int:
    """A work that fails on the first person."""
    for _ in people.lives():
        raise Tampered("not what was recorded")
    return 0
