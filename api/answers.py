"""Questions to a ledger, answered as plain JSON values: both faces give exactly these.

Two times everywhere: `as_of`, when things were true, and `known_at`, when we had learnt them. An
answer says which path gave it (live tables, set-based SQL, or a fold of the facts) and at which
position of the log, so that it can be asked again for ever. Read next: `ledger/policy/evaluate.py`,
which judges, and `replay/fold.py`, which defines.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

from api.settings import Language
from api.verdicts import choice_json, day_json, deadline_json, death_json
from ledger.application import Ledger
from ledger.calendar import Instant, day_of, format_day, format_instant
from ledger.choosing import choose
from ledger.choosing.awaited import awaited_of
from ledger.commands import Reference
from ledger.errors import Misuse, NotFound, Stale
from ledger.events import KINDS, Died, Restricted, Row
from ledger.permitting.joined import of_all
from ledger.policy.awaiting import held_back
from ledger.policy.book import Book
from ledger.policy.cards import BY_OWN_FACTS, CardItem, cards, governed
from ledger.policy.cards import explain as explain_card
from ledger.policy.death import AfterDeath
from ledger.policy.evaluate import Judging, choices, deadlines
from ledger.policy.explain import explain
from ledger.policy.holds import restricted
from ledger.policy.model import Edition
from ledger.policy.reasons import ACTIVITY
from ledger.policy.verdicts import ChoiceState, Deadline
from ledger.projections.joins import Joins
from ledger.projections.model import SubjectState
from ledger.projections.population import Age, ClassCount, Population
from ledger.requests import heirs
from ledger.store import population as counting
from ledger.store import pruning, reader, states
from ledger.store.ages import ages as counted_ages
from ledger.store.recorder import read_head
from replay import fold as replaying

Engine: TypeAlias = Literal["live", "sql", "fold"]
Listen: TypeAlias = Callable[[int, int], None]
"""Hears how many facts of how many were read."""

CARDS = frozenset({"card", "card_proof"})
JUDGED = (states.CARDS, states.LIVE)  # what one person is judged by
ATTEMPTS = 5  # to find the policy book and the log at the same epoch


class Times(NamedTuple):
    """What is asked: None for now, and for all that is known."""

    as_of: Instant | None = None
    known_at: Instant | None = None


class Policy(NamedTuple):
    """The book an answer is judged by, and the epoch at which it was read."""

    book: Book
    epoch: int


# --- one person -----------------------------------------------------------------------------------


def find(ledger: Ledger, reference: Reference) -> UUID:
    """The subject of a business identifier. Raises NotFound, naming its kind only."""
    found = choose.find(ledger, reference)
    if found is None:
        kind = reference.kind
        raise NotFound(f"nobody in this ledger is known by this reference of kind '{kind}'")
    return found


class Judged(NamedTuple):
    """One person judged at two times. `known`: the position known; `path`: where her state was
    read; `held`: her cards, by which some deadlines are explained; `judging`: what they were judged
    by."""

    state: SubjectState
    path: str
    as_of: Instant
    known: int
    book: Book
    joins: Joins
    deadlines: list[Deadline]
    held: list[CardItem]
    judging: Judging

    def explained(self, deadline: Deadline, lang: Language) -> list[str]:
        """Why a deadline is what it is: of a card, by its own facts."""
        if BY_OWN_FACTS not in deadline.flags:
            return explain(deadline, lang)
        where = deadline.klass, deadline.scope
        return explain_card(next(c for c in self.held if (c.klass, c.item) == where), lang)

    def whole(self, some: list[Deadline]) -> list[Deadline]:
        """These as they are said in full, where they were judged without what follows."""
        whole = self.judging.whole  # of all but cards, whose own facts said all of it
        return [one if BY_OWN_FACTS in one.flags else whole(one) for one in some]


def judged(ledger: Ledger, subject: UUID, times: Times, *, ahead: bool = True) -> Judged:
    """The state and the deadlines of one person at two times; unless `ahead`, without what did not
    count and what would change them (`Judged.whole` says that of some). Raises NotFound when the
    ledger knows no such subject."""
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    with ledger.database.read() as connection:
        if ledger.database.is_sitting:  # a page: her choices and cards are asked for next
            states.look_at(connection, subject, *JUDGED)
        known = reader.position_at(connection, times.known_at)
        state, path = _state(connection, subject, times, as_of, known)
        paid = not CARDS.isdisjoint([key.klass for key in state.activity])
        history = states.of_cards(connection, subject).rows if paid else []
        facts = reader.card_facts(connection, subject) if paid else {}
    # Read after the log: the book holds every edition up to `known`, and later ones are left out.
    epoch = ledger.epoch()
    book, joins = ledger.book(epoch), ledger.joins(epoch, known)
    state = _honoured(ledger, joins, subject, state, as_of, known)
    heard = [row for row in history if row.position <= known]
    held = cards(state, replaying.effective(heard), facts, book, as_of, known)
    judging = Judging(state, book, as_of, known)
    found = governed(judging.deadlines(ahead=ahead), held)
    return Judged(state, path, as_of, known, book, joins, found, held, judging)


class Person(NamedTuple):
    """One person at two times: her deadlines, her choices, and what is said beside them."""

    found: Judged
    edition: Edition | None
    death: AfterDeath | None
    restricted: list[dict[str, Any]]
    choices: list[ChoiceState]

    @property
    def last_activity(self) -> dict[str, Any] | None:
        """Her last activity, as plain values."""
        found = self.found
        return _last_activity(found.state, found.book, found.as_of, found.known)


def person(ledger: Ledger, subject: UUID, times: Times, *, ahead: bool = True) -> Person:
    """One person; unless `ahead`, her deadlines are without what did not count and what would
    change them. Raises NotFound when the ledger knows no such subject."""
    found = judged(ledger, subject, times, ahead=ahead)
    state, as_of, known, book, joins = found[0], *found[2:6]
    death = None
    if len(joins.family(subject)) > 1 or Died.kind in {key.kind for key in state.activity}:
        with ledger.database.read() as connection:
            death = heirs.of_person(connection, joins, subject, as_of, known)
    return Person(
        found,
        book.in_force(day_of(as_of), known),
        death,
        restricted_json(ledger, subject, as_of, known, is_now=times == Times()),
        _choices(ledger, joins, subject, state, book, as_of, known),
    )


def subject_answer(
    ledger: Ledger, subject: UUID, times: Times, lang: Language, klass: str | None = None
) -> dict[str, Any]:
    """One person's deadlines and choices at two times, each explained in `lang`.

    Raises NotFound when the ledger knows no such subject, Misuse for an unknown class.
    """
    told = person(ledger, subject, times)
    found, edition, death, restricted, said = told
    ends = found.deadlines
    if klass is not None:
        check_class(found.book, found.known, klass)
        ends, said = [deadline for deadline in ends if deadline.klass == klass], []
    return {
        "subject": str(subject),
        **joined_json(found.joins, subject),
        **times_json(found.as_of, times.known_at, found.known),
        "path": found.path,
        "edition": _edition(edition),
        "flags": list(_edition_flags(edition, found.as_of)),
        "facts": dict(sorted(_facts(found.state).items())),
        "last_activity": told.last_activity,
        "death": death and death_json(death, lang),
        "restricted": restricted,
        "deadlines": [deadline_json(one, lang, found.explained(one, lang)) for one in ends],
        "consents": [choice_json(choice, lang) for choice in said],
    }


def restricted_json(
    ledger: Ledger, subject: UUID, as_of: Instant, known: int | None = None, *, is_now: bool
) -> list[dict[str, Any]]:
    """The restrictions of the use of her data that stand, under whichever of her references they
    were asked for: by which ground of GDPR art. 18(1), since when. `is_now`: of what is known now,
    which the live tables tell."""
    joins = ledger.joins(ledger.epoch(), known)
    people = joins.everybody(joins.kept(subject))
    with ledger.database.read() as connection:
        if is_now:  # few people ever asked for one: who did is looked at whole
            found = [states.live_state(connection, one) for one in people]
            if Restricted.kind not in {key.kind for one in found for key in one.activity}:
                return []
        rows = [row for one in people for row in states.rows_of(connection, one, known)]
    heard = [row for row in replaying.effective(rows) if row.occurred_at <= as_of]
    return [
        {
            "ground": row.basis,
            "since": format_day(row.local_day),
            "position": row.position,
            "clause": "SS-DSR-5",
            "article": "GDPR art. 18(2)",
        }
        for row in restricted(heard, joins)
    ]


def choices_now(ledger: Ledger, subject: UUID, lang: Language) -> list[dict[str, Any]]:
    """The choices of `subject_answer` now, without its deadlines. Raises NotFound."""
    now = ledger.clock.now()
    with ledger.database.read() as connection:
        states.look_at(connection, subject, states.LIVE)
        known = reader.position_at(connection, None)
        state, _ = _state(connection, subject, Times(), now, known)
    book, joins = ledger.book(ledger.epoch()), ledger.joins(ledger.epoch(), known)
    state = _honoured(ledger, joins, subject, state, now, known)
    said = _choices(ledger, joins, subject, state, book, now, known)
    return [choice_json(choice, lang) for choice in said]


def _choices(
    ledger: Ledger,
    joins: Joins,
    subject: UUID,
    state: SubjectState,
    book: Book,
    as_of: Instant,
    known: int,
) -> list[ChoiceState]:
    """Her choices; a yes that waits for her confirmation under another reference is none yet."""
    said = choices(state, book, as_of, known)
    if len(joins.family(subject)) == 1:
        return said
    with ledger.database.read() as connection:
        waits = awaited_of(connection, joins, subject, book, as_of, known)
    return [held_back(one, waits, as_of) for one in said]


def _state(
    connection: Any, subject: UUID, times: Times, as_of: Instant, known: int
) -> tuple[SubjectState, str]:
    """One person's state, and where it was read: of now the live tables answer, if nothing that is
    known of her is ahead. Raises NotFound."""
    if times == Times():
        state = states.live_state(connection, subject)
        if state.activity and not _is_ahead(state, as_of):
            return state, "live"
    rows = states.rows_of(connection, subject)
    if not rows:
        raise NotFound("this ledger knows no such subject")
    return replaying.fold_subject(rows, as_of, known), "fold"


def joined_json(joins: Joins, subject: UUID) -> dict[str, Any]:
    """With whom she is one person: whom new facts are about if not her, and who was joined to
    her."""
    kept = joins.kept(subject)
    return {
        "joined_into": None if kept == subject else str(kept),
        "joined": [str(join.other) for join in joins.others(subject)],
    }


def _honoured(
    ledger: Ledger, joins: Joins, subject: UUID, state: SubjectState, as_of: Instant, known: int
) -> SubjectState:
    """The state with the choices that count for her under all her references, those only that were
    made under this one if it is not kept; deadlines stay each reference's own (decision 0020)."""
    kept = joins.kept(subject)
    others = joins.others(kept)
    if not others:
        return state
    with ledger.database.read() as connection:
        rows = {one: states.rows_of(connection, one) for one in joins.everybody(kept)}
    said = {o: replaying.fold_subject(r, as_of, known) for o, r in rows.items()}
    hers = of_all(said[kept], [(one.position, said[one.other]) for one in others])
    keys = hers.consents if kept == subject else said[subject].consents
    counts = {key: hers.consents[key] for key in keys}
    return state._replace(consents=counts, unproved=hers.unproved)


