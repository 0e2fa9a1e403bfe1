"""One person's life as the rules look at it: at (D, R), and at any instant t of hers.

At (D, R): what had happened by D, as far as it was known at R and stood then. At t: the person as a
gate would have met her, (t, known at t), under all the references she then had. Everything that is
derived comes from the fold and from the policy room; it is computed once, when it is first asked.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from functools import cached_property, lru_cache
from itertools import chain
from uuid import UUID

from ledger.aggregates import standing
from ledger.calendar import Instant
from ledger.events import KINDS, Row
from ledger.permitting.joined import as_one
from ledger.policy.cards import CardItem, cards, governed
from ledger.policy.evaluate import deadlines_now
from ledger.policy.holds import KEEPING, Fate, Hold, fates, open_holds, restrictions
from ledger.policy.permissions import Company, Person
from ledger.policy.requests import Request, Told, judged, promise_of
from ledger.policy.sends import Send, sends
from ledger.policy.verdicts import Deadline
from ledger.projections.model import SubjectState
from replay.controls.at_once import CARDS
from replay.controls.facts import F, Facts
from replay.controls.model import Event, Life
from replay.controls.scene import Scene
from replay.controls.then import Then
from replay.fold import effective, fold_subject

OF_REQUESTS = frozenset(kind for kind, cls in KINDS.items() if cls.aggregate == "rights_request")


class Look:
    """One life, looked at from one scene."""

    def __init__(self, life: Life, scene: Scene) -> None:
        self.life, self.scene, self.subject = life, scene, life.subject
        self.events = tuple(e for e in life.events if e.row.position <= scene.known)
        self.rows = [event.row for event in self.events]
        self.by_position: dict[int, Event] = {e.row.position: e for e in self.events}
        self._thens: dict[UUID, Then] = {}
        self._person = lru_cache(maxsize=64)(self._person_at)

    def of(self, *kinds: type[F]) -> Iterator[tuple[Event, F]]:
        """Her events of these kinds with their facts, as known at R; what was voided among them.
        No other entry is read."""
        wanted = {kind.kind for kind in kinds}
        for event in self.events:
            if event.row.kind in wanted:
                yield event, event.fact  # type: ignore[misc]

    # -- at (D, R) ---------------------------------------------------------------------------------

    @cached_property
    def standing(self) -> list[Row]:
        """Her facts that stand and had happened, corrections resolved, in position order."""
        return [row for row in effective(self.rows) if row.occurred_at <= self.scene.as_of]

    @cached_property
    def facts(self) -> Facts:
        """The same in full, by position."""
        return Facts(self.events, self.standing)

    @cached_property
    def state(self) -> SubjectState:
        """Her state."""
        return fold_subject(self.rows, self.scene.as_of, self.scene.known)

    @cached_property
    def terms(self) -> list[Deadline]:
        """Her deadlines by class and scope, cards by the term of their class."""
        return deadlines_now(self.state, self.scene.book, self.scene.as_of, self.scene.known)

    @cached_property
    def cards(self) -> list[CardItem]:
        """Her cards and payments, each with the end that its own facts give it."""
        scene = self.scene
        rows = effective(self.rows)
        return cards(self.state, rows, self.facts, scene.book, scene.as_of, scene.known)

    @cached_property
    def holds(self) -> list[Hold]:
        """Her open holds, under whichever reference of hers they were placed."""
        return self.kept_by(self.scene.as_of, self.scene.known)

    @cached_property
    def keeping(self) -> list[Hold]:
        """What stops the end of a term: her open holds, and what she asked to keep."""
        return self.kept_by(self.scene.as_of, self.scene.known, restricted=True)

    @cached_property
    def fates(self) -> list[tuple[Deadline, Fate]]:
        """What becomes of each class and thing, with what stops its end."""
        return self._fates(self.terms)

    @cached_property
    def fates_of_cards(self) -> list[tuple[Deadline, Fate]]:
        """The same of her cards only."""
        scene = self.scene
        found = deadlines_now(self.state, scene.book, scene.as_of, scene.known, CARDS)
        return self._fates(found)

    def _fates(self, terms: list[Deadline]) -> list[tuple[Deadline, Fate]]:
        found = governed(terms, self.cards)
        return list(zip(found, fates(found, self.keeping), strict=True))

    @cached_property
    def requests(self) -> list[Request]:
        """Her rights requests, where each stands."""
        streams: dict[UUID, list[Event]] = {}
        mine = {e.row.stream for e in self.events if e.row.kind in OF_REQUESTS}
        for event in self.events if mine else ():
            if event.row.stream in mine:
                streams.setdefault(event.row.stream, []).append(event)
        found, promise = [], promise_of(self.scene.book, self.scene.known)
        for stream, events in streams.items():
            recorded = {e.row.position: e.row.recorded_at for e in events}
            facts = standing([(e.row.position, e.fact) for e in events])
            told = [Told(position, recorded[position], fact) for position, fact in facts]
            request = judged(stream, self.subject, told, self.scene.as_of, promise)
            if request is not None:
                found.append(request)
        return found

    @cached_property
    def sends(self) -> list[Send]:
        """Every message, call and survey, with the verdict of its own moment."""
        scene = self.scene
        return sends(
            self.standing,
            scene.book,
            lambda at, known: self.person_at(at, scene.known if known is None else known),
            self.known_at,
            lambda _at, known: scene.company_at(scene.known if known is None else known),
            began=scene.began,
            now=scene.known,
        )

    # -- at any instant ----------------------------------------------------------------------------

    @cached_property
    def _recorded(self) -> list[tuple[Instant, int]]:
        kin = (e.row for life in self.life.kin.values() for e in life.events)
        rows = [*self.rows, *(row for row in kin if row.position <= self.scene.known)]
        return sorted((row.recorded_at, row.position) for row in rows)

    def known_at(self, at: Instant) -> int:
        """P(t) as far as it matters to her: the last position of hers, of those joined with her, or
        told by the company, that was recorded at or before an instant."""
        found = bisect_right(self._recorded, (at, self.scene.known))
        hers = self._recorded[found - 1][1] if found else 0
        return max(hers, self.scene.known_at(at))

    def family_at(self, known: int) -> list[Life]:
        """Her lives under all the references that she had, as known at a position."""
        if not self.life.kin:
            return [self.life]
        return [self._kin(one) for one in self.scene.joins_at(known).family(self.subject)]

    def facts_of_all(self, known: int) -> Facts:
        """Her facts that stood, as known at a position, under all the references she then had."""
        lives = [_known(life, known) for life in self.family_at(known)]
        stand = [row for hers in lives for row in effective([event.row for event in hers])]
        return Facts(chain.from_iterable(lives), stand)

    def cited(self, positions: tuple[int, ...]) -> tuple[int, ...]:
        """These positions and, for what was recorded of another reference of hers, the joins by
        which it is hers: without them the reader of a finding finds somebody else's hold."""
        others = {self._of_kin[one] for one in positions if one in self._of_kin}
        joins = {at for other in others for at in self.scene.joining(self.subject, other)}
        return (*positions, *sorted(joins.difference(positions)))

    @cached_property
    def _of_kin(self) -> dict[int, UUID]:
        kin = self.life.kin.items()
        return {event.row.position: other for other, life in kin for event in life.events}

    def kept_by(self, at: Instant, known: int, *, restricted: bool = False) -> list[Hold]:
        """Her holds that were open at an instant, as known at a position, under whichever reference
        of hers; with what she asked to keep (`restricted`)."""
        hers = [
            [event.row for event in life.events if event.row.position <= known]
            for life in self.family_at(known)
        ]
        if not any(row.kind in KEEPING for rows in hers for row in rows):
            return []
        rows = [row for some in hers for row in effective(some)]
        facts = self.facts_of_all(known)
        found = open_holds(rows, facts, at, known)
        joins = self.scene.joins_at(known)
        return found + restrictions(rows, at, known, joins) if restricted else found

    def person_at(self, at: Instant, known: int) -> Person:
        """The person at (t, known at a position), as the gate meets her."""
        return self._person(at, min(known, self.scene.known))

    def company_at(self, known: int) -> Company:
        """What the company had declared by then."""
        return self.scene.company_at(known)

    def _person_at(self, at: Instant, known: int) -> Person:
        joins = self.scene.joins_at(known) if self.life.kin else None
        if joins is None:
            return self._then(self.subject).at(at, known)
        kept = joins.kept(self.subject)
        own = self._then(kept).at(at, known)
        others = [(j.position, self._then(j.other).at(at, known)) for j in joins.others(kept)]
        return as_one(own, others, joins) if others else own

    def _then(self, subject: UUID) -> Then:
        if subject not in self._thens:
            self._thens[subject] = Then(self._kin(subject))
        return self._thens[subject]

    def _kin(self, subject: UUID) -> Life:
        return self.life if subject == self.subject else self.life.kin[subject]


def _known(life: Life, known: int) -> list[Event]:
    return [event for event in life.events if event.row.position <= known]
