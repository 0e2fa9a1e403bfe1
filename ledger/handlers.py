"""From wishes to history: load, ask, save.

`record_many` takes any number of wishes and gives each its own outcome. Wishes of one call are
decided in order, each seeing what the ones before it will have changed; what is accepted is written
in one transaction, what is refused writes nothing. If somebody else wrote to the same streams in
between, nothing was written and everything is decided again. Read next: `ledger/store/recorder.py`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from uuid import UUID, uuid4

from ledger.application import Ledger, digest, pol_of
from ledger.calendar import day_of, moment_of_instant
from ledger.commands import Command
from ledger.deciding import Decision, Session
from ledger.entry import to_base64
from ledger.errors import Refusal, Refused, Stale
from ledger.events import KINDS, PolicyPublished
from ledger.policy.loader import load_edition
from ledger.store.mapper import Draft, Part
from ledger.store.recorder import Work, Written
from ledger.store.vault import scope_of

ATTEMPTS = 16
PATIENT = 4  # attempts before deciding under the head lock
ImportId = tuple[str, bytes, int]  # source, fingerprint of the line, ordinal among equal lines


@dataclass(frozen=True, slots=True)
class Accepted:
    """A wish that became history. `written` holds its events in order; the last is the fact asked
    for, an earlier one a registration it implied."""

    subject: UUID | None
    stream: UUID
    written: tuple[Written, ...]

    @property
    def position(self) -> int:
        """The position of the fact asked for."""
        return self.written[-1].position


Outcome = Accepted | Refusal


def record(ledger: Ledger, command: Command) -> Accepted:
    """Record one wish. Raises Refused with the reason, or Stale if others would not let us."""
    (outcome,) = record_many(ledger, [command])
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


def record_many(
    ledger: Ledger, commands: Sequence[Command], imports: Sequence[ImportId] = ()
) -> list[Outcome]:
    """Record many wishes in one transaction, each with its own outcome.

    `imports`, if given, holds the import identity of each wish, committed with its fact.
    Raises Stale after too many conflicts, Broken if the database fails; nothing is written then.
    """
    for attempt in range(ATTEMPTS):
        _step_aside(attempt)
        # Whoever lost too often decides with the head in hand: nobody can overtake him.
        turn = ledger.recorder.alone() if attempt >= PATIENT else nullcontext()
        try:
            with turn:
                session, decisions, work = _round(ledger, commands, imports)
        except Stale:
            continue
        except Refused as refused:
            if len(commands) == 1:
                return [refused.refusal]
            singly = [(one, imports[i : i + 1]) for i, one in enumerate(commands)]
            return [outcome for one, id_ in singly for outcome in record_many(ledger, [one], id_)]
        session.remember()
        return [_outcome(decision, work) for decision in decisions]
    raise Stale("others keep writing to the same records; nothing was written, please try again")


def _round(
    ledger: Ledger, commands: Sequence[Command], imports: Sequence[ImportId]
) -> tuple[Session, list[Decision | Refusal], Work]:
    """Load, ask, save, once. Raises Stale if somebody else was quicker, Refused if a key that is
    needed was destroyed."""
    session = Session(ledger)
    session.load(commands)
    decisions = [session.decide(command) for command in commands]
    drafts, work = _sealed(ledger, session)
    work.imports = [
        (decision.events[-1], identity)
        for decision, identity in zip(decisions, imports, strict=False)
        if isinstance(decision, Decision)
    ]
    if drafts:
        ledger.commit(drafts, work)
    return session, decisions, work


def publish(ledger: Ledger, toml: bytes, actor: str = "agent") -> Accepted:
    """Publish an edition of the policy; the first one becomes position 1 of the ledger.

    Raises BadData for a file that is no edition or cannot follow the book.
    """
    edition = load_edition(toml, "the edition", KINDS)
    for attempt in range(ATTEMPTS):
        _step_aside(attempt)
        head, now = ledger.recorder.head(), ledger.clock.now()
        book = ledger.book(head.epoch)
        in_force = book.with_edition(edition, head.position + 1).in_force(
            day_of(now), head.position
        )
        in_force = in_force or edition  # position 1 is published under itself
        stream = ledger.book_stream(head.epoch) or uuid4()
        fact = PolicyPublished(
            occurred=moment_of_instant(now),
            actor=actor,
            edition=edition.effective_from,
            document=to_base64(digest(toml)),
            published=to_base64(bytes.fromhex(edition.published_sha256)),
        )
        version = ledger.version(stream) + 1
        draft = Draft(stream, version, fact, uuid4(), in_force.number, pol_of(in_force))
        work = Work(epoch=head.epoch, new_epoch=True)
        work.documents.append((digest(toml), "application/toml", toml))
        try:
            ledger.commit([draft], work)
        except Stale:
            continue
        return Accepted(None, stream, tuple(work.written))
    raise Stale("others keep publishing; nothing was written, please try again")


def _sealed(ledger: Ledger, session: Session) -> tuple[list[Draft], Work]:
    """The drafts of everything decided, personal parts sealed, new keys on their way."""
    now = ledger.clock.now()
    edition = ledger.edition(session.epoch, now)
    number, pol = edition.number, pol_of(edition)
    scopes = [scope_of(pending.fact) if pending.personal else None for pending in session.pending]
    keys = session.keys({scope for scope in scopes if scope})
    work = Work(epoch=session.epoch, lookups=session.new_lookups, new_epoch=session.new_epoch)
    drafts: list[Draft] = []
    stored: set[UUID] = set()
    for index, (pending, scope) in enumerate(zip(session.pending, scopes, strict=True)):
        parts: tuple[Part, ...] = ()
        event_id = uuid4()
        if scope is not None:
            key = keys[scope]
            if key.row is not None and key.id not in stored:
                stored.add(key.id)
                work.keys.append((index, key.row))
            parts = (ledger.vault.seal(pending.fact, pending.personal, event_id, key),)
        drafts.append(
            Draft(pending.stream, pending.version, pending.fact, event_id, number, pol, parts)
        )
    return drafts, work


def _outcome(decision: Decision | Refusal, work: Work) -> Outcome:
    if isinstance(decision, Refusal):
        return decision
    written = tuple(work.written[index] for index in decision.events)
    return Accepted(decision.subject, decision.stream, written)


def _step_aside(attempt: int) -> None:
    """Wait a little, longer and more randomly each time, so that two who collide do not again."""
    if attempt:
        time.sleep(random.random() * 0.001 * 2 ** min(attempt, 7))  # noqa: S311
