"""The first schema: the log, sealed parts and keys, lookups, requests, projections, fences."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences
from ledger.store.tables import Id

revision = "0001"
down_revision = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
CLEAR = [
    "stream",
    "version",
    "kind",
    "subject",
    "class",
    "item",
    "purpose",
    "channel",
    "decision",
    "basis",
    "grade",
    "actor",
    "edition",
    "until_day",
    "ref_position",
    "amount_minor",
    "occurred_at",
    "grain",
    "local_day",
    "recorded_at",
    "entry",
]
WHOLE = [
    "stream",
    "version",
    "kind",
    "edition",
    "occurred_at",
    "grain",
    "local_day",
    "recorded_at",
    "entry",
]
WHOLE_OR_PRUNED = (
    "("
    + " AND ".join(f"{name} IS NOT NULL" for name in WHOLE)
    + ") OR ("
    + " AND ".join(f'"{name}" IS NULL' if name == "class" else f"{name} IS NULL" for name in CLEAR)
    + ")"
)
APPEND_ONLY = ["events", "documents"]
OTHERS = [
    "head",
    "sealed",
    "keys",
    "lookups",
    "suppressions",
    "commands",
    "imports",
    "activity",
    "contracts",
    "consents",
    "notified",
    "tracking",
    "outbox",
]


def upgrade() -> None:
    """Everything."""
    op.create_table(
        "activity",
        sa.Column("subject", Id(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("first_day", sa.Integer(), nullable=False),
        sa.Column("first_position", BIG, nullable=False),
        sa.Column("last_day", sa.Integer(), nullable=False),
        sa.Column("last_position", BIG, nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("subject", "class", "scope", "kind", "edition"),
    )
    op.create_table(
        "commands",
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("payload_mac", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.LargeBinary(), nullable=False),
        sa.Column("first_position", BIG, nullable=True),
        sa.Column("n", sa.Integer(), nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("fingerprint"),
    )
    op.create_table(
        "consents",
        sa.Column("subject", Id(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("first_stop", BIG, nullable=True),
        sa.Column("last_stop", BIG, nullable=True),
        sa.PrimaryKeyConstraint("subject", "purpose", "channel"),
    )
    op.create_table(
        "contracts",
        sa.Column("subject", Id(), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=True),
        sa.Column("tacit", sa.SmallInteger(), nullable=True),
        sa.Column("from_day", sa.Integer(), nullable=True),
        sa.Column("from_position", BIG, nullable=True),
        sa.Column("planned_day", sa.Integer(), nullable=True),
        sa.Column("planned_at", BIG, nullable=True),
        sa.Column("planned_position", BIG, nullable=True),
        sa.Column("planned_edition", sa.Integer(), nullable=True),
        sa.Column("ended_day", sa.Integer(), nullable=True),
        sa.Column("ended_position", BIG, nullable=True),
        sa.Column("ended_edition", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("subject", "item"),
    )
    op.create_table(
        "documents",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("media", sa.Text(), nullable=False),
        sa.Column("bytes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sha256"),
    )
    op.create_table(
        "events",
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("stream", Id(), nullable=True),
        sa.Column("version", BIG, nullable=True),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column("subject", Id(), nullable=True),
        sa.Column("class", sa.Text(), nullable=True),
        sa.Column("item", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=True),
        sa.Column("grade", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("edition", sa.Integer(), nullable=True),
        sa.Column("until_day", sa.Integer(), nullable=True),
        sa.Column("ref_position", BIG, nullable=True),
        sa.Column("amount_minor", BIG, nullable=True),
        sa.Column("occurred_at", BIG, nullable=True),
        sa.Column("grain", sa.Text(), nullable=True),
        sa.Column("local_day", sa.Integer(), nullable=True),
        sa.Column("recorded_at", BIG, nullable=True),
        sa.Column("entry", sa.LargeBinary(), nullable=True),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(WHOLE_OR_PRUNED, name="events_whole_or_pruned"),
        sa.PrimaryKeyConstraint("position"),
        sa.UniqueConstraint("stream", "version", name="events_stream_version"),
    )
    op.create_index(
        "events_ref",
        "events",
        ["ref_position"],
        unique=False,
        postgresql_where=sa.text("ref_position IS NOT NULL"),
        sqlite_where=sa.text("ref_position IS NOT NULL"),
    )
    op.create_index("events_subject_position", "events", ["subject", "position"], unique=False)
    op.create_table(
        "head",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("last_at", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "imports",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("row_mac", sa.LargeBinary(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("source", "row_mac", "ordinal"),
    )
    op.create_table(
        "keys",
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("subject", Id(), nullable=False),
        sa.Column("data_class", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("kek_epoch", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_position", BIG, nullable=False),
        sa.Column("destroyed_position", BIG, nullable=True),
        sa.PrimaryKeyConstraint("key_id"),
        sa.UniqueConstraint("subject", "data_class", "scope", "generation", name="keys_scope"),
    )
    op.create_table(
        "lookups",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("pepper", sa.Integer(), nullable=False),
        sa.Column("target", Id(), nullable=False),
        sa.Column("subject", Id(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "blind"),
    )
    op.create_index("lookups_subject", "lookups", ["subject"], unique=False)
    op.create_table(
        "notified",
        sa.Column("subject", Id(), nullable=False),
        sa.Column("edition", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("subject"),
    )
    op.create_table(
        "outbox",
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("position"),
    )
    op.create_table(
        "sealed",
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("part", sa.Text(), nullable=False),
        sa.Column("key_id", Id(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", "part"),
    )
    op.create_table(
        "suppressions",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("blind", sa.LargeBinary(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("pepper", sa.Integer(), nullable=False),
        sa.Column("cutoff", BIG, nullable=False),
        sa.Column("until_day", sa.Integer(), nullable=False),
        sa.Column("at_position", BIG, nullable=False),
        sa.PrimaryKeyConstraint("kind", "blind", "reason", "purpose", "channel"),
    )
    op.create_table(
        "tracking",
        sa.Column("application_name", sa.Text(), nullable=False),
        sa.Column("notification_id", BIG, nullable=False),
        sa.PrimaryKeyConstraint("application_name"),
    )
    if op.get_bind().dialect.name == "sqlite":
        fences.append_only_sqlite("events", CLEAR)
        fences.append_only_sqlite("documents", [])
    else:
        fences.append_only_postgres("events", CLEAR)
        fences.append_only_postgres("documents", [])
        fences.privileges_postgres(APPEND_ONLY, OTHERS, CLEAR)
