"""Set-based derivation: the live tables recomputed from the clear columns, in one SQL text.

One select per projection table gives its rows at any (as_of, known); `rebuild` writes them afresh
and `differences` lists every live row that is not what history says. The same text runs on SQLite
and PostgreSQL; the definition it must agree with is `replay/fold.py`. Read next:
`ledger/store/population.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Instant
from ledger.events import CORRECTION
from ledger.projections import activity, consents, contracts, ended
from ledger.projections.live import NOTIFIED
from ledger.store import tables
from ledger.store.database import Database

PACK = 2**36
"""A day and a position as one integer, `day * PACK + position`: min and max of both at once. Any
day up to the year 8999 times 68 thousand million positions fits in 63 bits."""
PACKED = f"(CAST(local_day AS BIGINT) * {PACK} + position)"

STAYS = ("subject", "position", "kind", "actor", "edition", "recorded_at")
MOVES = (
    *("class", "item", "purpose", "channel", "decision", "basis", "grade", "until_day"),
    *("occurred_at", "local_day"),
)
"""Columns of a corrected fact that stay its own, and those that the correction restates."""


def listed(codes: Iterable[str]) -> str:
    """Codes of ours as an SQL list."""
    return "(" + ", ".join(f"'{code}'" for code in sorted(codes)) + ")"


_META = listed(activity.META)
_ALSO = listed(activity.ALSO)
_EXPRESSIONS = listed(consents.RANKS)
_GRANTS, _STOPS = listed(consents.GRANTS), listed(consents.STOPS)
_NOES = listed(kind for kind, rank in consents.RANKS.items() if rank == 1)


class Question(NamedTuple):
    """Which history is asked about, as everywhere None meaning all of it.

    The others only save work: `corrections` False and a set of `kinds` must be true of the whole
    log, `from_subject` asks for subjects not below the bind parameter of that name, and `subjects`
    for these alone (PostgreSQL).
    """

    as_of: Instant | None = None
    known: int | None = None
    corrections: bool = True
    kinds: frozenset[str] | None = None
    from_subject: bool = False
    subjects: tuple[UUID, ...] | None = None

    def among(self, column: str) -> str:
        """The condition that `subjects` puts on a column."""
        ids = ",".join(str(subject) for subject in self.subjects or ())
        return f"{column} = ANY (CAST('{{{ids}}}' AS uuid[]))"

    def has(self, kinds: Iterable[str]) -> bool:
        """Whether the log may hold one of these kinds."""
        return self.kinds is None or not self.kinds.isdisjoint(kinds)


def has_corrections(connection: sa.Connection) -> bool:
    """Whether any fact was ever corrected or voided; without any, facts are read as they stand."""
    ref = tables.events.c.ref_position
    return bool(connection.scalar(sa.select(sa.exists().where(ref.is_not(None)))))


def count_kinds(connection: sa.Connection) -> dict[str, int]:
    """How many facts of each kind the log holds, corrected or not: one scan that saves several."""
    kind = tables.events.c.kind
    query = sa.select(kind, sa.func.count()).where(kind.is_not(None)).group_by(kind)
    return dict(connection.execute(query).all())


# --- the facts that stand -----------------------------------------------------------------------


def facts(question: Question, where: str = "", *, every_day: bool = False) -> str:
    """A select of the facts that stand at the question's two times (`every_day` ignores as_of).

    `where` picks kinds (`e.kind`), corrections and voids not among them. Of the corrections and
    voids of one fact the one with the highest position speaks.
    """
    conditions = ["e.subject IS NOT NULL"]
    if question.corrections and not where:
        conditions.append(f"e.kind NOT IN {_META}")
    known = ""
    if question.known is not None:
        conditions.append(f"e.position <= {question.known:d}")
        known = f"AND position <= {question.known:d}"
    if question.from_subject:
        conditions.append("e.subject >= :from_subject")
    if question.subjects is not None:
        conditions.append(question.among("e.subject"))
    if where:
        conditions.append(where)
    as_written, as_corrected = [*conditions], [*conditions]
    if question.as_of is not None and not every_day:
        as_written.append(f"e.occurred_at <= {question.as_of:d}")
        as_corrected.append(f"c.occurred_at <= {question.as_of:d}")
    own = ", ".join(f"e.{name}" for name in STAYS)
    plain = f"SELECT {own}, {_from('e', MOVES)} FROM events e WHERE {' AND '.join(as_written)}"
    if not question.corrections:
        return plain
    verdicts = f"""(SELECT ref_position AS root, MAX(position) AS position FROM events
        WHERE ref_position IS NOT NULL AND kind IN {_META} {known} GROUP BY ref_position)"""
    return f"""{plain} AND NOT EXISTS (SELECT 1 FROM {verdicts} v WHERE v.root = e.position)
        UNION ALL SELECT {own}, {_from("c", MOVES)} FROM {verdicts} v
        JOIN events c ON c.position = v.position AND c.kind = '{CORRECTION}'
        JOIN events e ON e.position = v.root
        WHERE {" AND ".join(as_corrected)}"""


def _from(alias: str, names: Iterable[str]) -> str:
    return ", ".join(f"{alias}.{name}" for name in names)


# --- one select per projection table ------------------------------------------------------------


def spans(question: Question) -> str:
    """Activity with its first and last fact still packed: subject, class, scope, kind, edition,
    head, tail, n."""
    grouped = f"""SELECT subject, class, COALESCE(item, '') AS scope, kind, edition,
        MIN({PACKED}) AS head, MAX({PACKED}) AS tail, COUNT(*) AS n
        FROM ({facts(question)}) f WHERE class IS NOT NULL
        GROUP BY subject, class, COALESCE(item, ''), kind, edition"""
    if not question.has(activity.ALSO):
        return grouped
    merged = "MIN(head) AS head, MAX(tail) AS tail, CAST(SUM(n) AS BIGINT) AS n"
    also = " ".join(f"WHEN '{kind}' THEN '{klass}'" for kind, klass in activity.ALSO.items())
    return f"""WITH grouped AS ({grouped})
        SELECT subject, class, scope, kind, edition, head, tail, n
        FROM grouped WHERE kind NOT IN {_ALSO}
        UNION ALL SELECT subject, class, '' AS scope, kind, edition, {merged}
        FROM grouped WHERE kind IN {_ALSO} GROUP BY subject, class, kind, edition
        UNION ALL SELECT subject, CASE kind {also} END, scope, kind, edition, {merged}
        FROM grouped WHERE kind IN {_ALSO} AND scope <> '' GROUP BY subject, scope, kind, edition"""


def select_activity(question: Question) -> str:
    """The rows of `activity`."""
    return f"""SELECT subject, class, scope, kind, edition,
        head / {PACK} AS first_day, head % {PACK} AS first_position,
        tail / {PACK} AS last_day, tail % {PACK} AS last_position, n
        FROM ({spans(question)}) s"""


def select_contracts(question: Question) -> str:
    """The rows of `contracts`: the latest plan, the latest statements of type and of renewal, the
    first start and the last end, each ranked within its contract."""
    own = facts(question, f"e.kind IN {listed(contracts.TOUCHES)}")
    latest = "occurred_at DESC, position DESC"
    ranked = f"""SELECT k.*,
        ROW_NUMBER() OVER (PARTITION BY subject, item, ends ORDER BY {latest}) AS plan,
        ROW_NUMBER() OVER (PARTITION BY subject, item, ends
            ORDER BY CASE WHEN basis IS NULL THEN 1 ELSE 0 END, {latest}) AS typed,
        ROW_NUMBER() OVER (PARTITION BY subject, item, ends
            ORDER BY CASE WHEN tacit IS NULL THEN 1 ELSE 0 END, {latest}) AS renewal,
        ROW_NUMBER() OVER (PARTITION BY subject, item, ends
            ORDER BY local_day DESC, position DESC) AS final
        FROM (SELECT subject, COALESCE(item, '') AS item, basis, until_day, occurred_at, position,
            edition, local_day, CASE kind WHEN '{contracts.ENDED}' THEN 1 ELSE 0 END AS ends,
            CASE kind WHEN '{contracts.STARTED}' THEN {PACKED} END AS start,
            CASE decision WHEN 'tacit' THEN 1 WHEN 'express' THEN 0 END AS tacit
            FROM ({own}) f) k"""

    def pick(column: str, when: str) -> str:
        return f"MAX(CASE WHEN {when} THEN {column} END)"

    plan, end = "ends = 0 AND plan = 1", "ends = 1 AND final = 1"
    return f"""SELECT subject, item, {pick("basis", "ends = 0 AND typed = 1")} AS type,
        {pick("tacit", "ends = 0 AND renewal = 1")} AS tacit,
        MIN(start) / {PACK} AS from_day, MIN(start) % {PACK} AS from_position,
        {pick("until_day", plan)} AS planned_day, {pick("occurred_at", plan)} AS planned_at,
        {pick("position", plan)} AS planned_position, {pick("edition", plan)} AS planned_edition,
        {pick("local_day", end)} AS ended_day, {pick("position", end)} AS ended_position,
        {pick("edition", end)} AS ended_edition
        FROM ({ranked}) r GROUP BY subject, item"""


def select_consents(question: Question) -> str:
    """The rows of `consents`. The ignore rule looks at every stop known, whenever it happened; what
    competes had happened by as_of."""
    key = "PARTITION BY subject, purpose, channel"
    live = "COALESCE(actor, '') <> 'import'"
    said = f"""SELECT subject, COALESCE(purpose, '') AS purpose, COALESCE(channel, '') AS channel,
        position, kind, grade, actor, edition, occurred_at, local_day, recorded_at,
        CASE WHEN kind IN {_NOES} THEN 1 ELSE 0 END AS rank,
        CASE WHEN kind = '{consents.REQUESTED}' THEN 0 ELSE 1 END AS weight,
        CASE WHEN kind IN {_STOPS} THEN position END AS stop
        FROM ({facts(question, f"e.kind IN {_EXPRESSIONS}", every_day=True)}) f
        WHERE kind <> '{consents.ASSESSED}' OR decision = 'overridden'"""
    competes = f"""NOT (kind IN {_GRANTS} AND {live}
        AND occurred_at < recorded_at - {consents.BACKDATED}
        AND COALESCE(known_stop, position) < position)"""
    if question.as_of is not None:
        competes += f" AND occurred_at <= {question.as_of:d}"
    return f"""SELECT subject, purpose, channel, occurred_at AS at, rank, position, kind,
        local_day AS day, edition, grade, actor, first_stop, last_stop
        FROM (SELECT w.*, ROW_NUMBER() OVER ({key}
                ORDER BY weight DESC, occurred_at DESC, rank DESC, position DESC) AS place,
            MIN(stop) OVER ({key}) AS first_stop,
            MAX(CASE WHEN {live} THEN stop END) OVER ({key}) AS last_stop
            FROM (SELECT s.*, MIN(stop) OVER ({key}) AS known_stop FROM ({said}) s) w
            WHERE {competes}) r
        WHERE place = 1"""


def select_notified(question: Question) -> str:
    """The rows of `notified`."""
    told = facts(question, f"e.kind = '{NOTIFIED}'")
    return f"""SELECT subject, until_day AS edition, local_day AS day, position
        FROM (SELECT subject, until_day, local_day, position, ROW_NUMBER() OVER
            (PARTITION BY subject ORDER BY until_day DESC, local_day, position) AS place
            FROM ({told}) f WHERE until_day IS NOT NULL) r
        WHERE place = 1"""


def select_ended(question: Question) -> str:
    """The rows of `ended`: the last fact about each class and scope."""
    said = facts(question, f"e.kind IN {listed(ended.TIERS)}")
    tier = " ".join(f"WHEN '{kind}' THEN '{tier}'" for kind, tier in ended.TIERS.items())
    return f"""SELECT subject, decision AS class, scope, CASE kind {tier} END AS tier,
        local_day AS day, until_day, position
        FROM (SELECT f.*, COALESCE(item, '') AS scope, ROW_NUMBER() OVER
            (PARTITION BY subject, decision, COALESCE(item, '') ORDER BY position DESC) AS place
            FROM ({said}) f WHERE decision IS NOT NULL) r
        WHERE place = 1"""


_SELECTS: dict[sa.Table, tuple[Callable[[Question], str], frozenset[str] | None]] = {
    tables.activity: (select_activity, None),
    tables.contracts: (select_contracts, contracts.TOUCHES),
    tables.consents: (select_consents, frozenset(consents.RANKS)),
    tables.notified: (select_notified, frozenset({NOTIFIED})),
    tables.ended: (select_ended, frozenset(ended.TIERS)),
}


def select_of(table: sa.Table, question: Question) -> str:
    """The select that gives the rows of a projection table, columns in the order of the table."""
    select, kinds = _SELECTS[table]
    if kinds is not None and not question.has(kinds):
        return f"SELECT * FROM {table.name} WHERE 1 = 0"
    return select(question)


# --- rebuild and compare ------------------------------------------------------------------------


class Rebuilt(NamedTuple):
    """What a rebuild read, wrote and found. The last three are None where writers were kept out
    all the time."""

    events: int
    rows: dict[str, int]  # by table
    differing: int | None = None  # rows that were not what history says
    stall_ms: float | None = None  # the longest that writers may have waited
    during: int | None = None  # events recorded while it ran


def rebuild(database: Database, progress: Callable[[str, int], None] | None = None) -> Rebuilt:
    """Recompute every live table from history. Readers see the old rows until the new ones are
    whole. `progress` hears each table and its rows.

    PostgreSQL: beside the live tables, while writers write, as whoever the URL connects; raises
    Misuse if that user may not. SQLite, one file and one writer at a time: in one transaction.
    """
    if database.is_sqlite:
        return _rebuild_alone(database, progress)
    from ledger.store import bluegreen

    owner = database.as_connected()
    try:
        return bluegreen.rebuild(owner, progress)
    finally:
        owner.close()


def _rebuild_alone(
    database: Database, progress: Callable[[str, int], None] | None = None
) -> Rebuilt:
    with database.write() as connection:
        counts = count_kinds(connection)
        question = Question(corrections=has_corrections(connection), kinds=frozenset(counts))
        rows: dict[str, int] = {}
        for table in tables.PROJECTIONS:
            rows[table.name] = _refill(connection, table, question)
            if progress is not None:
                progress(table.name, rows[table.name])
    return Rebuilt(sum(counts.values()), rows)


def _refill(connection: sa.Connection, table: sa.Table, question: Question) -> int:
    """Empty one table and fill it from history."""
    connection.execute(sa.delete(table))
    # In key order each new key goes to the end of the index: cheaper than it costs to sort.
    text = f"""INSERT INTO {table.name} ({", ".join(table.columns.keys())})
        {select_of(table, question)} ORDER BY {key_of(table)}"""
    return connection.execute(sa.text(text)).rowcount


def key_of(table: sa.Table) -> str:
    """The primary key, as column numbers."""
    return ", ".join(str(n + 1) for n in range(len(table.primary_key.columns)))


class Difference(NamedTuple):
    """A live row that is not what history says; None where one side has no such row."""

    table: str
    key: tuple[Any, ...]
    live: tuple[Any, ...] | None
    derived: tuple[Any, ...] | None


def differences(database: Database) -> Iterator[Difference]:
    """Every difference between the live tables and a recomputation, in key order per table.

    The database does the comparing; only differences come back, as they are found.
    """
    with database.read() as connection:
        question = Question(
            corrections=has_corrections(connection), kinds=frozenset(count_kinds(connection))
        )
        for table in tables.PROJECTIONS:
            yield from _compare(connection, table, question)


def _compare(
    connection: sa.Connection, table: sa.Table, question: Question
) -> Iterator[Difference]:
    names = ", ".join(table.columns.keys())
    text = f"""WITH derived AS MATERIALIZED ({select_of(table, question)})
        SELECT {names}, 0 AS side
        FROM (SELECT {names} FROM {table.name} EXCEPT SELECT {names} FROM derived) l
        UNION ALL SELECT {names}, 1 AS side
        FROM (SELECT {names} FROM derived EXCEPT SELECT {names} FROM {table.name}) d
        ORDER BY {key_of(table)}"""
    columns = [sa.column(column.name, column.type) for column in table.columns]
    typed = sa.text(text).columns(*columns, sa.column("side", sa.Integer))
    found = connection.execute(typed, execution_options={"yield_per": 500})
    width = len(table.primary_key.columns)
    for key, pair in groupby(found, key=lambda row: tuple(row[:width])):
        sides = {row.side: tuple(row[:-1]) for row in pair}
        yield Difference(table.name, key, sides.get(0), sides.get(1))
