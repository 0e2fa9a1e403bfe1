"""Retention as JSON: what is past its term, what falls due when, and the runs that act on it.

Counts are made by the database from the live tables; subjects come a page at a time. Nothing here
decides a term. Read next: `routes/retention.py`, `ledger/retention/running.py`.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from calendar import monthrange
from typing import Any, NamedTuple
from uuid import UUID

from api.answers import Times, population_answer
from api.problems import Problem
from ledger.application import Ledger
from ledger.calendar import Day, Instant, day_of, end_of, format_day, format_instant
from ledger.erasing.request import ever_held, holds_of
from ledger.errors import NotFound
from ledger.policy.cards import cards
from ledger.policy.clocks import classes_of
from ledger.projections.live import standing
from ledger.retention.judging import CARDS
from ledger.store import archival, listed, reader, runs, states
from ledger.store.population import AFTER, BEFORE, past_due
from ledger.store.population import falling as fallen
from ledger.store.runs import Asked

MONTHS, MONTHS_MAX = 24, 60
BOUND_ONLY = ("card",)
"""Of cards on file the class's term is only a bound: each ends by its own facts."""

Behind = tuple[UUID, str] | None


class Due(NamedTuple):
    """One item past its end. `what`: archive or erase."""

    subject: UUID
    scope: str
    due: Day
    archive_until: Day | None
    what: str


# --- due -----------------------------------------------------------------------------------------


def due_answer(ledger: Ledger, as_of: Instant | None) -> dict[str, Any]:
    """How many people, and items of theirs, are past their term on a day, by class."""
    found = population_answer(ledger, Times(as_of))
    tiers = ("past_operational", "past_archive")
    classes = {
        name: {tier: counted[tier] for tier in tiers}
        | {"items": {tier: counted["items"][tier] for tier in tiers}}
        for name, counted in found["classes"].items()
    }
    kept = ("as_of", "day", "position", "engine", "edition")
    return {**{name: found[name] for name in kept}, "classes": classes, "bound": list(BOUND_ONLY)}


def due_page(
    ledger: Ledger, klass: str, as_of: Instant | None, after: str | None, limit: int
) -> dict[str, Any]:
    """Whose items of one class are past their end on a day, a page at a time. Raises NotFound for a
    class that no edition has."""
    at = ledger.clock.now() if as_of is None else as_of
    if klass not in classes_of(ledger.book(ledger.epoch()).known(None)):
        raise NotFound("the policy has no such class")
    behind = _behind(after)
    if klass in CARDS:
        found, following = _cards(ledger, klass, at, behind, limit)
    else:
        found, following = _items(ledger, klass, as_of, behind, limit)
    held = _held(ledger, klass, {one.subject for one in found}, at)
    return {
        "class": klass,
        "as_of": format_instant(at),
        "items": [
            {
                "subject": str(one.subject),
                "scope": one.scope or None,
                "due": format_day(one.due),
                "archive_until": None
                if one.archive_until is None
                else format_day(one.archive_until),
                "what": "held" if one.what == "erase" and one.subject in held else one.what,
                "held_by": held.get(one.subject, []) if one.what == "erase" else [],
            }
            for one in found
        ],
        "next": None if following is None else _cursor(following),
    }


def _items(
    ledger: Ledger, klass: str, as_of: Instant | None, after: Behind, limit: int
) -> tuple[list[Due], Behind]:
    """Now, the live tables answer; of another day they do if nothing happened after it."""
    at = ledger.clock.now() if as_of is None else as_of
    book, today = ledger.book(ledger.epoch()), day_of(at)
    with ledger.database.read() as connection:
        last = None if as_of is None else reader.last_occurred(connection)
        source: Any = "live" if last is None or last <= at else "events"
        page = past_due(
            connection, book, at, klass=klass, limit=limit + 1, after=after, source=source
        )
    found = []
    for one in page[:limit]:
        over = one.archive_until is None or one.archive_until < today
        found.append(Due(*one, "erase" if over else "archive"))
    return found, page[limit - 1][:2] if len(page) > limit else None


def _cards(
    ledger: Ledger, klass: str, at: Instant, after: Behind, limit: int
) -> tuple[list[Due], Behind]:
    """Cards end by their own facts: people with cards are looked at, as many as `limit` for a
    page, so a page may hold fewer, or none, and go on all the same."""
    with ledger.database.read() as connection:
        page = archival.people_with(connection, klass, after, limit)
    book, found = ledger.book(ledger.epoch()), []
    for subject in dict.fromkeys(subject for subject, _ in page):
        with ledger.database.read() as connection:
            state = states.live_state(connection, subject)
            rows = standing(states.of_cards(connection, subject).rows)
            facts = reader.card_facts(connection, subject)
        for card in cards(state, rows, facts, book, at):
            ours = card.klass == klass and (subject, card.item) in page
            if ours and card.status == "to_be_removed" and card.until is not None:
                found.append(Due(subject, card.item, card.until, None, "erase"))
    return found, page[-1] if len(page) == limit else None


