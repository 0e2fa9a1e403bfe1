"""C03, C04, C06, C08, C16: what is kept past its end, what was destroyed and how, what has no end.

Terms, cards, holds and their meeting are those of the policy room, asked at (D, R).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ledger.events import KINDS, ClassErased, OrderPaid, PolicyNotified
from ledger.policy.clocks import classes_of
from ledger.policy.holds import HOLDING, KEEPING, Fate, Hold, fate_of_card
from ledger.policy.model import CONTRACT_ENDED
from ledger.policy.verdicts import Deadline, Place
from ledger.projections.consents import RANKS
from replay.controls.at_once import CARDS, AtOnce, Lines, Sought
from replay.controls.life import Look
from replay.controls.model import Dated, Finding, Value
from replay.controls.scene import Scene
from replay.fold import ENDINGS, PLAN

WITH_CARDS = frozenset({OrderPaid.kind, *(kind for kind in KINDS if kind.startswith("card."))})
ENDING_CARDS = WITH_CARDS | {*PLAN, CONTRACT_ENDED, *RANKS, *ENDINGS, PolicyNotified.kind, *KEEPING}
"""All that the end of a card is found from: the contract that it pays, the consent that it rests
on, the edition she was told of, what ended, and what stops the end."""
ERASED = frozenset({ClassErased.kind})
APART = frozenset(KEEPING)
ENDLESS = ("SS-RET-3", "GDPR art. 5(1)(e)")


def past_terms(look: Look) -> Iterator[Finding]:
    """C03: nobody is beyond a term where she is: in daily use, or in the archive."""
    for deadline, fate in look.fates:
        if deadline.klass in CARDS or fate.due == "nothing":
            continue
        why = "past_erase" if fate.due == "erase" else "past_archive_due"
        if deadline.ended is not None:
            why = "past_archive"
        until = fate.since or deadline.operational_until
        found = Finding(
            "C03",
            _kept(fate, "held", "kept_for_her") if fate.blocked else why,
            fate.rests_on if fate.blocked else deadline.rests_on,
            look.subject,
            fate.clause if fate.blocked else deadline.clause,
            fate.article if fate.blocked else deadline.article,
            {"class": _name(look, deadline), "until": Dated(until) if until else "-"},
        )
        yield found._replace(weight="exception") if fate.blocked else found


def past_terms_of_most(everybody: AtOnce, apart: Sought, scene: Scene) -> Iterable[Lines]:  # noqa: ARG001
    """C03, of whom nothing is held back: what `past_terms` says of them."""
    return everybody.past_terms(apart, CARDS, _why_past)


def _why_past(place: Place, archives: bool, archived: bool) -> str:
    if archived:
        return "past_archive"
    return "past_archive_due" if place == "past_operational" and archives else "past_erase"


def past_cards(look: Look) -> Iterator[Finding]:
    """C04: no card, and no proof of a payment, beyond the end that its own facts give it."""
    for card in look.cards:
        if card.status != "to_be_removed":
            continue
        fate = fate_of_card(card, look.keeping)
        until: Value = Dated(card.until) if card.until else "-"
        values = {"class": look.scene.klass(card.klass), "until": until}
        where = fate.clause, fate.article
        if fate.blocked:
            kept = _kept(fate, "card_held", "card_kept_for_her")
            yield Finding("C04", kept, fate.rests_on, look.subject, *where, values, "exception")
        else:
            where = card.clause, card.article
            yield Finding("C04", "card_kept", card.rests_on, look.subject, *where, values)


def past_cards_of_most(everybody: AtOnce, apart: Sought, scene: Scene) -> Iterable[Lines]:  # noqa: ARG001
    """C04: each card as one of its sort; each payment's proof counts from that payment alone."""
    due = {sort: one.due for sort, one in apart.sorts.items() if one.due is not None}
    return everybody.past_cards(apart, due, "card_kept")


