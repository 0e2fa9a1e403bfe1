"""Whatever anybody wishes: it is recorded, or refused in words. Nothing else happens.

Every kind that a caller may send, every field filled with what fits, with what does not, and with
what was never meant to be there; alone, in batches, as corrections and as voids. Only the three
families of failure come out, a refused wish leaves nothing behind, and what was said of a person
is never said again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api import facts as door
from api import keys
from api.app import create_app
from ledger.application import Ledger
from ledger.calendar import parse_moment
from ledger.commands import Command, Correct, Record, Reference, Void
from ledger.errors import ProbantError, Refusal
from ledger.events import ACTORS, KINDS, OWN
from ledger.fields import Spec
from ledger.handlers import record_many
from ledger.opening import create
from ledger.store import rebuild
from tests.clock import StepClock
from tests.contracts.facts import VALUES

SECRET = "Zoé Quétlavie 7731"
ANSWERS = (200, 201, 207, 400, 403, 404, 409, 410, 413, 422)
SENT = sorted(kind for kind, cls in KINDS.items() if kind not in OWN and cls.aggregate != "any")
BUDGET = settings(
    deadline=None,
    max_examples=60,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

hostile: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=30),
    st.just(SECRET),
    st.just("4970 1012 3456 7890"),
    st.just(f"{SECRET}\x00'; DROP TABLE events; --"),
    st.just("\ud800"),
    st.just("0" * 5000),
    st.lists(st.just(SECRET), max_size=3),
    st.dictionaries(st.sampled_from(["minor", "currency", SECRET]), st.just(SECRET), max_size=3),
)
USUAL: dict[str, list[Any]] = {
    "purpose": ["newsletter", "service_message", "phone_marketing"],
    "channel": ["email", "phone", "form"],
    "classes": [["contact"], ["order", "account"]],
    "fields": [["email"]],
    "of": ["order"],
}


def fitting(spec: Spec) -> st.SearchStrategy[Any]:
    """A value that the field takes, as a caller writes it."""
    if spec.one_of:
        return st.sampled_from(list(spec.one_of))
    if spec.key in USUAL:
        return st.sampled_from(USUAL[spec.key])
    value = st.just(SECRET) if spec.personal else VALUES[id(spec.codec)]
    return value if spec.personal else value.map(spec.codec.dump)


nearly = st.sampled_from([True] * 14 + [False])  # what mostly fits sometimes does not
THINGS = ("order", "contract", "card", "hold", "message", "service", "rights_request")
actors = st.sampled_from([*ACTORS, SECRET])
whenever = st.one_of(st.just("2025-06-02"), st.just("2025-06-02T10:00:00Z"), hostile)
known = st.builds(
    lambda kind, value: {"kind": kind, "value": value},
    st.sampled_from(["shop", "email", "ref"]),
    st.sampled_from(["A-1", "A-2", "a@example.org"]),
)
references = nearly.flatmap(lambda fits: known if fits else hostile)


@st.composite
def data(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    """The fields of a kind: mostly all those it needs, with values that mostly fit."""
    specs = KINDS[kind].specs
    wanted = [s for s in specs if (s.required or draw(st.booleans())) and draw(nearly)]
    found = {spec.key: draw(fitting(spec) if draw(nearly) else hostile) for spec in wanted}
    if not draw(nearly):
        found[draw(st.sampled_from(["cvv", "pan", "latitude", SECRET]))] = draw(hostile)
    return found


@st.composite
def item(draw: st.DrawFn, kind: str) -> Any:
    """One item of a request, about a person or a thing that may be known already."""
    if not draw(nearly):
        return draw(hostile)
    made: dict[str, Any] = {"kind": draw(st.sampled_from([kind, kind.removesuffix(".v1")]))}
    made["data"] = draw(data(kind))
    cls = KINDS[kind]
    if not cls.about_nobody or not draw(nearly):
        made["person"] = draw(references)
    if cls.aggregate in THINGS:
        made["thing"] = draw(references)
    for key, value in (("occurred", whenever), ("actor", actors), ("subject", hostile)):
        if not draw(st.integers(0, 9)) and (key != "subject" or not draw(nearly)):
            made[key] = draw(value)
    return made


changed = st.one_of(
    st.just("email"), st.just("newsletter"), st.just({"minor": 1, "currency": "EUR"}), hostile
)


@st.composite
def amendment(draw: st.DrawFn) -> Any:
    """A correction or a void of some position."""
    position = draw(st.one_of(st.integers(-1, 60), hostile))
    if draw(st.booleans()):
        return {"void": {"position": position}}
    changes = draw(st.dictionaries(st.sampled_from(["amount", "channel", "purpose"]), changed))
    return {"correct": {"position": position, "changes": changes}}


@pytest.fixture(scope="module")
def ledger() -> Any:
    made = create("sqlite://", clock=StepClock())
    yield made
    assert list(rebuild.differences(made.database)) == []
    made.close()


@pytest.mark.parametrize("kind", SENT)
def test_any_wish_of_any_kind_is_recorded_or_refused_in_words(kind: str, ledger: Ledger) -> None:
    @settings(BUDGET, max_examples=25)
    @given(st.lists(st.one_of(item(kind), item(kind), amendment()), min_size=1, max_size=4))
    def told(items: list[Any]) -> None:
        now = ledger.clock.now()
        wishes: list[Command] = []
        for value in items:
            read = attempt(door.read_item, value, now)
            if isinstance(read, Refusal):
                assert silent(read)
            elif read is not None:
                wishes.append(read)
        before = ledger.recorder.head().position
        outcomes = attempt(record_many, ledger, wishes) or []
        written = 0
        for outcome in outcomes:
            if isinstance(outcome, Refusal):
                assert silent(outcome)
            else:
                written += len(outcome.written)
        assert ledger.recorder.head().position == before + written

    told()


def attempt(act: Any, *arguments: Any) -> Any:
    """What it answers, or None if it failed as one of the three families, in words."""
    try:
        return act(*arguments)
    except ProbantError as error:
        assert SECRET not in error.speak()
        assert error.code
        return None


def silent(refusal: Refusal) -> bool:
    """Whether a refusal says why, and repeats nothing."""
    said = f"{refusal.problem} {refusal.detail} {refusal.field}"
    return bool(refusal.detail) and SECRET not in said and "7731" not in said


def test_any_request_is_answered_and_never_by_a_stack_trace(tmp_path: Path) -> None:
    """Over HTTP: bodies of any shape get a status of the catalogue, never 500, and no echo."""
    made, path = create("sqlite://", clock=StepClock()), tmp_path / "api-keys.json"
    headers = {
        "Authorization": f"Bearer {keys.create(path)}",
        "Content-Type": "application/json",
    }

    with TestClient(create_app(lambda: made, keys.Keys.load(path))) as client:

        @settings(BUDGET, max_examples=150)
        @given(st.one_of(hostile, st.sampled_from(SENT).flatmap(item), st.lists(amendment())))
        def asked(body: Any) -> None:
            answer = client.post("/v1/facts", content=json.dumps(body).encode(), headers=headers)
            assert answer.status_code in ANSWERS, answer.text
            assert SECRET not in answer.text
            assert json.dumps(SECRET)[1:-1] not in answer.text

        asked()


def test_a_wish_of_the_wrong_shape_is_refused_and_not_a_crash(ledger: Ledger) -> None:
    """Commands built in the calling program, without a door before them."""
    person = Reference(SECRET, SECRET)
    for wish in (
        Correct(10**12, {"nonsense": object()}),
        Correct(-1, {}),
        Void(0),
        Void(10**12, reason=SECRET),
    ):
        (outcome,) = attempt(record_many, ledger, [wish]) or [Refusal("malformed", "refused")]
        assert isinstance(outcome, Refusal)
        assert silent(outcome)
    cls = KINDS["customer.logged_in.v1"]
    fact = cls(occurred=parse_moment("2025-06-02"))
    (outcome,) = record_many(ledger, [Record(fact, person=person)])
    assert isinstance(outcome, Refusal)
    assert silent(outcome)
