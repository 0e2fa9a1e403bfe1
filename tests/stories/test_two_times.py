"""The two-times rules as a table of cases: what was true on D, as it was known on R.

Each case is a history as it was told (recorded when, happened when), two dates and the answer, by
the fold and the policy room. Dates without a time mean the end of that day in Paris.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger.calendar import parse_as_of, parse_moment
from ledger.events import CORRECTION, KINDS, VOID, Row
from ledger.policy.book import Book, shipped
from ledger.policy.evaluate import choice, deadlines
from ledger.projections.model import SubjectState
from replay.fold import fold_subject

SHE = UUID(int=1)
FIRST, SECOND = 20181120, 20250101


class Told(NamedTuple):
    """A fact of the history: when it was recorded, its kind, when it happened (else: then)."""

    recorded: str
    kind: str
    happened: str | None = None
    actor: str = "self"
    columns: tuple[tuple[str, Any], ...] = ()


def told(recorded: str, kind: str, happened: str | None = None, **columns: Any) -> Told:
    """A fact as it was told; `actor` is 'self' unless said otherwise."""
    actor = columns.pop("actor", "self")
    return Told(recorded, kind, happened, actor, tuple(columns.items()))


def rows(history: tuple[Told, ...]) -> list[Row]:
    """The history as rows: the first has position 1."""
    return [_row(one, position) for position, one in enumerate(history, start=1)]


def _row(one: Told, position: int) -> Row:
    recorded = parse_as_of(one.recorded)
    at, grain, day = parse_moment(one.happened or one.recorded)
    kind = {"corrected": CORRECTION, "voided": VOID}.get(one.kind, f"{one.kind}.v1")
    homes = KINDS[kind].homes
    klass = homes[0] if homes else "order"
    consent = klass == "consent"
    row = Row(
        position, SHE, position, kind, SHE, klass,
        None, "newsletter" if consent else None, "email" if consent else None, None, None, None,
        one.actor, FIRST, None, None, None, at, grain, day, recorded,
    )  # fmt: skip
    return row._replace(**dict(one.columns))


def at_two_times(
    history: tuple[Told, ...], happened_by: str, known_by: str
) -> tuple[SubjectState, int, int]:
    """Her state, with the instant and the position it is for."""
    recorded = rows(history)
    as_of, known_at = parse_as_of(happened_by), parse_as_of(known_by)
    known = max((row.position for row in recorded if row.recorded_at <= known_at), default=0)
    return fold_subject(recorded, as_of, known), as_of, known


def book(*later: tuple[int, int]) -> Book:
    """The shipped edition, then one each for (months for orders, position); all known from the
    beginning when their position is not above 0."""
    known = Book().with_edition(shipped(), -1)
    for months, position in later:
        order = replace(shipped().classes["order"], operational_months=months)
        edition = replace(
            shipped(),
            id=f"orders-{months}",
            effective_from=SECOND,
            pol=f"{months:064x}",
            classes={**shipped().classes, "order": order},
        )
        known = known.with_edition(edition, position)
    return known


class Story(NamedTuple):
    """A history and the two dates of the question, whatever is asked."""

    history: tuple[Told, ...]
    day: str
    known_by: str


# --- choices --------------------------------------------------------------------------------------

LETTER = (
    told("2025-03-10T09:00:00Z", "consent.given"),
    told("2025-03-12T14:00:00Z", "consent.withdrawn", "2025-03-05", actor="agent"),
)
WITHDRAWN_2015 = told("2020-01-01T00:00:00Z", "consent.withdrawn", "2015-04-01", actor="import")
GRANTED_2018 = told("2020-01-01T00:00:01Z", "consent.given", "2018-05-25", actor="import")
FILE = (WITHDRAWN_2015, GRANTED_2018)
REVERSED = (
    GRANTED_2018._replace(recorded="2020-01-01T00:00:00Z"),
    WITHDRAWN_2015._replace(recorded="2020-01-01T00:00:01Z"),
)
STOP = told("2025-03-10T09:00:00Z", "consent.withdrawn")
BACKDATED = told("2025-03-20T09:00:00Z", "consent.given", "2025-03-15")
OBJECTION = told("2025-03-10T09:00:00Z", "objection.raised")
TWICE_CORRECTED = (
    told("2025-03-01T09:00:00Z", "consent.withdrawn"),
    told("2025-03-02T09:00:00Z", "voided", ref_position=1),
    told("2025-03-20T09:00:00Z", "consent.given", "2025-02-15"),
)
CHOICES = {
    "before the letter is keyed the grant stands": (
        LETTER, "2025-03-11", "2025-03-11", "ConsentGiven"),
    "before the letter is keyed nothing is known of the day it came": (
        LETTER, "2025-03-06", "2025-03-11", "ConsentUnknown"),
    "once keyed the letter of the 5th counts from the 5th": (
        LETTER, "2025-03-06", "2025-03-12", "ConsentWithdrawn"),
    "once keyed the letter still counts on the day before the grant": (
        LETTER, "2025-03-09", "2025-03-12", "ConsentWithdrawn"),
    "a later-dated grant outlives a letter keyed after it and asks for a human eye": (
        LETTER, "2025-03-12", "2025-03-12", "ConsentGiven, to review"),
    "an old file in order: the grant of 2018 wins over the withdrawal of 2015": (
        FILE, "2020-01-02", "2020-01-02", "ConsentGiven"),
    "an old file in reverse: the grant of 2018 wins all the same, with nothing to review": (
        REVERSED, "2020-01-02", "2020-01-02", "ConsentGiven"),
    "an old file in order: in 2016 she had withdrawn": (
        FILE, "2016-01-01", "2020-01-02", "ConsentWithdrawn"),
    "an old file in reverse: in 2016 she had withdrawn": (
        REVERSED, "2016-01-01", "2020-01-02", "ConsentWithdrawn"),
    "before the file was imported nothing was known": (
        FILE, "2019-12-31", "2019-12-31", "ConsentUnknown"),
    "a grant dated back does not undo a withdrawal recorded before it": (
        (STOP, BACKDATED), "2025-03-21", "2025-03-21", "ConsentWithdrawn"),
    "a grant dated back does not undo an objection recorded before it": (
        (OBJECTION, BACKDATED), "2025-03-21", "2025-03-21", "ConsentRefused"),
    "a grant dated before the withdrawal it follows says nothing about the days before": (
        (STOP, BACKDATED._replace(happened="2025-03-01")), "2025-03-05", "2025-03-21",
        "ConsentUnknown"),
    "a grant dated back counts where nothing was ever withdrawn": (
        (BACKDATED,), "2025-03-16", "2025-03-21", "ConsentGiven"),
    "a grant dated back counts when the withdrawal was recorded after it": (
        (BACKDATED, told("2025-03-21T09:00:00Z", "consent.withdrawn", "2025-03-01")),
        "2025-03-21", "2025-03-21", "ConsentGiven, to review"),
    "five minutes late is not dated back": (
        (STOP, told("2025-03-20T09:00:00Z", "consent.given", "2025-03-20T08:55:00Z")),
        "2025-03-20", "2025-03-20", "ConsentGiven"),
    "five minutes and a microsecond late is dated back": (
        (STOP, told("2025-03-20T09:00:00Z", "consent.given", "2025-03-20T08:54:59.999999Z")),
        "2025-03-20", "2025-03-20", "ConsentWithdrawn"),
    "an imported grant is never ignored for its age": (
        (STOP, BACKDATED._replace(actor="import")), "2025-03-21", "2025-03-21", "ConsentGiven"),
    "a fresh grant after a withdrawal counts": (
        (STOP, told("2025-03-20T09:00:00Z", "consent.given")), "2025-03-20", "2025-03-20",
        "ConsentGiven"),
    "at one instant the withdrawal wins, in whichever order they came": (
        (STOP, told("2025-03-10T09:00:00.000001Z", "consent.given", "2025-03-10T09:00:00Z")),
        "2025-03-11", "2025-03-11", "ConsentWithdrawn"),
    "a question after an answer changes nothing": (
        (STOP, told("2025-03-20T09:00:00Z", "consent.requested")), "2025-03-21", "2025-03-21",
        "ConsentWithdrawn"),
    "a voided withdrawal stops nothing, not even a grant dated back": (
        TWICE_CORRECTED, "2025-03-21", "2025-03-21", "ConsentGiven"),
    "until it is voided the withdrawal stands": (
        TWICE_CORRECTED, "2025-03-01", "2025-03-01", "ConsentWithdrawn"),
}  # fmt: skip


@pytest.mark.parametrize(("history", "day", "known_by", "expected"), CHOICES.values(), ids=CHOICES)
def test_choices(history: tuple[Told, ...], day: str, known_by: str, expected: str) -> None:
    """What she had chosen about the newsletter by e-mail."""
    state, as_of, known = at_two_times(history, day, known_by)
    found = choice(state, book(), as_of, known, "newsletter", "email")
    assert found.state + (", to review" if found.needs_review else "") == expected


# --- deadlines ------------------------------------------------------------------------------------

EARLY = told("2020-01-10T12:00:00Z", "order.placed")
LATE = told("2025-07-01T12:00:00Z", "order.placed", "2024-06-01")
WRONG = (
    told("2024-05-02T12:00:00Z", "order.placed"),
    told("2024-06-10T12:00:00Z", "corrected", "2023-05-02", ref_position=1),
)
WRONG_AGAIN = (*WRONG, told("2024-06-20T12:00:00Z", "corrected", "2023-09-09", ref_position=1))
VOIDED = (*WRONG, told("2024-06-20T12:00:00Z", "voided", ref_position=1))
OLD = told("2022-06-01T12:00:00Z", "order.placed")
NEW = told("2025-02-01T12:00:00Z", "order.placed", edition=SECOND)
NOTICE = told("2025-02-01T12:00:00Z", "policy.notified", until_day=SECOND, edition=SECOND)
NONE, SHORTER, LONGER = book(), book((24, 0)), book((120, 0))
DEADLINES = {
    "a late purchase: before it is known the term of the first runs out": (
        (EARLY, LATE), NONE, "2025-06-30", "2025-06-30", (20250110, "past_operational")),
    "a late purchase: once known, the clock had moved on the day it happened": (
        (EARLY, LATE), NONE, "2025-06-30", "2025-07-01", (20290601, "operational")),
    "a late purchase changes nothing before the day it happened": (
        (EARLY, LATE), NONE, "2024-01-01", "2025-07-01", (20250110, "operational")),
    "a late purchase older than the last one moves nothing": (
        (OLD, told("2022-07-01T12:00:00Z", "order.placed", "2020-01-01")), NONE, "2022-08-01",
        "2022-08-01", (20270601, "operational")),
    "a correction: before it, the day first written": (
        WRONG, NONE, "2024-06-01", "2024-06-01", (20290502, "operational")),
    "a correction: after it, the day put right": (
        WRONG, NONE, "2024-06-01", "2024-06-10", (20280502, "operational")),
    "a correction is judged by the day put right, even before the first was written": (
        WRONG, NONE, "2023-06-01", "2024-06-10", (20280502, "operational")),
    "a correction is not known before it is recorded": (
        WRONG, NONE, "2023-06-01", "2024-06-01", None),
    "of two corrections the last recorded speaks": (
        WRONG_AGAIN, NONE, "2024-06-30", "2024-06-30", (20280909, "operational")),
    "a voided fact is gone": (VOIDED, NONE, "2024-06-30", "2024-06-30", None),
    "a voided fact was there until it was voided": (
        VOIDED, NONE, "2024-06-30", "2024-06-11", (20280502, "operational")),
    "on the anniversary the term still runs": (
        (told("2019-06-30T12:00:00Z", "order.placed"),), NONE, "2024-06-30", "2024-06-30",
        (20240630, "operational")),
    "the day after the anniversary it is over": (
        (told("2019-06-30T12:00:00Z", "order.placed"),), NONE, "2024-07-01", "2024-07-01",
        (20240630, "past_operational")),
    "from a 29 February it ends on the 28th": (
        (told("2020-02-29T12:00:00Z", "order.placed"),), NONE, "2025-02-28", "2025-02-28",
        (20250228, "operational")),
    "from a 29 February it is over on 1 March": (
        (told("2020-02-29T12:00:00Z", "order.placed"),), NONE, "2025-03-01", "2025-03-01",
        (20250228, "past_operational")),
    "on a day of 23 hours it runs until 22:00 UTC": (
        (told("2020-03-30", "order.placed"),), NONE, "2025-03-30T21:59:59.999999Z", "2025-04-01",
        (20250330, "operational")),
    "on a day of 23 hours it is over at 22:00 UTC": (
        (told("2020-03-30", "order.placed"),), NONE, "2025-03-30T22:00:00Z", "2025-04-01",
        (20250330, "past_operational")),
    "on a day of 25 hours it runs until 23:00 UTC": (
        (told("2020-10-26", "order.placed"),), NONE, "2025-10-26T22:59:59.999999Z", "2025-11-01",
        (20251026, "operational")),
    "on a day of 25 hours it is over at 23:00 UTC": (
        (told("2020-10-26", "order.placed"),), NONE, "2025-10-26T23:00:00Z", "2025-11-01",
        (20251026, "past_operational")),
    "a purchase at 22:30 UTC in summer is of the next day in Paris": (
        (told("2019-06-29T22:30:00Z", "order.placed"),), NONE, "2024-06-30", "2024-06-30",
        (20240630, "operational")),
    "an edition that shortens does nothing before its day": (
        (OLD,), SHORTER, "2024-12-31", "2025-06-01", (20270601, "operational")),
    "an edition that shortens applies at once to what was there": (
        (OLD,), SHORTER, "2025-01-01", "2025-06-01", (20240601, "past_operational")),
    "an edition that shortens does nothing while it is not known": (
        (OLD,), book((24, 2)), "2025-01-01", "2025-06-01", (20270601, "operational")),
    "an edition that lengthens leaves an older purchase its term": (
        (OLD,), LONGER, "2025-03-01", "2025-03-01", (20270601, "operational")),
    "an edition that lengthens holds for a purchase of its own days": (
        (OLD, NEW), LONGER, "2025-03-01", "2025-03-01", (20350201, "operational")),
    "an edition that lengthens holds for older facts of whom was told": (
        (OLD, NOTICE), LONGER, "2025-03-01", "2025-03-01", (20320601, "operational")),
    "being told counts from the day it happened": (
        (OLD, NOTICE), LONGER, "2025-01-31", "2025-03-01", (20270601, "operational")),
    "being told counts once it is known": (
        (OLD, NOTICE), LONGER, "2025-03-01", "2025-01-31", (20270601, "operational")),
}  # fmt: skip


@pytest.mark.parametrize(
    ("history", "editions", "day", "known_by", "expected"), DEADLINES.values(), ids=DEADLINES
)
def test_deadlines(
    history: tuple[Told, ...],
    editions: Book,
    day: str,
    known_by: str,
    expected: tuple[int, str] | None,
) -> None:
    """Until when her orders may be in daily use."""
    state, as_of, known = at_two_times(history, day, known_by)
    found = [d for d in deadlines(state, editions, as_of, known) if d.klass == "order"]
    assert [(d.operational_until, d.tier_now) for d in found] == ([expected] if expected else [])


# --- contracts ------------------------------------------------------------------------------------


def _contract(recorded: str, verb: str, happened: str | None = None, **columns: Any) -> Told:
    return told(recorded, f"contract.{verb}", happened, item="c1", **columns)


SERVICE = _contract("2020-01-01T12:00:00Z", "started", basis="service", until_day=20210101)
RENEWED = _contract("2021-02-01T12:00:00Z", "renewed", "2020-12-15", until_day=20230101)
ENDED = _contract("2022-06-01T12:00:00Z", "ended", "2022-05-31", edition=FIRST)
BOUGHT = told("2020-01-01T12:00:00Z", "order.placed")
CONTRACTS = {
    "a running contract suspends the clock": (
        (BOUGHT, SERVICE), "2020-06-01", "2020-06-01", (None, 1)),
    "on the planned last day it still runs": (
        (BOUGHT, SERVICE), "2021-01-01", "2021-01-01", (None, 1)),
    "after the planned end, without a renewal known, the clock starts on that day": (
        (BOUGHT, SERVICE, RENEWED), "2021-01-15", "2021-01-15", (20260101, 0)),
    "a renewal keyed late had kept it running": (
        (BOUGHT, SERVICE, RENEWED), "2021-01-15", "2021-02-01", (None, 1)),
    "an end keyed late counts from the day it happened": (
        (BOUGHT, SERVICE, RENEWED, ENDED), "2022-05-31", "2022-06-01", (20270531, 0)),
    "an end keyed late changes nothing the day before": (
        (BOUGHT, SERVICE, RENEWED, ENDED), "2022-05-30", "2022-06-01", (None, 1)),
    "told in reverse order it is the same contract": (
        (BOUGHT, RENEWED._replace(recorded="2020-01-01T12:00:00Z"),
         SERVICE._replace(recorded="2021-02-01T12:00:00Z", happened="2020-01-01T12:00:00Z")),
        "2021-01-15", "2021-02-01", (None, 1)),
    "a tacit renewal goes on after the planned end": (
        (BOUGHT, SERVICE._replace(columns=(*SERVICE.columns, ("decision", "tacit")))),
        "2024-01-01", "2024-01-01", (None, 1)),
}  # fmt: skip


@pytest.mark.parametrize(
    ("history", "day", "known_by", "expected"), CONTRACTS.values(), ids=CONTRACTS
)
def test_contracts(
    history: tuple[Told, ...], day: str, known_by: str, expected: tuple[int | None, int]
) -> None:
    """Until when her orders may be in daily use, and how many contracts suspend that term."""
    state, as_of, known = at_two_times(history, day, known_by)
    found = next(d for d in deadlines(state, book(), as_of, known) if d.klass == "order")
    assert (found.operational_until, len(found.suspended_by)) == expected


STORIES = [
    *(Story(history, day, known_by) for history, day, known_by, _ in CHOICES.values()),
    *(Story(history, day, known_by) for history, _, day, known_by, _ in DEADLINES.values()),
    *(Story(history, day, known_by) for history, day, known_by, _ in CONTRACTS.values()),
]
"""All of them, for whoever must tell them alike."""
