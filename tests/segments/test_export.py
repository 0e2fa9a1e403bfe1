"""Segments hold what was sealed, cost what is new, and are finished by whoever comes after."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa

from ledger.entry import read
from ledger.erasing.erase import erase_scopes
from ledger.erasing.prune import prune
from ledger.errors import Broken, Misuse, ProbantError, Tampered
from ledger.opening import create
from ledger.sealing.files import write_whole
from ledger.segmenting import export as exporting
from ledger.segmenting import plan as planning
from ledger.store import arrow, pruning, tables
from ledger.store.vault import Scope
from replay.segments import layout
from replay.segments.layout import ASIDE, aside_path, whole
from replay.segments.reading import open_segments
from tests.contracts.props import unfenced
from tests.rotation import told
from tests.segments.stage import Stage, failed, files

PLAIN = [name for name in layout.SCHEMA.names if not name.startswith("subject_")]


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of 128 rows, in groups of 64."""
    monkeypatch.setattr(planning, "FILE_ROWS", 128)
    monkeypatch.setattr(layout, "ROW_GROUP", 64)


# --- what is in them ----------------------------------------------------------------------------


def test_a_segment_says_what_the_database_says(stage: Stage):
    """Every column of every row, the subject in its two halves; judged by the verifier."""
    stage.seal()
    done = stage.export()
    rows = stage.rows()
    assert done.size == done.rows == len(rows) == 341
    for row, there in zip(rows, stage.stored(), strict=False):
        said = there._mapping
        for name in PLAIN:
            value = said[name]
            value = value.bytes if isinstance(value, UUID) else value
            assert row[name] == (bytes(value) if isinstance(value, memoryview) else value), name
        hi, lo = row["subject_hi"], row["subject_lo"]
        assert said["subject"] == (None if hi is None else whole(hi, lo))
    report = stage.accepted()
    assert {1, 4, 5, 7, 8, 10, 11, 14} <= report.rests.keys()


def test_a_kept_checkpoint_is_found_within_a_file(stage: Stage):
    """At a size that is neither the end of a tile nor that of the file."""
    stage.orders(300, "second")
    stage.seal(300)
    kept = stage.home / "kept"
    kept.write_bytes((stage.log / "checkpoint").read_bytes())
    stage.seal()
    assert stage.export().files == 1
    report = stage.verify(trust=stage.trust._replace(checkpoints=(kept,)))
    assert report.ok, "\n".join(report.lines())
    assert 6 in report.rests


def test_any_tool_reads_them(stage: Stage):
    """DuckDB, and the columns as the page documents them."""
    stage.seal()
    stage.export()
    glob = str(stage.folder / "events" / "*.parquet")
    query = "SELECT kind, count(*), count(DISTINCT subject_lo) FROM read_parquet(?) GROUP BY 1"
    with duckdb.connect() as engine:
        assert ("order.placed.v1", 300, 40) in engine.execute(query, [glob]).fetchall()
    (one,) = stage.manifest.files
    file = pq.ParquetFile(stage.folder / one.path)
    assert file.schema_arrow == layout.SCHEMA
    page = (Path(__file__).parents[2] / "docs/segments.md").read_text("utf-8")
    described = [line.split("|")[1].strip(" `") for line in page.splitlines() if line[:3] == "| `"]
    assert described[: len(layout.SCHEMA)] == layout.SCHEMA.names


def test_only_what_is_sealed_goes_out(stage: Stage):
    stage.seal(200)
    assert stage.export().size == 200
    assert stage.rows()[-1]["position"] == 200
    stage.accepted()


def test_writers_go_on_meanwhile(stage: Stage, small: None):
    """Facts are recorded between any two row groups; the segments are of the sealed size."""
    stage.seal()
    heard: list[int] = []

    def write(done: int, total: int, _what: str) -> None:
        heard.append(done)
        assert total == 341
        stage.orders(1, f"meanwhile-{len(heard)}")

    done = stage.export(progress=write)
    assert (done.size, done.files) == (341, 3)
    assert heard[0] < heard[-1] == 341
    assert stage.ledger.recorder.head().position > 341 + len(heard)
    stage.accepted()