# --- everybody ------------------------------------------------------------------------------------


class Past(NamedTuple):
    """Which items past their term are to be listed: of one class, so many at most."""

    klass: str
    limit: int


def population_answer(
    ledger: Ledger,
    times: Times,
    engine: Engine | None = None,
    past: Past | None = None,
    listen: Listen = lambda _done, _total: None,
    *,
    with_ages: bool = False,
) -> dict[str, Any]:
    """Everybody at two times, counted by class, and by age if that is asked. Counts, and subject
    ids only when `past` asks. `subjects` are references, each with its own clocks, and so are the
    counts by class; `joined` of them are somebody who is counted already, and `people` is what is
    left.

    Without an `engine`: the live tables where they can answer (for no earlier than the last fact
    and for all that is known), else SQL. Raises Misuse where `live` is asked and cannot.
    """
    as_of = ledger.clock.now() if times.as_of is None else times.as_of
    for _ in range(ATTEMPTS):
        epoch = ledger.epoch()
        policy = Policy(ledger.book(epoch), epoch)
        with ledger.database.read() as connection:
            head = read_head(connection)
            if head.epoch != policy.epoch:
                continue  # an edition was published in between
            known = reader.position_at(connection, times.known_at)
            live = known == head.position and is_settled(connection, as_of)
            chosen: Engine = engine or ("live" if live else "sql")
            if chosen == "live" and not live:
                raise Misuse(
                    "the live tables answer only for all that is known, at no date before the last"
                    " fact; use --engine sql"
                )
            counted, listed = _count(connection, policy.book, as_of, known, chosen, past, listen)
            ages = _ages(connection, policy.book, as_of, known, chosen) if with_ages else None
            gone = pruning.unreadable(connection)
            joined = _joined(ledger, connection, epoch, as_of, known)
        edition = policy.book.in_force(day_of(as_of), known)
        answer = {
            **times_json(as_of, times.known_at, known),
            "engine": chosen,
            **population_json(counted, edition),
            "joined": joined,
            "people": counted.subjects - joined,
            "unreadable": gone.to_json(),
        }
        if ages is not None:
            answer["ages"] = [one._asdict() for one in ages]
        return answer if past is None else {**answer, "past": {"class": past.klass, **listed}}
    raise Stale("editions are being published; please try again")


