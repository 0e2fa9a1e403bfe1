"""`/v1/policy/what-if`: what a draft edition would change, and for whom. Nothing is written.

Read next: `ledger/supposing.py`.
"""

from __future__ import annotations

from typing import Any

from anyio import to_thread
from fastapi import Request
from starlette.responses import JSONResponse, Response

from api.choices import body_object, code_of
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import body_of, instant_of, ledger_of
from api.schema import ERRORS
from api.supposing import EXAMPLE, supposed_json
from ledger.errors import BadData
from ledger.events import KINDS
from ledger.policy.loader import load_edition
from ledger.supposing import LISTED, suppose

MAX_LISTED = 1000


async def post_what_if(request: Request) -> Response:
    """Who would be archived, erased or asked again if this draft were the policy: counts by class,
    and the first people concerned. Holds and restrictions are not weighed."""
    item = body_object(await body_of(request), ("edition", "as_of", "class", "limit"))
    toml, klass = item.get("edition"), code_of("class", item)
    if not isinstance(toml, str):
        raise BadData("field 'edition' must be the text of an edition (TOML)")
    limit, when = item.get("limit", LISTED), item.get("as_of")
    if type(limit) is not int or not 0 <= limit <= MAX_LISTED:
        raise BadData(f"field 'limit' must be an integer from 0 to {MAX_LISTED}")
    if when is not None and not isinstance(when, str):
        raise BadData("field 'as_of' must be a day or a date and time with its zone")
    as_of = instant_of("as_of", when)

    def work() -> dict[str, Any]:
        draft = load_edition(toml.encode("utf-8", "surrogatepass"), "the draft", KINDS)
        if klass is not None and klass not in draft.classes:
            raise BadData("field 'class' must be a class of the draft")
        return supposed_json(suppose(ledger_of(request), draft, as_of, klass, limit))

    return JSONResponse(await to_thread.run_sync(work))


ROUTES = (
    Route(
        "POST",
        "/v1/policy/what-if",
        post_what_if,
        "policy",
        "What a draft edition would change",
        frozenset({DPO, AUDITOR}),
        {
            "responses": {
                200: {
                    "description": "What would change.",
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Supposed"},
                            "example": EXAMPLE,
                        }
                    },
                },
                **ERRORS,
            },
            "openapi_extra": {
                "requestBody": {
                    "required": True,
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Draft"},
                            "example": {"edition": '[edition]\nid = "draft-2026"\n', "limit": 20},
                        }
                    },
                }
            },
        },
    ),
)
