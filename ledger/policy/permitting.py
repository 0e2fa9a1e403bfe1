"""The rules of permission, in the order in which they are tried; the first that applies answers.

What nobody knows; what a law imposes; the dead, the very young and the restricted; what serves a
contract, which depends on no choice (SS-COM-1); a standing no, absolute for marketing (SS-LB-3);
those whose choices were erased; then what each purpose and channel needs. The offer to a
professional by e-mail or SMS is held to the consumer's rule (CPCE L34-5), for want of another.

Asked through `permissions.verdict`. Read next: `softoptin.py`, `phone.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.calendar import Day, Instant, Moment
from ledger.events import (
    KINDS,
    AssessmentRecorded,
    CallPlaced,
    ClassErased,
    CustomerRegistered,
    Fact,
    Row,
)
from ledger.policy import phone, softoptin
from ledger.policy.book import Book
from ledger.policy.consents import CHOICES, GRANTS, UNPROVED, counted_as
from ledger.policy.holds import restricted
from ledger.policy.model import Basis, Edition, Purpose
from ledger.policy.softoptin import Offer
from ledger.policy.verdicts import ChoiceState
from ledger.projections.joins import ALONE, Joins, last_words
from ledger.projections.model import SubjectState

OPEN_TRACKING = "email_open_tracking"
OPENS_DELIBERATED: Day = 20260414  # CNIL délib. 2026-042 is published; LIL art. 82 said so before
SOFT_OPT_IN = "PERM-soft-optin"
"""The rule that asks for the five facts, where there is no consent."""

PROTECTING = (
    *("customer.died.v1", "customer.heir_requested.v1", "customer.minor_signalled.v1"),
    *("customer.restricted.v1", "customer.restriction_lifted.v1"),
)
SERVING = (
    *("order.placed.v1", "contract.started.v1", "customer.account_opened.v1"),
    *("customer.contacted_us.v1", "customer.logged_in.v1", "ticket.opened.v1"),
)
"""The kinds by which she asks for service."""
HEEDED = frozenset(
    {
        *(kind for kind, cls in KINDS.items() if cls.aggregate == "consent"),
        *(*PROTECTING, ClassErased.kind, *SERVING, "order.cancelled.v1"),
        *(CustomerRegistered.kind, "customer.profile_rectified.v1", CallPlaced.kind),
    }
)
"""The kinds of her facts that a rule looks at, beside her state. Of any other it asks no more than
whether there is one."""

PermissionBasis: TypeAlias = Basis | Literal["soft_opt_in"]


class Objection(NamedTuple):
    """A no to a purpose over a channel ('': over all of them) that outlived the erasure of whoever
    said it: the instant up to which she is forgotten, and the position of the erasure."""

    purpose: str
    channel: str
    at: Instant
    position: int


class Person(NamedTuple):
    """One person at (t, known at t): the state, her facts that stand (corrections resolved), the
    same facts in full by position, personal fields unopened; and `opposed`: what somebody with a
    reference of hers had said no to before being erased. Under several references she is one
    person (`ledger.permitting.joined.as_one`): `joins` says since when, and `apart` is she under
    each of them alone, the kept one first, with the position since when it is hers."""

    state: SubjectState
    rows: tuple[Row, ...]
    facts: Mapping[int, Fact]
    opposed: frozenset[Objection] = frozenset()
    joins: Joins = ALONE
    apart: tuple[tuple[int, Person], ...] = ()


class Company(NamedTuple):
    """What the company declared, known by then: facts about nobody, in order of position."""

    facts: tuple[tuple[int, Fact], ...] = ()


class Answer(NamedTuple):
    """What a rule answers; `basis` is None when it refuses."""

    basis: PermissionBasis | None
    rule: str
    clause: str
    article: str
    reasons: tuple[str, ...]
    rests_on: tuple[int, ...] = ()
    would_change: tuple[str, ...] = ()


class Case(NamedTuple):
    """One question, with what every rule looks at."""

    person: Person
    company: Company
    book: Book
    edition: Edition
    purpose: Purpose
    channel: str
    moment: Moment
    known: int | None
    offer: Offer | None
    choice: ChoiceState

    @property
    def chooses(self) -> bool:
        """Whether she has a say in this purpose."""
        return self.purpose.marketing or self.purpose.basis in ("consent", "legitimate_interest")

    @property
    def on_consent(self) -> bool:
        """Whether a grant stands, and is more than a guess of ours."""
        given = self.choice.state in ("ConsentGiven", "RenewedConsentGiven")
        return given and self.choice.grade != "inferred"


def judge(case: Case) -> Answer:
    """The answer of the first rule that applies."""
    return (
        _unknown(case)
        or _by_law(case)
        or _protected(case)
        or _by_contract(case)
        or _standing_no(case)
        or _forgotten(case)
        or _by_channel(case)
    )


def _unknown(case: Case) -> Answer | None:
    if case.person.rows:
        return None
    return refuse("unknown_person", "SS-CTL-2", "GDPR art. 6(1)", ("customer.registered.v1",))


def _by_law(case: Case) -> Answer | None:
    """What a law imposes depends on nobody's choice (SS-LB-4)."""
    if case.purpose.basis != "legal_obligation":
        return None
    return _allow(case, "legal_obligation", "legal_obligation", ())


