"""The questions at the end: who is past which term, how old activities are, who has no proof.

The rules are those of `ledger/policy/clocks.py`, for facts that an import would record today, under
one edition: the last fact that moves a class starts its term, an open contract stops the clock, and
where nothing counts it starts at the person's first fact.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.audit.counting import THINGS, Counter, before, listed
from ledger.audit.plan import day_literal, literal
from ledger.audit.report import Age, ClassCount, Proof
from ledger.policy.model import CONTRACT_ENDED, DataClass

YEARS = (0, 1, 2, 3, 5, 10)  # the inspector's ages
_ENDED = ("contract.ended.v1",)


class Judged(NamedTuple):
    """A class as SQL over one row of `person`."""

    found: DataClass
    months: int
    present: str
    past: str


def people(counter: Counter) -> list[Judged]:
    """Bring the blocks' counts together, one row a person; how each class is judged over them."""
    plan = counter.plan
    codes = range(len(plan.codes))
    spans = "".join(
        f", min(first_day) FILTER (code = {n}) AS f{n}, max(last_day) FILTER (code = {n}) AS l{n}"
        for n in codes
    )
    types = {t for found in plan.edition.classes.values() for t in found.suspended_by}
    _contracts(counter, sorted(types))
    _things(counter)
    _choices(counter)
    counter.database.execute(
        f"""CREATE TABLE person AS
        WITH grouped AS (
            SELECT h, min(first_day) AS born, arg_min(code, line) AS met,
                bool_or(reach) AS reach {spans}
            FROM seen GROUP BY h
        )
        SELECT * FROM grouped LEFT JOIN contracted USING (h)
        LEFT JOIN carried USING (h) LEFT JOIN chosen USING (h)"""
    )
    judged = (_judge(counter, found) for found in plan.edition.classes.values())
    return [one for one in judged if one is not None]


def answer(counter: Counter, judged: list[Judged]) -> None:
    """Fill in the report."""
    report, plan = counter.report, counter.plan
    published = [one for one in judged if one.found.published_months is not None]
    past_any = " OR ".join(f"({one.present} AND {one.past})" for one in published) or "false"
    sums = ", ".join(
        f"count(*) FILTER ({one.present}), count(*) FILTER ({one.present} AND {one.past})"
        for one in judged
    )
    ((total, past, *counts),) = counter.rows(
        f"SELECT count(*), count(*) FILTER ({past_any}) {', ' + sums if sums else ''} FROM person"
    )
    report.people, report.past = total, past
    for one, here, gone in zip(judged, counts[::2], counts[1::2], strict=True):
        if here:
            f = one.found
            stated = f.published_months is not None
            report.classes.append(
                ClassCount(f.name, f.label_fr, f.label_en, f.clause, one.months, stated, here, gone)
            )
    _ages(counter, [one.found for one in published], past_any)
    choosing = any(c.cls.aggregate == "consent" for c in plan.codes)
    if plan.reaches or choosing:
        ((reachable, none, weak),) = counter.rows(
            "SELECT count(*) FILTER (reach), count(*) FILTER (reach AND choices IS NULL),"
            " count(*) FILTER (weak) FROM person"
        )
        report.proof = Proof(reachable if plan.reaches else None, none, weak)


# --- terms --------------------------------------------------------------------------------------


def _judge(counter: Counter, found: DataClass) -> Judged | None:
    """How a class is counted; None for one of which the map cannot say anything."""
    months = found.published_months or found.operational_months
    kept_from = counter.plan.terms.first_kept(months)
    codes = list(enumerate(counter.plan.codes))
    if found.clock == "item":
        own = [n for n, c in codes if c.home == found.name]
        own += [n for n, c in codes if c.seals and c.cls.also == found.name]
        if not own:
            return None
        present = " OR ".join(f"f{n} IS NOT NULL" for n in own)
        past = " OR ".join(f"coalesce({before(f'f{n}', kept_from)}, false)" for n in own)
        aggregate = counter.plan.codes[own[0]].cls.aggregate
        if aggregate in ("contract", *THINGS):
            past = f"coalesce({before(f'oldest_{aggregate}', kept_from)}, false)"
        return Judged(found, months, f"({present})", f"({past})")
    homes = [f"f{n} IS NOT NULL" for n, c in codes if c.home == found.name]
    registers = [str(n) for n, c in codes if c.registers == found.name]
    if registers:
        homes.append(f"met IN ({', '.join(registers)})")
    if not homes:
        return None
    last = _last(counter, [found])
    past = before(f"coalesce({last}, born)" if last else "born", kept_from)
    for kind in found.suspended_by:
        past += f" AND open_{kind} IS NOT TRUE"
    return Judged(found, months, f"({' OR '.join(homes)})", f"({past})")


