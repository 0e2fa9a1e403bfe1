"""A ledger as the controls and the inspector are handed it: read once, at two times, in one state.

Rules are `replay/controls/` and `replay/inspect/`; here the store is read for them, and asked what
only it can say: whether a leaf was changed, a key lives, an erasure of the journal does not hold.
Read next: `ledger/store/controlling.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from api.answers import ATTEMPTS, Times
from ledger import pan
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.erasing.journal import Journal
from ledger.errors import NotFound, Stale
from ledger.fields import Unreadable
from ledger.policy.book import Book
from ledger.policy.explain import Language, words
from ledger.policy.permissions import Objection
from ledger.store import controlling as store
from ledger.store import erasure, reader, suppressions
from ledger.store.recorder import read_head
from ledger.store.verify import Finding as Found
from ledger.store.verify import Report, verify
from replay.controls.model import (
    EVERYBODY,
    Event,
    Joining,
    Kinds,
    Life,
    Named,
    Stored,
    Unseen,
    Wrong,
)

LANGUAGES: tuple[Language, Language] = ("fr", "en")
AT_ONCE = 500  # people, or parts, asked of the database together


class How(NamedTuple):
    """How a ledger is looked at: what its own checks found (None: they were not asked), where the
    erasure journal is, whether sealed parts are opened too, and of whom (None: of everybody)."""

    checked: Report | None = None
    journal: Path | None = None
    open_parts: bool = False
    subject: UUID | None = None


class LedgerHistory:
    """One state of a ledger at (D, R), as `replay.controls.model.History`."""

    def __init__(
        self, ledger: Ledger, connection: Any, book: Book, as_of: Instant, known: int, how: How
    ) -> None:
        self.ledger, self.connection, self.book = ledger, connection, book
        self.as_of, self.known = as_of, known
        self.checked, self.journal, self.open_parts, self.subject = how
        self.pruned = store.pruned(connection, known)
        self.joined: Sequence[Joining] = [
            Joining(*one) for one in reader.joined(connection) if one.join.position <= known
        ]
        self._kin = families(self.joined)
        self._opposed: dict[UUID, frozenset[Objection]] = {}
        self._has_erased = erasure.carried_out(connection) > 0

    def at(self, times: Times) -> LedgerHistory:
        """The same state of the ledger at two other times."""
        as_of = self.ledger.clock.now() if times.as_of is None else times.as_of
        known = reader.position_at(self.connection, times.known_at)
        how = How(self.checked, self.journal, self.open_parts, self.subject)
        return LedgerHistory(self.ledger, self.connection, self.book, as_of, known, how)

    @property
    def spread(self) -> None:
        """People are looked at here, one after the other."""

    @property
    def at_once(self) -> None:
        """Nobody here finds people by sets."""

    def company(self, kinds: Kinds = EVERYBODY) -> Iterator[Event]:  # noqa: ARG002
        """The facts about nobody, in position order."""
        return store.about_nobody(self.connection, self.known)

    def lives(self, having: Kinds = EVERYBODY) -> Iterator[Life]:
        """Everybody (or the one person named), one at a time, with those she is or was joined
        with. Raises NotFound when nothing is known of the one named."""
        whom, count = asked_about(self.subject, having, self._kin), 0
        for subject, events in store.by_person(self.connection, self.known, *whom):
            yield self._life(subject, events)
            count += 1
        if self.subject is not None and not count:
            raise NotFound("this ledger knows no such subject")

    def _life(self, subject: UUID, events: tuple[Event, ...]) -> Life:
        kin: dict[UUID, Life] = {}
        family = self._kin.get(subject, frozenset()) - {subject}
        if family:
            for other, hers in store.by_person(self.connection, self.known, family):
                kin[other] = Life(other, hers, self._no(other))
            kin |= {gone: Life(gone, ()) for gone in family - kin.keys()}
        return Life(subject, events, self._no(subject), kin)

    def _no(self, subject: UUID) -> frozenset[Objection]:
        if not self._has_erased:
            return frozenset()
        return suppressions.opposed_of(self.connection, {subject}).get(subject, frozenset())

    def unseen(self, asked: Collection[str]) -> Mapping[str, Unseen]:  # noqa: ARG002
        """What was not opened, or is not at hand."""
        found = {} if self.open_parts else {"C09": Unseen("parts")}
        return found if self.journal is not None else {**found, "C17": Unseen("no_journal")}

    def stored(self) -> Stored:
        """What the checks of the store find now."""
        assert self.checked is not None, "the store was not checked"
        report = self.checked
        intents = self._intents()
        done = erasure.carried_out(self.connection)
        return Stored(
            findings=tuple(map(_wrong, report.findings)),
            counts=report.counts,
            events=report.events,
            revived=tuple(self._revived(intents)),
            journal=len(intents),
            carried_out=done if self.journal is not None else 0,
            unfinished=reader.unfinished_restore(self.connection),
            cards_in_parts=tuple(self._cards()) if self.open_parts else None,
        )

    def _intents(self) -> list[Any]:
        if self.journal is None:
            return []
        return list(Journal(self.journal, self.ledger.keyring.origin).intents())

    def _revived(self, intents: Sequence[Any]) -> Iterator[tuple[UUID, str, str]]:
        ended = [one for intent in intents for one in intent.scopes]
        for scope in sorted(set(erasure.unheld(self.connection, ended))):
            yield scope.subject, scope.data_class, scope.item

    def _cards(self) -> Iterator[int]:
        """Where an open part holds what looks like card data; no value leaves this function."""
        after = 0
        while some := store.with_parts(self.connection, after, self.known, AT_ONCE):
            for position in dict.fromkeys(position for position, _ in some):
                found = self.ledger.vault.disclose(self.connection, position)
                if not isinstance(found, Unreadable) and any(
                    pan.problem(part["text"]) for part in found
                ):
                    yield position
            after = some[-1][0]


def _wrong(found: Found) -> Wrong:
    """A finding of the store's checks, in both languages."""
    check = Named(found.code, *(words(lang)["stored_check"][found.code] for lang in LANGUAGES))
    said = Named(found.why, *(found.said(lang) for lang in LANGUAGES))
    return Wrong(found.code, found.position, check, said, found.values)


