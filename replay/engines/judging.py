"""Who stands where, in SQL: the last facts of each person and thing, and what they mean.

One great scan keeps, for each person, her oldest fact, the last fact of each lane, the classes of
which something is held, and of each class that may have ended what the last fact about it said;
another does so for each thing of hers, a third for classes whose things are of one fact each
(`Plan.plain`). Then, row by row: which lane won, under which term, and on which side of two days it
lies. What ended and was told of again is `doubted`, and looked at once more; few are such. Read
next: `asking.py`, which runs these texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property, partial

from ledger.policy.consents import GRANTS
from ledger.policy.model import CONTRACT_ENDED, CONTRACT_TYPES
from ledger.sqltime import add_months_sql
from replay.engines.lanes import ERA_BITS, PACK_BITS, Clock, Lane, Plan, Sort, Term, past_before
from replay.engines.sql import (
    ASKED,
    ASSESSED,
    EXPRESSIONS,
    PACK,
    Words,
    era_of,
    listed,
    packed,
    table,
)
from replay.fold import ENDINGS, GRANT, NO, STOP

ABSENT, OPERATIONAL, SUSPENDED, PAST, PAST_ARCHIVE, ARCHIVED, ARCHIVED_PAST, ERASED = range(8)
"""Where a thing stands, by number; the tier of ARCHIVED_PAST is past_archive."""
HELD = range(OPERATIONAL, ERASED + 1)
AT_ONCE = 20  # octal digits in an integer
CLASSES_AT_ONCE = 8  # masks of HELD in an integer


_HELD, _ARCHIVED, _ERASED = -4, -2, -1
"""What a fact does to a class: marks that leave 0, 2 or 3 in the two lowest bits of its place
(`Judged._at`: four times its position, and 3)."""
_DOUBTED = "ends = 1 AND (x & 3) = 0"
"""A thing of a plain class that ended once, and of which a later position tells."""


class Judged:
    """The query of one question: everybody's classes and things, each with the packed fact its term
    is counted from (`since`), the number of the term, and its place."""

    def __init__(self, plan: Plan, words: Words) -> None:
        self.plan, self._none = plan, words.none
        self._at = f"(CAST((e.p & {PACK - 1}) >> {ERA_BITS - 2} AS {words.place}) + 3)"
        ends = {sort.ends for sort in plan.sorts.values()}
        self.ending = [c for c in plan.clocks if c.name in ends]
        clocks = plan.clocks
        self.of_people = [c for c in clocks if not c.by_item]
        self.plain = [c for c in clocks if c in plan.plain]
        self.by_item = [c for c in clocks if c.by_item]
        self.of_things = [c for c in self.by_item if c not in plan.plain]
        found = {term for c in clocks for term in _all_terms(c)}
        self.terms = sorted(found, key=lambda t: (t.months, t.archive or 0, *t[2:]))
        self._limits = [past_before(term, plan.today) for term in self.terms]

    # -- one row for each class of a person, or thing of hers --------------------------------------

    def grouped(self, *, counts: bool = False) -> dict[str, str]:
        """What is kept beside, by name: of each person, thing, and thing of a plain class, the last
        fact of each lane, the oldest of all, and of what may have ended the end and the last fact.
        For `counts` a plain thing is named only where it is doubted.
        """
        found = {"of_people": self._group(self.of_people, *self._people())}
        if self.of_things:
            found["of_things"] = self._group(self.of_things, *self._things())
        if self.plain:
            found["of_plain"] = self._plain(named=_DOUBTED if counts else "1 = 1")
        return found

    def _people(self) -> tuple[str, str, list[str]]:
        clocks = self.of_people
        codes = [
            (n, self._era(s), *self._marks(s, clocks, self._held(s, clocks), scoped=False))
            for n, s in self.plan.sorts.items()
        ]
        rows = f"""SELECT e.hi, e.lo, e.p, e.p + k.era AS first, {self._at} AS placed
            {_each(self._names(clocks))} FROM facts e JOIN codes k ON k.sort = e.sort"""
        return rows, "hi, lo", [table("codes", " ".join(["sort era", *self._names(clocks)]), codes)]

    def _things(self) -> tuple[str, str, list[str]]:
        names = self._names(self.of_things)
        rows = f"""SELECT e.hi, e.lo, CASE WHEN k.keyed = 1 THEN e.item ELSE {self._none} END
            AS scope, e.p, e.p + k.era AS first, {self._at} AS placed
            {_each(names)} FROM facts e JOIN codes k ON k.sort = e.sort"""
        columns = " ".join(["sort keyed era", *names])
        return rows, "hi, lo, scope", [table("codes", columns, self._item_codes())]

    def _plain(self, named: str) -> str:
        codes = []
        for clock in self.plain:
            for n, s in self.plan.sorts.items():
                moves = bool(s.scoped and self._lanes(s, [clock]))
                code = self._code(s, clock, clock.bit if moves else 0, scoped=True)
                if code:
                    codes.append((n, clock.number, -int(moves), code, int(code > _HELD)))
        return f"""WITH {table("codes", "sort number l x ends", codes)}
            SELECT hi, lo, CASE WHEN {named} THEN scope END AS scope, number, since, x, ends FROM (
                SELECT e.hi, e.lo, e.item AS scope, k.number, MAX(e.p & k.l) AS since,
                    MAX({self._at} & k.x) AS x, MAX(k.ends) AS ends
                FROM facts e JOIN codes k ON k.sort = e.sort WHERE e.item <> {self._none}
                GROUP BY e.hi, e.lo, e.item, k.number) g
            WHERE since > 0"""

    def doubted(self) -> str:
        """What ended once, of which a later position tells: hi, lo, number, scope."""
        parts = [
            f"""SELECT hi, lo, {c.number} AS number, {scope} AS scope FROM {name}
            WHERE (ends & {c.bit}) <> 0 AND (x{c.number} & 3) = 0"""
            for name, clocks, scope in (
                ("of_people", self.of_people, self._none),
                ("of_things", self.of_things, "scope"),
            )
            for c in clocks
            if c in self.ending
        ]
        if self.plain:
            parts.append(f"SELECT hi, lo, number, scope FROM of_plain WHERE {_DOUBTED}")
        return " UNION ALL ".join(parts)

    def people(self) -> str:
        """One row for each person: hi, lo, and for each class with a subject clock since_N, term_N
        and place_N. A person without any class is a row too."""
        return self._judge(self.of_people, "of_people", "hi, lo")

    def things(self, of: str = "of_things", *, counts: bool = False) -> str:
        """hi, lo, scope, number, since, term, place, lonely of each thing whose class is not plain.

        A thing that nothing moved is judged by its first fact: of whatever class, if that names the
        same thing. Few are such, and few name it: they are `lonely` where that may change what is
        asked (of `counts`: the place only), and are then judged again, `of_lonely`.
        """
        unsure = f"NOT IN ({SUSPENDED}, {ERASED})" if counts else f"<> {ABSENT}"
        each = " UNION ALL ".join(
            f"""SELECT hi, lo, scope, {c.number} AS number, since_{c.number} AS since,
            term_{c.number} AS term, place_{c.number} AS place,
            CASE WHEN unmoved_{c.number} AND place_{c.number} {unsure} THEN 1 ELSE 0 END AS lonely
            FROM judged WHERE place_{c.number} <> {ABSENT}"""
            for c in self.of_things
        )
        judged = self._judge(self.of_things, of, "hi, lo, scope")
        return f"WITH judged AS MATERIALIZED ({judged}) {each}"

    def of_lonely(self) -> str:
        """The `of_things` that are lonely, with the first of all facts that name them, whatever
        their class."""
        keys = [
            (n, self._era(s), int(keyed)) for n, s, _, keyed in self._keys() if keyed or self._bare
        ]
        others = ", ".join(f"g.{name}" for name in ("held", *self._names(self.of_things)[1:]))
        return f"""WITH {table("keys", "sort era keyed", keys)}
            SELECT g.hi, g.lo, g.scope, LEAST(g.head, f.head) AS head, {others} FROM of_things g
            JOIN (SELECT h.hi, h.lo, h.scope, MIN(e.p + k.era) AS head
                FROM facts e JOIN keys k ON k.sort = e.sort
                JOIN lonely h ON h.hi = e.hi AND h.lo = e.lo
                    AND h.scope = CASE WHEN k.keyed = 1 THEN e.item ELSE {self._none} END
                GROUP BY h.hi, h.lo, h.scope) f
            ON f.hi = g.hi AND f.lo = g.lo AND f.scope = g.scope"""

    @cached_property
    def _bare(self) -> bool:
        """Whether a thing may be held that has no item."""
        keys = [(s, (klass, keyed)) for _, s, klass, keyed in self._keys()]
        return any(self._held(s, self.of_things, key) for s, key in keys if not key[1])

    def _item_codes(self) -> list[tuple[str | int | None, ...]]:
        """What each sort of fact does to things, under each of its keys; without an item, only
        where a thing may be held that has none. What only ends one is not its first fact."""
        clocks = self.of_things
        found: list[tuple[str | int | None, ...]] = []
        for n, s, klass, keyed in self._keys():
            held = self._held(s, clocks, (klass, keyed))
            moves = bool(held or self._lanes(s, clocks))
            if (keyed or self._bare) and (moves or s.ends in {c.name for c in clocks}):
                marks = self._marks(s, clocks, held)
                found.append((n, int(keyed), self._era(s) if moves else None, *marks))
        return found

    def plain_things(self) -> str:
        """hi, lo, scope, number, since, term, place of each thing of a plain class."""
        number = {clock: self.terms.index(clock.terms[0]) for clock in self.plain}
        term = _by("number", {c.number: str(number[c]) for c in self.plain})
        used = _by("number", {c.number: self._limit(number[c], 0) for c in self.plain})
        kept = _by("number", {c.number: self._limit(number[c], 1) for c in self.plain})
        relation = "(SELECT w.*, NULL AS erased FROM of_plain w)"
        if self.ending:
            relation = """(SELECT w.*, x.erased FROM of_plain w LEFT JOIN gone x
                ON x.hi = w.hi AND x.lo = w.lo AND x.number = w.number AND x.scope = w.scope)"""
        erased, archived = (f"(x & 3) = {3 - n} OR erased = {1 - n}" for n in (0, 1))
        place = _place(erased, archived, "1 = 0", used, kept)
        return f"""SELECT hi, lo, scope, number, since, {term} AS term, {place} AS place
            FROM {relation} p"""

    def items(self) -> str:
        """All of these as rows: hi, lo, number, scope, since, term, place. Reads `things`."""
        parts, before = [], ""
        if self.of_people:
            before = f"WITH people AS MATERIALIZED ({self.people()}) "
            parts = [
                f"""SELECT hi, lo, {c.number} AS number, {self._none} AS scope,
                since_{c.number} AS since, term_{c.number} AS term, place_{c.number} AS place
                FROM people WHERE place_{c.number} <> {ABSENT}"""
                for c in self.of_people
            ]
        columns = "hi, lo, number, scope, since, term, place"
        if self.of_things:
            parts.append(f"SELECT {columns} FROM things")
        if self.plain:
            parts.append(f"SELECT {columns} FROM ({self.plain_things()}) plain")
        return before + " UNION ALL ".join(parts)

    # -- the counts --------------------------------------------------------------------------------

    def count_people(self) -> str:
        """How many people are alike: the places of their classes, in the order of `of_people`, as
        octal digits (AT_ONCE to a column, the first class lowest), then n."""
        packed = [
            " + ".join(
                f"CAST(place_{c.number} AS BIGINT) * {8**n}"
                for n, c in enumerate(self.of_people[start : start + AT_ONCE])
            )
            for start in range(0, max(len(self.of_people), 1), AT_ONCE)
        ]
        columns = ", ".join(f"{text or '0'} AS alike_{n}" for n, text in enumerate(packed))
        alike = ", ".join(f"alike_{n}" for n in range(len(packed)))
        return f"""SELECT {alike}, COUNT(*) AS n FROM (SELECT {columns} FROM ({self.people()}) p) q
            GROUP BY {alike}"""

    def count_things(self) -> str:
        """How many things are where: number, place, n. Reads `things`."""
        return f"SELECT number, place, COUNT(*) AS n FROM ({self._each()}) t GROUP BY number, place"

    def count_holders(self) -> str:
        """How many people are alike: in which places they have things of each class of `by_item`,
        as masks (CLASSES_AT_ONCE to a column, OPERATIONAL the lowest bit of a class), then n. Reads
        `things`."""
        columns: list[str] = []
        for start in range(0, len(self.by_item), CLASSES_AT_ONCE):
            clocks = self.by_item[start : start + CLASSES_AT_ONCE]
            first = _by("number", {c.number: str(len(HELD) * n) for n, c in enumerate(clocks)})
            bit = f"CAST(1 AS BIGINT) << CAST({first} + place - {OPERATIONAL} AS INTEGER)"
            if len(clocks) < len(self.by_item):
                own = ", ".join(str(c.number) for c in clocks)
                bit = f"CASE WHEN number IN ({own}) THEN {bit} ELSE 0 END"
            columns.append(f"BIT_OR({bit}) AS alike_{len(columns)}")
        alike = ", ".join(f"alike_{n}" for n in range(len(columns)))
        return f"""SELECT {alike}, COUNT(*) AS n FROM (SELECT hi, lo, {", ".join(columns)}
            FROM ({self._each()}) t GROUP BY hi, lo) h GROUP BY {alike}"""

    def _each(self) -> str:
        """Each thing: hi, lo, number, place."""
        texts = ["SELECT hi, lo, number, place FROM things"] if self.of_things else []
        if self.plain:
            texts.append(f"SELECT hi, lo, number, place FROM ({self.plain_things()}) plain")
        return " UNION ALL ".join(texts)

    # -- the steps ---------------------------------------------------------------------------------

    def _group(self, clocks: list[Clock], rows: str, keys: str, tables: list[str]) -> str:
        """The rows, grouped by their keys: their oldest fact (`head`), the classes of which
        something is held (`held`) and those that were ever ended (`ends`), the last fact of each
        lane (lN), and of each class that may have ended the last fact that says so or tells of it
        (xN: by position, with what it says in the two lowest bits).

        Each maximum is of all rows, the others' bits taken away: cheaper than to ask of each row
        whether it counts.
        """
        names = self._names(clocks)[2:]
        if self.plan.contracts:
            item = ", item AS scope" if "scope" in keys else ""
            marks = "".join(f", {self._end_mark(name)}" for name in names)
            rows += f""" UNION ALL SELECT hi, lo{item}, {packed("day", "position")}, NULL, 0,
                0, 0{marks} FROM ({self._contract_ends()}) c"""
        of = {"l": "p", "x": "placed"}
        most = "".join(f", MAX({of[name[0]]} & {name}) AS {name}" for name in names)
        found = "".join(f", NULLIF({name}, 0) AS {name}" for name in names)
        mask = "INTEGER" if len(self.plan.clocks) < 32 else "BIGINT"
        return f"""WITH {", ".join(tables)} SELECT {keys}, head, held, ends{found}
            FROM (SELECT {keys}, MIN(first) AS head, BIT_OR(CAST(bits AS {mask})) AS held,
                    BIT_OR(CAST(ends AS {mask})) AS ends{most}
                FROM ({rows}) r GROUP BY {keys}) g"""

    def _names(self, clocks: list[Clock]) -> list[str]:
        """The columns that say what a fact of a sort does: the classes of which it holds something,
        the one that it ends, then a mark (0: nothing) for each maximum."""
        lanes = [f"l{lane}" for lane in self.plan.lanes_of(clocks)]
        return ["bits", "ends", *lanes, *(f"x{c.number}" for c in clocks if c in self.ending)]

    def _marks(
        self, sort: Sort, clocks: list[Clock], held: int, *, scoped: bool | None = None
    ) -> list[int]:
        lanes = self._lanes(sort, clocks)
        moves = [-(lanes >> lane & 1) for lane in self.plan.lanes_of(clocks)]
        codes = {c: self._code(sort, c, held, scoped=scoped) for c in clocks if c in self.ending}
        ends = sum(clock.bit for clock, code in codes.items() if code > _HELD and code)
        return [held, ends, *moves, *codes.values()]

    def _code(self, sort: Sort, clock: Clock, held: int, *, scoped: bool | None) -> int:
        """What a fact does to a class, with an item or without if that matters."""
        if sort.ends == clock.name and scoped in (None, sort.scoped):
            return _ERASED if ENDINGS[sort.kind] == "erased" else _ARCHIVED
        return _HELD if held & clock.bit else 0

    def _judge(self, clocks: list[Clock], relation: str, keys: str) -> str:
        """Judge each class of a group in its columns."""
        joined, flags = self._flags(clocks, keys)
        text = f"SELECT g.*, {flags} FROM {relation} g {joined} WHERE g.head IS NOT NULL"
        candidates = [found for c in clocks for found in self._candidates(c)]
        if candidates:
            text = f"SELECT w.*, {', '.join(candidates)} FROM ({text}) w"
        chosen = [found for c in clocks for found in self._chosen(c)]
        if chosen:
            text = f"SELECT w.*, {', '.join(chosen)} FROM ({text}) w"
        found = "".join(
            f", since_{c.number}, term_{c.number}, {self._placed(c)} AS place_{c.number}"
            for c in clocks
        )
        if "scope" in keys:
            found += "".join(f", {_unmoved(c)} AS unmoved_{c.number}" for c in clocks)
        return f"SELECT {keys}{found} FROM ({text}) w"

    def _flags(self, clocks: list[Clock], keys: str) -> tuple[str, str]:
        """What is joined to each row, and the columns that come of it: the era she was told of,
        which classes a contract stops, which of the doubted are archived or erased."""
        by_item = "scope" in keys
        joined, columns = [], []

        def join(name: str, text: str, *, by_scope: bool) -> None:
            scope = f" AND {name}.scope = g.scope" if by_scope else ""
            joined.append(
                f"LEFT JOIN ({text}) {name} ON {name}.hi = g.hi AND {name}.lo = g.lo{scope}"
            )

        if self.plan.told:
            join("n", "SELECT hi, lo, era FROM told", by_scope=False)
        columns.append(f"{'COALESCE(n.era, 0)' if self.plan.told else '0'} AS t")
        stopping = [
            (CONTRACT_TYPES.index(kind), era, c.bit) for c in clocks for kind, era in c.stopped_by
        ]
        if stopping:
            join("s", self._stopped(stopping, by_item=by_item), by_scope=by_item)
        columns.append(f"{'COALESCE(s.bits, 0)' if stopping else '0'} AS stopped")
        ending = [c for c in clocks if c in self.ending]
        if ending:
            own = ", ".join(str(c.number) for c in ending)
            over = "hi, lo, scope" if by_item else "hi, lo"
            bit = _by("number", {c.number: str(c.bit) for c in ending})
            which = f"BIT_OR(CAST(CASE WHEN erased = {{}} THEN {bit} ELSE 0 END AS BIGINT))"
            join(
                "x",
                f"""SELECT {over}, {which.format(0)} AS archived, {which.format(1)} AS erased
                FROM gone WHERE number IN ({own}) GROUP BY {over}""",
                by_scope=by_item,
            )
        for name in ("archived", "erased"):
            columns.append(f"{f'COALESCE(x.{name}, 0)' if ending else '0'} AS {name}")
        return " ".join(joined), ", ".join(columns)

    def _stopped(self, stopping: list[tuple[int, int, int]], *, by_item: bool) -> str:
        """The classes that an open contract stops: as a mask for each person, or thing."""
        scope = ", c.item AS scope" if by_item else ""
        over = "hi, lo, scope" if by_item else "hi, lo"
        era = era_of(self.plan, "COALESCE(c.planned_edition, 0)")
        told, joined = "0", ""
        if self.plan.told:
            told, joined = "COALESCE(n.era, 0)", "LEFT JOIN told n ON n.hi = c.hi AND n.lo = c.lo"
        listed_rows = table("stopping", "type era bit", stopping)
        return f"""WITH {listed_rows} SELECT {over}, BIT_OR(m.bit) AS bits
            FROM (SELECT c.hi, c.lo{scope}, c.type, GREATEST({era}, {told}) AS era
                FROM agreed c {joined}
                WHERE c.started = 1 AND c.ended_day IS NULL AND (c.tacit = 1
                    OR c.planned_day IS NULL OR c.planned_day >= {self.plan.today})) o
            JOIN stopping m ON m.type = o.type AND m.era = o.era GROUP BY {over}"""

    def _contract_ends(self) -> str:
        """Each contract's end: recorded, or as planned and passed without tacit renewal."""

        def either(name: str) -> str:
            return f"CASE WHEN ended_day IS NULL THEN planned_{name} ELSE ended_{name} END"

        era = era_of(self.plan, f"COALESCE({either('edition')}, 0)")
        return f"""SELECT hi, lo, item, {either("day")} AS day, {either("position")} AS position,
            {era} AS era FROM agreed
            WHERE ended_day IS NOT NULL OR (planned_day < {self.plan.today} AND tacit = 0)"""

    def _end_mark(self, name: str) -> str:
        """The same of the end of a contract, which moves a lane and nothing else."""
        if name[0] != "l":
            return "0"
        lane = int(name[1:])
        by_era = {
            era: str(-(self.plan.mask(CONTRACT_ENDED, era) >> lane & 1))
            for era in range(len(self.plan.eras))
        }
        return f"CAST({_by('era', by_era)} AS BIGINT)"

    # -- one class in its columns ------------------------------------------------------------------

    def _candidates(self, clock: Clock) -> list[str]:
        """Of a class with several lanes: each lane's last fact, if it moves the class given what
        she was told, and the day its term ends."""
        found = []
        for lane in clock.lanes if len(clock.lanes) > 1 else ():
            name = f"{clock.number}_{lane.number}"
            months = _by("t", {t: str(m.months) for t, m in enumerate(lane.terms) if m})
            found += [
                f"{_moved(lane)} AS v{name}",
                f"CASE WHEN {_moved(lane)} IS NOT NULL THEN"
                f" {_later(f'(l{lane.number} // {PACK})', f'({months})')} END AS d{name}",
            ]
        return found

    def _chosen(self, clock: Clock) -> list[str]:
        """The packed fact that its term is counted from, and the number of that term: the latest
        end wins, then the latest day, then the latest position; without any, her oldest fact."""
        era = f"GREATEST(head % {2**ERA_BITS}, t)"
        oldest = _by(era, dict(enumerate(map(self._term, clock.terms))))
        since, term = "head", oldest
        if len(clock.lanes) == 1:
            (lane,) = clock.lanes
            since = f"COALESCE({_moved(lane)}, head)"
            term = f"CASE WHEN {_moved(lane)} IS NULL THEN {oldest} ELSE {self._of(lane)} END"
        elif clock.lanes:
            wins = [(lane, _beats(clock, lane)) for lane in clock.lanes]
            whens = [f"WHEN {w} THEN v{clock.number}_{lane.number}" for lane, w in wins]
            since = f"CASE {' '.join(whens)} ELSE head END"
            whens = [f"WHEN {w} THEN {self._of(lane)}" for lane, w in wins]
            term = f"CASE {' '.join(whens)} ELSE {oldest} END"
        if len(set(_all_terms(clock))) == 1:
            term = self._term(clock.terms[0])
        return [f"{since} AS since_{clock.number}", f"{term} AS term_{clock.number}"]

    def _placed(self, clock: Clock) -> str:
        numbers = sorted({self.terms.index(term) for term in _all_terms(clock)})
        used, kept = (
            _by(f"term_{clock.number}", {n: self._limit(n, which) for n in numbers})
            for which in (0, 1)
        )
        erased, archived, stopped = (
            f"({flag} & {clock.bit}) <> 0" for flag in ("erased", "archived", "stopped")
        )
        if clock in self.ending:
            said = f"(x{clock.number} & 3)"
            erased, archived = f"({erased} OR {said} = 3)", f"({archived} OR {said} = 2)"
        place = _place(erased, archived, stopped, used, kept, f"since_{clock.number}")
        return f"CASE WHEN (held & {clock.bit}) = 0 THEN {ABSENT} ELSE {place} END"

    def _of(self, lane: Lane) -> str:
        return _by("t", {t: self._term(term) for t, term in enumerate(lane.terms) if term})

    def _term(self, term: Term) -> str:
        return str(self.terms.index(term))

    def _limit(self, term: int, which: int) -> str:
        """The packed integer before which a term is over: daily use (0), the archive (1)."""
        return str(self._limits[term][which] << PACK_BITS)

    # -- facts as numbers --------------------------------------------------------------------------

    def _keys(self) -> list[tuple[int, Sort, str | None, bool]]:
        """Each sort by its number, with each of its keys."""
        return [(n, s, *key) for n, s in self.plan.sorts.items() for key in self.plan.keys(s)]

    def _era(self, sort: Sort) -> int:
        return self.plan.era(sort.edition)

    def _lanes(self, sort: Sort, clocks: Iterable[Clock]) -> int:
        """The lanes of these clocks that a fact belongs to; a contract says itself how it ends."""
        if sort.kind == CONTRACT_ENDED:
            return 0
        wanted = sum(1 << lane for lane in self.plan.lanes_of(clocks))
        return self.plan.mask(sort.kind, self.plan.era(sort.edition)) & wanted

    def _held(self, sort: Sort, clocks: Iterable[Clock], *keys: tuple[str | None, bool]) -> int:
        """Of which of these clocks a fact holds something under these keys (none: all of its)."""
        bits = 0
        for klass, keyed in keys or self.plan.keys(sort):
            bits |= self.plan.held(sort, klass, keyed)
        return bits & sum(clock.bit for clock in clocks)


