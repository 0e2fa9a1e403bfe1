"""Props for sealing: a ledger with events, a signer in this process, and the whole log checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record, Reference
from ledger.entry import leaf_hash
from ledger.events import OrderPlaced
from ledger.handlers import record_many
from ledger.seal import tiles
from ledger.seal.checkpoint import open_checkpoint
from ledger.seal.merkle import check_consistency, frontier_at, prove_consistency
from ledger.seal.note import VerifyKey
from ledger.sealing.client import Remembered
from ledger.sealing.signer import Signer
from ledger.store import tables
from tests.go.building import GoVerifier


class Here:
    """A signer in this process, spoken to like one in another."""

    def __init__(self, signer: Signer) -> None:
        self.signer = signer

    def state(self) -> Remembered:
        coming = None if self.signer.next is None else self.signer.next.key.vkey
        return Remembered(*self.signer.last, self.signer.key.vkey, coming)

    def checkpoint(self, origin: str, size: int, root: bytes, proof: list[bytes]) -> bytes:
        return self.signer.checkpoint(origin, size, root, proof)

    def prepare_key(self) -> str:
        return self.signer.prepare_key()

    def begin_key(self, vkey: str, first: int) -> None:
        self.signer.begin_key(vkey, first)

    def retire_key(self, vkey: str) -> None:
        self.signer.retire_key(vkey)


def orders(ledger: Ledger, count: int, who: str = "A") -> None:
    """So many events more, at least."""
    now = moment_of_instant(ledger.clock.now())
    wishes = [
        Record(OrderPlaced(occurred=now), Reference("shop", f"{who}-{n}")) for n in range(count)
    ]
    record_many(ledger, wishes)


def check_log(
    ledger: Ledger, folder: Path, vkey: str, go: GoVerifier | None = None, *others: str
) -> int:
    """Everything shown is what was recorded and signed, by one of these keys at least. Returns the
    size shown, 0 for nothing."""
    raw = (folder / "checkpoint").read_bytes() if (folder / "checkpoint").exists() else None
    if raw is None:
        return 0
    keys = [VerifyKey.parse(one) for one in (vkey, *others)]
    head = open_checkpoint(raw, keys).checkpoint
    assert head.origin == ledger.keyring.origin
    fetch = tiles.folder(folder)
    read = tiles.tile_reader(head.size, fetch)
    rows = _rows(ledger, head.size)
    assert len(rows) == head.size
    edge, full = tiles.Edge.empty().extend(leaf for _, leaf in rows)
    assert edge.frontier.root() == head.root == frontier_at(head.size, read).root()
    for path, content in [*full, *edge.partial_tiles()]:
        assert fetch(path) == content, path
    for bundle in tiles.bundles_between(0, head.size):
        bundled = fetch(bundle.path)
        assert bundled is not None, bundle.path
        start = bundle.index * tiles.TILE_WIDTH
        shown = tiles.parse_entries(bundled, bundle.width)
        assert shown == [entry for entry, _ in rows[start : start + bundle.width]], bundle.path
        assert all(
            leaf_hash(e) == leaf for e, (_, leaf) in zip(shown, rows[start:], strict=False) if e
        )
    for file in (folder / "checkpoints").iterdir():
        old = open_checkpoint(file.read_bytes(), keys).checkpoint
        assert old.size == int(file.name)
        small, large = sorted((old, head), key=lambda one: one.size)
        if small.size < large.size:  # one beyond the shown head: cut off before it was shown
            grown = tiles.tile_reader(large.size, fetch)
            proof = prove_consistency(small.size, large.size, grown)
            check_consistency(small.size, large.size, small.root, large.root, proof)
        else:
            assert small.root == large.root
    if go is not None:
        verdict = go.verify(folder, vkey, *others)
        assert verdict.accepted, verdict.said
    return head.size


def _rows(ledger: Ledger, last: int) -> list[tuple[bytes, bytes]]:
    e = tables.events.c
    query = sa.select(e.entry, e.leaf).where(e.position <= last).order_by(e.position)
    with ledger.database.read() as connection:
        found: Any = connection.execute(query).all()
    return [(bytes(row.entry or b""), bytes(row.leaf)) for row in found]
