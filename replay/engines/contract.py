"""What every engine answers, and in which shape: values only, no behaviour.

An engine is given Parquet files of segments (`replay/segments/layout.py`) and a book of editions.
Two times as everywhere: `as_of` is the instant asked about, `known` the last position known (None:
all of them). `replay/fold.py` defines the answers; two engines never differ. Streams come one
person after the other, in the order of (subject, class, scope) or (subject, purpose, channel), and
need not fit in memory. Nothing here names anybody. Read next: `fold.py`, then `sql.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Protocol, Self
from uuid import UUID

from ledger.calendar import Day, Instant
from ledger.events import Row
from ledger.policy.verdicts import ConsentStatus, Place
from ledger.projections.population import Age, Population
from replay.segments.layout import halves, whole


class Files(NamedTuple):
    """The events to read: Parquet files of the layout, in order of position."""

    paths: tuple[str, ...]
    rows: int
    bytes: int


class Due(NamedTuple):
    """Until when one class of one person's data (or one thing of hers) may be kept."""

    subject: UUID
    klass: str
    scope: str  # '' for a class with a subject clock, else the item
    place: Place
    since: Day  # the day its term is counted from, and the position of that fact
    position: int
    until: Day | None  # last day of daily use; None while suspended, and once erased
    archive_until: Day | None  # last day in the archive; None too where a class has none


class Choice(NamedTuple):
    """What one person chose about one purpose over one channel: the expression that counts."""

    subject: UUID
    purpose: str
    channel: str  # '' for a purpose without channels
    state: ConsentStatus
    reason: str  # 'proof_erased' where a yes can no longer be proved, else ''
    kind: str
    day: Day
    position: int


class Last(NamedTuple):
    """The last fact that counts as an activity of a person: one that moves a class with a subject
    clock of the edition in force. People without any are left out. There is one for everybody: her
    id stays in its halves (`replay/segments/layout.py`) until somebody asks for `subject`."""

    hi: int
    lo: int
    day: Day
    position: int

    @classmethod
    def of(cls, subject: UUID, day: Day, position: int) -> Last:
        """The same, of a person by her id."""
        return cls(*halves(subject), day, position)

    @property
    def subject(self) -> UUID:
        """Whose it is."""
        return whole(self.hi, self.lo)


@dataclass(frozen=True, slots=True)
class Report:
    """Where the time of the last question went; None where an engine cannot tell. Bytes read are
    those of the files, and of what was written aside and read again."""

    engine: str
    seconds: float
    rows: int  # events in the files
    bytes_read: int | None
    memory: int | None  # peak, in bytes
    spilled: int | None  # bytes written aside for lack of memory
    plan: str

    @property
    def rows_per_second(self) -> float:
        """Events of the files by second of the question."""
        return self.rows / self.seconds if self.seconds else 0.0

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {**asdict(self), "rows_per_second": round(self.rows_per_second)}


class Engine(Protocol):
    """Whoever answers. Closing it (it is a context manager too) frees what it holds."""

    @property
    def files(self) -> Files:
        """What it reads."""

    @property
    def name(self) -> str:
        """As `--engine` names it."""

    def population(self, as_of: Instant, known: int | None = None) -> Population:
        """The counts over everybody."""

    def ages(self, as_of: Instant, known: int | None = None) -> tuple[Age, ...]:
        """People and things by class and years since their last activity, by (class, years), the
        suspended (None) last."""

    def deadlines(
        self, as_of: Instant, known: int | None = None, klass: str | None = None
    ) -> Iterator[Due]:
        """Every deadline of everybody, or those of one class, by (subject, class, scope)."""

    def choices(self, as_of: Instant, known: int | None = None) -> Iterator[Choice]:
        """Every choice of everybody, by (subject, purpose, channel)."""

    def activity(self, as_of: Instant, known: int | None = None) -> Iterator[Last]:
        """The last activity of everybody who has one, by subject."""

    def timeline(self, subject: UUID, known: int | None = None) -> list[Row]:
        """All rows of one person, in position order, corrections and voids among them."""

    def people(self, known: int | None = None) -> Iterator[Row]:
        """All rows that have a subject, by (subject, position): what a fold is handed."""

    def entries(
        self,
        known: int | None = None,
        *,
        people: Collection[UUID] | None = None,
        having: Collection[str] | None = None,
        kinds: Collection[str] | None = None,
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows that have a subject with their entries, by (subject, position): of these people
        and of whoever has a fact of the kinds `having`, if either is named; of these `kinds` only,
        if some are. One may be asked for while another is being read."""

    def company(
        self, known: int | None = None, kinds: Collection[str] | None = None
    ) -> Iterator[tuple[Row, bytes]]:
        """The rows about nobody, with their entries, in position order; if some kinds are named,
        the first row and those of these kinds."""

    def naming(self, kind: str, ids: Collection[UUID], after: int) -> Iterator[tuple[Row, bytes]]:
        """The rows of one kind after a position whose entries name one of these ids, with their
        entries, in position order: of keys that were destroyed, those of one person."""

    def pruned(self, known: int | None = None) -> int:
        """How many positions are bare."""

    def position_at(self, at: Instant) -> int:
        """The last position recorded at or before an instant; 0 when none was."""

    def report(self) -> Report:
        """Where the time of the last question went."""

    def close(self) -> None:
        """Free what it holds."""

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(self, *_: object) -> None:
        """Closed."""
