"""Whom we told of what she decided, and who confirmed: withdrawals, objections, rectifications,
erasures.

Handing a message over is not the end of it: *told* is recorded when an outside system took the
message, *acknowledged* when it said that it had done its part. What is late is derived from these
and a limit in days, never recorded. The ledger records both itself, through commands of its own.
Which recipients a fact concerns: `ledger/policy/telling.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.facts import Fact, declare
from ledger.fields import CODE, IDENTIFIER, INTEGER, clear


@declare("recipient.told.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientTold(Fact):
    """A declared recipient took our message about the fact at position `fact` (GDPR art. 7(3),
    17(2), 19; SS-REC-1, SS-DSR-2, SS-DSR-3). `message` is the id the message carried."""

    recipient: str = clear(CODE, required=True)
    fact: int = clear(INTEGER, required=True)
    message: UUID | None = clear(IDENTIFIER)


@declare("recipient.acknowledged.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientAcknowledged(Fact):
    """A declared recipient says that it did its part about the fact at position `fact`, and gave a
    receipt: a reference of its own, a code that names nobody (GDPR art. 19; SS-REC-1). Said in its
    place by somebody of ours, by whose key and why (`by`, `reason`)."""

    recipient: str = clear(CODE, required=True)
    fact: int = clear(INTEGER, required=True)
    receipt: str | None = clear(CODE)
    by: str | None = clear(CODE)
    reason: str | None = clear(CODE)
