"""What a person may do about herself with a token of her own: her requests under her rights, who
looked at her data, and what becomes of it after her death.

Whose something is, is looked up, never believed: a request that is not hers does not exist for her.
Whoever else tells us of requests says so by `/v1/requests`. Staff who looked are not named to her
(GDPR art. 15(4); CJEU C-579/21): when, what, and why. Read next: `routes/own.py`.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from api.answers import Times
from api.facts import an_object, check_keys, check_strict, load_of
from api.requests import page_json, request_json
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import format_day, format_instant, moment_of_instant
from ledger.erasing.request import everybody
from ledger.errors import BadData, NotFound
from ledger.events import DirectiveRevoked, DirectiveSet, RequestReceived, RequestWithdrawn, build
from ledger.fields import CODE, IDENTIFIER
from ledger.packages.gathering import READS, consultation_of
from ledger.policy import death
from ledger.policy.requests import Request
from ledger.projections.live import standing
from ledger.requests.reading import Page, one, queue
from ledger.requests.steps import receive, record_step
from ledger.store import reader, states
from ledger.store import timeline as history

CHANNEL = "page"  # by which she asks here
ASKING_KEYS = ("id", "over", "data")
DIRECTIVE_KEYS = ("wish", "trustee", "text")


def object_of(value: Any, keys: tuple[str, ...]) -> dict[str, Any]:
    """The one JSON object of a body, with these keys and no others. Raises BadData."""
    check_strict(value)
    body = an_object("body", value)
    check_keys("body", body, keys)
    return body


# --- her requests ---------------------------------------------------------------------------------


def asked(ledger: Ledger, subject: UUID, value: Any, lang: Language) -> dict[str, Any]:
    """Record what she asks, with what takes effect at once. Raises BadData, NotFound, Refused."""
    body = object_of(value, ASKING_KEYS)
    _check_known(ledger, subject)
    data = an_object("data", body.get("data", {}))
    if data.get("channel", CHANNEL) != CHANNEL:
        raise BadData("field 'channel': what a person asks here, she asks on a page; leave it out")
    stream, over = body.get("id"), body.get("over")
    shared = {
        "subject": subject,
        "occurred": moment_of_instant(ledger.clock.now()),
        "actor": "self",
    }
    made = receive(
        ledger,
        build(RequestReceived, shared, {**data, "channel": CHANNEL}),
        stream=None if stream is None else load_of("id", IDENTIFIER, stream),
        over=None if over is None else str(load_of("over", CODE, over)),
    )
    answer = {"position": made.position, "at_once": list(made.at_once)}
    return answer | {"request": request_json(one(ledger, made.stream), lang)}


def all_of_hers(
    ledger: Ledger, subject: UUID, times: Times, after: int, limit: int, lang: Language
) -> dict[str, Any]:
    """Her requests under every reference of hers, in the order in which they were recorded."""
    return page_json(queue_of(ledger, subject, times, after, limit), lang)


def queue_of(ledger: Ledger, subject: UUID, times: Times, after: int, limit: int) -> Page:
    """The same before they are put in words. Raises NotFound for somebody nobody knows."""
    page = queue(
        ledger,
        as_of=times.as_of,
        known_at=times.known_at,
        after=after,
        limit=limit,
        person=subject,
    )
    if not page.requests:
        _check_known(ledger, subject)
    return page


def hers(ledger: Ledger, subject: UUID, stream: UUID, times: Times | None = None) -> Request:
    """One request of hers. Raises NotFound, also for one of somebody else."""
    found = one(ledger, stream, *(times or Times()))
    if found.subject not in everybody(ledger, subject):
        raise NotFound("this ledger knows no such request")
    return found


def withdrawn(ledger: Ledger, subject: UUID, stream: UUID, lang: Language) -> dict[str, Any]:
    """She takes a request of hers back. Raises NotFound, Refused once it is answered."""
    hers(ledger, subject, stream)
    now = moment_of_instant(ledger.clock.now())
    fact = RequestWithdrawn(occurred=now, actor="self", channel=CHANNEL)
    position = record_step(ledger, stream, fact).position
    return {"position": position, "request": request_json(one(ledger, stream), lang)}


# --- who looked -----------------------------------------------------------------------------------


def reads_of(ledger: Ledger, subject: UUID, after: int, limit: int) -> dict[str, Any]:
    """Each time one of us read personal data of hers, or asked for it out of the archive: when,
    which classes, why. Never who."""
    with ledger.database.read() as connection:
        states.look_at(connection, subject, history.EXTENT)
    people = everybody(ledger, subject)
    with ledger.database.read() as connection:
        known = reader.position_at(connection, None)
        if history.extent(connection, people, known) is None:
            raise NotFound("this ledger knows no such subject")
        told = history.page(connection, people, after, known, limit, READS)
    items = [consultation_of(read) for read in told]
    return {
        "subject": str(subject),
        "position": known,
        "items": items,
        "next": told[-1].row.position if len(told) == limit else None,
    }


# --- after her death ------------------------------------------------------------------------------


def directive_of(ledger: Ledger, subject: UUID) -> dict[str, Any]:
    """The directive that counts today, without its words; None when she set none, or took it
    back."""
    with ledger.database.read() as connection:
        states.look_at(connection, subject, states.ROWS)
    joins = ledger.joins(ledger.epoch())
    with ledger.database.read() as connection:
        rows = [row for who in joins.family(subject) for row in states.rows_of(connection, who)]
    if not rows:
        raise NotFound("this ledger knows no such subject")
    last = death.directive_of(standing(rows), joins)
    if last is None:
        return {"subject": str(subject), "directive": None}
    found = {
        "position": last.position,
        "wish": last.decision,
        "since": format_day(last.local_day),
        "recorded_at": format_instant(last.recorded_at),
    }
    return {"subject": str(subject), "directive": found}


def directive_set(ledger: Ledger, subject: UUID, value: Any) -> DirectiveSet:
    """The directive that a body states. Raises BadData."""
    body = object_of(value, DIRECTIVE_KEYS)
    _check_known(ledger, subject)
    if "wish" not in body:
        raise BadData("field 'wish' is required: erase, keep or transmit")
    shared = {"subject": subject, "occurred": moment_of_instant(ledger.clock.now())}
    return build(DirectiveSet, {**shared, "actor": "self"}, body)


def directive_revoked(ledger: Ledger, subject: UUID) -> DirectiveRevoked:
    """That she takes it back."""
    _check_known(ledger, subject)
    now = moment_of_instant(ledger.clock.now())
    return DirectiveRevoked(subject=subject, occurred=now, actor="self")


def _check_known(ledger: Ledger, subject: UUID) -> None:
    with ledger.database.read() as connection:
        if history.extent(connection, (subject,), reader.position_at(connection, None)) is None:
            raise NotFound("this ledger knows no such subject")
