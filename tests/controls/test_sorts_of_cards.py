"""Cards of everybody at once: each is of one sort with those only of which the same is to be said.

Lives are made by chance out of whatever a card's end hangs on. Each is lived four times: by two
whose days lie alike, and by two for whom one thing is different. Then everybody is asked at once,
and one after the other.
"""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

import pytest

from ledger.calendar import HOUR, Instant, format_instant, parse_as_of, parse_instant
from ledger.policy.book import shipped
from ledger.policy.model import Edition, Term
from replay.controls.at_once import Counting
from replay.controls.carding import set_apart
from replay.controls.keeping import APART
from replay.controls.run import run, scene_of
from replay.inspect.model import Asked
from replay.inspect.run import ask
from tests.controls.room import FORM, Company, findings, key
from tests.controls.test_at_once import OPENERS, opened

DAY = 24 * HOUR
ASKED = {"Q1": Asked(positions=3), "Q5": Asked(positions=1000)}
BEGINS: Instant = parse_instant("2019-01-07T09:30:00Z")
LONG = (0, 1, 5, 30, 31, 90, 365, 456, 457, 800)
GROUNDS = ("subscription", "subscription", "wallet", "wallet", "proof")
EXPIRIES = (None, 20200131, 20210630, 20240229, 20390131)
CHOSEN = (
    *("consent.given", "consent.given", "consent.renewed", "consent.withdrawn"),
    *("consent.requested", "consent.refused", "objection.raised"),
)
KINDS = (
    *("card.kept",) * 4,
    *("card.settled",) * 4,
    *("card.rebound", "card.removal_requested", "card.removed", "erased", "archived"),
    *("contract.started", "contract.started", "contract.renewed", "contract.ended"),
    *("chosen", "chosen", "chosen", "order.paid", "policy.notified", "proof erased"),
)


class Step(NamedTuple):
    """One fact of a life: so long after it began, told so much later; `n` picks what it says."""

    kind: str
    at: int
    late: int
    actor: str
    thing: int
    ground: str
    expiry: int | None
    contract: int | None
    n: int


def a_step(chance: random.Random, at: int) -> Step:
    """One by chance."""
    return Step(
        kind=chance.choice(KINDS),
        at=at,
        late=chance.choice((0,) * 8 + (HOUR, 40 * DAY, -3 * DAY)),
        actor=chance.choice(("self", "self", "import")),
        thing=chance.choice((0, 0, 0, 1)),
        ground=chance.choice(GROUNDS),
        expiry=chance.choice(EXPIRIES),
        contract=chance.choice((None, 0, 0, 1)),
        n=chance.randrange(8),
    )


def a_life(chance: random.Random) -> list[Step]:
    """A card is kept, then all sorts of things happen."""
    at, steps = 0, [a_step(chance, 0)._replace(kind="card.kept")]
    for _ in range(chance.randrange(1, 9)):
        at += chance.choice(LONG) * DAY + chance.choice((0, HOUR))
        steps.append(a_step(chance, at))
    return steps


def otherwise(chance: random.Random, life: list[Step]) -> list[Step]:
    """The same, but for one thing."""
    steps, n = list(life), chance.randrange(len(life))
    one, other = steps[n], a_step(chance, steps[n].at)
    what = chance.choice(("left out", "moved", "twice", *Step._fields))
    if what == "left out" and n:
        del steps[n]
    elif what == "moved":
        steps[n] = one._replace(at=one.at + chance.choice((-400, -2, -1, 1, 2, 400)) * DAY)
    elif what == "twice":
        steps.append(one._replace(at=one.at + chance.choice((0, 1, 3)) * DAY))
    elif what in Step._fields and n:
        steps[n] = one._replace(**{what: getattr(other, what)})
    return steps


