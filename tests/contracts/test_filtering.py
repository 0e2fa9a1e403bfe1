"""A campaign is told of each person what the gate would say of her alone, whatever was recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.filtering import Reading
from ledger.application import Ledger
from ledger.calendar import Moment, moment_of_instant, parse_moment
from ledger.choosing import joining
from ledger.commands import Command, Correct, Record, Reference, Void
from ledger.events import (
    AccountOpened,
    AssessmentRecorded,
    CallPlaced,
    ConsentGiven,
    ConsentInvalidated,
    ConsentRefused,
    ConsentRenewed,
    ConsentRequested,
    ConsentWithdrawn,
    ContactedUs,
    ContractStarted,
    CustomerRegistered,
    Died,
    Fact,
    FormPublished,
    LoggedIn,
    MinorSignalled,
    ObjectionAssessed,
    ObjectionLifted,
    ObjectionRaised,
    OptOutOffered,
    OrderCancelled,
    OrderPlaced,
    ProfileRectified,
    Restricted,
    RestrictionLifted,
    TicketOpened,
)
from ledger.handlers import Accepted, record_many
from ledger.opening import create
from ledger.permitting.filtering import Campaign, short
from ledger.permitting.gate import Gate, Question, Who
from ledger.policy.looks import Looks
from ledger.store import tables
from ledger.store.shapes import About, of_references
from replay.fold import fold_said, fold_subject
from tests.clock import StepClock

NOW = "2026-01-05T09:00:00"
WHEN: tuple[Moment, ...] = (
    parse_moment("2025-12-01"),
    parse_moment("2025-12-20T10:00:00Z"),
    parse_moment("2026-01-04"),
    parse_moment("2026-01-05T08:57:00Z"),
    parse_moment("2026-01-05T09:00:00Z"),
    parse_moment("2026-01-05T09:04:00Z"),  # a clock that is ahead of ours
)
LETTERS: tuple[dict[str, Any], ...] = (
    *({"purpose": "newsletter", "channel": channel} for channel in ("email", "sms", None)),
    {"purpose": "personalisation"},
    {"purpose": "reco_browsing"},
    {"purpose": "email_open_tracking", "channel": "email"},
    {"purpose": "phone_marketing", "channel": "phone"},
)
CHOICES = (ConsentWithdrawn, ConsentRefused, ConsentRequested, ConsentInvalidated)
OBJECTIONS = (ObjectionRaised, ObjectionLifted)


def _fact(cls: type[Fact], **said: Any) -> st.SearchStrategy[Fact]:
    fields = {name: st.just(value) for name, value in said.items() if not _is_drawn(value)}
    drawn = {name: value for name, value in said.items() if _is_drawn(value)}
    actor = st.sampled_from(("self", "self", "agent", "import", "system"))
    return st.builds(cls, occurred=st.sampled_from(WHEN), actor=actor, **fields, **drawn)


def _is_drawn(value: Any) -> bool:
    return isinstance(value, st.SearchStrategy)


def _choice(cls: Any, **said: Any) -> st.SearchStrategy[Fact]:
    return st.one_of(*(_fact(cls, **letter, **said) for letter in LETTERS))


GRADED = {"grade": st.sampled_from(("proved", "asserted", "inferred", None))}
FORMED = {**GRADED, "form": st.sampled_from((None, "footer", "popup"))}
FACTS = st.one_of(
    _choice(ConsentGiven, **FORMED),
    _choice(ConsentGiven, **FORMED),
    _choice(ConsentRenewed, **GRADED),
    *(_choice(cls) for cls in (*CHOICES, *OBJECTIONS)),
    _choice(ObjectionAssessed, decision=st.sampled_from(("overridden", "upheld"))),
    _fact(OptOutOffered, purpose="newsletter", channel=st.sampled_from(("email", "sms", None))),
    _fact(OptOutOffered, purpose="newsletter", channel="email"),
    *(_fact(cls) for cls in (OrderPlaced, OrderPlaced, OrderCancelled, AccountOpened, LoggedIn)),
    _fact(CustomerRegistered, klass="contact", origin=st.sampled_from(("contact", "import"))),
    _fact(CustomerRegistered, klass="order", origin="order", person="professional"),
    _fact(ContactedUs, channel="form"),
    _fact(TicketOpened, channel="phone"),
    _fact(ContractStarted, type="maintenance"),
    _fact(ProfileRectified, changed=st.sampled_from((("email",), ("name",)))),
    _fact(CallPlaced, purpose="phone_marketing", channel="phone", outcome="declined"),
    _fact(Died, source="heir"),
    _fact(MinorSignalled, age=st.sampled_from(("under_15", "under_18")), source="self"),
    _fact(Restricted, ground="accuracy"),
    _fact(RestrictionLifted, ground="accuracy", informed=20260101),
)
COMPANY = st.one_of(
    _fact(
        FormPublished,
        form=st.sampled_from(("footer", "popup")),
        fields=("email",),
        document=st.sampled_from(("A" * 43, "B" * 43)),
        material=st.sampled_from((None, True, False)),
    ),
    _fact(
        AssessmentRecorded,
        type="balancing_test",
        outcome=st.sampled_from(("favourable", "unfavourable")),
        document="C" * 43,
        purpose="newsletter",
    ),
)
QUESTIONS = (
    *(("newsletter", channel, offer) for channel in ("email", "sms") for offer in (None, "other")),
    *(("newsletter", "email", "analogous"), ("newsletter", "post", None)),
    *(("service_message", "email", None), ("personalisation", "", None), ("account", "", None)),
    *(("reco_browsing", "", None), ("email_open_tracking", "email", None)),
    *(("phone_marketing", "phone", None), ("accounting", "", None), ("astrology", "", None)),
)
ASKED_AT = (None, None, "2026-01-05T09:00:00Z", "2026-03-02T11:00:00+01:00", "2025-12-20")
PEOPLE = 4


@pytest.fixture
def ledger(ledger_url: str) -> Iterator[Ledger]:
    made = create(ledger_url, None, clock=StepClock(NOW, step=1))
    yield made
    made.close()


_numbers = count()


def tell(ledger: Ledger, told: list[tuple[int, Fact, str]]) -> list[Reference]:
    """Record what is told of some new people; some facts are corrected or voided."""
    example = next(_numbers)
    people = [Reference("shop", f"{example}-{n}") for n in range(PEOPLE)]
    wishes: list[Command] = []
    for who, fact, _ in told:
        thing = Reference("ref", f"{example}-{who}") if fact.aggregate == "order" else None
        wishes.append(Record(fact, people[who], thing=thing))
    outcomes = record_many(ledger, wishes) if wishes else []
    amendments: list[Command] = [
        Void(outcome.position) if then == "void" else Correct(outcome.position, occurred=WHEN[1])
        for outcome, (_, _, then) in zip(outcomes, told, strict=True)
        if then and isinstance(outcome, Accepted)
    ]
    if amendments:
        record_many(ledger, amendments)
    return people


TOLD = st.lists(
    st.tuples(
        st.integers(0, PEOPLE - 2), FACTS, st.sampled_from(("", "", "", "", "correct", "void"))
    ),
    max_size=14,
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=TOLD, declared=st.lists(COMPANY, max_size=1), data=st.data())
def test_a_campaign_says_of_each_what_the_gate_says_of_her(
    ledger: Ledger, told: list[tuple[int, Fact, str]], declared: list[Fact], data: st.DataObject
) -> None:
    """Late, backdated, corrected, voided facts; nobody; ids and references; any question. The
    campaign's gate knows what the rules look at, the other one all of her."""
    for fact in declared:
        record_many(ledger, [Record(replace(fact, actor="agent"))])
    gate = Gate(ledger, fold_subject)
    whos: list[Who] = [gate.blinded(person) for person in tell(ledger, told)]
    answered = gate.ask([Question(who, "newsletter", "email") for who in whos])
    known = list(dict.fromkeys(one.subject for one in answered if one.subject is not None))
    if len(known) > 1 and data.draw(st.booleans()):
        joining.join(ledger, known[0], known[1])
    whos += known
    for purpose, channel, offer in data.draw(
        st.lists(st.sampled_from(QUESTIONS), min_size=3, max_size=5)
    ):
        text = data.draw(st.sampled_from(ASKED_AT))
        at = None if text is None else parse_moment(text)
        frozen = moment_of_instant(ledger.clock.now()) if at is None else at
        asked = Question(whos[0], purpose, channel, frozen, None, offer)  # type: ignore[arg-type]
        alone = [short(one.verdict) for one in gate.ask([asked._replace(who=w) for w in whos])]
        campaign = Campaign(
            Gate(ledger, fold_said), asked if at is not None else asked._replace(at=None)
        )
        assert campaign.judge(whos) == alone, (purpose, channel, offer, text)


