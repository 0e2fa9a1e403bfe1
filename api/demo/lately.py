"""The weeks before today: people whose requests, texts and holds are under way.

The ten years of the story end on a day of their own, the same for everybody; a console is worth
looking at when something is due this week. Told like everything else. Read next: `rights.py`.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from api.demo.diary import LAST_DAY, Diary, after, at, day_number, new_stream
from api.demo.people import Person
from ledger.events import (
    HoldPlaced,
    IdentityAsked,
    MotiveReceived,
    RequestAcknowledged,
    RequestQualified,
    RequestReceived,
)

PEOPLE = 8  # so many more
WEEKS = 8  # what is told here began at most so many weeks ago


def lately(diary: Diary, people: int, today: date) -> None:
    """Write down the last weeks; nothing, if they would reach into the years of the story."""
    if after(today, -7 * WEEKS) <= LAST_DAY:
        return
    newcomers = [Person(diary, people + number) for number in range(1, PEOPLE + 1)]
    for days, person in zip(range(55, 0, -5), newcomers, strict=False):
        _comes(person, after(today, -days))
    answered, begun, fresh, doubtful, writes, sues, *_ = newcomers
    _asks(answered, after(today, -27), "access", "email")
    stream = _asks(begun, after(today, -12), "erasure", "page")
    _step(begun, stream, after(today, -11), RequestAcknowledged, channel="email")
    _step(begun, stream, after(today, -10), RequestQualified, right="erasure")
    _asks(fresh, after(today, -5), "portability", "page")
    stream = _asks(doubtful, after(today, -20), "rectification", "letter", text="Mon nom a changé.")
    why: dict[str, Any] = {"reason": "new_address", "asked": ("customer_number",)}
    _step(doubtful, stream, after(today, -18), IdentityAsked, **why, doubt="Adresse inconnue.")
    said = {"channel": "email", "match": "near", "text": "Stop aux courriels, merci"}
    diary.tell(MotiveReceived, at(after(today, -2)), writes.code, **said)
    held: dict[str, Any] = {"article": "GDPR art. 17(3)(e)", "classes": ("order", "invoice")}
    held |= {"review": day_number(after(today, 5)), "author": "Me Fabre", "reason": "Litige."}
    diary.tell(HoldPlaced, at(after(today, -30)), sues.code, new_stream(), **held)


def _comes(person: Person, day: date) -> None:
    person.registers(day, "account")
    person.opens_account(day)
    person.orders(day)
    person.accepts(day, "newsletter", "email")
    person.is_written_to(after(day, 1), opened=person.diary.often(0.5))
    person.logs_in(after(day, 2))


def _asks(person: Person, day: date, right: str, channel: str, **fields: Any) -> Any:
    stream = new_stream()
    stated = {"right": right, "channel": channel, **fields}
    person.diary.tell(RequestReceived, at(day), person.code, stream, **stated)
    return stream


def _step(person: Person, stream: Any, day: date, cls: Any, **fields: Any) -> None:
    person.diary.tell(cls, at(day, 15), person.code, stream, actor="agent", **fields)
