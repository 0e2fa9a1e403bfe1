"""The certificate of an erasure that was asked for: the note as it was issued, and whom it concerns
outside as they stand now (GDPR art. 17, 19; SS-DSR-3).

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
from ledger.entry import to_base64
from ledger.erasing import certificate as made
from ledger.erasing.certificate import Desk, Issued
from ledger.erasing.request import planned_everywhere
from ledger.errors import Broken, NotFound
from ledger.requests.reading import one

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