def population_json(counted: Population, edition: Edition | None) -> dict[str, Any]:
    """The counts as plain values, whoever counted."""
    return {
        **counted.to_json(),
        "edition": _edition(edition),
        "classes": {name: _class(c) for name, c in sorted(counted.classes.items())},
    }


def _joined(ledger: Ledger, connection: Any, epoch: int, as_of: Instant, known: int) -> int:
    """How many of those who are counted are somebody counted already, as the joins stood at R."""
    joins = ledger.joins(epoch, known)
    rows = states.rows_of_some(connection, joins.people(), known)
    return joins.twice(subject for subject, _ in replaying.fold(rows, as_of, known))


def _count(
    connection: Any,
    book: Book,
    as_of: Instant,
    known: int,
    engine: Engine,
    past: Past | None,
    listen: Listen,
) -> tuple[Population, dict[str, Any]]:
    if past is not None:
        check_class(book, known, past.klass)
    if engine == "fold":

        def rows() -> Iterable[Row]:
            return _counted_rows(states.rows_by_subject(connection, known), known, listen)

        counted = replaying.population(rows(), book, as_of, known)
        return counted, listed_json(_fold_past(rows(), book, as_of, known, past)) if past else {}
    source: counting.Source = "live" if engine == "live" else "events"
    counted = counting.population(connection, book, as_of, known, source)
    if past is None:
        return counted, {}
    found = counting.past_due(
        connection, book, as_of, known, klass=past.klass, limit=past.limit, source=source
    )
    return counted, listed_json(found)


