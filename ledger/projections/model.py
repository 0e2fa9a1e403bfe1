"""The shape of what is derived from history, whoever derives it.

Live tables, the plain fold and the set-based SQL all produce these rows; a property test compares
them at random positions. Rows hold *facts* (which fact counted last, which interval is open), never
`due` or `expired`: what depends on the date or on the policy edition is evaluated at read, by
`ledger.policy.evaluate`.
"""

from __future__ import annotations

from typing import NamedTuple


class ActivityKey(NamedTuple):
    """What a span summarises: one kind of fact, of one data class and scope, under one edition."""

    klass: str  # home data class of the facts
    scope: str  # '' for a class with a subject clock, else the item's random id
    kind: str  # permanent kind, e.g. 'order.placed.v1'
    edition: int  # effective day (YYYYMMDD) of the edition in force when they were recorded


class Span(NamedTuple):
    """First and last fact of an activity key, ordered by (local day, position)."""

    first_day: int
    first_position: int
    last_day: int
    last_position: int
    n: int

    def merge(self, other: Span) -> Span:
        """The span of both sets of facts (they must be disjoint)."""
        first = min((self.first_day, self.first_position), (other.first_day, other.first_position))
        last = max((self.last_day, self.last_position), (other.last_day, other.last_position))
        return Span(*first, *last, self.n + other.n)


class Contract(NamedTuple):
    """One contract's interval. `planned_*` come from the latest of started/renewed/amended by
    (occurred_at, position); `from_*` is None while only later facts of the contract are known."""

    type: str | None  # service | maintenance | subscription | warranty
    tacit: bool | None
    from_day: int | None
    from_position: int | None
    planned_day: int | None
    planned_at: int | None  # instant of the fact that set the plan
    planned_position: int | None
    planned_edition: int | None
    ended_day: int | None
    ended_position: int | None
    ended_edition: int | None


EMPTY_CONTRACT = Contract(None, None, None, None, None, None, None, None, None, None, None)


class ChoiceKey(NamedTuple):
    """What a person chooses about: one purpose over one channel ('' where a purpose has none)."""

    purpose: str
    channel: str


class Expression(NamedTuple):
    """The expression that counts for a choice key, and the stops known around it."""

    at: int  # occurred, instant in microseconds UTC
    rank: int  # 0 grants, 1 withdrawals and objections: at the same instant the withdrawal wins
    position: int
    kind: str
    day: int
    edition: int
    grade: str | None
    actor: str | None
    first_stop: int | None  # lowest position of a withdrawal or objection
    last_stop: int | None  # highest position of a live one


class Notified(NamedTuple):
    """The latest edition this person was told about, and by which fact."""

    edition: int
    day: int
    position: int


class EndedKey(NamedTuple):
    """What ended: one class of her data, or one item of it ('' for a subject clock)."""

    klass: str
    scope: str


class Ended(NamedTuple):
    """How it ended last, and by which fact. What was recorded at a later position is held anew."""

    tier: str  # archived | erased
    day: int
    until_day: int | None  # last day in the archive, as the fact that archived it says
    position: int


class SubjectState(NamedTuple):
    """Everything derived about one subject at one (as_of, known_at)."""

    activity: dict[ActivityKey, Span]
    contracts: dict[str, Contract]
    consents: dict[ChoiceKey, Expression]
    notified: Notified | None
    ended: dict[EndedKey, Ended]
    unproved: frozenset[int] | None = None  # choices of several references whose proof is erased


def empty_state() -> SubjectState:
    """The state of a subject of whom nothing is known."""
    return SubjectState({}, {}, {}, None, {})
