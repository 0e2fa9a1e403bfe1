"""The few events that begin a rights request, in order."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

REQUESTED = "kind = 'request.received.v1'"


def upgrade() -> None:
    """One partial index; no ledger holds such an event before it."""
    op.create_index(
        "events_requests",
        "events",
        ["position"],
        unique=False,
        postgresql_where=sa.text(REQUESTED),
        sqlite_where=sa.text(REQUESTED),
    )