def choices(plan: Plan, words: Words) -> str:
    """The expression that counts for each person, purpose and channel: hi, lo, purpose, channel,
    kind (its number in EXPRESSIONS), day, position.

    The last by (weight, instant, rank, position). A live grant dated back by more than five minutes
    is ignored once a stop is known of a lower position, even a stop after as_of: such a grant is
    kept apart by its position until the first stop is known.
    """
    numbers = " ".join(f"WHEN '{kind}' THEN {n}" for n, kind in enumerate(EXPRESSIONS))
    backdated = f"""CASE WHEN e.kind IN {listed(GRANTS)} AND COALESCE(e.actor, '') <> 'import'
        AND e.occurred_at < e.recorded_at - {5 * 60_000_000} THEN e.position ELSE 0 END"""
    rank = f"CASE WHEN e.kind IN {listed(NO)} THEN 1 ELSE 0 END"
    high = f"""(CASE WHEN e.kind = '{ASKED}' THEN 0 ELSE {2**61} END
        + (e.occurred_at + {2**51}) * 2 + {rank})"""
    low = f"""((e.position * {2**22} + {_days("e.local_day")}) * 16
        + CASE e.kind {numbers} END)"""
    facts = f"""SELECT hi, lo, COALESCE(purpose, '') AS purpose, COALESCE(channel, '') AS channel,
        {backdated} AS suspect, CASE WHEN e.kind IN {listed(STOP)} THEN e.position END AS stop,
        CASE WHEN e.occurred_at <= {plan.as_of:d} THEN {words.wide(high, low)} END AS said
        FROM stated e WHERE e.kind IN {listed(EXPRESSIONS)}
        AND (e.kind <> '{ASSESSED}' OR e.decision = 'overridden')"""
    keys = "hi, lo, purpose, channel"
    same = " AND ".join(f"f.{key} = b.{key}" for key in keys.split(", "))
    own = ", ".join(f"b.{key}" for key in keys.split(", "))
    return f"""WITH s AS MATERIALIZED (SELECT {keys}, suspect, MIN(stop) AS stop, MAX(said) AS said
            FROM ({facts}) f GROUP BY {keys}, suspect)
        SELECT {keys}, {words.low("said")} % 16 AS kind,
            {_day(f"({words.low('said')} // 16 % {2**22})")} AS day,
            {words.low("said")} // {2**26} AS position
        FROM (SELECT {keys}, MAX(said) AS said
            FROM (SELECT {keys}, said FROM s WHERE suspect = 0
                UNION ALL SELECT {own}, b.said
                FROM (SELECT * FROM s WHERE suspect > 0) b
                LEFT JOIN (SELECT * FROM s WHERE suspect = 0 AND stop IS NOT NULL) f ON {same}
                WHERE COALESCE(f.stop, b.suspect) >= b.suspect) u
            GROUP BY {keys}) w
        WHERE said IS NOT NULL"""


