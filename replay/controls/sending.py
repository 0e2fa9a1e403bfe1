"""C01, C02, C10: what was sent and called, each judged at its own moment (t, known at t).

The verdict is the gate's (`ledger/policy/permissions.py`), the moment is that of
`ledger/policy/sends.py`. What became known since and would answer otherwise is told beside it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.calendar import HOUR
from ledger.policy.sends import KINDS, Send
from replay.controls.life import Look
from replay.controls.model import Finding, Said
from replay.fold import STOP

STOPPED = ("objected", "withdrawn")
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
