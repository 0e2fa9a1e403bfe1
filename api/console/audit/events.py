"""One event of the log: what it says in clear, where it stands in its stream, and its proofs.

Her browser checks the proof by itself (`static/receipts.js`), as a customer's does; the files are
there for any other verifier (C2SP tlog-proof). Of a personal part it is said what became of it: it
is never opened here. Read next: `ledger/store/browsing.py`.
"""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from api import sealed
from api.console.audit import HOME, page
from api.console.naming import names
from api.console.proving import key_of, proof_of
from api.console.stating import stated
from api.console.visiting import Visit
from ledger import entry
from ledger.calendar import format_day, format_instant
from ledger.errors import NotFound, ProbantError
from ledger.events import Row
from ledger.seal.merkle import leaf_hash
from ledger.store import browsing, reader, timeline
from ledger.store.browsing import Single

EVENTS = f"{HOME}/events"
INSTANTS, DAYS = ("occurred_at", "recorded_at"), ("edition", "until_day", "local_day")


def get_find(visit: Visit) -> Response:
    """On to the event at the position that was typed."""
    return visit.go(f"{EVENTS}/{_number(visit.request.query_params.get('position', ''))}")


def get_event(visit: Visit) -> Response:
    """Everything about one event that is no secret."""
    position = _number(visit.path["position"])
    with visit.ledger.database.read() as connection:
        found, head = browsing.single(connection, position), reader.position_at(connection, None)
        if found is None:
            raise NotFound("no event stands at this position")
        around = (
            browsing.neighbours(connection, found.row.stream, found.row.version)
            if found.row
            else (None, None)
        )
        told = _told(visit, connection, found)
    size = sealed.size_of(visit.request.app.state.seal)
    return visit.render(
        "audit/event.html",
        **told,
        found=found,
        columns=_columns(found.row) if found.row else [],
        leaf=found.leaf.hex(),
        is_whole=found.entry is not None and leaf_hash(found.entry) == found.leaf,
        before=around[0],
        after=around[1],
        head=head,
        size=size,
        key=key_of(visit),
    )


def get_proof(visit: Visit) -> Response:
    """The entry and its proof, for the script of the page."""
    found = _single(visit)
    if found.entry is None:
        raise NotFound("this event was pruned: its entry is gone")
    return proof_of(visit, found.position, found.entry)


def get_file(visit: Visit) -> Response:
    """The inclusion proof as a file."""
    found = _single(visit)
    content = sealed.inclusion_now(visit.request.app.state.seal, found.position)
    return _attached(content, f"{found.position}.tlog-proof")


def get_entry(visit: Visit) -> Response:
    """The entry as a file, byte for byte as it was sealed: the leaf is its hash."""
    found = _single(visit)
    if found.entry is None:
        raise NotFound("this event was pruned: its entry is gone")
    return _attached(found.entry, f"{found.position}.entry")


def get_consistency(visit: Visit) -> Response:
    """The proof that the log as it was just after this event was only added to since."""
    position = _single(visit).position
    said = sealed.consistency_file(visit.request.app.state.seal, position, None)
    return _attached(bytes(said.body), f"{position}.consistency.txt")


def _number(text: str) -> int:
    """A position. Raises NotFound for what is none."""
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise NotFound("no event stands at this position")
    return int(text)


def _single(visit: Visit) -> Single:
    position = _number(visit.path["position"])
    with visit.ledger.database.read() as connection:
        found = browsing.single(connection, position)
    if found is None:
        raise NotFound("no event stands at this position")
    return found


def _attached(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/octet-stream", headers=headers)


def _columns(row: Row) -> list[tuple[str, str]]:
    """The typed columns that say something, by their own names."""
    found = []
    for name, value in row._asdict().items():
        if value is not None and value != "":
            is_instant, is_day = name in INSTANTS, name in DAYS
            shown = format_instant(value) if is_instant else format_day(value) if is_day else value
            found.append((name, str(shown)))
    return found


def _told(visit: Visit, connection: Any, found: Single) -> dict[str, Any]:
    """What the fact states, and the entry itself. An entry that cannot be read any more says
    nothing, and the page says that."""
    told: dict[str, Any] = {
        "data": [],
        "parts": [],
        "stands": None,
        "written": "",
        "readable": True,
    }
    if found.row is None or found.entry is None:
        return told
    called, known = names(visit), reader.position_at(connection, None)
    try:
        said, one = entry.read(found.entry), timeline.told_of(found.row, found.entry)
        data = stated(found.row.kind, timeline.stated(one), called, visit.say)
        _, amended, states = timeline.whole(connection, [one], known)
        parts = [
            (called["class"].get(name, name), states[found.position, name].value)
            for name, _ in one.parts
        ]
    except (ProbantError, KeyError, ValueError, TypeError):
        return told | {"readable": False}
    return told | {
        "data": data,
        "parts": parts,
        "stands": timeline.standing(found.row, amended),
        "written": json.dumps(said, ensure_ascii=False, indent=2),
    }


PAGES = (
    page("GET", EVENTS, get_find),
    page("GET", f"{EVENTS}/{{position}}", get_event),
    page("GET", f"{EVENTS}/{{position}}/proof", get_proof),
    page("GET", f"{EVENTS}/{{position}}/tlog-proof", get_file),
    page("GET", f"{EVENTS}/{{position}}/entry", get_entry),
    page("GET", f"{EVENTS}/{{position}}/consistency", get_consistency),
)
