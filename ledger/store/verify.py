"""Does the ledger still say what was recorded? Every row against its entry, every count recounted.

Events are streamed in position order, a page at a time, so memory stays flat whatever the length
of the log. Checked are: positions without a gap up to the head; every leaf the hash of its entry;
every entry canonical; every typed column what its entry implies; record time increasing; the
edition that each `pol` names; versions without a gap; policy documents; every sealed part the one
its entry committed to, and a missing one only where its key was destroyed or a restore says that it
was lost; keys destroyed as the log says, and on the order it names; live tables as derived.

Findings are data and name positions and columns, never values. What this file cannot see: a row
whose entry *and* columns *and* leaf were all rewritten together, because only a signed checkpoint
held by somebody else shows that. Nothing here opens an envelope. Read next: `destructions.py`,
`rebuild.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa

from ledger import entry
from ledger.calendar import Instant
from ledger.errors import ProbantError
from ledger.events import Row
from ledger.policy.book import Book
from ledger.policy.explain import Language, words
from ledger.store import reader, rebuild, tables
from ledger.store.database import Database
from ledger.store.destructions import Destructions, destructions
from ledger.store.mapper import fact_from, row_from
from ledger.store.recorder import Head, read_head
from ledger.store.states import ROW_COLUMNS

KEPT = 100  # findings kept in the report; all are counted
PAGE = 1000  # events read at a time

PRUNED, RESTORED = "ledger.pruned.v1", "ledger.restored.v1"
PART = {"n", "kid", "kc", "cm", "ct"}  # what an entry says of a sealed part

Progress = Callable[[int, int], None]
"""Told how many events were checked, and how many there are."""


class Finding(NamedTuple):
    """One thing that is not as it was recorded. `code` is stable; `position` is where to look.
    `why` is the code of its sentence (`ledger/policy/words`, [stored]), `values` what it names."""

    code: str
    position: int | None
    why: str
    values: Mapping[str, str] = MappingProxyType({})

    @property
    def sentence(self) -> str:
        """In plain English."""
        return self.said("en")

    def said(self, lang: Language) -> str:
        """In plain words."""
        return words(lang)["stored"][self.why].format(**self.values)

    def to_json(self, lang: Language = "en") -> dict[str, Any]:
        """Plain values, with the sentence."""
        return {**self._asdict(), "values": dict(self.values), "sentence": self.said(lang)}


@dataclass(frozen=True, slots=True)
class Report:
    """What was checked and what was found; `counts` says how often each code was found."""

    events: int
    pruned: int
    envelopes: int
    counts: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Nothing was found."""
        return not self.counts

    def to_json(self, lang: Language = "en") -> dict[str, Any]:
        """Plain values."""
        return {
            "ok": self.ok,
            "events": self.events,
            "pruned": self.pruned,
            "envelopes": self.envelopes,
            "counts": dict(sorted(self.counts.items())),
            "findings": [finding.to_json(lang) for finding in self.findings],
        }


def verify(database: Database, progress: Progress | None = None) -> Report:
    """Check the whole ledger as it is at one instant; writers may go on meanwhile.

    `progress` is told after each page. Raises LookupError if there is no ledger.
    """
    found = _Findings()
    with destructions() as ends, database.read() as connection:
        head = read_head(connection)
        log = _Log(connection, found, ends)
        for page in log.pages():
            _check_parts(log, page)
            if progress is not None:
                progress(log.events, head.position)
        _check_pruned(log)
        for position, why in ends.findings(connection):
            found.add("destroyed", position or None, why)
        _check_head(log, head)
        _check_versions(log)
        _check_documents(connection, found)
    _check_live(database, found)
    return Report(log.events, log.pruned, log.envelopes, dict(found.counts), tuple(found.kept))


@dataclass
class _Findings:
    counts: Counter[str] = field(default_factory=Counter)
    kept: list[Finding] = field(default_factory=list)

    def add(self, code: str, position: int | None, why: str, **values: str) -> None:
        self.counts[code] += 1
        if len(self.kept) < KEPT:
            self.kept.append(Finding(code, position, why, values))


class _Part(NamedTuple):
    """What the entry at a position says of one sealed part."""

    position: int
    subject: UUID | None
    said: dict[str, str]  # n, kid, kc, cm, ct


class _Page(NamedTuple):
    """Positions looked at, and the sealed parts that their entries name."""

    after: int
    last: int
    parts: list[_Part]


