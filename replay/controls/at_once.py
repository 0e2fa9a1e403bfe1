"""What some histories tell of everybody at once, instead of one person after the other.

Each control and each question is defined by what it says of one life (`life.py`). Where the
history can say by sets whom that can be anything but silence for, only those lives are read
(`Sought`); where it can count what most lives would have added, only the rest of them are (those
`apart`). What it says is held to the fold by tests; nothing here is a second definition, and a
history without it (`History.at_once` None) has everybody looked at.

Read next: `run.py`, which asks; `replay/engines/seeking.py`, which answers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol, Self, TypeAlias
from uuid import UUID

from ledger.calendar import Day, Instant
from ledger.policy.holds import Fate
from ledger.policy.verdicts import ConsentStatus, Deadline, Place
from replay.controls.model import EVERYBODY, Event, Kinds, Life

if TYPE_CHECKING:
    from replay.controls.scene import Scene

First: TypeAlias = Sequence[tuple[UUID, int]]
"""The first people of a line in the order of their ids, each with a position it rests on."""


CARDS = ("card", "card_proof")
"""The classes of which each thing ends by its own facts (`ledger/policy/cards.py`)."""


class Fated(NamedTuple):
    """All that the end of a card may hang on but for the facts that name it: contracts that it is
    kept for, choices for a purpose (of which a yes that was dated back by more than so many
    microseconds may be ignored), the edition she was told of; and after how many months each of its
    days may matter again."""

    contracts: Collection[str]
    purpose: str
    choices: Collection[str]
    grants: Collection[str]
    backdated: int
    notice: str
    months: Collection[int]


class Card(NamedTuple):
    """A card by which a sort is numbered: whose, which, and the positions of the facts about it."""

    subject: UUID
    item: str
    sort: int
    facts: tuple[int, ...]


class OfCard(NamedTuple):
    """What is to be said of each card of a sort (no deadline: nothing of it is held). Facts by
    their places among those about the card: which its class's term is counted from, on the day that
    it plans or on its own; on which it rests that the card is to be removed (None: it is not)."""

    deadline: Deadline | None
    fate: Fate | None
    counted: int
    is_planned: bool
    due: tuple[int, ...] | None


class Counting(NamedTuple):
    """In which line the cards of a sort count, by which fact; whether by the years since its day,
    or since the day that it plans."""

    line: int
    at: int
    is_planned: bool
    is_aged: bool


class Sought(NamedTuple):
    """Some of the people, as the history that found them remembers them; `cards`: others, of whom
    only their cards are meant; `sorts`: what is to be said of the cards of everybody else."""

    name: str
    cards: str | None = None
    sorts: Mapping[int, OfCard] = MappingProxyType({})


class Aged(NamedTuple):
    """So many people hold so many things of a class whose term is of so many months and counts from
    so many years ago (None: a contract stops it)."""

    klass: str
    months: int
    years: int | None
    place: Literal["in_use", "archived", "past"]
    people: int
    things: int
    first: First


class Placed(NamedTuple):
    """So many people hold so many things of a class at a place, on an article."""

    klass: str
    place: Place
    article: str
    people: int
    things: int
    first: First


class Chosen(NamedTuple):
    """So many people's choice about a purpose over a channel ('': it has none) stands so."""

    purpose: str
    channel: str
    state: ConsentStatus
    reason: str
    people: int
    first: First


class Erasure(NamedTuple):
    """An erasure: its position and instant, whose, what (`item` None: all of the class) and why;
    how many keys it names, and the positions that say that one was destroyed on its order."""

    position: int
    at: Instant
    subject: UUID
    klass: str
    item: str | None
    reason: str
    keys: int
    proofs: tuple[int, ...] = ()


class Erased(NamedTuple):
    """How many erasures there are, and how many of which each key was destroyed on its order;
    `read` reads them anew in position order, all or the first so many."""

    number: int
    complete: int
    read: Callable[[int | None], Iterator[Erasure]]


Stood: TypeAlias = "tuple[ConsentStatus | Place, str] | None"
"""How a choice or a thing stood: its state and the reason of it if it is not what she said, or its
place; None: there was none."""


class Moved(NamedTuple):
    """So many people's choice about a purpose over a channel, or so many things of a class (`over`
    is '' then), that stood otherwise before; and the first of these people by id."""

    is_choice: bool
    about: str
    over: str
    before: Stood
    after: Stood
    people: int
    things: int
    whose: tuple[UUID, ...]


class Moves(NamedTuple):
    """What changed of some of the people, whose ids follow those of all before: of how many, the
    first of them, how many things, and these by line."""

    people: int
    first: tuple[UUID, ...]
    things: int
    lines: tuple[Moved, ...]


class Lines(Protocol):
    """Violations of some people, in the order of people, as a digest takes them: a line of each."""

    def __len__(self) -> int:
        """How many."""

    def subject(self, at: int) -> UUID:
        """Whose one of them is."""

    def said(self, since: int, until: int) -> bytes:
        """The lines from one on, before another."""


def line_of(why: str, positions: Iterable[int]) -> str:
    """What a digest takes of a violation."""
    return f"{why} {','.join(map(str, positions))}\n"


