"""One ledger, wired once: store, vault, policy book and clock.

The only importer of the eventsourcing library's `Application`. A `Ledger` is opened per process
(never before a fork), refuses a keyring that belongs to another ledger, and looks for a change of
its policy book whenever the epoch in the head row has moved. It decides nothing: that is
`ledger/handlers.py`.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any
from uuid import UUID

from eventsourcing.application import Application
from eventsourcing.persistence import (
    ApplicationRecorder,
    DataError,
    InfrastructureFactory,
    IntegrityError,
    Mapper,
    NotSupportedError,
    PersistenceError,
    ProcessRecorder,
    ProgrammingError,
    TrackingRecorder,
)

from ledger.aggregates import AGGREGATES, fold, policy_book
from ledger.calendar import Clock, Instant, SystemClock, day_of
from ledger.entry import to_base64
from ledger.errors import Broken, Misuse, Stale
from ledger.policy.book import Book
from ledger.policy.model import Edition
from ledger.projections.joins import Joins
from ledger.store import epochs, erasure, reader
from ledger.store.database import Database
from ledger.store.keyring import Keyring
from ledger.store.mapper import Draft, FactMapper, Recorded
from ledger.store.recorder import LedgerRecorder, Work, read_head
from ledger.store.vault import Vault

DAWN = policy_book.Declared()  # nothing published, nothing declared


class StoreFactory(InfrastructureFactory[TrackingRecorder]):
    """Hands the library our recorder; there are no snapshots, for they would hold plaintext."""

    recorder: LedgerRecorder

    def aggregate_recorder(self, purpose: str = "events") -> Any:
        """Refused: nothing here is cached in plaintext."""
        raise NotImplementedError(f"this ledger keeps no {purpose}")

    def application_recorder(self) -> ApplicationRecorder:
        """The ledger's recorder."""
        return self.recorder

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Any:  # noqa: ARG002
        """The ledger's recorder."""
        return self.recorder

    def process_recorder(self) -> ProcessRecorder:
        """The ledger's recorder."""
        return self.recorder


REFUSED = (DataError, NotSupportedError, ProgrammingError)
"""What the database says of the statement itself: then nothing was written."""


