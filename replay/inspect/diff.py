"""What changed between two instants, each with its own knowledge: (D1, R1) and (D2, R2).

Whose choices changed state, and whose classes moved: into the archive, past a term, erased. Counted
by what changed into what, and told one person at a time. Q11 is the case where the two days are one
and only the knowledge differs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ledger.errors import BadData
from ledger.policy.holds import Fate
from ledger.policy.verdicts import ChoiceState, Deadline
from replay.controls.at_once import AtOnce, Moved
from replay.controls.carding import sorted_out
from replay.controls.life import Look
from replay.controls.model import NOBODY, History, Life, People, Said, Told, is_concerned
from replay.controls.run import CONTRADICTED, Progress, scene_of
from replay.controls.scene import Scene
from replay.inspect.model import Answer, Asked, Cell, Counted, Line, Question, together
from replay.inspect.people import chosen, of_place, of_state, stated, tier

Change = tuple[tuple[Cell, ...], list[int]]
Fates: TypeAlias = list[tuple[Deadline, Fate]]
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
    if after.at_once is not None and before.at_once is not None:
        scenes = _scene(before), _scene(after)
        found = _at_once(after.at_once, before.at_once, scenes, asked, limit, progress)
    elif after.spread is None:
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
    scenes = _scene(before), _scene(after)
    return _of(after.lives(), partial(_moves, scenes), asked, limit, progress)


def _of(
    lives: Iterable[Life],
    moves: Callable[[Life], Iterable[Change]],
    asked: Asked,
    limit: int,
    progress: Progress,
) -> Changed:
    counted, lines = Counted(asked.positions), list[Line]()
    number = people = total = 0
    naming = Question(asked)
    for number, life in enumerate(lives, 1):
        found = list(moves(life))
        people += bool(found)
        for cells, on in found:
            total += 1
            counted.add(cells, life.subject, on[-1] if on else 0)
            if len(lines) < limit:
                lines.append(naming.line((str(life.subject), *cells), on))
        progress(number)
    return Changed(counted, lines, number, people, total)


def _scene(of: Told) -> Scene:
    return scene_of(of, hears=NOBODY)[0]


def _moves(scenes: tuple[Scene, Scene], life: Life) -> Iterator[Change]:
    old, new = (Look(life, scene) for scene in scenes)
    yield from _choices(old, new)
    yield from _tiers(old.fates, new.fates, scenes[1])


def _moves_of_cards(scenes: tuple[Scene, Scene], life: Life) -> Iterator[Change]:
    old, new = (Look(life, scene) for scene in scenes)
    return _tiers(old.fates_of_cards, new.fates_of_cards, scenes[1])


# --- everybody at once ----------------------------------------------------------------------------


def _at_once(
    everybody: AtOnce,
    before: AtOnce,
    scenes: tuple[Scene, Scene],
    asked: Asked,
    limit: int,
    progress: Progress,
) -> Changed:
    """The same where everybody can be asked at once: what of most people moved is counted. Read are
    those apart, but of most only their cards; and of the others the first of all and of each line.
    """
    apart, cards = everybody.apart_of(before), list[str]()
    for some, scene in zip((before, everybody), scenes, strict=True):
        apart = sorted_out(some, apart, scene)
        cards.append(some.cards_by_place(apart))
    met = set[UUID]()

    def moves_apart(life: Life) -> Iterator[Change]:
        moves = _moves if is_concerned(life, NOBODY) else _moves_of_cards
        for change in moves(scenes, life):
            met.add(life.subject)
            yield change

    found = _of(everybody.lives(apart), moves_apart, asked, limit, progress)
    people, things, first = found.people, found.differences, list[UUID]()
    lines: dict[tuple[Cell, ...], tuple[int, int, list[UUID]]] = {}
    of = apart, (cards[0], cards[1]), everybody.of(met), asked.positions, max(limit, 1)
    for moves in everybody.moved(before, *of):
        people, things = people + moves.people, things + moves.things
        first += moves.first[: max(limit - len(first), 0)]
        for one in moves.lines:
            cells = _cells(one, scenes[1])
            several, n, whose = lines.get(cells, (0, 0, []))
            whose = sorted({*whose, *one.whose})[: asked.positions]
            lines[cells] = several + one.people, n + one.things, whose
    named = {*first, *(who for _, _, whose in lines.values() for who in whose)}
    told = [line for line in found.lines if UUID(str(line.cells[0])) not in named]
    on = dict[tuple[tuple[Cell, ...], UUID], list[int]]()
    for number, life in enumerate(everybody.lives(everybody.of(named)), found.looked_at + 1):
        for cells, rests_on in _moves(scenes, life):
            on.setdefault((cells, life.subject), []).append(rests_on[-1] if rests_on else 0)
            told.append(Question(asked).line((str(life.subject), *cells), rests_on))
        progress(number)
    for cells, (number, n, whose) in lines.items():
        if any((cells, who) not in on for who in whose):
            raise BadData(CONTRADICTED)
        each = [(who, position) for who in whose for position in on[cells, who]]
        found.counted.count(cells, number, n, each)
    told.sort(key=lambda line: str(line.cells[0]))
    return Changed(found.counted, told, found.looked_at, people, things)


def _cells(one: Moved, scene: Scene) -> tuple[Cell, ...]:
    if one.is_choice:
        about = Said("inspect", "choice"), scene.choice(one.about, one.over)
        return *about, *(NOTHING if to is None else of_state(*to) for to in (one.before, one.after))
    places = (NOTHING if to is None else of_place(to[0]) for to in (one.before, one.after))
    return Said("inspect", "class"), scene.klass(one.about), *places


def _choices(old: Look, new: Look) -> Iterator[Change]:
    was = {(c.purpose, c.channel): c for c in chosen(old)}
    now = {(c.purpose, c.channel): c for c in chosen(new)}
    for key in sorted(was.keys() | now.keys()):
        one, two = was.get(key), now.get(key)
        if (one and one.state) != (two and two.state):
            about = new.scene.choice(*key)
            said: tuple[Cell, ...] = (Said("inspect", "choice"), about, _said(one), _said(two))
            yield said, [p for c in (one, two) if c for p in c.rests_on]


def _tiers(old: Fates, new: Fates, scene: Scene) -> Iterator[Change]:
    was = {(d.klass, d.scope): d for d, _ in old}
    now = {(d.klass, d.scope): d for d, _ in new}
    for key in sorted(was.keys() | now.keys()):
        one, two = was.get(key), now.get(key)
        before, after = _tier(one), _tier(two)
        if before != after:
            what = Said("inspect", "class"), scene.klass(key[0])
            yield (*what, before, after), [p for d in (one, two) if d for p in d.rests_on]


def _said(found: ChoiceState | None) -> Cell:
    return NOTHING if found is None else stated(found)


def _tier(found: Deadline | None) -> Cell:
    return NOTHING if found is None else tier(found)
