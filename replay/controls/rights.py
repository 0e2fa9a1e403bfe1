"""C05, C18: rights requests answered in time; a no as easy to say as a yes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ledger.calendar import Day, day_of, is_past, request_due
from ledger.events import (
    CORRECTION,
    ConsentGiven,
    ConsentRenewed,
    Fact,
    IdentityAsked,
    MotiveDecided,
    MotiveReceived,
    RequestReceived,
)
from ledger.policy.permitting import purposes_of
from ledger.policy.requests import MONTHS, Request
from replay.controls.at_once import AtOnce, Sought
from replay.controls.life import Look
from replay.controls.model import Dated, Finding, Said, Value
from replay.controls.scene import Scene

AGREEING_OR_WRITING = frozenset(
    kind.kind for kind in (ConsentGiven, ConsentRenewed, IdentityAsked, MotiveReceived)
)
LOOKED_AT = AGREEING_OR_WRITING | {RequestReceived.kind, MotiveDecided.kind}
LATE = ("overdue", "answered_late")
EASY = ("SS-LB-2", "GDPR art. 7(3)")


def late_answers(look: Look) -> Iterator[Finding]:
    """C05: every request answered in the time of the law; a promise of the policy that was broken
    although the law was kept is told, and so is an extension that cannot be proved."""
    for request in look.requests:
        end = request.answered or look.scene.today
        if request.status in LATE:
            both = _is_broken(request, end)
            why = f"{request.status}_both" if both else request.status
            yield _request(look, request, why)
        elif "extension_recorded_late" in request.flags and is_past(
            request_due(request.received, MONTHS), end
        ):
            found = _request(look, request, "extension_unproved")
            yield found._replace(weight="exception") if _older(look, request) else found
        elif request.status != "withdrawn" and _is_broken(request, end):
            yield _request(look, request, "promise_broken")._replace(weight="exception")


def _is_broken(request: Request, end: Day) -> bool:
    """Whether a promise of the policy was broken; where it promised nothing, none was."""
    return request.promised is not None and is_past(request.promised, end)


def _older(look: Look, request: Request) -> bool:
    """Whether it came before the ledger began: nothing of it could be written down in time here."""
    began = look.scene.began
    return began is not None and request.received < day_of(began)


def hard_withdrawals(look: Look) -> Iterator[Finding]:
    """C18: taking consent back, or objecting, is as easy as agreeing was. No proof of identity is
    asked for it; what she wrote does not wait beyond the time of an answer; and whoever agreed by
    herself, on a published form, finds there a purpose that she may refuse."""
    yield from _doubted(look)
    yield from _waiting(look)
    yield from _without_a_way_back(look)


def _doubted(look: Look) -> Iterator[Finding]:
    asked = {
        event.row.stream: event.row.position
        for event, fact in look.of(IdentityAsked)
        if fact.occurred.at <= look.scene.as_of
    }
    for event, fact in look.of(RequestReceived) if asked else ():
        position = asked.get(event.row.stream)
        if position is None or fact.right != "objection":
            continue
        if fact.purpose is None or _is_marketing(look, fact.purpose):
            yield _hard(look, "identity_for_a_no", (position, event.row.position))


def _waiting(look: Look) -> Iterator[Finding]:
    decided = {fact.ref for _, fact in look.facts.of(MotiveDecided)}
    for position, fact in look.facts.of(MotiveReceived):
        if fact.match == "applied" or position in decided:
            continue
        due = request_due(fact.occurred.day, MONTHS)
        if is_past(due, look.scene.today):
            yield _hard(look, "unread", (position,), {"until": Dated(due)})


def _without_a_way_back(look: Look) -> Iterator[Finding]:
    """Each yes that cannot be taken back."""
    for position, fact in look.facts.of(ConsentGiven, ConsentRenewed):
        why = _no_way_back(fact, look.scene)
        if why is not None:
            said = {"purpose": look.scene.purpose(fact.purpose)}
            yield _hard(look, why, (position,), said)


def _no_way_back(fact: Fact, scene: Scene) -> str | None:
    """A yes to what the policy lets nobody refuse: consent cannot be taken back where the purpose
    rests on a contract or a law (`permitting.py` answers without looking at choices)."""
    assert isinstance(fact, ConsentGiven | ConsentRenewed)
    purpose = purposes_of(scene.book.chain(scene.today, scene.known)).get(fact.purpose)
    if purpose is not None and purpose.basis in ("contract", "legal_obligation"):
        return "no_way_back"
    return "no_channel" if purpose is not None and purpose.channels and not fact.channel else None


def seek_hard_withdrawals(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """C18 finds nothing of anybody else: who was asked who she is, who wrote, and whose yes there
    is no way back from, as it was recorded or as a correction may have it."""
    others = (IdentityAsked.kind, MotiveReceived.kind, CORRECTION)
    agreeing = dict.fromkeys((ConsentGiven.kind, ConsentRenewed.kind), ("purpose", "channel"))
    return (
        everybody.having_such(agreeing, (), lambda one: _no_way_back(one.fact, scene) is not None),
        everybody.having(others),
    )


def _is_marketing(look: Look, name: str) -> bool:
    chain = look.scene.book.chain(look.scene.today, look.scene.known)
    found = purposes_of(chain).get(name)
    return found is None or found.marketing


def _hard(
    look: Look, why: str, positions: tuple[int, ...], values: Mapping[str, Value] | None = None
) -> Finding:
    return Finding("C18", why, positions, look.subject, *EASY, values or {})


def _request(look: Look, request: Request, why: str) -> Finding:
    values: dict[str, Value] = {
        "right": Said("right", request.right),
        "received": Dated(request.received),
        "due": Dated(request.due),
        "promised": Dated(request.promised) if request.promised else "-",
        "answered": Dated(request.answered) if request.answered else "-",
    }
    where = "SS-DSR-10", "GDPR art. 12(3)"
    return Finding("C05", why, request.rests_on, look.subject, *where, values)
