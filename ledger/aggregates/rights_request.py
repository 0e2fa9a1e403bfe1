"""A request under one's rights: received once, answered once, and never later than the law says
without somebody having written down why.

received -> acknowledged -> [identity asked -> confirmed] -> qualified -> [extended] -> fulfilled,
partially fulfilled or refused -> recipients told -> closed; withdrawn from any open state. Only
what the law forbids is refused here: no step but the answer is compulsory, for a late record of
what happened is better than none. Whether it is late is said by `ledger/policy/requests.py`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ledger.calendar import Day, request_due
from ledger.errors import Refusal
from ledger.events import (
    GROUNDS,
    REMEDIES,
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    RecipientsNotified,
    RecoveredFromQueue,
    RequestClosed,
    RequestExtended,
    RequestFulfilled,
    RequestPartiallyFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
)

CHANGING = ("rectification", "erasure", "restriction")
"""Of these, whoever was given the data must be told (GDPR art. 19)."""

HANDING: Mapping[str, tuple[str, str]] = {
    "access": ("SS-DSR-1", "RGPD art. 15(3)"),
    "portability": ("SS-DSR-6", "RGPD art. 20(1)"),
}
"""Of these, the answer is something that is handed over: it names what (decision 0058)."""

ANSWERS = (RequestFulfilled, RequestPartiallyFulfilled, RequestRefused, RequestWithdrawn)
_SHA256 = re.compile("[0-9a-f]{64}")
ABOUT_IDENTITY = ("identity_required", "identity_failure")


class RightsRequest(NamedTuple):
    """What decisions about a request depend on."""

    received: Day | None = None
    right: str = ""
    classes: tuple[str, ...] = ()  # what it is about; empty for everything
    doubt: bool = False  # identity asked, and not confirmed yet
    doubted: bool = False  # identity was asked at some time
    confirmed: bool = False
    extended: bool = False
    answer: str | None = None  # the kind that answered it
    told: bool = False  # its recipients, or nobody to tell
    closed: bool = False


def initial() -> RightsRequest:
    """No request."""
    return RightsRequest()


def decide(state: RightsRequest, fact: Fact) -> Refusal | None:
    """The first rule that this fact breaks, or None."""
    if isinstance(fact, RequestReceived):
        return _conflict("this request is already recorded") if state.received else None
    if state.received is None:
        return _conflict("this request was never received")
    if state.closed:
        return _conflict("this request is closed")
    if fact.occurred.day < state.received:
        return _malformed("occurred", "field 'occurred': before the request was received")
    return _before(state, fact, state.received) if not state.answer else _afterwards(state, fact)


def _before(state: RightsRequest, fact: Fact, received: Day) -> Refusal | None:
    """While an answer is owed."""
    match fact:
        case RequestClosed() | RecipientsNotified():
            return _conflict("this request is not answered yet")
        case IdentityAsked() | IdentityConfirmed():
            return _identity(state, fact)
        case RequestExtended():
            return _extension(state, fact, received)
        case RequestPartiallyFulfilled() | RequestRefused():
            return _reasons(state, fact) or _doubt(state, fact)
        case RequestFulfilled():
            return _doubt(state, fact)
    return None


def refuse_unnamed(state: RightsRequest, fact: Fact) -> Refusal | None:
    """Nothing is fulfilled that was promised and not handed over: such an answer names what was.
    Asked where an answer is given; history holds the name sealed, and what an old file tells of is
    told as it is there."""
    if state.right not in HANDING or not is_done(fact):
        return None
    named = getattr(fact, "package", None)
    if isinstance(named, str) and _SHA256.fullmatch(named):
        return None
    return _malformed(
        "package",
        "field 'package' is the SHA-256 (64 hex digits) of what was handed over: of the file, "
        "and on paper of the file that was printed or scanned",
        *HANDING[state.right],
    )


def is_done(fact: Fact) -> bool:
    """Whether this answer says that something was done, wholly or in part."""
    return isinstance(fact, RequestFulfilled | RequestPartiallyFulfilled)


def _afterwards(state: RightsRequest, fact: Fact) -> Refusal | None:
    """Once it is answered, only its recipients are told and it is closed."""
    match fact:
        case RecipientsNotified() if state.answer == RequestWithdrawn.kind:
            return _conflict("this request was withdrawn: there is nothing to tell recipients")
        case RecipientsNotified():
            return _recipients(fact)
        case RequestClosed() if state.right in CHANGING and not state.told and _was_done(state):
            return Refusal(
                "conflict",
                "those who were given the data were not told; say so, or that there is nobody",
                "SS-DSR-2",
                "RGPD art. 19",
            )
        case RequestClosed():
            return None
    return _conflict("this request is already answered")


def _was_done(state: RightsRequest) -> bool:
    return state.answer in (RequestFulfilled.kind, RequestPartiallyFulfilled.kind)


def _recipients(fact: RecipientsNotified) -> Refusal | None:
    if (fact.outcome == "nobody") == bool(fact.recipients):
        return _malformed(
            "recipients",
            "field 'recipients' names who was, or could not be, told; nobody when there is nobody",
            "SS-REC-1",
            "RGPD art. 19",
        )
    return None


def _identity(state: RightsRequest, fact: Fact) -> Refusal | None:
    clause, article = "SS-DSR-9", "RGPD art. 12(6)"
    if isinstance(fact, IdentityConfirmed):
        if state.doubt:
            return None
        return Refusal("conflict", "nobody doubted who is asking", clause, article)
    if state.confirmed:
        detail = "who is asking was confirmed: it is not asked twice"
        return Refusal("identity-not-justified", detail, clause, article)
    if state.doubt:
        return Refusal("conflict", "identity is asked already", clause, article)
    return None


def _doubt(state: RightsRequest, fact: Fact) -> Refusal | None:
    """Data is not handed over, nor destroyed, while we do not know for whom."""
    about_identity = isinstance(fact, RequestRefused) and set(ABOUT_IDENTITY) & set(fact.grounds)
    if about_identity and not state.doubted:
        return Refusal(
            "identity-not-justified",
            "field 'grounds': identity was never asked, on a recorded doubt",
            "SS-DSR-9",
            "RGPD art. 12(6)",
            "grounds",
        )
    if state.doubt and not about_identity:
        return Refusal(
            "conflict",
            "we asked who is asking and have no answer: confirm it, or refuse on that ground",
            "SS-DSR-9",
            "RGPD art. 12(6)",
        )
    return None


def _extension(state: RightsRequest, fact: RequestExtended, received: Day) -> Refusal | None:
    clause, article = "SS-DSR-10", "RGPD art. 12(3)"
    if state.extended:
        return Refusal("conflict", "this request was extended: once only", clause, article)
    if not received <= fact.notified <= fact.occurred.day:
        detail = "field 'notified' lies between the reception and this extension"
        return _malformed("notified", detail, clause, article)
    if fact.notified > request_due(received):
        return Refusal(
            "deadline-passed",
            "field 'notified': the month is over, and an extension is told inside it",
            clause,
            article,
            "notified",
        )
    return None


def _reasons(
    state: RightsRequest, fact: RequestPartiallyFulfilled | RequestRefused
) -> Refusal | None:
    clause, article = "SS-DSR-11", "RGPD art. 12(4)"
    if not set(fact.grounds) <= set(GROUNDS):
        return _malformed(
            "grounds", f"field 'grounds' may only hold: {', '.join(GROUNDS)}", clause, article
        )
    if not set(fact.remedies) >= set(REMEDIES):
        detail = f"field 'remedies' must hold: {', '.join(REMEDIES)}"
        return _malformed("remedies", detail, clause, article)
    if state.right == "complaint":
        return Refusal("conflict", "a complaint is answered, not refused", clause, "RGPD art. 77")
    return None


def _conflict(detail: str) -> Refusal:
    return Refusal("conflict", detail, "SS-DSR-10", "RGPD art. 12(3)")


def _malformed(
    field: str, detail: str, clause: str = "SS-CH-3", article: str = "RGPD art. 12(3)"
) -> Refusal:
    return Refusal("malformed", detail, clause, article, field)


def evolve(state: RightsRequest, fact: Fact) -> RightsRequest:
    """The state after this fact."""
    match fact:
        case RequestReceived():
            day, classes = fact.occurred.day, fact.classes or ()
            return state._replace(received=day, right=fact.right, classes=classes)
        case RequestQualified() | RecoveredFromQueue():
            classes = getattr(fact, "classes", None) or state.classes
            return state._replace(right=fact.right, classes=classes)
        case IdentityAsked():
            return state._replace(doubt=True, doubted=True)
        case IdentityConfirmed():
            return state._replace(doubt=False, confirmed=True)
        case RequestExtended():
            return state._replace(extended=True)
        case RecipientsNotified() | RequestClosed():
            closed = isinstance(fact, RequestClosed)
            return state._replace(told=state.told or not closed, closed=closed)
        case _ if isinstance(fact, ANSWERS):
            return state._replace(answer=fact.kind)
    return state
