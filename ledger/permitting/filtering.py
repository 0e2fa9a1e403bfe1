"""A campaign: a chunk of recipients in, a short verdict on each out, from one state of the ledger.

People are sorted into kinds (`ledger/store/shapes.py`); the exact gate is asked once for each kind,
about one person of it, and about everybody who is of no kind. So the rules are written once, and a
withdrawal committed before a chunk is judged counts in it: nothing is remembered from chunk to
chunk. At a moment before now, or as known then, everybody is looked at whole. Memory is that of one
chunk.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from ledger.aggregates.door import FUTURE_TOLERANCE
from ledger.calendar import MINUTE, Instant, Moment, moment_of_instant
from ledger.permitting.gate import Gate, Question, Scene, Who
from ledger.policy.looks import Looks, looks
from ledger.policy.permissions import Verdict
from ledger.policy.permitting import PermissionBasis
from ledger.policy.verdicts import ConsentStatus
from ledger.store import reader, shapes
from ledger.store.shapes import Shape
from ledger.store.suppressions import is_any_opposed

WHOLE_AT_ONCE = 1000  # people looked at whole at a time
NOBODY = "nobody"  # the kind of all those whom nobody knows
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
    """One question about many. `asked.who` does not matter. For one thread at a time."""

    def __init__(self, gate: Gate, asked: Question) -> None:
        self._gate, self._asked = gate, asked
        self._recent: tuple[Instant, int] = (0, 0)

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
            return [short(found) for found in self._whole(scene, question, people)]
        return _Chunk(self, scene, question, moment, seen, people).judged(self._settled(scene, now))

    def _settled(self, scene: Scene, now: Instant) -> int:
        """A position up to which no fact lies ahead of us: all of it was recorded longer ago than
        the door lets clocks differ. Looked for once a minute."""
        at, position = self._recent
        if not at <= now < at + MINUTE:
            position = reader.position_at(scene.connection, now - FUTURE_TOLERANCE)
            self._recent = now, position
        return position

    def _whole(self, scene: Scene, asked: Question, people: Sequence[Who]) -> Iterable[Verdict]:
        for start in range(0, len(people), WHOLE_AT_ONCE):
            some = people[start : start + WHOLE_AT_ONCE]
            questions = [asked._replace(who=who) for who in some]
            for answered in self._gate.answer(scene, questions, ahead=False):
                yield answered.verdict


class _Chunk:
    """One chunk on its way: whom it is about, and what was found of each."""

    def __init__(
        self,
        campaign: Campaign,
        scene: Scene,
        asked: Question,
        moment: Moment,
        seen: Looks,
        people: Sequence[Who],
    ) -> None:
        self._campaign, self._scene, self._asked = campaign, scene, asked
        self._moment, self._seen, self._people = moment, seen, people
        self._found: list[Short | None] = [None] * len(people)

    def judged(self, recent: int) -> list[Short]:
        """The verdict on each."""
        found, joins = self._shapes(recent), self._scene.joins
        kinds: dict[str, list[int]] = {}
        whole: list[int] = []
        for index, shape in enumerate(found):
            text = shape.text
            if shape.subject is not None and shape.subject in joins:
                text = None  # a no of hers may stand under another reference
            elif text is None and shape.subject is None and not self._scene.has_erased:
                text = NOBODY
            if text is None:
                whole.append(index)
            else:
                kinds.setdefault(text, []).append(index)
        collected = self._by_kind(kinds, look_closer=self._seen.offers)
        if collected:
            more, rest = self._profiles(found, collected)
            self._by_kind(more, look_closer=False)
            whole += rest
        people = [self._people[index] for index in whole]
        verdicts = self._campaign._whole(self._scene, self._asked, people)
        for index, verdict in zip(whole, verdicts, strict=True):
            self._found[index] = short(verdict)
        return [one for one in self._found if one is not None]

    def _by_kind(self, kinds: dict[str, list[int]], *, look_closer: bool) -> dict[str, list[int]]:
        """Ask about the first of each kind and tell the others the same. Answers the kinds whose
        verdict rests on how an address was collected, which their text does not say."""
        firsts = [self._people[members[0]] for members in kinds.values()]
        verdicts = self._campaign._whole(self._scene, self._asked, firsts)
        closer: dict[str, list[int]] = {}
        for (text, members), verdict in zip(kinds.items(), verdicts, strict=True):
            if look_closer and verdict.rule == _BY_FIVE_FACTS and text.startswith("1"):
                closer[text] = members
                continue
            told = short(verdict)
            for index in members:
                self._found[index] = told
        return closer

    def _profiles(
        self, found: Sequence[Shape], kinds: dict[str, list[int]]
    ) -> tuple[dict[str, list[int]], list[int]]:
        """The same people in finer kinds, and those of no kind."""
        subjects = {found[index].subject for members in kinds.values() for index in members}
        asked = [subject for subject in subjects if subject is not None]
        said = shapes.profiles(self._scene.connection, self._seen, self._moment, asked)
        finer: dict[str, list[int]] = {}
        whole: list[int] = []
        for text, members in kinds.items():
            for index in members:
                subject = found[index].subject
                profile = None if subject is None else said[subject]
                if profile is None:
                    whole.append(index)
                else:
                    finer.setdefault(f"{text} {profile}", []).append(index)
        return finer, whole

    def _shapes(self, recent: int) -> list[Shape]:
        """The shape of each, those named alike asked about together."""
        families: dict[str, list[int]] = {}
        for index, who in enumerate(self._people):
            families.setdefault("" if isinstance(who, UUID) else who[0], []).append(index)
        connection = self._scene.connection
        listed = self._scene.has_erased and is_any_opposed(connection, self._seen.purpose)
        found = [Shape(None, None)] * len(self._people)
        question = connection, self._seen, self._moment, recent
        for family, members in families.items():
            people = [self._people[index] for index in members]
            if family:
                blinds = [who[1] for who in people if not isinstance(who, UUID)]
                some = shapes.of_references(*question, family, blinds, is_listed=listed)
            else:
                ids = [who for who in people if isinstance(who, UUID)]
                some = shapes.of_subjects(*question, ids, is_listed=listed)
            for index, shape in zip(members, some, strict=True):
                found[index] = shape
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
