"""Orders, contracts and cards: one stream each. While a contract is open, the client's clocks stand
still; a card's digits die on a clock of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.calendar import Day
from ledger.facts import CHANNELS_IN, Fact, declare
from ledger.fields import (
    BOOLEAN,
    CODE,
    DAY,
    IDENTIFIER,
    INTEGER,
    MONEY,
    MONTH,
    Money,
    Personal,
    clear,
    personal,
)

CONTRACTS = ("service", "maintenance", "subscription", "warranty")
CARD_GROUNDS = ("proof", "subscription", "wallet")


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


# --- card: one stream each, an item whose digits are sealed under a key of its own -------------


@declare("card.kept.v1", "card", "card")
@dataclass(frozen=True, kw_only=True, slots=True)
class CardKept(Fact):
    """A payment identifier and ten digits are kept: as the proof of a payment, for a subscription,
    or in the person's wallet (SS-PAY-1, SS-CARD-1 to SS-CARD-3). `expiry` is the card's last day:
    the end of its month."""

    ground: str = clear(CODE, column="basis", required=True, one_of=CARD_GROUNDS)
    expiry: Day | None = clear(MONTH, column="until_day")
    contract: UUID | None = clear(IDENTIFIER)
    psp_id: Personal = personal()
    bin6: Personal = personal()
    last4: Personal = personal()


@declare("card.rebound.v1", "card", "card")
@dataclass(frozen=True, kw_only=True, slots=True)
class CardRebound(Fact):
    """The card is kept on another ground, or for another contract (SS-CARD-2)."""

    ground: str = clear(CODE, column="basis", required=True, one_of=CARD_GROUNDS)
    expiry: Day | None = clear(MONTH, column="until_day")
    contract: UUID | None = clear(IDENTIFIER)


@declare("card.settled.v1", "card", "card")
@dataclass(frozen=True, kw_only=True, slots=True)
class CardSettled(Fact):
    """The card was debited: from here runs the term of the proof (SS-CARD-1; CMF L133-24)."""

    amount: Money | None = clear(MONEY, column="amount_minor")
    debit: Day | None = clear(DAY)
    deferred: bool | None = clear(BOOLEAN)


@declare("card.removal_requested.v1", "card", "card")
@dataclass(frozen=True, kw_only=True, slots=True)
class CardRemovalRequested(Fact):
    """The person wants the card gone, over any channel (SS-CARD-4)."""

    channel: str = clear(CODE, column="channel", required=True, one_of=(*CHANNELS_IN, "account"))


@declare("card.removed.v1", "card", "card")
@dataclass(frozen=True, kw_only=True, slots=True)
class CardRemoved(Fact):
    """The card is gone here, and at the payment provider if it acknowledged (SS-CARD-4)."""

    psp_ack: bool = clear(BOOLEAN, required=True)
    psp_reference: Personal = personal()
