"""`/v1/log/…`: the sealed log's own files and proofs. Read next: `sealed.py` in the room above."""

from __future__ import annotations

from typing import Annotated, Any

from anyio import to_thread
from fastapi import Query, Request
from starlette.responses import Response

from api import schema, sealed
from api.routes import AGENT, AUDITOR, DPO, OPERATOR, READER, RECORDER, Route
from api.routes.taking import ledger_of

# Hashes and signatures say nothing of anybody; entries (tiles) are everybody's, pseudonymous.
ANY_KEY = frozenset({RECORDER, READER, AGENT, DPO, AUDITOR, OPERATOR})
KEEPERS = frozenset({DPO, AUDITOR, OPERATOR})


def get_checkpoint(request: Request) -> Response:
    """The head of the log as a signed note (C2SP tlog-checkpoint): pin its key elsewhere."""
    return sealed.checkpoint_file(request.app.state.seal)


def get_tile(request: Request, path: str) -> Response:
    """256 hashes of a level, or 256 entries (C2SP tlog-tiles). A pruned entry has length zero."""
    return sealed.tile_file(request.app.state.seal, path)


async def get_proof(
    request: Request,
    position: int,
    wait: Annotated[float, Query(ge=0, le=sealed.MAX_WAIT, description=schema.WAIT)] = 0,
) -> Response:
    """The inclusion proof of one event (C2SP tlog-proof), which outlives this server. Recorded and
    not sealed yet: 409, unless `wait` is longer than the seal takes."""
    head = await to_thread.run_sync(ledger_of(request).recorder.head)
    return await sealed.inclusion_file(request.app.state.seal, position, head.position, wait)


def get_consistency(
    request: Request,
    old: Annotated[int, Query(description="The size once seen.")],
    new: Annotated[int | None, Query(description="A later size; the newest by default.")] = None,
) -> Response:
    """The proof that what was seen at `old` was only added to since: what a witness asks for."""
    return sealed.consistency_file(request.app.state.seal, old, new)


def _file(
    path: str, endpoint: Any, summary: str, roles: frozenset[str], extra: dict[str, Any]
) -> Route:
    more = {"response_class": Response, **extra}
    return Route("GET", f"/v1/log/{path}", endpoint, "log", summary, roles, more)


ROUTES = (
    _file(
        "checkpoint",
        get_checkpoint,
        "The newest signed checkpoint",
        ANY_KEY,
        schema.GET_CHECKPOINT,
    ),
    _file("tile/{path:path}", get_tile, "A tile of the log", KEEPERS, schema.GET_TILE),
    _file("proof/{position}", get_proof, "That an event is in the log", ANY_KEY, schema.GET_PROOF),
    _file(
        "consistency", get_consistency, "That the log only grew", ANY_KEY, schema.GET_CONSISTENCY
    ),
)
