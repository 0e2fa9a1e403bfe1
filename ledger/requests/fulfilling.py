"""Carrying out what was asked, and recording what came of it.

The deed comes first and the answer after it: a crash in between leaves the request open, and
carrying it out again does what is left. An answer that the state of the request forbids is refused
before anything is done. An erasure is certified before it is answered, and the answer names the
certificate, as it names the package that an access request is answered with: by its SHA-256.

What this file never does: weigh a ground. What an erasure keeps is said by
`ledger/policy/erasures.py`; here it becomes the partial answer that names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from ledger.aggregates import AGGREGATES
from ledger.aggregates.rights_request import CHANGING
from ledger.application import Ledger
from ledger.calendar import moment_of_instant
from ledger.commands import Record
from ledger.erasing.certificate import Desk, Issued, issue, of_request
from ledger.erasing.request import erase_everywhere, planned_everywhere
from ledger.errors import BadData, NotFound, Refused
from ledger.events import (
    REMEDIES,
    DirectiveSet,
    Fact,
    ProfileRectified,
    RequestFulfilled,
    RequestPartiallyFulfilled,
    Restricted,
    build,
)
from ledger.fields import Personal
from ledger.handlers import Accepted, record
from ledger.policy.erasures import ACCOUNTABLE, Outcome
from ledger.policy.requests import Request
from ledger.requests.cards import named, removal
from ledger.requests.reading import one
from ledger.requests.steps import current, record_step
from ledger.store import erasure

# What keeps a class (`ledger.policy.erasures.Why`) as the ground of a partial refusal.
GROUND_OF = {
    "hold": "legal_claims",
    "open_contract": "still_necessary",
    "obligation": "legal_obligation",
    "claims": "legal_claims",
    "proof": "legal_claims",
}
DETAILS = ("name", "first_name", "company", "email", "phone", "address")


class Deed(NamedTuple):
    """What is needed to carry out a request, by its right; `channel` is how she is answered."""

    channel: str | None = None
    changes: Mapping[str, str] = {}  # rectification: the details as they should read
    ground: str | None = None  # restriction: one of GDPR art. 18(1)
    wish: str | None = None  # directive: what becomes of her data
    trustee: Personal = None
    text: Personal = None
    package: Personal = None  # access, portability: SHA-256 of what was handed over
    cards: tuple[UUID, ...] = ()  # card removal: which go, where she did not say
    actor: str = "agent"


Outcomes = Mapping[UUID, Sequence[Outcome]]
"""The outcome of each class, under each reference of one person."""


class Carried(NamedTuple):
    """What came of it: the answer that was recorded, the outcome of each class of an erasure, who
    was given such data and must be told (GDPR art. 19), and the certificate, if something went."""

    answer: Accepted
    by_reference: Outcomes
    to_tell: tuple[str, ...]
    certificate: Issued | None = None

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes under every reference, one after the other."""
        return tuple(one for some in self.by_reference.values() for one in some)


def carry_out(
    ledger: Ledger,
    stream: UUID,
    deed: Deed,
    *,
    journal: Path | None = None,
    desk: Desk | None = None,
) -> Carried:
    """Do what was asked and answer. An erasure needs the folder of the erasure `journal`, and is
    certified at the `desk`.

    Raises NotFound for a request nobody knows, Refused when its state forbids an answer, BadData
    when what its right needs is missing.
    """
    subject, state = current(ledger, stream)
    done = _answer(ledger, deed)
    refusal = AGGREGATES["rights_request"].decide(state, done)
    if refusal is not None:
        raise Refused(refusal)
    asked = one(ledger, stream)
    outcomes: Outcomes = {}
    certificate: Issued | None = None
    answer: Fact = done
    if asked.right == "erasure":
        if journal is None:
            raise BadData("the folder of the erasure journal is not known here")
        outcomes = _erase(ledger, asked, state.classes, journal)
        certificate = _certified(ledger, asked, outcomes, journal, desk)
        if certificate is not None and done.package is None:
            done = replace(done, package=certificate.digest)
        answer = _after_erasure(done, outcomes)
    elif asked.right == "card_removal":
        for card in named(ledger, subject, deed.cards, min(asked.rests_on)):
            record(ledger, removal(subject, card, done.occurred, deed.actor, asked.channel))
    else:
        effect = _effect(ledger, subject, asked, deed)
        if effect is not None:
            record(ledger, Record(replace(effect, subject=_kept(ledger, subject))))
    accepted = record_step(ledger, stream, answer)
    told = _to_tell(ledger, asked, outcomes, certificate) if asked.right in CHANGING else ()
    return Carried(accepted, outcomes, told, certificate)


