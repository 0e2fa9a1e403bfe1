"""A few lives written by hand: each shows one thing worth finding, in a company of any size.

`FIND` names their references; `probant demo` says what there is to find (`[cast]` of its words).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from api.demo import rights
from api.demo.diary import Diary, after, at, new_stream
from api.demo.people import NEWSLETTER, Person, in_months, month_end
from ledger.events import (
    CallPlaced,
    CardRebound,
    CardRemovalRequested,
    CardRemoved,
    ConsentInvalidated,
    ConsentWithdrawn,
    ContractAmended,
    ContractEnded,
    ContractRenewed,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    HeirRequested,
    HoldLifted,
    HoldPlaced,
    HoldReviewed,
    MinorSignalled,
    ObjectionAssessed,
    ObjectionLifted,
    ObjectionRaised,
    OrderPlaced,
    PolicyNotified,
    ProfileRectified,
    RenewalNotified,
    Restricted,
    RestrictionLifted,
    SignalReceived,
)

PERSONAL: dict[str, Any] = {"purpose": "personalisation"}


def deadline(p: Person) -> None:
    """A contract that ran for years, then a shorter edition: when must her account go?"""
    p.registers(date(2016, 9, 5), "contact")
    p.contacts(date(2016, 9, 5))
    p.opens_account(date(2017, 2, 1))
    p.orders(date(2017, 2, 1))
    p.accepts(date(2017, 2, 1), "newsletter", "email")
    contract = p.signs(date(2018, 7, 1), "maintenance", 12, tacit=True)
    for year in (2019, 2020):
        told = at(date(year, 5, 20))
        p.diary.tell(RenewalNotified, told, p.code, contract, channel="email")
        until = in_months(date(year, 7, 1), 12)
        renewed = at(date(year, 7, 1))
        p.diary.tell(ContractRenewed, renewed, p.code, contract, until=until, tacit=True)
    p.diary.tell(ContractEnded, at(date(2021, 6, 30)), p.code, contract, reason="terminated")
    p.logs_in(date(2021, 9, 14))
    p.is_written_to(date(2021, 11, 2))
    p.diary.tell(PolicyNotified, at(date(2022, 2, 1)), p.code, edition=20220301, channel="email")


def ignored(p: Person) -> None:
    """She withdrew, and was written to all the same."""
    p.registers(date(2019, 3, 4), "account")
    p.opens_account(date(2019, 3, 4))
    p.accepts(date(2019, 3, 4), "newsletter", "email")
    p.is_written_to(date(2019, 4, 2))
    p.withdraws(date(2020, 5, 6), "newsletter", "email")
    for month in (6, 7, 9):
        p.is_written_to(date(2020, month, 2), asked_first=False, opened=True)


def minor(p: Person) -> None:
    """Signalled as under 15, after a consent and before a message."""
    p.registers(date(2023, 1, 9), "account")
    p.opens_account(date(2023, 1, 9))
    p.accepts(date(2023, 1, 9), "newsletter", "email")
    told = at(date(2023, 3, 1))
    p.diary.tell(MinorSignalled, told, p.code, age="under_15", source="parent")
    p.is_written_to(date(2023, 4, 3), asked_first=False)


def cards(p: Person) -> None:
    """One card kept past its month, one removed when she asked, one bound to another contract."""
    p.registers(date(2018, 12, 3), "account")
    p.opens_account(date(2018, 12, 3))
    p.orders(date(2018, 12, 3))
    p.accepts(date(2018, 12, 3), "wallet")
    past = p.leaves_card(date(2018, 12, 3), "wallet", month_end(2021, 3))
    p.pays_by_card(date(2021, 6, 1), past, 49)
    gone = p.leaves_card(date(2019, 6, 3), "wallet", month_end(2023, 5))
    p.diary.tell(CardRemovalRequested, at(date(2020, 1, 6)), p.code, gone, channel="account")
    p.diary.tell(CardRemoved, at(date(2020, 1, 7)), p.code, gone, psp_ack=True)
    first = p.signs(date(2020, 2, 3), "subscription", 12)
    card = p.leaves_card(date(2020, 2, 3), "subscription", month_end(2024, 8), first)
    second = p.signs(date(2021, 2, 3), "subscription", 12)
    bound = {"ground": "subscription", "contract": second, "expiry": month_end(2024, 8)}
    p.diary.tell(CardRebound, at(date(2021, 2, 3), 16), p.code, card, **bound)


def held(p: Person) -> None:
    """A lawsuit that keeps her file, its review long overdue; another that is over."""
    p.registers(date(2017, 4, 3), "order")
    p.orders(date(2017, 4, 3))
    hold, over = new_stream(), new_stream()
    lawyer = {"author": "service juridique", "reason": "litige sur une livraison"}
    law: dict[str, Any] = {"article": "C. civ. art. 2224", "classes": ("order", "invoice")}
    for stream in (hold, over):
        placed = {"review": 20230115, **law, **lawyer}
        p.diary.tell(HoldPlaced, at(date(2022, 1, 17)), p.code, stream, actor="agent", **placed)
    review = {"review": 20240115, **lawyer}
    p.diary.tell(HoldReviewed, at(date(2023, 1, 16)), p.code, hold, **review)
    p.diary.tell(HoldLifted, at(date(2022, 12, 1)), p.code, over, **lawyer)


def died(p: Person) -> None:
    """Her directive, her death, which closed her account, her heir's request."""
    p.registers(date(2016, 11, 7), "account")
    p.opens_account(date(2016, 11, 7))
    p.orders(date(2016, 11, 7))
    wish = {"wish": "erase", "trustee": "sa fille", "text": "Effacez tout."}
    p.diary.tell(DirectiveSet, at(date(2020, 1, 8)), p.code, **(wish | {"wish": "keep"}))
    p.diary.tell(DirectiveRevoked, at(date(2020, 2, 8)), p.code)
    p.diary.tell(DirectiveSet, at(date(2020, 2, 9)), p.code, **wish)
    p.diary.tell(Died, at(date(2024, 5, 2)), p.code, source="notary")
    heir = {"wish": "closing", "name": "Fille " + p.name, "email": "heir@example.org"}
    p.diary.tell(HeirRequested, at(date(2024, 6, 3)), p.code, **heir)


