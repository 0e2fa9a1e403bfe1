"""Controls and questions of histories made by chance: late, backdated, corrected, under editions.

What is asked of them holds for every history: no answer fails, none rests on what was not known,
and what is known at R is all that matters at R. On a failure hypothesis prints the smallest one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from ledger.calendar import Moment
from ledger.events import CORRECTION, KINDS, Row
from ledger.fields import BOOLEAN, Unreadable
from replay.controls.model import Event, Named, Several
from replay.controls.words import explanation
from replay.inspect.model import Answer
from replay.inspect.run import ask
from replay.inspect.words import text_of
from tests.agreement.histories import ASKED_AT, BASE, HISTORIES, book, rows_of
from tests.controls.apart import Apart
from tests.controls.room import Company, Recorded, findings
from tests.golden.examples import example

NAMED, NAMES = {"class", "purpose", "classes"}, {Named, Several}
NOW = BASE + 10**12  # after every fact
POSITIONS = st.integers(0, 60)
SOME = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def company(history: Any) -> Company:
    """These events as a company's: after its own, which published three editions."""
    made = Company()
    first = made.known
    made.book = book()
    for row in rows_of(history):
        shifted = row._replace(
            position=row.position + first,
            ref_position=row.ref_position + first if row.ref_position else None,
        )
        root = next((e for e in made.events if e.row.position == shifted.ref_position), None)
        made.events.append(event_of(shifted, root))
    made.known = max(event.row.position for event in made.events)
    made.as_of = NOW
    return made


def event_of(row: Row, root: Event | None = None) -> Event:
    """The event that these columns are of: the fixed fact of its kind, with what they say, where it
    can say that; if not, they say what it does. What a correction restates of its root is something
    that the root can say."""
    cls = KINDS[row.kind]
    said: dict[str, Any] = {}
    for spec in cls.specs:
        if spec.personal:
            said[spec.name] = Unreadable.SEALED
        elif spec.column and spec.codec is not BOOLEAN and spec.column != "amount_minor":
            value = getattr(row, spec.column)
            if value is not None and (not spec.one_of or value in spec.one_of):
                said[spec.name] = value
    if root is not None and row.kind == CORRECTION:
        names = {spec.column: spec.name for spec in cls.specs if spec.column}
        for spec in root.fact.specs:
            if spec.one_of and spec.column in names:
                own = getattr(root.fact, spec.name)
                value = getattr(row, spec.column)
                said[names[spec.column]] = value if value in spec.one_of else own
    shared: dict[str, Any] = {"subject": row.subject, "actor": row.actor, "item": row.item}
    moment = Moment(row.occurred_at, "instant", row.local_day)
    fact = replace(example(cls), occurred=moment, **shared, **said)
    listed = {s.column: getattr(fact, s.name) for s in cls.specs if s.column and s.one_of}
    return Recorded(row._replace(**listed), fact, UUID(int=row.position << 32))


def answers(made: Company) -> tuple[Answer, ...]:
    """All fifteen; the same in shares."""
    found = ask(made)
    assert ask(Apart(made)) == found
    return found


@SOME
@given(history=HISTORIES, as_of=ASKED_AT, known=POSITIONS)
def test_what_is_known_at_r_is_all_that_matters_at_r(history: Any, as_of: Any, known: int) -> None:
    """Asked at R, a longer history says what the history up to R says."""
    whole = company(history)
    note("\n".join(repr(event.row) for event in whole.events))
    whole.as_of, whole.hands_over = as_of or NOW, whole.known  # more than is known at R
    whole.known = min(known + 3, whole.known)
    short = company(history)
    short.events = [e for e in short.events if e.row.position <= whole.known]
    short.as_of, short.known = whole.as_of, whole.known
    assert findings(whole.run()) == findings(short.run())
    assert answers(whole) == answers(short)


@settings(SOME, max_examples=25)
@given(history=HISTORIES, as_of=ASKED_AT)
def test_asked_alone_each_says_what_it_says_among_all(history: Any, as_of: Any) -> None:
    """Only those are looked at whom it concerns, and nothing is missed."""
    made = company(history)
    note("\n".join(repr(event.row) for event in made.events))
    made.as_of = as_of or NOW
    assert {answer.question: ask(made, [answer.question]) for answer in ask(made)} == {
        answer.question: (answer,) for answer in answers(made)
    }
    together = {one.control: one for one in made.run().outcomes}
    for name, whole in together.items():
        (one,) = made.run(name).outcomes
        assert (one.digest, one.counts) == (whole.digest, whole.counts), name


@SOME
@given(history=HISTORIES, as_of=ASKED_AT, known=POSITIONS)
def test_every_finding_and_line_rests_on_what_was_known(
    history: Any, as_of: Any, known: int
) -> None:
    """And is said in both languages, whatever was found."""
    made = company(history)
    note("\n".join(repr(event.row) for event in made.events))
    made.as_of, made.known = as_of or NOW, min(known + 3, made.known)
    for outcome in made.run().outcomes:
        assert sum(outcome.counts.values()) == len(outcome.findings)
        for finding in outcome.findings:
            assert max(finding.positions, default=0) <= made.known
            assert finding.clause
            assert finding.article
            assert {type(finding.values[name]) for name in NAMED & finding.values.keys()} <= NAMES
            for lang in ("fr", "en"):
                assert "{" not in explanation(finding, lang)
    for answer in answers(made):
        for line in answer.lines:
            assert max(line.positions, default=0) <= made.known
            assert all(text_of(cell, "fr") for cell in line.cells)
            for head, cell in zip(answer.columns, line.cells, strict=True):
                assert head not in NAMED or cell is None or type(cell) in NAMES
