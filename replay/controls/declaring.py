"""C09, C11, C12, C15: card data, proofs of consent, what was declared, and a policy that changed.

The doors' own rules judge again what is in history (`ledger/aggregates/door.py`), each event by the
edition and the declarations that were known when it was recorded: whatever came in beside the door,
or before a rule was written, is found.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import pairwise
from types import MappingProxyType
from uuid import UUID

from ledger.aggregates import door, door_kinds
from ledger.calendar import Day, Instant, day_of
from ledger.events import (
    KINDS,
    AudienceMeasured,
    ClassArchived,
    ConsentGiven,
    ConsentRenewed,
    Fact,
    FieldDeclared,
    MessageOpened,
    MinorSignalled,
    PolicyPublished,
    PurposeDeclared,
    RecipientAcknowledged,
    RecipientDeclared,
    RecipientsNotified,
    RecipientTold,
    TrackerGiven,
)
from ledger.policy.book import Book
from ledger.policy.diff import refuse_lengthening
from ledger.policy.erasures import outcomes
from ledger.policy.evaluate import deadline_now
from ledger.policy.model import CONTRACT_ENDED, DataClass
from ledger.policy.notices import COLLECTED, Moment
from ledger.policy.permissions import Asked, verdict_now
from ledger.policy.permitting import OPEN_TRACKING
from replay.controls.at_once import AtOnce, Kept, Lines, Sought
from replay.controls.life import Look
from replay.controls.model import Dated, Event, Finding, Said, Value
from replay.controls.scene import AMENDING, Scene
from replay.controls.sending import CONCERNED
from replay.fold import fold_subject

UNDECLARED = (
    *("purpose-undeclared", "channel-undeclared", "recipient-undeclared", "field-undeclared"),
    *("class-undeclared", "geolocation", "social-network", "promotional-in-service"),
)
NAMING = {"purpose", "purposes", "recipient", "recipients", "classes", "changed", "fields", "name"}
BESIDE = {"channel", "channels", "content", "type", "mandatory", "validity_months"}
GRANTS = (ConsentGiven, ConsentRenewed, TrackerGiven)
AGREEING = frozenset(kind.kind for kind in (*GRANTS, MessageOpened))
OPENED = frozenset({MessageOpened.kind})
PROVING: Mapping[str, Collection[str]] = MappingProxyType(
    {kind.kind: ("form", "act", "grade") for kind in (ConsentGiven, ConsentRenewed)}
)
"""The fields of a consent that its proof is made of."""
AGREEING_ON_DEVICES = frozenset({TrackerGiven.kind})
PROVED = ("SS-CH-1", "GDPR art. 7(1)")
DECLARED: Mapping[str, Collection[str]] = MappingProxyType(
    {
        kind: said & (NAMING | BESIDE)
        for kind, cls in KINDS.items()
        for said in [{spec.key for spec in cls.specs if not spec.personal}]
        if said & NAMING
    }
)
"""The kinds of fact that name something declared, with the fields that do: beside the editions and
declarations of the moment, nothing else is looked at to say that it was not declared."""
DECLARING = (PolicyPublished, PurposeDeclared, RecipientDeclared, FieldDeclared, *AMENDING)
"""What the company tells after which that may be said otherwise."""


# --- one event at a time, about somebody or nobody ------------------------------------------------


def card_data(event: Event, scene: Scene) -> Iterator[Finding]:
    """C09: no card number, security code or track in a clear field of any entry."""
    refused = door.refuse_card(event.fact)
    if refused is not None and event.row.position <= scene.known:
        yield _of(event, "C09", refused.problem, "SS-PAY-1", refused.article or "")


def seek_card_data(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:  # noqa: ARG001
    """C09 finds nothing of anybody else."""
    return (everybody.having_digits(lambda event: door.refuse_card(event.fact) is not None),)


def our_card_data(everybody: AtOnce, scene: Scene) -> Iterable[Event]:  # noqa: ARG001
    """C09 finds nothing of any other fact about nobody."""
    return everybody.ours_with_digits(lambda event: door.refuse_card(event.fact) is not None)


def undeclared_by_us(event: Event, scene: Scene) -> Iterator[Finding]:
    """C12, of what the company told and of devices."""
    if event.row.subject is None:
        yield from undeclared(event, scene)


def undeclared_of_her(look: Look) -> Iterator[Finding]:
    """C12, of what was recorded of a person and stands."""
    for position in look.facts:
        yield from undeclared(look.by_position[position], look.scene)


def undeclared(event: Event, scene: Scene) -> Iterator[Finding]:
    """C12: nothing under a purpose, recipient or field that nobody had declared; no social network,
    no place; as the door would have said."""
    if event.row.position <= scene.known and event.row.occurred_at <= scene.as_of:
        yield from _undeclared(event, scene)


def _undeclared(event: Event, scene: Scene) -> Iterator[Finding]:
    row, fact = event.row, event.fact
    before = row.position - 1
    edition = scene.edition_at(row.recorded_at, before)
    if edition is None:
        return
    declared = scene.declared_at(before)
    found = door_kinds.refuse_undeclared(fact, declared) or door.refuse_declared(fact, edition)
    if found is not None and found.problem in UNDECLARED:
        yield _of(event, "C12", found.problem, found.clause or "", found.article or "")
    elif not declared.recipients.issuperset(_recipients(fact)):
        where = "SS-REC-1", "GDPR art. 13(1)(e), 30(1)(d)"
        yield _of(event, "C12", "recipient-undeclared", *where)


def seek_undeclared(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """C12 finds nothing of anybody else: who has something undeclared, somebody young, or whose
    data was collected before a notice was shown."""
    began, end = -(2**62) if scene.began is None else scene.began, scene.as_of + 1
    spans = {
        kind: (began, scene.noticed.get(moment.name, end)) for kind, moment in COLLECTED.items()
    }
    return (*seek_undeclared_facts(everybody, scene), everybody.having_within(spans))


def seek_undeclared_facts(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """The same, but for notices."""
    return (
        everybody.having_such(DECLARED, _turns(scene), lambda one: any(_undeclared(one, scene))),
        everybody.having((MinorSignalled.kind,)),
    )


def _turns(scene: Scene) -> list[int]:
    return [position for position, fact in scene.told if isinstance(fact, DECLARING)]


def our_undeclared(everybody: AtOnce, scene: Scene) -> Iterable[Event]:
    """C12 finds nothing of any other fact about nobody."""
    return everybody.ours_such(DECLARED, _turns(scene), lambda one: any(_undeclared(one, scene)))


def unproved_tracker(event: Event, scene: Scene) -> Iterator[Finding]:
    """C11, of a device: an acceptance without a published form behind it."""
    row = event.row
    if row.kind != TrackerGiven.kind or row.occurred_at > scene.as_of:
        return
    at = event.fact.occurred.at
    why = _unproved(event.fact, at, scene.shown) if row.position <= scene.known else None
    if why is not None:
        yield _of(event, "C11", why, "SS-CH-7", "LIL art. 82; GDPR art. 7(1)")


# --- one person -----------------------------------------------------------------------------------


def unproved(look: Look) -> Iterator[Finding]:
    """C11: every consent is bound to a form or notice that was published by then, and to an act;
    and whoever's opening of a message was recorded had agreed to that."""
    shown = look.scene.shown
    for position, fact in look.facts.of(ConsentGiven, ConsentRenewed, MessageOpened):
        if isinstance(fact, ConsentGiven | ConsentRenewed):
            why = _unproved(fact, fact.occurred.at, shown)
            if why is not None:
                said = {"purpose": look.scene.purpose(fact.purpose)}
                yield Finding("C11", why, (position,), look.subject, *PROVED, said)
        else:
            yield from _opened(look, position)


