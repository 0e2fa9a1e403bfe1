"""Asked of everybody at once, controls and questions say what they say of one after the other.

Of histories made by chance, of the demo company and of a few that chance does not bring together,
at random times; from one share or from many, from segments and from what lies aside.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from api.answers import Times
from api.demo import cast, telling
from api.replaying import STRANGER, SegmentHistory
from ledger import pan
from ledger.aggregates import AGGREGATES, door, door_kinds, fold
from ledger.calendar import parse_as_of
from ledger.errors import BadData
from ledger.events import KINDS
from ledger.fields import KeyProof
from ledger.opening import create
from ledger.policy.book import Book, shipped
from ledger.policy.model import Edition
from replay.controls.at_once import Lean, Most
from replay.controls.catalogue import CONTROLS
from replay.controls.declaring import DECLARED, UNDECLARED
from replay.controls.run import Result, run
from replay.controls.scene import Scene
from replay.engines.contract import Engine, Files
from replay.engines.duck import DuckEngine
from replay.inspect.catalogue import QUESTIONS
from replay.inspect.model import Answer, Question
from replay.inspect.run import ask
from replay.segments.reading import open_segments
from tests.agreement.histories import ASKED_AT, HISTORIES, SUBJECTS, book
from tests.clock import StepClock
from tests.controls.filed import segments_of
from tests.controls.room import FORM, LETTER, OTHER, SHE, Company, findings, furnished, key
from tests.controls.test_any_history import NOW, company
from tests.engines.conftest import aside
from tests.golden.examples import example
from tests.segments.stage import Stage

SEED = 20261128
ALOUD = settings(
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SOUGHT = [
    name
    for name, one in CONTROLS.items()
    if one.seek or one.most or one.ours or one.reads is not None or one.hears is not None
]
COUNTED = [
    name
    for name, one in QUESTIONS.items()
    if one.apart is not None
    or one.seek is not Question.seek
    or one.set_apart is not Question.set_apart
    or one.reads is not None
    or one.keys
]
OTHERS = [name for name in QUESTIONS if name not in COUNTED]
Opener = Callable[[Files, Book, Path], Engine]
OPENERS: dict[str, Opener] = {
    "one share": lambda files, book, _: DuckEngine(files, book),
    "many": lambda files, book, _: DuckEngine(files, book, at_once=max(files.rows // 5, 1)),
    "aside": lambda files, book, folder: DuckEngine(files, book, aside=aside(folder, files)),
}


@pytest.fixture(params=OPENERS)
def opener(request: pytest.FixtureRequest) -> Opener:
    """What opens an engine that is asked of everybody at once."""
    return OPENERS[request.param]


def both(history: SegmentHistory) -> tuple[Result, tuple[Answer, ...]]:
    """What is found and answered of everybody at once, each asked alone (those that are asked like
    any other, together): it is what the fold says of all of them."""
    everybody = history.at_once
    assert everybody is not None
    found = [run(history, [name]) for name in SOUGHT]
    answers = [ask(history, [name])[0] for name in COUNTED] + [*ask(history, OTHERS)]
    history.__dict__["at_once"] = None  # a cached property
    folded, told = run(history, SOUGHT), ask(history, (*COUNTED, *OTHERS))
    history.__dict__["at_once"] = everybody
    for one, other in zip(found, findings(folded), strict=True):
        assert findings(one) == [other]
        everyone = CONTROLS[other[0]].concerns is None
        assert not everyone or (one.people, one.events) == (folded.people, folded.events)
    for answer, other_answer in zip(answers, told, strict=True):
        assert answer == other_answer
    return folded, told


@contextmanager
def opened(made: Company, opener: Opener, folder: Path) -> Iterator[SegmentHistory]:
    """A made-up company as files, at its two times."""
    segments = segments_of(made, folder)
    files = Files(segments.paths, segments.size, 0)
    recorded = [e.row.recorded_at for e in made.events if e.row.position <= made.known]
    times = Times(made.as_of, recorded[-1] if recorded else 0)
    with opener(files, segments.book, folder) as engine:
        yield SegmentHistory(segments, engine, times, made.as_of, None, STRANGER)


def under_other_articles() -> Book:
    """The same editions; the newest cites other articles for the terms of some classes."""
    made = Book()
    for published in book().entries:
        edition = published.edition
        if edition.number >= 20220610:
            classes = {
                name: replace(found, article=f"{found.article} bis")
                if name in ("order", "card_proof", "contact")
                else found
                for name, found in edition.classes.items()
            }
            edition = replace(edition, classes=classes)
        made = made.with_edition(edition, published.position)
    return made


def test_of_any_history_at_any_two_times(opener: Opener, tmp_path: Path) -> None:
    """Late, backdated, corrected, voided, archived, erased, joined, under three editions."""

    @settings(ALOUD, max_examples=10)
    @given(
        history=HISTORIES,
        as_of=ASKED_AT,
        back=st.integers(0, 12),
        joins=st.sampled_from((False, False, True)),
    )
    def examples(history: Any, as_of: Any, back: int, joins: bool) -> None:
        made = company(history)
        made.book = under_other_articles()
        note("\n".join(repr(event.row) for event in made.events))
        if joins:
            made.she("customer.joined", "2022-06-02", other=SUBJECTS[1], who=SUBJECTS[0])
        made.as_of, made.known = as_of or NOW, max(made.known - back, 1)
        with opened(made, opener, tmp_path) as asked:
            both(asked)

    examples()


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Ten made-up years, sealed and exported."""
    home = tmp_path_factory.mktemp("sealed")
    ledger = create(
        "sqlite://", home / "keyring.json", clock=StepClock(), origin="example.org/segments"
    )
    telling.fill(ledger, cast.FEWEST, 2018, lambda _done, _total, _what: None)
    made = Stage(ledger, "sqlite://", home)
    made.seal()
    made.export()
    yield made
    ledger.close()


