"""What the first screen counts: named questions over the clear columns, nothing folded.

Each answers with groups, and whoever asked judges a group once for all its members. Two of them
read a code out of entries that has no column of its own (the form of a consent, the recipient of an
acknowledgement), in the database. Read next: `ledger/today.py`.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import sqlalchemy as sa

from ledger.calendar import Day, Instant
from ledger.events import VOID, Row
from ledger.policy.consents import CHOICES, GRANTS
from ledger.policy.telling import RECTIFIED
from ledger.store import erasure, listed, tables
from ledger.store.database import once
from ledger.store.hot import Hot, Together
from ledger.store.requests import Begun, Step, steps_made
from ledger.store.states import HEAD, Part

ANSWERS = (
    "request.fulfilled.v1",
    "request.partially_fulfilled.v1",
    "request.refused.v1",
    "request.withdrawn.v1",
)


Unanswered: TypeAlias = list[tuple[Begun, list[Step]]]


class Granted(NamedTuple):
    """So many consents to a purpose, recorded under an edition on a form, `bucket` of the cuts
    before them."""

    purpose: str
    edition: Day
    form: str | None
    bucket: int
    people: int


class Told(NamedTuple):
    """So many facts alike of which recipients are told. `bucket`: so many of the cuts are before
    their positions, of which `position` is one."""

    kind: str
    klass: str | None
    decision: str | None
    purpose: str | None
    channel: str | None
    changed: tuple[str, ...]
    bucket: int


_ANSWERS = ", ".join(f"'{kind}'" for kind in ANSWERS)


def _owed(r: str) -> str:
    """That a row is of a request's reception, and nobody answered it, or something was amended."""
    return f"""{tables.REQUESTED.replace("kind", f"{r}.kind")} AND (
        NOT EXISTS (SELECT 1 FROM events a WHERE a.stream = {r}.stream AND a.kind IN ({_ANSWERS}))
        OR EXISTS (SELECT 1 FROM events v WHERE v.stream = {r}.stream
            AND v.ref_position IS NOT NULL))"""


_OWED = f"FROM events r WHERE {_owed('r')}"
_UNANSWERED = Hot(
    sa.text(f"SELECT r.position, r.stream, r.subject {_OWED} ORDER BY r.position").columns(
        sa.column("position", tables.BIG),
        sa.column("stream", tables.Id),
        sa.column("subject", tables.Id),
    )
)
_STEPS = Hot(
    sa.text(f"""SELECT s.position, s.stream, s.recorded_at, s.entry FROM events s
        WHERE s.stream IN (SELECT r.stream {_OWED}) ORDER BY s.stream, s.version""").columns(
        sa.column("position", tables.BIG),
        sa.column("stream", tables.Id),
        sa.column("recorded_at", tables.BIG),
        sa.column("entry", sa.LargeBinary),
    )
)
_WAITING = Hot(
    sa.text("""SELECT heard.decision, COUNT(*) AS n FROM events heard
        WHERE heard.kind = 'motive.received.v1' AND heard.decision <> 'applied'
        AND NOT EXISTS (SELECT 1 FROM events reply WHERE reply.ref_position = heard.position
            AND reply.kind IN ('motive.decided.v1', 'fact.voided.v1'))
        GROUP BY heard.decision""").columns(sa.column("decision"), sa.column("n"))
)
_SEALED = Hot(
    sa.text("""SELECT s.size, last.recorded_at AS until, next.recorded_at AS since
        FROM (SELECT COALESCE((SELECT size FROM log), 0) AS size) s
        LEFT JOIN events last ON last.position = s.size
        LEFT JOIN events next ON next.position = s.size + 1""").columns(
        sa.column("size"), sa.column("until"), sa.column("since")
    )
)


_s = tables.events.alias("steps").c
_OWED_STEPS = Hot(
    sa.select(_s.position, _s.stream, _s.recorded_at, _s.entry)
    .where(_s.stream == tables.events.c.stream)
    .where(sa.text(_owed("events")))
    .order_by(_s.stream, _s.version),
    tables.events.c.subject,
)


def _owed_made(rows: list[tuple[Any, ...]]) -> dict[UUID, list[Step]]:
    return steps_made({row[1] for row in rows}, rows)


OWED_TO_HER = Part("owed requests", (_OWED_STEPS,), _owed_made)
"""The facts of each request of one person that may be owed an answer, by its stream."""


class First(NamedTuple):
    """What the first screen reads of the clear columns. `waiting`: how many texts wait for a
    person, by how they resemble an agreed phrase; `unanswered`: as the function says; `sealed`: how
    many events the last checkpoint covers, when the last of them was recorded, and when the first
    of the others was; `carried_out`: intents of the erasure journal; `holds`: as `every_hold`."""

    waiting: dict[str, int]
    unanswered: Unanswered
    sealed: tuple[int, Instant | None, Instant | None]
    carried_out: int
    holds: list[list[Row]]


_OPEN = Together(HEAD, _UNANSWERED, _STEPS)
_FIRST = Together(
    HEAD, _UNANSWERED, _STEPS, _WAITING, _SEALED, erasure.CARRIED_OUT, listed.EVERY_HOLD
)


def first(connection: sa.Connection) -> First:
    """All of it, in one round trip; of one state, it is read once."""
    return once(connection, "the first screen", lambda: _first(connection))


