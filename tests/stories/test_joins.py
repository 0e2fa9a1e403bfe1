"""Stories of one person under two references: joined, spoken of as one, and told apart again."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger.calendar import moment_of_instant
from ledger.choosing import joining
from ledger.choosing.choose import Expressed, Unchanged, Wanted, choose, find
from ledger.choosing.joining import Undone
from ledger.commands import Reference, Void
from ledger.errors import NotFound, Refusal
from ledger.events import (
    AccountOpened,
    ConsentGiven,
    ContactedUs,
    Died,
    LoggedIn,
    ObjectionRaised,
    OrderCancelled,
    OrderPlaced,
    OrderRefunded,
)
from ledger.fields import Money
from ledger.projections.joins import Join, Joins, honoured
from ledger.projections.model import ChoiceKey, Expression
from ledger.store import states
from ledger.store.recorder import Written
from tests.stories.facts_room import Shop, on

NEWS: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
SHOP, CRM = Reference("shop", "0042"), Reference("shop", "crm-7")


@pytest.fixture
def two(shop: Shop) -> tuple[UUID, UUID]:
    """The same person twice: a customer who said yes, and a contact who said no before."""
    shop.told(ObjectionRaised(**on("2024-03-01"), **NEWS), "crm-7")
    shop.told(OrderPlaced(**on("2024-04-01"), amount=Money(100, "EUR")), "crm-7", "A-1")
    shop.told(LoggedIn(**on("2025-06-01")), "0042")
    shop.told(ConsentGiven(**on("2026-01-05T09:00:00Z"), **NEWS), "0042")
    return shop.person("0042"), shop.person("crm-7")


def joined(shop: Shop, two: tuple[UUID, UUID]) -> Written:
    """They are found to be one: the customer is kept."""
    written = joining.join(shop.ledger, *two, "same_address")
    assert isinstance(written, Written)
    return written


@pytest.mark.clause("SS-DSR-8")
def test_what_is_new_goes_to_one_and_what_is_old_stays(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """By either reference, or by either id; no row of the past moves."""
    kept, other = two
    with shop.ledger.database.read() as connection:
        before = states.rows_of(connection, other)
    joined(shop, two)
    for who in ("0042", "crm-7", other, kept):
        assert shop.told(LoggedIn(**on("2026-01-02")), who).subject == kept
    with shop.ledger.database.read() as connection:
        assert states.rows_of(connection, other) == before
    assert find(shop.ledger, CRM) == kept


def test_her_old_order_keeps_its_stream(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """What happens to an order of the past happens where the order is, whoever is named."""
    _, other = two
    joined(shop, two)
    refunded = OrderRefunded(**on("2026-01-02"), amount=Money(100, "EUR"))
    assert shop.told(OrderCancelled(**on("2026-01-02")), "crm-7", "A-1").subject == other
    assert shop.told(refunded, "0042", "A-1").subject == other


@pytest.mark.clause("SS-LB-2", "SS-LB-3")
def test_a_no_of_either_is_honoured(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """The yes under one reference does not outweigh the no under the other: a new yes does."""
    joined(shop, two)
    shop.clock.advance(hours=1)
    how = Expressed("page", moment_of_instant(shop.clock.now()), form="account-2025")
    (no,) = choose(shop.ledger, SHOP, [Wanted("newsletter", "email", "no")], how)
    assert isinstance(no.outcome, Unchanged)  # her no of 2024 stands
    (yes,) = choose(shop.ledger, CRM, [Wanted("newsletter", "email", "yes")], how)
    assert yes.kind == "consent.given.v1"
    (again,) = choose(shop.ledger, SHOP, [Wanted("newsletter", "email", "yes")], how)
    assert isinstance(again.outcome, Unchanged)


def test_the_death_of_either_is_hers(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """Nothing can be allowed any more under any of her references (SS-DSR-7)."""
    shop.told(Died(**on("2025-12-01"), source="notary"), "crm-7")
    joined(shop, two)
    wish = shop.wish(ConsentGiven(**on("2026-01-05T09:00:00Z"), **NEWS), "0042")
    (refused,) = shop.batch(wish)
    assert isinstance(refused, Refusal)
    assert refused.problem == "deceased"


def test_her_death_closes_her_account_under_either(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """SS-DSR-7"""
    for one in two:
        shop.told(AccountOpened(**on("2025-03-01")), one)
    joined(shop, two)
    died = shop.told(Died(**on("2025-12-01"), source="notary"), two[0])
    with shop.ledger.database.read() as connection:
        rows = [row for one in two for row in states.rows_of(connection, one)]
    closed = [row.subject for row in rows if row.kind == "customer.account_closed.v1"]
    assert closed == list(two)
    assert len(died.written) == 3


def test_no_deadline_moves(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """A join is no activity, and prolongs nothing of either."""
    before = shop.kept_until("0042", "account", "2026-01-05")
    joined(shop, two)
    assert shop.kept_until("0042", "account", "2026-01-05") == before


def test_a_wrong_join_is_undone_by_adding(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """Everything names again whom it named; what was recorded meanwhile is listed."""
    kept, other = two
    at = joined(shop, two).position
    meanwhile = shop.told(LoggedIn(**on("2026-01-02")), "crm-7")
    undone = joining.undo(shop.ledger, kept, other, "wrong_person")
    assert undone == Undone(undone.position, kept, other, (meanwhile.position,))
    assert shop.told(LoggedIn(**on("2026-01-03")), "crm-7").subject == other
    assert find(shop.ledger, CRM) == other
    epoch = shop.ledger.epoch()
    assert shop.ledger.joins(epoch, at).kept(other) == kept  # as we knew it then
    assert not shop.ledger.joins(epoch)
    with pytest.raises(NotFound):
        joining.undo(shop.ledger, kept, other)
    joined(shop, two)
    assert find(shop.ledger, CRM) == kept


def test_only_the_ledger_undoes_a_join(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """A void sent as a fact would leave other processes believing in it."""
    at = joined(shop, two).position
    (refused,) = shop.batch(Void(at))
    assert isinstance(refused, Refusal)


def test_who_cannot_be_joined(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """To herself, twice, in a ring, or somebody unknown."""
    kept, other = two
    shop.told(ContactedUs(**on("2025-11-01"), channel="form"), "third")
    third = shop.person("third")
    joined(shop, two)
    for pair in ((kept, kept), (kept, other), (other, kept), (third, other), (other, third)):
        refused = joining.join(shop.ledger, *pair)
        assert isinstance(refused, Refusal), pair
        assert refused.problem == "conflict"
    with pytest.raises(NotFound):
        joining.join(shop.ledger, kept, uuid4())
    assert isinstance(joining.join(shop.ledger, third, kept), Written)
    assert find(shop.ledger, CRM) == third
    assert set(shop.ledger.joins(shop.ledger.epoch()).everybody(third)) == {third, kept, other}


def test_another_process_learns_of_it(shop: Shop, two: tuple[UUID, UUID]) -> None:
    """The epoch moves: whoever cached who is who reads it again."""
    before = shop.ledger.epoch()
    joined(shop, two)
    assert shop.ledger.epoch() > before


def said(position: int, at: int, rank: int, kind: str) -> Expression:
    """An expression at an instant."""
    return Expression(at, rank, position, kind, 20250101, 20181120, "proved", "self", None, None)


@pytest.mark.parametrize(
    ("own", "other", "joined_at", "wins"),
    [
        ((5, 50, 0), (4, 40, 1), 10, 4),  # a no before, a yes before: the no
        ((12, 120, 0), (4, 40, 1), 10, 12),  # a yes after the join: the yes
        ((12, 30, 0), (4, 40, 1), 10, 4),  # recorded after it, dated before the no: the no
        ((5, 50, 1), (4, 90, 0), 10, 5),  # her own no, the other's later yes: the no
        ((5, 50, 1), (4, 90, 1), 10, 4),  # two noes: the later
        ((5, 50, 0), (4, 90, 0), 10, 4),  # two yeses: the later
    ],
)
def test_which_of_two_counts(
    own: tuple[int, int, int], other: tuple[int, int, int], joined_at: int, wins: int
) -> None:
    """Position, instant and rank of each; the position of the join; the position that counts."""
    key = ChoiceKey("newsletter", "email")
    mine, theirs = ({key: said(*values, "x")} for values in (own, other))
    assert honoured(mine, [(joined_at, theirs)])[key].position == wins
    assert honoured({}, [(joined_at, theirs)]) == theirs
    assert honoured(mine, []) == mine


def test_a_no_over_all_channels_is_one_over_each() -> None:
    """A yes over one channel under the other reference does not outweigh it, either way round."""
    mail, everywhere = ChoiceKey("newsletter", "email"), ChoiceKey("newsletter", "")
    yes, no = said(5, 90, 0, "x"), said(4, 50, 1, "x")
    for mine, theirs in (({mail: yes}, {everywhere: no}), ({everywhere: no}, {mail: yes})):
        assert honoured(mine, [(10, theirs)]) == {mail: no, everywhere: no}
    assert honoured({mail: yes}, [(3, {everywhere: no})])[mail] == yes, "said after the join"


def test_joins_of_joins() -> None:
    """Whoever was joined to somebody who was joined is she, too."""
    one, two, three = uuid4(), uuid4(), uuid4()
    joins = Joins([Join(1, two, three), Join(2, one, two)])
    assert [joins.kept(person) for person in (one, two, three)] == [one, one, one]
    assert joins.everybody(one) == (one, three, two)


@pytest.mark.parametrize(
    ("joined", "gone", "kept"),
    [
        ("1a<b", "", "aa"),
        ("1a<b", "a", "bb"),  # the other lives
        ("1a<b", "ab", "aa"),  # nobody does
        ("1a<b", "b", "aa"),
        ("1a<b 2a<c", "a", "bbb"),  # the oldest that lives
        ("1a<b 2a<c", "ab", "ccc"),
        ("1a<b 2c<a", "c", "aaa"),
        ("1b<c 2a<b", "a", "bbb"),
        ("1b<c 2a<b", "ab", "ccc"),
        ("1a<b 2c<b", "a", "ccc"),  # who took her place was joined on
        ("1a<b 2b<c", "a", "bbb"),
    ],
)
def test_the_place_of_who_is_gone_is_taken(joined: str, gone: str, kept: str) -> None:
    """`1a<b`: at position 1, b was joined to a. Since when two are one person is the same whoever
    is kept, and what was said of either since then is said of both."""
    ids = {name: uuid4() for name in "abc"}
    said = [Join(int(one[0]), ids[one[1]], ids[one[3]]) for one in joined.split()]
    joins, before = Joins(said, [ids[name] for name in gone]), Joins(said)
    names = sorted({*joined} & {*ids})
    assert [joins.kept(ids[name]) for name in names] == [ids[name] for name in kept]
    for one in names:
        assert set(joins.family(ids[one])) == {ids[name] for name in names}
        assert joins.recorded(ids[one]) == before.recorded(ids[one])
        for other in names:
            assert joins.between(ids[one], ids[other]) == before.between(ids[one], ids[other])


def test_who_was_joined_both_ways_in_turn() -> None:
    """Joined, undone, joined the other way round, undone: who ever was one with whom has an end."""
    one, two, three = uuid4(), uuid4(), uuid4()
    ever = Joins([Join(1, one, two), Join(3, two, one)])
    assert ever.between(one, two) == (3,)
    ring = Joins([Join(1, one, two), Join(3, one, three), Join(5, two, three)])
    assert ring.between(two, three) == (5,)
    assert len(ring.family(one)) == 3
