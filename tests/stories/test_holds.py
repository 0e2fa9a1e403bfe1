"""Stories of holds: what is due is blocked and seen to be; nothing returns to daily use."""

from __future__ import annotations

from typing import Any

import pytest

from ledger import calendar as cal
from ledger.commands import Void
from ledger.erasing.request import holds_of
from ledger.errors import Refusal
from ledger.events import (
    CardKept,
    CardRemovalRequested,
    ContactedUs,
    Fact,
    HoldLifted,
    HoldPlaced,
    HoldReviewed,
    OrderPlaced,
    Restricted,
    RestrictionLifted,
)
from ledger.policy.cards import cards
from ledger.policy.evaluate import deadlines
from ledger.policy.holds import (
    Fate,
    Hold,
    explain,
    fate_of_card,
    fates,
    open_holds,
    restrictions,
)
from ledger.store import reader, states
from replay.fold import effective, fold_subject
from tests.stories.facts_room import Shop, on

TODAY = "2035-06-30T09:00:00Z"


@pytest.fixture
def shop() -> Any:
    """A ledger in memory, late enough for terms to end."""
    made = Shop(TODAY)
    yield made
    made.closed()


def held(shop: Shop, as_of: str, known: int | None = None) -> tuple[list[Hold], list[Fate]]:
    """The open holds that day, and what becomes of everything; the cards come last."""
    day = cal.parse_as_of(as_of)
    subject = shop.person("42")
    with shop.ledger.database.read() as connection:
        rows = effective(states.rows_of(connection, subject, known))
        facts: dict[int, Fact] = {}
        for row in rows:
            found = reader.event_at(connection, row.position)
            assert found is not None
            facts[row.position] = found.fact
        state = fold_subject(states.rows_of(connection, subject), day, known)
    book = shop.ledger.book(shop.ledger.epoch())
    holds = open_holds(rows, facts, day, known)
    keeping = holds + restrictions(rows, day, known)
    answers = fates(deadlines(state, book, day, known), keeping)
    items = cards(state, rows, facts, book, day, known)
    answers += [fate_of_card(card, keeping) for card in items]
    for answer in answers:
        for lang in ("fr", "en"):
            assert not [x for x in explain(answer, lang) if "{" in x or "None" in x]
    return holds, answers


def fate(shop: Shop, klass: str, as_of: str, known: int | None = None) -> Fate:
    """What becomes of that class that day."""
    return next(f for f in reversed(held(shop, as_of, known)[1]) if f.klass == klass)


def place(shop: Shop, day: str = "2022-01-10", *classes: str, review: int = 20220710) -> None:
    """A hold for a claim in court."""
    stated: dict[str, Any] = {"review": review, "classes": classes or ("contact",)}
    shop.told(HoldPlaced(**on(day), article="C. civ. art. 2224", **stated), "42", "H1")


@pytest.fixture
def prospect(shop: Shop) -> Shop:
    """Somebody who wrote in 2019: kept until 10 March 2022."""
    shop.told(ContactedUs(**on("2019-03-10"), channel="form"), "42")
    return shop


@pytest.mark.clause("SS-RET-2", "SS-RET-3", "SS-LB-4", "SS-DSR-3")
def test_a_deadline_that_passes_under_a_hold_is_blocked_and_seen_to_be(prospect):
    place(prospect)
    before = fate(prospect, "contact", "2022-03-10")
    assert (before.due, before.blocked, before.access) == ("nothing", False, "daily_use")
    assert [hold.article for hold in before.held_by] == ["C. civ. art. 2224"]
    after = fate(prospect, "contact", "2022-03-11")
    assert (after.due, after.blocked, after.since) == ("erase", True, 20220310)
    assert (after.clause, after.article) == ("SS-RET-2", "C. civ. art. 2224")
    assert after.would_change == ("hold.lifted.v1",)
    assert "blocked by a hold" in explain(after, "en")[0]
    assert set(after.held_by[0].rests_on) < set(after.rests_on)


@pytest.mark.clause("SS-RET-2")
def test_a_hold_never_reopens_daily_use(prospect):
    place(prospect, "2022-06-01", review=20221201)  # months after the term had ended
    assert fate(prospect, "contact", "2022-05-31").access == "none"
    found = fate(prospect, "contact", "2022-06-01")
    assert (found.blocked, found.access) == (True, "restricted")