def _last(counter: Counter, classes: list[DataClass]) -> str | None:
    """The last day on which a fact moved one of these classes, as SQL."""
    kinds = {kind for found in classes for kind in found.moved_by}
    days = [
        f"l{n}"
        for n, code in enumerate(counter.plan.codes)
        if code.kind in kinds and code.kind != CONTRACT_ENDED
    ]
    if CONTRACT_ENDED in kinds:
        days.append("last_end")
    return f"greatest({', '.join(days)})" if days else None


def _contracts(counter: Counter, types: list[str]) -> None:
    """One row a person with contracts: which types are open, when the last one ended, and the
    oldest day from which the term of one of them is counted."""
    today = day_literal(counter.plan.terms.day)
    beginning = literal("contract.started.v1")
    stating = "kind IN ('contract.started.v1', 'contract.renewed.v1', 'contract.amended.v1')"
    opens = "".join(f", bool_or(running AND type = {literal(t)}) AS open_{t}" for t in types)
    suspends = ", ".join(map(literal, types)) or "''"
    counter.database.execute(
        f"""CREATE TABLE contracted AS
        WITH one AS (
            SELECT h, min(day) AS first, max(day) FILTER (kind = {literal(_ENDED[0])}) AS ended,
                min(day) FILTER (kind = {beginning}) AS started,
                arg_max_null(until, (moment, line)) FILTER ({stating}) AS until,
                arg_max(type, (moment, line)) FILTER ({stating} AND type IS NOT NULL) AS type,
                arg_max(tacit, (moment, line)) FILTER ({stating} AND tacit IS NOT NULL) AS tacit
            FROM contracts GROUP BY h, thing
        ), judged AS (
            SELECT *, coalesce(tacit, false) AS goes_on,
                coalesce(until < {today}, false) AS planned_over
            FROM one
        ), state AS (
            SELECT *, started IS NOT NULL AND ended IS NULL AND (goes_on OR NOT planned_over)
                AS running,
                CASE WHEN ended IS NOT NULL THEN ended
                     WHEN planned_over AND NOT goes_on THEN until END AS end_day
            FROM judged
        )
        SELECT h, max(end_day) AS last_end,
            min(coalesce(end_day, first)) FILTER (NOT (running AND type IN ({suspends})))
                AS oldest_contract {opens}
        FROM state GROUP BY h"""
    )


def _things(counter: Counter) -> None:
    """One row a person with cards or holds: the oldest day from which a term is counted."""
    classes = counter.plan.edition.classes
    codes = list(enumerate(counter.plan.codes))
    moving = [
        n for n, c in codes if c.home in classes and c.kind in classes[c.home].moved_by
    ]  # each moves the class it is at home in
    oldest = "".join(
        f", min(day) FILTER (code IN ({listed([n for n, c in codes if c.cls.aggregate == name])}))"
        f" AS oldest_{name}"
        for name in THINGS
    )
    counter.database.execute(
        f"""CREATE TABLE carried AS
        WITH one AS (
            SELECT h, min(code) AS code,
                coalesce(max(day) FILTER (code IN ({listed(moving)})), min(day)) AS day
            FROM things GROUP BY h, thing
        )
        SELECT h {oldest} FROM one GROUP BY h"""
    )


# --- ages, proofs -------------------------------------------------------------------------------


def _ages(counter: Counter, published: list[DataClass], past_any: str) -> None:
    """People by age of the last activity of their own, whichever published class it moved."""
    report, terms = counter.report, counter.plan.terms
    subjects = [found for found in published if found.clock == "subject"]
    last = _last(counter, subjects) or "NULL::DATE"
    edges = [None, *(terms.first_kept(12 * years) for years in YEARS[1:])]
    cases = " ".join(
        f"WHEN {before('active', edge)} THEN {years}"
        for years, edge in reversed(list(zip(YEARS, edges, strict=True)))
        if edge is not None
    )
    rows = counter.rows(
        f"""SELECT CASE WHEN active IS NULL THEN -1 {cases} ELSE 0 END AS age, count(*),
            count(*) FILTER (gone)
        FROM (SELECT {last} AS active, {past_any} AS gone FROM person) GROUP BY age"""
    )
    counts = {age: (here, gone) for age, here, gone in rows}
    report.inactive, report.inactive_past = counts.get(-1, (0, 0))
    for years, until in zip(YEARS, (*YEARS[1:], None), strict=True):
        report.ages.append(Age(years, until, *counts.get(years, (0, 0))))


def _choices(counter: Counter) -> None:
    """One row a person who was asked about marketing: how many purposes and channels, and whether
    the last word of one of them is a consent that nothing proves."""
    counter.database.execute(
        """CREATE TABLE chosen AS
        WITH last AS (
            SELECT h, arg_max_null(proved, (weight, moment, rank, line)) AS proved,
                max(weight) AS weight
            FROM choices GROUP BY h, purpose, channel
        )
        SELECT h, count(*) FILTER (weight > 0) AS choices, bool_or(NOT proved) AS weak
        FROM last GROUP BY h"""
    )
