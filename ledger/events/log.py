"""What happens to the ledger itself: keys destroyed, entries pruned, signing keys, time stamps.

Facts about nobody, each on a stream of its own, recorded by the ledger's own commands. They are
what a verifier's rules R1, R2 and R3 look for.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.calendar import Day
from ledger.facts import Fact, declare
from ledger.fields import (
    CODE,
    DAY,
    DIGEST,
    IDENTIFIER,
    INTEGER,
    KEYS,
    RANGES,
    VKEY,
    KeyProof,
    clear,
)


@declare("ledger.key_destroyed.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class KeyDestroyed(Fact):
    """These data keys are no more; `authority` is the id of the event that ordered it. Envelopes
    under them may be missing from now on (rule R1; SS-RET-3)."""

    keys: tuple[KeyProof, ...] = clear(KEYS, required=True)
    reason: str = clear(CODE, column="basis", required=True)
    authority: UUID = clear(IDENTIFIER, required=True)


@declare("ledger.pruned.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class Pruned(Fact):
    """The entries at these positions became bare leaves: their home class had ended (rule R2;
    SS-RET-3)."""

    ranges: tuple[tuple[int, int], ...] = clear(RANGES, required=True)
    events: int = clear(INTEGER, required=True)
    reason: str = clear(CODE, column="basis", required=True)


@declare("ledger.log_key_added.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class LogKeyAdded(Fact):
    """Checkpoints are signed by this key too, from the first one that covers this event."""

    vkey: str = clear(VKEY, required=True)


@declare("ledger.log_key_retired.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class LogKeyRetired(Fact):
    """Checkpoints are no longer signed by this key."""

    vkey: str = clear(VKEY, required=True)


@declare("ledger.anchored.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class Anchored(Fact):
    """A time-stamping authority dated the checkpoint of this size (RFC 3161): the SHA-256 of its
    token, and a code for the authority."""

    size: int = clear(INTEGER, required=True)
    token: str = clear(DIGEST, required=True)
    tsa: str = clear(CODE, required=True)


@declare("ledger.restored.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class Restored(Fact):
    """The ledger was restored from a backup: up to where the backup reached, up to where exported
    entries did, and at which positions personal parts were lost with the disk (rule R3; GDPR art.
    32(1)(c))."""

    backup_head: int = clear(INTEGER, required=True)
    last_checkpoint: int = clear(INTEGER, required=True)
    lost_parts: tuple[tuple[int, int], ...] | None = clear(RANGES)


@declare("ledger.kek_retired.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class KekRetired(Fact):
    """No live data key is wrapped under this epoch any more; it dies when the last backup taken
    under it has left the declared horizon."""

    epoch: int = clear(INTEGER, required=True)
    dies_on: Day = clear(DAY, column="until_day", required=True)


@declare("ledger.kek_destroyed.v1", "ledger", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class KekDestroyed(Fact):
    """The key-encryption key of this epoch is no more: wrapped copies in old backups are dead."""

    epoch: int = clear(INTEGER, required=True)
