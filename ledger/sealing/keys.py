"""The folder `keys/` of the exported log: who signs, since when, and the proof of each handover.

    keys/log.vkey                       the keys that sign now, one a line
    keys/history.txt                    every key there was, with its sizes
    keys/<i>.tlog-proof, <i>.entry      the log names a new key, or a retired one, at index i

All of it follows from the database and the signer, and is written again where it is missing. A key
is shown only once its handover is proven. Crash between two files: run again; proofs come first, so
that a history never names what nothing proves. What this file never does: record, or sign. Read
next: `ledger/seal/succession.py`, `ledger/log_keys.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from ledger.entry import read
from ledger.errors import BadData, Broken
from ledger.seal import proof, tiles
from ledger.seal.checkpoint import open_checkpoint, parse_checkpoint
from ledger.seal.merkle import prove_inclusion
from ledger.seal.note import NoteError, VerifyKey
from ledger.seal.succession import ADDED, RETIRED, Reign, parse_history, reigns
from ledger.sealing.files import read_if_there, write_whole
from ledger.store import log
from ledger.store.database import Database

LOG_KEYS, HISTORY = "keys/log.vkey", "keys/history.txt"


def told(database: Database, last: int) -> dict[tuple[str, str], log.Said]:
    """What the log says of its keys up to that position: (kind, vkey) -> the first event."""
    found: dict[tuple[str, str], log.Said] = {}
    for one in log.said(database, (ADDED, RETIRED), last):
        found.setdefault((one.kind, str(read(one.entry)["meta"]["vkey"])), one)
    return found


def show(database: Database, folder: Path, current: str) -> list[Reign]:
    """Write the folder's keys; what can be shown of the history. `current` is the signer's older
    key. Needs the tiles of the newest checkpoint."""
    size = log.sealed(database).size
    facts = told(database, size)
    history: list[Reign] = []
    for one in reigns({key: fact.position for key, fact in facts.items()}, current):
        added = facts.get((ADDED, one.vkey))
        if added and not _proven(database, folder, added, [history[-1].vkey, one.vkey]):
            break
        history.append(one)
    for older, newer in pairwise(history):
        if retired := facts.get((RETIRED, older.vkey)):
            _proven(database, folder, retired, [newer.vkey])
    ours = [one.vkey for one in history if one.last is None]
    write_whole(folder / HISTORY, "".join(one.line for one in history).encode())
    write_whole(folder / LOG_KEYS, "".join(f"{vkey}\n" for vkey in ours).encode())
    return history


def _proven(database: Database, folder: Path, fact: log.Said, vkeys: list[str]) -> bool:
    """Whether the handover is proven by files: written, if a checkpoint bears all these keys."""
    index = fact.position - 1
    if (folder / f"keys/{index}.tlog-proof").exists():
        return True
    log_keys = [VerifyKey.parse(vkey) for vkey in vkeys]
    for note in log.checkpoints(database, fact.position):
        try:
            head = open_checkpoint(note, log_keys)
        except NoteError:
            continue
        if len(head.opened.verified) == len(log_keys):
            size = head.checkpoint.size
            hashes = prove_inclusion(index, size, tiles.tile_reader(size, tiles.folder(folder)))
            made = proof.InclusionProof(index, tuple(hashes), note)
            write_whole(folder / f"keys/{index}.entry", fact.entry)
            write_whole(folder / f"keys/{index}.tlog-proof", proof.format_inclusion(made))
            return True
    return False


def every_key(folder: Path) -> list[VerifyKey]:
    """The keys of the history, oldest first: what the log's own checkpoints are opened with."""
    raw = read_if_there(folder / HISTORY)
    return [] if raw is None else [VerifyKey.parse(one.vkey) for one in parse_history(raw)]


def as_of(folder: Path, size: int) -> Iterator[tuple[str, bytes]]:
    """The files of `keys/` as a reader of the checkpoint of that size may have them: no key whose
    handover only a larger one proves, no end that lies beyond."""
    kept = []
    for one in parse_history(read_if_there(folder / HISTORY) or b""):
        ends = one.last is not None and one.last < size
        if one.first == 1 or _proof_size(folder, one.first - 1) <= size:
            kept.append(one if ends else one._replace(last=None))
            indexes = [one.first - 1] * (one.first > 1) + [one.last] * ends
            for index in indexes:
                for name in (f"keys/{index}.tlog-proof", f"keys/{index}.entry"):
                    content = read_if_there(folder / name)
                    if content is None:
                        raise Broken(f"{name} is missing; run `probant seal`")
                    yield name, content
    yield HISTORY, "".join(one.line for one in kept).encode()
    yield LOG_KEYS, "".join(f"{one.vkey}\n" for one in kept if one.last is None).encode()


def _proof_size(folder: Path, index: int) -> int:
    raw = read_if_there(folder / f"keys/{index}.tlog-proof")
    if raw is None:
        raise BadData("the proof of a handover is missing from the exported log")
    text = proof.parse_inclusion(raw).note.partition(b"\n\n")[0].decode() + "\n"
    return parse_checkpoint(text).size