assert set(GRANT) == set(GRANTS)


_later = partial(add_months_sql, divided="//")


# --- helpers --------------------------------------------------------------------------------------


def _place(
    erased: str, archived: str, stopped: str, used: str, kept: str, since: str = "since"
) -> str:
    return f"""CASE WHEN {erased} THEN {ERASED}
        WHEN {archived} THEN CASE WHEN {since} < {used} AND ({kept} = 0 OR {since} < {kept})
            THEN {ARCHIVED_PAST} ELSE {ARCHIVED} END
        WHEN {stopped} THEN {SUSPENDED}
        WHEN {since} >= {used} THEN {OPERATIONAL}
        WHEN {since} < {kept} THEN {PAST_ARCHIVE} ELSE {PAST} END"""


def _each(names: Iterable[str]) -> str:
    return "".join(f", k.{name}" for name in names)


def _beats(clock: Clock, lane: Lane) -> str:
    own = f"{clock.number}_{lane.number}"
    others = [f"{clock.number}_{other.number}" for other in clock.lanes if other is not lane]
    each = [
        f"(v{other} IS NULL OR d{own} > d{other} OR (d{own} = d{other} AND v{own} > v{other}))"
        for other in others
    ]
    return f"v{own} IS NOT NULL AND {' AND '.join(each)}"


