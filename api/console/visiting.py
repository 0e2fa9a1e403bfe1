"""A visit: one request for a page, with all that its endpoint may know of it.

Read next: `doors.py`, which makes visits and judges what comes of them.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.access import Who
from api.console import cookies, rendering
from api.console.demo import Demo
from api.console.framing import framed
from api.console.sessions import Session, Sessions
from api.console.texts import Speech, speech
from api.demo.sandbox import Sandbox
from api.problems import Problem, refusal_of
from api.routes.taking import language_of
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import Instant, day_of
from ledger.errors import NotFound, ProbantError, Refusal

TOKEN, ONCE = "token", "once"  # hidden fields of every form


class Visit:
    """Who asks, of which ledger, in which language, with which form.

    `who` and `session` are None for whoever is not signed in; `cookie` is what forms are bound to;
    `form` holds the fields that were sent, each with its values; `file` the one that came with
    them, where the page takes one and it is not empty; `ledger` is the one that this worker has
    open; `sandbox` the clock of a demo, which may be moved, and None everywhere else.
    """

    def __init__(self, request: Request, framed_by: tuple[str, ...] = ()) -> None:
        self.request, self.framed_by = request, framed_by
        self.who: Who | None = None
        self.session: Session | None = None
        self.cookie = ""
        self.form: Mapping[str, list[str]] = {}
        self.file: bytes | None = None
        self.lang: Language = _language(request)
        self.say: Speech = speech(self.lang)
        self.ledger: Ledger = request.app.state.ledger
        self.now: Instant = self.ledger.clock.now()
        demo: Demo | None = request.app.state.demo
        self.sandbox: Sandbox | None = None if demo is None else demo.clock

    @property
    def waking(self) -> Instant:
        """The instant that sessions last by: a sandbox's jump ends none."""
        return self.now if self.sandbox is None else self.sandbox.real()

    @property
    def sessions(self) -> Sessions:
        """Those of this worker."""
        found: Sessions = self.request.app.state.sessions
        return found

    @property
    def asker(self) -> Who:
        """Who is signed in, where the door let in nobody else."""
        if self.who is None:
            raise Problem("unauthorized", "nobody is signed in")
        return self.who

    @property
    def subject(self) -> UUID | None:
        """The person who is signed in as herself; None for everybody else."""
        return None if self.who is None else self.who.subject

    @property
    def path(self) -> Mapping[str, str]:
        """The variable parts of the path."""
        return self.request.path_params

    @property
    def is_whole(self) -> bool:
        """Whether everything is asked for on one page, each reason in full: to be printed, or read
        without scripts."""
        return "whole" in self.request.query_params

    def field(self, name: str) -> str:
        """The value of a field of the form, without outer blanks; '' when it was not sent."""
        values = self.form.get(name, [])
        return values[0].strip() if values else ""

    def fields(self, name: str) -> list[str]:
        """Every value of a field: of boxes that were ticked."""
        return list(self.form.get(name, []))

    @staticmethod
    def id(text: str, missing: str) -> UUID:
        """The id that a path or a field states. Raises NotFound, saying `missing`, for none."""
        try:
            return UUID(text)
        except ValueError:
            raise NotFound(missing) from None

    # --- answers ----------------------------------------------------------------------------------

    def render(self, template: str, status: int = 200, /, **values: Any) -> Response:
        """A page."""
        content = rendering.html(template, self._given() | values)
        said = {**rendering.headers(self.framed_by), "Content-Language": self.lang}
        return HTMLResponse(content, status, said)

    def go(self, path: str, said: str | None = None, /, **values: Any) -> Response:
        """On to another page of ours, which begins with the sentence `said`."""
        if said is not None and self.session is not None:
            self.session.said.append((said, values))
        return RedirectResponse(path, 303)

    def refused(self, refusal: Refusal, status: int) -> Response:
        """The page that says what cannot be done, and why."""
        return self.render("refused.html", status, refusal=refusal, status=status)

    @staticmethod
    def refusal_of(error: Problem | ProbantError) -> Refusal:
        """Why it was refused, to be said beside the form that asked for it."""
        return error.refusal if isinstance(error, Problem) else refusal_of(error)

    def _given(self) -> dict[str, Any]:
        """What every template may use."""
        said: list[tuple[str, dict[str, Any]]] = []
        if self.session is not None and self.session.said:
            said, self.session.said = self.session.said, []
        token, is_sandbox = self.sessions.token(self.cookie), self.sandbox is not None
        is_themed = self.request.app.state.theme is not None and self._path().startswith("/my")
        hers = {"token": token, "here": self._here()}
        if is_sandbox:
            hers["moment"] = self.say.moment(self.now)
        frame = framed(
            self.lang, self.who, self._path(), is_sandbox=is_sandbox, is_themed=is_themed, hers=hers
        )
        return {
            "t": self.say,
            "lang": self.lang,
            "who": self.who,
            "frame": frame,
            "token": token,
            "once": secrets.token_urlsafe(12),
            "said": [self.say(key, **values) for key, values in said],
            "today": day_of(self.now),
            "now": self.now,
        }

    def _path(self) -> str:
        """The path as an address writes it."""
        path: str = self.request.scope["path"]
        return path.replace("?", "%3F").replace("#", "%23").replace("\\", "%5C")

    def _here(self) -> str:
        """The address that shows this page again: of what answers a form, the page above it."""
        path, query = self._path(), self.request.scope.get("query_string", b"").decode()
        if self.request.method == "GET":
            return f"{path}?{query}" if query else path
        from api.console.table import PAGES

        shown = {page.path for page in PAGES if page.method == "GET"}
        template: str = self.request.scope["route"].path
        while template and template not in shown:
            template, path = template.rpartition("/")[0], path.rpartition("/")[0]
        return path


def _language(request: Request) -> Language:
    """The one that was chosen, else the one the browser prefers; French otherwise."""
    chosen = cookies.read(request, "language")
    return language_of(request, chosen if chosen in ("fr", "en") else None)
