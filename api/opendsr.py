"""OpenDSR 2.0 as a door to rights requests: its JSON in, requests of ours out, its JSON back.

Another system (a consent platform, a marketplace) hands a request on in the protocol's words; from
then on it is a request like any other, on the clock of the law, and people of ours answer it. What
identifies the person is taken and never kept but as a keyed hash; the answer holds the body it was
sent, for the protocol wants it. What goes wrong is said in the protocol's form, naming a field and
never what was in it. Read next: `ledger/requests/opendsr.py`.
"""

from __future__ import annotations

from base64 import b64encode
from typing import Any, NamedTuple
from uuid import UUID

from api.facts import parse_json
from api.problems import Problem
from ledger.application import Ledger
from ledger.calendar import Moment, end_of, format_instant, moment_of_instant, parse_moment
from ledger.choosing.choose import find
from ledger.commands import Reference
from ledger.errors import BadData, NotFound, Refused
from ledger.events import RequestReceived, RequestWithdrawn
from ledger.outbound.endpoints import OPENDSR, registered
from ledger.policy.requests import Request
from ledger.requests.opendsr import (
    CHANNEL,
    REGULATION,
    TYPES,
    VERSION,
    domain_of,
    is_id,
    status_of,
    told,
)
from ledger.requests.reading import one
from ledger.requests.steps import receive, record_step

IDENTITIES = ("email", "controller_customer_id")
MOST = 20  # identities of one request
KIND = "reference_kind"  # in our extension: under which kind a customer number is known


class Wrong(Exception):
    """A request that is refused: an HTTP status, and why, naming a field and never a value."""

    def __init__(self, message: str, reason: str = "IllegalArgumentException", code: int = 400):
        super().__init__(message)
        self.code = code
        detail = {"domain": "Validation", "reason": reason, "message": message}
        self.body = {"error": {"code": code, "message": message, "errors": [detail]}}


class Asked(NamedTuple):
    """What a body asks for."""

    stream: UUID
    right: str
    submitted: Moment
    people: tuple[Reference, ...]
    callbacks: tuple[str, ...]


def discovery(ledger: Ledger, keys: str) -> dict[str, Any]:
    """What is supported. `keys`: where the keys are that verify our signatures."""
    identities = [{"identity_type": name, "identity_format": "raw"} for name in IDENTITIES]
    extension = {"signature": "Ed25519", "keys": keys, "extension_fields": [KIND]}
    return {
        "api_version": VERSION,
        "supported_identities": identities,
        "supported_subject_request_types": list(TYPES),
        "processor_certificate": keys,
        "extensions": {domain_of(ledger.keyring): extension},
    }


def received(ledger: Ledger, controller: str, raw: bytes) -> dict[str, Any]:
    """Record the request that a body states. Raises Wrong."""
    asked = _asked(ledger, raw)
    now = moment_of_instant(ledger.clock.now())
    fact = RequestReceived(
        subject=_known(ledger, asked.people),
        occurred=asked.submitted,
        right=asked.right,
        channel=CHANNEL,
    )
    person = None if fact.subject else asked.people[0]
    try:
        receive(ledger, fact, person, stream=asked.stream)
    except Refused as refused:
        raise Wrong(refused.refusal.detail, refused.refusal.problem) from None
    except BadData as error:
        raise Wrong(str(error)) from None
    return {
        "controller_id": controller,
        "expected_completion_time": format_instant(end_of(one(ledger, asked.stream).due)),
        "received_time": format_instant(now.at),
        "encoded_request": b64encode(raw).decode(),
        "subject_request_id": str(asked.stream),
        "api_version": VERSION,
    }


def status(ledger: Ledger, controller: str, id: str) -> dict[str, Any]:
    """Where a request stands. Raises Wrong."""
    return told(_found(ledger, id), controller, ledger.keyring)


def cancelled(ledger: Ledger, controller: str, id: str) -> dict[str, Any]:
    """Withdraw a request on which nobody did anything yet. Raises Wrong."""
    found, now = _found(ledger, id), moment_of_instant(ledger.clock.now())
    if status_of(found) != "pending":
        raise Wrong("only a pending request is cancelled", "IllegalStateException")
    try:
        record_step(ledger, found.stream, RequestWithdrawn(occurred=now, channel=CHANNEL))
    except Refused as refused:
        raise Wrong(refused.refusal.detail, refused.refusal.problem) from None
    return {
        "controller_id": controller,
        "subject_request_id": str(found.stream),
        "received_time": format_instant(now.at),
        "api_version": VERSION,
    }


