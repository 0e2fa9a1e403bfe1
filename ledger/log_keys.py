"""Replacing the key that signs the log: `probant signer rotate`, and later `probant signer retire`.

    rotate   the signer makes a new key · history names it (ledger.log_key_added) · the signer signs
             with both from that size on · the next checkpoint, and the files that prove it
    retire   history ends the old one (ledger.log_key_retired) · the signer destroys its private
             half · the next checkpoint, and the files that prove it

Each step finds what an earlier run did: the key in the signer's folder, the fact on a stream that
follows from its vkey. Cut anywhere, running the same command again completes it; in between the log
is signed by a key that its verifiers know. What this file never does: hold a key. Read next:
`ledger/seal/succession.py`, docs/decisions/0017-rotating-the-log-key.md.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.entry import derived_id
from ledger.errors import Misuse
from ledger.events import LogKeyAdded, LogKeyRetired
from ledger.seal.succession import ADDED, RETIRED
from ledger.sealing import keys
from ledger.sealing.client import Remembered
from ledger.sealing.sealer import Sealer


class Replacing(Protocol):
    """What is needed of a signer."""

    def state(self) -> Remembered:
        """Its keys, and what it signed last."""
        ...

    def prepare_key(self) -> str:
        """The vkey of the key to come."""
        ...

    def begin_key(self, vkey: str, first: int) -> None:
        """Sign with both from this size on."""
        ...

    def retire_key(self, vkey: str) -> None:
        """Destroy the older key."""
        ...


class Rotated(NamedTuple):
    """The old key, the new one, the position at which history names it, and the sealed size."""

    old: str
    new: str
    position: int
    size: int


def rotate(ledger: Ledger, signer: Replacing, sealer: Sealer) -> Rotated:
    """Begin to sign with a second key; the same again while it is going on. Auditors who pinned the
    old key follow by themselves; give the new one to whoever pins a key from now on."""
    sealer.round()  # a signer that does not know this log says so before anything is recorded
    vkey = signer.prepare_key()
    position = _recorded(ledger, ADDED, vkey)
    signer.begin_key(vkey, position)
    return Rotated(signer.state().vkey, vkey, position, _sealed(ledger, signer, sealer))


def retire(ledger: Ledger, signer: Replacing, sealer: Sealer) -> Rotated:
    """End the older key, once a checkpoint shows both. Raises Misuse when there are not two."""
    size = _sealed(ledger, signer, sealer)
    known, facts = signer.state(), keys.told(ledger.database, size)
    if known.next is None:
        finished = [
            (fact.position, vkey) for (kind, vkey), fact in facts.items() if kind == RETIRED
        ]
        if not finished:
            raise Misuse("the log has one signing key; run `probant signer rotate` first")
        position, old = max(finished)
        return Rotated(old, known.vkey, position, size)
    if known.next not in [key.vkey for key in keys.every_key(sealer.folder)]:
        raise Misuse("no checkpoint shows both keys yet; run `probant signer rotate` again")
    position = _recorded(ledger, RETIRED, known.vkey)
    signer.retire_key(known.vkey)
    return Rotated(known.vkey, known.next, position, _sealed(ledger, signer, sealer))


def _recorded(ledger: Ledger, kind: str, vkey: str) -> int:
    """The position of the fact, written unless it is there."""
    fact = LogKeyAdded if kind == ADDED else LogKeyRetired
    stream = derived_id(f"probant/{kind}\x00{vkey}".encode())
    with ledger.recorder.alone():
        if stream not in ledger.recorder.tips({stream}):
            now = moment_of_instant(ledger.clock.now())
            act(ledger, [act_of(fact(occurred=now, actor="system", vkey=vkey), stream)])
    # Not under the lock: this reads the whole log.
    return keys.told(ledger.database, ledger.recorder.head().position)[kind, vkey].position


def _sealed(ledger: Ledger, signer: Replacing, sealer: Sealer) -> int:
    """The size of the log with everything sealed, and its keys shown."""
    sealer.round()
    known = signer.state()
    keys.show(ledger.database, sealer.folder, known.vkey)
    return known.size
