"""What callers say of choices, texts, devices and joins, read into values; the outcomes as JSON.

Reading is strict: a refusal names the field and never what was in it. Who may say what follows from
who asks: a person with a token of her own clicks on a page, an agent tells what he was told. Read
next: `api/routes/choices.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast, get_args
from uuid import UUID

from api import problems
from api.access import Who
from api.facts import (
    Answers,
    an_object,
    check_keys,
    check_strict,
    outcome_json,
    parse_json,
    reference_of,
)
from api.routes import AGENT, DPO, RECORDER
from ledger.calendar import (
    FarAway,
    Instant,
    Moment,
    format_instant,
    moment_of_instant,
    parse_moment,
)
from ledger.choosing.choose import BY, By, Chosen, Expressed, Outcome, Unchanged, Wanted
from ledger.commands import Reference
from ledger.errors import BadData, NotFound, Refusal, Refused
from ledger.events import CHANNELS_IN, RIGHTS
from ledger.fields import CODE, IDENTIFIER, MAX_TEXT
from ledger.handlers import Accepted
from ledger.policy.choosing import Says
from ledger.requests.queued import Asked
from ledger.requests.steps import Received
from ledger.store.queue import Waiting

MAX_CHOICES = 100
CHOICES_KEYS = ("choices", "by", "form", "occurred")
MOTIVE_KEYS = ("person", "subject", "text", "channel", "received")
DECISION_KEYS = ("decision", "motive", "right", "purpose", "card")


def body_object(raw: bytes, allowed: Sequence[str]) -> dict[str, Any]:
    """The one JSON object of a body. Raises BadData, Refused or Problem."""
    parsed = parse_json(raw)
    if not parsed.is_single or isinstance(parsed.items[0], Refusal):
        raise BadData("the body must be one JSON object")
    check_strict(parsed.items[0])
    item = an_object("body", parsed.items[0])
    check_keys("body", item, allowed)
    return item


def wanted_of(item: dict[str, Any]) -> list[Wanted]:
    """The choices that a body states."""
    stated = item.get("choices")
    if not isinstance(stated, list) or not 1 <= len(stated) <= MAX_CHOICES:
        raise BadData(f"field 'choices' must be a list of 1 to {MAX_CHOICES} choices")
    return [_wanted(one) for one in stated]


def _wanted(value: Any) -> Wanted:
    one = an_object("choices", value)
    check_keys("choices", one, ("purpose", "channel", "choice"))
    says = one.get("choice")
    if says not in get_args(Says):
        raise BadData("field 'choice' must be one of: yes, no")
    channel = one.get("channel")
    return Wanted(
        _code("purpose", one.get("purpose")),
        None if channel is None else _code("channel", channel),
        cast(Says, says),
    )


def expressed_of(item: dict[str, Any], who: Who, now: Instant) -> Expressed:
    """How choices were said, as far as the one who tells us may say so."""
    form = item.get("form")
    by, actor = item.get("by", "api"), "self"
    if by not in BY:
        raise BadData(f"field 'by' must be one of: {', '.join(BY)}")
    if who.subject is not None:
        by = "page"
    elif by in ("agent", "email", "letter") or RECORDER not in who.roles:
        actor = "agent"
    moment = moment_of("occurred", item, now)
    form = None if form is None else _code("form", form)
    return Expressed(cast(By, by), moment, actor, form)


def moment_of(name: str, item: dict[str, Any], now: Instant) -> Moment:
    """A moment that a body states; now by default."""
    if item.get(name) is None:
        return moment_of_instant(now)
    try:
        return parse_moment(item[name])
    except FarAway as error:
        raise BadData(f"field '{name}': {error}") from None
    except (ValueError, TypeError):
        raise BadData(
            f"field '{name}' must be a day (YYYY-MM-DD) or a date and time with zone (RFC 3339)"
        ) from None


def text_of(item: dict[str, Any]) -> tuple[str, str]:
    """What was written, and the channel by which it came."""
    text, channel = item.get("text"), item.get("channel")
    if not isinstance(text, str) or len(text) > MAX_TEXT:
        raise BadData(f"field 'text' must be a text of at most {MAX_TEXT} characters")
    if channel not in CHANNELS_IN:
        raise BadData(f"field 'channel' must be one of: {', '.join(CHANNELS_IN)}")
    return text, channel


def asked_of(item: dict[str, Any]) -> Asked | None:
    """The right that a text asks for, when a decision names one."""
    right, card = item.get("right"), item.get("card")
    if right is None:
        if card is not None or item.get("purpose") is not None:
            raise BadData("fields 'purpose' and 'card' go with 'right'")
        return None
    if right not in RIGHTS:
        raise BadData(f"field 'right' must be one of: {', '.join(RIGHTS)}")
    named = None if card is None else uuid_of("card", card)
    return Asked(right, code_of("purpose", item), card=named)


def person_of(item: dict[str, Any]) -> UUID | Reference:
    """Whom a body is about: by 'subject' or by 'person', one of them."""
    person = reference_of("person", item.get("person"))
    subject = item.get("subject")
    if (person is None) == (subject is None):
        raise BadData("say whom it concerns: 'subject' or 'person', one of them")
    return person if person is not None else uuid_of("subject", subject)


def uuid_of(name: str, value: Any) -> UUID:
    """An id that a body states. Raises BadData."""
    try:
        found: UUID = IDENTIFIER.load(value)
    except ValueError as error:
        raise BadData(f"field '{name}': {error}") from None
    return found


def subject_of(id: str) -> UUID:
    """The id of a path. Raises NotFound."""
    try:
        return UUID(id)
    except ValueError:
        raise NotFound("this ledger knows no such subject") from None


def code_of(name: str, item: dict[str, Any]) -> str | None:
    """An optional code that a body states."""
    return None if item.get(name) is None else _code(name, item[name])


def _code(name: str, value: Any) -> str:
    try:
        return str(CODE.load(value))
    except ValueError as error:
        raise BadData(f"field '{name}': {error}") from None


# --- what came of it ------------------------------------------------------------------------------


def one_json(outcome: Outcome) -> dict[str, Any]:
    """What came of one wish: where it stands in the log, that it stood, or the problem."""
    match outcome:
        case Unchanged():
            return {"outcome": "unchanged", "status": 200, "position": outcome.position}
        case Accepted():
            return {"outcome": "recorded", **outcome_json(outcome)}
        case Refusal():
            return {"outcome": "refused", **problems.body(outcome)}


def chosen_json(chosen: Chosen) -> dict[str, Any]:
    """What came of one choice."""
    return {
        "purpose": chosen.wanted.purpose,
        "channel": chosen.wanted.channel,
        "choice": chosen.wanted.says,
        "kind": chosen.kind,
        **one_json(chosen.outcome),
    }


def counted_json(choices: Sequence[Chosen]) -> dict[str, Any]:
    """What came of some choices, and how many of each."""
    items = [chosen_json(one) for one in choices]
    kinds = ("recorded", "unchanged", "refused")
    counts = {kind: sum(item["outcome"] == kind for item in items) for kind in kinds}
    return {**counts, "items": items}


def opened_json(opened: Received | None) -> dict[str, Any] | None:
    """The request that a text is, and the kinds of what took effect with it."""
    if opened is None:
        return None
    at_once = list(opened.at_once)
    return {"id": str(opened.stream), "position": opened.position, "at_once": at_once}


def answers_of(*found: dict[str, Any]) -> Answers:
    """The recorded items of an answer, for their receipts."""
    return Answers([item for item in found if item.get("status") == 201], is_single=False)


def waiting_json(item: Waiting) -> dict[str, Any]:
    """A text that waits, without the text."""
    return {
        "position": item.position,
        "subject": str(item.subject),
        "channel": item.channel,
        "match": item.match,
        "motive": item.motive,
        "received": format_instant(item.received.at),
        "recorded_at": format_instant(item.recorded_at),
    }


def or_refused(outcome: Any) -> Any:
    """The outcome, unless it is a refusal: that is raised."""
    if isinstance(outcome, Refusal):
        raise Refused(outcome)
    return outcome


SAYING = frozenset({RECORDER, AGENT, DPO})
"""Who may tell us what a person chose or wrote."""
