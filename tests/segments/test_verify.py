"""A change, a cut, a swap: each is told, by the check that it breaks, and by no word of the forger.

The forger is able: after each change he writes the manifest again, hashes and all. Only the signed
checkpoint is beyond him.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pytest

from ledger.entry import read, write
from ledger.errors import BadData
from ledger.opening import create
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.note import SigningKey, sign
from ledger.sealing.receipt import text_of
from ledger.segmenting import plan as planning
from replay.segments.layout import MANIFEST, SCHEMA, EditionFile, Manifest
from replay.segments.reading import open_segments
from replay.segments.verify import WORDS, verify_segments
from replay.verify import Trust
from tests.clock import StepClock
from tests.segments.stage import Rows, Stage, failed, files, written


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Three segments of at most 128 rows, of a log of 341."""
    ledger = create("sqlite://", None, clock=StepClock(), origin="example.org/segments")
    made = Stage(ledger, "sqlite://", tmp_path_factory.mktemp("original"))
    made.orders(300, "first")
    made.seal(200)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(planning, "FILE_ROWS", 128)
        made.seal()
        made.export()
    ledger.close()
    return made


@pytest.fixture
def stage(original: Stage, tmp_path: Path) -> Stage:
    """A copy, to be altered."""
    shutil.copytree(original.folder, tmp_path / "segments")
    shutil.copytree(original.log, tmp_path / "log")
    return Stage(original.ledger, original.url, tmp_path)


def describe(stage: Stage, **changes: Any) -> None:
    """The manifest of the files as they are now, as a forger writes it."""
    found = []
    for one in changes.pop("files", stage.manifest.files):
        content = (stage.folder / one.path).read_bytes()
        digest = sha256(content).hexdigest()
        found.append(msgspec.structs.replace(one, sha256=digest, bytes=len(content)))
    made = msgspec.structs.replace(stage.manifest, files=tuple(found), **changes)
    (stage.folder / MANIFEST).write_bytes(made.to_bytes())


def forge(stage: Stage, change: Callable[[Rows], Any], file: int = 1) -> None:
    """Write one segment again, changed, and the manifest."""
    rows = stage.rows()
    one = stage.manifest.files[file]
    own = [row for row in rows if one.first <= row["position"] <= one.last]
    change(own)
    written(stage.folder / one.path, own)
    describe(stage)


def test_nothing_changed_is_accepted(stage: Stage):
    """The forger's own way of writing, with no change, too: so what is told below is the change."""
    stage.accepted()
    for file in range(3):
        forge(stage, lambda rows: None, file)
    stage.accepted()


def column(name: str, value: Any) -> Callable[[Rows], None]:
    return lambda rows: rows[7].__setitem__(name, value)


@pytest.mark.parametrize("name", [n for n in SCHEMA.names if n not in ("entry", "leaf")])
def test_a_changed_column_is_told_by_name(stage: Stage, name: str):
    kind = SCHEMA.field(name).type
    other: Any = "else"
    if pa.types.is_integer(kind):
        other = 20_010_101
    elif pa.types.is_fixed_size_binary(kind):
        other = bytes(16)
    forge(stage, column(name, other))
    report = stage.verify()
    assert failed(report) == {11}
    (finding,) = report.found.kept
    assert finding[2] == {"position": 136, "names": name}


def as_somebody_else(rows: Rows) -> None:
    """One amount in the entry, the column and the leaf: nothing in the row contradicts it."""
    row = rows[7]
    said = read(row["entry"])
    said["meta"]["amount"]["minor"] += 1
    row["entry"], row["amount_minor"] = write(said), row["amount_minor"] + 1
    row["leaf"] = sha256(b"\0" + row["entry"]).digest()


def without_leaf(rows: Rows) -> None:
    """The same, but the leaf stays."""
    leaf = rows[7]["leaf"]
    as_somebody_else(rows)
    rows[7]["leaf"] = leaf


def bared(rows: Rows) -> None:
    """An event that somebody would rather not show, as if it had been pruned."""
    rows[7] |= {name: None for name in rows[7] if name not in ("position", "leaf")}


