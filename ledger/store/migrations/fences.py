"""Fences around the log: triggers and privileges, so that append-only is no matter of manners.

They are fences, not proof: whoever owns the database can remove them. Proof is in the leaves.
"""

from __future__ import annotations

from alembic import op

from ledger.store.roles import APP, PRUNER

REFUSAL = "history is append-only"


def append_only_sqlite(table: str, clear: list[str]) -> None:
    """Refuse DELETE, and every UPDATE but the one that empties a row's nullable columns."""
    op.execute(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )
    when = f"WHEN NOT ({_pruned(clear)})" if clear else ""
    op.execute(
        f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {when} "
        f"BEGIN SELECT RAISE(ABORT, '{REFUSAL}'); END"
    )


def append_only_postgres(table: str, clear: list[str]) -> None:
    """The same, and TRUNCATE too."""
    allowed = f"IF TG_OP = 'UPDATE' AND {_pruned(clear)} THEN RETURN NEW; END IF;" if clear else ""
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN {allowed} RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION {table}_append_only()"
    )
    op.execute(
        f"CREATE FUNCTION {table}_no_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION '{REFUSAL}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_no_truncate()"
    )


def privileges_postgres(append_only: list[str], others: list[str], clear: list[str]) -> None:
    """The service may insert and select history; only the pruner may empty a row.

    Roles belong to the whole server: they are created when we may, and left alone otherwise.
    """
    for role in (APP, PRUNER):
        op.execute(
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; "
            "EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; "
            f"WHEN insufficient_privilege THEN RAISE NOTICE 'role {role} was not created'; END $$"
        )
    log, rest = ", ".join(append_only), ", ".join([*others, "alembic_version"])
    columns = ", ".join(f'"{name}"' for name in clear)
    for role, grants in (
        (
            APP,
            (
                f"SELECT, INSERT ON {log}",
                f"SELECT, INSERT, UPDATE, DELETE ON {rest}",
            ),
        ),
        (PRUNER, (f"SELECT ON {log}", f"UPDATE ({columns}) ON events")),
    ):
        wanted = [f"GRANT {grant} TO {role}" for grant in grants]
        wanted.append(f"GRANT USAGE ON SCHEMA %I TO {role}")
        body = " ".join(f"EXECUTE format('{text}', current_schema());" for text in wanted)
        op.execute(
            f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{role}') "
            f"THEN {body} END IF; END $$"
        )


def grant_postgres(tables: list[str]) -> None:
    """What the service may do with tables that a later migration adds."""
    listed = ", ".join(tables)
    op.execute(
        f"DO $$ BEGIN IF EXISTS (SELECT 1 FROM pg_roles WHERE rolname = '{APP}') THEN "
        f"EXECUTE 'GRANT SELECT, INSERT, UPDATE, DELETE ON {listed} TO {APP}'; END IF; END $$"
    )


def _pruned(clear: list[str]) -> str:
    empty = " AND ".join(f'NEW."{name}" IS NULL' for name in clear)
    return f"NEW.position = OLD.position AND NEW.leaf = OLD.leaf AND {empty}"
