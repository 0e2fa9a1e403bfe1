"""How data leaves daily use: archived, consulted there under a grant, erased.

The ledger records these itself, through commands of its own; no caller may send them as facts.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.calendar import Day
from ledger.facts import Fact, declare
from ledger.fields import (
    ARTICLE,
    CODE,
    CODES,
    DAY,
    DIGEST,
    IDENTIFIER,
    IDENTIFIERS,
    Personal,
    clear,
    personal,
)

ERASURES = ("term", "request", "minor", "objection", "unlawful", "order", "death")
MOTIVES = ("litigation", "legal_obligation", "rights_request", "authority", "fraud")


@declare("customer.class_archived.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class ClassArchived(Fact):
    """One class of her data, or one item of it, left daily use: its keys are wrapped for the
    archive's recipient and the service cannot read it any more (SS-RET-2; GDPR art. 5(1)(e))."""

    of: str = clear(CODE, column="decision", required=True)
    keys: tuple[UUID, ...] | None = clear(IDENTIFIERS)
    recipient: str | None = clear(DIGEST)
    until: Day = clear(DAY, column="until_day", required=True)
    article: str = clear(ARTICLE, required=True)
    reason: str = clear(CODE, column="basis", required=True, one_of=("term",))


@declare("customer.class_erased.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class ClassErased(Fact):
    """One class of her data, or one item of it, was erased: keys destroyed, ciphertext deleted
    (GDPR art. 5(1)(e), 17; SS-RET-3, SS-DSR-3). `keys` is absent when nothing was sealed."""

    of: str = clear(CODE, column="decision", required=True)
    keys: tuple[UUID, ...] | None = clear(IDENTIFIERS)
    reason: str = clear(CODE, column="basis", required=True, one_of=ERASURES)
    article: str | None = clear(ARTICLE)
    request: UUID | None = clear(IDENTIFIER)


@declare("archive.consulted.v1", "archive", "access_log")
@dataclass(frozen=True, kw_only=True, slots=True)
class ArchiveConsulted(Fact):
    """One of us asks for one archived record: who, why, which case, which keys; written before
    anything is opened (SS-RET-2; GDPR art. 5(1)(f)). One clock per day."""

    reader: str = clear(CODE, required=True)
    motive: str = clear(CODE, column="basis", required=True, one_of=MOTIVES)
    of: str = clear(CODE, column="decision", required=True)
    scope: str | None = clear(CODE)
    keys: tuple[UUID, ...] = clear(IDENTIFIERS, required=True)
    grant: UUID = clear(IDENTIFIER, required=True)
    approver: str | None = clear(CODE)
    case: Personal = personal()


@declare("access.granted.v1", "archive", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class AccessGranted(Fact):
    """Somebody (a random staff id) may consult these archived classes until a day, as somebody
    else decided (SS-RET-2; GDPR art. 29, 32)."""

    holder: str = clear(CODE, required=True)
    classes: tuple[str, ...] = clear(CODES, required=True)
    until: Day = clear(DAY, column="until_day", required=True)
    approver: str = clear(CODE, required=True)


@declare("access.revoked.v1", "archive", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class AccessRevoked(Fact):
    """A grant ended before its day (SS-RET-2)."""

    approver: str = clear(CODE, required=True)
