"""The questions in SQL, written once, as text that pure functions make; the fold is the rule.

The dialect is DuckDB's, kept to what other engines can be told by transpiling. Of the events (the
columns of the layout) three relations are laid out first, whatever the question's two times:
`all_facts`, which nothing corrects, in narrow columns; `all_corrected`, the others in every way
each ever read (`disputed`: as recorded, then as each correction has it); and `all_stated`, of both
the few whose own words matter: choices, contracts, notices. `facts` and `stated` are those that
stand at the two times. All else is asked of
these, of small tables written into the query (`lanes.py`), and of what an engine keeps beside:
`told`, `agreed` (contracts), what is grouped (`judging.py`), and `gone` (what ended, where that is
not seen at once).

Day, position and era are one integer (`packed`), so that a maximum says when, and where to look.
What is judged once for each person or thing is only which lane won; terms are compared as days.
What an engine must say in its own words is in `Words`. Read next: `judging.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from ledger.calendar import Instant
from ledger.events import CORRECTION
from ledger.policy.consents import CHOICES
from ledger.policy.model import CONTRACT_ENDED, CONTRACT_TYPES
from replay.engines.lanes import CONTRACTS, ERA_BITS, META, NOTIFIED, PACK_BITS, Plan, Sort
from replay.fold import ENDINGS, NO, YES

PACK = 2**PACK_BITS
NEVER = 2**62
"""A position that is never reached."""
OWN = ("position", "kind", "actor", "edition", "recorded_at", "subject_hi", "subject_lo")
RESTATED = (
    *("class", "item", "purpose", "channel", "decision", "basis", "grade", "until_day"),
    *("occurred_at", "local_day"),
)
"""Columns of a corrected fact that stay its own, and those that the correction restates."""
STATED = (
    *("position", "kind", "actor", "edition", "purpose", "channel", "decision", "basis"),
    *("until_day", "occurred_at", "local_day", "recorded_at"),
)
"""Columns of `stated` beside hi, lo and item."""

ASKED, ASSESSED = "consent.requested.v1", "objection.assessed.v1"
EXPRESSIONS = (*NO, *YES, ASKED, ASSESSED)
"""The kinds that express a choice."""
BY_SUBJECT = "CASE WHEN hi < 0 THEN 1 ELSE 0 END, hi, CASE WHEN lo < 0 THEN 1 ELSE 0 END, lo"
"""The order of UUIDs: their halves are signed, and are compared as if they were not."""


class Words(Protocol):
    """What each engine says in its own way: no item, and two non-negative integers of 63 bits as
    one value that is compared by the first, then by the second."""

    none: str
    """The item of a fact that has none. An engine may number people and items: `hi` is then the
    number of a person, `lo` is 0, and an item is its number."""
    place: str
    """The type of an integer that holds four times a position."""

    def wide(self, high: str, low: str) -> str:
        """The two as one."""

    def high(self, wide: str) -> str:
        """The first."""

    def low(self, wide: str) -> str:
        """The second."""


def years_since(day: str, today: int) -> str:
    """The end of a CASE: whole years from a day to today; 0 from a day to come."""
    return f"WHEN {day} > {today} THEN 0 ELSE ({today} - {day}) // 10000 END"


def listed(codes: Iterable[str]) -> str:
    """Codes of ours as an SQL list."""
    return "(" + ", ".join(f"'{code}'" for code in sorted(codes)) + ")"


def table(name: str, columns: str, rows: Sequence[Sequence[str | int | None]]) -> str:
    """A small table written into a query. Codes are ours, or checked by the edition's loader. A
    column is as narrow as its integers: facts are compared with it as they lie. It is cast as a
    whole: a cast of each value takes longer to plan than some such tables take to be joined."""
    names = columns.split()
    if not rows:
        nothing = ", ".join(f"NULL AS {column}" for column in names)
        return f"{name} AS (SELECT * FROM (SELECT {nothing}) v WHERE 1 = 0)"
    own = ", ".join(map(_narrowed, names, zip(*rows, strict=True)))
    written = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"{name} AS (SELECT {own} FROM (VALUES {written}) v ({', '.join(names)}))"


def _narrowed(column: str, values: Iterable[str | int | None]) -> str:
    bits = {value.bit_length() for value in values if isinstance(value, int)}
    if not bits:
        return column
    most = max(bits)
    narrow = "SMALLINT" if most < 16 else "INTEGER" if most < 32 else "BIGINT"
    return f"CAST({column} AS {narrow}) AS {column}"


def _literal(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


# --- the facts that stand -------------------------------------------------------------------------

SORTS = "SELECT DISTINCT kind, class, edition, decision FROM {} WHERE subject_hi IS NOT NULL"
"""Of what sorts the facts of a relation may be: with an item or without is not looked at here."""

VERDICTS = f"""SELECT ref_position AS root, position,
    LEAD(position) OVER (PARTITION BY ref_position ORDER BY position) AS upto FROM events
    WHERE ref_position IS NOT NULL AND kind IN {listed(META)}"""
"""Corrections and voids. Of those of one fact the last known speaks: each until the next."""


CONCERNED = f"""SELECT {", ".join((*OWN, *RESTATED))} FROM events WHERE position IN
    (SELECT root FROM verdicts UNION ALL SELECT position FROM verdicts)"""
"""These, and the facts they are about."""


def disputed() -> str:
    """The facts that were ever corrected or voided, once for each way they read: as they were
    recorded, then as each correction has them, known from the position `since` on, below `upto`."""
    own, as_recorded, restated = (
        ", ".join(f"{of}.{name}" for name in names)
        for of, names in (("e", OWN), ("e", RESTATED), ("c", RESTATED))
    )
    fact = f"""(SELECT * FROM concerned WHERE subject_hi IS NOT NULL
        AND kind NOT IN {listed(META)}) e"""
    return f"""SELECT {own}, {as_recorded}, e.position AS since, f.upto FROM {fact}
        JOIN (SELECT root, MIN(position) AS upto FROM verdicts GROUP BY root) f
            ON f.root = e.position
        UNION ALL SELECT {own}, {restated}, v.position AS since, COALESCE(v.upto, {NEVER}) AS upto
        FROM (SELECT * FROM concerned WHERE kind = '{CORRECTION}') c
        JOIN verdicts v ON c.position = v.position JOIN {fact} ON e.position = v.root"""


Numbers: TypeAlias = Mapping[tuple[str, str, int, str | None], int]
"""What `SORTS` lists, each by the number of its sort: an even one. Facts of it that name an item
are of the sort that follows."""


def numbered(found: Iterable[Sequence[Any]]) -> Numbers:
    """The numbers of what was listed. Several may have one: a decision matters where it says which
    class ends."""
    listed = {tuple(one) for one in found if one[1] is not None and one[0] not in META}
    sorts = sorted({_sort(one) for one in listed}, key=str)
    return {one: 2 * sorts.index(_sort(one)) for one in sorted(listed, key=str)}


def sorts_of(numbers: Numbers) -> dict[int, Sort]:
    """The sorts there may be of these, by number."""
    each = {(number, _sort(one)) for one, number in numbers.items()}
    return {n + scoped: sort._replace(scoped=bool(scoped)) for n, sort in each for scoped in (0, 1)}


def _sort(one: Sequence[Any]) -> Sort:
    kind, name, edition, decision = one
    return Sort(kind, name, edition, False, (decision or "") if kind in ENDINGS else "")


def all_facts(numbers: Numbers, *, disputed: bool) -> str:
    """Every fact of these sorts that nothing corrects: hi, lo, item (`words.none` for none), sort
    (its number), p (packed), and when it happened: occurred_at. It is known from its position on.
    """
    small, columns, joined = _sorted(numbers)
    return f"WITH {small} {_untouched(columns, joined, disputed=disputed)}"


def all_corrected(numbers: Numbers, *, disputed: bool) -> str:
    """The others, in every way each ever read: the same columns, and between which positions it is
    known so: since, upto."""
    small, columns, joined = _sorted(numbers)
    return f"WITH {small} {_touched(columns, joined, disputed=disputed)}"


def _sorted(numbers: Numbers) -> tuple[str, str, str]:
    rows = [(number, *one) for one, number in numbers.items()]
    columns = f"""e.subject_hi AS hi, e.subject_lo AS lo, COALESCE(e.item, '') AS item,
        CAST(s.sort + CASE WHEN COALESCE(e.item, '') = '' THEN 0 ELSE 1 END AS SMALLINT) AS sort,
        {packed("e.local_day", "e.position")} AS p, e.occurred_at"""
    joined = """JOIN sorts s ON s.kind = e.kind AND s.class = e.class AND s.edition = e.edition
        AND CAST(s.decision AS VARCHAR) IS NOT DISTINCT FROM e.decision"""
    return table("sorts", "sort kind class edition decision", rows), columns, joined


def all_stated(*, disputed: bool) -> str:
    """The choices, contracts and notices, in every way they ever read: their own columns, since and
    upto."""
    columns = f"""e.subject_hi AS hi, e.subject_lo AS lo, COALESCE(e.item, '') AS item,
        {", ".join(f"e.{name}" for name in STATED)}"""
    kinds = [(kind,) for kind in sorted({*EXPRESSIONS, *CONTRACTS, NOTIFIED})]
    joined = "SEMI JOIN kinds k ON k.kind = e.kind"
    known = f"{columns}, e.position AS since, {NEVER} AS upto"
    return f"""WITH {table("kinds", "kind", kinds)} {_untouched(known, joined, disputed=disputed)}
        UNION ALL {_touched(columns, joined, disputed=disputed)}"""


def _untouched(columns: str, joined: str, *, disputed: bool) -> str:
    anti = "ANTI JOIN verdicts v ON v.root = e.position" if disputed else ""
    return f"SELECT {columns} FROM events e {anti} {joined} WHERE e.subject_hi IS NOT NULL"


def _touched(columns: str, joined: str, *, disputed: bool) -> str:
    if disputed:
        return f"SELECT {columns}, e.since, e.upto FROM disputed e {joined}"
    none = f"{columns}, e.position AS since, {NEVER} AS upto"
    return f"SELECT {none} FROM events e {joined} WHERE 1 = 0"


def facts(as_of: Instant, known: int | None, among: str = "") -> str:
    """The facts that stand at two times, of some of the people."""
    columns, happened = "hi, lo, item, sort, p", f"occurred_at <= {as_of:d} {among}"
    recorded = "" if known is None else f"{position_of('p')} <= {known:d} AND"
    return f"""SELECT {columns} FROM all_facts WHERE {recorded} {happened}
        UNION ALL SELECT {columns} FROM all_corrected WHERE {_known(known)} AND {happened}"""


def stated(known: int | None, among: str = "") -> str:
    """The choices, contracts and notices that stand, whenever they happened."""
    return f"SELECT hi, lo, item, {', '.join(STATED)} FROM all_stated WHERE {_known(known)} {among}"


def _known(known: int | None) -> str:
    return f"upto = {NEVER}" if known is None else f"since <= {known:d} AND upto > {known:d}"


def packed(day: str, position: str) -> str:
    """Day and position as one integer; room for an era is left in the lowest bits."""
    return f"(CAST({day} AS BIGINT) * {PACK} + {position} * {2**ERA_BITS})"


def position_of(packed: str) -> str:
    """The position in it."""
    return f"({packed} % {PACK} // {2**ERA_BITS})"


# --- small relations ------------------------------------------------------------------------------


def told(plan: Plan) -> str:
    """The newest edition each person was told of, as an era: hi, lo, era."""
    return f"""SELECT hi, lo, {era_of(plan, "MAX(until_day)")} AS era FROM stated
        WHERE kind = '{NOTIFIED}' AND until_day IS NOT NULL AND occurred_at <= {plan.as_of:d}
        GROUP BY hi, lo"""


def agreed(plan: Plan, words: Words) -> str:
    """Every contract: the latest plan, the latest statements of type (its number in CONTRACT_TYPES)
    and of renewal, whether it was started, and its last end."""
    types = " ".join(f"WHEN '{name}' THEN {n}" for n, name in enumerate(CONTRACT_TYPES))
    instant, ends = f"e.occurred_at + {2**52}", f"e.kind = '{CONTRACT_ENDED}'"

    def latest(payload: str, when: str = "") -> str:
        stated = f"NOT {ends} AND {when}" if when else f"NOT {ends}"
        value = words.wide(instant, f"(e.position * {_PAYLOAD} + {payload})")
        return f"CASE WHEN {stated} THEN {value} END"

    end = words.wide(f"CAST(e.local_day AS BIGINT) * {PACK} + e.position", "e.edition")
    columns = f"""hi, lo, item,
        CASE WHEN e.kind = 'contract.started.v1' THEN 1 ELSE 0 END AS started,
        {latest("COALESCE(e.until_day, 0)")} AS day, {latest("e.edition")} AS edition,
        {latest(f"CASE e.basis {types} ELSE {len(CONTRACT_TYPES)} END", "e.basis IS NOT NULL")}
        AS type, {latest("CASE e.decision WHEN 'tacit' THEN 1 ELSE 0 END", _RENEWAL)} AS tacit,
        CASE WHEN {ends} THEN {end} END AS final"""
    names = ("started", "day", "edition", "type", "tacit", "final")
    last = ", ".join(f"MAX({name}) AS {name}" for name in names)

    def payload(name: str) -> str:
        return f"{words.low(name)} % {_PAYLOAD}"

    final = words.high("final")
    return f"""SELECT hi, lo, item, started, {payload("type")} AS type,
        COALESCE({payload("tacit")}, 0) AS tacit, NULLIF({payload("day")}, 0) AS planned_day,
        {words.low("day")} // {_PAYLOAD} AS planned_position,
        {payload("edition")} AS planned_edition, {final} // {PACK} AS ended_day,
        {final} % {PACK} AS ended_position, {words.low("final")} AS ended_edition
        FROM (SELECT hi, lo, item, {last}
            FROM (SELECT {columns} FROM stated e
                WHERE e.kind IN {listed(CONTRACTS)} AND e.occurred_at <= {plan.as_of:d}) f
            GROUP BY hi, lo, item) c"""


_PAYLOAD = 2**27
"""A day, or anything smaller, beside a position."""
_RENEWAL = "e.decision IN ('tacit', 'express')"


def gone(plan: Plan, words: Words) -> str:
    """Of what is `doubted`, what ended and was not held again since: hi, lo, number, scope, erased.

    Held again: the last fact of some key of the class has a higher position than the end.
    """
    rows = [
        (n, clock.number, int(ENDINGS[sort.kind] == "erased"))
        for n, sort in plan.sorts.items()
        for clock in plan.clocks
        if sort.ends == clock.name
    ]
    key = f"CASE WHEN h.keyed = 1 THEN e.item ELSE {words.none} END"
    keys = "hi, lo, number, scope"
    own, same = "d.hi, d.lo, d.number, d.scope", "d.hi = e.hi AND d.lo = e.lo"
    return f"""WITH hers AS MATERIALIZED (SELECT e.* FROM facts e
            SEMI JOIN (SELECT DISTINCT hi, lo FROM doubted) d ON d.hi = e.hi AND d.lo = e.lo),
        {_homes(plan)}, {table("ends", "sort number erased", rows)},
        ended AS (SELECT {own}, MAX({position_of("e.p")} * 2 + n.erased) AS last
            FROM hers e JOIN ends n ON n.sort = e.sort
            JOIN doubted d ON {same} AND d.number = n.number AND d.scope = e.item GROUP BY {own}),
        tails AS (SELECT {own}, MAX(e.p) AS tail
            FROM hers e JOIN homes h ON h.sort = e.sort
            JOIN doubted d ON {same} AND d.number = h.number
                AND d.scope = CASE WHEN h.by_item = 1 THEN {key} ELSE {words.none} END
            GROUP BY {own}, {key}, h.family),
        held AS (SELECT {keys}, MAX({position_of("tail")}) AS position FROM tails GROUP BY {keys})
        SELECT {own}, d.last % 2 AS erased FROM ended d LEFT JOIN held h
            ON h.hi = d.hi AND h.lo = d.lo AND h.number = d.number AND h.scope = d.scope
        WHERE COALESCE(h.position, 0) <= d.last // 2"""


