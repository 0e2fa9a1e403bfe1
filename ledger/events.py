"""Every fact that can happen. Read this file once and you know the business.

A fact is frozen and its kind is permanent (`order.placed.v1`): a kind may be retired, never
renamed, never given twice. Clear fields hold codes, ids, amounts and times; personal fields are
sealed apart under keys per (subject, data class, scope). Each kind has one *home class*, the data
class that governs its clear entry; a kind marked `also` seals its personal part under a second
class whose items die on their own clocks (one key per login day, one per payment).

What this file never does: decide whether a fact is acceptable (`ledger/aggregates/`), know today's
date, or touch a database. Read next: `ledger/aggregates/consent.py`, then `ledger/handlers.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple, TypeVar
from uuid import UUID

from ledger.calendar import Day, Instant, Moment
from ledger.errors import BadData
from ledger.fields import (
    BOOLEAN,
    CODE,
    CODES,
    DAY,
    DIGEST,
    INTEGER,
    MONEY,
    Money,
    Personal,
    Spec,
    clear,
    personal,
)

ACTORS = ("self", "agent", "import", "system")
GRADES = ("proved", "asserted", "inferred")
CHANNELS_IN = ("form", "email", "phone", "letter", "counter", "chat")
CONTRACTS = ("service", "maintenance", "subscription", "warranty")
CORRECTION, VOID = "fact.corrected.v1", "fact.voided.v1"


class Row(NamedTuple):
    """One event as its typed clear columns: what folds and projections read.

    `klass` is the home class, `item` the scope of whichever class of this fact has an item clock,
    `edition` the effective day of the policy edition in force when it was recorded.
    """

    position: int
    stream: UUID
    version: int
    kind: str
    subject: UUID | None
    klass: str | None
    item: str | None
    purpose: str | None
    channel: str | None
    decision: str | None
    basis: str | None
    grade: str | None
    actor: str | None
    edition: int
    until_day: Day | None
    ref_position: int | None
    amount_minor: int | None
    occurred_at: Instant
    grain: str
    local_day: Day
    recorded_at: Instant


@dataclass(frozen=True, kw_only=True, slots=True)
class Fact:
    """What all facts share: whom it concerns, when it was true, who told us."""

    kind: ClassVar[str]
    aggregate: ClassVar[str]
    homes: ClassVar[tuple[str, ...]]
    also: ClassVar[str | None]
    specs: ClassVar[tuple[Spec, ...]]

    subject: UUID | None = None
    occurred: Moment
    actor: str = "self"
    item: str | None = None

    @property
    def home(self) -> str | None:
        """The data class that governs the clear entry, or None for a fact about no person."""
        return self.homes[0] if self.homes else None

    @property
    def sealed_class(self) -> str | None:
        """The data class whose key seals the personal fields."""
        return self.also or self.home

    def check(self) -> None:
        """Raise BadData unless every field holds what its codec accepts: facts may be built
        without a door, and an entry that cannot be read again would end its stream."""
        for spec in self.specs:
            value = getattr(self, spec.name)
            if value is not None:
                spec.load(value if spec.personal else spec.codec.dump(value))
            elif spec.required:
                raise BadData(f"field '{spec.key}' is required for {self.kind}")

    def personal_fields(self) -> dict[str, str]:
        """The personal values that are present and readable, by entry key."""
        values = ((s.key, getattr(self, s.name)) for s in self.specs if s.personal)
        return {key: value for key, value in values if isinstance(value, str)}


KINDS: dict[str, type[Fact]] = {}
F = TypeVar("F", bound=Fact)


def declare(kind: str, aggregate: str, *homes: str, also: str | None = None) -> Any:
    """Enter a fact class in the closed dictionary of kinds, under its permanent name."""

    def enter(cls: type[F]) -> type[F]:
        assert kind not in KINDS, kind
        cls.kind, cls.aggregate, cls.homes, cls.also = kind, aggregate, homes, also
        cls.specs = tuple(_specs(cls))
        KINDS[kind] = cls
        return cls

    return enter


def _specs(cls: type[Fact]) -> Iterator[Spec]:
    for declared in fields(cls):
        if "spec" in declared.metadata:
            key, codec, column, is_personal, required, one_of = declared.metadata["spec"]
            yield Spec(
                declared.name, key or declared.name, codec, column, is_personal, required, one_of
            )


def fact_class(kind: str) -> type[Fact]:
    """The class of a kind, `order.placed` being short for `order.placed.v1`. Raises BadData."""
    cls = KINDS.get(kind) or KINDS.get(f"{kind}.v1")
    if cls is None:
        raise BadData("field 'kind' is not a kind of fact this ledger knows")
    return cls


def build(cls: type[F], shared: Mapping[str, Any], given: Mapping[str, Any]) -> F:
    """A fact from `shared` Python values (subject, occurred, actor, item) and a caller's fields.

    Raises BadData naming the field that is unknown, missing or malformed.
    """
    values = dict(shared)
    rest = dict(given)
    for spec in cls.specs:
        if spec.key in rest:
            values[spec.name] = spec.load(rest.pop(spec.key))
        elif spec.required:
            raise BadData(f"field '{spec.key}' is required for {cls.kind}")
    if rest:
        # Never by name: where a file has no header, a name in its place is a value.
        raise BadData(f"{cls.kind} has no such field ({len(rest)} of {len(given)} unknown)")
    return cls(**values)


# --- customer: one stream per subject, its id is the subject's -------------------------------


@declare("customer.registered.v1", "customer", "contact", "account", "order")
@dataclass(frozen=True, kw_only=True, slots=True)
class CustomerRegistered(Fact):
    """A person is known for the first time, through a contact, an account, an order or an import
    (SS-COL-1). Registering alone does not make a client."""

    klass: str = clear(CODE, key="class", required=True, one_of=("contact", "account", "order"))
    origin: str = clear(CODE, required=True, one_of=("contact", "account", "order", "import"))
    person: str | None = clear(CODE, one_of=("consumer", "professional"))
    name: Personal = personal()
    first_name: Personal = personal()
    company: Personal = personal()
    email: Personal = personal()
    phone: Personal = personal()
    address: Personal = personal()

    @property
    def home(self) -> str:
        """The class through which the person became known."""
        return self.klass


@declare("customer.account_opened.v1", "customer", "account")
@dataclass(frozen=True, kw_only=True, slots=True)
class AccountOpened(Fact):
    """The person opened an Espace client (SS-COL-1, SS-RET-6)."""

    form: str | None = clear(CODE)
    name: Personal = personal()
    first_name: Personal = personal()
    company: Personal = personal()
    email: Personal = personal()
    phone: Personal = personal()
    address: Personal = personal()


@declare("customer.account_closed.v1", "customer", "account")
@dataclass(frozen=True, kw_only=True, slots=True)
class AccountClosed(Fact):
    """The Espace client was closed. Closing is not erasing (SS-CH-6)."""

    reason: str | None = clear(CODE)


@declare("customer.profile_rectified.v1", "customer", "account")
@dataclass(frozen=True, kw_only=True, slots=True)
class ProfileRectified(Fact):
    """Details were put right (GDPR art. 16, SS-DSR-2). Never counts as activity."""

    changed: tuple[str, ...] = clear(CODES, required=True)
    name: Personal = personal()
    first_name: Personal = personal()
    company: Personal = personal()
    email: Personal = personal()
    phone: Personal = personal()
    address: Personal = personal()


@declare("customer.logged_in.v1", "customer", "account", also="security_log")
@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedIn(Fact):
    """The person connected to her Espace client: an activity (SS-ACT-2). The address and the
    browser are sealed in the security log of that day (SS-SEC-1)."""

    ip: Personal = personal()
    user_agent: Personal = personal()


@declare("customer.contacted_us.v1", "customer", "contact")
@dataclass(frozen=True, kw_only=True, slots=True)
class ContactedUs(Fact):
    """The person wrote or called (inbound only): what keeps a prospect active (SS-ACT-1)."""

    channel: str = clear(CODE, column="channel", required=True, one_of=CHANNELS_IN)
    name: Personal = personal()
    email: Personal = personal()
    phone: Personal = personal()
    text: Personal = personal()


# --- consent: one stream per subject ---------------------------------------------------------


@dataclass(frozen=True, kw_only=True, slots=True)
class Choice(Fact):
    """What all expressions of choice share (SS-CH-1): what for, over which channel, by which act,
    on which published form, with which grade of evidence."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str | None = clear(CODE, column="channel")
    act: str | None = clear(CODE)
    form: str | None = clear(CODE)
    grade: str | None = clear(CODE, column="grade", one_of=GRADES)


