"""From a batch of facts about to be written to the rows of the live tables that change. Pure.

The recorder asks `wanted` which rows to read first, hands them to `changes`, writes the outcome in
the same transaction, and folds again from all their events the subjects in `refold`: those whose
facts were corrected or voided, or whose contract facts came in too late to be added to a row.
Rows come in the order of their positions, all higher than any position folded before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias
from uuid import UUID

from ledger.events import CORRECTION, VOID, Row
from ledger.projections import activity, consents, contracts, ended
from ledger.projections.model import (
    ActivityKey,
    ChoiceKey,
    Contract,
    Ended,
    EndedKey,
    Expression,
    Notified,
    Span,
    SubjectState,
)

NOTIFIED = "policy.notified.v1"
PRIOR_KINDS = frozenset(
    {*contracts.TOUCHES, *consents.RANKS, *ended.TIERS, NOTIFIED, CORRECTION, VOID}
)

ContractRef: TypeAlias = tuple[UUID, str]
ChoiceRef: TypeAlias = tuple[UUID, ChoiceKey]


class Wanted(NamedTuple):
    """Keys of the live rows that must be read before the batch can be folded."""

    contracts: set[ContractRef]
    consents: set[ChoiceRef]
    notified: set[UUID]

    def __bool__(self) -> bool:
        """Whether anything must be read at all."""
        return bool(self.contracts or self.consents or self.notified)


class Prior(NamedTuple):
    """Those rows, as they are before the batch; a missing key means there is no row."""

    contracts: dict[ContractRef, Contract]
    consents: dict[ChoiceRef, Expression]
    notified: dict[UUID, Notified]


class Changes(NamedTuple):
    """What a batch changes: spans to merge into `activity`, whole rows for the other tables, and
    subjects to fold again from all their events (none of them appears in the other fields)."""

    activity: dict[tuple[UUID, ActivityKey], Span]
    contracts: dict[ContractRef, Contract]
    consents: dict[ChoiceRef, Expression]
    notified: dict[UUID, Notified]
    ended: dict[tuple[UUID, EndedKey], Ended]
    refold: set[UUID]


NOTHING = Prior({}, {}, {})
"""The prior of a batch that wants no row. Never written to."""


def is_correction(row: Row) -> bool:
    """Whether this fact changes what an earlier one says."""
    return row.kind in activity.META


def wanted(rows: Iterable[Row]) -> Wanted:
    """Which contract, consent and notification rows the batch builds on."""
    found = Wanted(set(), set(), set())
    for row in rows:
        kind, subject = row.kind, row.subject
        if kind not in PRIOR_KINDS or subject is None:
            continue
        if kind in contracts.TOUCHES:
            found.contracts.add((subject, row.item or ""))
        elif kind == NOTIFIED:
            found.notified.add(subject)
        elif consents.is_expression(row):
            found.consents.add((subject, consents.key_of(row)))
    return found


def changes(rows: Sequence[Row], prior: Prior) -> Changes:
    """What the batch changes, given the rows that `wanted` named."""
    out = Changes(_activity(rows), {}, {}, {}, {}, set())
    for row in rows:
        if row.kind in PRIOR_KINDS and row.subject is not None:
            _change(out, prior, row, row.subject)
    if not out.refold:
        return out
    again = out.refold
    return Changes(
        {ref: span for ref, span in out.activity.items() if ref[0] not in again},
        {ref: contract for ref, contract in out.contracts.items() if ref[0] not in again},
        {ref: expression for ref, expression in out.consents.items() if ref[0] not in again},
        {subject: told for subject, told in out.notified.items() if subject not in again},
        {ref: how for ref, how in out.ended.items() if ref[0] not in again},
        again,
    )


def state_of(rows: Iterable[Row]) -> SubjectState:
    """The state of one subject from all her rows in position order, corrections resolved.

    Contract facts are folded in the order in which they happened, so none of them is late.
    """
    facts = standing(rows)
    state = SubjectState(dict(_spans(facts)), {}, {}, None, {})
    told: Notified | None = None
    for row in facts:
        if row.kind == NOTIFIED:
            told = _told(told, row)
        elif row.kind in ended.TIERS:
            state.ended.update(filter(None, [ended.delta(row)]))
        elif consents.is_expression(row):
            choice = consents.key_of(row)
            expression = consents.apply(state.consents.get(choice), row)
            if expression is not None:
                state.consents[choice] = expression
    plans = (row for row in facts if row.kind in contracts.TOUCHES)
    for row in sorted(plans, key=lambda row: (row.occurred_at, row.position)):
        item = row.item or ""
        state.contracts[item] = contracts.apply(state.contracts.get(item), row)
    return state._replace(notified=told)


def _change(out: Changes, prior: Prior, row: Row, subject: UUID) -> None:
    """Fold one fact that touches more than activity."""
    kind = row.kind
    if kind in contracts.TOUCHES:
        contract_ref = (subject, row.item or "")
        contract = out.contracts.get(contract_ref) or prior.contracts.get(contract_ref)
        if contracts.is_late(contract, row):
            out.refold.add(subject)
        out.contracts[contract_ref] = contracts.apply(contract, row)
    elif kind == NOTIFIED:
        told = _told(out.notified.get(subject) or prior.notified.get(subject), row)
        if told is not None:
            out.notified[subject] = told
    elif kind in ended.TIERS:
        if (what := ended.delta(row)) is not None:
            out.ended[subject, what[0]] = what[1]
    elif kind in consents.RANKS:
        if consents.is_expression(row):
            choice_ref = (subject, consents.key_of(row))
            known = out.consents.get(choice_ref) or prior.consents.get(choice_ref)
            expression = consents.apply(known, row)
            if expression is not None:
                out.consents[choice_ref] = expression
    else:
        out.refold.add(subject)


def _activity(rows: Iterable[Row]) -> dict[tuple[UUID, ActivityKey], Span]:
    """`activity.delta` of every row, merged per key. The importer's hot path: one dictionary probe
    a fact, and spans and keys built once per key."""
    merged: dict[SpanKey, list[int]] = {}
    also_of, meta = activity.ALSO.get, activity.META
    for row in rows:
        subject, klass, kind = row.subject, row.klass, row.kind
        if subject is None or klass is None or kind in meta:
            continue
        item = row.item or ""
        also = also_of(kind)
        extend(
            merged,
            (subject, klass, "" if also else item, kind, row.edition),
            row.local_day,
            row.position,
        )
        if also and item:
            extend(merged, (subject, also, item, kind, row.edition), row.local_day, row.position)
    return {(key[0], ActivityKey(*key[1:])): Span(*span) for key, span in merged.items()}


SpanKey: TypeAlias = tuple[UUID, str, str, str, int]


def extend(merged: dict[SpanKey, list[int]], key: SpanKey, day: int, position: int) -> None:
    """Add one fact to the span of its key; its position is the highest yet."""
    span = merged.get(key)
    if span is None:
        merged[key] = [day, position, day, position, 1]
        return
    if day < span[0]:
        span[0], span[1] = day, position
    if day >= span[2]:
        span[2], span[3] = day, position
    span[4] += 1


def _spans(facts: Iterable[Row]) -> Iterable[tuple[ActivityKey, Span]]:
    return ((key, span) for (_, key), span in _activity(facts).items())


def _told(told: Notified | None, row: Row) -> Notified | None:
    """The notification that counts: the highest edition, the first time she was told of it."""
    if row.until_day is None:
        return told
    new = Notified(row.until_day, row.local_day, row.position)
    if told is None or new.edition > told.edition:
        return new
    if new.edition == told.edition and (new.day, new.position) < (told.day, told.position):
        return new
    return told


def standing(rows: Iterable[Row]) -> list[Row]:
    """The facts that stand: voided ones gone, corrected ones as their last correction says."""
    roots: dict[int, Row] = {}
    verdicts: dict[int, Row] = {}
    for row in rows:
        if row.kind not in activity.META:
            roots[row.position] = row
        elif row.ref_position is not None:
            verdicts[row.ref_position] = row
    for position, verdict in verdicts.items():
        root = roots.get(position)
        if root is not None:
            if verdict.kind == VOID:
                del roots[position]
            else:
                roots[position] = corrected(root, verdict)
    return list(roots.values())


def corrected(root: Row, correction: Row) -> Row:
    """The fact as it should have read: the correction's columns, the root's identity.

    Kind, place in history, era and actor stay the root's.
    """
    return correction._replace(
        position=root.position,
        stream=root.stream,
        version=root.version,
        kind=root.kind,
        subject=root.subject,
        actor=root.actor,
        edition=root.edition,
        ref_position=root.ref_position,
        recorded_at=root.recorded_at,
    )
