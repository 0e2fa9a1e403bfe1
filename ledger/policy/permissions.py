"""May we write to this person, or call her, for this purpose, over this channel, at this moment?

A verdict, never a bare yes: its basis, rule, clause and article, the facts it rests on, the status
of consent in the Data Privacy Vocabulary, whether that consent is stale, when the answer changes by
calendar alone, and the smallest fact that would change it.

A gate judges a moment t by what had happened at t and was known at t: `person` must be the person
at (t, known at t). Whoever nobody knows gets a verdict too. Pure: no clock, no database, no names.

Conditions are tried in this order, and the first that applies answers: what the policy declares;
who is unknown, dead, a minor or restricted; the law and the contract, which depend on no choice
(SS-COM-1); a standing no, absolute for marketing (SS-LB-3); then what each purpose needs. The offer
to a professional by e-mail or SMS is held to the consumer's rule (CPCE L34-5), for want of another.

Read next: `softoptin.py`, `phone.py`, then the stories in `tests/stories/test_permissions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal, NamedTuple, TypeAlias, cast

from ledger.calendar import (
    Day,
    Instant,
    Moment,
    add_days,
    day_of,
    format_instant,
    moment_of_instant,
    start_of,
)
from ledger.events import (
    AssessmentRecorded,
    CustomerRegistered,
    Fact,
    FormPublished,
    PurposeDeclared,
    Row,
)
from ledger.policy import phone, softoptin
from ledger.policy.book import Book
from ledger.policy.consents import GRANTS, choice
from ledger.policy.explain import Language, words
from ledger.policy.model import Basis, Edition, Purpose
from ledger.policy.softoptin import Offer
from ledger.policy.verdicts import ChoiceState, ConsentStatus
from ledger.projections.model import ChoiceKey, Expression, SubjectState, empty_state

OPEN_TRACKING = "email_open_tracking"
OPENS_DELIBERATED: Day = 20260414  # CNIL délib. 2026-042 is published; LIL art. 82 said so before

PermissionBasis: TypeAlias = Basis | Literal["soft_opt_in"]


class Person(NamedTuple):
    """One person at (t, known at t): the state, her facts that stand (corrections resolved), and
    the same facts in full by position, personal fields unopened."""

    state: SubjectState
    rows: tuple[Row, ...]
    facts: Mapping[int, Fact]


class Company(NamedTuple):
    """What the company declared, known by then: facts about nobody, in order of position."""

    facts: tuple[tuple[int, Fact], ...] = ()


UNKNOWN = Person(empty_state(), (), MappingProxyType({}))
SILENT = Company()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it is allowed, and why. `basis` is None when refused."""

    allowed: bool
    purpose: str
    channel: str
    at: Moment
    basis: PermissionBasis | None
    rule: str
    clause: str
    article: str
    edition: str | None
    state: ConsentStatus  # the DPV's
    stale: str | None  # why the consent it rests on is stale: words/*.toml, [stale]
    reasons: tuple[str, ...]  # every reason, the first one decides: words/*.toml
    rests_on: tuple[int, ...]
    flips_at: Instant | None  # when the answer changes although no fact is added
    would_change: tuple[str, ...]  # kinds: the smallest facts that would change it

    @property
    def flips_on(self) -> Day | None:
        """The day on which the answer changes by calendar alone."""
        return None if self.flips_at is None else day_of(self.flips_at)


class _Answer(NamedTuple):
    basis: PermissionBasis | None
    rule: str
    clause: str
    article: str
    reasons: tuple[str, ...]
    rests_on: tuple[int, ...] = ()
    would_change: tuple[str, ...] = ()


class _Case(NamedTuple):
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
    def on_consent(self) -> bool:
        """Whether a grant stands, and is more than a guess of ours."""
        given = self.choice.state in ("ConsentGiven", "RenewedConsentGiven")
        return given and self.choice.grade != "inferred"


