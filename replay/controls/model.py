"""The words of the controls: what is handed in, and what is found. Values, no behaviour."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, TypeAlias, TypeVar
from uuid import UUID

from ledger.calendar import Day, Instant
from ledger.events import Fact, Row
from ledger.policy.book import Book
from ledger.policy.permissions import Objection
from ledger.projections.joins import Join

if TYPE_CHECKING:
    from replay.controls.at_once import AtOnce

T = TypeVar("T")

Weight: TypeAlias = Literal["violation", "exception", "differs"]
"""What a finding is: what must not be; what is past a limit for a reason that is on record (a hold,
an extension); what is judged otherwise by what became known since."""


Kinds: TypeAlias = "frozenset[str] | None"
"""Kinds of fact without one of which a person has nothing to say to a question."""
EVERYBODY: Kinds = None
NOBODY: Kinds = frozenset()


def any_of(several: Iterable[Kinds]) -> Kinds:
    """Whoever one of them asks about."""
    found: set[str] = set()
    for kinds in several:
        if kinds is None:
            return EVERYBODY
        found |= kinds
    return frozenset(found)


class Event(Protocol):
    """One event as it was recorded. Its columns are at hand; what its entry tells may be read when
    it is first asked for (by the kind of the row one knows whether to ask)."""

    @property
    def row(self) -> Row:
        """Its columns."""

    @property
    def fact(self) -> Fact:
        """The fact, its personal fields unopened."""

    @property
    def id(self) -> UUID:
        """The id of the event."""

    @property
    def parts(self) -> tuple[tuple[str, UUID], ...]:
        """The sealed parts that its entry names: data class, key id."""


class Life(NamedTuple):
    """One person's events in position order, and what somebody with a reference of hers had said no
    to before being erased. `kin`: the lives she is, or once was, joined with, by id."""

    subject: UUID
    events: tuple[Event, ...]
    opposed: frozenset[Objection] = frozenset()
    kin: Mapping[UUID, Life] = MappingProxyType({})


def is_concerned(life: Life, having: Kinds) -> bool:
    """Whether she has a fact of one of these kinds, or is one of several."""
    return having is None or bool(life.kin) or any(e.row.kind in having for e in life.events)


class Joining(NamedTuple):
    """A join, and the position of the fact that undid it (None: it stands)."""

    join: Join
    undone_at: int | None


class Unseen(NamedTuple):
    """Why a control cannot be checked, or not in full: `why` is the code of its sentence
    (words/*.toml, [unseen]). `wholly`: nothing of it was judged."""

    why: str
    wholly: bool = False


class Wrong(NamedTuple):
    """One thing that the store's own checks found, or those of a folder: the code of the check and
    its name, where, and the sentence by its code, with what it names."""

    code: str
    position: int | None
    check: Named
    said: Named
    values: Mapping[str, str | int] = MappingProxyType({})


class Stored(NamedTuple):
    """What was found when the store itself was checked, as it is now.

    `findings`: the first ones (`ledger/store/verify.py`); `counts`: all, by code. `revived`: the
    erasures of the journal, by what they ended, that do not hold in this database; `journal` and
    `carried_out`: how many it names, and how many were done; `unfinished`: the head of a backup
    whose restore was not finished. `keys`: whether keys and envelopes were there to be asked; files
    have none.
    """

    findings: tuple[Wrong, ...]
    counts: Mapping[str, int]
    events: int
    revived: tuple[tuple[UUID, str, str], ...] = ()  # subject, class, item
    journal: int = 0
    carried_out: int = 0
    unfinished: int | None = None
    cards_in_parts: tuple[int, ...] | None = None  # positions; None: the parts were not opened
    keys: bool = True


class Told(Protocol):
    """What the company told up to `known`, and who was joined: what a scene is made of."""

    @property
    def book(self) -> Book:
        """The policy book, all editions."""

    @property
    def joined(self) -> Iterable[Joining]:
        """Every join known at R."""

    @property
    def known(self) -> int:
        """The last position known at R."""

    @property
    def as_of(self) -> Instant:
        """D."""

    @property
    def pruned(self) -> int:
        """Entries that are gone: no rule can judge them."""

    def company(self, kinds: Kinds = EVERYBODY) -> Iterable[Event]:
        """The facts about nobody, in position order. If some kinds are named, no others need be
        among them but the very first."""


class People(Told, Protocol):
    """Some of the people, or all of them, and what the company told."""

    def lives(self, having: Kinds = EVERYBODY) -> Iterable[Life]:
        """Everybody of whom something is left, one at a time, in the order of their ids; or only
        who has a fact of one of these kinds, and whoever she is or was joined with."""


class Spread(Protocol):
    """Whoever has people looked at elsewhere, in shares: the executors of a cluster."""

    def __call__(self, work: Callable[..., T], *others: Told) -> Iterator[T]:
        """What `work(share, *others)` gave of each share, a `People`, in the order of their ids.
        `work` is a function of a module, or a partial of one; it and its answers are pickled."""


class History(People, Protocol):
    """What a run is handed: everything recorded up to `known`, each part read as it is asked."""

    def unseen(self, asked: Collection[str]) -> Mapping[str, Unseen]:
        """The controls, of those asked, that this history is not enough for, and why."""

    @property
    def spread(self) -> Spread | None:
        """Who looks at people elsewhere; None: they are looked at here, one after the other."""

    @property
    def at_once(self) -> AtOnce | None:
        """Who is asked of everybody at once; None: nobody, or only one person is asked about."""

    def stored(self) -> Stored:
        """What the store's own checks find now. Asked once, if a control needs it."""


class Said(NamedTuple):
    """A value of a sentence that is itself a word of the policy's vocabulary."""

    section: str
    code: str


class Named(NamedTuple):
    """A data class or a purpose by its code, with the names that its editions give it."""

    code: str
    fr: str
    en: str


class Dated(NamedTuple):
    """A day, said as people of each language write it."""

    day: Day


class Several(NamedTuple):
    """Values that are read one after the other, and what stands between them."""

    values: tuple[Value, ...]
    between: str


def several(values: Iterable[Value], between: str = ", ") -> Several | None:
    """Them in a row; None when there is none."""
    found = tuple(values)
    return Several(found, between) if found else None


Value: TypeAlias = "str | int | Said | Named | Dated | Several"


class Finding(NamedTuple):
    """One thing found. `why` is the code of its sentence (words/*.toml, [why])."""

    control: str
    why: str
    positions: tuple[int, ...]
    subject: UUID | None
    clause: str
    article: str
    values: Mapping[str, Value] = MappingProxyType({})
    weight: Weight = "violation"
