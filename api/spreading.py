"""People looked at by the executors of a cluster: the same questions, the same code, in shares.

To each executor goes what the company told (its facts as they were recorded, the editions, the
joins: small beside what people did) and the work; it makes lives of its rows as `replaying.py` does
and hands them over as a `People`. Read next: `replay/engines/spreading.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar
from uuid import UUID

from api.controlling import families
from ledger.calendar import Instant
from ledger.events import Row
from ledger.policy.book import Book
from ledger.store.controlling import Whole
from replay.controls.model import EVERYBODY, Event, Joining, Kinds, Life, Told, is_concerned
from replay.engines.contract import Engine
from replay.engines.spreading import Owned, Spreading

T = TypeVar("T")


@dataclass(frozen=True)
class Handed:
    """What the company told, as it crosses over: a `Told` without the engine that read it."""

    book: Book
    joined: tuple[Joining, ...]
    as_of: Instant
    known: int
    pruned: int
    rows: tuple[tuple[Row, bytes], ...]

    def company(self, kinds: Kinds = EVERYBODY) -> Iterator[Event]:  # noqa: ARG002
        """The facts about nobody, in position order."""
        return (Whole(*one) for one in self.rows)


@dataclass(frozen=True)
class Share(Handed):
    """Some of the people: a `People`, on an executor."""

    owned: Iterator[Owned]

    @cached_property
    def _kin(self) -> Mapping[UUID, frozenset[UUID]]:
        return families(self.joined)

    def lives(self, having: Kinds = EVERYBODY) -> Iterator[Life]:
        """One at a time, with those she is or was joined with."""
        for subject, rows in self.owned:
            every: dict[UUID | None, list[Event]] = {}
            for one in rows:
                every.setdefault(one[0].subject, []).append(Whole(*one))
            family = self._kin.get(subject, frozenset()) - {subject}
            kin = {other: Life(other, tuple(every.get(other, ()))) for other in family}
            life = Life(subject, tuple(every.get(subject, ())), kin=kin)
            if life.events and is_concerned(life, having):
                yield life


@dataclass(frozen=True)
class _Work:
    """`work(share, *others)`, as it is sent."""

    told: Handed
    others: tuple[Handed, ...]
    work: Callable[..., Any]

    def __call__(self, owned: Iterator[Owned]) -> Any:
        return self.work(Share(**vars(self.told), owned=owned), *self.others)


@dataclass(frozen=True)
class OnExecutors:
    """Spreads work over what an engine reads: `replay.controls.model.Spread`."""

    engine: Engine
    history: Told

    def __call__(self, work: Callable[..., T], *others: Told) -> Iterator[T]:
        """What the work gave of each share, in the order of the ids."""
        assert isinstance(self.engine, Spreading)
        here, *beside = (self._handed(one) for one in (self.history, *others))
        sent = _Work(here, tuple(beside), work)
        return self.engine.shares(sent, families(here.joined), here.known)

    def _handed(self, told: Told) -> Handed:
        rows = tuple(self.engine.company(told.known))
        joined = tuple(told.joined)
        return Handed(told.book, joined, told.as_of, told.known, told.pruned, rows)