def unfinished_erasures(look: Look) -> Iterator[Finding]:
    """C06: what was erased has its keys destroyed on that order, and nothing is sealed under them
    since. What the store itself holds is asked of the store (`store.py`)."""
    gone: dict[object, int] = {}
    since = min((e.row.position for e in look.events if e.row.kind == ClassErased.kind), default=0)
    for event in look.events if since else ():
        position = event.row.position
        if position < since:
            continue  # nothing was erased yet
        fact = event.fact if event.row.kind == ClassErased.kind else None
        if isinstance(fact, ClassErased):
            for kid in fact.keys or ():
                gone[kid] = position
                done = look.scene.destroyed.get(kid)
                if done is None or done[0] > look.scene.known or done[1] != event.id:
                    yield _erasure(look, "key_not_destroyed", (position,), fact.of)
        for name, kid in event.parts:
            if kid in gone:
                yield _erasure(look, "sealed_again", (position, gone[kid]), name)


def seek_unfinished(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """C06 finds nothing of anybody else; of the keys that were destroyed, theirs are looked at."""
    whom = everybody.having_unfinished()
    scene.remember(everybody.destroyed(whom))
    return (whom,)


def destroyed_under_hold(look: Look) -> Iterator[Finding]:
    """C08: nothing is destroyed under a hold that was known then, whichever reference of hers it
    was placed under; one found since is told, and so is a join. Nor is anything by its term that
    she asked to keep (GDPR art. 18(1)(b), (c))."""
    for event, fact in look.of(ClassErased):
        row = event.row
        if row.occurred_at <= look.scene.as_of:
            then = _holding(look, row.occurred_at, row.position - 1, fact)
            now = then or _holding(look, row.occurred_at, look.scene.known, fact)
            if now is None:
                continue
            found = Finding(
                "C08",
                "destroyed" if then else "destroyed_known_since",
                (row.position, *now.rests_on),
                look.subject,
                now.clause,
                now.article,
                {"class": look.scene.klass(fact.of)},
            )
            yield found if then else found._replace(weight="differs")


def seek_destroyed_under_hold(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:  # noqa: ARG001
    """C08 finds nothing of whom nothing was ever held, nor asked by her to be kept."""
    return (everybody.having(KEEPING),)


def endless(look: Look) -> Iterator[Finding]:
    """C16: whatever is held has an end: its class is known to the policy, its term has a last day,
    and a hold that stops it is looked at again when it must be."""
    known = classes_of(look.scene.book.known(look.scene.known))
    for event in look.events:
        if event.row.occurred_at > look.scene.as_of:
            continue
        for name in {event.row.klass, *(part for part, _ in event.parts)}:
            if name is not None and name not in known:
                yield _endless(look, "class_unknown", (event.row.position,), name)
    for deadline in look.terms:
        until = deadline.operational_until
        if until is None and not deadline.suspended_by and deadline.tier_now != "erased":
            yield _endless(look, "no_end", deadline.rests_on, deadline.klass, deadline.scope)
    for hold in look.holds:
        if hold.overdue and hold.rests_on[0] in look.by_position:  # told once, where it was placed
            values = {"until": Dated(hold.review)}
            where = "SS-RET-2", hold.article
            yield Finding("C16", "hold_unreviewed", hold.rests_on, look.subject, *where, values)


def seek_endless(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """C16 finds nothing of anybody else: every term of a known class has a last day."""
    known = classes_of(scene.book.known(scene.known))
    return everybody.having_other(known), everybody.having(HOLDING)


def _kept(fate: Fate, held: str, for_her: str) -> str:
    """Which of the two blocks it: a hold, or what she asked herself."""
    return held if fate.held_by[0].ground is None else for_her


def _erasure(look: Look, why: str, positions: tuple[int, ...], name: str) -> Finding:
    where = "SS-RET-3", "GDPR art. 17"
    return Finding("C06", why, positions, look.subject, *where, {"class": look.scene.klass(name)})


def _endless(
    look: Look, why: str, positions: tuple[int, ...], name: str, item: str = ""
) -> Finding:
    said = {"class": look.scene.klass(name, item)}
    return Finding("C16", why, positions, look.subject, *ENDLESS, said)


def _holding(look: Look, at: int, known: int, erased: ClassErased) -> Hold | None:
    """What stopped this erasure at an instant, as known at a position."""
    found = look.kept_by(at, known, restricted=erased.reason == "term")
    return next((hold for hold in found if erased.of in hold.classes or not hold.classes), None)


def _name(look: Look, deadline: Deadline) -> Value:
    return look.scene.klass(deadline.klass, deadline.scope)
