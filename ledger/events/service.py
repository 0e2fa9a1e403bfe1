"""What we send and answer: messages, calls, tickets, surveys, selections, holds. One stream each.

Nothing we send, nor its opening, ever counts as activity; a ticket the person opens does.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.calendar import Day
from ledger.facts import CHANNELS_IN, Fact, declare
from ledger.fields import ARTICLE, CODE, CODES, DAY, INTEGER, Personal, clear, personal


@declare("message.sent.v1", "message", "message")
@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent(Fact):
    """We sent a message (SS-COM-1 to SS-COM-3)."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str = clear(CODE, column="channel", required=True)
    template: str | None = clear(CODE)
    content: str | None = clear(CODE, one_of=("service", "promotional"))


@declare("message.opened.v1", "message", "message")
@dataclass(frozen=True, kw_only=True, slots=True)
class MessageOpened(Fact):
    """A message was opened (SS-COM-4)."""

    channel: str | None = clear(CODE, column="channel")


@declare("message.decided.v1", "message", "message")
@dataclass(frozen=True, kw_only=True, slots=True)
class MessageDecided(Fact):
    """We asked whether we may write or call, and this was the verdict (SS-COM-2, SS-COM-5)."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str = clear(CODE, column="channel", required=True)
    decision: str = clear(CODE, column="decision", required=True, one_of=("allowed", "refused"))
    basis: str | None = clear(CODE, column="basis")
    rule: str | None = clear(CODE)


@declare("call.placed.v1", "message", "message")
@dataclass(frozen=True, kw_only=True, slots=True)
class CallPlaced(Fact):
    """We called, by an operator (a random staff id; SS-COM-5) or by a machine (SS-COM-6)."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str = clear(CODE, column="channel", required=True, one_of=("phone", "automated_call"))
    outcome: str | None = clear(CODE, one_of=("answered", "declined", "unanswered"))
    operator: str | None = clear(CODE)


# --- service: tickets and surveys of a person; selections name nobody --------------------------


@declare("ticket.opened.v1", "service", "contact")
@dataclass(frozen=True, kw_only=True, slots=True)
class TicketOpened(Fact):
    """The person brought a complaint or an after-sales matter to us: a contact (SS-CRM-2)."""

    channel: str = clear(CODE, column="channel", required=True, one_of=CHANNELS_IN)
    topic: str | None = clear(CODE)


@declare("ticket.closed.v1", "service", "contact")
@dataclass(frozen=True, kw_only=True, slots=True)
class TicketClosed(Fact):
    """We are done with the matter. Never counts as activity (SS-CRM-2)."""

    outcome: str | None = clear(CODE)


@declare("survey.sent.v1", "service", "survey")
@dataclass(frozen=True, kw_only=True, slots=True)
class SurveySent(Fact):
    """We asked the person how satisfied she is (SS-CRM-1)."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str = clear(CODE, column="channel", required=True)
    template: str | None = clear(CODE)


@declare("survey.answered.v1", "service", "survey")
@dataclass(frozen=True, kw_only=True, slots=True)
class SurveyAnswered(Fact):
    """She answered (SS-CRM-1). Prolongs nothing but the survey itself."""

    score: int | None = clear(INTEGER)


@declare("selection.run.v1", "service", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionRun(Fact):
    """People were selected for a study: by which criteria, how many, and how many were left out
    because they objected or are restricted (SS-CRM-3). Whom, the ledger does not say."""

    purpose: str = clear(CODE, column="purpose", required=True)
    criteria: tuple[str, ...] = clear(CODES, required=True)
    size: int = clear(INTEGER, required=True)
    left_out: int | None = clear(INTEGER)


# --- hold: one stream each, an item that names the article and the classes it blocks -----------


@declare("hold.placed.v1", "hold", "hold")
@dataclass(frozen=True, kw_only=True, slots=True)
class HoldPlaced(Fact):
    """Nothing of these classes of hers is destroyed until this is lifted (GDPR art. 17(3);
    SS-RET-2, SS-LB-4): for this article, to be reviewed by this day."""

    article: str = clear(ARTICLE, required=True)
    review: Day = clear(DAY, column="until_day", required=True)
    classes: tuple[str, ...] = clear(CODES, required=True)
    author: Personal = personal()
    reason: Personal = personal()


@declare("hold.reviewed.v1", "hold", "hold")
@dataclass(frozen=True, kw_only=True, slots=True)
class HoldReviewed(Fact):
    """The hold is still needed, and will be reviewed again by this day (SS-RET-2)."""

    review: Day = clear(DAY, column="until_day", required=True)
    author: Personal = personal()
    reason: Personal = personal()


@declare("hold.lifted.v1", "hold", "hold")
@dataclass(frozen=True, kw_only=True, slots=True)
class HoldLifted(Fact):
    """The hold ended: what was due is due again (SS-RET-3)."""

    author: Personal = personal()
    reason: Personal = personal()
