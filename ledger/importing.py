"""Importing somebody else's history: streaming, resumable, every line with its own outcome.

A line is identified for ever by (source, key column) or, without one, by (source, content, ordinal
among equal lines): running an import again, or after a kill, adds exactly what is missing. Bad
lines go to a rejects file with their number and the reason, never their content; good lines are
kept. Memory does not grow with the file.

Kinds that begin a stream of their own and seal nothing (purchases, above all) take the bulk path;
all others are decided one by one like any other wish. Read next: `ledger/store/bulk.py`.
"""

from __future__ import annotations

import csv
import hmac
import json
import sqlite3
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from eventsourcing.persistence import PersistenceError

from ledger.aggregates import door
from ledger.application import Ledger, pol_of
from ledger.calendar import (
    Grain,
    Moment,
    format_instant,
    moment_of_day,
    moment_of_instant,
    parse_day,
    parse_instant,
)
from ledger.commands import Record, Reference
from ledger.deciding import KNOWN_BY, normal
from ledger.errors import BadData, Broken, Refusal, Stale
from ledger.events import CustomerRegistered, Fact, MessageSent, OrderPlaced
from ledger.handlers import record_many
from ledger.importmap import FieldMap, ImportMap, load_map
from ledger.policy.model import Edition
from ledger.store import bulk
from ledger.store.recorder import translated
from ledger.store.templates import Template, template, varies

LINE_LIMIT = 1 << 20  # bytes; a longer line is a mistake, and is not kept in memory
CHUNK = 5000  # lines a transaction in bulk
CHUNK_DECIDED = 500  # lines a transaction when each is decided by itself
ORDINALS_IN_MEMORY = 200_000
BULK_KINDS = (OrderPlaced, MessageSent)
Progress = Callable[[int, int, int], None]  # bytes done, bytes in all, lines read


@dataclass
class ImportReport:
    """What an import did. `recorded` counts events by kind, registrations included."""

    source: str
    read: int = 0
    recorded: dict[str, int] = field(default_factory=dict)
    already: int = 0
    rejected: int = 0
    subjects: int = 0
    seconds: float = 0.0
    rejects_file: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The report as plain values."""
        return asdict(self)


def import_file(
    ledger: Ledger,
    path: Path,
    mapping: ImportMap,
    *,
    rejects: Path | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Record what a file says. Raises BadData if the file as a whole cannot be read, Broken if the
    database fails: what was recorded until then stays, and running again completes it."""
    started = time.monotonic()
    report = ImportReport(mapping.source)
    with _opened(path) as file, Rejects(rejects) as bad, Ordinals() as ordinals:
        job = _Job(ledger, mapping, report, bad, ordinals)
        size = max(path.stat().st_size, 1)
        for chunk in _chunks(rows(file, mapping, bad, report), job.size):
            job.record(chunk)
            if progress:
                progress(file.tell(), size, report.read)
        report.rejected, report.rejects_file = bad.count, bad.written_to
    report.seconds = round(time.monotonic() - started, 3)
    return report


# --- reading ----------------------------------------------------------------------------------

RawRow = tuple[int, list[str]]  # line number, the texts of the mapped columns and then the rest


