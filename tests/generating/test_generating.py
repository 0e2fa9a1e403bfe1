"""A generated row is what the real mapping makes of its entry; the real rules accept every copy."""

from __future__ import annotations

import json
from collections import defaultdict
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from api.answers import Times
from api.demo import cast
from api.demo.playing import play, policies
from api.replaying import Source, segment_history, segments_answer
from ledger import entry
from ledger.aggregates import AGGREGATES, standing
from ledger.calendar import day_of
from ledger.errors import BadData, Misuse
from ledger.events import CORRECTION, KINDS, OWN, VOID, Row
from ledger.policy.loader import load_edition
from ledger.store.mapper import fact_from, row_from
from ledger.streams import consent_stream
from replay.generating.pattern import Pattern, pattern_of
from replay.generating.writing import write
from replay.inspect.run import ask
from replay.segments.layout import SCHEMA, whole
from replay.segments.reading import open_segments
from tests.generating.conftest import SEED


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """Everything in a folder, in order."""
    tables = [pq.read_table(path) for path in open_segments(folder).paths]
    found: list[dict[str, Any]] = pa.concat_tables(tables).to_pylist()
    return found


def as_row(said: dict[str, Any]) -> Row:
    """The typed columns of a generated event."""
    subject = None if said["subject_hi"] is None else whole(said["subject_hi"], said["subject_lo"])
    values = {name: said[name] for name in Row._fields if name in said}
    return Row(
        **values
        | {"stream": UUID(bytes=said["stream"]), "subject": subject, "klass": said["class"]}
    )


def test_each_row_is_what_the_real_mapping_makes_of_its_entry(folder: Path) -> None:
    """Every column of every event, its leaf, and the canonical form of its entry."""
    numbers = {
        entry.to_base64(sha256(document).digest()): load_edition(document, "").number
        for document in policies()
    }
    found = rows_of(folder)
    for said in found:
        if said["kind"] is None:
            assert {name for name, value in said.items() if value is not None} == {
                "position",
                "leaf",
            }
            continue
        assert as_row(said) == row_from(said["entry"], said["position"], numbers.__getitem__)
        assert said["leaf"] == entry.leaf_hash(said["entry"])
    assert [said["position"] for said in found] == list(range(1, len(found) + 1))


def test_streams_have_every_version_and_time_goes_forward(folder: Path) -> None:
    """As the database would insist."""
    rows = [as_row(said) for said in rows_of(folder) if said["kind"] is not None]
    pruned = {said["position"] for said in rows_of(folder) if said["kind"] is None}
    assert pruned, "nothing was pruned"
    versions = defaultdict(list)
    for row in rows:
        versions[row.stream].append(row.version)
    for found in versions.values():
        assert found == list(range(found[0], found[0] + len(found)))
    recorded = [row.recorded_at for row in rows]
    assert all(a < b for a, b in pairwise(recorded))
    for row in rows:
        assert row.occurred_at <= row.recorded_at
        assert row.local_day == day_of(row.occurred_at)


def test_the_real_rules_accept_every_copy(folder: Path) -> None:
    """Each fact is decided again on what its stream said before; what refers to another fact
    refers to one of the same stream; a stream of choices is the one that her id gives."""
    found = [said for said in rows_of(folder) if said["kind"] is not None]
    histories: dict[bytes, list[tuple[int, Any]]] = defaultdict(list)
    streams = {said["position"]: said["stream"] for said in found}
    whole_streams = {said["stream"] for said in found if said["version"] == 1}
    decided = 0
    for said in found:
        fact = fact_from(entry.read(said["entry"]))
        history = histories[said["stream"]]
        if said["kind"] in (CORRECTION, VOID):
            assert streams[said["ref_position"]] == said["stream"]
        elif fact.kind not in OWN and said["stream"] in whole_streams:
            aggregate = AGGREGATES[fact.aggregate]
            state = aggregate.initial()
            for _, before in standing(history):
                state = aggregate.evolve(state, before)
            assert aggregate.decide(state, fact) is None, fact.kind
            decided += 1
        if fact.aggregate == "consent" and fact.subject:
            assert said["stream"] == consent_stream(fact.subject).bytes
        history.append((said["position"], fact))
    assert decided > len(found) * 0.6


def test_copies_share_nobody(folder: Path, pattern: Pattern) -> None:
    """Three copies have three times the people and streams; the company is said once."""
    rows = [as_row(said) for said in rows_of(folder) if said["kind"] is not None]
    assert len({row.subject for row in rows if row.subject}) == 3 * pattern.people
    once = [row for row in rows if KINDS[row.kind].aggregate == "policy_book"]
    published = [event.row for event in pattern.events if event.row]
    assert len(once) == sum(KINDS[row.kind].aggregate == "policy_book" for row in published)
    items = {row.item for row in rows if row.kind == "order.invoiced.v1"}
    assert len(items) == sum(row.kind == "order.invoiced.v1" for row in rows)