LINES = (
    b'{"person":{"kind":"shop","value":"1"}}',
    b'{"person":{"value":" 2 ","kind":"email"}}',
    b'{"person": {"kind": "shop", "value": "3"} } ',
    b'{"subject":"9f0c1a52-7b0e-4d2c-8f3a-1c2d3e4f5a6b"}',
    b'{"person":{"kind":"shop","value":"4"}} {"person":{"kind":"shop","value":"5"}}',
    b'{"person":{"kind":"shop",',
    b'"value":"6"}}',
    b'{"person":{"kind":"shop","kind":"shop","value":"7"}}',
    b'{"person":{"kind":"shop","value":"\\u0038"}}',
    b'{"person":{"kind":"shop","value":"\\""}}',
    b'{"person":{"kind":"shop","value":" "}}',
    b'{"person":{"kind":"no such kind","value":"9"}}',
    b'{"person":{"kind":"shop","value":"%s"}}' % (b"x" * 2000),
    b'{"person":{"kind":"shop","name":"10"}}',
    b'{"person":{"kind":"shop","value":"11"},"subject":null}',
    *(b"{}", b"[]", b"", b" ", b"\r", b'"', b'{"person":null}', b"\xff"),
)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(lines=st.lists(st.sampled_from((*LINES[:2], *LINES)), max_size=6), ends=st.booleans())
def test_lines_read_together_are_read_as_each_alone(
    ledger: Ledger, lines: list[bytes], ends: bool
) -> None:
    """Many plain lines are read at once, and whatever else stands among them one by one."""
    gate = Gate(ledger, fold_subject)
    alone = [one for line in lines for one in Reading(gate).read(line)]
    together = Reading(gate)
    together.read(LINES[0] + b"\n" + LINES[1])  # from then on their kinds are known
    raw = b"\n".join(lines) + b"\n" * ends
    assert together.read(raw) == alone
    assert sum(bool(line.strip()) for line in lines) == len(alone)