def told(made: Company, lives: list[tuple[UUID, int, list[Step]]]) -> None:
    """All that happens to them (who, when it begins, what), in the order in which it was told."""
    each = [
        (BEGINS + began + step.at + step.late, BEGINS + began + step.at, who, n, step)
        for who, began, steps in lives
        for n, step in enumerate(steps)
    ]
    for now, at, who, _, step in sorted(each, key=lambda one: (one[0], one[3], one[2])):
        happens(made, step, who, format_instant(at), format_instant(now))


def happens(made: Company, step: Step, who: UUID, when: str, told: str) -> None:
    """One fact."""
    card, contract = f"c{step.thing}-{who.int % 2**60}", _contract(who, step.contract or 0)
    kind, said = said_of(step, card, contract)
    made.she(kind, when, told, **said, who=who, actor=step.actor)


def said_of(step: Step, card: str, contract: UUID) -> tuple[str, dict[str, Any]]:
    """Its kind, and what it says."""
    n = step.n
    if step.kind in ("card.kept", "card.rebound"):
        kept = {"ground": step.ground, "expiry": step.expiry, "item": card}
        return step.kind, kept if step.contract is None else {**kept, "contract": contract}
    if step.kind == "chosen":
        kind = CHOSEN[n % len(CHOSEN)]
        return kind, {"purpose": "wallet", **(FORM if kind in CHOSEN[:3] else {})}
    gone = {"reason": "term", "keys": (key(),), "item": card}
    began = {"type": ("subscription", "service")[n % 2], "tacit": n > 4}
    told: dict[str, tuple[str, dict[str, Any]]] = {
        "card.settled": ("", {"item": card, "debit": (None, None, 20200110, 20210710)[n % 4]}),
        "card.removal_requested": ("", {"item": card, "channel": "email"}),
        "card.removed": ("", {"item": card, "psp_ack": bool(n % 2)}),
        "erased": (
            "customer.class_erased",
            {**gone, "of": ("card", "card", "card_proof", "order")[n % 4]},
        ),
        "archived": (
            "customer.class_archived",
            {**gone, "of": "card", "until": 20300101, "article": "C. com. art. L110-4"},
        ),
        "proof erased": ("customer.class_erased", {**gone, "of": "consent", "item": None}),
        "contract.started": (
            "",
            {**began, "until": (None, 20200506, 20220506, 20200229)[n % 4], "stream": contract},
        ),
        "contract.renewed": (
            "",
            {"until": (20210506, 20220506, 20390506)[n % 3], "tacit": n > 3, "stream": contract},
        ),
        "contract.ended": ("", {"reason": "notice", "stream": contract}),
        "order.paid": ("", {"item": card if n == 0 else f"o{n % 2}-{card}"}),
        "policy.notified": ("", {"edition": (20200601, 20210301)[n % 2], "channel": "email"}),
    }
    kind, said = told[step.kind]
    return kind or step.kind, said


def _contract(who: UUID, n: int) -> UUID:
    return UUID(int=who.int + 2**90 * (n + 1))


def _edition(number: int, card: int, wallet: int | None, *moved_by: str, **more: Any) -> Edition:
    first = shipped()
    kept = first.classes["card"]
    kept = replace(
        kept,
        operational_months=card,
        article=f"{kept.article} {number}",
        moved_by=(*kept.moved_by, *moved_by),
        **more,
    )
    said = replace(first.purposes["wallet"], validity_months=wallet)
    return replace(
        first,
        id=f"e{number}",
        effective_from=number,
        classes={**first.classes, "card": kept},
        purposes={**first.purposes, "wallet": said},
    )


def furnished(**more: Any) -> Company:
    """A company under three editions: the second keeps cards for two years, the third for four,
    while a contract of the same name runs, and until it ends."""
    made = Company()
    made.publishes(_edition(20200601, 24, None), "2019-03-01T08:00:00Z")
    third = _edition(20210301, 48, 7, "contract.ended.v1", suspended_by=("subscription",), **more)
    made.publishes(third, "2019-03-02T08:00:00Z")
    return made