def test_of_ten_made_up_years_at_random_times(
    sealed: Stage, opener: Opener, tmp_path: Path
) -> None:
    """From a printed seed; every line and finding of at least one of them names something."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    segments = open_segments(sealed.folder)
    files = Files(segments.paths, segments.size, 0)
    violations = lines = 0
    with opener(files, segments.book, tmp_path) as engine:
        for _ in range(2):
            as_of = parse_as_of(f"{chance.randint(2019, 2029)}-{chance.randint(1, 12):02}-28")
            position = chance.randint(1, segments.size)
            times = Times(as_of, chance.choice((None, recorded_at(engine, position))))
            print(f"as of {as_of}, known at {times.known_at}")
            asked = SegmentHistory(segments, engine, times, as_of, None, STRANGER)
            found, answers = both(asked)
            violations += sum(one.violations for one in found.outcomes)
            lines += sum(len(answer.lines) for answer in answers)
    assert violations > 0
    assert lines > 0


def recorded_at(engine: Engine, position: int) -> int:
    """When a position was recorded."""
    return next(row.recorded_at for row in engine.people() if row.position >= position)


# --- what chance does not bring together ----------------------------------------------------------


def payments(made: Company) -> None:
    """One payment; one told of twice, of somebody else; one that was erased, and paid for again, of
    a third; one that was corrected to the thing of another, of a fourth."""
    twice, again, same = (UUID(int=n) for n in (11, 12, 13))
    made.she("order.paid", "2024-04-01", item="a1")
    for _ in range(2):
        made.she("order.paid", "2024-04-01", item="a2", who=twice)
    gone = {"of": "card_proof", "item": "a4", "reason": "term", "keys": (key(),)}
    made.she("customer.class_erased", "2024-05-01", actor="system", who=again, **gone)
    made.she("order.paid", "2024-06-01", item="a4", who=again)
    paid = [made.she("order.paid", "2024-04-01", item=item, who=same) for item in ("a5", "a6")]
    restated = {"ref": paid[0], "root": "order.paid.v1", "class": "order"}
    made.she("fact.corrected", "2024-04-01", **corrected_to(restated), item="a6", who=same)


def corrected_to(said: dict[str, Any]) -> dict[str, Any]:
    """By the names of its fields in Python."""
    by_key = {spec.key: spec.name for spec in KINDS["fact.corrected.v1"].specs}
    return {by_key[name]: value for name, value in said.items()}


def cards(made: Company) -> None:
    """A card that was removed; one whose consent was never given."""
    for item in ("c1", "c2"):
        made.she("card.kept", "2024-04-01", item=item, ground="wallet", expiry=20280131)
    made.she("card.removed", "2024-05-01", item="c1", psp_ack=True)


def cards_and_more(made: Company) -> None:
    """A card beside what is past its term; the same of somebody else, of whom a hold keeps it, and
    of a third, whose hold is known under another reference of hers."""
    kept = UUID(int=14), UUID(int=15)
    for who in (OTHER, *kept):
        made.she("card.kept", "2024-04-01", item="c1", ground="wallet", expiry=20280131, who=who)
        made.she("message.sent", "2019-01-01", **LETTER, who=who)
        made.she("order.placed", "2024-01-01", who=who)
    held = {"article": "C. civ. art. 2224", "review": 20240601, "classes": ("message",)}
    made.she("hold.placed", "2024-05-01", **held, who=kept[0])
    made.she("customer.joined", "2024-05-02", other=kept[1], who=kept[0])


def cards_by_their_own_facts(made: Company) -> None:
    """Kept by a consent that was taken back, or was not; for a contract that ended, or runs; one
    that was erased."""
    agreed = {"purpose": "wallet", **FORM}
    for n in range(2):
        who, contract = UUID(int=60 + n), UUID(int=70 + n)
        made.she("consent.given", "2022-04-01", who=who, **agreed)
        said = {"ground": "wallet", "expiry": 20390131, "who": who}
        made.she("card.kept", "2022-04-01", item="w1", **said)
        other = UUID(int=80 + n)
        begun = {"type": "subscription", "until": 20230331, "tacit": False}
        made.she("contract.started", "2022-04-01", stream=contract, who=other, **begun)
        said = {"ground": "subscription", "contract": contract, "expiry": 20390131, "who": other}
        made.she("card.kept", "2022-04-01", item="s1", **said)
        if n:
            made.she("consent.withdrawn", "2022-05-01", who=who, purpose="wallet")
            made.she("contract.ended", "2022-06-01", stream=contract, who=other, reason="notice")
    gone = {"of": "card", "item": "w1", "reason": "term", "keys": (key(),)}
    made.she("customer.class_erased", "2023-05-01", actor="system", who=UUID(int=61), **gone)


def holds(made: Company) -> None:
    """A hold that nobody looked at again, on what is past its term."""
    made.she("message.sent", "2019-01-01", **LETTER)
    held = {"article": "C. civ. art. 2224", "review": 20240601, "classes": ("message",)}
    made.she("hold.placed", "2024-05-01", **held)


def restricted(made: Company) -> None:
    """She asked that what is past its term be kept."""
    made.she("message.sent", "2019-01-01", **LETTER)
    made.she("customer.restricted", "2024-05-01", ground="claims")


def archived(made: Company) -> None:
    """Archived, told of again, archived again, past the end of the archive."""
    said = {"article": "C. com. art. L123-22", "reason": "term", "actor": "system"}
    for when in ("2015-01-01", "2016-01-01"):
        made.she("order.placed", when, actor="import")
        made.she("customer.class_archived", when, of="order", until=20160601, **said)


def told(made: Company) -> None:
    """Told of a later edition, twice, after what her term counts from."""
    made.she("message.sent", "2019-01-01", **LETTER)
    made.publishes(later("later", 20200301), "2020-02-01T08:00:00Z")
    for when in ("2020-03-05", "2020-03-04"):
        made.she("policy.notified", when, edition=20200301, channel="email")


def told_early(made: Company) -> None:
    """Told of an edition that is not in force yet."""
    made.she("message.sent", "2019-01-01", **LETTER)
    made.publishes(later("later", 20290101), "2020-02-01T08:00:00Z")
    made.she("policy.notified", "2020-03-05", edition=20290101, channel="email")


def later(name: str, since: int, *without: str) -> Edition:
    """An edition after the shipped one: messages are kept for a year, some purposes are gone."""
    classes = {
        name: replace(found, operational_months=12) if name == "message" else found
        for name, found in shipped().classes.items()
    }
    purposes = {name: one for name, one in shipped().purposes.items() if name not in without}
    return replace(shipped(), id=name, effective_from=since, classes=classes, purposes=purposes)


def no_longer_declared(made: Company) -> None:
    """Declared when she was asked; an edition that was published late has it no more, and somebody
    else is asked then."""
    said = {"purpose": "newsletter", "channel": "email"}
    made.she("consent.requested", "2024-04-01", **said)
    made.publishes(later("less", 20200301, "newsletter"), "2024-05-01T08:00:00Z")
    made.she("consent.requested", "2024-06-01", who=OTHER, **said)


def destroyed(made: Company) -> None:
    """Erased under a hold."""
    held = {"article": "C. civ. art. 2224", "review": 20290601, "classes": ("contact",)}
    made.she("hold.placed", "2024-05-01", **held)
    gone = {"of": "contact", "reason": "request", "keys": (key(),)}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)


def learnt_since(made: Company) -> None:
    """What she had said before D was told after it."""
    made.she("consent.given", "2024-04-01", **LETTER, **FORM)
    made.she("consent.withdrawn", "2024-05-01", "2025-05-01T08:00:00Z", actor="agent", **LETTER)


def undeclared(made: Company) -> None:
    """A purpose that the policy has not; one that is declared, used before it was and after."""
    for purpose in ("unheard_of", "newsletter"):
        made.she("consent.given", "2024-04-01", purpose=purpose, channel="email", **FORM)
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6(1)(a)"}
    made.she("consent.requested", "2024-04-01", purpose="club")
    made.tells("purpose.declared", "2024-04-02", marketing=False, **club)
    made.she("consent.requested", "2024-04-03", purpose="club", who=OTHER)


def told_whom(made: Company) -> None:
    """A recipient that nobody declared."""
    made.she("recipient.told", "2024-04-01", recipient="who-knows", fact=1)


def young(made: Company) -> None:
    """Under fifteen, known by another reference."""
    said = {"age": "under_15", "source": "parent"}
    made.she("customer.minor_signalled", "2024-04-01", who=OTHER, **said)
    made.she("consent.given", "2024-05-01", **LETTER, **FORM)
    made.she("customer.joined", "2024-05-01T09:00:00Z", other=OTHER)


def no_class(made: Company) -> None:
    """A part under a class that no edition has."""
    made.she("customer.account_opened", "2024-04-01", parts=(("horoscope", key()),))


def card_numbers(made: Company) -> None:
    """In a code, with separators or without; a code of three digits that is called one."""
    made.she("customer.account_closed", "2024-04-01", reason="4970101622220006")
    made.she("ticket.opened", "2024-04-02", topic="4111-1111-1111-1111", channel="email")
    made.she("ticket.opened", "2024-04-02", topic="cvv:123", channel="email", who=OTHER)


def long_ago(made: Company) -> None:
    """Collected before any notice was shown, or so it was said to be by a correction."""
    at = made.she("customer.commented", "2024-04-01", about="p-1")
    made.tells("notice.published", "2024-01-01", "2024-04-02", notice="late", document="A" * 43)
    restated = {"ref": at, "root": "customer.commented.v1", "class": "comment"}
    made.she("fact.corrected", "2023-04-01", "2024-04-03", **corrected_to(restated))
    made.she("customer.commented", "2023-04-01", "2024-04-04", about="p-1", who=OTHER)


def unfinished(made: Company) -> None:
    """Erased on an order: of two keys one was destroyed on it, of another's one on somebody else's;
    of a third's, all were, and more than once."""
    first, second, third = key(), key(), key()
    ids = [UUID(int=n) for n in (101, 102, 103)]
    whose = SHE, OTHER, UUID(int=13)
    named = (first, key()), (second,), (third,)
    for who, order, keys in zip(whose, ids, named, strict=True):
        gone = {"of": "contact", "reason": "request", "keys": keys, "id": order}
        made.she("customer.class_erased", "2024-06-01", actor="system", who=who, **gone)
    done = ((first, ids[0]), (second, ids[0]), (third, ids[1]), (third, ids[2]))
    for kid, order in done:
        proofs = (KeyProof(kid, "A" * 43),)
        said = {"keys": proofs, "reason": "request", "authority": order, "actor": "system"}
        made.tells("ledger.key_destroyed", "2024-06-01", **said)
    restored = {"backup_head": 3, "last_checkpoint": 2, "lost_parts": ((1, 2),)}
    made.tells("ledger.restored", "2024-06-02", actor="system", **restored)