def test_a_kind_of_people_is_asked_about_once(ledger: Ledger) -> None:
    """Whoever is alike is not looked at again: a hundred people, and a handful of histories."""
    gate = Gate(ledger, fold_subject)
    people = [Reference("shop", f"x{n}") for n in range(100)]
    wishes = []
    for n, person in enumerate(people):
        when = WHEN[n % 3]
        wishes.append(Record(OrderPlaced(occurred=when), person))
        if n % 2:
            given = ConsentGiven(
                occurred=when, purpose="newsletter", channel="email", grade="proved"
            )
            wishes.append(Record(given, person))
        else:
            offered = OptOutOffered(occurred=when, purpose="newsletter", channel="email")
            wishes.append(Record(offered, person))
    record_many(ledger, wishes)
    asked: list[int] = []

    class Counting(Gate):
        def answer(self, scene: Any, questions: Any, **more: Any) -> Any:
            asked.append(len(questions))
            return super().answer(scene, questions, **more)

    counting = Counting(ledger, fold_subject)
    whos: list[Who] = [gate.blinded(person) for person in people]
    question = Question(whos[0], "newsletter", "email", None, None, "analogous")
    found = Campaign(counting, question).judge([*whos, ("person/shop", b"nobody")])
    assert {one.basis for one in found[:100]} == {"consent", "soft_opt_in"}
    assert (found[100].reason, found[100].allowed) == ("unknown_person", False)
    assert sum(asked) <= 6


