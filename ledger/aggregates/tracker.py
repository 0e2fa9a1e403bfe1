"""The choices of a device: one stream each, named by the device's random id, nobody's name.

As with a person's choices, none is ever refused for its order: which one counts is derived.
"""

from __future__ import annotations

from ledger.errors import Refusal
from ledger.events import Fact


def initial() -> None:
    """Decisions about a device depend on nothing."""


def decide(state: None, fact: Fact) -> Refusal | None:  # noqa: ARG001
    """Always heard."""
    return None


def evolve(state: None, fact: Fact) -> None:
    """Nothing to remember."""
