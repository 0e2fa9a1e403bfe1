"""Q10 and Q12 to Q15: what the company said and declared, and whether its log holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Self

from ledger.aggregates.policy_book import with_declared
from ledger.calendar import Day, format_day
from ledger.events import (
    KINDS,
    Anchored,
    AssessmentRecorded,
    DataDisclosed,
    FormPublished,
    NoticePublished,
    Pruned,
    RecipientDeclared,
    Restored,
)
from ledger.policy.clocks import classes_of
from ledger.policy.permitting import purposes_of
from ledger.register import model as register
from replay.controls import declaring
from replay.controls.at_once import AtOnce, Sought
from replay.controls.life import Look
from replay.controls.model import EVERYBODY, Event, Finding, Said, several
from replay.controls.scene import Scene
from replay.controls.store import ERASURES, PROJECTIONS
from replay.inspect.model import Answer, Asked, Cell, Line, Question
from replay.inspect.people import day

FOR_A_PURPOSE = frozenset(
    kind for kind, cls in KINDS.items() if any(spec.column == "purpose" for spec in cls.specs)
)
"""The kinds of fact that name a purpose."""
NEVER = ("card", "undeclared", "social", "place", "minor", "recipient")
_SORT = {
    "pan-detected": "card",
    "cvv-detected": "card",
    "track-data-detected": "card",
    "social-network": "social",
    "geolocation": "place",
    "minor_consent": "minor",
    "minor_kept": "minor",
    "recipient-undeclared": "recipient",
}


class Policy(Question):
    """Q10: the policy, purposes, retention table, forms and notices in force at D."""

    def answer(self, scene: Scene) -> Answer:
        """One line for each thing that was in force."""
        lines: list[Line] = []
        chain = scene.book.chain(scene.today, scene.known)
        edition = chain[-1] if chain else None
        if edition is not None:
            event = scene.published.get(edition.number)
            at = (event.row.position,) if event is not None else ()
            since = format_day(edition.effective_from)
            said = (edition.id, since, edition.published_sha256, edition.pol)
            lines.append(self._line("edition", *said, on=at))
            for name, purpose in sorted(purposes_of(chain).items()):
                over = several(Said("channel", one) for one in purpose.channels)
                where = f"{purpose.clause} {purpose.article}"
                of = scene.purpose(name), Said("basis", purpose.basis), over, where
                lines.append(self._line("purpose", *of, on=at))
            for name, found in sorted(classes_of(chain).items()):
                archive = found.archive
                then = f"{archive.months} ({archive.article})" if archive else None
                months, law = str(found.operational_months), found.article
                lines.append(self._line("term", scene.klass(name), months, then, law, on=at))
        for position, fact in scene.standing():
            said_on = format_day(fact.occurred.day)
            if isinstance(fact, FormPublished):
                lines.append(
                    self._line("form", fact.form, said_on, fact.document, None, on=(position,))
                )
            elif isinstance(fact, NoticePublished):
                lines.append(
                    self._line("notice", fact.notice, said_on, fact.document, None, on=(position,))
                )
        columns = ("what", "name", "value", "detail", "rests_on")
        figures: dict[str, Cell] = {"edition": edition.id if edition else None}
        return Answer("Q10", columns, tuple(lines), figures)

    def _line(self, what: str, *cells: Cell, on: tuple[int, ...]) -> Line:
        return self.line((Said("inspect", what), *cells), on)


class Integrity(Question):
    """Q12: what is sealed and dated, what was pruned or restored on record, what is not right."""

    hears = frozenset({Anchored.kind, Pruned.kind, Restored.kind})

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._lines: list[Line] = []
        self._anchored: Anchored | None = None

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """What the log says of itself."""
        fact, at = event.fact, (event.row.position,)
        when = format_day(event.row.local_day)
        if isinstance(fact, Anchored):
            self._anchored = fact
            self._lines.append(self._line("anchored", when, fact.size, fact.tsa, at))
        elif isinstance(fact, Pruned):
            self._lines.append(self._line("pruned", when, fact.events, fact.reason, at))
        elif isinstance(fact, Restored):
            lost = sum(last - first + 1 for first, last in fact.lost_parts or ())
            self._lines.append(self._line("restored", when, lost, None, at))

    def answer(self, scene: Scene) -> Answer:
        """One line for each act of the log upon itself, and for each thing found wrong."""
        sealed, stored = self.asked.sealed, self.asked.stored
        figures: dict[str, Cell] = {
            "known": scene.known,
            "sealed": sealed.size,
            "root": sealed.root or None,
            "keys": ", ".join(sealed.keys) or None,
            "anchored": self._anchored.size if self._anchored else 0,
            "pruned": scene.pruned,
        }
        if stored is not None:
            figures["wrong"] = sum(
                n for code, n in stored.counts.items() if code not in (*ERASURES, *PROJECTIONS)
            )
            for wrong in stored.findings:
                at = (wrong.position,) if wrong.position else ()
                self._lines.append(self._line("wrong", None, wrong.check, wrong.said, at))
        return Answer("Q12", ("what", "day", "value", "detail"), tuple(self._lines), figures)

    def _line(
        self, what: str, when: str | None, value: Cell, detail: Cell, at: tuple[int, ...]
    ) -> Line:
        return self.line((Said("inspect", what), when, value, detail), at)


class Never(Question):
    """Q13: what never happened: card data, an undeclared purpose or recipient, a social network, a
    place, a minor; by the rules of C09 and C12."""

    concerns = EVERYBODY
    hears = EVERYBODY
    ours = True
    seen = ("_hers", "_events")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._ours: dict[str, list[int]] = {}
        self._hers: dict[str, list[int]] = {}
        self._heard = self._events = 0
        self._everybody: int | None = None

    def hear(self, event: Event, scene: Scene) -> None:
        """A fact about nobody."""
        self._heard += 1
        _add(self._ours, _judged(event, scene))

    def seek(self, everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
        """Of whom one of them may be found, and of which facts about nobody; all are counted."""
        self._everybody, self._heard = everybody.size()[1], everybody.heard(scene.as_of)
        for judge, ours in (
            (declaring.card_data, declaring.our_card_data(everybody, scene)),
            (declaring.undeclared_by_us, declaring.our_undeclared(everybody, scene)),
        ):
            for event in ours:
                if event.row.occurred_at <= scene.as_of:
                    _add(self._ours, judge(event, scene))
        return (
            *declaring.seek_card_data(everybody, scene),
            *declaring.seek_undeclared_facts(everybody, scene),
        )

    def see(self, look: Look) -> None:
        """Each of hers, and she herself."""
        self._events += len(look.events)
        for event in look.events:
            _add(self._hers, _judged(event, look.scene))
        _add(self._hers, declaring.undeclared_of_her(look))
        _add(self._hers, declaring.minors(look))

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each assertion, with how often it is contradicted: zero is expected."""
        stored = self.asked.stored
        parts = stored.cards_in_parts if stored is not None else None
        lines = []
        for one in NEVER:
            found = [*self._ours.get(one, ()), *self._hers.get(one, ())]
            found += (parts or ()) if one == "card" else ()
            lines.append(self.line((Said("inspect", f"never_{one}"), len(found)), found))
        events = self._heard + (self._events if self._everybody is None else self._everybody)
        figures: dict[str, Cell] = {"events": events, "parts_opened": int(parts is not None)}
        return Answer("Q13", ("assertion", "contradicted"), tuple(lines), figures)


