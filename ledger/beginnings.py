"""How a person becomes known when a fact names somebody nobody heard of, and which item a fact has.

Both follow from the fact alone. Read next: `ledger/deciding.py`, which asks.
"""

from __future__ import annotations

from uuid import UUID, uuid4

from ledger.events import (
    KINDS,
    OWN,
    Commented,
    CustomerRegistered,
    DataRead,
    Fact,
    OrderInvoiced,
    OrderPaid,
)

# How a person becomes known when a fact names a reference nobody heard of: data class and origin.
KNOWN_BY = {
    "order": ("order", "order"),
    "contract": ("order", "order"),
    "consent": ("contact", "contact"),
    "card": ("order", "order"),
    "message": ("contact", "contact"),
    "service": ("contact", "contact"),
    "hold": ("contact", "contact"),
    "rights_request": ("contact", "contact"),
    "customer": ("account", "account"),
}


def item_of(fact: Fact, stream: UUID, seals: bool) -> str | None:
    """The scope of the class of this fact that has an item clock."""
    if fact.aggregate in ("contract", "card", "hold", "tracker", "rights_request"):
        return str(stream)
    if isinstance(fact, OrderInvoiced | Commented):
        return str(uuid4())
    if isinstance(fact, DataRead):
        return str(fact.occurred.day)
    if fact.also and seals:
        return str(uuid4()) if isinstance(fact, OrderPaid) else str(fact.occurred.day)
    return None


def registration(fact: Fact, subject: UUID) -> CustomerRegistered:
    """The registration that a fact of somebody new implies."""
    klass, origin = KNOWN_BY[fact.aggregate]
    if fact.aggregate == "customer" and fact.home != "account":
        klass, origin = "contact", "contact"
    if fact.actor == "import":
        origin = "import"
    return CustomerRegistered(
        subject=subject, occurred=fact.occurred, actor=fact.actor, klass=klass, origin=origin
    )


assert set(KNOWN_BY) >= {
    cls.aggregate for kind, cls in KINDS.items() if not (cls.about_nobody or kind in OWN)
} - {"any"}
