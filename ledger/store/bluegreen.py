"""Blue/green: the live tables rebuilt beside themselves on PostgreSQL, while writers write.

1. Fold one snapshot of history into `<table>_new` and compare with the live tables there.
2. Catch up, in rounds: whoever was touched by later facts is folded, and compared, again.
3. Gate: an EXCLUSIVE lock on `head`, which every writer takes first, in whatever way it writes.
   Nobody can hold a table that we want and wait for the gate, so nothing deadlocks.
4. Behind the gate: catch up for the last time, commit; wait until every transaction older than that
   commit is gone; then, in one transaction, drop the live tables and rename the new ones.
5. Open the gate. If something was repaired the epoch moves, so that nobody writes on what it read
   from a wrong row.

Why wait in 4: a rename shows at once to everybody, rows only to snapshots younger than their
commit. An older reader would find the renamed table stale, or empty. If one stays too long, the
gate opens again, writers go on, and we come back to 2. Whatever dies before the renames commit, or
with them, leaves the live tables as they were; the next rebuild clears the leftovers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from ledger.errors import Misuse, Stale
from ledger.store import tables
from ledger.store.database import Database, speaking
from ledger.store.rebuild import Question, Rebuilt, count_kinds, has_corrections, key_of, select_of
from ledger.store.twins import adopt, clear, create, twin

FEW = 500  # facts left for behind the gate
AT_ONCE = 2000  # subjects folded again in one query
ROUNDS = 10  # before the gate, however many facts are left
GATE_MS = 250  # given to old readers behind the gate: writers wait meanwhile
BETWEEN_MS = 5000  # given to them while the gate is open
PATIENCE = 120.0  # seconds of attempts, after which we give up
POLL = 0.005
DIFFERING = "rebuild_differing"
NOT_AVAILABLE, DEADLOCK, DEPENDED_ON = "55P03", "40P01", "2BP01"

Progress = Callable[[str, int], None]

_OLDER = """
SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.granted AND a.usesysid IS NOT NULL
AND a.datname = current_database() AND NOT l.pid = ANY (:ours)
AND NOT EXISTS (SELECT 1 FROM pg_locks w
    WHERE w.pid = l.pid AND NOT w.granted
    AND (w.relation = CAST('head' AS regclass) OR w.locktype = 'advisory'))"""
"""Transactions under way in this database. Left out are autovacuum, those who wait at the gate (an
append that waits there reads nothing but the head, and its ON CONFLICT sees every row), and
rebuilds that wait for their turn."""


def rebuild(database: Database, progress: Progress | None = None) -> Rebuilt:
    """Rebuild every live table. `database` must be connected as the owner of the tables.

    Raises Misuse if the user may not create and rename tables here, or if something else depends
    on a live table, Stale if others would not let us; nothing has changed then.
    """
    with speaking(), database.engine.connect() as session, database.engine.connect() as gate:
        _check_rights(session)
        _take_turn(session)
        work = _Work(session.execution_options(isolation_level="REPEATABLE READ"), gate, progress)
        try:
            work.fold()
            work.catch_up()
            stall = work.swap()
        except BaseException as error:
            _give_up(session, gate)
            if _code(error) == DEPENDED_ON:
                raise Misuse(
                    "a view, or something else, depends on a live table: a rebuild replaces them,"
                    " so drop it first and make it again afterwards"
                ) from None
            raise
        session.invalidate()  # and the lock with it
    during = work.position - work.began
    return Rebuilt(work.events + during, work.rows, work.differing, stall * 1000, during)


def _take_turn(session: sa.Connection) -> None:
    """One rebuild at a time; the lock goes with the session, however that ends."""
    key = "CAST(CAST('head' AS regclass) AS bigint)"
    try:
        session.execute(sa.text(f"SELECT pg_advisory_lock({key})"))
    except sa.exc.OperationalError as error:
        if _code(error) == NOT_AVAILABLE:
            raise Stale("another rebuild is running; nothing was changed") from None
        raise
    session.commit()


def _give_up(session: sa.Connection, gate: sa.Connection) -> None:
    """Clear what we made if the database lets us; the next rebuild does it otherwise."""
    with suppress(sa.exc.SQLAlchemyError):
        gate.rollback()
        session.rollback()
        with session.begin():
            clear(session, DIFFERING)
    for connection in (session, gate):
        with suppress(sa.exc.SQLAlchemyError):
            connection.invalidate()


def _code(error: BaseException) -> str | None:
    """The SQLSTATE of a database error."""
    code = getattr(getattr(error, "orig", None), "pgcode", None)
    return code if isinstance(code, str) else None


def _check_rights(connection: sa.Connection) -> None:
    query = sa.text(
        "SELECT bool_and(has_schema_privilege(c.relnamespace, 'CREATE') "
        "AND pg_has_role(c.relowner, 'USAGE')) FROM pg_class c "
        "WHERE c.oid = ANY (CAST(CAST(:names AS text[]) AS regclass[]))"
    )
    names = [table.name for table in (tables.head, *tables.PROJECTIONS)]
    allowed = connection.scalar(query, {"names": names})
    connection.rollback()
    if not allowed:
        raise Misuse(
            "a rebuild makes new tables and renames them, which this database user may not:"
            " connect as the owner of the ledger's tables"
        )


class _Work:
    """One rebuild: where it is, and what it found."""

    def __init__(
        self, session: sa.Connection, gate: sa.Connection, progress: Progress | None
    ) -> None:
        self.session, self.gate, self.progress = session, gate, progress
        self.position = 0  # the new tables hold everything up to here
        self.began = 0  # where the log ended when we started
        self.events = 0  # facts up to there
        self.rows: dict[str, int] = {}
        self.kinds: set[str] = set()  # that the log holds
        self.differing = 0

    # -- the new tables ----------------------------------------------------------------------

    def fold(self) -> None:
        """Everything up to a snapshot, in new tables, compared with the live ones."""
        with self._snapshot() as last:
            clear(self.session, DIFFERING)
            self._run(f"CREATE UNLOGGED TABLE {DIFFERING} (key text PRIMARY KEY)")
            counts = count_kinds(self.session)
            self.kinds |= set(counts)
            corrections = has_corrections(self.session)
            question = Question(corrections=corrections, kinds=frozenset(counts))
            for table in tables.PROJECTIONS:
                create(self.session, table.name)
                self.rows[table.name] = self._fill(table, question)
                self._run(f"ANALYZE {twin(table.name)}")
                self._compare(table)
                if self.progress is not None:
                    self.progress(table.name, self.rows[table.name])
        self.position = self.began = last
        self.events = sum(counts.values())

    def catch_up(self) -> None:
        """Rounds, until few facts are left."""
        for _ in range(ROUNDS):
            before = self.position
            self._round()
            if self.position - before <= FEW:
                return

    def _round(self) -> None:
        """Fold again whoever was touched since the last look, corrections included: they are facts
        of the same subject."""
        with self._snapshot() as last:
            # What is asked from here on concerns few rows, of which the planner may know nothing
            # yet: all of them are found by index.
            self._run("SET LOCAL enable_seqscan = off")
            e = tables.events.c
            later = e.position > self.position
            query = sa.select(e.subject).where(later, e.subject.is_not(None)).distinct()
            touched = self.session.scalars(query).all()
            kinds = self.session.scalars(sa.select(e.kind).where(later).distinct())
            self.kinds |= {kind for kind in kinds if kind is not None}
            corrections = has_corrections(self.session)
            question = Question(corrections=corrections, kinds=frozenset(self.kinds))
            for start in range(0, len(touched), AT_ONCE):
                some = question._replace(subjects=tuple(touched[start : start + AT_ONCE]))
                for table in tables.PROJECTIONS:
                    self._again(table, some)
        self.position = last

    def _again(self, table: sa.Table, question: Question) -> None:
        hers = question.among("subject")
        gone = self._run(f"DELETE FROM {twin(table.name)} WHERE {hers}")
        self.rows[table.name] += self._fill(table, question) - gone
        self._compare(table, f"WHERE {hers}")

    def _fill(self, table: sa.Table, question: Question) -> int:
        names = ", ".join(table.columns.keys())
        # In key order each new key goes to the end of the index: cheaper than it costs to sort.
        return self._run(
            f"INSERT INTO {twin(table.name)} ({names}) {select_of(table, question)} "
            f"ORDER BY {key_of(table)}"
        )

    def _compare(self, table: sa.Table, where: str = "") -> None:
        """Remember the keys of the rows that are not the same on both sides."""
        names = ", ".join(table.columns.keys())
        key = ", ".join(column.name for column in table.primary_key)
        live, new = (f"SELECT {names} FROM {n} {where}" for n in (table.name, twin(table.name)))
        self.differing += self._run(
            f"INSERT INTO {DIFFERING} SELECT '{table.name}' || CAST(ROW({key}) AS text) "
            f"FROM (({live} EXCEPT {new}) UNION ALL ({new} EXCEPT {live})) d "
            "ON CONFLICT DO NOTHING"
        )

    # -- the swap ----------------------------------------------------------------------------

    def swap(self) -> float:
        """Put the new tables in the place of the live ones. Returns the longest time, in seconds,
        that writers may have waited at the gate."""
        deadline, stall = time.monotonic() + PATIENCE, 0.0
        while True:
            began = time.monotonic()
            done = self._behind_the_gate()
            stall = max(stall, time.monotonic() - began)
            if done:
                return stall
            if time.monotonic() > deadline:
                raise Stale(
                    "a transaction of somebody else stays open; the live tables are as they were"
                )
            self._wait_for_older(BETWEEN_MS)
            self.catch_up()

    def _behind_the_gate(self) -> bool:
        """Try once; False if somebody was in the way, and nothing changed then."""
        try:
            with self.gate.begin():
                self.gate.execute(sa.text("LOCK TABLE head IN EXCLUSIVE MODE"))
                self._round()
                if not self._wait_for_older(GATE_MS):
                    return False
                self._rename()
                if self.differing:
                    epoch = tables.head.c.epoch + 1
                    self.gate.execute(tables.head.update().values(epoch=epoch))
        except sa.exc.OperationalError as error:
            if _code(error) not in (NOT_AVAILABLE, DEADLOCK):
                raise
            return False
        return True

    def _rename(self) -> None:
        names = [table.name for table in tables.PROJECTIONS]
        with self._snapshot():
            self._run(f"SET LOCAL lock_timeout = {GATE_MS}")
            self._run(f"LOCK TABLE {', '.join(names)} IN ACCESS EXCLUSIVE MODE")
            for name in names:
                adopt(self.session, name)
            self._run(f"DROP TABLE {DIFFERING}")

    def _wait_for_older(self, milliseconds: int) -> bool:
        """Whether every transaction that is under way now ended within that time."""
        deadline = time.monotonic() + milliseconds / 1000
        older = self._under_way()
        while older:
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL)
            older &= self._under_way()
        return True

    def _under_way(self) -> set[str]:
        drivers: list[Any] = [one.connection.driver_connection for one in (self.session, self.gate)]
        ours = [driver.info.backend_pid for driver in drivers]
        with self.session.begin():
            return set(self.session.scalars(sa.text(_OLDER), {"ours": ours}))

    # -- small words -------------------------------------------------------------------------

    @contextmanager
    def _snapshot(self) -> Iterator[int]:
        """A transaction of one snapshot, and the last position in it."""
        with self.session.begin():
            self._run("SET LOCAL work_mem = '256MB'")
            last = sa.select(sa.func.max(tables.events.c.position))
            yield self.session.scalar(last) or 0

    def _run(self, text: str) -> int:
        """Run a statement; how many rows it touched."""
        return self.session.execute(sa.text(text)).rowcount
