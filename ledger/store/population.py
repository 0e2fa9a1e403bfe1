"""Everybody at two times, counted by the database: the numbers of `replay.fold.population`.

The terms of every class for every era come from the policy room as small tables written into the
query, so that one rule serves both ways of counting. Only counts come back, or one page of the
subjects whose term is over. Read next: `ages.py`, and `ledger/policy/terms.py`, where those tables
come from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Day, Instant, day_of
from ledger.events import ClassErased
from ledger.policy.book import Book
from ledger.policy.clocks import classes_of
from ledger.policy.consents import CHOICES, choice_of, counted_as
from ledger.policy.evaluate import moving_rows, suspending_rows, terms_table
from ledger.policy.model import CONTRACT_ENDED, Edition
from ledger.projections import activity, consents
from ledger.projections.population import ChoiceCount, ClassCount, Population, Tally
from ledger.sqltime import add_months_sql
from ledger.store import tables
from ledger.store.rebuild import (
    PACK,
    Question,
    count_kinds,
    has_corrections,
    listed,
    select_of,
    spans,
)

Source: TypeAlias = Literal["events", "live"]
"""Where facts are read: folded from the events (any two times), or the live tables, which answer
for no earlier than the last fact and for all that is known."""

ERASED = ClassErased.kind
_FOREVER = 99_999_999  # above every edition number
_PAGE = 2000  # rows fetched at a time from a long result
GROWTH = 4  # times as many people are judged for a page that the last ones did not fill


class PastDue(NamedTuple):
    """One item whose term is over where it is: in daily use, or in the archive."""

    subject: UUID
    scope: str  # '' for a class with a subject clock
    due: Day
    archive_until: Day | None


def population(
    connection: sa.Connection,
    book: Book,
    as_of: Instant,
    known: int | None = None,
    source: Source = "events",
) -> Population:
    """The counts at (`as_of`, `known`). With source 'live' the caller answers for the times."""
    query = Query(connection, book, as_of, known, source)
    events: dict[str, int] = {}
    subjects = 0
    classes: dict[str, ClassCount] = {}
    said: Counter[tuple[str, str, str, str]] = Counter()
    for what, name, channel, kind, day, *counts in query.run(_counts(book, query.unproved)):
        if what == "events":
            events[name] = counts[0]
        elif what == "subjects":
            subjects = counts[0]
        elif what == "class":
            classes[name] = ClassCount(Tally(*counts[:7]), Tally(*counts[7:]))
        else:
            for unproved, n in ((False, counts[0]), (True, counts[1])):
                found = choice_of(kind, day, book, as_of, known, name, channel, unproved=unproved)
                said[name, channel, *counted_as(found)] += n
    in_force = book.in_force(day_of(as_of), known)
    return Population(
        events=events,
        subjects=subjects,
        classes=classes,
        consents=tuple(ChoiceCount(*key, n) for key, n in sorted(said.items()) if n),
        edition=in_force.number if in_force else None,
        flags=_flags(in_force, as_of),
    )


def past_due(
    connection: sa.Connection,
    book: Book,
    as_of: Instant,
    known: int | None = None,
    *,
    klass: str,
    limit: int = 100,
    after: tuple[UUID, str] | None = None,
    source: Source = "events",
) -> list[PastDue]:
    """The items of one class past their term where they are, ordered by (subject, scope); `after`
    is that of the last item of the page before. From the live tables some people are judged at a
    time, more each time, until the page is full: its cost does not grow with everybody."""
    found: list[PastDue] = []
    start, some = after and after[0], limit * 2
    only = _holding(klass, book, known) if source == "live" else ""
    while len(found) < limit:
        below = _subject_behind(connection, start, some, only) if only else None
        window = _Window(start, after[1] if after and start == after[0] else None, below, only)
        query = Query(connection, book, as_of, known, source, klass, window=window)
        behind = "AND (subject, scope) > (:from_subject, :from_scope)"
        text = f"""SELECT subject, scope, due, archive_until FROM judged
            WHERE past + past_archive > 0 {behind if window.scope is not None else ""}
            ORDER BY subject, scope LIMIT {limit - len(found):d}"""
        found += [PastDue(*row) for row in query.run(text, sa.column("subject", tables.Id))]
        if below is None:
            break
        start, some = below, some * GROWTH
    return found


def _holding(klass: str, book: Book, known: int | None) -> str:
    """The condition that a line of activity is of an item of this class; FALSE for no such."""
    found = classes_of(book.known(known)).get(klass)
    if found is None:
        return "1 = 0"
    parts = f" OR kind IN {listed(found.parts_of)}" if found.parts_of else ""
    return f"(class = '{found.name}'{parts})"


def _subject_behind(
    connection: sa.Connection, start: UUID | None, some: int, only: str
) -> UUID | None:
    """The subject so many subjects after one (None: the first), of those with such activity."""
    subject = tables.activity.c.subject
    query = sa.select(subject).where(sa.text(only)).distinct().order_by(subject)
    if start is not None:
        query = query.where(subject >= start)
    found: UUID | None = connection.scalar(query.limit(1).offset(some))
    return found


class Past(NamedTuple):
    """One item past its term, and what is due of it: to be archived, or to be erased."""

    subject: UUID
    klass: str
    scope: str
    due: Day
    fate: Literal["archive", "erase"]


def all_past(
    connection: sa.Connection, book: Book, as_of: Instant, known: int | None = None
) -> Iterator[Past]:
    """Every item past its term where it is, by subject, as they come from the database: memory
    stays flat whatever their number. What is in the archive is listed when that is over too."""
    query = Query(connection, book, as_of, known, "events")
    text = """SELECT subject, class, scope, due, past_archive, archive_until FROM judged
        WHERE past + past_archive > 0 ORDER BY subject"""
    for subject, klass, scope, due, over, until in query.run(
        text, sa.column("subject", tables.Id), stream=True
    ):
        yield Past(subject, klass, scope, due, "erase" if over or until is None else "archive")


class Said(NamedTuple):
    """The last word of one person about one purpose over one channel."""

    subject: UUID
    purpose: str
    channel: str
    kind: str
    day: Day


def all_said(
    connection: sa.Connection, book: Book, as_of: Instant, known: int | None = None
) -> Iterator[Said]:
    """The last word of everybody about everything, but for a yes whose proof was erased since, by
    subject, as they come from the database."""
    query = Query(connection, book, as_of, known, "events")
    text = "SELECT s.subject, s.purpose, s.channel, s.kind, s.day FROM said s"
    if query.unproved:
        text += f""" LEFT JOIN ({query.unproved}) u
            ON u.subject = s.subject AND u.purpose = s.purpose AND u.channel = s.channel
            WHERE u.subject IS NULL"""
    text += " ORDER BY s.subject"
    for row in query.run(text, sa.column("subject", tables.Id), stream=True):
        yield Said(*row)


class Falling(NamedTuple):
    """How many items of a class fall due in a month (YYYYMM; BEFORE: they are due already; AFTER:
    later than was asked), or whose clock a contract stops (month None)."""

    klass: str
    what: Literal["leaving", "ending", "suspended"]
    month: int | None
    items: int


BEFORE, AFTER = 0, 999_999


def falling(
    connection: sa.Connection, book: Book, since: Day, until: Instant, known: int | None = None
) -> list[Falling]:
    """What leaves daily use, and what ends for ever, month by month from the day `since` on.

    The rule: as it will be judged at the end (`until`), if nothing more is recorded and no other
    edition is published. So a contract that ends as planned before then ends, and its clocks go on
    from there; an item is counted in the month of its last day. Counted in the database, from the
    live tables: a row for each class and month comes back.
    """
    last = day_of(until)
    query = Query(connection, book, until, known, "live")

    def month(day: str) -> str:
        return (
            f"CASE WHEN {day} < {since:d} THEN {BEFORE} WHEN {day} > {last:d} THEN {AFTER}"
            f" ELSE {day} / 100 END"
        )

    end = "(CASE WHEN archive_until IS NULL THEN due ELSE archive_until END)"
    text = f"""SELECT class, 'leaving', {month("due")}, COUNT(*) FROM judged
        WHERE suspended = 0 AND archived = 0 AND erased = 0 GROUP BY 1, 2, 3
    UNION ALL SELECT class, 'ending', {month(end)}, COUNT(*) FROM judged
        WHERE suspended = 0 AND erased = 0 GROUP BY 1, 2, 3
    UNION ALL SELECT class, 'suspended', NULL, COUNT(*) FROM judged
        WHERE suspended = 1 GROUP BY 1, 2
    ORDER BY 1, 2, 3"""
    return [Falling(*row) for row in query.run(text)]


def _flags(in_force: Edition | None, as_of: Instant) -> tuple[str, ...]:
    if in_force is None:
        return ("no_edition_known",)
    return ("edition_not_yet_in_force",) if in_force.effective_from > day_of(as_of) else ()


# --- the query ------------------------------------------------------------------------------------


class _Window(NamedTuple):
    """The people looked at: from this subject on, after this item, below that subject, of those
    with activity that fulfils a condition."""

    start: UUID | None = None
    scope: str | None = None
    below: UUID | None = None
    only: str = ""

    def where(self) -> str:
        """The condition, for a table that has subjects."""
        bounds = ["subject >= :from_subject"] if self.start is not None else []
        bounds += ["subject < :below_subject"] if self.below is not None else []
        said = " AND ".join(bounds)
        if self.only:
            within = " AND ".join([self.only, *bounds])
            said = f"{said} {'AND' if said else ''} subject IN"
            said += f" (SELECT subject FROM activity WHERE {within})"
        return f"WHERE {said}" if said else ""

    def bound(self) -> list[sa.BindParameter[Any]]:
        """What it is compared with."""
        found = [("from_subject", self.start), ("below_subject", self.below)]
        said: list[sa.BindParameter[Any]] = [
            sa.bindparam(name, id, type_=tables.Id) for name, id in found if id is not None
        ]
        if self.scope is not None:
            said.append(sa.bindparam("from_scope", self.scope))
        return said


EVERYBODY = _Window()


class Query:
    """The common part of both questions: facts, the policy's tables, and every item judged."""

    def __init__(
        self,
        connection: sa.Connection,
        book: Book,
        as_of: Instant,
        known: int | None,
        source: Source,
        klass: str | None = None,
        *,
        window: _Window = EVERYBODY,
    ) -> None:
        self.connection, self.window = connection, window
        corrections = source == "events" and has_corrections(connection)
        kinds = frozenset(count_kinds(connection)) if source == "events" else None
        question = Question(as_of, known, corrections, kinds, window.start is not None)
        self.unproved = _unproved("ended", "consents") if source == "live" else ""
        if kinds and ERASED in kinds:
            self.unproved = _unproved("ended_by", "said")
        self.names: dict[str, str] = {}
        policy = _Policy(book, as_of, known, klass)
        self.text = ",\n".join(
            [
                *(_from_live(window.where()) if source == "live" else _from_events(question)),
                self._values("classes", "class, by_item", policy.classes()),
                self._values("parts", "class, kind", policy.parts()),
                self._values("terms", f"class, {_TERM}", policy.terms()),
                self._values("moving", f"class, by_item, kind, {_TERM}", policy.moving()),
                self._values(
                    "suspending", "class, by_item, type, era_from, era_below", policy.suspending()
                ),
                _judged(day_of(as_of)),
            ]
        )

    def run(
        self,
        text: str,
        *typed: sa.ColumnClause[Any],
        stream: bool = False,
    ) -> Iterable[Any]:
        """Execute `text` over the named parts; `typed` are its first columns, if they need it.
        With `stream` rows are fetched some at a time."""
        query = sa.text(f"WITH {self.text}\n{text}").bindparams(*self.window.bound(), **self.names)
        options = {"yield_per": _PAGE} if stream else {}
        asked = query.columns(*typed) if typed else query
        if self.connection.dialect.name == "sqlite":
            return self.connection.execute(asked, execution_options=options)
        # Of the sizes of these steps the planner knows nothing: hashing never goes far wrong. What
        # else is read in this transaction is planned as ever.
        self.connection.execute(sa.text("SET LOCAL enable_nestloop = off"))
        found = self.connection.execute(asked, execution_options=options)
        self.connection.execute(sa.text("SET LOCAL enable_nestloop = on"))
        return found

    def _values(self, name: str, columns: str, rows: Sequence[Sequence[str | int | None]]) -> str:
        """A small table written into the query: integers as they are, names as bind parameters."""
        if not rows:
            types = {"class": "TEXT", "kind": "TEXT", "type": "TEXT"}
            empty = ", ".join(
                f"CAST(NULL AS {types.get(column, 'INTEGER')}) AS {column}"
                for column in columns.split(", ")
            )
            return f"{name} AS (SELECT {empty} WHERE 1 = 0)"
        listed_rows = ", ".join(f"({', '.join(map(self._literal, row))})" for row in rows)
        return f"{name} ({columns}) AS (VALUES {listed_rows})"

    def _literal(self, value: str | int | None) -> str:
        if value is None:
            return "CAST(NULL AS INTEGER)"
        if isinstance(value, int):
            return f"{value:d}"
        parameter = f"name_{len(self.names)}"
        self.names[parameter] = value
        return f":{parameter}"