@contextmanager
def history(
    ledger: Ledger,
    times: Times,
    journal: Path | None = None,
    *,
    check: bool = False,
    open_parts: bool = False,
    subject: UUID | None = None,
) -> Iterator[LedgerHistory]:
    """One state of the ledger at these times. `check`: the store is checked first, in a state of
    its own a moment before. Raises Stale when editions keep being published."""
    checked = verify(ledger.database) if check else None
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    for _ in range(ATTEMPTS):
        epoch = ledger.epoch()
        book = ledger.book(epoch)
        with ledger.database.read() as connection:
            if read_head(connection).epoch != epoch:
                continue
            known = reader.position_at(connection, times.known_at)
            how = How(checked, journal, open_parts, subject)
            yield LedgerHistory(ledger, connection, book, as_of, known, how)
            return
    raise Stale("editions are being published; please try again")


def asked_about(
    subject: UUID | None, having: Kinds, kin: Collection[UUID]
) -> tuple[Collection[UUID] | None, Kinds]:
    """Whose lives are read: these people's, and those of whoever has a fact of these kinds. `kin`:
    everybody who is, or was, joined with somebody; what she says may be said by another's fact."""
    if subject is not None:
        return [subject], EVERYBODY
    return (None, EVERYBODY) if having is EVERYBODY else (kin, having)


def families(joined: Sequence[Joining]) -> dict[UUID, frozenset[UUID]]:
    """Who is, or once was, joined with whom, through others too."""
    family: dict[UUID, frozenset[UUID]] = {}
    for one in joined:
        two = one.join.kept, one.join.other
        together = frozenset(two).union(*(family.get(who, frozenset()) for who in two))
        family |= dict.fromkeys(together, together)
    return family
