"""Attacks on history: rewritten, cut, reordered, backdated, forked, signed by somebody else.

Each function is one attempt: it does the deed on the scene and answers who saw it. An attempt that
shows a limit of the method answers nothing, and that is what it shows.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from api.drill.stage import (
    FIRST,
    MINUTE,
    ORDERS,
    ORIGIN,
    Seen,
    Stage,
    replace_file,
)
from ledger import entry
from ledger.calendar import format_instant, parse_instant
from ledger.commands import Record, Reference
from ledger.events import OrderPlaced
from ledger.handlers import record_many
from ledger.seal import tiles
from ledger.seal.checkpoint import Checkpoint, format_checkpoint, open_checkpoint
from ledger.seal.merkle import root_at
from ledger.seal.note import VerifyKey
from ledger.sealing.client import running_signer
from ledger.sealing.signer import Signer
from ledger.store import tampering

SALT = "A" * 22  # of a forged entry
Entries = list[bytes]


def resalted(raw: bytes, **fields: Any) -> bytes:
    """An entry that says something else, canonical as ever."""
    return entry.write({**entry.read(raw), "salt": SALT, **fields})


def forged(stage: Stage) -> Stage:
    """An early order is another one, consistently: the database agrees with itself."""
    at = stage.at["orders"] + 40

    def change(told: Entries) -> Entries:
        return [*told[: at - 1], resalted(told[at - 1]), *told[at:]]

    stage.rewrite(change)
    return stage


def signed(stage: Stage) -> Checkpoint:
    """The head that the log shows."""
    key = VerifyKey.parse(stage.signer().key.vkey)
    return open_checkpoint((stage.log / "checkpoint").read_bytes(), [key]).checkpoint


# --- rewriting ------------------------------------------------------------------------------------


def entry_in_place(stage: Stage) -> list[Seen]:
    """An entry and its column are changed in the database."""
    position = stage.at["anna given"]
    (row,) = tampering.rows(stage.ledger.database, "events", position=position)
    raw = row["entry"].replace(b'"email"', b'"phone"')
    change = {"entry": raw, "channel": "phone"}
    tampering.change(stage.ledger.database, "events", {"position": position}, **change)
    return stage.check() + stage.audit()


def envelope_swapped(stage: Stage) -> list[Seen]:
    """One person's ciphertext stands in another's place."""
    database = stage.ledger.database
    (other,) = tampering.rows(database, "sealed", position=stage.at["berta"])
    where = {"position": stage.at["anna"]}
    tampering.change(database, "sealed", where, envelope=other["envelope"])
    return stage.check() + stage.audit()


def rewritten_and_signed(stage: Stage) -> list[Seen]:
    """All of it is made anew and signed again with the log's own key: the database cannot tell."""
    forged(stage).seal_again(stage.stolen())
    return stage.check() + stage.audit()


def before_anything_left(stage: Stage) -> list[Seen]:
    """The same, shown to somebody who kept nothing and knows no witness."""
    forged(stage).seal_again(stage.stolen())
    return stage.check() + stage.judge(stage.bundle(), stage.first_visit(witness=False))


# --- cutting, restoring ---------------------------------------------------------------------------


def tail_cut(stage: Stage) -> list[Seen]:
    """The last two events are deleted and the head is set back."""
    database = stage.ledger.database
    last = stage.ledger.recorder.head().position
    for position in (last, last - 1):
        tampering.remove(database, "events", position=position)
    (event,) = tampering.rows(database, "events", position=last - 2)
    head = {"position": last - 2, "last_at": event["recorded_at"]}
    tampering.change(database, "head", {}, **head)
    stage.reopen()
    return stage.check() + stage.seal()


def backup_restored(stage: Stage) -> list[Seen]:
    """An old backup of database and log is put back, and shown. The other party has a receipt."""
    receipt = stage.receipt(stage.at["berta given"])
    stage.restore(FIRST)
    stage.restore_log(FIRST)
    return stage.seal() + stage.audit([receipt])


def backup_outgrown(stage: Stage) -> list[Seen]:
    """An old backup goes on until it is longer than what was signed."""
    stage.restore(FIRST)
    stage.restore_log(FIRST)
    about: dict[str, Any] = {"occurred": stage.moment(), "subject": stage.people["anna"]}
    orders = [Record(OrderPlaced(**about), thing=Reference("shop", f"E{n}")) for n in range(20)]
    record_many(stage.ledger, orders)
    return stage.seal()


def youngest_lost(stage: Stage) -> list[Seen]:
    """An event is recorded and gone before any checkpoint of it left; nobody had a receipt."""
    copy = tampering.copy_of(stage.ledger.database)
    stage.consent("berta", "withdrawn")
    tampering.put_back(stage.ledger.database, copy)
    stage.reopen()
    return stage.check() + stage.seal() + stage.audit()


# --- inserting, reordering, leaving out -----------------------------------------------------------


def inserted(stage: Stage) -> list[Seen]:
    """An order is slipped into the past, everything behind it moves, all is signed again."""
    at = stage.at["anna withdrawn"]

    def change(told: Entries) -> Entries:
        moment = format_instant(parse_instant(entry.read(told[at - 1])["at"]) + 1)
        ids = {name: str(entry.derived_id(name.encode())) for name in ("id", "stream")}
        return [*told[:at], resalted(told[at], at=moment, **ids), *told[at:]]

    stage.rewrite(change)
    stage.seal_again(stage.stolen())
    return stage.audit()


