"""Coming in, going out, and what is open to everybody: sign-in, language, style sheet and scripts.

Whoever shows an API key or a token of the company's identity provider gets a session; whoever shows
one person's token comes in as that person. Read next: `doors.py`; `returning.py`
for the company's own account.
"""

from __future__ import annotations

from anyio import from_thread
from starlette.responses import Response

from api.access import Who
from api.console import Page, assets, cookies
from api.console.demo import Demo
from api.console.doors import OWN_PATH, SIGN_IN, greet
from api.console.visiting import Visit
from api.entering import holder_of
from api.problems import Problem
from api.routes import PUBLIC, ROLES
from ledger.errors import NotFound

FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}
MAX_PROOF = 16 * 1024  # characters
HOME = "/console"


def get_root(visit: Visit) -> Response:
    """On to the pages of whoever asks; to the sign-in, of whom we do not know."""
    return visit.go(home_of(visit.who))


def home_of(who: Who | None) -> str:
    """The first page of somebody with these roles."""
    from api.console.table import menu_of

    if who is None:
        return SIGN_IN
    return next((item.path for item in menu_of(who)), HOME)


def get_sign_in(visit: Visit) -> Response:
    """The form, and in demo mode a button for each part to play."""
    return sign_in_form(visit, visit.request.query_params.get("next", ""))


def post_sign_in(visit: Visit) -> Response:
    """A session for whoever shows a proof that opens something; its id is new, always."""
    wanted, proof = visit.field("next"), visit.field("proof")
    if not cookies.may_sign_in(visit.request):
        raise Problem("https-only", "sign in over https, or on the very machine")
    if visit.field("part"):
        proof = _part(visit, visit.field("part"))
    who = _holder(visit, proof) if 0 < len(proof) <= MAX_PROOF else None
    if who is None:
        return sign_in_form(visit, wanted, "sign_in.wrong")
    return begun(visit, proof, visit.go(wanted if is_own(wanted) else home_of(who)))


def begun(visit: Visit, proof: str, response: Response) -> Response:
    """The same response, with a session whose id is new, and no other."""
    if visit.session is not None:
        visit.sessions.end(visit.cookie)
    id = visit.sessions.begin(proof, visit.waking)
    visit.cookie = ""  # no visit any more
    cookies.forget(visit.request, response, "visit")
    cookies.write(visit.request, response, "session", id)
    return response


def post_sign_out(visit: Visit) -> Response:
    """The session is over, here and in her browser."""
    visit.sessions.end(visit.cookie)
    response = visit.go(SIGN_IN)
    cookies.forget(visit.request, response, "session")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def post_language(visit: Visit) -> Response:
    """From now on in this language, on the page where she was."""
    lang, back = visit.field("lang"), visit.field("back")
    response = visit.go(back if is_own(back) else SIGN_IN)
    if lang in ("fr", "en"):
        cookies.write(visit.request, response, "language", lang)
    return response


def get_asset(visit: Visit) -> Response:
    """One file of `static/`. An address of another edition leads to this one, not to be kept."""
    name = visit.path["name"]
    content = assets.files().get(name)
    if content is None:
        raise NotFound("there is no such file")
    headers = FOR_EVER if visit.path["edition"] == assets.edition() else None
    return Response(content, media_type=assets.MEDIA[name.rpartition(".")[2]], headers=headers)


def get_nothing(_visit: Visit) -> Response:
    """Whatever is no page: said as a page."""
    raise NotFound("there is no such page")


def is_own(path: str) -> bool:
    """Whether we may lead somebody there: a page of ours, by its plain path."""
    return OWN_PATH.fullmatch(path) is not None


def sign_in_form(visit: Visit, wanted: str, wrong: str = "") -> Response:
    """The form, with the sentence that says what went wrong before."""
    demo, wanted = _demo(visit), wanted if is_own(wanted) else ""
    greet(visit)
    return visit.render(
        "sign_in.html",
        401 if wrong else 200,
        here=SIGN_IN,  # what led here may be spent, or no page
        next=wanted,
        wrong=wrong,
        is_safe=cookies.may_sign_in(visit.request),
        parts=demo.parts if demo else (),
        has_company=visit.request.app.state.sign_on is not None,
    )


def _demo(visit: Visit) -> Demo | None:
    """What only a demo has, and only on this machine."""
    demo: Demo | None = visit.request.app.state.demo
    return demo if demo is not None and cookies.is_loopback(visit.request) else None


def _part(visit: Visit, part: str) -> str:
    demo = _demo(visit)
    if demo is None:
        raise Problem("forbidden", "there is nothing to play here")
    return demo.proof(visit.ledger, part, visit.now)


def _holder(visit: Visit, proof: str) -> Who | None:
    """Judged by the door of the API. A key with no role of any page would lead in circles."""
    who: Who | None = from_thread.run(holder_of, visit.request, proof)
    return who if who is not None and who.roles else None


PAGES = (
    Page("GET", "/", get_root, PUBLIC),
    Page("GET", SIGN_IN, get_sign_in, PUBLIC),
    Page("POST", SIGN_IN, post_sign_in, PUBLIC),
    Page("POST", "/console/sign-out", post_sign_out, frozenset(ROLES)),
    Page("POST", "/console/language", post_language, PUBLIC, embeddable=True),
    Page("GET", "/console/static/{edition}/{name}", get_asset, PUBLIC),
)
LAST = (Page("GET", "/console/{rest:path}", get_nothing, PUBLIC),)
