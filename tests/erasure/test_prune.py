"""Pruning: entries of what was erased become bare leaves, and no answer changes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, get_args
from uuid import UUID

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from api.answers import Engine, Times, population_answer
from api.cards import cards_answer
from ledger import calendar as cal
from ledger import entry
from ledger.application import Ledger
from ledger.commands import Record, Reference
from ledger.entry import leaf_hash
from ledger.erasing.erase import erase_scopes
from ledger.erasing.journal import Journal
from ledger.erasing.prune import Done, prunable, prune
from ledger.errors import ProbantError
from ledger.events import (
    CardKept,
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    ContractEnded,
    ContractStarted,
    Fact,
    HoldPlaced,
    LoggedIn,
    OrderInvoiced,
    OrderPaid,
    OrderPlaced,
)
from ledger.handlers import record
from ledger.opening import create
from ledger.policy.evaluate import choices, deadlines
from ledger.store import erasure, pruning, reader, rebuild, states, tables, verify
from ledger.store.vault import Scope
from replay.fold import fold_subject
from tests.clock import StepClock
from tests.contracts.props import now, unfenced
from tests.rotation import told

ANNA = Reference("shop", "anna")


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path, clock: StepClock) -> Iterator[Ledger]:
    keyring = None if ledger_url == "sqlite://" else tmp_path / "keyring.json"
    made = create(ledger_url, keyring, clock=clock)
    yield made
    made.close()


def rows(ledger: Ledger, *where: Any) -> list[Any]:
    with ledger.database.read() as connection:
        query = sa.select(tables.events).where(*where).order_by(tables.events.c.position)
        return list(connection.execute(query))


def sound(ledger: Ledger) -> None:
    report = verify.verify(ledger.database)
    assert report.ok, report.findings
    assert list(rebuild.differences(ledger.database)) == []


def erased(ledger: Ledger, folder: Path, *scopes: Scope) -> None:
    erase_scopes(ledger, scopes, journal=folder / "journal", reason="request")


def test_who_was_erased_leaves_leaves(ledger: Ledger, tmp_path: Path):
    hers, anna = told(ledger, "anna", "mine")
    other, bert = told(ledger, "bert", "his")
    assert prune(ledger, tmp_path / "journal") == Done(0, 0)
    erased(ledger, tmp_path, Scope(anna, "contact", ""))
    leaves = [row.leaf for row in rows(ledger)]
    assert prune(ledger, tmp_path / "journal", rehearsal=True) == Done(1, 2)
    assert rows(ledger, tables.events.c.position == hers)[0].entry
    assert prune(ledger, tmp_path / "journal") == Done(1, 2)
    after = rows(ledger)
    assert [row.leaf for row in after[: len(leaves)]] == leaves
    bare = [row.position for row in after if row.entry is None]
    assert bare == [hers - 1, hers]
    assert all(value is None for row in after[hers - 2 : hers] for value in row[1:-1])
    assert all(leaf_hash(row.entry) == row.leaf for row in after if row.entry)
    with ledger.database.read() as connection:
        assert ledger.vault.open(connection, other) == {"text": "his"}
        assert states.live_state(connection, bert).activity
    assert prune(ledger, tmp_path / "journal") == Done(0, 0)
    sound(ledger)
    told(ledger, "bert", "goes on")
    sound(ledger)


def test_what_survives_is_not_pruned(ledger: Ledger, tmp_path: Path):
    at: dict[str, Any] = {"occurred": now(ledger)}
    order = Reference("shop", "order 1")
    first = record(ledger, Record(OrderPlaced(**at), ANNA, thing=order))
    assert first.subject is not None
    record(ledger, Record(OrderInvoiced(**at), ANNA, thing=order))
    record(
        ledger,
        Record(
            HoldPlaced(**at, article="GDPR art. 17(3)", classes=("invoice",), review=20270101), ANNA
        ),
    )
    told(ledger, "anna", "mine")
    erased(ledger, tmp_path, Scope(first.subject, "contact", ""))
    assert prunable(ledger, first.subject) == []  # somebody can still name her
    erased(ledger, tmp_path, Scope(first.subject, "order", ""))
    prune(ledger, tmp_path / "journal")
    left = {row.kind for row in rows(ledger, tables.events.c.subject == first.subject)}
    assert {"order.invoiced.v1", "hold.placed.v1", "customer.class_erased.v1"} <= left
    assert "order.placed.v1" not in left
    sound(ledger)


def test_an_entry_whose_envelope_lives_stays(ledger: Ledger, tmp_path: Path):
    login = LoggedIn(occurred=now(ledger), ip="203.0.113.9")
    done = record(ledger, Record(login, ANNA))
    assert done.subject is not None
    erased(ledger, tmp_path, Scope(done.subject, "account", ""))
    prune(ledger, tmp_path / "journal")
    [kept] = rows(ledger, tables.events.c.position == done.written[-1].position)
    assert kept.entry
    sound(ledger)


def test_what_a_card_on_file_rests_on_stays(ledger: Ledger, tmp_path: Path):
    """All else of hers was forgotten, her choices too: the card in her wallet keeps its day, and so
    the entry of her yes to it stays; an older yes to something else goes."""
    at: dict[str, Any] = {"occurred": now(ledger)}
    anna = record(ledger, Record(LoggedIn(**at), ANNA)).subject
    assert anna is not None
    for purpose in ("newsletter", "wallet"):
        channel = None if purpose == "wallet" else "email"
        yes = ConsentGiven(**at, purpose=purpose, channel=channel, grade="proved")
        record(ledger, Record(yes, ANNA))
    card = CardKept(**at, ground="wallet", expiry=20260331, psp_id="pm_1", last4="1234")
    record(ledger, Record(card, ANNA, thing=Reference("shop", "card 1")))
    erased(ledger, tmp_path, *(Scope(anna, one, "") for one in ("account", "contact", "consent")))
    before = cards_answer(ledger, anna, Times(), "en")["items"]
    prune(ledger, tmp_path / "journal")
    assert cards_answer(ledger, anna, Times(), "en")["items"] == before
    said = [entry.read(row.entry) for row in rows(ledger, tables.events.c.subject == anna)]
    assert [one["meta"].get("purpose") for one in said if "consent" in one["type"]] == ["wallet"]
    sound(ledger)


def test_many_scattered_entries_are_named_by_facts_of_limited_size(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("ledger.erasing.prune.RANGES", 2)
    people = []
    for n in range(5):
        people.append(told(ledger, f"gone {n}", "text")[1])
        told(ledger, f"stays {n}", "text")
    erased(ledger, tmp_path, *(Scope(one, "contact", "") for one in people))
    assert prune(ledger, tmp_path / "journal") == Done(5, 10)
    assert len(rows(ledger, tables.events.c.kind == "ledger.pruned.v1")) == 3
    sound(ledger)


def test_an_entry_that_vanishes_without_a_prune_is_found(
    ledger_url: str, ledger: Ledger, tmp_path: Path
):
    hers, anna = told(ledger, "anna", "mine")
    told(ledger, "bert", "his")
    erased(ledger, tmp_path, Scope(anna, "contact", ""))
    prune(ledger, tmp_path / "journal")
    empty = {c.name: None for c in tables.events.c if c.nullable}
    with unfenced(ledger, ledger_url) as connection:
        at = tables.events.c.position == hers + 1
        connection.execute(sa.update(tables.events).where(at).values(empty))
    assert verify.verify(ledger.database).counts["pruned"] == 1


class Crash(Exception):
    """The process ends here."""


@pytest.mark.parametrize("when", ["not done", "done but reported failed"])
@pytest.mark.parametrize(
    "step", [(Journal, "keep"), (pruning, "empty"), (states, "refold"), (pruning, "tidy")]
)
def test_a_crash_at_any_step_converges(
    ledger: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: Any, when: str
):
    _, anna = told(ledger, "anna", "mine")
    for n in range(5):
        told(ledger, "anna", f"more {n}")
    erased(ledger, tmp_path, Scope(anna, "contact", ""))
    real = getattr(*step)

    def fails(*args: Any, **kwargs: Any) -> None:
        if when != "not done":
            real(*args, **kwargs)
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(step[0], step[1], fails)
        with pytest.raises(Crash):
            prune(ledger, tmp_path / "journal")
    ledger.forget()
    sound(ledger)
    committed = step[1] == "tidy"
    assert prune(ledger, tmp_path / "journal") == (Done(0, 0) if committed else Done(1, 7))
    assert len(rows(ledger, tables.events.c.entry.is_(None))) == 7
    assert [n for _, n in rows_of_days(ledger)] == [7]  # counted once, whatever was cut
    sound(ledger)


# --- no answer changes ---------------------------------------------------------------------------

THINGS = (OrderPlaced, OrderPaid, OrderInvoiced, ContractStarted, ContractEnded)
KINDS: tuple[tuple[type[Fact], dict[str, Any]], ...] = (
    (ContactedUs, {"channel": "form", "text": "text"}),
    (LoggedIn, {}),
    (OrderPlaced, {}),
    (OrderPaid, {"psp_id": "p1"}),
    (OrderInvoiced, {}),
    (ContractStarted, {"type": "service", "until": 20230101}),
    (ContractEnded, {}),
    (ConsentGiven, {"purpose": "newsletter", "channel": "email"}),
    (ConsentWithdrawn, {"purpose": "newsletter", "channel": "email"}),
)
STEPS = st.lists(
    st.tuples(st.integers(0, len(KINDS) - 1), st.integers(0, 2000), st.integers(0, 1)),
    min_size=2,
    max_size=12,
)


def answers(ledger: Ledger, subject: UUID) -> Any:
    """Every answer about a surviving class at many days, by the fold that is not ours."""
    with ledger.database.read() as connection:
        ended = {(s.data_class, s.item) for s in erasure.closed_scopes(connection, subject)}
        history = states.rows_of(connection, subject)
    book = ledger.book(ledger.epoch())
    found: list[Any] = []
    for years in range(12):
        day = cal.end_of(cal.add_months(20260105, 12 * years))
        state = fold_subject(history)
        for one in deadlines(state, book, day):
            if not {(one.klass, ""), (one.klass, one.scope)} & ended and one.klass != "rights":
                found.append((years, one.klass, one.scope, one.tier_now, one.rests_on))
                found.append((one.operational_until, one.archive_until, one.counted))
        if ("consent", "") not in ended:
            found += [(years, one) for one in choices(state, book, day)]
    return found


@settings(
    max_examples=30,
    phases=(Phase.explicit, Phase.generate),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(steps=STEPS, picks=st.sets(st.integers(0, 12), min_size=1))
def test_no_surviving_answer_changes_by_pruning(steps: list[tuple[int, int, int]], picks: set[int]):
    ledger = create("sqlite://", clock=StepClock())
    start = cal.parse_instant("2020-01-02T09:00:00Z")
    for index, days, thing in [(0, 0, 0), *steps]:  # at least one is not refused
        cls, given_fields = KINDS[index]
        occurred = cal.moment_of_instant(start + days * 24 * 60 * cal.MINUTE)
        reference = Reference("shop", f"{cls.aggregate} {thing}") if cls in THINGS else None
        try:
            fact = cls(occurred=occurred, **given_fields)
            record(ledger, Record(fact, ANNA, thing=reference))
        except ProbantError:
            continue
    key = ("person/shop", ledger.keyring.blind("person/shop", "anna"))
    with ledger.database.read() as connection:
        subject = reader.lookups(connection, [key])[key].subject
        state = states.live_state(connection, subject)
    found = deadlines(state, ledger.book(ledger.epoch()), ledger.clock.now())
    scopes = [Scope(subject, d.klass, d.scope) for i, d in enumerate(found) if i in picks]
    with TemporaryDirectory() as folder:
        erased(ledger, Path(folder), *scopes)
        before = answers(ledger, subject)
        prune(ledger, Path(folder) / "journal")
    assert answers(ledger, subject) == before
    sound(ledger)
    ledger.close()


def test_what_no_count_can_count_is_said_by_every_engine(
    ledger: Ledger, tmp_path: Path, clock: StepClock
):
    """Six texts of one day make a cell of her class; the four facts of another person do not."""
    _, anna = told(ledger, "anna", "mine")
    for n in range(6):
        told(ledger, "anna", f"more {n}")
    _, bert = told(ledger, "bert", "his")
    clock.advance(days=1)
    assert population_answer(ledger, Times())["unreadable"] == {
        "erased": 0,
        "pruned": 0,
        "classes": {},
    }
    before = ledger.clock.now()
    erased(ledger, tmp_path, Scope(anna, "contact", ""), Scope(bert, "contact", ""))
    gone = prune(ledger, tmp_path / "journal").entries
    cells = rows_of_days(ledger)
    assert [(klass, n) for klass, n in cells if n < 5] == []
    said = {klass: sum(n for name, n in cells if name == klass) for klass, _ in cells}
    assert said.get("contact", 0) >= 6
    wanted = {name: {"pruned": n} for name, n in said.items()}
    if other := gone - sum(said.values()):
        wanted["other"] = {"pruned": other}
    clock.advance(days=1)  # the live tables answer for no earlier than the last fact
    expected = {"erased": 2, "pruned": gone, "classes": wanted}
    for engine in get_args(Engine):
        assert population_answer(ledger, Times(), engine)["unreadable"] == expected
    assert population_answer(ledger, Times(as_of=before))["unreadable"] == expected


def test_a_cell_under_five_is_not_kept(ledger: Ledger, tmp_path: Path):
    _, anna = told(ledger, "anna", "mine")
    erased(ledger, tmp_path, Scope(anna, "contact", ""))
    gone = prune(ledger, tmp_path / "journal").entries
    assert gone
    assert rows_of_days(ledger) == []
    assert population_answer(ledger, Times())["unreadable"] == {
        "erased": 1,
        "pruned": gone,
        "classes": {"other": {"pruned": gone}},
    }


def rows_of_days(ledger: Ledger) -> list[tuple[str, int]]:
    days = tables.pruned_days.c
    with ledger.database.read() as connection:
        return [tuple(row) for row in connection.execute(sa.select(days["class"], days.n))]
