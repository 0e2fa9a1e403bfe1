"""The company itself: what it declares, hands over, counts and suffers, around its people's lives.

`story` is the whole: the same size and seed give the same diary, ids apart. Read next:
`telling.py`, which records it.
"""

from __future__ import annotations

from datetime import date
from hashlib import sha256
from importlib import resources
from typing import Any

from api.demo import cast, habits
from api.demo.diary import Diary, after, at, day_number, new_stream
from ledger.entry import to_base64
from ledger.events import (
    AssessmentRecorded,
    AudienceMeasured,
    ConsentGiven,
    ConsentWithdrawn,
    ContactedUs,
    ControllerDeclared,
    DataDisclosed,
    DpoAppointed,
    FieldDeclared,
    FormPublished,
    IncidentDetected,
    IncidentNotified,
    NoticePublished,
    ObligationDeclared,
    OrderPlaced,
    PolicyNotified,
    PurposeDeclared,
    RecipientDeclared,
    RetentionRan,
    SelectionRun,
    TrackerGiven,
    TrackerRefused,
    TrackerWithdrawn,
)

CHANGE = date(2022, 3, 1)  # the second edition takes effect
FIELDS = {
    "email": ("provided", "account"),
    "last_name": ("provided", "account"),
    "address": ("provided", "account"),
    "phone": ("provided", "contact"),
    "ip": ("observed", "security_log"),
}
RECIPIENTS = {
    "payline": "psp",
    "hebergeur": "hosting",
    "routeur": "mailing",
    "fiduciaire": "accountant",
}


def edition_2022() -> bytes:
    """The bytes of the made-up second edition."""
    return resources.files("api.demo").joinpath("edition-2022.toml").read_bytes()


def story(people: int, seed: int) -> Diary:
    """The diary of a company of so many people."""
    diary = Diary(seed)
    _declares(diary)
    for number in range(1, people + 1):
        if number in cast.CAST:
            cast.perform(diary, number)
        else:
            habits.live(diary, number)
    _is_notified(diary)
    _goes_on(diary, people)
    _is_late_and_wrong(diary)
    return diary


def _document(name: str) -> str:
    """The SHA-256 of a document that does not exist."""
    return to_base64(sha256(f"probant demo: {name}".encode()).digest())


def _declares(diary: Diary) -> None:
    day, law = at(date(2018, 11, 20)), "GDPR art. 6(1)(a)"
    who = {"controller": "softsystem", "registration": "rcs.nanterre.843877531"}
    diary.tell(ControllerDeclared, day, document=_document("kbis"), **who)
    diary.tell(DpoAppointed, day, dpo="staff-02", designation="dpo-4711", external=False)
    for name, type_ in RECIPIENTS.items():
        until = 20241231 if type_ == "psp" else None
        contract = {"contract": _document(name), "attested_until": until, "country": "fr"}
        diary.tell(RecipientDeclared, day, recipient=name, type=type_, **contract)
    for name, (source, klass) in FIELDS.items():
        diary.tell(FieldDeclared, day, name=name, source=source, classes=(klass,))
    form: dict[str, Any] = {"fields": ("email", "last_name", "address"), "mandatory": ("email",)}
    diary.tell(FormPublished, day, form="account-1", document=_document("account-1"), **form)
    notice = {"notice": "account", "language": "fr", "document": _document("notice")}
    diary.tell(NoticePublished, day, **notice)
    books = {"obligation": "accounting", "article": "C. com. art. L123-22", "months": 120}
    diary.tell(ObligationDeclared, day, classes=("invoice",), **books)
    loyalty: dict[str, Any] = {"purpose": "loyalty", "basis": "consent", "article": law}
    loyalty |= {"marketing": True, "channels": ("email",), "classes": ("order",)}
    diary.tell(PurposeDeclared, at(date(2021, 1, 4)), validity_months=24, **loyalty)
    tests = (
        ("balancing_test", "favourable", "personalisation"),
        ("dpia", "conditional", "studies"),
    )
    for type_, outcome, purpose in tests:
        said = {"type": type_, "outcome": outcome, "document": _document(type_)}
        diary.tell(AssessmentRecorded, at(date(2019, 1, 7)), purpose=purpose, **said)


