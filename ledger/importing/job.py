"""Recording what lines say: in bulk where it can be, one decision after another where it must.

Kinds that begin a stream of their own and seal nothing (purchases, above all) take the bulk path;
all others are decided like any other wish. Read next: `ledger/store/bulk.py`.
"""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple, Protocol, TypeVar

from ledger import pan
from ledger.aggregates import door
from ledger.aggregates.door_kinds import refuse_negative
from ledger.application import Ledger, pol_of
from ledger.beginnings import KNOWN_BY
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
from ledger.errors import ERASED_CLASS, BadData, Refusal, Refused, Stale
from ledger.events import CustomerRegistered, Fact, MessageSent, OrderPlaced
from ledger.handlers import record_many
from ledger.importing.maps import FieldMap, ImportMap
from ledger.importing.reading import RawRow, Rejects
from ledger.naming import normal
from ledger.policy.model import Edition
from ledger.store import bulk
from ledger.store.ordinals import Ordinals
from ledger.store.templates import Template, template, varies

T = TypeVar("T")
CELLS_REMEMBERED = 50_000
CHUNK = 5000  # lines a transaction in bulk
CHUNK_DECIDED = 500  # lines a transaction when each is decided by itself
BULK_KINDS = (OrderPlaced, MessageSent)


class Cell(NamedTuple):
    """What one cell contributes: a fixed value of the shape, or a number that varies."""

    name: str
    number: str | None  # as the entry writes it
    value: Any
    minor: int | None  # for the amount column


class PastJudge(Protocol):
    """Who knows which lines belong to people past the published term (`ledger.audit.PastTerm`)."""

    def refusals(self, rows: list[list[str]]) -> list[Refusal | None]:
        """Why each of these rows is not wanted, or None."""
        ...


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


class Checked(NamedTuple):
    """A chunk ready to be written: its lines, their numbers in the file, and the rejected."""

    lines: list[bulk.Line]
    numbers: list[int]
    rejected: list[tuple[int, str, str]]


class Writing(NamedTuple):
    """A chunk being written by the other thread."""

    known: list[Any]
    last: int  # number of its last line
    checked: Checked
    result: Future[bulk.Result]