def test_a_folder_that_is_not_ours_stays_as_it_is(stage: Stage, tmp_path: Path):
    with pytest.raises(Misuse, match="sealed yet"):
        stage.export()
    stage.seal()
    other = tmp_path / "other"
    other.mkdir()
    (other / "letter.txt").write_text("mine")
    with pytest.raises(Misuse, match="empty"):
        stage.export(other)
    assert files(other) == {"letter.txt": b"mine"}
    stage.export()
    before = files(stage.folder)
    stranger = create("sqlite://", None, clock=stage.ledger.clock, origin="example.org/other")
    visitor = Stage(stranger, "sqlite://", tmp_path / "visitor")
    visitor.orders(2, "x")
    visitor.seal()
    with pytest.raises(Misuse, match="another ledger"):
        visitor.export(stage.folder)
    stranger.close()
    stage.seal(150)
    with pytest.raises(Misuse, match="further"):
        stage.export()
    assert files(stage.folder) == before


def test_one_export_at_a_time(stage: Stage):
    stage.seal()

    def second(_done: int, _total: int, _what: str) -> None:
        with pytest.raises(Misuse, match="another export"):
            stage.export()

    stage.export(progress=second)
    stage.accepted()


# --- the newest day costs the newest day ----------------------------------------------------------


def test_a_second_export_reads_and_writes_only_what_is_new(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    """Counted: the positions that the database was asked for, the rows and files written."""
    stage.seal()
    stage.export()
    first = files(stage.folder)
    stage.orders(20, "new")
    stage.seal()
    asked: list[tuple[int, int]] = []
    real = arrow.batches

    def counting(database: Any, low: int, high: int, *columns: Any) -> Any:
        asked.append((low, high))
        return real(database, low, high, *columns)

    monkeypatch.setattr(arrow, "batches", counting)
    done = stage.export()
    assert asked == [(342, done.size)]
    assert (done.written, done.rows, done.files) == (1, done.size - 341, 2)
    now = files(stage.folder)
    assert all(now[name] == first[name] for name in first if name.startswith("events/"))
    stage.accepted()


def test_nothing_new_writes_nothing_and_discloses_nothing(stage: Stage):
    """What an export itself records is about nobody: the next takes it along, and then it ends."""
    stage.seal()
    assert stage.export().disclosed == 344
    stage.seal()
    assert stage.export().disclosed == 0
    before, head = files(stage.folder), stage.ledger.recorder.head()
    done = stage.export()
    assert (done.written, done.rows, done.disclosed) == (0, 0, 0)
    assert (files(stage.folder), stage.ledger.recorder.head()) == (before, head)


def test_each_export_is_a_disclosure_of_what_is_new(stage: Stage):
    stage.seal()
    stage.export()
    told(stage.ledger, "somebody new", "hello")
    stage.seal()
    done = stage.export()
    told_of = [
        (row.position, meta["recipient"], meta["purpose"], meta["classes"], meta["people"])
        for row in stage.stored()
        if row.kind == "data.disclosed.v1"
        for meta in [read(bytes(row.entry))["meta"]]
    ]
    assert told_of == [
        (344, "analysis", "accountability", ["order"], 40),
        (done.disclosed, "analysis", "accountability", ["contact"], 1),
    ]


@pytest.mark.parametrize("days", [1, 7, 30, 300])
def test_days_of_any_length_cost_at_most_twice_themselves(days: int, small: None):
    """The rule of `plan.py`, over months of days of 1 to 90 rows: the folder stays whole, and its
    files are fewer than its days."""
    found: tuple[layout.Segment, ...] = ()
    size = 0
    for day in range(days):
        new = (day * 37) % 90 + 1
        size += new
        cuts = planning.cuts(found, size, ())
        assert sum(cut.last - cut.first + 1 for cut in cuts) <= 2 * new
        kept = [one for one in found if one.last < cuts[0].first]
        found = (*kept, *map(segment, cuts))
        assert [one.first for one in found] == [1, *(one.last + 1 for one in found[:-1])]
        assert found[-1].last == size
        assert max(one.rows for one in found) <= 128
        assert planning.cuts(found, size, ()) == ()
    assert len(found) <= max(1, days * 2 // 3)
    joined = planning.cuts(found, size, (), compact=True)
    kept = [one for one in found if not joined or one.last < joined[0].first]
    assert all(one.rows == 128 for one in (*kept, *map(segment, joined))[:-1])
    assert len(kept) + len(joined) <= len(found)


def segment(cut: planning.Cut) -> layout.Segment:
    rows = cut.last - cut.first + 1
    return layout.Segment(
        path=layout.path_of(*cut, 1),
        first=cut.first,
        last=cut.last,
        rows=rows,
        pruned=0,
        bytes=1,
        sha256="",
        generation=1,
    )


def test_small_files_are_joined_when_asked(stage: Stage):
    stage.seal(300)
    stage.export()
    stage.seal(320)
    stage.export()
    assert len(stage.manifest.files) == 2
    rows = stage.rows()
    done = stage.export(compact=True)
    assert (done.files, done.written, done.removed, done.disclosed) == (1, 1, 2, 0)
    assert stage.rows() == rows
    assert stage.export(compact=True).written == 0
    stage.accepted()


# --- cut off at every step ------------------------------------------------------------------------


class Cut(Exception):
    """The power failed."""


STEPS = (
    *(".plan.json", "policies/", "manifest.json", "checkpoint", "keys/"),
    *(f"events/{first:012}-" for first in (1, 129, 257)),
)


@pytest.mark.parametrize("ledger_url", ["sqlite-file"], indirect=True)
@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_an_export_cut_at_any_file_is_finished_by_the_next(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, small: None, step: str, done: bool
):
    """Not written; or written and reported as failed. The log grows meanwhile."""
    stage.seal()
    stage.export(stage.home / "whole")
    stage.seal(341)
    cut: list[str] = []

    def cutting(real: Any) -> Any:
        def write(*paths: Any) -> None:
            path = next(p for p in paths[::-1] if isinstance(p, Path))
            name = path.relative_to(stage.folder).as_posix()
            if not cut and name.startswith(step):
                cut.append(name)
                if done:
                    real(*paths)
                raise Cut
            real(*paths)

        return write

    for name in ("write_whole", "_into_place"):
        monkeypatch.setattr(exporting, name, cutting(getattr(exporting, name)))
    with pytest.raises(Cut):
        stage.export()
    assert cut
    there = (stage.folder / "manifest.json").exists()
    assert there is (step in ("checkpoint",) or (step == "manifest.json" and done))
    disclosures = count(stage, "data.disclosed.v1")
    stage.export()
    again = count(stage, "data.disclosed.v1") - disclosures
    assert again == (step == ".plan.json" and not done)  # twice on record, never unrecorded
    assert files(stage.folder) == files(stage.home / "whole")
    stage.accepted()


def count(stage: Stage, kind: str) -> int:
    return sum(row.kind == kind for row in stage.stored())


def test_an_export_cut_within_a_file_goes_on_with_its_own_checkpoint(stage: Stage, small: None):
    stage.seal()

    def cut(rows: int, _total: int, _what: str) -> None:
        if rows == 192:
            raise Cut

    with pytest.raises(Cut):
        stage.export(progress=cut)
    left = {name for name in files(stage.folder) if name.startswith("events/")}
    assert left == {layout.path_of(1, 128, 1), layout.path_of(129, 256, 1) + ".tmp"}
    stage.orders(50, "later")
    stage.seal()
    heard: list[int] = []
    done = stage.export(progress=lambda rows, _total, _what: heard.append(rows))
    assert (done.size, heard[0]) == (341, 128)  # the first file was there
    stage.accepted()
    assert not list(stage.folder.rglob("*.tmp"))
    assert stage.export().size > 341
    stage.accepted()


def test_a_plan_that_was_carried_out_is_not_carried_out_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    """Cut between the manifest and the end: the next export is of the newest size."""
    stage.seal(250)

    def cut(path: Path, content: bytes) -> None:
        if path.name == "checkpoint":
            raise Cut
        write_whole(path, content)

    with monkeypatch.context() as patch, pytest.raises(Cut):
        patch.setattr(exporting, "write_whole", cut)
        stage.export()
    assert (stage.folder / ".plan.json").exists()
    assert failed(stage.verify()) == {1, 14}
    stage.seal(341)
    done = stage.export()
    assert (done.size, done.rows, done.files) == (341, 91, 2)
    stage.accepted()


def test_a_folder_cut_off_under_one_name_is_not_finished_under_another(stage: Stage):
    """Whoever receives it is on record."""
    stage.seal()

    def cut(_done: int, _total: int, _what: str) -> None:
        raise Cut

    with pytest.raises(Cut):
        stage.export(progress=cut)
    stage.export(recipient="university")
    assert count(stage, "data.disclosed.v1") == 2
    assert count(stage, "recipient.declared.v1") == 2


# --- what was not sealed is not passed on ---------------------------------------------------------


@pytest.mark.parametrize("what", ["entry", "leaf", "gone", "tail"])
def test_a_database_that_was_altered_is_not_exported(stage: Stage, what: str):
    stage.seal(250)
    stage.export()
    before = files(stage.folder)
    stage.seal()
    e = tables.events
    with unfenced(stage.ledger, stage.url) as connection:
        at = e.c.position == 300
        if what == "entry":
            connection.execute(sa.update(e).where(at).values(entry=b'{"at":"forged"}'))
        elif what == "leaf":
            forged = b'{"at":"forged"}'
            leaf = sha256(b"\0" + forged).digest()
            connection.execute(sa.update(e).where(at).values(entry=forged, leaf=leaf))
        else:
            end = e.c.position > 320 if what == "tail" else at
            connection.execute(sa.delete(e).where(end))
    with pytest.raises(Tampered):
        stage.export()
    kept = {k: v for k, v in files(stage.folder).items() if not k.startswith((".plan", "events/"))}
    assert kept == {k: v for k, v in before.items() if not k.startswith("events/")}


def test_a_row_that_was_exported_before_is_compared_again_when_it_is_rewritten(stage: Stage):
    """Entry, columns and leaf were changed together, in the part that the folder holds already."""
    stage.seal(250)
    stage.export()
    stage.seal()
    e, forged = tables.events, b'{"at":"forged"}'
    with unfenced(stage.ledger, stage.url) as connection:
        values = {"entry": forged, "leaf": sha256(b"\0" + forged).digest()}
        connection.execute(sa.update(e).where(e.c.position == 100).values(values))
    assert stage.export().rows == 94  # it is not touched
    with pytest.raises(Tampered, match="position 1 "):
        stage.export(compact=True)


def test_another_history_does_not_continue_the_folder(stage: Stage):
    """The same origin and the same key, other events."""
    stage.seal()
    stage.export()
    before = files(stage.folder)
    twin = Stage(
        create("sqlite://", None, clock=stage.ledger.clock, origin=stage.ledger.keyring.origin),
        "sqlite://",
        stage.home / "twin",
    )
    twin.orders(400, "other")
    twin.seal()
    with pytest.raises(Tampered, match="continue"):
        twin.export(stage.folder)
    twin.ledger.close()
    assert files(stage.folder) == before


# --- pruned ---------------------------------------------------------------------------------------


def forget(stage: Stage, subject: UUID) -> list[int]:
    """Erase a person's contact and prune what is left of it: the positions that are bare now."""
    journal = stage.home / "journal"
    erase_scopes(stage.ledger, [Scope(subject, "contact", "")], journal=journal, reason="request")
    before = {row.position for row in stage.stored() if row.entry is None}
    prune(stage.ledger, journal)
    return sorted({row.position for row in stage.stored() if row.entry is None} - before)


def test_a_prune_makes_the_next_generation(stage: Stage, small: None):
    """Only the file it touches is written again; the older one is gone, and with it the entry."""
    at, anna = told(stage.ledger, "anna", "mine")
    stage.seal()
    stage.export()
    entry = next(row["entry"] for row in stage.rows() if row["position"] == at)
    old = {one.path: one for one in stage.manifest.files}
    (stage.folder / ASIDE).mkdir()
    laid_out = stage.folder / aside_path(one.sha256 for one in stage.manifest.files)
    laid_out.write_bytes(entry)
    bare = forget(stage, anna)
    assert at in bare
    with pytest.raises(Broken, match="seal"):  # no checkpoint knows of the prune yet
        stage.export()
    assert count(stage, "data.disclosed.v1") == 1
    assert not (stage.folder / ".plan.json").exists()
    stage.accepted()
    stage.seal()
    done = stage.export()
    assert (done.generation, stage.manifest.generation) == (2, 2)
    new = {one.path: one for one in stage.manifest.files}
    assert {one.generation for one in new.values()} == {1, 2}
    touched = [one for one in old.values() if any(one.first <= p <= one.last for p in bare)]
    assert [path for path in old if path not in new] == [one.path for one in touched]
    assert sum(one.pruned for one in new.values()) == len(bare)
    rows = {row["position"]: row for row in stage.rows()}
    for position in bare:
        kept = {name for name, value in rows[position].items() if value is not None}
        assert kept == {"position", "leaf"}
    left = stage.folder / "events"
    assert {f"events/{path.name}" for path in left.iterdir()} == set(new)
    assert all(row["entry"] != entry for row in rows.values())
    report = stage.accepted()
    assert report.rests[8] == ("rests_pruned", {"n": len(bare)})
    assert list((stage.folder / ASIDE).iterdir()) == []
    again = stage.folder / aside_path(one.sha256 for one in stage.manifest.files)
    again.write_bytes(b"laid out")
    assert stage.export().written == 0
    assert again.exists()


def test_a_prune_during_an_export_is_not_half_in_it(stage: Stage, small: None):
    """Some files were read before it and some after: none of them is published."""
    _, anna = told(stage.ledger, "anna", "mine")
    stage.orders(100, "after")
    stage.seal()
    size = stage.ledger.recorder.head().position
    done: list[int] = []

    def meanwhile(rows: int, _total: int, _what: str) -> None:
        if rows == 128 and not done:
            done.extend(forget(stage, anna))

    with pytest.raises(Broken, match="seal"):
        stage.export(progress=meanwhile)
    assert done
    assert not (stage.folder / "manifest.json").exists()
    with pytest.raises(Broken, match="seal"):
        stage.export()
    stage.seal()
    again = stage.export()
    assert again.size > size
    assert sum(one.pruned for one in stage.manifest.files) == len(done)
    stage.accepted()


def test_a_prune_that_is_sealed_with_what_is_new_needs_no_generation(stage: Stage):
    """Pruned before the folder ever held it: there is nothing to replace."""
    stage.seal(300)
    stage.export()
    _, anna = told(stage.ledger, "anna", "mine")
    bare = forget(stage, anna)
    stage.seal()
    done = stage.export()
    assert (done.generation, done.written, done.removed) == (1, 1, 0)
    assert sum(one.pruned for one in stage.manifest.files) == len(bare)
    assert pruning.named(stage.ledger.database) == bare
    stage.accepted()


def test_an_older_generation_under_a_newer_checkpoint_is_found(stage: Stage, small: None):
    """Somebody keeps the file with the pruned entry and gives it the newer name."""
    at, anna = told(stage.ledger, "anna", "mine")
    stage.seal()
    stage.export()
    old = {
        (one.first, one.last): (stage.folder / one.path).read_bytes()
        for one in stage.manifest.files
    }
    forget(stage, anna)
    stage.seal()
    stage.export()
    name = next(
        one for one in stage.manifest.files if one.generation == 2 and one.first <= at <= one.last
    )
    (stage.folder / name.path).write_bytes(old[(name.first, name.last)])
    assert failed(stage.verify()) == {8, 14}


def test_an_engine_gets_the_policies_without_the_database(stage: Stage):
    stage.seal()
    stage.export()
    opened = open_segments(stage.folder)
    assert opened.book == stage.ledger.book(stage.ledger.epoch())
    assert opened.size == 341
    assert [Path(path).exists() for path in opened.paths] == [True]
    with pytest.raises(ProbantError):
        open_segments(stage.home / "nowhere")