@pytest.mark.clause("SS-RET-2", "SS-RET-5")
def test_a_hold_does_not_keep_in_daily_use_what_must_leave_it_for_the_archive(shop):
    shop.told(OrderPlaced(**on("2020-01-15")), "42", "O1")
    place(shop, "2024-01-10", "order", review=20340101)
    kept = fate(shop, "order", "2025-01-15")
    assert (kept.due, kept.access) == ("nothing", "daily_use")
    archived = fate(shop, "order", "2025-01-16")
    assert (archived.due, archived.blocked, archived.access) == ("archive", False, "restricted")
    erased = fate(shop, "order", "2030-01-16")
    assert (erased.due, erased.blocked, erased.access) == ("erase", True, "restricted")


@pytest.mark.clause("SS-RET-3")
def test_once_lifted_what_was_due_is_due_again(prospect):
    place(prospect)
    prospect.told(HoldLifted(**on("2023-01-01")), thing="H1")
    assert fate(prospect, "contact", "2022-12-31").blocked
    free = fate(prospect, "contact", "2023-01-01")
    assert (free.due, free.blocked, free.access, free.held_by) == ("erase", False, "none", ())
    assert (free.clause, free.would_change) == ("SS-RET-3", ("hold.placed.v1",))


@pytest.mark.clause("SS-RET-2")
def test_a_hold_of_one_class_leaves_the_others_to_their_ends(prospect):
    place(prospect, "2022-01-10", "order", "card")
    found = fate(prospect, "contact", "2022-03-11")
    assert (found.due, found.blocked, found.held_by) == ("erase", False, ())


@pytest.mark.clause("SS-RET-2")
def test_an_unreviewed_hold_holds_all_the_same_and_a_review_sets_the_next_day(prospect):
    place(prospect)
    assert not held(prospect, "2022-07-10")[0][0].overdue
    late = fate(prospect, "contact", "2022-07-11")
    assert (late.blocked, late.held_by[0].overdue) == (True, True)
    assert "not reviewed in time" in explain(late, "en")[3]
    prospect.told(HoldReviewed(**on("2022-08-01"), review=20230201), thing="H1")
    (hold,), _ = held(prospect, "2022-08-02")
    assert (hold.review, hold.overdue, len(hold.rests_on)) == (20230201, False, 2)


@pytest.mark.clause("SS-RET-2")
def test_two_holds_both_count_until_both_are_lifted(prospect):
    place(prospect)
    stated: dict[str, Any] = {
        "article": "GDPR art. 17(3)(e)",
        "review": 20230101,
        "classes": ("contact",),
    }
    prospect.told(HoldPlaced(**on("2022-02-01"), **stated), "42", "H2")
    prospect.told(HoldLifted(**on("2022-05-01")), thing="H1")
    both = fate(prospect, "contact", "2022-04-01")
    one = fate(prospect, "contact", "2022-05-02")
    assert [len(both.held_by), len(one.held_by), one.blocked] == [2, 1, True]
    assert one.article == "GDPR art. 17(3)(e)"


@pytest.mark.clause("SS-RET-2")
def test_a_hold_counts_from_when_it_happened_and_once_it_is_known(prospect):
    before = prospect.position()
    place(prospect)
    assert not held(prospect, "2022-01-09")[0]
    assert fate(prospect, "contact", "2022-03-11").blocked
    assert not fate(prospect, "contact", "2022-03-11", known=before).blocked
    her, day = prospect.person("42"), cal.parse_as_of("2022-03-11")
    with prospect.ledger.database.read() as connection:
        rows = states.rows_of(connection, her)
    assert not open_holds(rows, {}, day, before)


@pytest.mark.clause("SS-CARD-4", "SS-RET-2")
def test_a_hold_keeps_a_card_from_removal_and_out_of_use(shop):
    kept = CardKept(**on("2025-06-01"), ground="wallet", expiry=20280331)
    shop.told(kept, "42", "C1")
    shop.told(CardRemovalRequested(**on("2025-07-01"), channel="form"), thing="C1")
    place(shop, "2025-06-15", "card", review=20260101)
    found = fate(shop, "card", "2025-07-01")
    assert (found.due, found.blocked, found.access) == ("erase", True, "restricted")


