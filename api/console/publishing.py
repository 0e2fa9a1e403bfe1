"""Publishing an edition of the policy: what the law and the ledger say of it first, then the act.

The text is examined word for word: what a lint finds, what it changes in the edition before it, and
for how many people; only a text that this session examined may be published, under its SHA-256. A
term that gets longer is refused unless people were told, as everywhere (SS-POL-2; GDPR art. 13(3)).
The text that people were shown may come with it: it is kept if its SHA-256 is the one the edition
names, and refused otherwise.
Read next: `ledger/handlers.py`, which publishes.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from starlette.responses import Response

from api import policies as telling
from api.console import Page
from api.console.differing import told_change
from api.console.editions import POLICY, document_of, text_in_force
from api.console.naming import class_labels, names
from api.console.sent import MAX_FILE
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import DPO
from api.supposing import supposed_json
from ledger.calendar import day_of
from ledger.errors import ProbantError, Refusal, Refused
from ledger.events import KINDS
from ledger.handlers import publish
from ledger.policy.loader import load_edition
from ledger.supposing import LISTED, suppose

PUBLISH = f"{POLICY}/publish"
PUBLISHING = frozenset({DPO})
EXAMINED = "edition"  # in the notes of a session: the hash of the text that was examined last
DOCUMENT = "document"  # the field that brings the text people are shown
OTHER = Refusal("other-document", "the SHA-256 of the file is not the one the edition names")
NOT_EXAMINED = Refusal("not-examined", "this text was not examined in this session: look first")


def get_publish(visit: Visit) -> Response:
    """The form, with the edition in force to begin from."""
    return visit.render("publishing.html", **_given(text_in_force(visit)))


def post_examine(visit: Visit) -> Response:
    """What the law finds in it, what it changes, and for how many. Nothing is written."""
    text = _text(visit)
    try:
        found = _examined(visit, text)
    except (Problem, ProbantError) as error:
        return _refused(visit, text, error)
    if visit.session is not None:
        visit.session.notes[EXAMINED] = found["digest"]
    return visit.render("publishing.html", **_given(text) | found)


def post_publish(visit: Visit) -> Response:
    """It is a fact from now on, and in force from its day."""
    text = _text(visit)
    notes = visit.session.notes if visit.session is not None else {}
    try:
        if notes.get(EXAMINED) != _digest(text):
            raise Refused(NOT_EXAMINED)
        if visit.field("sure") != "yes":
            raise Problem("malformed", "tick that you read what was found")
        named = load_edition(text.encode(), "the edition", KINDS).published_sha256
        if visit.file is not None and sha256(visit.file).hexdigest() != named:
            raise Refused(OTHER)
        done = publish(
            visit.ledger,
            text.encode(),
            document=visit.file,
            notified=visit.field("notified") == "yes",
        )
    except (Problem, ProbantError) as error:
        return _refused(visit, text, error)
    notes.pop(EXAMINED, None)
    return visit.go(POLICY, "publish.done", position=visit.say.number(done.position))


def _examined(visit: Visit, text: str) -> dict[str, Any]:
    """Everything to be read before. Raises PolicyError where it is no edition, or cannot follow."""
    draft = load_edition(text.encode(), "the edition", KINDS)
    before = telling.in_force(visit.ledger, draft.effective_from).edition
    supposed = suppose(visit.ledger, draft, limit=LISTED)
    day = max(day_of(visit.now), draft.effective_from)
    return {
        "draft": draft,
        "digest": _digest(text),
        "lint": telling.lint_answer(draft, day, visit.lang),
        **told_change(before, draft, names(visit, draft), visit.say),
        "found": supposed_json(supposed),
        "labels": class_labels(visit, draft),
        "is_examined": True,
        "is_kept": document_of(visit, draft) is not None,
    }


def _refused(visit: Visit, text: str, error: Problem | ProbantError) -> Response:
    """The form again, with the text and what was found in it, if it can be examined at all."""
    try:
        found = _examined(visit, text)
    except (Problem, ProbantError):
        found = {}
    refusal = visit.refusal_of(error)
    is_known = visit.session is not None and visit.session.notes.get(EXAMINED) == _digest(text)
    given = _given(text) | found | {"refusal": refusal, "is_examined": is_known}
    if visit.file is not None:
        given |= {"sent": sha256(visit.file).hexdigest()}
    return visit.render("publishing.html", 422, **given)


def _given(text: str) -> dict[str, Any]:
    shown = {"text": text, "draft": None, "is_examined": False}
    return shown | {"refusal": None, "sent": None, "most": MAX_FILE}


def _text(visit: Visit) -> str:
    """The text as it is in its file: browsers send forms with carriage returns."""
    (text,) = visit.form.get("edition", [""])[:1]
    return text.replace("\r\n", "\n")


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()


PAGES = (
    Page("GET", PUBLISH, get_publish, PUBLISHING),
    Page("POST", f"{PUBLISH}/examine", post_examine, PUBLISHING),
    Page("POST", PUBLISH, post_publish, PUBLISHING, takes=DOCUMENT),
)
