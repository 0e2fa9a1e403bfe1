"""The door of every page: who is it, may she, is this form from us; and what becomes of failures.

1. her session is found by its cookie, and the proof in it is judged anew, as the API would;
2. without one she is led to the sign-in, and back to where she wanted to go, if that is ours;
3. with one, a page whose row does not name a role of hers is refused (403);
4. a form must bring back the token that this browser was given, and cannot be sent twice: the
   second time she is led where the first one led.

Read next: `sessions.py`, then `visiting.py`.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from collections import defaultdict
from collections.abc import Awaitable, Callable
from itertools import chain
from urllib.parse import quote

from anyio import to_thread
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Scope, Send

from api import problems
from api.console import Page, cookies, sent
from api.console.visiting import ONCE, TOKEN, Visit
from api.entering import holder_of, not_erased, not_too_often
from api.problems import Problem
from api.routes import PUBLIC, ROLES, SUBJECT
from api.routes.taking import body_of
from ledger.errors import Broken, ProbantError, Refusal

SIGN_IN = "/console/sign-in"
OURS = re.compile(r"/(?:$|(?:console|audit|my)(?:/|$))")  # where pages lie
# Where a form may lead: a page of ours by its plain path and a plain question, never another host.
OWN_PATH = re.compile(r"/(?:console|audit|my)(?:/[A-Za-z0-9_-]+)*(?:\?[A-Za-z0-9_=&.:%+-]*)?")


class Sheet(Route):
    """A page as a route that says which one it is: the log names its template, never its path."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As any route, with itself in the scope."""
        match, child = super().matches(scope)
        return match, {**child, "route": self} if match is not Match.NONE else child


class Sheets(BaseRoute):
    """All pages as one route: by their plain path, else tried in turn. Trying each of the
    application's routes in turn costs more than many a page."""

    def __init__(self, sheets: list[Sheet]) -> None:
        self.sheets = sheets
        self._plain: defaultdict[str, list[Sheet]] = defaultdict(list)
        self._other = [(s.path.partition("{")[0], s) for s in sheets if "{" in s.path]
        for sheet in sheets:
            if "{" not in sheet.path:
                self._plain[sheet.path].append(sheet)

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """As the page that fits best would."""
        path = scope.get("path", "").removeprefix(scope.get("root_path", ""))
        if scope["type"] != "http" or not OURS.match(path):
            return Match.NONE, {}
        found: tuple[Match, Scope] = (Match.NONE, {})
        others = (sheet for begins, sheet in self._other if path.startswith(begins))
        for sheet in chain(self._plain.get(path, ()), others):
            match, child = sheet.matches(scope)
            if match is Match.FULL:
                return match, child
            if match is Match.PARTIAL and found[0] is Match.NONE:
                found = match, child
        return found

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """By the page that was found."""
        sheet: Sheet = scope["route"]
        await sheet.handle(scope, receive, send)


def routes(table: tuple[Page, ...]) -> Sheets:
    """The pages as a route. Raises Broken at a row that forgets to say who may open it."""
    for page in table:
        where = f"{page.method} {page.path}"
        if not page.roles or not (page.roles == PUBLIC or page.roles <= set(ROLES)):
            raise Broken(f"{where} does not say who may open it: name roles, or PUBLIC")
        if SUBJECT in page.roles and "{" in page.path:
            raise Broken(f"{where} could name somebody else: pages of one person name nobody")
        if not OURS.match(page.path):
            raise Broken(f"{where} lies where no page is looked for")
    return Sheets([Sheet(page.path, _served(page), methods=[page.method]) for page in table])


def _served(page: Page) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        framed_by = request.app.state.origins if page.embeddable else ()
        visit = Visit(request, framed_by)
        try:
            await _recognised(visit)
            turned_away = _judged(visit, page)
            if turned_away is not None:
                return turned_away
            if (subject := visit.subject) is not None:
                not_too_often(request, subject)
            if page.method == "GET":
                return _kept(visit, await _shown(visit, page))
            if subject is not None:
                await to_thread.run_sync(not_erased, visit.ledger, subject)
            await _form_of(visit, page)
            return await _once(visit, page)
        except Problem as problem:
            return _failed(visit, problem.refusal, problem.headers)
        except ProbantError as error:
            return _failed(visit, problems.refusal_of(error))

    return endpoint


