"""The gate: questions in, verdicts out, each from the history that stood at its two times.

All questions of one call are answered from one state of the ledger: whatever was committed before
the call counts, a withdrawal that any process acknowledged among it. `fold` is the definition of
a person's state, handed in (`replay.fold.fold_said`), for this house does not look outside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant, Moment, moment_of_instant
from ledger.commands import Reference
from ledger.errors import Stale
from ledger.events import Fact, Row
from ledger.naming import blinded
from ledger.permitting.ahead import Ahead
from ledger.permitting.company import Declarations, standing
from ledger.permitting.joined import as_one
from ledger.policy.book import Book
from ledger.policy.permissions import (
    Asked,
    Company,
    Objection,
    Person,
    Verdict,
    on_list,
    verdict,
    verdict_now,
)
from ledger.policy.softoptin import Offer
from ledger.projections import live
from ledger.projections.activity import META
from ledger.projections.joins import Joins
from ledger.projections.model import SubjectState
from ledger.store import erasure, reader, suppressions
from ledger.store import permissions as store
from ledger.store.recorder import Head, read_head
from ledger.store.suppressions import Blind

Fold: TypeAlias = Callable[[Iterable[Row], Instant, int], SubjectState]
"""The state of one person, from her rows, at (as of, last position known)."""

T = TypeVar("T")
ATTEMPTS = 5  # to find the policy book and the log at the same epoch
Who: TypeAlias = UUID | Blind


class Question(NamedTuple):
    """May we, for this purpose over this channel ('' where it has none), at this moment (None:
    now), as known at an instant (None: all that is known)?"""

    who: Who
    purpose: str
    channel: str
    at: Moment | None = None
    known_at: Instant | None = None
    offer: Offer | None = None


class Answered(NamedTuple):
    """The verdict, on whom, the last position it could know of, and when the last event of the
    ledger was recorded."""

    verdict: Verdict
    subject: UUID | None
    known: int
    last_at: Instant


class Scene(NamedTuple):
    """One state of the ledger, as a call sees it."""

    connection: Any
    head: Head
    book: Book
    has_erased: bool
    joins: Joins


class Gate:
    """The gate of one ledger. Threads may share it."""

    def __init__(self, ledger: Ledger, fold: Fold) -> None:
        self.ledger, self.fold = ledger, fold
        self._declarations, self._ahead = Declarations(), Ahead()
        self._epoch: int | None = None  # the last one seen: a guess, which every look checks

    def blinded(self, reference: Reference) -> Blind:
        """A person's reference as it is looked for."""
        return blinded(self.ledger, "person", reference)

    def ask(self, questions: Sequence[Question]) -> list[Answered]:
        """The verdict on each question, in order, all from one state of the ledger."""
        return self.see(lambda scene: self.answer(scene, questions))

    def see(self, look: Callable[[Scene], T]) -> T:
        """Look at one state of the ledger, with the policy book as it is in that state."""
        epoch = self._epoch
        for _ in range(ATTEMPTS):
            if epoch is None:
                epoch = self.ledger.epoch()
            book, has_erased = self.ledger.book(epoch), self.ledger.has_erased(epoch)
            joins = self.ledger.joins(epoch)
            with self.ledger.database.read() as connection:
                head = read_head(connection)
                if head.epoch == epoch:
                    self._epoch = epoch
                    return look(Scene(connection, head, book, has_erased, joins))
            epoch = head.epoch
        raise Stale("editions are being published; please try again")

    def answer(
        self, scene: Scene, questions: Sequence[Question], *, ahead: bool = True
    ) -> list[Answered]:
        """The verdict on each question from what `scene` shows; without `ahead`, none of them says
        when it changes by calendar."""
        connection = scene.connection
        named = {q.who for q in questions if not isinstance(q.who, UUID)}
        targets = reader.lookups(connection, named)
        subjects = {q.who for q in questions if isinstance(q.who, UUID)}
        subjects |= {target.subject for target in targets.values()}
        known = self._known(scene, {question.known_at for question in questions})
        subjects = {
            one
            for _, joins, _ in known.values()
            for subject in subjects
            for one in joins.everybody(joins.kept(subject))
        }
        people = _People(scene, subjects, self.fold)
        closed = erasure.closed_subjects(connection, subjects) if scene.has_erased else set()
        listed = self._listed(scene, named - targets.keys())
        now = moment_of_instant(self.ledger.clock.now())
        found = []
        for question in questions:
            upto, joins, company = known[question.known_at]
            moment, who = question.at or now, question.who
            subject = _subject(who, targets)
            subject = None if subject is None else joins.kept(subject)
            if subject is None and who in listed:
                judged = _on_list(question, moment, listed[who])
            elif subject and closed.issuperset(joins.everybody(subject)):
                judged = _on_list(question, moment, ())
            else:
                person = people.at(subject, joins, moment.at, upto) if subject else None
                asked = Asked(
                    *(person, scene.book, question.purpose, question.channel, moment),
                    *(upto, company, question.offer),
                )
                judged = verdict(asked) if ahead else verdict_now(asked)
            found.append(Answered(judged, subject, upto, scene.head.last_at))
        return found

    def company(self, scene: Scene, known: int) -> Company:
        """What the company had declared, as known at a position."""
        return self._declarations.at(scene.connection, scene.head.position, known)

    def ahead(self, scene: Scene, now: Instant) -> frozenset[UUID]:
        """Those with a fact that lies after `now`."""
        return self._ahead.people(scene.connection, scene.head.position, now)

    def _known(
        self, scene: Scene, instants: Collection[Instant | None]
    ) -> dict[Instant | None, tuple[int, Joins, Company]]:
        """What was known at each of these instants: the last position, who is whom, and what the
        company had declared."""
        found: dict[Instant | None, tuple[int, Joins, Company]] = {}
        for at in instants:
            position, joins = scene.head.position, scene.joins
            if at is not None:
                position = reader.position_at(scene.connection, at)
                joins = self.ledger.joins(scene.head.epoch, position)
            found[at] = position, joins, self.company(scene, position)
        return found

    def _listed(self, scene: Scene, unknown: Collection[Blind]) -> dict[Who, frozenset[Objection]]:
        """Those of these references that a list remembers, with the objections on it."""
        if not scene.has_erased or not unknown:
            return {}
        found: dict[Who, frozenset[Objection]] = {
            one: frozenset() for one in reader.erased_until(scene.connection, unknown)
        }
        return found | suppressions.opposed(scene.connection, unknown)


