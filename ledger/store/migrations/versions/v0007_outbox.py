"""What leaves the ledger: endpoints and deliveries in place of an outbox that nothing used."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences
from ledger.store.tables import Id

revision = "0007"
down_revision = "0006"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# As they were when this migration was written.
CONCERNING = (
    "kind IN ('consent.withdrawn.v1', 'objection.raised.v1', 'customer.profile_rectified.v1', "
    "'customer.restricted.v1', 'customer.class_erased.v1', 'card.removal_requested.v1')"
)


def upgrade() -> None:
    """Two tables, empty: what happened before is told to nobody by an upgrade."""
    op.drop_table("outbox")
    op.create_table(
        "endpoints",
        sa.Column("id", Id(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("kinds", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "deliveries",
        sa.Column("endpoint", Id(), nullable=False),
        sa.Column("position", BIG, autoincrement=False, nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", BIG, nullable=False),
        sa.Column("last_at", BIG, nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("endpoint", "position"),
    )
    _index("deliveries_due", "deliveries", ["endpoint", "next_at"], "state = 'pending'")
    _index("events_concerning", "events", ["position"], CONCERNING)
    if op.get_bind().dialect.name != "sqlite":
        fences.grant_postgres(["endpoints", "deliveries"])


def _index(name: str, table: str, columns: list[str], where: str) -> None:
    only = sa.text(where)
    op.create_index(name, table, columns, postgresql_where=only, sqlite_where=only)
