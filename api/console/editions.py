"""The policy: its editions, their classes and clauses, and what a lint finds in one, with the
article, the severity and a wording that would do.

Read next: `publishing.py`, then
`api/policies.py`.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from api import policies as telling
from api.console import Page, rendering
from api.console.differing import told_change
from api.console.naming import capital, class_labels, names_of
from api.console.texts import speech
from api.console.visiting import Visit
from api.problems import Problem
from api.routes import AGENT, AUDITOR, DPO
from api.settings import Language
from api.supposing import supposed_json
from ledger.calendar import Day, day_of, end_of, format_day, parse_day
from ledger.errors import NotFound, ProbantError
from ledger.events import KINDS
from ledger.policy.book import Published
from ledger.policy.loader import load_edition
from ledger.policy.model import Edition
from ledger.store import editions
from ledger.supposing import LISTED, suppose

POLICY = "/console/policy"
READING = frozenset({AGENT, DPO, AUDITOR})
LINTING = frozenset({DPO, AUDITOR})
ENDINGS = {"application/pdf": "pdf", "text/html": "html", "text/plain": "txt"}


def get_policy(visit: Visit) -> Response:
    """The edition in force today, or on the day that is asked for."""
    query = visit.request.query_params
    day = _day(query.get("day", ""))
    published = telling.in_force(visit.ledger, day)
    edition = telling.edition_json(published)
    may_lint = bool(visit.asker.roles & LINTING)
    law_of = _day(query.get("law_of", "")) or day_of(visit.now)
    return visit.render(
        "policy.html",
        edition=edition,
        editions=telling.editions_answer(visit.ledger)["items"],
        rules=_rules(published, visit.lang),
        lint=_lint(published.edition, law_of, visit.lang) if may_lint else None,
        may_publish=DPO in visit.asker.roles,
        law_of=format_day(law_of),
        is_kept=document_of(visit, published.edition) is not None,
        day=query.get("day", ""),
    )


@lru_cache(maxsize=16)
def _rules(published: Published, lang: Language) -> Markup:
    """The classes and clauses of an edition: drawn once, for no edition ever changes."""
    values = {
        "t": speech(lang),
        "lang": lang,
        "classes": _classes(telling.edition_json(published), lang),
        "clauses": telling.clauses_answer(published.edition, lang)["items"],
    }
    return rendering.piece("rules.html", values)


@lru_cache(maxsize=16)
def _lint(edition: Edition, day: Day, lang: Language) -> Markup:
    """An edition judged by the law of a day: drawn once, for it is always the same."""
    lint = telling.lint_answer(edition, day, lang)
    return rendering.piece("lint.html", {"t": speech(lang), "lang": lang, "lint": lint})


def get_change(visit: Visit) -> Response:
    """What one edition changes in another."""
    query = visit.request.query_params
    old, new = (_day(query.get(name, "")) for name in ("old", "new"))
    if old is None or new is None:
        raise NotFound("name two days")
    both = [telling.in_force(visit.ledger, day).edition for day in (old, new)]
    known = visit.ledger.book(visit.ledger.epoch()).known(None)
    return visit.render("policy_change.html", **_change(*both, known, visit.lang))


@lru_cache(maxsize=16)
def _change(
    old: Edition, new: Edition, known: tuple[Edition, ...], lang: Language
) -> dict[str, Any]:
    """What one edition changes in another: drawn once, as its rules are."""
    say = speech(lang)
    told = told_change(old, new, names_of(known, lang), say)
    values = {"t": say, "lang": lang, "changes": told["changes"]}
    return {**told, "drawn": rendering.piece("changes.html", values)}


def get_document(visit: Visit) -> Response:
    """The text that the company published with the edition in force on a day, byte for byte."""
    day = _day(visit.request.query_params.get("day", ""))
    edition = telling.in_force(visit.ledger, day).edition
    found = document_of(visit, edition)
    if found is None:
        raise NotFound("the published text of this edition was not given: only its hash is known")
    ending = ENDINGS.get(found.media, "bin")
    attached = {"Content-Disposition": f'attachment; filename="{edition.id}.{ending}"'}
    return Response(found.content, media_type=found.media, headers=attached)


def document_of(visit: Visit, edition: Edition) -> editions.Document | None:
    """The published text that an edition names, if it was given."""
    with visit.ledger.database.read() as connection:
        return editions.document(connection, bytes.fromhex(edition.published_sha256))


def get_supposing(visit: Visit) -> Response:
    """The form for a draft, with the edition in force to begin from."""
    return _supposing(visit)


def post_supposing(visit: Visit) -> Response:
    """What a draft would change, and for how many. Nothing is written, and nothing is kept."""
    said: dict[str, Any] = {"edition": visit.field("edition"), "as_of": visit.field("as_of")}
    try:
        draft = load_edition(said["edition"].encode("utf-8", "surrogatepass"), "the draft", KINDS)
        day = _day(said["as_of"])
        found = suppose(visit.ledger, draft, None if day is None else end_of(day), None, LISTED)
    except (Problem, ProbantError) as error:
        return _supposing(visit, **said, status=422, refusal=visit.refusal_of(error))
    labels = class_labels(visit, draft)
    return _supposing(visit, **said, found=supposed_json(found), labels=labels)


def _supposing(visit: Visit, status: int = 200, **more: Any) -> Response:
    given = {
        "edition": text_in_force(visit),
        "as_of": "",
        "found": None,
        "labels": class_labels(visit),
        "refusal": None,
    }
    return visit.render("supposing.html", status, **given | more)


def text_in_force(visit: Visit) -> str:
    """The file of the edition in force, as a draft that would take effect today."""
    published = telling.in_force(visit.ledger, None)
    with visit.ledger.database.read() as connection:
        found = editions.document(connection, bytes.fromhex(published.edition.pol))
    text = "" if found is None else found.content.decode("utf-8")
    text = re.sub(r"(?m)^id = .*$", 'id = "draft"', text, count=1)
    today = format_day(day_of(visit.now))
    return re.sub(r"(?m)^effective_from = .*$", f"effective_from = {today}", text, count=1)


def _classes(edition: dict[str, Any], lang: Language) -> list[dict[str, Any]]:
    label, why = f"label_{lang}", f"why_{lang}"
    return [
        {**one, "name": name, "label": capital(one[label]), "why": one[why]}
        for name, one in edition["classes"].items()
    ]


def _day(text: str) -> Day | None:
    try:
        return parse_day(text) if text else None
    except ValueError:
        raise Problem("malformed-question", "a day is written YYYY-MM-DD") from None


PAGES = (
    Page("GET", POLICY, get_policy, READING),
    Page("GET", f"{POLICY}/change", get_change, READING),
    Page("GET", f"{POLICY}/document", get_document, READING),
    Page("GET", f"{POLICY}/what-if", get_supposing, LINTING),
    Page("POST", f"{POLICY}/what-if", post_supposing, LINTING),
)