def verdict(
    person: Person | None,
    book: Book,
    purpose: str,
    channel: str,
    moment: Moment,
    known: int | None = None,
    company: Company = SILENT,
    offer: Offer | None = None,
) -> Verdict:
    """The permission for a purpose over a channel at a moment, as known at a position (None: all).

    `channel` is '' for a purpose without channels; `offer` is what the caller says is offered.
    """
    heard = _heard(person, moment, known)
    said = _heard_of(company, moment, known)
    book = _with_declared(book, said)
    answer, case = _answer(heard, said, book, purpose, channel, moment, known, offer)
    flips_at = None
    if case is not None:
        now = answer.basis, case.choice.state
        for turn in sorted(set(_turns(case))):
            later = moment_of_instant(turn)
            then, there = _answer(heard, said, book, purpose, channel, later, known, offer)
            if there is None or (then.basis, there.choice.state) != now:
                flips_at = turn
                break
    state: ConsentStatus = case.choice.state if case else "ConsentUnknown"
    return Verdict(
        allowed=answer.basis is not None,
        purpose=purpose,
        channel=channel,
        at=moment,
        basis=answer.basis,
        rule=answer.rule,
        clause=answer.clause,
        article=answer.article,
        edition=case.edition.id if case else None,
        state=state,
        stale=_stale(case) if case and answer.basis == "consent" else None,
        reasons=answer.reasons,
        rests_on=answer.rests_on,
        flips_at=flips_at,
        would_change=answer.would_change,
    )


def explain(found: Verdict, lang: Language = "fr") -> list[str]:
    """The verdict in plain words: the answer, each reason, the rule, what would change it."""
    vocabulary = words(lang)
    say = vocabulary["permission"]
    lines = [say["allowed" if found.allowed else "refused"]]
    lines += [vocabulary["permission_reason"][reason] for reason in found.reasons]
    if found.stale is not None:
        lines.append(vocabulary["stale"][found.stale])
    article = found.article.replace("GDPR", "RGPD") if lang == "fr" else found.article
    lines.append(say["rule"].format(rule=found.rule, clause=found.clause, article=article))
    if found.rests_on:
        lines.append(say["rests_on"].format(positions=", ".join(map(str, found.rests_on))))
    if found.flips_at is not None:
        lines.append(say["flips_at"].format(at=format_instant(found.flips_at)))
    kinds = [vocabulary["kind"].get(kind, kind) for kind in found.would_change]
    if kinds:
        lines.append(say["would_change"].format(kinds=vocabulary["sentence"]["or"].join(kinds)))
    return lines


# --- the question -------------------------------------------------------------------------------


def _heard(person: Person | None, moment: Moment, known: int | None) -> Person:
    """The person, without what had not happened or was not known: a caller may hand in more."""
    if person is None:
        return UNKNOWN
    rows = tuple(
        row
        for row in person.rows
        if row.occurred_at <= moment.at and (known is None or row.position <= known)
    )
    told = {row.position for row in rows}
    facts = {position: fact for position, fact in person.facts.items() if position in told}
    return Person(person.state, rows, facts)


def _heard_of(company: Company, moment: Moment, known: int | None) -> Company:
    return Company(
        tuple(
            (position, fact)
            for position, fact in company.facts
            if fact.occurred.at <= moment.at and (known is None or position <= known)
        )
    )


def _answer(
    person: Person,
    company: Company,
    book: Book,
    purpose: str,
    channel: str,
    moment: Moment,
    known: int | None,
    offer: Offer | None,
) -> tuple[_Answer, _Case | None]:
    """The answer at a moment from the facts known now; no case when nothing is declared."""
    chain = book.chain(moment.day, known)
    declared = _purposes(chain).get(purpose)
    if declared is None:
        article = "GDPR art. 5(1)(b)"
        refused = _no("undeclared", "SS-CTL-2", article, ("purpose.declared.v1",))
        return refused, None
    if (declared.channels or channel) and channel not in declared.channels:
        return _no("channel", declared.clause, declared.article, ("policy.published.v1",)), None
    chosen = _choice(person.state, book, moment, known, declared, channel)
    case = _Case(person, company, book, chain[-1], declared, channel, moment, known, offer, chosen)
    return _judge(case), case


def _with_declared(book: Book, company: Company) -> Book:
    """The book, each edition with the purposes that were declared beside all of them."""
    own = {name for entry in book.entries for name in entry.edition.purposes}
    declared = [_purpose(fact) for _, fact in company.facts if isinstance(fact, PurposeDeclared)]
    added = {purpose.id: purpose for purpose in declared if purpose.id not in own}
    if not added:
        return book
    return Book(
        tuple(
            entry._replace(edition=replace(entry.edition, purposes=entry.edition.purposes | added))
            for entry in book.entries
        )
    )


