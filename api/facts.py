"""What callers send to `POST /v1/facts`, read into wishes; what came of them, as JSON values.

Reading is strict, item by item: one bad item never spoils another. A refusal names the field and
never what was in it. Nothing here decides whether a fact is acceptable: see `ledger/handlers.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from api import problems
from api.problems import Problem
from ledger.calendar import (
    FarAway,
    Instant,
    Moment,
    format_instant,
    moment_of_instant,
    parse_moment,
)
from ledger.commands import Command, Correct, Record, Reference, Void
from ledger.errors import BadData, Refusal, Refused
from ledger.events import build, fact_class
from ledger.fields import CODE, IDENTIFIER, INTEGER
from ledger.handlers import Accepted, Outcome

MAX_ITEMS = 1000
MAX_REFERENCE = 512  # characters
MAX_DEPTH = 16
ACTORS = ("self", "agent", "system")
RECORD_KEYS = ("kind", "subject", "person", "stream", "thing", "occurred", "actor", "data")
CORRECT_KEYS = ("position", "changes", "occurred", "reason", "actor")
VOID_KEYS = ("position", "reason", "actor")


class Twice(dict[str, Any]):
    """An object in which a key was given twice: nobody knows which one was meant."""


class Parsed(NamedTuple):
    """The items of one request, each a JSON value or the reason why it is none."""

    items: list[Any]
    is_single: bool


# --- bytes to items -------------------------------------------------------------------------------


def parse_json(raw: bytes) -> Parsed:
    """One object, or an array of them. Raises Problem when the whole cannot be read."""
    value = _loads(raw)
    if isinstance(value, list):
        _check_count(len(value))
        return Parsed(value, is_single=False)
    return Parsed([value], is_single=True)


def parse_ndjson(raw: bytes) -> Parsed:
    """One object a line; blank lines are passed over, a bad line is the business of that line."""
    lines = [line for line in raw.split(b"\n") if line.strip()]
    _check_count(len(lines))
    items: list[Any] = []
    for line in lines:
        try:
            items.append(_loads(line))
        except Problem as problem:
            items.append(problem.refusal)
    return Parsed(items, is_single=False)


def _loads(raw: bytes) -> Any:
    try:
        return _decoder.decode(raw.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        where = ""
        if isinstance(error, json.JSONDecodeError):
            where = f" (line {error.lineno}, column {error.colno})"
        raise Problem("malformed-json", f"this is not strict JSON in UTF-8{where}") from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Twice(found)


def _refuse_constant(_name: str) -> Any:
    raise ValueError("NaN and Infinity are no JSON")


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_refuse_constant)


def _check_count(count: int) -> None:
    if count > MAX_ITEMS:
        raise Problem("too-large", f"at most {MAX_ITEMS} items in one request")


# --- items to wishes ------------------------------------------------------------------------------


def read_item(value: Any, now: Instant, actor: str = "self") -> Command | Refusal:
    """The wish that one item states, or why it states none. `actor`: when it does not say."""
    if isinstance(value, Refusal):
        return value
    try:
        check_strict(value)
        item = an_object("item", value)
        if "correct" in item:
            return _correct(_only(item, "correct"))
        if "void" in item:
            return _void(_only(item, "void"))
        return _record(item, now, actor)
    except Refused as refused:
        return refused.refusal
    except BadData as error:
        return Refusal("malformed", str(error))


def _record(item: dict[str, Any], now: Instant, actor: str) -> Record:
    check_keys("item", item, RECORD_KEYS)
    kind = item.get("kind")
    if not isinstance(kind, str):
        raise BadData("field 'kind' is required: the kind of fact, such as order.placed")
    cls = fact_class(kind)
    if cls.aggregate == "any":
        raise BadData("field 'kind': a fact is corrected with 'correct', withdrawn with 'void'")
    data = an_object("data", item.get("data", {}))
    check_keys("data", data, [spec.key for spec in cls.specs])
    shared: dict[str, Any] = {
        "occurred": moment_of(item) or moment_of_instant(now),
        "actor": actor_of(item, actor),
    }
    if item.get("subject") is not None:
        shared["subject"] = load_of("subject", IDENTIFIER, item["subject"])
    stream = item.get("stream")
    return Record(
        build(cls, shared, data),
        person=reference_of("person", item.get("person")),
        stream=None if stream is None else load_of("stream", IDENTIFIER, stream),
        thing=reference_of("thing", item.get("thing")),
    )


def _correct(item: dict[str, Any]) -> Correct:
    check_keys("correct", item, CORRECT_KEYS)
    return Correct(
        load_of("position", INTEGER, item.get("position")),
        an_object("changes", item.get("changes", {})),
        moment_of(item),
        _reason(item),
        actor_of(item, "agent"),
    )


def _void(item: dict[str, Any]) -> Void:
    check_keys("void", item, VOID_KEYS)
    position = load_of("position", INTEGER, item.get("position"))
    return Void(position, _reason(item), actor_of(item, "agent"))


def _only(item: dict[str, Any], key: str) -> dict[str, Any]:
    check_keys("item", item, [key])
    return an_object(key, item[key])


def moment_of(item: dict[str, Any]) -> Moment | None:
    """When it happened, None when the item does not say. Raises BadData."""
    text = item.get("occurred")
    if text is None:
        return None
    try:
        return parse_moment(text)
    except FarAway as error:
        raise BadData(f"field 'occurred': {error}") from None
    except (ValueError, TypeError):
        raise BadData(
            "field 'occurred' must be a day (YYYY-MM-DD) or a date and time with zone (RFC 3339)"
        ) from None


def actor_of(item: dict[str, Any], default: str) -> str:
    """Who told us. Raises BadData."""
    actor = item.get("actor", default)
    if actor not in ACTORS:
        raise BadData(f"field 'actor' must be one of: {', '.join(ACTORS)}")
    return str(actor)


def _reason(item: dict[str, Any]) -> str | None:
    reason = item.get("reason")
    return None if reason is None else str(load_of("reason", CODE, reason))


def reference_of(name: str, value: Any) -> Reference | None:
    """A business identifier. Raises BadData."""
    if value is None:
        return None
    stated = an_object(name, value)
    check_keys(name, stated, ("kind", "value"))
    kind, text = load_of(name, CODE, stated.get("kind")), stated.get("value")
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_REFERENCE:
        raise BadData(f"field '{name}': 'value' must be a text of 1 to {MAX_REFERENCE} characters")
    return Reference(kind, text)


def load_of(name: str, codec: Any, value: Any) -> Any:
    """A value as its codec reads it. Raises BadData, naming the field."""
    try:
        return codec.load(value)
    except ValueError as error:
        raise BadData(f"field '{name}': {error}") from None


def an_object(name: str, value: Any) -> dict[str, Any]:
    """A JSON object. Raises BadData."""
    if not isinstance(value, dict):
        raise BadData(f"field '{name}' must be a JSON object")
    return value


def check_keys(name: str, item: dict[str, Any], allowed: Iterable[str]) -> None:
    """What is allowed is said; what was sent is not repeated."""
    if not item.keys() <= set(allowed):
        known = ", ".join(allowed) or "nothing"
        raise BadData(f"field '{name}' has a key that is not known here; it may have: {known}")


def check_strict(value: Any, depth: int = MAX_DEPTH) -> None:
    """No key twice, no text that UTF-8 cannot carry, no bottomless nesting."""
    if depth == 0:
        raise Refused(Refusal("malformed", f"at most {MAX_DEPTH} levels of nesting"))
    if isinstance(value, Twice):
        raise Refused(Refusal("malformed-json", "a key is given twice in one object"))
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            _check_text(key)
            check_strict(inner, depth - 1)
    elif isinstance(value, list):
        for inner in value:
            check_strict(inner, depth - 1)


def _check_text(text: str) -> None:
    if text.isascii():
        return
    try:
        text.encode()
    except UnicodeEncodeError:
        half = Refusal("malformed-json", "a text holds half of a surrogate pair")
        raise Refused(half) from None


# --- outcomes to JSON -----------------------------------------------------------------------------


class Answers(NamedTuple):
    """What is answered to one request: one JSON value for each item sent. `more`: what else was
    remembered of it."""

    items: list[dict[str, Any]]
    is_single: bool
    more: Mapping[str, Any] = MappingProxyType({})


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """What came of one item: where it stands in the log, or the problem it met."""
    if not isinstance(outcome, Accepted):
        return problems.body(outcome)
    written = outcome.written[-1]
    implied = [one.position for one in outcome.written[:-1]]
    return recorded_json(
        written.position,
        outcome.stream,
        outcome.subject,
        written.recorded_at,
        written.entry,
        written.leaf,
        implied[0] if implied else None,
    )


def recorded_json(
    position: int,
    stream: UUID | None,
    subject: UUID | None,
    recorded_at: Instant | None,
    entry: bytes | None,
    leaf: bytes,
    registered_at: int | None,
) -> dict[str, Any]:
    """Where a fact stands in the log. Of one that was pruned since, position and leaf are left."""
    return {
        "status": 201,
        "position": position,
        "subject": None if subject is None else str(subject),
        "stream": None if stream is None else str(stream),
        "recorded_at": None if recorded_at is None else format_instant(recorded_at),
        "entry_sha256": None if entry is None else sha256(entry).hexdigest(),
        "leaf": leaf.hex(),
        "registered_at": registered_at,
    }
