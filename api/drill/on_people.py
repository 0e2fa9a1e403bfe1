"""Attacks on what history means: derived tables, policies, omissions, keys, disclosures, guesses.

Each function is one attempt: it does the deed on the scene and answers who saw it. An attempt that
shows a limit of the method answers nothing, and that is what it shows.
"""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

from api.drill.stage import Seen, Stage, replace_file
from ledger import entry
from ledger.acting import act, act_of
from ledger.erasing.erase import erase_scopes
from ledger.events import ClassErased, KeyDestroyed
from ledger.evidence.export import Wanted
from ledger.fields import KeyProof
from ledger.seal.proof import parse_inclusion
from ledger.store import tampering
from ledger.store.vault import Scope

GUESSES = 10_000


# --- projections, policies ------------------------------------------------------------------------


def live_row(stage: Stage) -> list[Seen]:
    """The live table says that she consents, history that she withdrew."""
    where = {"subject": stage.people["anna"], "kind": "consent.withdrawn.v1"}
    tampering.change(stage.ledger.database, "consents", where, kind="consent.given.v1")
    return stage.check()


def typed_column(stage: Stage) -> list[Seen]:
    """A column from which states are derived says otherwise than its entry."""
    where = {"position": stage.at["anna withdrawn"]}
    tampering.change(stage.ledger.database, "events", where, channel="sms")
    return stage.check() + stage.audit()


def policy_altered(stage: Stage) -> list[Seen]:
    """The document of the policy in force gets another text under its old name."""
    database = stage.ledger.database
    for row in tampering.rows(database, "documents"):
        content = row["bytes"] + b"# one more term\n"
        tampering.change(database, "documents", {"sha256": row["sha256"]}, bytes=content)
    return stage.check() + stage.audit()


# --- omissions ------------------------------------------------------------------------------------


def promised_and_dropped(stage: Stage) -> list[Seen]:
    """She withdraws and is handed a receipt; the event is gone before it is sealed."""
    copy = tampering.copy_of(stage.ledger.database)
    receipt = stage.receipt(stage.consent("berta", "withdrawn"))
    tampering.put_back(stage.ledger.database, copy)
    stage.reopen()
    stage.consent("anna", "given")  # the log goes on, over her position
    return stage.seal() + stage.audit([receipt])


def never_recorded(stage: Stage) -> list[Seen]:
    """She withdraws by telephone and nobody records it."""
    stage.consent("anna", "given")
    return stage.check() + stage.seal() + stage.audit()


# --- erasures -------------------------------------------------------------------------------------


def erasure_claimed(stage: Stage) -> list[Seen]:
    """The facts of an erasure are recorded, her ciphertext stays."""
    erased = _order(stage, "berta")
    act(stage.ledger, [act_of(erased, stage.people["berta"])])
    act(stage.ledger, [act_of(_destruction(stage, "berta", _last_event(stage)))])
    return stage.check() + stage.seal() + stage.audit()


def key_in_a_drawer(stage: Stage) -> list[Seen]:
    """She is erased, a copy of her key is kept, and is found."""
    row = _kept_key(stage)
    raw = stage.ledger.vault.commitment_of(SimpleNamespace(**row))
    proofs = [key for said in _destroyed(stage) for key in said["keys"]]
    if {"kid": str(row["key_id"]), "kc": raw} not in proofs:
        return []
    return [Seen("commitment", f"kc {raw}: {row['key_id']}")]


def key_in_a_drawer_unseen(stage: Stage) -> list[Seen]:
    """The same, and nobody finds the copy."""
    _kept_key(stage)
    return stage.check() + stage.seal() + stage.audit()


def evidence_shredded(stage: Stage) -> list[Seen]:
    """Her key and ciphertext are destroyed, and nothing is recorded."""
    _shred(stage, "berta")
    return stage.check() + stage.audit()


def shredded_on_nobodys_order(stage: Stage) -> list[Seen]:
    """The destruction is recorded, on the order of an event that orders nothing."""
    (placed,) = tampering.rows(stage.ledger.database, "events", position=stage.at["orders"])
    authority = UUID(entry.read(placed["entry"])["id"])
    act(stage.ledger, [act_of(_destruction(stage, "berta", authority))])
    _shred(stage, "berta")
    return stage.check() + stage.seal() + stage.audit()


