"""A campaign: a chunk of recipients in, a short verdict on each out, from one state of the ledger.

People are sorted into kinds (`ledger/store/shapes.py`); the exact gate is asked once for each kind,
about one person of it, and about everybody who is of no kind. So the rules are written once, and a
withdrawal committed before a chunk is judged counts in it: nothing is remembered from chunk to
chunk. At a moment before now, or as known then, everybody is looked at whole. Memory is that of one
chunk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.calendar import moment_of_instant
from ledger.permitting.gate import Gate, Question, Scene, Who
from ledger.policy.looks import looks
from ledger.policy.permissions import Verdict
from ledger.policy.permitting import PermissionBasis
from ledger.policy.verdicts import ConsentStatus
from ledger.store import shapes
from ledger.store.shapes import About, Alike, Shapes

WHOLE_AT_ONCE = 1000  # people looked at whole at a time
_BY_FIVE_FACTS = "PERM-soft-optin"


class Short(NamedTuple):
    """A verdict without what is about one person: no position, no date."""

    allowed: bool
    reason: str
    state: ConsentStatus
    basis: PermissionBasis | None
    clause: str
    stale: str | None


class Campaign:
    """One question about many. `asked.who` does not matter. Threads may share one."""

    def __init__(self, gate: Gate, asked: Question) -> None:
        self._gate, self._asked = gate, asked

    def judge(self, people: Sequence[Who]) -> list[Short]:
        """The verdict on each of a chunk of people, in order."""
        return self._gate.see(lambda scene: self._judged(scene, people))

    def _judged(self, scene: Scene, people: Sequence[Who]) -> list[Short]:
        now, asked = self._gate.ledger.clock.now(), self._asked
        moment, head = asked.at or moment_of_instant(now), scene.head.position
        seen = None
        if asked.known_at is None and moment.at >= now:
            company = self._gate.company(scene, head)
            seen = looks(scene.book, company, asked.purpose, asked.channel, moment, head)
        question = asked._replace(at=moment)
        if seen is None:
            return [short(found) for found in self.whole(scene, question, people)]
        closer = self._gate.ahead(scene, now) | scene.joins.people()
        about = About(seen, moment, closer, scene.has_erased)
        return _Chunk(self, scene, question, about, people).judged()

    def whole(self, scene: Scene, asked: Question, people: Sequence[Who]) -> Iterator[Verdict]:
        """The exact verdict on each."""
        for start in range(0, len(people), WHOLE_AT_ONCE):
            some = people[start : start + WHOLE_AT_ONCE]
            questions = [asked._replace(who=who) for who in some]
            for answered in self._gate.answer(scene, questions, ahead=False):
                yield answered.verdict


class _Chunk:
    """One chunk on its way: whom it is about, and what was found of each."""

    def __init__(
        self, campaign: Campaign, scene: Scene, asked: Question, about: About, people: Sequence[Who]
    ) -> None:
        self._campaign, self._scene, self._asked = campaign, scene, asked
        self._about, self._people = about, people
        self._found: list[Short | None] = [None] * len(people)

    def judged(self) -> list[Short]:
        """The verdict on each."""
        kinds = self._shapes()
        whole = kinds.pop(None).members if None in kinds else []
        collected = self._by_kind(kinds, look_closer=self._about.looks.offers)
        if collected:
            finer = self._profiles(collected)
            whole += finer.pop(None).members if None in finer else []
            self._by_kind(finer, look_closer=False)
        people = [self._people[index] for index in whole]
        verdicts = self._campaign.whole(self._scene, self._asked, people)
        for index, verdict in zip(whole, verdicts, strict=True):
            self._found[index] = short(verdict)
        return [one for one in self._found if one is not None]

    def _by_kind(self, kinds: Shapes, *, look_closer: bool) -> Shapes:
        """Ask about the first of each kind and tell the others the same. Answers the kinds whose
        verdict rests on how an address was collected, which their text does not say."""
        firsts = [self._people[alike.members[0]] for alike in kinds.values()]
        verdicts = self._campaign.whole(self._scene, self._asked, firsts)
        closer: Shapes = {}
        for (text, alike), verdict in zip(kinds.items(), verdicts, strict=True):
            if look_closer and verdict.rule == _BY_FIVE_FACTS:
                closer[text] = alike
                continue
            told = short(verdict)
            for index in alike.members:
                self._found[index] = told
        return closer

    def _profiles(self, kinds: Shapes) -> Shapes:
        """The same people in finer kinds, under None those of no kind."""
        known = {name for alike in kinds.values() for name in alike.names} - {""}
        said = shapes.profiles(self._scene.connection, self._about, list(known))
        finer: Shapes = defaultdict(lambda: Alike([], []))
        for text, alike in kinds.items():
            for index, name in zip(alike.members, alike.names, strict=True):
                profile = said.get(name, "")
                finer[None if profile is None else f"{text} {profile}"].members.append(index)
        return finer

    def _shapes(self) -> Shapes:
        """The shapes of all, those named alike asked about together."""
        families: dict[str, list[int]] = defaultdict(list)
        for index, who in enumerate(self._people):
            families["" if isinstance(who, UUID) else who[0]].append(index)
        found: Shapes = defaultdict(lambda: Alike([], []))
        question = self._scene.connection, self._about
        for family, places in families.items():
            people = [self._people[index] for index in places]
            if family:
                blinds = [who[1] for who in people if not isinstance(who, UUID)]
                some = shapes.of_references(*question, family, blinds)
            else:
                ids = [who for who in people if isinstance(who, UUID)]
                some = shapes.of_subjects(*question, ids)
            for text, alike in some.items():
                found[text].members.extend(places[member] for member in alike.members)
                found[text].names.extend(alike.names)
        return found


def short(verdict: Verdict) -> Short:
    """What a campaign is told of a verdict."""
    return Short(
        verdict.allowed,
        verdict.reasons[0],
        verdict.state,
        verdict.basis,
        verdict.clause,
        verdict.stale,
    )
