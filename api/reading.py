"""Reads of personal data by staff: recorded first, opened after, as `data.read`.

What counts is a sealed part that is opened for somebody who is not the person herself: a name, an
address, a text. Verdicts, deadlines and the timeline hold none, and machines that ask "may I?" see
none. Every endpoint that shows opened parts calls `record_read` before it opens the first one.
Crash between: a read stands on record that nobody saw; never the reverse. Where a fact names who
read, it is the id of a key, or a keyed hash for staff of an identity provider: never a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

import ledger.store.timeline as history
from api.access import Who
from api.answers import restricted_json
from api.facts import an_object, check_keys, check_strict
from api.problems import Problem
from ledger.application import Ledger
from ledger.calendar import format_day, format_instant, moment_of_instant
from ledger.commands import Record
from ledger.errors import BadData, Refusal, Refused
from ledger.events import DataRead
from ledger.fields import CODE, INTEGER, Unreadable
from ledger.handlers import record
from ledger.store import reader
from ledger.store.timeline import Told

PAGE = 100  # facts looked at for one answer
WHILE_RESTRICTED = frozenset(
    (
        *("rights_request", "access_request", "complaint", "consent"),  # she asks for it, or agrees
        "correction",  # what is contested is looked at, to be put right (GDPR art. 18(1)(a))
        *("litigation", "legal_claims", "rights_of_others", "public_interest"),
    )
)
"""The reasons for which the data of somebody who had its use restricted may be read: whatever else
is done with it than keeping it needs one of those of GDPR art. 18(2)."""
RESTRICTED = Refusal(
    "restricted",
    "the use of this person's data is restricted, and not for this reason",
    "SS-DSR-5",
    "RGPD art. 18(2)",
    "reason",
)
CLASSES_MAX = 20


class Reading(NamedTuple):
    """What somebody wants to read of one person, and why."""

    classes: tuple[str, ...]
    reason: str
    case: str | None = None
    after: int = 0  # position


def record_read(
    ledger: Ledger,
    who: Who,
    subject: UUID,
    classes: Sequence[str],
    reason: str,
    case: str | None = None,
) -> int | None:
    """Record that `who` is about to read these classes of one person, for this reason (codes).
    Returns the position; None, and nothing recorded, when she reads what is her own.

    Raises NotFound for somebody unknown, Refused for somebody erased.
    """
    if who.subject == subject:
        return None
    fact = DataRead(
        subject=subject,
        occurred=moment_of_instant(ledger.clock.now()),
        actor="agent",
        reader=who.id,
        classes=tuple(classes),
        reason=reason,
        case=case,
    )
    return record(ledger, Record(fact)).position


def reading_of(value: Any) -> Reading:
    """What a body asks for. Raises Problem, naming a field and never what was in it."""
    try:
        check_strict(value)
        item = an_object("item", value)
        check_keys("item", item, Reading._fields)
        classes = item.get("classes")
        if not isinstance(classes, list) or not 1 <= len(classes) <= CLASSES_MAX:
            raise BadData(f"field 'classes' must be an array of 1 to {CLASSES_MAX} codes")
        named = tuple(sorted({_code("classes", one) for one in classes}))
        case = None if item.get("case") is None else _code("case", item["case"])
        after = loaded("after", INTEGER, item.get("after", 0))
        return Reading(named, _code("reason", item.get("reason")), case, after)
    except Refused as refused:
        raise Problem(refused.refusal.problem, refused.refusal.detail) from None
    except BadData as error:
        raise Problem("malformed", str(error)) from None


def reading_answer(ledger: Ledger, who: Who, subject: UUID, asked: Reading) -> dict[str, Any]:
    """The personal fields of these classes, fact by fact in the order of the log, as they were
    recorded; of what is archived, erased or lost, that it is. Recorded before it is opened. Raises
    Refused while the use of her data is restricted, unless the reason is one that art. 18(2) leaves
    open."""
    now = ledger.clock.now()
    edition = ledger.edition(ledger.epoch(), now)
    if not edition.classes.keys() >= set(asked.classes):
        raise Problem(
            "class-undeclared", "field 'classes' names one that the policy in force does not have"
        )
    if asked.reason not in WHILE_RESTRICTED and restricted_json(ledger, subject, now, is_now=True):
        raise Refused(RESTRICTED)
    read = record_read(ledger, who, subject, asked.classes, asked.reason, asked.case)
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        told = history.page(connection, (subject,), asked.after, known, PAGE)
        items = [
            _item(one, ledger.vault.open(connection, one.row.position, asked.classes))
            for one in told
            if any(name in asked.classes for name, _ in one.parts)
        ]
    has_more = len(told) == PAGE
    last = told[-1].row.position if has_more else None
    return {"read": read, "subject": str(subject), "items": items, "next": last}


def _item(told: Told, opened: dict[str, Any] | Unreadable) -> dict[str, Any]:
    row, is_closed = told.row, isinstance(opened, Unreadable)
    is_day = row.grain == "day"
    return {
        "position": row.position,
        "kind": row.kind,
        "occurred": format_day(row.local_day) if is_day else format_instant(row.occurred_at),
        "state": opened.value if isinstance(opened, Unreadable) else "opened",
        "data": {} if is_closed else opened,
    }


def _code(name: str, value: Any) -> str:
    return str(loaded(name, CODE, value))


def loaded(name: str, codec: Any, value: Any) -> Any:
    """A field of a body as its codec reads it. Raises BadData naming the field."""
    try:
        return codec.load(value)
    except ValueError as error:
        raise BadData(f"field '{name}': {error}") from None
