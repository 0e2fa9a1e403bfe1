"""Q1 to Q5 and Q11: what is held of people, what they chose, what they were sent.

Q2, Q3, Q5 and Q11 are asked of one person, in full, or of everybody, counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from ledger.calendar import Day, format_day, format_instant
from ledger.events import FieldDeclared
from ledger.policy.consents import counted_as
from ledger.policy.evaluate import choices, deadlines_now
from ledger.policy.holds import KEEPING, Fate
from ledger.policy.sends import Send
from ledger.policy.verdicts import ChoiceState, Deadline
from ledger.projections.consents import RANKS
from replay.controls.at_once import AtOnce, Counting, First, Sought
from replay.controls.life import Look
from replay.controls.model import EVERYBODY, Event, Said, Several, Value
from replay.controls.scene import Scene
from replay.controls.sending import CONCERNED, STOPPED, delay, seek_after_a_no, sorts_of_sends
from replay.fold import fold_subject
from replay.inspect.listing import Listed
from replay.inspect.model import Answer, Apart, Asked, Cell, Counted, Line, Question

L = TypeVar("L")
HOUR = 3_600_000_000
RUNS = "contract_runs"


class LastActivity(Question):
    """Q1: people by class and years since what counted last, with the policy's term."""

    concerns = EVERYBODY
    apart = Apart(frozenset(KEEPING), with_cards=True)
    seen = ("_counted", "_past", "_held")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._counted = Counted(asked.positions)
        self._past = self._held = 0

    def see(self, look: Look) -> None:
        """Each class and thing that is held of her."""
        self._see(look, look.fates)

    def see_cards(self, look: Look) -> None:
        """Each card that is held of her."""
        self._see(look, look.fates_of_cards)

    def _see(self, look: Look, found: list[tuple[Deadline, Fate]]) -> None:
        for deadline, fate in found:
            if deadline.tier_now == "erased":
                continue
            state = _state(deadline, fate)
            self._past += state == "past"
            self._held += state == "held"
            age: Cell = years(deadline.counted.day, look.scene.today)
            if deadline.suspended_by:
                age = Said("inspect", RUNS)
            klass = look.scene.klass(deadline.klass)
            key = (klass, deadline.counted.months, age, Said("inspect", state))
            self._counted.add(key, look.subject, deadline.counted.position)

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:
        """Of whom nothing is held back."""
        for one in everybody.aged(apart, self.asked.positions):
            age: Cell = Said("inspect", RUNS) if one.years is None else one.years
            key = scene.klass(one.klass), one.months, age, Said("inspect", one.place)
            self._past += one.things if one.place == "past" else 0
            self._counted.count(key, one.people, one.things, one.first)
        for (klass, months, state), old, people, things, first in _cards(
            everybody,
            apart,
            self.asked.positions,
            lambda d, fate: (
                (d.klass, d.counted.months, _state(d, fate)) if d.tier_now != "erased" else None
            ),
            aged=True,
        ):
            age = Said("inspect", RUNS) if old is None else old
            self._past += things if state == "past" else 0
            key = scene.klass(klass), months, age, Said("inspect", state)
            self._counted.count(key, people, things, first)

    def answer(self, scene: Scene) -> Answer:
        """One line for each class, age and state."""
        columns = ("class", "months", "years", "state", "people", "things")
        edition = scene.book.in_force(scene.today, scene.known)
        figures: dict[str, Cell] = {"edition": edition.id if edition else None}
        figures |= {"past": self._past, "held": self._held}
        return Answer("Q1", columns, self._counted.lines(), figures)


