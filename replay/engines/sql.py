"""The questions in SQL, written once, as text that pure functions make; the fold is the rule.

The dialect is DuckDB's, kept to what other engines can be told by transpiling. A query reads the
relation `events` (the columns of the layout), small tables written into it (`lanes.py`), and a few
small relations that an engine keeps beside: `verdicts` and `amended` (what corrections left),
`told`, `agreed` (contracts) and `gone` (what was archived or erased). They are few where events are
many: the great scans never join anything large.

Day, position and era are one integer (`pack`), so that a maximum says when, and where to look. What
is judged once for each person or thing is only which lane won; terms are compared as days. What an
engine must say in its own words is in `Words`. Read next: `judging.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from ledger.calendar import Instant
from ledger.events import CORRECTION
from ledger.policy.model import CONTRACT_ENDED, CONTRACT_TYPES
from replay.engines.lanes import CONTRACTS, META, NOTIFIED, PACK_BITS, Plan
from replay.fold import ENDINGS

PACK = 2**PACK_BITS
OWN = ("position", "kind", "actor", "edition", "recorded_at", "subject_hi", "subject_lo")
RESTATED = (
    *("class", "item", "purpose", "channel", "decision", "basis", "grade", "until_day"),
    *("occurred_at", "local_day"),
)
"""Columns of a corrected fact that stay its own, and those that the correction restates."""

SUBJECT = "e.subject_hi AS hi, e.subject_lo AS lo"
BY_SUBJECT = "CASE WHEN hi < 0 THEN 1 ELSE 0 END, hi, CASE WHEN lo < 0 THEN 1 ELSE 0 END, lo"
"""The order of UUIDs: their halves are signed, and are compared as if they were not."""


class Words(Protocol):
    """What each engine says in its own way: two non-negative integers of 63 bits as one value that
    is compared by the first, then by the second."""

    def wide(self, high: str, low: str) -> str:
        """The two as one."""

    def high(self, wide: str) -> str:
        """The first."""

    def low(self, wide: str) -> str:
        """The second."""


class Question(NamedTuple):
    """Which history is asked about. `amended`: whether anything was ever corrected or voided."""

    as_of: Instant
    known: int | None
    amended: bool


def listed(codes: Iterable[str]) -> str:
    """Codes of ours as an SQL list."""
    return "(" + ", ".join(f"'{code}'" for code in sorted(codes)) + ")"


def table(name: str, columns: str, rows: Sequence[Sequence[str | int | None]]) -> str:
    """A small table written into a query. Codes are ours, or checked by the edition's loader."""
    typed = ", ".join(columns.split())
    if not rows:
        nothing = ", ".join(f"NULL AS {column}" for column in columns.split())
        return f"{name} AS (SELECT * FROM (SELECT {nothing}) v WHERE 1 = 0)"
    written = ", ".join(f"({', '.join(map(_literal, row))})" for row in rows)
    return f"{name} AS (SELECT * FROM (VALUES {written}) v ({typed}))"


def _literal(value: str | int | None) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return f"CAST({value:d} AS BIGINT)"


# --- the facts that stand -------------------------------------------------------------------------

SORTS = """SELECT kind, class, edition,
    CASE WHEN COALESCE(item, '') = '' THEN 0 ELSE 1 END AS scoped, COUNT(*) AS n
    FROM {} WHERE subject_hi IS NOT NULL GROUP BY 1, 2, 3, 4"""
"""What sorts of facts a relation holds."""


def verdicts(known: int | None) -> str:
    """Of the corrections and voids of one fact the one with the highest position speaks."""
    return f"""SELECT ref_position AS root, MAX(position) AS position FROM events
        WHERE ref_position IS NOT NULL AND kind IN {listed(META)} {_known(known, "position")}
        GROUP BY ref_position"""


def amended(known: int | None) -> str:
    """The facts that were corrected, as corrected."""
    own = ", ".join(f"e.{name}" for name in OWN)
    restated = ", ".join(f"c.{name}" for name in RESTATED)
    return f"""SELECT {own}, {restated}
        FROM (SELECT * FROM events WHERE kind = '{CORRECTION}') c
        JOIN verdicts v ON c.position = v.position
        JOIN events e ON e.position = v.root
        WHERE e.subject_hi IS NOT NULL AND e.kind NOT IN {listed(META)}
        {_known(known, "e.position")}"""


def _known(known: int | None, column: str) -> str:
    return "" if known is None else f"AND {column} <= {known:d}"


def standing(
    q: Question, columns: str, *where: str, joined: str = "", every_day: bool = False
) -> str:
    """The facts that stand at the question's two times (`every_day` ignores as_of), as `e`."""
    common = [f"e.kind NOT IN {listed(META)}", *where]
    if not every_day:
        common.append(f"e.occurred_at <= {q.as_of:d}")
    condition = " AND ".join(common)
    untouched = "ANTI JOIN verdicts v ON v.root = e.position" if q.amended else ""
    plain = f"""SELECT {columns} FROM events e {untouched} {joined}
        WHERE e.subject_hi IS NOT NULL AND {condition} {_known(q.known, "e.position")}"""
    if not q.amended:
        return plain
    return f"""{plain}
        UNION ALL SELECT {columns} FROM amended e {joined} WHERE {condition}"""