class Kept(NamedTuple):
    """For how long a class is kept at least that is archived on a day from `since` on and before
    another, counted from any fact of these kinds: months in use, months in the archive (None: it
    has none), from the end of use or from the fact itself. `by_item`: from facts of the thing."""

    klass: str
    since: Day
    before: Day
    kinds: Collection[str]
    by_item: bool
    months: int
    archive: int | None
    from_start: bool


class Heeded(NamedTuple):
    """All that the rules of permission ask about a send, but for those that must be looked at."""

    sends: Collection[str]  # their kinds
    saying: Collection[str]  # the kinds that express a choice about a purpose and channel
    grants: Collection[str]  # those of them that grow old
    stops: Collection[str]  # those after which a grant that was dated back is ignored
    backdated: int  # by more microseconds than these
    stopping: Collection[str]  # the kinds that stop sends whatever they are about
    endings: Collection[str]  # and those that do, of this class
    choices: str
    served: Collection[str]  # for these purposes she must have a fact of the kinds
    serving: Collection[str]
    validity: Mapping[str, Collection[int]]  # purpose -> the months after which a yes may be over
    told: Sequence[tuple[int, Instant, Instant]]  # by the company: position, recorded, happened
    days: Collection[Day]  # from which on the answer may be another
    began: Instant | None  # of what happened before, whatever is recorded before is known


class Most(NamedTuple):
    """What a control finds of most people: of all but those apart (kinds, whether with cards, of
    which kinds a fact was corrected, as `AtOnce.apart` takes them), by (subject, class, scope)."""

    apart: frozenset[str]
    with_cards: bool
    amended: frozenset[str]
    found: Callable[[AtOnce, Sought, Scene], Iterable[Lines]]