class Consents(Question):
    """Q2: the consent of X for each purpose and channel, with the form, act, grade and time."""

    concerns = frozenset(RANKS)
    apart = Apart()
    seen = ("_counted", "_own")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._counted = Counted(asked.positions)
        self._own: list[Line] = []

    def see(self, look: Look) -> None:
        """Her choices; those of everybody are counted by state."""
        for found in chosen(look):
            if self.asked.subject is None:
                key = (*place(look, found.purpose, found.channel), stated(found))
                self._counted.add(key, look.subject, found.position or 0)
                continue
            fact = look.facts.get(found.position or 0)
            cells: tuple[Cell, ...] = (
                *place(look, found.purpose, found.channel),
                stated(found),
                found.grade and Said("grade", found.grade),
                getattr(fact, "form", None),
                getattr(fact, "act", None),
                format_instant(fact.occurred.at) if fact is not None else None,
                found.edition,
            )
            self._own.append(self.line(cells, found.rests_on))

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:
        """Of whoever has one reference."""
        for one in everybody.chosen(apart, self.asked.positions):
            said = of_state(one.state, one.reason)
            over = Said("channel", one.channel) if one.channel else None
            key = scene.purpose(one.purpose), over, said
            self._counted.count(key, one.people, one.people, one.first)

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each choice, or for each state of each choice."""
        heads = "purpose", "channel", "state"
        if self.asked.subject is None:
            return Answer("Q2", (*heads, "people", "things"), self._counted.lines())
        return Answer("Q2", (*heads, "grade", "form", "act", "at", "edition"), tuple(self._own))


class Sends(Question):
    """Q3: every message and call to X, and the permission that held at that instant."""

    concerns = CONCERNED
    seen = ("_counted", "_own")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._counted = Counted(asked.positions)
        self._own: list[Line] = []
        self._sorts: dict[int, tuple[Cell, ...]] = {}

    def set_apart(self, everybody: AtOnce, scene: Scene) -> Sought:
        """Whoever has a send of which no sort says what was permitted."""
        sorts = sorts_of_sends(everybody, scene)
        self._sorts = {sort: _said(send, scene) for sort, send in sorts.items() if send}
        return everybody.having_sends(sorts.keys() - self._sorts.keys())

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:  # noqa: ARG002
        """The others, by what was said of one send of each sort."""
        lines = list(dict.fromkeys(self._sorts.values()))
        by_sort = {sort: lines.index(line) for sort, line in self._sorts.items()}
        for n, people, things, first in everybody.sends(apart, by_sort, self.asked.positions):
            self._counted.count(lines[n], people, things, first)

    def see(self, look: Look) -> None:
        """Hers one by one; everybody's counted by answer."""
        for send in look.sends:
            about = _said(send, look.scene)
            if self.asked.subject is None:
                self._counted.add(about, look.subject, send.position)
                continue
            now = None
            if send.now is not None:
                now = Said("permission_reason", send.now.reasons[0])
            at = format_instant(send.at.at)
            cells = (at, *about, send.then.clause, now)
            self._own.append(self.line(cells, (send.position, *send.then.rests_on)))

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each send, or for each answer."""
        heads = "purpose", "channel", "permission", "why"
        if self.asked.subject is None:
            return Answer("Q3", (*heads, "people", "things"), self._counted.lines())
        return Answer("Q3", ("at", *heads, "clause", "known_now"), tuple(self._own))


class AfterNo(Question):
    """Q4: every send after a withdrawal or an objection, with the delay."""

    concerns = CONCERNED
    seen = ("_lines",)

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._lines = Listed()

    def seek(self, everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
        """Whoever said no to something that she was sent afterwards."""
        return seek_after_a_no(everybody, scene)

    def see(self, look: Look) -> None:
        """Those that ignored a no known then."""
        for send in look.sends:
            if send.allowed or send.then.reasons[0] not in STOPPED:
                continue
            late = delay(look, send)
            hours = None if late is None else late // HOUR
            who, at = str(look.subject), format_instant(send.at.at)
            cells = (who, at, *place(look, send.purpose, send.channel), hours)
            self._lines.add(self.line(cells, (send.position, *send.then.rests_on)), at)

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each."""
        columns = ("subject", "at", "purpose", "channel", "delay_hours")
        return Answer("Q4", columns, self._lines, {"sends": len(self._lines)})


