"""Lives of the demo company that show rights requests: each way one can go, and one that is late.

Told like everything else, step by step. Read next: `cast.py`.
"""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from api.demo.diary import at, new_stream
from api.demo.people import Person
from ledger.events import (
    REMEDIES,
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    MotiveReceived,
    RecipientsNotified,
    RecoveredFromQueue,
    RequestAcknowledged,
    RequestClosed,
    RequestExtended,
    RequestFulfilled,
    RequestPartiallyFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    TrackerAttached,
    TrackerGiven,
)


def claimant(p: Person) -> None:
    """Her requests: access after a doubt, an erasure in part, a refusal, and one that is late."""
    p.registers(date(2020, 3, 2), "account")
    p.opens_account(date(2020, 3, 2))
    p.orders(date(2020, 3, 2))
    _access(p)
    _erasure(p)
    _others(p)
    _waits(p)


def _access(p: Person) -> None:
    """By letter on 31 January: the month ends on the first working day of March."""
    letter = {"text": "Je souhaite recevoir mes données.", "name": p.name, "address": p.address}
    stream = _received(p, date(2023, 1, 31), "access", "letter", **letter)
    _step(p, stream, date(2023, 2, 1), RequestAcknowledged, channel="letter")
    doubt: dict[str, Any] = {"reason": "new_address", "asked": ("customer_number",)}
    _step(p, stream, date(2023, 2, 3), IdentityAsked, **doubt, doubt="Adresse inconnue de nous.")
    shown = {"method": "known_details", "evidence": "none_taken"}
    _step(p, stream, date(2023, 2, 8), IdentityConfirmed, **shown)
    _step(p, stream, date(2023, 2, 9), RequestQualified, right="access")
    told = {"reason": "complexity", "notified": 20230227}
    _step(p, stream, date(2023, 2, 27), RequestExtended, **told)
    _step(p, stream, date(2023, 4, 18), RequestFulfilled, channel="letter")
    _step(p, stream, date(2023, 4, 18), RequestClosed)


def _erasure(p: Person) -> None:
    """What her orders oblige us to keep is kept, with the ground and the remedies."""
    stream = _received(p, date(2023, 9, 4), "erasure", "email", classes=("account", "order"))
    kept: dict[str, Any] = {"grounds": ("legal_claims",), "kept": ("order",), "remedies": REMEDIES}
    _step(p, stream, date(2023, 9, 20), RequestPartiallyFulfilled, channel="email", **kept)
    told: dict[str, Any] = {"outcome": "told", "recipients": ("routeur",)}
    _step(p, stream, date(2023, 9, 21), RecipientsNotified, **told)
    _step(p, stream, date(2023, 9, 22), RequestClosed)


def _others(p: Person) -> None:
    """A near miss found in the queue, a portability refused, one taken back, one forgotten."""
    stream = _received(p, date(2024, 2, 5), "complaint", "email", text="stop mail soft systeme")
    found: dict[str, Any] = {"right": "objection", "from_queue": new_stream()}
    _step(p, stream, date(2024, 2, 6), RecoveredFromQueue, purpose="newsletter", **found)
    _step(p, stream, date(2024, 2, 6), RequestFulfilled, channel="email")
    stream = _received(p, date(2024, 5, 6), "portability", "page")
    no: dict[str, Any] = {"grounds": ("basis_not_covered",), "remedies": REMEDIES}
    _step(p, stream, date(2024, 5, 13), RequestRefused, channel="email", **no)
    stream = _received(p, date(2024, 7, 1), "rectification", "phone")
    p.diary.tell(RequestWithdrawn, at(date(2024, 7, 2)), p.code, stream, channel="phone")
    _received(p, date(2025, 11, 14), "access", "email")  # never answered: due on 15 December


def _waits(p: Person) -> None:
    """A device whose choices become hers when she logs in; a text that waits for a person."""
    shown = {"purpose": "audience", "form": "banner-1", "grade": "proved"}
    device = new_stream()
    p.diary.tell(TrackerGiven, at(date(2025, 11, 17)), None, device, **shown)
    p.diary.tell(TrackerAttached, at(date(2025, 11, 18)), p.code, device=device)
    said = {"channel": "email", "match": "near", "text": "Arrêtez vos courriels s'il vous plaît"}
    p.diary.tell(MotiveReceived, at(date(2025, 11, 20)), p.code, **said)


def _received(p: Person, day: date, right: str, channel: str, **fields: Any) -> UUID:
    stream = new_stream()
    stated = {"right": right, "channel": channel, **fields}
    p.diary.tell(RequestReceived, at(day), p.code, stream, **stated)
    return stream


def _step(p: Person, stream: UUID, day: date, cls: type[Fact], **fields: Any) -> None:
    p.diary.tell(cls, at(day, 15), p.code, stream, actor="agent", **fields)