def unproved_of_most(everybody: AtOnce, apart: Sought, scene: Scene) -> Iterable[Lines]:
    """C11, of whoever's opening of no message was recorded, and no consent of whom corrected."""

    def why(event: Event, at: Instant) -> str | None:
        return _unproved(event.fact, at, scene.shown) if at <= scene.as_of else None

    return everybody.alike(PROVING, [*scene.shown.values(), scene.as_of + 1], why, apart)


def unnoticed(look: Look) -> Iterator[Finding]:
    """C12, of a person: her data was collected where a notice was shown by then."""
    found: dict[Moment, list[int]] = {}
    for row in look.standing:
        moment = _untold_moment(row.kind, row.occurred_at, look.scene)
        if moment is not None:
            found.setdefault(moment, []).append(row.position)
    for moment, positions in found.items():
        yield _no_notice(moment, positions, look.subject)


def unnoticed_visits(scene: Scene) -> Iterator[Finding]:
    """C12, of those whose visits are only counted."""
    visits = scene.visits()
    counted = [(at, _untold_moment(fact.kind, fact.occurred.at, scene)) for at, fact in visits]
    positions = [position for position, moment in counted if moment is not None]
    if positions:
        yield _no_notice(COLLECTED[AudienceMeasured.kind], positions, None)


