"""Histories made by chance, and small enough to collide: few people, days, things and purposes.

Hypothesis draws a list of `Event`; `rows_of` gives them positions and record times. Facts come
late, backdated, imported, corrected and voided, contracts in any order, under several editions.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from uuid import UUID

from hypothesis import strategies as st

from ledger.calendar import MINUTE, Instant, day_of, end_of, parse_instant
from ledger.events import CORRECTION, KINDS, VOID, Row
from ledger.policy.book import Book, shipped
from ledger.policy.model import DataClass, Edition, Term

SUBJECTS = tuple(UUID(int=n << 64) for n in (1, 2, 3))
ERAS = (20170101, 20181120, 20200301, 20220610)
PURPOSES = ("newsletter", "studies", "unheard_of")
ITEMS = ("i1", "i2")
CLASSES_OF_ITEMS = {"invoice", "contract"}
BASE: Instant = parse_instant("2022-06-01T10:00:00Z")
DAYS = (
    "2015-06-01T12:00:00Z",
    "2018-02-28T23:30:00Z",  # already March in Paris
    "2019-03-31T01:00:00Z",  # clocks change
    "2020-02-29T12:00:00Z",
    "2020-02-29T12:00:01Z",
    "2020-08-31T12:00:00Z",
    "2022-06-01T09:58:00Z",  # a few minutes late only
    "2022-06-01T10:02:00Z",
    "2022-06-01T10:12:00Z",
)
INSTANTS = tuple(parse_instant(text) for text in DAYS)
PLANNED = (20190101, 20200301, 20210630, 20300101)
ASKED = (
    *INSTANTS,
    BASE,
    *(end_of(day) for day in PLANNED),
    *(parse_instant(f"{year}-03-01T00:00:00Z") for year in range(2021, 2035)),
)
META = {CORRECTION, VOID}
FACTS = tuple(sorted(set(KINDS) - META))
# A theme keeps a history to kinds that meet in one rule: chance alone rarely brings them together.
ENDINGS = ("customer.class_archived.v1", "customer.class_erased.v1")
ENDED_CLASSES = ("order", "invoice", "card_proof", "consent")
THEMES = (
    FACTS,
    tuple(kind for kind in FACTS if kind.startswith(("consent.", "objection."))),
    ("consent.given.v1", "consent.withdrawn.v1", "objection.raised.v1", "objection.assessed.v1"),
    tuple(kind for kind in FACTS if kind.startswith("contract.")),
    ("policy.notified.v1", "policy.notified.v1", "order.placed.v1", "message.sent.v1"),
    ("customer.logged_in.v1", "order.paid.v1", "order.invoiced.v1", "contract.ended.v1"),
    (*ENDINGS, "order.placed.v1", "order.invoiced.v1", "contract.started.v1"),
    (*ENDINGS, "consent.given.v1", "consent.renewed.v1", "consent.withdrawn.v1"),
)


@dataclass(frozen=True)
class Event:
    """One event to be: what was drawn, before it has a position. `target` picks what a correction
    or a void is about among the facts before it."""

    verb: str  # 'fact' | 'correct' | 'void'
    kind: str
    subject: int
    at: int
    actor: str
    item: int
    purpose: int
    channel: str | None
    decision: str | None
    basis: str | None
    edition: int
    until: int | None
    home: int
    target: int


def _history(theme: tuple[str, ...]) -> st.SearchStrategy[list[Event]]:
    events = st.builds(
        Event,
        verb=st.sampled_from(("fact",) * 6 + ("correct", "void")),
        kind=st.sampled_from(theme),
        subject=st.sampled_from((0,) * 6 + (1, 2)),
        at=st.integers(0, len(INSTANTS) - 1),
        actor=st.sampled_from(("self", "agent", "import")),
        item=st.sampled_from((0, 0, 1)),
        purpose=st.sampled_from((0,) * 6 + (1, 2)),
        channel=st.sampled_from((None,) * 5 + ("email",)),
        decision=st.sampled_from((None, "tacit", "express", "overridden", "upheld")),
        basis=st.sampled_from((None, "service", "warranty", "subscription")),
        edition=st.integers(0, len(ERAS) - 1),
        until=st.sampled_from((None, *PLANNED)),
        home=st.integers(0, 3),
        target=st.integers(0, 30),
    )
    return st.integers(1, 40).flatmap(lambda n: st.lists(events, min_size=n // 2, max_size=n))


HISTORIES = st.sampled_from(THEMES).flatmap(_history)
ASKED_AT = st.sampled_from((None, *ASKED))


def rows_of(history: list[Event]) -> list[Row]:
    """The events as rows, two minutes of record time apart."""
    rows: list[Row] = []
    roots: list[Row] = []
    for position, event in enumerate(history, start=1):
        row = _row(event, position)
        if event.verb == "fact":
            roots.append(row)
        elif not any(root.subject for root in roots):
            continue  # nothing to correct yet: this position stays empty
        else:
            about = [root for root in roots if root.subject]
            row = _verdict(event, row, about[event.target % len(about)])
        rows.append(row)
    return rows


def _row(event: Event, position: int) -> Row:
    fact = KINDS[event.kind]
    klass = fact.homes[event.home % len(fact.homes)] if fact.homes else None
    by_item = fact.also is not None or klass in CLASSES_OF_ITEMS
    told = event.kind in ("policy.notified.v1", "policy.published.v1")
    until = ERAS[(event.until or 0) % len(ERAS)] if told else event.until
    at = INSTANTS[event.at]
    decision = event.decision
    if event.kind in ENDINGS:
        decision = ENDED_CLASSES[event.home]
        by_item = decision not in ("order", "consent")
    return Row(
        position=position,
        stream=UUID(int=position),
        version=1,
        kind=event.kind,
        subject=SUBJECTS[event.subject] if fact.homes else None,
        klass=klass,
        # A payment without card data leaves no part that dies on its own.
        item=ITEMS[event.item] if by_item and not (fact.also and event.target == 0) else None,
        purpose=PURPOSES[event.purpose],
        channel=event.channel,
        decision=decision,
        basis=event.basis,
        grade="asserted",
        actor=event.actor,
        edition=ERAS[event.edition],
        until_day=until,
        ref_position=None,
        amount_minor=None,
        occurred_at=at,
        grain="instant",
        local_day=day_of(at),
        recorded_at=BASE + position * 2 * MINUTE,
    )


def _verdict(event: Event, row: Row, root: Row) -> Row:
    """A correction of `root`, complete, or a void; its own actor and era must not matter."""
    return row._replace(
        kind=CORRECTION if event.verb == "correct" else VOID,
        stream=root.stream,
        version=1 + row.position,
        subject=root.subject,
        klass=root.klass,
        item=row.item if root.item and row.item else root.item,
        until_day=row.until_day if root.kind != "policy.notified.v1" else ERAS[event.edition],
        ref_position=root.position,
    )


# --- policy -------------------------------------------------------------------------------------


@cache
def book() -> Book:
    """Three editions: the shipped one, one that mostly shortens, one that mostly lengthens."""
    first = shipped()
    second = _later(
        first,
        20200301,
        order=replace(first.classes["order"], operational_months=24, moved_by=("order.paid.v1",)),
        contact=replace(first.classes["contact"], suspended_by=("service",)),
        consent=replace(first.classes["consent"], operational_months=72),
        invoice=replace(
            first.classes["invoice"], archive=Term(30, "start", "C. com. art. L123-22")
        ),
    )
    third = _later(
        second,
        20220610,
        order=replace(first.classes["order"], operational_months=48, archive=None),
        message=replace(first.classes["message"], archive=Term(6, "operational_end", "art. 5")),
        card_proof=replace(first.classes["card_proof"], operational_months=13),
        account=replace(first.classes["account"], suspended_by=()),
    )
    third = replace(
        third,
        purposes={
            **third.purposes,
            "newsletter": replace(third.purposes["newsletter"], validity_months=25),
        },
    )
    return Book().with_edition(first, 1).with_edition(second, 6).with_edition(third, 12)


def _later(before: Edition, number: int, **classes: DataClass) -> Edition:
    return replace(
        before,
        id=f"edition-{number}",
        effective_from=number,
        pol=f"{number:064x}",
        classes={**before.classes, **classes},
    )