def _held(ledger: Ledger, klass: str, people: set[UUID], at: Instant) -> dict[UUID, list[str]]:
    """Those of these people of whom a hold, or what she asked to keep, blocks the class: by which
    articles."""
    found: dict[UUID, list[str]] = {}
    for subject in ever_held(ledger, people):
        holds = holds_of(ledger, subject, at, restricted=True)
        mine = [hold.article for hold in holds if klass in hold.classes or not hold.classes]
        if mine:
            found[subject] = list(dict.fromkeys(mine))
    return found


def _cursor(behind: tuple[UUID, str]) -> str:
    raw = behind[0].bytes + behind[1].encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _behind(cursor: str | None) -> Behind:
    """The last item of the page before. Raises Problem for what is no `next` of ours."""
    if cursor is None:
        return None
    try:
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        return UUID(bytes=raw[:16]), raw[16:].decode("ascii")
    except ValueError:
        detail = "'after' must be the 'next' of the page before"
        raise Problem("malformed-question", detail, field="after") from None


# --- when ----------------------------------------------------------------------------------------


def calendar_answer(ledger: Ledger, months: int) -> dict[str, Any]:
    """What leaves daily use and what ends for ever, by class, month by month from today on."""
    now = ledger.clock.now()
    today = day_of(now)
    window = [_month(today // 100, n) for n in range(months)]
    year, month = divmod(window[-1], 100)
    until = end_of(window[-1] * 100 + monthrange(year, month)[1])
    book = ledger.book(ledger.epoch())
    with ledger.database.read() as connection:
        position = reader.position_at(connection, None)
        rows = fallen(connection, book, today, until)
    classes: dict[str, dict[str, Any]] = {}
    for row in rows:
        said = classes.setdefault(row.klass, _empty(window))
        if row.month is None:
            said["suspended"] += row.items
        elif row.month in (BEFORE, AFTER):
            said[row.what]["before" if row.month == BEFORE else "after"] += row.items
        else:
            said[row.what]["months"][_named(row.month)] += row.items
    editions = [e for e in book.known(None) if today < e.effective_from <= day_of(until)]
    return {
        "from": format_day(today),
        "until": format_day(day_of(until)),
        "position": position,
        "months": [_named(month) for month in window],
        "classes": classes,
        "bound": list(BOUND_ONLY),
        "editions_within": [format_day(e.effective_from) for e in editions],
    }


def _empty(window: list[int]) -> dict[str, Any]:
    def nothing() -> dict[str, Any]:
        return {"before": 0, "months": dict.fromkeys(map(_named, window), 0), "after": 0}

    return {"leaving": nothing(), "ending": nothing(), "suspended": 0}


def _month(month: int, later: int) -> int:
    years, index = divmod(month // 100 * 12 + month % 100 - 1 + later, 12)
    return years * 100 + index + 1


def _named(month: int) -> str:
    return f"{month // 100:04d}-{month % 100:02d}"


# --- runs ----------------------------------------------------------------------------------------


def runs_answer(ledger: Ledger, before: int, limit: int) -> dict[str, Any]:
    """The run under way, if there is one, and the last ones on record, the newest first."""
    with ledger.database.read() as connection:
        current, found, ids = runs.on_record(connection, before, limit + 1)
    items = [
        {
            "position": one.position,
            "recorded_at": format_instant(one.recorded_at),
            "run": str(ids[one.position]) if one.position in ids else None,
            "rehearsal": one.fact.rehearsal,
            "due": one.fact.due,
            "archived": one.fact.archived,
            "erased": one.fact.erased,
            "held": one.fact.held,
        }
        for one in found[:limit]
    ]
    following = items[-1]["position"] if len(found) > limit else None
    under_way = None if current is None else run_json(current)
    return {"under_way": under_way, "items": items, "next": following}


def last_run(ledger: Ledger) -> int | None:
    """Where the last run on record stands in the log."""
    with ledger.database.read() as connection:
        found = listed.ran(connection, 2**53, 1)
    return found[0].position if found else None


def run_json(one: Asked) -> dict[str, Any]:
    """How far a run got."""
    state = "waiting" if one.state == "running" and one.holder is None else one.state
    return {
        "id": str(one.id),
        "rehearsal": one.rehearsal,
        "state": state,
        "asked_by": one.asked_by,
        "begun_at": format_instant(one.begun_at),
        "heard_at": format_instant(one.beat_at),
        **{name: getattr(one, name) for name in ("looked", "people", "archived", "erased", "held")},
        "position": one.position,
        "error": one.error,
        "classes": one.classes,
        "held_by": one.held_by,
        "certified": one.certified,
    }