class _Log:
    """The events in order, and what must be remembered from one to the next."""

    def __init__(self, connection: sa.Connection, found: _Findings, ends: Destructions) -> None:
        self.connection, self.found, self.ends = connection, found, ends
        self.events = self.pruned = self.envelopes = 0
        self.position = 0
        self.recorded_at: Instant | None = None
        self.editions: dict[str, int] = {}  # by `pol`, as published so far
        self.bare: list[list[int]] = []  # ranges of pruned positions
        self.named: list[tuple[int, int, int]] = []  # first, last, and where a prune says so
        self.lost = _lost(connection)

    def pages(self) -> Iterator[_Page]:
        """Check every event, a page at a time."""
        while True:
            after = self.position
            parts: list[_Part] = []
            rows = self._rows(after)
            for position, row in rows:
                parts += self._check(position, row)
            if not rows:
                return
            yield _Page(after, self.position, parts)

    def _rows(self, after: int) -> list[tuple[int, Any]]:
        """The next events; None for one that holds what cannot be read as its type."""
        e = tables.events.c
        query = sa.select(*ROW_COLUMNS, e.entry, e.leaf).order_by(e.position)
        try:
            rows = self.connection.execute(query.where(e.position > after).limit(PAGE))
            return [(row.position, row) for row in rows]
        except (ValueError, TypeError):
            numbers = sa.select(e.position).where(e.position > after).order_by(e.position)
            positions = self.connection.scalars(numbers.limit(PAGE)).all()
            return [(n, self._alone(query.where(e.position == n))) for n in positions]

    def _alone(self, query: sa.Select[Any]) -> Any:
        try:
            return self.connection.execute(query).one()
        except (ValueError, TypeError):
            return None

    def _check(self, position: int, row: Any) -> list[_Part]:
        """Check one event; the sealed parts its entry names."""
        if position != self.position + 1:
            self.found.add("position", self.position + 1, "no_event")
        self.position = position
        self.events += 1
        if row is None:
            self.found.add("columns", position, "no_value")
            return []
        if row.entry is None:
            self.pruned += 1
            if self.bare and self.bare[-1][1] == position - 1:
                self.bare[-1][1] = position
            else:
                self.bare.append([position, position])
            if len(row.leaf) != 32:
                self.found.add("leaf", position, "bare_leaf")
            return []
        if entry.leaf_hash(row.entry) != row.leaf:
            self.found.add("leaf", position, "leaf")
        if self.recorded_at is not None and row.recorded_at <= self.recorded_at:
            self.found.add("time", position, "no_later")
        self.recorded_at = row.recorded_at
        try:
            return self._check_entry(row)
        except (ProbantError, ValueError, TypeError, KeyError, AttributeError) as error:
            self.found.add("entry", position, "entry_unreadable", error=type(error).__name__)
            return []

    def _check_entry(self, row: Any) -> list[_Part]:
        said = entry.read(row.entry)
        fact: Any = fact_from(said)
        if fact.kind == reader.PUBLISHED:
            self.editions[fact.document] = fact.edition
        if fact.kind == PRUNED:
            self.named += [(first, last, row.position) for first, last in fact.ranges]
        self.ends.note(row.position, said["id"], fact)
        expected = row_from(row.entry, row.position, lambda pol: self.editions.get(pol, 0))
        self._compare(row, expected, said)
        parts = [
            _Part(row.position, expected.subject, dict(part)) for part in said.get("parts", ())
        ]
        for part in parts:
            if part.said.keys() != PART or not all(isinstance(v, str) for v in part.said.values()):
                raise ValueError("a part is described otherwise")
        return parts

    def _compare(self, row: Any, expected: Row, said: dict[str, Any]) -> None:
        if said["pol"] not in self.editions:
            self.found.add("policy", row.position, "policy_unpublished")
            expected = expected._replace(edition=row.edition)
        wrong = [
            column.name
            for column, stored, implied in zip(ROW_COLUMNS, row, expected, strict=False)
            if stored != implied or type(stored) is not type(implied)
        ]
        if wrong:
            self.found.add("columns", row.position, "columns", columns=", ".join(wrong))


# --- sealed parts ------------------------------------------------------------------------------


def _check_parts(log: _Log, page: _Page) -> None:
    """Each part an entry names is there, unaltered, under a key of that person and class; or its
    key was destroyed. Nothing else is there."""
    keys, sealed = tables.keys.c, tables.sealed.c
    there: dict[tuple[int, str], Any] = {
        (row.position, row.part): row
        for row in log.connection.execute(
            sa.select(sealed.position, sealed.part, sealed.key_id, sealed.envelope).where(
                sealed.position > page.after, sealed.position <= page.last
            )
        )
    }
    named = {identifier for part in page.parts if (identifier := _identifier(part.said["kid"]))}
    known = {}
    query = sa.select(keys.key_id, keys.subject, keys.data_class, keys.wrapped, keys.state)
    for some in _groups(list(named), 500):
        for row in log.connection.execute(query.where(keys.key_id.in_(some))):
            known[str(row.key_id)] = row
    for part in page.parts:
        log.envelopes += 1
        envelope = there.pop((part.position, part.said["n"]), None)
        if envelope is None and part.position in log.lost:
            continue
        key = known.get(part.said["kid"])
        if key is not None and key.wrapped is None:
            log.ends.gone(part.position, key.key_id)
        problem = _problem(part, envelope, key)
        if problem:
            log.found.add("sealed", part.position, problem)
    for position, _ in there:
        log.found.add("sealed", position, "envelope_unnamed")