def _protected(case: Case) -> Answer | None:
    """The dead, the very young, and whoever had the use of her data restricted."""
    rows, joins = case.person.rows, case.person.joins
    dead = _last(case, "customer.died.v1")
    if dead and case.chooses:
        return refuse("dead", "SS-DSR-7", "LIL art. 85", ("fact.voided.v1",), (dead.position,))
    stopped = dead and _last(case, "customer.heir_requested.v1", decision="objection")
    if dead and stopped:
        both = (dead.position, stopped.position)
        return refuse("heirs_objected", "SS-DSR-7", "LIL art. 85", ("fact.voided.v1",), both)
    signals = last_words((r for r in rows if r.kind == "customer.minor_signalled.v1"), joins)
    young = [row.position for row in signals if row.decision == "under_15"]
    if young and case.chooses:
        return refuse("under_15", "SS-MIN-1", "LIL art. 45", ("fact.voided.v1",), (young[-1],))
    grounds = restricted(rows, joins)
    if grounds:
        lifting = ("customer.restriction_lifted.v1",)
        rests_on = tuple(sorted(row.position for row in grounds))
        return refuse("restricted", "SS-DSR-5", "GDPR art. 18(2)", lifting, rests_on)
    return None


def _by_contract(case: Case) -> Answer | None:
    """Service follows the contract, or what she asked of us, whatever she chose (SS-COM-1)."""
    if case.purpose.basis != "contract":
        return None
    served = [row.position for row in case.person.rows if _asks_for_service(case, row)]
    if not served:
        asking = ("order.placed.v1", "contract.started.v1", "customer.contacted_us.v1")
        return refuse("no_relation", case.purpose.clause, case.purpose.article, asking)
    return _allow(case, "contract", "service", (served[-1],))


def _asks_for_service(case: Case, row: Row) -> bool:
    if row.kind == CustomerRegistered.kind:
        fact = case.person.facts.get(row.position)
        return isinstance(fact, CustomerRegistered) and fact.origin in ("account", "order")
    return row.kind in SERVING


def _standing_no(case: Case) -> Answer | None:
    """A refusal, a withdrawal, an objection. To marketing it is absolute: weighing it changes
    nothing (GDPR art. 21(2) and (3))."""
    found, purpose = case.choice, case.purpose
    overridden = found.kind == "objection.assessed.v1" and purpose.marketing
    lifting, giving = ("objection.lifted.v1", "consent.given.v1"), ("consent.given.v1",)
    refused: Answer | None = None
    if found.reason == "objected" or overridden:
        article = "GDPR art. 21(2), 21(3)" if purpose.marketing else "GDPR art. 21(1)"
        refused = refuse("objected", "SS-LB-3", article, lifting, found.rests_on)
    elif found.state == "ConsentWithdrawn":
        refused = refuse("withdrawn", "SS-LB-2", "GDPR art. 7(3)", giving, found.rests_on)
    elif found.state == "ConsentRefused":
        clause, article = purpose.clause, purpose.article
        refused = refuse("consent_refused", clause, article, giving, found.rests_on)
    if refused is not None and _softly(case):
        missing = _five_facts(case, found.position).missing
        refused = refused._replace(reasons=(*refused.reasons, *map("missing_{}".format, missing)))
    return refused


