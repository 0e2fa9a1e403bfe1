"""*Mes reçus*: each choice she expressed, as recorded and sealed. Her browser checks the proof by
itself, against a key she may have from elsewhere (`static/receipts.js`); the files are there for
any other verifier (C2SP tlog-proof; ISO/IEC TS 27560)."""

from __future__ import annotations

from typing import NamedTuple

from starlette.responses import JSONResponse, Response

from api import sealed
from api.console.my import herself, page
from api.console.naming import capital, edition_of
from api.console.proving import key_of, proof_of
from api.console.visiting import Visit
from api.packages import receipts_of
from ledger.erasing.request import everybody
from ledger.errors import NotFound
from ledger.events import KINDS, Row
from ledger.policy.model import Edition
from ledger.store import states
from ledger.store import timeline as history

HOME = "/my/receipts"
SHOWN = tuple(kind for kind, cls in KINDS.items() if cls.aggregate == "consent")
LISTED = 200
NO_STORE = {"Cache-Control": "no-store"}


class Receipt(NamedTuple):
    """One expression: what, about what, when, and whether its proof can be had yet."""

    position: int
    kind: str
    purpose: str
    channel: str | None
    day: int
    recorded_at: int
    is_sealed: bool


def get_receipts(visit: Visit) -> Response:
    """The newest first."""
    ledger, state = visit.ledger, visit.request.app.state
    with ledger.database.read() as connection:
        states.look_at(connection, herself(visit), states.ROWS)
        people = everybody(ledger, herself(visit))
        rows = [row for one in people for row in states.rows_of(connection, one)]
    said = sorted((row for row in rows if row.kind in SHOWN), key=lambda row: -row.position)
    edition, size = edition_of(visit), sealed.size_of(state.seal)
    found = [_receipt(row, edition, size, visit) for row in said[:LISTED]]
    return visit.render("my/receipts.html", receipts=found, key=key_of(visit))


def get_file(visit: Visit) -> Response:
    """All of them as one consent receipt (ISO/IEC TS 27560, JSON-LD)."""
    said = receipts_of(visit.ledger, herself(visit), is_kantara=False)
    headers = {"Content-Disposition": 'attachment; filename="receipts.jsonld"', **NO_STORE}
    return JSONResponse(said, media_type="application/ld+json", headers=headers)


def get_proof(visit: Visit) -> Response:
    """What her browser needs to check one: the entry as it was sealed, and the proof."""
    text = visit.request.query_params.get("position", "")
    position = int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
    with visit.ledger.database.read() as connection:
        found = history.sealed_entry(connection, everybody(visit.ledger, herself(visit)), position)
    if found is None:
        raise NotFound("no receipt of yours stands at this position")
    return proof_of(visit, position, found)


def _receipt(row: Row, edition: Edition, size: int, visit: Visit) -> Receipt:
    purpose = edition.purposes.get(row.purpose or "")
    label = row.purpose or ""
    if purpose is not None:
        label = (purpose.label_fr if visit.lang == "fr" else purpose.label_en) or label
    what = row.kind, capital(label), row.channel, row.local_day
    return Receipt(row.position, *what, row.recorded_at, is_sealed=row.position <= size)


PAGES = (
    page("GET", HOME, get_receipts),
    page("GET", f"{HOME}/file", get_file),
    page("GET", f"{HOME}/proof", get_proof),
)
