"""What an erasure takes and what the law keeps: one outcome per class and thing. Pure.

Asked by the person, because she is a minor, or by her heirs, everything goes but what GDPR art.
17(3) lets us keep until its own end: what an obligation orders (b), what is needed to prove or
defend a claim (e). Ordered by an authority, or because the processing was unlawful, only an
obligation keeps. A hold keeps whatever it covers, whoever asks: it wins first, and visibly.

Every `kept` names its article and its last day. Read `holds.py` for holds, `evaluate.py` for the
deadlines this rests on.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day, is_past
from ledger.policy.holds import Hold
from ledger.policy.verdicts import Deadline

Why: TypeAlias = Literal[
    "hold", "open_contract", "obligation", "claims", "proof", "term", "nothing"
]
"""Why something is kept. 'term': its own has not come, and nobody asked for an erasure; 'nothing'
keeps it: it is erased."""

OBLIGATION, CLAIMS, PERFORMANCE = "GDPR art. 17(3)(b)", "GDPR art. 17(3)(e)", "GDPR art. 6(1)(b)"
ABSOLUTE = ("order", "unlawful")
"""Reasons against which our own proofs and claims weigh nothing."""

ACCOUNTABLE = ("rights", "request", "hold")
"""Classes that prove what was asked of us and what we did, this erasure too: always kept."""

PROOFS = ("consent", "tracker", "directive", "card_proof")
"""Classes that prove what was chosen or paid: needed against claims until they end."""

SECURITY = ("access_log", "security_log")
"""Logs that GDPR art. 32 obliges us to keep for their short term."""

TRADE = ("order", "invoice", "contract")
"""Whoever has none of these has nothing to claim from: no archive of claims for her account."""


class Outcome(NamedTuple):
    """What becomes of one class, or one thing of it."""

    klass: str
    scope: str
    is_kept: bool
    why: Why
    ground: str | None  # the exception that keeps it
    article: str | None  # the law that orders or allows it
    until: Day | None  # the last day; None while its contract runs
    rests_on: tuple[int, ...]


def outcomes(
    deadlines: Iterable[Deadline], holds: Sequence[Hold], reason: str, today: Day
) -> list[Outcome]:
    """The outcome of each class and thing of one person, were she erased today."""
    found = list(deadlines)
    has_traded = any(deadline.klass in TRADE for deadline in found)
    return [_outcome(deadline, holds, reason, today, has_traded) for deadline in found]


def _outcome(
    deadline: Deadline, holds: Sequence[Hold], reason: str, today: Day, has_traded: bool
) -> Outcome:
    held = [hold for hold in holds if deadline.klass in hold.classes or not hold.classes]
    if held:
        last = max(held, key=lambda hold: hold.review)
        return _kept(deadline, "hold", CLAIMS, last.article, last.review, last.rests_on)
    until = deadline.archive_until or deadline.operational_until
    if until is not None and is_past(until, today):
        return _gone(deadline)
    obliged = "6(1)(c)" in deadline.article
    if obliged and deadline.archive_article and not deadline.suspended_by:
        return _kept(deadline, "obligation", OBLIGATION, deadline.archive_article, until)
    if deadline.suspended_by and has_traded and reason not in ABSOLUTE:
        running = tuple(one.position for one in deadline.suspended_by)
        return _kept(deadline, "open_contract", PERFORMANCE, deadline.article, None, running)
    exception = _exception(deadline, reason, has_traded)
    return _kept(deadline, *exception, until) if exception else _gone(deadline)


def _exception(deadline: Deadline, reason: str, has_traded: bool) -> tuple[Why, str, str] | None:
    """What keeps a class although its obligations do not: why, which exception, which law."""
    if deadline.klass in ACCOUNTABLE:
        return "proof", CLAIMS, deadline.article
    if reason in ABSOLUTE:
        return None
    if deadline.klass in SECURITY:
        return "obligation", OBLIGATION, deadline.article
    if deadline.klass in PROOFS:
        return "proof", CLAIMS, deadline.article
    if deadline.archive_article and has_traded:
        return "claims", CLAIMS, deadline.archive_article
    return None


def _gone(deadline: Deadline) -> Outcome:
    where = deadline.klass, deadline.scope
    return Outcome(*where, False, "nothing", None, None, None, deadline.rests_on)


def _kept(
    deadline: Deadline,
    why: Why,
    ground: str,
    article: str,
    until: Day | None,
    also: tuple[int, ...] = (),
) -> Outcome:
    rests_on = tuple(sorted({*deadline.rests_on, *also}))
    return Outcome(deadline.klass, deadline.scope, True, why, ground, article, until, rests_on)
