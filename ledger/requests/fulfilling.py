"""Carrying out what was asked, and recording what came of it.

The deed comes first and the answer after it: a crash in between leaves the request open, and
carrying it out again does what is left. An answer that the state of the request forbids is refused
before anything is done.

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
from ledger.erasing.request import erase_person, planned
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
    actor: str = "agent"


class Carried(NamedTuple):
    """What came of it: the answer that was recorded, the outcome of each class of an erasure, and
    who was given such data and must be told (GDPR art. 19)."""

    answer: Accepted
    outcomes: tuple[Outcome, ...]
    to_tell: tuple[str, ...]


def carry_out(ledger: Ledger, stream: UUID, deed: Deed, *, journal: Path | None = None) -> Carried:
    """Do what was asked and answer. An erasure needs the folder of the erasure `journal`.

    Raises NotFound for a request nobody knows, Refused when its state forbids an answer, BadData
    when what its right needs is missing.
    """
    subject, state = current(ledger, stream)
    done = _answer(ledger, deed)
    refusal = AGGREGATES["rights_request"].decide(state, done)
    if refusal is not None:
        raise Refused(refusal)
    asked = one(ledger, stream)
    outcomes: Sequence[Outcome] = ()
    answer: Fact = done
    if asked.right == "erasure":
        if journal is None:
            raise BadData("the folder of the erasure journal is not known here")
        outcomes = _erase(ledger, asked, state.classes, journal)
        answer = _after_erasure(done, outcomes)
    else:
        effect = _effect(ledger, subject, asked, deed)
        if effect is not None:
            record(ledger, Record(replace(effect, subject=subject)))
    accepted = record_step(ledger, stream, answer)
    told = _to_tell(ledger, asked, outcomes) if asked.right in CHANGING else ()
    return Carried(accepted, tuple(outcomes), told)


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
            if deed.ground in ledger.state(subject).restrictions:
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


def _erase(ledger: Ledger, asked: Request, classes: Sequence[str], journal: Path) -> list[Outcome]:
    """The outcome of each of these classes, of all when none is named (SS-CH-6); what nothing keeps
    is erased."""
    subject = asked.subject
    assert subject is not None
    try:
        found = planned(ledger, subject, "request")
    except NotFound:
        return []
    outcomes = [outcome for outcome in found if not classes or outcome.klass in classes]
    if any(not outcome.is_kept for outcome in outcomes):
        erase_person(
            ledger,
            subject,
            outcomes,
            journal=journal,
            reason="request",
            article="GDPR art. 17",
            request=asked.stream,
        )
    return outcomes


def _after_erasure(answer: RequestFulfilled, outcomes: Sequence[Outcome]) -> Fact:
    """Fulfilled when all that was asked for is gone, but for the proof of the request itself; else
    in part, with the ground of each class that is kept (GDPR art. 17(3))."""
    kept = [one for one in outcomes if one.is_kept and one.klass not in ACCOUNTABLE]
    if not kept:
        return answer
    return RequestPartiallyFulfilled(
        occurred=answer.occurred,
        actor=answer.actor,
        channel=answer.channel,
        grounds=tuple(dict.fromkeys(GROUND_OF[one.why] for one in kept)),
        kept=tuple(dict.fromkeys(one.klass for one in kept)),
        remedies=REMEDIES,
    )


def _to_tell(ledger: Ledger, asked: Request, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    """Who was handed data of these classes; of which people is not known, so all of them (see
    docs/decisions/0016)."""
    gone = {one.klass for one in outcomes if not one.is_kept}
    classes = gone if asked.right == "erasure" else {"account", "contact", "order"}
    with ledger.database.read() as connection:
        found = erasure.disclosed(connection, classes)
    return tuple(sorted({recipient for _, _, recipient in found}))
