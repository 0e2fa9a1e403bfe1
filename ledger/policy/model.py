"""The words of a policy edition: frozen values, as read from its TOML file and checked on the way.

`loader.py` is the only maker of an `Edition`; every rule these types rely on (a single term, an
article for each archive, no class without end) was checked there. Read `book.py` next.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from ledger.calendar import Day
from ledger.errors import BadData
from ledger.policy.statements import Value

ClockKind: TypeAlias = Literal["subject", "item"]
"""What a class's term runs for: the person as a whole, or each thing (an invoice, a contract)."""

ArchiveFrom: TypeAlias = Literal["operational_end", "start"]
"""Where the months of an archive term are counted from."""

Basis: TypeAlias = Literal["contract", "consent", "legitimate_interest", "legal_obligation"]
"""The lawful basis of a purpose (GDPR art. 6(1)(a), (b), (c), (f))."""

MotiveEffect: TypeAlias = Literal["stop_marketing", "erase"]
"""What an agreed phrase does: stop all marketing over a channel, or ask that a class be erased."""

CONTRACT_TYPES = ("service", "maintenance", "subscription", "warranty")
CHANNELS = ("email", "sms", "phone", "automated_call", "post")

REGISTERED = "customer.registered.v1"
CONTRACT_ENDED = "contract.ended.v1"


class PolicyError(BadData):
    """An edition that cannot be read, or cannot join the book: says in which file and where."""

    code = "policy"


@dataclass(frozen=True, slots=True)
class Term:
    """The months a class is archived: counted from the end of the operational term ('60 more'),
    or from its start ('120 in all'). `article` is the text that allows it (SS-RET-7)."""

    months: int
    counted_from: ArchiveFrom
    article: str


@dataclass(frozen=True, slots=True)
class DataClass:
    """One retention class: what lives in it, what moves its clock, when it ends."""

    name: str
    label_fr: str
    label_en: str
    rule: str  # id of the rule that verdicts cite, e.g. 'RET-order'
    clock: ClockKind
    home: tuple[str, ...]  # kinds whose clear entry dies with this class
    parts_of: tuple[str, ...]  # kinds homed elsewhere whose sealed part lives here
    moved_by: tuple[str, ...]  # kinds that count as activity
    suspended_by: tuple[str, ...]  # types of contract that stop the clock while open
    operational_months: int
    archive: Term | None  # None: erased when the operational term ends
    published_months: int | None  # the published term, where the text states one
    published: str | None  # the published words, retold
    clause: str
    article: str
    choice: bool  # part of this row is our decision
    why_fr: str | None  # the reason for that decision
    why_en: str | None

    @property
    def months_in_all(self) -> int:
        """Months from the start of the term to the end of the archive."""
        if self.archive is None:
            return self.operational_months
        before = self.operational_months if self.archive.counted_from == "operational_end" else 0
        return before + self.archive.months


@dataclass(frozen=True, slots=True)
class Purpose:
    """One use of data, with its lawful basis and the channels over which a person may choose."""

    id: str
    label_fr: str
    label_en: str
    basis: Basis
    channels: tuple[str, ...]
    marketing: bool
    validity_months: int | None  # a consent older than this has expired; None: never by age
    clause: str
    article: str
    cross_context: bool = False  # shares data or follows people elsewhere: what GPC objects to
    classes: tuple[str, ...] = ()  # the data it uses; empty: not said
    people: tuple[str, ...] = ()  # whose data, as codes ('customers'); empty: not said


@dataclass(frozen=True, slots=True)
class Motive:
    """A phrase that a person may write, word for word, and what it then does without further
    question (SS-CH-5, SS-CH-6)."""

    id: str
    text: str  # as published
    effect: MotiveEffect
    channel: str | None  # of `stop_marketing`
    klass: str | None  # of `erase`
    near: tuple[tuple[str, ...], ...]  # groups of pieces of words that resemble it
    clause: str
    article: str


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause of the published text, retold in our own words."""

    id: str
    article: str
    fr: str
    en: str


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing the published text says, as a value (`statements.py`). `about`: the class it is
    said of, '' for the text as a whole."""

    topic: str
    value: Value
    about: str
    clause: str


@dataclass(frozen=True, slots=True)
class Label:
    """What people call a purpose that was declared beside the editions; None: by its code."""

    label_fr: str | None
    label_en: str | None


@dataclass(frozen=True, slots=True)
class Edition:
    """One version of the policy, whole. `number` is its effective day: the *era* of facts."""

    id: str
    company: str
    title: str
    language: str
    effective_from: Day
    published_sha256: str  # of the text the company published, byte for byte
    pol: str  # SHA-256 of this edition's own TOML bytes, hex
    classes: dict[str, DataClass]
    purposes: dict[str, Purpose]
    clauses: dict[str, Clause]
    motives: dict[str, Motive] = field(default_factory=dict)
    statements: tuple[Statement, ...] = ()
    labels: dict[str, Label] = field(default_factory=dict)  # of purposes it does not declare itself

    def called(self, purpose: Purpose) -> Purpose:
        """A purpose that was declared beside it, as it says that people call it."""
        label = self.labels.get(purpose.id)
        if label is None:
            return purpose
        fr, en = label.label_fr or purpose.label_fr, label.label_en or purpose.label_en
        return replace(purpose, label_fr=fr, label_en=en)

    @property
    def number(self) -> int:
        """The edition number that facts carry: the effective day as YYYYMMDD."""
        return self.effective_from

    def __hash__(self) -> int:
        """Editions are told apart by their bytes."""
        return hash(self.pol)

    def homes_of(self, kind: str) -> tuple[str, ...]:
        """The classes whose end removes the clear entry of a fact of this kind.

        One class for every kind but `customer.registered.v1`, whose facts name theirs.
        """
        return tuple(name for name, found in self.classes.items() if kind in found.home)