def _forgotten(case: Case) -> Answer | None:
    """Whoever had the proof of her choices erased is as if she had never said yes: what nobody can
    prove any more is no consent (GDPR art. 7(1)). Where it was not their term that ended, what the
    law makes us keep of her is no reason to write to her either (art. 17(1)). A later yes is."""
    erased = _last(case, ClassErased.kind, decision=CHOICES, of=_holder(case))
    if erased is None or _said_since(case, erased):
        return None
    unproved = counted_as(case.choice)[1] == UNPROVED and case.choice.grade != "inferred"
    if not (unproved or (case.chooses and erased.basis != "term")):
        return None
    article = "GDPR art. 7(1), 17(1)"
    given, rests_on = ("consent.given.v1",), (erased.position,)
    return refuse("proof_erased", "SS-DSR-3", article, given, rests_on)


def _holder(case: Case) -> UUID | None:
    """Under which reference of hers the proof of her yes is kept: what is erased under another one
    takes nothing from it. None where there is no yes: any of them counts."""
    rows = case.person.rows if case.on_consent else ()
    return next((row.subject for row in rows if row.position == case.choice.position), None)


def _said_since(case: Case, erased: Row) -> bool:
    return case.choice.position is not None and case.choice.position > erased.position


def _softly(case: Case) -> bool:
    """Whether a soft opt-in may stand in for consent: an offer by e-mail or SMS."""
    interest = case.purpose.basis == "legitimate_interest"
    return case.purpose.marketing and interest and case.channel in softoptin.CLAUSES


def _by_channel(case: Case) -> Answer:
    if case.channel == "automated_call":
        return _automated(case)
    if case.purpose.marketing and case.channel == "phone":
        return _telephone(case)
    if case.purpose.id == OPEN_TRACKING:
        since = case.moment.day >= OPENS_DELIBERATED
        article = "LIL art. 82; CNIL délib. 2026-042" if since else "LIL art. 82"
        return _consent_only(case, "opens", "SS-COM-4", article)
    if case.purpose.basis == "consent":
        return _consent_only(case, "consent", case.purpose.clause, case.purpose.article)
    if _softly(case):
        return _by_letter(case)
    return _allow(case, "legitimate_interest", "interest", case.choice.rests_on)


def _by_letter(case: Case) -> Answer:
    """An offer by e-mail or SMS: consent, or the five facts of the soft opt-in (CPCE L34-5)."""
    clause = softoptin.CLAUSES[case.channel]
    if case.on_consent:
        return _consent_only(case, "consent", clause, softoptin.ARTICLE)
    found = _five_facts(case, None)
    rule, article = SOFT_OPT_IN, softoptin.ARTICLE
    if found.missing:
        change = tuple(dict.fromkeys(softoptin.WOULD_PROVE[name] for name in found.missing))
        no, rests_on = _none_yet(case)
        why = (no, *(f"missing_{name}" for name in found.missing))
        change = ("consent.given.v1", *change)
        rests_on = tuple(sorted({*rests_on, *found.rests_on}))
        return Answer(None, rule, clause, article, why, rests_on, change)
    stopping = ("objection.raised.v1", "consent.refused.v1")
    return Answer("soft_opt_in", rule, clause, article, ("soft_opt_in",), found.rests_on, stopping)


def _none_yet(case: Case) -> tuple[str, tuple[int, ...]]:
    """Why there is no consent: none was given, or it waits for her confirmation under another
    reference of hers (`awaiting.py`); with what the latter rests on."""
    return (
        ("awaited", case.choice.rests_on) if case.choice.reason == "awaited" else ("no_consent", ())
    )


def _five_facts(case: Case, objected: int | None) -> softoptin.SoftOptIn:
    return softoptin.five_facts(
        case.person.rows,
        case.person.facts,
        case.purpose.id,
        case.channel,
        case.offer,
        _assessed(case),
        objected,
    )


def _consent_only(case: Case, rule: str, clause: str, article: str) -> Answer:
    found, given = case.choice, ("consent.given.v1",)
    if case.on_consent:
        change = found.would_change
        yes = f"PERM-{rule}", clause, article, ("consent",)
        return Answer("consent", *yes, found.rests_on, change)
    why = _none_yet(case)[0]
    if found.kind in GRANTS and why == "no_consent":
        why = "consent_inferred"
    if found.reason == "expired":
        why, given = "consent_expired", ("consent.renewed.v1",)
    return Answer(None, f"PERM-{rule}", clause, article, (why,), found.rests_on, given)


def _automated(case: Case) -> Answer:
    """A machine calls only with express agreement, and proof of it (SS-COM-6)."""
    found = _proved(case, "automated", "SS-COM-6", softoptin.ARTICLE)
    return found if found.basis is None else _within_hours(case, found)


