"""*Mes données*: what is held of her by class, until when and why; to read or to take away; and
*Qui a consulté mes données* (GDPR art. 15, 20; SS-DSR-1, SS-DSR-6)."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup
from starlette.responses import Response

from api import own
from api.answers import Times, judged
from api.console.my import herself, page
from api.console.naming import class_labels
from api.console.rendering import piece
from api.console.texts import speech
from api.console.visiting import Visit
from api.packages import package_of, wanted_of
from api.problems import Problem
from api.settings import Language
from ledger.calendar import Day, day_of
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
    """One class of which something is held: what is said of it; and why it is kept, if that is to
    be said here."""

    label: str
    klass: str
    said: Markup
    why: list[str] | None


def _end(one: Deadline) -> int:
    """Its last day; what has none yet, because a contract runs, comes after all others."""
    return one.archive_until or one.operational_until or 99999999


def get_data(visit: Visit) -> Response:
    """Each class with its deadlines, and by which rule; and the files."""
    found = judged(visit.ledger, herself(visit), Times(), ahead=False)
    labels, lang, held, is_whole = class_labels(visit), visit.lang, [], visit.is_whole
    by_class = [list(some) for _, some in groupby(found.deadlines, lambda one: one.klass)]
    lasts = [max(items, key=_end) for items in by_class]
    for items, last in zip(by_class, found.whole(lasts) if is_whole else lasts, strict=True):
        tier = last.place
        label, ends = (
            labels.get(last.klass, last.klass),
            (last.operational_until, last.archive_until),
        )
        said = _drawn(lang, label, len(items), tier, *ends, ruled(last, lang))
        why = found.explained(last, lang) if is_whole else None
        held.append(Held(label, last.klass, said, why))
    return visit.render(
        "my/data.html",
        day=day_of(found.as_of),
        held=sorted(held, key=lambda one: one.label),
        files=FILES,
        is_whole=is_whole,
    )


@lru_cache(maxsize=8192)  # of a class and days, and of nobody
def _drawn(
    lang: Language,
    label: str,
    things: int,
    tier: str,
    until: Day | None,
    archive: Day | None,
    rule: str,
) -> Markup:
    said = {"label": label, "things": things, "tier": tier, "until": until, "archive": archive}
    return piece("my/held.html", {"t": speech(lang), "lang": lang, "rule": rule, **said})


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