class Rejects:
    """The rejects file: line number, reason and field, one JSON object a line. Never a value."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.count = path, 0
        self.written_to: str | None = None
        self._file: TextIO | None = None

    def __enter__(self) -> Rejects:
        """Nothing is created until something is rejected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file if there is one."""
        if self._file:
            self._file.close()

    def add(self, line: int, reason: str, problem: str = "malformed") -> None:
        """One bad line."""
        self.count += 1
        if self.path is None:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
            self.written_to = str(self.path)
        said = {"line": line, "problem": problem, "reason": reason}
        self._file.write(json.dumps(said, ensure_ascii=False) + "\n")


def rows(
    file: BinaryIO, mapping: ImportMap, bad: Rejects, report: ImportReport
) -> Iterator[RawRow]:
    """The readable lines of a file, the mapped columns first. Raises BadData for a file that does
    not have them."""
    read = _csv_rows if mapping.format == "csv" else _ndjson_rows
    yield from read(_lines(file, mapping.encoding, bad, report), mapping, bad)


def _opened(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise BadData(f"there is no file at {path}") from error
    except OSError as error:
        raise BadData(f"{path.name} cannot be opened ({type(error).__name__})") from error
    head = file.read(4)
    file.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in head:
        file.close()
        raise BadData(f"{path.name} is not in UTF-8 (it looks like UTF-16); convert it first")
    return file


def _lines(
    file: BinaryIO, encoding: str, bad: Rejects, report: ImportReport
) -> Iterator[tuple[int, str]]:
    """Decoded lines with their numbers, from 1."""
    number = 0
    while raw := file.readline(LINE_LIMIT):
        number += 1
        if len(raw) == LINE_LIMIT and not raw.endswith(b"\n"):
            while raw := file.readline(LINE_LIMIT):
                if raw.endswith(b"\n"):
                    break
            report.read += 1
            bad.add(number, "this line is longer than 1 MiB")
            continue
        try:
            text = raw.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            report.read += 1
            bad.add(number, f"this line is not {encoding} text; is the map's 'encoding' right?")
            continue
        if text:
            report.read += 1
            yield number, text


def _csv_rows(
    lines: Iterator[tuple[int, str]], mapping: ImportMap, bad: Rejects
) -> Iterator[RawRow]:
    at = 0

    def fed() -> Iterator[str]:
        nonlocal at
        for number, text in lines:
            at = number
            if text.count('"') % 2:
                # A stray quote would swallow the lines that follow.
                bad.add(number, "a quote is opened on this line and not closed")
                continue
            yield text

    reader = csv.reader(fed(), delimiter=mapping.delimiter, strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise BadData("the file is empty: not even a line of column names") from None
    except csv.Error as error:
        raise BadData("the first line does not hold column names") from error
    order, rest = _positions(header, mapping)
    width = len(header)
    pick = order + rest
    straight = pick == list(range(width))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            bad.add(at, "this line is not CSV")
            continue
        if len(row) != width:
            bad.add(at, f"this line has {len(row)} columns, the first line names {width}")
            continue
        yield at, row if straight else [row[i] for i in pick]


def _positions(header: list[str], mapping: ImportMap) -> tuple[list[int], list[int]]:
    names = [name.strip() for name in header]
    for name in mapping.columns:
        if names.count(name) != 1:
            what = "has no column" if name not in names else "has two columns"
            raise BadData(f"the file {what} '{name}', which the map reads")
    order = [names.index(name) for name in mapping.columns]
    return order, [i for i in range(len(names)) if i not in order]


def _ndjson_rows(
    lines: Iterator[tuple[int, str]], mapping: ImportMap, bad: Rejects
) -> Iterator[RawRow]:
    for number, text in lines:
        try:
            said = json.loads(text)
        except ValueError:
            bad.add(number, "this line is not JSON")
            continue
        if not isinstance(said, dict):
            bad.add(number, "this line is not a JSON object")
            continue
        absent = [n for n in (mapping.person_column, mapping.occurred_column) if n not in said]
        if absent:
            bad.add(number, f"this line has no '{absent[0]}', which the map reads")
            continue
        values = [_cell(said.pop(name, "")) for name in mapping.columns]
        yield number, [*values, json.dumps(said, sort_keys=True)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _chunks(source: Iterator[RawRow], size: int) -> Iterator[list[RawRow]]:
    chunk: list[RawRow] = []
    for row in source:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    yield chunk


class Ordinals:
    """How many equal lines came before: in memory, and beyond a limit in a temporary file that
    holds keyed fingerprints only."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._spilled: sqlite3.Connection | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Ordinals:
        """Nothing to open yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the temporary file."""
        if self._spilled:
            self._spilled.close()
        if self._folder:
            self._folder.cleanup()

    def next(self, mac: bytes) -> int:
        """0 for the first line of this content, then 1, 2, …"""
        count = self._counts.get(mac)
        if count is None:
            if len(self._counts) >= ORDINALS_IN_MEMORY:
                self._spill()
            count = self._seen_before(mac)
        self._counts[mac] = count + 1
        return count

    def _seen_before(self, mac: bytes) -> int:
        if self._spilled is None:
            return 0
        row = self._spilled.execute("SELECT n FROM seen WHERE mac = ?", (mac,)).fetchone()
        return row[0] if row else 0

    def _spill(self) -> None:
        if self._spilled is None:
            self._folder = tempfile.TemporaryDirectory(prefix="probant-")
            self._spilled = sqlite3.connect(Path(self._folder.name) / "ordinals.sqlite")
            self._spilled.execute("PRAGMA synchronous=OFF")
            self._spilled.execute("PRAGMA journal_mode=OFF")
            self._spilled.execute("CREATE TABLE seen (mac BLOB PRIMARY KEY, n INT) WITHOUT ROWID")
        put = "INSERT INTO seen VALUES (?, ?) ON CONFLICT (mac) DO UPDATE SET n = excluded.n"
        self._spilled.executemany(put, sorted(self._counts.items()))
        self._counts.clear()