def sealed_again(made: Company) -> None:
    """Something is sealed under a key that was destroyed for her, before and since."""
    old, other = key(), key()
    order = UUID(int=101)
    made.she("customer.account_opened", "2024-04-01", parts=(("account", old),))
    gone = {"of": "account", "reason": "request", "keys": (old, other), "id": order}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)
    proofs = tuple(KeyProof(kid, "A" * 43) for kid in (old, other))
    said = {"keys": proofs, "reason": "request", "authority": order, "actor": "system"}
    made.tells("ledger.key_destroyed", "2024-06-01", **said)
    made.she("customer.account_opened", "2024-07-01", parts=(("account", other),))
    made.she("customer.account_opened", "2024-07-01", parts=(("account", old),), who=OTHER)


def erased_by_mistake(made: Company) -> None:
    """What was recorded as erased was voided, or restated; what is not yet is told already."""
    gone = {"of": "contact", "reason": "request", "actor": "system"}
    for who in (SHE, OTHER):
        at = made.she("customer.class_erased", "2024-06-01", who=who, **gone, keys=(key(),))
        if who == SHE:
            made.she("fact.voided", "2024-06-02", ref=at, klass="rights")
    made.she("customer.class_erased", "2028-06-01", "2024-06-03", **gone, item="i1", who=OTHER)