def _judged(event: Event, scene: Scene) -> Iterator[Finding]:
    yield from declaring.card_data(event, scene)
    yield from declaring.undeclared_by_us(event, scene)


def _add(to: dict[str, list[int]], found: Iterable[Finding]) -> None:
    for finding in found:
        to.setdefault(_SORT.get(finding.why, "undeclared"), []).append(finding.positions[0])


class Register(Question):
    """Q14: the register of processing as of D (GDPR art. 30): who, what for, on which basis, whose
    and which data, for how long, to whom, and how many facts name it. `ledger/register/model.py` is
    the definition; `probant register` prints it whole, with its gaps."""

    concerns = EVERYBODY
    hears = frozenset({DataDisclosed.kind})

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._disclosed: list[tuple[int, DataDisclosed]] = []
        self._uses: dict[str, tuple[int, Day]] = {}

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """What was handed over."""
        if isinstance(event.fact, DataDisclosed):
            self._disclosed.append((event.row.position, event.fact))

    def see(self, look: Look) -> None:
        """What her facts were for."""
        for row in look.standing:
            if row.purpose:
                self._add(row.purpose, 1, row.local_day)

    def set_apart(self, everybody: AtOnce, scene: Scene) -> Sought:  # noqa: ARG002
        """Of whom a fact was corrected that is for a purpose, or is as it was corrected."""
        return everybody.amended(FOR_A_PURPOSE)

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:  # noqa: ARG002
        """The others."""
        for purpose, facts, last in everybody.purposes(apart):
            self._add(purpose, facts, last)

    def take(self, other: Self) -> None:
        """Facts are added, and the last day of any is the last."""
        for purpose, (facts, last) in other._uses.items():
            self._add(purpose, facts, last)

    def _add(self, purpose: str, facts: int, last: Day) -> None:
        before, day_before = self._uses.get(purpose, (0, 0))
        self._uses[purpose] = before + facts, max(day_before, last)

    def answer(self, scene: Scene) -> Answer:
        """One line for each purpose."""
        columns = ("purpose", "basis", "article", "people", "classes", "recipients", "of")
        chain = scene.book.chain(scene.today, scene.known)
        if not chain:
            return Answer("Q14", columns, ())
        told = register.declared(scene.standing())
        uses = {name: register.Use(*use) for name, use in self._uses.items()}
        seen = register.Observed({}, uses, self._disclosed)
        purposes = with_declared(chain[-1], scene.declared()).purposes
        found = register.register(chain, purposes, told, seen, scene.today)
        lines = tuple(self._activity(one, scene, told) for one in found.activities)
        figures: dict[str, Cell] = {
            "controller": told.controller[1].registration if told.controller else None,
            "dpo": told.dpo[1].designation if told.dpo else None,
            "purposes": len(lines),
        }
        return Answer("Q14", columns, lines, figures)

    def _activity(self, one: register.Activity, scene: Scene, told: register.Declared) -> Line:
        kept = (scene.klass(k.data_class.name, str(k.data_class.months_in_all)) for k in one.kept)
        beside = told.purposes.get(one.purpose.id)
        published = scene.published.get(one.updated)
        cells: tuple[Cell, ...] = (
            *(scene.purpose(one.purpose.id), Said("basis", one.purpose.basis), one.purpose.article),
            *(several(Said("people", who) for who in one.purpose.people), several(kept)),
            *(", ".join(to.code for to in one.recipients) or None, one.use.facts),
        )
        at = (published.row.position if published else 0, beside[0] if beside else 0)
        assessed = (position for _, _, position in one.assessments)
        return self.line(cells, (*at, *(to.position for to in one.recipients), *assessed))