async def _shown(visit: Visit, page: Page) -> Response:
    """What a page shows: all of it read at one moment, and nothing to whoever was erased. It is on
    its way before the thread that read it has ended its transaction."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[Response] = loop.create_future()

    def answer(response: Response | None, error: BaseException | None = None) -> None:
        if answered.done():  # nobody waits any more
            return
        if error is not None:
            answered.set_exception(error)
        elif response is not None:
            answered.set_result(response)

    def work() -> None:
        response = None
        try:
            with visit.ledger.database.sitting():
                try:
                    told = page.endpoint(visit)
                finally:  # what she is asked about first says it, without a question of its own
                    if visit.subject is not None:
                        not_erased(visit.ledger, visit.subject)
                response = told
                loop.call_soon_threadsafe(answer, response)
        except BaseException as error:  # whatever it is, she waits for it
            if response is None:
                loop.call_soon_threadsafe(answer, None, error)

    visit.request.app.state.readers.submit(work)
    return await answered


async def _recognised(visit: Visit) -> None:
    """Who is signed in, if her session and the proof in it still hold."""
    request = visit.request
    visit.cookie = cookies.read(request, "visit") or ""
    id = cookies.read(request, "session")
    session = visit.sessions.find(id, visit.waking) if id else None
    if id is None or session is None:
        return
    who = await holder_of(request, session.proof)
    if who is None:
        visit.sessions.end(id)
        return
    visit.who, visit.session, visit.cookie = who, session, id


def _judged(visit: Visit, page: Page) -> Response | None:
    """None when she may go on; the sign-in for whom we do not know. Raises Problem for whom we
    do."""
    if page.roles == PUBLIC:
        return None
    if visit.who is None:
        path = visit.request.url.path
        wanted = path if page.method == "GET" and OWN_PATH.fullmatch(path) else None
        return RedirectResponse(f"{SIGN_IN}?next={quote(wanted)}" if wanted else SIGN_IN, 303)
    if not visit.who.roles & page.roles:
        raise Problem("forbidden", "your roles do not open this page")
    return None


def _kept(visit: Visit, response: Response) -> Response:
    """A browser that has no session has a visit, for the forms it is shown to be bound to."""
    if visit.session is None and visit.cookie:
        cookies.write(visit.request, response, "visit", visit.cookie)
    return response


def greet(visit: Visit) -> None:
    """Bind the forms of a page to a browser that we do not know yet."""
    visit.cookie = visit.cookie or secrets.token_urlsafe(32)


# --- forms ----------------------------------------------------------------------------------------


async def _form_of(visit: Visit, page: Page) -> None:
    """The fields that were sent. Raises Problem for a form that is not from this browser's page."""
    request = visit.request
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != sent.FORM and not (page.takes and media == sent.WITH_FILE):
        raise Problem("unsupported-media", f"a form is sent as {sent.FORM}")
    raw = await body_of(request)
    try:
        if media == sent.WITH_FILE:
            visit.form, visit.file = await sent.with_file(request.headers, raw, page.takes)
        else:
            visit.form = sent.fields(raw)
    except ValueError:
        raise Problem("malformed", "this form cannot be read") from None
    if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
        raise Problem("form-expired", "this form was not sent from a page of ours")
    if not visit.cookie or not visit.sessions.is_ours(visit.cookie, visit.field(TOKEN)):
        raise Problem("form-expired", "this form is not from a page of this session")


async def _once(visit: Visit, page: Page) -> Response:
    """Carry the form out, in a thread of those that write; a form sent twice, once."""
    work, limiter = page.endpoint, visit.request.app.state.writing
    form, session = visit.field(ONCE), visit.session
    if session is None or not form:
        return await to_thread.run_sync(work, visit, limiter=limiter)
    is_first, where = visit.sessions.claim(session, form)
    if not is_first and where is None:
        raise Problem("idempotency-key-running", "this form is being carried out")
    if where is not None:
        return RedirectResponse(where, 303)
    led = None
    try:
        response: Response = await to_thread.run_sync(work, visit, limiter=limiter)
        led = response.headers.get("location") if response.status_code == 303 else None
    finally:
        visit.sessions.settle(session, form, led)
    return response


def _failed(visit: Visit, refusal: Refusal, headers: dict[str, str] | None = None) -> Response:
    status = problems.body(refusal)["status"]
    response = visit.refused(refusal, status)
    response.headers.update(headers or {})
    return response
