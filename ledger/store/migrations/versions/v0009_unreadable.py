"""What can no longer be read, countable: leaves without entry, ended scopes, daily counts."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences

revision = "0009"
down_revision = "0008"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BARE = sa.text("entry IS NULL")
DESTROYED = sa.text("state = 'destroyed'")


def upgrade() -> None:
    """Two partial indexes and a table. What was pruned before has no daily counts and never will:
    it is counted without its class."""
    op.create_table(
        "pruned_days",
        sa.Column("position", BIG, nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("n", BIG, nullable=False),
        sa.PrimaryKeyConstraint("position", "class", "day"),
    )
    for name, table, columns, where in (
        ("events_bare", "events", ["position"], BARE),
        ("keys_destroyed", "keys", ["subject", "data_class", "scope"], DESTROYED),
    ):
        op.create_index(name, table, columns, postgresql_where=where, sqlite_where=where)
    if op.get_bind().dialect.name != "sqlite":
        fences.grant_postgres(["pruned_days"])
