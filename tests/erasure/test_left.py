"""After an erasure nothing of hers is in what leaves the house from then on: tiles, bundles, logs.

What was planted is found first, where it may be: her ciphertexts in a bundle of before, her texts
in one that discloses them. Those two were handed out, and nobody can recall them; the certificate
says so. Everything made since is searched, and everything still verifies.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from ledger.erasing import prune
from ledger.erasing.certificate import certificate, certify, write
from ledger.erasing.erase import history
from ledger.erasing.journal import Journal
from ledger.evidence.export import Wanted, export
from ledger.handlers import record
from ledger.sealing.sealer import Sealer, export_entries
from ledger.sealing.signer import Signer
from ledger.store import pruning
from ledger.store.verify import verify
from tests.erasure.canaries import CANARIES, in_files, seen_in
from tests.erasure.conftest import Place
from tests.erasure.test_canary import told
from tests.erasure.test_forgotten import carriers, erase_all
from tests.evidence.test_export import accepted
from tests.rotation import told as somebody
from tests.sealing.room import Here


def below(*folders: Path) -> list[Path]:
    """Every file of these folders."""
    found = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert found
    return found


def carried(files: list[Path], sought: list[bytes]) -> int:
    """How many of these bytes are in one of the files."""
    content = b"\0".join(path.read_bytes() for path in files)
    return sum(raw in content for raw in sought)


def test_nothing_of_hers_leaves_the_house_any_more(
    place: Place, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ledger, log, journal = place.ledger, tmp_path / "log", tmp_path / "journal"
    origin = ledger.keyring.origin
    her_id, *_ = [record(ledger, wish).subject for wish in told(ledger)]
    assert her_id is not None
    his, _ = somebody(ledger, "bert", "his")
    sought = carriers(ledger, her_id)
    signer = Signer.create(tmp_path / "signer", origin)

    def made(name: str, wanted: Wanted, **more: Any) -> Path:
        """A bundle of now, sealed before, that a stranger accepts."""
        Sealer(ledger.database, origin, Here(signer), log).round()
        export(ledger, log, tmp_path / name, wanted, **more)
        accepted(tmp_path / name, signer.key, tmp_path)
        return tmp_path / name

    before = made("before", Wanted("whole"))
    disclosed = made("disclosed", Wanted("subject", subject=her_id, disclose=True))
    assert carried(below(before), sought)
    assert in_files(below(before, log)) == {}  # ciphertext, and no text
    found = {name for names in in_files(below(disclosed)).values() for name in names}
    assert found >= CANARIES.keys() - {"customer", "order", "bin6", "last4"}

    erase_all(ledger, journal, her_id)
    done = history(ledger, Journal(journal, origin), her_id)
    folder = tmp_path / "certificates"
    write(folder, certificate(ledger, her_id, done, {}, reason="request", horizon=35))
    waits = made("waits", Wanted("whole"), certificates=folder)
    assert not (waits / "certificates").exists()  # not signed yet: it proves nothing to a stranger
    (signed,) = certify(folder, lambda text: signer.statement(text.decode()))
    after = made("after", Wanted("whole"), certificates=folder)
    assert (after / "certificates" / signed.name).read_bytes() == signed.read_bytes()
    hers = made("hers", Wanted("subject", subject=her_id, disclose=True))
    assert list((hers / "proofs").glob("*.tlog-proof"))  # of each of her events, and they hold
    assert not list((hers / "proofs").glob("*.open.json"))
    prune.prune(ledger, journal)
    named = pruning.named(ledger.database)
    assert named
    Sealer(ledger.database, origin, Here(signer), log).round()
    export_entries(ledger.database, log, named)
    pruned = made("pruned", Wanted("whole"), certificates=folder)
    searched = below(log, after, hers, pruned, journal, folder)
    assert carried(searched, sought) == 0
    assert in_files(searched) == {}
    assert seen_in(caplog.text.encode()) == set()

    envelope = f"envelopes/{his - 1}-contact"
    kept = {(bundle / envelope).read_bytes() for bundle in (before, after, pruned)}
    assert len(kept) == 1
    with ledger.database.read() as connection:
        assert ledger.vault.open(connection, his) == {"text": "his"}
    assert verify(ledger.database).ok
