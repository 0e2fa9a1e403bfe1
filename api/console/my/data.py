"""*Mes données*: what is held of her by class, until when and why; to read or to take away; and
*Qui a consulté mes données* (GDPR art. 15, 20; SS-DSR-1, SS-DSR-6)."""

from __future__ import annotations

from itertools import groupby
from typing import Any, NamedTuple

from starlette.responses import Response

from api import own
from api.answers import Times, subject_answer
from api.console.my import herself, page
from api.console.naming import class_labels
from api.console.visiting import Visit
from api.packages import package_of, wanted_of
from api.problems import Problem
from ledger.packages.rendering import MEDIA

HOME, READERS = "/my", "/my/readers"
LISTED = 100
WEIGHT = 20  # of a package, among her requests of an hour
FILES = {  # what she may take: scope, format, ending
    "all": ("access", "zip", "zip"),
    "json": ("portability", "json", "json"),
    "csv": ("portability", "csv", "zip"),
}
ORDER = ("operational", "suspended", "past_operational", "archived", "past_archive", "erased")


class Held(NamedTuple):
    """One class of which something is held: how many things, each with its end."""

    label: str
    items: list[dict[str, Any]]

    @property
    def last(self) -> dict[str, Any]:
        """The one that is kept for longest."""
        return max(self.items, key=_end)


def _end(one: dict[str, Any]) -> str:
    """Its last day as text; what has none yet, because a contract runs, comes after all others."""
    return str(one["archive_until"] or one["operational_until"] or "9999")


def get_data(visit: Visit) -> Response:
    """Each class with its deadlines, explained; and the files."""
    answer = subject_answer(visit.ledger, herself(visit), Times(), visit.lang)
    labels = class_labels(visit)
    found = sorted(answer["deadlines"], key=lambda one: one["class"])
    held = [
        Held(labels.get(name, name), list(items))
        for name, items in groupby(found, lambda one: str(one["class"]))
    ]
    return visit.render(
        "my/data.html", answer=answer, held=sorted(held, key=lambda one: one.label), files=FILES
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
