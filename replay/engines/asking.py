"""From texts to answers: what every engine that speaks SQL has in common.

A subclass runs a text (`_rows`), gives one a name (`_show`), keeps a small relation (`_keep`), lays
out the great ones (`_lay`), and brings the words its engine says differently. Before the first
question the sorts of facts in the files are listed, once: what does not occur is not asked about.

Nothing that is asked here of one person depends on another. So an engine may answer people in
shares, one after the other in the order of their ids: counts add up, and a stream of one share
continues that of the share before. Read next: `duck.py`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Self, TypeAlias
from uuid import UUID

from ledger.calendar import Day, Instant, day_of
from ledger.entry import id_of
from ledger.errors import BadData
from ledger.events import KINDS, Row
from ledger.policy.book import Book
from ledger.policy.consents import GRANTS, choice_of, counted_as
from ledger.policy.reasons import ACTIVITY
from ledger.policy.verdicts import Place
from ledger.projections.population import (
    TALLIES,
    Age,
    ChoiceCount,
    ClassCount,
    Population,
    Tally,
)
from replay.engines import judging, sql
from replay.engines.contract import Choice, Due, Files, Last, Report
from replay.engines.judging import AT_ONCE, CLASSES_AT_ONCE, HELD, Judged
from replay.engines.lanes import ERA_BITS, META, PACK_BITS, Plan, Sort
from replay.engines.sql import BY_SUBJECT, EXPRESSIONS, PACK, Words
from replay.fold import book_flags
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
PLACE: dict[int, Place] = {
    judging.OPERATIONAL: "operational",
    judging.SUSPENDED: "suspended",
    judging.PAST: "past_operational",
    judging.PAST_ARCHIVE: "past_archive",
    judging.ARCHIVED: "archived",
    judging.ARCHIVED_PAST: "past_archive",
    judging.ERASED: "erased",
}
_STILL = -1  # instead of years, where a contract stops the clock
Share: TypeAlias = Any
"""What an engine means by some of the people."""


class SqlEngine(ABC):
    """An engine that is asked in SQL. Its relation `events` has the columns of the layout."""

    words: Words
    _called = "all"  # what is laid out: before its name
    _share: Share = None  # whom `facts` are of

    def __init__(self, files: Files, book: Book) -> None:
        self.files, self.book = files, book
        self._laid: dict[int, Sort] | None = None  # the sorts of what is laid out, by number

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

    @abstractmethod
    def _show(self, name: str, text: str) -> None:
        """From now on `name` is the rows of a query, whenever it is read."""

    @abstractmethod
    def _lay(self, texts: Mapping[str, str]) -> None:
        """Lay `all_<name>` out of each of these texts: questions read them several times."""

    def _shares(self) -> Iterable[Share]:
        """The shares of the people, in the order of their ids."""
        return (None,)

    def _among(self, share: Share) -> str:  # noqa: ARG002 - there is a single share
        """What more is said of the facts of one share only."""
        return ""

    def _named(self, text: str, columns: str, order: str = "") -> str:
        """The rows of a query, people and items under their ids, in the order of people and then
        of some of its columns."""
        by = f"{BY_SUBJECT}, {order}" if order else BY_SUBJECT
        return f"SELECT hi, lo, {columns} FROM ({text}) x ORDER BY {by}"

    # -- the questions -----------------------------------------------------------------------------

    def population(self, as_of: Instant, known: int | None = None) -> Population:
        """The counts over everybody."""
        events: Counter[str] = Counter()
        said: Counter[tuple[str, str, str, str]] = Counter()
        subjects: dict[str, Counter[str]] = defaultdict(Counter)
        items: dict[str, Counter[str]] = defaultdict(Counter)
        everybody = 0
        for judged in self._judged(as_of, known, counts=True):
            everybody += self._count(judged, subjects, items)
            events.update(self._events(judged.plan))
            said.update(self._said(judged.plan, known))
        in_force = self.book.in_force(day_of(as_of), known)
        return Population(
            events=dict(events),
            subjects=everybody,
            classes={
                name: ClassCount(_tally(subjects[name]), _tally(items[name]))
                for name in sorted(items)
            },
            consents=tuple(ChoiceCount(*key, n) for key, n in sorted(said.items())),
            edition=in_force.number if in_force else None,
            flags=book_flags(self.book, as_of, known),
        )

    def ages(self, as_of: Instant, known: int | None = None) -> tuple[Age, ...]:
        """People and things by class and years since their last activity."""
        people: Counter[tuple[str, int | None, bool]] = Counter()
        things: Counter[tuple[str, int | None, bool]] = Counter()
        for judged in self._judged(as_of, known):
            day, today, clocks = f"(since // {PACK})", judged.plan.today, judged.plan.clocks
            years = f"""CASE WHEN place = {judging.SUSPENDED} THEN {_STILL}
                {sql.years_since(day, today)}"""
            over = f"place IN ({judging.PAST}, {judging.PAST_ARCHIVE}, {judging.ARCHIVED_PAST})"
            text = f"""SELECT number, years, past, COUNT(*) AS subjects, SUM(n) AS items
                FROM (SELECT hi, lo, number, years, past, COUNT(*) AS n
                    FROM (SELECT hi, lo, number, {years} AS years,
                            CASE WHEN {over} THEN 1 ELSE 0 END AS past
                        FROM ({judged.items()}) i WHERE place <> {judging.ERASED}) y
                    GROUP BY hi, lo, number, years, past) h
                GROUP BY number, years, past"""
            for number, years_, past, n, of in self._rows(text) if clocks else ():
                key = clocks[number].name, None if years_ == _STILL else int(years_), bool(past)
                people[key] += int(n)
                things[key] += int(of)
        order = sorted(things, key=lambda key: (key[0], key[1] is None, key[1] or 0, key[2]))
        return tuple(Age(*key, people[key], things[key]) for key in order)

    def deadlines(
        self, as_of: Instant, known: int | None = None, klass: str | None = None
    ) -> Iterator[Due]:
        """Every deadline of everybody, or those of one class."""
        for judged in self._judged(as_of, known, klass):
            clocks = judged.plan.clocks
            columns = "number, scope, since, term, place"
            text = self._named(judged.items(), columns, "number, scope") if clocks else ""
            for hi, lo, number, scope, since, term, place in self._rows(text) if clocks else ():
                day, position = _unpacked(since)
                ends = judged.terms[term]
                over = place in (judging.SUSPENDED, judging.ERASED)
                yield Due(
                    whole(hi, lo),
                    clocks[number].name,
                    scope,
                    PLACE[place],
                    day,
                    position,
                    None if over else ends.until(day),
                    None if over else ends.archive_until(day),
                )

    def choices(self, as_of: Instant, known: int | None = None) -> Iterator[Choice]:
        """Every choice of everybody."""
        for plan in self._plans(as_of, known):
            columns = "purpose, channel, kind, day, position, unproved"
            text = self._named(self._chosen(plan), columns, "purpose, channel")
            for hi, lo, purpose, channel, number, day, position, gone in self._rows(text):
                kind = EXPRESSIONS[number]
                of = self.book, as_of, known, purpose, channel
                state = counted_as(choice_of(kind, int(day), *of, unproved=bool(gone)))
                subject = whole(hi, lo)
                yield Choice(subject, purpose, channel, *state, kind, int(day), int(position))

    def activity(self, as_of: Instant, known: int | None = None) -> Iterator[Last]:
        """The last activity of everybody who has one."""
        kinds = moving(self.book, as_of, known)
        for plan in self._plans(as_of, known):
            numbers = [str(n) for n, sort in plan.sorts.items() if sort.kind in kinds]
            text = f"""SELECT hi, lo, last // {PACK} AS day, {sql.position_of("last")} AS position
                FROM (SELECT hi, lo, MAX(p) AS last FROM facts
                    WHERE sort IN ({", ".join(numbers)}) GROUP BY hi, lo) l"""
            if numbers:
                yield from map(Last._make, self._rows(self._named(text, "day, position")))

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
        having: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows that have a subject with their entries, by (subject, position)."""
        self._begin()
        where = "subject_hi IS NOT NULL"
        whose = [_of_subject(one) for one in people or ()]
        if having:
            whose.append(_having(having, known))
        if people is not None or having is not None:
            where += f" AND ({' OR '.join(whose) or '1 = 0'})"
        if kinds is not None:
            where = at_positions(f"{where} AND kind IN {sql.listed(kinds)}")
        elif people is not None and having is None:
            where = at_positions(where)
        yield from map(_whole, self._rows(_rows_of(where, known, _PERSON, entry=True)))

    def company(
        self, known: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows about nobody, with their entries, in position order; if some kinds are named,
        the first row and those of these kinds."""
        self._begin()
        where = "subject_hi IS NULL AND kind IS NOT NULL"
        if kinds is not None:
            first = f"SELECT MIN(position) FROM events WHERE {where}"
            where += f" AND (kind IN {sql.listed(kinds)} OR position = ({first}))"
            where = at_positions(where)
        yield from map(_whole, self._rows(_rows_of(where, known, "position", entry=True)))

    def naming(self, kind: str, ids: Collection[UUID], after: int) -> Iterator[tuple[Row, bytes]]:
        """The rows of one kind after a position whose entries name one of these ids."""
        self._begin()
        some = "|".join(sorted(map(str, ids)))
        where = (
            f"kind = '{kind}' AND position > {after:d} AND regexp_matches(decode(entry), '{some}')"
        )
        if ids:
            text = _rows_of(at_positions(where), None, "position", entry=True)
            yield from map(_whole, self._rows(text))

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

    def _plans(self, as_of: Instant, known: int | None, klass: str | None = None) -> Iterator[Plan]:
        """A question begins: its plan, once for each share of the people, `facts` and `stated`
        being hers. Another question may have been asked between two shares."""
        self._begin()
        sorts = self._lay_out()
        plan = Plan(self.book, as_of, known, sorts, klass)
        for share in self._shares():
            self._share = share
            self._lay_out()
            self._show("facts", sql.facts(as_of, known, self._among(share)))
            self._show("stated", sql.stated(known, self._among(share)))
            yield plan

    def _lay_out(self) -> dict[int, Sort]:
        """The facts in every way they ever read, unless they lie there already; their sorts. Raises
        BadData for a kind this version does not know."""
        if self._laid is None:
            found = list(self._rows(sql.SORTS.format("events")))
            check_kinds(kind for kind, *_ in found)
            disputed = any(kind in META for kind, *_ in found)
            if disputed:
                self._keep("verdicts", sql.VERDICTS)
                self._keep("concerned", sql.CONCERNED)
                self._keep("disputed", sql.disputed())
                found += self._rows(sql.SORTS.format("disputed"))
            numbers = sql.numbered(found)
            self._lay(
                {
                    "facts": sql.all_facts(numbers, disputed=disputed),
                    "stated": sql.all_stated(disputed=disputed),
                    "corrected": sql.all_corrected(numbers, disputed=disputed),
                }
            )
            sorts = sql.sorts_of(numbers)
            self._laid = {n: sorts[n] for n in self._present()}
        return self._laid

    def _present(self) -> list[int]:
        """The numbers of the sorts that are laid out."""
        there = "SELECT sort FROM {0}_facts UNION SELECT sort FROM {0}_corrected"
        return sorted(number for (number,) in self._rows(there.format(self._called)))

    def lay_out(self) -> None:
        """Lay the facts out, as the first question would."""
        self._begin()
        self._lay_out()

    def _judged(
        self,
        as_of: Instant,
        known: int | None,
        klass: str | None = None,
        *,
        counts: bool = False,
    ) -> Iterator[Judged]:
        """Each share of the people, judged."""
        for plan in self._plans(as_of, known, klass):
            judged = Judged(plan, self.words)
            if plan.told:
                self._keep("told", sql.told(plan))
            if plan.contracts:
                self._keep("agreed", sql.agreed(plan, self.words))
            for name, text in judged.grouped(counts=counts).items():
                self._keep(name, text)
            if judged.ending:
                self._keep("doubted", judged.doubted())
                self._keep("gone", sql.gone(plan, self.words))
            if judged.of_things:
                self._judge_things(judged, counts=counts)
            yield judged

    def _judge_things(self, judged: Judged, *, counts: bool) -> None:
        """Find `things`; those that are lonely are judged again, if any."""
        self._keep("first_judged", judged.things(counts=counts))
        self._keep("lonely", "SELECT DISTINCT hi, lo, scope FROM first_judged WHERE lonely = 1")
        things = "SELECT t.* FROM first_judged t"
        if next(self._rows("SELECT COUNT(*) FROM lonely"))[0]:
            self._keep("of_lonely", judged.of_lonely())
            self._keep("again_judged", judged.things("of_lonely"))
            things += """ ANTI JOIN lonely h ON h.hi = t.hi AND h.lo = t.lo AND h.scope = t.scope
                UNION ALL SELECT * FROM again_judged"""
        self._show("things", things)

    def _events(self, plan: Plan) -> Counter[str]:
        """How many facts there are of each kind; what is entered twice counts at home."""
        found: Counter[str] = Counter()
        for number, n in self._rows("SELECT sort, COUNT(*) AS n FROM facts GROUP BY sort"):
            sort = plan.sorts[number]
            if KINDS[sort.kind].also != sort.klass:
                found[sort.kind] += int(n)
        return found

    def _count(
        self, judged: Judged, subjects: dict[str, Counter[str]], items: dict[str, Counter[str]]
    ) -> int:
        """Count where classes and things stand, by class; how many people there are."""
        names = [clock.name for clock in judged.plan.clocks]
        everybody = 0
        for *alike, n in self._rows(judged.count_people()):
            everybody += int(n)
            for index, clock in enumerate(judged.of_people):
                place = alike[index // AT_ONCE] >> index % AT_ONCE * 3 & 7
                if place:
                    for counted in (subjects, items):
                        counted[clock.name].update(dict.fromkeys(_OF_PLACE[place], int(n)))
        if not judged.by_item:
            return everybody
        for number, place, n in self._rows(judged.count_things()):
            items[names[number]].update(dict.fromkeys(_OF_PLACE[place], int(n)))
        for *alike, n in self._rows(judged.count_holders()):
            for index, clock in enumerate(judged.by_item):
                mask = alike[index // CLASSES_AT_ONCE] >> index % CLASSES_AT_ONCE * len(HELD)
                hers = {t for at, p in enumerate(HELD) if mask >> at & 1 for t in _OF_PLACE[p]}
                subjects[clock.name].update(dict.fromkeys(hers, int(n)))
        return everybody

    def _chosen(self, plan: Plan) -> str:
        """The choices of everybody (`judging.choices`), and whether the proof of each was erased
        since."""
        choices = judging.choices(plan, self.words)
        erased = sql.forgotten(plan, self.words)
        if erased is None:
            return f"SELECT c.*, 0 AS unproved FROM ({choices}) c"
        self._keep("forgotten", erased)
        return f"""SELECT c.*, CASE WHEN g.position > c.position THEN 1 ELSE 0 END AS unproved
            FROM ({choices}) c LEFT JOIN forgotten g ON g.hi = c.hi AND g.lo = c.lo"""

    def _said(self, plan: Plan, known: int | None) -> Counter[tuple[str, str, str, str]]:
        """How many choices there are of each purpose and channel in each state."""
        ageing = {
            name
            for published in self.book.entries
            for name, purpose in published.edition.purposes.items()
            if purpose.validity_months is not None
        }
        grants = [str(n) for n, kind in enumerate(EXPRESSIONS) if kind in GRANTS]
        day = f"CASE WHEN kind IN ({', '.join(grants)}) THEN day ELSE 0 END" if ageing else "0"
        text = f"""SELECT purpose, channel, kind, day, unproved, COUNT(*) AS n
            FROM (SELECT purpose, channel, kind, {day} AS day, unproved
                FROM ({self._chosen(plan)}) c) d
            GROUP BY purpose, channel, kind, day, unproved"""
        said: Counter[tuple[str, str, str, str]] = Counter()
        for purpose, channel, number, on_day, gone, n in self._rows(text):
            of = self.book, plan.as_of, known, purpose, channel
            found = choice_of(EXPRESSIONS[number], int(on_day), *of, unproved=bool(gone))
            said[purpose, channel, *counted_as(found)] += int(n)
        return said


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


def _unpacked(packed: int) -> tuple[Day, int]:
    """The day and the position in a packed integer."""
    return packed >> PACK_BITS, packed % PACK >> ERA_BITS


def row_of(values: Iterable[Any]) -> Row:
    """A row of the layout, without entry and leaf, as folds read it. Raises BadData where damage
    made something else of it."""
    position, stream, version, kind, hi, lo, *rest = values
    try:
        thing = id_of(int.from_bytes(stream, "big"))
        if len(stream) != 16:
            raise ValueError
    except (TypeError, ValueError):
        raise BadData("a segment cannot be read") from None
    return Row(position, thing, version, kind, None if hi is None else whole(hi, lo), *rest)


def _whole(values: tuple[Any, ...]) -> tuple[Row, bytes]:
    *typed, entry = values
    if entry is None:  # `probant bench generate` leaves them out unless it is told otherwise
        raise BadData("these segments hold no entries, without which this cannot be answered")
    return row_of(typed), bytes(entry)


_PERSON = BY_SUBJECT.replace("hi", "subject_hi").replace("lo", "subject_lo") + ", position"


def at_positions(where: str) -> str:
    """Events of which there are few: where they lie is found first, by narrow columns, and of no
    other page the entries are unpacked."""
    return f"position IN (SELECT position FROM events e WHERE {where})"


def _rows_of(where: str, known: int | None, order: str, *, entry: bool = False) -> str:
    if known is not None:
        where += f" AND position <= {known:d}"
    columns = ", ".join((*COLUMNS, "entry") if entry else COLUMNS)
    return f"SELECT {columns} FROM events WHERE {where} ORDER BY {order}"


def _having(kinds: Collection[str], known: int | None) -> str:
    """She has a fact of one of these kinds."""
    upto = "" if known is None else f" AND position <= {known:d}"
    one = f"SELECT subject_hi, subject_lo FROM events WHERE kind IN {sql.listed(kinds)}{upto}"
    return f"(subject_hi, subject_lo) IN ({one} AND subject_hi IS NOT NULL)"


def _of_subject(subject: UUID) -> str:
    hi, lo = halves(subject)
    return f"(subject_hi = {_integer(hi)} AND subject_lo = {_integer(lo)})"


def _integer(value: int) -> str:
    """A signed integer of 64 bits, the lowest of which cannot be written as minus a number."""
    return f"({value + 1:d} - 1)" if value < 0 else f"{value:d}"


def _tally(counted: Counter[str]) -> Tally:
    return Tally(*(counted[name] for name in TALLIES))
