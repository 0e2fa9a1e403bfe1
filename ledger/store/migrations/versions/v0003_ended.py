"""What was archived or erased, by subject, class and scope."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences
from ledger.store.tables import Id

revision = "0003"
down_revision = "0002"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """One projection. Nothing could be archived or erased before it, so it starts empty."""
    op.create_table(
        "ended",
        sa.Column("subject", Id(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("until_day", sa.Integer(), nullable=True),
        sa.Column("position", BIG, nullable=False),
        sa.PrimaryKeyConstraint("subject", "class", "scope"),
    )
    if op.get_bind().dialect.name != "sqlite":
        fences.grant_postgres(["ended"])
