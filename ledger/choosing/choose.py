"""A person says yes or no: find what stands, record what changes it, in one turn.

Read and write happen under the head lock, so that two doors that hear the same click record it
once. Each choice has its own outcome: one refused spoils no other. Read next: `motives.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Literal, NamedTuple, TypeAlias, get_args
from uuid import UUID

from ledger.aggregates.consent import ONLY_SHE
from ledger.aggregates.door import GONE
from ledger.application import Ledger
from ledger.calendar import Moment
from ledger.choosing.awaited import awaited_of
from ledger.commands import Record, Reference
from ledger.errors import Refusal
from ledger.events import KINDS, Choice, Row
from ledger.handlers import Accepted, record_many
from ledger.naming import blinded, unusable
from ledger.permitting.joined import of_all
from ledger.policy.awaiting import ASKED, Awaited
from ledger.policy.choosing import Says, kind_of
from ledger.policy.consents import choice
from ledger.policy.model import Edition, Purpose
from ledger.policy.verdicts import ChoiceState
from ledger.projections.consents import BACKDATED
from ledger.projections.live import standing, state_of
from ledger.projections.model import ChoiceKey, Expression, SubjectState
from ledger.store import erasure, reader, states

By: TypeAlias = Literal["page", "api", "agent", "email", "letter"]
BY = get_args(By)
HERSELF = ("page",)  # nobody of ours can click there


class Wanted(NamedTuple):
    """One choice. No channel: of a purpose that has some, a no is for all of them."""

    purpose: str
    channel: str | None
    says: Says


class Expressed(NamedTuple):
    """How it was said: by which door, when, by whom it is told to us, on which published form;
    `act` is the door unless it was something more particular."""

    by: By
    occurred: Moment
    actor: str = "self"
    form: str | None = None
    act: str | None = None
    is_signal: bool = False  # of a browser: never takes back what she consented to on this site

    @property
    def grade(self) -> str:
        """Her own act on a published form is proved; what is told to us is asserted."""
        return "proved" if self.form is not None and self.actor == "self" else "asserted"


class Unchanged(NamedTuple):
    """It stood already, by the fact at this position."""

    position: int | None


Outcome: TypeAlias = Accepted | Unchanged | Refusal


class Chosen(NamedTuple):
    """What came of one choice: `kind` is the fact it is, None when it changed nothing."""

    wanted: Wanted
    kind: str | None
    outcome: Outcome


class Decided(NamedTuple):
    """A choice before it is recorded: a wish, or why there is none."""

    wanted: Wanted
    wish: Record | Unchanged | Refusal


def choose(
    ledger: Ledger, who: UUID | Reference, wanted: Sequence[Wanted], how: Expressed
) -> list[Chosen]:
    """Record these choices of one person, who is registered if only her reference was unknown.

    One outcome for each choice, in the order given (a no for every channel has one for each).
    Raises Stale if others would not let us, Broken if the database failed: nothing was written.
    """
    with turn(ledger):
        found = decided(ledger, who, wanted, how)
        wishes = [one.wish for one in found if isinstance(one.wish, Record)]
        return told(found, record_many(ledger, wishes) if wishes else [])


def decided(
    ledger: Ledger, who: UUID | Reference, wanted: Sequence[Wanted], how: Expressed
) -> list[Decided]:
    """What each choice would be. To be called, and its wishes recorded, in one `turn`."""
    refused = _refuse(who, how)
    if refused is not None:
        return [Decided(one, refused) for one in wanted]
    now, epoch = ledger.clock.now(), ledger.epoch()
    edition, book = ledger.edition(epoch, now), ledger.book(epoch)
    joins = ledger.joins(epoch)
    subject = joins.kept(who) if isinstance(who, UUID) else find(ledger, who)
    rows: list[Row] = []
    others: list[tuple[int, SubjectState]] = []
    waiting: tuple[Awaited, ...] = ()
    gone = False
    if subject is not None:
        with ledger.database.read() as connection:
            gone = bool(erasure.closed_subjects(connection, {subject}))
            rows = standing(states.rows_of(connection, subject))
            if len(joins.family(subject)) > 1 or any(row.kind == ASKED for row in rows):
                waiting = awaited_of(connection, joins, subject, book)
            for join in joins.others(subject):
                said = state_of(states.rows_of(connection, join.other))
                others.append((join.position, said))
    own = state_of(rows)
    state = of_all(own, others) if others else own
    waits = frozenset(one.key for one in waiting if how.occurred.at <= one.until)
    case = _Case(ledger, epoch, edition, rows, state, waits, who, how)
    seen: set[ChoiceKey] = set()
    found = []
    for one in wanted:
        for each in _each_channel(one, edition):
            key = ChoiceKey(each.purpose, each.channel or "")
            twice = Refusal("malformed", "field 'choices' says twice what one choice is")
            found.append(Decided(each, GONE if gone else twice if key in seen else case.wish(each)))
            seen.add(key)
    return found


def told(found: Sequence[Decided], outcomes: Sequence[Accepted | Refusal]) -> list[Chosen]:
    """The outcomes of what was decided, those of its wishes in order."""
    recorded = iter(outcomes)
    return [
        Chosen(one.wanted, one.wish.fact.kind, next(recorded))
        if isinstance(one.wish, Record)
        else Chosen(one.wanted, None, one.wish)
        for one in found
    ]


def find(ledger: Ledger, reference: Reference) -> UUID | None:
    """Whom a reference means, None if nobody heard of it."""
    key = blinded(ledger, "person", reference)
    with ledger.database.read() as connection:
        found = reader.lookups(connection, [key]).get(key)
    return ledger.joins(ledger.epoch()).kept(found.subject) if found else None


def turn(ledger: Ledger) -> AbstractContextManager[None]:
    """The head lock, from before what is read until after what is written, unless we hold it."""
    return nullcontext() if ledger.recorder.is_alone else ledger.recorder.alone()


class _Case(NamedTuple):
    """What deciding one choice looks at."""

    ledger: Ledger
    epoch: int
    edition: Edition
    rows: list[Row]  # those that stand
    state: SubjectState
    waiting: frozenset[ChoiceKey]
    who: UUID | Reference
    how: Expressed

    def wish(self, wanted: Wanted) -> Record | Unchanged | Refusal:
        purpose = self.edition.purposes.get(wanted.purpose)
        key = ChoiceKey(wanted.purpose, wanted.channel or "")
        if wanted.channel and purpose is not None and not purpose.channels:
            return _no_channel(purpose)
        if wanted.says == "yes" and key in self.waiting:
            return ONLY_SHE
        kind = self._kind(wanted, purpose, key)
        if kind is None:
            return Unchanged(self.state.consents[key].position)
        cls = KINDS[kind]
        assert issubclass(cls, Choice)
        fact = cls(
            subject=self.who if isinstance(self.who, UUID) else None,
            occurred=self.how.occurred,
            actor=self.how.actor,
            purpose=wanted.purpose,
            channel=wanted.channel,
            act=self.how.act or self.how.by,
            form=self.how.form,
            grade=self.how.grade,
        )
        return Record(fact, person=self.who if isinstance(self.who, Reference) else None)

    def _kind(self, wanted: Wanted, purpose: Purpose | None, key: ChoiceKey) -> str | None:
        stands = self._stands(key)
        if self.how.is_signal and stands.state in ("ConsentGiven", "RenewedConsentGiven"):
            return None
        kind = kind_of(wanted.says, purpose, stands, self.edition.number, self.how.grade)
        expression = self.state.consents.get(key)
        if kind == "objection.lifted.v1" and expression is not None:
            # Only an objection of hers is lifted, and only now: said under her other reference, or
            # dated back, it is a grant like any other, which revives nothing (decision 0007).
            hers = any(row.position == expression.position for row in self.rows)
            now = self.how.occurred.at >= self.ledger.clock.now() - BACKDATED
            return kind if hers and now else "consent.given.v1"
        if kind is None and expression is not None and self._is_earlier(expression, key):
            # It stands, and she had said it before we knew: since when is worth recording.
            return expression.kind
        return kind

    def _is_earlier(self, expression: Expression, key: ChoiceKey) -> bool:
        at = self.how.occurred.at
        known = any(
            (row.occurred_at, row.kind, row.purpose, row.channel or "")
            == (at, expression.kind, *key)
            for row in self.rows
        )
        return at < expression.at and not known

    def _stands(self, key: ChoiceKey) -> ChoiceState:
        now = max(self.ledger.clock.now(), self.how.occurred.at)
        return choice(self.state, self.ledger.book(self.epoch), now, None, *key)


def _each_channel(wanted: Wanted, edition: Edition) -> Iterator[Wanted]:
    """A no that names no channel, for each channel of its purpose; a yes is never widened (GDPR
    art. 4(11))."""
    purpose = edition.purposes.get(wanted.purpose)
    if wanted.channel is None and wanted.says == "no" and purpose is not None and purpose.channels:
        for channel in purpose.channels:
            yield wanted._replace(channel=channel)
    else:
        yield wanted


def _refuse(who: UUID | Reference, how: Expressed) -> Refusal | None:
    if isinstance(who, Reference) and (bad := unusable(who)) is not None:
        return bad
    if how.by in HERSELF and how.actor != "self":
        return Refusal(
            "malformed",
            "field 'by': a page is clicked by the person herself, not in her place",
            "SS-LB-2",
            "RGPD art. 4(11)",
            "by",
        )
    return None


def _no_channel(purpose: Purpose) -> Refusal:
    return Refusal(
        "channel-undeclared",
        "field 'channel': this purpose has no channels",
        purpose.clause,
        purpose.article,
        "channel",
    )
