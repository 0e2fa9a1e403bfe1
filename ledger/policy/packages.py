"""What a person is given of her data: all of it (access), or what she may take away (portability).

Access (GDPR art. 15(1) and (3)) leaves out nothing about her but what is about somebody else (art.
15(4)): the staff who looked are told by date and reason, not by name (CJEU C-579/21), heirs not at
all. Portability (art. 20) holds what she provided or what was observed of her, processed under
consent or contract; neither what was inferred nor what we assessed or sent.

Where a field comes from is what the company declared (`field.declared`), else what its kind says.
Under which basis a class is processed is what the edition in force says of its purpose.

What this file never does: read a fact, or open one. Read next: `ledger/packages/gathering.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Instant
from ledger.policy.model import Basis, Edition

Source: TypeAlias = Literal["provided", "observed", "inferred", "ours"]
"""Where data comes from (GDPR art. 15(1)(g)); 'ours': what we decided, assessed or sent."""

PROVIDED = frozenset(
    {
        *("customer.registered.v1", "customer.account_opened.v1", "customer.account_closed.v1"),
        *("customer.profile_rectified.v1", "customer.contacted_us.v1", "customer.commented.v1"),
        *("customer.directive_set.v1", "customer.directive_revoked.v1"),
        *("consent.given.v1", "consent.refused.v1", "consent.withdrawn.v1", "consent.renewed.v1"),
        *("objection.raised.v1", "objection.lifted.v1"),
        *("order.placed.v1", "order.paid.v1", "contract.started.v1", "contract.amended.v1"),
        *("card.kept.v1", "card.rebound.v1", "card.removal_requested.v1"),
        *("ticket.opened.v1", "survey.answered.v1", "motive.received.v1"),
        *("request.received.v1", "request.withdrawn.v1"),
    }
)
OBSERVED = frozenset(
    {
        *("customer.logged_in.v1", "message.opened.v1", "signal.received.v1"),
        *("contract.renewed.v1", "contract.ended.v1", "card.settled.v1", "order.refunded.v1"),
        *("order.cancelled.v1", "tracker.attached.v1"),
    }
)
PORTABLE_BASES: tuple[Basis, ...] = ("consent", "contract")
CONSENTS = frozenset(kind for kind in PROVIDED if kind.startswith("consent."))

# The purpose under which each class, or kind of fact, is processed; the edition says on which
# basis. A class that is not here is kept as the law asks, or as proof: nothing of it is portable.
PURPOSE_OF = {
    "account": "account",
    "contact": "customer_relation",
    "comment": "account",
    "order": "order_management",
    "contract": "order_management",
    "card_proof": "payment",
    "card": "payment",
    "invoice": "accounting",
    "survey": "surveys",
    "security_log": "security",
    "message.opened.v1": "email_open_tracking",
}

# What is in her file and about somebody else (GDPR art. 15(4)): staff, heirs.
OF_OTHERS: Mapping[str, frozenset[str]] = {
    "data.read.v1": frozenset({"reader"}),
    "archive.consulted.v1": frozenset({"reader", "approver"}),
    "call.placed.v1": frozenset({"operator"}),
    "motive.decided.v1": frozenset({"reader"}),
    "hold.placed.v1": frozenset({"author"}),
    "hold.reviewed.v1": frozenset({"author"}),
    "hold.lifted.v1": frozenset({"author"}),
    "customer.heir_requested.v1": frozenset({"name", "email", "address"}),
}

RIGHTS = {
    "access": "GDPR art. 15",
    "rectification": "GDPR art. 16",
    "erasure": "GDPR art. 17",
    "restriction": "GDPR art. 18",
    "portability": "GDPR art. 20",
    "objection": "GDPR art. 21",
    "withdrawal": "GDPR art. 7(3)",
    "directive": "LIL art. 85",
    "complaint": "GDPR art. 77",
}
"""What she may still ask (GDPR art. 15(1)(e) and (f)), and under which article."""

AUTHORITY = {
    "name": "Commission nationale de l'informatique et des libertés (CNIL)",
    "address": "3 place de Fontenoy, TSA 80715, 75334 Paris Cedex 07",
    "url": "https://www.cnil.fr/fr/plaintes",
}

AUTOMATED = ("permission", "retention", "card_gate")
"""What is decided here without a person; none of it has legal effects (GDPR art. 15(1)(h), 22)."""

DETAILS = ("name", "first_name", "company", "email", "phone", "address")
DETAILING = frozenset(
    {
        *("customer.registered.v1", "customer.account_opened.v1"),
        "customer.profile_rectified.v1",
    }
)
"""The kinds of facts that say what her details are."""


class Told(NamedTuple):
    """What is asked about one fact: `klass` is the class that holds it (that of its sealed part,
    where it has one)."""

    kind: str
    klass: str | None
    purpose: str | None
    grade: str | None


class Portability(NamedTuple):
    """Whether a fact may be taken away, and why not: its source, or its basis."""

    source: Source
    basis: Basis | None
    why_not: str | None  # 'inferred', 'ours' or 'basis'


def source_of(kind: str, grade: str | None = None, declared: Source | None = None) -> Source:
    """Where a fact, or the field of it that was `declared`, comes from. What is ours stays ours
    whatever its fields are called; evidence that was inferred is not provided by anybody."""
    own: Source = "observed" if kind in OBSERVED else "provided" if kind in PROVIDED else "ours"
    if own == "ours":
        return own
    return "inferred" if grade == "inferred" else declared or own


def basis_of(told: Told, edition: Edition) -> Basis | None:
    """The lawful basis under which the fact is processed; None where no purpose of the edition
    covers it. A choice falls under consent, an objection under the purpose objected to."""
    if told.kind in CONSENTS:
        return "consent"
    default = PURPOSE_OF.get(told.kind) or PURPOSE_OF.get(told.klass or "")
    purpose = edition.purposes.get(told.purpose or default or "")
    return None if purpose is None else purpose.basis


def portability(told: Told, edition: Edition, declared: Source | None = None) -> Portability:
    """Whether GDPR art. 20(1) covers the fact, or the field of it that was `declared`."""
    source, basis = source_of(told.kind, told.grade, declared), basis_of(told, edition)
    if source in ("inferred", "ours"):
        return Portability(source, basis, source)
    return Portability(source, basis, None if basis in PORTABLE_BASES else "basis")


def withheld(kind: str, fields: Collection[str]) -> tuple[str, ...]:
    """Which of these fields are about somebody else (GDPR art. 15(4)), sorted."""
    return tuple(sorted(OF_OTHERS.get(kind, frozenset()) & set(fields)))


# --- what her details were, when -----------------------------------------------------------------


class Statement(NamedTuple):
    """A detail as a fact states it: true from `since`, known from `known_from`, and until
    `known_until` where a correction or a void put something else in its place."""

    field: str
    position: int
    since: Instant
    known_from: Instant
    known_until: Instant | None


class Validity(NamedTuple):
    """A statement, and until when it was true; None: it still is, or nobody knows."""

    statement: Statement
    true_until: Instant | None


def validities(statements: Sequence[Statement]) -> list[Validity]:
    """Both intervals of each detail, oldest first (GDPR art. 16: what was put right stays on
    record beside what it was, with when each was true and when we knew it)."""
    ordered = sorted(statements, key=lambda s: (s.field, s.since, s.position, s.known_from))
    found = []
    for number, one in enumerate(ordered):
        after = (s for s in ordered[number + 1 :] if s.field == one.field)
        follower = next((s for s in after if s.known_until is None), None)
        found.append(Validity(one, follower.since if follower else None))
    return found
