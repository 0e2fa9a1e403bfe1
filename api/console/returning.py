"""Signing in with the company's account: off to its identity provider, and back.

What comes back is judged in `api/signing_on.py`; here are the cookie and the two addresses. She
comes back from another site, and browsers do not send a strict cookie along: so a page of ours says
that she is in, and leads on by itself. Read next: `entrance.py`.
"""

from __future__ import annotations

from starlette.responses import RedirectResponse, Response

from api.access import RETURN
from api.console import Page, cookies
from api.console.doors import SIGN_IN
from api.console.entrance import begun, home_of, is_own, sign_in_form
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import PUBLIC
from api.signing_on import PARAMETERS, SignOn
from ledger.errors import NotFound

COMPANY = f"{SIGN_IN}/company"


def get_company(visit: Visit) -> Response:
    """Off to the identity provider, with what must come back."""
    sign_on, wanted = _sign_on(visit), visit.request.query_params.get("next", "")
    cookie, there = sign_on.begin(wanted, visit.now)
    response = RedirectResponse(there, 303)
    cookies.write(visit.request, response, "flow", cookie)
    return response


def get_return(visit: Visit) -> Response:
    """She is back: in, or not and why. Whatever comes of it, this sign-in is over."""
    sign_on, query = _sign_on(visit), visit.request.query_params
    cookie = cookies.read(visit.request, "flow") or ""
    said = {name: query[name] for name in PARAMETERS if name in query}
    done = sign_on.finish(cookie, said, visit.now, visit.ledger.keyring.secret("staff"))
    if isinstance(done, str):
        response = sign_in_form(visit, "", f"sign_in_company.{done}")
    else:
        onward = done.wanted if is_own(done.wanted) else home_of(done.who)
        page = visit.render("signed_in.html", onward=onward, here=SIGN_IN)
        response = begun(visit, done.proof, page)
    cookies.forget(visit.request, response, "flow")
    return response


def _sign_on(visit: Visit) -> SignOn:
    found: SignOn | None = visit.request.app.state.sign_on
    if found is None:
        raise NotFound("there is no such page")
    if not cookies.may_sign_in(visit.request):
        raise Problem("https-only", "sign in over https, or on the very machine")
    return found


PAGES = (
    Page("GET", COMPANY, get_company, PUBLIC),
    Page("GET", RETURN, get_return, PUBLIC),
)
