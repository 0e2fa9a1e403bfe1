"""The questions in SQL, written once, as text that pure functions make; the fold is the rule.

The dialect is DuckDB's, kept to what other engines can be told by transpiling. Of the events (the
columns of the layout) two relations are laid out first, with what corrections left (`verdicts`,
`amended`): `facts`, all that stand at the question's two times, in five narrow columns, and
`stated`, the few whose own words matter: choices, contracts, notices. All else is asked of these,
of small tables written into the query (`lanes.py`), and of what an engine keeps beside: `told`,
`agreed` (contracts), and `gone` (what was archived or erased, found by way of `ended`, `later`).

Day, position and era are one integer (`packed`), so that a maximum says when, and where to look.
What is judged once for each person or thing is only which lane won; terms are compared as days.
What an engine must say in its own words is in `Words`. Read next: `judging.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from ledger.events import CORRECTION
from ledger.policy.consents import CHOICES
from ledger.policy.model import CONTRACT_ENDED, CONTRACT_TYPES
from replay.engines.lanes import CONTRACTS, META, NOTIFIED, PACK_BITS, Plan
from replay.fold import ENDINGS, NO, YES

PACK = 2**PACK_BITS
OWN = ("position", "kind", "actor", "edition", "recorded_at", "subject_hi", "subject_lo")
RESTATED = (
    *("class", "item", "purpose", "channel", "decision", "basis", "grade", "until_day"),
    *("occurred_at", "local_day"),
)
"""Columns of a corrected fact that stay its own, and those that the correction restates."""

ASKED, ASSESSED = "consent.requested.v1", "objection.assessed.v1"
EXPRESSIONS = (*NO, *YES, ASKED, ASSESSED)
"""The kinds that express a choice."""
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

_SCOPED = "CASE WHEN COALESCE({0}item, '') = '' THEN 0 ELSE 1 END"
_ENDS = f"CASE WHEN {{0}}kind IN {listed(ENDINGS)} THEN COALESCE({{0}}decision, '') ELSE '' END"
SORTS = f"""SELECT kind, class, edition, {_SCOPED.format("")} AS scoped, {_ENDS.format("")} AS ends,
    COUNT(*) AS n FROM {{}} WHERE subject_hi IS NOT NULL GROUP BY 1, 2, 3, 4, 5"""
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
        JOIN (SELECT * FROM events WHERE position IN (SELECT root FROM verdicts)) e
            ON e.position = v.root
        WHERE e.subject_hi IS NOT NULL AND e.kind NOT IN {listed(META)}
        {_known(known, "e.position")}"""


def _known(known: int | None, column: str) -> str:
    return "" if known is None else f"AND {column} <= {known:d}"


def facts(plan: Plan, known: int | None, *, amended: bool) -> str:
    """Every fact of the sorts of the plan that stands at its two times: hi, lo, item ('' for none),
    sort (its number), p (packed)."""
    rows = [
        (n, *sort[:3], int(sort.scoped), sort.ends, plan.era(sort.edition))
        for n, sort in enumerate(plan.sorts)
    ]
    p = packed(plan, "e.local_day", "e.position", "s.era")
    found = _standing(
        f"""e.subject_hi AS hi, e.subject_lo AS lo, COALESCE(e.item, '') AS item,
        CAST(s.sort AS SMALLINT) AS sort, {p} AS p""",
        f"AND e.occurred_at <= {plan.as_of:d}",
        known,
        f"""JOIN sorts s ON s.kind = e.kind AND s.class = e.class AND s.edition = e.edition
        AND s.scoped = {_SCOPED.format("e.")} AND s.ends = {_ENDS.format("e.")}""",
        amended=amended,
    )
    return f"WITH {table('sorts', 'sort kind class edition scoped ends era', rows)} {found}"


def stated(known: int | None, *, amended: bool) -> str:
    """The choices, contracts and notices that stand, whenever they happened: their own columns."""
    columns = """e.subject_hi AS hi, e.subject_lo AS lo, e.position, e.kind, e.actor, e.edition,
        e.item, e.purpose, e.channel, e.decision, e.basis, e.until_day, e.occurred_at, e.local_day,
        e.recorded_at"""
    kinds = [(kind,) for kind in sorted({*EXPRESSIONS, *CONTRACTS, NOTIFIED})]
    found = _standing(columns, "", known, "SEMI JOIN kinds k ON k.kind = e.kind", amended=amended)
    return f"WITH {table('kinds', 'kind', kinds)} {found}"


def _standing(
    columns: str, where: str, known: int | None, joined: str = "", *, amended: bool
) -> str:
    untouched = "ANTI JOIN verdicts v ON v.root = e.position" if amended else ""
    plain = f"""SELECT {columns} FROM events e {untouched} {joined}
        WHERE e.subject_hi IS NOT NULL {where} {_known(known, "e.position")}"""
    if not amended:
        return plain
    return f"""{plain} UNION ALL SELECT {columns} FROM amended e {joined}
        WHERE e.subject_hi IS NOT NULL {where}"""