def agree(made: Company, opener: Any, folder: Path) -> int:
    """Asked at once they say what the fold says; of how many cards no life was read."""
    with opened(made, opener, folder) as history:
        everybody = history.at_once
        assert everybody is not None
        found = findings(run(history, ["C04"]))
        answers = [ask(history, [name], how) for name, how in ASKED.items()]
        scene, _ = scene_of(history)
        apart = set_apart(everybody, APART, scene)
        each = dict.fromkeys(apart.sorts, Counting(0, 0, False, False))
        spared = sum(things for _, _, _, things, _ in everybody.cards(apart, each, 1))
        history.__dict__["at_once"] = None
        assert found == findings(run(history, ["C04"]))
        assert answers == [ask(history, [name], how) for name, how in ASKED.items()]
    return spared


def by_chance(seed: int, many: int = 30, **more: Any) -> Company:
    """A company under three editions, some of whose people live alike."""
    chance = random.Random(seed)
    made, lives = furnished(**more), []
    for n in range(many):
        steps, began = a_life(chance), chance.choice((60, 400, 800)) * DAY
        each = (steps, steps, otherwise(chance, steps), otherwise(chance, steps))
        shifts = (0, chance.choice((0, 0, 1, 3, 20)), 0, 0)
        order = chance.sample(range(4), 4)
        for m in order:
            who = UUID(int=chance.choice((0, 2**127)) + (4 * n + m + 1) * 2**64 + n)
            lives.append((who, began + shifts[m] * DAY + order.index(m), each[m]))
    told(made, lives)
    return made


@pytest.mark.parametrize("seed", range(3))
def test_of_cards_by_chance(seed: int, tmp_path: Path) -> None:
    """Some of them without reading a life; in the end, in the middle, and as known before."""
    made = by_chance(seed)
    spared = 0
    for as_of in ("2024-12-31", "2022-02-28", "2020-05-06"):
        made.as_of = parse_as_of(as_of)
        spared += agree(made, OPENERS["one share"], tmp_path)
    assert spared > 0
    made.known = len(made.events) * 2 // 3
    made.as_of = parse_as_of("2021-07-10")
    agree(made, OPENERS["one share"], tmp_path)


@pytest.mark.parametrize("opener", ("many", "aside"))
def test_of_cards_in_shares_and_from_aside(opener: str, tmp_path: Path) -> None:
    """The same."""
    made = by_chance(99, 20)
    made.as_of = parse_as_of("2022-02-28")
    assert agree(made, OPENERS[opener], tmp_path) > 0


def test_cards_that_go_to_an_archive_are_looked_at(tmp_path: Path) -> None:
    """No sort tells on which day the archive ends."""
    made = by_chance(98, 12, archive=Term(12, "operational_end", "C. com. art. L110-4"))
    made.as_of = parse_as_of("2024-12-31")
    assert agree(made, OPENERS["one share"], tmp_path) == 0


# --- two who differ in one thing ------------------------------------------------------------------

Told = tuple[Any, ...]
KEPT = ("card.kept", "2023-01-05T08:00:00Z")
WALLET: dict[str, Any] = {"ground": "wallet", "expiry": 20390131}
SUBSCRIBED: dict[str, Any] = {"ground": "subscription", "expiry": 20390131, "contract": 1}
SETTLED, GIVEN, WITHDRAWN = "card.settled", "consent.given", "consent.withdrawn"
GONE: dict[str, Any] = {"of": "card", "reason": "term"}
BEGUN: dict[str, Any] = {"type": "subscription", "tacit": True}
ERAS = ("2021-02-27T08:00:00Z", "2021-03-02T08:00:00Z")


def _said(kind: str, when: str, *told: str, **said: Any) -> Told:
    return (kind, when, told, said)


def _told_at(one: Told) -> Instant:
    return parse_as_of(one[2][0] if one[2] else one[1])


def _yes(when: str, *told: str, **said: Any) -> Told:
    return _said(GIVEN, when, *told, **FORM, **said)


def _begun(n: int, when: str = "2023-01-04T08:00:00Z", **said: Any) -> Told:
    return _said("contract.started", when, **BEGUN | {"contract": n} | said)


