"""`/v1/register`: the register of processing activities (GDPR art. 30), at any two times.

Read next: `ledger/register/`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import Query, Request
from starlette.responses import Response

from api import schema
from api.register_schema import GET_REGISTER
from api.routes import AUDITOR, DPO, Route
from api.routes.taking import instant_of, language_of, ledger_of
from ledger.register.formats import MEDIA, written
from ledger.register.reading import read
from ledger.register.telling import content

Format = Literal["json", "csv", "md", "ods"]


def get_register(
    request: Request,
    as_of: Annotated[str | None, Query(description=schema.AS_OF)] = None,
    known_at: Annotated[str | None, Query(description=schema.KNOWN_AT)] = None,
    format: Annotated[Format, Query(description="json (default), csv, md or ods.")] = "json",
    lang: Annotated[str | None, Query(description="fr (default) or en.")] = None,
) -> Response:
    """Each activity with its basis, data, terms, recipients and transfers, beside what events show;
    and each gap between the two, with its clause and its article."""
    asked = instant_of("as_of", as_of), instant_of("known_at", known_at)
    said = language_of(request, lang)
    found = content(read(ledger_of(request), *asked), said)
    headers = {}
    if format != "json":
        name = f"{'registre' if said == 'fr' else 'register'}-{found['day']}.{format}"
        headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return Response(written(found, format, said), media_type=MEDIA[format], headers=headers)


ROUTES = (
    Route(
        "GET",
        "/v1/register",
        get_register,
        "register",
        "The register of processing activities",
        frozenset({DPO, AUDITOR}),
        GET_REGISTER,
    ),
)
