"""What is held of most people, counted as the inspector's questions count it, in SQL.

Over the same things as any count (`judging.py`, `items`), but for people who are `apart`: of them
somebody asks more than a term (a hold, a card), and they are looked at one by one. Each line names
the first people of it in the order of their ids, as whoever looks at one after the other would.
Read next: `replay/controls/at_once.py`, whose answers these are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, TypeAlias
from uuid import UUID

from ledger.calendar import Day, Instant
from ledger.events import Row
from ledger.policy.clocks import classes_of
from ledger.policy.consents import choice_of, counted_as
from ledger.policy.terms import chain_for
from ledger.policy.verdicts import Place
from replay.controls.at_once import Aged, Chosen, Lines, Placed, Sought
from replay.engines import judging, sql
from replay.engines.asking import PLACE
from replay.engines.carding import CARD, PROOF, Carding
from replay.engines.ending import Ending
from replay.engines.judging import Judged
from replay.engines.lanes import META, NOTIFIED, Plan
from replay.engines.searching import Searching
from replay.engines.sending import Sending
from replay.engines.sql import EXPRESSIONS, PACK
from replay.segments.layout import whole

PAST = (judging.PAST, judging.PAST_ARCHIVE, judging.ARCHIVED_PAST)
_STILL = -1  # instead of years, where a contract stops the clock
_STATES: tuple[Literal["in_use", "archived", "past"], ...] = ("in_use", "archived", "past")
_Key: TypeAlias = tuple[Any, ...]
_Line: TypeAlias = tuple[_Key, int, int, list[tuple[UUID, int]]]


class Tallying(Searching, Sending, Ending, Carding):
    """An engine that counts everybody but those apart."""

    def _numbered(self, name: str, more: str = "") -> str:
        """Those of a relation of people, as `facts` numbers them; with `more` of its columns."""
        return f"SELECT hi, lo{more} FROM {name} s"

    def _but(self, apart: str, rows: str) -> str:
        """Leave them out."""
        return f"ANTI JOIN ({self._numbered(apart)}) a ON a.hi = {rows}.hi AND a.lo = {rows}.lo"

    def _but_apart(self, apart: Sought, judged: Judged) -> str:
        """Leave the items `i` of those apart out; where cards are, all that can be sorted out, and
        the proofs of payments of whom only those are apart."""
        text = self._but(apart.name, "i")
        if apart.cards is None:
            return text
        for clock in judged.plan.clocks:
            if clock.name == CARD:
                text += f" ANTI JOIN (SELECT {clock.number} AS number) s ON s.number = i.number"
            if clock.name == PROOF:
                text += f""" ANTI JOIN ({self._numbered(apart.cards)}) c
                    ON c.hi = i.hi AND c.lo = i.lo AND i.number = {clock.number}"""
        return text

    # -- by class ----------------------------------------------------------------------------------

    def aged(self, as_of: Instant, known: int, apart: Sought, limit: int) -> Iterator[Aged]:
        """What is held and not erased, by class, months, years and place."""

        def columns(judged: Judged) -> str:
            day, today = f"(since // {PACK})", judged.plan.today
            months = _by("term", [str(term.months) for term in judged.terms])
            return f"""{months} AS months,
                CASE WHEN place = {judging.SUSPENDED} THEN {_STILL}
                    {sql.years_since(day, today)} AS years,
                CASE WHEN place IN ({", ".join(map(str, PAST))}) THEN 2
                    WHEN place = {judging.ARCHIVED} THEN 1 ELSE 0 END AS state"""

        names = "number", "months", "years", "state"
        where = f"place <> {judging.ERASED}"
        for judged in self._judged(as_of, known):
            lines = self._lines(judged, names, columns(judged), where, apart, limit)
            for (n, months, years, state), people, things, first in lines:
                klass, since = judged.plan.clocks[n].name, None if years == _STILL else int(years)
                yield Aged(klass, months, since, _STATES[state], people, things, first)

    def placed(self, as_of: Instant, known: int, apart: Sought, limit: int) -> Iterator[Placed]:
        """What is known of, by class, place and article."""
        places = sorted(set(PLACE.values()))
        by_place = [places.index(PLACE[place]) for place in sorted(PLACE)]

        def columns(judged: Judged) -> str:
            articles = sorted({term.article for term in judged.terms})
            article = _by("term", [str(articles.index(term.article)) for term in judged.terms])
            place = _by(f"(place - {min(PLACE)})", list(map(str, by_place)))
            return f"{place} AS stands, {article} AS article"

        names = "number", "stands", "article"
        for judged in self._judged(as_of, known):
            articles = sorted({term.article for term in judged.terms})
            lines = self._lines(judged, names, columns(judged), "1 = 1", apart, limit)
            for (n, stands, article), people, things, first in lines:
                klass = judged.plan.clocks[n].name
                yield Placed(klass, places[stands], articles[article], people, things, first)

    def _lines(
        self,
        judged: Judged,
        names: Sequence[str],
        columns: str,
        where: str,
        apart: Sought,
        limit: int,
    ) -> Iterator[_Line]:
        """Of a share of the people: each line by its key, how many people and things, and the first
        people with their positions."""
        if not judged.plan.clocks:
            return
        key = ", ".join(names)
        self._keep(
            "counted",
            f"""SELECT hi, lo, scope, since, {rank()} AS who, number, {columns}
            FROM ({judged.items()}) i {self._but_apart(apart, judged)} WHERE {where}""",
        )
        self._keep(
            "by_line",
            f"""SELECT {key}, COUNT(*) AS people, SUM(n) AS things, MIN(who, {limit:d}) AS whose
            FROM (SELECT {key}, who, COUNT(*) AS n FROM counted GROUP BY {key}, who) w
            GROUP BY {key}""",
        )
        first: dict[_Key, list[tuple[UUID, int]]] = {}
        same = " AND ".join(f"c.{name} = f.{name}" for name in names)
        own = ", ".join(f"c.{name}" for name in names)
        text = self._named(
            f"""SELECT c.hi, c.lo, c.scope, {own}, {sql.position_of("c.since")} AS position
            FROM counted c JOIN (SELECT {key}, UNNEST(whose) AS who FROM by_line) f
                ON f.who = c.who AND {same}""",
            f"scope, {key}, position",
            "scope",
        )
        for hi, lo, _, *found, position in self._rows(text):
            some = first.setdefault(tuple(found), [])
            if len(some) < limit:
                some.append((whole(hi, lo), int(position)))
        for *found, people, things in self._rows(f"SELECT {key}, people, things FROM by_line"):
            yield tuple(found), int(people), int(things), first[tuple(found)]

    # -- choices and purposes ----------------------------------------------------------------------

    def chosen(self, as_of: Instant, known: int, apart: str, limit: int) -> Iterator[Chosen]:
        """Every choice, by purpose, channel, state and reason; a line may come more than once."""
        for plan in self._plans(as_of, known):
            self._keep(
                "counted",
                f"""SELECT {rank()} AS who, hi, lo, purpose, channel, kind, day, unproved, position
                FROM ({self._chosen(plan)}) c {self._but(apart, "c")}""",
            )
            key = "purpose, channel, kind, day, unproved"
            self._keep(
                "by_line",
                f"""SELECT {key}, COUNT(*) AS people, MIN(who, {limit:d}) AS whose
                FROM counted GROUP BY {key}""",
            )
            first: dict[_Key, list[tuple[UUID, int]]] = {}
            own = ", ".join(f"c.{name}" for name in key.split(", "))
            same = " AND ".join(f"c.{name} = f.{name}" for name in key.split(", "))
            text = self._named(
                f"""SELECT c.hi, c.lo, {own}, c.position FROM counted c
                JOIN (SELECT {key}, UNNEST(whose) AS who FROM by_line) f
                ON f.who = c.who AND {same}""",
                f"{key}, position",
            )
            for hi, lo, *found, position in self._rows(text):
                first.setdefault(tuple(found), []).append((whole(hi, lo), int(position)))
            for *found, people in self._rows(f"SELECT {key}, people FROM by_line"):
                purpose, channel, number, day, gone = found
                of = self.book, as_of, known, purpose, channel
                said = choice_of(EXPRESSIONS[number], int(day), *of, unproved=bool(gone))
                more = int(people), first[tuple(found)]
                yield Chosen(purpose, channel, *counted_as(said), *more)

    def purposes(self, as_of: Instant, known: int, apart: str) -> Iterator[tuple[str, int, Day]]:
        """Of each purpose: how many facts name it, and the last day of one."""
        self._begin()
        text = f"""SELECT purpose, COUNT(*), MAX(local_day) FROM events e
            ANTI JOIN {apart} a ON a.hi = e.subject_hi AND a.lo = e.subject_lo
            WHERE subject_hi IS NOT NULL AND purpose <> '' AND position <= {known:d}
            AND kind NOT IN {sql.listed(META)} AND occurred_at <= {as_of:d} GROUP BY purpose"""
        for purpose, facts, day in self._rows(text):
            yield purpose, int(facts), int(day)

    # -- past its term -----------------------------------------------------------------------------

    def over_lines(
        self,
        as_of: Instant,
        known: int,
        apart: Sought,
        asked: Callable[[str], bool],
        why: Callable[[Place, bool, bool], str],
    ) -> Iterator[Lines]:
        """What is past its term where it is, by (subject, class, scope): `why` by where it is,
        whether that class has an archive, whether it is there; and what it rests on: the fact that
        its term counts from, the one that put it into the archive, and the one that told her of a
        later edition, if that gives another term."""
        for judged in self._over(as_of, known, apart, asked):
            plan = judged.plan
            several = [str(n) for n, is_so in self._several(plan, known).items() if is_so]
            later = f"o.number IN ({', '.join(several) or 'NULL'}) AND e.edition < n.edition"
            told = f"CASE WHEN {later} THEN n.position END"
            rows = [
                (n, place, why(PLACE[place], term.archive is not None, _is_archived(place)))
                for n, term in enumerate(judged.terms)
                for place in PAST
            ]
            said = f"""WITH {sql.table("said", "term place why", rows)}
                SELECT o.hi, o.lo, o.number, o.scope,
                    {line("s.why", "o.position", "x.ended", told)} AS line
                FROM past_terms o JOIN said s ON s.term = o.term AND s.place = o.place
                JOIN events e ON e.position = o.position
                LEFT JOIN ({_archived(judged)}) x ON x.hi = o.hi AND x.lo = o.lo
                    AND x.number = o.number AND x.scope = o.scope
                LEFT JOIN ({_told(plan)}) n ON n.hi = o.hi AND n.lo = o.lo"""
            yield from self._lines_of(self._named(said, "line, number, scope", "number, scope"))

    def card_lines(
        self,
        as_of: Instant,
        known: int,
        apart: Sought,
        on: Mapping[int, Sequence[int]],
        why: str,
    ) -> Iterator[Lines]:
        """The cards of some sorts of everybody but those apart, with the facts at these places of
        each; and the proofs of payments that are past their term, with the payment of each: by
        (subject, class, item)."""
        assert apart.cards is not None
        self._keep("resting", f"SELECT c.*, 0 AS n FROM ({self._resting(apart.cards, on, why)}) c")
        names = ["resting"]
        for _ in self._over(as_of, known, apart, lambda name: name == PROOF):
            own = f"SELECT hi, lo, scope, {line(repr(why), 'position')} AS line FROM past_terms"
            names.append(f"resting_{len(names)}")
            self._keep(
                names[-1],
                f"""SELECT hi, lo, scope AS item, line, 1 AS n
                FROM ({self._named(own, "scope, line")}) p WHERE scope <> ''""",
            )
        each = " UNION ALL ".join(f"SELECT hi, lo, item, line, n FROM {name}" for name in names)
        yield from self._lines_of(f"SELECT * FROM ({each}) c ORDER BY {sql.BY_SUBJECT}, n, item")

    def _over(
        self, as_of: Instant, known: int, apart: Sought, asked: Callable[[str], bool]
    ) -> Iterator[Judged]:
        """Of each share of the people what is past its term: `past_terms`."""
        names = [name for name in classes_of(self.book.known(known)) if asked(name)]
        for judged in self._judged(as_of, known, names[0] if len(names) == 1 else None):
            clocks = judged.plan.clocks
            numbers = ", ".join(str(clock.number) for clock in clocks if asked(clock.name))
            if not numbers:
                continue
            self._keep(
                "past_terms",
                f"""SELECT hi, lo, scope, number, term, place,
                    {sql.position_of("since")} AS position
                FROM ({judged.items()}) i {self._but_apart(apart, judged)}
                WHERE place IN ({", ".join(map(str, PAST))}) AND number IN ({numbers})""",
            )
            yield judged

    def alike(
        self,
        known: int,
        apart: Sought,
        fields: Mapping[str, Collection[str]],
        moments: Sequence[Instant],
        why: Callable[[Row, bytes, Instant], str | None],
    ) -> Iterator[Lines]:
        """The facts of people but of those apart that are of a sort of which it is said why, by
        (subject, position)."""
        asked = self.samples(known, fields, (), moments)
        said = {row.position: why(row, entry, since) for _, row, entry, since in asked}
        rows = [(sort, one) for sort, one in said.items() if one is not None]
        if rows:
            text = f"""WITH {sql.table("said", "sort why", rows)}
                SELECT o.hi, o.lo, o.position, {line("s.why", "o.position")} AS line
                FROM ({self.positions_of(apart.name, dict(rows))}) o
                JOIN said s ON s.sort = o.sort ORDER BY {sql.BY_SUBJECT}, position"""
            yield from self._lines_of(text)

    @abstractmethod
    def _lines_of(self, text: str) -> Iterator[Lines]:
        """The rows of a query that has hi, lo and a line."""

    def _several(self, plan: Plan, known: int) -> Mapping[int, bool]:
        """Whether more than one edition judges a class that day, by its number."""
        return {
            clock.number: len(chain_for(self.book, clock.name, plan.today, known)[0]) > 1
            for clock in plan.clocks
        }


def _archived(judged: Judged) -> str:
    """The last fact that put what is over, and archived, into the archive."""
    rows = [
        (n, clock.number)
        for n, sort in judged.plan.sorts.items()
        for clock in judged.plan.clocks
        if sort.ends == clock.name
    ]
    return f"""WITH {sql.table("ends", "sort number", rows)}
        SELECT a.hi, a.lo, a.number, a.scope, MAX({sql.position_of("e.p")}) AS ended
        FROM facts e JOIN ends n ON n.sort = e.sort
        JOIN past_terms a ON a.hi = e.hi AND a.lo = e.lo AND a.number = n.number
            AND a.scope = e.item
        WHERE a.place = {judging.ARCHIVED_PAST} GROUP BY a.hi, a.lo, a.number, a.scope"""


def _is_archived(place: int) -> bool:
    return place == judging.ARCHIVED_PAST


def line(why: str, position: str, *others: str) -> str:
    """A line as a digest takes it (`at_once.line_of`): why, a position, and others that are not
    NULL, in order. Most have none."""
    said = position
    if others:
        each = ", ".join(f"CAST({one} AS BIGINT)" for one in (position, *others))
        several = f"array_to_string(LIST_SORT(LIST_DISTINCT([{each}])), ',')"
        said = f"""CASE WHEN COALESCE({", ".join(others)}) IS NULL
            THEN CAST({position} AS VARCHAR) ELSE {several} END"""
    return f"CONCAT({why}, ' ', {said}, CHR(10))"


def _told(plan: Plan) -> str:
    """The newest edition each person was told of, and the first fact that told her."""
    return f"""SELECT hi, lo, until_day AS edition, position FROM (
        SELECT hi, lo, until_day, position, ROW_NUMBER() OVER (
            PARTITION BY hi, lo ORDER BY until_day DESC, local_day, position) AS n
        FROM stated WHERE kind = '{NOTIFIED}' AND until_day IS NOT NULL
            AND occurred_at <= {plan.as_of:d}) t WHERE n = 1"""


def rank() -> str:
    """A person as one number, in the order of ids: their halves are signed."""
    high, low = (f"(CASE WHEN {h} < 0 THEN {2**64} ELSE 0 END + {h})" for h in ("hi", "lo"))
    return f"(CAST({high} AS UHUGEINT) * {2**64}::UHUGEINT + CAST({low} AS UHUGEINT))"


def _by(column: str, values: Sequence[str]) -> str:
    """A value by a number that counts from zero."""
    if len(set(values)) == 1:
        return values[0]
    whens = " ".join(f"WHEN {n} THEN {value}" for n, value in enumerate(values))
    return f"CASE {column} {whens} END"
