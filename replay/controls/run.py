"""Asking the controls: one pass over what the company told, one person at a time, then the store.

In memory: the declarations, the destroyed keys that are asked about, one life with its kin, and the
first findings of each control; all are counted, and all go into its digest. What a control is not
judged by is said: entries that were pruned are gone for the controls too, and what a history cannot
show is named (`Outcome.unseen`). No violation of a control that was not checked says nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from typing import Any, Literal, TypeAlias
from uuid import UUID

from ledger.calendar import Instant
from ledger.errors import BadData
from replay.controls.at_once import AtOnce, Lines, Most, Sought, line_of
from replay.controls.carding import set_apart
from replay.controls.catalogue import CONTROLS, Control
from replay.controls.life import Look
from replay.controls.model import (
    EVERYBODY,
    NOBODY,
    Event,
    Finding,
    History,
    Kinds,
    Life,
    People,
    Told,
    Unseen,
    Weight,
    any_of,
)
from replay.controls.scene import REMEMBERED, Scene

Checked: TypeAlias = Literal["whole", "part", "no"]
CONTRADICTED = (
    "what was found of everybody at once is not what her own facts say: ask with --engine fold"
)
KEPT = 1000  # findings of each control that are told one by one
Progress = Callable[[int], None]
"""Hears how many people were looked at."""


@dataclass(slots=True)
class Outcome:
    """What one control found: how many of each weight, the first of them, and the digest of all
    violations in the order in which they were found (persons by their id). `unseen`: why it was not
    checked, or not in full."""

    control: str
    unseen: Unseen | None = None
    counts: Counter[Weight] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    _digest: Any = field(default_factory=sha256, repr=False)

    def add(self, finding: Finding) -> None:
        """One more finding."""
        self.counts[finding.weight] += 1
        if self.counts[finding.weight] <= KEPT:
            self.findings.append(finding)
        self._digest.update(_digested(finding))

    def count(self, lines: Lines, since: int, until: int) -> int:
        """So many more violations, of which all that is known is what goes into the digest: before
        which of them are those that are told one by one."""
        room = max(KEPT - self.counts["violation"], 0)
        self.counts["violation"] += until - since
        self._digest.update(lines.said(since, until))
        return min(since + room, until)

    def take(self, found: Found) -> None:
        """What was found of people whose ids follow those of all before."""
        for weight, n in found.counts.items():
            room = KEPT - self.counts[weight]
            self.findings += [f for f in found.first if f.weight == weight][: max(room, 0)]
            self.counts[weight] += n
        self._digest.update(found.said)

    @property
    def violations(self) -> int:
        """How many there are; zero is expected."""
        return self.counts["violation"]

    @property
    def checked(self) -> Checked:
        """How much of it was judged."""
        if self.unseen is None:
            return "whole"
        return "no" if self.unseen.wholly else "part"

    @property
    def digest(self) -> str:
        """SHA-256 (hex) over the code and positions of every violation."""
        found: str = self._digest.hexdigest()
        return found


@dataclass(slots=True)
class Found:
    """What one control found of some of the people: how many of each weight, the first of them, and
    what a digest is made of."""

    counts: Counter[Weight] = field(default_factory=Counter)
    first: list[Finding] = field(default_factory=list)
    said: bytes = b""

    def add(self, finding: Finding) -> None:
        """One more finding."""
        self.counts[finding.weight] += 1
        if self.counts[finding.weight] <= KEPT:
            self.first.append(finding)
        self.said += _digested(finding)


def _digested(finding: Finding) -> bytes:
    """What goes into the digest of a control: its violations."""
    is_one = finding.weight == "violation"
    return line_of(finding.why, finding.positions).encode() if is_one else b""


@dataclass(frozen=True, slots=True)
class Result:
    """One run at (D, R). `people` and `events`: so many were looked at, as those asked need it."""

    as_of: Instant
    known: int
    people: int
    events: int
    pruned: int
    parts_opened: bool
    outcomes: tuple[Outcome, ...]

    @property
    def ok(self) -> bool:
        """No control found a violation."""
        return not any(outcome.violations for outcome in self.outcomes)

    @property
    def is_unchecked(self) -> bool:
        """None of them was checked at all: that no violation was found says nothing."""
        return all(outcome.checked == "no" for outcome in self.outcomes)


def run(
    history: History,
    wanted: Iterable[str] = tuple(CONTROLS),
    progress: Progress = lambda _people: None,
) -> Result:
    """Ask these controls (ids of the catalogue) of a history."""
    asked = [CONTROLS[name] for name in dict.fromkeys(wanted)]
    unseen = history.unseen({control.id for control in asked})
    outcomes = {control.id: Outcome(control.id, unseen.get(control.id)) for control in asked}

    def tell(found: Iterable[Finding]) -> None:
        for finding in found:
            outcomes[finding.control].add(finding)

    people = events = 0
    # What only asks the store must be answered where nothing of history can be read any more.
    scene = Scene(history.book, (), history.as_of, history.known)
    if any(control.person or control.event or control.company for control in asked):
        scene, people, events = _of_history(history, asked, outcomes, tell, progress)
    parts_opened = False
    of_store = [one for one in asked if one.store and outcomes[one.id].checked != "no"]
    if of_store:
        stored = history.stored()
        parts_opened = stored.cards_in_parts is not None
        events = events or stored.events
        for control in of_store:
            for judged in control.store:
                tell(judged(stored, scene))
    for outcome in outcomes.values():
        outcome.findings.sort(key=lambda f: (f.weight, f.positions, f.why))
    made = tuple(outcomes.values())
    return Result(history.as_of, history.known, people, events, history.pruned, parts_opened, made)


def _of_history(
    history: History,
    asked: list[Control],
    outcomes: dict[str, Outcome],
    tell: Callable[..., None],
    progress: Progress,
) -> tuple[Scene, int, int]:
    """What history itself tells: of the company, how many people were looked at, and how many
    events."""
    everybody = history.at_once
    if everybody is None:
        scene, events = scene_of(history, lambda event, so_far: _each(asked, event, so_far, tell))
    else:
        scene, events = _ours(history, everybody, asked, tell), everybody.heard()
    for control in asked:
        for whole in control.company:
            tell(whole(scene))
    of_people = [control.id for control in asked if control.person or control.event]
    if not of_people:
        return scene, 0, events
    if everybody is not None:
        people, hers = _at_once(everybody, scene, of_people, outcomes, progress)
        return scene, people, events + hers
    if history.spread is None:
        people, hers = _of_people(history, scene, of_people, tell, progress)
        return scene, people, events + hers
    people = 0
    for some, hers, found in history.spread(partial(share, of_people)):
        people, events = people + some, events + hers
        for name, one in found.items():
            outcomes[name].take(one)
        progress(people)
    return scene, people, events


def _ours(
    history: History, everybody: AtOnce, asked: list[Control], tell: Callable[..., None]
) -> Scene:
    """The company, of whose facts only those are looked at of which a control can find something:
    those that it hears, as they are told, or those that it finds once all is told."""
    hearing = [control for control in asked if control.event and not control.ours]

    def hear(event: Event, so_far: Scene) -> None:
        _each(hearing, event, so_far, tell)

    scene, _ = scene_of(history, hear, any_of(control.hears for control in hearing))
    for control in asked:
        for event in control.ours(everybody, scene) if control.ours else ():
            _each([control], event, scene, tell)
    return scene


def share(wanted: list[str], people: People) -> tuple[int, int, dict[str, Found]]:
    """Of some of the people: how many they are, how many events, and what each control found."""
    found: defaultdict[str, Found] = defaultdict(Found)

    def tell(told: Iterable[Finding]) -> None:
        for finding in told:
            found[finding.control].add(finding)

    scene, _ = scene_of(people)
    return *_of_people(people, scene, wanted, tell, lambda _people: None), dict(found)


def _of_people(
    people: People,
    scene: Scene,
    wanted: list[str],
    tell: Callable[[Iterable[Finding]], None],
    progress: Progress,
) -> tuple[int, int]:
    """Ask the controls of people, one after the other: how many they are, how many events."""
    asked = [CONTROLS[name] for name in wanted]
    concerns = any_of(one.concerns for one in asked)
    lives = people.lives(concerns) if concerns != NOBODY else ()
    return _of_lives(lives, scene, asked, tell, progress)


def _of_lives(
    lives: Iterable[Life],
    scene: Scene,
    asked: list[Control],
    tell: Callable[[Iterable[Finding]], None],
    progress: Progress,
) -> tuple[int, int]:
    number = events = 0
    for number, life in enumerate(lives, 1):
        look = Look(life, scene)
        events += len(look.events)
        for event in look.events:
            _each(asked, event, scene, tell)
        for control in asked:
            for rule in control.person:
                tell(one._replace(positions=look.cited(one.positions)) for one in rule(look))
        progress(number)
    return number, events


def _at_once(
    everybody: AtOnce,
    scene: Scene,
    wanted: list[str],
    outcomes: dict[str, Outcome],
    progress: Progress,
) -> tuple[int, int]:
    """The same where everybody can be asked at once: only those are looked at of whom a control can
    find something, and of what it finds of most people, only what is told one by one."""

    def tell(found: Iterable[Finding]) -> None:
        for finding in found:
            outcomes[finding.control].add(finding)

    asked = [CONTROLS[name] for name in wanted]
    some = [one for one in asked if one.most is None]
    together = [one for one in some if not one.alone]
    for group in (together, *([one] for one in some if one.alone)):
        whom = [sought for one in group for sought in _whom(one, everybody, scene)]
        if whom:
            lives = everybody.lives(*whom, reads=any_of(one.reads for one in group))
            _of_lives(lives, scene, group, tell, progress)
    for one in asked:
        if one.most is not None:
            _of_most(one, one.most, everybody, scene, outcomes[one.id])
    concerns = any_of(one.concerns for one in asked)
    return everybody.size(*(() if concerns is None else (everybody.having(concerns),)))


def _whom(control: Control, everybody: AtOnce, scene: Scene) -> Sequence[Sought]:
    """Whom a control can find something of."""
    if control.seek is not None:
        return control.seek(everybody, scene)
    assert control.concerns is not None, control.id
    return (everybody.having(control.concerns),)


def _of_most(
    control: Control, most: Most, everybody: AtOnce, scene: Scene, outcome: Outcome
) -> None:
    """Those apart are looked at, and take their place among the others; of these only whoever has a
    violation that is told one by one. Raises BadData where she herself has none such."""
    apart = set_apart(
        everybody, most.apart, scene, amended=most.amended, with_cards=most.with_cards
    )

    def found_of(lives: Iterable[Life]) -> Iterator[Finding]:
        for life in lives:
            look = Look(life, scene)
            for rule in control.person:
                yield from (one._replace(positions=look.cited(one.positions)) for one in rule(look))

    told: Counter[bytes] = Counter()
    whose: dict[UUID, None] = {}
    hers = found_of(everybody.lives(apart, reads=control.reads))
    for one in merged(hers, most.found(everybody, apart, scene)):
        if isinstance(one, Finding):
            outcome.add(one)
            continue
        lines, since, _ = one
        for at in range(since, outcome.count(*one)):
            told[lines.said(at, at + 1)] += 1
            whose[lines.subject(at)] = None
    for finding in (
        found_of(everybody.lives(everybody.of(whose), reads=control.reads)) if whose else ()
    ):
        if told[_digested(finding)]:
            told[_digested(finding)] -= 1
            outcome.findings.append(finding)
    if told.total():
        raise BadData(CONTRADICTED)


def merged(
    hers: Iterator[Finding], theirs: Iterable[Lines]
) -> Iterator[Finding | tuple[Lines, int, int]]:
    """What was found of some, and of all others, each in the order of people: in that of all."""
    ahead = next(hers, None)
    for lines in theirs:
        since, end = 0, len(lines)
        while ahead is not None and end and _whose(ahead) < lines.subject(end - 1):
            until = bisect_left(range(end), _whose(ahead), since, key=lines.subject)
            if since < until:
                yield lines, since, until
            yield ahead
            ahead, since = next(hers, None), until
        if since < end:
            yield lines, since, end
    if ahead is not None:
        yield ahead
    yield from hers


def _whose(found: Finding) -> UUID:
    assert found.subject is not None
    return found.subject


def scene_of(
    history: Told,
    each: Callable[..., None] = lambda _event, _scene: None,
    hears: Kinds = EVERYBODY,
) -> tuple[Scene, int]:
    """The company as its facts tell it, and how many were handed over. `each` hears every fact (of
    these kinds, and others), with the scene as far as it was told."""
    scene = Scene(history.book, history.joined, history.as_of, history.known, pruned=history.pruned)
    count = 0
    for event in history.company(any_of((REMEMBERED, hears))):
        scene.hear(event)
        each(event, scene)
        count += 1
    return scene, count


def _each(asked: list[Control], event: Event, scene: Scene, tell: Callable[..., None]) -> None:
    for control in asked:
        for rule in control.event:
            tell(rule(event, scene))
