"""Alembic's entry: migrations run on the connection that `setup.py` hands over."""

from alembic import context

from ledger.store import tables

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=tables.metadata,
    transactional_ddl=True,
)
context.run_migrations()
