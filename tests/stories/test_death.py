"""Stories of a death: what it stops, what she left word of, and what her heirs may ask."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ledger import calendar as cal
from ledger.aggregates import customer
from ledger.commands import Void
from ledger.errors import Refusal, Refused
from ledger.events import (
    REMEDIES,
    AccountClosed,
    AccountOpened,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    Fact,
    HeirRequested,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
)
from ledger.policy.death import ESTATE, AfterDeath, explain
from ledger.policy.estate import UNASKED, UNPROVED, Estate, estate_of
from ledger.policy.explain import Language
from ledger.requests import heirs
from ledger.store import states
from tests.stories.facts_room import Shop, given, on

OPENED = AccountOpened(**on("2020-03-01"))
DIED = Died(**on("2025-12-20"), source="notary")
SIGN = Died(**on("2025-12-20"), source="returned_mail")


def asks(wish: str, day: str = "2026-01-05") -> HeirRequested:
    return HeirRequested(**on(day), wish=wish, name="Canari")


def after(shop: Shop, as_of: str = "2026-01-05", who: str = "42") -> AfterDeath | None:
    joins, subject = shop.ledger.joins(shop.ledger.epoch()), shop.person(who)
    with shop.ledger.database.read() as connection:
        return heirs.of_person(connection, joins, subject, cal.parse_as_of(as_of))


def told(shop: Shop, *facts: Fact) -> AfterDeath:
    for fact in facts:
        shop.told(fact, "42")
    found = after(shop)
    assert found is not None
    return found


def kinds(shop: Shop) -> list[Any]:
    subject = shop.person("42")
    with shop.ledger.database.read() as connection:
        return [(r.kind, r.actor) for r in states.rows_of(connection, subject)]


def may(found: AfterDeath) -> dict[str, tuple[bool, str]]:
    return {one.wish: (one.is_allowed, one.why) for one in found.may}


@pytest.mark.clause("SS-DSR-7")
def test_a_proved_death_closes_the_account_in_the_same_breath(shop: Shop):
    shop.told(OPENED, "42")
    outcome = shop.told(DIED, "42")
    assert [one[0] for one in kinds(shop)][-2:] == [AccountClosed.kind, Died.kind]
    assert kinds(shop)[-2] == (AccountClosed.kind, "system")
    assert [one.position for one in outcome.written] == [3 + 1, 3 + 2]
    found = after(shop)
    assert found is not None
    assert (found.account, found.close_by, found.is_proved) == ("closed", None, True)
    with pytest.raises(Refused):  # it is closed once
        shop.told(AccountClosed(**on("2026-01-04")), "42")


@pytest.mark.clause("SS-DSR-7")
def test_nobody_opens_an_account_for_the_dead():
    given(customer, DIED).when(AccountOpened(**on("2026-01-02"))).refused("SS-DSR-7", "deceased")
    given(customer, DIED).when(OPENED).accepted()  # opened while alive, heard late


@pytest.mark.clause("SS-DSR-7")
def test_mail_that_came_back_stops_marketing_and_leaves_the_account(shop: Shop):
    """A sign is enough to stop what harms nobody to stop; a proof follows and closes the rest."""
    found = told(shop, OPENED, SIGN)
    assert (found.is_proved, found.account, found.close_by) == (False, "open", None)
    assert Died.kind in found.would_change
    with pytest.raises(Refused):  # the same sign twice says nothing new
        shop.told(SIGN, "42")
    proved = told(shop, DIED)
    assert (proved.is_proved, proved.account) == (True, "closed")
    with pytest.raises(Refused):
        shop.told(DIED, "42")


@pytest.mark.clause("SS-DSR-7")
def test_the_act_of_a_death_counts_though_the_mail_came_back_after_that_day(shop: Shop):
    """As it always is: she dies, weeks later a letter comes back, and then somebody has the act."""
    came_back = Died(**on("2026-01-04"), source="returned_mail")
    assert told(shop, OPENED, came_back).died == 20260104
    proof = shop.told(DIED, "42").position
    found = after(shop)
    assert found is not None
    assert (found.is_proved, found.source, found.died) == (True, "notary", 20251220)
    assert (found.account, found.close_by) == ("closed", None)
    assert Died.kind not in found.would_change
    assert told(shop, asks("update")).asked[0].answered == proof


@pytest.mark.clause("SS-DSR-7")
def test_an_heir_who_asks_starts_the_month_of_an_account_that_is_open(shop: Shop):
    found = told(shop, OPENED, SIGN, asks("closing"))
    assert (found.account, found.close_by, found.flips_on) == ("to_close", 20260205, 20260206)
    later = after(shop, "2026-02-06")
    assert later is not None
    assert (later.account, later.flips_on) == ("overdue", None)
    closed = told(shop, AccountClosed(**on("2026-01-05")))
    assert closed.account == "closed"
    said = " ".join([*explain(closed, "en"), *explain(closed, "fr")])
    assert not re.search("open|ouvert", said)


@pytest.mark.clause("SS-DSR-7")
def test_the_month_of_an_account_that_was_heard_of_late_runs_from_then(shop: Shop):
    """Opened while she lived, heard of after her death: it is to be closed, and nobody was late in
    closing what nobody had heard of."""
    assert told(shop, DIED, asks("closing")).account == "none"
    shop.clock.set("2026-04-01T09:00:00")
    shop.told(OPENED, "42")
    found = after(shop, "2026-04-01")
    assert found is not None
    assert (found.account, found.close_by) == ("to_close", 20260504)
    later = after(shop, "2026-05-05")
    assert later is not None
    assert later.account == "overdue"


@pytest.mark.clause("SS-DSR-7")
def test_an_old_file_tells_itself_what_became_of_the_account(shop: Shop):
    """A death that is imported closes nothing by itself: the line that closes comes after it."""
    imported = Died(**on("2024-05-02"), source="notary", actor="import")
    found = told(shop, OPENED, imported)
    assert (found.account, found.close_by) == ("to_close", 20260205)
    assert told(shop, AccountClosed(**on("2024-06-01"), actor="import")).account == "closed"


@pytest.mark.clause("SS-DSR-7")
def test_without_a_directive_heirs_see_what_settles_the_estate_and_no_more(shop: Shop):
    found = told(shop, DIED)
    assert (found.wish, found.account) == (None, "none")
    assert may(found) == {
        "access": (True, "estate"),
        "closing": (True, "death"),
        "objection": (True, "death"),
        "update": (True, "death"),
    }
    assert found.may[0].classes == (*ESTATE, "comment")
    assert "LIL art. 85 II 1°" in found.may[0].article


@pytest.mark.clause("SS-DSR-7")
@pytest.mark.parametrize(
    ("wish", "access"),
    [
        ("erase", (False, "forbidden")),
        ("keep", (True, "estate")),
        ("transmit", (True, "directive")),
    ],
)
def test_what_she_laid_down_goes_before_what_heirs_ask(
    shop: Shop, wish: str, access: tuple[bool, str]
):
    found = told(shop, DirectiveSet(**on("2025-01-05"), wish=wish), DIED, asks("access"))
    assert (found.wish, may(found)["access"]) == (wish, access)
    assert [(one.wish, one.due, one.is_allowed) for one in found.asked] == [
        ("access", 20260205, access[0])
    ]
    assert may(found)["closing"] == (True, "death")  # her death is taken into account whatever


@pytest.mark.clause("SS-DSR-7")
def test_a_directive_that_was_taken_back_binds_nobody(shop: Shop):
    wish = DirectiveSet(**on("2025-01-05"), wish="erase")
    found = told(shop, wish, DirectiveRevoked(**on("2025-02-05")), DIED)
    assert (found.wish, may(found)["access"]) == (None, (True, "estate"))


@pytest.mark.clause("SS-DSR-7")
def test_an_heir_who_wishes_to_see_is_answered_as_a_request_of_access_is(shop: Shop):
    """Without one on record it says what is missing; with one, which it is; answered, by what."""

    def asked() -> tuple[int | None, int | None]:
        found = after(shop)
        assert found is not None
        (one,) = [one for one in found.asked if one.wish == "access"]
        lines = " ".join(explain(found, "en"))
        assert ("none is on record" in lines) == (one.answered is None and one.request is None)
        return one.answered, one.request

    told(shop, DIED, asks("access"))
    assert asked() == (None, None)
    received = RequestReceived(**on("2026-01-05"), right="access", channel="letter")
    letter = shop.told(received, "42", "letter").position
    assert asked() == (None, letter)
    withdrawn = RequestWithdrawn(**on("2026-01-05"), channel="letter")
    shop.told(withdrawn, "42", "letter")
    assert asked() == (None, None)
    again = shop.told(received, "42", "second").position
    assert asked() == (None, again)
    said = RequestRefused(
        **on("2026-01-05"), channel="letter", grounds=("excessive",), remedies=REMEDIES
    )
    answer = shop.told(said, "42", "second").position
    assert asked() == (answer, None)


@pytest.mark.clause("SS-DSR-7")
def test_a_death_that_was_somebody_elses_leaves_her_alive_and_her_account_to_be_opened(shop: Shop):
    shop.told(OPENED, "42")
    position = shop.told(DIED, "42").position
    shop.batch(Void(position, "wrong_person"))
    assert after(shop) is None
    shop.told(AccountOpened(**on("2026-01-05")), "42")


@pytest.mark.clause("SS-DSR-7")
def test_a_death_is_seen_from_its_day_on(shop: Shop):
    told(shop, DIED)
    assert after(shop, "2025-12-19") is None
    assert after(shop, "2025-12-20") is not None


@pytest.mark.clause("SS-DSR-7")
def test_an_estate_is_cut_down_to_what_settles_it(shop: Shop):
    """LIL art. 85 II 1°: by class, and not a login among what is of her account."""
    found = told(shop, DIED)
    assert estate_of(found, is_asked=False) == UNASKED
    assert estate_of(None, is_asked=True) == UNPROVED
    estate = estate_of(told(shop, asks("access")), is_asked=False)
    assert isinstance(estate, Estate)
    assert estate == estate_of(found, is_asked=True), "or a request of theirs is answered by it"
    assert estate.tells("order.placed.v1", "order")
    assert not estate.tells("customer.logged_in.v1", "account")
    assert not estate.tells("consent.given.v1", "consent")
    assert estate.opens(["account"])
    assert not estate.opens(["account", "card_proof"])
    assert isinstance(estate.only(["contact"]), Refusal)
    narrow = estate.only(["invoice"])
    assert isinstance(narrow, Estate)
    assert not narrow.tells("order.placed.v1", "order")


@pytest.mark.clause("SS-DSR-7")
def test_a_sign_of_her_death_opens_no_estate(shop: Shop):
    assert estate_of(told(shop, SIGN, asks("access")), is_asked=True) == UNPROVED


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_it_is_told_in_words(shop: Shop, lang: Language):
    found = told(shop, OPENED, SIGN, asks("closing"), asks("access"))
    lines = explain(found, lang)
    assert not [line for line in lines if "{" in line]
    assert len(lines) == 15
    assert lines[-1].endswith(("6 février 2026.", "February 6, 2026."))
