"""Recording the demo company: its diary, through the same door as everybody's facts.

What happened keeps its dates; it is recorded now, and the ledger says so: ask `--known-at` any date
before today and it knew nothing. Crash half way: the ledger is no longer empty; begin a new one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from api.demo.company import CHANGE, edition_2022, story
from api.demo.diary import Amendment, Diary, Told, day_number
from api.demo.lately import lately
from ledger.application import Ledger
from ledger.calendar import date_of, day_of
from ledger.commands import Command, Correct, Record, Reference, Void
from ledger.errors import BadData, Misuse, Refusal
from ledger.events import AccountClosed
from ledger.handlers import Accepted, publish, record_many
from ledger.policy.book import shipped_bytes
from ledger.policy.loader import load_edition

BATCH = 500
KIND_OF_REFERENCE = "shop"
Advance = Callable[[float, float, str], None]


def is_empty(ledger: Ledger) -> bool:
    """Whether the ledger holds nothing but its first edition."""
    return ledger.recorder.head().position <= 1


def fill(
    ledger: Ledger, people: int, seed: int, advance: Advance, *, until_today: bool = False
) -> Counter[str]:
    """Record the whole story, and if asked the weeks before today: how many facts of each kind.

    Raises Misuse when the ledger holds facts already, or follows another policy than SoftSystem's.
    """
    _refuse_what_is_not_ours(ledger)
    diary = story(people, seed)
    recent = _recent(ledger, people, seed) if until_today else []
    told = diary.in_order()
    change = day_number(CHANGE)
    before = [t for t in told if not t.late and t.fact.occurred.day < change]
    later = told[len(before) :]
    total = len(told) + len(diary.amendments)
    positions: dict[int, int] = {}
    closed = 0  # accounts: what a death brings with it
    for part in (before, later):
        if part is later:
            publish(ledger, edition_2022())
        for batch in _in_batches(part):
            done = _record(ledger, [_wish(one) for one in batch])
            positions |= {t.number: a.position for t, a in zip(batch, done, strict=True)}
            closed += sum(len(one.written) - 1 for one in done)
            advance(len(positions), total, "")
    for some in _in_batches(diary.amendments):
        _record(ledger, [_amending(one, positions[one.number]) for one in some])
    for batch in _in_batches(recent):
        _record(ledger, [_wish(one) for one in batch])
    advance(total, total, "")
    kinds = Counter(one.fact.kind for one in (*told, *recent))
    kinds.update("fact.voided.v1" if a.void else "fact.corrected.v1" for a in diary.amendments)
    kinds["policy.published.v1"] = 2
    kinds[AccountClosed.kind] += closed
    return kinds


def _recent(ledger: Ledger, people: int, seed: int) -> list[Told]:
    today = date_of(day_of(ledger.clock.now()))
    diary = Diary(seed, today)
    lately(diary, people, today)
    return diary.in_order()


def _refuse_what_is_not_ours(ledger: Ledger) -> None:
    head = ledger.recorder.head()
    if head.position > 1:
        raise Misuse(
            "this ledger holds facts already, and made-up people do not belong among real ones:"
            " name another folder with --home and run `probant init` there"
        )
    (published,) = ledger.book(head.epoch).entries
    if published.edition.pol != load_edition(shipped_bytes(), "the shipped edition").pol:
        raise Misuse(
            "the demo company follows SoftSystem's policy: run `probant init` without --policy"
        )


def _record(ledger: Ledger, wishes: Sequence[Command]) -> list[Accepted]:
    accepted = []
    for outcome in record_many(ledger, wishes):
        if isinstance(outcome, Refusal):
            raise BadData(f"the demo company was refused: {outcome.detail}")
        accepted.append(outcome)
    return accepted


def _wish(told: Told) -> Record:
    person = Reference(KIND_OF_REFERENCE, told.person) if told.person else None
    return Record(told.fact, person=person, stream=told.stream)


def _amending(how: Amendment, position: int) -> Command:
    if how.void:
        return Void(position, reason=how.reason)
    return Correct(position, how.changes or {}, occurred=how.occurred, reason=how.reason)


def _in_batches(items: Sequence[Any]) -> Sequence[Any]:
    return [items[i : i + BATCH] for i in range(0, len(items), BATCH)]
