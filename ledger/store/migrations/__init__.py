"""Schema changes, in order, run by alembic. Added, never edited; `tables.py` is their sum."""
