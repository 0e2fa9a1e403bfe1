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
