"""Where a request stands, on two clocks, and what would change it. Pure.

However it came, by e-mail, by a form or by post (SS-CH-2, SS-CH-3), the clocks are the same.

The *strict* clock never stops: one month from reception (GDPR art. 12(3)), three when extended in
time, counted by Regulation 1182/71 with the French holidays. It alone says what is overdue. The
*suspended* clock stands still between an identity question and its answer, as the French decree has
it (D. 2019-536 art. 77); the EDPB is less generous (Guidelines 01/2022), so it is shown, not
relied on. Beside both stands what the edition in force at reception promises (`answer_months`; two
months as SoftSystem published it, SS-DSR-10): where it is longer than the law allows it is shown,
never obeyed, and an edition that says nothing promises nothing.

Reminders fall seven and two days before the strict end. The state machine is
`ledger/aggregates/rights_request.py`; here only facts that stand and days are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Literal, NamedTuple, TypeAlias
from uuid import UUID

from ledger.calendar import (
    Day,
    Instant,
    add_days,
    add_months,
    date_of,
    day_of,
    is_past,
    request_due,
    working_day_from,
)
from ledger.events import (
    Fact,
    IdentityAsked,
    IdentityConfirmed,
    RecipientsNotified,
    RecoveredFromQueue,
    RequestAcknowledged,
    RequestClosed,
    RequestExtended,
    RequestFulfilled,
    RequestPartiallyFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
)
from ledger.policy.book import Book
from ledger.policy.explain import Language, article, either, format_long, resting_on, words
from ledger.policy.model import Edition

Status: TypeAlias = Literal[
    "on_track", "due_soon", "overdue", "answered_in_time", "answered_late", "withdrawn"
]
STATUSES: tuple[Status, ...] = (
    *("on_track", "due_soon", "overdue"),
    *("answered_in_time", "answered_late", "withdrawn"),
)
OPEN: tuple[Status, ...] = ("on_track", "due_soon", "overdue")

MONTHS, EXTENDED_MONTHS = 1, 3  # GDPR art. 12(3): one month, and two more
REMINDERS = (7, 2)  # days before the strict end
CLAUSE, ARTICLE = "SS-DSR-10", "GDPR art. 12(3)"

RIGHTS_OF: Mapping[str, tuple[str, str]] = {
    "access": ("SS-DSR-1", "GDPR art. 15"),
    "rectification": ("SS-DSR-2", "GDPR art. 16, 19"),
    "erasure": ("SS-DSR-3", "GDPR art. 17, 19"),
    "objection": ("SS-DSR-4", "GDPR art. 21"),
    "restriction": ("SS-DSR-5", "GDPR art. 18, 19"),
    "portability": ("SS-DSR-6", "GDPR art. 20"),
    "directive": ("SS-DSR-7", "LIL art. 85"),
    "card_removal": ("SS-CARD-4", "GDPR art. 7(3), 17"),
    "complaint": ("SS-DSR-11", "GDPR art. 77"),
}
"""Each right: the clause that promises it, the article that gives it."""

GROUND_ARTICLES: Mapping[str, str] = {
    "identity_required": "GDPR art. 12(6)",
    "identity_failure": "GDPR art. 12(2)",
    "excessive": "GDPR art. 12(5)",
    "unfounded": "GDPR art. 12(5)",
    "legal_obligation": "GDPR art. 17(3)(b)",
    "legal_claims": "GDPR art. 17(3)(e)",
    "expression": "GDPR art. 17(3)(a)",
    "public_interest": "GDPR art. 17(3)(c)",
    "research": "GDPR art. 17(3)(d)",
    "still_necessary": "GDPR art. 17(1)(a)",
    "compelling_grounds": "GDPR art. 21(1)",
    "others_rights": "GDPR art. 15(4)",
    "basis_not_covered": "GDPR art. 20(1)",
    "accurate": "GDPR art. 16",
}
"""The closed list of grounds, each with the article that must be cited to her."""

_STATES: tuple[tuple[type[Fact], str], ...] = (
    (RequestClosed, "closed"),
    (RecipientsNotified, "recipients_notified"),
    (RequestFulfilled, "fulfilled"),
    (RequestPartiallyFulfilled, "partially_fulfilled"),
    (RequestRefused, "refused"),
    (RequestWithdrawn, "withdrawn"),
)
_OPEN_STATES: Mapping[type[Fact], str] = {
    RequestReceived: "received",
    RequestAcknowledged: "acknowledged",
    IdentityAsked: "identity_asked",
    IdentityConfirmed: "identity_confirmed",
    RequestQualified: "qualified",
    RecoveredFromQueue: "qualified",
    RequestExtended: "extended",
}
STATES = tuple(dict.fromkeys([*_OPEN_STATES.values(), *(state for _, state in _STATES)]))


class Told(NamedTuple):
    """One fact of a request that stands, as corrected: where, when recorded, what."""

    position: int
    recorded_at: Instant
    fact: Fact


class Promised(NamedTuple):
    """The months within which the policy promises an answer, and the clause that does."""

    months: int
    clause: str


Promise: TypeAlias = Callable[[Day], Promised | None]
"""What the policy promised to whoever asked on a day."""


def no_promise(_day: Day) -> None:
    """Where it matters only what the law says."""


class Request(NamedTuple):
    """One request on one day: its state, its two clocks, and what they rest on."""

    stream: UUID
    subject: UUID | None
    right: str
    channel: str
    purpose: str | None
    state: str  # one of STATES
    status: Status  # by the strict clock
    received: Day
    due: Day  # strict
    due_suspended: Day | None  # None: it stands still, identity is in doubt
    promise: Promised | None  # of the edition in force when it was received
    extended: bool
    answered: Day | None
    grounds: tuple[str, ...]  # of a refusal, whole or in part
    reminders: tuple[Day, ...]
    clause: str
    article: str
    rests_on: tuple[int, ...]
    flips_on: Day | None  # the next day on which the status changes by calendar alone
    would_change: tuple[str, ...]
    flags: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether an answer is still owed."""
        return self.status in OPEN

    @property
    def promised(self) -> Day | None:
        """The last day by which the policy promised an answer; None when it promised none."""
        return None if self.promise is None else add_months(self.received, self.promise.months)


