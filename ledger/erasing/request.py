"""One person's erasure: what would go, what the law keeps, and then doing it.

The rule is `ledger/policy/erasures.py`; here it is given her state and her open holds, and what it
lets go is ended by `erase.py`. A person known under several references is one person: whichever of
them asks, every reference that is joined with it is reached, each weighed by its own facts; but a
hold under any of them holds all (decision 0047). What this file never does: weigh a ground itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant, day_of
from ledger.erasing.erase import Erased, erase_scopes, settle
from ledger.erasing.journal import Journal
from ledger.errors import NotFound
from ledger.events import Fact
from ledger.policy.erasures import Outcome, outcomes
from ledger.policy.evaluate import deadlines_now
from ledger.policy.holds import HOLDING, KEEPING, Hold, open_holds, restrictions
from ledger.projections.live import standing
from ledger.store import erasure, listed, reader, states
from ledger.store.vault import Scope


def planned(
    ledger: Ledger, subject: UUID, reason: str, klass: str | None = None, item: str | None = None
) -> list[Outcome]:
    """What an erasure would do now to what has not ended yet, of one class or thing if named.

    Raises NotFound when the ledger knows no such subject, or nothing of hers of that class.
    """
    now, holds, book = ledger.clock.now(), holds_of(ledger, subject), ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        state = states.live_state(connection, subject)
        found = outcomes(deadlines_now(state, book, now), holds, reason, day_of(now))
        scopes = {Scope(subject, one.klass, one.scope): one for one in found}
        alive = erasure.living(connection, list(scopes))
    if not state.activity:
        raise NotFound("this ledger knows no such subject")
    wanted = [
        one
        for scope, one in scopes.items()
        if scope in alive and klass in (None, one.klass) and item in (None, one.scope)
    ]
    if not wanted and klass is not None:
        raise NotFound("nothing of this class, or no such item of it, is there to erase")
    return wanted


def everybody(ledger: Ledger, subject: UUID) -> tuple[UUID, ...]:
    """Every id of one person: the one that is kept first, then those joined with it."""
    return ledger.joins(ledger.epoch()).family(subject)


def planned_everywhere(
    ledger: Ledger, subject: UUID, reason: str, klass: str | None = None, item: str | None = None
) -> dict[UUID, list[Outcome]]:
    """What an erasure would do now under each of her references, those with nothing left as empty.

    Raises NotFound when none of them has anything of that class, or the ledger knows nobody.
    """
    found: dict[UUID, list[Outcome]] = {}
    missing: NotFound | None = None
    people = everybody(ledger, subject)
    for who in (subject, *(one for one in people if one != subject)):
        try:
            found[who] = planned(ledger, who, reason, klass, item)
        except NotFound as error:
            found[who], missing = [], missing or error
    if missing is not None and not any(found.values()):
        raise missing
    return found


def erase_everywhere(
    ledger: Ledger,
    outcome: Mapping[UUID, Sequence[Outcome]],
    *,
    journal: Path,
    reason: str,
    article: str | None = None,
    request: UUID | None = None,
) -> None:
    """Erase what the outcome lets go, reference by reference; the one that is kept last, so that
    who is joined with whom is known until the end. A crash between two leaves whole references
    erased: asked again, the rest goes."""
    if not outcome:
        return
    kept = everybody(ledger, next(iter(outcome)))[0]
    for who, mine in sorted(outcome.items(), key=lambda one: one[0] == kept):
        if any(not one.is_kept for one in mine):
            erase_person(
                ledger, who, mine, journal=journal, reason=reason, article=article, request=request
            )


def erase_person(
    ledger: Ledger,
    subject: UUID,
    outcome: Sequence[Outcome],
    *,
    journal: Path,
    reason: str,
    article: str | None = None,
    request: UUID | None = None,
) -> list[Erased]:
    """Erase what the outcome lets go. A hold placed since it was planned is looked for again."""
    # What an erasure that was cut had intended comes first, committed before we look again.
    settle(ledger, Journal(journal, ledger.keyring.origin))
    with ledger.recorder.alone():
        now = planned(ledger, subject, reason)
        kept = {(one.klass, one.scope) for one in now if one.is_kept}
        going = [one for one in outcome if not one.is_kept]
        scopes = [
            Scope(subject, one.klass, one.scope)
            for one in going
            if (one.klass, one.scope) not in kept
        ]
        done = erase_scopes(
            ledger, scopes, journal=journal, reason=reason, article=article, request=request
        )
    settle(ledger, Journal(journal, ledger.keyring.origin))
    erasure.tidy(ledger.database)
    return done


def holds_of(
    ledger: Ledger, subject: UUID, at: Instant | None = None, *, restricted: bool = False
) -> list[Hold]:
    """Her holds, as known, that are open at that moment (None: now), under whichever reference of
    hers they were placed; with what she asked herself to keep (`restricted`), which stops the end
    of a term and nothing else."""
    moment = ledger.clock.now() if at is None else at
    with ledger.database.read() as connection:
        states.look_at(connection, subject, states.KEPT, states.LIVE)
    joins = ledger.joins(ledger.epoch())
    with ledger.database.read() as connection:
        family = joins.family(subject)
        hers = [states.rows_of_holds(connection, one) for one in family]
        rows = [row for some in hers for row in standing(some) if row.kind in KEEPING]
        held = (row.position for row in rows if row.kind in HOLDING)
        events = [reader.event_at(connection, position) for position in held]
    facts: dict[int, Fact] = {event.position: event.fact for event in events if event}
    found = open_holds(rows, facts, moment)
    return found + restrictions(rows, moment, joins=joins) if restricted else found


def ever_held(ledger: Ledger, people: Collection[UUID]) -> set[UUID]:
    """Those of these people of whom something was ever to be kept, under any reference of hers."""
    joins = ledger.joins(ledger.epoch())
    family = {who: joins.family(who) for who in people}
    with ledger.database.read() as connection:
        held = listed.ever_held(connection, {one for ids in family.values() for one in ids})
    return {who for who, ids in family.items() if not held.isdisjoint(ids)}
