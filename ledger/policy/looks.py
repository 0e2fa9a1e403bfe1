"""What the rules of permission look at, for a purpose over a channel.

Two people who are alike in all that is looked at get the same answer (allowed, state, first reason,
basis, clause, staleness), whatever their positions and dates. So a campaign is judged by its kinds
of people: the rule is asked once for each kind, about one person of that kind. This file states
what makes people alike, never what follows from it; a property test holds it to the rules.

Read next: `permitting.py`, the rules; `ledger/store/shapes.py`, which looks; and
`ledger/permitting/filtering.py`, which asks.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ledger.calendar import Instant, Moment
from ledger.events import CORRECTION, VOID, FormPublished
from ledger.policy import phone
from ledger.policy.book import Book
from ledger.policy.model import Purpose
from ledger.policy.permissions import Company, declared
from ledger.policy.softoptin import CLAUSES

RARE = (
    *("customer.died.v1", "customer.minor_signalled.v1", "customer.class_erased.v1"),
    *("customer.restricted.v1", "customer.restriction_lifted.v1"),
    VOID,  # it may have been all that was known of her
)
"""Whoever has one of these is looked at whole."""
SERVING = (
    *("order.placed.v1", "contract.started.v1", "customer.account_opened.v1"),
    *("customer.contacted_us.v1", "customer.logged_in.v1", "ticket.opened.v1"),
)
OFFERED = "optout.offered.v1"
COLLECTING = (
    *("order.placed.v1", "contract.started.v1", "customer.account_opened.v1"),
    *("customer.contacted_us.v1", "customer.registered.v1", "customer.profile_rectified.v1"),
)
JSON_READ = ("customer.registered.v1", "customer.profile_rectified.v1")
"""Those of COLLECTING of which a field counts that no column holds."""
UNSETTLING = ("order.cancelled.v1", CORRECTION, VOID)
"""Whoever has one of these is looked at whole when the facts of collection are looked at."""


class Looks(NamedTuple):
    """What is looked at beside the choices about the purpose."""

    purpose: str
    channel: str
    serving: bool  # whether one of SERVING is there; without one, the whole person
    offers: bool  # the facts of collection, for the soft opt-in
    dated: bool  # the day of a consent, which grows old
    forms: tuple[Instant, ...]  # when texts of forms that changed were published


def looks(
    book: Book, company: Company, purpose: str, channel: str, moment: Moment, known: int
) -> Looks | None:
    """What is looked at for this question; None when everybody must be looked at whole."""
    found = declared(book, company, purpose, moment, known)
    if found is None or channel in phone.CHANNELS:
        return None
    forms = changed_forms(company)
    return Looks(
        purpose,
        channel,
        serving=found.basis == "contract",
        offers=_offers(found, channel),
        dated=found.validity_months is not None,
        forms=forms,
    )


def _offers(purpose: Purpose, channel: str) -> bool:
    interest = purpose.basis == "legitimate_interest"
    return purpose.marketing and interest and channel in CLAUSES


def changed_forms(company: Company) -> tuple[Instant, ...]:
    """When each text of a form that has more than one was published."""
    published = [fact for _, fact in company.facts if isinstance(fact, FormPublished)]
    texts = Counter(fact.form for fact in published)
    return tuple(sorted({fact.occurred.at for fact in published if texts[fact.form] > 1}))