def erased_and_joined(made: Company) -> None:
    """Carried out, of somebody who is one of two."""
    kid, order = key(), UUID(int=101)
    gone = {"of": "contact", "reason": "request", "keys": (kid,), "id": order}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)
    said = {"reason": "request", "authority": order, "actor": "system"}
    made.tells("ledger.key_destroyed", "2024-06-01", keys=(KeyProof(kid, "A" * 43),), **said)
    made.she("customer.joined", "2024-06-02", other=OTHER)


def unproved(made: Company) -> None:
    """A yes without a form, without an act, on a form that was shown later, inferred; the first
    restated, another voided, one not yet said; an opening that nobody agreed to."""
    shown = {"form": "late", "fields": ("email",), "document": "A" * 43}
    made.tells("form.published", "2024-05-01", **shown)
    without = [{name: said for name, said in FORM.items() if name != left} for left in FORM]
    inferred, late = {**FORM, "grade": "inferred"}, {**FORM, "form": "late"}
    for n, said in enumerate([FORM, *without, inferred, late]):
        for when in ("2024-04-01", "2024-06-01", "2028-06-01"):
            made.she("consent.given", when, "2024-06-02", who=UUID(int=20 + n), **LETTER, **said)
    at = made.she("consent.given", "2024-06-01", **LETTER, **late)
    restated = {"ref": at, "root": "consent.given.v1", "class": "consent", **LETTER}
    made.she("fact.corrected", "2024-04-02", **corrected_to(restated))
    at = made.she("consent.given", "2024-04-01", who=OTHER, **LETTER, **without[0])
    made.she("fact.voided", "2024-06-02", ref=at, klass="consent", who=OTHER)
    opener = UUID(int=30)
    made.she("message.sent", "2024-04-01", who=opener, **LETTER)
    made.she("message.opened", "2024-04-02", who=opener, channel="email")