def _purpose(fact: PurposeDeclared) -> Purpose:
    return Purpose(
        id=fact.purpose,
        label_fr=fact.purpose,
        label_en=fact.purpose,
        basis=cast(Basis, fact.basis),
        channels=fact.channels or (),
        marketing=fact.marketing,
        validity_months=fact.validity_months,
        clause="SS-CTL-2",
        article=fact.article,
    )


def _purposes(chain: tuple[Edition, ...]) -> dict[str, Purpose]:
    """The purposes as the newest edition in force that has them declares them."""
    return {name: found for edition in chain for name, found in edition.purposes.items()}


def _choice(
    state: SubjectState,
    book: Book,
    moment: Moment,
    known: int | None,
    purpose: Purpose,
    channel: str,
) -> ChoiceState:
    """The expression that counts: the one over this channel, unless a later no covers them all.

    A yes that names no channel is not specific, and allows none (GDPR art. 4(11))."""
    own = state.consents.get(ChoiceKey(purpose.id, channel))
    for_all = state.consents.get(ChoiceKey(purpose.id, "")) if channel else None
    if for_all is not None and for_all.rank == 1 and (own is None or _order(own) < _order(for_all)):
        channel = ""
    return choice(state, book, moment.at, known, purpose.id, channel)


def _order(expression: Expression) -> tuple[int, int, int]:
    return expression.at, expression.rank, expression.position


# --- the rules, in order --------------------------------------------------------------------------


def _judge(case: _Case) -> _Answer:
    return (
        _unknown(case)
        or _by_law(case)
        or _protected(case)
        or _by_contract(case)
        or _standing_no(case)
        or _by_channel(case)
    )


def _unknown(case: _Case) -> _Answer | None:
    if case.person.rows:
        return None
    return _no("unknown_person", "SS-CTL-2", "GDPR art. 6(1)", ("customer.registered.v1",))


def _by_law(case: _Case) -> _Answer | None:
    """What a law imposes depends on nobody's choice (SS-LB-4)."""
    if case.purpose.basis != "legal_obligation":
        return None
    return _yes(case, "legal_obligation", "legal_obligation", ())


def _protected(case: _Case) -> _Answer | None:
    """The dead, the very young, and whoever had the use of her data restricted."""
    rows = case.person.rows
    chooses = case.purpose.marketing or case.purpose.basis in ("consent", "legitimate_interest")
    dead = _last(case, "customer.died.v1")
    if dead and chooses:
        return _no("dead", "SS-DSR-7", "LIL art. 85", ("fact.voided.v1",), (dead.position,))
    young = _last(case, "customer.minor_signalled.v1")
    if young and young.decision == "under_15" and chooses:
        return _no("under_15", "SS-MIN-1", "LIL art. 45", ("fact.voided.v1",), (young.position,))
    grounds: dict[str | None, int] = {}
    for row in sorted(rows, key=lambda row: (row.occurred_at, row.position)):
        if row.kind == "customer.restricted.v1":
            grounds[row.basis] = row.position
        elif row.kind == "customer.restriction_lifted.v1":
            grounds.pop(row.basis, None)
    if grounds:
        lifting = ("customer.restriction_lifted.v1",)
        rests_on = tuple(sorted(grounds.values()))
        return _no("restricted", "SS-DSR-5", "GDPR art. 18(2)", lifting, rests_on)
    return None


def _by_contract(case: _Case) -> _Answer | None:
    """Service follows the contract, or what she asked of us, whatever she chose (SS-COM-1)."""
    if case.purpose.basis != "contract":
        return None
    served = [row.position for row in case.person.rows if _asks_for_service(case, row)]
    if not served:
        asking = ("order.placed.v1", "contract.started.v1", "customer.contacted_us.v1")
        return _no("no_relation", case.purpose.clause, case.purpose.article, asking)
    return _yes(case, "contract", "service", (served[-1],))


def _asks_for_service(case: _Case, row: Row) -> bool:
    fact = case.person.facts.get(row.position)
    if isinstance(fact, CustomerRegistered):
        return fact.origin in ("account", "order")
    return row.kind in (
        *("order.placed.v1", "contract.started.v1", "customer.account_opened.v1"),
        *("customer.contacted_us.v1", "customer.logged_in.v1", "ticket.opened.v1"),
    )


