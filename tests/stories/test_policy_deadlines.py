"""Until when a person's data may be kept, and why: the stories of the retention clauses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import calendar as cal
from ledger.policy.book import Book
from ledger.policy.evaluate import deadlines
from ledger.policy.explain import explain, words
from ledger.policy.holds import fates
from ledger.policy.verdicts import Deadline, Suspension
from ledger.projections.model import Contract, Ended, EndedKey, Notified, SubjectState, empty_state
from tests.stories.policy_room import BOOK, FIRST, Did, contract, edition, on, only, state

BOUGHT = Did("order.placed", 20190310, 3)


def judged(facts: SubjectState, day: str, klass: str = "order", scope: str = "") -> Deadline:
    return only(deadlines(facts, BOOK, on(day)), klass, scope)


# --- what moves a clock -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("klass", "then", "until"),
    [
        # class     what happens on 20 June 2021     kept until
        ("order", Did("order.placed", 20210620, 9), 20260620),
        ("order", Did("customer.logged_in", 20210620, 9), 20260620),
        ("order", Did("customer.contacted_us", 20210620, 9), 20240310),
        ("order", Did("message.sent", 20210620, 9), 20240310),
        ("order", Did("message.opened", 20210620, 9), 20240310),
        ("order", Did("customer.registered", 20210620, 9), 20240310),
        ("order", Did("customer.profile_rectified", 20210620, 9), 20240310),
        ("order", Did("customer.account_opened", 20210620, 9), 20240310),
        ("order", Did("order.invoiced", 20210620, 9, scope="i1"), 20240310),
        ("order", Did("order.paid", 20210620, 9), 20240310),
        ("order", Did("order.refunded", 20210620, 9), 20240310),
        ("order", Did("consent.given", 20210620, 9), 20240310),
        ("order", Did("policy.notified", 20210620, 9), 20240310),
        ("account", Did("order.placed", 20210620, 9), 20260620),
        ("account", Did("customer.logged_in", 20210620, 9), 20260620),
        ("account", Did("message.opened", 20210620, 9), 20240310),
        ("contact", Did("customer.contacted_us", 20210620, 9), 20240620),
        ("contact", Did("order.placed", 20210620, 9), 20220105),
        ("contact", Did("customer.logged_in", 20210620, 9), 20220105),
        ("contact", Did("message.sent", 20210620, 9), 20220105),
        ("contact", Did("message.opened", 20210620, 9), 20220105),
        ("message", Did("message.sent", 20210620, 9), 20240620),
        ("consent", Did("consent.withdrawn", 20210620, 9), 20260620),
        ("consent", Did("policy.notified", 20210620, 9), 20240401),
    ],
)
def test_only_what_the_person_does_moves_a_clock(klass: str, then: Did, until: int):
    before = (
        Did("customer.contacted_us", 20190105, 2),
        Did("customer.account_opened", 20190301, 4),
        Did("consent.given", 20190401, 5),
        Did("message.sent", 20190501, 6),
        BOUGHT,
    )
    assert judged(state(*before, then), "2021-07-01", klass).operational_until == until


def test_a_term_is_over_the_day_after_its_anniversary():
    facts = state(Did("order.placed", 19970630, 3))
    assert judged(facts, "2002-06-30").tier_now == "operational"
    assert judged(facts, "2002-07-01").tier_now == "past_operational"
    assert judged(facts, "2007-06-30").tier_now == "past_operational"
    assert judged(facts, "2007-07-01").tier_now == "past_archive"


def test_the_last_instant_of_the_last_day_is_still_inside_the_term():
    facts = state(Did("order.placed", 20200331, 3))
    last = cal.end_of(20250331)  # the day after clocks changed in France
    assert only(deadlines(facts, BOOK, last), "order").tier_now == "operational"
    assert only(deadlines(facts, BOOK, last + 1), "order").tier_now == "past_operational"


def test_a_purchase_on_the_29_of_february_is_kept_until_the_28th_five_years_later():
    assert (
        judged(state(Did("order.placed", 20200229, 3)), "2021-01-01").operational_until == 20250228
    )


def test_the_later_day_wins_and_on_one_day_the_later_position():
    facts = state(Did("order.placed", 20190310, 9), Did("customer.logged_in", 20190310, 12), BOUGHT)
    assert judged(facts, "2020-01-01").counted.position == 12


# --- contracts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["service", "maintenance", "subscription", "warranty"])
def test_a_running_contract_suspends_the_clock(type: str):
    facts = state(BOUGHT, contracts={"c1": contract(20190401, 20300331, type=type)})
    found = judged(facts, "2029-01-01")
    assert (found.tier_now, found.operational_until, found.archive_until) == (
        "operational",
        None,
        None,
    )
    assert found.suspended_by == (Suspension("c1", 50),)
    assert found.rests_on == (50,)
    assert found.would_change == ("contract.ended.v1",)


STARTED = Did("contract.started", 20190401, 50, scope="c1")


@pytest.mark.parametrize(
    ("held", "day", "until", "tier"),
    [
        # the interval                                   asked on       kept until  tier
        (contract(20190401, 20200331), "2020-03-31", None, "operational"),  # last day: open
        (contract(20190401, 20200331), "2020-04-01", 20250331, "operational"),  # planned end
        (contract(20190401, 20200331), "2025-04-01", 20250331, "past_operational"),
        (contract(20190401, 20200331, tacit=False), "2020-04-01", 20250331, "operational"),
        (contract(20190401, 20200331, tacit=True), "2040-01-01", None, "operational"),
        (contract(20190401, None), "2040-01-01", None, "operational"),  # no end planned
        (contract(20190401, 20300331, ended=20191130), "2020-01-01", 20241130, "operational"),
        (contract(20190401, None, tacit=True, ended=20191130), "2020-01-01", 20241130, None),
        (contract(20190401, 20200331, type=None), "2020-03-31", 20240310, "operational"),
        # no stated type suspends nothing; renewed tacitly, its planned end is not an end either
        (contract(20190401, 20200331, type=None, tacit=True), "2020-06-01", 20240310, None),
        (contract(None), "2020-01-01", 20240310, "operational"),
        # never seen to start: not known to run, but its planned end counts once it has passed
        (contract(20190401, 20200331)._replace(from_day=None), "2020-03-31", 20240310, None),
        (contract(20190401, 20200331)._replace(from_day=None), "2020-04-01", 20250331, None),
    ],
)
def test_the_end_of_a_contract_recorded_or_planned_starts_the_clock(
    held: Contract, day: str, until: int | None, tier: str | None
):
    found = judged(state(BOUGHT, STARTED, contracts={"c1": held}), day)
    assert found.operational_until == until
    assert tier in (None, found.tier_now)


def test_the_end_of_a_contract_counts_by_the_contract_not_by_its_bare_fact():
    ended = Did("contract.ended", 20220101, 51, scope="c1")  # since corrected to 30 November 2019
    held = contract(20190401, 20300331, ended=20191130)
    facts = state(BOUGHT, STARTED, ended, contracts={"c1": held})
    assert judged(facts, "2022-06-01").operational_until == 20241130


def test_a_contract_ended_before_a_later_purchase_changes_nothing():
    held = contract(20180401, None, ended=20190101)
    assert judged(state(BOUGHT, contracts={"c1": held}), "2020-01-01").operational_until == 20240310


def test_one_of_two_contracts_still_running_is_enough_to_suspend():
    held = {"c1": contract(20190401, 20200331), "c2": contract(20190501, 20210430, position=60)}
    found = judged(state(BOUGHT, contracts=held), "2020-06-01")
    assert found.suspended_by == (Suspension("c2", 60),)


def test_a_contract_does_not_suspend_a_prospects_clock():
    facts = state(Did("customer.contacted_us", 20190105, 2), contracts={"c1": contract(20190401)})
    assert judged(facts, "2020-01-01", "contact").operational_until == 20220105


def test_each_contract_has_its_own_deadline_counted_from_its_end():
    held = {
        "c1": contract(20190401, 20200331),
        "c2": contract(20190501, None, tacit=True, position=60),
    }
    facts = state(
        BOUGHT, STARTED, Did("contract.started", 20190501, 60, scope="c2"), contracts=held
    )
    first = judged(facts, "2021-01-01", "contract", "c1")
    assert (first.operational_until, first.archive_until) == (20250331, 20300331)
    assert first.flags == ("planned_end_passed",)
    second = judged(facts, "2021-01-01", "contract", "c2")
    assert second.suspended_by == (Suspension("c2", 60),)


# --- things with a clock of their own -----------------------------------------------------------


def test_each_invoice_ends_on_its_own_ten_years_after_it_was_issued():
    facts = state(
        Did("order.invoiced", 20190310, 4, scope="i1"),
        Did("order.invoiced", 20200229, 8, scope="i2"),
        Did("order.placed", 20230101, 9),
    )
    first = judged(facts, "2023-06-01", "invoice", "i1")
    assert (first.operational_until, first.archive_until) == (20240310, 20290310)
    assert (first.rests_on, first.would_change) == ((4,), ("fact.corrected.v1",))
    second = judged(facts, "2023-06-01", "invoice", "i2")
    assert (second.operational_until, second.archive_until) == (20250228, 20300228)


def test_the_sealed_part_of_a_payment_ends_fifteen_months_later_and_the_payment_does_not():
    facts = state(Did("order.paid", 20190310, 4, klass="order", scope="p1"), BOUGHT)
    assert judged(facts, "2020-06-11", "card_proof", "p1").tier_now == "past_operational"
    assert judged(facts, "2020-06-10", "card_proof", "p1").operational_until == 20200610
    assert judged(facts, "2020-06-10").operational_until == 20240310


def test_each_day_of_logins_has_its_own_security_log():
    facts = state(
        Did("customer.logged_in", 20190310, 4, klass="account", scope="20190310"),
        Did("customer.logged_in", 20190512, 5, klass="account", scope="20190512"),
    )
    logs = [d for d in deadlines(facts, BOOK, on("2020-04-01")) if d.klass == "security_log"]
    assert [(d.scope, d.tier_now) for d in logs] == [
        ("20190310", "past_operational"),
        ("20190512", "operational"),
    ]
    assert judged(facts, "2020-04-01", "account").operational_until == 20240512


# --- nothing counted ----------------------------------------------------------------------------


def test_without_activity_the_clock_starts_at_the_oldest_fact_known():
    facts = state(
        Did("customer.registered", 20190402, 2, klass="account"),
        Did("consent.given", 20180105, 3),
        Did("message.sent", 20210620, 9),
    )
    found = judged(facts, "2021-07-01", "account")
    assert (found.operational_until, found.counted.position) == (20230105, 3)
    assert found.flags == ("clock_starts_at_registration",)


def test_merely_registering_does_not_make_a_client():
    facts = state(Did("customer.registered", 20190402, 2, klass="contact"))
    assert [d.klass for d in deadlines(facts, BOOK, on("2020-01-01"))] == ["contact"]
    assert judged(facts, "2020-01-01", "contact").operational_until == 20220402


def test_a_prospect_who_orders_has_one_deadline_per_class():
    facts = state(Did("customer.contacted_us", 20190105, 2), BOUGHT)
    found = deadlines(facts, BOOK, on("2022-02-01"))
    assert [(d.klass, d.tier_now) for d in found] == [
        ("contact", "past_operational"),
        ("order", "operational"),
    ]


def test_a_thing_that_nothing_started_ends_by_its_first_fact():
    facts = state(Did("contract.started", 20190401, 50, scope="c1"))
    found = judged(facts, "2020-01-01", "contract", "c1")
    assert (found.operational_until, found.flags) == (20240401, ("clock_starts_at_first_fact",))


def test_a_person_of_whom_nothing_is_known_has_no_deadline():
    assert deadlines(empty_state(), BOOK, on("2020-01-01")) == []


def test_nothing_is_judged_before_a_policy_is_known():
    assert deadlines(state(BOUGHT), BOOK, on("2020-01-01"), known=0) == []


# --- editions -----------------------------------------------------------------------------------

SHORTER = BOOK.with_edition(edition("2020-01-01", {"order": 36}), 100)
LONGER = BOOK.with_edition(edition("2020-01-01", {"order": 72}), 100)
RETOLD = Notified(20200101, 20191201, 77)


@pytest.mark.parametrize(
    ("book", "facts", "day", "until", "number"),
    [
        # an edition that shortens applies to all facts, from its day on
        (SHORTER, state(BOUGHT), "2019-12-31", 20240310, 20181120),
        (SHORTER, state(BOUGHT), "2020-01-01", 20220310, 20200101),
        # one that lengthens: only to facts recorded under it, or once the person was told
        (LONGER, state(BOUGHT), "2020-01-01", 20240310, 20181120),
        (LONGER, state(BOUGHT._replace(edition=20200101)), "2020-01-01", 20250310, 20200101),
        (LONGER, state(BOUGHT, notified=RETOLD), "2019-12-31", 20240310, 20181120),
        (LONGER, state(BOUGHT, notified=RETOLD), "2020-01-01", 20250310, 20200101),
    ],
)
def test_editions_shorten_at_once_and_lengthen_with_notice(book, facts, day, until, number):
    found = only(deadlines(facts, book, on(day)), "order")
    assert (found.operational_until, found.edition_number) == (until, number)


def test_an_edition_is_ignored_before_it_was_known():
    found = only(deadlines(state(BOUGHT), SHORTER, on("2020-01-01"), known=99), "order")
    assert found.operational_until == 20240310


def test_a_term_that_was_not_lengthened_says_so():
    assert only(deadlines(state(BOUGHT), LONGER, on("2020-01-01")), "order").flags == (
        "term_not_lengthened",
    )


def test_a_term_lengthened_by_notice_rests_on_that_notice():
    found = only(deadlines(state(BOUGHT, notified=RETOLD), LONGER, on("2020-01-01")), "order")
    assert found.rests_on == (3, 77)


def test_a_term_of_its_own_era_does_not_rest_on_the_notice():
    facts = state(BOUGHT._replace(edition=20200101), notified=RETOLD)
    assert only(deadlines(facts, LONGER, on("2020-01-01")), "order").rests_on == (3,)


def test_a_type_of_contract_added_later_suspends_only_for_its_own_era():
    without = edition("2018-11-20", replace={', "warranty"]': "]"})  # class account, the first
    book = Book().with_edition(without, 1).with_edition(edition("2020-01-01"), 100)
    login = Did("customer.logged_in", 20190310, 3)
    for era, until in ((FIRST, 20240310), (20200101, None)):
        held = contract(20190401, 20300331, type="warranty", edition=era)
        found = deadlines(state(login, contracts={"c1": held}), book, on("2020-06-01"))
        assert only(found, "account").operational_until == until


def test_an_older_fact_with_a_longer_term_may_end_later_than_a_newer_one():
    facts = state(BOUGHT._replace(edition=20200101), Did("customer.logged_in", 20191001, 8))
    found = only(deadlines(facts, LONGER, on("2020-06-01")), "order")
    assert (found.counted.position, found.operational_until) == (3, 20250310)


def test_before_any_edition_the_earliest_known_applies_and_says_so():
    found = judged(state(Did("order.placed", 19970105, 3)), "1998-01-01")
    assert (found.operational_until, found.flags) == (20020105, ("edition_not_yet_in_force",))


# --- what comes with an answer ------------------------------------------------------------------


def test_a_deadline_names_its_rule_edition_clause_and_article():
    found = judged(state(BOUGHT), "2020-01-01")
    assert (found.rule, found.edition, found.edition_number) == (
        "RET-order",
        "softsystem-2018-11-20",
        FIRST,
    )
    assert (found.clause, found.article) == ("SS-RET-5", "GDPR art. 5(1)(e)")
    assert (found.archive_until, found.archive_article) == (20290310, "C. com. art. L110-4")
    assert found.would_change == ("customer.logged_in.v1", "order.placed.v1")


def test_a_deadline_lists_what_came_later_and_did_not_count_latest_first_with_its_reason():
    """What is older than what counted would change nothing: it is not told."""
    facts = state(
        BOUGHT,
        Did("message.sent", 20200101, 7),
        Did("message.sent", 20200201, 8, edition=20200101),
        Did("message.opened", 20200202, 9),
        Did("customer.contacted_us", 20190401, 5),
        Did("customer.registered", 20190310, 2),
        Did("consent.refused", 20190309, 11),
        Did("consent.given", 20190311, 4),
    )
    found = judged(facts, "2021-01-01")
    assert [(n.kind, n.last_position, n.reason) for n in found.not_counted] == [
        ("message.opened.v1", 9, "opened"),
        ("message.sent.v1", 8, "outbound"),
        ("customer.contacted_us.v1", 5, "contact_only"),
        ("consent.given.v1", 4, "choice"),
    ]


@pytest.mark.parametrize(
    ("day", "held", "flips"),
    [
        ("2020-01-01", None, 20240311),  # leaves daily use
        ("2024-03-10", None, 20240311),
        ("2024-03-11", None, 20290311),  # leaves the archive
        ("2029-03-11", None, None),
        ("2020-01-01", contract(20190401, 20200331), 20200401),  # the planned end
        ("2020-01-01", contract(20190401, None), None),
        ("2020-01-01", contract(20190401, 20200331, tacit=True), None),
    ],
)
def test_a_deadline_says_when_it_next_changes_by_calendar(day, held, flips):
    assert judged(state(BOUGHT, contracts={"c1": held} if held else {}), day).flips_on == flips


def test_an_edition_known_but_not_yet_in_force_may_be_the_next_change():
    assert only(deadlines(state(BOUGHT), SHORTER, on("2019-06-01")), "order").flips_on == 20200101
    assert only(deadlines(state(BOUGHT), LONGER, on("2019-06-01")), "order").flips_on == 20240311


@given(
    bought=st.integers(min_value=0, max_value=4000),
    asked=st.integers(min_value=0, max_value=6000),
    length=st.none() | st.integers(min_value=1, max_value=3000),
    tacit=st.none() | st.booleans(),
    book=st.sampled_from([BOOK, SHORTER, LONGER]),
)
def test_nothing_changes_before_the_announced_day_and_something_does_on_it(
    bought, asked, length, tacit, book
):
    day = cal.add_days(20150101, bought)
    today = cal.add_days(day, asked)
    held = contract(day, length and cal.add_days(day, length), tacit=tacit)
    facts = state(Did("order.placed", day, 3), contracts={"c1": held})

    def answer(on_day: int) -> tuple[object, ...]:
        found = only(deadlines(facts, book, cal.end_of(on_day)), "order")
        return found.tier_now, found.operational_until, found.archive_until, found.suspended_by

    flips = only(deadlines(facts, book, cal.end_of(today)), "order").flips_on
    if flips is not None:
        assert answer(cal.add_days(flips, -1)) == answer(today) != answer(flips)
    else:
        assert answer(today) == answer(cal.add_days(today, 20_000))


@given(
    st.permutations([BOUGHT, STARTED, *(Did("message.sent", 20200101 + n, n) for n in range(9))])
)
def test_the_order_in_which_facts_were_gathered_does_not_matter(facts):
    assert deadlines(state(*facts), BOOK, on("2021-01-01")) == deadlines(
        state(*sorted(facts)), BOOK, on("2021-01-01")
    )


# --- said to a person ---------------------------------------------------------------------------


def test_a_deadline_is_explained_in_french():
    facts = state(BOUGHT, Did("message.sent", 20200101, 7))
    assert explain(judged(facts, "2021-01-01"), "fr") == [
        "Commandes : à garder en base active jusqu'au 10 mars 2024 inclus.",
        "Règle RET-order, édition softsystem-2018-11-20, clause SS-RET-5, RGPD art. 5(1)(e).",
        "Ensuite archivé jusqu'au 10 mars 2029 (C. com. art. L110-4).",
        "C'est en partie notre choix : Une fourchette n'est pas une durée : l'archive dure tant "
        "qu'une action commerciale reste possible, 5 ans.",
        "Compte à partir de : commande du 10 mars 2019 (position 3), pour 60 mois.",
        "Repose sur : position 3.",
        "Ne compte pas : message envoyé du 1er janvier 2020 (position 7) : un envoi de notre part "
        "n'est pas une activité de la personne.",
        "Sans fait nouveau, la réponse change le 11 mars 2024.",
        "Ce qui la changerait : connexion ou commande.",
    ]


def test_a_deadline_is_explained_in_english():
    facts = state(BOUGHT, STARTED, contracts={"c1": contract(20190401)})
    assert explain(judged(facts, "2021-01-01"), "en") == [
        "Orders: the clock stands still while a contract is running (contract c1, position 50).",
        "Rule RET-order, edition softsystem-2018-11-20, clause SS-RET-5, GDPR art. 5(1)(e).",
        "Partly a choice of ours: A range is not a term: the archive lasts as long as a commercial "
        "claim can be brought, 5 years.",
        "Counted from: order of March 10, 2019 (position 3), for 60 months.",
        "Rests on: position 50.",
        "Does not count: start of a contract of April 1, 2019 (position 50): a running contract "
        "suspends a clock, only its end starts it again.",
        "With no new fact, the answer no longer changes.",
        "What would change it: end of a contract.",
    ]


def test_every_tier_and_flag_has_its_sentence_in_both_languages():
    cases = [
        judged(state(BOUGHT), "2025-01-01"),
        judged(state(BOUGHT), "2035-01-01"),
        judged(state(Did("customer.contacted_us", 20190105, 2)), "2025-01-01", "contact"),
        judged(state(Did("customer.registered", 20190105, 2)), "1998-01-01", "order"),
        only(deadlines(state(BOUGHT), LONGER, on("2020-01-01")), "order"),
    ]
    for found in cases:
        french, english = explain(found, "fr"), explain(found, "en")
        assert len(french) == len(english) >= 7
        assert not [line for line in french + english if "{" in line or "None" in line]


def test_both_languages_have_the_same_words():
    french, english = words("fr"), words("en")
    assert {k: set(v) for k, v in french.items()} == {k: set(v) for k, v in english.items()}


def test_every_kind_of_fact_about_a_person_has_a_name():
    from ledger.events import KINDS

    unnamed = {k for k in KINDS if k not in words("fr")["kind"]}
    assert unnamed <= {"policy.published.v1", "fact.voided.v1"}


# --- what has ended -------------------------------------------------------------------------------


def ended(tier: str, position: int) -> SubjectState:
    order = Did("order.placed", 20180105, 7)
    how = Ended(tier, 20240401, None, position)
    return state(order)._replace(ended={EndedKey("order", ""): how})


def test_what_was_archived_is_past_only_when_its_archive_is():
    """It rests on the fact that says so, and no contract or term brings it back to daily use."""
    found = only(deadlines(ended("archived", 9), BOOK, on("2024-04-02")), "order")
    assert (found.tier_now, found.is_past) == ("archived", False)
    assert 9 in found.rests_on and found.archive_until is not None
    assert "position 9" in explain(found, "en")[0] and "position 9" in explain(found, "fr")[0]
    fate = fates([found], [])[0]
    assert (fate.due, fate.access) == ("nothing", "restricted")
    later = only(deadlines(ended("archived", 9), BOOK, on("2060-01-01")), "order")
    assert (later.tier_now, later.is_past) == ("past_archive", True)


def test_what_was_erased_is_never_due_again():
    """Whatever the day; nobody may read it any more."""
    found = only(deadlines(ended("erased", 9), BOOK, on("2060-01-01")), "order")
    assert (found.tier_now, found.is_past, found.operational_until) == ("erased", False, None)
    assert "position 9" in explain(found, "en")[0]
    fate = fates([found], [])[0]
    assert (fate.due, fate.access) == ("nothing", "none")


def test_what_is_recorded_after_an_end_is_held_again():
    """A later position, whatever the day it speaks of."""
    found = only(deadlines(ended("erased", 6), BOOK, on("2020-01-01")), "order")
    assert (found.tier_now, found.ended) == ("operational", None)


def test_of_things_each_ends_and_is_held_again_for_itself():
    """What is told of one takes no end of another back; where a class has one clock for all, what
    is told of any thing does."""
    bills = [Did("order.invoiced", 20190105, 7, scope="i1"), Did("order.invoiced", 20200105, 12)]
    how = ended("erased", 9).ended[EndedKey("order", "")]
    told = state(bills[0], bills[1]._replace(scope="i2"))
    told = told._replace(ended={EndedKey("invoice", "i1"): how})
    found = {one.scope: one.tier_now for one in deadlines(told, BOOK, on("2020-02-01"))}
    assert found == {"i1": "erased", "i2": "operational"}
    ordered = state(
        Did("order.placed", 20190105, 7), Did("order.placed", 20200105, 12, scope="o-2")
    )
    ordered = ordered._replace(ended={EndedKey("order", ""): how})
    assert only(deadlines(ordered, BOOK, on("2020-02-01")), "order").tier_now == "operational"