def _answer(ledger: Ledger, deed: Deed) -> RequestFulfilled:
    return RequestFulfilled(
        occurred=moment_of_instant(ledger.clock.now()),
        actor=deed.actor,
        channel=deed.channel,
        package=deed.package,
    )


def _effect(ledger: Ledger, subject: UUID, asked: Request, deed: Deed) -> Fact | None:
    """The fact about her that this request brings, None when it stands already or needs none."""
    now = moment_of_instant(ledger.clock.now())
    match asked.right:
        case "rectification":
            if not deed.changes or not set(deed.changes) <= set(DETAILS):
                raise BadData(
                    f"field 'changes' holds the details that change: {', '.join(DETAILS)}"
                )
            stated = {"changed": sorted(deed.changes), **deed.changes}
            return build(ProfileRectified, {"occurred": now, "actor": deed.actor}, stated)
        case "restriction":
            if deed.ground is None:
                raise BadData("field 'ground' is required: one of those of GDPR art. 18(1)")
            if deed.ground in ledger.state(_kept(ledger, subject)).restrictions:
                return None
            return Restricted(occurred=now, actor=deed.actor, ground=deed.ground)
        case "directive":
            if deed.wish is None:
                raise BadData("field 'wish' is required: erase, keep or transmit")
            return DirectiveSet(
                occurred=now,
                actor=deed.actor,
                wish=deed.wish,
                trustee=deed.trustee,
                text=deed.text,
            )
    return None


def _kept(ledger: Ledger, subject: UUID) -> UUID:
    """Of whom what a request brings is recorded: of her who lives, though she asked under another
    reference that is gone since."""
    return ledger.joins(ledger.epoch()).kept(subject)


def _erase(ledger: Ledger, asked: Request, classes: Sequence[str], journal: Path) -> Outcomes:
    """The outcome of each of these classes, of all when none is named (SS-CH-6), under every
    reference that is joined with hers; what nothing keeps is erased."""
    subject = asked.subject
    assert subject is not None
    try:
        found = planned_everywhere(ledger, subject, "request")
    except NotFound:
        return {subject: []}
    outcomes = {
        who: [outcome for outcome in mine if not classes or outcome.klass in classes]
        for who, mine in found.items()
    }
    erase_everywhere(
        ledger,
        outcomes,
        journal=journal,
        reason="request",
        article="GDPR art. 17",
        request=asked.stream,
    )
    return outcomes


def _certified(
    ledger: Ledger, asked: Request, outcomes: Outcomes, journal: Path, desk: Desk | None
) -> Issued | None:
    """The certificate of all that was erased for this request, now or before a crash."""
    if desk is None:
        return None
    content = of_request(ledger, desk, journal, outcomes, asked.stream)
    return None if content is None else issue(desk, content)


def _after_erasure(answer: RequestFulfilled, outcomes: Outcomes) -> Fact:
    """Fulfilled when all that was asked for is gone, but for the proof of the request itself; else
    in part, with the ground of each class that is kept (GDPR art. 17(3))."""
    found = (one for some in outcomes.values() for one in some)
    kept = [one for one in found if one.is_kept and one.klass not in ACCOUNTABLE]
    if not kept:
        return answer
    return RequestPartiallyFulfilled(
        occurred=answer.occurred,
        actor=answer.actor,
        channel=answer.channel,
        grounds=tuple(dict.fromkeys(GROUND_OF[one.why] for one in kept)),
        kept=tuple(dict.fromkeys(one.klass for one in kept)),
        remedies=REMEDIES,
        package=answer.package,
    )


def _to_tell(
    ledger: Ledger, asked: Request, outcomes: Outcomes, certificate: Issued | None
) -> tuple[str, ...]:
    """Who was handed data of these classes; of which people is not known, so all of them (see
    docs/decisions/0016)."""
    gone = {one.klass for some in outcomes.values() for one in some if not one.is_kept}
    if certificate is not None:
        gone |= {one["class"] for one in certificate.content["erased"]}
    classes = gone if asked.right == "erasure" else {"account", "contact", "order"}
    with ledger.database.read() as connection:
        found = erasure.disclosed(connection, classes)
    return tuple(sorted({recipient for _, _, recipient in found}))