def _is_notified(diary: Diary) -> None:
    """Two people in three who were known then are told of the new edition, one month before."""
    known = {t.person for t in diary.told if t.person and t.fact.occurred.day < 20220101}
    for person in sorted(known - {"D-0042"}):
        if diary.often(0.66):
            told = at(after(date(2022, 1, 24), diary.between(0, 20)))
            diary.tell(PolicyNotified, told, person, edition=day_number(CHANGE), channel="email")


def _goes_on(diary: Diary, people: int) -> None:
    """Month after month: counts, disclosures, runs; devices; two incidents."""
    for year in range(2019, 2026):
        for month in range(1, 13):
            first, last = date(year, month, 1), date(year, month, 27)
            visits = diary.between(people, 3 * people)
            period = {"since": day_number(first), "until": day_number(last), "pages": visits * 4}
            counts = {"visits": visits, "returning": visits // 3}
            diary.tell(AudienceMeasured, at(last), None, new_stream(), **period, **counts)
        due = diary.between(5, 40)
        rehearsed = {"rehearsal": True, "due": due, "held": 1}
        diary.tell(RetentionRan, at(date(year, 12, 1)), None, new_stream(), **rehearsed)
        handed = {"recipient": "payline", "purpose": "payment", "classes": ("order",)}
        count = diary.between(people // 4, people)
        when = at(date(year, 12, 15))
        diary.tell(DataDisclosed, when, None, new_stream(), people=count, **handed)
        study = {"purpose": "studies", "criteria": ("region", "basket"), "left_out": 9}
        diary.tell(SelectionRun, at(date(year, 10, 3)), None, new_stream(), size=60, **study)
    for _ in range(max(20, people // 10)):
        _device(diary)
    # The first was notified within 72 hours, the second nine days later.
    for day, hours_or_days in ((date(2021, 9, 6), 2), (date(2024, 2, 5), 9)):
        incident = new_stream()
        what: dict[str, Any] = {"nature": "confidentiality", "risk": "risk", "people": 40}
        diary.tell(IncidentDetected, at(day), None, incident, classes=("contact",), **what)
        told = at(after(day, hours_or_days))
        diary.tell(IncidentNotified, told, None, incident, to="authority", people=40)


def _device(diary: Diary) -> None:
    day, device = after(date(2019, 1, 1), diary.between(0, 2400)), new_stream()
    shown = {"purpose": "audience", "form": "banner-1", "grade": "proved"}
    if diary.often(0.45):
        diary.tell(TrackerRefused, at(day), None, device, **shown)
        return
    diary.tell(TrackerGiven, at(day), None, device, **shown)
    if diary.often(0.3):
        gone = at(after(day, diary.between(1, 120)))
        diary.tell(TrackerWithdrawn, gone, None, device, purpose="audience")


def _is_late_and_wrong(diary: Diary) -> None:
    """Letters that lay in a drawer, orders dated wrongly, contacts of somebody else."""
    told = list(diary.told)
    for one in told:
        fact = one.fact
        if one.person in cast.FIND:
            continue
        if isinstance(fact, ConsentGiven) and fact.purpose == "newsletter" and diary.often(0.02):
            letter = {"purpose": fact.purpose, "channel": fact.channel, "act": "letter"}
            when = fact.occurred._replace(at=fact.occurred.at + 60_000_000)
            diary.tell(ConsentWithdrawn, when, one.person, late=True, actor="agent", **letter)
        elif isinstance(fact, OrderPlaced) and diary.often(0.006):
            diary.amend(one.number, "wrong_amount", changes={"amount": _halved(fact)})
        elif isinstance(fact, ContactedUs) and diary.often(0.02):
            diary.amend(one.number, "wrong_person", void=True)
        elif isinstance(fact, ContactedUs) and diary.often(0.02):
            diary.tell(ContactedUs, fact.occurred, one.person, late=True, channel="letter")


def _halved(order: OrderPlaced) -> dict[str, Any]:
    amount = order.amount
    assert amount is not None
    return {"minor": amount.minor // 2, "currency": amount.currency}