def minors(look: Look) -> Iterator[Finding]:
    """C12, of a person: no consent of somebody signalled as under 15, and nothing of hers kept but
    what the law keeps."""
    signals = [
        (position, fact)
        for position, fact in look.facts_of_all(look.scene.known).of(MinorSignalled)
        if fact.age == "under_15"
        if fact.occurred.at <= look.scene.as_of
    ]
    if not signals:
        return
    since, signal = min(signals, key=lambda one: one[1].occurred.at)
    where = "SS-MIN-1", "LIL art. 45"
    for position, fact in look.facts.of(ConsentGiven, ConsentRenewed):
        if fact.occurred.at > signal.occurred.at:
            yield Finding("C12", "minor_consent", (position, since), look.subject, *where)
    for one in outcomes(look.terms, look.holds, "minor", look.scene.today):
        ended = any(
            d.tier_now == "erased" and (d.klass, d.scope) == (one.klass, one.scope)
            for d in look.terms
        )
        if not one.is_kept and not ended:
            said = {"class": look.scene.klass(one.klass)}
            positions = (since, *(p for p in one.rests_on if p != since))
            yield Finding("C12", "minor_kept", positions, look.subject, *where, said)


def kept_longer(look: Look) -> Iterator[Finding]:
    """C15, of a person: nothing was archived for longer than the policy of that day allows her
    data, whatever a later edition says."""
    for event, fact in look.of(ClassArchived):
        row = event.row
        if row.occurred_at > look.scene.as_of:
            continue
        before = row.position - 1
        rows = [one for one in look.rows if one.position <= before]
        state = fold_subject(rows, row.occurred_at, before)
        asked = look.scene.book, row.occurred_at, before, fact.of, fact.item or ""
        found = deadline_now(state, *asked)
        until = None if found is None else found.archive_until or found.operational_until
        if found is not None and until is not None and fact.until > until:
            values = {
                "class": look.scene.klass(fact.of),
                "until": Dated(fact.until),
                "allowed": Dated(until),
            }
            where = "SS-POL-2", "GDPR art. 5(1)(e), 13(3)"
            at = (row.position, *found.rests_on)
            yield Finding("C15", "kept_longer", at, look.subject, *where, values)


