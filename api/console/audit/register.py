"""The register of processing activities (GDPR art. 30) at two times, with its gaps, and as files.

As `/v1/register` answers. Read next: `ledger/register/`.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from api.console.audit import HOME, page
from api.console.audit.asked import Asked, asked_of, led_on
from api.console.visiting import Visit
from api.problems import Problem
from ledger.calendar import day_of, format_day
from ledger.register.formats import MEDIA, written
from ledger.register.reading import read
from ledger.register.telling import content

REGISTER = f"{HOME}/register"


def get_register(visit: Visit) -> Response:
    """Each activity, and each gap between what is declared and what happened."""
    if (elsewhere := led_on(visit)) is not None:
        return elsewhere
    asked, found = _read(visit)
    return visit.render(
        "audit/register.html",
        asked=asked,
        found=found,
        forms=tuple(MEDIA),
        today=format_day(day_of(visit.now)),
    )


def get_file(visit: Visit) -> Response:
    """The same as a file."""
    form: Any = visit.request.query_params.get("format", "json")
    if form not in MEDIA:
        raise Problem("malformed-question", "'format' is none of ours", field="format")
    _, found = _read(visit)
    name = f"{'registre' if visit.lang == 'fr' else 'register'}-{found['day']}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(written(found, form, visit.lang), media_type=MEDIA[form], headers=headers)


def _read(visit: Visit) -> tuple[Asked, dict[str, Any]]:
    asked = asked_of(visit)
    return asked, content(read(visit.ledger, *asked.times), visit.lang)


PAGES = (page("GET", REGISTER, get_register), page("GET", f"{REGISTER}/file", get_file))
