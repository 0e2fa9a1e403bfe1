"""`POST /v1/permissions/check`: one question read, one verdict told, and recorded when asked to.

The verdict names its basis, rule, clause and article, the facts it rests on, the status of consent
in the Data Privacy Vocabulary, when it changes by calendar alone and what would change it. Whom
nobody knows, and whoever was erased, get a verdict too. The person is in the body, never in a URL.
Read next: `ledger/permitting/gate.py`, which loads, and `ledger/policy/permissions.py`: the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, cast, get_args
from uuid import UUID

from api import idempotency
from api.facts import (
    Answers,
    an_object,
    check_keys,
    check_strict,
    outcome_json,
    parse_json,
    reference_of,
)
from api.settings import Language
from ledger.application import Ledger
from ledger.calendar import (
    FarAway,
    Instant,
    Moment,
    end_of,
    format_day,
    format_instant,
    moment_of_instant,
    parse_as_of,
    parse_moment,
)
from ledger.commands import Record
from ledger.errors import BadData, Refusal, Refused
from ledger.events import MessageDecided
from ledger.fields import CODE, IDENTIFIER
from ledger.handlers import Outcome, Repeated, record_many
from ledger.naming import unusable
from ledger.permitting.gate import Answered, Gate, Question, Who
from ledger.policy.permissions import explain
from ledger.policy.softoptin import Offer
from ledger.store.commands import CommandRecord

CHECK = "/v1/permissions/check"
DPV = "https://w3id.org/dpv#"
KEYS = ("subject", "person", "purpose", "channel", "at", "known_at", "offer", "record")
OFFERS = get_args(Offer)


class Asked(NamedTuple):
    """What one request asks."""

    question: Question
    record: bool


# --- the question ---------------------------------------------------------------------------------


def read_check(gate: Gate, raw: bytes) -> Asked:
    """The question of a JSON body. Raises Problem, Refused or BadData, never repeating it."""
    parsed = parse_json(raw)
    if not parsed.is_single:
        raise BadData("one question at a time; a campaign goes to /v1/permissions/filter")
    (value,) = parsed.items
    check_strict(value)
    item = an_object("question", value)
    check_keys("question", item, KEYS)
    record = item.get("record", False)
    if not isinstance(record, bool):
        raise BadData("field 'record' must be true or false")
    question = question_of(_who(gate, item), item)
    if record and (question.at is not None or question.known_at is not None):
        raise BadData("field 'record': a verdict is recorded when it is given, about now only")
    return Asked(question, record)


def question_of(who: Who, stated: Mapping[str, Any]) -> Question:
    """The question about `who` that these fields or parameters state. Raises BadData."""
    purpose, channel = stated.get("purpose"), stated.get("channel")
    offer = stated.get("offer")
    if offer is not None and offer not in OFFERS:
        raise BadData(f"field 'offer' must be one of: {', '.join(OFFERS)}")
    known_at = stated.get("known_at")
    return Question(
        who,
        _code("purpose", purpose),
        "" if channel in (None, "") else _code("channel", channel),
        _moment(stated.get("at")),
        None if known_at is None else _instant("known_at", known_at),
        cast("Offer | None", offer),
    )


def _who(gate: Gate, item: Mapping[str, Any]) -> Who:
    subject, reference = item.get("subject"), reference_of("person", item.get("person"))
    if (subject is None) == (reference is None):
        raise BadData('say who: either "subject" (an id) or "person" {"kind", "value"}')
    if reference is None:
        try:
            return cast("UUID", IDENTIFIER.load(subject))
        except ValueError as error:
            raise BadData(f"field 'subject': {error}") from None
    if (refusal := unusable(reference)) is not None:
        raise Refused(refusal)
    return gate.blinded(reference)


def _code(name: str, value: Any) -> str:
    try:
        return str(CODE.load(value))
    except ValueError as error:
        raise BadData(f"field '{name}': {error}") from None


def _moment(text: Any) -> Moment | None:
    """A day without its hour is asked about as it ended: what happened on it counts."""
    if text is None:
        return None
    try:
        moment = parse_moment(text)
    except (ValueError, TypeError) as error:
        raise _no_instant("at", error) from None
    return moment._replace(at=end_of(moment.day)) if moment.grain == "day" else moment


def _instant(name: str, text: Any) -> Instant:
    try:
        return parse_as_of(text)
    except (ValueError, TypeError) as error:
        raise _no_instant(name, error) from None


def _no_instant(name: str, error: Exception) -> BadData:
    if isinstance(error, FarAway):
        return BadData(f"field '{name}': {error}")
    return BadData(f"field '{name}' must be a day (YYYY-MM-DD) or a date and time with zone")


# --- the answer -----------------------------------------------------------------------------------


def verdict_json(answered: Answered, lang: Language) -> dict[str, Any]:
    """A verdict as plain values, with its explanation in `lang`."""
    found, subject = answered.verdict, answered.subject
    return {
        "allowed": found.allowed,
        "purpose": found.purpose,
        "channel": found.channel or None,
        "at": format_day(found.at.day) if found.at.grain == "day" else format_instant(found.at.at),
        "position": answered.known,
        "subject": None if subject is None else str(subject),
        "basis": found.basis,
        "rule": found.rule,
        "clause": found.clause,
        "article": found.article,
        "edition": found.edition,
        "state": found.state,
        "state_iri": f"{DPV}{found.state}",
        "stale": found.stale,
        "reasons": list(found.reasons),
        "explanation": explain(found, lang),
        "rests_on": list(found.rests_on),
        "flips_at": None if found.flips_at is None else format_instant(found.flips_at),
        "would_change": list(found.would_change),
    }


# --- recording ------------------------------------------------------------------------------------


class Told(NamedTuple):
    """A verdict, what came of recording it, and whether that was told before."""

    answer: dict[str, Any]
    recorded: Answers
    replayed: bool


def check_and_record(
    gate: Gate, question: Question, lang: Language, once: tuple[bytes, bytes] | None
) -> Told:
    """The verdict of this moment, with its `message.decided` on record before anybody hears it.

    `once`: the fingerprint and payload MAC of an Idempotency-Key; a request that was carried out
    before is answered with the verdict of then.
    """
    ledger, now = gate.ledger, gate.ledger.clock.now()
    known = _recall(gate, question, lang, once, now)
    if known is not None:
        return known
    (answered,) = gate.ask([question._replace(at=moment_of_instant(now))])
    try:
        outcome = _record(ledger, answered, _remembering(answered, once, now))
    except Repeated:  # by another worker, meanwhile
        known = _recall(gate, question, lang, once, now)
        if known is None:
            raise
        return known
    items = [outcome_json(outcome)]
    return Told(verdict_json(answered, lang), Answers(items, is_single=True), replayed=False)


def _record(ledger: Ledger, answered: Answered, remember: CommandRecord | None) -> Outcome:
    found = answered.verdict
    wishes: list[Record] = []
    if answered.subject is not None:
        fact = MessageDecided(
            subject=answered.subject,
            occurred=found.at,
            actor="system",
            purpose=found.purpose,
            channel=found.channel or None,  # type: ignore[arg-type]  # the door asks for one
            decision="allowed" if found.allowed else "refused",
            basis=found.basis,
            rule=found.rule.lower(),
        )
        wishes.append(Record(fact))
    outcomes = record_many(ledger, wishes, remember=remember) if wishes or remember else []
    return outcomes[0] if outcomes else NOBODY


NOBODY = Refusal("not-found", "nobody is known here: there is no one to record a verdict about")


def _remembering(
    answered: Answered, once: tuple[bytes, bytes] | None, now: Instant
) -> CommandRecord | None:
    if once is None:
        return None
    asked = [NOBODY if answered.subject is None else None]
    more = {"at": answered.verdict.at.at, "known_at": answered.last_at}
    return idempotency.record_of(*once, asked, now, is_single=True, more=more)


def _recall(
    gate: Gate,
    question: Question,
    lang: Language,
    once: tuple[bytes, bytes] | None,
    now: Instant,
) -> Told | None:
    """What was answered to this very request: the verdict follows again from its two times."""
    told = once and idempotency.recall(gate.ledger, *once, now)
    if not told:
        return None
    at, known_at = moment_of_instant(told.more["at"]), told.more["known_at"]
    (answered,) = gate.ask([question._replace(at=at, known_at=known_at)])
    return Told(verdict_json(answered, lang), told, replayed=True)
