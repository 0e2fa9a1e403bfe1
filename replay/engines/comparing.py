"""Two states of history side by side, in SQL: whose choices, and whose classes, are others in the
second than in the first.

Both are asked of the same share of the people, one after the other, and kept as they stood: each
choice with its state, each class and thing with a sign (where it stands, or until when it is in
use). What differs is counted by line; of each line the first people are named, whose lives are then
read. Read next: `replay/inspect/diff.py`, which does so.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from ledger.calendar import Instant
from ledger.policy.consents import GRANTS, UNPROVED, choice_of, counted_as
from ledger.policy.verdicts import ConsentStatus, Place
from replay.controls.at_once import Moved, Moves, Sought, Stood
from replay.engines import judging, sql
from replay.engines.asking import PLACE
from replay.engines.carding import CARD
from replay.engines.judging import Judged
from replay.engines.lanes import Plan
from replay.engines.sql import EXPRESSIONS, PACK
from replay.engines.tallying import Tallying, rank
from replay.segments.layout import whole

Sign: TypeAlias = Callable[[Judged], str]
"""What of a thing is compared: a number, of its columns `place`, `since` and `term`."""
_PLACES = sorted(set(PLACE.values()))
_CHOICE, _CLASS = 0, 1
_LINE = "what, about, over, was, now"


class At(NamedTuple):
    """Two times: D, and the last position known at R."""

    as_of: Instant
    known: int


class Comparing(Tallying):
    """An engine that tells two states of history apart."""

    def cards_by_place(self, places: Mapping[int, Place]) -> str:
        """The cards of these sorts, each with the sign of where it stands: the name of the relation
        that they are."""
        name = f"stood_{next(self._numbers)}"
        rows = [(sort, _PLACES.index(place)) for sort, place in sorted(places.items())]
        self._keep(
            name,
            f"""WITH {sql.table("signs", "sort sign", rows)}
            SELECT c.hi, c.lo, c.item, s.sign FROM sorted_cards c JOIN signs s ON s.sort = c.sort"""
            if rows
            else "SELECT hi, lo, item, 0 AS sign FROM sorted_cards WHERE 1 = 0",
        )
        return name

    def moved(
        self,
        before: At,
        after: At,
        apart: Sought,
        cards: tuple[str, str],
        met: str,
        limit: int,
        most: int,
    ) -> Iterator[Moves]:
        """What changed from one to the other of everybody but those apart, by share of the people,
        with the cards that stood by then and then (`cards_by_place`): counted by line, with the
        first `limit` people of each; and the first `most` of all. Those met are not counted."""
        states: list[ConsentStatus] = []
        classes: list[str] = [CARD]
        self._keep("moved_cards", self._moved_cards(*cards, apart))
        for _ in self._side_by_side(before, after, (states, classes), _place, apart):
            self._keep(
                "moving",
                f"""SELECT *, {rank()} AS who FROM (SELECT * FROM moved
                UNION ALL SELECT * FROM moved_cards WHERE 1 = 1 {self._among(self._share)}) m""",
            )
            self._keep(
                "by_line",
                f"""SELECT {_LINE}, COUNT(*) AS people, SUM(n) AS things,
                    MIN(who, {limit:d}) AS whose
                FROM (SELECT {_LINE}, who, COUNT(*) AS n FROM moving GROUP BY {_LINE}, who) w
                GROUP BY {_LINE}""",
            )
            lines, things, whose = [], 0, self._whose()
            text = f"SELECT {_LINE}, people, things FROM by_line ORDER BY {_LINE}"
            for *key, people, of in self._rows(text):
                what, about, over, was, now = key
                known = states if what == _CHOICE else None
                lines.append(
                    Moved(
                        what == _CHOICE,
                        about if known is not None else classes[int(about)],
                        over,
                        *(_stood_so(was, known), _stood_so(now, known)),
                        int(people),
                        int(of),
                        whose[tuple(key)],
                    )
                )
                things += int(of)
            yield Moves(*self._people_first(met, most), things, tuple(lines))

    def having_otherwise(self, as_of: Instant, then: int, known: int, among: str) -> str:
        """The people among these of whom a choice, or the last day of use of a class or thing, is
        another as known at the second position than as known at the first."""
        found: list[str] = []
        for _ in self._side_by_side(At(as_of, then), At(as_of, known), ([], []), _until):
            found.append(f"otherwise_{len(found)}")
            self._keep(found[-1], self._named("SELECT DISTINCT hi, lo, 1 AS one FROM moved", "one"))
        each = " UNION ALL ".join(f"SELECT hi, lo FROM {name}" for name in found)
        return self._sought(f"SELECT hi, lo FROM {among} INTERSECT ({each})")

    def _whose(self) -> dict[tuple[Any, ...], tuple[UUID, ...]]:
        """The first people of each line."""
        own = ", ".join(f"f.{name}" for name in _LINE.split(", "))
        text = f"""SELECT DISTINCT m.hi, m.lo, {own} FROM moving m
            JOIN (SELECT {_LINE}, UNNEST(whose) AS who FROM by_line) f ON f.who = m.who"""
        found: dict[tuple[Any, ...], tuple[UUID, ...]] = {}
        for hi, lo, *key in self._rows(self._named(text, _LINE)):
            found[tuple(key)] = (*found.get(tuple(key), ()), whole(hi, lo))
        return found

    def _moved_cards(self, before: str, after: str, apart: Sought) -> str:
        """The cards that stood elsewhere, of whoever's are not apart."""
        same = " AND ".join(f"b.{key} = a.{key}" for key in ("hi", "lo", "item"))
        self._keep(
            "other_cards",
            f"""SELECT COALESCE(b.hi, a.hi) AS hi, COALESCE(b.lo, a.lo) AS lo,
                b.sign AS was, a.sign AS now FROM {before} b FULL JOIN {after} a ON {same}
            WHERE b.sign IS DISTINCT FROM a.sign""",
        )
        return f"""SELECT c.hi, c.lo, {_CLASS} AS what, '0' AS about, '' AS over, c.was, c.now
            FROM ({self._numbered("other_cards", ", s.was, s.now")}) c
            {self._but(apart.cards or apart.name, "c")}"""

    def _people_first(self, met: str, most: int) -> tuple[int, tuple[UUID, ...]]:
        """How many people there are of whom something changed, but for those met, and the first of
        all."""
        text = f"""SELECT COUNT(DISTINCT who) FROM moving m {self._but(met, "m")}"""
        ((people,),) = self._rows(text)
        text = f"SELECT MIN(who, {most:d}) FROM (SELECT DISTINCT who FROM moving) w"
        ((first,),) = self._rows(text)
        if not first:
            return 0, ()
        last = f"CAST('{max(first)}' AS UHUGEINT)"
        text = self._named(
            f"SELECT DISTINCT hi, lo, 1 AS one FROM moving WHERE who <= {last}", "one"
        )
        return int(people), tuple(whole(hi, lo) for hi, lo, _ in self._rows(text))

    # -- as they stood -----------------------------------------------------------------------------

    def _side_by_side(
        self,
        before: At,
        after: At,
        names: tuple[list[ConsentStatus], list[str]],
        sign: Sign,
        apart: Sought | None = None,
    ) -> Iterator[None]:
        """Of each share of the people, `moved`: hi, lo, what, about, over, was, now. A
        class stands as its place in `names`; a state too, twice that, and one more where it is for
        want of proof. So two that differ in nothing but that are alike."""
        keys = ["hi", "lo", "about", "over", "scope"]
        same = " AND ".join(f"b.{key} = a.{key}" for key in keys)
        either = ", ".join(f"COALESCE(b.{key}, a.{key}) AS {key}" for key in keys)
        stood = (
            self._stood(*one, names, sign, apart) for one in (("before", before), ("after", after))
        )
        for _ in zip(*stood, strict=True):
            each = (
                f"""SELECT {either}, {what} AS what, b.sign AS was, a.sign AS now
                FROM before_{name} b FULL JOIN after_{name} a ON {same}
                WHERE b.sign // {alike} IS DISTINCT FROM a.sign // {alike}"""
                for what, name, alike in ((_CHOICE, "choices", 2), (_CLASS, "items", 1))
            )
            self._keep(
                "moved",
                " UNION ALL ".join(
                    f"SELECT hi, lo, what, about, over, was, now FROM ({one}) x" for one in each
                ),
            )
            yield

    def _stood(
        self,
        when: str,
        at: At,
        names: tuple[list[ConsentStatus], list[str]],
        sign: Sign,
        apart: Sought | None,
    ) -> Iterator[None]:
        """Keep what stood: `<when>_items` and `<when>_choices`, of each share of the people."""
        states, classes = names
        for judged in self._judged(*at):
            plan = judged.plan
            rows = [(clock.number, _index(classes, clock.name)) for clock in plan.clocks]
            but = "" if apart is None else self._but_apart(apart, judged)
            self._keep(
                f"{when}_items",
                f"""WITH {sql.table("names", "number class", rows)}
                SELECT i.hi, i.lo, CAST(n.class AS VARCHAR) AS about, '' AS over, i.scope,
                    {sign(judged)} AS sign
                FROM ({judged.items()}) i {but} JOIN names n ON n.number = i.number"""
                if plan.clocks
                else f"""SELECT 0 AS hi, 0 AS lo, '' AS about, '' AS over,
                    {self.words.none} AS scope, 0 AS sign WHERE 1 = 0""",
            )
            self._keep_choices(f"{when}_choices", at, plan, states, apart)
            yield

    def _keep_choices(
        self, name: str, at: At, plan: Plan, states: list[ConsentStatus], apart: Sought | None
    ) -> None:
        """Each choice with the number of its state; of the expressions that differ in nothing that
        matters to it, one is asked about."""
        grants = [str(n) for n, kind in enumerate(EXPRESSIONS) if kind in GRANTS]
        ages = f"purpose IN {sql.listed(self._ageing())} AND kind IN ({', '.join(grants)})"
        but = "" if apart is None else self._but(apart.name, "c")
        self._keep(
            "said",
            f"""SELECT hi, lo, purpose, channel, kind, unproved,
                CASE WHEN {ages} THEN day ELSE 0 END AS day
            FROM ({self._chosen(plan)}) c {but}""",
        )
        key = "purpose, channel, kind, day, unproved"
        rows = []
        for purpose, channel, kind, day, gone in self._rows(f"SELECT DISTINCT {key} FROM said"):
            of = self.book, at.as_of, at.known, purpose, channel
            said = choice_of(EXPRESSIONS[kind], int(day), *of, unproved=bool(gone))
            status, reason = counted_as(said)
            state = 2 * _index(states, status) + bool(reason)
            rows.append((purpose, channel, kind, day, gone, state))
        same = " AND ".join(f"s.{one} = m.{one}" for one in key.split(", "))
        self._keep(
            name,
            f"""WITH {sql.table("meant", f"{key} state".replace(",", ""), rows)}
            SELECT hi, lo, s.purpose AS about, s.channel AS over, {self.words.none} AS scope,
                m.state AS sign
            FROM said s JOIN meant m ON {same}""",
        )

    def _ageing(self) -> Collection[str]:
        """The purposes of which a yes may grow old; '' is none."""
        return {
            "",
            *(
                name
                for published in self.book.entries
                for name, purpose in published.edition.purposes.items()
                if purpose.validity_months is not None
            ),
        }


def _place(_judged: Judged) -> str:
    """Where it stands."""
    whens = " ".join(f"WHEN {n} THEN {_PLACES.index(place)}" for n, place in PLACE.items())
    return f"CASE i.place {whens} END"


def _until(judged: Judged) -> str:
    """The day its use ends, by what it is counted from; none while a contract runs, or erased."""
    whens = " ".join(f"WHEN {n} THEN {term.months}" for n, term in enumerate(judged.terms))
    months = f"CASE i.term {whens} END"
    return f"""CASE WHEN i.place IN ({judging.SUSPENDED}, {judging.ERASED}) THEN -1
        ELSE (i.since // {PACK}) * 10000 + {months} END"""


def _stood_so(sign: int | None, states: list[ConsentStatus] | None) -> Stood:
    """The state of a choice, and why it is another than she said; or a place."""
    if sign is None:
        return None
    if states is None:
        return _PLACES[sign], ""
    return states[sign // 2], UNPROVED if sign % 2 else ""


def _index(of: list[Any], one: Any) -> int:
    if one not in of:
        of.append(one)
    return of.index(one)