def _moved(lane: Lane) -> str:
    """The last fact of a lane, if it moves the class given the era she was told of."""
    column = f"l{lane.number}"
    told = [str(t) for t, term in enumerate(lane.terms) if term is not None]
    return (
        column
        if len(told) == len(lane.terms)
        else f"CASE WHEN t IN ({', '.join(told)}) THEN {column} END"
    )


def _unmoved(clock: Clock) -> str:
    return " AND ".join(f"{_moved(lane)} IS NULL" for lane in clock.lanes) or "1 = 1"


def _by(column: str, values: dict[int, str]) -> str:
    """A value by a small number; the value itself where there is but one."""
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    whens = " ".join(f"WHEN {key} THEN {value}" for key, value in values.items())
    return f"CASE {column} {whens} END"


def _all_terms(clock: Clock) -> list[Term]:
    return [*clock.terms, *(term for lane in clock.lanes for term in lane.terms if term)]


def _days(day: str) -> str:
    """A day as a number of 22 bits, in order: 31 days for each month."""
    return f"(({day} // 10000 * 12 + {day} // 100 % 100 - 1) * 31 + {day} % 100 - 1)"


def _day(days: str) -> str:
    """The inverse."""
    return f"({days} // 372 * 10000 + ({days} // 31 % 12 + 1) * 100 + {days} % 31 + 1)"
