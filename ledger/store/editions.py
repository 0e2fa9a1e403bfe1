"""What publishing an edition asks of the database: documents by hash, and who was told of it."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from ledger.calendar import Day
from ledger.store import tables
from ledger.store.hot import Hot

_documents = tables.documents.c
_DOCUMENT = Hot(sa.select(_documents.media, _documents.bytes), _documents.sha256)


class Document(NamedTuple):
    """A stored document: its media type and its bytes."""

    media: str
    content: bytes


def document(connection: sa.Connection, sha256: bytes) -> Document | None:
    """The document with this hash, or None if it was never given."""
    found = _DOCUMENT.rows(connection, [sha256])
    return Document(found[0][0], bytes(found[0][1])) if found else None


def untold(connection: sa.Connection, edition: Day) -> int:
    """How many people were told neither of this edition (its effective day) nor of a later one."""
    told = sa.select(tables.notified.c.subject).where(tables.notified.c.edition >= edition)
    people = sa.select(tables.activity.c.subject).distinct().except_(told).subquery()
    return connection.scalar(sa.select(sa.func.count()).select_from(people)) or 0
