"""What was last counted over everybody: a table of a few rows."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences

revision = "0011"
down_revision = "0010"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Reads nothing."""
    op.create_table(
        "counts",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("took", BIG, nullable=False),
        sa.Column("epoch", BIG, nullable=False),
        sa.Column("since", BIG, nullable=True),
        sa.PrimaryKeyConstraint("name"),
    )
    if op.get_bind().dialect.name != "sqlite":
        fences.grant_postgres(["counts"])