# --- recording --------------------------------------------------------------------------------


class _Job:
    """One import: turns rows into lines and hands them to the store, chunk by chunk."""

    def __init__(
        self,
        ledger: Ledger,
        mapping: ImportMap,
        report: ImportReport,
        bad: Rejects,
        ordinals: Ordinals,
    ) -> None:
        self.ledger, self.mapping, self.report = ledger, mapping, report
        self.bad, self.ordinals = bad, ordinals
        columns = mapping.columns
        self._at = {name: index for index, name in enumerate(columns)}
        self._read = [f for f in mapping.fields if f.column is not None]
        self._mac_key = ledger.keyring.secret(f"import/{mapping.source}")
        self._moments: dict[str, tuple[Moment, str]] = {}
        self._people: dict[str, bulk.Blind] = {}
        self._shapes: dict[Any, Template | Refusal] = {}
        self._recorded: Counter[str] = Counter()
        self._epoch = -1
        seals = any(f.spec.personal for f in mapping.fields)
        self.in_bulk = not seals and all(cls in BULK_KINDS for cls in mapping.kinds.values())
        self.size = CHUNK if self.in_bulk else CHUNK_DECIDED
        keyring = ledger.keyring
        self._bulk = bulk.Bulk(ledger.database, ledger.clock, keyring.pepper, mapping.source)

    def record(self, chunk: list[RawRow]) -> None:
        """Record one chunk of rows; bad ones are rejected one by one."""
        known = [(number, row, *self._identity(row)) for number, row in chunk]
        for _ in range(5):
            try:
                self._refresh()
                with translated():
                    (self._record_bulk if self.in_bulk else self._record_decided)(known)
                break
            except Stale:
                # The chunk was not written: an edition appeared, or another import overtook us.
                self.ledger.forget()
            except PersistenceError as error:
                raise Broken(
                    f"the database failed ({error}); run the import again to complete it"
                ) from None
        else:
            raise Stale("others keep changing what this import needs; run it again")
        self.report.recorded = dict(self._recorded)

    def _record_bulk(self, known: list[Any]) -> None:
        lines: list[bulk.Line] = []
        numbers: list[int] = []
        rejected: list[tuple[int, str, str]] = []
        now, edition = self.ledger.clock.now(), self._edition
        for number, row, mac, ordinal in known:
            try:
                lines.append(self._line(row, mac, ordinal, now, edition))
                numbers.append(number)
            except BadData as error:
                rejected.append((number, str(error), "malformed"))
        result = self._bulk.write(lines, self._registration, self._epoch)
        for index in result.taken:
            said = "this order is already recorded under its own reference"
            rejected.append((numbers[index], said, "conflict"))
        for reject in sorted(rejected):
            self.bad.add(*reject)
        self.report.already += len(result.already)
        self.report.subjects += result.registered
        skipped = {*result.already, *result.taken}
        self._recorded.update(
            line.template.fact.kind for i, line in enumerate(lines) if i not in skipped
        )
        if result.registered:
            self._recorded[CustomerRegistered.kind] += result.registered

    def _record_decided(self, known: list[Any]) -> None:
        source = self.mapping.source
        with self.ledger.database.glance() as connection:
            done = bulk.existing_imports(connection, source, [mac for _, _, mac, _ in known])
        commands, identities, numbers = [], [], []
        for number, row, mac, ordinal in known:
            if (mac, ordinal) in done:
                self.report.already += 1
                continue
            done.add((mac, ordinal))
            try:
                commands.append(self._command(row))
            except BadData as error:
                self.bad.add(number, str(error))
                continue
            identities.append((source, mac, ordinal))
            numbers.append(number)
        if not commands:
            return
        outcomes = record_many(self.ledger, commands, identities)
        for number, command, outcome in zip(numbers, commands, outcomes, strict=True):
            if isinstance(outcome, Refusal):
                self.bad.add(number, outcome.detail, outcome.problem)
                continue
            self._recorded[command.fact.kind] += 1
            if len(outcome.written) > 1:
                self.report.subjects += 1
                self._recorded[CustomerRegistered.kind] += 1

    # -- one line --------------------------------------------------------------------------

    def _identity(self, row: list[str]) -> tuple[bytes, int]:
        key = self.mapping.key
        if key is not None:
            said = "key\x1f" + row[self._at[key]]
            return hmac.digest(self._mac_key, said.encode(), "sha256")[:16], 0
        mac = hmac.digest(self._mac_key, "\x1f".join(row).encode(), "sha256")[:16]
        return mac, self.ordinals.next(mac)

    def _line(
        self, row: list[str], mac: bytes, ordinal: int, now: int, edition: Edition
    ) -> bulk.Line:
        at = self._at
        moment, said = self._moment(row[at[self.mapping.occurred_column]])
        if moment.at > now + door.FUTURE_TOLERANCE:
            raise BadData("field 'occurred' is in the future: only what happened can be recorded")
        numbers: dict[str, str] = {}
        fixed: list[tuple[str, Any]] = []
        amount: int | None = None
        for mapped in self._read:
            text = row[at[mapped.column or ""]]
            if not text:
                continue
            spec = mapped.spec
            value = mapped.read(text)
            if not varies(spec):
                fixed.append((spec.name, value))
            elif mapped.currency is not None:
                numbers[spec.name] = str(value.minor)
                amount = value.minor if spec.column == "amount_minor" else amount
            else:
                numbers[spec.name] = str(value)
        cls = self._kind(row)
        shape = self._shape(cls, tuple(fixed), tuple(numbers), edition)
        thing = self._thing(row)
        blind = self._blind(f"{cls.aggregate}/{thing.kind}", thing) if thing else None
        return bulk.Line(
            mac, ordinal, self._person(row), blind, shape, moment, said, numbers, amount
        )

    def _command(self, row: list[str]) -> Record:
        cls = self._kind(row)
        values: dict[str, Any] = {}
        names = {spec.name for spec in cls.specs}
        for mapped in self.mapping.fields:
            value = mapped.value
            if mapped.column is not None:
                text = row[self._at[mapped.column]]
                value = mapped.read(text) if text else None
            if value is not None and mapped.spec.name in names:
                values[mapped.spec.name] = value
        missing = [s.key for s in cls.specs if s.required and s.name not in values]
        if missing:
            raise BadData(f"field '{missing[0]}' is required for {cls.kind}")
        moment, _ = self._moment(row[self._at[self.mapping.occurred_column]])
        fact = cls(occurred=moment, actor="import", **values)
        value = row[self._at[self.mapping.person_column]]
        if not value.strip():
            raise BadData("field 'person': the reference is empty")
        return Record(fact, Reference(self.mapping.person_kind, value), thing=self._thing(row))

    def _kind(self, row: list[str]) -> type[Fact]:
        column = self.mapping.kind_column
        cls = self.mapping.kinds.get(None if column is None else row[self._at[column]])
        if cls is None:
            raise BadData("field 'kind': the map has no kind for what this line says")
        return cls

    def _moment(self, text: str) -> tuple[Moment, str]:
        """When, and how the entry writes it. Files repeat their dates: answers are kept."""
        found = self._moments.get(text)
        if found is None:
            day = self.mapping.occurred_form == "day"
            try:
                moment = (
                    moment_of_day(parse_day(text))
                    if day
                    else moment_of_instant(parse_instant(text))
                )
            except ValueError as error:
                raise BadData(f"field 'occurred': {error}") from None
            if len(self._moments) > 50_000:
                self._moments.clear()
            found = self._moments[text] = (moment, format_instant(moment.at))
        return found

    def _person(self, row: list[str]) -> bulk.Blind:
        value = row[self._at[self.mapping.person_column]]
        blind = self._people.get(value)
        if blind is None:
            if not value.strip():
                raise BadData("field 'person': the reference is empty")
            kind = self.mapping.person_kind
            blind = self._blind(f"person/{kind}", Reference(kind, value))
            if len(self._people) > 50_000:
                self._people.clear()
            self._people[value] = blind
        return blind

    def _thing(self, row: list[str]) -> Reference | None:
        kind, column = self.mapping.thing_kind, self.mapping.thing_column
        if kind is None or column is None or not row[self._at[column]].strip():
            return None
        return Reference(kind, row[self._at[column]])

    def _blind(self, family: str, reference: Reference) -> bulk.Blind:
        return family, self.ledger.keyring.blind(family, normal(reference))

    # -- shapes ------------------------------------------------------------------------------

    def _refresh(self) -> None:
        """Templates are cut under one epoch and one edition."""
        epoch = self.ledger.recorder.believed().epoch
        if epoch != self._epoch:
            self._epoch = epoch
            self._shapes.clear()
            now = self.ledger.clock.now()
            self._edition = self.ledger.edition(epoch, now)
            first = next(iter(self.mapping.kinds.values()))
            fixed = {"klass": KNOWN_BY[first.aggregate][0], "origin": "import", "actor": "import"}
            self._registration = self._cut(CustomerRegistered, fixed, ())

    def _shape(
        self,
        cls: type[Fact],
        fixed: tuple[tuple[str, Any], ...],
        varying: tuple[str, ...],
        edition: Edition,
    ) -> Template:
        key = (cls, fixed, varying)
        shape = self._shapes.get(key)
        if shape is None:
            if len(self._shapes) > 5_000:
                self._shapes.clear()
            shape = self._shapes[key] = self._checked(cls, dict(fixed), varying, edition)
        if isinstance(shape, Refusal):
            raise BadData(shape.detail)
        return shape

    def _checked(
        self,
        cls: type[Fact],
        fixed: dict[str, Any],
        varying: tuple[str, ...],
        edition: Edition,
    ) -> Template | Refusal:
        """The template of a shape, or why no fact of this shape is acceptable."""
        for mapped in self.mapping.fields:
            if mapped.column is None:
                fixed[mapped.spec.name] = mapped.value
            elif mapped.currency is not None and mapped.spec.name in varying:
                fixed[mapped.spec.name] = mapped.currency
        absent = [s.key for s in cls.specs if s.required and s.name not in {*fixed, *varying}]
        if absent:
            return Refusal("malformed", f"field '{absent[0]}' is required for {cls.kind}")
        cut = self._cut(cls, fixed | {"actor": "import"}, varying)
        return door.refuse(cut.fact, self.ledger.clock.now(), edition) or cut

    def _cut(self, cls: type[Fact], fixed: dict[str, Any], varying: tuple[str, ...]) -> Template:
        grain: Grain = "day" if self.mapping.occurred_form == "day" else "instant"
        edition = self._edition
        return template(cls, fixed, varying, grain, edition.number, pol_of(edition))


__all__ = ["FieldMap", "ImportMap", "ImportReport", "import_file", "load_map"]