def _lost(connection: sa.Connection) -> set[int]:
    """The positions whose sealed parts a later restore calls lost (rule R3)."""
    e = tables.events.c
    query = sa.select(e.position, e.entry).where(e.kind == RESTORED)
    found: set[int] = set()
    for position, raw in connection.execute(query):
        try:
            ranges = entry.read(bytes(raw))["meta"].get("lost_parts", ())
            for first, last in ranges:
                found.update(range(first, min(last, position - 1) + 1))
        except (ProbantError, ValueError, TypeError, KeyError, AttributeError):
            continue  # the entry is found unreadable in its turn
    return found


def _problem(part: _Part, envelope: Any, key: Any) -> str | None:
    """What is wrong with a part, given the rows of its envelope and of its key, if any."""
    if key is None:
        return "no_key"
    destroyed = key.state == "destroyed"
    if destroyed is not (key.wrapped is None):
        return "key_neither"
    if (key.subject, key.data_class) != (part.subject, part.said["n"]):
        return "key_of_another"
    if envelope is None:
        return None if destroyed else "envelope_missing"
    if destroyed:
        return "envelope_left"
    if str(envelope.key_id) != part.said["kid"]:
        return "envelope_key"
    if entry.to_base64(entry.envelope_hash(envelope.envelope)) != part.said["ct"]:
        return "envelope_altered"
    return None


def _groups(items: list[UUID], size: int) -> Iterator[list[UUID]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _identifier(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


# --- what is counted over the whole log ----------------------------------------------------------


def _check_head(log: _Log, head: Head) -> None:
    if head.position != log.position:
        log.found.add("head", log.position, "head_elsewhere")
    last = log.recorded_at or 0
    if head.last_at < last or (head.last_at > last and not log.pruned):
        log.found.add("head", log.position, "head_time")
    beyond = tables.sealed.c.position
    query = sa.select(beyond).where(beyond > log.position).order_by(beyond)
    for position in log.connection.scalars(query.limit(KEPT)):
        log.found.add("sealed", position, "envelope_unnamed")


def _check_pruned(log: _Log) -> None:
    """Every bare leaf is named by a later prune (rule R2), and nothing that a prune names is left.

    The names of the prunes are sorted and may touch: a run of bare leaves is walked along them.
    """
    names = sorted(log.named)
    for first, last in log.bare:
        at = first
        for start, end, said in names:
            if start <= at <= end and said > end:
                at = end + 1
        if at <= last:
            log.found.add("pruned", at, "entry_gone")
    bare = sum(last - first + 1 for first, last in log.bare)
    told = sum(end - start + 1 for start, end, _ in names)
    if told > bare:
        log.found.add("pruned", None, "entry_again")


def _check_versions(log: _Log) -> None:
    """Versions count from 1 in each stream, in the order of positions. A pruned event takes its
    version with it, so as many may be missing as events were pruned."""
    steps = """SELECT position, version, before, earlier FROM (
        SELECT position, version,
            LAG(version) OVER (PARTITION BY stream ORDER BY version) AS before,
            LAG(position) OVER (PARTITION BY stream ORDER BY version) AS earlier
        FROM events WHERE stream IS NOT NULL) s
        WHERE version <> COALESCE(before, 0) + 1 OR earlier > position ORDER BY position"""
    excused = log.pruned
    for row in log.connection.execute(sa.text(steps), execution_options={"yield_per": PAGE}):
        missing = row.version - (row.before or 0) - 1
        if row.earlier is not None and row.earlier > row.position:
            log.found.add("version", row.position, "version_before")
        elif 0 < missing <= excused:
            excused -= missing
        else:
            log.found.add("version", row.position, "version_missing")


def _check_documents(connection: sa.Connection, found: _Findings) -> None:
    """Documents are what their name says; the policy book can be read."""
    documents = tables.documents.c
    for name in connection.scalars(sa.select(documents.sha256)).all():
        content = connection.scalar(sa.select(documents.bytes).where(documents.sha256 == name))
        if content is None or sha256(content).digest() != name:
            found.add("document", None, "document_altered")
    try:
        book, _ = reader.policy_book(connection)
    except (ProbantError, ValueError, TypeError, KeyError) as error:
        found.add("policy", None, "book_unreadable", error=type(error).__name__)
    else:
        _check_book(connection, book, found)


def _check_book(connection: sa.Connection, book: Book, found: _Findings) -> None:
    """Each edition takes effect on the day its fact says."""
    events = tables.events.c
    for published in book.entries:
        query = sa.select(events.until_day).where(events.position == published.position)
        if connection.scalar(query) != published.edition.number:
            found.add("policy", published.position, "other_day")


def _check_live(database: Database, found: _Findings) -> None:
    try:
        for difference in rebuild.differences(database):
            row = difference.live or difference.derived or ()
            names = tables.metadata.tables[difference.table].columns.keys()
            positions = [
                value
                for name, value in zip(names, row, strict=True)
                if name.endswith("position") and isinstance(value, int)
            ]
            why = "live_missing" if difference.live is None else "live_differs"
            why = "live_extra" if difference.derived is None else why
            found.add("live", max(positions, default=None), why, table=difference.table)
    except (ValueError, TypeError):
        found.add("live", None, "live_unreadable")
