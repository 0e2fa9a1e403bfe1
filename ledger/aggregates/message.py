"""A message or a call. It never counts as an activity of the person, nor does its opening."""

from __future__ import annotations

from typing import NamedTuple

from ledger.errors import Refusal
from ledger.events import CallPlaced, Fact, MessageDecided, MessageOpened, MessageSent


class Message(NamedTuple):
    """What decisions about a message depend on."""

    sent: bool = False


def initial() -> Message:
    """No message yet."""
    return Message()


def decide(state: Message, fact: Fact) -> Refusal | None:
    """Decided before it is sent, sent once, opened only after. A message sent against the verdict
    is heard: it happened, and a control finds it."""
    match fact:
        case MessageSent() | CallPlaced() if state.sent:
            return Refusal("conflict", "this message is already recorded", "SS-COM-2")
        case MessageDecided() if state.sent:
            return Refusal("conflict", "this message was sent: a verdict comes before", "SS-COM-2")
        case MessageOpened() if not state.sent:
            return Refusal("conflict", "this message was never sent", "SS-COM-4")
    return None


def evolve(state: Message, fact: Fact) -> Message:
    """The state after this fact."""
    return Message(sent=True) if isinstance(fact, MessageSent | CallPlaced) else state
