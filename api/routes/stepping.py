"""A thing with a life of its own over HTTP (a card, a contract, a hold): begun, then taken on.

Each is carried out once under its Idempotency-Key. Read next: `things.py` in the room above.
"""

from __future__ import annotations

from collections.abc import Collection

from starlette.requests import Request
from starlette.responses import Response

from api import choices as saying
from api import things
from api.once import once
from api.routes.choices import recorded
from api.routes.taking import body_of, ledger_of
from ledger.errors import NotFound
from ledger.events import Fact
from ledger.handlers import Accepted, record_many


async def begun(request: Request, cls: type[Fact], path: str) -> Response:
    """Record the fact that begins a thing; `Location` is below `path`."""
    item = saying.body_object(await body_of(request), things.BEGIN_KEYS)
    ledger, roles = ledger_of(request), request.state.who.roles

    def work() -> Response:
        (outcome,) = record_many(ledger, [things.beginning(ledger, cls, item, roles)])
        answer = recorded(request, outcome)
        if isinstance(outcome, Accepted):
            answer.headers["Location"] = f"{path}/{outcome.stream}"
        return answer

    return await once(request, work)


async def stepped(
    request: Request, cls: type[Fact] | None, id: str, noun: str, steps: Collection[str] = ()
) -> Response:
    """Record one step of the thing of this id. Raises NotFound: by its noun where there is no such
    thing, by the names of the `steps` there are where it is none of them."""
    item = saying.body_object(await body_of(request), things.STEP_KEYS)
    thing, ledger = things.uuid_of(id, noun), ledger_of(request)
    roles = request.state.who.roles
    if cls is None:
        raise NotFound(f"there is no such step; there are: {', '.join(steps)}")

    def work() -> Response:
        (outcome,) = record_many(ledger, [things.step(ledger, cls, thing, item, roles)])
        return recorded(request, outcome)

    return await once(request, work)