def _ages(connection: Any, book: Book, as_of: Instant, known: int, engine: Engine) -> list[Age]:
    if engine == "fold":
        return replaying.ages(states.rows_by_subject(connection, known), book, as_of, known)
    source: counting.Source = "live" if engine == "live" else "events"
    return counted_ages(connection, book, as_of, known, source)


def _fold_past(
    rows: Iterable[Row], book: Book, as_of: Instant, known: int, past: Past
) -> Iterator[counting.PastDue]:
    left = past.limit
    for subject, state in replaying.fold(rows, as_of, known):
        for d in deadlines(state, book, as_of, known):
            if d.klass == past.klass and d.is_past and d.operational_until is not None and left:
                left -= 1
                yield counting.PastDue(subject, d.scope, d.operational_until, d.archive_until)
        if not left:
            return


def listed_json(found: Iterable[counting.PastDue]) -> dict[str, Any]:
    """Items past their term, as plain values."""
    return {
        "items": [
            {
                "subject": str(item.subject),
                "scope": item.scope or None,
                "due": format_day(item.due),
                "archive_until": day_json(item.archive_until),
            }
            for item in found
        ]
    }


def _counted_rows(rows: Iterable[Row], total: int, listen: Listen) -> Iterator[Row]:
    for number, row in enumerate(rows):
        if number % 1000 == 0:
            listen(number, total)
        yield row