class Ledger(Application[UUID]):
    """The application: what handlers, importers and servers are given."""

    name = "probant"
    recorder: LedgerRecorder

    def __init__(self, database: Database, keyring: Keyring, clock: Clock | None = None) -> None:
        self.database, self.keyring = database, keyring
        self.clock: Clock = clock or SystemClock()
        self.vault = Vault(keyring, erasure.closed_subjects)
        self._book = Book()
        self._book_stream: UUID | None = None
        self._declared = DAWN
        self._editions: dict[int, Edition] = {}  # each with what was declared beside it
        self._book_version = -1  # of the book's stream, when it was last read
        self._has_erased = False
        self._joined: list[reader.Joining] = []
        self._gone: dict[UUID, int] = {}  # of those who were ever joined, since which position
        self._joins, self._joins_until = Joins(), 0  # and the last position that says so
        self._epoch = -1
        super().__init__(env={"IS_SNAPSHOTTING_ENABLED": "n", "AGGREGATE_CACHE_MAXSIZE": ""})
        try:
            with database.read() as connection:
                origin = reader.origin(connection)
        except LookupError as error:
            raise Misuse("this database holds no ledger; run `probant init`") from error
        if origin != keyring.origin:
            raise Misuse("this keyring belongs to another ledger")

    def construct_factory(self, env: Any) -> InfrastructureFactory[TrackingRecorder]:
        """Our store instead of a module named in the environment."""
        factory = StoreFactory(env)
        factory.recorder = LedgerRecorder(self.database, self.clock)
        return factory

    def construct_mapper(self) -> Mapper[UUID]:
        """Facts to entries."""
        return FactMapper()

    def commit(self, drafts: list[Draft], work: Work) -> None:
        """Record drafts and what goes with them: all of it, or nothing.

        Raises Stale if somebody else took a version, a reference, a key or the epoch first (decide
        again), Broken if the database failed and nothing was written, Unsure if it failed and does
        not say. (If it was written and only the answer was lost, that is found out: no error.)
        """
        try:
            # What the library's `save` comes to, without what it asks of each aggregate.
            stored = [self.mapper.to_stored_event(draft) for draft in drafts]
            self.recorder.insert_events(stored, work=work)
        except IntegrityError:
            self.forget()
            raise Stale("somebody else wrote first; nothing was written") from None
        except PersistenceError as error:
            self.forget()
            if not isinstance(error, REFUSED):
                work.written = self.recorder.settled([(d.id, *_place(d)) for d in drafts])
            if not work.written:
                raise Broken(f"the database failed ({error}); nothing was written") from None

    def epoch(self) -> int:
        """The epoch of the ledger now."""
        with self.database.read() as connection:
            return read_head(connection).epoch

    def book(self, epoch: int) -> Book:
        """The policy book as of this epoch."""
        self._refresh(epoch)
        return self._book

    def book_stream(self, epoch: int) -> UUID | None:
        """The stream of the policy book, None before the first edition."""
        self._refresh(epoch)
        return self._book_stream

    def declared(self, epoch: int) -> policy_book.Declared:
        """What the company declared beside its editions."""
        self._refresh(epoch)
        return self._declared

    def has_erased(self, epoch: int) -> bool:
        """Whether anything was ever erased here, as of this epoch."""
        self._refresh(epoch)
        return self._has_erased

    def joins(self, epoch: int, known: int | None = None) -> Joins:
        """Who is one person with whom: the joins that stand, or stood at position `known`."""
        self._refresh(epoch)
        if known is None or known >= self._joins_until:
            return self._joins
        stood = [
            one.join
            for one in self._joined
            if one.join.position <= known and (one.undone_at is None or one.undone_at > known)
        ]
        return Joins(stood, [one for one, since in self._gone.items() if since <= known])

    def edition(self, epoch: int, at: Instant) -> Edition:
        """The edition in force at `at`, as known now, with the purposes declared beside it."""
        edition = self.book(epoch).in_force(day_of(at), None)
        if edition is None:
            raise Broken("no edition of the policy is published in this ledger")
        return self._editions[edition.number]

    def state(self, stream: UUID) -> Any:
        """The state of one aggregate, folded by the library's repository."""
        return self.repository.get(stream, projector_func=_project).state

    def version(self, stream: UUID) -> int:
        """The version a stream is at, 0 if it has not begun."""
        newest = self.recorder.select_events(stream, desc=True, limit=1)
        return newest[0].originator_version if newest else 0

    def forget(self) -> None:
        """Believe nothing about the head any more: the next decision reads it again."""
        self.recorder.forget()

    def close(self) -> None:
        """Release the database."""
        super().close()
        self.database.close()

    def _refresh(self, epoch: int) -> None:
        if epoch != self._epoch:
            with self.database.newest() as connection:
                epochs.check_keyring(connection, self.keyring)
                self._has_erased = erasure.carried_out(connection) > 0
                self._joined = reader.joined(connection)
                self._gone = self._gone_of(connection)
                stand = [one.join for one in self._joined if one.undone_at is None]
                self._joins = Joins(stand, self._gone)
                said = [max(one.join.position, one.undone_at or 0) for one in self._joined]
                self._joins_until = max([*said, *self._gone.values()], default=0)
                # Keys and suppressions move the epoch too, and far more often than the book: it is
                # parsed again only when its stream, which is never pruned, has grown.
                version = reader.policy_book_version(connection)
                if version != self._book_version:
                    self._read_book(connection, version)
            self._epoch = epoch

    def _gone_of(self, connection: Any) -> dict[UUID, int]:
        if not self._has_erased:
            return {}
        people = {who for one in self._joined for who in (one.join.kept, one.join.other)}
        return erasure.closed_since(connection, people) if people else {}

    def _read_book(self, connection: Any, version: int) -> None:
        self._book, self._book_stream = reader.policy_book(connection)
        stream = self._book_stream
        past = reader.histories(connection, {stream} if stream else ())
        self._declared = fold(AGGREGATES["policy_book"], past[stream]) if stream else DAWN
        known = self._book.known(None)
        self._editions = {e.number: policy_book.with_declared(e, self._declared) for e in known}
        self._book_version = version


def _place(draft: Draft) -> tuple[UUID, int]:
    return draft.originator_id, draft.originator_version


class Projected:
    """The state of an aggregate with the version it is at, as the library's repository wants it."""

    def __init__(self, stream: UUID, version: int, state: Any) -> None:
        self.id, self.version, self.state = stream, version, state


def _project(_initial: Any, events: Any) -> Any:
    history: list[Recorded] = list(events)
    if not history:
        return None
    first, last = history[0], history[-1]
    aggregate = AGGREGATES[first.fact.aggregate]
    state = fold(aggregate, ((event.position, event.fact) for event in history))
    return Projected(last.originator_id, last.originator_version, state)


def pol_of(edition: Edition) -> str:
    """The `pol` of an entry: base64url of the SHA-256 of the edition's TOML bytes."""
    return to_base64(bytes.fromhex(edition.pol))


def digest(content: bytes) -> bytes:
    """The SHA-256 under which a document is stored."""
    return sha256(content).digest()