def test_people_who_differ_in_one_thing_are_not_taken_for_each_other(ledger: Ledger) -> None:
    """All of them in one chunk, each beside her near twin."""
    at = WHEN[1]
    letter: dict[str, Any] = {"purpose": "newsletter"}
    mail: dict[str, Any] = {**letter, "channel": "email"}
    order, later = OrderPlaced(occurred=at), WHEN[2]
    histories: list[list[Fact]] = [
        [order],
        *([order, ConsentGiven(occurred=at, grade=g, **mail)] for g in ("proved", "inferred")),
        [order, ConsentGiven(occurred=WHEN[5], grade="proved", **mail)],  # not yet
        [order, OptOutOffered(occurred=at, **mail)],
        [order, OptOutOffered(occurred=later, **mail)],
        [order, OptOutOffered(occurred=at, **letter, channel="sms")],
        [replace(order, actor="import"), OptOutOffered(occurred=at, **mail)],
        [order, ConsentGiven(occurred=at, **mail), Restricted(occurred=at, ground="accuracy")],
    ]
    people = [Reference("shop", f"twin-{n}") for n in range(len(histories))]
    wishes = [Record(f, p) for p, facts in zip(people, histories, strict=True) for f in facts]
    refused = [one for one in record_many(ledger, wishes) if not isinstance(one, Accepted)]
    assert refused == []
    gate = Gate(ledger, fold_subject)
    whos: list[Who] = [gate.blinded(person) for person in people]
    asked = Question(whos[0], "newsletter", "email", None, None, "analogous")
    alone = [short(one.verdict) for one in gate.ask([asked._replace(who=w) for w in whos])]
    assert Campaign(gate, asked).judge(whos) == alone
    assert Campaign(gate, asked).judge(whos[::-1]) == alone[::-1]


def test_of_what_was_said_over_one_channel_and_over_all_the_order_is_told(ledger: Ledger) -> None:
    """As an older edition, under which a purpose had no channels, leaves it."""
    given = ConsentGiven(occurred=WHEN[1], purpose="newsletter", channel="email", grade="proved")
    people = [Reference("shop", f"over-all-{n}") for n in range(4)]
    record_many(ledger, [Record(given, person) for person in people])
    gate = Gate(ledger, fold_subject)
    blinds = [gate.blinded(person)[1] for person in people]
    said, names = tables.consents, tables.lookups.c
    looked = Looks("newsletter", "email", serving=False, offers=False, dated=False, forms=())
    with ledger.database.write() as connection:
        for blind, later in zip(blinds, (-1, 0, 1), strict=False):
            hers = sa.select(names.subject).where(names.blind == blind).scalar_subquery()
            changed = {"channel": sa.literal(""), "at": said.c.at + later}
            copied = [changed.get(column.name, column) for column in said.c]
            rows = sa.select(*copied).where(said.c.subject == hers)
            connection.execute(said.insert().from_select(list(said.c.keys()), rows))
        about = About(looked, WHEN[3], (), has_erased=False)
        found = of_references(connection, about, "person/shop", blinds)
    one = "consent.given.v1.proved.20181120"
    assert {shape: alike.members for shape, alike in found.items()} == {
        f"/{one} < email/{one}": [0],
        None: [1],
        f"email/{one} < /{one}": [2],
        f"email/{one}": [3],
    }