def _telephone(case: Case) -> Answer:
    """An offer by an operator: a professional may object; for a consumer the law of the day."""
    kind, named = phone.person_kind(case.person.facts)
    law = phone.law_of(case.moment.day)
    agreed_only = case.purpose.basis == "consent"  # the policy may ask for more than the law
    if kind == "professional" and not agreed_only:
        why = ("professional",)
        return _allow(case, "legitimate_interest", "phone-professional", (named or 0,), why)
    if law.regime == "opt_out" and not agreed_only:
        found = _allow(case, "legitimate_interest", "phone-optout", case.choice.rests_on)
        return _within_hours(case, found._replace(rule=law.rule, article=law.article))
    found = _proved(case, "phone-optin", "SS-COM-5", law.article)
    contracts = phone.running(case.person.state.contracts, case.moment.day)
    if found.basis is None and contracts:
        if case.offer == "contract":
            rests_on = tuple(sorted({c.from_position or 0 for c in contracts}))
            found = Answer(
                "contract",
                *("PERM-phone-contract", "SS-COM-5", law.article, ("running_contract",)),
                *(rests_on, ("contract.ended.v1", "objection.raised.v1")),
            )
        else:
            found = found._replace(reasons=(*found.reasons, "offer_unrelated"))
    return found if found.basis is None else _within_hours(case, found)


def _proved(case: Case, rule: str, clause: str, article: str) -> Answer:
    """Consent whose proof we hold: it is ours to give (C. conso. L223-1; GDPR art. 7(1))."""
    found = _consent_only(case, rule, clause, article)
    if found.basis is not None and case.choice.grade != "proved":
        change = ("consent.renewed.v1",)
        return found._replace(basis=None, reasons=("consent_not_proved",), would_change=change)
    return found


def _within_hours(case: Case, allowed: Answer) -> Answer:
    """Also within the hours, counts and silences of consumers."""
    kind, _ = phone.person_kind(case.person.facts)
    if kind == "professional":
        return allowed
    chain = case.book.chain(case.moment.day, case.known)
    marketing = {p.id for p in purposes_of(chain).values() if p.marketing}
    shut = list(phone.closings(case.person.rows, case.person.facts, marketing, case.moment))
    if not shut:
        return allowed
    return Answer(
        None,
        *("PERM-phone-hours", allowed.clause, phone.HOURS_ARTICLE),
        tuple(closing.reason for closing in shut),
        tuple(sorted({position for closing in shut for position in closing.rests_on})),
        (),
    )


def _allow(
    case: Case,
    basis: Basis,
    rule: str,
    rests_on: tuple[int, ...],
    reasons: tuple[str, ...] | None = None,
) -> Answer:
    """Allowed on that basis until the smallest fact that stops it."""
    stopping = ("objection.raised.v1",) if basis == "legitimate_interest" else ()
    clause, article = case.purpose.clause, case.purpose.article
    why = reasons or (rule.replace("-", "_"),)
    return Answer(basis, f"PERM-{rule}", clause, article, why, rests_on, stopping)


def refuse(
    reason: str,
    clause: str,
    article: str,
    would_change: tuple[str, ...],
    rests_on: tuple[int, ...] = (),
) -> Answer:
    """No, for this reason and under the rule of that name."""
    rule = f"PERM-{reason.replace('_', '-')}"
    return Answer(None, rule, clause, article, (reason,), rests_on, would_change)


def purposes_of(chain: tuple[Edition, ...]) -> dict[str, Purpose]:
    """The purposes as the newest edition in force that has them declares them."""
    return {name: found for edition in chain for name, found in edition.purposes.items()}


def _assessed(case: Case) -> softoptin.Assessed | None:
    """The latest balancing test of this purpose."""
    found = [
        softoptin.Assessed(position, fact)
        for position, fact in case.company.facts
        if isinstance(fact, AssessmentRecorded)
        and fact.type == "balancing_test"
        and fact.purpose == case.purpose.id
    ]
    return max(found, key=lambda a: (a.fact.occurred.at, a.position), default=None)


def _last(case: Case, kind: str, decision: str | None = None, of: UUID | None = None) -> Row | None:
    rows = [row for row in case.person.rows if row.kind == kind]
    rows = [row for row in rows if decision in (None, row.decision) and of in (None, row.subject)]
    return max(rows, key=lambda row: (row.occurred_at, row.position), default=None)
