"""Q6 to Q9: what was done with data: consulted, answered, erased, handed over."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cached_property
from heapq import merge
from operator import itemgetter
from uuid import UUID

from ledger.calendar import add_months, format_day, format_instant, is_past
from ledger.events import (
    ArchiveConsulted,
    ClassErased,
    DataDisclosed,
    Fact,
    FieldDeclared,
    ProfileRectified,
    RecipientAcknowledged,
    RecipientDeclared,
    RecipientsNotified,
    RecipientTold,
    Restored,
    Row,
)
from ledger.policy import telling
from ledger.policy.requests import EXTENDED_MONTHS, MONTHS, Request
from replay.controls.at_once import AtOnce, Erased, Erasure, Sought
from replay.controls.consulting import CONSULTED, consultations
from replay.controls.keeping import ERASED
from replay.controls.life import OF_REQUESTS, Look
from replay.controls.model import Event, Said
from replay.controls.scene import Scene
from replay.inspect.listing import Lines, Listed
from replay.inspect.model import Answer, Asked, Cell, Line, Positions, Question


class Consultations(Question):
    """Q6: every consultation of the archive: who, why, which grant, and whether it was right."""

    concerns = CONSULTED
    seen = ("_lines", "_wrong")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._lines = Listed()
        self._wrong = 0

    def see(self, look: Look) -> None:
        """Those about her. The case is sealed: that one was named is told."""
        lacking = {found.positions[0] for found in consultations(look)}
        for position, fact in look.facts.of(ArchiveConsulted):
            granted = [at for at, _ in look.scene.grants.get(fact.grant, ()) if at < position]
            right = position not in lacking
            self._wrong += not right
            cells: tuple[Cell, ...] = (
                *(str(look.subject), format_instant(fact.occurred.at), fact.reader),
                *(Said("motive", fact.motive), look.scene.klass(fact.of)),
                int(bool(look.by_position[position].parts)),
                *(fact.approver, Said("inspect", "granted" if right else "not_granted")),
            )
            self._lines.add(self.line(cells, (position, *granted)))

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each."""
        columns = ("subject", "at", "reader", "motive", "class", "case", "approver", "grant")
        figures: dict[str, Cell] = {"consultations": len(self._lines), "wrong": self._wrong}
        return Answer("Q6", columns, self._lines, figures)


class Requests(Question):
    """Q7: the register of rights requests, and how many were answered in one month and in three."""

    concerns = OF_REQUESTS
    reads = OF_REQUESTS
    seen = ("_lines", "_counts")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._lines = Listed()
        self._counts = dict.fromkeys(("answered", "in_one_month", "in_three_months", "overdue"), 0)

    def see(self, look: Look) -> None:
        """Hers, with the recipients told of them."""
        told: dict[UUID, set[str]] = {}
        for event, fact in look.of(RecipientsNotified):
            told.setdefault(event.row.stream, set()).update(fact.recipients or ())
        for one in look.requests:
            self._count(one)
            cells: tuple[Cell, ...] = (
                *(str(look.subject), Said("right", one.right), format_day(one.received)),
                *(format_day(one.due), int(one.extended)),
                format_day(one.answered) if one.answered else None,
                Said("request_status", one.status),
                ", ".join(sorted(told.get(one.stream, ()))) or None,
            )
            self._lines.add(self.line(cells, one.rests_on), (one.received, one.rests_on))

    def _count(self, one: Request) -> None:
        self._counts["overdue"] += one.status == "overdue"
        if one.answered is not None and one.status != "withdrawn":
            self._counts["answered"] += 1
            for name, months in (("in_one_month", MONTHS), ("in_three_months", EXTENDED_MONTHS)):
                self._counts[name] += not is_past(add_months(one.received, months), one.answered)

    def answer(self, scene: Scene) -> Answer:
        """One line for each, in the order of reception."""
        columns = ("subject", "right", "received", "due", "extended", "answered", "status", "told")
        figures: dict[str, Cell] = {"requests": len(self._lines), **self._counts}
        return Answer("Q7", columns, self._lines, {**figures, "day": format_day(scene.today)})


class Erasures(Question):
    """Q8: every erasure: what, why, the destruction of its keys, and the restores it survived."""

    concerns = ERASED
    reads = ERASED
    hears = frozenset({Restored.kind})
    keys = True
    seen = ("_hers", "_complete")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._hers = Listed()
        self._complete = 0
        self._restored: list[int] = []
        self._others: Erased | None = None

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """A restore."""
        self._restored.append(event.row.position)

    def see(self, look: Look) -> None:
        """Hers."""
        destroyed = look.scene.destroyed
        for event, fact in look.of(ClassErased):
            row, keys = event.row, fact.keys or ()
            if row.position in look.facts:
                done = [destroyed[kid] for kid in keys if kid in destroyed]
                proofs = tuple(at for at, on in done if on == event.id and at <= look.scene.known)
                of = look.subject, fact.of, fact.item, fact.reason, len(keys), proofs
                found = Erasure(row.position, row.occurred_at, *of)
                self._complete += len(proofs) == len(keys)
                self._hers.add(self._line(found, look.scene), found.position)

    def set_apart(self, everybody: AtOnce, scene: Scene) -> Sought:
        """Of whom an erasure was corrected, with the keys of hers that were destroyed."""
        apart = everybody.amended(ERASED)
        scene.remember(everybody.destroyed(apart))
        return apart

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:
        """Of whom none was: they are read where somebody reads the lines."""
        self._others = everybody.erased(apart, scene.as_of)
        self._complete += self._others.complete

    def answer(self, scene: Scene) -> Answer:
        """One line for each. `destroyed`: of so many keys, on that order."""
        columns = ("subject", "at", "class", "item", "reason", "keys", "destroyed", "restores")
        lines = self._hers if self._others is None else self._lines(self._others, scene)
        figures: dict[str, Cell] = {"erasures": len(lines), "complete": self._complete}
        stored = self.asked.stored
        if stored is not None and stored.keys:
            wrong = ("destroyed", "sealed")
            figures["store"] = sum(stored.counts.get(code, 0) for code in wrong)
            figures["revived"] = len(stored.revived)
        return Answer("Q8", columns, lines, figures)

    def _lines(self, others: Erased, scene: Scene) -> Lines:
        """Those of whoever was corrected between those of everybody else."""

        def read(limit: int | None) -> Iterator[Line]:
            made = ((one.position, self._line(one, scene)) for one in others.read(limit))
            for _, line in merge(self._hers.pairs(), made, key=itemgetter(0)):
                yield line

        return Lines(len(self._hers) + others.number, read)

    def _line(self, found: Erasure, scene: Scene) -> Line:
        position, at, subject, klass, item, reason, keys, proofs = found
        survived = [restored for restored in self._restored if restored > position]
        cells: tuple[Cell, ...] = (
            *(str(subject), format_instant(at), scene.klass(klass)),
            *(item, Said("erasure", reason)),
            *(keys, len(proofs), len(survived)),
        )
        return self.line(cells, (position, *proofs, *survived))


