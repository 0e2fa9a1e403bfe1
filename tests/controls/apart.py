"""A history whose people are looked at in shares, each apart, as executors do; all is pickled."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from ledger.calendar import Instant
from ledger.policy.book import Book
from replay.controls.at_once import AtOnce
from replay.controls.model import (
    EVERYBODY,
    Event,
    Joining,
    Kinds,
    Life,
    Spread,
    Stored,
    Told,
    Unseen,
    is_concerned,
)
from replay.engines.spreading import opened, packed

if TYPE_CHECKING:
    from tests.controls.room import Company

T = TypeVar("T")


@dataclass(frozen=True)
class Some:
    """What the company told, and some of the people."""

    book: Book
    joined: tuple[Joining, ...]
    as_of: Instant
    known: int
    pruned: int
    told: tuple[Event, ...]
    hers: tuple[Life, ...] = ()

    def company(self, kinds: Kinds = EVERYBODY) -> tuple[Event, ...]:
        """The facts about nobody."""
        return self.told

    def lives(self, having: Kinds = EVERYBODY) -> Iterator[Life]:
        """These people."""
        return (life for life in self.hers if is_concerned(life, having))


class Apart:
    """A company, each person of it a share of her own."""

    at_once: AtOnce | None = None

    def __init__(self, company: Company) -> None:
        self.whole = company
        self.book, self.joined, self.known = company.book, company.joined, company.known
        self.as_of, self.pruned = company.as_of, company.pruned

    def unseen(self, asked: Collection[str]) -> Mapping[str, Unseen]:
        """As the whole."""
        return self.whole.unseen(asked)

    @property
    def spread(self) -> Spread:
        """Each person apart."""
        return self._spread

    def _spread(self, work: Callable[..., T], *others: Told) -> Iterator[T]:
        here, *beside = (_told(one) for one in (self, *others))
        for life in self.whole.lives():
            share = replace(here, hers=(life,))
            done, told, more = _sent((work, share, beside))
            yield _sent(done(told, *more))

    def company(self, kinds: Kinds = EVERYBODY) -> Iterator[Event]:
        """As the whole."""
        return self.whole.company()

    def lives(self, having: Kinds = EVERYBODY) -> Iterator[Life]:
        """Nobody is to be looked at here."""
        raise AssertionError

    def stored(self) -> Stored:
        """As the whole."""
        return self.whole.stored()


def _sent(one: T) -> T:
    """As it arrives elsewhere."""
    return opened(packed((None, one)))  # type: ignore[no-any-return]


def _told(one: Told) -> Some:
    company = tuple(one.company())
    return Some(one.book, tuple(one.joined), one.as_of, one.known, one.pruned, company)
