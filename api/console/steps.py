"""The forms of a request's steps: which are possible now, and which fields each one has.

A form sends codes and days as `POST /v1/requests/{id}/{step}` takes them; what the law asks of a
step is said by the room that decides it, not here. Read next: `requests.py`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeAlias

from markupsafe import Markup

from api.console import rendering
from api.console.texts import speech
from api.console.visiting import Visit
from api.settings import Language
from ledger.aggregates.rights_request import CHANGING, HANDING, RightsRequest
from ledger.calendar import day_of, format_day, is_past, request_due
from ledger.events import (
    REMEDIES,
    RESTRICTIONS,
    RIGHTS,
    RequestFulfilled,
    RequestPartiallyFulfilled,
)
from ledger.events.requests import (
    DOUBTS,
    EVIDENCE,
    EXTENSIONS,
    GROUNDS,
    METHODS,
    REQUEST_CHANNELS,
    TOLD,
)
from ledger.requests.fulfilling import DETAILS

Form: TypeAlias = Literal["one", "many", "day", "line", "text", "yes"]
WISHES = ("erase", "keep", "transmit")


class Field(NamedTuple):
    """One field: `form` is how it is asked; `options` its codes, and `words` the section of the
    catalogue that names them (the policy's own when it begins with `+`)."""

    name: str
    form: Form
    options: tuple[str, ...] = ()
    words: str = ""
    required: bool = True


CHANNEL = Field("channel", "one", REQUEST_CHANNELS, "+request_channel")
GROUND = Field("grounds", "many", GROUNDS, "+request_ground")
REMIND = Field("remedies", "yes")
RIGHT = Field("right", "one", RIGHTS, "+right")

FIELDS: dict[str, tuple[Field, ...]] = {
    "acknowledge": (CHANNEL,),
    "ask-identity": (Field("reason", "one", DOUBTS, "doubt"),),
    "confirm-identity": (
        Field("method", "one", METHODS, "method"),
        Field("evidence", "one", EVIDENCE, "identity_evidence"),
    ),
    "qualify": (RIGHT,),
    "extend": (Field("reason", "one", EXTENSIONS, "extension"), Field("notified", "day")),
    "fulfil": (CHANNEL,),
    "fulfil-partly": (CHANNEL, GROUND, REMIND),
    "refuse": (CHANNEL, GROUND, REMIND),
    "notify-recipients": (
        Field("outcome", "one", TOLD, "told"),
        Field("recipients", "line", required=False),
    ),
    "withdraw": (CHANNEL,),
    "close": (),
}
# What carrying a right out needs beside it.
DEEDS: dict[str, tuple[Field, ...]] = {
    "rectification": tuple(Field(name, "line", required=False) for name in DETAILS),
    "restriction": (Field("ground", "one", RESTRICTIONS, "restriction"),),
    "directive": (
        Field("wish", "one", WISHES, "wish"),
        Field("trustee", "line", required=False),
        Field("text", "text", required=False),
    ),
    **{right: (Field("package", "line"),) for right in HANDING},
}


class Step(NamedTuple):
    """A step that is possible now, and its form."""

    name: str
    fields: tuple[Field, ...]
    is_first: bool  # what one would do next


def possible(visit: Visit, state: RightsRequest, right: str) -> list[Step]:
    """The steps that the order of things allows now, the likeliest first."""
    return [
        Step(name, fields_of(name, right), number == 0)
        for number, name in enumerate(_names(visit, state))
    ]


def fields_of(step: str, right: str) -> tuple[Field, ...]:
    """The fields of a step of a request under this right."""
    doing = step == "fulfil" or (step == "fulfil-partly" and right in HANDING)
    return FIELDS[step] + (DEEDS.get(right, ()) if doing else ())


def _names(visit: Visit, state: RightsRequest) -> list[str]:
    if state.closed or state.received is None:
        return []
    if state.answer is not None:
        done = state.answer in (RequestFulfilled.kind, RequestPartiallyFulfilled.kind)
        owed = done and state.right in CHANGING and not state.told
        return ["notify-recipients"] if owed else ["close"]
    refusing = [] if state.right == "complaint" else ["fulfil-partly", "refuse"]  # nobody may
    if state.doubt:
        return ["confirm-identity", *refusing[1:], "withdraw"]
    found = ["fulfil", "acknowledge", "qualify"]
    if not state.confirmed:
        found.append("ask-identity")
    if not state.extended and not is_past(request_due(state.received), day_of(visit.now)):
        found.append("extend")
    return [*found, *refusing, "withdraw"]


def data_of(visit: Visit, step: str, right: str) -> dict[str, Any]:
    """What was filled in, as the interface takes it. What was left empty is not sent."""
    data: dict[str, Any] = {}
    changes: dict[str, str] = {}
    for field in fields_of(step, right):
        if field.form == "many":
            data[field.name] = [one for one in visit.fields(field.name) if one]
        elif field.form == "yes":
            data[field.name] = list(REMEDIES) if visit.field(field.name) else ["none"]
        elif value := visit.field(field.name):
            if field.name == "recipients":
                data[field.name] = [one.strip() for one in value.split(",") if one.strip()]
            elif right == "rectification" and field.name in DETAILS:
                changes[field.name] = value
            else:
                data[field.name] = value
    if step == "fulfil" and right == "card_removal" and (cards := visit.fields("cards")):
        data["cards"] = cards
    return data | ({"changes": changes} if changes else {})


def drawn(lang: Language, field: Field, step: str, today: str, value: str) -> Markup:
    """A field of the form of a step: with nothing filled in it is of nobody, and drawn once a
    day."""
    draw = _drawn.__wrapped__ if value else _drawn
    return draw(lang, field, step, today, value)


@lru_cache(maxsize=512)
def _drawn(lang: Language, field: Field, step: str, today: str, value: str) -> Markup:
    values = {"field": field, "step": step, "today": today, "value": value}
    return rendering.piece("field.html", {"t": speech(lang), "lang": lang, **values})


def today(visit: Visit) -> str:
    """Today as a date field wants it."""
    return format_day(day_of(visit.now))