# --- small relations ------------------------------------------------------------------------------


def told(q: Question, plan: Plan) -> str:
    """The newest edition each person was told of, as an era: hi, lo, era."""
    facts = standing(
        q, f"{SUBJECT}, e.until_day", f"e.kind = '{NOTIFIED}'", "e.until_day IS NOT NULL"
    )
    era = era_of(plan, "MAX(until_day)")
    return f"SELECT hi, lo, {era} AS era FROM ({facts}) f GROUP BY hi, lo"


def agreed(q: Question, words: Words) -> str:
    """Every contract: the latest plan, the latest statements of type (its number in CONTRACT_TYPES)
    and of renewal, whether it was started, and its last end."""
    types = " ".join(f"WHEN '{name}' THEN {n}" for n, name in enumerate(CONTRACT_TYPES))
    instant, ends = f"e.occurred_at + {2**52}", f"e.kind = '{CONTRACT_ENDED}'"

    def latest(payload: str, when: str = "") -> str:
        stated = f"NOT {ends} AND {when}" if when else f"NOT {ends}"
        value = words.wide(instant, f"(e.position * {_PAYLOAD} + {payload})")
        return f"CASE WHEN {stated} THEN {value} END"

    end = words.wide(f"CAST(e.local_day AS BIGINT) * {PACK} + e.position", "e.edition")
    columns = f"""{SUBJECT}, COALESCE(e.item, '') AS item,
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
            FROM ({standing(q, columns, f"e.kind IN {listed(CONTRACTS)}")}) f
            GROUP BY hi, lo, item) c"""


_PAYLOAD = 2**27
"""A day, or anything smaller, beside a position."""
_RENEWAL = "e.decision IN ('tacit', 'express')"


def gone(q: Question, plan: Plan) -> str:
    """What ended and was not held again since: hi, lo, number, bit, scope, erased.

    Held again: the last fact of some key of the class has a higher position than the end.
    """
    erased = f"CASE WHEN e.kind = '{_ERASED}' THEN 1 ELSE 0 END"
    said = standing(
        q,
        f"""{SUBJECT}, e.decision AS class, COALESCE(e.item, '') AS scope, e.position,
        {erased} AS erased""",
        f"e.kind IN {listed(ENDINGS)}",
        "e.decision IS NOT NULL",
    )
    keys = standing(
        q,
        f"""{SUBJECT}, h.number, h.bit, e.kind, e.edition,
        CASE WHEN h.keyed = 1 THEN e.item ELSE '' END AS key_scope,
        CASE WHEN h.by_item = 1 AND h.keyed = 1 THEN e.item ELSE '' END AS scope,
        CAST(e.local_day AS BIGINT) * {PACK} + e.position AS tail""",
        joined=f"""SEMI JOIN ended d ON d.hi = e.subject_hi AND d.lo = e.subject_lo
        JOIN homes h ON {same_sort("h")} AND h.scoped = {SCOPED}""",
    )
    homes = [
        (*s[:3], int(s.scoped), clock.number, clock.bit, int(clock.by_item), int(keyed))
        for s in plan.sorts
        for klass, keyed in plan.keys(s)
        for clock in plan.clocks
        if plan.held(s, klass, keyed) & clock.bit
    ]
    names = [(clock.name, clock.number) for clock in plan.clocks]
    return f"""WITH {table("homes", "kind class edition scoped number bit by_item keyed", homes)},
        {table("names", "class number", names)},
        ended AS (SELECT hi, lo, number, scope, position, erased
            FROM (SELECT s.*, n.number, ROW_NUMBER() OVER
                (PARTITION BY s.hi, s.lo, s.class, s.scope ORDER BY s.position DESC) AS place
                FROM ({said}) s JOIN names n ON n.class = s.class) r
            WHERE place = 1),
        tails AS (SELECT hi, lo, number, bit, scope, MAX(tail) % {PACK} AS last
            FROM ({keys}) k GROUP BY hi, lo, number, bit, scope, key_scope, kind, edition),
        held AS (SELECT hi, lo, number, bit, scope, MAX(last) AS last
            FROM tails GROUP BY hi, lo, number, bit, scope)
        SELECT d.hi, d.lo, d.number, h.bit, d.scope, d.erased
        FROM ended d JOIN held h ON h.hi = d.hi AND h.lo = d.lo AND h.number = d.number
            AND h.scope = d.scope
        WHERE h.last <= d.position"""


_ERASED = next(kind for kind, tier in ENDINGS.items() if tier == "erased")
SCOPED = "CASE WHEN COALESCE(e.item, '') = '' THEN 0 ELSE 1 END"


def same_sort(alias: str) -> str:
    """The condition that a fact is of a sort of this table."""
    return f"{alias}.kind = e.kind AND {alias}.class = e.class AND {alias}.edition = e.edition"


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
