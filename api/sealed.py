"""The sealed log over HTTP: receipts for what is recorded, and the log's own files and proofs.

A receipt is signed at commit by the signer's process; where none answers, the fact is recorded all
the same and the answer says that it has no receipt. Checkpoint, tiles and proofs are read from the
folder that the sealer exports to, and nothing else; a proof waits for its seal if it is asked to.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, NamedTuple

from anyio import to_thread
from starlette.responses import Response

from api.facts import Answers
from api.problems import Problem
from ledger.application import Ledger
from ledger.calendar import parse_instant
from ledger.errors import BadData, Misuse, NotFound, ProbantError
from ledger.seal import proof, tiles
from ledger.seal.checkpoint import Checkpoint, parse_checkpoint
from ledger.seal.merkle import prove_consistency, prove_inclusion, root_at
from ledger.sealing import receipt
from ledger.sealing.client import SignerClient

MAX_WAIT = 30  # seconds a request for a proof may wait for its seal
NO_RECEIPT = {"Receipt-Missing": "no signer answers"}
TEXT, BYTES = "text/plain; charset=utf-8", "application/octet-stream"


class Seal(NamedTuple):
    """Where the log is sealed: the exported folder, and who signs receipts (None: nobody)."""

    folder: Path
    signer: SignerClient | None

    def size(self) -> int:
        """How many events the exported checkpoint covers; 0 before the first one."""
        raw = tiles.folder(self.folder)("checkpoint")
        return 0 if raw is None else _parsed(raw).size


def with_receipts(seal: Seal | None, ledger: Ledger, answers: Answers) -> dict[str, str]:
    """Put a receipt into each recorded item. Headers to send: whether any is missing."""
    recorded = [item for item in answers.items if item["status"] == 201]
    sound = [item for item in recorded if item["entry_sha256"] is not None]
    for item in recorded:
        item["receipt"] = None
    if seal is None or seal.signer is None or not sound:
        return NO_RECEIPT if sound else {}
    try:
        notes = seal.signer.statements([_text(ledger.keyring.origin, item) for item in sound])
    except ProbantError:
        return NO_RECEIPT  # committed all the same: a receipt can be had by asking again
    for item, note in zip(sound, notes, strict=True):
        item["receipt"] = note.decode()
    return {}


def _text(origin: str, item: dict[str, Any]) -> str:
    hashes = bytes.fromhex(item["entry_sha256"]), bytes.fromhex(item["leaf"])
    return receipt.text_of(origin, item["position"], *hashes, parse_instant(item["recorded_at"]))


# --- the log's files ------------------------------------------------------------------------------


def checkpoint_file(seal: Seal | None) -> Response:
    """The newest checkpoint, as a signed note."""
    return Response(_head(seal)[0], media_type=TEXT, headers={"Cache-Control": "no-cache"})


def tile_file(seal: Seal | None, path: str) -> Response:
    """A tile of hashes or of entries. Those that are whole never change, but for pruned entries."""
    try:
        tile = tiles.parse_tile_path(f"tile/{path}")
    except BadData:
        raise NotFound("there is no such tile") from None
    content = tiles.folder(_folder(seal))(tile.path)
    if content is None:
        raise NotFound("there is no such tile")
    return Response(content, media_type=BYTES)


async def inclusion_file(seal: Seal | None, position: int, last: int, wait: float) -> Response:
    """The proof that the event at `position` is in the log, once it is sealed: a `.tlog-proof`."""
    if not 1 <= position <= last:
        raise NotFound("no event stands at this position")
    until = time.monotonic() + min(wait, MAX_WAIT)
    while True:
        note, head = await to_thread.run_sync(_head, seal)
        if position <= head.size:
            break
        if time.monotonic() >= until:
            raise Problem("not-sealed-yet", "this event is recorded and waits for its seal")
        await asyncio.sleep(0.1)
    made = await to_thread.run_sync(_inclusion, seal, position - 1, head.size, note)
    return Response(made, media_type=TEXT)


def inclusion_now(seal: Seal | None, position: int) -> bytes:
    """The `.tlog-proof` of the event at `position`. Raises Problem while it waits for its seal."""
    note, head = _head(seal)
    if position > head.size:
        raise Problem("not-sealed-yet", "this event is recorded and waits for its seal")
    return _inclusion(seal, position - 1, head.size, note)


def size_of(seal: Seal | None) -> int:
    """How many events the newest checkpoint covers; 0 where nothing is sealed."""
    raw = None if seal is None else tiles.folder(seal.folder)("checkpoint")
    return 0 if raw is None else _parsed(raw).size


def consistency_file(seal: Seal | None, old: int, new: int | None) -> Response:
    """The proof that the log of `new` leaves (the newest) extends the one of `old` leaves."""
    note, head = _head(seal)
    if new not in (None, head.size):
        raw = tiles.folder(_folder(seal))(f"checkpoints/{new}")
        if raw is None:
            raise NotFound("no checkpoint of that size was signed")
        note, head = raw, _parsed(raw)
    try:
        return Response(_consistency(seal, old, head.size, note), media_type=TEXT)
    except Misuse:
        raise NotFound("a log grows from a smaller size above zero") from None


class Growth(NamedTuple):
    """The newest checkpoint; and of a log that had `old` leaves its root, and the proof that the
    newest extends it (both None where there never was one of that size)."""

    newest: bytes
    root: bytes | None
    proof: bytes | None


def growth(seal: Seal | None, old: int) -> Growth:
    """What somebody needs who holds a checkpoint of `old` leaves, or none (0)."""
    note, head = _head(seal)
    if not 0 < old <= head.size:
        return Growth(note, None, None)
    root = root_at(old, _reader(seal, head.size))
    return Growth(note, root, _consistency(seal, old, head.size, note))


def _inclusion(seal: Seal | None, index: int, size: int, note: bytes) -> bytes:
    hashes = prove_inclusion(index, size, _reader(seal, size))
    return proof.format_inclusion(proof.InclusionProof(index, tuple(hashes), note))


def _consistency(seal: Seal | None, old: int, new: int, note: bytes) -> bytes:
    hashes = prove_consistency(old, new, _reader(seal, new))
    return proof.format_consistency(proof.ConsistencyProof(old, tuple(hashes), note))


def _reader(seal: Seal | None, size: int) -> Any:
    return tiles.tile_reader(size, tiles.folder(_folder(seal)))


def _folder(seal: Seal | None) -> Path:
    if seal is None:
        raise NotFound("this server seals nothing")
    return seal.folder


def _head(seal: Seal | None) -> tuple[bytes, Checkpoint]:
    raw = tiles.folder(_folder(seal))("checkpoint")
    if raw is None:
        raise Problem("not-sealed-yet", "nothing is sealed yet")
    return raw, _parsed(raw)


def _parsed(note: bytes) -> Checkpoint:
    """The head as our own sealer wrote it; whoever receives it checks the signature."""
    return parse_checkpoint(note.partition(b"\n\n")[0].decode() + "\n")