def objector(p: Person) -> None:
    """Objections raised, weighed and taken back; a use restricted, and free again."""
    p.registers(date(2021, 2, 1), "account")
    p.opens_account(date(2021, 2, 1))
    p.diary.tell(SignalReceived, at(date(2021, 2, 1), 10), p.code, signal="gpc")
    raised = at(date(2021, 3, 1))
    p.diary.tell(ObjectionRaised, raised, p.code, **PERSONAL, act="letter")
    p.diary.tell(Restricted, at(date(2021, 3, 1), 10), p.code, ground="objection")
    weighed = at(date(2021, 3, 20))
    p.diary.tell(ObjectionAssessed, weighed, p.code, **PERSONAL, decision="upheld")
    lifted = {"ground": "objection", "informed": 20210318}
    p.diary.tell(RestrictionLifted, at(date(2021, 3, 21)), p.code, **lifted)
    p.diary.tell(ObjectionLifted, at(date(2022, 9, 1)), p.code, **PERSONAL, actor="import")


def called(p: Person) -> None:
    """Called by an operator who had no consent, and by a machine; a consent found invalid."""
    p.registers(date(2022, 5, 2), "contact")
    p.contacts(date(2022, 5, 2), "phone")
    p.accepts(date(2022, 5, 2), "newsletter", "sms")
    sms = {"purpose": "newsletter", "channel": "sms"}
    invalid = at(date(2022, 6, 1))
    p.diary.tell(ConsentInvalidated, invalid, p.code, **sms, reason="box_ticked_beforehand")
    call = {"purpose": "phone_marketing", "channel": "phone", "outcome": "declined"}
    staff = {"operator": "staff-04"}
    p.diary.tell(CallPlaced, at(date(2022, 7, 4), 11), p.code, new_stream(), **call, **staff)
    machine = {"purpose": "automated_call", "channel": "automated_call"}
    p.diary.tell(CallPlaced, at(date(2022, 8, 4), 11), p.code, new_stream(), **machine)


def warranty(p: Person) -> None:
    """A warranty whose end was moved: the clock waits for it."""
    p.registers(date(2020, 10, 5), "account")
    p.opens_account(date(2020, 10, 5))
    p.orders(date(2020, 10, 5))
    moved_house = {"changed": ("address",), "address": p.address + " bis"}
    p.diary.tell(ProfileRectified, at(date(2021, 1, 5)), p.code, **moved_house)
    contract = p.signs(date(2020, 10, 5), "warranty", 24)
    moved = {"type": "warranty", "until": 20231005}
    p.diary.tell(ContractAmended, at(date(2022, 9, 5)), p.code, contract, **moved)


def amended(p: Person) -> None:
    """An order dated a year too late, a contact that was somebody else's, a letter found late."""
    p.registers(date(2017, 5, 2), "order")
    wrong = p.diary.tell(OrderPlaced, at(date(2018, 5, 2)), p.code, new_stream(), quantity=1)
    p.diary.amend(wrong, "wrong_year", occurred=at(date(2017, 5, 2)))
    stranger = p.diary.tell(OrderPlaced, at(date(2021, 3, 1)), p.code, new_stream(), quantity=2)
    p.diary.amend(stranger, "wrong_person", void=True)
    p.accepts(date(2019, 5, 6), "newsletter", "email")
    by_letter = {"act": "letter", **NEWSLETTER}
    found = at(after(date(2019, 7, 1), 2))
    p.diary.tell(ConsentWithdrawn, found, p.code, late=True, actor="agent", **by_letter)


# Number of the person -> her life.
CAST: dict[int, Callable[[Person], None]] = {
    7: ignored,
    11: warranty,
    13: minor,
    21: cards,
    27: called,
    33: held,
    38: died,
    42: deadline,
    45: objector,
    49: amended,
    52: rights.claimant,
}
FEWEST = max(CAST) + 1
FIND = tuple(f"D-{number:04d}" for number in CAST)


def perform(diary: Diary, number: int) -> None:
    """Write the life of one of the cast."""
    CAST[number](Person(diary, number))