def _over(n: int) -> Told:
    return _said("contract.ended", "2023-09-01T08:00:00Z", contract=n)


NO = _said(WITHDRAWN, "2024-03-01T09:00:00Z")
LAST_DAYS = ("2023-03-14T09:00:00Z", "2023-03-15T09:00:00Z")  # of a proof, by 2024-06-15
NAMED_TWO = (
    *(_begun(1), _begun(2), _said(*KEPT, **SUBSCRIBED)),
    _said("card.rebound", "2023-02-05T08:00:00Z", **SUBSCRIBED | {"contract": 2}),
)
TWICE = _said("card.rebound", "2023-02-06T08:00:00Z", **SUBSCRIBED | {"contract": 2})
BACK = _said("card.rebound", "2023-02-06T08:00:00Z", **SUBSCRIBED)
NOTIFIED: dict[str, Any] = {"edition": 20210301, "channel": "email"}
STORIES: dict[str, tuple[tuple[Told, ...], ...]] = {
    "a day": tuple(
        (_said("card.kept", "2022-01-05T08:00:00Z", ground="proof"), _said(SETTLED, when))
        for when in LAST_DAYS
    ),
    "the day of a debit": tuple(
        (
            _said("card.kept", "2022-01-05T08:00:00Z", ground="proof"),
            _said(SETTLED, "2023-04-01T08:00:00Z", debit=debit),
        )
        for debit in (20230314, 20230315)
    ),
    "the last day of a card": tuple(
        (_yes("2024-01-05T08:00:00Z"), _said(*KEPT, **WALLET | {"expiry": expiry}))
        for expiry in (20240531, 20240630)
    ),
    "a yes that is old": tuple(
        (_yes(when), _said(*KEPT, **WALLET))
        for when in ("2023-11-14T08:00:00Z", "2023-11-15T08:00:00Z")
    ),
    "the term of the class": tuple(
        (_said(SETTLED, when, actor="import"),)
        for when in ("2022-06-14T08:00:00Z", "2022-06-15T08:00:00Z")
    ),
    "which came first": tuple(
        (
            _said(*KEPT, **WALLET),
            _yes(f"2024-02-01T{yes}:00:00Z", told),
            _said(WITHDRAWN, f"2024-02-01T{no}:00:00Z", "2024-02-02"),
        )
        for yes, no in (("10", "11"), ("11", "10"))
        for told in ["2024-02-01T12:00:00Z"]
    ),
    "what was done": tuple(
        (_said("card.kept", "2022-01-05T08:00:00Z", ground="proof"), one)
        for one in (
            _said(SETTLED, "2024-01-05T08:00:00Z"),
            _said("card.removed", "2024-01-05T08:00:00Z", psp_ack=True),
        )
    ),
    "what was erased": tuple(
        (
            _said(*KEPT, **WALLET),
            _said("customer.class_erased", "2024-01-05T08:00:00Z", **(GONE | {"of": of})),
        )
        for of in ("card", "card_proof")
    ),
    "how it is renewed": tuple(
        (_begun(1, until=20240105, tacit=tacit), _said(*KEPT, **SUBSCRIBED))
        for tacit in (True, False)
    ),
    "the ground": tuple(
        (_said(*KEPT, ground=ground, expiry=20240105),) for ground in ("proof", "wallet")
    ),
    "the edition it was told under": tuple((_said(SETTLED, when),) for when in ERAS),
    "the edition she was told of": tuple(
        (
            _said(SETTLED, ERAS[0]),
            _said("policy.notified", "2021-04-01", edition=edition, channel="email"),
        )
        for edition in (20200601, 20210301)
    ),
    "when she was told of it": tuple(
        tuple(sorted((_said(SETTLED, "2021-02-26T08:00:00Z"), notice), key=_told_at))
        for told in ("2021-02-25", "2021-03-05")
        for notice in [_said("policy.notified", "2021-02-20", told, **NOTIFIED)]
    ),
    "the term of the class, by what she was told": tuple(
        (
            _said(SETTLED, f"2020-06-{day}T08:00:00Z"),
            _said("policy.notified", "2021-04-01", **NOTIFIED),
        )
        for day in (14, 15)
    ),
    "which contract ended": tuple((*NAMED_TWO, _over(n)) for n in (1, 2)),
    "for which contract it is kept": tuple((*NAMED_TWO, one, _over(1)) for one in (TWICE, BACK)),
    "whether a contract ended": tuple(
        (_begun(1), _said(*KEPT, **SUBSCRIBED), *more) for more in ((), (_over(1),))
    ),
    "the contract is the card": tuple(
        (_begun(n), _said(*KEPT, **SUBSCRIBED | {"contract": n}), _over(n)) for n in (0, 1)
    ),
    "the contract of the same name": tuple(
        (_begun(0, until=20240105, tacit=tacit), _said(SETTLED, "2023-01-05T08:00:00Z"))
        for tacit in (True, False)
    ),
    "who took it back": tuple(
        (
            _said(*KEPT, **(WALLET | {"expiry": 20240531})),
            _yes("2024-02-01T08:00:00Z"),
            _said(WITHDRAWN, "2024-01-31T08:00:00Z", "2024-03-01", actor=actor),
        )
        for actor in ("self", "import")
    ),
    "a last day between two without": tuple(
        (
            _yes("2024-01-05T08:00:00Z"),
            *tuple(
                _said("card.kept", f"2023-01-0{n}T08:00:00Z", ground="wallet", expiry=expiry)
                for n, expiry in days
            ),
        )
        for days in (((5, None), (6, 20240531), (7, None)), ((5, None), (7, None)))
    ),
    "what has not happened yet": tuple(
        (
            _said(*KEPT, **WALLET),
            _yes("2024-01-05T08:00:00Z"),
            _said(WITHDRAWN, f"2024-06-15T{at}:00:00Z", "2024-06-15T14:00:00Z"),
        )
        for at in ("11", "13")
    ),
    "what was dated back": tuple(
        (_said(*KEPT, **WALLET), NO, _yes("2024-03-01T10:00:00Z", f"2024-03-01T10:{told}:00Z"))
        for told in ("03", "10")
    ),
    "what was dated back between": tuple(
        (
            _said(*KEPT, **WALLET),
            _yes("2023-01-10T08:00:00Z", "2024-01-01"),
            *more,
            _said(WITHDRAWN, "2023-01-01T08:00:00Z", "2024-01-03"),
            _yes("2024-01-03T08:00:00Z", "2024-01-04"),
        )
        for more in ((_yes("2023-12-28T08:00:00Z", "2024-01-02"),), ())
    ),
    "what was told last": tuple(
        (
            _said(*KEPT, **WALLET),
            _said(SETTLED, "2023-02-01T08:00:00Z"),
            _said(SETTLED, "2023-02-09T08:00:00Z"),
            _said("customer.class_erased", "2023-03-01T08:00:00Z", **GONE),
            *more,
        )
        for more in ((_said(SETTLED, "2023-02-05T08:00:00Z", "2023-03-02"),), ())
    ),
    "what happened last": tuple(
        (
            _said("card.kept", "2022-01-05T08:00:00Z", ground="proof"),
            *tuple(
                _said(SETTLED, f"2024-02-01T{at}:00:00Z", "2024-02-01T13:00:00Z", debit=debit)
                for at, debit in settled
            ),
        )
        for settled in (((10, None), (12, 20230101), (11, None)), ((10, None), (11, None)))
    ),
    "what counts last": tuple(
        (
            _said(SETTLED, "2023-02-01T08:00:00Z"),
            _said(SETTLED, "2023-02-05T12:00:00Z"),
            _said("customer.class_erased", "2023-03-01T08:00:00Z", **GONE),
            *more,
            _said(SETTLED, "2023-02-01T13:00:00Z", "2023-03-03"),
        )
        for more in ((_said(SETTLED, "2023-02-05T11:00:00Z", "2023-03-02"),), ())
    ),
    "what was asked first": tuple(
        (
            _said(*KEPT, **WALLET),
            _yes("2023-12-20T08:00:00Z"),
            *more,
            _said("card.removal_requested", "2024-05-01T08:00:00Z", channel="email"),
        )
        for one in [_said("card.removal_requested", "2024-01-01T08:00:00Z", channel="email")]
        for more in ((one,), ())
    ),
    "for what she said yes": tuple(
        (_said(*KEPT, **WALLET), _yes("2024-01-05T08:00:00Z", purpose=purpose))
        for purpose in ("wallet", "newsletter")
    ),
    "over what she said yes": tuple(
        (_said(*KEPT, **WALLET), _yes("2024-01-05T08:00:00Z", channel=channel))
        for channel in (None, "email")
    ),
    "what was voided": tuple(
        (
            _said("card.kept", "2022-01-07T08:00:00Z", ground="proof"),
            _said(SETTLED, "2022-01-07T09:00:00Z"),
            _said(SETTLED, "2024-01-05T08:00:00Z", name="it"),
            *more,
        )
        for more in ((_said("fact.voided", "2024-01-06", about="it", klass="card"),), ())
    ),
    "what is held": tuple(
        (*more, _said("card.kept", "2022-01-05T08:00:00Z", ground="proof"))
        for held in [{"article": "C. civ. art. 2224", "review": 20290101, "classes": ("card",)}]
        for more in ((_said("hold.placed", "2022-01-01", **held),), ())
    ),
    "what names no card": tuple(
        (_said("card.kept", "2022-01-05T08:00:00Z", ground="proof", item=item),)
        for item in (None, "c9")
    ),
    "how many she has": tuple(
        tuple(_said(*KEPT, ground="proof", item=item) for item in items)
        for items in (("b1", "b2"), ("b1",))
    ),
}


