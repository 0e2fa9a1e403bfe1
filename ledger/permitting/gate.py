"""The gate: questions in, verdicts out, each from the history that stood at its two times.

All questions of one call are answered from one state of the ledger: whatever was committed before
the call counts, a withdrawal that any process acknowledged among it. `fold` is the definition of
a person's state, handed in (`replay.fold.fold_subject`), for this house does not look outside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant, Moment, day_of, moment_of_instant
from ledger.commands import Reference
from ledger.deciding import normal
from ledger.errors import Stale
from ledger.events import Row
from ledger.permitting.company import Declarations, standing
from ledger.policy.book import Book
from ledger.policy.permissions import Company, Person, Verdict, on_list, verdict
from ledger.policy.softoptin import Offer
from ledger.projections import live
from ledger.projections.model import ChoiceKey, Expression, SubjectState
from ledger.store import erasure, reader
from ledger.store import permissions as store
from ledger.store.permissions import Blinded, History, Opposed
from ledger.store.recorder import Head, read_head

Fold: TypeAlias = Callable[[Iterable[Row], Instant, int], SubjectState]
"""The state of one person, from her rows, at (as of, last position known)."""

ATTEMPTS = 5  # to find the policy book and the log at the same epoch
Who: TypeAlias = UUID | Blinded


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
    """The verdict, on whom, and the last position it could know of."""

    verdict: Verdict
    subject: UUID | None
    known: int


class Scene(NamedTuple):
    """One state of the ledger, as a call sees it."""

    connection: Any
    head: Head
    book: Book
    has_erased: bool


class Gate:
    """The gate of one ledger. Threads may share it."""

    def __init__(self, ledger: Ledger, fold: Fold) -> None:
        self.ledger, self.fold = ledger, fold
        self._declarations = Declarations()
        self._epoch: int | None = None  # the last one seen: a guess, which every look checks

    def blinded(self, reference: Reference) -> Blinded:
        """A person's reference as it is looked for."""
        kind = f"person/{reference.kind}"
        return kind, self.ledger.keyring.blind(kind, normal(reference))

    def ask(self, questions: Sequence[Question]) -> list[Answered]:
        """The verdict on each question, in order, all from one state of the ledger."""
        return self.see(lambda scene: self.answer(scene, questions))

    def see(self, look: Callable[[Scene], Any]) -> Any:
        """Look at one state of the ledger, with the policy book as it is in that state."""
        epoch = self._epoch
        for _ in range(ATTEMPTS):
            if epoch is None:
                epoch = self.ledger.epoch()
            book, has_erased = self.ledger.book(epoch), self.ledger.has_erased(epoch)
            with self.ledger.database.read() as connection:
                head = read_head(connection)
                if head.epoch == epoch:
                    self._epoch = epoch
                    return look(Scene(connection, head, book, has_erased))
            epoch = head.epoch
        raise Stale("editions are being published; please try again")

    def answer(self, scene: Scene, questions: Sequence[Question]) -> list[Answered]:
        """The verdict on each question from what `scene` shows."""
        connection = scene.connection
        named = {q.who for q in questions if not isinstance(q.who, UUID)}
        targets = store.targets(connection, named)
        subjects = {q.who for q in questions if isinstance(q.who, UUID)}
        subjects |= {target.subject for target in targets.values()}
        people = store.histories(connection, subjects)
        for subject, objection in store.opposed_people(connection, subjects):
            people[subject].opposed.append(objection)
        closed = erasure.closed_subjects(connection, subjects) if scene.has_erased else set()
        listed = self._listed(scene, named - targets.keys())
        now, known, found = self.ledger.clock.now(), {None: scene.head.position}, []
        for question in questions:
            known_at, who = question.known_at, question.who
            if known_at not in known:
                known[known_at] = reader.position_at(connection, known_at)
            moment = question.at or moment_of_instant(now)
            asked = question._replace(at=moment)
            subject = who if isinstance(who, UUID) else None
            if not isinstance(who, UUID) and who in targets:
                subject = targets[who].subject
            if subject is None and who in listed:
                told = listed[who]  # type: ignore[index]
                found.append(Answered(_on_list(asked, told), None, known[known_at]))
                continue
            if subject in closed:
                told_erased = on_list("erased", question.purpose, question.channel, moment)
                found.append(Answered(told_erased, subject, known[known_at]))
                continue
            company = self.company(scene, known[known_at])
            person = None
            if subject is not None:
                person = person_of(people[subject], self.fold, moment.at, known[known_at])
            judged = verdict_on(person, scene.book, asked, known[known_at], company)
            found.append(Answered(judged, subject, known[known_at]))
        return found

    def company(self, scene: Scene, known: int) -> Company:
        """What the company had declared, as known at a position."""
        return self._declarations.at(scene.connection, scene.head.position, known)

    def _listed(self, scene: Scene, unknown: Collection[Blinded]) -> dict[Blinded, list[Opposed]]:
        """Those of these references that a list remembers, with the objections on it."""
        if not scene.has_erased or not unknown:
            return {}
        found: dict[Blinded, list[Opposed]] = {
            one: [] for one in store.erased(scene.connection, unknown)
        }
        return found | store.opposed(scene.connection, unknown)


def verdict_on(
    person: Person | None, book: Book, asked: Question, known: int, company: Company
) -> Verdict:
    """The pure rules' verdict on a question whose moment is settled."""
    assert asked.at is not None
    return verdict(
        person, book, asked.purpose, asked.channel, asked.at, known, company, asked.offer
    )


def person_of(history: History, fold: Fold, at: Instant, known: int) -> Person | None:
    """The person at (`at`, `known`); None while nothing was known of her."""
    rows = [row for row in history.rows if row.position <= known]
    if not rows:
        return None
    state = fold(rows, at, known)
    told = {row.position for row in rows}
    facts = standing([one for one in history.facts.items() if one[0] in told])
    for objection in history.opposed:
        if objection.at <= at and objection.position <= known:
            _oppose(state, objection)
    return Person(state, tuple(live.standing(rows)), dict(facts))


def _oppose(state: SubjectState, objection: Opposed) -> None:
    """Let an objection from before her erasure count, unless she has said something since."""
    choice = ChoiceKey(objection.purpose, objection.channel)
    said = state.consents.get(choice)
    if said is None or said.at <= objection.at:
        state.consents[choice] = Expression(
            at=objection.at,
            rank=1,
            position=objection.position,
            kind="objection.raised.v1",
            day=day_of(objection.at),
            edition=0,
            grade=None,
            actor=None,
            first_stop=objection.position,
            last_stop=objection.position,
        )


def _on_list(asked: Question, objections: Sequence[Opposed]) -> Verdict:
    """The verdict on somebody of whom the list alone knows."""
    assert asked.at is not None
    opposed = any(
        o.purpose == asked.purpose and o.channel in ("", asked.channel) for o in objections
    )
    reason = "objected" if opposed else "erased"
    return on_list(reason, asked.purpose, asked.channel, asked.at)  # type: ignore[arg-type]
