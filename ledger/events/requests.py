"""What people ask of us under their rights, and what we answer: one stream for each request.

A request *occurred* when it reached us, over whatever channel: that day starts the clock of GDPR
art. 12(3), however late it was written down here. What she wrote and how to answer her are sealed;
rights, dates, grounds and who was told are clear. Each request dies on a clock of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.calendar import Day
from ledger.facts import Fact, declare
from ledger.fields import CODE, CODES, DAY, IDENTIFIER, Personal, clear, personal

RIGHTS = (
    *("access", "rectification", "erasure", "restriction", "portability", "objection"),
    *("directive", "card_removal", "complaint"),
)
REQUEST_CHANNELS = ("page", "api", "agent", "email", "letter", "phone")

# Why we may doubt who is asking (GDPR art. 12(6)): "we always ask" is none of them.
DOUBTS = ("new_address", "details_differ", "third_party", "several_people", "signs_of_fraud")
METHODS = ("account", "known_address", "known_details", "signature", "id_document", "electronic_id")
EVIDENCE = ("destroyed", "none_taken")  # nothing else can be said: no copy is kept

EXTENSIONS = ("complexity", "number")  # GDPR art. 12(3)
REMEDIES = ("cnil", "court")  # what a refusal must name (GDPR art. 12(4), 77, 79)
GROUNDS = (
    *("identity_required", "identity_failure", "excessive", "unfounded"),
    *("legal_obligation", "legal_claims", "expression", "public_interest", "research"),
    *("still_necessary", "compelling_grounds", "others_rights", "basis_not_covered", "accurate"),
)
"""Why a request may be refused, wholly or in part; their articles are in
`ledger/policy/requests.py`."""

TOLD = ("told", "impossible", "disproportionate", "nobody")


@declare("request.received.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestReceived(Fact):
    """A request reached us on the day this occurred, over any channel, addressed to anybody of ours
    (GDPR art. 12, 15 to 22, 77; SS-CH-2, SS-CH-3, SS-DPO-1). A customer reference may come with it
    and is never a condition (SS-DSR-8)."""

    right: str = clear(CODE, column="decision", required=True, one_of=RIGHTS)
    channel: str = clear(CODE, column="channel", required=True, one_of=REQUEST_CHANNELS)
    purpose: str | None = clear(CODE, column="purpose")
    classes: tuple[str, ...] | None = clear(CODES)
    card: UUID | None = clear(IDENTIFIER)
    text: Personal = personal()
    original: Personal = personal()  # SHA-256 of the letter or e-mail, where it is kept elsewhere
    name: Personal = personal()
    email: Personal = personal()
    phone: Personal = personal()
    address: Personal = personal()


@declare("request.acknowledged.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestAcknowledged(Fact):
    """She was told that her request reached us (GDPR art. 12(2); SS-CH-3)."""

    channel: str = clear(CODE, column="channel", required=True, one_of=REQUEST_CHANNELS)


@declare("request.identity_asked.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityAsked(Fact):
    """We doubt who is asking, for a reason that is recorded, and asked for what would settle it
    (GDPR art. 12(6); SS-DSR-9, SS-CH-4)."""

    reason: str = clear(CODE, column="basis", required=True, one_of=DOUBTS)
    asked: tuple[str, ...] | None = clear(CODES)
    doubt: Personal = personal()


@declare("request.identity_confirmed.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class IdentityConfirmed(Fact):
    """The doubt was settled, and whatever she sent for it was destroyed: what is kept is that it
    was settled, and how (GDPR art. 5(1)(c), 12(6); SS-DSR-9)."""

    method: str = clear(CODE, required=True, one_of=METHODS)
    evidence: str = clear(CODE, required=True, one_of=EVIDENCE)


@declare("request.qualified.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestQualified(Fact):
    """Somebody read it and says under which right it is dealt with, and of which classes: people
    need not know the names of their rights (GDPR art. 12(2); SS-CH-4, SS-CH-6)."""

    right: str = clear(CODE, column="decision", required=True, one_of=RIGHTS)
    purpose: str | None = clear(CODE, column="purpose")
    classes: tuple[str, ...] | None = clear(CODES)


@declare("request.recovered_from_queue.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RecoveredFromQueue(Fact):
    """A text that nearly meant something waited for a person, who decided that it is this request;
    its clock runs since the text arrived (SS-CH-5)."""

    right: str = clear(CODE, column="decision", required=True, one_of=RIGHTS)
    purpose: str | None = clear(CODE, column="purpose")
    from_queue: UUID = clear(IDENTIFIER, required=True)


@declare("request.extended.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestExtended(Fact):
    """Two months more, of which she was told, with the reason, inside the first month (GDPR art.
    12(3); SS-DSR-10)."""

    reason: str = clear(CODE, column="basis", required=True, one_of=EXTENSIONS)
    notified: Day = clear(DAY, column="until_day", required=True)


@declare("request.fulfilled.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestFulfilled(Fact):
    """It was granted and done, and she was told (GDPR art. 12(3); SS-DSR-1 to SS-DSR-7). `package`
    is the SHA-256 of what was handed over: sealed, because it is of her data."""

    channel: str | None = clear(CODE, column="channel", one_of=REQUEST_CHANNELS)
    package: Personal = personal()


@declare("request.partially_fulfilled.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestPartiallyFulfilled(Fact):
    """A part was granted and done; for the rest, the grounds and the remedies were stated (GDPR
    art. 12(4), 17(3); SS-DSR-3, SS-DSR-11)."""

    channel: str | None = clear(CODE, column="channel", one_of=REQUEST_CHANNELS)
    grounds: tuple[str, ...] = clear(CODES, required=True)
    kept: tuple[str, ...] | None = clear(CODES)
    remedies: tuple[str, ...] = clear(CODES, required=True)
    package: Personal = personal()


@declare("request.refused.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestRefused(Fact):
    """It was not granted, and she was told why, and before whom she may complain (GDPR art. 12(4);
    SS-DSR-11)."""

    channel: str | None = clear(CODE, column="channel", one_of=REQUEST_CHANNELS)
    grounds: tuple[str, ...] = clear(CODES, required=True)
    remedies: tuple[str, ...] = clear(CODES, required=True)
    reason: Personal = personal()


@declare("request.recipients_notified.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RecipientsNotified(Fact):
    """Those who were given the data were told of its rectification, erasure or restriction; or why
    they could not be, or that nobody was given any (GDPR art. 19; SS-DSR-2, SS-REC-1)."""

    outcome: str = clear(CODE, column="decision", required=True, one_of=TOLD)
    recipients: tuple[str, ...] | None = clear(CODES)


@declare("request.withdrawn.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestWithdrawn(Fact):
    """She took it back (SS-CH-2)."""

    channel: str = clear(CODE, column="channel", required=True, one_of=REQUEST_CHANNELS)


@declare("request.closed.v1", "rights_request", "request")
@dataclass(frozen=True, kw_only=True, slots=True)
class RequestClosed(Fact):
    """Nothing more is to be done (SS-DSR-10)."""