def half_bared(rows: Rows) -> None:
    """The entry alone."""
    rows[7]["entry"] = None


def swapped(rows: Rows) -> None:
    """Two rows in each other's place."""
    rows[7], rows[8] = (
        rows[8] | {"position": rows[7]["position"]},
        rows[7] | {"position": rows[8]["position"]},
    )


def of_no_one(rows: Rows) -> None:
    """An id that is none."""
    row = rows[7]
    row["entry"] = row["entry"].replace(said_of(row), b"z" * 36)
    row["leaf"] = sha256(b"\0" + row["entry"]).digest()


def said_of(row: dict[str, Any]) -> bytes:
    """Her id as an entry writes it."""
    subject: str = read(row["entry"])["meta"]["subject"]
    return subject.encode()


def spaced(rows: Rows) -> None:
    """Other bytes of the same JSON, with their leaf."""
    row = rows[7]
    row["entry"] = row["entry"].replace(b'":', b'": ', 1)
    row["leaf"] = sha256(b"\0" + row["entry"]).digest()


@pytest.mark.parametrize(
    ("change", "checks"),
    [
        (as_somebody_else, {4}),
        (without_leaf, {5}),
        (bared, {8}),
        (half_bared, {8, 11}),
        (swapped, {4, 7}),
        (spaced, {4, 5}),
        (of_no_one, {4, 5}),
        (lambda rows: rows[7].__setitem__("leaf", bytes(32)), {4, 5}),
    ],
)
def test_a_changed_row_is_told(stage: Stage, change: Callable[[Rows], None], checks: set[int]):
    forge(stage, change)
    assert failed(stage.verify()) == checks


def test_a_cut_end_is_told(stage: Stage):
    """The last rows, the last file; and the manifest says so."""
    *kept, last = stage.manifest.files
    rows = [row for row in stage.rows() if last.first <= row["position"] < last.last]
    shorter = msgspec.structs.replace(
        last, path=last.path.replace("341", "340"), last=last.last - 1, rows=last.rows - 1
    )
    written(stage.folder / shorter.path, rows)
    (stage.folder / last.path).unlink()
    describe(stage, files=(*kept, shorter), size=340)
    assert failed(stage.verify()) == {4, 14}
    (stage.folder / shorter.path).unlink()
    describe(stage, files=tuple(kept), size=256)
    assert failed(stage.verify()) == {4, 14}


def test_an_older_folder_under_its_own_checkpoint_is_not_the_newer(stage: Stage):
    """Whoever kept the newer head is not shown the older one as all there is."""
    older = (stage.log / "checkpoints/200").read_text()
    newer = stage.home / "kept"
    newer.write_bytes((stage.log / "checkpoint").read_bytes())
    rows = stage.rows()
    first, second, last = stage.manifest.files
    path = second.path.replace("256", "200")
    shorter = msgspec.structs.replace(second, path=path, last=200, rows=72)
    written(stage.folder / shorter.path, [row for row in rows if 129 <= row["position"] <= 200])
    for one in (second, last):
        (stage.folder / one.path).unlink()
    (stage.folder / "checkpoint").write_text(older)
    describe(stage, files=(first, shorter), size=200, checkpoint=older)
    assert stage.verify().ok  # it was true once
    trust = stage.trust._replace(checkpoints=(newer,))
    assert failed(stage.verify(trust=trust)) == {6}


def test_a_kept_checkpoint_is_a_beginning_or_it_is_told(stage: Stage):
    kept, origin = stage.home / "kept", stage.trust.origin
    key = SigningKey(origin, sha256(b"the log").digest())
    for size in (0, 1, 128, 200, 256, 300, 341):
        if size == 200:
            kept.write_bytes((stage.log / "checkpoints/200").read_bytes())
            report = stage.verify(trust=stage.trust._replace(checkpoints=(kept,)))
            assert report.ok, "\n".join(report.lines())
            assert 6 in report.rests
        kept.write_bytes(sign(format_checkpoint(Checkpoint(origin, size, bytes(32))), key))
        assert failed(stage.verify(trust=stage.trust._replace(checkpoints=(kept,)))) == {6}


