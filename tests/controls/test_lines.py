"""Lines that nobody makes objects of, and what was found of those who are read, in one order."""

from __future__ import annotations

from heapq import merge
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from replay.controls.model import Finding
from replay.controls.run import KEPT, Outcome, merged
from tests.controls.lean import Lean, LeanLines

PEOPLE = st.integers(min_value=0, max_value=40).map(lambda n: UUID(int=n << 122 | n))


def lean(who: UUID, n: int) -> Lean:
    """The n-th violation of somebody."""
    return Lean(who, "past_erase", (n + 1, 100 * n + 7))


def told(one: Lean) -> Finding:
    """The same in full."""
    return Finding("C03", one.why, one.positions, one.subject, "", "")


@given(
    whose=st.lists(st.tuples(PEOPLE, st.booleans(), st.integers(1, 3)), max_size=60),
    size=st.integers(1, 7),
)
def test_they_take_their_places_in_the_order_of_people(
    whose: list[tuple[UUID, bool, int]], size: int
) -> None:
    """Of some everything is lines, of others everything is findings: as if merged one by one."""
    people = {who: (is_read, n) for who, is_read, n in whose}
    each = [
        (lean(who, at), people[who][0]) for who in sorted(people) for at in range(people[who][1])
    ]
    theirs = [one for one, is_read in each if not is_read]
    batches = [LeanLines(tuple(theirs[at : at + size])) for at in range(0, len(theirs), size)]
    hers = [told(one) for one, is_read in each if is_read]

    one_by_one, at_once = Outcome("C03"), Outcome("C03")
    for found in merge(hers, map(told, theirs), key=lambda one: (one.subject, one.positions)):
        one_by_one.add(found)
    shown: list[bytes] = []
    for some in merged(iter(hers), [LeanLines(()), *batches]):
        if isinstance(some, Finding):
            at_once.add(some)
            continue
        lines, since, _ = some
        shown += [lines.said(at, at + 1) for at in range(since, at_once.count(*some))]
    assert at_once.digest == one_by_one.digest
    assert at_once.counts == one_by_one.counts
    assert shown == [LeanLines((one,)).said(0, 1) for one in theirs]


def test_so_many_are_told_one_by_one_and_no_more() -> None:
    """Whoever comes before them counts among these."""
    outcome = Outcome("C03")
    outcome.add(told(lean(UUID(int=1), 0)))
    lines = LeanLines(tuple(lean(UUID(int=2), n) for n in range(KEPT + 3)))
    assert outcome.count(lines, 0, KEPT - 3) == KEPT - 3
    assert outcome.count(lines, KEPT - 3, KEPT + 3) == KEPT - 1
    assert outcome.count(lines, 0, 5) == 0
    assert outcome.violations == KEPT + 9
