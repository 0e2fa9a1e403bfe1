"""What changed between two instants, each with its own knowledge: (D1, R1) and (D2, R2).

Whose choices changed state, and whose classes moved: into the archive, past a term, erased. Counted
by what changed into what, and told one person at a time. Q11 is the case where the two days are one
and only the knowledge differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from ledger.policy.verdicts import ChoiceState, Deadline
from replay.controls.life import Look
from replay.controls.model import History, People, Said, Told
from replay.controls.run import Progress, scene_of
from replay.inspect.model import Answer, Asked, Cell, Counted, Line, Question, together
from replay.inspect.people import chosen, stated, tier

Change = tuple[tuple[Cell, ...], list[int]]
NOTHING = Said("inspect", "nothing")


def changes(
    before: History,
    after: History,
    asked: Asked,
    limit: int,
    progress: Progress = lambda _people: None,
) -> tuple[Answer, Answer]:
    """The changes counted, and the first `limit` of them person by person.

    Both histories must be of one state of the ledger; `after` hands over the people, so that it
    must know no less than `before`.
    """
    found = Changed(Counted(asked.positions), [])
    if after.spread is None:
        found = _changed(after, before, asked, limit, progress)
    else:
        for one in after.spread(partial(share, asked, limit), before):
            found = Changed(*map(together, found, one))
            progress(found.looked_at)
    heads = ("what", "about", "before", "after")
    figures: dict[str, Cell] = {"people": found.people, "differences": found.differences}
    whole = Answer("changes", (*heads, "people", "things"), found.counted.lines(), figures)
    return whole, Answer("changed", ("subject", *heads), tuple(found.lines[:limit]))


class Changed(NamedTuple):
    """What changed of some of the people: counted, and the first lines; how many were looked at,
    and for how many of them what changed."""

    counted: Counted
    lines: list[Line]
    looked_at: int = 0
    people: int = 0
    differences: int = 0


def share(asked: Asked, limit: int, people: People, before: Told) -> Changed:
    """What changed of some of the people."""
    return _changed(people, before, asked, limit, lambda _people: None)


def _changed(after: People, before: Told, asked: Asked, limit: int, progress: Progress) -> Changed:
    scenes = scene_of(before)[0], scene_of(after)[0]
    counted, lines = Counted(asked.positions), list[Line]()
    number = people = total = 0
    naming = Question(asked)
    for number, life in enumerate(after.lives(), 1):
        old, new = (Look(life, scene) for scene in scenes)
        found = [*_choices(old, new), *_tiers(old, new)]
        people += bool(found)
        for cells, on in found:
            total += 1
            counted.add(cells, new.subject, on[-1] if on else 0)
            if len(lines) < limit:
                lines.append(naming.line((str(new.subject), *cells), on))
        progress(number)
    return Changed(counted, lines, number, people, total)


def _choices(old: Look, new: Look) -> Iterator[Change]:
    was = {(c.purpose, c.channel): c for c in chosen(old)}
    now = {(c.purpose, c.channel): c for c in chosen(new)}
    for key in sorted(was.keys() | now.keys()):
        one, two = was.get(key), now.get(key)
        if (one and one.state) != (two and two.state):
            about = new.scene.choice(*key)
            said: tuple[Cell, ...] = (Said("inspect", "choice"), about, _said(one), _said(two))
            yield said, [p for c in (one, two) if c for p in c.rests_on]


def _tiers(old: Look, new: Look) -> Iterator[Change]:
    was = {(d.klass, d.scope): d for d, _ in old.fates}
    now = {(d.klass, d.scope): d for d, _ in new.fates}
    for key in sorted(was.keys() | now.keys()):
        one, two = was.get(key), now.get(key)
        before, after = _tier(one), _tier(two)
        if before != after:
            what = Said("inspect", "class"), new.scene.klass(key[0])
            yield (*what, before, after), [p for d in (one, two) if d for p in d.rests_on]


def _said(found: ChoiceState | None) -> Cell:
    return NOTHING if found is None else stated(found)


def _tier(found: Deadline | None) -> Cell:
    return NOTHING if found is None else tier(found)
