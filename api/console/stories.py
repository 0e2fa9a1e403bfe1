"""A person's timeline as it is read: by year, each fact with its day, and what amended it."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple
from uuid import UUID

from api.answers import Times
from api.console.naming import class_labels
from api.console.visiting import Visit
from api.timeline import timeline_answer

LIMIT = 100


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
    after: int
    next: int | None
    position: int


def story_of(visit: Visit, subject: UUID, times: Times, after: int = 0) -> Story:
    """At most a hundred facts after a position. Raises NotFound for somebody nobody knows."""
    answer = timeline_answer(visit.ledger, subject, times, after, LIMIT)
    labels = class_labels(visit)
    moments = [_moment(item, labels) for item in answer["items"]]
    years = [(year, list(some)) for year, some in groupby(moments, lambda one: one.day[:4])]
    return Story(years, after, answer["next"], answer["position"])


def _moment(item: dict[str, Any], labels: dict[str, str]) -> Moment:
    day = item["occurred"][:10]
    return Moment(
        item["position"],
        item["kind"],
        day,
        item["recorded_at"],
        item["recorded_at"][:10] > day,
        item["actor"],
        labels.get(item["class"] or "", ""),
        [(key, said_in_a_line(value)) for key, value in item["data"].items()],
        [(labels.get(name, name), state) for name, state in item["personal"].items()],
        item["stands"],
        item.get("amends"),
        item.get("amended_by", []),
    )


def said_in_a_line(value: Any) -> str:
    """A clear field in a line: codes, days, numbers, amounts."""
    if isinstance(value, dict):
        if set(value) == {"minor", "currency"}:
            return f"{value['minor'] / 100:.2f} {value['currency']}"
        return ", ".join(f"{key} {said_in_a_line(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(map(said_in_a_line, value))
    return str(value)
