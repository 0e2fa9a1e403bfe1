"""Entity tags: whoever asked before asks "has anything changed?" and is told "no" in a word.

The tag of an answer about one person (or one of her requests) is made of the last position known
of her (of it), the epoch of the ledger (editions, keys), the version of the program and, when the
question says no time, the day in Paris: terms end on days. It is weak: the answer also says at
which moment and position of the log it was given, and those move on. Nothing of it is personal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib.metadata import version
from uuid import UUID

from api.answers import Times
from ledger.application import Ledger
from ledger.calendar import day_of
from ledger.errors import NotFound
from ledger.store import reader, requests, timeline
from ledger.store.recorder import read_head

_TAG = re.compile(r'(?:W/)?"([^"]*)"')


def tag_of(ledger: Ledger, subject: UUID, times: Times, lang: str = "") -> str | None:
    """The tag of an answer about this person; None while one of her facts is ahead of our clock.

    Raises NotFound for somebody this ledger never knew.
    """
    now = ledger.clock.now()
    with ledger.database.read() as connection:
        epoch = read_head(connection).epoch
        known = reader.position_at(connection, times.known_at)
    # What she says under one reference changes what is answered about another.
    people = ledger.joins(epoch, known).family(subject)
    with ledger.database.read() as connection:
        extent = timeline.extent(connection, people, known)
    if extent is None:
        raise NotFound("this ledger knows no such subject")
    if times.as_of is None and extent.occurred_at > now:
        return None  # it will happen within minutes, and no position will move then
    return _tag(extent.position, epoch, 0 if times.as_of else day_of(now), lang)


def tag_of_request(ledger: Ledger, stream: UUID, times: Times, lang: str = "") -> str:
    """The tag of an answer about one rights request. Raises NotFound for one nobody knows."""
    with ledger.database.read() as connection:
        epoch = read_head(connection).epoch
        known = reader.position_at(connection, times.known_at)
        steps = requests.steps(connection, [stream], known)[stream]
    if not steps:
        raise NotFound("this ledger knows no such request")
    last = max(step.position for step in steps)
    return _tag(last, epoch, 0 if times.as_of else day_of(ledger.clock.now()), lang)


def _tag(position: int, epoch: int, day: int, lang: str) -> str:
    return f'W/"{position}.{epoch}.{day}.{lang}.{version("probant")}"'


def is_current(tag: str | None, headers: Sequence[str]) -> bool:
    """Whether If-Match names a tag of what is known now, or any (`*`). Compared by position and
    epoch alone: the day, the language and the program change how she is told of, not what is."""
    named = ",".join(headers)
    if named.strip() == "*":
        return True
    stated = {tuple(one.split(".")[:2]) for one in _TAG.findall(named)}
    return tag is not None and tuple(tag.removeprefix("W/")[1:-1].split(".")[:2]) in stated


def is_known(tag: str, headers: Sequence[str]) -> bool:
    """Whether If-None-Match names this tag (or any, `*`), compared weakly."""
    named = ",".join(headers)
    return named.strip() == "*" or tag.removeprefix("W/")[1:-1] in _TAG.findall(named)
