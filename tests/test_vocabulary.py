"""Names are for ever: no kind of fact has changed its name or vanished.

Kinds are stored in ledgers that outlive this code. The list only grows; a changed meaning
is a `.v2`.
"""

from __future__ import annotations

import re

import pytest

from ledger.events import KINDS

PERMANENT = (
    "customer.registered.v1",
    "customer.account_opened.v1",
    "customer.account_closed.v1",
    "customer.profile_rectified.v1",
    "customer.logged_in.v1",
    "customer.contacted_us.v1",
    "consent.requested.v1",
    "consent.given.v1",
    "consent.refused.v1",
    "consent.withdrawn.v1",
    "consent.renewed.v1",
    "consent.invalidated.v1",
    "objection.raised.v1",
    "objection.assessed.v1",
    "objection.lifted.v1",
    "signal.received.v1",
    "optout.offered.v1",
    "order.placed.v1",
    "order.invoiced.v1",
    "order.paid.v1",
    "order.cancelled.v1",
    "order.refunded.v1",
    "contract.started.v1",
    "renewal.notified.v1",
    "contract.renewed.v1",
    "contract.amended.v1",
    "contract.ended.v1",
    "message.sent.v1",
    "message.opened.v1",
    "policy.published.v1",
    "policy.notified.v1",
    "fact.corrected.v1",
    "fact.voided.v1",
    "customer.commented.v1",
    "customer.restricted.v1",
    "customer.restriction_lifted.v1",
    "customer.directive_set.v1",
    "customer.directive_revoked.v1",
    "customer.died.v1",
    "customer.heir_requested.v1",
    "customer.minor_signalled.v1",
    "data.read.v1",
    "tracker.given.v1",
    "tracker.refused.v1",
    "tracker.withdrawn.v1",
    "card.kept.v1",
    "card.rebound.v1",
    "card.settled.v1",
    "card.removal_requested.v1",
    "card.removed.v1",
    "message.decided.v1",
    "call.placed.v1",
    "ticket.opened.v1",
    "ticket.closed.v1",
    "survey.sent.v1",
    "survey.answered.v1",
    "selection.run.v1",
    "hold.placed.v1",
    "hold.reviewed.v1",
    "hold.lifted.v1",
    "controller.declared.v1",
    "dpo.appointed.v1",
    "purpose.declared.v1",
    "recipient.declared.v1",
    "field.declared.v1",
    "obligation.declared.v1",
    "assessment.recorded.v1",
    "notice.published.v1",
    "form.published.v1",
    "data.disclosed.v1",
    "retention.ran.v1",
    "incident.detected.v1",
    "incident.notified.v1",
    "audience.measured.v1",
    "customer.class_archived.v1",
    "customer.class_erased.v1",
    "archive.consulted.v1",
    "access.granted.v1",
    "access.revoked.v1",
    "ledger.key_destroyed.v1",
    "ledger.pruned.v1",
    "ledger.log_key_added.v1",
    "ledger.log_key_retired.v1",
    "ledger.anchored.v1",
    "ledger.restored.v1",
    "ledger.kek_retired.v1",
    "ledger.kek_destroyed.v1",
    "tracker.attached.v1",
    "motive.received.v1",
    "motive.decided.v1",
    "customer.joined.v1",
    "request.received.v1",
    "request.acknowledged.v1",
    "request.identity_asked.v1",
    "request.identity_confirmed.v1",
    "request.qualified.v1",
    "request.recovered_from_queue.v1",
    "request.extended.v1",
    "request.fulfilled.v1",
    "request.partially_fulfilled.v1",
    "request.refused.v1",
    "request.recipients_notified.v1",
    "request.withdrawn.v1",
    "request.closed.v1",
    "recipient.told.v1",
    "recipient.acknowledged.v1",
    "report.issued.v1",
    "control.ran.v1",
)

KIND = re.compile(r"[a-z]+\.[a-z]+(_[a-z]+)*\.v[1-9][0-9]*")


@pytest.mark.parametrize("kind", PERMANENT)
def test_a_permanent_kind_is_still_known(kind: str) -> None:
    """A stored fact of this kind can still be read."""
    assert kind in KINDS, f"{kind} vanished; ledgers hold facts of that kind: bring it back"


def test_a_new_kind_is_written_in_the_permanent_list() -> None:
    """A kind joins the list in the same change that makes it possible to record it."""
    unlisted = sorted(set(KINDS) - set(PERMANENT))
    assert not unlisted, f"add to PERMANENT of tests/test_vocabulary.py: {unlisted}"


def test_a_kind_is_subject_dot_past_participle_dot_version() -> None:
    """The form that every reader of a ledger may count on."""
    assert [kind for kind in KINDS if not KIND.fullmatch(kind)] == []


def test_no_two_kinds_share_a_class() -> None:
    """A class is written under one name only, so that reading gives back what was written."""
    classes = list(KINDS.values())
    assert len(set(classes)) == len(classes)
