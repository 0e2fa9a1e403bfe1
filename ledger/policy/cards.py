"""Each card digit we hold: why, until which day, and what would change that.

A *proof* is one payment, on a clock of its own: a later payment with the same card prolongs none
before it (SS-CARD-1). A *subscription*'s card is kept while its contract runs, then as the proof of
its last debit (SS-CARD-2). A *wallet*'s card is kept until the first of: the end of its month, the
withdrawal of consent, the request to remove it (SS-CARD-3, SS-CARD-4).

A removal request ends the use of a card at once; a proof it does not shorten, as the debit may
still be contested (CMF L133-24). What the payment provider acknowledged is shown beside it.

Here is why and until when; whether a hold stops the end is said by `holds.py`: read it next.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.calendar import Day, Instant, add_days, add_months, day_of, is_past
from ledger.events import CardKept, CardRebound, CardRemoved, CardSettled, Fact, OrderPaid, Row
from ledger.policy.book import Book
from ledger.policy.clocks import Rules, reign_of
from ledger.policy.consents import GRANTS, choice
from ledger.policy.explain import Language, either, format_long, resting_on, words
from ledger.policy.terms import Rule, chain_for
from ledger.policy.verdicts import ChoiceState, Deadline
from ledger.projections.model import Contract, EndedKey, SubjectState

Ground: TypeAlias = Literal["proof", "subscription", "wallet"]
Status: TypeAlias = Literal["kept", "to_be_removed", "removed"]
Why: TypeAlias = Literal[
    "payment",
    "debit",
    "contract_runs",
    "contract_ended",
    "no_contract",
    "valid",
    "consent_stopped",
    "consent_expires",
    "no_consent",
    "removal_asked",
]
"""What the last day is counted from: words/*.toml, [card_why]."""

AT_ONCE: tuple[Why, ...] = ("removal_asked", "consent_stopped", "no_consent")
"""What ends a card on the very day: the others let it be used until the day is over."""

BY_OWN_FACTS = "ends_by_its_own_facts"  # the flag of a deadline that a card's own end is
WALLET = "wallet"  # the purpose to which the person consents


class CardItem(NamedTuple):
    """One payment's proof, or one card: kept until the end of day `until` (None: no end in sight,
    its contract runs)."""

    klass: str  # 'card_proof' for a payment of an order, 'card' for a card
    item: str
    ground: Ground
    why: Why
    until: Day | None
    status: Status
    rule: str
    edition: str
    clause: str
    article: str
    rests_on: tuple[int, ...]
    removed_on: Day | None
    psp_acknowledged: bool | None  # by the payment provider; None when not removed
    flips_on: Day | None
    would_change: tuple[str, ...]
    flags: tuple[str, ...]  # 'class_term_sooner': the class as a whole ends before `until`


class _End(NamedTuple):
    why: Why
    until: Day | None
    rests_on: tuple[int, ...]
    clause: str
    article: str
    would_change: tuple[str, ...]
    turns: Day | None = None  # the first day on which the calendar makes another answer of it


class _Moment(NamedTuple):
    """Whom we ask about, and when."""

    state: SubjectState
    book: Book
    as_of: Instant
    known: int | None
    rules: dict[str, Rules]  # of each class


def cards(
    state: SubjectState,
    rows: Sequence[Row],
    facts: Mapping[int, Fact],
    book: Book,
    as_of: Instant,
    known: int | None = None,
) -> list[CardItem]:
    """Every card item of one person at (`as_of`, `known`), sorted by class and item.

    `state`: hers then; `rows`: her facts about cards and payments that stand, corrections resolved;
    `facts`: those about cards in full, by position. Empty when no known edition has the classes of
    cards.
    """
    heard = [r for r in rows if r.occurred_at <= as_of and (known is None or r.position <= known)]
    moment = _Moment(state, book, as_of, known, {})
    found = [*_payments(moment, heard), *_kept(moment, heard, facts)]
    return sorted(found, key=lambda card: (card.klass, card.item))


def explain(card: CardItem, lang: Language = "fr") -> list[str]:
    """The item in plain words: state, reason, rule, what would change it."""
    vocabulary = words(lang)
    say = vocabulary["card"]
    until = "" if card.until is None else format_long(card.until, lang)
    state: str = "runs" if card.until is None and card.status == "kept" else card.status
    gone = "" if card.removed_on is None else format_long(card.removed_on, lang)
    lines = [say[state].format(until=until, removed=gone), vocabulary["card_why"][card.why]]
    article = card.article.replace("GDPR", "RGPD") if lang == "fr" else card.article
    lines.append(say["rule"].format(rule=card.rule, clause=card.clause, article=article))
    lines.append(resting_on(card.rests_on, lang))
    lines.append(say["would_change"].format(kinds=either(card.would_change, lang)))
    return lines + [say[flag] for flag in card.flags]


def governed(deadlines: Iterable[Deadline], items: Sequence[CardItem]) -> list[Deadline]:
    """The deadlines with those of cards as their own facts end them: one answer for a card,
    whoever asks (docs/decisions/0015). The class's term only bounds a card of which no item is
    known."""
    known = {(card.klass, card.item): card for card in items}
    return [
        _by_own_end(deadline, known.get((deadline.klass, deadline.scope))) for deadline in deadlines
    ]


def _by_own_end(deadline: Deadline, card: CardItem | None) -> Deadline:
    if card is None or deadline.ended is not None:  # what was erased is no more kept or due
        return deadline
    return deadline._replace(
        tier_now="operational" if card.status == "kept" else "past_operational",
        operational_until=card.until,
        archive_until=None,
        clause=card.clause,
        article=card.article,
        rests_on=card.rests_on,
        not_counted=(),
        flips_on=card.flips_on,
        would_change=card.would_change,
        flags=(*deadline.flags, BY_OWN_FACTS),
    )


# --- payments of orders -------------------------------------------------------------------------


def _payments(moment: _Moment, rows: Sequence[Row]) -> Iterator[CardItem]:
    """One proof per payment that sealed digits: fifteen months from its own day."""
    for row in rows:
        if row.kind == OrderPaid.kind and row.item:
            rule = _rule(moment, "card_proof", row.edition)
            if rule is not None:
                end = _proof(rule, "payment", row.local_day, (row.position,))
                yield _item(moment, "card_proof", row.item, "proof", rule, end)


def _proof(rule: Rule, why: Why, day: Day, rests_on: tuple[int, ...]) -> _End:
    until = add_months(day, rule.months)
    found = rule.data_class
    return _End(why, until, rests_on, found.clause, found.article, ("fact.corrected.v1",))


# --- cards on file ------------------------------------------------------------------------------


class _Card(NamedTuple):
    """One card: who keeps it now, and what happened to it, each in order of occurrence."""

    item: str
    kept: tuple[Row, ...]  # and bound otherwise
    settled: tuple[Row, ...]
    asked: Row | None  # the first request to remove it
    removed: Row | None
    ground: Ground
    contract: str | None
    expiry: Day | None


def _kept(moment: _Moment, rows: Sequence[Row], facts: Mapping[int, Fact]) -> Iterator[CardItem]:
    for item in dict.fromkeys(row.item for row in rows if row.kind.startswith("card.")):
        its = sorted((row for row in rows if row.item == item), key=_when)
        card = _card(item or "", its, facts)
        rule = card and _rule(moment, "card", card.kept[-1].edition)
        if card is None or rule is None:
            continue
        by_ground = {"proof": _of_proof, "subscription": _of_subscription, "wallet": _of_wallet}
        end = by_ground[card.ground](moment, card, facts)
        if end is not None:
            yield _item(moment, "card", card.item, card.ground, rule, end, card, facts)


def _card(item: str, its: Sequence[Row], facts: Mapping[int, Fact]) -> _Card | None:
    def of(*kinds: str) -> tuple[Row, ...]:
        return tuple(row for row in its if row.kind in kinds)

    kept = of(CardKept.kind, CardRebound.kind)
    if not kept:
        return None
    asked, removed = of("card.removal_requested.v1"), of(CardRemoved.kind)
    ground: Ground = "proof"
    if kept[-1].basis in ("subscription", "wallet"):
        ground = "subscription" if kept[-1].basis == "subscription" else "wallet"
    contracts = [_contract_of(facts.get(row.position)) for row in kept]
    expiries = [row.until_day for row in kept if row.until_day is not None]
    return _Card(
        item=item,
        kept=kept,
        settled=of(CardSettled.kind),
        asked=asked[0] if asked else None,
        removed=removed[-1] if removed else None,
        ground=ground,
        contract=next((str(found) for found in reversed(contracts) if found), None),
        expiry=expiries[-1] if expiries else None,
    )


def _of_proof(moment: _Moment, card: _Card, facts: Mapping[int, Fact]) -> _End | None:
    """The proof of the last debit; of the payment it was kept for while no debit is on record."""
    last = card.settled[-1] if card.settled else card.kept[0]
    rule = _rule(moment, "card_proof", last.edition)
    if rule is None:
        return None
    day = _debited(last, facts)
    return _proof(rule, "debit" if card.settled else "payment", day, (last.position,))


def _of_subscription(moment: _Moment, card: _Card, facts: Mapping[int, Fact]) -> _End | None:
    """While the contract runs, its instalments need the card; then the proof of the last debit."""
    contract = moment.state.contracts.get(card.contract or "")
    bound = card.kept[-1]
    clause, article = "SS-CARD-2", "GDPR art. 6(1)(b)"
    ended, rests_on = _ended(contract, day_of(moment.as_of))
    asked = card.asked
    if contract is None:
        why: Why = "no_contract"
        ended = bound.local_day
    elif ended is None and asked is None:
        planned = None if contract.tacit else contract.planned_day
        turns = None if planned is None else add_days(planned, 1)
        positions = (bound.position, contract.from_position, contract.planned_position)
        on = tuple(sorted({p for p in positions if p}))
        change = ("contract.ended.v1", "card.removal_requested.v1")
        return _End("contract_runs", None, on, clause, article, change, turns)
    else:
        why = "contract_ended"
    if asked is not None and (ended is None or asked.local_day < ended):
        why, ended, rests_on = "removal_asked", asked.local_day, (asked.position,)
    assert ended is not None
    if not card.settled:  # nothing was debited: nothing is left to prove
        on = tuple(sorted({bound.position, *rests_on}))
        return _End(why, ended, on, clause, article, ("fact.corrected.v1",))
    proof = _of_proof(moment, card, facts)
    if proof is None:
        return None
    on = tuple(sorted({*proof.rests_on, *rests_on}))
    return proof._replace(why=why, until=max(proof.until or ended, ended), rests_on=on)


def _of_wallet(moment: _Moment, card: _Card, facts: Mapping[int, Fact]) -> _End | None:  # noqa: ARG001
    """The first of three ends; without consent there was never a ground."""
    bound = card.kept[-1]
    said = choice(moment.state, moment.book, moment.as_of, moment.known, WALLET)
    change = ("card.removal_requested.v1", "consent.withdrawn.v1")
    ends: list[_End] = []
    on: tuple[int, ...]
    if card.expiry is not None:
        on = (bound.position,)
        ends.append(_End("valid", card.expiry, on, "SS-CARD-3", "GDPR art. 5(1)(e)", change))
    expires = _expires(moment, said)
    if expires is not None:
        on = said.rests_on
        ends.append(_End("consent_expires", expires, on, "SS-CARD-3", "GDPR art. 7", change))
    if said.kind not in GRANTS:
        never = said.day is None
        day = max(said.day or 0, bound.local_day)
        why: Why = "no_consent" if never else "consent_stopped"
        on = tuple(sorted({bound.position, *said.rests_on}))
        giving = ("consent.given.v1",)
        ends.append(_End(why, day, on, "SS-CARD-3", "GDPR art. 6(1)(a), 7(3)", giving))
    if card.asked is not None:
        day, on = card.asked.local_day, (card.asked.position,)
        gone = ("card.removed.v1",)
        ends.append(_End("removal_asked", day, on, "SS-CARD-4", "GDPR art. 7(3)", gone))
    first = min(ends, key=lambda end: end.until or 0, default=None)
    if first is None or first.why != "valid":
        return first
    return first._replace(rests_on=tuple(sorted({*first.rests_on, *said.rests_on})))


# --- helpers ------------------------------------------------------------------------------------


def _item(
    moment: _Moment,
    klass: str,
    item: str,
    ground: Ground,
    rule: Rule,
    end: _End,
    card: _Card | None = None,
    facts: Mapping[int, Fact] | None = None,
) -> CardItem:
    today = day_of(moment.as_of)
    removed = card.removed if card else None
    status: Status = "kept"
    erased = _erased(moment, klass, item, end, card)
    removed_on = removed.local_day if removed else erased
    if removed_on is not None:
        status = "removed"
    elif end.until is not None and is_past(end.until, add_days(today, end.why in AT_ONCE)):
        status = "to_be_removed"
    turns = end.turns
    if end.until is not None and status == "kept":
        turns = add_days(end.until, 1)
    gone = (facts or {}).get(removed.position) if removed else None
    used = [row.local_day for row in (*card.kept, *card.settled)] if card else []
    term = add_months(max(used), rule.months) if used else None
    sooner = term is not None and (end.until is None or term < end.until)
    return CardItem(
        klass=klass,
        item=item,
        ground=ground,
        why=end.why,
        until=end.until,
        status=status,
        rule=rule.data_class.rule,
        edition=rule.edition.id,
        clause=end.clause,
        article=end.article,
        rests_on=end.rests_on,
        removed_on=removed_on,
        psp_acknowledged=gone.psp_ack if isinstance(gone, CardRemoved) else None,
        flips_on=turns if status == "kept" else None,
        would_change=end.would_change,
        flags=("class_term_sooner",) if sooner and status == "kept" else (),
    )


def _erased(moment: _Moment, klass: str, item: str, end: _End, card: _Card | None) -> Day | None:
    """The day on which what is held of it was erased, unless something was recorded since."""
    ended = moment.state.ended.get(EndedKey(klass, item))
    rows = (*card.kept, *card.settled) if card else ()
    last = max((*end.rests_on, *(row.position for row in rows)), default=0)
    is_gone = ended is not None and ended.tier == "erased" and ended.position > last
    return ended.day if ended is not None and is_gone else None


def _rule(moment: _Moment, klass: str, edition: int) -> Rule | None:
    """The rule of a class for a fact of that era, as `clocks.py` judges it."""
    if klass not in moment.rules:
        chain, _ = chain_for(moment.book, klass, day_of(moment.as_of), moment.known)
        moment.rules[klass] = Rules(moment.state, klass, reign_of(chain))
    return moment.rules[klass][edition]


def _expires(moment: _Moment, said: ChoiceState) -> Day | None:
    """The last day of the consent to the wallet, where the policy gives it a validity."""
    if said.kind not in GRANTS or said.day is None:
        return None
    chain = moment.book.chain(day_of(moment.as_of), moment.known)
    found = next((e.purposes[WALLET] for e in reversed(chain) if WALLET in e.purposes), None)
    months = found.validity_months if found else None
    return None if months is None else add_months(said.day, months)


def _ended(contract: Contract | None, today: Day) -> tuple[Day | None, tuple[int, ...]]:
    """The day on which a contract ended, as recorded or as planned and passed."""
    if contract is None:
        return None, ()
    if contract.ended_day is not None:
        return contract.ended_day, (contract.ended_position or 0,)
    planned = contract.planned_day
    if planned is not None and not contract.tacit and is_past(planned, today):
        return planned, (contract.planned_position or 0,)
    return None, ()


def _debited(row: Row, facts: Mapping[int, Fact]) -> Day:
    """The day of the debit where it is stated, else the day of the fact."""
    fact = facts.get(row.position)
    return (fact.debit if isinstance(fact, CardSettled) else None) or row.local_day


def _contract_of(fact: Fact | None) -> UUID | None:
    return fact.contract if isinstance(fact, CardKept | CardRebound) else None


def _when(row: Row) -> tuple[Instant, int]:
    return row.occurred_at, row.position
