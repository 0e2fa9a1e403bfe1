"""What changed between two instants, each with its own knowledge: (D1, R1) and (D2, R2).

Whose choices changed state, and whose classes moved: into the archive, past a term, erased. Counted
by what changed into what, and told one person at a time. Q11 is the case where the two days are one
and only the knowledge differs.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.policy.verdicts import ChoiceState, Deadline
from replay.controls.life import Look
from replay.controls.model import History, Said
from replay.controls.run import Progress
from replay.controls.scene import Scene
from replay.inspect.model import Answer, Asked, Cell, Counted, Line, Question
from replay.inspect.people import chosen, tier

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
    scenes = _scene(before), _scene(after)
    counted, people, total = Counted(asked.positions), 0, 0
    lines: list[Line] = []
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
    heads = ("what", "about", "before", "after")
    figures: dict[str, Cell] = {"people": people, "differences": total}
    whole = Answer("changes", (*heads, "people", "things"), counted.lines(), figures)
    return whole, Answer("changed", ("subject", *heads), tuple(lines))


def _scene(history: History) -> Scene:
    scene = Scene(history.book, history.joined, history.as_of, history.known)
    for event in history.company():
        scene.hear(event)
    return scene


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
    return NOTHING if found is None else Said("state", found.state)


def _tier(found: Deadline | None) -> Cell:
    return NOTHING if found is None else tier(found)
