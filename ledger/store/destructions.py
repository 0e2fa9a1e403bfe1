"""Do the keys and the log agree about what was destroyed? Four questions, asked both ways.

An erasure on record whose key still lives; a tombstone that no erasure on record explains; a sealed
part whose key is gone and that no later fact says was destroyed (rule R1 of `docs/evidence.md`);
a destruction on the order of nobody, of something else, or of another person's erasure. `verify.py`
asks the same of a bundle, where it has no keys to look at.

What grows with the erasures goes to a temporary SQLite file, so memory stays flat, and the
questions are the same on every database. An order that was pruned since is taken for given: rule R2
judges its bare leaf. Nothing here opens an envelope or changes a row. Read next: `verify.py`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from ledger.events import ClassErased, KeyDestroyed
from ledger.store import erasure, tables

AT_ONCE = 500  # keys asked for at once
PAGE = 1000  # tombstones read at a time

Said = tuple[int, str]
"""A position (0 where there is none), and what is wrong there."""

SPILL = """
PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
CREATE TABLE orders(id BLOB, position INTEGER, subject BLOB, class TEXT, scope TEXT);
CREATE TABLE named(kid BLOB, position INTEGER);
CREATE TABLE destroyed(kid BLOB, position INTEGER, authority BLOB);
CREATE TABLE parts(kid BLOB, position INTEGER);
CREATE TABLE tombstones(kid BLOB, position INTEGER, subject BLOB, class TEXT, scope TEXT, bare INT);
"""
INDEXES = """
CREATE INDEX orders_id ON orders(id);
CREATE INDEX orders_scope ON orders(subject, class, scope);
CREATE INDEX named_kid ON named(kid);
CREATE INDEX destroyed_kid ON destroyed(kid, position);
CREATE INDEX tombstones_kid ON tombstones(kid);
"""
SAME = "o.subject = t.subject AND o.class = t.class AND o.scope = t.scope"
QUESTIONS = {
    "key_unended": f"""
        SELECT COALESCE(t.position, 0) FROM tombstones t WHERE NOT t.bare
        AND NOT EXISTS (SELECT 1 FROM orders o WHERE {SAME} AND o.position = t.position)""",
    "key_gone": """
        SELECT DISTINCT p.position FROM parts p WHERE NOT EXISTS (
            SELECT 1 FROM destroyed d WHERE d.kid = p.kid AND d.position > p.position)""",
    "key_unordered": f"""
        SELECT DISTINCT d.position FROM destroyed d LEFT JOIN tombstones t ON t.kid = d.kid
        WHERE COALESCE(t.bare, 0) = 0 AND NOT (
            EXISTS (SELECT 1 FROM named n WHERE n.kid = d.kid) AND EXISTS (
                SELECT 1 FROM orders o WHERE o.id = d.authority AND o.position < d.position
                AND (t.kid IS NULL OR {SAME})))""",
}


class Destructions:
    """What the log says of keys, noted while it is read; then `findings` compares."""

    def __init__(self, spill: sqlite3.Connection) -> None:
        self._spill = spill
        spill.executescript(SPILL)

    def note(self, position: int, identifier: str, fact: Any) -> None:
        """A fact of the log; only erasures and destructions are kept."""
        if isinstance(fact, ClassErased):
            assert fact.subject is not None
            scope = (fact.subject.bytes, fact.of, fact.item or "")
            self._keep("orders", [(UUID(identifier).bytes, position, *scope)])
            self._keep("named", [(kid.bytes, position) for kid in fact.keys or ()])
        elif isinstance(fact, KeyDestroyed):
            rows = [(key.kid.bytes, position, fact.authority.bytes) for key in fact.keys]
            self._keep("destroyed", rows)

    def gone(self, position: int, kid: UUID) -> None:
        """A sealed part named at this position, whose key is a tombstone."""
        self._keep("parts", [(kid.bytes, position)])

    def findings(self, connection: sa.Connection) -> Iterator[Said]:
        """Everything on which the log and the keys differ."""
        self._tombstones(connection)
        self._spill.executescript(INDEXES)
        for position in self._living(connection):
            yield position, "key_lives"
        for position in erasure.unfinished(connection):
            yield position, "erasure_unfinished"
        for why, query in QUESTIONS.items():
            for (position,) in self._spill.execute(f"{query} ORDER BY 1"):
                yield position, why

    def _keep(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            self._spill.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)

    def _tombstones(self, connection: sa.Connection) -> None:
        """Every destroyed key, and whether the event that destroyed it is a bare leaf now."""
        k, e = tables.keys.c, tables.events.c
        bare = e.position.is_not(None) & e.entry.is_(None)
        query = (
            sa.select(k.key_id, k.destroyed_position, k.subject, k.data_class, k.scope, bare)
            .select_from(tables.keys.outerjoin(tables.events, e.position == k.destroyed_position))
            .where(k.wrapped.is_(None))
        )
        rows = connection.execute(query, execution_options={"yield_per": PAGE})
        for some in rows.partitions():
            self._keep(
                "tombstones", [(r[0].bytes, r[1], r[2].bytes, r[3], r[4], bool(r[5])) for r in some]
            )

    def _living(self, connection: sa.Connection) -> Iterator[int]:
        """Where a key that lives is said to have been destroyed."""
        k = tables.keys.c
        query = "SELECT kid, MIN(position) FROM destroyed GROUP BY kid ORDER BY 2"
        said = self._spill.execute(query)
        while some := {UUID(bytes=kid): position for kid, position in said.fetchmany(AT_ONCE)}:
            alive = sa.select(k.key_id).where(k.key_id.in_(some), k.wrapped.is_not(None))
            yield from sorted(some[kid] for kid in connection.scalars(alive))


@contextmanager
def destructions() -> Iterator[Destructions]:
    """A place to note them, gone afterwards."""
    with closing(sqlite3.connect("")) as spill:
        yield Destructions(spill)
