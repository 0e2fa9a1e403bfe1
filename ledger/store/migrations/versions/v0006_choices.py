"""Two partial indexes over the log: texts that may wait for a person, and joins."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

WAITING = sa.text("kind = 'motive.received.v1' AND decision <> 'applied'")
JOINS = sa.text("kind = 'customer.joined.v1'")


def upgrade() -> None:
    """No such fact could be recorded before, so both start empty."""
    for name, where in (("events_waiting", WAITING), ("events_joins", JOINS)):
        op.create_index(name, "events", ["position"], postgresql_where=where, sqlite_where=where)