def no_way_back(made: Company) -> None:
    """A yes to what rests on a contract, to what has channels and names none; one that was restated
    to be such, and one that is no more; her hold was placed under another reference."""
    asked = (LETTER, *({"purpose": name} for name in ("wallet", "account", "newsletter")))
    for n, said in enumerate(asked):
        for m, other in enumerate((None, *asked)):
            who = UUID(int=40 + 5 * n + m)
            at = made.she("consent.given", "2024-04-01", who=who, **said, **FORM)
            if other is not None:
                restated = {"ref": at, "root": "consent.given.v1", "class": "consent", **other}
                made.she("fact.corrected", "2024-04-01", who=who, **corrected_to(restated))
    held = {"article": "C. civ. art. 2224", "review": 20290601, "classes": ("contact",)}
    made.she("hold.placed", "2024-05-01", **held, who=OTHER)
    made.she("customer.joined", "2024-05-02", other=OTHER)
    gone = {"of": "contact", "reason": "request", "keys": (key(),)}
    made.she("customer.class_erased", "2024-06-01", actor="system", **gone)


def doubted(made: Company) -> None:
    """Asked who she is before a no was heard; what she wrote was not read, or was by now."""
    stream = UUID(int=7)
    asked = {"right": "objection", "purpose": "newsletter", "channel": "email"}
    made.she("request.received", "2024-03-03", stream=stream, **asked)
    made.she("request.identity_asked", "2024-03-04", stream=stream, reason="new_address")
    for who in (OTHER, UUID(int=8)):
        wrote = {"channel": "letter", "match": "near", "who": who}
        at = made.she("motive.received", "2024-03-03", **wrote)
        if who == OTHER:
            said = {"ref": at, "decision": "nothing", "reader": "r-1", "who": who}
            made.she("motive.decided", "2024-03-05", **said)