class Assessments(Question):
    """Q15: the balancing tests, impact assessments and processor contracts in force at D: the
    newest of each type and subject matter."""

    def answer(self, scene: Scene) -> Answer:
        """One line for each."""
        newest: dict[tuple[str, str | None, str | None], tuple[int, AssessmentRecorded]] = {}
        told = scene.standing()
        for position, fact in sorted(told, key=lambda one: (one[1].occurred.at, one[0])):
            if isinstance(fact, AssessmentRecorded):
                newest[fact.type, fact.purpose, fact.recipient] = position, fact
        lines = [
            self.line(
                (
                    Said("assessment", fact.type),
                    scene.purpose(fact.purpose) if fact.purpose else None,
                    *(fact.recipient, fact.outcome and Said("outcome", fact.outcome)),
                    *(format_day(fact.occurred.day), fact.document),
                ),
                (position,),
            )
            for position, fact in newest.values()
        ]
        for position, fact in {
            f.recipient: (p, f) for p, f in told if isinstance(f, RecipientDeclared)
        }.values():
            said = (fact.recipient, day(fact.attested_until), format_day(fact.occurred.day))
            cells = (Said("assessment", "recipient_contract"), None, *said, fact.contract)
            lines.append(self.line(cells, (position,)))
        columns = ("type", "purpose", "recipient", "outcome", "day", "document")
        counts = Counter(one.code for line in lines if isinstance(one := line.cells[0], Said))
        return Answer("Q15", columns, tuple(lines), dict(sorted(counts.items())))