def shredded_on_another_order(stage: Stage) -> list[Seen]:
    """The destruction is recorded, on the order of another person's lawful erasure."""
    said = [entry.read(raw) for raw in tampering.history(stage.ledger.database)]
    (lawful,) = [one["id"] for one in said if one["type"] == ClassErased.kind]
    act(stage.ledger, [act_of(_destruction(stage, "berta", UUID(lawful)))])
    _shred(stage, "berta")
    return stage.check() + stage.seal() + stage.audit()


def shredded_on_a_forged_order(stage: Stage) -> list[Seen]:
    """An erasure that she never asked for is recorded and done: a lie with a date and an actor."""
    berta = Scope(stage.people["berta"], "contact", "")
    erase_scopes(stage.ledger, [berta], journal=stage.house / "journal", reason="request")
    return stage.check() + stage.seal() + stage.audit()


def _kept_key(stage: Stage) -> dict[str, Any]:
    """Berta is erased lawfully, and the row of her key was copied before."""
    database, berta = stage.ledger.database, stage.people["berta"]
    (row,) = tampering.rows(database, "keys", subject=berta, data_class="contact")
    scope = Scope(berta, "contact", "")
    erase_scopes(stage.ledger, [scope], journal=stage.house / "journal", reason="request")
    return row


def _order(stage: Stage, name: str) -> ClassErased:
    subject, occurred = stage.people[name], stage.moment()
    kid = _part(stage, name)["kid"]
    about: dict[str, Any] = {"subject": subject, "occurred": occurred, "actor": "system"}
    return ClassErased(**about, of="contact", keys=(UUID(kid),), reason="request")


def _destruction(stage: Stage, name: str, authority: UUID) -> KeyDestroyed:
    part = _part(stage, name)
    about: dict[str, Any] = {"occurred": stage.moment(), "actor": "system"}
    proof = KeyProof(UUID(part["kid"]), part["kc"])
    return KeyDestroyed(**about, keys=(proof,), reason="request", authority=authority)


def _shred(stage: Stage, name: str) -> None:
    database, position = stage.ledger.database, stage.at[name]
    where = {"key_id": UUID(_part(stage, name)["kid"])}
    tampering.change(database, "keys", where, wrapped=None, state="destroyed")
    tampering.remove(database, "sealed", position=position)


def _part(stage: Stage, name: str) -> dict[str, str]:
    """What the entry says of the sealed part of the person's first contact."""
    (row,) = tampering.rows(stage.ledger.database, "events", position=stage.at[name])
    part: dict[str, str] = entry.read(row["entry"])["parts"][0]
    return part


def _last_event(stage: Stage) -> UUID:
    return UUID(entry.read(tampering.history(stage.ledger.database)[-1])["id"])


def _destroyed(stage: Stage) -> list[dict[str, Any]]:
    said = [entry.read(raw) for raw in tampering.history(stage.ledger.database)]
    return [one["meta"] for one in said if one["type"] == KeyDestroyed.kind]


# --- disclosures and guesses ----------------------------------------------------------------------


def other_plaintext(stage: Stage) -> list[Seen]:
    """Her own bundle shows another text than the one that was recorded; the manifest agrees."""
    wanted = Wanted("subject", subject=stage.people["anna"], disclose=True)
    bundle = stage.bundle(wanted)
    name = f"proofs/{stage.at['anna'] - 1}.open.json"
    shown = json.loads((bundle / name).read_bytes())
    shown[0]["text"] = shown[0]["text"].replace("hello", "never")
    replace_file(bundle, name, json.dumps(shown).encode())
    return stage.judge(bundle, stage.first_visit())


def neighbour_guessed(stage: Stage) -> list[Seen]:
    """Berta's proof names the hash of the entry beside hers. She knows all that it says but its
    salt, and tries; with the salt it would be found at once."""
    database = stage.ledger.database
    neighbour = stage.at["berta"] + 1
    hers = stage.bundle(Wanted("subject", subject=stage.people["berta"]))
    proof = parse_inclusion((hers / f"proofs/{stage.at['berta'] - 1}.tlog-proof").read_bytes())
    (row,) = tampering.rows(database, "events", position=neighbour)
    said = entry.read(row["entry"])
    known = set(proof.hashes)
    control = entry.leaf_hash(entry.write(said)) in known
    guesses = (entry.to_base64(uuid4().bytes) for _ in range(GUESSES))
    hits = sum(entry.leaf_hash(entry.write({**said, "salt": one})) in known for one in guesses)
    if not control or hits:
        return []
    return [Seen("salt", f"{GUESSES} / 2^128")]
