"""Which role may tell us which kind of fact by `POST /v1/facts`, and in whose name.

A shop's machine says what happened there; staff say what people told them, and never in a person's
own name; what weighs somebody's rights is said by whoever answers for the data. What a service of
ours records with guarantees of its own (a read before it is opened, a request with what it does at
once, a consent that only she completes) is recorded by that service and told here by nobody. Who
may not record a kind may not correct or void it either.

A kind that the tables do not name is told by everybody who may post facts. Read next: `access.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from api.routes import AGENT, DPO, RECORDER
from ledger.application import Ledger
from ledger.commands import Command, Correct, Record, Void
from ledger.errors import Refusal
from ledger.events import DOUBLE_OPT_IN, KINDS, OWN, Choice, Fact
from ledger.store import reader

TELLING = frozenset({RECORDER, AGENT, DPO})
MACHINE, STAFF, ANSWERING = frozenset({RECORDER}), frozenset({AGENT, DPO}), frozenset({DPO})
NOBODY: frozenset[str] = frozenset()

SERVICES = {
    "data.read": "POST /v1/subjects/{id}/readings",
    "motive.received": "POST /v1/motives",
    "signal.received": "POST /v1/subjects/{id}/signals",
    "tracker.attached": "POST /v1/subjects/{id}/devices",
    "message.decided": "POST /v1/permissions/check",
    "retention.ran": "probant retention run",
}
"""Kinds that a service of ours records, and which. Those of requests: `/v1/requests`."""

KINDS_BY = {
    "customer.logged_in": MACHINE,
    "message.sent": MACHINE,
    "message.opened": MACHINE,
    "customer.restricted": STAFF,
    "customer.restriction_lifted": STAFF,
    "customer.died": STAFF,
    "customer.heir_requested": STAFF,
    "consent.invalidated": ANSWERING,
    "objection.assessed": ANSWERING,
    "incident.detected": ANSWERING,
    "incident.notified": ANSWERING,
    "data.disclosed": MACHINE | ANSWERING,
    "policy.notified": MACHINE | ANSWERING,
}
"""Kinds that only some may tell."""

AGGREGATES_BY = {
    "hold": ANSWERING,
    "policy_book": ANSWERING,
    "tracker": MACHINE,
    "audience": MACHINE | ANSWERING,
    "rights_request": NOBODY,
    "any": TELLING,  # corrections and voids, of what one may tell
}
"""The same, for all kinds of an aggregate."""

_NOT_HERSELF = Refusal(
    "forbidden",
    "field 'actor': staff say what they were told (agent), never in the person's own name",
    "SS-LB-2",
    "RGPD art. 7(1)",
    "actor",
)
_IN_TWO_STEPS = Refusal(
    "double-opt-in",
    "field 'act': double_opt_in is said by POST /v1/subjects/{id}/choices/requests, and her token",
    "SS-LB-2",
    "RGPD art. 7(1)",
    "act",
)


def tellers(cls: type[Fact]) -> frozenset[str]:
    """The roles that may tell facts of this kind."""
    name = cls.kind.removesuffix(".v1")
    if cls.kind in OWN or name in SERVICES:
        return NOBODY
    return KINDS_BY.get(name) or AGGREGATES_BY.get(cls.aggregate, TELLING)


def actor_by_default(roles: Collection[str]) -> str:
    """In whose name a fact is told that does not say."""
    return "self" if RECORDER in roles else "agent"


def permitted(
    ledger: Ledger, roles: Collection[str], wishes: Sequence[Command | Refusal]
) -> list[Command | Refusal]:
    """The same wishes, those that may not be told by these roles replaced by the reason."""
    amended = [w.position for w in wishes if isinstance(w, Correct | Void)]
    roots = _roots(ledger, amended) if amended else {}
    return [one if isinstance(one, Refusal) else _permitted(one, roles, roots) for one in wishes]


def _permitted(
    wish: Command, roles: Collection[str], roots: dict[int, type[Fact]]
) -> Command | Refusal:
    cls = type(wish.fact) if isinstance(wish, Record) else roots.get(wish.position)
    if cls is None:
        return wish  # no such position: said where it is looked for
    allowed = tellers(cls)
    if allowed.isdisjoint(roles) and cls.kind not in OWN:
        return _not_yours(cls, allowed)
    actor = wish.fact.actor if isinstance(wish, Record) else wish.actor
    if RECORDER not in roles and actor != "agent":
        return _NOT_HERSELF
    if issubclass(cls, Choice) and _says_two_steps(wish):
        return _IN_TWO_STEPS
    return wish


def _says_two_steps(wish: Command) -> bool:
    if isinstance(wish, Record):
        return getattr(wish.fact, "act", None) == DOUBLE_OPT_IN
    return isinstance(wish, Correct) and wish.changes.get("act") == DOUBLE_OPT_IN


def _not_yours(cls: type[Fact], allowed: frozenset[str]) -> Refusal:
    name = cls.kind.removesuffix(".v1")
    if cls.aggregate == "rights_request":
        where = "by /v1/requests"
    elif name in SERVICES:
        where = f"by {SERVICES[name]}"
    else:
        where = f"by the roles: {', '.join(sorted(allowed))}"
    return Refusal("forbidden", f"field 'kind': {name} is recorded {where}", field="kind")


def _roots(ledger: Ledger, positions: Sequence[int]) -> dict[int, type[Fact]]:
    with ledger.database.read() as connection:
        found = {at: reader.event_at(connection, at) for at in dict.fromkeys(positions)}
    return {at: type(event.fact) for at, event in found.items() if event is not None}


def markdown() -> str:
    """The tables for people: each kind that not everybody may tell."""
    head = "| kind of fact | told by |\n|---|---|\n"
    return head + "".join(f"| `{kind}` | {who} |\n" for kind, who in _lines())


def _lines() -> list[tuple[str, Any]]:
    found = []
    for kind, cls in KINDS.items():
        name, allowed = kind.removesuffix(".v1"), tellers(cls)
        if allowed == TELLING or kind in OWN or cls.aggregate in AGGREGATES_BY:
            continue
        found.append((name, ", ".join(sorted(allowed)) or f"the service `{SERVICES[name]}`"))
    for aggregate, allowed in AGGREGATES_BY.items():
        kinds = [k for k, c in KINDS.items() if c.aggregate == aggregate]
        family = ", ".join(dict.fromkeys(kind.split(".")[0] + ".*" for kind in kinds))
        if allowed != TELLING:
            said = ", ".join(sorted(allowed)) or "the service `/v1/requests`"
            found.append((family.replace(", ", "`, `"), said))
    return found
