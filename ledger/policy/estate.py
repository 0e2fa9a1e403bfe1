"""What heirs are handed, and what they are not. Pure.

A right ends with whoever had it (LIL art. 84). What her directive says is done, and where it says
nothing her heirs are handed what settles the estate and what is like a family memory (art. 85 II
1°): so much of her file, and no more. Who may have it at all is said by `death.py`; whether
somebody is an heir, by whoever reads the act of death. Read next: `ledger/packages/gathering.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import LoggedIn
from ledger.policy.death import CLAUSE, AfterDeath, Why, access_of

SETTLES_NOTHING = frozenset({LoggedIn.kind})
"""What is of a class that settles an estate and settles none: when she came by."""

HERS = Refusal(
    "deceased",
    "this person has died, and her rights with her: what heirs may be handed has scope 'estate'",
    CLAUSE,
    "LIL art. 84, 85",
    "scope",
)
UNPROVED = Refusal(
    "conflict",
    "no proved death of this person is on record: nobody inherits from the living",
    CLAUSE,
    "LIL art. 85",
)
UNASKED = Refusal(
    "conflict",
    "no heir asked to see this person's data: record that, or name the request as the case",
    CLAUSE,
    "LIL art. 85 II 1°",
)


class Estate(NamedTuple):
    """What may be told to heirs: of these classes; where none is named, of all."""

    classes: tuple[str, ...]
    article: str
    why: Why

    def only(self, classes: Collection[str]) -> Estate | Refusal:
        """So much of it, where her directive, read by a person, names less than all."""
        if not all(map(self.covers, classes)):
            return Refusal(
                "deceased",
                "field 'classes' names one that her heirs may not be handed",
                CLAUSE,
                self.article,
                "classes",
            )
        return self._replace(classes=tuple(sorted(classes))) if classes else self

    def covers(self, klass: str) -> bool:
        """Whether what is of this class may be told."""
        return not self.classes or klass in self.classes

    def tells(self, kind: str, klass: str | None) -> bool:
        """Whether a fact of this kind and class may be told."""
        if not self.classes:
            return True
        return klass in self.classes and kind not in SETTLES_NOTHING

    def opens(self, parts: Collection[str]) -> bool:
        """Whether what is sealed under these classes may be opened."""
        return all(map(self.covers, parts))


def estate_of(found: AfterDeath | None, *, is_asked: bool) -> Estate | Refusal:
    """What her heirs are handed, or why nothing. `is_asked`: a request is answered by it, beside
    those that heirs have on record."""
    if found is None or not found.is_proved:
        return UNPROVED
    may = access_of(found)
    if not may.is_allowed:
        detail = "her directive hands her data to nobody: refuse, and say so"
        return Refusal("deceased", detail, CLAUSE, may.article)
    if not (is_asked or any(one.wish == may.wish for one in found.asked)):
        return UNASKED
    return Estate(may.classes, may.article, may.why)
