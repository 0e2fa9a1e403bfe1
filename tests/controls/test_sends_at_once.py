"""Sends of everybody at once: each condition by which a life need not be read, and every life that
is read cut at each of its moments as the definition cuts it.

Histories by chance, of sends, choices and whatever the rules of permission heed: live, told late,
imported, corrected, under editions and declarations that change between them.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger.calendar import (
    HOUR,
    MINUTE,
    Instant,
    add_days,
    add_months,
    day_of,
    format_instant,
    parse_instant,
)
from ledger.events import CORRECTION, KINDS, VOID, ClassArchived, ClassErased, Row
from ledger.permitting.joined import as_one
from ledger.policy.book import shipped
from ledger.policy.model import Edition, Term
from ledger.policy.permissions import Asked, Objection, Person, verdict_now
from ledger.policy.sends import KINDS as SENDS
from ledger.policy.sends import Send
from ledger.projections.joins import Join
from replay.controls.facts import Facts
from replay.controls.life import Look
from replay.controls.model import Event, Joining, Life
from replay.controls.run import run, scene_of
from replay.controls.sending import sorts_of_sends
from replay.fold import effective, fold_subject
from replay.inspect.run import ask
from tests.controls.room import Company, findings
from tests.controls.test_any_history import event_of
from tests.controls.test_at_once import OPENERS, opened

DAY = 24 * HOUR
BEGINS: Instant = parse_instant("2020-02-03T09:30:00Z")
PEOPLE = tuple(UUID(int=n << 64 | n) for n in (*range(1, 50), 2**63 + 4))
SEEDS = range(6)
JOINED = "customer.joined.v1"
ABOUT = (
    *(("newsletter", "email"),) * 6,
    ("newsletter", "sms"),
    ("newsletter", None),
    ("email_open_tracking", "email"),
    ("service_message", "email"),
    ("surveys", "email"),
    ("club", "email"),
    ("phone_marketing", "phone"),
    ("automated_call", "automated_call"),
)
SAID = (
    *("consent.given.v1",) * 6,
    *("consent.requested.v1", "consent.renewed.v1", "consent.withdrawn.v1", "consent.refused.v1"),
    *("consent.invalidated.v1", "objection.raised.v1", "objection.assessed.v1"),
    "objection.lifted.v1",
)
SELDOM = (
    *("customer.died.v1", "customer.minor_signalled.v1", "customer.restricted.v1"),
    *("customer.restriction_lifted.v1", "customer.class_erased.v1", "policy.notified.v1"),
)
USUAL = (
    *("customer.logged_in.v1", "order.placed.v1", "optout.offered.v1", "customer.registered.v1"),
    *("customer.account_opened.v1", "order.paid.v1", "order.invoiced.v1"),
)
ARCHIVED = {"order": 60, "account": 120, "invoice": 120, "contact": 36}
"""Classes, with the months after which what is archived of them ends."""
TOLD = ("edition", "club", "assessment", "form", "dropped")


class Drawn(NamedTuple):
    """One event to be: `late` is how long after it happened it is told."""

    what: str
    who: int
    about: int
    after: int
    late: int
    actor: str
    grade: str
    decision: int


WHAT = (
    *(*SENDS * 6, *SAID, *USUAL, ClassArchived.kind, *TOLD),
    *("seldom",),
)


def by_chance(seed: int, length: int = 360) -> list[Drawn]:
    """A history of so many events. Few people are ever corrected, or more seldom things befall."""
    chance = random.Random(seed)
    drawn = []
    for _ in range(length):
        what, who = chance.choice(WHAT), chance.randrange(len(PEOPLE))
        if what == "seldom":
            what, who = chance.choice((*SELDOM, CORRECTION, VOID, "joined")), who % 9
        late = chance.choice((0,) * 10 + (MINUTE, HOUR, 31 * DAY, -2 * DAY, 900 * DAY))
        drawn.append(
            Drawn(
                *(what, who, chance.choice((who, who, who, chance.randrange(99))) % len(ABOUT)),
                *(chance.choice((0, 1, DAY, 3 * DAY, 30 * DAY)), late),
                chance.choice(("self",) * 6 + ("agent", "import")),
                chance.choice(("proved", "proved", "proved", "asserted", "inferred")),
                chance.randrange(4),
            )
        )
    return drawn


def company(history: list[Drawn]) -> Company:
    """A company as these say; time goes on."""
    made, now = Company(), BEGINS
    editions = iter(EDITIONS)
    for n, one in enumerate(history):
        now += one.after + 1
        at = now - one.late
        when, told = format_instant(at), format_instant(now)
        if one.what == "edition":
            edition = next(editions, None)
            if edition is not None:
                made.publishes(edition, told)
        elif one.what in TOLD:
            _tell(made, one, when, told)
        elif one.what == "joined":
            if n > len(history) // 2 and not any(e.row.kind == JOINED for e in made.events):
                made.she("customer.joined", when, told, who=PEOPLE[0], other=PEOPLE[1])
        else:
            _happens(made, one, at, now)
    made.as_of = now + DAY
    return made


def _edition(number: int, months: int | None, basis: Any, **terms: int) -> Edition:
    first = shipped()
    letters = replace(first.purposes["newsletter"], validity_months=months, basis=basis)
    purposes = {**first.purposes, "newsletter": letters}
    if number > 20210601:
        purposes["club"] = replace(letters, id="club", channels=("email",), basis="contract")
    classes = {**first.classes}
    for name, term in terms.items():
        moved_by = first.classes[name].moved_by[: 1 + term % 2]
        changed = replace(first.classes[name], operational_months=term, moved_by=moved_by)
        if name == "invoice":
            changed = replace(changed, archive=Term(48, "start", "C. com. art. L123-22"))
        classes[name] = changed
    return replace(
        first, id=f"e-{number}", effective_from=number, purposes=purposes, classes=classes
    )


EDITIONS = (
    _edition(20200601, 13, "consent"),
    _edition(20210301, 7, "legitimate_interest", account=36, order=61),
    _edition(20220101, None, "consent", invoice=12, order=72),
)


def _tell(made: Company, one: Drawn, when: str, told: str) -> None:
    said: dict[str, Any]
    if one.what == "club":
        said = {"purpose": "club", "article": "GDPR art. 6(1)(a)", "channels": ("email",)}
        basis = ("consent", "legitimate_interest", "contract", "consent")[one.decision]
        months = 3 if one.decision else None
        marketing = bool(one.decision % 2)
        made.tells(
            *("purpose.declared", when, told),
            **(said | {"basis": basis, "validity_months": months, "marketing": marketing}),
        )
    elif one.what == "assessment":
        said = {"type": "balancing_test", "outcome": "favourable", "document": "A" * 43}
        made.tells("assessment.recorded", when, told, purpose="newsletter", **said)
    elif one.what == "form":
        made.tells(
            "form.published", when, told, form="account-1", fields=("email",), document="B" * 43
        )
    else:
        about = [e.row.position for e in made.events if e.row.kind == "purpose.declared.v1"]
        if about:
            made.tells("fact.voided", when, told, ref=about[-1])


def _happens(made: Company, one: Drawn, at: Instant, now: Instant) -> None:
    subject, position = PEOPLE[one.who], len(made.events) + 1
    root: Event | None = None
    if one.what in (CORRECTION, VOID):
        hers = [e for e in made.events if e.row.subject == subject and not e.row.ref_position]
        if not hers:
            return
        root = hers[-1 - one.about % len(hers)]
    kind = root.row.kind if root else one.what
    purpose, channel = ABOUT[one.about]
    decision: str | None = None
    if kind == "customer.minor_signalled.v1":
        decision = ("under_15", "under_18")[one.decision % 2]
    elif kind == ClassErased.kind:
        decision = ("consent", "consent", "order", "contact")[one.decision]
    elif kind == "objection.assessed.v1":
        decision = ("upheld", "overridden")[one.decision % 2]
    until = 20220101 if kind == "policy.notified.v1" else None
    item = "i1" if kind == "order.invoiced.v1" and one.decision else None
    if kind == ClassArchived.kind:
        before = [e.row for e in made.events if e.row.subject == subject and e.row.klass]
        if root is None and not before:
            return
        decision = tuple(ARCHIVED)[one.decision]
        counted = before[-1 - one.about % len(before)].local_day
        until = add_days(add_months(counted, ARCHIVED[decision]), one.about % 2)
        item = "i1" if decision == "invoice" else None
    said = kind in (*SENDS, *SAID, "optout.offered.v1")
    homes = KINDS[kind].homes
    row = Row(
        position=position,
        stream=subject,
        version=1,
        kind=one.what,
        subject=subject,
        klass=root.row.klass if root else homes[0],
        item=root.row.item if root else item,
        purpose=purpose if said else None,
        channel=channel if said else None,
        decision=decision,
        basis="term" if kind in (ClassErased.kind, ClassArchived.kind) else None,
        grade=one.grade if kind in SAID else None,
        actor=one.actor,
        edition=20181120,
        until_day=until,
        ref_position=root.row.position if root else None,
        amount_minor=None,
        occurred_at=at,
        grain="instant",
        local_day=day_of(at),
        recorded_at=max(now, made.events[-1].row.recorded_at + 1),
    )
    made.events.append(event_of(row, root))
    made.known = position


ASKED = ("C01", "C02", "C10", "C15")
QUESTIONS = ("Q3", "Q4")


def agree(made: Company, opener: Any, folder: Path) -> int:
    """Asked at once they say what the fold says; of how many sends no life was read."""
    with opened(made, opener, folder) as history:
        everybody = history.at_once
        assert everybody is not None
        found = [findings(run(history, [name]))[0] for name in ASKED]
        answers = [ask(history, [name])[0] for name in QUESTIONS]
        scene, _ = scene_of(history)
        sorts = sorts_of_sends(everybody, scene)
        apart = everybody.having_sends([n for n, send in sorts.items() if send is None])
        counted = everybody.sends(apart, dict.fromkeys(sorts, 0), 1)
        spared = sum(things for _, _, things, _ in counted)
        history.__dict__["at_once"] = None
        assert found == findings(run(history, ASKED))
        assert answers == list(ask(history, QUESTIONS))
    return spared


@pytest.mark.parametrize("seed", SEEDS)
def test_of_sends_by_chance(seed: int, tmp_path: Path) -> None:
    """Some of them without reading a life; in the end, and in the middle."""
    made = company(by_chance(seed))
    assert agree(made, OPENERS["one share"], tmp_path) > 0
    made.known -= 60
    made.as_of = made.events[made.known - 20].row.occurred_at
    agree(made, OPENERS["one share"], tmp_path)


# --- a life that is read --------------------------------------------------------------------------


def plainly(look: Look) -> list[Any]:
    """Her sends, judged one by one by the whole fold, with nothing said of one reused."""
    scene = look.scene

    def one(life: Life, at: Instant, known: int) -> Person:
        events = [event for event in life.events if event.row.position <= known]
        rows = [event.row for event in events]
        stand = tuple(row for row in effective(rows) if row.occurred_at <= at)
        return Person(fold_subject(rows, at, known), stand, Facts(events, stand), life.opposed)

    def person_at(at: Instant, known: int) -> Person:
        if not look.life.kin:
            return one(look.life, at, known)
        joins, lives = scene.joins_at(known), {look.subject: look.life, **look.life.kin}
        kept = joins.kept(look.subject)
        own = one(lives[kept], at, known)
        others = [(j.position, one(lives[j.other], at, known)) for j in joins.others(kept)]
        return as_one(own, others, joins) if others else own

    found = []
    for row in sorted(look.standing, key=lambda row: row.position):
        if row.kind not in SENDS:
            continue
        late = row.actor == "import" or (scene.began is not None and row.occurred_at < scene.began)
        known = row.position - 1
        known = known if late else min(look.known_at(row.occurred_at), known)
        send = next(one for one in look.sends if one.position == row.position)
        purpose, channel, moment = row.purpose or "", row.channel or "", send.at
        then, now = (
            verdict_now(
                Asked(
                    *(person_at(row.occurred_at, upto), scene.book, purpose, channel, moment),
                    *(upto, scene.company_at(upto)),
                )
            )
            for upto in (known, scene.known)
        )
        same = (then.allowed, then.reasons[0]) == (now.allowed, now.reasons[0])
        asked = purpose, channel, moment
        found.append(Send(row.position, row.kind, *asked, then, None if same else now, late))
    return found


@pytest.mark.parametrize("seed", range(20))
def test_a_life_cut_at_each_moment_is_what_the_fold_makes_of_it(seed: int) -> None:
    """Whatever is taken from the moment before."""
    made = company(by_chance(seed))
    for event in made.events:
        if event.row.kind == JOINED:
            made.joined.append(Joining(Join(event.row.position, PEOPLE[0], PEOPLE[1]), None))
    made.opposed = {PEOPLE[2]: frozenset({Objection("newsletter", "email", BEGINS + DAY, 9)})}
    made.known -= seed % 2 * 40
    scene, _ = scene_of(made)
    for life in made.lives():
        look = Look(life, scene)
        assert look.sends == plainly(look)
