"""One search box, and one person: her deadlines and choices, each with its rule, and her last
facts; behind one click each of them explained, and her whole story.

What is searched for travels in the body of a form, is looked for under every kind of reference that
this ledger knows, and is kept nowhere: the page of a person is under her random id. Nothing sealed
is opened for it; who wants to read says why, and that is on record before anything is shown. Read
next: `stories.py`, which tells the timeline.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import UUID

from markupsafe import Markup
from starlette.responses import Response

from api.answers import Person, Times, joined_json, person
from api.console import Page
from api.console.bundles import person_bundle
from api.console.dates import end_of_day
from api.console.naming import capital, names_of, sorting
from api.console.rendering import filled, html, slot, slotted
from api.console.stories import last_of, story_of
from api.console.texts import as_it_is, escaped, speech
from api.console.visiting import Visit
from api.facts import check_strict
from api.problems import Problem
from api.reading import Reading, reading_answer
from api.routes import AGENT, AUDITOR, DPO
from api.settings import Language
from api.verdicts import death_json
from ledger.calendar import Day, day_of
from ledger.commands import Reference
from ledger.errors import ProbantError
from ledger.events import CORRECTION, VOID, RequestReceived
from ledger.naming import blinded, unusable
from ledger.policy.explain import explain, ruled
from ledger.policy.model import Edition
from ledger.policy.requests import Request
from ledger.policy.verdicts import ChoiceState
from ledger.requests.reading import queue
from ledger.store import reader, states

PEOPLE = "/console/people"
_CUT = "\x01"
SEARCHING = frozenset({AGENT, DPO})
TOLD = frozenset({AGENT, DPO, AUDITOR})
REASONS = ("rights_request", "complaint", "correction", "security", "litigation")
MAX_TERM = 400  # characters
REQUESTS = 100


def get_search(visit: Visit) -> Response:
    """The search box."""
    return visit.render("search.html", is_unknown=False)


def post_search(visit: Visit) -> Response:
    """On to whoever is meant; nobody is said as such, and what was typed is not repeated."""
    term = visit.field("term")
    found = _found(visit, term) if term else None
    if found is None:
        return visit.render("search.html", 404, is_unknown=True)
    return visit.go(f"{PEOPLE}/{found}")


def _found(visit: Visit, term: str) -> UUID | None:
    """The one person known by this reference or address. Not too often, as over HTTP."""
    if len(term) > MAX_TERM:
        return None
    ledger, state = visit.ledger, visit.request.app.state
    check_strict(term)
    with ledger.database.read() as connection:
        kinds = reader.kinds_of_reference(connection, "person")
    asked = [Reference(kind, term) for kind in kinds]
    asked = [one for one in asked if unusable(one) is None]
    state.limits.lookups.take(visit.asker.id, visit.now, max(1, len(asked)))
    keys = {blinded(ledger, "person", one) for one in asked}
    with ledger.database.read() as connection:
        targets = reader.lookups(connection, keys)
    joins = ledger.joins(ledger.epoch())
    people = {joins.kept(target.subject) for target in targets.values()}
    return people.pop() if len(people) == 1 else None


class Asked(NamedTuple):
    """Whose page, and at which two days (empty: now, and all that is known)."""

    subject: UUID
    as_of: str
    known_at: str

    @property
    def times(self) -> Times:
        """The same as instants: a day means its end."""
        as_of, known_at = (end_of_day(day) for day in (self.as_of, self.known_at))
        return Times(as_of, known_at)

    @property
    def path(self) -> str:
        """Her page, of now."""
        return f"{PEOPLE}/{self.subject}"

    @property
    def brief(self) -> str:
        """Her page at these times."""
        return f"{self.path}?{self.also[1:]}" if self.also else self.path

    @property
    def also(self) -> str:
        """Both days, behind another question of an address."""
        days = {"as_of": self.as_of, "known_at": self.known_at}
        return "".join(f"&{name}={quote(day)}" for name, day in days.items() if day)


def get_person(visit: Visit) -> Response:
    """Everything about one person that opens nothing sealed."""
    query = visit.request.query_params
    asked = Asked(_subject(visit), query.get("as_of", ""), query.get("known_at", ""))
    return visit.render("person.html", **_told(visit, asked))


def post_reading(visit: Visit) -> Response:
    """Her personal data of some classes, shown once; who reads it and why is on record before."""
    subject, classes = _subject(visit), tuple(sorted(set(visit.fields("class"))))
    reason, case = visit.field("reason"), visit.field("case")
    asked = Asked(subject, "", "")
    if not classes or reason not in REASONS:
        problem = Problem("malformed", "choose at least one class, and say why").refusal
        return visit.render("person.html", 422, **_told(visit, asked) | {"refusal": problem})
    try:
        reading = Reading(classes, reason, _case(case))
        opened = reading_answer(visit.ledger, visit.asker, subject, reading)
    except (Problem, ProbantError) as error:
        told = _told(visit, asked) | {"refusal": visit.refusal_of(error)}
        return visit.render("person.html", 422, **told)
    return visit.render("person.html", **_told(visit, asked) | {"opened": opened})


def post_evidence(visit: Visit) -> Response:
    """The evidence file about one person: a bundle that a stranger checks without us."""
    return person_bundle(visit, _subject(visit))


# --- what is told ---------------------------------------------------------------------------------


class Ending(NamedTuple):
    """A deadline: by what it is told from the others, what is said; and why, if that is to be said
    here."""

    id: str
    said: Markup
    why: list[str] | None


class Choice(NamedTuple):
    """A choice of hers; and why it counts as it does, if that is to be said here."""

    of: ChoiceState
    label: str
    why: list[str] | None


def _told(visit: Visit, asked: Asked) -> dict[str, Any]:
    """What the page of a person is made of: why, and her story, only where they are asked for.
    Raises NotFound for somebody nobody knows."""
    times, query, is_whole = asked.times, visit.request.query_params, visit.is_whole
    told = person(visit.ledger, asked.subject, times, ahead=is_whole)
    after = _position(query["after"]) if "after" in query else 0 if is_whole else None
    may_read, may_prove = bool(visit.asker.roles & SEARCHING), bool(visit.asker.roles & PROVING)
    known, whole = told.found.book.known(None), f"{asked.path}?whole=1{asked.also}"
    held = frozenset(deadline.klass for deadline in told.found.deadlines)
    forms, subject = _forms(visit.lang, known, held, may_read, may_prove), str(asked.subject)
    return {
        "subject": subject,
        "asked": asked,
        "whole": whole,
        "is_whole": is_whole,
        "told": told,
        "day": day_of(told.found.as_of),
        "joins": joined_json(told.found.joins, asked.subject),
        "deadlines": _deadlines(visit, told, is_whole=is_whole),
        "choices": _choices(visit, told, is_whole=is_whole),
        "death": told.death and death_json(told.death, visit.lang),
        "last": _last(visit, told, whole) if after is None else (),
        "amended": _amended(visit, asked.subject, told) if after is None else 0,
        "story": None if after is None else story_of(visit, asked.subject, times, after),
        "requests": _requests(visit, asked, told),
        "may_read": may_read,
        "may_hold": DPO in visit.asker.roles,
        "forms": lambda **bound: filled(forms, {"subject": subject, **bound}),
        "opened": None,
        "refusal": None,
    }


def _deadlines(visit: Visit, told: Person, *, is_whole: bool) -> list[Ending]:
    lang, explained = visit.lang, told.found.explained
    labels = names_of(told.found.book.known(None), lang)["class"]
    found = []
    for one in told.found.deadlines:
        before, after = _drawn(
            lang,
            labels.get(one.klass, one.klass),
            one.place,
            one.operational_until,
            one.archive_until,
            ruled(one, lang),
        )
        thing = f'<code class="soft">{escaped(one.scope[:8])}</code>' if one.scope else ""
        why = explained(one, lang) if is_whole else None
        said = as_it_is(f"{before}{thing}{after}")
        found.append(Ending(f"{one.klass}-{one.counted.position}", said, why))
    return found


@lru_cache(maxsize=8192)  # of a class and days, and of nobody
def _drawn(
    lang: Language, label: str, tier: str, until: Day | None, archive: Day | None, rule: str
) -> tuple[str, str]:
    said = {"label": label, "tier": tier, "until": until, "archive": archive, "rule": rule}
    values = {"t": speech(lang), "lang": lang, "cut": _CUT, **said}
    before, after = html("ending.html", values).split(_CUT)
    return before, after


@lru_cache(maxsize=512)  # of classes, whoever has something of them
def _forms(
    lang: Language,
    known: tuple[Edition, ...],
    held: frozenset[str],
    may_read: bool,
    may_prove: bool,
) -> tuple[str, ...]:
    """What may be done with her data: forms that only name her."""
    labels = names_of(known, lang)["class"]
    values = {
        "t": speech(lang),
        "lang": lang,
        "held": sorted(held, key=lambda name: sorting(labels.get(name, name))),
        "labels": labels,
        "reasons": REASONS,
        "may_read": may_read,
        "may_prove": may_prove,
        **{name: slot(name) for name in ("subject", "token", "once")},
    }
    return slotted(html("person_forms.html", values))


def _choices(visit: Visit, told: Person, *, is_whole: bool) -> list[Choice]:
    lang = visit.lang
    return [
        Choice(
            one,
            capital(one.label_fr if lang == "fr" else one.label_en),
            explain(one, lang) if is_whole else None,
        )
        for one in told.choices
    ]


def _last(visit: Visit, told: Person, whole: str) -> list[Markup]:
    """Her last facts, each with where all of it is told."""
    lang, number = visit.lang, visit.say.number
    return [
        filled(_fact(lang, kind, day), {"at": f"{whole}#p{at}", "position": number(at)})
        for at, kind, day in last_of(told.found.state)
    ]


@lru_cache(maxsize=8192)  # of a kind and a day
def _fact(lang: Language, kind: str, day: Day) -> tuple[str, ...]:
    hers = {name: slot(name) for name in ("at", "position")}
    said = {"t": speech(lang), "lang": lang, "kind": kind, "day": day}
    return slotted(html("last.html", {**said, **hers}))


def _amended(visit: Visit, subject: UUID, told: Person) -> int:
    """How many corrections and voids of facts of hers were known."""
    with visit.ledger.database.read() as connection:
        rows = states.of_cards(connection, subject).rows  # what amends a fact is among them
    return sum(row.kind in (CORRECTION, VOID) and row.position <= told.found.known for row in rows)


def _requests(visit: Visit, asked: Asked, told: Person) -> list[Request]:
    """Hers, where she ever asked for anything."""
    if RequestReceived.kind not in {key.kind for key in told.found.state.activity}:
        return []
    times = asked.times
    page = queue(
        visit.ledger,
        as_of=times.as_of,
        known_at=times.known_at,
        limit=REQUESTS,
        subject=asked.subject,
    )
    return [one.request for one in page.requests]


def _subject(visit: Visit) -> UUID:
    return visit.id(visit.path["id"], "this ledger knows no such subject")


def _position(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0


def _case(text: str) -> str | None:
    from api.reading import loaded
    from ledger.fields import CODE

    return None if not text else str(loaded("case", CODE, text))


PROVING = frozenset({DPO, AUDITOR})

PAGES = (
    Page("GET", PEOPLE, get_search, SEARCHING),
    Page("POST", PEOPLE, post_search, SEARCHING),
    Page("GET", f"{PEOPLE}/{{id}}", get_person, TOLD),
    Page("POST", f"{PEOPLE}/{{id}}/reading", post_reading, SEARCHING),
    Page("POST", f"{PEOPLE}/{{id}}/evidence", post_evidence, PROVING),
)
