"""From wishes to history: load, ask, save.

`record_many` takes any number of wishes and gives each its own outcome. Wishes of one call are
decided in order, each seeing what the ones before it will have changed; what is accepted is written
in one transaction, what is refused writes nothing. If somebody else wrote to the same streams in
between, nothing was written and everything is decided again. Read next: `ledger/store/recorder.py`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from itertools import islice, pairwise
from random import uniform
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.application import Ledger, digest, pol_of
from ledger.calendar import day_of, moment_of_instant
from ledger.commands import Command, Record
from ledger.deciding import Decision, Session
from ledger.entry import random_id, to_base64
from ledger.errors import BadData, Refusal, Refused, Stale
from ledger.events import KINDS, PolicyPublished
from ledger.policy.diff import media_of, refuse_lengthening
from ledger.policy.loader import load_edition
from ledger.store import commands as requests
from ledger.store import editions
from ledger.store.commands import CommandRecord
from ledger.store.mapper import Draft, Part
from ledger.store.recorder import Work, Written
from ledger.store.vault import RANDOM, scope_of

ATTEMPTS = 16
PATIENT = 4  # attempts before deciding under the head lock
RANDOM_EACH = 16 + 16 + RANDOM  # bytes that one event takes: its id, its salt, its part
ImportId = tuple[str, bytes, int]  # source, fingerprint of the line, ordinal among equal lines


class Accepted(NamedTuple):
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


class Repeated(Stale):
    """The same request was carried out meanwhile: nothing was written, its outcome is stored."""


class Group(NamedTuple):
    """The wishes of one caller, and what is committed with them (see `record_many`)."""

    commands: Sequence[Command]
    imports: Sequence[ImportId] = ()
    remember: CommandRecord | None = None


class Round(NamedTuple):
    """What was decided, group by group, and what is to be committed for it."""

    session: Session
    decisions: list[list[Decision | Refusal]]
    drafts: list[Draft]
    work: Work

    @property
    def is_written(self) -> bool:
        """Whether it was committed: what was decided on it may follow."""
        return self.session.is_written


def record(ledger: Ledger, command: Command) -> Accepted:
    """Record one wish. Raises Refused with the reason, or Stale if others would not let us."""
    (outcome,) = record_many(ledger, [command])
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


def record_many(
    ledger: Ledger,
    commands: Sequence[Command],
    imports: Sequence[ImportId] = (),
    remember: CommandRecord | None = None,
) -> list[Outcome]:
    """Record many wishes in one transaction, each with its own outcome.

    `imports`, if given, holds the import identity of each wish, committed with its fact; `remember`
    is committed with them too, or alone when every wish was refused. Raises Repeated when that
    request was carried out before, Stale after too many conflicts, Broken if the database fails;
    nothing is written then.
    """
    (told,) = record_groups(ledger, [Group(commands, imports, remember)])
    if isinstance(told, Repeated):
        raise told
    return told


def record_groups(ledger: Ledger, groups: Sequence[Group]) -> list[list[Outcome] | Repeated]:
    """Record the wishes of several callers in one transaction, in order. Each group has its own
    outcomes; one that was carried out before writes nothing and is told so.

    No two groups may be the same request. Raises Stale after too many conflicts, Broken if the
    database fails; nothing is written then.
    """
    told: dict[int, list[Outcome] | Repeated] = {}
    for attempt in range(ATTEMPTS):
        step_aside(attempt)
        asked = [number for number in range(len(groups)) if number not in told]
        # Whoever lost too often decides with the head in hand: nobody can overtake him.
        turn = ledger.recorder.alone() if attempt >= PATIENT else nullcontext()
        try:
            with turn:
                outcomes = write(ledger, decide(ledger, [groups[number] for number in asked]))
        except Stale:
            told |= _repeated(ledger, groups)
            if len(told) == len(groups):
                break
            continue
        told |= dict(zip(asked, outcomes, strict=True))
        break
    else:
        raise Stale("others keep writing to the same records; nothing was written, try again")
    return [told[number] for number in range(len(groups))]


def decide(ledger: Ledger, groups: Sequence[Group], before: Round | None = None) -> Round:
    """Load, ask, seal: what these groups will write. Nothing is written.

    `before` is a round on its way to the log: the new one is decided as if it were there, and may
    be written only if it was (`is_written`). Raises Stale when somebody else was quicker, Early
    when this can be decided only once `before` was written.
    """
    return _decided(ledger, groups, before and before.session, {})


def write(ledger: Ledger, decided: Round) -> list[list[Outcome]]:
    """Commit a round: the outcomes of each group. Raises Stale if somebody else was quicker."""
    session, decisions, drafts, work = decided
    if drafts or work.commands:
        ledger.commit(drafts, work)
    session.remember()
    return [[_outcome(one, work) for one in of_group] for of_group in decisions]


def _decided(
    ledger: Ledger, groups: Sequence[Group], before: Session | None, refused: dict[int, Refusal]
) -> Round:
    """The wishes in `refused`, counted over all groups, are not asked."""
    session = Session(ledger, before)
    wished = [command for group in groups for command in group.commands]
    commands = _of_the_kept(ledger, wished)
    session.load(commands)
    ends = [0]  # where each group's events end among all
    decided: list[list[Decision | Refusal]] = []
    asked = iter(enumerate(commands))
    for group in groups:
        wishes = islice(asked, len(group.commands))
        decided.append([refused.get(i) or session.decide(command) for i, command in wishes])
        ends.append(len(session.pending))
    try:
        drafts, work = _sealed(ledger, session)
    except Refused:
        # Something was erased: without the wishes that would bring it back, the others are decided
        # again.
        erased = _erased(session, [decision for decisions in decided for decision in decisions])
        return _decided(ledger, groups, before, refused | erased)
    for group, decisions, (first, end) in zip(groups, decided, pairwise(ends), strict=True):
        work.imports += [
            (decision.events[-1], identity)
            for decision, identity in zip(decisions, group.imports, strict=False)
            if isinstance(decision, Decision)
        ]
        if group.remember is not None:
            work.commands.append(_remembered(group.remember, decisions, first, end))
    return Round(session, decided, drafts, work)


def _remembered(
    remember: CommandRecord, decisions: Sequence[Decision | Refusal], first: int, end: int
) -> tuple[Any, ...]:
    """The row of a request whose events are those from `first` to before `end`."""
    told = [
        d if isinstance(d, Refusal) else (d.events[0] - first, d.events[-1] - first)
        for d in decisions
    ]
    return remember.row(told, first, end - first)


def _of_the_kept(ledger: Ledger, commands: Sequence[Command]) -> Sequence[Command]:
    """The wishes, those about somebody who was joined to another said of that person. (Should a
    join be recorded just now, the epoch has moved, and everything is decided again.)"""
    joins = ledger.joins(ledger.recorder.believed().epoch)
    if not joins:
        return commands
    found: list[Command] = []
    for one in commands:
        subject = one.fact.subject if isinstance(one, Record) else None
        if isinstance(one, Record) and subject is not None and joins.named(subject) != subject:
            fact = replace(one.fact, subject=joins.named(subject))
            found.append(replace(one, fact=fact, meant=subject))
        else:
            found.append(one)
    return found


def _erased(session: Session, decisions: Sequence[Decision | Refusal]) -> dict[int, Refusal]:
    """The wishes whose personal fields no key may seal any more, with the reason; never empty."""
    found: dict[int, Refusal] = {}
    for index, decision in enumerate(decisions):
        if isinstance(decision, Decision):
            pending = [session.pending[event] for event in decision.events]
            try:
                keys = session.keys({scope_of(one.fact) for one in pending if one.personal})
                for one in pending:
                    if one.personal:
                        keys[scope_of(one.fact)].admit(one.fact)
            except Refused as refused:
                found[index] = refused.refusal
    if not found:
        raise Stale("a key was destroyed meanwhile; decide again")
    return found


def _repeated(ledger: Ledger, groups: Sequence[Group]) -> dict[int, list[Outcome] | Repeated]:
    """The groups whose request was carried out by somebody quicker."""
    found: dict[int, list[Outcome] | Repeated] = {}
    asked = [(n, group.remember) for n, group in enumerate(groups) if group.remember is not None]
    if asked:
        with ledger.database.glance() as connection:
            for number, remember in asked:
                if requests.find(connection, remember.fingerprint) is not None:
                    found[number] = Repeated("this request was carried out meanwhile")
    return found


def publish(
    ledger: Ledger,
    toml: bytes,
    actor: str = "agent",
    *,
    document: bytes | None = None,
    notified: bool = False,
) -> Accepted:
    """Publish an edition of the policy; the first one becomes position 1 of the ledger.

    `document` is the text the company published, which the edition names by its SHA-256. An edition
    that lengthens a term must take effect after today, unless `notified` says that people were told
    (SS-POL-2, GDPR art. 13(3)); the proof of that are their `policy.notified` facts, and whoever
    has none keeps the shorter term. Raises BadData for a file that is no edition or cannot follow
    the book and for a document that is another one, Refused for a lengthening without notice.
    """
    edition = load_edition(toml, "the edition", KINDS)
    if document is not None and digest(document).hex() != edition.published_sha256:
        raise BadData("the document is not the one whose SHA-256 the edition names")
    for attempt in range(ATTEMPTS):
        step_aside(attempt)
        head, now = ledger.recorder.head(), ledger.clock.now()
        book = ledger.book(head.epoch)
        in_force = book.publishing(edition, head.position + 1).in_force(day_of(now), head.position)
        if not notified and (refusal := refuse_lengthening(book, edition, day_of(now))):
            raise Refused(refusal)
        in_force = in_force or edition  # position 1 is published under itself
        stream = ledger.book_stream(head.epoch) or uuid4()
        fact = PolicyPublished(
            occurred=moment_of_instant(now),
            actor=actor,
            edition=edition.effective_from,
            document=to_base64(digest(toml)),
            published=to_base64(bytes.fromhex(edition.published_sha256)),
            notified=True if notified else None,
        )
        version = ledger.version(stream) + 1
        draft = Draft(stream, version, fact, uuid4(), in_force.number, pol_of(in_force))
        work = Work(epoch=head.epoch, new_epoch=True)
        work.documents.append((digest(toml), "application/toml", toml))
        if document is not None and not _is_stored(ledger, document):
            work.documents.append((digest(document), media_of(document), document))
        try:
            ledger.commit([draft], work)
        except Stale:
            continue
        return Accepted(None, stream, tuple(work.written))
    raise Stale("others keep publishing; nothing was written, please try again")


def _is_stored(ledger: Ledger, document: bytes) -> bool:
    with ledger.database.glance() as connection:
        return editions.document(connection, digest(document)) is not None


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
    # Drawn together: each draw lets other threads go first.
    random = os.urandom(RANDOM_EACH * len(session.pending))
    for index, (pending, scope) in enumerate(zip(session.pending, scopes, strict=True)):
        parts: tuple[Part, ...] = ()
        mine = random[RANDOM_EACH * index : RANDOM_EACH * (index + 1)]
        event_id = random_id(mine[:16])
        if scope is not None:
            key = keys[scope]
            if key.row is not None and key.id not in stored:
                stored.add(key.id)
                work.keys.append((index, key.row))
            parts = (ledger.vault.seal(pending.fact, pending.personal, event_id, key, mine[32:]),)
        stream, version, fact, _ = pending
        drafts.append(Draft(stream, version, fact, event_id, number, pol, parts, mine[16:32]))
    return drafts, work


def _outcome(decision: Decision | Refusal, work: Work) -> Outcome:
    if isinstance(decision, Refusal):
        return decision
    written = tuple([work.written[index] for index in decision.events])
    return Accepted(decision.subject, decision.stream, written)


def step_aside(attempt: int) -> None:
    """Wait a little, longer and more randomly each time, so that two who collide do not again."""
    if attempt:
        time.sleep(uniform(0, 0.001) * 2 ** min(attempt, 7))  # noqa: S311
