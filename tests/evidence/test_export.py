"""An evidence bundle holds what was sealed, whole, and goes on where it was cut off."""

from __future__ import annotations

import json
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.entry import commitment, from_base64, read, to_base64
from ledger.errors import Misuse, Tampered
from ledger.events import ContactedUs, LoggedIn, OrderPlaced
from ledger.evidence import export as exporting
from ledger.evidence.disclosing import PURPOSE, record_disclosure
from ledger.evidence.export import Wanted, export
from ledger.fields import Money
from ledger.handlers import record_many
from ledger.opening import create
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.note import SigningKey, VerifyKey, sign
from ledger.seal.proof import open_inclusion
from ledger.seal.tiles import Edge, entry_bundles
from ledger.store import tables
from replay import verify
from tests.clock import StepClock
from tests.go.building import GoVerifier

TEXT = "Ma commande n'est pas arrivée, signé Élise Durand"


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock) -> Any:
    made = create(ledger_url, None, clock=clock, origin="example.org/evidence")
    now = moment_of_instant(clock.now())
    facts = [
        ContactedUs(occurred=now, channel="form", text=TEXT, email="elise@example.org"),
        *(OrderPlaced(occurred=now, amount=Money(100 + n, "EUR")) for n in range(300)),
        LoggedIn(occurred=now, ip="192.0.2.7"),
    ]
    people = ("E-1", *(f"C-{n % 40}" for n in range(300)), "E-1")
    wishes = [Record(f, person=Reference("shop", p)) for f, p in zip(facts, people, strict=True)]
    record_many(made, wishes)
    yield made
    made.close()


def sealed(ledger: Ledger, log: Path, size: int | None = None) -> SigningKey:
    """The log of this ledger written by the seal room alone, signed by a fixed key."""
    key = SigningKey(ledger.keyring.origin, sha256(b"the log").digest())
    e = tables.events.c
    with ledger.database.read() as connection:
        query = sa.select(e.entry, e.leaf).order_by(e.position)
        rows = connection.execute(query).all()[:size]
    edge, full = Edge.empty().extend(bytes(row.leaf) for row in rows)
    files = [*full, *edge.partial_tiles(), *entry_bundles(0, (bytes(r.entry or b"") for r in rows))]
    for path, content in files:
        (log / path).parent.mkdir(parents=True, exist_ok=True)
        (log / path).write_bytes(content)
    text = format_checkpoint(Checkpoint(key.name, len(rows), edge.frontier.root()))
    note = sign(text, key)
    for name in ("checkpoint", f"checkpoints/{len(rows)}", "keys/history.txt"):
        (log / name).parent.mkdir(parents=True, exist_ok=True)
        (log / name).write_bytes(f"{key.vkey} 1 -\n".encode() if "keys" in name else note)
    return key