def _class(count: ClassCount) -> dict[str, Any]:
    """Subjects in front, for that is what is asked; items (invoices, contracts…) beside."""
    return {**asdict(count.subjects), "items": asdict(count.items)}


# --- shared ---------------------------------------------------------------------------------------


def times_json(as_of: Instant, known_at: Instant | None, position: int) -> dict[str, Any]:
    """The two times of an answer, and the position it rests on."""
    return {
        "as_of": format_instant(as_of),
        "day": format_day(day_of(as_of)),
        "known_at": None if known_at is None else format_instant(known_at),
        "position": position,
    }


def _edition(edition: Edition | None) -> dict[str, Any] | None:
    if edition is None:
        return None
    return {"id": edition.id, "effective_from": format_day(edition.effective_from)}


def _edition_flags(edition: Edition | None, as_of: Instant) -> tuple[str, ...]:
    if edition is None:
        return ("no_edition_known",)
    ahead = edition.effective_from > day_of(as_of)
    return ("edition_not_yet_in_force",) if ahead else ()


def _facts(state: SubjectState) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, span in state.activity.items():
        if KINDS[key.kind].also != key.klass:
            found[key.kind] = found.get(key.kind, 0) + span.n
    return found


def _last_activity(
    state: SubjectState, book: Book, as_of: Instant, known: int
) -> dict[str, Any] | None:
    """The last fact that counts as an activity of the person herself, for whichever class."""
    edition = book.in_force(day_of(as_of), known)
    kinds = _activity(edition) if edition else ()
    found = [
        (span.last_day, span.last_position, key.kind)
        for key, span in state.activity.items()
        if key.kind in kinds
    ]
    if not found:
        return None
    day, position, kind = max(found)
    return {"kind": kind, "day": format_day(day), "position": position}


@lru_cache(maxsize=64)
def _activity(edition: Edition) -> frozenset[str]:
    """The kinds of facts that count as an activity of a person, for whichever class."""
    classes = [one for one in edition.classes.values() if one.clock == "subject"]
    return ACTIVITY & {kind for one in classes for kind in one.moved_by}


def _is_ahead(state: SubjectState, now: Instant) -> bool:
    """Whether a fact is dated after now: a recording clock may be minutes before ours."""
    days = [span.last_day for span in state.activity.values()]
    instants = [expression.at for expression in state.consents.values()]
    return max(days, default=0) > day_of(now) or max(instants, default=0) > now


def is_settled(connection: Any, as_of: Instant) -> bool:
    """Whether no fact happened after `as_of`: only then may the live tables answer for it."""
    last = reader.last_occurred(connection)
    return last is None or last <= as_of


def check_class(book: Book, known: int, klass: str) -> None:
    """Raise Misuse for a class that no edition known has."""
    names = {name for edition in book.known(known) for name in edition.classes}
    if klass not in names:
        raise Misuse(f"the policy has no such class; it has: {', '.join(sorted(names))}")