class Happening(NamedTuple):
    """One fact of a life: when it was told, of which of all these people, the how manieth."""

    at: Instant
    number: int
    nth: int
    told: Told


def tell_of(made: Company, lives: list[tuple[Told, ...]]) -> None:
    """Each of these lives is lived by two people; what is told at one instant, in their order."""
    each = [
        Happening(_told_at(one), 2 * n + twin, nth, one)
        for n, life in enumerate(lives)
        for twin in range(2)
        for nth, one in enumerate(life)
    ]
    named: dict[int, int] = {}
    for one in sorted(each):
        n, (kind, when, told, said) = one.number, one.told
        who = UUID(int=(0, 2**127)[n % 2] + (n + 1) * 2**64 + 7)
        more = {name: value for name, value in said.items() if name not in ("name", "about")}
        if kind in (GIVEN, WITHDRAWN):
            more.setdefault("purpose", "wallet")
        if kind.startswith(("card.", "customer.class")):
            more.setdefault("item", str(UUID(int=who.int + 2**40)))
        if "contract" in more:
            contract = UUID(int=who.int + 2**40 + more.pop("contract"))
            more["contract" if kind.startswith("card.") else "stream"] = contract
        if "about" in said:
            more["ref"] = named[n]
        at = made.she(kind, when, *told, **more, who=who)
        if "name" in said:
            named[n] = at


@pytest.mark.parametrize("turned", (False, True))
def test_of_two_who_differ_in_one_thing(turned: bool, tmp_path: Path) -> None:
    """Two live the one life and two the other; all of one company."""
    made = furnished()
    pairs = (reversed(story) if turned else story for story in STORIES.values())
    tell_of(made, [life for pair in pairs for life in pair])
    for kind in ("card.kept", "card.rebound"):  # as nobody else does
        made.she(kind, "2022-02-02T08:00:00Z", item="alone", ground="proof")
    made.as_of = parse_as_of("2024-06-15T12:00:00Z")
    assert agree(made, OPENERS["one share"], tmp_path) > len(STORIES)
