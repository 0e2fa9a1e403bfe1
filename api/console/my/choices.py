"""*Mes choix*: for each purpose and channel what she said, since when, under which words.

One click says yes, one click says no, and nothing is ticked for her (SS-CH-1, SS-LB-2; GDPR art.
7(3), 21). Read next: `forms.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, NamedTuple

from starlette.responses import Response

from api.answers import choices_now
from api.choices import or_refused
from api.console.my import forms, herself, page
from api.console.naming import capital, edition_of
from api.console.visiting import Visit
from api.problems import Problem
from ledger.calendar import moment_of_instant
from ledger.choosing.choose import Expressed, Wanted, choose
from ledger.policy.model import Edition, Purpose
from ledger.store import reader

HOME = "/my/choices"
HOLDS = ("ConsentGiven", "RenewedConsentGiven")
NOS = ("consent.refused.v1", "consent.withdrawn.v1", "objection.raised.v1")
OFFERED = ("consent", "legitimate_interest")  # what she may say yes or no to

Stands = Literal["yes", "no", "expired", "unsaid", "allowed"]


class Row(NamedTuple):
    """One channel of a purpose. `stands`: what counts now; `text`: the words she answered to."""

    channel: str | None
    stands: Stands
    since: str | None
    explanation: list[str]
    text: str | None


class Offer(NamedTuple):
    """One purpose about which she may choose."""

    purpose: Purpose
    label: str
    rows: list[Row]


def get_choices(visit: Visit) -> Response:
    """Everything she may choose, and what is done without her choice, with its ground."""
    found = choices_now(visit.ledger, herself(visit), visit.lang)  # and where the log ends
    edition = edition_of(visit)
    others = [p for p in edition.purposes.values() if p.basis not in OFFERED]
    return visit.render(
        "my/choices.html",
        offers=list(_offers(visit, edition, found)),
        others=[(capital(_label(p, visit)), p) for p in others],
    )


def post_choices(visit: Visit) -> Response:
    """One choice: a purpose, a channel (or all of them), yes or no."""
    purpose, channel, says = _choice(visit)
    edition = edition_of(visit)
    known = edition.purposes.get(purpose)
    if known is None or known.basis not in OFFERED:
        raise Problem("purpose-undeclared", "there is no such choice")
    form = forms.published(visit.ledger, forms.asked(known, visit.say))
    how = Expressed("page", moment_of_instant(visit.now), form=form)
    for chosen in choose(visit.ledger, herself(visit), [Wanted(purpose, channel, says)], how):
        or_refused(chosen.outcome)
    return visit.go(HOME, f"my_said.{says}", purpose=_label(known, visit))


def post_refuse_all(visit: Visit) -> Response:
    """No to everything she may say no to: as many clicks as one yes."""
    edition = edition_of(visit)
    subject, moment = herself(visit), moment_of_instant(visit.now)
    for one in edition.purposes.values():
        if one.basis in OFFERED:
            form = forms.published(visit.ledger, forms.asked(one, visit.say))
            how = Expressed("page", moment, form=form)
            for chosen in choose(visit.ledger, subject, [Wanted(one.id, None, "no")], how):
                or_refused(chosen.outcome)
    return visit.go(HOME, "my_said.none")


def _choice(visit: Visit) -> tuple[str, str | None, Literal["yes", "no"]]:
    parts = visit.field("choice").split("|")
    if len(parts) != 3 or parts[2] not in ("yes", "no"):
        raise Problem("malformed", "a choice is a purpose, a channel, and yes or no")
    return parts[0], parts[1] or None, "yes" if parts[2] == "yes" else "no"


def _offers(visit: Visit, edition: Edition, found: list[dict[str, Any]]) -> Iterator[Offer]:
    said = {(one["purpose"], one["channel"]): one for one in found}
    for one in edition.purposes.values():
        if one.basis in OFFERED:
            rows = [_row(visit, one, c, said.get((one.id, c))) for c in one.channels or (None,)]
            yield Offer(one, capital(_label(one, visit)), rows)


def _row(visit: Visit, purpose: Purpose, channel: str | None, found: dict[str, Any] | None) -> Row:
    if found is None or found["position"] is None:
        unsaid: Stands = "allowed" if purpose.basis == "legitimate_interest" else "unsaid"
        return Row(channel, unsaid, None, [], None)
    stands: Stands = "yes" if found["state"] in HOLDS else "unsaid"
    if found["kind"] in NOS:
        stands = "no"
    elif found["state"] == "ConsentExpired":
        stands = "expired"
    elif found["kind"] == "objection.lifted.v1":
        stands = "allowed"
    text = _text(visit, found["position"])
    return Row(channel, stands, found["day"], found["explanation"], text)


def _text(visit: Visit, position: int) -> str | None:
    """What she was shown when she said it, if it is kept here."""
    with visit.ledger.database.read() as connection:
        found = reader.event_at(connection, position)
    form = getattr(found.fact, "form", None) if found else None
    return forms.text_of(visit.ledger, form, position) if form else None


def _label(purpose: Purpose, visit: Visit) -> str:
    return purpose.label_fr if visit.lang == "fr" else purpose.label_en


PAGES = (
    page("GET", HOME, get_choices),
    page("POST", HOME, post_choices),
    page("POST", f"{HOME}/none", post_refuse_all),
)
