"""C01, C02, C10: what was sent and called, each judged at its own moment (t, known at t).

The verdict is the gate's (`ledger/policy/permissions.py`), the moment is that of
`ledger/policy/sends.py`. What became known since and would answer otherwise is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from ledger.calendar import HOUR
from ledger.policy import phone
from ledger.policy.consents import CHOICES
from ledger.policy.permissions import Verdict
from ledger.policy.permitting import OPENS_DELIBERATED, PROTECTING, SERVING, SOFT_OPT_IN
from ledger.policy.sends import KINDS, Send
from ledger.projections.consents import ASSESSED, BACKDATED, GRANTS, RANKS, STOPS
from replay.controls.at_once import AtOnce, Heeded, Sought
from replay.controls.life import Look
from replay.controls.model import Finding, Said
from replay.controls.scene import Scene
from replay.fold import ENDINGS, STOP

STOPPED = ("objected", "withdrawn")
SAYING_NO = (*STOP, ASSESSED)
"""Without one of these kinds of fact nothing is refused for what is in STOPPED."""
CONCERNED = frozenset(KINDS)


def unpermitted(look: Look) -> Iterator[Finding]:
    """C01: no message, call or survey without permission at that instant."""
    for send in look.sends:
        if not send.allowed:
            late = "sent_late_told" if send.told_late else "sent"
            yield _finding(look, send, "C01", late)
        elif send.now is not None and not send.now.allowed:
            yield _differing(look, send)


def after_a_no(look: Look) -> Iterator[Finding]:
    """C02: none after a withdrawal or an objection; with the delay."""
    for send in look.sends:
        if send.allowed or send.then.reasons[0] not in STOPPED:
            continue
        said = delay(look, send)
        found = _finding(look, send, "C02", "after_a_no" if said else "after_erased_no")
        days, hours = divmod(said // HOUR, 24) if said else (0, 0)
        yield found._replace(values={**found.values, "days": days, "hours": hours})


def automated(look: Look) -> Iterator[Finding]:
    """C10: a machine calls only with express consent, and proof of it."""
    for send in look.sends:
        if send.channel == "automated_call" and send.then.basis != "consent":
            yield _finding(look, send, "C10", "automated")


def delay(look: Look, send: Send) -> int | None:
    """Microseconds between the no that a send ignored and the send; None when the no outlived an
    erasure and its fact is gone."""
    said = [look.by_position.get(position) for position in send.then.rests_on]
    stops = [e.row.occurred_at for e in said if e is not None and e.row.kind in STOP]
    return send.at.at - max(stops) if stops else None


# --- of everybody at once -------------------------------------------------------------------------


def seek_unpermitted(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:
    """C01 finds nothing of whoever has only sends of sorts that were, and are, permitted."""
    sorts = sorts_of_sends(everybody, scene)
    guilty = (
        sort
        for sort, send in sorts.items()
        if send is None or not send.allowed or (send.now is not None and not send.now.allowed)
    )
    return (everybody.having_sends(tuple(guilty)),)


def seek_after_a_no(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:  # noqa: ARG001
    """C02 finds nothing of whoever said no to nothing that she was sent afterwards."""
    return (everybody.having_after(CONCERNED, SAYING_NO),)


def seek_automated(everybody: AtOnce, scene: Scene) -> tuple[Sought, ...]:  # noqa: ARG001
    """C10 finds nothing of whoever no machine called."""
    return (everybody.having_about(CONCERNED, channels=("automated_call",)),)


def sorts_of_sends(everybody: AtOnce, scene: Scene) -> dict[int, Send | None]:
    """Of each sort of sends the one by which it is numbered, judged. None: more was asked of her
    than makes the sort."""
    whose: dict[UUID, set[int]] = {}
    for subject, position in everybody.sorts_of_sends(heeded_by(scene)):
        whose.setdefault(subject, set()).add(position)
    found: dict[int, Send | None] = {one: None for some in whose.values() for one in some}
    for life in everybody.lives(everybody.of(whose)) if whose else ():
        for send in Look(life, scene).sends:
            if send.position in whose.get(life.subject, ()) and _is_told(send):
                found[send.position] = send
    return found


def _is_told(send: Send) -> bool:
    """Whether no answer was made by what stands apart of the choices: who gave an address, when;
    who is called, and at which hour."""
    return all(one is None or _is_of_choices(one) for one in (send.then, send.now))


def _is_of_choices(answer: Verdict) -> bool:
    if answer.channel in phone.CHANNELS:
        return not answer.allowed and not answer.rule.startswith(phone.RULES)
    return answer.rule != SOFT_OPT_IN


def heeded_by(scene: Scene) -> Heeded:
    """What the rules of permission ask about a send (`ledger/policy/permitting.py`)."""
    editions = scene.book.known(scene.known)
    purposes = [
        *((p.id, p.basis, p.validity_months) for e in editions for p in e.purposes.values()),
        *((p.purpose, p.basis, p.validity_months) for p in scene.declared_purposes()),
    ]
    validity: dict[str, set[int]] = {}
    for purpose, _, months in purposes:
        if months is not None:
            validity.setdefault(purpose, set()).add(months)
    return Heeded(
        sends=CONCERNED,
        saying=tuple(RANKS),
        grants=GRANTS,
        stops=STOPS,
        backdated=BACKDATED,
        stopping=PROTECTING,
        endings=tuple(ENDINGS),
        choices=CHOICES,
        served={purpose for purpose, basis, _ in purposes if basis == "contract"},
        serving=SERVING,
        validity=validity,
        told=scene.turns(),
        days={OPENS_DELIBERATED, *(edition.effective_from for edition in editions)},
        began=scene.began,
    )


def _finding(look: Look, send: Send, control: str, why: str) -> Finding:
    then = send.then
    return Finding(
        control,
        why,
        (send.position, *(p for p in then.rests_on if p != send.position)),
        look.subject,
        then.clause,
        then.article,
        {
            "purpose": look.scene.purpose(send.purpose),
            "channel": Said("channel", send.channel) if send.channel else "-",
            "reason": Said("permission_reason", then.reasons[0]),
        },
    )


def _differing(look: Look, send: Send) -> Finding:
    assert send.now is not None
    found = _finding(look, send, "C01", "sent_known_since")
    return found._replace(
        positions=(send.position, *(p for p in send.now.rests_on if p != send.position)),
        clause=send.now.clause,
        article=send.now.article,
        values={**found.values, "reason": Said("permission_reason", send.now.reasons[0])},
        weight="differs",
    )
