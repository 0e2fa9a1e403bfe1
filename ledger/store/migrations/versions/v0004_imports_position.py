"""Fingerprints of imported lines by position: an erasure deletes them without reading them all."""

from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """One index, whose entries come in order."""
    op.create_index("imports_position", "imports", ["position"])
