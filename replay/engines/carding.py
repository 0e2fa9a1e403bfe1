"""Whose cards need be looked at one by one, in SQL: the others' are sorted out.

What becomes of a card hangs on the facts that name it, the contracts that it was kept for, what she
said of her wallet, and the edition that she was told of (`ledger/policy/cards.py`): how many of
which kinds, in which order, and how the days that come of them lie to one another and to today. Two
cards of which all of that is the same are of one sort. What becomes of them, this file never says:
a rule judges one card of each sort (`replay/controls/carding.py`), and its positions and days are
found in the others where they are in the one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from uuid import UUID

from ledger.calendar import Instant, day_of
from ledger.errors import BadData
from ledger.events import (
    CardKept,
    CardRebound,
    CardRemoved,
    CardSettled,
    ClassErased,
    OrderPaid,
    Row,
)
from ledger.sqltime import add_months_sql
from replay.controls.at_once import CARDS, Card, Counting, Fated, Sought
from replay.engines.asking import COLUMNS, row_of
from replay.engines.lanes import META, Plan
from replay.engines.seeking import HERS, IN_ORDER, WITHOUT_ENTRIES, Seeking, of_kinds
from replay.engines.sql import BY_SUBJECT, listed, table, years_since
from replay.segments.layout import whole

PAID = OrderPaid.kind
CARD, PROOF = CARDS
A_CARD = "e.kind LIKE 'card.%'"
_SAYING = (CardKept.kind, CardRebound.kind, CardSettled.kind, CardRemoved.kind)
"""What is told of a card in an entry only."""
_SAID = "json_extract_string(decode(e.entry), '$.meta.{}')"
_SAME = "{0}.hi = {1}.subject_hi AND {0}.lo = {1}.subject_lo"
_BY_PERSON = f"{BY_SUBJECT}, item"


class Carding(Seeking):
    """An engine that tells apart those whose cards need be looked at."""

    def with_cards(self, as_of: Instant, known: int) -> str:
        """An event by which somebody is to be asked about her cards herself: something of a card
        was corrected, or names no card. The proof of a payment ends as its class does, unless more
        than one fact tells of it, or may by a correction, or it was paid after it was erased."""
        self._begin()
        plan = Plan(self.book, as_of, known, self._lay_out())
        clocks = {clock.name: clock for clock in plan.clocks if clock.name in CARDS}
        holding = {name: {s.kind for s in plan.holding(one)} for name, one in clocks.items()}
        cards = {kind for kind in holding.get(CARD, ()) if not kind.startswith("card.")}
        kinds = listed({*holding.get(PROOF, ()), PAID})
        proof = clocks.get(PROOF)
        amended = f"""SELECT {{}} FROM events WHERE kind IN {listed(META)}
            AND position <= {known:d}"""
        unlike = f"""{A_CARD} AND (COALESCE(e.item, '') = '' OR (e.subject_hi, e.subject_lo) IN (
            {amended.format("subject_hi, subject_lo")} AND subject_hi IS NOT NULL))"""
        if proof is None or proof not in plan.plain or proof.terms[0].archive is not None:
            return f"{unlike} OR e.kind IN {kinds} OR {of_kinds(cards)}"
        paid = f"FILTER (WHERE kind IN {kinds})"
        erased = f"kind = '{ClassErased.kind}' AND decision = '{PROOF}'"
        others = of_kinds({*holding[PROOF], *cards} - {PAID})
        return f"""{unlike} OR {others} OR e.kind IN {kinds}
            AND (e.position IN ({amended.format("ref_position")} AND ref_position IS NOT NULL)
            OR (e.subject_hi, e.subject_lo, e.item) IN (
                SELECT subject_hi, subject_lo, item FROM events
                WHERE (kind IN {kinds} OR {erased}) AND item IS NOT NULL
                GROUP BY subject_hi, subject_lo, item HAVING COUNT(*) {paid} > 1
                OR MIN(position) FILTER (WHERE {erased}) < MAX(position) {paid}))"""

    def sort_cards(
        self, as_of: Instant, known: int, apart: Sought, fated: Fated
    ) -> tuple[Iterator[tuple[Row, bytes]], Iterator[Card]]:
        """Every card of everybody but those apart is sorted out: one of each sort that is of more
        than one, with the rows of whose they are, by (subject, position); the entries of other
        facts than those of cards are not read."""
        self._begin()
        self._keep("cards", _cards(known, apart))
        self._keep("said_of_cards", _said(known))
        if next(self._rows("SELECT COUNT(*) FROM said_of_cards WHERE entry IS NULL"))[0]:
            raise BadData(WITHOUT_ENTRIES)
        self._keep("about_cards", _about(as_of, known, fated))
        self._keep("dated_cards", _dated(day_of(as_of), fated.months))
        self._keep("sorted_cards", _SORTED)
        one = "SELECT {} FROM sorted_cards WHERE thing = sort"
        found = self._rows(one.format("hi, lo, item, sort, facts"))
        cards = (
            Card(whole(hi, lo), item, int(sort), tuple(facts))
            for hi, lo, item, sort, facts in found
        )
        text = f"""SELECT {", ".join(f"e.{name}" for name in COLUMNS)}, s.entry FROM events e
            LEFT JOIN said_of_cards s ON s.position = e.position
            WHERE {HERS} AND e.position <= {known:d}
                AND (subject_hi, subject_lo) IN ({one.format("hi, lo")}) ORDER BY {IN_ORDER}"""
        rows = ((row_of(typed), bytes(entry or b"")) for *typed, entry in self._rows(text))
        return rows, cards

    def of_cards(self, among: str, sorts: Collection[int]) -> str:
        """These people, and whoever has a card of these sorts, or of none."""
        chosen = ", ".join(map(str, sorted(sorts))) or "NULL"
        return self._sought(f"""SELECT hi, lo FROM {among} UNION
            SELECT hi, lo FROM sorted_cards WHERE sort IS NULL OR sort IN ({chosen})""")

    def count_cards(
        self, as_of: Instant, cards: str, lines: Mapping[int, Counting], limit: int
    ) -> Iterator[tuple[int, int | None, int, int, list[tuple[UUID, int]]]]:
        """Of each line and age (None: it does not say), how many people but these have how many
        cards of its sorts, and the first of both."""
        self._begin()
        if not lines:
            return
        rows = [(sort, *map(int, one)) for sort, one in sorted(lines.items())]
        day = "CASE WHEN l.planned = 1 THEN s.untils[l.place + 1] ELSE s.days[l.place + 1] END"
        self._keep(
            "counted_cards",
            f"""WITH {table("lines", "sort line place planned aged", rows)}
            SELECT s.hi, s.lo, s.item, s.facts[l.place + 1] AS position, l.line,
                CASE WHEN l.aged = 0 THEN -1 {years_since(day, day_of(as_of))} AS years
            FROM sorted_cards s JOIN lines l ON l.sort = s.sort
            ANTI JOIN {cards} a ON a.hi = s.hi AND a.lo = s.lo""",
        )
        rank = f"ROW_NUMBER() OVER (PARTITION BY line, years ORDER BY {_BY_PERSON})"
        first: dict[tuple[int, int], list[tuple[UUID, int]]] = {}
        text = f"""SELECT line, years, hi, lo, position FROM (SELECT *, {rank} AS n
            FROM counted_cards) c WHERE n <= {limit:d} ORDER BY line, years, n"""
        for line, years, hi, lo, position in self._rows(text):
            first.setdefault((line, years), []).append((whole(hi, lo), int(position)))
        text = """SELECT line, years, COUNT(DISTINCT (hi, lo)), COUNT(*) FROM counted_cards
            GROUP BY line, years ORDER BY line, years"""
        for line, years, people, things in self._rows(text):
            age = None if years < 0 else int(years)
            yield int(line), age, int(people), int(things), first[line, years]

    def _resting(self, cards: str, on: Mapping[int, Sequence[int]], why: str) -> str:
        """Of these sorts the cards of all but these people: whose, which, and a line of why, with
        the facts that stand at these places of each."""
        rows = [(sort, n, at) for sort, places in sorted(on.items()) for n, at in enumerate(places)]
        facts = "STRING_AGG(CAST(s.facts[p.place + 1] AS VARCHAR), ',' ORDER BY p.n)"
        return f"""WITH {table("places", "sort n place", rows)}
            SELECT s.hi, s.lo, s.item, CONCAT('{why} ', {facts}, CHR(10)) AS line
            FROM sorted_cards s JOIN places p ON p.sort = s.sort
            ANTI JOIN {cards} a ON a.hi = s.hi AND a.lo = s.lo GROUP BY s.hi, s.lo, s.item"""


def _cards(known: int, apart: Sought) -> str:
    """Each card, numbered by its first fact: hi, lo, item, thing."""
    but = "".join(
        f" ANTI JOIN {name} a{n} ON {_SAME.format(f'a{n}', 'e')}"
        for n, name in enumerate((apart.name, apart.cards))
        if name
    )
    return f"""SELECT e.subject_hi AS hi, e.subject_lo AS lo, e.item, MIN(e.position) AS thing
        FROM events e {but} WHERE {HERS} AND e.position <= {known:d} AND {A_CARD}
        GROUP BY e.subject_hi, e.subject_lo, e.item"""


def _said(known: int) -> str:
    """What facts of a card say in their entries: the contract that it is kept for, by number in the
    order in which they were named; the day of a debit."""
    contract = f"CAST(TRY_CAST({_SAID.format('contract')} AS UUID) AS VARCHAR)"
    debit = f"TRY_CAST(REPLACE({_SAID.format('debit')}, '-', '') AS BIGINT)"
    return f"""WITH named AS (
            SELECT t.thing, e.position, e.entry, {contract} AS contract, {debit} AS debit
            FROM events e JOIN cards t ON {_SAME.format("t", "e")} AND t.item = e.item
            WHERE e.kind IN {listed(_SAYING)} AND e.position <= {known:d}),
        firsts AS (SELECT thing, contract, MIN(position) AS first FROM named
            WHERE contract IS NOT NULL GROUP BY thing, contract)
        SELECT n.*, COALESCE(f.tag, 0) AS tag FROM named n LEFT JOIN (SELECT thing, contract,
            ROW_NUMBER() OVER (PARTITION BY thing ORDER BY first) AS tag FROM firsts) f
            ON f.thing = n.thing AND f.contract = n.contract"""


def _about(as_of: Instant, known: int, fated: Fated) -> str:
    """The facts about each card, each with all that it says but when (`said`). Of those that say
    the same only the first and the last of each order count: by position, instant and day. Whether
    a yes that was dated back counts hangs on what came between: of these, all."""
    told = f"e.kind = '{fated.notice}'"
    chosen = f"""(e.kind IN {listed(fated.choices)} AND e.purpose = '{fated.purpose}'
        AND COALESCE(e.channel, '') = '')"""
    backdated = f"""(e.kind IN {listed(fated.grants)} AND COALESCE(e.actor, '') <> 'import'
        AND e.occurred_at < e.recorded_at - {fated.backdated:d})"""
    own, item = "COALESCE(e.item, '') = t.item", "COALESCE(e.item, '')"
    bits = (
        *(own, "COALESCE(e.actor, '') = 'import'", "e.until_day IS NULL"),
        *(f"e.occurred_at <= {as_of:d}", backdated),
    )
    flags = ", ".join(f"CAST(COALESCE({bit}, FALSE) AS TINYINT)" for bit in bits)
    codes = ", ".join(f"COALESCE(e.{name}, ' ')" for name in ("decision", "basis"))
    edition = f"CASE WHEN {told} THEN e.until_day END"
    outer = " OR ".join(
        f"ROW_NUMBER() OVER (PARTITION BY thing, said ORDER BY {key}) = 1"
        for by in ("position", "occurred_at {0}, position", "local_day {0}, position")
        for way in ("", "DESC")
        for key in [by.format(way) + (f" {way}" if way else "")]
    )
    return f"""WITH contracts AS (SELECT DISTINCT thing, contract, tag FROM said_of_cards
            WHERE contract IS NOT NULL),
        heard AS (
            SELECT t.thing, e.position, e.occurred_at, e.local_day,
                CASE WHEN {told} THEN NULL ELSE e.until_day END AS until_day, s.debit,
                {told} AS apart, {backdated} AS backdated,
                CONCAT_WS('|', e.kind, {codes}, COALESCE(e.edition, 0), COALESCE({edition}, 0),
                    COALESCE(c.tag, 0), COALESCE(s.tag, 0), {flags}) AS said
            FROM events e JOIN cards t ON {_SAME.format("t", "e")}
            LEFT JOIN contracts c ON c.thing = t.thing AND c.contract = {item}
                AND e.kind IN {listed(fated.contracts)}
            LEFT JOIN said_of_cards s ON s.thing = t.thing AND s.position = e.position
            WHERE e.position <= {known:d}
                AND ({own} OR c.tag IS NOT NULL OR {told} OR {chosen}))
        SELECT * FROM heard QUALIFY backdated OR {outer}"""


def _dated(today: int, months: Collection[int]) -> str:
    """Of each fact about a card how the days that come of it lie to those of the others, and to
    today: those that it says, and so many months later each. Of notices, to other notices."""
    days = ["local_day", "until_day", "debit"]
    days += [
        f"CASE WHEN NOT apart THEN {add_months_sql(day, f'{count:d}', divided='//')} END"
        for day in tuple(days)
        for count in sorted(months)
    ]
    numbers = ", ".join(map(str, range(len(days))))
    return f"""WITH each AS (
            SELECT thing, apart, position, UNNEST([{numbers}]) AS n, UNNEST([{", ".join(days)}])
                AS day FROM about_cards
            UNION ALL SELECT thing, FALSE, 0, 0, {today} FROM cards),
        ranked AS (SELECT thing, position, n,
            DENSE_RANK() OVER (PARTITION BY thing, apart ORDER BY day) AS day
            FROM each WHERE day IS NOT NULL)
        SELECT thing, position, STRING_AGG(n || ':' || day, ',' ORDER BY n) AS days FROM ranked
        GROUP BY thing, position"""


_SORTED = """WITH timed AS (
        SELECT a.*, DENSE_RANK() OVER (PARTITION BY thing, apart ORDER BY occurred_at) AS instant
        FROM about_cards a),
    alike AS (
        SELECT a.thing, STRING_AGG(CONCAT(said, '@', instant, '@', d.days), ' '
                ORDER BY a.apart, a.position) AS said,
            LIST(a.position ORDER BY a.apart, a.position) AS facts,
            LIST(a.local_day ORDER BY a.apart, a.position) AS days,
            LIST(a.until_day ORDER BY a.apart, a.position) AS untils
        FROM timed a JOIN dated_cards d ON d.thing = a.thing AND d.position = a.position
        GROUP BY a.thing)
    SELECT t.hi, t.lo, t.item, t.thing, a.facts, a.days, a.untils,
        CASE WHEN COUNT(*) OVER (PARTITION BY a.said, d.days) > 1
            THEN MIN(t.thing) OVER (PARTITION BY a.said, d.days) END AS sort
    FROM cards t JOIN alike a ON a.thing = t.thing
    JOIN dated_cards d ON d.thing = t.thing AND d.position = 0"""
"""The cards, each with the facts about it and their days, and the number of its sort: that of the
first card of it. NULL where no other is like it: it is looked at."""