@pytest.mark.clause("SS-RET-3")
def test_a_hold_whose_entry_is_missing_holds_everything(prospect):
    place(prospect, "2022-01-10", "order")
    her = prospect.person("42")
    with prospect.ledger.database.read() as connection:
        rows = states.rows_of(connection, her)
    (hold,) = open_holds(rows, {}, cal.parse_as_of("2022-03-11"))
    found = fates(deadlines(prospect.state("42"), *_asked(prospect)), [hold])
    assert {answer.blocked for answer in found if answer.due == "erase"} == {True}


def _asked(shop: Shop) -> tuple[Any, int]:
    return shop.ledger.book(shop.ledger.epoch()), cal.parse_as_of("2022-03-11")


# --- what she asked to keep herself -------------------------------------------------------------


def restrict(shop: Shop, ground: str, day: str = "2022-01-10") -> None:
    """She asked that what we hold be kept, and not used."""
    shop.told(Restricted(**on(day), ground=ground, reason="Canari"), "42")


@pytest.mark.clause("SS-DSR-5", "SS-RET-3")
@pytest.mark.parametrize(
    ("ground", "article"),
    [("unlawful", "GDPR art. 18(1)(b)"), ("claims", "GDPR art. 18(1)(c)")],
)
def test_what_she_asked_to_keep_is_kept_restricted_past_its_term(prospect, ground, article):
    restrict(prospect, ground)
    assert fate(prospect, "contact", "2022-03-10").due == "nothing"
    over = fate(prospect, "contact", "2022-03-11")
    assert (over.due, over.blocked, over.access) == ("erase", True, "restricted")
    assert (over.clause, over.article) == ("SS-DSR-5", article)
    assert over.would_change == (RestrictionLifted.kind,)
    (line,) = [x for x in explain(over, "en") if x.startswith("Kept since January 10, 2022")]
    assert article in line
    lifted = RestrictionLifted(**on("2022-06-01"), ground=ground, informed=20220601)
    prospect.told(lifted, "42")
    assert fate(prospect, "contact", "2022-05-31").blocked
    assert not fate(prospect, "contact", "2022-06-01").blocked


@pytest.mark.clause("SS-DSR-5")
@pytest.mark.parametrize("ground", ["accuracy", "objection"])
def test_a_doubt_that_is_being_looked_into_prolongs_nothing(prospect, ground):
    """GDPR art. 18(1)(a), (d): the use stops meanwhile; a term goes on ending."""
    restrict(prospect, ground)
    assert not fate(prospect, "contact", "2022-03-11").blocked


@pytest.mark.clause("SS-DSR-5", "SS-RET-2")
def test_a_hold_and_what_she_asked_both_have_to_go(prospect):
    place(prospect)
    restrict(prospect, "claims")
    over = fate(prospect, "contact", "2022-03-11")
    assert over.would_change == (HoldLifted.kind, RestrictionLifted.kind)
    prospect.told(HoldLifted(**on("2022-04-01")), "42", "H1")
    assert fate(prospect, "contact", "2022-04-02").article == "GDPR art. 18(1)(c)"


@pytest.mark.clause("SS-DSR-5")
def test_what_she_asked_counts_from_its_day_and_as_it_was_known(prospect):
    before = prospect.position()
    restrict(prospect, "claims", "2022-03-20")
    assert not fate(prospect, "contact", "2022-03-19").blocked
    assert fate(prospect, "contact", "2022-03-20").blocked
    assert not fate(prospect, "contact", "2022-03-20", known=before).blocked


@pytest.mark.clause("SS-RET-2")
def test_a_hold_that_never_was_holds_nothing(prospect):
    """Whoever asks what is open reads what was amended with the holds."""
    placed = prospect.position() + 1
    place(prospect)
    subject = prospect.person("42")
    assert [hold.rests_on for hold in holds_of(prospect.ledger, subject)] == [(placed,)]
    (done,) = prospect.batch(Void(placed))
    assert not isinstance(done, Refusal)
    assert holds_of(prospect.ledger, subject) == []
