"""What evaluation answers: verdicts that carry their reasons. Values only, no behaviour.

Every verdict names the rule, edition, clause and article it applies, the positions it rests on,
what did not count and why, and what would change it. Read `evaluate.py` next.
"""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day
from ledger.projections.model import Ended

Tier: TypeAlias = Literal["operational", "past_operational", "past_archive", "archived", "erased"]
"""Where the data should be by now: in daily use, out of it, or gone altogether; and, once a fact
says so, where it is: in the archive (within its term), or erased."""

Place: TypeAlias = Literal[Tier, "suspended"]
"""Where a thing stands: the tier of its deadline, or `suspended` while a contract is open."""

Source: TypeAlias = Literal["fact", "contract_end", "planned_end", "registration", "first_fact"]
"""Why a day starts a term: an activity, the end of a contract (recorded or as planned), or, when
nothing counted, the registration (the oldest fact known) or the first fact of the thing."""

ConsentStatus: TypeAlias = Literal[
    "ConsentGiven",
    "RenewedConsentGiven",
    "ConsentRefused",
    "ConsentWithdrawn",
    "ConsentInvalidated",
    "ConsentRequested",
    "ConsentUnknown",
    "ConsentExpired",
    "ConsentRequestDeferred",
    "ConsentRevoked",
]
"""The ten consent statuses of the W3C Data Privacy Vocabulary; the last two are never derived."""


class Counted(NamedTuple):
    """The fact a term is counted from."""

    kind: str
    day: Day
    position: int
    months: int  # the operational term that applies to it
    era: int  # the edition number by which it is judged
    source: Source


class NotCounted(NamedTuple):
    """Later facts of one kind that did not move the clock; `reason` is a code of words/*.toml."""

    kind: str
    last_day: Day
    last_position: int
    reason: str


class Suspension(NamedTuple):
    """An open contract that stops the clock, and the position of the fact that started it."""

    item: str
    position: int


class Deadline(NamedTuple):
    """Until when one class of one person's data (or of one thing's) may be kept, and why."""

    klass: str
    scope: str  # '' for a class with a subject clock, else the item
    label_fr: str
    label_en: str
    tier_now: Tier  # without an archive, 'past_operational' means: to be erased
    operational_until: Day | None  # None while suspended, and once erased
    archive_until: Day | None  # None while suspended, and for a class without archive
    suspended_by: tuple[Suspension, ...]
    ended: Ended | None  # how it left daily use; None once something was recorded after
    rule: str
    edition: str
    edition_number: int
    clause: str
    article: str
    archive_article: str | None
    why_fr: str | None  # our reason, where the term is partly our decision
    why_en: str | None
    counted: Counted
    rests_on: tuple[int, ...]
    not_counted: tuple[NotCounted, ...]  # latest first
    flips_on: Day | None  # the first later day on which this answer changes by calendar alone
    would_change: tuple[str, ...]  # kinds: the smallest fact that would change it
    flags: tuple[str, ...]

    @property
    def place(self) -> Place:
        """Where it stands."""
        return "suspended" if self.suspended_by else self.tier_now

    @property
    def is_past(self) -> bool:
        """Whether its term is over where it is: in daily use, or in the archive."""
        return self.tier_now in ("past_operational", "past_archive")


class ChoiceState(NamedTuple):
    """What one person chose about one purpose over one channel, and why we say so."""

    purpose: str
    channel: str  # '' for a purpose without channels
    label_fr: str
    label_en: str
    state: ConsentStatus
    reason: str | None  # 'objected', 'objection_lifted', 'objection_overridden', 'expired', ...
    kind: str | None  # None when nothing was ever expressed
    day: Day | None
    position: int | None
    edition: str | None
    edition_number: int | None  # the edition in force when it was recorded
    grade: str | None
    needs_review: bool  # a live withdrawal was recorded after this grant, dated before it
    clause: str | None
    article: str | None
    rests_on: tuple[int, ...]
    flips_on: Day | None
    would_change: tuple[str, ...]