def promise_of(book: Book, known: int | None) -> Promise:
    """What was promised to whoever asked on a day: by the edition in force then, as known at a
    position (None: all). None before the first edition took effect, and where it says nothing."""

    newest_first = book.known(known)[::-1]

    def promised(day: Day) -> Promised | None:
        edition = next((one for one in newest_first if one.effective_from <= day), None)
        return None if edition is None else _promised(edition)

    return promised


@lru_cache(maxsize=64)
def _promised(edition: Edition) -> Promised | None:
    for said in edition.statements:
        if said.topic == "answer_months" and isinstance(said.value, int) and said.value:
            return Promised(said.value, said.clause)
    return None


def judged(
    stream: UUID, subject: UUID | None, told: Sequence[Told], as_of: Instant, promise: Promise
) -> Request | None:
    """Where a request stands on the day of `as_of`; None when it had not been received by then.

    `told`: its facts that stand, in the order of the stream, those of later days among them;
    `promise`: what the policy promised to whoever asked on a day (`promise_of`).
    """
    heard = [one for one in told if one.fact.occurred.at <= as_of]
    last: Last = {type(one.fact): one for one in heard}
    received = last.get(RequestReceived)
    if received is None:
        return None
    first = received.fact
    assert isinstance(first, RequestReceived)
    today, day = day_of(as_of), first.occurred.day
    extension = last.get(RequestExtended)
    months = MONTHS if extension is None else EXTENDED_MONTHS
    due = request_due(day, months)
    answer = _latest(last, _ANSWERS)
    read = _latest(last, (RequestQualified, RecoveredFromQueue))
    right, purpose = _meant(first, read)
    status = _status(answer, due, today)
    reminders = tuple(add_days(due, -days) for days in REMINDERS)
    clause, article = RIGHTS_OF[right]
    resting = (received, read, extension, answer, *_doubt(last))
    return Request(
        stream=stream,
        subject=subject,
        right=right,
        channel=first.channel,
        purpose=purpose,
        state=_state(last, heard[-1]),
        status=status,
        received=day,
        due=due,
        due_suspended=_suspended(day, months, last),
        promise=promise(day),
        extended=extension is not None,
        answered=answer.fact.occurred.day if answer else None,
        grounds=tuple(getattr(answer.fact, "grounds", ())) if answer else (),
        reminders=reminders,
        clause=clause,
        article=article,
        rests_on=tuple(sorted({one.position for one in resting if one})),
        flips_on=_flips_on(status, due, reminders, today),
        would_change=_would_change(status, right, last, day, today),
        flags=_flags(day, extension),
    )


Last: TypeAlias = Mapping[type[Fact], Told]
"""The last fact of each kind."""
_ANSWERS = (RequestFulfilled, RequestPartiallyFulfilled, RequestRefused, RequestWithdrawn)


def _latest(last: Last, kinds: Iterable[type[Fact]]) -> Told | None:
    """Of several kinds: a stream grows with the log."""
    found = [last[kind] for kind in kinds if kind in last]
    return max(found, key=lambda one: one.position, default=None)


def _doubt(last: Last) -> tuple[Told | None, Told | None]:
    """The identity question and its answer."""
    return last.get(IdentityAsked), last.get(IdentityConfirmed)


def _meant(first: RequestReceived, read: Told | None) -> tuple[str, str | None]:
    """The right and the purpose, as received or as somebody who read it says."""
    if read is None:
        return first.right, first.purpose
    fact = read.fact
    assert isinstance(fact, RequestQualified | RecoveredFromQueue)
    return fact.right, fact.purpose or (first.purpose if fact.right == first.right else None)


def _state(last: Last, newest: Told) -> str:
    """The furthest point reached: an answer wins over any question."""
    for kind, state in _STATES:
        if kind in last:
            return state
    return _OPEN_STATES[type(newest.fact)]