def test_swapped_files_are_told(stage: Stage):
    one, two, _ = (stage.folder / one.path for one in stage.manifest.files)
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    assert 14 in failed(stage.verify())
    describe(stage)
    assert {4, 11} <= failed(stage.verify())


def test_what_is_missing_damaged_or_too_much_is_told(stage: Stage):
    _, two, three = (stage.folder / one.path for one in stage.manifest.files)
    content = two.read_bytes()
    two.unlink()
    assert failed(stage.verify()) == {4, 5, 14}
    two.write_bytes(content[:-9])
    assert failed(stage.verify()) == {4, 5, 14}
    at = len(content) // 3
    two.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
    assert 14 in failed(stage.verify())
    two.write_bytes(content)
    stage.accepted()
    (stage.folder / "events/extra.parquet").write_bytes(b"")
    assert failed(stage.verify()) == {14}
    (stage.folder / "events/extra.parquet").unlink()
    other = SCHEMA.set(1, pa.field("stream", pa.binary()))
    rows = [row for row in stage.rows() if row["position"] >= 257]
    written(three, rows, other)
    describe(stage)
    assert {4, 5} <= failed(stage.verify())


@pytest.mark.parametrize("where", [0, 129, 255])
def test_a_kept_checkpoint_of_a_damaged_file_is_a_finding_not_a_crash(stage: Stage, where: int):
    kept = stage.home / "kept"
    kept.write_bytes((stage.log / "checkpoints/200").read_bytes())
    path = stage.folder / stage.manifest.files[1].path
    path.write_bytes(path.read_bytes()[: where * 40])
    report = stage.verify(trust=stage.trust._replace(checkpoints=(kept,)))
    assert {4, 6, 14} <= failed(report)


def test_the_policy_of_an_entry_is_there_unaltered(stage: Stage):
    (one,) = stage.manifest.editions
    path = stage.folder / "policies" / one.sha256
    content = path.read_bytes()
    path.write_bytes(content.replace(b"36", b"37", 1))
    assert failed(stage.verify()) == {10}
    with pytest.raises(BadData, match="policy"):
        open_segments(stage.folder)
    path.unlink()
    assert failed(stage.verify()) == {10}


def test_nobody_else_signs(stage: Stage):
    """A stranger's key under the same text; no key at all; another checkpoint beside."""
    text = stage.manifest.checkpoint.partition("\n\n")[0] + "\n"
    stranger = SigningKey(stage.trust.origin, bytes(32))
    note = sign(text, stranger)
    (stage.folder / "checkpoint").write_bytes(note)
    assert failed(stage.verify()) == {1, 14}
    describe(stage, checkpoint=note.decode())
    report = stage.verify()
    assert failed(report) == {1}
    assert not report.ok
    (stage.folder / "checkpoint").unlink()
    assert 1 in failed(stage.verify())


@pytest.mark.parametrize("position", [2, 130, 341])
def test_what_a_receipt_promised_is_looked_up(stage: Stage, position: int):
    """In the first segment, within one, and at the end; and another leaf is another event."""
    row, name = stage.rows()[position - 1], f"{stage.trust.origin}/receipt"
    key, receipt = SigningKey(name, sha256(b"the log").digest()), stage.home / "a.receipt"
    for leaf, wrong in ((row["leaf"], set()), (bytes(32), {12})):
        digest = sha256(row["entry"]).digest()
        text = text_of(stage.trust.origin, position, digest, leaf, row["recorded_at"])
        receipt.write_bytes(sign(text, key))
        report = verify_segments(stage.folder, stage.trust, receipts=[receipt])
        assert failed(report) == wrong
        assert 12 in report.rests


