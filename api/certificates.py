"""Certificates of erasure: the note as it was issued, and whom it concerns outside as they stand
now (GDPR art. 17, 19; SS-DSR-3). Of an erasure that was asked for by its request; of whatever else
was erased of one person, by a term above all, by her id.

The note is what is handed over and what the verifier of the log reads; nothing in it is personal
but ids and days. Who was told and who acknowledged goes on moving after it was issued, so it is
answered beside it, as of now; `now` has the whole certificate made again, every check done again,
signed if a signer answers and written nowhere. Read next: `ledger/erasing/certificate.py`.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from ledger.application import Ledger
from ledger.calendar import format_instant
from ledger.entry import to_base64
from ledger.erasing import certificate as made
from ledger.erasing.certificate import Desk, Issued
from ledger.erasing.erase import Erased, of_intent
from ledger.erasing.journal import Intent, Journal
from ledger.erasing.request import everybody, planned_everywhere
from ledger.errors import Broken, NotFound
from ledger.requests.reading import one
from ledger.retention.certifying import REASON, named, still_kept
from ledger.store import erasure

NOTHING = "nothing of this person was erased, or nothing is left that tells of it"
NONE = "no certificate: nothing was erased for this request, or not yet"


def issued_json(issued: Issued | None) -> dict[str, Any] | None:
    """How an answer names its certificate."""
    if issued is None:
        return None
    name = issued.content["id"]
    return {"id": name, "sha256": issued.digest, "is_signed": issued.is_signed}


def certificate_answer(
    ledger: Ledger, stream: UUID, desk: Desk | None, journal: Path | None, *, is_now: bool
) -> dict[str, Any]:
    """The certificate of one request. Raises NotFound where there is none."""
    asked = one(ledger, stream)
    if desk is None or journal is None or asked.right != "erasure" or asked.subject is None:
        raise NotFound(NONE)
    kept = planned_or_nothing(ledger, asked.subject)
    content = made.of_request(ledger, desk, journal, kept, stream, id=uuid4() if is_now else None)
    if content is None:
        raise NotFound(NONE)
    note, is_signed = _made_now(desk, content) if is_now else _kept(desk, stream)
    name = content["id"]
    return {
        "request": str(stream),
        "id": name,
        "renews": str(stream) if is_now else None,
        "sha256": to_base64(sha256(_text(note)).digest()),
        "is_signed": is_signed,
        "note": note.decode(),
        "recipients": content["recipients"],
    }


def person_answer(
    ledger: Ledger, subject: UUID, desk: Desk | None, journal: Path | None, *, is_now: bool
) -> dict[str, Any]:
    """The certificate of each erasure of one person, under each of her references, oldest first.
    Raises NotFound where nothing of hers was ever erased, or all of it is pruned."""
    if desk is None or journal is None:
        raise NotFound(NOTHING)
    with ledger.database.read() as connection:
        carried_out = erasure.carried_out(connection)
    intents = Journal(journal, ledger.keyring.origin).intents()[:carried_out]
    people = everybody(ledger, subject)
    found = [(who, one, of_intent(ledger, one, who)) for one in intents for who in people]
    items = [
        _of_intent(ledger, who, desk, intent, done, is_now=is_now)
        for who, intent, done in found
        if done
    ]
    if not items:
        raise NotFound(NOTHING)
    return {"subject": str(subject), "items": items}


def _of_intent(
    ledger: Ledger,
    subject: UUID,
    desk: Desk,
    intent: Intent,
    done: list[Erased],
    *,
    is_now: bool,
) -> dict[str, Any]:
    is_term = intent.reason == REASON
    known_as = named(intent.id, subject) if is_term else intent.request
    kept: made.Kept = {subject: still_kept(ledger, subject)} if is_term else {}
    content = made.certificate(
        ledger,
        subject,
        done,
        kept or planned_or_nothing(ledger, subject),
        reason=intent.reason,
        horizon=desk.horizon,
        request=intent.request,
        days=desk.days,
    )
    as_issued = None if known_as is None else made.found(desk.folder, known_as)
    note, is_signed = _made_now(desk, content) if is_now else (as_issued or (None, False))
    name = content["id"] if is_now else known_as
    return {
        "subject": str(subject),
        "reason": intent.reason,
        "request": intent.request and str(intent.request),
        "erased_at": format_instant(intent.at),
        "id": name and str(name),
        "renews": str(known_as) if is_now and known_as else None,
        "sha256": note and to_base64(sha256(_text(note)).digest()),
        "is_signed": is_signed,
        "note": note and note.decode(),
        "recipients": content["recipients"],
    }


def planned_or_nothing(ledger: Ledger, subject: UUID) -> made.Kept:
    """What would be kept of her today, under each reference."""
    try:
        return planned_everywhere(ledger, subject, "request")
    except NotFound:
        return {subject: []}


def _kept(desk: Desk, stream: UUID) -> tuple[bytes, bool]:
    found = made.found(desk.folder, stream)
    if found is None:
        raise NotFound("the certificate of this request is not in its folder; ask with now=true")
    return found


def _made_now(desk: Desk, content: dict[str, Any]) -> tuple[bytes, bool]:
    text = made.text_of(content)
    if desk.sign is not None:
        try:
            return desk.sign(text), True
        except Broken:
            pass  # no signer answers
    return text, False


def _text(note: bytes) -> bytes:
    """The text that is signed: without the empty line and the signatures behind it."""
    text, has_signatures, _ = note.partition(b"\n\n")
    return text + b"\n" if has_signatures else note