class AtOnce(Protocol):
    """Everybody at (D, R), asked at once. People who are, or were, joined with somebody are in
    whatever is sought: what one of them says may be said by another's fact."""

    def having(self, kinds: Collection[str]) -> Sought:
        """Whoever has a fact of these kinds."""

    def having_otherwise(self, at: Instant) -> Sought:
        """Whoever has a fact that was recorded later, and a choice or the last day of use of a
        class or thing that is another by what is known now than by what was known then."""

    def having_within(self, spans: Mapping[str, tuple[Instant, Instant]]) -> Sought:
        """Whoever has a fact of one of these kinds that happened at or after the first instant and
        before the second, as it was recorded; or any that did so as it was corrected."""

    def having_other(self, classes: Collection[str]) -> Sought:
        """Whoever has a fact, or a sealed part of one, of a class that is none of these."""

    def having_such(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        is_such: Callable[[Event], bool],
    ) -> Sought:
        """Whoever has a fact that `is_such`, which is asked of one fact of each sort: of a kind,
        with the same values in these fields of it, and recorded between the same two `turns`
        (positions after which the answer may be another; the editions and days they are of too)."""

    def alike(
        self,
        fields: Mapping[str, Collection[str]],
        moments: Sequence[Instant],
        why: Callable[[Event, Instant], str | None],
        apart: Sought,
    ) -> Iterable[Lines]:
        """The facts of these kinds of everybody but those apart that are a violation, by (subject,
        position). `why` (None: it is none) is asked of one fact of each sort: of its kind, with the
        same values in these fields of it, and that happened between the same two `moments`, of
        which it is told the earlier."""

    def having_about(
        self,
        kinds: Collection[str],
        *,
        purposes: Collection[str] | None = None,
        channels: Collection[str] | None = None,
    ) -> Sought:
        """Whoever has a fact of these kinds, for one of these purposes and over one of these
        channels (None: any), or one of them and a correction."""

    def having_after(self, later: Collection[str], earlier: Collection[str]) -> Sought:
        """Whoever has a fact of the first kinds after one of the others about the same purpose, and
        channel or none; or one of them and a correction."""

    def having_kept(self, kept: Sequence[Kept]) -> Sought:
        """Whoever has something in the archive for longer than its class is kept at least; or
        something there and a correction."""

    def sorts_of_sends(self, heeded: Heeded) -> Iterable[tuple[UUID, int]]:
        """One send (whose, its position) of each sort. Of two of a sort the rules of permission say
        the same, or ask for what is `apart`."""

    def having_sends(self, sorts: Collection[int]) -> Sought:
        """Whoever has a send of these sorts (the positions of those above), or of none: of which
        nothing is known but from her life."""

    def sends(
        self, apart: Sought, lines: Mapping[int, int], limit: int
    ) -> Iterable[tuple[int, int, int, First]]:
        """Of each line (`lines`: sort -> line): how many people but those apart, how many sends of
        its sorts, and the first of both."""

    def having_digits(self, is_such: Callable[[Event], bool]) -> Sought:
        """Whoever has a fact that `is_such`, which is asked of each whose entry holds digits, or a
        word, as card data does, outside of ids (`ledger/pan.py`)."""

    def having_unfinished(self) -> Sought:
        """Whoever has an erasure of which some key was not destroyed on its order, or a part sealed
        under a key that an erasure of hers had named."""

    def of(self, people: Collection[UUID]) -> Sought:
        """These, and nobody else."""

    def heard(self, until: Instant | None = None) -> int:
        """How many facts about nobody there are (that had happened by then)."""

    def ours_such(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        is_such: Callable[[Event], bool],
    ) -> Iterable[Event]:
        """The facts about nobody that `having_such` would find somebody by, in position order; of
        what a scene remembers, all are such."""

    def ours_with_digits(self, is_such: Callable[[Event], bool]) -> Iterable[Event]:
        """The facts about nobody that `having_digits` would find somebody by, in position order."""

    def destroyed(self, whom: Sought) -> Iterator[tuple[UUID, int, UUID]]:
        """The keys that were destroyed of those that erasures of these people name: key, the last
        position that says so, and on which order."""

    def erased(self, apart: Sought, by: Instant) -> Erased:
        """The erasures that had happened by then, but of those apart."""

    def counted(
        self,
        fields: Mapping[str, Collection[str]],
        turns: Sequence[int],
        apart: Sought,
        limit: int,
    ) -> Iterable[tuple[Event, int, Sequence[int]]]:
        """The facts of these kinds that had happened by D, but of those apart: one of each sort,
        how many there are, and the first of them. A sort shares kind, class, purpose, channel,
        decision and actor, what stands in these fields of it, and the `turns` between which it was
        recorded."""

    def lives(self, *whom: Sought, reads: Kinds = EVERYBODY) -> Iterator[Life]:
        """Those sought, one at a time in the order of their ids, with those joined with them; of
        the facts of these kinds only, and what corrects them. Who has none is left out."""

    def size(self, *whom: Sought) -> tuple[int, int]:
        """How many people there are of whom something is left (of those sought, if any are named),
        and how many events of theirs."""

    def apart(
        self, kinds: Kinds, *, amended: Collection[str] = (), with_cards: bool = False
    ) -> Sought:
        """Whom nothing is counted of below: whoever has a fact of these kinds, or one of the kinds
        `amended` that was corrected or voided, or is one of several; `with_cards`: nor the cards of
        whoever has one that cannot be sorted out, or a proof of payment whose end may be another
        than its class's term says."""

    def amended(self, kinds: Collection[str]) -> Sought:
        """Whoever has a fact of one of these kinds that was corrected or voided; or any that was
        corrected so that it is for a purpose."""

    def sort_cards(self, apart: Sought, fated: Fated) -> tuple[Iterable[Life], Iterable[Card]]:
        """One card of each sort that is of more than one, of everybody but those apart; and the
        lives of whose they are, in which facts about cards alone can be read in full. Of two of a
        sort the rules say the same, by facts that stand at the same places among those about each.
        """

    def with_cards_of(self, apart: Sought, sorts: Collection[int]) -> Sought:
        """Those apart, and the cards of whoever has one of these sorts, or of none."""

    def cards(
        self, apart: Sought, lines: Mapping[int, Counting], limit: int
    ) -> Iterable[tuple[int, int | None, int, int, First]]:
        """Of each line (`lines`: by sort) and number of years (None: without): how many people but
        those apart, how many cards, and the first of both."""

    def past_cards(
        self, apart: Sought, on: Mapping[int, Sequence[int]], why: str
    ) -> Iterable[Lines]:
        """The cards of these sorts of everybody but those apart, with the facts at these places of
        each; and the proofs of payments that are past their term, each with its payment: by
        (subject, class, item)."""

    def aged(self, apart: Sought, limit: int) -> Iterable[Aged]:
        """What is held and not erased, by class, months, years and place; but for cards that are
        sorted out."""

    def placed(self, apart: Sought, limit: int) -> Iterable[Placed]:
        """What is known of, by class, place and article; but for cards that are sorted out."""

    def chosen(self, apart: Sought, limit: int) -> Iterable[Chosen]:
        """Every choice, by purpose, channel, state and reason."""

    def purposes(self, apart: Sought) -> Iterable[tuple[str, int, Day]]:
        """Of each purpose: how many facts that stand name it, and the last day of one."""

    def apart_of(self, before: Self) -> Sought:
        """Whose moves are not counted below: of whoever is one of several; of the cards and proofs
        of payments of whoever has one, at either of two times, that cannot be sorted out."""

    def cards_by_place(self, apart: Sought) -> str:
        """Where each card stands of everybody but those apart, whose sorts these are: the name
        under which the history remembers it."""

    def moved(
        self,
        before: Self,
        apart: Sought,
        cards: tuple[str, str],
        met: Sought,
        limit: int,
        most: int,
    ) -> Iterable[Moves]:
        """What changed since, of everybody but those apart, with their cards by place then and now:
        the first `limit` people of each line, and the first `most` of all. Of how many, but for
        those who were met."""

    def past_terms(
        self, apart: Sought, without: Collection[str], why: Callable[[Place, bool, bool], str]
    ) -> Iterable[Lines]:
        """What is past its term where it is, but for these classes, by (subject, class, scope).
        `why` is told where it stands, whether its class has an archive, whether it is there."""
