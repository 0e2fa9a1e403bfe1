"""Publishing the next edition: a longer term needs notice, a shorter one does not (SS-POL-2)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.entry import read
from ledger.errors import BadData, Refused
from ledger.events import OrderPlaced, PolicyNotified
from ledger.handlers import Accepted, publish
from ledger.policy.book import shipped
from ledger.policy.diff import Change, diff, lengthened, media_of
from ledger.policy.model import Edition
from ledger.store import editions
from tests.stories.facts_room import TODAY, Shop, on
from tests.stories.policy_room import edition, toml

TOMORROW, THE_DAY = "2026-01-06", TODAY[:10]
TEXT = b"What we promise, from now on.\n"
KEPT_LONGER: dict[str, dict[str, str]] = {
    "a longer term": {"operational_months = 36": "operational_months = 48"},
    "a longer archive": {"months = 120, from": "months = 180, from"},
    "an archive where there was none": {
        'archive = "none"': 'archive = { months = 6, from = "operational_end", article = "x" }'
    },
    "one more kind of activity": {
        'moved_by = ["customer.contacted_us.v1"': (
            'moved_by = ["message.opened.v1", "customer.contacted_us.v1"'
        )
    },
    "one more contract that suspends": {"suspended_by = []": 'suspended_by = ["warranty"]'},
}


@pytest.fixture
def shop() -> Iterator[Shop]:
    """On 5 January 2026, somebody having bought on 10 March 2019."""
    made = Shop()
    made.told(OrderPlaced(**on("2019-03-10")), "A")
    yield made
    made.closed()


def published(shop: Shop, day: str, months: int, *, notified: bool = False) -> Accepted:
    """An edition that changes the term of orders only."""
    return publish(shop.ledger, toml(day, {"order": months}), notified=notified)


# --- who must be told first -----------------------------------------------------------------------


@pytest.mark.parametrize("day", ["2025-01-01", THE_DAY])
@pytest.mark.parametrize("what", KEPT_LONGER)
def test_ss_pol_2_what_keeps_longer_cannot_take_effect_today_without_notice(
    shop: Shop, what: str, day: str
):
    before = shop.position()
    with pytest.raises(Refused) as caught:
        publish(shop.ledger, toml(day, replace=KEPT_LONGER[what]))
    refusal = caught.value.refusal
    assert (refusal.clause, refusal.article) == ("SS-POL-2", "RGPD art. 13(3)")
    assert day in refusal.detail
    assert shop.position() == before


@pytest.mark.parametrize("what", KEPT_LONGER)
def test_ss_pol_2_announced_for_a_later_day_it_can(shop: Shop, what: str):
    publish(shop.ledger, toml(TOMORROW, replace=KEPT_LONGER[what]))


def test_ss_pol_2_a_shorter_or_an_equal_term_takes_effect_at_once(shop: Shop):
    published(shop, "2024-01-01", 60)
    published(shop, "2025-01-01", 24)
    assert shop.kept_until("A", "order", THE_DAY) == "2021-03-10"


def test_ss_pol_2_what_was_shortened_is_not_given_back_without_notice(shop: Shop):
    published(shop, "2024-01-01", 24)
    with pytest.raises(Refused):
        published(shop, "2025-01-01", 60)


def test_ss_pol_2_a_longer_term_never_reaches_facts_already_collected_without_notice(shop: Shop):
    """Even when it was published with the word that people were told (which is on record): each
    needs her own proof."""
    told = published(shop, "2025-01-01", 120, notified=True)
    assert read(told.written[-1].entry)["meta"]["notified"] == 1
    assert shop.kept_until("A", "order", THE_DAY) == "2024-03-10"
    shop.told(OrderPlaced(**on("2019-03-10")), "B")
    assert shop.kept_until("B", "order", THE_DAY) == "2029-03-10"
    shop.told(PolicyNotified(**on(THE_DAY), edition=20250101, channel="email"), "A")
    assert shop.kept_until("A", "order", THE_DAY) == "2029-03-10"


def test_ss_pol_2_those_who_were_not_told_are_counted(shop: Shop):
    """Told of an earlier edition does not count, of a later one does, published or not."""

    def untold() -> int:
        with shop.ledger.database.read() as connection:
            return editions.untold(connection, 20250101)

    for who in "BC":
        shop.told(OrderPlaced(**on("2019-03-10")), who)
    assert untold() == 3
    for who, number in (("A", 20250101), ("B", 20181120), ("C", 20270101)):
        shop.told(PolicyNotified(**on(THE_DAY), edition=number, channel="email"), who)
    assert untold() == 1


# --- the published text ---------------------------------------------------------------------------


def test_ss_pol_1_the_published_text_is_kept_under_the_hash_the_edition_names(shop: Shop):
    """Once, whichever edition brings it."""
    digest = hashlib.sha256(TEXT)
    changed = {shipped().published_sha256: digest.hexdigest()}
    publish(shop.ledger, toml("2024-01-01", replace=changed), document=TEXT)
    publish(shop.ledger, toml("2025-01-01", replace=changed), document=TEXT)
    with shop.ledger.database.read() as connection:
        assert editions.document(connection, digest.digest()) == ("text/plain", TEXT)
        assert editions.document(connection, bytes(32)) is None


def test_ss_pol_1_another_text_than_the_one_named_is_refused(shop: Shop):
    before = shop.position()
    with pytest.raises(BadData, match="SHA-256"):
        publish(shop.ledger, toml("2025-01-01"), document=TEXT)
    assert shop.position() == before


@pytest.mark.parametrize(
    ("content", "media"),
    [
        (b"%PDF-1.7 \xff", "application/pdf"),
        (b"\xef\xbb\xbf\n<!DOCTYPE html><p>", "text/html"),
        (b"<html lang=fr>", "text/html"),
        ("Politique de confidentialité".encode(), "text/plain"),
        (b"\xff\xd8\xff", "application/octet-stream"),
    ],
)
def test_a_document_is_named_by_its_first_bytes(content: bytes, media: str):
    assert media_of(content) == media


# --- what changes ---------------------------------------------------------------------------------


def test_an_edition_differs_from_itself_in_nothing():
    assert diff(shipped(), shipped()) == ()
    assert lengthened(shipped(), edition("2025-01-01")) == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"operational_months = 36": "operational_months = 24"},
            [
                ("class", "contact", "operational_months", "shorter", 36, 24),
                ("class", "contact", "months_in_all", "shorter", 36, 24),
            ],
        ),
        (
            {"suspended_by = []": 'suspended_by = ["warranty"]'},
            [("class", "contact", "suspended_by", "longer", None, "warranty")],
        ),
        (
            {"months = 120, from": "months = 180, from"},
            [("class", "invoice", "months_in_all", "longer", 120, 180)],
        ),
        (
            {'channels = ["email", "sms"]': 'channels = ["email", "post"]'},
            [
                ("purpose", "service_message", "channels", "disappears", "sms", None),
                ("purpose", "service_message", "channels", "appears", None, "post"),
            ],
        ),
        (
            {'id = "newsletter"': 'id = "letters"'},
            [
                ("purpose", "newsletter", "", "disappears", "newsletter", None),
                ("purpose", "letters", "", "appears", None, "letters"),
            ],
        ),
        (
            {'company = "SoftSystem"': 'company = "HardSystem"'},
            [("edition", "softsystem-2018-11-20", "company", "changed")],
        ),
    ],
)
def test_what_shortens_lengthens_appears_and_disappears_is_told(
    change: dict[str, str], expected: list[tuple[object, ...]]
):
    found = diff(shipped(), edition("2025-01-01", replace=change))
    assert [one[: len(expected[0])] for one in found] == expected


def test_an_archive_that_ends_the_same_day_on_other_grounds_is_a_change_and_no_lengthening():
    other = edition(
        "2025-01-01",
        replace={
            'months = 60, from = "operational_end"': 'months = 120, from = "start"',
        },
    )
    (one,) = diff(shipped(), other)
    assert (one.field, one.effect) == ("archive", "changed")
    assert lengthened(shipped(), other) == ()


VARIANTS = st.fixed_dictionaries(
    {},
    optional={
        name: st.sampled_from([12, 24, 36, 60, 61, 96])
        for name in ("contact", "account", "order", "invoice", "message")
    },
)


@given(VARIANTS, VARIANTS)
def test_what_the_comparison_calls_longer_is_what_the_terms_would_not_grant_to_older_facts(
    first: dict[str, int], second: dict[str, int]
):
    old, new = edition("2024-01-01", first), edition("2025-01-01", second)
    longer = {one.name for one in classes(diff(old, new)) if one.effect == "longer"}
    assert set(lengthened(old, new)) == longer
    back = {one.name for one in classes(diff(new, old)) if one.effect == "shorter"}
    assert back == longer


def classes(changes: tuple[Change, ...]) -> list[Change]:
    return [one for one in changes if one.part == "class"]


def test_the_comparison_reads_the_same_both_ways():
    """What appears one way disappears the other; a validity without end is the longest."""

    def mirrored(old: Edition, new: Edition) -> set[tuple[str, str, str]]:
        turned = {"longer": "shorter", "shorter": "longer"}
        turned |= {"appears": "disappears", "disappears": "appears", "changed": "changed"}
        return {(one.part, one.field, turned[one.effect]) for one in diff(old, new)}

    old = shipped()
    new = edition("2025-01-01", {"order": 72}, {'id = "newsletter"': 'id = "letters"'})
    assert mirrored(old, new) == {(one.part, one.field, one.effect) for one in diff(new, old)}
