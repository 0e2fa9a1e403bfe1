"""Who may consult the archive, and each consultation on record before it is opened (SS-RET-2).

A consultation names the reader, the motive, the case (sealed), the grant and the keys it is about;
whoever approves it records it a second time. Everything is read and decided under the head lock, so
that no grant ends and no key dies between the decision and the record. A crash afterwards leaves a
consultation that opened nothing, never an opening without a consultation. What this file never
does: open. Read next: `asking.py`.
"""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from ledger.acting import act, act_of
from ledger.aggregates.archive import ARTICLE, CLAUSE, Asked, Grant, refuse_consultation
from ledger.application import Ledger
from ledger.calendar import Day, moment_of_instant
from ledger.errors import NotFound, Refusal, Refused
from ledger.events import AccessGranted, AccessRevoked, ArchiveConsulted
from ledger.events.ending import MOTIVES
from ledger.store import archive as questions


class Consultation(NamedTuple):
    """A wish to see one record of the archive: one person, one class (or one scope of it), one
    case. Staff are named by code, never by name."""

    subject: UUID
    of: str
    reader: str
    grant: UUID
    motive: str | None
    case: str | None
    scope: str | None = None
    approver: str | None = None


def grant(
    ledger: Ledger, holder: str, classes: tuple[str, ...], until: Day, approver: str
) -> tuple[UUID, int]:
    """Let `holder` consult these archived classes until a day. Returns the grant and its position.

    Raises Refused without a second pair of eyes, or for a class that the policy does not know.
    """
    with ledger.recorder.alone():
        now = ledger.clock.now()
        known = ledger.edition(ledger.epoch(), now).classes
        if not classes or not set(classes) <= set(known):
            raise _refused("malformed", "no such data class in the policy in force", "classes")
        fact = AccessGranted(
            occurred=moment_of_instant(now),
            actor="agent",
            holder=holder,
            classes=tuple(sorted(set(classes))),
            until=until,
            approver=approver,
        )
        new = act_of(fact)
        (written,) = act(ledger, [new])
    return new.stream, written.position


def revoke(ledger: Ledger, given: UUID, approver: str) -> int:
    """End a grant today. Returns the position. Raises Refused when there is none to end."""
    with ledger.recorder.alone():
        _grant(ledger, given)
        now = moment_of_instant(ledger.clock.now())
        fact = AccessRevoked(occurred=now, actor="agent", approver=approver)
        (written,) = act(ledger, [act_of(fact, given)])
    return written.position


def consult(ledger: Ledger, wish: Consultation) -> tuple[UUID, int]:
    """Record that somebody consults the archive. Returns the consultation, and the position to open
    it by.

    Raises Refused without a motive of the closed list, a case, a live grant of this reader for this
    class, or an archived key of this class and scope.
    """
    if wish.motive not in MOTIVES:
        said = f"the archive is opened for a motive: {', '.join(MOTIVES)}"
        raise _refused("archived-motive-required", said, "motive")
    _check_case(wish.case)
    with ledger.recorder.alone():
        now = moment_of_instant(ledger.clock.now())
        _check_grant(_grant(ledger, wish.grant), wish, now.day)
        keys = questions.archived_keys(ledger.database, wish.subject, wish.of, wish.scope)
        if not keys:
            raise _refused("not-archived", "nothing of this class and scope is in the archive")
        fact = ArchiveConsulted(
            occurred=now,
            actor="agent",
            subject=wish.subject,
            item=str(now.day),
            reader=wish.reader,
            motive=wish.motive,
            of=wish.of,
            scope=wish.scope,
            keys=tuple(key.kid for key in keys),
            grant=wish.grant,
            approver=wish.approver,
            case=wish.case,
        )
        new = act_of(fact)
        (written,) = act(ledger, [new])
    return new.stream, written.position


def approve(ledger: Ledger, consultation: UUID, approver: str, case: str | None) -> int:
    """Record that somebody else approves a consultation, and of which case: it is asked for again,
    word for word, in both names (decision 0030). Returns the position to open it by.

    Raises NotFound; Refused by her who asked, a second time, without a case, or when the grant, or
    what it is about, has ended.
    """
    _check_case(case)
    with ledger.recorder.alone():
        state = ledger.state(consultation) if ledger.version(consultation) else None
        asked = state.asked if isinstance(state, Grant) else None
        if asked is None or asked.subject is None:
            raise NotFound("there is no such consultation")
        now = moment_of_instant(ledger.clock.now())
        _check_grant(_grant(ledger, asked.grant), asked, now.day)
        if len(questions.living(ledger.database, asked.keys)) != len(asked.keys):
            raise _refused("erased", "what this consultation is about was erased meanwhile")
        fact = ArchiveConsulted(
            **asked._replace(approver=approver)._asdict(),
            occurred=now,
            actor="agent",
            item=str(now.day),
            case=case,
        )
        (written,) = act(ledger, [act_of(fact, consultation)])
    return written.position


def _grant(ledger: Ledger, stream: UUID) -> Grant:
    state = ledger.state(stream) if ledger.version(stream) else None
    if not isinstance(state, Grant) or state.holder is None:
        raise _refused("no-grant", "there is no such grant", "grant")
    return state


def _check_case(case: str | None) -> None:
    if not (case or "").strip():
        raise _refused("archived-motive-required", "name the case that this is about", "case")


def _check_grant(given: Grant, wish: Consultation | Asked, today: Day) -> None:
    refusal = refuse_consultation(given, wish.reader, wish.of, today)
    if refusal is not None:
        raise Refused(refusal)


def _refused(problem: str, detail: str, field: str | None = None) -> Refused:
    return Refused(Refusal(problem, detail, CLAUSE, ARTICLE, field))
