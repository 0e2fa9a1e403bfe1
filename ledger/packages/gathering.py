"""The document of a package: one person's whole history, with what the law adds to it.

Each fact as it was recorded, its sealed part opened, with when it was true, and from when until
when we held it to be so. A part that cannot be read says why: archived (and whether it is being
consulted), erased, or lost. However many facts there are, a page of them at most is in memory: they
are counted once, and read again each time they are told (`Facts`). What is erased between two of
these reads is told as erased in the later one.

Whoever calls has recorded the read before (`api/reading.py`). Read next: `rendering.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias
from uuid import UUID

import ledger.store.timeline as history
from ledger.application import Ledger
from ledger.calendar import Instant, format_day, format_instant
from ledger.errors import NotFound
from ledger.events import (
    VOID,
    ControllerDeclared,
    DpoAppointed,
    Fact,
    FieldDeclared,
    RecipientDeclared,
    Row,
)
from ledger.fields import Unreadable
from ledger.packages.archived import MOTIVE, Opened
from ledger.packages.inherited import for_heirs
from ledger.policy import packages as policy
from ledger.policy.estate import Estate
from ledger.policy.explain import Language, words
from ledger.policy.model import Edition
from ledger.policy.packages import Source, Statement, Told
from ledger.store import erasure, reader

Scope: TypeAlias = Literal["access", "portability", "estate"]
SCOPES: tuple[Scope, ...] = ("access", "portability", "estate")
FORMAT = "probant-package/1"
PAGE = 200  # facts read at a time
READS = ("data.read.v1", "archive.consulted.v1")


class Declared(NamedTuple):
    """What the company declared beside its editions, newest last."""

    controllers: tuple[ControllerDeclared, ...]
    dpos: tuple[DpoAppointed, ...]
    recipients: Mapping[str, RecipientDeclared]
    sources: Mapping[str, Source]  # by the name of a field


class _Context(NamedTuple):
    """What every fact is told with."""

    lang: Language
    edition: Edition
    declared: Declared
    opened: Opened
    estate: Estate | None  # for heirs: what may be told to them


def everybody(ledger: Ledger, subject: UUID) -> tuple[UUID, ...]:
    """Every id of one person, the kept one first: a package is of the person, whichever of her
    references she is asked for under."""
    return ledger.joins(ledger.epoch()).family(subject)


def classes_held(ledger: Ledger, people: Sequence[UUID]) -> tuple[str, ...]:
    """The classes of which a package of this person tells something: what its read must name.

    Raises NotFound for somebody this ledger never knew.
    """
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        if history.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
        found: set[str] = set()
        for told, _, _ in history.pages(connection, people, 0, known, PAGE):
            for one in told:
                found |= {one.row.klass or "", *(name for name, _ in one.parts)}
    return tuple(sorted(found - {""}))


def gather(
    ledger: Ledger,
    people: Sequence[UUID],
    scope: Scope,
    lang: Language,
    verdicts: Mapping[str, Any],
    opened: Opened,
    estate: Estate | None = None,
) -> dict[str, Any]:
    """The document about `people`, the ids of one person. `verdicts` are her deadlines and
    choices, explained (`api/answers.py`); `opened` is what the opener answered of her archive;
    `estate`, for heirs, what may be told to them."""
    now = ledger.clock.now()
    epoch = ledger.epoch()
    edition = ledger.edition(epoch, now)
    declared = declared_of(ledger, epoch)
    context = _Context(lang, edition, declared, opened, estate)
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        if history.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
    facts = Facts(ledger, people, known, context, is_portable=scope == "portability")
    seen = facts.seen()
    with ledger.database.read() as connection:
        disclosed = erasure.disclosed(connection, set(seen.facts))
    head = {
        "format": FORMAT,
        "scope": scope,
        "origin": ledger.keyring.origin,
        "subject": str(people[0]),
        "joined": [str(other) for other in people[1:]],
        "made_at": format_instant(now),
        "position": known,
        "language": lang,
        "controller": _controller(edition, declared),
        "missing": _missing(seen, verdicts),
    }
    if scope == "portability":
        counted = sorted(seen.left_out.items())
        left_out = [{"kind": kind, "why": why, "facts": n} for (kind, why), n in counted]
        return {**head, "facts": facts, "left_out": left_out}
    if estate is not None:
        told = for_heirs(seen.kept_back, verdicts, estate, edition, lang)
        mine = {"classes": _classes(seen, verdicts), "details": _details(seen.statements)}
        return {**head, **told, **mine, "facts": facts}
    return {
        **head,
        "purposes": [_purpose(p, lang) for p in edition.purposes.values()],
        "classes": _classes(seen, verdicts),
        "deadlines": verdicts["deadlines"],
        "choices": verdicts["consents"],
        "recipients": _recipients(declared, disclosed),
        "consultations": seen.consultations,
        "details": _details(seen.statements),
        "automated": _said("automated", policy.AUTOMATED, lang),
        "rights": [{**one, "article": policy.RIGHTS[one["id"]]} for one in _rights(lang)],
        "complaint": dict(policy.AUTHORITY),
        "facts": facts,
    }


class Seen:
    """What is told of all facts together."""

    def __init__(self) -> None:
        self.kinds: Counter[str] = Counter()
        self.facts: Counter[str] = Counter()  # by class
        self.sources: dict[str, set[str]] = {}
        self.states: Counter[tuple[str, str]] = Counter()  # by class, those that are unreadable
        self.consulted: set[str] = set()  # classes of the archive, for her
        self.left_out: Counter[tuple[str, str]] = Counter()  # by kind and reason, of portability
        self.kept_back: Counter[str] = Counter()  # by class, of an estate
        self.consultations: list[dict[str, Any]] = []
        self.statements: list[tuple[Statement, Any]] = []

    def add(self, item: dict[str, Any]) -> None:
        """One more."""
        self.kinds[item["kind"]] += 1
        klass, data = item["class"], item["data"]
        if klass:
            self.facts[klass] += 1
            self.sources.setdefault(klass, set()).add(item["source"])
        if item["state"] == "withheld":
            self.kept_back[klass] += 1
        elif item["state"] not in ("none", "opened"):
            self.states[klass, item["state"]] += 1
        if item["kind"] == "archive.consulted.v1" and data["motive"] == MOTIVE:
            self.consulted.add(data["of"])
        why_not = _why_not(item)
        if why_not is not None:
            self.left_out[item["kind"], why_not] += 1


class Facts:
    """The facts of a package: read a page at a time whenever they are asked for, as often as that
    is. Between two pages no connection is held, so that whoever takes them slowly holds up nobody.
    """

    def __init__(
        self,
        ledger: Ledger,
        people: Sequence[UUID],
        known: int,
        context: _Context,
        *,
        is_portable: bool,
    ) -> None:
        self.ledger, self.people, self.known = ledger, people, known
        self.context, self.is_portable = context, is_portable
        self.n = 0  # known once they were seen

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return self.of(None)

    def of(self, kind: str | None) -> Iterator[dict[str, Any]]:
        """Those of one kind, or all, in the order of the log."""
        for one, _, item in self._read(None if kind is None else (kind,), None):
            told = _portable(item) if self.is_portable else item if self._tells(one) else None
            if told is not None:
                yield {name: value for name, value in told.items() if name != "portable"}

    def kinds(self) -> list[str]:
        """The kinds that occur."""
        with self.ledger.database.read() as connection:
            return history.kinds(connection, self.people, self.known)

    def seen(self) -> Seen:
        """All of them counted; only what tells her details is opened for it."""
        found = Seen()
        for one, amended, item in self._read(None, policy.DETAILING):
            if not self._tells(one):
                found.kept_back[one.row.klass or ""] += 1
                continue
            found.add(item)
            found.statements += _statements(one, amended, item["personal"], item["state"])
            if one.row.kind in READS:
                found.consultations.append(consultation_of(one))
        self.n = sum(found.kinds.values())
        return found

    def _tells(self, one: history.Told) -> bool:
        estate = self.context.estate
        return estate is None or estate.tells(_kind(one), one.row.klass)

    def _read(
        self, kinds: Sequence[str] | None, opens: Collection[str] | None
    ) -> Iterator[tuple[history.Told, history.Amendments, dict[str, Any]]]:
        """The facts of these kinds, sealed parts opened of those in `opens` (None: of all)."""
        after = 0
        while True:
            with self.ledger.database.read() as connection:
                told = history.page(connection, self.people, after, self.known, PAGE, kinds)
                _, amended, parts = history.whole(connection, told, self.known)
                items = [self._item(connection, one, amended, parts, opens) for one in told]
            for one, item in zip(told, items, strict=True):
                yield one, amended, item
            if len(told) < PAGE:
                return
            after = told[-1].row.position

    def _item(
        self,
        connection: Any,
        one: history.Told,
        amended: history.Amendments,
        parts: history.Parts,
        opens: Collection[str] | None,
    ) -> dict[str, Any]:
        estate, opened = self.context.estate, self.context.opened
        if estate is not None and one.parts and not estate.opens([name for name, _ in one.parts]):
            return _item(one, amended, {}, "withheld", self.context)
        wanted = (opens is None or one.row.kind in opens) and self._tells(one)
        personal, state = _opened(self.ledger, connection, one, parts, opened, is_wanted=wanted)
        return _item(one, amended, personal, state, self.context)


# --- one fact ------------------------------------------------------------------------------------


def _opened(
    ledger: Ledger,
    connection: Any,
    one: history.Told,
    parts: history.Parts,
    opened: Opened,
    *,
    is_wanted: bool,
) -> tuple[dict[str, Any], str]:
    """The personal fields of a fact, and what became of them: none, opened, or why not. Where they
    are not wanted, whether they could be opened."""
    position = one.row.position
    states = {parts[position, name] for name, _ in one.parts}
    if not states:
        return {}, "none"
    if states == {Unreadable.ARCHIVED} and position in opened:
        return dict(opened[position]), "opened"
    if states != {Unreadable.SEALED}:
        return {}, next(state.value for state in states if state is not Unreadable.SEALED)
    if not is_wanted:
        return {}, "opened"
    read = ledger.vault.open(connection, position)
    return ({}, read.value) if isinstance(read, Unreadable) else (read, "opened")


def _item(
    one: history.Told,
    amended: history.Amendments,
    personal: dict[str, Any],
    state: str,
    context: _Context,
) -> dict[str, Any]:
    row, data = one.row, history.stated(one)
    kind = _kind(one)
    held = next((name for name, _ in one.parts), row.klass)
    asked = Told(kind, held, row.purpose, row.grade)
    hidden = policy.withheld(kind, [*data, *personal])
    found = policy.portability(asked, context.edition)
    shown = {key: value for key, value in data.items() if key not in hidden}
    mine = {key: value for key, value in personal.items() if key not in hidden}
    return {
        "position": row.position,
        "kind": row.kind,
        "label": words(context.lang)["kind"].get(row.kind, row.kind),
        "class": held,
        "occurred": _when(row),
        "recorded_at": format_instant(row.recorded_at),
        "known_until": _known_until(row, amended),
        "actor": row.actor,
        "source": found.source,
        "basis": found.basis,
        **history.standing(row, amended),
        "stream": str(row.stream),
        "item": row.item,
        "data": shown,
        "state": state,
        "personal": mine,
        "withheld": list(hidden),
        "portable": _portability(asked, [*shown, *mine], found, context),
    }


def _portability(
    asked: Told, fields: list[str], found: policy.Portability, context: _Context
) -> dict[str, Any]:
    """Why the fact cannot be taken away (None: it can), and the fields of it that cannot."""
    sources = context.declared.sources
    each = {name: policy.portability(asked, context.edition, sources.get(name)) for name in fields}
    return {
        "why_not": found.why_not,
        "without": [name for name, one in each.items() if one.why_not is not None],
    }


def _kind(one: history.Told) -> str:
    """The kind that decides what may be told: that of the fact amended, for an amendment."""
    root: str = getattr(one.fact, "root", one.row.kind)
    return root if history.root_of(one.row) != one.row.position else one.row.kind


def _when(row: Row) -> str:
    is_day = row.grain == "day"
    return format_day(row.local_day) if is_day else format_instant(row.occurred_at)


def _known_until(row: Row, amended: history.Amendments) -> str | None:
    """Until when we held it to be so: the record time of what was put in its place."""
    later = [
        r for r in amended.get(row.ref_position or row.position, ()) if r.position > row.position
    ]
    return format_instant(later[0].recorded_at) if later else None


# --- her details, with both intervals ------------------------------------------------------------


def _statements(
    one: history.Told, amended: history.Amendments, personal: dict[str, Any], state: str
) -> Iterator[tuple[Statement, Any]]:
    """What a fact states of her name and how to reach her: once as recorded, once more for each
    correction of when that was true."""
    if one.row.kind not in policy.DETAILING or state == "none":
        return
    versions = [one.row, *amended.get(one.row.position, ())]
    named = personal or dict.fromkeys(getattr(one.fact, "changed", ()), None)
    for field in policy.DETAILS:
        if field not in named:
            continue
        for number, version in enumerate(versions):
            until = versions[number + 1].recorded_at if number + 1 < len(versions) else None
            if version.kind != VOID:
                yield (
                    Statement(
                        field, one.row.position, version.occurred_at, version.recorded_at, until
                    ),
                    (named[field], state, _when(version)),
                )


def _details(statements: list[tuple[Statement, Any]]) -> list[dict[str, Any]]:
    stated = dict(statements)
    return [
        {
            "field": s.field,
            "value": stated[s][0],
            "state": stated[s][1],
            "position": s.position,
            "true_from": stated[s][2],
            "true_until": _instant(until),
            "known_from": format_instant(s.known_from),
            "known_until": _instant(s.known_until),
        }
        for s, until in policy.validities([one for one, _ in statements])
    ]


# --- what the law adds ---------------------------------------------------------------------------


def declared_of(ledger: Ledger, epoch: int) -> Declared:
    """What stands on the stream of the policy book beside the editions."""
    stream = ledger.book_stream(epoch)
    with ledger.database.read() as connection:
        told = reader.histories(connection, {stream} if stream else ())
    facts: list[Fact] = [fact for _, fact in told.get(stream, ())] if stream else []
    recipients = (fact for fact in facts if isinstance(fact, RecipientDeclared))
    fields = (fact for fact in facts if isinstance(fact, FieldDeclared))
    sources: dict[str, Source] = {fact.name: _source(fact.source) for fact in fields}
    return Declared(
        tuple(fact for fact in facts if isinstance(fact, ControllerDeclared)),
        tuple(fact for fact in facts if isinstance(fact, DpoAppointed)),
        {fact.recipient: fact for fact in recipients},
        sources,
    )


def _source(text: str) -> Source:
    return "inferred" if text == "inferred" else "observed" if text == "observed" else "provided"


def _controller(edition: Edition, declared: Declared) -> dict[str, Any]:
    controller = declared.controllers[-1] if declared.controllers else None
    dpo = declared.dpos[-1] if declared.dpos else None
    return {
        "company": edition.company,
        "policy": edition.title,
        "edition": edition.id,
        "registration": controller and controller.registration,
        "dpo": dpo and (dpo.designation or dpo.dpo),
    }


def _purpose(purpose: Any, lang: Language) -> dict[str, Any]:
    return {
        "id": purpose.id,
        "label": purpose.label_fr if lang == "fr" else purpose.label_en,
        "basis": purpose.basis,
        "article": purpose.article,
        "clause": purpose.clause,
        "marketing": purpose.marketing,
    }


def _classes(seen: Seen, verdicts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The categories of data held, and where each comes from (GDPR art. 15(1)(b), (g))."""
    labels = _labels(verdicts)
    return [
        {
            "class": klass,
            "label": labels.get(klass, klass),
            "facts": n,
            "sources": sorted(seen.sources[klass]),
        }
        for klass, n in sorted(seen.facts.items())
    ]