class Held(Question):
    """Q5: which data of X is in use, archived or erased, until when, on which article."""

    concerns = EVERYBODY
    apart = LastActivity.apart
    hears = frozenset({FieldDeclared.kind})
    seen = ("_counted", "_own")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._counted = Counted(asked.positions)
        self._fields: dict[str, list[str]] = {}
        self._own: list[tuple[Deadline, bool]] = []

    def hear(self, event: Event, scene: Scene) -> None:  # noqa: ARG002
        """Which declared fields are of which class."""
        if isinstance(event.fact, FieldDeclared):
            for name in event.fact.classes:
                self._fields.setdefault(name, []).append(event.fact.name)

    def see(self, look: Look) -> None:
        """Each class and thing of hers; of everybody, counted."""
        for deadline, fate in look.fates:
            if self.asked.subject is None:
                self._add(look, deadline)
            else:
                self._own.append((deadline, bool(fate.held_by)))

    def see_cards(self, look: Look) -> None:
        """Each card of hers, counted."""
        for deadline, _ in look.fates_of_cards:
            self._add(look, deadline)

    def _add(self, look: Look, deadline: Deadline) -> None:
        key = (look.scene.klass(deadline.klass), tier(deadline), deadline.article)
        self._counted.add(key, look.subject, deadline.counted.position)

    def count(self, everybody: AtOnce, apart: Sought, scene: Scene) -> None:
        """Of whoever keeps no card of hers."""
        for one in everybody.placed(apart, self.asked.positions):
            key = scene.klass(one.klass), of_place(one.place), one.article
            self._counted.count(key, one.people, one.things, one.first)
        for (klass, place, article), _, people, things, first in _cards(
            everybody, apart, self.asked.positions, lambda d, _: (d.klass, tier(d), d.article)
        ):
            self._counted.count((scene.klass(klass), place, article), people, things, first)

    def answer(self, scene: Scene) -> Answer:
        """One line for each class and thing, or for each class and tier."""
        if self.asked.subject is None:
            counts = ("class", "state", "article", "people", "things")
            return Answer("Q5", counts, self._counted.lines())
        columns = ("class", "item", "state", "until", "archive_until", "article", "held", "fields")
        lines = []
        for d, held in self._own:
            article = d.archive_article if d.ended and d.ended.tier == "archived" else d.article
            fields = ", ".join(sorted(set(self._fields.get(d.klass, ())))) or None
            until, archive = day(d.operational_until), day(d.archive_until)
            klass, item = scene.klass(d.klass), d.scope or None
            cells = (klass, item, tier(d), until, archive, article, int(held), fields)
            lines.append(self.line(cells, d.rests_on))
        return Answer("Q5", columns, tuple(lines))


