"""`/v1/cards…` and `/v1/subjects/{id}/cards`: why each card is kept, until when, and its removal.

Read next: `cards.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from api import cards as telling
from api import choices as saying
from api import things
from api import things_schema as schema
from api.answers import Times
from api.once import once
from api.routes import AGENT, AUDITOR, DPO, RECORDER, SUBJECT, Route
from api.routes.choices import recorded
from api.routes.stepping import stepped
from api.routes.subjects import Asked, asked_of
from api.routes.taking import instant_of, language_headers, language_of, ledger_of
from ledger.events import CardRemovalRequested, CardRemoved
from ledger.handlers import record_many

CARDS, OWN = "/v1/cards", "/v1/subjects/{id}/cards"
HANDLING = frozenset({AGENT, DPO})

Lang = Annotated[str | None, Query(description="fr (default) or en.")]
AsOf = Annotated[str | None, Query(description=schema.AS_OF)]
KnownAt = Annotated[str | None, Query(description=schema.KNOWN_AT)]


def get_cards(
    request: Request,
    subject: Annotated[str, Query(description="Whose cards.")],
    as_of: AsOf = None,
    known_at: KnownAt = None,
    lang: Lang = None,
) -> Response:
    """The cards of one person: on which ground each is kept, why, until when; rule, clause,
    article."""
    times = Times(instant_of("as_of", as_of), instant_of("known_at", known_at))
    return _told(request, Asked(things.uuid_of(subject, "subject"), times), lang)


def get_own_cards(
    request: Request, asked: Annotated[Asked, Depends(asked_of)], lang: Lang = None
) -> Response:
    """The same, for the person herself too."""
    return _told(request, asked, lang)


async def post_removal(request: Request, id: str) -> Response:
    """Record that she wants this card gone, over any channel: from now on it serves nothing else
    (SS-CARD-4). A card that proves a payment is kept until the debit can no more be contested."""
    return await stepped(request, CardRemovalRequested, id, "card")


async def post_own_removal(request: Request, id: str, card: str) -> Response:
    """She wants this card of hers gone."""
    subject, named = saying.subject_of(id), things.uuid_of(card, "card")
    ledger = ledger_of(request)

    def work() -> Response:
        (outcome,) = record_many(ledger, [telling.asked_by_her(ledger, subject, named)])
        return recorded(request, outcome)

    return await once(request, work)


async def post_removed(request: Request, id: str) -> Response:
    """The card is gone here, and at the payment provider if it says so (`psp_ack`)."""
    return await stepped(request, CardRemoved, id, "card")


def _told(request: Request, asked: Asked, lang: str | None) -> Response:
    spoken = language_of(request, lang)
    answer = telling.cards_answer(ledger_of(request), asked.subject, asked.times, spoken)
    headers = language_headers(spoken)
    return JSONResponse(answer, headers=headers)


ROUTES = (
    Route(
        *("GET", CARDS, get_cards, "cards"),
        "One person's cards: why kept, until when",
        HANDLING | {AUDITOR},
        schema.GET_CARDS,
    ),
    Route(
        *("POST", f"{CARDS}/{{id}}/removal", post_removal, "cards"),
        "Record that she wants a card gone",
        HANDLING | {RECORDER},
        schema.POST_REMOVAL,
        once=True,
    ),
    Route(
        *("POST", f"{CARDS}/{{id}}/removed", post_removed, "cards"),
        "A card is gone, and the payment provider says so",
        HANDLING | {RECORDER},
        schema.POST_REMOVED,
        once=True,
    ),
    Route(
        *("GET", OWN, get_own_cards, "cards"),
        "One person's cards: why kept, until when",
        HANDLING | {AUDITOR, SUBJECT},
        schema.GET_CARDS,
    ),
    Route(
        *("POST", f"{OWN}/{{card}}/removal", post_own_removal, "cards"),
        "She wants a card gone",
        frozenset({SUBJECT}),
        schema.POST_OWN_REMOVAL,
        once=True,
    ),
)