def test_what_a_certificate_cites_is_looked_up(stage: Stage):
    """One that lies beside the segments and cites an order as if it were an erasure."""
    name = f"{stage.trust.origin}/certificate"
    cited = {"position": 150, "event": "x", "class": "order"}
    said = {"format": "probant-certificate/1", "subject": "y", "erased": [cited]}
    key = SigningKey(name, sha256(b"the log").digest())
    (stage.folder / "certificates").mkdir()
    beside = stage.folder / "certificates/a.certificate"
    beside.write_bytes(sign(f"{name}\n{json.dumps(said)}\n", key))
    assert failed(stage.verify()) == {13}


def test_a_quorum_of_witnesses_is_asked_for(stage: Stage):
    report = stage.verify(trust=stage.trust._replace(quorum=1))
    assert failed(report) == {2}


MANIFESTS: tuple[Callable[[Manifest], Manifest | bytes], ...] = (
    lambda m: b"",
    lambda m: b"[]",
    lambda m: b"\xff",
    lambda m: m.to_bytes()[:-20],
    lambda m: msgspec.structs.replace(m, format="probant-segments/2"),
    lambda m: msgspec.structs.replace(m, size=m.size + 1),
    lambda m: msgspec.structs.replace(m, files=m.files[1:]),
    lambda m: msgspec.structs.replace(m, files=(m.files[0], *m.files)),
    lambda m: msgspec.structs.replace(m, files=m.files[::-1]),
    lambda m: msgspec.structs.replace(
        m, files=(msgspec.structs.replace(m.files[0], path="../../keyring.json"), *m.files[1:])
    ),
    lambda m: msgspec.structs.replace(
        m, files=(msgspec.structs.replace(m.files[0], generation=2), *m.files[1:])
    ),
    lambda m: msgspec.structs.replace(
        m, files=(msgspec.structs.replace(m.files[0], rows=0), *m.files[1:])
    ),
    lambda m: msgspec.structs.replace(
        m, editions=(EditionFile(id="x", number=1, position=1, sha256="../../keyring.json"),)
    ),
)


@pytest.mark.parametrize("number", range(len(MANIFESTS)))
def test_a_manifest_that_makes_no_sense_is_refused(stage: Stage, number: int):
    """Nothing outside of the folder is ever opened on its word."""
    made = MANIFESTS[number](stage.manifest)
    raw = made if isinstance(made, bytes) else made.to_bytes()
    (stage.folder / MANIFEST).write_bytes(raw)
    with pytest.raises(BadData):
        Manifest.parse(raw)
    with pytest.raises(BadData):
        open_segments(stage.folder)
    assert {4, 14} <= failed(stage.verify())


def test_a_newer_writer_may_add_a_key_to_the_manifest(stage: Stage):
    """What is stable: keys are added, never taken away."""
    raw = (stage.folder / MANIFEST).read_text()
    (stage.folder / MANIFEST).write_text(
        raw.replace('{\n "format"', '{\n "later": [1],\n "format"')
    )
    assert "later" in (stage.folder / MANIFEST).read_text()
    stage.accepted()
    assert open_segments(stage.folder).size == 341


def test_opening_finds_a_file_of_another_size_or_shape(stage: Stage):
    open_segments(stage.folder)
    one = stage.folder / stage.manifest.files[0].path
    content = one.read_bytes()
    one.write_bytes(content + b"x")
    with pytest.raises(BadData):
        open_segments(stage.folder)
    one.unlink()
    with pytest.raises(BadData):
        open_segments(stage.folder)
    written(one, stage_rows := [dict.fromkeys(SCHEMA.names)][:0])
    assert stage_rows == []
    describe(stage)
    with pytest.raises(BadData):
        open_segments(stage.folder)


def test_verifying_changes_nothing(stage: Stage):
    before = files(stage.folder)
    stage.verify()
    assert files(stage.folder) == before


def test_the_report_speaks_two_languages(stage: Stage):
    forge(stage, bared)
    said = [
        "\n".join(verify_segments(stage.folder, Trust(*stage.trust), lang).lines())
        for lang in ("en", "fr")
    ]
    assert "NOT VERIFIED" in said[0] and "NON VÉRIFIÉ" in said[1]
    assert all(english != french for english, french in WORDS.values())
