"""Props of the controls: a history made of raw facts, below every door, and what is found in it.

What the doors refuse can be written here, for that is what a control is for: what came in by
another way, or before a rule was written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.calendar import Instant, parse_as_of, parse_moment
from ledger.events import Fact, FormPublished, PolicyPublished, Row, fact_class
from ledger.policy.book import Book, shipped
from ledger.policy.model import Edition
from ledger.policy.permissions import Objection
from ledger.store.mapper import Draft, row_of
from replay.controls.at_once import AtOnce
from replay.controls.catalogue import CONTROLS
from replay.controls.model import (
    EVERYBODY,
    Event,
    Finding,
    Joining,
    Kinds,
    Life,
    Spread,
    Stored,
    Unseen,
    is_concerned,
)
from replay.controls.run import Result, run
from replay.controls.words import explanation
from tests.controls.apart import Apart
from tests.controls.filed import filed
from tests.controls.french import english_in

SHE, OTHER = UUID(int=1), UUID(int=2)
DIGEST = "A" * 43
FORM = {"form": "account-1", "act": "box_ticked", "grade": "proved"}
LETTER: dict[str, Any] = {"purpose": "newsletter", "channel": "email"}
SOUND = Stored((), {}, 0)
BEGAN = "2018-11-20T08:00:00Z"


class Recorded(NamedTuple):
    """An event, told at once."""

    row: Row
    fact: Fact
    id: UUID
    parts: tuple[tuple[str, UUID], ...] = ()


class Company:
    """A company and its people, as `replay.controls.model.History`; time goes on as it is told.

    `files`: where each run is asked of files too (None: nowhere)."""

    files: Path | None = None
    spread: Spread | None = None
    at_once: AtOnce | None = None

    def __init__(self, *, form: bool = True, notice: bool = True) -> None:
        self.events: list[Event] = []
        self.book = Book()
        self.joined: list[Joining] = []
        self.opposed: dict[UUID, frozenset[Objection]] = {}
        self.found = SOUND
        self.pruned = 0
        self.hands_over: int | None = None  # up to which position; None: what is known
        self.as_of: Instant = parse_as_of("2026-01-05")
        self.known = 0
        self.publishes(shipped(), BEGAN)
        if form:
            shown: dict[str, Any] = {"form": "account-1", "fields": ("email",), "document": DIGEST}
            self.tells(
                "field.declared", BEGAN, name="email", classes=("account",), source="provided"
            )
            self._record(FormPublished(occurred=parse_moment(BEGAN), **shown), None, BEGAN)
        if notice:
            self.tells("notice.published", BEGAN, notice="everywhere", document=DIGEST)

    # -- telling -----------------------------------------------------------------------------------

    def publishes(self, edition: Edition, when: str, **said: Any) -> int:
        """An edition is published."""
        fact = PolicyPublished(
            occurred=parse_moment(when), edition=edition.number, document=DIGEST, **said
        )
        position = self._record(fact, None, when)
        self.book = self.book.with_edition(edition, position)
        return position

    def tells(self, kind: str, happened: str, *recorded: str, **said: Any) -> int:
        """The company declares or does something about nobody."""
        return self._told(kind, None, happened, next(iter(recorded), None), said)

    def she(self, kind: str, happened: str, *recorded: str, **said: Any) -> int:
        """Something happens to her: its position. `stream`, `item`, `actor`, `parts` and `who` say
        more of it."""
        return self._told(kind, said.pop("who", SHE), happened, next(iter(recorded), None), said)

    def id_of(self, position: int) -> UUID:
        """The id of an event."""
        return self.events[position - 1].id

    def _told(
        self, kind: str, who: UUID | None, happened: str, recorded: str | None, said: dict[str, Any]
    ) -> int:
        more = {name: said.pop(name) for name in ("stream", "parts", "id") if name in said}
        cls = fact_class(kind)
        if cls.kind == "customer.registered.v1":
            said = {"klass": "contact", "origin": "contact", "person": "consumer", **said}
        fact = cls(subject=who, occurred=parse_moment(happened), **said)
        return self._record(fact, who, recorded or happened, **more)

    def _record(
        self,
        fact: Fact,
        who: UUID | None,
        recorded: str,
        stream: UUID | None = None,
        parts: tuple[tuple[str, UUID], ...] = (),
        id: UUID | None = None,
    ) -> int:
        position = len(self.events) + 1
        at = parse_as_of(recorded)
        if self.events:
            at = max(at, self.events[-1].row.recorded_at + 1)
        edition = self.book.in_force(fact.occurred.day, None)
        number = edition.number if edition else 20181120
        stream = stream or (who if who and fact.aggregate == "customer" else uuid4())
        draft = Draft(stream, position, fact, id or uuid4(), number, "")
        row = row_of(draft)._replace(position=position, recorded_at=at)
        if fact.aggregate in ("contract", "hold"):
            row = row._replace(item=fact.item or str(stream))
        self.events.append(Recorded(row, fact, draft.id, parts))
        self.known = position
        return position

    # -- being asked -------------------------------------------------------------------------------

    def company(self, kinds: Kinds = EVERYBODY) -> Iterator[Event]:
        """The facts about nobody."""
        upto = self.hands_over or self.known
        return (e for e in self.events if e.row.subject is None and e.row.position <= upto)

    def lives(self, having: Kinds = EVERYBODY) -> Iterator[Life]:
        """Everybody, each with those she was joined with; or only whom these kinds concern."""
        upto = self.hands_over or self.known
        whose = [e for e in self.events if e.row.subject and e.row.position <= upto]
        whose.sort(key=lambda e: (str(e.row.subject), e.row.position))
        alone = {
            who: Life(who, tuple(hers), self.opposed.get(who, frozenset()))
            for who, hers in groupby(whose, key=lambda e: e.row.subject)
            if who is not None
        }
        family = {who for one in self.joined for who in (one.join.kept, one.join.other)}
        for who, life in alone.items():
            kin = {o: alone.get(o, Life(o, ())) for o in family - {who}} if who in family else {}
            with_kin = life._replace(kin=kin)
            if is_concerned(with_kin, having):
                yield with_kin

    def unseen(self, asked: Collection[str]) -> dict[str, Unseen]:
        """It is enough for all of them."""
        return {}

    def stored(self) -> Stored:
        """What the store's own checks are said to have found."""
        return self.found

    def run(self, *wanted: str, as_of: str | None = None, known: int | None = None) -> Result:
        """One run."""
        before = self.as_of, self.known
        self.as_of = parse_as_of(as_of) if as_of else self.as_of
        self.known = known or self.known
        asked = wanted or tuple(CONTROLS)
        try:
            made = run(self, asked)
            _same(run(Apart(self), asked), made)
            self._from_files(made, asked)
            return made
        finally:
            self.as_of, self.known = before

    def _from_files(self, made: Result, asked: Sequence[str]) -> None:
        """The same is found in a folder of segments, but for what the database alone can show."""
        if self.files is None or self.opposed or self.found is not SOUND:
            return
        with filed(self, self.files) as history:
            alone = run(history, asked)
        _same(alone, made)

    def finds(self, control: str, as_of: str | None = None, **more: Any) -> list[Finding]:
        """What one control finds."""
        (outcome,) = self.run(control, as_of=as_of, **more).outcomes
        assert outcome.control == control
        for found in outcome.findings:
            assert english_in(explanation(found, "fr")) == []
        return outcome.findings

    def violations(self, control: str, as_of: str | None = None, **more: Any) -> list[str]:
        """The codes of its violations."""
        found = self.finds(control, as_of, **more)
        return [one.why for one in found if one.weight == "violation"]


def _same(one: Result, other: Result) -> None:
    assert findings(one) == findings(other)
    assert (one.people, one.events) == (other.people, other.events)


def findings(result: Result) -> list[Any]:
    """All that a run told."""
    return [(o.control, o.findings, o.digest, dict(o.counts)) for o in result.outcomes]


def key() -> UUID:
    """The id of a key."""
    return uuid4()


def furnished() -> Company:
    """A company that has published its policy and one form, and one person who is known."""
    made = Company()
    made.she("customer.registered", "2024-03-01")
    made.she("customer.contacted_us", "2024-03-01", channel="form")
    return made