class Job:
    """One import: turns rows into lines and hands them to the store, chunk by chunk."""

    def __init__(
        self,
        ledger: Ledger,
        mapping: ImportMap,
        report: ImportReport,
        bad: Rejects,
        ordinals: Ordinals,
        writer: Executor,
        past: PastJudge | None = None,
    ) -> None:
        self.ledger, self.mapping, self.report = ledger, mapping, report
        self.bad, self.ordinals, self.past = bad, ordinals, past
        self._writer = writer  # of one thread: chunks are written in their order
        self._writing: Writing | None = None
        columns = mapping.columns
        self._at = {name: index for index, name in enumerate(columns)}
        self._read: list[tuple[int, FieldMap, dict[str, Cell]]] = [
            (self._at[f.column], f, {}) for f in mapping.fields if f.column is not None
        ]
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
        self._bulk = bulk.Bulk(
            ledger.database, ledger.clock, keyring.pepper, mapping.source, ledger.joins
        )

    def record(self, chunk: list[RawRow]) -> None:
        """Record one chunk of rows; bad ones are rejected one by one.

        In bulk, a chunk is written while the next one is read and checked: `finish` waits for it.
        """
        last = chunk[-1][0] if chunk else 0
        chunk = self._in_term(chunk)
        known = [(number, row, *self._identity(row)) for number, row in chunk]
        if self.in_bulk:
            self._refresh()
            checked = self._checked_lines(known)
            self.finish()
            self._writing = Writing(known, last, checked, self._submit(checked))
        else:
            self._until_settled(lambda: self._record_decided(known))
            self._settled(last)

    def finish(self) -> None:
        """Wait until everything handed over so far is committed. Raises what writing it raised."""
        if self._writing is None:
            return
        writing, self._writing = self._writing, None
        try:
            result = writing.result.result()
        except Stale:
            # The chunk was not written: an edition appeared meanwhile. It is checked again.
            writing, result = self._until_settled(lambda: self._again(writing))
        self._account(writing.checked, result)
        self._settled(writing.last)

    def _again(self, writing: Writing) -> tuple[Writing, bulk.Result]:
        self._refresh()
        checked = self._checked_lines(writing.known)
        again = writing._replace(checked=checked, result=self._submit(checked))
        return again, again.result.result()

    def _until_settled(self, act: Callable[[], T]) -> T:
        for _ in range(5):
            try:
                self._refresh()
                return act()
            except Stale:
                self.ledger.forget()
        raise Stale("others keep changing what this import needs; run it again")

    def _submit(self, checked: Checked) -> Future[bulk.Result]:
        return self._writer.submit(self._bulk.write, checked.lines, self._registration, self._epoch)

    def _settled(self, last: int) -> None:
        self.bad.flush(last)
        self.report.recorded = dict(self._recorded)

    def _in_term(self, chunk: list[RawRow]) -> list[RawRow]:
        """Without the lines of people past the published term, if that was asked for."""
        if self.past is None:
            return chunk
        kept: list[RawRow] = []
        judged = self.past.refusals([row for _, row in chunk])
        for (number, row), refusal in zip(chunk, judged, strict=True):
            if refusal is None:
                kept.append((number, row))
            else:
                self.bad.add(number, f"{refusal.detail} [{refusal.clause}]", refusal.problem)
        return kept

    def _checked_lines(self, known: list[Any]) -> Checked:
        """What these rows state, and why some of them state nothing acceptable."""
        checked = Checked([], [], [])
        now, edition = self.ledger.clock.now(), self._edition
        for number, row, mac, ordinal in known:
            try:
                checked.lines.append(self._line(row, mac, ordinal, now, edition))
                checked.numbers.append(number)
            except BadData as error:
                checked.rejected.append((number, str(error), _problem(error)))
        return checked

    def _account(self, checked: Checked, result: bulk.Result) -> None:
        """Report what became of a chunk, line by line."""
        numbers = checked.numbers
        said = "this order is already recorded under its own reference"
        rejected = list(checked.rejected)
        rejected += [(numbers[index], said, "conflict") for index in result.taken]
        rejected += [
            (numbers[index], door.ERASED_PERSON.detail, "erased") for index in result.erased
        ]
        rejected += [(numbers[index], ERASED_CLASS.detail, "erased") for index in result.ended]
        for reject in rejected:
            self.bad.add(*reject)
        self.report.already += len(result.already)
        self.report.subjects += result.registered
        skipped = {*result.already, *result.taken, *result.erased, *result.ended}
        self._recorded.update(
            line.template.fact.kind for i, line in enumerate(checked.lines) if i not in skipped
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
                self.bad.add(number, str(error), _problem(error))
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
        for index, mapped, cells in self._read:
            text = row[index]
            if not text:
                continue
            cell = cells.get(text)
            if cell is None:
                if len(cells) > CELLS_REMEMBERED:
                    cells.clear()
                cell = cells[text] = _cell(mapped, text)
            name, number, value, minor = cell
            if number is None:
                fixed.append((name, value))
            else:
                numbers[name] = number
                amount = minor if minor is not None else amount
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
            _gate(Reference(kind, value))
            blind = self._blind(f"person/{kind}", Reference(kind, value))
            if len(self._people) > 50_000:
                self._people.clear()
            self._people[value] = blind
        return blind

    def _thing(self, row: list[str]) -> Reference | None:
        kind, column = self.mapping.thing_kind, self.mapping.thing_column
        if kind is None or column is None or not row[self._at[column]].strip():
            return None
        thing = Reference(kind, row[self._at[column]])
        _gate(thing)
        return thing

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
            raise Refused(shape)
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


def _gate(reference: Reference) -> None:
    """Raise Refused for an identifier that is a card number."""
    refusal = door.refuse_references(reference)
    if refusal:
        raise Refused(refusal)


def _problem(error: BadData) -> str:
    return error.refusal.problem if isinstance(error, Refused) else "malformed"


def _cell(mapped: FieldMap, text: str) -> Cell:
    """What one cell says; files repeat themselves, so answers are kept. Raises BadData."""
    spec = mapped.spec
    value = mapped.read(text)
    if len(text) >= pan.FEWEST and (problem := pan.problem(text)):
        detail = f"field '{spec.key}' holds what looks like a card number"
        raise Refused(Refusal(problem, detail, "SS-PAY-1"))
    if not varies(spec):
        return Cell(spec.name, None, value, None)
    number = value if mapped.currency is None else value.minor
    if refused := refuse_negative(OrderPlaced.kind, spec.name, number):
        raise Refused(refused)  # of the kinds that come in bulk, a purchase alone has numbers
    is_amount = mapped.currency is not None and spec.column == "amount_minor"
    return Cell(spec.name, str(number), None, number if is_amount else None)
