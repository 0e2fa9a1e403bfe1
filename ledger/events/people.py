"""What happens to a person: one stream each, whose id is hers."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from ledger.calendar import Day
from ledger.facts import CHANNELS_IN, Fact, declare
from ledger.fields import CODE, CODES, DAY, IDENTIFIER, Personal, clear, personal

# The grounds of GDPR art. 18(1): (a) accuracy contested, (b) unlawful processing, (c) needed by
# the person for a claim, (d) an objection being weighed.
RESTRICTIONS = ("accuracy", "unlawful", "claims", "objection")
WISHES = ("erase", "keep", "transmit")  # of her data, after her death (LIL art. 85)


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
    """The person connected to her Espace client: an activity (SS-ACT-2, SS-RET-1). The
    address and the browser are sealed in the security log of that day (SS-SEC-1)."""

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


@declare("customer.commented.v1", "customer", "comment")
@dataclass(frozen=True, kw_only=True, slots=True)
class Commented(Fact):
    """The person published a comment (SS-COL-5; LCEN art. 6): an item with a clock of its own."""

    about: str | None = clear(CODE)
    signature: Personal = personal()
    text: Personal = personal()


@declare("customer.restricted.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class Restricted(Fact):
    """The use of her data is restricted to storage (GDPR art. 18(1)(a) to (d); SS-DSR-5)."""

    ground: str = clear(CODE, column="basis", required=True, one_of=RESTRICTIONS)
    reason: Personal = personal()


@declare("customer.restriction_lifted.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class RestrictionLifted(Fact):
    """A restriction ended, on or after the day on which the person was told that it would (GDPR
    art. 18(3); SS-DSR-5)."""

    ground: str = clear(CODE, column="basis", required=True, one_of=RESTRICTIONS)
    informed: Day = clear(DAY, column="until_day", required=True)


@declare("customer.directive_set.v1", "customer", "directive")
@dataclass(frozen=True, kw_only=True, slots=True)
class DirectiveSet(Fact):
    """The person said what becomes of her data after her death (LIL art. 85; SS-DSR-7). The newest
    directive counts."""

    wish: str = clear(CODE, column="decision", required=True, one_of=WISHES)
    trustee: Personal = personal()
    text: Personal = personal()


@declare("customer.directive_revoked.v1", "customer", "directive")
@dataclass(frozen=True, kw_only=True, slots=True)
class DirectiveRevoked(Fact):
    """The person took her directive back (LIL art. 85; SS-DSR-7)."""


@declare("customer.died.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class Died(Fact):
    """We learnt that the person died on the day this occurred: no choice made since can allow
    marketing (SS-DSR-7)."""

    source: str = clear(CODE, required=True, one_of=("heir", "notary", "registry", "returned_mail"))


@declare("customer.heir_requested.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class HeirRequested(Fact):
    """An heir asked for what the law leaves to heirs (LIL art. 85; SS-DSR-7)."""

    wish: str = clear(
        CODE, column="decision", required=True, one_of=("access", "closing", "objection", "update")
    )
    name: Personal = personal()
    email: Personal = personal()
    address: Personal = personal()


@declare("customer.minor_signalled.v1", "customer", "rights")
@dataclass(frozen=True, kw_only=True, slots=True)
class MinorSignalled(Fact):
    """Somebody told us, or we found, that the person is a minor (LIL art. 45; SS-MIN-1)."""

    age: str = clear(CODE, column="decision", required=True, one_of=("under_15", "under_18"))
    source: str = clear(CODE, required=True, one_of=("self", "parent", "agent", "partner"))


@declare("data.read.v1", "customer", "access_log")
@dataclass(frozen=True, kw_only=True, slots=True)
class DataRead(Fact):
    """One of us looked at her data: who (a random staff id), which classes and why (SS-PAY-3; GDPR
    art. 32). One clock per day of reading."""

    reader: str = clear(CODE, required=True)
    classes: tuple[str, ...] = clear(CODES, required=True)
    reason: str = clear(CODE, required=True)
    case: str | None = clear(CODE)


@declare("customer.joined.v1", "customer", "account")
@dataclass(frozen=True, kw_only=True, slots=True)
class Joined(Fact):
    """This person and `other` are one: what is new is hers, what `other` did stays where it is
    (GDPR art. 5(1)(d); SS-DSR-8). Voiding this fact undoes it. It lives as long as her account."""

    other: UUID = clear(IDENTIFIER, required=True)
    reason: str | None = clear(CODE)
