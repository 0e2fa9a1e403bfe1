"""A person's timeline as it is read: by year, each fact with its day, and what amended it."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from api.answers import Times
from api.console.naming import Names, edition_of, names
from api.console.stating import stated
from api.console.visiting import Visit
from api.timeline import timeline_answer
from ledger.calendar import Day
from ledger.projections.model import SubjectState

LIMIT, LAST = 100, 5  # facts of one page of the story; those that are told without it


class Moment(NamedTuple):
    """One fact as a line of the story. `clear`: its clear fields; `personal`: of each sealed part,
    its label and whether it is there."""

    position: int
    kind: str
    day: str
    recorded: str
    is_late: bool  # recorded on a later day than it happened
    actor: str
    label: str
    clear: list[tuple[str, str]]
    personal: list[tuple[str, str]]
    stands: str
    amends: int | None
    amended_by: list[int]


class Story(NamedTuple):
    """Some of the facts, by year, and where the next ones begin (None: that was the last)."""

    years: list[tuple[str, list[Moment]]]
    next: int | None


class Last(NamedTuple):
    """One of the last facts: what, when, and where all of it is told."""

    position: int
    kind: str
    day: Day


def last_of(state: SubjectState) -> list[Last]:
    """The last facts that her state rests on, the last one of each sort, in the order in which they
    were recorded."""
    found = {span.last_position: (key.kind, span.last_day) for key, span in state.activity.items()}
    return [Last(position, *found[position]) for position in sorted(found)[-LAST:]]


def story_of(visit: Visit, subject: UUID, times: Times, after: int) -> Story:
    """At most a hundred facts after a position. Raises NotFound for somebody nobody knows."""
    answer = timeline_answer(visit.ledger, subject, times, after, LIMIT)
    called = names(visit, edition_of(visit))
    moments = [_moment(item, called, visit) for item in answer["items"]]
    years = [(year, list(some)) for year, some in groupby(moments, lambda one: one.day[:4])]
    return Story(years, answer["next"])


def _moment(item: dict[str, Any], called: Names, visit: Visit) -> Moment:
    labels = called["class"]
    day = item["occurred"][:10]
    return Moment(
        item["position"],
        item["kind"],
        day,
        item["recorded_at"],
        item["recorded_at"][:10] > day,
        item["actor"],
        labels.get(item["class"] or "", ""),
        stated(item["kind"], item["data"], called, visit.say),
        [(labels.get(name, name), state) for name, state in item["personal"].items()],
        item["stands"],
        item.get("amends"),
        item.get("amended_by", []),
    )