def reordered(stage: Stage) -> list[Seen]:
    """Two orders change places, all is signed again."""
    at = stage.at["orders"] + 40

    def change(told: Entries) -> Entries:
        return [*told[: at - 1], told[at], told[at - 1], *told[at + 1 :]]

    stage.rewrite(change)
    stage.seal_again(stage.stolen())
    return stage.check() + stage.audit()


def left_out(stage: Stage) -> list[Seen]:
    """A consent disappears, its withdrawal stays; shown to somebody who kept nothing."""
    at = stage.at["anna given"]
    stage.rewrite(lambda told: [*told[: at - 1], *told[at:]])
    stage.seal_again(stage.stolen())
    return stage.check() + stage.judge(stage.bundle(), stage.first_visit(witness=False))


# --- backdating -----------------------------------------------------------------------------------


def backdated(stage: Stage) -> list[Seen]:
    """After the authority dated the log, a consent is recorded by a clock that is 39 days slow."""
    stage.begin(FIRST)
    stage.consent("berta", "given")
    return stage.seal() + stage.audit()


def backdated_a_little(stage: Stage) -> list[Seen]:
    """The same by a clock that is two minutes slow: within the tolerance of the interval."""
    stage.begin(FIRST)
    stage.clock.at = stage.began - 3 * MINUTE
    stage.consent("berta", "given")
    return stage.seal() + stage.audit()


# --- forks, keys, replays -------------------------------------------------------------------------


def fork_asked_for(stage: Stage) -> list[Seen]:
    """The signer is asked for a second head of the same size."""
    tampering.forget_seal(forged(stage).ledger.database)
    return stage.seal()


def two_auditors(stage: Stage) -> list[Seen]:
    """Two histories under one key, one for each auditor: the second is compared with the first's
    checkpoint. Both signed heads together are the proof of guilt."""
    true = signed(stage)
    forged(stage).seal_again(stage.stolen())
    false = signed(stage)
    assert true.size == false.size and true.root != false.root
    return stage.audit()


def fork_alone(stage: Stage) -> list[Seen]:
    """The second auditor compares with nobody and pins no witness."""
    return before_anything_left(stage)


def other_key(stage: Stage) -> list[Seen]:
    """The same log under a key that nobody pinned."""
    stage.seal_again(Signer.create(stage.folder / "thief", ORIGIN))
    return stage.judge(stage.bundle(), stage.trust_now())


def thief_without_witness(stage: Stage) -> list[Seen]:
    """A thief signs another history; a newcomer who kept nothing pins a witness."""
    forged(stage).seal_again(stage.stolen())
    return stage.judge(stage.bundle(), stage.first_visit())


def replayed(stage: Stage) -> list[Seen]:
    """Yesterday's checkpoint, true and cosigned, is shown as the newest."""
    stage.restore(FIRST)
    stage.restore_log(FIRST)
    return stage.audit()


def replayed_to_a_newcomer(stage: Stage) -> list[Seen]:
    """The same, shown to somebody who was never here: it is true, and its cosignature is old."""
    stage.restore(FIRST)
    stage.restore_log(FIRST)
    return stage.judge(stage.bundle(), stage.first_visit())


# --- the signer's own door, and the tools ---------------------------------------------------------


def through_the_signer(stage: Stage) -> list[Seen]:
    """The DBA asks the signer's process, over its socket, for four things that it must not sign."""
    _, size, root, _ = signed(stage)
    other, text = sha256(b"another history").digest(), Checkpoint(ORIGIN, size, bytes(32))
    socket = stage.folder / "socket"
    with running_signer(stage.house / "signer", socket, ORIGIN) as signer:
        asked = (
            lambda: signer.checkpoint(ORIGIN, size, other, []),
            lambda: signer.checkpoint(ORIGIN, size - 1, root, []),
            lambda: signer.checkpoint(ORIGIN, size + 1, other, [other]),
            lambda: signer.statements([format_checkpoint(text)]),
        )
        seen = [one for call in asked for one in stage.refused("signer", call)]
        unmoved = signer.state()[:2] == (size, root)
    return seen if unmoved and len(seen) == len(asked) else []


def leaf_swapped_too(stage: Stage) -> list[Seen]:
    """An entry is altered together with its leaf in the tile: a verifier that believes each tile
    (as Go's did, CVE-2026-56865) lets it pass; the two that are ours rebuild the tree."""
    bundle, at = stage.bundle(), stage.at["orders"]
    names = [tiles.Tile(level, 0).path for level in (tiles.ENTRIES, 0)]
    entries = tiles.parse_entries((bundle / names[0]).read_bytes(), tiles.TILE_WIDTH)
    entries[at - 1] = resalted(entries[at - 1])
    leaves = b"".join(entry.leaf_hash(raw) for raw in entries)
    for name, content in zip(names, (tiles.format_entries(entries), leaves), strict=True):
        replace_file(bundle, name, content)
        (stage.log / name).write_bytes(content)
    if not _believes_tiles(stage, bundle, at):
        return []  # then it would not have shown anything
    return stage.judge(bundle, stage.trust_now()) + stage.refused("export", stage.bundle)


def _believes_tiles(stage: Stage, bundle: Any, position: int) -> bool:
    """A faulty verifier: the root comes from the upper tiles, an entry is compared with its own."""
    fetch = tiles.folder(bundle)
    head = signed(stage)
    read = tiles.tile_reader(head.size, fetch)
    bundled = fetch(tiles.Tile(tiles.ENTRIES, 0).path) or b""
    shown = tiles.parse_entries(bundled, tiles.TILE_WIDTH)[position - 1]
    assert head.size > tiles.TILE_WIDTH and ORDERS > tiles.TILE_WIDTH
    same = read([(0, position - 1)]) == [entry.leaf_hash(shown)]
    return same and root_at(head.size, read) == head.root