def of_ours(made: Company) -> None:
    """What the company told of nobody: to an undeclared recipient, with a card number; of a device,
    on a form that is not shown yet; visits."""
    handed = {"classes": ("contact",), "purpose": "newsletter", "people": 3}
    handed |= {"recipient": "who-knows", "actor": "agent"}
    made.tells("data.disclosed", "2024-04-01", **handed)
    made.tells("data.disclosed", "2024-04-01", **{**handed, "recipient": "4970101622220006"})
    accepted = {"purpose": "audience", "act": "box_ticked", "grade": "proved", "actor": "self"}
    for form in ("late", "account-1"):
        made.tells("tracker.given", "2024-04-01", form=form, **accepted)
    shown = {"form": "late", "fields": ("email", "gps"), "document": "A" * 43}
    made.tells("form.published", "2024-01-01", "2024-05-01", **shown)
    made.tells("tracker.given", "2024-04-01", "2024-05-02", form="late", **accepted)
    made.tells("data.disclosed", "2028-04-01", "2024-05-02", **handed)
    handed["recipient"] = "4970101622220006"
    made.tells("data.disclosed", "2028-04-01", "2024-05-02", **handed)


STORIES = (
    *(unfinished, sealed_again, erased_by_mistake, erased_and_joined, of_ours),
    *(unproved, no_way_back, doubted),
    *(
        payments,
        cards,
        cards_and_more,
        cards_by_their_own_facts,
        holds,
        restricted,
        archived,
        told,
        undeclared,
    ),
    *(told_early, told_whom, young, no_class, card_numbers, long_ago),
    *(no_longer_declared, destroyed, learnt_since),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_of_what_seldom_happens(
    story: Callable[[Company], None], opener: Opener, tmp_path: Path
) -> None:
    """Alone, and beside somebody of whom there is nothing to say."""
    made = Company(notice=story is not long_ago)
    made.she("customer.registered", "2024-03-01")
    made.she("customer.registered", "2024-03-01", who=UUID(int=2**127 + 7))
    story(made)
    for as_of in ("2024-12-31", "2031-12-31"):
        made.as_of = parse_as_of(as_of)
        with opened(made, opener, tmp_path) as asked:
            both(asked)


# --- what a search may leave out ------------------------------------------------------------------


def test_of_the_kinds_that_name_nothing_nothing_is_undeclared() -> None:
    """Whatever a fixed fact of it says, under an edition that declares nothing."""
    nothing = replace(shipped(), purposes={}, classes={})
    empty = fold(AGGREGATES["policy_book"], ())
    for kind, cls in KINDS.items():
        fact = example(cls)
        found = door_kinds.refuse_undeclared(fact, empty) or door.refuse_declared(fact, nothing)
        if found is not None and found.problem in UNDECLARED:
            assert kind in DECLARED, kind


CHARACTERS = st.text("0123456789 -._^=;%Bcvv4111", max_size=40)
CODES = st.sampled_from(("cvv", "CVC2", "code de securite", "card verification value", "c.v.v"))


@settings(max_examples=400, deadline=None)
@given(before=CHARACTERS, word=CODES, after=CHARACTERS)
def test_what_holds_card_data_may_hold_some(before: str, word: str, after: str) -> None:
    """The pattern that entries are searched by misses nothing that the gate finds."""
    for text in (before, before + word + after, f"{before}4111 1111-1111.1111{after}"):
        if pan.problem(text) is not None:
            said = json.dumps({"reason": text})
            found = duckdb.execute("SELECT regexp_matches(?, ?)", [said, pan.MAY_HOLD])
            assert found.fetchall() == [(True,)], text


def test_files_without_entries_are_not_said_to_hold_nothing(tmp_path: Path) -> None:
    """What would be searched is not there."""
    made = furnished()
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        (path,) = asked.segments.paths
        table = pq.read_table(path)
        column = table.schema.get_field_index("entry")
        nothing = pa.nulls(len(table), table.schema.field("entry").type)
        pq.write_table(table.set_column(column, table.schema.field("entry"), nothing), path)
    segments = asked.segments
    with DuckEngine(Files(segments.paths, segments.size, 0), made.book) as engine:
        bare = SegmentHistory(segments, engine, Times(made.as_of), made.as_of, None, STRANGER)
        everybody = bare.at_once
        assert everybody is not None
        for control in ("C09", "C12", "C16"):
            seek = CONTROLS[control].seek
            assert seek is not None
            with pytest.raises(BadData, match="hold no entries"):
                seek(everybody, Scene(made.book, (), made.as_of, made.known))


def test_a_form_that_was_told_of_late_is_known_from_then_on(tmp_path: Path) -> None:
    """Of three acceptances on devices one came before its form was known."""
    made = Company()
    of_ours(made)
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        (found,) = findings(run(asked, ["C11"]))
    assert [one.why for one in found[1]] == ["form_unpublished"]


def test_of_the_company_the_first_fact_is_handed_over_whatever_it_is(tmp_path: Path) -> None:
    """It says since when there is a ledger; of the others, those that were asked for."""
    made = furnished()
    made.tells("notice.published", "2024-01-01", notice="late", document="A" * 43)
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        all_of_them = [event.row for event in asked.company()]
        some = [event.row for event in asked.company(frozenset({"notice.published.v1"}))]
    noticed = [row for row in all_of_them if row.kind == "notice.published.v1"]
    assert some == [all_of_them[0], *noticed]
    assert len(some) < len(all_of_them)


def test_what_is_found_at_once_and_not_in_her_life_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Whatever is told one by one was judged from the life itself."""
    made = furnished()
    made.she("message.sent", "2019-01-01", **LETTER)
    with opened(made, OPENERS["one share"], tmp_path) as asked:
        most = Most(frozenset(), False, lambda *_: iter([Lean(SHE, "past_erase", (1,))]))
        control = replace(CONTROLS["C03"], most=most)
        monkeypatch.setitem(CONTROLS, "C03", control)
        with pytest.raises(BadData, match="--engine fold"):
            run(asked, ["C03"])
