"""A table's twin on PostgreSQL: made like it, filled beside it, put in its place.

The twin of `activity` is `activity_new`. Columns, defaults, constraints and indexes come from the
table itself, not from `tables.py`; owner and privileges are copied too, so that nobody notices the
swap but the object ids. Read next: `bluegreen.py`, which fills and swaps.
"""

from __future__ import annotations

import sqlalchemy as sa

from ledger.store import tables

_NAMES = """
SELECT 'CONSTRAINT' AS what, conname AS name, pg_get_constraintdef(oid) AS means
FROM pg_constraint WHERE conrelid = CAST(:table AS regclass)
UNION ALL SELECT 'INDEX', i.relname, regexp_replace(pg_get_indexdef(i.oid), ' INDEX .* USING', '')
FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid
WHERE x.indrelid = CAST(:table AS regclass) AND NOT EXISTS (
    SELECT 1 FROM pg_constraint k WHERE k.conindid = x.indexrelid)"""
_GRANTS = """
SELECT format('GRANT %s%s ON %I TO %s%s', g.privilege_type, g.columns, CAST(:twin AS text),
    CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
    CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
FROM (SELECT a.privilege_type, '' AS columns, a.grantee, a.is_grantable, c.oid
    FROM pg_class c, aclexplode(c.relacl) a
    UNION ALL SELECT a.privilege_type, format(' (%I)', t.attname), a.grantee, a.is_grantable,
    t.attrelid FROM pg_attribute t, aclexplode(t.attacl) a) g
WHERE g.oid = CAST(:table AS regclass)"""


def twin(name: str) -> str:
    """The name of a table's twin."""
    return f"{name}_new"


def clear(connection: sa.Connection, *others: str) -> None:
    """Drop every twin that was left behind, and these tables."""
    names = [*(twin(table.name) for table in tables.PROJECTIONS), *others]
    connection.execute(sa.text(f"DROP TABLE IF EXISTS {', '.join(names)}"))


def create(connection: sa.Connection, name: str) -> None:
    """Make the empty twin of a table: same columns, constraints, indexes, owner, privileges."""
    new = twin(name)
    connection.execute(sa.text(f"CREATE TABLE {new} (LIKE {name} INCLUDING ALL)"))
    owner = sa.text(
        "SELECT quote_ident(pg_get_userbyid(relowner)) FROM pg_class "
        "WHERE oid = CAST(:table AS regclass)"
    )
    owners = [connection.scalar(owner, {"table": one}) for one in (name, new)]
    if owners[0] != owners[1]:
        connection.execute(sa.text(f"ALTER TABLE {new} OWNER TO {owners[0]}"))
    found = connection.scalars(sa.text(_GRANTS), {"table": name, "twin": new})
    for grant in found.all():
        connection.execute(sa.text(grant))


def adopt(connection: sa.Connection, name: str) -> None:
    """Drop the table and let its twin take its name, and the names of what it had."""
    new = twin(name)
    theirs, ours = (_names(connection, one) for one in (name, new))
    connection.execute(sa.text(f"DROP TABLE {name}"))
    connection.execute(sa.text(f"ALTER TABLE {new} RENAME TO {name}"))
    for (what, means), old in theirs.items():
        own = ours[what, means]
        if own == old:
            continue
        text = f'ALTER INDEX "{own}" RENAME TO "{old}"'
        if what == "CONSTRAINT":
            text = f'ALTER TABLE {name} RENAME CONSTRAINT "{own}" TO "{old}"'
        connection.execute(sa.text(text))


def _names(connection: sa.Connection, table: str) -> dict[tuple[str, str], str]:
    found = connection.execute(sa.text(_NAMES), {"table": table})
    return {(row.what, row.means): row.name for row in found}
