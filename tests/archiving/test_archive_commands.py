"""`probant archive` and `probant opener`: from the key to the record, over a real socket."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from ledger.archive_key import ArchiveKey
from ledger.commands import Record
from ledger.events import ContactedUs
from ledger.handlers import record
from ledger.opening import open_ledger
from tests.archiving.room import CASE, TEXT, archive
from tests.cli.conftest import Probant, anywhere, probant, speaks_english
from tests.contracts.props import now, somebody
from tests.evidence.test_export import sealed

__all__ = ["anywhere", "probant", "speaks_english"]
PASSPHRASE = "quatre mots au hasard"


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose name is short: a unix socket's path has about a hundred bytes."""
    with tempfile.TemporaryDirectory(prefix="p") as folder:
        yield Path(folder) / "home"


@contextmanager
def serving(home: Path) -> Iterator[subprocess.Popen[str]]:
    """The opener in its own process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "opener", "serve", "--home", str(home)],
        env=os.environ | {"PROBANT_PASSPHRASE": PASSPHRASE, "PROBANT_LANG": "en"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        assert "listens" in process.stderr.readline()
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)


def test_from_the_key_to_the_record(
    anywhere: Probant, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    anywhere.home = home = short
    monkeypatch.setenv("PROBANT_PASSPHRASE", PASSPHRASE)
    assert anywhere("init").code == 0
    url = anywhere.url or f"sqlite:///{home / 'ledger.sqlite'}"
    ledger = open_ledger(url, home / "keyring.json")
    try:
        vkey = sealed(ledger, home / "log").vkey
        made = anywhere.json("archive", "init", "--log-key", vkey)
        assert anywhere.json("keys", "status")["archive_recipient"] == made["recipient"]
        assert anywhere("archive", "init", "--log-key", vkey).code == 2
        subject = somebody(ledger)
        fact = ContactedUs(occurred=now(ledger), subject=subject, channel="form", text=TEXT)
        record(ledger, Record(fact))
        archive(ledger, ArchiveKey.load(home / "opener" / "archive.key", PASSPHRASE), subject)
        given = ["--holder", "s1", "--classes", "contact,order", "--approver", "dpo"]
        grant = anywhere.json("archive", "grant", *given, "--until", "2099-01-01")["grant"]
        asked = [*("--class", "contact", "--reader", "s1", "--grant", grant, "--case", CASE)]
        by_id = [*asked, "--subject", str(subject)]
        refused: Any = anywhere.json("archive", "consult", *by_id, code=3)
        assert "SS-RET-2" in refused["error"]["detail"]
        motive = ["--motive", "litigation"]
        position = anywhere.json("archive", "consult", *by_id, *motive)["position"]
        again = [*asked, "--reference", "shop=somebody", *motive]
        assert anywhere.json("archive", "consult", *again)["position"] == position + 1
        unsealed = anywhere("archive", "open", str(position))
        assert (unsealed.code, "not in a signed checkpoint yet" in unsealed.err) == (3, True)
        sealed(ledger, home / "log")
        assert anywhere("archive", "open", str(position)).code == 4  # nobody listens
        with serving(home) as process:
            before = kept(home)
            (part,) = anywhere.json("archive", "open", str(position))["opened"]
            assert part["fields"] == {"text": TEXT}
            assert TEXT in anywhere("archive", "open", str(position)).out
            assert kept(home) - before == set()
            assert anywhere("opener", "serve").code == 2  # one at a time
            assert anywhere("archive", "revoke", grant, "--approver", "dpo").code == 0
            sealed(ledger, home / "log")
            said = anywhere.json("archive", "open", str(position), code=3)
            assert "revoked" in said["error"]["detail"]
            assert process.poll() is None
        assert not (home / "opener" / "socket").exists()
    finally:
        ledger.close()
    everything = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert TEXT.encode() not in everything
    assert PASSPHRASE.encode() not in everything


def kept(home: Path) -> set[Path]:
    """The files of the home folder, without what SQLite keeps beside its own."""
    return {path for path in home.rglob("*") if not path.name.startswith("ledger.sqlite")}


def test_a_passphrase_comes_from_a_file_or_the_environment(probant: Probant) -> None:
    assert probant("archive", "init").code == 2
    file = probant.home.parent / "passphrase"
    assert probant("archive", "init", "--passphrase-file", str(file)).code == 2
    file.write_text("short\n")
    assert probant("archive", "init", "--passphrase-file", str(file)).code == 2
    file.write_text(f"{PASSPHRASE}\n")
    said = probant("archive", "init", "--passphrase-file", str(file))
    assert (said.code, PASSPHRASE in said.out) == (0, False)
    assert (probant.home / "opener" / "archive.key").stat().st_mode & 0o777 == 0o600
    unpinned = probant("opener", "serve", "--passphrase-file", str(file))
    assert (unpinned.code, "no log key is pinned" in unpinned.err) == (2, True)
