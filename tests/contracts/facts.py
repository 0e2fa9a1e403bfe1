"""Any fact of any kind, as hypothesis draws it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from hypothesis import strategies as st

from ledger import calendar as cal
from ledger.events import ACTORS, KINDS, Fact
from ledger.fields import (
    ARTICLE,
    BOOLEAN,
    CODE,
    CODES,
    DAY,
    DIGEST,
    IDENTIFIER,
    IDENTIFIERS,
    INTEGER,
    KEYS,
    MONEY,
    MONTH,
    RANGES,
    TEXT,
    VKEY,
    KeyProof,
    Money,
    Spec,
)

EDGE = 2**53 - 1
codes = st.from_regex(r"[a-z0-9][a-z0-9_.:-]{0,30}", fullmatch=True)
integers = st.integers(-EDGE, EDGE)
days = st.dates(min_value=cal.date_of(19120101), max_value=cal.date_of(89991231)).map(
    lambda d: d.year * 10000 + d.month * 100 + d.day
)
instants = st.integers(cal.start_of(19120102), cal.start_of(89991231))
moments = st.one_of(instants.map(cal.moment_of_instant), days.map(cal.moment_of_day))
texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
digests = st.from_regex(r"[A-Za-z0-9_-]{43}", fullmatch=True)


def ranges_of(numbers: list[int]) -> tuple[tuple[int, int], ...]:
    """Disjoint ranges that do not touch, from distinct numbers."""
    spread = [2 * number for number in sorted(numbers)]
    pairs = zip(spread[::2], spread[1::2], strict=False)
    return tuple(pairs)


VALUES: dict[int, st.SearchStrategy[Any]] = {
    id(CODE): codes,
    id(INTEGER): integers,
    id(BOOLEAN): st.booleans(),
    id(DAY): days,
    id(MONEY): st.builds(Money, integers, st.from_regex(r"[A-Z]{3}", fullmatch=True)),
    id(DIGEST): digests,
    id(MONTH): days.map(lambda day: cal.add_days(cal.add_months(day // 100 * 100 + 1, 1), -1)),
    id(ARTICLE): st.from_regex(r"LIL art\. [0-9]{1,3}(-[0-9])?", fullmatch=True),
    id(IDENTIFIER): st.uuids(version=4),
    id(IDENTIFIERS): st.lists(st.uuids(version=4), min_size=1, max_size=3).map(tuple),
    id(KEYS): st.lists(
        st.builds(KeyProof, st.uuids(version=4), digests), min_size=1, max_size=3
    ).map(tuple),
    id(RANGES): st.lists(st.integers(1, 10**9), min_size=2, max_size=8, unique=True).map(ranges_of),
    id(VKEY): st.from_regex(r"[a-z/.]{1,20}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}", fullmatch=True),
    id(CODES): st.lists(codes, min_size=1, max_size=5).map(tuple),
    id(TEXT): texts,
}


def value_of(spec: Spec) -> st.SearchStrategy[Any]:
    """Any value of one declared field."""
    value: st.SearchStrategy[Any] = VALUES[id(spec.codec)]
    if spec.one_of:
        value = st.sampled_from(spec.one_of)
        if spec.codec is CODES:
            value = st.lists(value, min_size=1, max_size=5, unique=True).map(tuple)
    return value if spec.required else st.none() | value


def facts(
    cls: type[Fact], subject: UUID | None = None, position: int | None = None
) -> st.SearchStrategy[Fact]:
    """Any fact of this class about `subject` (None: anybody, or nobody); `position` is the one
    that a correction speaks of."""
    fields = {spec.name: value_of(spec) for spec in cls.specs}
    fields["subject"] = st.none() | st.uuids(version=4) if subject is None else st.just(subject)
    fields["occurred"] = moments
    fields["actor"] = st.sampled_from(ACTORS)
    fields["item"] = st.none() | st.uuids(version=4).map(str)
    if position is not None and "ref" in fields:
        fields["ref"] = st.just(position)
    return st.builds(cls, **fields)


any_fact = st.sampled_from(list(KINDS.values())).flatmap(facts)
