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
from ledger.policy.model import CONTRACT_ENDED
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


def agreed(q: Question) -> str:
    """Every contract: the latest plan, the latest statements of type and of renewal, the first
    start and the last end."""
    columns = f"""{SUBJECT}, COALESCE(e.item, '') AS item, e.basis, e.until_day, e.occurred_at,
        e.position, e.edition, e.local_day,
        CASE WHEN e.kind = '{CONTRACT_ENDED}' THEN 1 ELSE 0 END AS ends,
        CASE WHEN e.kind = 'contract.started.v1' THEN 1 ELSE 0 END AS starts,
        CASE e.decision WHEN 'tacit' THEN 1 WHEN 'express' THEN 0 END AS tacit"""
    facts = standing(q, columns, f"e.kind IN {listed(CONTRACTS)}")
    over = "ROW_NUMBER() OVER (PARTITION BY hi, lo, item, ends ORDER BY {})"
    latest = "occurred_at DESC, position DESC"
    stated = "CASE WHEN {} IS NULL THEN 1 ELSE 0 END, " + latest
    ranked = f"""SELECT f.*, {over.format(latest)} AS plan,
        {over.format(stated.format("basis"))} AS typed,
        {over.format(stated.format("tacit"))} AS renewal,
        {over.format("local_day DESC, position DESC")} AS final FROM ({facts}) f"""

    def pick(column: str, when: str) -> str:
        return f"MAX(CASE WHEN {when} THEN {column} END)"

    plan, end = "ends = 0 AND plan = 1", "ends = 1 AND final = 1"
    return f"""SELECT hi, lo, item, {pick("basis", "ends = 0 AND typed = 1")} AS type,
        COALESCE({pick("tacit", "ends = 0 AND renewal = 1")}, 0) AS tacit, MAX(starts) AS started,
        {pick("until_day", plan)} AS planned_day, {pick("position", plan)} AS planned_position,
        {pick("edition", plan)} AS planned_edition, {pick("local_day", end)} AS ended_day,
        {pick("position", end)} AS ended_position, {pick("edition", end)} AS ended_edition
        FROM ({ranked}) r GROUP BY hi, lo, item"""


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
