"""Props for the policy stories: a person's state from a few facts, and editions with a change."""

from __future__ import annotations

import re
from typing import NamedTuple

from ledger import calendar as cal
from ledger.policy.book import Book, shipped, shipped_bytes
from ledger.policy.loader import load_edition
from ledger.policy.model import Edition
from ledger.policy.verdicts import Deadline
from ledger.projections.model import (
    EMPTY_CONTRACT,
    ActivityKey,
    Contract,
    Notified,
    Span,
    SubjectState,
)

FIRST = 20181120
BOOK = Book().with_edition(shipped(), 1)


class Did(NamedTuple):
    """One fact: `Did("order.placed", 20180105, 7)`."""

    kind: str
    day: int
    position: int
    klass: str | None = None
    scope: str = ""
    edition: int = FIRST


def state(
    *facts: Did,
    contracts: dict[str, Contract] | None = None,
    notified: Notified | None = None,
) -> SubjectState:
    """What a projection would hold after these facts."""
    activity: dict[ActivityKey, Span] = {}
    for fact in facts:
        kind = f"{fact.kind}.v1"
        klass = fact.klass or shipped_home(kind)
        key = ActivityKey(klass, fact.scope, kind, fact.edition)
        span = Span(fact.day, fact.position, fact.day, fact.position, 1)
        activity[key] = activity[key].merge(span) if key in activity else span
    return SubjectState(activity, contracts or {}, {}, notified, {})


def shipped_home(kind: str) -> str:
    return BOOK.entries[0].edition.homes_of(kind)[-1]


def contract(
    start: int | None,
    until: int | None = None,
    *,
    type: str | None = "maintenance",
    tacit: bool | None = None,
    ended: int | None = None,
    position: int = 50,
    edition: int = FIRST,
) -> Contract:
    """A contract's interval: started at `position`, ended at the position after."""
    if start is None:
        return EMPTY_CONTRACT
    return Contract(
        type=type,
        tacit=tacit,
        from_day=start,
        from_position=position,
        planned_day=until,
        planned_at=cal.start_of(start),
        planned_position=position,
        planned_edition=edition,
        ended_day=ended,
        ended_position=position + 1 if ended else None,
        ended_edition=edition if ended else None,
    )


def edition(
    effective: str, months: dict[str, int] | None = None, replace: dict[str, str] | None = None
) -> Edition:
    """The shipped edition, taking effect on another day, with other months for some classes."""
    return load_edition(toml(effective, months, replace), "variant.toml")


def toml(
    effective: str, months: dict[str, int] | None = None, replace: dict[str, str] | None = None
) -> bytes:
    """The file of such an edition."""
    text = (
        shipped_bytes()
        .decode()
        .replace("effective_from = 2018-11-20", f"effective_from = {effective}")
    )
    text = text.replace("softsystem-2018-11-20", f"softsystem-{effective}")
    for name, number in (months or {}).items():
        pattern = rf'(name = "{name}"\n.*?\noperational_months = )\d+'
        text, changed = re.subn(pattern, rf"\g<1>{number}", text, count=1, flags=re.DOTALL)
        assert changed == 1, name
    for old, new in (replace or {}).items():
        assert old in text, old
        text = text.replace(old, new, 1)
    return text.encode()


def on(day: str) -> int:
    """The end of that day, as `as_of` means it."""
    return cal.parse_as_of(day)


def only(found: list[Deadline], klass: str, scope: str = "") -> Deadline:
    """The one deadline of that class and scope."""
    (one,) = [d for d in found if d.klass == klass and d.scope == scope]
    return one
