"""One round of decisions: what was loaded, what was decided, what it will write.

A session loads once what a number of wishes depend on (references, stream tips), then decides them
one after another, each on the state the previous ones will leave. Nothing is written here; the
store checks at commit that everything read is still true. Read next: `ledger/handlers.py`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache, cached_property, partial
from typing import Any, NamedTuple
from uuid import UUID

from ledger.aggregates import (
    AGGREGATES,
    consent,
    corrected,
    customer,
    door,
    door_kinds,
    policy_book,
    together,
)
from ledger.application import Ledger
from ledger.beginnings import item_of, registration
from ledger.calendar import Instant
from ledger.choosing.awaited import refuse_elsewhere, unless_lapsed
from ledger.commands import Command, Correct, Record, Reference, Void
from ledger.entry import random_id
from ledger.errors import BadData, Broken, Refusal, Stale
from ledger.events import (
    KINDS,
    OWN,
    AccountClosed,
    AudienceMeasured,
    CallPlaced,
    CardKept,
    ContractStarted,
    CustomerRegistered,
    DataDisclosed,
    Died,
    Fact,
    FactVoided,
    FieldDeclared,
    HoldPlaced,
    IncidentDetected,
    MessageDecided,
    MessageSent,
    MinorSignalled,
    OrderPlaced,
    PurposeDeclared,
    RecipientDeclared,
    RequestReceived,
    RetentionRan,
    SelectionRun,
    SurveySent,
    TicketOpened,
    TrackerChoice,
)
from ledger.naming import Key, blinded, unusable
from ledger.projections.joins import Joins
from ledger.store import erasure, reader
from ledger.store.vault import DataKey, Scope
from ledger.streams import Stream, consent_stream, correction_of, decided_on, streams_of

# Always heard, whatever happened before: their aggregates need not look back. What allows something
# looks back at the person: the dead and the very young allow nothing.
HEARD = frozenset(
    kind
    for kind, cls in KINDS.items()
    if cls.aggregate == "tracker" or (cls.aggregate == "consent" and kind not in together.OF_ALL)
) | {
    "customer.logged_in.v1",
    "customer.contacted_us.v1",
    "motive.received.v1",
    "customer.profile_rectified.v1",
    "customer.commented.v1",
    "data.read.v1",
}
BEGINNINGS = (
    *(OrderPlaced, ContractStarted, CardKept, HoldPlaced, TicketOpened, SurveySent),
    *(MessageSent, MessageDecided, CallPlaced, SelectionRun, TrackerChoice),
    *(DataDisclosed, RetentionRan, IncidentDetected, AudienceMeasured, RequestReceived),
)
# What other streams are decided on: whoever decided before these were known decides again.
MOVING_THE_EPOCH = (PurposeDeclared, RecipientDeclared, FieldDeclared, Died, MinorSignalled)
CLOSING = (Died, AccountClosed)
ONE_PER_PERSON, BOOK = ("customer", "consent"), "policy_book"
AT_ONCE = 16  # ids drawn together


class Pending(NamedTuple):
    """A fact that was accepted and will be written at this version of its stream."""

    stream: UUID
    version: int
    fact: Fact
    personal: dict[str, str]  # what its part will seal


class Decision(NamedTuple):
    """An accepted wish: which of the pending events are its own."""

    subject: UUID | None
    stream: UUID
    events: tuple[int, ...]


class Early(Stale):
    """This can be decided only once the round on its way was written."""


class Session:
    """One round of decisions over one ledger; `before`, if given, is the round on its way to the
    log, and what it will change counts already."""

    def __init__(self, ledger: Ledger, before: Session | None = None) -> None:
        self.ledger, self._before = ledger, before
        self.epoch = -1
        self.is_written = False
        self.pending: list[Pending] = []
        self.new_lookups: list[tuple[Any, ...]] = []
        self._now = 0
        self._drawn: list[bytes] = []
        self._joins = Joins()
        self._targets: dict[tuple[str, bytes], reader.Target] = {}
        self._meant: dict[Key, UUID] = {}  # of whom it was, before any join
        self._erased: dict[tuple[str, bytes], int] = {}
        self._closed: set[UUID] = set()
        self._ended: dict[Scope, Instant] = {}
        self._tips: dict[UUID, reader.Tip] = {}
        self._histories: dict[UUID, list[tuple[int, Fact]]] = {}
        self._streams: dict[UUID, Stream] = {}
        self._roots: dict[int, reader.Found] = {}
        self._keys: dict[Scope, DataKey] = {}
        self._blinded = cache(partial(blinded, ledger))  # a round meets each reference thrice

    # -- loading -----------------------------------------------------------------------------

    def load(self, commands: Sequence[Command]) -> None:
        """Read what these wishes depend on. A connection that was cut is tried once more:
        nothing has been written yet."""
        try:
            self._load(commands)
        except Broken:
            self.ledger.forget()
            self._load(commands)

    def _load(self, commands: Sequence[Command]) -> None:
        self.epoch = self.ledger.recorder.believed().epoch
        before = self._before
        if before and (before.new_epoch or before.epoch != self.epoch):
            raise Early("the epoch moves")
        self._joins = self.ledger.joins(self.epoch)
        references = [r for command in commands for r in self._references(command)]
        streams = {s for command in commands for s in streams_of(command)}
        positions = [c.position for c in commands if not isinstance(c, Record)]
        if references or positions:
            with self.ledger.database.glance() as connection:
                found = reader.lookups(connection, references)
                if before:
                    found |= {r: before.begun[r] for r in references if r in before.begun}
                self._meant = {key: target.subject for key, target in found.items()}
                self._targets = self._of_the_kept(found)
                unknown = [r for r in references if r not in self._targets]
                self._erased = reader.erased_until(connection, unknown) if unknown else {}
                for position in positions:
                    root = reader.event_at(connection, position)
                    if root is not None:
                        self._roots[position] = root
                        streams.add(root.stream)
            streams |= self._referred(commands)
        self._closed = self._erased_people(commands)
        self._ended = self._erased_classes(commands)
        past = self._looked_back(commands)
        book = self.ledger.book_stream(self.epoch)
        if book and any(isinstance(c, Record) and c.fact.aggregate == BOOK for c in commands):
            streams.add(book)
            past.add(book)
        on_its_way = before.ends if before else {}
        if not past.isdisjoint(on_its_way):
            raise Early("a past that is being written")
        streams |= past
        self._tips = self.ledger.recorder.tips(streams - on_its_way.keys())
        self._tips |= {s: tip for s, tip in on_its_way.items() if s in streams}
        past = {stream for stream in past if stream in self._tips}
        if past:
            with self.ledger.database.glance() as connection:
                self._histories = reader.histories(connection, past)
        self._now = self.ledger.clock.now()
        self._edition = self.ledger.edition(self.epoch, self._now)

    def keys(self, scopes: Collection[Scope]) -> dict[Scope, DataKey]:
        """The data keys that seal what was decided. Raises Refused for a destroyed one."""
        before, vault = self._before, self.ledger.vault
        held = before.sealing if before else {}
        wanted = [scope for scope in scopes if scope not in held]
        self._keys = {scope: held[scope] for scope in scopes if scope in held}
        if vault.missing(self.epoch, wanted) and any(self._may_have_keys(s) for s in wanted):
            with self.ledger.database.glance() as connection:
                self._keys |= vault.keys_for(connection, self.epoch, wanted)
        else:
            self._keys |= vault.keys_for(None, self.epoch, wanted)
        return self._keys

    @property
    def new_epoch(self) -> bool:
        """Whether what was decided changes what others decide on."""
        return any(isinstance(pending.fact, MOVING_THE_EPOCH) for pending in self.pending)

    @cached_property
    def ends(self) -> dict[UUID, reader.Tip]:
        """Where the streams that this round writes to will end."""
        return {pending.stream: self._known[pending.stream] for pending in self.pending}

    @cached_property
    def _known(self) -> dict[UUID, reader.Tip]:
        """Where the streams will end that this round opened, if they have begun."""
        return {
            stream: reader.Tip(known.version, known.aggregate, known.subject)
            for stream, known in self._streams.items()
            if known.version
        }

    @cached_property
    def begun(self) -> dict[Key, reader.Target]:
        """What the references will mean that this round begins."""
        return {
            (kind, blind): reader.Target(target, subject)
            for kind, blind, _, target, subject in self.new_lookups
        }

    @cached_property
    def sealing(self) -> dict[Scope, DataKey]:
        """The keys of this round, as they will be stored."""
        return {scope: key._replace(row=None) for scope, key in self._keys.items()}

    def remember(self) -> None:
        """Everything was committed: keys may be used again, tips are where we left them."""
        self.ledger.vault.remember(self.epoch, self._keys)
        self.ledger.recorder.remember(self._known)
        self.is_written = True

    def _may_have_keys(self, scope: Scope) -> bool:
        # A person who begins in this session cannot have a stored key.
        return scope.subject in self._tips

    def _of_the_kept(self, targets: dict[Key, reader.Target]) -> dict[Key, reader.Target]:
        """Whoever was joined to another is she, from now on; an order of hers stays where it is."""
        joins = self._joins
        kept = {t.subject: joins.kept(t.subject) for t in targets.values() if joins}
        return {
            key: reader.Target(kept[t.subject], kept[t.subject])
            if t.target == t.subject and t.subject in kept
            else t
            for key, t in targets.items()
        }

    def _referred(self, commands: Sequence[Command]) -> set[UUID]:
        """The streams that the references of these wishes turned out to mean."""
        choices = any(isinstance(c, Record) and c.fact.aggregate == "consent" for c in commands)
        found: set[UUID] = set()
        for target in self._targets.values():
            found |= {target.target, target.subject}
            if choices:
                found.add(consent_stream(target.subject))
        return found

    def _erased_people(self, commands: Sequence[Command]) -> set[UUID]:
        """Who of those named by their id was erased. (No reference means them any more.)"""
        if not self.ledger.has_erased(self.epoch):
            return set()
        named = {c.fact.subject for c in commands if isinstance(c, Record) and c.fact.subject}
        named |= {found.subject for found in self._roots.values() if found.subject}
        with self.ledger.database.glance() as connection:
            return erasure.closed_subjects(connection, named) if named else set()

    def _erased_classes(self, commands: Sequence[Command]) -> dict[Scope, Instant]:
        """What ended of those of whom something is imported, and when."""
        imported = [c for c in commands if isinstance(c, Record) and c.fact.actor == "import"]
        if not imported or not self.ledger.has_erased(self.epoch):
            return {}
        people = {one for c in imported for one in (c.fact.subject, c.meant) if one}
        people |= {target.subject for target in self._targets.values()} | {*self._meant.values()}
        with self.ledger.database.glance() as connection:
            return erasure.ended_until(connection, people)

    def _ended_of(self, command: Record, subject: UUID) -> Instant | None:
        """When the class of a fact ended last, of her or of the one it names, who was joined."""
        named = command.meant
        if command.person and self._ended:
            named = self._meant.get(self._blinded("person", command.person))
        scopes = [Scope(one, command.fact.home or "", "") for one in (subject, named) if one]
        return max((self._ended[one] for one in scopes if one in self._ended), default=None)

    def _looked_back(self, commands: Sequence[Command]) -> set[UUID]:
        """The streams whose past a decision depends on (a login depends on none)."""
        past: set[UUID] = {found.stream for found in self._roots.values()}
        for root in self._roots.values():  # what a choice would read as is asked of her everywhere
            if root.subject and root.fact.kind in together.CHOICES_OF_ALL:
                past |= decided_on(self._joins, root.subject)
        for command in commands:
            if isinstance(command, Record) and command.fact.kind not in HEARD:
                target, person = self._thing(command), None
                if command.person and unusable(command.person) is None:
                    person = self._targets.get(self._blinded("person", command.person))
                subject = person.subject if person else command.fact.subject
                if command.fact.aggregate == "consent" and subject:
                    past.add(consent_stream(subject))
                past |= {s for s in (target and target.target, command.stream) if s}
                if subject and command.fact.aggregate == "customer":
                    past.add(subject)
                if subject and command.fact.kind in together.OF_ALL:
                    past |= decided_on(self._joins, subject)
        return past

    def _references(self, command: Command) -> list[tuple[str, bytes]]:
        if not isinstance(command, Record) or not (command.person or command.thing):
            return []
        families = (("person", command.person), (command.fact.aggregate, command.thing))
        return [self._blinded(f, r) for f, r in families if r and unusable(r) is None]

    # -- deciding ----------------------------------------------------------------------------

    def decide(self, command: Command) -> Decision | Refusal:
        """Accept (and remember) a wish, or say why not."""
        before = len(self.pending), len(self.new_lookups)
        opened = len(self._streams)
        try:
            decided = self._record(command) if isinstance(command, Record) else self._amend(command)
        except BadData as error:
            decided = Refusal("malformed", str(error))
        if isinstance(decided, Refusal):
            # Nothing of a refused wish stays: no reference, no stream it began.
            for kind, blind, *_ in self.new_lookups[before[1] :]:
                del self._targets[kind, blind]
            for stream in list(self._streams)[opened:]:
                del self._streams[stream]
            del self.pending[before[0] :], self.new_lookups[before[1] :]
        return decided

    def _record(self, command: Record) -> Decision | Refusal:
        fact = command.fact
        fact.check()
        for reference in (command.person, command.thing):
            refused = unusable(reference) if reference else None
            if refused:
                return refused
        if fact.kind in OWN:
            return Refusal("malformed", f"{fact.kind} is recorded by a command (`probant --help`)")
        refusal = (
            door.refuse_references(command.person, command.thing)
            or door.refuse(fact, self._now, self._edition)
            or door.refuse_choice(fact, self._edition)
        )
        if refusal:
            return refusal
        told = self._record_about_nobody if fact.about_nobody else self._record_about_somebody
        return told(command)

    def _record_about_somebody(self, command: Record) -> Decision | Refusal:
        """A fact of a person, who is registered if nobody knew her."""
        fact, first = command.fact, len(self.pending)
        subject = self._subject(command)
        if isinstance(subject, Refusal):
            return subject
        stream = self._was_erased(command) or self._stream(command, subject)
        if isinstance(stream, Refusal):
            return stream
        found = self._streams[stream]
        if found.subject not in (None, subject):
            if self._joins.kept(found.subject) != subject:
                return Refusal("conflict", "this order or contract belongs to another person")
            subject = found.subject  # joined to her: what is about this thing stays on its stream
        personal = fact.personal_fields()
        item = item_of(fact, stream, bool(personal))
        if (item, subject) != (fact.item, fact.subject):
            fact = replace(fact, subject=subject, item=item)
        refused = door.refuse_past(fact, self._ended_of(command, subject))
        refused = refused or AGGREGATES[fact.aggregate].decide(found.state, fact)
        refused = unless_lapsed(self.ledger, self.epoch, refused, found.state, fact)
        if fact.kind in together.OF_ALL:
            refused = self._refuse_together(subject, fact, refused, found.state)
        if refused:
            return refused
        if isinstance(fact, CLOSING):
            self._close_accounts(subject, fact)
        if not isinstance(fact, AccountClosed):
            self._append(stream, fact, personal)
        return Decision(subject, stream, tuple(range(first, len(self.pending))))

    def _refuse_together(
        self, subject: UUID, fact: Fact, refused: Refusal | None, own: Any
    ) -> Refusal | None:
        """What her own stream says, whose state is `own`, and those of her other references."""
        hers = self._joins.family(subject)
        people = [self._open(one, "customer", one).state for one in hers]
        others = [one for one in hers if one != subject]
        said = [self._open(consent_stream(one), "consent", one).state for one in others]
        refused = together.refuse(fact, refused, people, [own, *said])
        return refused or refuse_elsewhere(self.ledger, self.epoch, subject, fact, said)

    def _close_accounts(self, subject: UUID, said: Died | AccountClosed) -> None:
        """What she closes, or her death before it is written, under every reference of hers."""
        for one in self._joins.everybody(subject):
            closing = customer.closed_by(self._open(one, "customer", one).state, said, self._now)
            if closing is not None:
                self._append(one, replace(closing, subject=one))

    def _record_about_nobody(self, command: Record) -> Decision | Refusal:
        """A fact with no subject: it can name no person, and no thing of hers."""
        fact = command.fact
        if fact.subject or command.person or command.thing:
            return Refusal(
                "malformed",
                f"{fact.kind} is about nobody: only 'stream' may say which {fact.aggregate}",
            )
        declared = self._declared()
        refused = door_kinds.refuse_undeclared(fact, declared)
        if refused:
            return refused
        stream = self._stream(command, None)
        if isinstance(stream, Refusal):
            return stream
        found = self._streams[stream]
        if found.subject is not None:
            return Refusal("conflict", f"field 'stream' is a {fact.aggregate} of a person")
        refused = AGGREGATES[fact.aggregate].decide(found.state, fact)
        if refused:
            return refused
        self._append(stream, replace(fact, item=item_of(fact, stream, seals=False)))
        if isinstance(fact, PurposeDeclared):
            self._edition = policy_book.with_declared(self._edition, self._declared())
        return Decision(None, stream, (len(self.pending) - 1,))

    def _declared(self) -> policy_book.Declared:
        """What the company declared, in this round too."""
        book = self.ledger.book_stream(self.epoch)
        opened = self._streams.get(book) if book else None
        state: policy_book.Declared = opened.state if opened else self.ledger.declared(self.epoch)
        return state

    def _subject(self, command: Record) -> UUID | Refusal:
        """Whom the fact concerns, registering whoever is not known yet."""
        fact = command.fact
        if command.person is not None:
            return self._named(fact, command.person)
        registers = isinstance(fact, CustomerRegistered)
        if fact.subject in self._closed and not door.outlives_erasure(fact):
            return door.GONE
        if fact.subject is not None:
            known = self._open(fact.subject, "customer", fact.subject).version > 0
            if known or registers:
                return fact.subject
            return Refusal("not-found", "field 'subject' is not a person of this ledger")
        target = self._thing(command)
        if target is not None:
            return target.subject
        if registers:
            return self._begin(self._fresh_id())
        return Refusal("malformed", "say whom it concerns: 'subject' or 'person' is required")

    def _named(self, fact: Fact, person: Reference) -> UUID | Refusal:
        """Whom a reference means; somebody new if nobody heard of it."""
        key = self._blinded("person", person)
        target = self._targets.get(key)
        if target is not None:
            if fact.subject not in (None, target.subject):
                return Refusal("conflict", "'subject' and 'person' are two different people")
            return self._begin(target.subject)
        if fact.subject in self._closed:
            return door.GONE
        if fact.occurred.at <= self._erased.get(key, -1):
            return door.ERASED_PERSON
        subject = fact.subject or self._fresh_id()
        begun = self._open(subject, "customer", subject).version == 0
        self._refer(key, subject, subject)
        if begun and not isinstance(fact, CustomerRegistered):
            self._append(subject, registration(fact, subject))
        return subject

    def _stream(self, command: Record, subject: UUID | None) -> UUID | Refusal:
        """The stream the fact belongs to, begun if the fact begins one."""
        fact = command.fact
        book = self.ledger.book_stream(self.epoch) if fact.aggregate == BOOK else None
        if book is not None:
            if command.stream not in (None, book):
                return Refusal("conflict", "field 'stream' is not the policy book")
            self._open(book, fact.aggregate, None)
            return book
        if subject is not None and fact.aggregate in ONE_PER_PERSON:
            stream = subject if fact.aggregate == "customer" else consent_stream(subject)
            self._open(stream, fact.aggregate, subject)
            return stream
        target = self._thing(command)
        if target is not None:
            self._open(target.target, fact.aggregate, target.subject)
            return target.target
        if command.stream is not None:
            known = self._open(command.stream, fact.aggregate, None)
            if known.version == 0 and not isinstance(fact, BEGINNINGS):
                return Refusal("not-found", f"field 'stream' is no {fact.aggregate} of this ledger")
            if known.aggregate != fact.aggregate:
                return Refusal("conflict", f"field 'stream' is a {known.aggregate}")
            stream = command.stream
        elif command.thing is None and not isinstance(fact, BEGINNINGS):
            return Refusal("malformed", f"say which {fact.aggregate}: 'stream' or 'thing'")
        else:
            stream = self._fresh_id()
            self._open(stream, fact.aggregate, None)
        if command.thing is not None and subject is not None:
            self._refer(self._blinded(fact.aggregate, command.thing), stream, subject)
        return stream

    def _amend(self, command: Correct | Void) -> Decision | Refusal:
        root = self._roots.get(command.position)
        if root is None or root.fact.kind in OWN or root.fact.aggregate in ("any", "policy_book"):
            return Refusal(
                "not-found", "field 'position' is no fact that can be corrected (name the original)"
            )
        if root.subject in self._closed:
            return door.GONE
        stream = self._open(root.stream, root.fact.aggregate, root.subject)
        if isinstance(command, Void):
            fact: Fact = FactVoided(
                subject=root.subject,
                occurred=root.fact.occurred,
                actor=command.actor,
                item=root.fact.item,
                ref=root.position,
                klass=root.fact.home,
                reason=command.reason,
            )
        else:
            correction = correction_of(root, command)
            fact, stands = correction, corrected(root.fact, correction)
            refusal = door.refuse(stands, self._now, self._edition) or door.refuse_choice(
                stands, self._edition
            )
            if refusal is None and root.subject and root.fact.kind in together.CHOICES_OF_ALL:
                refusal = consent.refuse_awaited(stream.state, stands)
                refusal = unless_lapsed(self.ledger, self.epoch, refusal, stream.state, stands)
                refusal = self._refuse_together(root.subject, stands, refusal, stream.state)
            if refusal:
                return refusal
        refusal = door.refuse_card(fact)
        if refusal:
            return refusal
        self._append(root.stream, fact)
        return Decision(stream.subject, root.stream, (len(self.pending) - 1,))

    # -- bookkeeping ---------------------------------------------------------------------------

    def _fresh_id(self) -> UUID:
        """A random id (UUIDv4). Drawn many at a time: each draw lets other threads go first."""
        if not self._drawn:
            drawn = os.urandom(16 * AT_ONCE)
            self._drawn = [drawn[n : n + 16] for n in range(0, len(drawn), 16)]
        return random_id(self._drawn.pop())

    def _open(self, stream: UUID, aggregate: str, subject: UUID | None) -> Stream:
        opened = self._streams.get(stream)
        if opened is None:
            tip = self._tips.get(stream)
            history = self._histories.get(stream, [])
            if tip is not None:
                # A correction says nothing about whose stream it is on; its root does.
                kinds = [fact.aggregate for _, fact in history] + [tip.aggregate]
                aggregate = next((kind for kind in kinds if kind != "any"), aggregate)
            opened = self._streams[stream] = Stream(aggregate, tip, subject, history)
        return opened

    def _begin(self, subject: UUID) -> UUID:
        self._open(subject, "customer", subject)
        return subject

    def _was_erased(self, command: Record) -> Refusal | None:
        family, at = command.fact.aggregate, command.fact.occurred.at
        key = command.thing and self._blinded(family, command.thing)
        return door.ERASED_THING if key and at <= self._erased.get(key, -1) else None

    def _thing(self, command: Record) -> reader.Target | None:
        if command.thing is None or unusable(command.thing):
            return None
        return self._targets.get(self._blinded(command.fact.aggregate, command.thing))

    def _refer(self, key: tuple[str, bytes], target: UUID, subject: UUID) -> None:
        self._targets[key] = reader.Target(target, subject)
        self.new_lookups.append((*key, self.ledger.keyring.pepper, target, subject))

    def _append(self, stream: UUID, fact: Fact, personal: dict[str, str] | None = None) -> None:
        known = self._streams[stream]
        known.add(fact)
        self.pending.append(Pending(stream, known.version, fact, personal or {}))
