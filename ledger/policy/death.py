"""What a death stops, what she left word of, and what her heirs may ask. Pure.

Her rights end with her (LIL art. 84); what she laid down for afterwards counts, and where she laid
nothing down her heirs have two things (LIL art. 85 II): what they need to settle the estate, and
that we take her death into account: close the account, stop, correct. Nothing is advertised to the
dead from the day of the death on, on whatever sign of it, for that harms nobody should it be wrong.
The account is closed once the death is *proved*, or an heir asks: mail that came back is no proof.

The law gives heirs no term. They are answered within the month that everybody is answered in (GDPR
art. 12(3)): a choice of ours, and said to be one. What an heir is entitled to is decided here;
whether somebody is an heir is for whoever reads the act of death. Read next:
`ledger/requests/heirs.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day, Instant, add_days, day_of, is_past, request_due
from ledger.events import (
    AccountClosed,
    AccountOpened,
    ClassErased,
    Died,
    DirectiveRevoked,
    DirectiveSet,
    Fact,
    HeirRequested,
    RecoveredFromQueue,
    RequestClosed,
    RequestFulfilled,
    RequestPartiallyFulfilled,
    RequestQualified,
    RequestReceived,
    RequestRefused,
    RequestWithdrawn,
    Row,
)
from ledger.policy.explain import Language, format_long, resting_on, words
from ledger.projections.joins import ALONE, Joins, last_words

CLAUSE, ARTICLE = "SS-DSR-7", "LIL art. 85"
UNPROVED = "returned_mail"
ESTATE = ("account", "order", "invoice", "contract")
"""What settles an estate: what she owned, owed and was owed. Not what she chose, or wrote to us."""
MEMORIES = ("comment",)
"""What is like a family memory (LIL art. 85 II 1°): what she published under her name."""
LEFT_WORD = ("directive",)
"""What she laid down: whoever may have it carried out may read it (LIL art. 85 I)."""

Why: TypeAlias = Literal["estate", "directive", "forbidden", "death"]
Status: TypeAlias = Literal["none", "closed", "open", "to_close", "overdue"]

_ACCESS: Mapping[str | None, Why] = {
    None: "estate",
    "keep": "estate",  # it says nothing of who may look
    "transmit": "directive",
    "erase": "forbidden",
}
_LEAST = ("erase", "keep", "transmit")  # what hands over least comes first
DIRECTIVES = (DirectiveSet.kind, DirectiveRevoked.kind)
_RIGHTS = (RequestReceived.kind, RequestQualified.kind, RecoveredFromQueue.kind)
_ANSWERS = (RequestFulfilled.kind, RequestPartiallyFulfilled.kind, RequestRefused.kind)
_OVER = (RequestWithdrawn.kind, RequestClosed.kind)
_WISHES = ("access", "closing", "objection", "update")


class May(NamedTuple):
    """What an heir may ask, or may not, and of which classes (none named: of all)."""

    wish: str
    is_allowed: bool
    why: Why
    classes: tuple[str, ...]
    article: str


class Asked(NamedTuple):
    """What an heir asked, the last day to answer, and the fact that answered it (None: nothing
    has); `request`: to see her data is answered as a request of access, and this one, received and
    open, will (None: there is none, receive one)."""

    wish: str
    day: Day
    due: Day
    is_allowed: bool
    position: int
    answered: int | None = None
    answered_on: Day | None = None
    request: int | None = None


@dataclass(frozen=True, slots=True)
class AfterDeath:
    """Where things stand on one day after a death, as known."""

    died: Day
    learnt: Day
    source: str | None  # None: its entry cannot be read any more
    is_proved: bool
    wish: str | None  # of the directive that stood; None when she left none
    may: tuple[May, ...]
    asked: tuple[Asked, ...]
    account: Status
    close_by: Day | None  # the last day to close the account; None when nothing asks for it
    clause: str
    article: str
    rests_on: tuple[int, ...]
    flips_on: Day | None
    would_change: tuple[str, ...]


def proves(source: str) -> bool:
    """Whether this source of a death shows the act of it."""
    return source != UNPROVED


def after_death(
    rows: Sequence[Row], facts: Mapping[int, Fact], as_of: Instant, joins: Joins = ALONE
) -> AfterDeath | None:
    """Where things stand on the day of `as_of`; None while no death that happened by then is known.

    `rows`: her facts that stand, corrections resolved, under all her references (`joins`); `facts`:
    those of her deaths in full, by position.
    """
    heard = sorted((r for r in rows if r.occurred_at <= as_of), key=_when)
    deaths = [row for row in heard if row.kind == Died.kind]
    if not deaths:
        return None
    # A proof comes after the sign, and says an earlier day: mail comes back weeks after a death.
    death = max(reversed(deaths), key=lambda row: _is_proof(facts.get(row.position)))
    today = day_of(as_of)
    directive = directive_of(heard, joins)
    wish = directive.decision if directive else None
    may = tuple(_may(one, wish) for one in _WISHES)
    allowed = {one.wish: one.is_allowed for one in may}
    requests = [row for row in heard if row.kind == HeirRequested.kind]
    fact = facts.get(death.position)
    source, is_proved = _source(fact), _is_proof(fact)
    account, about = _account(heard, joins)
    asked = tuple(
        Asked(
            row.decision or "",
            row.local_day,
            request_due(row.local_day),
            allowed.get(row.decision or "", False),
            row.position,
            answer and answer.position,
            answer and max(answer.local_day, row.local_day),
            None if answer or row.decision != "access" else _open_request(heard),
        )
        for row in requests
        for answer in (_answer(row, heard, death if is_proved else None, account, about),)
    )
    starts = [day_of(death.recorded_at)] if is_proved else []
    starts += [one.day for one in asked if one.wish == "closing"]
    close_by = None
    if account == "open" and starts:  # nobody closes what nobody had heard of
        close_by = request_due(max(min(starts), *(day_of(row.recorded_at) for row in about)))
    if close_by is not None:
        account = "overdue" if is_past(close_by, today) else "to_close"
    resting = [death, *([directive] if directive else []), *requests, *about]
    answers = {one.answered for one in asked if one.answered is not None}
    return AfterDeath(
        died=death.local_day,
        learnt=day_of(death.recorded_at),
        source=source,
        is_proved=is_proved,
        wish=wish,
        may=may,
        asked=asked,
        account=account,
        close_by=close_by,
        clause=CLAUSE,
        article=ARTICLE,
        rests_on=tuple(sorted(answers | {row.position for row in resting})),
        flips_on=add_days(close_by, 1) if close_by and account == "to_close" else None,
        would_change=_would_change(account, is_proved),
    )


def access_of(found: AfterDeath) -> May:
    """What her heirs may see."""
    return next(one for one in found.may if one.wish == "access")


def directive_of(rows: Sequence[Row], joins: Joins = ALONE) -> Row | None:
    """The directive that counts after these facts of one person; None when she left none. Of two
    that she set under two references before they were joined, the one that hands over less."""
    told = last_words((row for row in rows if row.kind in DIRECTIVES), joins)
    stand = [row for row in told if row.kind == DirectiveSet.kind]
    least = (*_LEAST, None)
    return min(reversed(stand), key=lambda row: least.index(row.decision), default=None)


def _may(wish: str, directive: str | None) -> May:
    if wish != "access":
        return May(wish, True, "death", (), "LIL art. 85 II 2°")
    why = _ACCESS[directive]
    left = LEFT_WORD if directive else ()
    classes = (*ESTATE, *MEMORIES, *left) if why == "estate" else ()
    article = "LIL art. 85 II 1°" if why == "estate" else "LIL art. 85 I"
    return May(wish, why != "forbidden", why, classes, article)


def _account(heard: Sequence[Row], joins: Joins) -> tuple[Status, list[Row]]:
    """Whether she had an account that is open under any reference, and the fact that says so: one
    that was erased is closed."""
    kinds = AccountOpened.kind, AccountClosed.kind
    rows = (
        row
        for row in heard
        if row.kind in kinds or (row.kind, row.decision) == (ClassErased.kind, "account")
    )
    told = last_words(rows, joins)
    if not told:
        return "none", []
    opened = [row for row in told if row.kind == AccountOpened.kind]
    return ("open", opened[-1:]) if opened else ("closed", told[-1:])


def _answer(
    asked: Row, heard: Sequence[Row], proof: Row | None, account: Status, about: Sequence[Row]
) -> Row | None:
    """The fact that answered an heir; none while nothing has. An objection is heard as it is made;
    the account is closed, and the death is written down, by a fact of its own; to see her data is
    a request of access like any other, and answered as one (decision 0058)."""
    match asked.decision:
        case "objection":
            return asked
        case "closing" if account == "none":
            return asked
        case "closing":
            return about[0] if account == "closed" else None
        case "update":
            return proof
    rights = {row.stream: row.decision for row in heard if row.kind in _RIGHTS}
    answers = (
        row
        for row in heard
        if row.kind in _ANSWERS
        and row.occurred_at >= asked.occurred_at
        and rights.get(row.stream) in ("access", "portability")
    )
    return next(answers, None)


def _open_request(heard: Sequence[Row]) -> int | None:
    """Where a request to see her data stands that nobody has answered."""
    rights = {row.stream: row.decision for row in heard if row.kind in _RIGHTS}
    over = {row.stream for row in heard if row.kind in (*_ANSWERS, *_OVER)}
    received = (row for row in heard if row.kind == RequestReceived.kind)
    seen = (
        row.position
        for row in received
        if row.stream not in over and rights[row.stream] in ("access", "portability")
    )
    return next(seen, None)


def _would_change(account: Status, is_proved: bool) -> tuple[str, ...]:
    kinds = ["fact.voided.v1", HeirRequested.kind]
    if account in ("open", "to_close", "overdue"):
        kinds.append(AccountClosed.kind)
    return (*kinds, *(() if is_proved else (Died.kind,)))


def _source(fact: Fact | None) -> str | None:
    return fact.source if isinstance(fact, Died) else None


def _is_proof(fact: Fact | None) -> bool:
    """One that cannot be read any more is taken for a proof."""
    source = _source(fact)
    return source is None or proves(source)


def _when(row: Row) -> tuple[Instant, int]:
    return row.occurred_at, row.position


# --- in words -------------------------------------------------------------------------------------


def explain(found: AfterDeath, lang: Language = "fr") -> list[str]:
    """The death, what it stopped, what she laid down, and what heirs may ask: short lines."""
    vocabulary = words(lang)
    say = vocabulary["death"]

    def day(one: Day) -> str:
        return format_long(one, lang)

    lines = [
        say["died"].format(died=day(found.died), learnt=day(found.learnt)),
        say[f"source_{found.source}"] if found.source else say["source_unread"],
        say["marketing"].format(died=day(found.died)),
        say[f"account_{found.account}"].format(due=day(found.close_by or found.died)),
        say[f"wish_{found.wish}"] if found.wish else say["wish_none"],
    ]
    if found.close_by is not None:
        lines.append(say["choice"])
    for one in found.may:
        text = say[f"may_{one.wish}_{one.why}"]
        lines.append(say["article"].format(text=text, article=one.article))
    for asked in found.asked:
        key = "asked" if asked.is_allowed else "asked_in_vain"
        key = key if asked.answered is None else "asked_and_answered"
        told = {"day": day(asked.day), "due": day(asked.due)}
        told["answered"] = day(asked.answered_on or asked.day)
        lines.append(say[key].format(what=say[f"heir_{asked.wish}"], **told))
        if asked.wish == "access" and asked.answered is None:
            key = "no_letter" if asked.request is None else "letter"
            lines.append(say[key].format(position=asked.request, **told))
    lines.append(resting_on(found.rests_on, lang))
    if found.flips_on is not None:
        lines.append(vocabulary["sentence"]["flips_on"].format(day=day(found.flips_on)))
    return lines
