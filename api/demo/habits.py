"""The lives of ordinary people: loyal, occasional, one-off, prospects, subscribers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from api.demo.diary import DAYS, FIRST_DAY, LAST_DAY, Diary, after, at, new_stream
from api.demo.people import NEWSLETTER, Person, in_months, month_end
from ledger.events import (
    AccountClosed,
    Commented,
    ConsentRefused,
    ConsentRenewed,
    ConsentRequested,
    ContractEnded,
    ContractRenewed,
    DataRead,
    ObjectionRaised,
    ProfileRectified,
    RenewalNotified,
    SurveyAnswered,
    SurveySent,
    TicketClosed,
    TicketOpened,
)


def live(diary: Diary, number: int) -> None:
    """One ordinary life, from the day we hear of the person."""
    person = Person(diary, number)
    day = after(FIRST_DAY, int(diary.chance.random() ** 1.3 * DAYS))
    drawn = diary.chance.random()
    for share, habit in HABITS:
        if drawn < share:
            habit(person, day)
            return


def loyal(person: Person, day: date) -> None:
    """Comes back for years, has an Espace client, reads the newsletter, writes now and then."""
    diary = person.diary
    person.registers(day, "account")
    person.opens_account(day)
    subscribed = _newsletter(person, day, 0.7)
    if diary.often(0.3):
        _wallet(person, day)
    pause = diary.between(60, 240)
    while day <= LAST_DAY:
        person.orders(day)
        if diary.often(0.5):
            person.logs_in(after(day, diary.between(1, 40)))
        _after_sales(person, day)
        if subscribed and after(day, 3) < subscribed:
            person.is_written_to(after(day, 3), asked_first=diary.often(0.5))
        if diary.often(0.06):
            break
        day = after(day, diary.between(pause // 2, pause * 2))
    if diary.often(0.08):
        diary.tell(AccountClosed, at(after(day, 30)), person.code, reason="asked")


def occasional(person: Person, day: date) -> None:
    """Two or three orders, an Espace client or not."""
    diary = person.diary
    account = diary.often(0.6)
    person.registers(day, "account" if account else "order")
    if account:
        person.opens_account(day)
    _newsletter(person, day, 0.4)
    for _ in range(diary.between(1, 4)):
        person.orders(day)
        if account and diary.often(0.4):
            person.logs_in(after(day, diary.between(1, 90)))
        _after_sales(person, day)
        day = after(day, diary.between(30, 500))
    if account and diary.often(0.1):
        changed = {"changed": ("address",), "address": "2 " + person.address}
        diary.tell(ProfileRectified, at(day, 17), person.code, **changed)


def one_off(person: Person, day: date) -> None:
    """One order, and never again."""
    person.registers(day, "order")
    person.orders(day)
    if person.diary.often(0.3):
        person.diary.tell(ConsentRefused, at(day, 12), person.code, grade="proved", **NEWSLETTER)


def prospect(person: Person, day: date) -> None:
    """Writes, asks for a quote, and may never buy."""
    diary = person.diary
    person.registers(day, "contact")
    for _ in range(diary.between(1, 3)):
        person.contacts(day, diary.chance.choice(("form", "email", "phone")))
        day = after(day, diary.between(5, 200))
    if diary.often(0.3):
        diary.tell(ConsentRequested, at(day, 12), person.code, form="account-1", **NEWSLETTER)
    if diary.often(0.15):
        diary.tell(ObjectionRaised, at(after(day, 2)), person.code, act="stop_email", **NEWSLETTER)


def subscriber(person: Person, day: date) -> None:
    """A maintenance contract renewed year after year, paid by a card kept for it."""
    diary = person.diary
    person.registers(day, "order")
    person.opens_account(day)
    person.orders(day)
    type_ = diary.chance.choice(("maintenance", "subscription", "service"))
    contract = person.signs(day, type_, 12, tacit=True, euros=diary.between(90, 900))
    card = person.leaves_card(day, "subscription", month_end(day.year + 3, 6), contract)
    for year in range(1, diary.between(1, 8) + 1):
        day = after(day, 365)
        diary.tell(RenewalNotified, at(after(day, -45)), person.code, contract, channel="email")
        until = in_months(day, 12)
        diary.tell(ContractRenewed, at(day, 14), person.code, contract, until=until, tacit=True)
        person.pays_by_card(after(day, 1), card, 120)
        if year % 2:
            person.logs_in(after(day, 10))
        _after_sales(person, day)
    if diary.often(0.5):
        ended = after(day, 364)
        diary.tell(ContractEnded, at(ended, 17), person.code, contract, reason="terminated")


# Habits with the share of people up to and including each.
HABITS: tuple[tuple[float, Callable[[Person, date], None]], ...] = (
    (0.16, loyal),
    (0.46, occasional),
    (0.72, one_off),
    (0.90, prospect),
    (1.01, subscriber),
)


def _newsletter(person: Person, day: date, share: float) -> date | None:
    """Whether she takes the newsletter, and until when."""
    diary = person.diary
    if not diary.often(share):
        return None
    person.accepts(day, "newsletter", "email")
    if diary.often(0.3):
        person.accepts(day, "email_open_tracking", "email")
    if diary.often(0.15):
        person.accepts(day, "newsletter", "sms")
    if diary.often(0.3):
        stopped = after(day, diary.between(30, 1400))
        person.withdraws(stopped, "newsletter", "email")
        return stopped
    if diary.often(0.2):
        renewed = at(after(day, 700), 12)
        diary.tell(ConsentRenewed, renewed, person.code, grade="proved", **NEWSLETTER)
    return after(LAST_DAY, 1)


def _wallet(person: Person, day: date) -> None:
    """She lets us keep her card; it ends with its month."""
    person.accepts(day, "wallet")
    person.leaves_card(day, "wallet", month_end(day.year + person.diary.between(1, 4), 9))


def _after_sales(person: Person, day: date) -> None:
    """A ticket, a survey, a comment, one of us who looks: none of them often."""
    diary = person.diary
    if diary.often(0.06):
        ticket = new_stream()
        opened, closed = after(day, 12), after(day, diary.between(13, 30))
        diary.tell(TicketOpened, at(opened), person.code, ticket, channel="email", topic="defect")
        read = {"reader": "staff-17", "classes": ("order", "contact"), "reason": "ticket"}
        diary.tell(DataRead, at(opened, 10), person.code, **read)
        diary.tell(TicketClosed, at(closed), person.code, ticket, outcome="solved")
    if diary.often(0.05):
        survey = new_stream()
        asked = {"purpose": "surveys", "channel": "email", "template": "after-order"}
        diary.tell(SurveySent, at(after(day, 20)), person.code, survey, **asked)
        if diary.often(0.4):
            score = diary.between(1, 10)
            diary.tell(SurveyAnswered, at(after(day, 22)), person.code, survey, score=score)
    if diary.often(0.03):
        said = {"about": "product", "signature": person.first_name, "text": "Très utile, merci."}
        diary.tell(Commented, at(after(day, 25)), person.code, **said)