def seek_changed(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """C15 finds nothing of anybody else: whose archive lasts longer than every edition allows, or
    who was sent something for a purpose that a later one brought without a word of it."""
    purposes = {p for e in scene.book.known(scene.known) for p in e.purposes}
    brought = {purpose for purpose in purposes if _brought_untold(scene, purpose) is not None}
    return (
        everybody.having_kept(tuple(_kept_at_least(scene))),
        everybody.having_about(CONCERNED, purposes=brought),
    )


def _kept_at_least(scene: Scene) -> Iterator[Kept]:
    """For how long each class is kept by the edition that keeps it least, of those in force on the
    day, whichever of them judges a fact: a term is one of theirs, and what moves its clock in all
    of them does."""
    editions = scene.book.known(scene.known)
    days = [0, *(edition.effective_from for edition in editions), 10**8]
    for since, before in pairwise(days):
        found: dict[str, list[DataClass]] = {}
        for edition in (e for e in editions if e.effective_from <= since or not since):
            for name, one in edition.classes.items():
                found.setdefault(name, []).append(one)
        for name, several in found.items():
            yield _least(name, since, before, several)


def _least(klass: str, since: Day, before: Day, several: list[DataClass]) -> Kept:
    kinds = set.intersection(*(set(one.moved_by) for one in several)) - {CONTRACT_ENDED}
    archives = [one.archive for one in several if one.archive is not None]
    from_start = any(archive.counted_from == "start" for archive in archives)
    months = {one.operational_months for one in several}
    terms = {(archive.months, archive.counted_from) for archive in archives}
    if len(archives) < len(several) or (from_start and (len(terms) > 1 or len(months) > 1)):
        archives = []  # by its own term, the last fact to end may be the first to leave the archive
    archive = min((archive.months for archive in archives), default=None)
    by_item, counted = several[-1].clock == "item", bool(archives) and from_start
    return Kept(klass, since, before, kinds, by_item, min(months), archive, counted)


def untold(look: Look) -> Iterator[Finding]:
    """C15, of a person: data collected under an earlier edition is not used for a purpose that a
    later one brought, unless she was told before, or agreed (GDPR art. 13(3))."""
    standing = [row for row in look.standing if row.kind in CONCERNED]
    if all(_brought_untold(look.scene, row.purpose or "") is None for row in standing):
        return
    first = min(row.local_day for row in look.standing)
    for send in look.sends:
        number = _brought_untold(look.scene, send.purpose)
        basis = send.then.basis
        if number is None or basis in (None, "consent", "legal_obligation"):
            continue
        if first < number and not _told(look, number, send.at.at):
            published = look.scene.published.get(number)
            positions = (send.position, published.row.position if published else 0)
            where = "SS-POL-2", "GDPR art. 13(3)"
            said = {"purpose": look.scene.purpose(send.purpose)}
            yield Finding("C15", "purpose_untold", positions, look.subject, *where, said)


# --- the company ----------------------------------------------------------------------------------


def retroactive(scene: Scene) -> Iterator[Finding]:
    """C15: no edition that keeps data longer took effect on or before the day it was published,
    unless whoever published it declared that people had been told."""
    book = Book()
    for entry in scene.book.entries:
        if entry.position > scene.known:
            return
        event = scene.published.get(entry.edition.number)
        fact = event.fact if event is not None else None
        if event is not None and isinstance(fact, PolicyPublished) and not fact.notified:
            today = day_of(event.row.recorded_at)
            refused = refuse_lengthening(book, entry.edition, today)
            if refused is not None and event.row.occurred_at <= scene.as_of:
                values = {"day": Dated(entry.edition.effective_from)}
                where = refused.clause or "", refused.article or ""
                yield Finding("C15", "retroactive", (entry.position,), None, *where, values)
        book = book.with_edition(entry.edition, entry.position)


def _of(event: Event, control: str, why: str, clause: str, article: str) -> Finding:
    subject: UUID | None = event.row.subject
    values = {"kind": Said("kind", event.fact.kind)}
    article = article.replace("RGPD", "GDPR")
    return Finding(control, why, (event.row.position,), subject, clause, article, values)


def _untold_moment(kind: str, at: Instant, scene: Scene) -> Moment | None:
    """The moment at which this was collected with no notice shown, None if there was one. What is
    older than the ledger it cannot know (docs/decisions/0036)."""
    moment = COLLECTED.get(kind)
    if moment is None or (scene.began is not None and at < scene.began):
        return None
    since = scene.noticed.get(moment.name)
    return moment if since is None or since > at else None


def _no_notice(moment: Moment, positions: list[int], subject: UUID | None) -> Finding:
    values: dict[str, Value] = {"n": len(positions), "clause": moment.clause}
    at = tuple(positions[:20])
    return Finding("C12", "no_notice", at, subject, moment.clause, "GDPR art. 13(1)", values)


def _recipients(fact: Fact) -> tuple[str, ...]:
    match fact:
        case RecipientTold() | RecipientAcknowledged():
            return (fact.recipient,)
        case RecipientsNotified():
            return fact.recipients or ()
    return ()


def _unproved(fact: object, at: Instant, shown: Mapping[str, Instant]) -> str | None:
    assert isinstance(fact, GRANTS)
    if fact.form is None:
        return "no_form"
    if shown.get(fact.form, at + 1) > at:
        return "form_unpublished"
    if fact.act is None:
        return "no_act"
    return "inferred" if fact.grade == "inferred" else None


def _opened(look: Look, position: int) -> Iterator[Finding]:
    event = look.by_position[position]
    row, scene = event.row, look.scene
    late = row.actor == "import" or (scene.began is not None and row.occurred_at < scene.began)
    known = position - 1 if late else min(look.known_at(row.occurred_at), position - 1)
    person = look.person_at(row.occurred_at, known)
    at, company = event.fact.occurred, scene.company_at(known)
    found = verdict_now(Asked(person, scene.book, OPEN_TRACKING, "email", at, known, company))
    if not found.allowed and found.reasons[0] not in ("undeclared", "channel"):
        positions = (position, *(p for p in found.rests_on if p != position))
        yield Finding("C11", "opened", positions, look.subject, found.clause, found.article)


def _brought_untold(scene: Scene, purpose: str) -> int | None:
    """The number of the edition that brought a purpose, unless the first one had it, or people were
    told of it when it was published."""
    entries = [e for e in scene.book.entries if e.position <= scene.known]
    brought = next((e.edition.number for e in entries if purpose in e.edition.purposes), None)
    if brought is None or brought == entries[0].edition.number:
        return None
    published = scene.published.get(brought)
    told = published is not None and getattr(published.fact, "notified", None)
    return None if told else brought


def _told(look: Look, number: int, at: int) -> bool:
    return any(
        row.kind == "policy.notified.v1"
        and (row.until_day or 0) >= number
        and row.occurred_at <= at
        for row in look.standing
    )
