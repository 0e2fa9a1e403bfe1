"""Every export is a disclosure, recorded before a byte of it is written (GDPR art. 5(2), 15(1)(c)).

Whoever receives a bundle is a declared recipient, and the purpose is the company's duty to show
that it complies; both are declared here when they are new, in the name of whoever runs the export.
Crash after the record: a disclosure stands on record that may not have happened; never the reverse.
"""

from __future__ import annotations

from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Command, Record
from ledger.errors import Refusal, Refused
from ledger.events import DataDisclosed, PurposeDeclared, RecipientDeclared
from ledger.handlers import record, record_many
from ledger.store import evidence as questions

PURPOSE = "accountability"
ARTICLE = "GDPR art. 5(2)"


def record_disclosure(
    ledger: Ledger,
    recipient: str,
    type_: str,
    subject: UUID | None,
    size: int,
    *,
    first: int = 1,
) -> int:
    """Record that evidence about `subject` (None: about everybody) from position `first` up to
    `size` goes to a recipient (a code; `type_` as in `recipient.declared`). Returns the position;
    0 when it is about nobody.

    Raises Refused when the policy forbids such a recipient.
    """
    classes, people = questions.disclosed(ledger.database, subject, first, size)
    if not people:
        return 0
    now = moment_of_instant(ledger.clock.now())
    epoch = ledger.epoch()
    commands: list[Command] = []
    if recipient not in ledger.declared(epoch).recipients:
        declared = RecipientDeclared(occurred=now, actor="agent", recipient=recipient, type=type_)
        commands.append(Record(declared))
    if PURPOSE not in ledger.edition(epoch, now.at).purposes:
        purpose = PurposeDeclared(
            occurred=now,
            actor="agent",
            purpose=PURPOSE,
            basis="legal_obligation",
            article=ARTICLE,
            marketing=False,
        )
        commands.append(Record(purpose))
    told = DataDisclosed(
        occurred=now,
        actor="agent",
        recipient=recipient,
        purpose=PURPOSE,
        classes=classes,
        people=people,
    )
    for outcome in record_many(ledger, commands) if commands else ():
        if isinstance(outcome, Refusal):
            raise Refused(outcome)
    return record(ledger, Record(told)).position
