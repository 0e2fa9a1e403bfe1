"""A person's choices (one stream each, beside hers)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.calendar import Day
from ledger.facts import CHANNELS_IN, GRADES, Fact, declare
from ledger.fields import CODE, DAY, IDENTIFIER, INTEGER, Personal, clear, personal

DOUBLE_OPT_IN = "double_opt_in"
"""The act of a consent in two steps, the second of which only the person can take."""
MATCHES = ("applied", "exact", "near", "unmatched")


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice(Fact):
    """What all expressions of choice share (SS-CH-1): what for, over which channel, by which act,
    on which published form, with which grade of evidence."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str | None = clear(CODE, column="channel")
    act: str | None = clear(CODE)
    form: str | None = clear(CODE)
    grade: str | None = clear(CODE, column="grade", one_of=GRADES)


@declare("consent.requested.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRequested(Choice):
    """The person was asked and has not answered."""


@declare("consent.given.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentGiven(Choice):
    """The person agreed (GDPR art. 6(1)(a), 7; SS-LB-2)."""


@declare("consent.refused.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRefused(Choice):
    """The person was asked and said no."""


@declare("consent.withdrawn.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentWithdrawn(Choice):
    """The person took consent back (GDPR art. 7(3); SS-LB-2)."""


@declare("consent.renewed.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRenewed(Choice):
    """The person confirmed an earlier consent."""


@declare("consent.invalidated.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentInvalidated(Choice):
    """We found that a recorded consent was not valid."""

    reason: str | None = clear(CODE)


@declare("objection.raised.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectionRaised(Choice):
    """The person objected (GDPR art. 21; SS-LB-3, SS-DSR-4). Absolute for marketing."""


@declare("objection.assessed.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectionAssessed(Choice):
    """An objection outside marketing was weighed (GDPR art. 21(1))."""

    decision: str = clear(CODE, column="decision", required=True, one_of=("upheld", "overridden"))


@declare("objection.lifted.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectionLifted(Choice):
    """The person took her objection back."""


@declare("optout.offered.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class OptOutOffered(Choice):
    """A free way to say no was shown at collection (CPCE L34-5; SS-COM-2)."""


@declare("signal.received.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class SignalReceived(Fact):
    """A browser signal reached us (Global Privacy Control)."""

    signal: str = clear(CODE, required=True, one_of=("gpc",))


@declare("policy.notified.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyNotified(Fact):
    """This person was told of an edition, named by its effective day (GDPR art. 13(3); SS-POL-2).
    Kept on her consent stream: it is proof of what she was told."""

    edition: Day = clear(DAY, column="until_day", required=True)
    channel: str | None = clear(CODE, column="channel")


@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerChoice(Fact):
    """What all choices of a device share (SS-CH-7). The stream is the device's random id; whose
    device it is, the ledger does not know."""

    purpose: str = clear(CODE, column="purpose", required=True)
    act: str | None = clear(CODE)
    form: str | None = clear(CODE)
    grade: str | None = clear(CODE, column="grade", one_of=GRADES)


@declare("tracker.given.v1", "tracker", "tracker", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerGiven(TrackerChoice):
    """Trackers of this purpose were accepted on a device (LIL art. 82; SS-CH-7)."""


@declare("tracker.refused.v1", "tracker", "tracker", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerRefused(TrackerChoice):
    """They were refused: remembered as long as an acceptance (SS-CH-7)."""


@declare("tracker.withdrawn.v1", "tracker", "tracker", about_nobody=True)
@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerWithdrawn(TrackerChoice):
    """An acceptance was taken back (GDPR art. 7(3); SS-CH-7)."""


@declare("tracker.attached.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class TrackerAttached(Fact):
    """She logged in on a device whose choices were nobody's until then (SS-CH-7): from now on they
    are hers too. Its history stays on its own stream; this fact points at it."""

    device: UUID = clear(IDENTIFIER, required=True)


@declare("motive.received.v1", "customer", "contact")
@dataclass(frozen=True, kw_only=True, slots=True)
class MotiveReceived(Fact):
    """She wrote what she wants (SS-CH-2, SS-CH-4). `match`: the agreed phrase, applied at once
    (SS-CH-5), or left to a person because of what it asks (`exact`, SS-CH-6), because it only looks
    like one (`near`) or like none (`unmatched`). Never an activity: asking to be left alone
    prolongs nothing."""

    channel: str = clear(CODE, column="channel", required=True, one_of=CHANNELS_IN)
    match: str = clear(CODE, column="decision", required=True, one_of=MATCHES)
    motive: str | None = clear(CODE)
    text: Personal = personal()


@declare("motive.decided.v1", "customer", "contact")
@dataclass(frozen=True, kw_only=True, slots=True)
class MotiveDecided(Fact):
    """Somebody of ours (a random staff id) read what she wrote at position `ref`, and decided: the
    agreed phrase it amounts to was applied, another request was opened, or it asks for nothing
    (SS-CH-4)."""

    ref: int = clear(INTEGER, column="ref_position", required=True)
    decision: str = clear(
        CODE, column="decision", required=True, one_of=("motive", "request", "nothing")
    )
    motive: str | None = clear(CODE)
    reader: str = clear(CODE, required=True)