def _standing_no(case: _Case) -> _Answer | None:
    """A refusal, a withdrawal, an objection. To marketing it is absolute: weighing it changes
    nothing (GDPR art. 21(2) and (3))."""
    found = case.choice
    overridden = found.kind == "objection.assessed.v1" and case.purpose.marketing
    change = ("objection.lifted.v1", "consent.given.v1")
    if found.reason == "objected" or overridden:
        article = "GDPR art. 21(2), 21(3)" if case.purpose.marketing else "GDPR art. 21(1)"
        return _no("objected", "SS-LB-3", article, change, found.rests_on)
    if found.state == "ConsentWithdrawn":
        return _no("withdrawn", "SS-LB-2", "GDPR art. 7(3)", change[1:], found.rests_on)
    if found.state == "ConsentRefused":
        clause, article = case.purpose.clause, case.purpose.article
        return _no("consent_refused", clause, article, change[1:], found.rests_on)
    return None


def _by_channel(case: _Case) -> _Answer:
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
    if case.purpose.marketing and case.channel in softoptin.CLAUSES:
        return _by_letter(case)
    return _yes(case, "legitimate_interest", "interest", case.choice.rests_on)


def _by_letter(case: _Case) -> _Answer:
    """An offer by e-mail or SMS: consent, or the five facts of the soft opt-in (CPCE L34-5)."""
    clause = softoptin.CLAUSES[case.channel]
    if case.on_consent:
        return _consent_only(case, "consent", clause, softoptin.ARTICLE)
    found = softoptin.five_facts(
        case.person.rows,
        case.person.facts,
        case.purpose.id,
        case.channel,
        case.offer,
        _assessed(case),
        None,  # a standing no has already answered
    )
    rule, article = "PERM-soft-optin", softoptin.ARTICLE
    if found.missing:
        change = tuple(dict.fromkeys(softoptin.WOULD_PROVE[name] for name in found.missing))
        why = ("no_consent", *(f"missing_{name}" for name in found.missing))
        change = ("consent.given.v1", *change)
        return _Answer(None, rule, clause, article, why, found.rests_on, change)
    stopping = ("objection.raised.v1", "consent.refused.v1")
    return _Answer("soft_opt_in", rule, clause, article, ("soft_opt_in",), found.rests_on, stopping)


def _consent_only(case: _Case, rule: str, clause: str, article: str) -> _Answer:
    found, given = case.choice, ("consent.given.v1",)
    if case.on_consent:
        change = found.would_change
        yes = f"PERM-{rule}", clause, article, ("consent",)
        return _Answer("consent", *yes, found.rests_on, change)
    why = "consent_inferred" if found.kind in GRANTS else "no_consent"
    if found.reason == "expired":
        why, given = "consent_expired", ("consent.renewed.v1",)
    return _Answer(None, f"PERM-{rule}", clause, article, (why,), found.rests_on, given)


def _automated(case: _Case) -> _Answer:
    """A machine calls only with express agreement, and proof of it (SS-COM-6)."""
    found = _proved(case, "automated", "SS-COM-6", softoptin.ARTICLE)
    return found if found.basis is None else _within_hours(case, found)


def _telephone(case: _Case) -> _Answer:
    """An offer by an operator: a professional may object; for a consumer the law of the day."""
    kind, named = phone.person_kind(case.person.facts)
    law = phone.law_of(case.moment.day)
    if kind == "professional":
        why = ("professional",)
        return _yes(case, "legitimate_interest", "phone-professional", (named or 0,), why)
    if law.regime == "opt_out":
        found = _yes(case, "legitimate_interest", "phone-optout", case.choice.rests_on)
        return _within_hours(case, found._replace(rule=law.rule, article=law.article))
    found = _proved(case, "phone-optin", "SS-COM-5", law.article)
    contracts = phone.running(case.person.state.contracts, case.moment.day)
    if found.basis is None and contracts:
        if case.offer == "contract":
            rests_on = tuple(sorted({c.from_position or 0 for c in contracts}))
            found = _Answer(
                "contract",
                *("PERM-phone-contract", "SS-COM-5", law.article, ("running_contract",)),
                *(rests_on, ("contract.ended.v1", "objection.raised.v1")),
            )
        else:
            found = found._replace(reasons=(*found.reasons, "offer_unrelated"))
    return found if found.basis is None else _within_hours(case, found)


def _proved(case: _Case, rule: str, clause: str, article: str) -> _Answer:
    """Consent whose proof we hold: it is ours to give (C. conso. L223-1; GDPR art. 7(1))."""
    found = _consent_only(case, rule, clause, article)
    if found.basis is not None and case.choice.grade != "proved":
        change = ("consent.renewed.v1",)
        return found._replace(basis=None, reasons=("consent_not_proved",), would_change=change)
    return found


