"""`/v1/subjects/{id}/requests`, `…/reads`, `…/directive`: what a person does about herself.

With a token of her own (role `subject`), about nobody else; a shop's server that has just made sure
who she is (role `recorder`) says the same in her name. Read next: `own.py` in the room above.
"""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query, Request
from starlette.responses import JSONResponse, Response

from api import own, rights_schema, schema
from api.certificates import certificate_answer
from api.once import once
from api.problems import Problem
from api.requests import request_json
from api.routes import AGENT, AUDITOR, DPO, RECORDER, SUBJECT, Route
from api.routes.choices import recorded
from api.routes.subjects import Asked, asked_of
from api.routes.taking import body_of, language_headers, language_of, ledger_of, object_of
from ledger.commands import Record
from ledger.errors import NotFound
from ledger.handlers import record_many

HER = "/v1/subjects/{id}"
SELF = frozenset({RECORDER, SUBJECT})
LOOKING = frozenset({AGENT, DPO, AUDITOR, SUBJECT})
LISTED, LIMIT = 50, 500

Question = Annotated[Asked, Depends(asked_of)]
Lang = Annotated[str | None, Query(description="fr (default) or en.")]
After = Annotated[int, Query(ge=0, le=2**53, description=schema.AFTER)]
Limit = Annotated[int, Query(ge=1, le=LIMIT, description="How many at most.")]


async def post_request(request: Request, asked: Question, lang: Lang = None) -> Response:
    """Ask what the law gives her: any right, on a page. An objection to marketing and the removal
    of a card take effect with it; everything else is answered by whoever answers."""
    value, ledger = await object_of(request, "one"), ledger_of(request)
    spoken = language_of(request, lang)

    def work() -> Response:
        answer = own.asked(ledger, asked.subject, value, spoken)
        where = f"/v1/subjects/{asked.subject}/requests/{answer['request']['id']}"
        return JSONResponse(answer, 201, {"Location": where, **language_headers(spoken)})

    return await once(request, work)


def get_requests(
    request: Request,
    asked: Question,
    after: After = 0,
    limit: Limit = LISTED,
    lang: Lang = None,
) -> Response:
    """Her requests under every reference of hers: where each stands, by both clocks, and what was
    answered."""
    spoken, ledger = language_of(request, lang), ledger_of(request)
    found = own.all_of_hers(ledger, asked.subject, asked.times, after, limit, spoken)
    return JSONResponse(found, headers=language_headers(spoken))


def get_request(request: Request, asked: Question, number: str, lang: Lang = None) -> Response:
    """One request of hers, explained."""
    spoken, ledger = language_of(request, lang), ledger_of(request)
    found = own.hers(ledger, asked.subject, _id(number), asked.times)
    return JSONResponse(request_json(found, spoken), headers=language_headers(spoken))


def get_certificate(request: Request, asked: Question, number: str) -> Response:
    """The certificate of an erasure she asked for, and which outside systems did their part."""
    ledger, state, stream = ledger_of(request), request.app.state, _id(number)
    own.hers(ledger, asked.subject, stream)
    said = certificate_answer(ledger, stream, state.desk, state.journal, is_now=False)
    return JSONResponse(said)


async def post_withdrawal(
    request: Request, asked: Question, number: str, lang: Lang = None
) -> Response:
    """She takes a request back, as long as it is not answered. What took effect with it stands."""
    await _nothing(request)
    spoken, ledger, stream = language_of(request, lang), ledger_of(request), _id(number)

    def work() -> Response:
        answer = own.withdrawn(ledger, asked.subject, stream, spoken)
        return JSONResponse(answer, 201, language_headers(spoken))

    return await once(request, work)


def get_reads(
    request: Request, asked: Question, after: After = 0, limit: Limit = LISTED
) -> Response:
    """Who looked: each time one of us read personal data of hers, when, which classes and why."""
    return JSONResponse(own.reads_of(ledger_of(request), asked.subject, after, limit))


def get_directive(request: Request, asked: Question) -> Response:
    """What is to become of her data after her death, as she last said; never its words."""
    return JSONResponse(own.directive_of(ledger_of(request), asked.subject))


async def put_directive(request: Request, asked: Question) -> Response:
    """Say what becomes of her data after her death: erase, keep, or transmit (to whom). The newest
    counts."""
    value, ledger = await object_of(request, "one"), ledger_of(request)

    def work() -> Response:
        fact = own.directive_set(ledger, asked.subject, value)
        return recorded(request, record_many(ledger, [Record(fact)])[0])

    return await once(request, work)


async def delete_directive(request: Request, asked: Question) -> Response:
    """Take it back."""
    await _nothing(request)
    ledger = ledger_of(request)

    def work() -> Response:
        fact = own.directive_revoked(ledger, asked.subject)
        return recorded(request, record_many(ledger, [Record(fact)])[0])

    return await once(request, work)


async def _nothing(request: Request) -> None:
    """Nothing is to be said: an empty body, or an empty object."""
    if (await body_of(request)).strip() not in (b"", b"{}"):
        raise Problem("malformed", "nothing more is to be said: leave the body empty")


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("this ledger knows no such request") from None


ROUTES = (
    Route(
        "POST",
        f"{HER}/requests",
        post_request,
        "requests",
        "Ask what the law gives her",
        SELF,
        {"status_code": 201, **rights_schema.POST_OWN},
        once=True,
    ),
    Route(
        "GET",
        f"{HER}/requests",
        get_requests,
        "requests",
        "Her requests, with both clocks",
        LOOKING,
        rights_schema.GET_OWN,
    ),
    Route(
        "GET",
        f"{HER}/requests/{{number}}",
        get_request,
        "requests",
        "One request of hers, explained",
        LOOKING,
        rights_schema.GET_ONE,
    ),
    Route(
        "GET",
        f"{HER}/requests/{{number}}/certificate",
        get_certificate,
        "requests",
        "The certificate of an erasure of hers",
        LOOKING,
        rights_schema.GET_CERTIFICATE,
    ),
    Route(
        "POST",
        f"{HER}/requests/{{number}}/withdraw",
        post_withdrawal,
        "requests",
        "Take a request of hers back",
        SELF,
        {"status_code": 201, **rights_schema.POST_WITHDRAWAL},
        once=True,
    ),
    Route(
        "GET",
        f"{HER}/reads",
        get_reads,
        "subjects",
        "Who looked at her data",
        LOOKING,
        rights_schema.GET_READS,
    ),
    Route(
        "GET",
        f"{HER}/directive",
        get_directive,
        "requests",
        "What becomes of her data after her death",
        LOOKING,
        rights_schema.GET_DIRECTIVE,
    ),
    Route(
        "PUT",
        f"{HER}/directive",
        put_directive,
        "requests",
        "Say what becomes of her data after her death",
        SELF,
        {"status_code": 201, **rights_schema.PUT_DIRECTIVE},
        once=True,
    ),
    Route(
        "DELETE",
        f"{HER}/directive",
        delete_directive,
        "requests",
        "Take that back",
        SELF,
        {"status_code": 201, **rights_schema.DELETE_DIRECTIVE},
        once=True,
    ),
)
