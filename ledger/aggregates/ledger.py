"""Acts upon the ledger itself: each is one fact on a stream of its own, recorded once."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import Fact


class Act(NamedTuple):
    """Whether this stream has its one fact."""

    done: bool = False


def initial() -> Act:
    """Nothing yet."""
    return Act()


def decide(state: Act, fact: Fact) -> Refusal | None:  # noqa: ARG001
    """An act is recorded once."""
    return Refusal("conflict", "this act is already recorded") if state.done else None


def evolve(state: Act, fact: Fact) -> Act:  # noqa: ARG001
    """The state after this fact."""
    return Act(done=True)