def forgotten(plan: Plan, words: Words) -> str | None:
    """Whose choices had their proof erased, by the last fact that says what became of it: hi, lo,
    position. None where that was never said of anybody."""
    rows = [
        (n, int(ENDINGS[sort.kind] == "erased"))
        for n, sort in plan.sorts.items()
        if sort.ends == CHOICES
    ]
    if not any(erased for _, erased in rows):
        return None
    return f"""WITH {table("ends", "sort erased", rows)}
        SELECT hi, lo, last // 2 AS position
        FROM (SELECT hi, lo, MAX({position_of("e.p")} * 2 + erased) AS last
            FROM facts e JOIN ends n ON n.sort = e.sort WHERE e.item = {words.none}
            GROUP BY hi, lo) m
        WHERE last % 2 = 1"""


def _homes(plan: Plan) -> str:
    """Under which keys a fact of a sort holds something of which class that ever ended. A family is
    what keys of one item differ by."""
    ends = {sort.ends for sort in plan.sorts.values()}
    families: dict[tuple[str, str | None, int], int] = {}
    rows = [
        (n, clock.number, int(clock.by_item), int(keyed), family)
        for n, sort in plan.sorts.items()
        for klass, keyed in plan.keys(sort)
        for family in [families.setdefault((sort.kind, klass, sort.edition), len(families))]
        for clock in plan.clocks
        if clock.name in ends and plan.held(sort, klass, keyed) & clock.bit
    ]
    return table("homes", "sort number by_item keyed family", rows)


def era_of(plan: Plan, edition: str) -> str:
    """The era of an edition number."""
    if len(plan.eras) < 2:
        return "CAST(0 AS BIGINT)"
    whens = " ".join(
        f"WHEN {edition} >= {number:d} THEN {era}"
        for era, number in reversed(list(enumerate(plan.eras)))
        if era
    )
    return f"CASE {whens} ELSE 0 END"
