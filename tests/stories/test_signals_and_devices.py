"""Stories of what a browser and a device say before, or beside, what she says herself."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from ledger.aggregates.consent import ONLY_SHE
from ledger.calendar import moment_of_instant, parse_moment
from ledger.choosing import devices, optin, signals
from ledger.choosing.choose import Expressed, Unchanged, Wanted, choose
from ledger.choosing.optin import Confirmation
from ledger.commands import Record
from ledger.errors import NotFound, Refusal
from ledger.events import (
    ConsentGiven,
    ConsentRequested,
    LoggedIn,
    ObjectionRaised,
    TrackerGiven,
    TrackerRefused,
)
from ledger.handlers import Accepted, publish, record
from ledger.policy.book import shipped_bytes
from tests.stories.facts_room import Shop, on

BROWSING = 'id = "reco_browsing"\n'


@pytest.fixture
def her(shop: Shop) -> UUID:
    """Somebody who is logged in."""
    shop.told(LoggedIn(**on("2026-01-05")), "0042")
    return shop.person("0042")


@pytest.fixture
def crossing() -> Iterator[Shop]:
    """A shop whose policy marks a purpose as following people elsewhere."""
    shop = Shop()
    toml = (
        shipped_bytes()
        .decode()
        .replace("effective_from = 2018-11-20", "effective_from = 2025-01-01")
    )
    toml = toml.replace('id = "softsystem-2018-11-20"', 'id = "softsystem-2025-01-01"')
    toml = toml.replace(BROWSING, BROWSING + "cross_context = true\n")
    publish(shop.ledger, toml.encode())
    yield shop
    shop.closed()


def page(shop: Shop) -> Expressed:
    """She clicks, a minute later."""
    shop.clock.advance(minutes=1)
    return Expressed("page", moment_of_instant(shop.clock.now()), form="account-2025")


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (["1"], True),
        (["0", "1"], True),
        (["1", "1"], True),
        *((values, False) for values in ([], ["0"], ["true"], ["1,1"], [" 1"], ["01"], ["yes"])),
    ],
)
def test_the_signal_is_exactly_1(values: list[str], says: bool) -> None:
    """Anything else is ignored; duplicates count once if one is `1`."""
    assert signals.is_gpc(values) is says


def test_the_shipped_policy_has_nothing_for_it_to_stop(shop: Shop, her: UUID) -> None:
    """Nothing is shared, nobody followed elsewhere: the signal is on record, once a day."""
    first = signals.gpc(shop.ledger, her)
    assert isinstance(first.heard, Accepted)
    assert first.choices == []
    assert signals.gpc(shop.ledger, her).heard == Unchanged(first.heard.position)
    shop.clock.advance(days=1)
    assert isinstance(signals.gpc(shop.ledger, her).heard, Accepted)


def test_it_stops_what_follows_her_elsewhere_and_no_consent(crossing: Shop) -> None:
    """Refused where nothing was said; what she consented to on this site stands."""
    crossing.told(LoggedIn(**on("2026-01-05")), "0042")
    her = crossing.person("0042")
    (refused,) = signals.gpc(crossing.ledger, her).choices
    assert (refused.wanted.purpose, refused.kind) == ("reco_browsing", "consent.refused.v1")
    yes = [Wanted("reco_browsing", None, "yes")]
    (given,) = choose(crossing.ledger, her, yes, page(crossing))
    assert given.kind == "consent.given.v1"
    (kept,) = signals.gpc(crossing.ledger, her).choices
    assert isinstance(kept.outcome, Unchanged)


def device_with(shop: Shop, *facts: TrackerGiven | TrackerRefused) -> UUID:
    """A device on which this was chosen."""
    device = uuid4()
    for fact in facts:
        record(shop.ledger, Record(fact, stream=device))
    return device


@pytest.mark.clause("SS-CH-7")
def test_what_was_chosen_on_a_device_becomes_hers(shop: Shop, her: UUID) -> None:
    """At the moment it was chosen, by a fact that points at the device, whose history stays."""
    device = device_with(
        shop,
        TrackerGiven(**on("2025-12-01"), purpose="reco_browsing", form="banner-1"),
        TrackerGiven(**on("2025-12-01"), purpose="audience", form="banner-1"),
        TrackerRefused(**on("2025-12-02"), purpose="audience", form="banner-1"),
    )
    found = devices.attach(shop.ledger, her, device)
    assert isinstance(found.attached, Accepted)
    said = {one.wanted.purpose: one.kind for one in found.choices}
    assert said == {"reco_browsing": "consent.given.v1", "audience": "objection.raised.v1"}
    assert {key.purpose: one.day for key, one in shop.state("0042").consents.items()} == {
        "reco_browsing": 20251201,
        "audience": 20251202,
    }
    end = shop.position()
    again = devices.attach(shop.ledger, her, device)
    assert again.attached == Unchanged(found.attached.position)
    assert all(isinstance(one.outcome, Unchanged) for one in again.choices)
    assert shop.position() == end


def test_an_old_yes_of_a_device_revives_nothing(shop: Shop, her: UUID) -> None:
    """What she took back since, under her own name, stays taken back."""
    device = device_with(shop, TrackerGiven(**on("2025-12-01"), purpose="personalisation"))
    shop.told(ObjectionRaised(**on("2025-11-01"), purpose="personalisation"), "0042")
    devices.attach(shop.ledger, her, device)
    (stands,) = shop.state("0042").consents.values()
    assert stands.kind == "objection.raised.v1"


def test_a_device_that_chose_nothing_is_no_device(shop: Shop, her: UUID) -> None:
    """Nor is a stream of something else."""
    for stream in (uuid4(), her):
        with pytest.raises(NotFound):
            devices.attach(shop.ledger, her, stream)


def asked(shop: Shop, her: UUID) -> str:
    """She is asked to confirm her newsletter; the token, as it travels to her own address."""
    carried: list[Confirmation] = []
    wish = ConsentRequested(
        subject=her,
        occurred=moment_of_instant(shop.clock.now()),
        actor="agent",
        purpose="newsletter",
        channel="email",
        act=optin.ACT,
        form="popup-3",
    )
    told = optin.ask(shop.ledger, her, wish, carried.append)
    assert isinstance(told, Accepted)
    (one,) = carried
    assert (one.subject, one.purpose, one.channel) == (her, "newsletter", "email")
    assert one.token not in repr(told)
    return one.token


@pytest.mark.clause("SS-LB-2")
def test_only_she_completes_and_once(shop: Shop, her: UUID) -> None:
    """The token is her yes, proved; used again, or made up, it is nothing."""
    token = asked(shop, her)
    shop.clock.advance(minutes=5)
    done = optin.complete(shop.ledger, token)
    assert isinstance(done, Accepted)
    (stands,) = shop.state("0042").consents.values()
    assert (stands.kind, stands.grade, stands.actor) == ("consent.given.v1", "proved", "self")
    for wrong in (token, token[:-1] + ("A" if token[-1] != "A" else "E"), "", "é", token * 2):
        assert optin.complete(shop.ledger, wrong) == optin.VOID_TOKEN


@pytest.mark.parametrize("by", ["agent", "letter", "email", "api", "page"])
def test_nobody_completes_it_for_her(shop: Shop, her: UUID, by: str) -> None:
    """A yes by any other way is refused until her token comes; a no is heard, and voids it."""
    token = asked(shop, her)
    shop.clock.advance(minutes=5)
    now = moment_of_instant(shop.clock.now())
    how = Expressed(by, now, "self" if by in ("page", "api") else "agent")  # type: ignore[arg-type]
    (refused,) = choose(shop.ledger, her, [Wanted("newsletter", "email", "yes")], how)
    assert refused.outcome == ONLY_SHE
    (no,) = choose(shop.ledger, her, [Wanted("newsletter", "email", "no")], how)
    assert isinstance(no.outcome, Accepted)
    assert optin.complete(shop.ledger, token) == optin.VOID_TOKEN


def test_a_token_grows_old(shop: Shop, her: UUID) -> None:
    """After 72 hours she is asked again."""
    token = asked(shop, her)
    shop.clock.advance(hours=73)
    assert optin.complete(shop.ledger, token) == optin.VOID_TOKEN


@pytest.mark.clause("SS-LB-2")
def test_who_is_awaited_too_long_has_not_answered_and_others_are_heard(
    shop: Shop, her: UUID
) -> None:
    """The question lapses after 72 hours; what was said while she was awaited stays refused."""
    asked(shop, her)
    meanwhile = moment_of_instant(shop.clock.advance(hours=72))
    late = moment_of_instant(shop.clock.advance(minutes=1))
    wish = ConsentGiven(subject=her, occurred=meanwhile, purpose="newsletter", channel="email")
    assert shop.batch(Record(wish)) == [ONLY_SHE]
    agent = Expressed("agent", meanwhile, "agent")
    (refused,) = choose(shop.ledger, her, [Wanted("newsletter", "email", "yes")], agent)
    assert refused.outcome == ONLY_SHE
    agent = Expressed("agent", late, "agent")
    (yes,) = choose(shop.ledger, her, [Wanted("newsletter", "email", "yes")], agent)
    assert isinstance(yes.outcome, Accepted)


@pytest.mark.clause("SS-LB-2")
def test_the_edition_says_how_long_she_is_awaited(shop: Shop, her: UUID) -> None:
    said = b'\n[[statement]]\ntopic = "confirmation_days"\nvalue = 7\nclause = "SS-LB-2"\n'
    named = shipped_bytes().replace(b'id = "softsystem-2018-11-20"', b'id = "seven-days"')
    named = named.replace(b"effective_from = 2018-11-20", b"effective_from = 2026-01-05")
    publish(shop.ledger, named + said)
    token = asked(shop, her)
    shop.clock.advance(days=6)
    wish = ConsentGiven(
        subject=her,
        occurred=moment_of_instant(shop.clock.now()),
        purpose="newsletter",
        channel="email",
    )
    assert shop.batch(Record(wish)) == [ONLY_SHE]
    assert isinstance(optin.complete(shop.ledger, token), Accepted)
    late = asked(shop, her)
    shop.clock.advance(days=7, minutes=1)
    assert optin.complete(shop.ledger, late) == optin.VOID_TOKEN


def test_a_token_of_an_earlier_request_is_void(shop: Shop, her: UUID) -> None:
    """The newest one counts."""
    early = asked(shop, her)
    shop.clock.advance(minutes=5)
    late = asked(shop, her)
    assert optin.complete(shop.ledger, early) == optin.VOID_TOKEN
    assert isinstance(optin.complete(shop.ledger, late), Accepted)


def test_what_cannot_be_asked_is_carried_to_nobody(shop: Shop, her: UUID) -> None:
    """No request on record, no token."""
    carried: list[Confirmation] = []
    wish = ConsentRequested(
        subject=her, occurred=parse_moment("2026-01-05"), purpose="horoscopes", act=optin.ACT
    )
    assert isinstance(optin.ask(shop.ledger, her, wish, carried.append), Refusal)
    assert carried == []