@declare("consent.requested.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRequested(Choice):
    """The person was asked and has not answered."""


@declare("consent.given.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentGiven(Choice):
    """The person agreed (GDPR art. 6(1)(a), 7; SS-LB-2)."""


@declare("consent.refused.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRefused(Choice):
    """The person was asked and said no."""


@declare("consent.withdrawn.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentWithdrawn(Choice):
    """The person took consent back (GDPR art. 7(3); SS-LB-2)."""


@declare("consent.renewed.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentRenewed(Choice):
    """The person confirmed an earlier consent."""


@declare("consent.invalidated.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentInvalidated(Choice):
    """We found that a recorded consent was not valid."""

    reason: str | None = clear(CODE)


@declare("objection.raised.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectionRaised(Choice):
    """The person objected (GDPR art. 21; SS-LB-3, SS-DSR-4). Absolute for marketing."""


@declare("objection.assessed.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectionAssessed(Choice):
    """An objection outside marketing was weighed (GDPR art. 21(1))."""

    decision: str = clear(CODE, column="decision", required=True, one_of=("upheld", "overridden"))


@declare("objection.lifted.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectionLifted(Choice):
    """The person took her objection back."""


@declare("optout.offered.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class OptOutOffered(Choice):
    """A free way to say no was shown at collection (CPCE L34-5; SS-COM-2)."""


@declare("signal.received.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class SignalReceived(Fact):
    """A browser signal reached us (Global Privacy Control)."""

    signal: str = clear(CODE, required=True, one_of=("gpc",))


@declare("policy.notified.v1", "consent", "consent")
@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyNotified(Fact):
    """This person was told of an edition, named by its effective day (GDPR art. 13(3); SS-POL-2).
    Kept on her consent stream: it is proof of what she was told."""

    edition: Day = clear(DAY, column="until_day", required=True)
    channel: str | None = clear(CODE, column="channel")


# --- order: one stream each ------------------------------------------------------------------


@declare("order.placed.v1", "order", "order")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPlaced(Fact):
    """A purchase: what makes a client, and keeps her active (SS-ORD-1, SS-ACT-2)."""

    amount: Money | None = clear(MONEY, column="amount_minor")
    quantity: int | None = clear(INTEGER)


@declare("order.invoiced.v1", "order", "invoice")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderInvoiced(Fact):
    """An invoice was issued: an item with a ten-year clock of its own (C. com. L123-22)."""

    amount: Money | None = clear(MONEY, column="amount_minor")


@declare("order.paid.v1", "order", "order", also="card_proof")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderPaid(Fact):
    """A payment. The identifier and the first six and last four digits are sealed as a card proof
    that dies on its own day, 15 months after payment (SS-PAY-1, SS-CARD-1)."""

    amount: Money | None = clear(MONEY, column="amount_minor")
    deferred: bool | None = clear(BOOLEAN)
    debit: Day | None = clear(DAY)
    psp_id: Personal = personal()
    bin6: Personal = personal()
    last4: Personal = personal()


@declare("order.cancelled.v1", "order", "order")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderCancelled(Fact):
    """The order will not be performed."""

    reason: str | None = clear(CODE)


@declare("order.refunded.v1", "order", "order")
@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRefunded(Fact):
    """Money went back to the buyer."""

    amount: Money | None = clear(MONEY, column="amount_minor")


# --- contract: one stream each; while one is open, the client's clocks stand still ------------


@declare("contract.started.v1", "contract", "contract")
@dataclass(frozen=True, kw_only=True, slots=True)
class ContractStarted(Fact):
    """A service, maintenance, subscription or warranty began (SS-ACT-2, SS-ACT-3)."""

    type: str = clear(CODE, column="basis", required=True, one_of=CONTRACTS)
    until: Day | None = clear(DAY, column="until_day")
    tacit: bool | None = clear(BOOLEAN, column="decision")
    amount: Money | None = clear(MONEY, column="amount_minor")


@declare("renewal.notified.v1", "contract", "contract")
@dataclass(frozen=True, kw_only=True, slots=True)
class RenewalNotified(Fact):
    """The person was told before a tacit renewal (SS-CARD-2)."""

    channel: str | None = clear(CODE, column="channel")


@declare("contract.renewed.v1", "contract", "contract")
@dataclass(frozen=True, kw_only=True, slots=True)
class ContractRenewed(Fact):
    """The contract goes on, until a new planned end."""

    until: Day | None = clear(DAY, column="until_day")
    tacit: bool | None = clear(BOOLEAN, column="decision")


@declare("contract.amended.v1", "contract", "contract")
@dataclass(frozen=True, kw_only=True, slots=True)
class ContractAmended(Fact):
    """The planned end, or the renewal, changed (SS-ACT-3)."""

    type: str | None = clear(CODE, column="basis", one_of=CONTRACTS)
    until: Day | None = clear(DAY, column="until_day")
    tacit: bool | None = clear(BOOLEAN, column="decision")


@declare("contract.ended.v1", "contract", "contract")
@dataclass(frozen=True, kw_only=True, slots=True)
class ContractEnded(Fact):
    """The contract ended: itself an activity (SS-ACT-3)."""

    reason: str | None = clear(CODE)


# --- message: one stream each; nothing we send, nor its opening, ever counts as activity -------


@declare("message.sent.v1", "message", "message")
@dataclass(frozen=True, kw_only=True, slots=True)
class MessageSent(Fact):
    """We sent a message (SS-COM-1 to SS-COM-3)."""

    purpose: str = clear(CODE, column="purpose", required=True)
    channel: str = clear(CODE, column="channel", required=True)
    template: str | None = clear(CODE)


@declare("message.opened.v1", "message", "message")
@dataclass(frozen=True, kw_only=True, slots=True)
class MessageOpened(Fact):
    """A message was opened (SS-COM-4)."""

    channel: str | None = clear(CODE, column="channel")


# --- policy book: one stream, about no person ---------------------------------------------------


@declare("policy.published.v1", "policy_book")
@dataclass(frozen=True, kw_only=True, slots=True)
class PolicyPublished(Fact):
    """An edition of the policy exists, with the document that states it (SS-POL-1)."""

    edition: Day = clear(DAY, column="until_day", required=True)
    document: str = clear(DIGEST, required=True)
    published: str | None = clear(DIGEST)


# --- any: history is corrected by adding ----------------------------------------------------------


@declare(CORRECTION, "any")
@dataclass(frozen=True, kw_only=True, slots=True)
class FactCorrected(Fact):
    """The fact at position `ref` was wrong; this is how it should have read. It keeps the kind and
    the position of the fact it corrects, and carries every clear field, changed or not."""

    ref: int = clear(INTEGER, column="ref_position", required=True)
    root: str = clear(CODE, required=True)
    klass: str | None = clear(CODE, key="class")
    reason: str | None = clear(CODE)
    purpose: str | None = clear(CODE, column="purpose")
    channel: str | None = clear(CODE, column="channel")
    decision: str | None = clear(CODE, column="decision")
    basis: str | None = clear(CODE, column="basis")
    grade: str | None = clear(CODE, column="grade")
    until: Day | None = clear(DAY, column="until_day")
    amount: Money | None = clear(MONEY, column="amount_minor")

    @property
    def home(self) -> str | None:
        """The home class of the fact it corrects."""
        return self.klass


@declare(VOID, "any")
@dataclass(frozen=True, kw_only=True, slots=True)
class FactVoided(Fact):
    """The fact at position `ref` did not happen, or not to this person."""

    ref: int = clear(INTEGER, column="ref_position", required=True)
    klass: str | None = clear(CODE, key="class")
    reason: str | None = clear(CODE)

    @property
    def home(self) -> str | None:
        """The home class of the fact it voids."""
        return self.klass