class Believed(Question):
    """Q11: what was believed at D, as known then, against what is known at R of the same day."""

    concerns = EVERYBODY
    seen = ("_lines", "_people")

    def __init__(self, asked: Asked) -> None:
        super().__init__(asked)
        self._lines = Listed()
        self._people = 0

    def seek(self, everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
        """Of whom nothing was recorded since, all that is known was known then."""
        return (everybody.having_otherwise(scene.as_of),)

    def see(self, look: Look) -> None:
        """Where the two differ: a choice, or the last day of a class."""
        scene = look.scene
        then = look.known_at(scene.as_of)
        if then >= max((row.position for row in look.rows), default=0):
            return  # whatever she is known by was known then
        already = len(self._lines)
        rows = [row for row in look.rows if row.position <= then]
        before = fold_subject(rows, scene.as_of, then)
        old = {(c.purpose, c.channel): c for c in choices(before, scene.book, scene.as_of, then)}
        new = {(c.purpose, c.channel): c for c in chosen(look)}
        for key in sorted(old.keys() | new.keys()):
            self._choice(look, key, old.get(key), new.get(key))
        was = {(d.klass, d.scope): d for d in deadlines_now(before, scene.book, scene.as_of, then)}
        now = {(d.klass, d.scope): d for d in look.terms}
        for key in sorted(was.keys() | now.keys()):
            self._term(look, key, was.get(key), now.get(key))
        self._people += len(self._lines) > already

    def _choice(
        self, look: Look, key: tuple[str, str], old: ChoiceState | None, new: ChoiceState | None
    ) -> None:
        if (old and old.state) == (new and new.state):
            return
        what = look.scene.choice(*key)
        said = (stated(c) if c else None for c in (old, new))
        on = [p for c in (old, new) if c for p in c.rests_on]
        cells = (str(look.subject), Said("inspect", "choice"), what, *said)
        self._lines.add(self.line(cells, on))

    def _term(
        self, look: Look, key: tuple[str, str], was: Deadline | None, now: Deadline | None
    ) -> None:
        if (was and was.operational_until) == (now and now.operational_until) and (
            (was is None) == (now is None)
        ):
            return
        what = look.scene.klass(*key)
        said = (_until(d) for d in (was, now))
        on = [p for d in (was, now) if d for p in d.rests_on]
        cells = (str(look.subject), Said("inspect", "term"), what, *said)
        self._lines.add(self.line(cells, on))

    def answer(self, scene: Scene) -> Answer:  # noqa: ARG002
        """One line for each thing on which the two differ."""
        columns = ("subject", "what", "about", "believed", "known")
        figures: dict[str, Cell] = {"people": self._people, "differences": len(self._lines)}
        return Answer("Q11", columns, self._lines, figures)


def chosen(look: Look) -> list[ChoiceState]:
    """Her choices at (D, R), under all the references she then had; of a reference that is not the
    one kept, those only that were made under it."""
    scene, state = look.scene, look.state
    if look.life.kin:
        counts = look.person_at(scene.as_of, scene.known).state.consents
        if scene.joins_at(scene.known).kept(look.subject) != look.subject:
            counts = {key: counts[key] for key in state.consents}
        state = state._replace(consents=counts)
    return choices(state, scene.book, scene.as_of, scene.known)


def place(look: Look, purpose: str, channel: str | None) -> tuple[Cell, Cell]:
    """What something was for, and the channel."""
    return look.scene.purpose(purpose), Said("channel", channel) if channel else None


def _said(send: Send, scene: Scene) -> tuple[Cell, ...]:
    """What a send was for, the channel, whether it was permitted, and why."""
    over = Said("channel", send.channel) if send.channel else None
    said = Said("inspect", "allowed" if send.allowed else "refused")
    return scene.purpose(send.purpose), over, said, Said("permission_reason", send.then.reasons[0])


def _state(deadline: Deadline, fate: Fate) -> str:
    """Where something is, or that it should be there no more."""
    if fate.due != "nothing":
        return "held" if fate.blocked else "past"
    return "archived" if deadline.ended is not None else "in_use"


def _cards(
    everybody: AtOnce,
    apart: Sought,
    limit: int,
    told: Callable[[Deadline, Fate], L | None],
    *,
    aged: bool = False,
) -> Iterator[tuple[L, int | None, int, int, First]]:
    """The cards of everybody but those apart, counted by what is told of one of each sort (None: it
    does not count); and (`aged`) by the years since what counted, where no contract runs."""
    of = {
        sort: (said, one)
        for sort, one in apart.sorts.items()
        if one.deadline is not None and one.fate is not None
        for said in [told(one.deadline, one.fate)]
        if said is not None
    }
    lines = list(dict.fromkeys(said for said, _ in of.values()))
    counting = {
        sort: Counting(lines.index(said), one.counted, one.is_planned, is_aged)
        for sort, (said, one) in of.items()
        for is_aged in [aged and not (one.deadline and one.deadline.suspended_by)]
    }
    for n, old, people, things, first in everybody.cards(apart, counting, limit):
        yield lines[n], old, people, things, first


def tier(deadline: Deadline) -> Said:
    """Where it is, in a word."""
    return of_place(deadline.place)


def of_place(place: str) -> Said:
    """A place, in a word."""
    return Said("inspect", RUNS if place == "suspended" else place)


def years(since: Day, today: Day) -> int:
    """Whole years from one day to another."""
    return max((today - since) // 10000, 0)


def day(found: Day | None) -> str | None:
    """A day as YYYY-MM-DD."""
    return None if found is None else format_day(found)


def stated(found: ChoiceState) -> Value:
    """The state of a choice; with the reason, where a yes can no longer be proved."""
    return of_state(*counted_as(found))


def of_state(state: str, reason: str) -> Value:
    """A state; with the reason, if it has one."""
    said = Said("state", state)
    return Several((said, Said("choice_reason", reason)), ", ") if reason else said


def _until(deadline: Deadline | None) -> Cell:
    if deadline is None:
        return None
    return day(deadline.operational_until) or tier(deadline)
