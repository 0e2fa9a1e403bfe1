"""How a person comes in: with the token that her company's own Espace client asked for in her name.

The company's page shows `/my/enter#token=…` in a frame: what stands behind `#` is never sent, so
the token is in no log; our script puts it into the form and sends it. Without scripts she pastes
it. `theme.css` is the company's own colours. Read next: `../entrance.py`.
"""

from __future__ import annotations

from starlette.responses import Response

from api.console import Page, cookies
from api.console.doors import greet
from api.console.entrance import post_sign_in
from api.console.visiting import Visit
from api.routes import PUBLIC
from ledger.errors import NotFound


def get_enter(visit: Visit) -> Response:
    """The form, for a token to be put in."""
    greet(visit)
    return visit.render("my/enter.html", is_safe=cookies.may_sign_in(visit.request))


def post_enter(visit: Visit) -> Response:
    """A session for whoever holds one person's token; her pages."""
    return post_sign_in(visit)


def get_theme(visit: Visit) -> Response:
    """The company's own variables."""
    theme: bytes | None = visit.request.app.state.theme
    if theme is None:
        raise NotFound("there is no theme")
    return Response(theme, media_type="text/css", headers={"Cache-Control": "max-age=300"})


PAGES = (
    Page("GET", "/my/enter", get_enter, PUBLIC, embeddable=True),
    Page("POST", "/my/enter", post_enter, PUBLIC, embeddable=True),
    Page("GET", "/my/theme.css", get_theme, PUBLIC, embeddable=True),
)
