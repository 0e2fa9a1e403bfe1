"""Suppressions: blinded references that outlive the person, so that what she asked for still holds.

`erased`: nothing that she did before the erasure comes back under this reference. `objected`: she
had said no to marketing, and whoever returns under this reference has said no still, until she says
otherwise (SS-DSR-3, SS-LB-3; GDPR art. 21(3)). A row tells nobody who she was: without the keyring
a blinded reference is noise. It goes with the day in `until_day`.

What this file never does: decide what a suppression forbids (`ledger/policy/permitting.py` and
`ledger/deciding.py` do). Read next: `erasure.py`, which writes them with the erasure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Day, Instant
from ledger.policy.permitting import Objection
from ledger.store import tables
from ledger.store.statements import upsert

Blind: TypeAlias = tuple[str, bytes]
"""A blinded reference: its family, and the keyed HMAC."""

AT_ONCE = 500  # references or people asked for in one query
_s = tables.suppressions.c
_OBJECTION = _s.purpose, _s.channel, _s.cutoff, _s.at_position


class Suppressed(NamedTuple):
    """A blinded reference that shall not come back; or, `objected`, whose no to this purpose over
    this channel stays."""

    kind: str
    blind: bytes
    pepper: int
    reason: str = "erased"
    purpose: str = ""
    channel: str = ""


def add(
    connection: sa.Connection,
    suppressed: Sequence[Suppressed],
    cutoff: Instant,
    until: Day,
    position: int,
) -> None:
    """Write these; one that was there already takes the newer cutoff and end."""
    moved = {"cutoff": cutoff, "until_day": until, "at_position": position}
    rows: list[dict[str, Any]] = [one._asdict() | moved for one in suppressed]
    upsert(connection, tables.suppressions, rows, tuple(moved))


def opposed(
    connection: sa.Connection, blinds: Collection[Blind]
) -> dict[Blind, frozenset[Objection]]:
    """What was said no to under each of these blinded references by somebody who was erased since;
    those of which nothing is known are left out."""
    found: dict[Blind, set[Objection]] = {}
    by_kind: dict[str, list[bytes]] = {}
    for kind, blind in blinds:
        by_kind.setdefault(kind, []).append(blind)
    query = sa.select(_s.blind, *_OBJECTION).where(_s.reason == "objected")
    for kind, hashes in by_kind.items():
        for some in _chunks(hashes):
            for blind, *no in connection.execute(query.where(_s.kind == kind, _s.blind.in_(some))):
                found.setdefault((kind, bytes(blind)), set()).add(Objection(*no))
    return {blind: frozenset(said) for blind, said in found.items()}


def opposed_of(
    connection: sa.Connection, subjects: Collection[UUID]
) -> dict[UUID, frozenset[Objection]]:
    """The same by person: what was said no to under any reference that these people have now. It
    is the `opposed` of a `ledger.policy.permitting.Person`."""
    there = tables.lookups.c
    joined = tables.lookups.join(
        tables.suppressions, (there.kind == _s.kind) & (there.blind == _s.blind)
    )
    query = sa.select(there.subject, *_OBJECTION).select_from(joined)
    query = query.where(_s.reason == "objected", there.target == there.subject)
    found: dict[UUID, set[Objection]] = {}
    for some in _chunks(subjects):
        for subject, *no in connection.execute(query.where(there.subject.in_(some))):
            found.setdefault(subject, set()).add(Objection(*no))
    return {subject: frozenset(said) for subject, said in found.items()}


def expire(connection: sa.Connection, today: Day) -> None:
    """Delete those whose last day is over."""
    connection.execute(sa.delete(tables.suppressions).where(_s.until_day < today))


def _chunks(values: Collection[Any]) -> Iterator[list[Any]]:
    asked = list(values)
    for start in range(0, len(asked), AT_ONCE):
        yield asked[start : start + AT_ONCE]
