"""`/v1/subjects/{id}/joins`: one person under two references, and what to do when it was two.

Read next: `ledger/choosing/joining.py`.
"""

from __future__ import annotations

from fastapi import Request
from starlette.responses import JSONResponse, Response

from api import choices as saying
from api import choices_schema as schema
from api.once import once
from api.routes import AGENT, DPO, Route
from api.routes.taking import body_of, ledger_of
from ledger.choosing import joining


async def post_join(request: Request, id: str) -> Response:
    """`other` is this person too: what is new is recorded of her, what `other` did stays."""
    kept, ledger = saying.subject_of(id), ledger_of(request)
    item = saying.body_object(await body_of(request), ("other", "reason"))
    other, reason = saying.uuid_of("other", item.get("other")), saying.code_of("reason", item)

    def work() -> Response:
        written = saying.or_refused(joining.join(ledger, kept, other, reason))
        told = {"subject": str(kept), "other": str(other), "position": written.position}
        return JSONResponse(told, 201)

    return await once(request, work)


async def post_undoing(request: Request, id: str) -> Response:
    """They are two after all: each reference means again whom it meant. `meanwhile` lists what was
    recorded of the one kept while they were one, for somebody to look whose it is."""
    kept, ledger = saying.subject_of(id), ledger_of(request)
    item = saying.body_object(await body_of(request), ("other", "reason"))
    other, reason = saying.uuid_of("other", item.get("other")), saying.code_of("reason", item)

    def work() -> Response:
        undone = joining.undo(ledger, kept, other, reason)
        told = {"subject": str(kept), "other": str(other), "position": undone.position}
        return JSONResponse({**told, "meanwhile": list(undone.meanwhile)})

    return await once(request, work)


ROUTES = (
    Route(
        "POST",
        "/v1/subjects/{id}/joins",
        post_join,
        "subjects",
        "Join another reference of the same person",
        frozenset({AGENT, DPO}),
        schema.POST_JOIN,
        once=True,
    ),
    Route(
        "POST",
        "/v1/subjects/{id}/joins/undo",
        post_undoing,
        "subjects",
        "Undo a wrong join",
        frozenset({DPO}),
        schema.POST_UNDOING,
        once=True,
    ),
)