def _labels(verdicts: Mapping[str, Any]) -> dict[str, str]:
    return {d["class"]: d["label"] for d in verdicts["deadlines"]}


def _missing(seen: Seen, verdicts: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What could not be opened, by class and reason: archived until a day, and whether somebody
    consults it for her; erased; lost."""
    ends: dict[str, str | None] = {}
    for deadline in verdicts["deadlines"]:
        ends[deadline["class"]] = (
            max(ends.get(deadline["class"]) or "", deadline["archive_until"] or "") or None
        )
    labels = _labels(verdicts)
    return [
        {
            "class": klass,
            "label": labels.get(klass, klass),
            "state": state,
            "facts": n,
            "until": ends.get(klass) if state == "archived" else None,
            "consulted": klass in seen.consulted if state == "archived" else None,
        }
        for (klass, state), n in sorted(seen.states.items())
    ]


def _recipients(declared: Declared, disclosed: list[Any]) -> list[dict[str, Any]]:
    """Every declared recipient, with each time data of the classes held was handed to it: of which
    people, the ledger does not say (docs/decisions/0016)."""
    return [
        {
            "recipient": name,
            "type": fact.type,
            "country": fact.country,
            "disclosures": [
                {"position": position, "day": format_day(day)}
                for position, day, to in disclosed
                if to == name
            ],
        }
        for name, fact in sorted(declared.recipients.items())
    ]


def consultation_of(one: history.Told) -> dict[str, Any]:
    """That somebody looked (one of us, not named), what at, when and why."""
    data = history.stated(one)
    archive = one.row.kind == "archive.consulted.v1"
    return {
        "position": one.row.position,
        "occurred": _when(one.row),
        "archive": archive,
        "classes": [data["of"]] if archive else data["classes"],
        "reason": data["motive"] if archive else data["reason"],
    }


def _said(section: str, codes: tuple[str, ...], lang: Language) -> list[dict[str, str]]:
    say = words(lang)["package"]
    return [{"id": code, "text": say[f"{section}_{code}"]} for code in codes]


def _rights(lang: Language) -> list[dict[str, str]]:
    return _said("right", tuple(policy.RIGHTS), lang)


def _instant(at: Instant | None) -> str | None:
    return None if at is None else format_instant(at)


# --- what may be taken away ----------------------------------------------------------------------

_TAKEN = (
    *("position", "kind", "label", "class", "occurred", "source", "basis", "stands", "stream"),
    *("item", "state"),
)


def _why_not(item: dict[str, Any]) -> str | None:
    """Why a fact is not among those that may be taken away."""
    if item["stands"] in ("voided", "superseded"):
        return "voided"
    why_not: str | None = item["portable"]["why_not"]
    return why_not


def _portable(item: dict[str, Any]) -> dict[str, Any] | None:
    """What she provided or what was observed of her, under consent or contract, with its
    corrections; None for what may not be taken away."""
    if _why_not(item) is not None:
        return None
    without = item["portable"]["without"]
    return {
        **{name: item[name] for name in _TAKEN},
        "data": _without(item["data"], without),
        "personal": _without(item["personal"], without),
    }


def _without(fields: dict[str, Any], names: list[str]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}