_TERM = "era_from, era_below, months, archive_months, from_start"


class _Policy:
    """The policy's rules for every era, as rows. An era is a range of edition numbers: a fact of an
    era below the first edition is judged like one of the first."""

    def __init__(self, book: Book, as_of: Instant, known: int | None, klass: str | None) -> None:
        self._asked = (book, as_of, known)
        self._classes = {
            name: found
            for name, found in classes_of(book.known(known)).items()
            if klass is None or name == klass
        }
        eras = [edition.number for edition in book.known(known)]
        self._ranges = {
            era: (0 if i == 0 else era, eras[i + 1] if i + 1 < len(eras) else _FOREVER)
            for i, era in enumerate(eras)
        }

    def classes(self) -> list[tuple[str, int]]:
        """Every class, and whether it has a clock per item."""
        return [(name, int(found.clock == "item")) for name, found in self._classes.items()]

    def parts(self) -> list[tuple[str, str]]:
        """The kinds homed elsewhere whose sealed part is an item of the class."""
        items = [found for found in self._classes.values() if found.clock == "item"]
        return [(found.name, kind) for found in items for kind in found.parts_of]

    def terms(self) -> list[tuple[str | int | None, ...]]:
        """The term of each class for each era."""
        return [(name, *term) for (name, _), term in self._terms().items()]

    def moving(self) -> list[tuple[str | int | None, ...]]:
        """What moves each class, with the term that then runs."""
        terms = self._terms()
        return [
            (row.klass, int(row.clock == "item"), row.kind, *terms[row.klass, row.era])
            for row in moving_rows(*self._asked)
            if row.klass in self._classes
        ]

    def suspending(self) -> list[tuple[str | int | None, ...]]:
        """Which contracts, while open, stop the clock of each class."""
        return [
            (row.klass, int(row.clock == "item"), row.contract_type, *self._ranges[row.era])
            for row in suspending_rows(*self._asked)
            if row.klass in self._classes
        ]

    def _terms(self) -> dict[tuple[str, int], tuple[int | None, ...]]:
        return {
            (row.klass, row.era): (
                *self._ranges[row.era],
                row.operational_months,
                row.archive_months,
                int(row.archive_from == "start"),
            )
            for row in terms_table(*self._asked)
            if row.klass in self._classes
        }


