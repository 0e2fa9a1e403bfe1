"""From the expression that counts to a consent status, one of the DPV's ten, with its reasons.

Which expression counts (last by time, withdrawals after grants, backdated grants ignored) was
decided by the projection; here it is named, aged (`validity_months`) and explained.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ledger.calendar import Day, Instant, add_days, add_months, day_of, is_past
from ledger.events import ConsentGiven, ObjectionAssessed
from ledger.policy.book import Book
from ledger.policy.model import Edition, Purpose
from ledger.policy.verdicts import ChoiceState, ConsentStatus
from ledger.projections.model import ChoiceKey, Ended, EndedKey, Expression, SubjectState

GRANTS = ("consent.given.v1", "consent.renewed.v1")
CHOICES = ConsentGiven.homes[0]  # the class of the proof of choices
_STOPPING = ("consent.withdrawn.v1", "objection.raised.v1")


class _Meaning(NamedTuple):
    status: ConsentStatus
    reason: str | None
    would_change: tuple[str, ...]


_ASKING = ("consent.given.v1",)
_MEANINGS = {
    "consent.given.v1": _Meaning("ConsentGiven", None, _STOPPING),
    "consent.renewed.v1": _Meaning("RenewedConsentGiven", None, _STOPPING),
    "consent.refused.v1": _Meaning("ConsentRefused", None, _ASKING),
    "consent.withdrawn.v1": _Meaning("ConsentWithdrawn", None, _ASKING),
    "consent.invalidated.v1": _Meaning("ConsentInvalidated", None, _ASKING),
    "consent.requested.v1": _Meaning(
        "ConsentRequested", None, ("consent.given.v1", "consent.refused.v1")
    ),
    "objection.raised.v1": _Meaning(
        "ConsentRefused", "objected", ("consent.given.v1", "objection.lifted.v1")
    ),
    "objection.lifted.v1": _Meaning(
        "ConsentUnknown", "objection_lifted", ("consent.given.v1", "objection.raised.v1")
    ),
    "objection.assessed.v1": _Meaning(
        "ConsentUnknown", "objection_overridden", ("consent.given.v1", "objection.raised.v1")
    ),
}
_NOTHING = _Meaning(
    "ConsentUnknown", "nothing_expressed", ("consent.given.v1", "objection.raised.v1")
)


UNPROVED = "proof_erased"
"""The reason of a choice whose proof was erased since: a yes that nobody can prove is none."""


def status_of(kind: str) -> ConsentStatus | None:
    """The status that a fact of this kind expresses; None when it expresses none."""
    meaning = _MEANINGS.get(kind)
    return None if meaning is None else meaning.status


def is_said(kind: str, decision: str | None) -> bool:
    """Whether a fact of this kind says yes, no, or that she was asked."""
    return kind in _MEANINGS and (kind != ObjectionAssessed.kind or decision == "overridden")


def choices(
    state: SubjectState, book: Book, as_of: Instant, known: int | None = None
) -> list[ChoiceState]:
    """The state of every choice this person ever expressed, by purpose and channel (SS-CH-1).

    `state` must be the state at (`as_of`, `known`).
    """
    keys = sorted(state.consents)
    return [choice(state, book, as_of, known, key.purpose, key.channel) for key in keys]


def standing_objections(
    state: SubjectState, book: Book, as_of: Instant
) -> tuple[tuple[str, str], ...]:
    """The (purpose, channel) of marketing that this person has said no to and not yes since: what
    must hold under her references when she herself is forgotten (GDPR art. 21(3)).

    Weighing an objection to marketing changes nothing. Where a yes is needed anyway, a withdrawal
    or a refusal leaves nothing to remember.
    """
    chain = book.chain(day_of(as_of), None)
    found = []
    for said in choices(state, book, as_of):
        purpose = _purpose(chain, said.purpose)
        if purpose is None or not purpose.marketing:
            continue
        refused = said.state in ("ConsentWithdrawn", "ConsentRefused")
        objected = said.reason in ("objected", "objection_overridden")
        if objected or (refused and purpose.basis != "consent"):
            found.append((said.purpose, said.channel))
    return tuple(found)


def choice(
    state: SubjectState,
    book: Book,
    as_of: Instant,
    known: int | None,
    purpose: str,
    channel: str = "",
) -> ChoiceState:
    """The state of one choice; `ConsentUnknown` when nothing was expressed, and where the proof of
    a yes was erased since (rule PERM-proof-erased): what it was is told, and counts for nothing."""
    found = state.consents.get(ChoiceKey(purpose, channel))
    today = day_of(as_of)
    chain = book.chain(today, known)
    declared = _purpose(chain, purpose)
    named = declared or next(
        (e.labels[purpose] for e in reversed(chain) if purpose in e.labels), None
    )
    meaning, flips_on = _meaning(found, declared, today)
    gone = _gone(state, found)
    if gone is not None and found is not None and found.kind in GRANTS:
        meaning, flips_on = _Meaning("ConsentUnknown", gone, _ASKING), None
    stopped_later = (
        found is not None
        and found.kind in GRANTS
        and found.last_stop is not None
        and found.last_stop > found.position
    )
    rests_on = {found.position} if found else set()
    if found and found.last_stop is not None and stopped_later:
        rests_on.add(found.last_stop)
    edition = book.edition(found.edition) if found else None
    return ChoiceState(
        purpose=purpose,
        channel=channel,
        label_fr=(named and named.label_fr) or purpose,
        label_en=(named and named.label_en) or purpose,
        state=meaning.status,
        reason=meaning.reason or gone,
        kind=found.kind if found else None,
        day=found.day if found else None,
        position=found.position if found else None,
        edition=edition.id if edition else None,
        edition_number=found.edition if found else None,
        grade=found.grade if found else None,
        needs_review=stopped_later,
        clause=declared.clause if declared else None,
        article=declared.article if declared else None,
        rests_on=tuple(sorted(rests_on)),
        flips_on=flips_on,
        would_change=meaning.would_change,
    )


def _meaning(
    found: Expression | None, declared: Purpose | None, today: Day
) -> tuple[_Meaning, Day | None]:
    """What the expression means on that day, and the day on which it expires by age."""
    if found is None:
        return _NOTHING, None
    meaning = _MEANINGS.get(found.kind, _NOTHING)
    if found.kind not in GRANTS or declared is None or declared.validity_months is None:
        return meaning, None
    expires = add_months(found.day, declared.validity_months)
    if is_past(expires, today):
        return _Meaning("ConsentExpired", "expired", ("consent.renewed.v1",)), None
    return meaning, add_days(expires, 1)


def _gone(state: SubjectState, found: Expression | None) -> str | None:
    """That the proof of what she said was erased since: it may still be told, not relied upon."""
    if found is not None and state.unproved is not None:
        return UNPROVED if found.position in state.unproved else None
    ended = state.ended.get(EndedKey(CHOICES, ""))
    if found is None or ended is None or ended.tier != "erased":
        return None
    return UNPROVED if ended.position > found.position else None


def without_proof(states: Iterable[SubjectState]) -> frozenset[int]:
    """The positions of what she said under each of her references of which the proof was erased
    since: the state of none of them says it of all."""
    return frozenset(
        said.position
        for state in states
        for said in state.consents.values()
        if _gone(state, said) is not None
    )


def counted_as(found: ChoiceState) -> tuple[ConsentStatus, str]:
    """As what a choice counts among those of everybody: its state, and '' or UNPROVED where the
    state is for that reason alone."""
    unproved = found.reason == UNPROVED and found.kind in GRANTS
    return found.state, UNPROVED if unproved else ""


def choice_of(
    kind: str,
    day: Day,
    book: Book,
    as_of: Instant,
    known: int | None,
    purpose: str,
    channel: str,
    *,
    unproved: bool = False,
) -> ChoiceState:
    """The state of a choice of which only the kind and the day of the expression that counts are at
    hand, and whether its proof was erased since: for whoever counts in SQL."""
    said = Expression(0, 0, 0, kind, int(day), 0, None, None, None, None)
    ended = {EndedKey(CHOICES, ""): Ended("erased", 0, None, 1)} if unproved else {}
    state = SubjectState({}, {}, {ChoiceKey(purpose, channel): said}, None, ended)
    return choice(state, book, as_of, known, purpose, channel)


def _purpose(chain: tuple[Edition, ...], name: str) -> Purpose | None:
    """The purpose as the newest edition in force that has it declares it."""
    return next((e.purposes[name] for e in reversed(chain) if name in e.purposes), None)
