"""The gate: questions in, verdicts out, each from the history that stood at its two times.

All questions of one call are answered from one state of the ledger: whatever was committed before
the call counts, a withdrawal that any process acknowledged among it. `fold` is the definition of
a person's state, handed in (`replay.fold.fold_subject`), for this house does not look outside.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias, TypeVar
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant, Moment, day_of, moment_of_instant
from ledger.commands import Reference
from ledger.deciding import normal
from ledger.errors import Stale
from ledger.events import Row
from ledger.permitting.company import Declarations, standing
from ledger.policy.book import Book
from ledger.policy.permissions import Company, Person, Verdict, on_list, verdict, verdict_now
from ledger.policy.softoptin import Offer
from ledger.projections import live
from ledger.projections.model import ChoiceKey, Expression, SubjectState
from ledger.store import erasure, reader
from ledger.store import permissions as store
from ledger.store.permissions import Blinded, History, Opposed
from ledger.store.recorder import Head, read_head

Fold: TypeAlias = Callable[[Iterable[Row], Instant, int], SubjectState]
"""The state of one person, from her rows, at (as of, last position known)."""

T = TypeVar("T")
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

    def see(self, look: Callable[[Scene], T]) -> T:
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

    def answer(
        self, scene: Scene, questions: Sequence[Question], *, ahead: bool = True
    ) -> list[Answered]:
        """The verdict on each question from what `scene` shows; without `ahead`, none of them says
        when it changes by calendar."""
        connection = scene.connection
        named = {q.who for q in questions if not isinstance(q.who, UUID)}
        targets = store.targets(connection, named)
        subjects = {q.who for q in questions if isinstance(q.who, UUID)}
        subjects |= {target.subject for target in targets.values()}
        people = store.histories(connection, subjects)
        for hers, objection in store.opposed_people(connection, subjects):
            people[hers].opposed.append(objection)
        closed = erasure.closed_subjects(connection, subjects) if scene.has_erased else set()
        listed = self._listed(scene, named - targets.keys())
        now = moment_of_instant(self.ledger.clock.now())
        known: dict[Instant | None, int] = {None: scene.head.position}
        found = []
        for question in questions:
            if question.known_at not in known:
                known[question.known_at] = reader.position_at(connection, question.known_at)
            upto, moment, who = known[question.known_at], question.at or now, question.who
            subject = _subject(who, targets)
            if subject is None and who in listed:
                judged = _on_list(question, moment, listed[who])
            elif subject in closed:
                judged = _on_list(question, moment, ())
            else:
                history = None if subject is None else people[subject]
                person = person_of(history, self.fold, moment.at, upto) if history else None
                company = self.company(scene, upto)
                purpose, channel, offer = question.purpose, question.channel, question.offer
                rules = verdict if ahead else verdict_now
                judged = rules(person, scene.book, purpose, channel, moment, upto, company, offer)
            found.append(Answered(judged, subject, upto, scene.head.last_at))
        return found

    def company(self, scene: Scene, known: int) -> Company:
        """What the company had declared, as known at a position."""
        return self._declarations.at(scene.connection, scene.head.position, known)

    def _listed(self, scene: Scene, unknown: Collection[Blinded]) -> dict[Who, list[Opposed]]:
        """Those of these references that a list remembers, with the objections on it."""
        if not scene.has_erased or not unknown:
            return {}
        found: dict[Who, list[Opposed]] = {
            one: [] for one in store.erased(scene.connection, unknown)
        }
        return found | store.opposed(scene.connection, unknown)


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


def _on_list(asked: Question, moment: Moment, objections: Sequence[Opposed]) -> Verdict:
    """The verdict on somebody of whom a list alone knows."""
    opposed = any(
        o.purpose == asked.purpose and o.channel in ("", asked.channel) for o in objections
    )
    return on_list("objected" if opposed else "erased", asked.purpose, asked.channel, moment)


def _subject(who: Who, targets: Mapping[Blinded, reader.Target]) -> UUID | None:
    if isinstance(who, UUID):
        return who
    return targets[who].subject if who in targets else None