class _People:
    """What one state of the ledger says of some people."""

    def __init__(self, scene: Scene, subjects: Collection[UUID], fold: Fold) -> None:
        connection, self._fold = scene.connection, fold
        self._histories = store.histories(connection, subjects)
        listed = suppressions.opposed_of(connection, subjects) if scene.has_erased else {}
        self._opposed = listed

    def at(self, subject: UUID, joins: Joins, at: Instant, known: int) -> Person | None:
        """The person at (`at`, `known`), under all her references; None while nothing was known."""
        own = self._one(subject, at, known)
        others = [
            (join.position, self._one(join.other, at, known)) for join in joins.others(subject)
        ]
        person = as_one(own, others, joins) if others else own
        return person if person.rows else None

    def _one(self, subject: UUID, at: Instant, known: int) -> Person:
        history = self._histories[subject]
        rows = [row for row in history.rows if row.position <= known]
        state = self._fold(rows, at, known)
        facts: Mapping[int, Fact] = history.facts
        if len(rows) < len(history.rows) or any(row.kind in META for row in rows):
            told = {row.position for row in rows}
            facts = dict(standing([one for one in facts.items() if one[0] in told]))
            rows = live.standing(rows)
        opposed = self._opposed.get(subject, frozenset())
        return Person(state, tuple(rows), facts, opposed)


def _on_list(asked: Question, moment: Moment, objections: Iterable[Objection]) -> Verdict:
    """The verdict on somebody of whom a list alone knows."""
    opposed = any(
        o.purpose == asked.purpose and o.channel in ("", asked.channel) for o in objections
    )
    return on_list("objected" if opposed else "erased", asked.purpose, asked.channel, moment)


def _subject(who: Who, targets: Mapping[Blind, reader.Target]) -> UUID | None:
    if isinstance(who, UUID):
        return who
    return targets[who].subject if who in targets else None