def files(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_whole_bundle_is_accepted_by_a_verifier_that_is_not_ours(
    ledger: Ledger, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    log, bundle = tmp_path / "log", tmp_path / "bundle"
    sealed(ledger, log, 200)
    key = sealed(ledger, log)
    made = export(ledger, log, bundle, Wanted("whole"))
    verdict = go_verifier.verify(bundle, key.vkey)
    assert verdict.accepted, verdict.said
    found = files(bundle)
    manifest = json.loads(found.pop("manifest.json"))
    assert manifest["files"] == {n: sha256(c).hexdigest() for n, c in found.items()}
    assert (manifest["kind"], manifest["size"]) == ("whole", ledger.recorder.head().position)
    assert made.files == len(found)
    assert len(found["columns.ndjson"].splitlines()) == manifest["size"]
    assert any(name.startswith("envelopes/") for name in found)
    assert {n for n in found if n.startswith("consistency/")} == {
        f"consistency/200-{manifest['size']}.txt"
    }
    pols = {from_base64(read(bytes(raw))["pol"]).hex() for raw in _entries(ledger)}
    assert {f"policies/{pol}" for pol in pols} <= set(found)
    accepted(bundle, key, tmp_path)
    assert not any(b"Durand" in c or b"elise@" in c for c in found.values())


WANTED = (Wanted("whole"), Wanted("range", 100, 280), Wanted("redacted"), Wanted("subject"))


@pytest.mark.parametrize("wanted", WANTED, ids=lambda one: one.kind)
def test_every_kind_of_bundle_is_judged_by_a_verifier_that_is_not_ours(
    ledger: Ledger, tmp_path: Path, go_verifier: GoVerifier, wanted: Wanted
) -> None:
    """It accepts each, and rejects each in which one file of what it reads has another byte."""
    sealed(ledger, tmp_path / "log", 200)
    key, bundle = sealed(ledger, tmp_path / "log"), tmp_path / "bundle"
    if wanted.kind == "subject":
        wanted = Wanted("subject", subject=someone(ledger))
    export(ledger, tmp_path / "log", bundle, wanted)
    options = {"proofs": wanted.kind == "subject", "redacted": wanted.kind in ("range", "redacted")}
    verdict = go_verifier.verify(bundle, key.vkey, **options)
    assert verdict.accepted, verdict.said
    read = ("checkpoint", "tile", "proofs", "consistency")
    for name, content in files(bundle).items():
        if name.split("/")[0] in read and not name.endswith(".open.json"):
            at = len(content) // 2
            (bundle / name).write_bytes(content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :])
            verdict = go_verifier.verify(bundle, key.vkey, **options)
            (bundle / name).write_bytes(content)
            assert not verdict.accepted, name


def someone(ledger: Ledger) -> Any:
    """The person with a text and a login."""
    e = tables.events.c
    with ledger.database.read() as connection:
        query = sa.select(e.subject).where(e.kind == ContactedUs.kind)
        return connection.scalars(query).one()


def accepted(bundle: Path, key: SigningKey, folder: Path) -> verify.Report:
    """What our own one-file verifier says of it, with the key pinned: nothing failed."""
    trust = folder / "anchors.toml"
    trust.write_text(f'origin = "{key.name}"\nlog = ["{key.vkey}"]\n')
    report = verify.verify(bundle, verify.Trust.load(trust), "en")
    assert report.ok, "\n".join(report.lines())
    return report


def _entries(ledger: Ledger) -> list[bytes]:
    with ledger.database.read() as connection:
        return list(connection.scalars(sa.select(tables.events.c.entry)))


def test_an_export_goes_on_where_it_was_cut_off(ledger: Ledger, tmp_path: Path) -> None:
    """And speaks of the checkpoint it began with, although the log has grown meanwhile."""
    log = tmp_path / "log"
    sealed(ledger, log, 250)
    export(ledger, log, tmp_path / "whole", Wanted("whole"))

    class Cut(Exception):
        pass

    for stage in ("tile", "envelope", "column", "manifest"):
        bundle = tmp_path / stage

        def cut(done: int, _total: int, what: str, at: str = stage) -> None:
            if what == at:
                raise Cut

        with pytest.raises(Cut):
            export(ledger, log, bundle, Wanted("whole"), progress=cut)
        assert not (bundle / "manifest.json").exists()
        with pytest.raises(Misuse, match="something else"):
            export(ledger, log, bundle, Wanted("redacted"))
    sealed(ledger, log)
    for stage in ("tile", "envelope", "column", "manifest"):
        export(ledger, log, tmp_path / stage, Wanted("whole"))
        left = {k: v for k, v in files(tmp_path / stage).items() if not k.endswith(".tmp")}
        assert left == files(tmp_path / "whole"), stage


STEPS = (
    *(".plan.json", "tile/0/", "tile/entries/", "checkpoint", "consistency/", "envelopes/"),
    *("policies/", "keys/", "README.txt", "manifest.json"),
)


@pytest.mark.parametrize("done", [False, True])
@pytest.mark.parametrize("step", STEPS)
def test_an_export_cut_at_any_file_is_finished_by_the_next(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, done: bool
) -> None:
    """Not written; or written and reported as failed. No half bundle passes for one."""
    log, bundle = tmp_path / "log", tmp_path / "bundle"
    sealed(ledger, log, 250)
    key = sealed(ledger, log)
    export(ledger, log, tmp_path / "whole", Wanted("whole"))
    real, cut = exporting._write, list[Path]()

    class Cut(Exception):
        pass

    def write(path: Path, content: bytes) -> None:
        if not cut and path.relative_to(bundle).as_posix().startswith(step):
            cut.append(path)
            if done:
                real(path, content)
            raise Cut
        real(path, content)

    monkeypatch.setattr(exporting, "_write", write)
    with pytest.raises(Cut):
        export(ledger, log, bundle, Wanted("whole"))
    export(ledger, log, bundle, Wanted("whole"))
    assert files(bundle) == files(tmp_path / "whole")
    accepted(bundle, key, tmp_path)


@pytest.mark.parametrize("done", [False, True])
def test_a_zip_cut_off_is_finished_by_the_next(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, done: bool
) -> None:
    """Not written; or written and reported as failed. The file is whole, or not there."""
    log, bundle, file = tmp_path / "log", tmp_path / "bundle", tmp_path / "bundle.zip"
    sealed(ledger, log, 20)

    class Cut(Exception):
        pass

    def zipping(folder: Path, to: Path, real: Any = exporting._zip) -> None:
        if done:
            real(folder, to)
        raise Cut

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "_zip", zipping)
        with pytest.raises(Cut):
            export(ledger, log, bundle, Wanted("whole"), zipped=file)
    assert file.exists() is done
    export(ledger, log, bundle, Wanted("whole"), zipped=file)
    with zipfile.ZipFile(file) as made:
        assert {name: made.read(name) for name in made.namelist()} == files(bundle)
    assert ".plan.json" not in files(bundle)