class Recipients(Question):
    """Q9: the recipients of X's data by name: declared for what is held of her, handed what, told
    of what. Of everybody: the recipients declared, and what was handed to each."""

    concerns = frozenset({*telling.CONCERNING, RecipientTold.kind, RecipientAcknowledged.kind})
    reads = concerns
    hears = frozenset({RecipientDeclared.kind, DataDisclosed.kind, FieldDeclared.kind})
    seen = ("_classes", "_told", "_done", "_owed")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._declared: list[tuple[int, RecipientDeclared]] = []
        self._disclosed: list[tuple[int, DataDisclosed]] = []
        self._fields: dict[str, tuple[str, ...]] = {}
        self._classes: set[str] = set()
        self._since = 0
        self._told, self._done, self._owed = (dict[str, Positions]() for _ in range(3))

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """Who is declared, and what was handed over."""
        match event.fact:
            case RecipientDeclared() as fact:
                self._declared.append((event.row.position, fact))
            case DataDisclosed() as fact:
                self._disclosed.append((event.row.position, fact))
            case FieldDeclared() as fact:
                self._fields[fact.name] = fact.classes

    def see(self, look: Look) -> None:
        """What is held of her, and of which facts whom was told."""
        if self.asked.subject is not None:
            self._classes |= {d.klass for d in look.terms if d.tier_now != "erased"}
        for event in look.events:
            at = event.row.position
            if event.row.kind in self.concerns and at in look.facts:
                said = look.facts[at] if event.row.kind in _SAYING else None
                self._add(event.row, said, 1, (at,))
        if look.rows and self.asked.subject is not None:
            self._since = look.rows[0].position

    def set_apart(self, everybody: AtOnce, scene: Scene) -> Sought:  # noqa: ARG002
        """Of whom something was corrected that recipients are told."""
        return everybody.amended(self.concerns)

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:  # noqa: ARG002
        """The others, by what is said of one fact of each sort."""
        fields = dict.fromkeys(self.concerns, ()) | _SAYING
        turns = [position for position, _ in self._declared]
        for event, n, first in everybody.counted(fields, turns, apart, self.asked.positions):
            self._add(event.row, event.fact if event.row.kind in _SAYING else None, n, first)

    def _add(self, row: Row, said: Fact | None, n: int, first: Collection[int]) -> None:
        """So many facts alike, and the first of them."""
        names: tuple[str, ...]
        match said:
            case RecipientTold():
                to, names = self._told, (said.recipient,)
            case RecipientAcknowledged():
                to, names = self._done, (said.recipient,)
            case _:
                changed = said.changed if isinstance(said, ProfileRectified) else ()
                about = telling.about(row, changed, self._fields)
                to, names = self._owed, telling.concerned(about, self._known)
        for name in names:
            to.setdefault(name, Positions(self.asked.positions)).add(n, first)

    @cached_property
    def _known(self) -> list[telling.Recipient]:
        return telling.recipients(self._declared)

    def answer(self, scene: Scene) -> Answer:
        """One line for each recipient, as it was declared last."""
        columns = ("recipient", "type", "classes", "disclosures", "owed", "told", "acknowledged")
        lines, limit = [], self.asked.positions
        for name, (position, fact) in sorted(
            {f.recipient: (p, f) for p, f in self._declared}.items()
        ):
            given = [
                at
                for at, one in self._disclosed
                if one.recipient == name
                and at > self._since
                and (self.asked.subject is None or self._classes & set(one.classes))
            ]
            held = fact.classes is None or bool(self._classes & set(fact.classes))
            if self.asked.subject is not None and not (held or given or name in self._told):
                continue
            of = [of.get(name) or Positions(limit) for of in (self._owed, self._told, self._done)]
            classes = scene.classes(fact.classes or ())
            counts = (len(given), *(one.n for one in of))
            on = Positions(limit)
            on.add(1 + len(given), (position, *given))
            for one in of:
                on.take(one)
            cells = name, Said("recipient", fact.type), classes, *counts
            lines.append(Line(cells, on.first(), on.n))
        return Answer("Q9", columns, tuple(lines), {"recipients": len(lines)})


_SAYING = {
    ProfileRectified.kind: ("changed",),
    RecipientTold.kind: ("recipient",),
    RecipientAcknowledged.kind: ("recipient",),
}
"""What Q9 asks of facts beyond their columns."""