def _from_events(question: Question) -> list[str]:
    return [
        f"a AS MATERIALIZED ({spans(question)})",
        f"c AS MATERIALIZED ({select_of(tables.contracts, question)})",
        f"n AS MATERIALIZED ({select_of(tables.notified, question)})",
        f"said AS ({select_of(tables.consents, question)})",
        f"ended_by AS MATERIALIZED ({select_of(tables.ended, question)})",
    ]


def _from_live(where: str) -> list[str]:
    return [
        f"""a AS MATERIALIZED (SELECT subject, class, scope, kind, edition, n,
        CAST(first_day AS BIGINT) * {PACK} + first_position AS head,
        CAST(last_day AS BIGINT) * {PACK} + last_position AS tail FROM activity {where})""",
        f"c AS (SELECT * FROM contracts {where})",
        f"n AS (SELECT * FROM notified {where})",
        f"said AS (SELECT * FROM consents {where})",
        f"ended_by AS (SELECT * FROM ended {where})",
    ]


def _judged(today: Day) -> str:
    """Each item with its start, its ends and its tier, in the steps of `ledger/policy/clocks.py`.

    Steps that compute with months are materialized, so that no expression is computed twice.
    """
    scope = "CASE WHEN m.by_item = 1 THEN {} ELSE '' END"
    era = "CASE WHEN n.edition > {0} THEN n.edition ELSE COALESCE({0}, 0) END"
    nothing = "CAST(NULL AS INTEGER)"
    ends = f"""SELECT c.subject, c.item,
        CASE WHEN ended_day IS NULL THEN planned_day ELSE ended_day END AS day,
        CASE WHEN ended_day IS NULL THEN planned_position ELSE ended_position END AS position,
        CASE WHEN ended_day IS NULL THEN planned_edition ELSE ended_edition END AS edition
        FROM c WHERE ended_day IS NOT NULL OR (planned_day < {today} AND COALESCE(tacit, 0) = 0)"""
    return f"""aged AS (SELECT a.*, {era.format("a.edition")} AS era
        FROM a LEFT JOIN n ON n.subject = a.subject),
    present AS MATERIALIZED (
        SELECT subject, class, scope, by_item, MAX(last_position) AS last_position
        FROM (SELECT a.subject, k.class, CASE WHEN k.by_item = 1 THEN a.scope ELSE '' END AS scope,
                k.by_item, a.tail % {PACK} AS last_position
            FROM a JOIN classes k ON k.class = a.class
            UNION ALL SELECT a.subject, p.class, a.scope, 1, a.tail % {PACK}
            FROM a JOIN parts p ON p.kind = a.kind WHERE a.scope <> '') u
        GROUP BY subject, class, scope, by_item),
    gone AS (
        SELECT e.subject, e.class, e.scope, MAX(e.tier) AS tier
        FROM ended_by e JOIN present p
            ON p.subject = e.subject AND p.class = e.class AND p.scope = e.scope
        GROUP BY e.subject, e.class, e.scope, e.position
        HAVING MAX(p.last_position) <= e.position),
    moves AS (
        SELECT a.subject, m.class, {scope.format("a.scope")} AS scope, m.months, m.archive_months,
            m.from_start, MAX(a.tail) AS tail
        FROM aged a JOIN moving m
            ON m.kind = a.kind AND a.era >= m.era_from AND a.era < m.era_below
        WHERE a.kind <> '{CONTRACT_ENDED}' AND m.class IN (SELECT class FROM present)
        GROUP BY 1, 2, 3, 4, 5, 6
        UNION ALL
        SELECT e.subject, m.class, {scope.format("e.item")}, m.months, m.archive_months,
            m.from_start, MAX(CAST(e.day AS BIGINT) * {PACK} + e.position)
        FROM (SELECT e.*, {era.format("e.edition")} AS era
            FROM ({ends}) e LEFT JOIN n ON n.subject = e.subject) e
        JOIN moving m
            ON m.kind = '{CONTRACT_ENDED}' AND e.era >= m.era_from AND e.era < m.era_below
        GROUP BY 1, 2, 3, 4, 5, 6),
    candidates AS MATERIALIZED (
        SELECT subject, class, scope, tail, archive_months, from_start,
            tail / {PACK} AS day, {add_months_sql(f"(tail / {PACK})", "months")} AS due
        FROM moves),
    winners AS (
        SELECT * FROM (SELECT candidates.*, ROW_NUMBER() OVER
            (PARTITION BY subject, class, scope ORDER BY due DESC, tail DESC) AS place
            FROM candidates) r
        WHERE place = 1),
    held AS (
        SELECT o.subject, m.class, {scope.format("o.item")} AS scope
        FROM (SELECT c.*, {era.format("c.planned_edition")} AS era
            FROM c LEFT JOIN n ON n.subject = c.subject
            WHERE c.from_day IS NOT NULL AND c.ended_day IS NULL
            AND (c.tacit = 1 OR c.planned_day IS NULL OR c.planned_day >= {today})) o
        JOIN suspending m
            ON m.type = o.type AND o.era >= m.era_from AND o.era < m.era_below),
    items AS MATERIALIZED (
        SELECT subject, class, scope, MAX(by_item) AS by_item, MAX(day) AS day, MAX(due) AS due,
            MAX(archive_months) AS archive_months, MAX(from_start) AS from_start,
            MAX(suspended) AS suspended
        FROM (SELECT subject, class, scope, by_item, {nothing} AS day, {nothing} AS due,
                {nothing} AS archive_months, {nothing} AS from_start, 0 AS suspended FROM present
            UNION ALL SELECT subject, class, scope, {nothing}, day, due, archive_months,
                from_start, 0 FROM winners
            UNION ALL SELECT subject, class, scope, {nothing}, {nothing}, {nothing}, {nothing},
                {nothing}, 1 FROM held) u
        GROUP BY subject, class, scope HAVING MAX(by_item) IS NOT NULL),
    firsts AS (
        SELECT i.subject, i.class, i.scope, i.suspended, MIN(a.head) AS head
        FROM items i JOIN a ON a.subject = i.subject AND (i.by_item = 0 OR a.scope = i.scope)
        WHERE i.due IS NULL GROUP BY 1, 2, 3, 4),
    fallbacks AS (
        SELECT DISTINCT f.subject, f.class, f.scope, f.suspended, f.head / {PACK} AS day, t.months,
            t.archive_months, t.from_start
        FROM firsts f JOIN aged a ON a.subject = f.subject AND a.head = f.head
        JOIN terms t ON t.class = f.class AND a.era >= t.era_from AND a.era < t.era_below),
    started AS MATERIALIZED (
        SELECT subject, class, scope, suspended, day, due, archive_months, from_start
        FROM items WHERE due IS NOT NULL
        UNION ALL SELECT subject, class, scope, suspended, day, {add_months_sql("day", "months")},
            archive_months, from_start FROM fallbacks),
    archived AS MATERIALIZED (
        SELECT subject, class, scope, suspended, day, due,
            {add_months_sql("(CASE WHEN from_start = 1 THEN day ELSE due END)", "archive_months")}
            AS archive_end FROM started),
    placed AS (
        SELECT s.subject, s.class, s.scope, s.day, s.due, g.tier,
            CASE WHEN g.tier IS NULL THEN s.suspended ELSE 0 END AS suspended,
            CASE WHEN archive_end < due THEN due ELSE archive_end END AS archive_until,
            CASE WHEN g.tier = 'archived' THEN 1 ELSE 0 END AS archived,
            CASE WHEN g.tier = 'erased' THEN 1 ELSE 0 END AS erased
        FROM archived s LEFT JOIN gone g
            ON g.subject = s.subject AND g.class = s.class AND g.scope = s.scope),
    judged AS (
        SELECT subject, class, scope, day, due, suspended, archive_until, archived, erased,
            CASE WHEN suspended = 0 AND tier IS NULL AND due < {today} THEN 1 ELSE 0 END AS past,
            CASE WHEN suspended = 0 AND erased = 0 AND due < {today}
                AND CASE WHEN archived = 1 THEN COALESCE(archive_until, due) ELSE archive_until END
                    < {today}
                THEN 1 ELSE 0 END AS past_archive
        FROM placed)"""


