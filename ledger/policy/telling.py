"""Which outside systems must be told of a fact, and where each of them stands. Pure.

Whoever was given data is told when consent to its use is withdrawn, when she objects, when it is
rectified, restricted or erased (GDPR art. 7(3), 17(2), 18, 19, 21; SS-REC-1, SS-DSR-2, SS-DSR-3),
and of a card that she wants removed (SS-CARD-4), unless it is nothing to them: a recipient declares
its classes and purposes, and what it does not say is not limited. An authority that asked in an
inquiry is no recipient (GDPR art. 4(9)). What was imported is what these systems told *us*: it
opens no list.

Delivered is not done. A recipient is *to tell*, *told* once it took our message, *acknowledged*
once it said that its part is done, and *overdue* when the days it had have passed without that.
Read next: `ledger/outbound/standing.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day, Instant, add_days, day_of, is_past
from ledger.events import RecipientDeclared, Row

CHOICES = ("consent.withdrawn.v1", "objection.raised.v1")
RECTIFIED, ERASED = "customer.profile_rectified.v1", "customer.class_erased.v1"
RESTRICTED, CARD = "customer.restricted.v1", "card.removal_requested.v1"
CONCERNING = (*CHOICES, RECTIFIED, RESTRICTED, ERASED, CARD)
"""The kinds of fact of which recipients are told."""

# What a recipient of this type can do with a person, when it is about a channel. Others: anything.
CHANNELS_OF = {
    "mailing": ("email", "sms", "post"),
    "telephony": ("phone", "automated_call", "sms"),
    "carrier": ("post",),
    "psp": (),
}
NEVER_TOLD = ("authority", "social")

State: TypeAlias = Literal["to_tell", "told", "acknowledged", "overdue"]


class Recipient(NamedTuple):
    """A recipient as it was declared at a position of the log."""

    code: str
    type: str
    classes: tuple[str, ...] | None
    purposes: tuple[str, ...] | None
    position: int


class About(NamedTuple):
    """What a fact is about, as far as recipients go. `classes`: those it touches."""

    kind: str
    position: int
    actor: str | None
    classes: tuple[str, ...]
    purpose: str | None
    channel: str | None


class Heard(NamedTuple):
    """That a recipient was told, or acknowledged: where it stands in the log, when, its receipt,
    and why, if it was staff who said so in its place."""

    position: int
    at: Instant
    receipt: str | None = None
    in_place: str | None = None


class Standing(NamedTuple):
    """Where one recipient stands about one fact. `due`: the last day it has to acknowledge."""

    recipient: str
    state: State
    due: Day
    told: Heard | None
    acknowledged: Heard | None


def recipients(declared: Iterable[tuple[int, RecipientDeclared]]) -> list[Recipient]:
    """The recipients among these facts, in position order; declared again is one more line."""
    return [Recipient(f.recipient, f.type, f.classes, f.purposes, at) for at, f in declared]


def about(
    row: Row, changed: Collection[str] = (), fields: Mapping[str, tuple[str, ...]] = {}
) -> About:
    """What an event is about. `changed`: the fields a rectification names; `fields`: the classes of
    each declared field."""
    classes = {row.klass or ""} | {c for name in changed for c in fields.get(name, ())}
    if row.kind == ERASED:
        classes = {row.decision or ""}
    return About(
        row.kind, row.position, row.actor, tuple(sorted(classes)), row.purpose, row.channel
    )


def concerned(fact: About, known: Iterable[Recipient]) -> tuple[str, ...]:
    """The recipients to be told of this fact, by code: those declared before it happened to be
    recorded, each as it was last declared by then."""
    if fact.kind not in CONCERNING or fact.actor == "import":
        return ()
    standing = {one.code: one for one in known if one.position < fact.position}
    return tuple(sorted(code for code, one in standing.items() if _is_concerned(fact, one)))


def _is_concerned(fact: About, one: Recipient) -> bool:
    if one.type in NEVER_TOLD:
        return False
    if fact.kind == RESTRICTED:
        return True  # whatever it holds of her must rest (GDPR art. 18(2))
    if fact.kind == CARD:
        return one.type == "psp"
    if fact.kind in CHOICES:
        return _has_channel(fact, one) and _serves(fact, one)
    return one.classes is None or not set(one.classes).isdisjoint(fact.classes)


def _has_channel(fact: About, one: Recipient) -> bool:
    channels = CHANNELS_OF.get(one.type)
    return fact.channel is None or channels is None or fact.channel in channels


def _serves(fact: About, one: Recipient) -> bool:
    """Whether it acts for this purpose; if it only names classes, whether it is given choices."""
    if one.purposes is not None:
        return fact.purpose in one.purposes
    return one.classes is None or not set(one.classes).isdisjoint(fact.classes)


def standing(
    recipient: str,
    recorded_at: Instant,
    told: Heard | None,
    acknowledged: Heard | None,
    today: Day,
    days: int,
) -> Standing:
    """Where a recipient stands about a fact recorded then, if it has `days` days to acknowledge."""
    due = add_days(day_of(recorded_at), days)
    state: State = "told" if told else "to_tell"
    if acknowledged:
        state = "acknowledged"
    elif is_past(due, today):
        state = "overdue"
    return Standing(recipient, state, due, told, acknowledged)
