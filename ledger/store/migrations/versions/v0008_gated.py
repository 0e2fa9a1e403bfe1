"""Of whom a campaign must know more than her choices: one small index over a few kinds of facts."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

GATED = sa.text(
    "kind IN ('customer.died.v1', 'customer.minor_signalled.v1', 'customer.class_erased.v1', "
    "'customer.restricted.v1', 'customer.restriction_lifted.v1', 'fact.voided.v1', "
    "'optout.offered.v1')"
)


def upgrade() -> None:
    """Reads the log once."""
    op.create_index(
        "events_gated", "events", ["kind", "subject"], postgresql_where=GATED, sqlite_where=GATED
    )
