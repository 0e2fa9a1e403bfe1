"""Holds, retention runs, acknowledgements are listed: one small index; runs under way: a table."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences
from ledger.store.tables import Id

revision = "0010"
down_revision = "0009"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
LISTED = sa.text("kind IN ('hold.placed.v1', 'retention.ran.v1', 'recipient.acknowledged.v1')")


def upgrade() -> None:
    """Reads the log once."""
    op.create_index(
        "events_listed",
        "events",
        ["kind", "position"],
        postgresql_where=LISTED,
        sqlite_where=LISTED,
    )
    op.create_table(
        "runs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("rehearsal", sa.SmallInteger(), nullable=False),
        sa.Column("asked_by", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("holder", Id(), nullable=True),
        sa.Column("begun_at", BIG, nullable=False),
        sa.Column("beat_at", BIG, nullable=False),
        *(
            sa.Column(name, BIG, nullable=False)
            for name in ("looked", "people", "archived", "erased", "held")
        ),
        sa.Column("position", BIG, nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("classes", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    if op.get_bind().dialect.name != "sqlite":
        fences.grant_postgres(["runs"])
