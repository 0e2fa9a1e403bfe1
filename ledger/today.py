"""Today, for whoever answers for the data: what is overdue, due soon, on track.

Counts only, and read, never folded over everybody: the live tables, small partial indexes, and the
facts of the requests that are not answered. `prompt` is cheap and asked anew each time; `counted`
goes over everybody's live rows in the database, so whoever shows it remembers it for a minute. What
this file never does: name a person. Read next: `ledger/store/dashboard.py`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import NamedTuple

from ledger.application import Ledger
from ledger.calendar import Day, Instant, add_days, day_of, start_of
from ledger.erasing.journal import Journal
from ledger.outbound.standing import declared
from ledger.policy import stale, telling
from ledger.policy.holds import open_holds
from ledger.policy.requests import judged, no_promise
from ledger.projections.live import standing
from ledger.requests.reading import unanswered
from ledger.store import dashboard, reader
from ledger.store.population import population

SOON_DAYS = 7  # a review within so many days is due soon


class Holds(NamedTuple):
    """The open holds: how many, and of how many the review is overdue or due soon."""

    open: int
    overdue: int
    due_soon: int
    next_review: Day | None


class Seal(NamedTuple):
    """The last checkpoint: how many events it covers, until when they were recorded; how many wait,
    and since when the oldest of them."""

    size: int
    covers_until: Instant | None
    waiting: int
    waiting_since: Instant | None


class Prompt(NamedTuple):
    """What is read anew each time."""

    position: int
    requests: dict[str, int]  # overdue, due_soon, on_track
    holds: Holds
    erasures: int | None  # intents of the journal not carried out; None: this server has none
    seal: Seal
    queue: dict[str, int]  # texts that wait for a person, by how they resemble a phrase


class Counted(NamedTuple):
    """What is counted over everybody. `past`: people past a term, by class."""

    past: dict[str, tuple[int, int]]  # past the operational term, past the archive
    stale: dict[str, int]  # consents whose words changed since, by purpose
    overdue: dict[str, int]  # facts not acknowledged in time, by recipient


def prompt(ledger: Ledger, journal: Path | None) -> Prompt:
    """What is cheap: as many reads as there are open requests and holds."""
    now = ledger.clock.now()
    with ledger.database.read() as connection:
        read = dashboard.first(connection)
        position = reader.position_at(connection, None)
        owed = Counter[str]()
        for one, steps in unanswered(connection):
            found = judged(one.stream, one.subject, steps, now, no_promise)
            if found is not None and found.is_open:
                owed[found.status] += 1
        holds = [hold for rows in read.holds for hold in open_holds(standing(rows), {}, now)]
    journalled = None if journal is None else Journal(journal, ledger.keyring.origin).count()
    states = ("overdue", "due_soon", "on_track")
    return Prompt(
        position,
        {state: owed[state] for state in states},
        _holds([(hold.review, hold.overdue) for hold in holds], day_of(now)),
        None if journalled is None else journalled - read.carried_out,
        _seal(read.sealed, position),
        read.waiting,
    )


def counted(ledger: Ledger, days: int) -> Counted:
    """What is counted over everybody, in the database. `days`: that recipients have."""
    now = ledger.clock.now()
    epoch = ledger.epoch()
    book = ledger.book(epoch)
    with ledger.database.read() as connection:
        found = population(connection, book, now, source="live")
        past = {
            name: (count.subjects.past_operational, count.subjects.past_archive)
            for name, count in sorted(found.classes.items())
        }
    return Counted(past, _stale(ledger, epoch, now), _overdue(ledger, days, now))


def _holds(reviews: list[tuple[Day, bool]], today: Day) -> Holds:
    soon = add_days(today, SOON_DAYS)
    overdue = sum(late for _, late in reviews)
    due_soon = sum(not late and review <= soon for review, late in reviews)
    return Holds(len(reviews), overdue, due_soon, min((day for day, _ in reviews), default=None))


def _seal(sealed: tuple[int, Instant | None, Instant | None], position: int) -> Seal:
    size, until, since = sealed
    return Seal(size, until, max(0, position - size), since)


def _stale(ledger: Ledger, epoch: int, now: Instant) -> dict[str, int]:
    """By the rule of the verdicts, judged once for each group of consents."""
    edition, book = ledger.edition(epoch, now), ledger.book(epoch)
    stream = ledger.book_stream(epoch)
    purposes = edition.purposes
    with ledger.database.read() as connection:
        facts = reader.histories(connection, {stream})[stream] if stream else []
        forms = stale.texts(facts)
        again = [text for texts in forms.values() if len(texts) > 1 for text in texts]
        cuts = sorted({text.at for text in again})
        groups = dashboard.granted(connection, purposes, cuts)
    found: Counter[str] = Counter()
    for group in groups:
        # Whoever agreed between two publications saw what the first of them published.
        at = cuts[group.bucket - 1] if group.bucket else -1
        changed = stale.form_changed(forms.get(group.form or "", ()), at) or stale.purpose_changed(
            book.edition(group.edition), edition, purposes[group.purpose]
        )
        if changed:
            found[group.purpose] += group.people
    return dict(sorted(found.items()))


def _overdue(ledger: Ledger, days: int, now: Instant) -> dict[str, int]:
    """By the rule of what recipients are told: concerned, less those that acknowledged."""
    known = declared(ledger)
    before = start_of(add_days(day_of(now), -days))
    cuts = sorted({one.position for one in known.recipients})
    late: Counter[str] = Counter()
    concerned: dict[dashboard.Told, tuple[str, ...]] = {}
    with ledger.database.read() as connection:
        for told, position, n in dashboard.concerning(connection, before, cuts):
            concerned[told] = telling.concerned(
                _about(told, position, known.fields), known.recipients
            )
            for code in concerned[told]:
                late[code] += n
        for told, code, n in dashboard.acknowledged(connection, before, cuts):
            if code in concerned.get(told, ()):
                late[code] -= n
    return {code: n for code, n in sorted(late.items()) if n}


def _about(
    told: dashboard.Told, position: int, fields: dict[str, tuple[str, ...]]
) -> telling.About:
    classes = {told.klass or ""} | {c for name in told.changed for c in fields.get(name, ())}
    if told.kind == telling.ERASED:
        classes = {told.decision or ""}
    said = tuple(sorted(classes))
    return telling.About(told.kind, position, None, said, told.purpose, told.channel)