def _unproved(ended: str, said: str) -> str:
    """The yeses whose proof was erased since, found from the erasures, which are few: SQLite joins
    in the order in which CROSS JOIN is written, by the index where these are live tables."""
    return f"""SELECT s.* FROM {ended} g CROSS JOIN {said} s
        WHERE g.class = '{CHOICES}' AND g.scope = '' AND g.tier = 'erased' AND s.subject = g.subject
        AND s.position < g.position AND s.kind IN {listed(consents.GRANTS)}"""


def _counts(book: Book, unproved: str) -> str:
    """One row per count: what, name, channel, kind, day, then up to fourteen numbers."""
    tiers = (
        *("present", "operational", "suspended", "past", "past_archive"),
        *("archived", "erased"),
    )
    by_subject = [f"CAST(SUM(CASE WHEN {tier} > 0 THEN 1 ELSE 0 END) AS BIGINT)" for tier in tiers]
    by_item = [f"CAST(SUM({tier}) AS BIGINT)" for tier in tiers]
    nothing, less = (", ".join("0" for _ in range(n)) for n in (13, 12))
    text = "CAST(NULL AS TEXT)"
    twice = " OR ".join(f"(kind = '{k}' AND class = '{also}')" for k, also in activity.ALSO.items())
    ageing = {
        name
        for published in book.entries
        for name, purpose in published.edition.purposes.items()
        if purpose.validity_months is not None
    }
    day = f"CASE WHEN kind IN {listed(consents.GRANTS)} THEN day ELSE 0 END" if ageing else "0"
    less_said = f"""
    UNION ALL SELECT 'choice', purpose, channel, kind, day, -COUNT(*), COUNT(*), {less}
        FROM (SELECT purpose, channel, kind, {day} AS day FROM ({unproved}) u) s
        GROUP BY purpose, channel, kind, day"""
    return f"""SELECT 'events', kind, {text}, {text}, 0, CAST(SUM(n) AS BIGINT), {nothing}
        FROM a WHERE NOT ({twice}) GROUP BY kind
    UNION ALL SELECT 'subjects', {text}, {text}, {text}, 0, COUNT(DISTINCT subject), {nothing}
        FROM a
    UNION ALL SELECT 'class', class, {text}, {text}, 0, {", ".join([*by_subject, *by_item])}
        FROM (SELECT subject, class, SUM(1 - erased) AS present, SUM(suspended) AS suspended,
            SUM(past) AS past, SUM(past_archive) AS past_archive,
            SUM(archived) AS archived, SUM(erased) AS erased,
            SUM(1 - suspended - past - archived - erased) AS operational
            FROM judged GROUP BY subject, class) s
        GROUP BY class
    UNION ALL SELECT 'choice', purpose, channel, kind, day, COUNT(*), {nothing}
        FROM (SELECT purpose, channel, kind, {day} AS day FROM said) s
        GROUP BY purpose, channel, kind, day{less_said if unproved else ""}"""
