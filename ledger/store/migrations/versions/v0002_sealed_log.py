"""The sealed log: how far the tree reaches, and the checkpoints that were signed."""

import sqlalchemy as sa
from alembic import op

from ledger.store.migrations import fences

revision = "0002"
down_revision = "0001"

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Two tables."""
    op.create_table(
        "log",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("size", BIG, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("frontier", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", BIG, autoincrement=False, nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("cosigned", sa.LargeBinary(), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("size"),
    )
    if op.get_bind().dialect.name != "sqlite":
        fences.grant_postgres(["log", "checkpoints"])
