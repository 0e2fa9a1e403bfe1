"""*Mes données*: what is held of her by class, until when and why; to read or to take away; and
*Qui a consulté mes données* (GDPR art. 15, 20; SS-DSR-1, SS-DSR-6)."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from starlette.responses import Response

from api import own
from api.answers import Times, judged
from api.console.my import herself, page
from api.console.naming import class_labels
from api.console.visiting import Visit
from api.packages import package_of, wanted_of
from api.problems import Problem
from ledger.calendar import day_of
from ledger.packages.rendering import MEDIA
from ledger.policy.explain import ruled
from ledger.policy.verdicts import Deadline

HOME, READERS = "/my", "/my/readers"
LISTED = 100
WEIGHT = 20  # of a package, among her requests of an hour
FILES = {  # what she may take: scope, format, ending
    "all": ("access", "zip", "zip"),
    "json": ("portability", "json", "json"),
    "csv": ("portability", "csv", "zip"),
}


class Held(NamedTuple):
    """One class of which something is held: how many things, the one that is kept for longest, the
    rule in a sentence; and why it is kept, if that is to be said here."""

    label: str
    things: int
    last: Deadline
    tier: str
    rule: str
    why: list[str] | None


def _end(one: Deadline) -> int:
    """Its last day; what has none yet, because a contract runs, comes after all others."""
    return one.archive_until or one.operational_until or 99999999


def get_data(visit: Visit) -> Response:
    """Each class with its deadlines, and by which rule; and the files."""
    found = judged(visit.ledger, herself(visit), Times(), ahead=False)
    labels, lang, held = class_labels(visit), visit.lang, []
    by_class = [list(some) for _, some in groupby(found.deadlines, lambda one: one.klass)]
    lasts = [max(items, key=_end) for items in by_class]
    for items, last in zip(by_class, found.whole(lasts) if visit.is_whole else lasts, strict=True):
        tier = "suspended" if last.suspended_by else last.tier_now
        rule = visit.say.line(ruled(last, lang))
        why = found.explained(last, lang) if visit.is_whole else None
        held.append(Held(labels.get(last.klass, last.klass), len(items), last, tier, rule, why))
    return visit.render(
        "my/data.html",
        day=day_of(found.as_of),
        held=sorted(held, key=lambda one: one.label),
        files=FILES,
        is_whole=visit.is_whole,
    )


def post_export(visit: Visit) -> Response:
    """One of the files; made now, and kept nowhere."""
    if visit.field("file") not in FILES:
        raise Problem("malformed", "there is no such file")
    scope, form, ending = FILES[visit.field("file")]
    subject = herself(visit)
    visit.request.app.state.limits.person.take(str(subject), visit.now, WEIGHT)
    wanted = wanted_of(scope, form, {})
    made = package_of(visit.ledger, visit.asker, subject, wanted, visit.lang, {})
    headers = {"Content-Disposition": f'attachment; filename="{scope}.{ending}"'}
    return Response(made.content, media_type=MEDIA[wanted.form], headers=headers)


def get_readers(visit: Visit) -> Response:
    """When one of us looked at which data of hers, and why; never who."""
    query = visit.request.query_params.get("after", "")
    after = int(query) if query.isascii() and query.isdigit() and len(query) < 16 else 0
    found = own.reads_of(visit.ledger, herself(visit), after, LISTED)
    return visit.render("my/readers.html", found=found, labels=class_labels(visit))


PAGES = (
    page("GET", HOME, get_data),
    page("POST", f"{HOME}/export", post_export),
    page("GET", READERS, get_readers),
)