def _status(answer: Told | None, due: Day, today: Day) -> Status:
    if answer is not None:
        if isinstance(answer.fact, RequestWithdrawn):
            return "withdrawn"
        return "answered_late" if is_past(due, answer.fact.occurred.day) else "answered_in_time"
    if is_past(due, today):
        return "overdue"
    return "due_soon" if today >= add_days(due, -REMINDERS[0]) else "on_track"


def _suspended(received: Day, months: int, last: Last) -> Day | None:
    """The end of the clock that stands still while identity is in doubt."""
    asked, confirmed = _doubt(last)
    if asked is None:
        return request_due(received, months)
    if confirmed is None:
        return None
    stood = date_of(confirmed.fact.occurred.day) - date_of(asked.fact.occurred.day)
    return working_day_from(add_days(add_months(received, months), max(stood.days, 0)))


def _flips_on(status: Status, due: Day, reminders: Sequence[Day], today: Day) -> Day | None:
    if status not in OPEN:
        return None
    coming = [*reminders, add_days(due, 1)]
    return next((day for day in coming if day > today), None)


def _would_change(
    status: Status, right: str, last: Last, received: Day, today: Day
) -> tuple[str, ...]:
    """The smallest facts that would change the answer. A complaint is answered, never refused."""
    if status not in OPEN:
        return ("fact.corrected.v1",)
    refused = () if right == "complaint" else (RequestRefused.kind,)
    asked, confirmed = _doubt(last)
    if asked is not None and confirmed is None:
        return (IdentityConfirmed.kind, *refused, RequestWithdrawn.kind)
    partly = (RequestPartiallyFulfilled.kind,) if refused else ()
    kinds = [RequestFulfilled.kind, *partly, *refused]
    in_month_one = not is_past(request_due(received), today)
    if in_month_one and RequestExtended not in last:
        kinds.append(RequestExtended.kind)
    return (*kinds, RequestWithdrawn.kind)


def _flags(received: Day, extension: Told | None) -> tuple[str, ...]:
    """What weakens the proof: an extension that was written down when its month was over."""
    late = extension is not None and is_past(request_due(received), day_of(extension.recorded_at))
    return ("extension_recorded_late",) if late else ()


# --- in words -------------------------------------------------------------------------------------


def explain(found: Request, lang: Language = "fr") -> list[str]:
    """The status, both clocks, the promise, and what would change it: short lines."""
    vocabulary = words(lang)
    say = vocabulary["request"]
    lines = [
        _stands(found.status, found.right, found.due, found.answered, lang),
        _received(found.received, found.channel, found.state, lang),
        *_clocks(found.due, found.due_suspended, extended=found.extended, lang=lang),
    ]
    if found.promise is not None and found.promised is not None:
        lines.append(_promise(found.promised, *found.promise, lang))
    lines += [_rule(found.clause, found.article, lang), *_grounds(found.grounds, lang)]
    lines += [vocabulary["request_flag"][flag] for flag in found.flags]
    lines.append(resting_on(found.rests_on, lang))
    if found.flips_on is not None:
        lines.append(say["flips_on"].format(day=format_long(found.flips_on, lang)))
    return [*lines, _changes(found.would_change, lang)]


# What is said of codes and days is remembered; what is said of facts, never.


@lru_cache(maxsize=8192)
def _stands(status: str, right: str, due: Day, answered: Day | None, lang: Language) -> str:
    return words(lang)["request"][status].format(
        right=words(lang)["right"][right],
        due=format_long(due, lang),
        answered=format_long(answered or due, lang),
    )


@lru_cache(maxsize=8192)
def _received(received: Day, channel: str, state: str, lang: Language) -> str:
    return words(lang)["request"]["received"].format(
        day=format_long(received, lang),
        channel=words(lang)["request_channel"][channel],
        state=words(lang)["request_state"][state],
    )


@lru_cache(maxsize=8192)
def _clocks(due: Day, suspended: Day | None, *, extended: bool, lang: Language) -> tuple[str, str]:
    say = words(lang)["request"]
    first = say["strict_extended" if extended else "strict"].format(due=format_long(due, lang))
    if suspended is None:
        return first, say["suspended_stands"]
    if suspended == due:
        return first, say["suspended_same"]
    return first, say["suspended"].format(due=format_long(suspended, lang))


@lru_cache(maxsize=8192)
def _promise(promised: Day, months: int, clause: str, lang: Language) -> str:
    said = {"promised": format_long(promised, lang), "months": months, "clause": clause}
    return words(lang)["request"]["promised"].format(**said)


@lru_cache(maxsize=256)
def _rule(clause: str, cited: str, lang: Language) -> str:
    return words(lang)["request"]["rule"].format(clause=clause, article=article(cited, lang))


@lru_cache(maxsize=256)
def _grounds(grounds: tuple[str, ...], lang: Language) -> tuple[str, ...]:
    say, called = words(lang)["request"]["ground"], words(lang)["request_ground"]
    articles = {ground: article(GROUND_ARTICLES[ground], lang) for ground in grounds}
    return tuple(say.format(ground=called[one], article=articles[one]) for one in grounds)


@lru_cache(maxsize=256)
def _changes(would_change: tuple[str, ...], lang: Language) -> str:
    return words(lang)["request"]["would_change"].format(kinds=either(would_change, lang))
