"""Cards of everybody at once: one of each sort is judged by the rules, for all that are of it.

How a card ends hangs on its own facts (`ledger/policy/cards.py`): which are alike, and how their
days lie, a history can say by sets (`AtOnce.sort_cards`). Here the one card of each sort is judged
from the life of whoever has it; what that rests on is named by its place among the facts about the
card. What has no place there makes no sort, and is looked at. Read next:
`replay/engines/carding.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from ledger.events import PolicyNotified
from ledger.policy.cards import WALLET
from ledger.policy.model import CONTRACT_ENDED
from ledger.policy.terms import terms_table
from ledger.projections.consents import BACKDATED, GRANTS, RANKS
from replay.controls.at_once import CARDS, AtOnce, Card, Fated, OfCard, Sought
from replay.controls.life import Look
from replay.controls.scene import Scene
from replay.fold import PLAN


def set_apart(
    everybody: AtOnce,
    kinds: frozenset[str],
    scene: Scene,
    *,
    amended: Collection[str] = (),
    with_cards: bool = True,
) -> Sought:
    """Whoever has a fact of these kinds is apart, and of whom one of those `amended` was corrected;
    and (`with_cards`) the cards of whoever has one
    that no sort says anything of. What is to be said of the others' goes with it."""
    apart = everybody.apart(kinds, amended=amended, with_cards=with_cards)
    return apart if apart.cards is None else sorted_out(everybody, apart, scene)


def sorted_out(everybody: AtOnce, apart: Sought, scene: Scene) -> Sought:
    """The same, and the cards of whoever has one that no sort says anything of; with what is to be
    said of each sort of the others'."""
    lives, found = everybody.sort_cards(apart, _fated(scene))
    cards: dict[UUID, list[Card]] = {}
    for card in found:
        cards.setdefault(card.subject, []).append(card)
    sorts: dict[int, OfCard | None] = {card.sort: None for some in cards.values() for card in some}
    if _is_archived(scene):
        cards = {}  # an archive ends on days that no sort tells
    for life in lives if cards else ():
        look = Look(life, scene)
        sorts.update((card.sort, _judged(look, card)) for card in cards[life.subject])
    unlike = [sort for sort, one in sorts.items() if one is None]
    return everybody.with_cards_of(apart, unlike)._replace(
        sorts={sort: one for sort, one in sorts.items() if one is not None}
    )


def _judged(look: Look, card: Card) -> OfCard | None:
    """What is to be said of a card; None where it rests on what is not about it."""
    at = {position: place for place, position in enumerate(card.facts)}
    due: tuple[int, ...] | None = None
    for one in look.cards:
        if (one.klass, one.item) == (CARDS[0], card.item) and one.status == "to_be_removed":
            if not at.keys() >= set(one.rests_on):
                return None
            due = tuple(at[position] for position in one.rests_on)
    for deadline, fate in look.fates_of_cards:
        if (deadline.klass, deadline.scope) == (CARDS[0], card.item):
            row = next(r for r in look.standing if r.position == deadline.counted.position)
            days = row.local_day, row.until_day
            if row.position not in at or deadline.counted.day not in days:
                return None
            is_planned = deadline.counted.day != row.local_day
            return OfCard(deadline, fate, at[row.position], is_planned, due)
    return OfCard(None, None, 0, False, due)


def _fated(scene: Scene) -> Fated:
    """What the end of a card hangs on (`ledger/policy/cards.py`, and of its class `clocks.py`)."""
    terms = terms_table(scene.book, scene.as_of, scene.known)
    months = {row.operational_months for row in terms if row.klass in CARDS}
    purposes = (e.purposes.get(WALLET) for e in scene.book.known(scene.known))
    validity = {purpose.validity_months for purpose in purposes if purpose is not None}
    return Fated(
        contracts=(*PLAN, CONTRACT_ENDED),
        purpose=WALLET,
        choices=tuple(RANKS),
        grants=GRANTS,
        backdated=BACKDATED,
        notice=PolicyNotified.kind,
        months=months | {count for count in validity if count is not None},
    )


def _is_archived(scene: Scene) -> bool:
    terms = terms_table(scene.book, scene.as_of, scene.known)
    return any(row.archive_months is not None for row in terms if row.klass in CARDS)