def packed(plan: Plan, day: str, position: str, era: str) -> str:
    """Day, position and era as one integer."""
    bits = plan.era_bits
    if not bits:
        return f"(CAST({day} AS BIGINT) * {PACK} + {position})"
    return f"((CAST({day} AS BIGINT) * {PACK >> bits} + {position}) * {1 << bits} + {era})"


def position_of(plan: Plan, packed: str) -> str:
    """The position in it."""
    return f"({packed} % {PACK} // {1 << plan.era_bits})"


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
    columns = f"""hi, lo, COALESCE(e.item, '') AS item,
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


def ended(plan: Plan) -> str:
    """What was archived or erased, by the last fact that says so: hi, lo, number, scope, position,
    erased."""
    rows = [
        (n, clock.number, int(ENDINGS[sort.kind] == "erased"))
        for n, sort in enumerate(plan.sorts)
        for clock in plan.clocks
        if sort.ends == clock.name
    ]
    return f"""WITH {table("ends", "sort number erased", rows)}
        SELECT hi, lo, number, scope, last // 2 AS position, last % 2 AS erased
        FROM (SELECT hi, lo, number, item AS scope,
                MAX({position_of(plan, "e.p")} * 2 + erased) AS last
            FROM facts e JOIN ends n ON n.sort = e.sort GROUP BY hi, lo, number, item) m"""


def later(plan: Plan) -> str:
    """The keys of what ended under which a fact follows the end: hi, lo, number, scope, key,
    family. Few are such."""
    at = position_of(plan, "e.p")
    return f"""WITH {_homes(plan)},
        after AS (SELECT e.hi, e.lo, h.number, h.family, {_KEY} AS key,
                CASE WHEN h.by_item = 1 THEN {_KEY} ELSE '' END AS scope, {at} AS position
            FROM facts e JOIN homes h ON h.sort = e.sort
            JOIN (SELECT hi, lo, MIN(position) AS position FROM ended GROUP BY hi, lo) f
                ON f.hi = e.hi AND f.lo = e.lo AND f.position < {at})
        SELECT DISTINCT e.hi, e.lo, e.number, e.scope, e.key, e.family
        FROM after e JOIN ended d ON d.hi = e.hi AND d.lo = e.lo AND d.number = e.number
            AND d.scope = e.scope AND d.position < e.position"""


def gone(plan: Plan) -> str:
    """What ended and was not held again since: hi, lo, number, scope, erased.

    Held again: the last fact of some key of the class has a higher position than the end.
    """
    return f"""WITH {_homes(plan)},
        tails AS (SELECT r.hi, r.lo, r.number, r.scope, MAX(e.p) AS tail
            FROM facts e JOIN homes h ON h.sort = e.sort
            JOIN later r ON r.hi = e.hi AND r.lo = e.lo AND r.number = h.number
                AND r.family = h.family AND r.key = {_KEY}
            GROUP BY r.hi, r.lo, r.number, r.scope, r.key, r.family),
        held AS (SELECT hi, lo, number, scope, MAX({position_of(plan, "tail")}) AS position
            FROM tails GROUP BY hi, lo, number, scope)
        SELECT d.hi, d.lo, d.number, d.scope, d.erased
        FROM ended d LEFT JOIN held h
            ON h.hi = d.hi AND h.lo = d.lo AND h.number = d.number AND h.scope = d.scope
        WHERE COALESCE(h.position, 0) <= d.position"""


def forgotten(plan: Plan) -> str | None:
    """Whose choices had their proof erased, by the last fact that says what became of it: hi, lo,
    position. None where that was never said of anybody."""
    rows = [
        (n, int(ENDINGS[sort.kind] == "erased"))
        for n, sort in enumerate(plan.sorts)
        if sort.ends == CHOICES
    ]
    if not any(erased for _, erased in rows):
        return None
    return f"""WITH {table("ends", "sort erased", rows)}
        SELECT hi, lo, last // 2 AS position
        FROM (SELECT hi, lo, MAX({position_of(plan, "e.p")} * 2 + erased) AS last
            FROM facts e JOIN ends n ON n.sort = e.sort WHERE e.item = '' GROUP BY hi, lo) m
        WHERE last % 2 = 1"""


_KEY = "CASE WHEN h.keyed = 1 THEN e.item ELSE '' END"


def _homes(plan: Plan) -> str:
    """Under which keys a fact of a sort holds something of which class that ever ended. A family is
    what keys of one item differ by."""
    ends = {sort.ends for sort in plan.sorts}
    families: dict[tuple[str, str | None, int], int] = {}
    rows = [
        (n, clock.number, int(clock.by_item), int(keyed), family)
        for n, sort in enumerate(plan.sorts)
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