def test_a_range_holds_the_entries_of_its_bundles_only(
    ledger: Ledger, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    log, bundle = tmp_path / "log", tmp_path / "bundle"
    key = sealed(ledger, log)
    export(ledger, log, bundle, Wanted("range", 300, 310))
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    assert (manifest["first"], manifest["last"]) == (257, manifest["size"])
    assert not (bundle / "tile/entries/000").exists()
    assert go_verifier.verify(bundle, key.vkey, redacted=True).accepted
    accepted(bundle, key, tmp_path)
    with pytest.raises(Misuse, match="range"):
        export(ledger, log, tmp_path / "other", Wanted("range", 1, 10**6))


def test_a_redacted_bundle_holds_no_entry(
    ledger: Ledger, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    log, bundle = tmp_path / "log", tmp_path / "bundle"
    key = sealed(ledger, log)
    export(ledger, log, bundle, Wanted("redacted"))
    assert not [n for n in files(bundle) if "entries" in n or "envelopes" in n or "columns" in n]
    assert go_verifier.verify(bundle, key.vkey, redacted=True).accepted
    accepted(bundle, key, tmp_path)


def test_one_person_s_bundle_proves_each_of_her_events_and_discloses_on_request(
    ledger: Ledger, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    key = sealed(ledger, log)
    with ledger.database.read() as connection:
        e = tables.events.c
        query = sa.select(e.subject, e.position).where(e.kind == "customer.contacted_us.v1")
        she, position = connection.execute(query).one()
    export(ledger, log, tmp_path / "closed", Wanted("subject", subject=she))
    closed = files(tmp_path / "closed")
    assert not [name for name in closed if name.endswith(".open.json")]
    assert not any(TEXT.encode() in content for content in closed.values())
    export(ledger, log, tmp_path / "open", Wanted("subject", subject=she, disclose=True))
    opened = files(tmp_path / "open")
    name = f"proofs/{position - 1}"
    entry = opened[f"{name}.entry"]
    index, _ = open_inclusion(
        opened[f"{name}.tlog-proof"],
        sha256(b"\x00" + entry).digest(),
        [VerifyKey.parse(key.vkey)],
    )
    assert index == position - 1
    (part,) = json.loads(opened[f"{name}.open.json"])
    assert TEXT in part["text"]
    made = commitment(from_base64(part["salt"]), part["n"], part["text"].encode())
    assert to_base64(made) == read(entry)["parts"][0]["cm"]
    for folder in ("closed", "open"):
        accepted(tmp_path / folder, key, tmp_path)
    others = [n for n, c in opened.items() if n.endswith(".entry") and str(she) not in c.decode()]
    assert all("policy.published" in opened[n].decode() for n in others)


def test_files_that_do_not_make_the_signed_root_are_not_exported(
    ledger: Ledger, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    sealed(ledger, log)
    tile = log / "tile/0/000"
    tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
    with pytest.raises(Tampered, match="root"):
        export(ledger, log, tmp_path / "bundle", Wanted("whole"))
    assert not (tmp_path / "bundle/manifest.json").exists()


def test_nothing_is_exported_before_something_is_sealed(ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(Misuse, match="probant seal"):
        export(ledger, tmp_path / "log", tmp_path / "bundle", Wanted("whole"))


def test_an_export_is_a_disclosure_on_record(ledger: Ledger) -> None:
    size = ledger.recorder.head().position
    position = record_disclosure(ledger, "auditor", "authority", None, size)
    again = record_disclosure(ledger, "auditor", "authority", None, size)
    assert again == position + 1  # recipient and purpose are declared once
    with ledger.database.read() as connection:
        found = connection.execute(
            sa.select(tables.events.c.kind, tables.events.c.purpose)
            .where(tables.events.c.position > size)
            .order_by(tables.events.c.position)
        ).all()
    assert [row.kind for row in found] == [
        *("recipient.declared.v1", "purpose.declared.v1"),
        *("data.disclosed.v1", "data.disclosed.v1"),
    ]
    assert found[-1].purpose == PURPOSE
