"""From texts to answers: what every engine that speaks SQL has in common.

A subclass runs a text (`_rows`), keeps a small relation under a name (`_keep`), and brings the
words its engine says differently. Before the first question the sorts of facts in the files are
listed, once: what does not occur is not asked about. Read next: `duck.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Self
from uuid import UUID

from ledger.calendar import Instant, day_of
from ledger.errors import BadData
from ledger.events import KINDS, Row
from ledger.policy.book import Book
from ledger.policy.consents import GRANTS, choice
from ledger.policy.reasons import ACTIVITY
from ledger.projections.model import ChoiceKey, Expression, SubjectState
from ledger.projections.population import (
    TALLIES,
    Age,
    ChoiceCount,
    ClassCount,
    Population,
    Tally,
)
from replay.engines import judging, sql
from replay.engines.contract import Choice, Due, Files, Last, Place, Report
from replay.engines.judging import AT_ONCE, EXPRESSIONS, HELD, Judged
from replay.engines.lanes import META, PACK_BITS, Plan, Sort
from replay.engines.sql import BY_SUBJECT, PACK, SUBJECT, Question, Words
from replay.fold import ENDINGS, book_flags
from replay.segments.layout import SCHEMA, halves, whole

COLUMNS = tuple(name for name in SCHEMA.names if name not in ("entry", "leaf"))
_OF_PLACE: dict[int, tuple[str, ...]] = {
    judging.OPERATIONAL: ("present", "operational"),
    judging.SUSPENDED: ("present", "suspended"),
    judging.PAST: ("present", "past_operational"),
    judging.PAST_ARCHIVE: ("present", "past_operational", "past_archive"),
    judging.ARCHIVED: ("present", "archived"),
    judging.ARCHIVED_PAST: ("present", "archived", "past_archive"),
    judging.ERASED: ("erased",),
}
"""The tallies in which a thing counts, by its place."""
_PLACE: dict[int, Place] = {
    judging.OPERATIONAL: "operational",
    judging.SUSPENDED: "suspended",
    judging.PAST: "past_operational",
    judging.PAST_ARCHIVE: "past_archive",
    judging.ARCHIVED: "archived",
    judging.ARCHIVED_PAST: "past_archive",
    judging.ERASED: "erased",
}
_STILL = -1  # instead of years, where a contract stops the clock


class SqlEngine(ABC):
    """An engine that is asked in SQL. Its relation `events` has the columns of the layout."""

    words: Words

    def __init__(self, files: Files, book: Book) -> None:
        self.files, self.book = files, book
        self._listed: list[Sort] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    @abstractmethod
    def name(self) -> str:
        """As `--engine` names it."""

    @abstractmethod
    def close(self) -> None:
        """Free what it holds."""

    @abstractmethod
    def report(self) -> Report:
        """Where the time of the last question went."""

    @abstractmethod
    def _begin(self) -> None:
        """A question begins: its report too."""

    @abstractmethod
    def _rows(self, text: str) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, as they come."""

    @abstractmethod
    def _keep(self, name: str, text: str) -> None:
        """Keep the rows of a query as the relation `name`, instead of what it was."""

    # -- the questions -----------------------------------------------------------------------------

    def population(self, as_of: Instant, known: int | None = None) -> Population:
        """The counts over everybody."""
        judged = self._judged(as_of, known, counts=True)
        subjects, classes = self._classes(judged)
        in_force = self.book.in_force(day_of(as_of), known)
        return Population(
            events=self._events(judged.q),
            subjects=subjects,
            classes=classes,
            consents=self._consents(judged.q),
            edition=in_force.number if in_force else None,
            flags=book_flags(self.book, as_of, known),
        )

    def ages(self, as_of: Instant, known: int | None = None) -> tuple[Age, ...]:
        """People and things by class and years since their last activity."""
        judged = self._judged(as_of, known)
        day = f"(since // {PACK})"
        years = f"""CASE WHEN place = {judging.SUSPENDED} THEN {_STILL}
            WHEN {day} > {judged.plan.today} THEN 0
            ELSE ({judged.plan.today} - {day}) // 10000 END"""
        over = f"place IN ({judging.PAST}, {judging.PAST_ARCHIVE}, {judging.ARCHIVED_PAST})"
        text = f"""SELECT number, years, past, COUNT(*) AS subjects, SUM(n) AS items
            FROM (SELECT hi, lo, number, years, past, COUNT(*) AS n
                FROM (SELECT hi, lo, number, {years} AS years,
                        CASE WHEN {over} THEN 1 ELSE 0 END AS past
                    FROM ({judged.items()}) i WHERE place <> {judging.ERASED}) y
                GROUP BY hi, lo, number, years, past) h
            GROUP BY number, years, past"""
        names = [clock.name for clock in judged.plan.clocks]
        found = [
            Age(
                names[number],
                None if years == _STILL else int(years),
                bool(past),
                int(n),
                int(items),
            )
            for number, years, past, n, items in (self._rows(text) if names else ())
        ]
        return tuple(sorted(found, key=lambda a: (a.klass, a.years is None, a.years or 0, a.past)))

    def deadlines(
        self, as_of: Instant, known: int | None = None, klass: str | None = None
    ) -> Iterator[Due]:
        """Every deadline of everybody, or those of one class."""
        judged = self._judged(as_of, known, klass)
        clocks, bits = judged.plan.clocks, judged.plan.era_bits
        text = f"SELECT * FROM ({judged.items()}) i ORDER BY {BY_SUBJECT}, number, scope"
        for hi, lo, number, scope, since, term, place in self._rows(text) if clocks else ():
            day, position = since >> PACK_BITS, since % PACK >> bits
            ends = judged.terms[term]
            over = place in (judging.SUSPENDED, judging.ERASED)
            yield Due(
                whole(hi, lo),
                clocks[number].name,
                scope,
                _PLACE[place],
                day,
                position,
                None if over else ends.until(day),
                None if over else ends.archive_until(day),
            )

    def choices(self, as_of: Instant, known: int | None = None) -> Iterator[Choice]:
        """Every choice of everybody."""
        q = self._question(as_of, known)
        text = f"""SELECT * FROM ({judging.choices(q, self.words)}) c
            ORDER BY {BY_SUBJECT}, purpose, channel"""
        for hi, lo, purpose, channel, number, day, position in self._rows(text):
            kind = EXPRESSIONS[number]
            state = _state(self.book, as_of, known, purpose, channel, kind, day)
            yield Choice(whole(hi, lo), purpose, channel, state, kind, int(day), int(position))

    def activity(self, as_of: Instant, known: int | None = None) -> Iterator[Last]:
        """The last activity of everybody who has one."""
        q = self._question(as_of, known)
        kinds = moving(self.book, as_of, known)
        if not kinds:
            return
        facts = sql.standing(
            q,
            f"{SUBJECT}, CAST(e.local_day AS BIGINT) * {PACK} + e.position AS p",
            f"e.kind IN {sql.listed(kinds)}",
            "e.class IS NOT NULL",
        )
        text = f"""SELECT hi, lo, MAX(p) AS last FROM ({facts}) f GROUP BY hi, lo
            ORDER BY {BY_SUBJECT}"""
        for hi, lo, last in self._rows(text):
            yield Last(whole(hi, lo), last // PACK, last % PACK)

    def timeline(self, subject: UUID, known: int | None = None) -> list[Row]:
        """All rows of one person, in position order."""
        self._begin()
        text = _rows_of(_of_subject(subject), known, "position")
        return list(map(row_of, self._rows(text)))

    def people(self, known: int | None = None) -> Iterator[Row]:
        """All rows that have a subject, by (subject, position)."""
        self._begin()
        text = _rows_of("subject_hi IS NOT NULL", known, _PERSON)
        yield from map(row_of, self._rows(text))

    def entries(
        self,
        known: int | None = None,
        *,
        people: Collection[UUID] | None = None,
        kinds: Collection[str] | None = None,
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows that have a subject with their entries, by (subject, position)."""
        self._begin()
        where = "subject_hi IS NOT NULL"
        if people is not None:
            each = " OR ".join(map(_of_subject, people)) or "1 = 0"
            where += f" AND ({each})"
        if kinds is not None:
            where += f" AND kind IN {sql.listed(kinds)}"
        yield from map(_whole, self._rows(_rows_of(where, known, _PERSON, entry=True)))

    def company(self, known: int | None = None) -> Iterator[tuple[Row, bytes]]:
        """The rows about nobody, with their entries, in position order."""
        self._begin()
        where = "subject_hi IS NULL AND kind IS NOT NULL"
        yield from map(_whole, self._rows(_rows_of(where, known, "position", entry=True)))

    def pruned(self, known: int | None = None) -> int:
        """How many positions are bare."""
        self._begin()
        upto = "" if known is None else f"AND position <= {known:d}"
        text = f"SELECT COUNT(*) FROM events WHERE kind IS NULL {upto}"
        return int(next(self._rows(text))[0])

    def position_at(self, at: Instant) -> int:
        """The last position recorded at or before an instant."""
        self._begin()
        text = f"SELECT MAX(position) FROM events WHERE recorded_at <= {at:d}"
        return int(next(self._rows(text))[0] or 0)

    # -- the parts ---------------------------------------------------------------------------------

    def _sorts(self) -> list[Sort]:
        """What sorts of facts the files hold. Raises BadData for a kind this version does not
        know."""
        if self._listed is None:
            found = self._rows(sql.SORTS.format("events"))
            self._listed = [
                Sort(kind, klass, e, bool(scoped)) for kind, klass, e, scoped, _ in found
            ]
            check_kinds(sort.kind for sort in self._listed)
        return self._listed

    def _question(self, as_of: Instant, known: int | None) -> Question:
        """Begin a question: what corrections left is kept beside."""
        self._begin()
        amended = any(sort.kind in META for sort in self._sorts())
        if amended:
            self._keep("verdicts", sql.verdicts(known))
            self._keep("amended", sql.amended(known))
        return Question(as_of, known, amended)

    def _judged(
        self,
        as_of: Instant,
        known: int | None,
        klass: str | None = None,
        *,
        counts: bool = False,
    ) -> Judged:
        q = self._question(as_of, known)
        sorts = {*self._sorts()}
        if q.amended:
            found = self._rows(sql.SORTS.format("amended"))
            sorts |= {Sort(kind, name, e, bool(scoped)) for kind, name, e, scoped, _ in found}
        plan = Plan(self.book, as_of, known, sorts, klass)
        if plan.told:
            self._keep("told", sql.told(q, plan))
        if plan.contracts:
            self._keep("agreed", sql.agreed(q, self.words))
        has_gone = not {sort.kind for sort in sorts}.isdisjoint(ENDINGS)
        if has_gone:
            self._keep("gone", sql.gone(q, plan))
        judged = Judged(q, plan, has_gone)
        if judged.of_things:
            self._keep("things", judged.things(counts=counts))
            self._keep("lonely", "SELECT DISTINCT hi, lo, scope FROM things WHERE lonely = 1")
            if next(self._rows("SELECT COUNT(*) FROM lonely"))[0]:
                self._keep("things", judged.things(foreign=True))
        return judged

    def _events(self, q: Question) -> dict[str, int]:
        twice = [
            f"NOT (e.kind = '{s.kind}' AND e.class = '{s.klass}')"
            for s in self._sorts()
            if s.klass is not None and KINDS[s.kind].also == s.klass
        ]
        facts = sql.standing(q, "e.kind", "e.class IS NOT NULL", *twice)
        text = f"SELECT kind, COUNT(*) AS n FROM ({facts}) f GROUP BY kind"
        return {kind: int(n) for kind, n in self._rows(text)}

    def _classes(self, judged: Judged) -> tuple[int, dict[str, ClassCount]]:
        """How many people there are, and where their classes and things stand."""
        items: dict[int, Counter[str]] = defaultdict(Counter)
        subjects: dict[int, Counter[str]] = defaultdict(Counter)
        everybody = 0
        for *alike, n in self._rows(judged.count_people()):
            everybody += int(n)
            for index, clock in enumerate(judged.of_people):
                place = alike[index // AT_ONCE] >> index % AT_ONCE * 3 & 7
                if place:
                    items[clock.number].update(dict.fromkeys(_OF_PLACE[place], int(n)))
        subjects.update({number: Counter(counted) for number, counted in items.items()})
        for text in judged.count_things():
            for number, people, *counts in self._rows(text):
                hers: set[str] = set()
                for place, n in zip(HELD, counts, strict=True):
                    if n:
                        items[number].update(dict.fromkeys(_OF_PLACE[place], int(n)))
                        hers.update(_OF_PLACE[place])
                subjects[number].update(dict.fromkeys(hers, int(people)))
        names = [clock.name for clock in judged.plan.clocks]
        return everybody, {
            names[number]: ClassCount(_tally(subjects[number]), _tally(items[number]))
            for number in sorted(items)
        }

    def _consents(self, q: Question) -> tuple[ChoiceCount, ...]:
        ageing = {
            name
            for published in self.book.entries
            for name, purpose in published.edition.purposes.items()
            if purpose.validity_months is not None
        }
        grants = [str(n) for n, kind in enumerate(EXPRESSIONS) if kind in GRANTS]
        day = f"CASE WHEN kind IN ({', '.join(grants)}) THEN day ELSE 0 END" if ageing else "0"
        text = f"""SELECT purpose, channel, kind, day, COUNT(*) AS n
            FROM (SELECT purpose, channel, kind, {day} AS day
                FROM ({judging.choices(q, self.words)}) c) d
            GROUP BY purpose, channel, kind, day"""
        said: Counter[tuple[str, str, str]] = Counter()
        for purpose, channel, kind, on_day, n in self._rows(text):
            state = _state(self.book, q.as_of, q.known, purpose, channel, EXPRESSIONS[kind], on_day)
            said[purpose, channel, state] += int(n)
        return tuple(ChoiceCount(*key, n) for key, n in sorted(said.items()))


def check_kinds(kinds: Iterable[str]) -> None:
    """Raise BadData for a kind that this version does not know: it may move a clock."""
    if any(kind not in KINDS for kind in kinds):
        raise BadData("these segments hold kinds of fact that this version does not know")


def moving(book: Book, as_of: Instant, known: int | None) -> frozenset[str]:
    """The kinds that count as an activity of a person herself, for whichever class with a subject
    clock of the edition in force."""
    edition = book.in_force(day_of(as_of), known)
    classes = edition.classes.values() if edition else ()
    return ACTIVITY & {kind for c in classes if c.clock == "subject" for kind in c.moved_by}


def row_of(values: Iterable[Any]) -> Row:
    """A row of the layout, without entry and leaf, as folds read it."""
    position, stream, version, kind, hi, lo, *rest = values
    return Row(
        position,
        UUID(bytes=bytes(stream)),
        version,
        kind,
        None if hi is None else whole(hi, lo),
        *rest,
    )


def _whole(values: tuple[Any, ...]) -> tuple[Row, bytes]:
    *typed, entry = values
    return row_of(typed), bytes(entry)


_PERSON = BY_SUBJECT.replace("hi", "subject_hi").replace("lo", "subject_lo") + ", position"


def _rows_of(where: str, known: int | None, order: str, *, entry: bool = False) -> str:
    if known is not None:
        where += f" AND position <= {known:d}"
    columns = ", ".join((*COLUMNS, "entry") if entry else COLUMNS)
    return f"SELECT {columns} FROM events WHERE {where} ORDER BY {order}"


def _of_subject(subject: UUID) -> str:
    hi, lo = halves(subject)
    return f"(subject_hi = {_integer(hi)} AND subject_lo = {_integer(lo)})"


def _integer(value: int) -> str:
    """A signed integer of 64 bits, the lowest of which cannot be written as minus a number."""
    return f"({value + 1:d} - 1)" if value < 0 else f"{value:d}"


def _state(
    book: Book, as_of: Instant, known: int | None, purpose: str, channel: str, kind: str, day: int
) -> Any:
    said = Expression(0, 0, 0, kind, int(day), 0, None, None, None, None)
    state = SubjectState({}, {}, {ChoiceKey(purpose, channel): said}, None, {})
    return choice(state, book, as_of, known, purpose, channel).state


def _tally(counted: Counter[str]) -> Tally:
    return Tally(*(counted[name] for name in TALLIES))