def test_the_mix_has_late_and_corrected_facts_and_endings(pattern: Pattern) -> None:
    """What a benchmark must not be spared."""
    rows = [event.row for event in pattern.events if event.row]
    kinds = {row.kind for row in rows}
    assert len(kinds) > 80
    assert {
        CORRECTION,
        VOID,
        "customer.class_erased.v1",
        "customer.class_archived.v1",
        "policy.notified.v1",
        "contract.renewed.v1",
        "card.kept.v1",
        "ledger.pruned.v1",
        "request.fulfilled.v1",
        "consent.withdrawn.v1",
    } <= kinds
    assert any(row.actor == "import" for row in rows)
    assert {row.edition for row in rows} == {20181120, 20220301}
    late = [
        row
        for row in rows
        if row.actor != "import"
        and row.grain == "instant"
        and row.recorded_at - row.occurred_at > 86_400_000_000
    ]
    assert late
    days = [row.local_day for row in rows]
    assert min(days) < 20170101 and max(days) > 20250101


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path, pattern: Pattern) -> None:
    """Played twice and written twice: every file alike. Another seed: none."""
    (tmp_path / "aside").mkdir()
    again = pattern_of(play(tmp_path / "aside", cast.FEWEST, SEED, lambda *_: None), SEED)
    for name, found, seed in (("a", pattern, SEED), ("b", again, SEED), ("c", pattern, 7)):
        write(tmp_path / name, found, policies(), events=5000, copies=9, seed=seed, entries=True)

    def digests(name: str) -> dict[str, str]:
        files = (path for path in sorted((tmp_path / name).rglob("*")) if path.is_file())
        return {
            str(p.relative_to(tmp_path / name)): sha256(p.read_bytes()).hexdigest() for p in files
        }

    assert digests("a") == digests("b")
    events = [name for name in digests("a") if name.startswith("events/")]
    assert events and all(digests("a")[name] != digests("c")[name] for name in events)


def test_a_part_is_the_beginning_of_the_whole(tmp_path: Path, pattern: Pattern) -> None:
    """`events` cuts; without entries the columns are the same, and no row looks pruned."""
    write(tmp_path / "part", pattern, policies(), events=1234, copies=3, seed=SEED)
    write(tmp_path / "all", pattern, policies(), events=None, copies=3, seed=SEED, entries=True)
    part, full = rows_of(tmp_path / "part"), rows_of(tmp_path / "all")
    assert len(part) == 1234
    alike = [name for name in SCHEMA.names if name not in ("entry", "leaf")]
    for a, b in zip(part, full, strict=False):
        assert [a[name] for name in alike] == [b[name] for name in alike]
        assert a["entry"] is None and len(a["leaf"]) == 32


def test_the_manifest_says_that_it_is_made_up(folder: Path) -> None:
    """And names its editions where they were published, without a checkpoint."""
    said = json.loads((folder / "manifest.json").read_bytes())
    assert said["made_up"]["entries"] is True and said["made_up"]["copies"] == 3
    assert said["checkpoint"] == ""
    opened = open_segments(folder)
    rows = {s["position"]: s for s in rows_of(folder)}
    assert [one.number for one in opened.manifest.editions] == [20181120, 20220301]
    for one in opened.manifest.editions:
        assert rows[one.position]["kind"] == "policy.published.v1"
        assert rows[one.position]["until_day"] == one.number
    assert sum(one.pruned for one in opened.manifest.files) == sum(
        row["kind"] is None for row in rows.values()
    )


def test_a_folder_that_holds_something_is_left_alone(tmp_path: Path, pattern: Pattern) -> None:
    """Nobody's files are overwritten."""
    (tmp_path / "mine").write_text("mine")
    with pytest.raises(Misuse, match="empty"):
        write(tmp_path, pattern, policies(), events=10, copies=1, seed=SEED)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_needs_entries_says_that_there_are_none(tmp_path: Path, pattern: Pattern) -> None:
    """A folder made for counting holds columns only: questions about acts are refused in a
    sentence, and everybody is counted all the same."""
    write(tmp_path / "made", pattern, policies(), events=None, copies=1, seed=SEED)
    source = Source(str(tmp_path / "made"))
    counted, _ = segments_answer(source, Times())
    assert counted["people"] > 0
    with (
        segment_history(source, Times()) as history,
        pytest.raises(BadData, match="these segments hold no entries"),
    ):
        ask(history, ["Q7"])
