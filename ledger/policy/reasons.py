"""Why a deadline is what it is: what it rests on, what did not count, what would change it."""

from __future__ import annotations

from functools import lru_cache

from ledger.policy.clocks import Candidate, Case
from ledger.policy.model import CONTRACT_ENDED, REGISTERED
from ledger.policy.verdicts import NotCounted, Suspension

_REASONS = {
    REGISTERED: "registration",
    "customer.account_opened.v1": "administrative",
    "customer.account_closed.v1": "administrative",
    "customer.profile_rectified.v1": "administrative",
    "customer.logged_in.v1": "client_activity",
    "customer.contacted_us.v1": "contact_only",
    "order.placed.v1": "client_activity",
    "order.invoiced.v1": "follows_an_order",
    "order.paid.v1": "follows_an_order",
    "order.cancelled.v1": "follows_an_order",
    "order.refunded.v1": "follows_an_order",
    "contract.started.v1": "contract_interval",
    "contract.renewed.v1": "contract_interval",
    "contract.amended.v1": "contract_interval",
    CONTRACT_ENDED: "client_activity",
    "renewal.notified.v1": "outbound",
    "message.sent.v1": "outbound",
    "message.opened.v1": "opened",
    "policy.notified.v1": "outbound",
    "optout.offered.v1": "outbound",
    "consent.requested.v1": "outbound",
    "ticket.opened.v1": "contact_only",
    "ticket.closed.v1": "administrative",
    "message.decided.v1": "outbound",
    "call.placed.v1": "outbound",
    "survey.sent.v1": "outbound",
    "data.read.v1": "administrative",
    "motive.received.v1": "choice",
    "motive.decided.v1": "administrative",
    "customer.joined.v1": "administrative",
}
ACTIVITY = frozenset(
    kind for kind, reason in _REASONS.items() if reason in ("client_activity", "contact_only")
)
"""What a person does that keeps her a client or a prospect (SS-ACT-1 to SS-ACT-3): other facts may
move the clock of a class of their own (our messages, her choices) and are no activity of hers."""


def rests_on(
    case: Case, winner: Candidate, suspended_by: tuple[Suspension, ...]
) -> tuple[int, ...]:
    """The positions of the facts that made the answer, in order."""
    notified = case.state.notified
    if not suspended_by and notified is None:
        return (winner.position,)
    positions: list[int | None] = [winner.position]
    if suspended_by:
        contracts = case.contracts
        suspending = [contracts[s.item] for s in suspended_by]
        positions = [contract.from_position for contract in suspending]
        positions += [contract.planned_position for contract in suspending]
    if notified is not None and winner.edition < notified.edition and len(case.reign.chain) > 1:
        positions.append(notified.position)
    return tuple(sorted({position for position in positions if position}))


def not_counted(
    case: Case, winner: Candidate, known: dict[int, NotCounted]
) -> tuple[NotCounted, ...]:
    """The facts later than what counted that this clock passed over, one line per kind, latest
    first: an older one would change nothing if it did count. `known`: what other clocks of hers say
    of them, by position."""
    found: dict[str, NotCounted] = {}
    later = case.of.moved_by
    for (_, _, kind, _), span in case.others:
        position = span.last_position
        if (span.last_day, position) < (winner.day, winner.position):
            break
        if kind in found or (kind == winner.kind and span.first_position == winner.position):
            continue
        if kind in later:  # a later edition counts such facts, but not those recorded before
            found[kind] = NotCounted(kind, span.last_day, position, "counts_later")
            continue
        if position not in known:
            known[position] = NotCounted(kind, span.last_day, position, _reason(kind))
        found[kind] = known[position]
    return tuple(found.values())


def _reason(kind: str) -> str:
    if kind.startswith(("consent.", "objection.", "signal.")):
        return _REASONS.get(kind, "choice")
    return _REASONS.get(kind, "other")


def would_change(
    case: Case, winner: Candidate, suspended_by: tuple[Suspension, ...]
) -> tuple[str, ...]:
    """The kinds of the smallest facts that would give another answer."""
    if suspended_by:
        return (CONTRACT_ENDED,)
    if case.of.clock != "item":
        return _moving(case.of.moved_by)
    if winner.source == "planned_end":
        return ("contract.renewed.v1",)
    return ("fact.corrected.v1",)


@lru_cache(maxsize=1024)
def _moving(moved_by: tuple[str, ...]) -> tuple[str, ...]:
    """The kinds that move a clock, by name; of a contract that ends its own row tells."""
    return tuple(sorted(set(moved_by) - {CONTRACT_ENDED}))