def _first(connection: sa.Connection) -> First:
    head, unanswered, steps, waiting, sealed, done, holds = _FIRST.rows(connection)
    once(connection, "head", lambda: head)
    ((size, until, since),) = sealed
    return First(
        dict(waiting),
        once(connection, "unanswered", lambda: _unanswered(unanswered, steps)),
        (size, until, since),
        erasure.counted(done),
        list(listed.by_hold(holds)),
    )


def unanswered(connection: sa.Connection) -> Unanswered:
    """The requests on whose stream no answer stands, or of which something was amended: those that
    may be owed an answer, each with its steps. Of one state, they are read once."""

    def read() -> Unanswered:
        head, begun, steps = _OPEN.rows(connection)
        once(connection, "head", lambda: head)
        return _unanswered(begun, steps)

    return once(connection, "unanswered", read)


def _unanswered(begun: list[Any], steps: list[Any]) -> Unanswered:
    found = [Begun(*row) for row in begun]
    told = steps_made([one.stream for one in found], steps)
    return [(one, told[one.stream]) for one in found]


def granted(
    connection: sa.Connection, purposes: Collection[str], cuts: Sequence[Instant]
) -> list[Granted]:
    """The consents that count, grouped; a yes whose proof was erased since is none. Without cuts
    (no form was ever published twice) no entry is read."""
    if not purposes:
        return []
    form, bucket, joined = "NULL", "0", ""
    if cuts:
        form = _said(connection, "e.entry", "form")
        bucket = _bucket("c.at", cuts)
        joined = "LEFT JOIN events e ON e.position = c.position"
    text = f"""SELECT c.purpose, c.edition, {form}, {bucket}, COUNT(*) FROM consents c {joined}
        WHERE c.kind IN :grants AND c.purpose IN :purposes AND NOT EXISTS (SELECT 1 FROM ended g
            WHERE g.subject = c.subject AND g.class = '{CHOICES}' AND g.scope = ''
            AND g.tier = 'erased' AND g.position > c.position)
        GROUP BY 1, 2, 3, 4"""
    query = sa.text(text).bindparams(
        sa.bindparam("grants", GRANTS, expanding=True),
        sa.bindparam("purposes", sorted(purposes), expanding=True),
    )
    return [Granted(*row) for row in connection.execute(query)]


def concerning(
    connection: sa.Connection, before: Instant, cuts: Sequence[int]
) -> Iterator[tuple[Told, int, int]]:
    """The facts of which recipients are told, recorded before then and not voided, grouped: what
    they are about, a position among them, how many."""
    text = f"""SELECT {_about(connection, cuts)}, MIN(f.position), COUNT(*) FROM events f
        WHERE {_STANDING} GROUP BY 1, 2, 3, 4, 5, 6, 7"""
    for *about, position, n in connection.execute(sa.text(text), {"before": before}):
        yield _told(about), position, n


def acknowledged(
    connection: sa.Connection, before: Instant, cuts: Sequence[int]
) -> Iterator[tuple[Told, str, int]]:
    """The same facts, by the recipient that acknowledged them: how many, however often."""
    recipient = _said(connection, "entry", "recipient")
    fact = f"CAST({_said(connection, 'entry', 'fact')} AS BIGINT)"
    text = f"""WITH said AS (SELECT DISTINCT {recipient} AS recipient, {fact} AS fact FROM events
            WHERE {tables.LISTED} AND kind = 'recipient.acknowledged.v1')
        SELECT {_about(connection, cuts)}, said.recipient, COUNT(*)
        FROM said JOIN events f ON f.position = said.fact
        WHERE {_STANDING} GROUP BY 1, 2, 3, 4, 5, 6, 7, 8"""
    for *about, code, n in connection.execute(sa.text(text), {"before": before}):
        yield _told(about), code, n


_CONCERNING = tables.CONCERNING_SQL.replace("kind", "f.kind", 1)
_STANDING = f"""{_CONCERNING} AND f.actor <> 'import' AND f.subject IS NOT NULL
    AND f.recorded_at < :before AND NOT EXISTS (SELECT 1 FROM events v
        WHERE v.ref_position = f.position AND v.kind = '{VOID}' AND NOT EXISTS (SELECT 1
            FROM events w WHERE w.ref_position = f.position AND w.position > v.position))"""


def _about(connection: sa.Connection, cuts: Sequence[int]) -> str:
    changed = _said(connection, "f.entry", "changed")
    return (
        'f.kind, f."class", f.decision, f.purpose, f.channel,'
        f" CASE WHEN f.kind = '{RECTIFIED}' THEN {changed} END, {_bucket('f.position', cuts)}"
    )


def _told(about: Sequence[Any]) -> Told:
    kind, klass, decision, purpose, channel, changed, bucket = about
    fields = tuple(json.loads(changed)) if changed else ()
    return Told(kind, klass, decision, purpose, channel, fields, bucket)


def _bucket(column: str, cuts: Sequence[int]) -> str:
    """SQL for how many of the cuts are at or before the column."""
    steps = " ".join(f"WHEN {column} < {cut:d} THEN {n}" for n, cut in enumerate(sorted(cuts)))
    return f"(CASE {steps} ELSE {len(cuts)} END)" if cuts else "0"


def _said(connection: sa.Connection, entry: str, key: str) -> str:
    """SQL for one clear field of an entry, as text."""
    if connection.dialect.name == "sqlite":
        return f"json_extract(CAST({entry} AS TEXT), '$.meta.{key}')"
    return f"(CAST(convert_from({entry}, 'UTF8') AS json) #>> '{{meta,{key}}}')"