def _within_hours(case: _Case, allowed: _Answer) -> _Answer:
    """Also within the hours, counts and silences of consumers."""
    kind, _ = phone.person_kind(case.person.facts)
    if kind == "professional":
        return allowed
    chain = case.book.chain(case.moment.day, case.known)
    marketing = {p.id for p in _purposes(chain).values() if p.marketing}
    shut = list(phone.closings(case.person.rows, case.person.facts, marketing, case.moment))
    if not shut:
        return allowed
    return _Answer(
        None,
        *("PERM-phone-hours", allowed.clause, phone.HOURS_ARTICLE),
        tuple(closing.reason for closing in shut),
        tuple(sorted({position for closing in shut for position in closing.rests_on})),
        (),
    )


def _yes(
    case: _Case,
    basis: Basis,
    rule: str,
    rests_on: tuple[int, ...],
    reasons: tuple[str, ...] | None = None,
) -> _Answer:
    """Allowed on that basis until the smallest fact that stops it."""
    stopping = ("objection.raised.v1",) if basis == "legitimate_interest" else ()
    clause, article = case.purpose.clause, case.purpose.article
    why = reasons or (rule.replace("-", "_"),)
    return _Answer(basis, f"PERM-{rule}", clause, article, why, rests_on, stopping)


def _no(
    reason: str,
    clause: str,
    article: str,
    would_change: tuple[str, ...],
    rests_on: tuple[int, ...] = (),
) -> _Answer:
    rule = f"PERM-{reason.replace('_', '-')}"
    return _Answer(None, rule, clause, article, (reason,), rests_on, would_change)


# --- what follows from it -------------------------------------------------------------------------


def _stale(case: _Case) -> str | None:
    """Why the consent rests on words that are no longer ours: its form was published again with
    another text, or the purpose is declared otherwise. A flag: what changed, a person must read."""
    found = case.choice
    fact = case.person.facts.get(found.position or 0)
    form = getattr(fact, "form", None)
    if fact is not None and form is not None:
        texts = [
            (told.occurred.at, position, told.document)
            for position, told in case.company.facts
            if isinstance(told, FormPublished) and told.form == form
        ]
        shown = max((text for text in texts if text[0] <= fact.occurred.at), default=None)
        if shown is not None and max(texts)[2] != shown[2]:
            return "form_changed"
    before = case.book.edition(found.edition_number or 0)
    if before is None or before.number >= case.edition.number:
        return None
    return None if _told(before, case.purpose) == _told(case.edition, case.purpose) else "changed"


def _told(edition: Edition, purpose: Purpose) -> tuple[object, ...]:
    """What a person reading that edition learns of a purpose."""
    told = edition.purposes.get(purpose.id, purpose)
    clause = edition.clauses.get(told.clause)
    return told.label_fr, told.basis, told.marketing, clause.fr if clause else None


def _turns(case: _Case) -> Iterator[Instant]:
    """The later instants at which the calendar alone may change the answer."""
    days = [edition.effective_from for edition in case.book.known(case.known)]
    if case.choice.flips_on is not None:
        days.append(case.choice.flips_on)
    days += [OPENS_DELIBERATED, *(law.since for law in phone.LAW)]
    planned = (contract.planned_day for contract in case.person.state.contracts.values())
    days += [add_days(day, 1) for day in planned if day is not None]
    for day in days:
        if start_of(day) > case.moment.at:
            yield start_of(day)
    if case.channel in ("phone", "automated_call") and case.purpose.marketing:
        yield from phone.turns(case.person.rows, case.moment.at, case.moment.day)


def _assessed(case: _Case) -> softoptin.Assessed | None:
    """The latest balancing test of this purpose."""
    found = [
        softoptin.Assessed(position, fact)
        for position, fact in case.company.facts
        if isinstance(fact, AssessmentRecorded)
        and fact.type == "balancing_test"
        and fact.purpose == case.purpose.id
    ]
    return max(found, key=lambda a: (a.fact.occurred.at, a.position), default=None)


def _last(case: _Case, kind: str) -> Row | None:
    rows = [row for row in case.person.rows if row.kind == kind]
    return max(rows, key=lambda row: (row.occurred_at, row.position), default=None)
