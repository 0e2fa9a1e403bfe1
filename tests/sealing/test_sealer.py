"""The tree grows behind the commits, whatever dies in between."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from ledger.application import Ledger
from ledger.errors import BadData, Broken, Tampered
from ledger.opening import create
from ledger.seal.note import VerifyKey
from ledger.sealing import files
from ledger.sealing import sealer as sealing
from ledger.sealing.sealer import Round, Sealer, export_entries
from ledger.sealing.signer import Signer
from ledger.store import log, tables
from tests.clock import StepClock
from tests.go.building import GoVerifier
from tests.sealing.room import Here, check_log, orders


@pytest.fixture
def ledger(ledger_url: str, clock: StepClock) -> Iterator[Ledger]:
    made = create(ledger_url, None, clock=clock, origin="example.org/sealed")
    yield made
    made.close()


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    return Signer.create(tmp_path / "signer", "example.org/sealed")


def sealer_of(ledger: Ledger, signer: Any, folder: Path) -> Sealer:
    return Sealer(ledger.database, ledger.keyring.origin, Here(signer), folder)


def test_what_was_committed_is_sealed_and_a_stranger_accepts_it(
    ledger: Ledger, signer: Signer, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    folder = tmp_path / "log"
    sealer = sealer_of(ledger, signer, folder)
    vkey = signer.key.vkey
    for more in (0, 1, 254, 300):
        if more:
            orders(ledger, more, f"{more}")
        sealed = sealer.round()
        assert sealed is not None
        assert check_log(ledger, folder, vkey, go_verifier) == ledger.recorder.head().position
        assert sealed.size == signer.last[0] == log.sealed(ledger.database).size
        assert sealer.round() is None
    assert (folder / "keys/log.vkey").read_text().strip() == vkey
    VerifyKey.parse(vkey)
    assert not (folder / "tile/0/000.p").exists()  # superseded by the whole tile


def test_a_sealer_that_begins_anew_goes_on_where_the_last_one_was(
    ledger: Ledger, signer: Signer, tmp_path: Path
) -> None:
    folder = tmp_path / "log"
    for more in (10, 300, 7):
        orders(ledger, more, f"{more}")
        assert sealer_of(ledger, signer, folder).round() is not None
        check_log(ledger, folder, signer.key.vkey)


def test_a_lost_folder_is_written_again_from_the_database(
    ledger: Ledger, signer: Signer, tmp_path: Path, go_verifier: GoVerifier
) -> None:
    folder = tmp_path / "log"
    orders(ledger, 300)
    sealer_of(ledger, signer, folder).round()
    shutil.rmtree(folder)
    orders(ledger, 3, "more")
    sealer_of(ledger, signer, folder).round()
    check_log(ledger, folder, signer.key.vkey, go_verifier)
    shutil.rmtree(folder)
    assert sealer_of(ledger, signer, folder).round() is None  # nothing new, and yet shown again
    assert check_log(ledger, folder, signer.key.vkey) == ledger.recorder.head().position


class Cut(Exception):
    """Somebody pulled the plug."""


def steps() -> list[tuple[str, bool]]:
    """Every step of a round, failing before it is done and after."""
    names = ("tile", "entries", "checkpoint", "advance", "checkpoints", "shown")
    return [(name, done) for name in names for done in (False, True)]


@pytest.mark.parametrize(("step", "done"), steps())
def test_a_round_cut_at_any_step_is_completed_by_the_next(
    step: str,
    done: bool,
    ledger: Ledger,
    signer: Signer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    go_verifier: GoVerifier,
) -> None:
    """Not done; or done and reported as failed. After the cut, nothing shown is wrong; after the
    next round, everything is shown."""
    folder, vkey = tmp_path / "log", signer.key.vkey
    orders(ledger, 20)
    sealer_of(ledger, signer, folder).round()
    orders(ledger, 290, "more")
    first = check_log(ledger, folder, vkey)
    with monkeypatch.context() as patch:
        cut = _cutting(patch, step, done, signer)
        with pytest.raises(Cut):
            Sealer(ledger.database, ledger.keyring.origin, cut, folder).round()
    assert check_log(ledger, folder, vkey) in (first, ledger.recorder.head().position)
    reloaded = Signer(signer.folder)
    again = sealer_of(ledger, reloaded, folder)
    again.round()
    size = check_log(ledger, folder, vkey, go_verifier)
    assert size == ledger.recorder.head().position == reloaded.last[0]
    assert log.sealed(ledger.database).size == size
    assert log.checkpoint(ledger.database, size) == (folder / "checkpoint").read_bytes()


def _cutting(patch: pytest.MonkeyPatch, step: str, done: bool, signer: Signer) -> Any:
    """Patch one step so that it fails once; the signing the sealer is given."""
    names = {
        "tile": lambda path: "/tile/0" in str(path) or "/tile/1" in str(path),
        "entries": lambda path: "/tile/entries" in str(path),
        "checkpoints": lambda path: path.parent.name == "checkpoints",
        "shown": lambda path: path.name == "checkpoint",
    }
    here: Any = Here(signer)
    if step in names:
        real_write = files.write_whole

        def write(path: Path, content: bytes) -> None:
            if names[step](path):
                if done:
                    real_write(path, content)
                raise Cut
            real_write(path, content)

        patch.setattr(sealing, "write_whole", write)
    elif step == "advance":
        real_advance = log.advance

        def advance(*arguments: Any) -> bool:
            if done:
                real_advance(*arguments)
            raise Cut

        patch.setattr(log, "advance", advance)
    else:
        real_sign = here.checkpoint

        def sign(*arguments: Any) -> bytes:
            if done:
                real_sign(*arguments)
            raise Cut

        here.checkpoint = sign
    return here


@pytest.mark.parametrize("sealed", [False, True], ids=["the first round", "a later round"])
def test_a_sealer_that_was_overtaken_takes_nothing_back(
    ledger: Ledger, signer: Signer, tmp_path: Path, sealed: bool
) -> None:
    """Its head was signed; before it says so, another one has sealed more."""
    here: Any = Here(signer)
    folder = tmp_path / "log"
    slow = Sealer(ledger.database, ledger.keyring.origin, here, folder)
    other = sealer_of(ledger, signer, folder)
    orders(ledger, 5)
    if sealed:
        slow.round()
        orders(ledger, 5, "late")
    real = here.checkpoint

    def overtaken(*arguments: Any) -> bytes:
        note: bytes = real(*arguments)
        here.checkpoint = real
        orders(ledger, 300, "more")
        assert other.round() is not None
        return note

    here.checkpoint = overtaken
    assert slow.round() is None
    assert check_log(ledger, folder, signer.key.vkey) == ledger.recorder.head().position
    orders(ledger, 3, "last")
    assert slow.round() is not None
    assert check_log(ledger, folder, signer.key.vkey) == ledger.recorder.head().position


def test_a_signer_of_another_log_seals_nothing(ledger: Ledger, tmp_path: Path) -> None:
    stranger = Signer.create(tmp_path / "elsewhere", "example.org/other")
    orders(ledger, 3)
    with pytest.raises(Broken, match="another log"):
        sealer_of(ledger, stranger, tmp_path / "log").round()
    assert stranger.last[0] == log.sealed(ledger.database).size == 0
    assert not (tmp_path / "log" / "checkpoint").exists()


def test_a_database_that_lost_its_tail_is_not_sealed_again(
    signer: Signer, tmp_path: Path, clock: StepClock
) -> None:
    """A restored backup: the signer remembers more than there is."""
    url = f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    keyring = tmp_path / "keyring.json"
    ledger = create(url, keyring, clock=clock, origin="example.org/sealed")
    orders(ledger, 5)
    ledger.close()
    shutil.copy(tmp_path / "ledger.sqlite", tmp_path / "backup.sqlite")
    ledger = create(url, keyring, clock=clock)
    orders(ledger, 5, "late")
    folder = tmp_path / "log"
    sealer_of(ledger, signer, folder).round()
    ledger.close()
    old = create(f"sqlite:///{tmp_path / 'backup.sqlite'}", keyring, clock=clock)
    with pytest.raises(Broken, match="restored"):
        sealer_of(old, signer, folder).round()
    orders(old, 20, "other")  # another history of at least that length
    with pytest.raises(BadData):
        sealer_of(old, signer, tmp_path / "other").round()
    assert not (tmp_path / "other" / "checkpoint").exists()
    old.close()


def test_a_row_changed_behind_our_back_is_not_published(
    signer: Signer, tmp_path: Path, clock: StepClock
) -> None:
    ledger = create("sqlite://", clock=clock, origin="example.org/sealed")
    orders(ledger, 3)
    with ledger.database.write() as connection:
        connection.exec_driver_sql("DROP TRIGGER events_no_update")
        connection.execute(
            sa.update(tables.events).where(tables.events.c.position == 3).values(entry=b"{}")
        )
    with pytest.raises(Tampered, match="position 3"):
        sealer_of(ledger, signer, tmp_path / "log").round()
    assert not (tmp_path / "log" / "checkpoint").exists()
    ledger.close()


def test_bundles_are_written_again_after_a_prune_and_still_verify(
    signer: Signer, tmp_path: Path, clock: StepClock, go_verifier: GoVerifier
) -> None:
    ledger = create("sqlite://", clock=clock, origin="example.org/sealed")
    orders(ledger, 280)
    folder = tmp_path / "log"
    sealer_of(ledger, signer, folder).round()
    clear = {c.name: None for c in tables.events.c if c.name not in ("position", "leaf")}
    with ledger.database.write() as connection:
        for position in (5, 6, 300):
            where = tables.events.c.position == position
            connection.execute(sa.update(tables.events).where(where).values(clear))
    assert export_entries(ledger.database, folder, (5, 6, 300)) == 2
    assert export_entries(ledger.database, folder, (5, 6, 300)) == 0
    check_log(ledger, folder, signer.key.vkey, go_verifier)
    ledger.close()


def test_rounds_go_on_until_told_to_stop(ledger: Ledger, signer: Signer, tmp_path: Path) -> None:
    heard: list[Round] = []
    orders(ledger, 4)
    sealer_of(ledger, signer, tmp_path / "log").run(lambda: bool(heard), heard.append)
    assert [one.size for one in heard] == [ledger.recorder.head().position]
