"""Q6 to Q9: what was done with data: consulted, answered, erased, handed over."""

from __future__ import annotations

from uuid import UUID

from ledger.calendar import add_months, format_day, format_instant, is_past
from ledger.events import (
    CORRECTION,
    VOID,
    ArchiveConsulted,
    ClassErased,
    DataDisclosed,
    FieldDeclared,
    ProfileRectified,
    RecipientAcknowledged,
    RecipientDeclared,
    RecipientsNotified,
    RecipientTold,
    Restored,
)
from ledger.policy import telling
from ledger.policy.requests import EXTENDED_MONTHS, MONTHS, Request
from replay.controls.at_once import AtOnce, Erasure, Sought
from replay.controls.consulting import CONSULTED, consultations
from replay.controls.keeping import ERASED
from replay.controls.life import OF_REQUESTS, Look
from replay.controls.model import Event, Said
from replay.controls.scene import Scene
from replay.inspect.model import Answer, Apart, Asked, Cell, Line, Question


class Consultations(Question):
    """Q6: every consultation of the archive: who, why, which grant, and whether it was right."""

    concerns = CONSULTED
    seen = ("_lines", "_wrong")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._lines: list[Line] = []
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
            self._lines.append(self.line(cells, (position, *granted)))

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each."""
        columns = ("subject", "at", "reader", "motive", "class", "case", "approver", "grant")
        figures: dict[str, Cell] = {"consultations": len(self._lines), "wrong": self._wrong}
        return Answer("Q6", columns, tuple(self._lines), figures)


class Requests(Question):
    """Q7: the register of rights requests, and how many were answered in one month and in three."""

    concerns = OF_REQUESTS
    seen = ("_found",)

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._found: list[tuple[UUID, Request, tuple[str, ...]]] = []

    def see(self, look: Look) -> None:
        """Hers, with the recipients told of them."""
        told: dict[UUID, set[str]] = {}
        for event, fact in look.of(RecipientsNotified):
            told.setdefault(event.row.stream, set()).update(fact.recipients or ())
        for one in look.requests:
            self._found.append((look.subject, one, tuple(sorted(told.get(one.stream, ())))))

    def answer(self, scene: Scene) -> Answer:
        """One line for each, in the order of reception."""
        columns = ("subject", "right", "received", "due", "extended", "answered", "status", "told")
        lines, answered, in_one, in_three, overdue = [], 0, 0, 0, 0
        for subject, one, told in sorted(self._found, key=lambda f: (f[1].received, f[1].rests_on)):
            if one.answered is not None and one.status != "withdrawn":
                answered += 1
                in_one += not is_past(add_months(one.received, MONTHS), one.answered)
                in_three += not is_past(add_months(one.received, EXTENDED_MONTHS), one.answered)
            overdue += one.status == "overdue"
            cells: tuple[Cell, ...] = (
                *(str(subject), Said("right", one.right), format_day(one.received)),
                *(format_day(one.due), int(one.extended)),
                format_day(one.answered) if one.answered else None,
                *(Said("request_status", one.status), ", ".join(told) or None),
            )
            lines.append(self.line(cells, one.rests_on))
        figures: dict[str, Cell] = {"requests": len(lines), "answered": answered}
        figures |= {"in_one_month": in_one, "in_three_months": in_three, "overdue": overdue}
        return Answer("Q7", columns, tuple(lines), {**figures, "day": format_day(scene.today)})


class Erasures(Question):
    """Q8: every erasure: what, why, the destruction of its keys, and the restores it survived."""

    concerns = ERASED
    reads = ERASED
    apart = Apart(frozenset({CORRECTION, VOID}))
    hears = frozenset({Restored.kind})
    keys = True
    seen = ("_hers",)

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._found: list[Erasure] = []
        self._hers: list[tuple[Erasure, UUID, tuple[UUID, ...]]] = []
        self._restored: list[int] = []

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """A restore."""
        self._restored.append(event.row.position)

    def see(self, look: Look) -> None:
        """Hers."""
        for event, fact in look.of(ClassErased):
            row, keys = event.row, fact.keys or ()
            if row.position in look.facts:
                of = look.subject, fact.of, fact.item, fact.reason, len(keys)
                self._hers.append((Erasure(row.position, row.occurred_at, *of), event.id, keys))

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:
        """Of whom none was corrected."""
        scene.remember(everybody.destroyed(apart))
        self._found += everybody.erasures(apart, scene.as_of)

    def answer(self, scene: Scene) -> Answer:
        """One line for each. `destroyed`: of so many keys, on that order."""
        columns = ("subject", "at", "class", "item", "reason", "keys", "destroyed", "restores")
        lines, complete = [], 0
        for found, order, named in self._hers:
            done = [scene.destroyed[kid] for kid in named if kid in scene.destroyed]
            proofs = tuple(at for at, on in done if on == order and at <= scene.known)
            self._found.append(found._replace(proofs=proofs))
        for position, at, subject, klass, item, reason, keys, proofs in sorted(self._found):
            survived = [restored for restored in self._restored if restored > position]
            complete += len(proofs) == keys
            cells: tuple[Cell, ...] = (
                *(str(subject), format_instant(at), scene.klass(klass)),
                *(item, Said("erasure", reason)),
                *(keys, len(proofs), len(survived)),
            )
            lines.append(self.line(cells, (position, *proofs, *survived)))
        figures: dict[str, Cell] = {"erasures": len(lines), "complete": complete}
        stored = self.asked.stored
        if stored is not None and stored.keys:
            wrong = ("destroyed", "sealed")
            figures["store"] = sum(stored.counts.get(code, 0) for code in wrong)
            figures["revived"] = len(stored.revived)
        return Answer("Q8", columns, tuple(lines), figures)


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
        self._told: dict[str, list[int]] = {}
        self._done: dict[str, list[int]] = {}
        self._owed: dict[str, list[int]] = {}

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
        known = telling.recipients(self._declared)
        facts = look.facts
        for at, told in facts.of(RecipientTold):
            self._told.setdefault(told.recipient, []).append(at)
        for at, done in facts.of(RecipientAcknowledged):
            self._done.setdefault(done.recipient, []).append(at)
        changed = {at: fact.changed for at, fact in facts.of(ProfileRectified)}
        for event in look.events:
            at = event.row.position
            if at in facts and event.row.kind in telling.CONCERNING:
                about = telling.about(event.row, changed.get(at, ()), self._fields)
                for name in telling.concerned(about, known):
                    self._owed.setdefault(name, []).append(at)
        if look.rows and self.asked.subject is not None:
            self._since = look.rows[0].position

    def answer(self, scene: Scene) -> Answer:
        """One line for each recipient, as it was declared last."""
        columns = ("recipient", "type", "classes", "disclosures", "owed", "told", "acknowledged")
        lines = []
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
            done, told = self._done.get(name, []), self._told.get(name, [])
            owed = self._owed.get(name, [])
            classes = scene.classes(fact.classes or ())
            counts = (len(given), len(owed), len(told), len(done))
            on = (position, *given, *owed, *told, *done)
            lines.append(self.line((name, Said("recipient", fact.type), classes, *counts), on))
        return Answer("Q9", columns, tuple(lines), {"recipients": len(lines)})
