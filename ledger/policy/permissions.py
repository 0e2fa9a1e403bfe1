"""May we write to this person, or call her, for this purpose, over this channel, at this moment?

A verdict, never a bare yes: its basis, rule, clause and article, the facts it rests on, the status
of consent in the Data Privacy Vocabulary, whether that consent is stale, when the answer changes by
calendar alone, and the smallest fact that would change it.

A gate judges a moment t by what had happened at t and was known at t: `person` must be the person
at (t, known at t). Whoever nobody knows gets a verdict too. Pure: no clock, no database, no names.

Here the question is prepared and the answer followed into the future; the rules are in
`permitting.py`. Read it next, then the stories in `tests/stories/test_permissions.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
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
from ledger.events import PurposeDeclared
from ledger.policy import phone, stale
from ledger.policy.awaiting import Awaited, awaited, held_back
from ledger.policy.book import Book
from ledger.policy.consents import GRANTS, choice
from ledger.policy.explain import Language, either, resting_on, words
from ledger.policy.model import Basis, Edition, Purpose
from ledger.policy.permitting import (
    OPENS_DELIBERATED,
    Answer,
    Case,
    Company,
    Objection,
    PermissionBasis,
    Person,
    judge,
    purposes_of,
    refuse,
)
from ledger.policy.softoptin import Offer
from ledger.policy.verdicts import ConsentStatus
from ledger.projections.model import ChoiceKey, Expression, SubjectState, empty_state

OnList: TypeAlias = Literal["erased", "objected"]
"""Why somebody is on a list that outlives her: keyed HMACs of her references, nothing else."""

__all__ = [
    "SILENT",
    "UNKNOWN",
    "Asked",
    "Company",
    "Objection",
    "Person",
    "Verdict",
    "declared",
    "explain",
    "heard_of",
    "objects_still",
    "on_list",
    "verdict",
    "verdict_now",
    "verdict_until",
]

END: Instant = 2**62
"""After all that is recorded."""
UNKNOWN = Person(empty_state(), (), MappingProxyType({}))
SILENT = Company()


class Verdict(NamedTuple):
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


class Asked(NamedTuple):
    """May this person (None: nobody knows her) be written to, or called, for a purpose over a
    channel ('': the purpose has none) at a moment, as known at a position (None: all)? `offer` is
    what the caller says is offered."""

    person: Person | None
    book: Book
    purpose: str
    channel: str
    moment: Moment
    known: int | None = None
    company: Company = SILENT
    offer: Offer | None = None


def verdict(asked: Asked) -> Verdict:
    """The permission for what is asked."""
    question = _question(asked)
    answer, case = question.at(asked.moment)
    found = _verdict(asked, answer, case)
    if case is not None:
        now = answer.basis, case.choice.state
        lapses = (one.until + 1 for one in question.waits if one.until >= asked.moment.at)
        for turn in sorted({*_turns(case), *lapses}):
            then, there = question.at(moment_of_instant(turn))
            if there is None or (then.basis, there.choice.state) != now:
                return found._replace(flips_at=turn)
    return found


def verdict_now(asked: Asked) -> Verdict:
    """The same verdict for whoever does not care when it changes: `flips_at` is not looked for."""
    return _verdict(asked, *_question(asked).at(asked.moment))


def verdict_until(asked: Asked) -> tuple[Verdict, Instant]:
    """The same verdict, and the first later instant at which it may be another although all that is
    heard stays the same. What depends on the hour may be at once."""
    question, at = _question(asked), asked.moment.at
    answer, case = question.at(asked.moment)
    by_hours = asked.channel in phone.CHANNELS
    turns = [at] if case is None or by_hours or question.waits else list(_turns(case))
    return _verdict(asked, answer, case), min(turns, default=END)


def on_list(reason: OnList, purpose: str, channel: str, moment: Moment) -> Verdict:
    """The verdict on somebody of whom only a list is left: erased, or opposed before that."""
    if reason == "objected":
        lifting = ("objection.lifted.v1",)
        answer = refuse("objected", "SS-LB-3", "GDPR art. 21(2), 21(3)", lifting)
    else:
        answer = refuse("erased", "SS-DSR-3", "GDPR art. 17", ("customer.registered.v1",))
    return Verdict(
        *(False, purpose, channel, moment, None, answer.rule, answer.clause, answer.article, None),
        *("ConsentRefused" if reason == "objected" else "ConsentUnknown", None, answer.reasons),
        *((), None, answer.would_change),
    )


def declared(
    book: Book, company: Company, purpose: str, moment: Moment, known: int | None = None
) -> Purpose | None:
    """The purpose as it is declared at that moment, as known at a position."""
    told = _with_declared(book, heard_of(company, moment, known))
    return purposes_of(told.chain(moment.day, known)).get(purpose)


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
        lines.append(resting_on(found.rests_on, lang))
    if found.flips_at is not None:
        lines.append(say["flips_at"].format(at=format_instant(found.flips_at)))
    if found.would_change:
        lines.append(say["would_change"].format(kinds=either(found.would_change, lang)))
    return lines


# --- the question -------------------------------------------------------------------------------


def _heard(person: Person | None, moment: Moment, known: int | None) -> Person:
    """The person, without what had not happened or was not known: a caller may hand in more. Her
    facts apart are not looked at again."""
    if person is None:
        return UNKNOWN
    opposed = frozenset(
        one
        for one in person.opposed
        if one.at <= moment.at and (known is None or one.position <= known)
    )
    rows = tuple(
        row
        for row in person.rows
        if row.occurred_at <= moment.at and (known is None or row.position <= known)
    )
    told = {row.position for row in rows}
    all_heard = len(rows) == len(person.rows) and len(opposed) == len(person.opposed)
    if all_heard and told.issuperset(person.facts):
        return person
    facts = {position: fact for position, fact in person.facts.items() if position in told}
    apart = tuple(
        (since, one._replace(opposed=one.opposed & opposed)) for since, one in person.apart
    )
    return person._replace(rows=rows, facts=facts, opposed=opposed, apart=apart)


def heard_of(company: Company, moment: Moment, known: int | None) -> Company:
    """The company, without what had not happened or was not known."""
    if not company.facts:
        return company
    return Company(
        tuple(
            (position, fact)
            for position, fact in company.facts
            if fact.occurred.at <= moment.at and (known is None or position <= known)
        )
    )


class _Question(NamedTuple):
    """The question, from the facts known now; its moment may move on."""

    person: Person
    company: Company
    book: Book
    purpose: str
    channel: str
    known: int | None
    offer: Offer | None
    waits: tuple[Awaited, ...]

    def at(self, moment: Moment) -> tuple[Answer, Case | None]:
        """The answer at a moment; no case when nothing is declared."""
        person, company, book, purpose, channel, known, offer, waits = self
        chain = book.chain(moment.day, known)
        declared = purposes_of(chain).get(purpose)
        if declared is None:
            article = "GDPR art. 5(1)(b)"
            return refuse("undeclared", "SS-CTL-2", article, ("purpose.declared.v1",)), None
        if (declared.channels or channel) and channel not in declared.channels:
            publishing = ("policy.published.v1",)
            return refuse("channel", declared.clause, declared.article, publishing), None
        said = _said(person.state, purpose, channel)
        chosen = choice(person.state, book, moment.at, known, purpose, said)
        chosen = held_back(chosen, waits, moment.at)
        if declared.marketing and objects_still(person, purpose, channel):
            # No fact is left that it rests on (GDPR art. 21(3)).
            chosen = chosen._replace(state="ConsentRefused", reason="objected")
        case = Case(
            *(person, company, book, chain[-1], declared, channel, moment, known, offer, chosen)
        )
        return judge(case), case


def _question(asked: Asked) -> _Question:
    """Only what had happened at the moment and was known is heard."""
    person, book, purpose, channel, moment, known, company, offer = asked
    heard, said = _heard(person, moment, known), heard_of(company, moment, known)
    waits = awaited(heard.rows, heard.facts, book, heard.joins) if heard.joins else ()
    return _Question(heard, said, _with_declared(book, said), purpose, channel, known, offer, waits)


def _verdict(asked: Asked, answer: Answer, case: Case | None) -> Verdict:
    state: ConsentStatus = case.choice.state if case else "ConsentUnknown"
    return Verdict(
        allowed=answer.basis is not None,
        purpose=asked.purpose,
        channel=asked.channel,
        at=asked.moment,
        basis=answer.basis,
        rule=answer.rule,
        clause=answer.clause,
        article=answer.article,
        edition=case.edition.id if case else None,
        state=state,
        stale=_stale(case) if case and answer.basis == "consent" else None,
        reasons=answer.reasons,
        rests_on=answer.rests_on,
        flips_at=None,
        would_change=answer.would_change,
    )


def _with_declared(book: Book, company: Company) -> Book:
    """The book, each edition with the purposes that were declared beside all of them."""
    declared = [_purpose(fact) for _, fact in company.facts if isinstance(fact, PurposeDeclared)]
    if not declared:
        return book
    own = {name for entry in book.entries for name in entry.edition.purposes}
    added = [purpose for purpose in declared if purpose.id not in own]
    if not added:
        return book
    return Book(tuple(e._replace(edition=_with(e.edition, added)) for e in book.entries))


def _with(edition: Edition, added: list[Purpose]) -> Edition:
    called = {purpose.id: edition.called(purpose) for purpose in added}
    return replace(edition, purposes=edition.purposes | called)


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


def _said(state: SubjectState, purpose: str, channel: str) -> str:
    """Over which channel the expression that counts was made: this one, unless a later no covers
    them all ('').

    A yes that names no channel is not specific, and allows none (GDPR art. 4(11))."""
    own = state.consents.get(ChoiceKey(purpose, channel))
    for_all = state.consents.get(ChoiceKey(purpose, "")) if channel else None
    if for_all is not None and for_all.rank == 1 and (own is None or _order(own) < _order(for_all)):
        return ""
    return channel


def objects_still(person: Person, purpose: str, channel: str) -> bool:
    """Whether she was erased, had said no to this, and has not said otherwise herself since; being
    asked again is no answer, and what is older than the erasure does not come back. What was said
    under another reference counts from the join on, as the one person she then is."""
    parts = person.apart or ((0, person),)
    hers = _word(parts[0][1], purpose, channel)
    return any(
        one.purpose == purpose
        and one.channel in (channel, "")
        and not _lifts(_word(part, purpose, channel), one, 0)
        and not _lifts(hers, one, since)
        for since, part in parts
        for one in part.opposed
    )


def _word(person: Person, purpose: str, channel: str) -> Expression | None:
    said = _said(person.state, purpose, channel)
    return person.state.consents.get(ChoiceKey(purpose, said))


def _lifts(said: Expression | None, no: Objection, since: int) -> bool:
    """Whether this was said after that no, and after a position, and takes it back."""
    if said is None or said.kind not in (*GRANTS, "objection.lifted.v1"):
        return False
    return said.at > no.at and said.position > since


def _order(expression: Expression) -> tuple[int, int, int]:
    return expression.at, expression.rank, expression.position


# --- what follows from it -------------------------------------------------------------------------


def _stale(case: Case) -> str | None:
    """Why the consent rests on words that are no longer ours (`stale.py`)."""
    found = case.choice
    texts = stale.texts(case.company.facts)
    fact = case.person.facts.get(found.position or 0) if texts else None
    form = getattr(fact, "form", None) or ""
    if fact is not None and stale.form_changed(texts.get(form, ()), fact.occurred.at):
        return "form_changed"
    before = case.book.edition(found.edition_number or 0)
    return "changed" if stale.purpose_changed(before, case.edition, case.purpose) else None


def _turns(case: Case) -> Iterator[Instant]:
    """The later instants at which the calendar alone may change the answer."""
    days = [edition.effective_from for edition in case.book.known(case.known)]
    if case.choice.flips_on is not None:
        days.append(case.choice.flips_on)
    days += [OPENS_DELIBERATED, *(law.since for law in phone.LAW)]
    planned = (contract.planned_day for contract in case.person.state.contracts.values())
    days += [add_days(day, 1) for day in planned if day is not None]
    for day in days:
        if day > case.moment.day:
            yield start_of(day)
    if case.channel in phone.CHANNELS and case.purpose.marketing:
        yield from phone.turns(case.person.rows, case.moment.at, case.moment.day)
