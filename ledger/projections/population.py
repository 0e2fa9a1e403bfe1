"""The shape of the counts over everybody, whoever counts: the plain fold, SQL or the live tables.

Nothing here names a person: only counts come back. Read next: `replay/fold.py`, where they are
defined, and `ledger/store/population.py`, where a database counts them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Tally:
    """How many, and where they stand by that day.

    Each item (a class of one subject, or one thing of hers where the class has an item clock) is
    `operational`, `suspended` by an open contract, `past_operational` (still in daily use although
    its term is over), `archived` or `erased`. `past_archive` counts those of whatever is not erased
    whose archive term is over too. What is erased is not `present`. A *subject* is
    counted in each tier in which she has at least one item, so that "past" reads: something of hers
    is past its term; for classes with a subject clock the first three and `archived` add up to
    `present`.
    """

    present: int
    operational: int
    suspended: int
    past_operational: int
    past_archive: int
    archived: int
    erased: int


TALLIES = tuple(field.name for field in fields(Tally))
"""The names of the tallies, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """One retention class, counted by subject and by item (subject, class, scope)."""

    subjects: Tally
    items: Tally


class ChoiceCount(NamedTuple):
    """How many people stand in one consent status for one purpose over one channel. Those whose yes
    can no longer be proved, because its proof was erased, are counted apart: `reason` says so."""

    purpose: str
    channel: str
    state: str  # one of the DPV's statuses
    reason: str  # 'proof_erased', else ''
    subjects: int


class Age(NamedTuple):
    """So many people and items of one class, by whole years since what counted last (None: an open
    contract stops the clock). `past`: the term is over where they are. Listed by class, by years
    (None last), within the term first."""

    klass: str
    years: int | None
    past: bool
    subjects: int
    items: int


class Unreadable(NamedTuple):
    """What was taken away for good and is in no count, at whichever two times: erasing and pruning
    are not undone by asking about a day before them.

    `erased`: classes and items of people whose keys were destroyed. `pruned`: facts whose entries
    are gone, their leaves left. `by_class`: as many of the latter as were counted by class before
    they went.
    """

    erased: int
    pruned: int
    by_class: dict[str, int]

    def to_json(self) -> dict[str, Any]:
        """Plain values; `other` is what was too few of one class and day to be told apart."""
        other = self.pruned - sum(self.by_class.values())
        told = {name: {"pruned": n} for name, n in sorted(self.by_class.items())}
        if other:
            told["other"] = {"pruned": other}
        return {"erased": self.erased, "pruned": self.pruned, "classes": told}


@dataclass(frozen=True, slots=True)
class Population:
    """Everybody at two times.

    `events` counts the facts that stand, by kind, once each although some belong to two classes;
    facts about nobody (a policy published) are not counted. `subjects` are those of whom at least
    one fact stands. `edition` is the number of the edition in force (None: none is known).
    `flags`: 'edition_not_yet_in_force', 'no_edition_known'.
    """

    events: dict[str, int]
    subjects: int
    classes: dict[str, ClassCount]
    consents: tuple[ChoiceCount, ...]
    edition: int | None
    flags: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain lists and objects, keys sorted where they are names."""
        return {
            "events": dict(sorted(self.events.items())),
            "subjects": self.subjects,
            "classes": {name: asdict(count) for name, count in sorted(self.classes.items())},
            "consents": [{**c._asdict(), "reason": c.reason or None} for c in self.consents],
            "edition": self.edition,
            "flags": list(self.flags),
        }