def _found(ledger: Ledger, id: str) -> Request:
    """A request that came this way."""
    stream = is_id(id)
    try:
        found = None if stream is None else one(ledger, stream)
    except NotFound:
        found = None
    if found is None or found.channel != CHANNEL:
        raise Wrong("subject_request_id names no request that came this way", "NotFound", 404)
    return found


def _asked(ledger: Ledger, raw: bytes) -> Asked:
    try:
        parsed = parse_json(raw)
    except Problem as problem:
        raise Wrong(problem.refusal.detail) from None
    if not parsed.is_single or not isinstance(parsed.items[0], dict):
        raise Wrong("the body is one JSON object")
    body: dict[str, Any] = parsed.items[0]
    stream = is_id(body.get("subject_request_id"))
    if stream is None:
        raise Wrong("subject_request_id is a UUID of version 4, in lower case")
    if body.get("regulation", REGULATION) != REGULATION:
        raise Wrong("regulation is gdpr: no other is answered here")
    if body.get("subject_request_type") not in TYPES:
        raise Wrong(f"subject_request_type is one of: {', '.join(TYPES)}")
    if str(body.get("api_version", VERSION)).partition(".")[0] != "2":
        raise Wrong("api_version is 2.0")
    try:
        submitted = parse_moment(str(body.get("submitted_time", "")))
    except ValueError:
        submitted = None
    if submitted is None or submitted.grain == "day":
        raise Wrong("submitted_time is a date and time with its zone (RFC 3339)")
    people = _people(body.get("subject_identities"), _kind(ledger, body.get("extensions", {})))
    callbacks = _callbacks(ledger, body.get("status_callback_urls", []))
    return Asked(stream, body["subject_request_type"], submitted, people, callbacks)


def _kind(ledger: Ledger, extensions: Any) -> str:
    """Under which kind of reference a customer number is known here."""
    ours = extensions.get(domain_of(ledger.keyring), {}) if isinstance(extensions, dict) else None
    found = ours.get(KIND, "controller_customer_id") if isinstance(ours, dict) else None
    if not isinstance(found, str):
        raise Wrong("extensions is an object of objects; ours may hold a 'reference_kind'")
    return found


def _people(identities: Any, kind: str) -> tuple[Reference, ...]:
    if not isinstance(identities, list) or not 1 <= len(identities) <= MOST:
        raise Wrong(f"subject_identities is a list of 1 to {MOST} identities")
    found = []
    for said in identities:
        if not isinstance(said, dict) or said.get("identity_type") not in IDENTITIES:
            raise Wrong(f"identity_type is one of: {', '.join(IDENTITIES)}")
        if said.get("identity_format") != "raw":
            raise Wrong("identity_format is raw: a hash that anybody can make names nobody here")
        value = said.get("identity_value")
        if not isinstance(value, str) or not value.strip():
            raise Wrong("identity_value is a text")
        found.append(Reference("email" if said["identity_type"] == "email" else kind, value))
    return tuple(found)


def _known(ledger: Ledger, people: tuple[Reference, ...]) -> UUID | None:
    """Whom the identities mean; None when nobody knows any of them. Raises Wrong for two people."""
    joins = ledger.joins(ledger.epoch())
    try:
        found = {joins.kept(who) for one in people if (who := find(ledger, one)) is not None}
    except (BadData, Refused):
        raise Wrong("an identity cannot be looked for") from None
    if len(found) > 1:
        raise Wrong("subject_identities are of several people")
    return next(iter(found), None)


def _callbacks(ledger: Ledger, urls: Any) -> tuple[str, ...]:
    """Only where somebody of ours said that callbacks go: who names a URL chooses whom we call."""
    if not isinstance(urls, list) or not all(isinstance(url, str) for url in urls):
        raise Wrong("status_callback_urls is a list of URLs")
    ends = (end for end, _ in registered(ledger) if OPENDSR in end.kinds)
    live = {end.url for end in ends if end.state == "live"}
    if not set(urls) <= live:
        raise Wrong("status_callback_urls: each is registered here first, as a webhook for OpenDSR")
    return tuple(urls)
