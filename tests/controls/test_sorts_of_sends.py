"""What makes two sends be of one sort, or of none: each story tells of two people who differ in one
thing, and are answered differently."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger.calendar import parse_as_of
from replay.controls.declaring import kept_longer
from replay.controls.life import Look
from replay.controls.run import scene_of
from tests.controls.room import FORM, LETTER, OTHER, SHE, Company
from tests.controls.seldom import corrected_to
from tests.controls.test_at_once import OPENERS
from tests.controls.test_sends_at_once import EDITIONS, agree

CLUB: dict[str, Any] = {"purpose": "club", "channel": "email"}
OPENS: dict[str, Any] = {"purpose": "email_open_tracking", "channel": "email"}
SURVEY: dict[str, Any] = {"purpose": "surveys", "channel": "email"}
YES, NO = "consent.given", "consent.withdrawn"


def sent(made: Company, when: str, *told: str, **said: Any) -> int:
    """A message."""
    return made.she("message.sent", when, *told, content="promotional", **{**LETTER, **said})


def said(made: Company, kind: str, when: str, *told: str, **more: Any) -> int:
    """A choice."""
    return made.she(kind, when, *told, **{**LETTER, **FORM, **more})


def declared(made: Company, when: str, told: str, **more: Any) -> None:
    """A purpose beside the editions."""
    club = {"purpose": "club", "basis": "consent", "article": "GDPR art. 6", "channels": ("email",)}
    made.tells("purpose.declared", when, told, marketing=False, **(club | more))


def imported_before_and_after(made: Company) -> None:
    sent(made, "2020-02-01", "2020-02-10", actor="import", **CLUB)
    declared(made, "2020-01-01", "2020-03-01")
    sent(made, "2020-02-01", "2020-04-01", actor="import", who=OTHER, **CLUB)


def imported_ahead(made: Company) -> None:
    sent(made, "2020-06-01", "2020-02-10", actor="import", **CLUB)
    declared(made, "2020-01-01", "2020-03-01")
    sent(made, "2020-06-01", "2020-04-01", actor="import", who=OTHER, **CLUB)


def told_late(made: Company) -> None:
    declared(made, "2020-01-01", "2020-03-01")
    sent(made, "2020-02-01", "2020-04-01", **CLUB)
    sent(made, "2020-04-02", who=OTHER, **CLUB)


def declared_ahead(made: Company) -> None:
    declared(made, "2020-03-01", "2020-01-10")
    sent(made, "2020-02-01", **CLUB)
    sent(made, "2020-04-01", who=OTHER, **CLUB)


def of_another_edition(made: Company) -> None:
    made.publishes(EDITIONS[2], "2020-01-05T08:00:00Z")
    for who in (SHE, OTHER):
        made.she("customer.logged_in", "2020-01-10", who=who)
    sent(made, "2021-12-31", **CLUB)
    sent(made, "2022-01-01", who=OTHER, **CLUB)


def known_at_that_very_instant(made: Company) -> None:
    declared(made, "2020-01-01", "2020-03-01T10:00:00Z")
    sent(made, "2020-03-01T10:00:00Z", **CLUB)
    sent(made, "2020-03-01T09:59:59.999999Z", "2020-03-02", who=OTHER, **CLUB)


def declared_of_that_very_instant(made: Company) -> None:
    declared(made, "2020-03-01T10:00:00Z", "2020-01-10")
    sent(made, "2020-03-01T10:00:00Z", **CLUB)
    sent(made, "2020-03-01T09:59:59.999999Z", "2020-03-02", who=OTHER, **CLUB)


def not_known_yet(made: Company) -> None:
    said(made, YES, "2020-01-10")
    sent(made, "2020-02-01")
    said(made, YES, "2020-01-10", "2020-05-01", who=OTHER)
    sent(made, "2020-02-01", "2020-06-01", who=OTHER)


def at_one_instant(made: Company) -> None:
    for who, again in ((SHE, "2020-01-10"), (OTHER, "2020-01-11")):
        said(made, NO, "2020-01-10", "2020-01-10", who=who)
        said(made, YES, again, "2020-01-11", who=who, actor="import")
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who)


def beside_a_no(made: Company) -> None:
    said(made, NO, "2020-02-01T10:00:00Z")
    for who in (SHE, OTHER):
        sent(made, "2020-02-01T10:00:00Z", who=who)


def only_later(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who)
    for who, when in ((SHE, "2020-02-01"), (OTHER, "2020-02-02")):
        sent(made, when, who=who)


def to_somebody_unknown(made: Company) -> None:
    sent(made, "2020-02-01", **SURVEY)
    sent(made, "2020-02-01", who=UUID(int=3), **SURVEY)


def young(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who)
    made.she("customer.minor_signalled", "2020-01-20", age="under_15", source="parent")
    for who in (OTHER, SHE):
        sent(made, "2020-02-01", who=who)


def proof_erased(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who)
    made.she("customer.class_erased", "2020-01-20", of="consent", reason="request", actor="system")
    for who in (OTHER, SHE):
        sent(made, "2020-02-01", who=who)


def dated_back(made: Company) -> None:
    for who, told in ((SHE, "2020-01-20T10:05:00Z"), (OTHER, "2020-01-20T10:05:00.000002Z")):
        said(made, NO, "2020-01-10", who=who)
        said(made, YES, "2020-01-20T10:00:00Z", told, who=who)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who)


def old(made: Company) -> None:
    said(made, YES, "2019-01-10", who=OTHER)
    made.publishes(EDITIONS[0], "2020-05-01T08:00:00Z")
    said(made, YES, "2020-05-10")
    for who in (SHE, OTHER):
        sent(made, "2020-07-01", who=who)


def old_as_declared(made: Company) -> None:
    declared(made, "2020-01-05", "2020-01-05", validity_months=3)
    for who, when in ((OTHER, "2020-01-10"), (SHE, "2020-03-10")):
        said(made, YES, when, who=who, **CLUB)
    for who in (SHE, OTHER):
        sent(made, "2020-05-01", who=who, **CLUB)


def old_as_known_since(made: Company) -> None:
    said(made, YES, "2019-01-10")
    sent(made, "2020-07-01")
    made.publishes(EDITIONS[0], "2020-09-01T08:00:00Z")


def served(made: Company) -> None:
    made.she("customer.logged_in", "2020-01-10")
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, purpose="service_message")


def voided(made: Company) -> None:
    given = [said(made, YES, "2020-01-10", who=who, **OPENS) for who in (SHE, OTHER)]
    made.she("fact.voided", "2020-01-20", ref=given[1], klass="consent", who=OTHER)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def without_channel(made: Company) -> None:
    said(made, YES, "2020-01-10")
    said(made, YES, "2020-01-10", who=OTHER, channel=None)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who)


def overridden(made: Company) -> None:
    for who, decision in ((SHE, "overridden"), (OTHER, "upheld")):
        said(made, "objection.raised", "2020-01-10", who=who, **SURVEY)
        said(made, "objection.assessed", "2020-01-20", who=who, decision=decision, **SURVEY)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **SURVEY)


def inferred(made: Company) -> None:
    for who, grade in ((SHE, "proved"), (OTHER, "inferred")):
        said(made, YES, "2020-01-10", who=who, **OPENS, grade=grade)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def the_other_way_round(made: Company) -> None:
    for who, kinds in ((SHE, (YES, NO)), (OTHER, (NO, YES))):
        for kind, when in zip(kinds, ("2020-01-10T10:00:00Z", "2020-01-20T10:00:00Z"), strict=True):
            said(made, kind, when, who=who)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who)


def of_another_purpose(made: Company) -> None:
    said(made, YES, "2020-01-10")
    said(made, YES, "2020-01-10", who=OTHER, **OPENS)
    sent(made, "2020-02-01")
    sent(made, "2020-02-01", who=OTHER, **OPENS)
    sent(made, "2020-02-02", who=OTHER)


def over_all_channels(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who)
    said(made, "objection.raised", "2020-01-20", channel=None)
    for who in (OTHER, SHE):
        sent(made, "2020-02-01", who=who)


def softly(made: Company) -> None:
    test = {"type": "balancing_test", "outcome": "favourable", "document": "A" * 43}
    made.tells("assessment.recorded", "2020-01-10", purpose="newsletter", **test)
    made.she("customer.account_opened", "2020-01-11")
    made.she("optout.offered", "2020-01-11", **LETTER, **FORM)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who)


def beside_a_call(made: Company) -> None:
    said(made, YES, "2020-01-10")
    sent(made, "2020-02-01")
    call = {"purpose": "phone_marketing", "channel": "phone", "outcome": "answered"}
    made.she("call.placed", "2020-02-03T10:00:00Z", **call)


def only_assessed(made: Company) -> None:
    said(made, "objection.assessed", "2020-01-10", decision="overridden")
    sent(made, "2020-02-01")


def corrected(made: Company) -> None:
    said(made, NO, "2020-01-10")
    at = sent(made, "2020-02-01", **SURVEY)
    restated = {"ref": at, "root": "message.sent.v1", "class": "message"}
    made.she("fact.corrected", "2020-02-01", "2020-02-03", **corrected_to(restated), **LETTER)
    call = {"purpose": "phone_marketing", "channel": "phone", "outcome": "answered"}
    at = made.she("call.placed", "2020-02-03T10:00:00Z", who=OTHER, **call)
    restated = {"ref": at, "root": "call.placed.v1", "class": "message"}
    machine = {"purpose": "automated_call", "channel": "automated_call"}
    restating = corrected_to(restated)
    made.she("fact.corrected", "2020-02-03", "2020-02-04", who=OTHER, **restating, **machine)


def archived(
    made: Company, until: int, of: str = "account", when: str = "2021-02-01", **said: Any
) -> None:
    """Something of hers is archived."""
    why = {"article": "C. com. art. L110-4", "reason": "term", "actor": "system"}
    made.she("customer.class_archived", when, of=of, until=until, **why, **said)


def archived_before_she_came_back(made: Company) -> None:
    made.she("customer.logged_in", "2015-01-10", "2019-01-10", actor="import")
    archived(made, 20301231)
    made.she("customer.logged_in", "2021-01-10", "2021-03-01")  # told of after it


def archived_before_she_will_come_back(made: Company) -> None:
    made.she("customer.logged_in", "2015-01-10", "2019-01-10", actor="import")
    made.she("customer.logged_in", "2021-03-01", "2019-01-10", actor="import")
    archived(made, 20301231)


def archived_beside_another(made: Company) -> None:
    for item, when in (("i1", "2010-01-10"), ("i2", "2020-01-10")):
        made.she("order.invoiced", when, "2020-02-10", item=item, actor="import")
    archived(made, 20291231, "invoice", item="i1")


def archived_after_what_moves_no_clock(made: Company) -> None:
    made.she("customer.logged_in", "2015-01-10", "2019-01-10", actor="import")
    made.she("customer.contacted_us", "2020-01-10", channel="form")
    archived(made, 20291231)


def archived_after_a_void(made: Company) -> None:
    made.she("customer.logged_in", "2015-01-10", "2019-01-10", actor="import")
    at = made.she("customer.logged_in", "2020-01-10")
    made.she("fact.voided", "2020-01-20", ref=at, klass="security_log")
    archived(made, 20291231)


def archived_by_an_edition_that_keeps_less(made: Company) -> None:
    made.publishes(EDITIONS[1], "2020-01-05T08:00:00Z")
    made.she("customer.logged_in", "2020-06-10")
    archived(made, 20300610, when="2021-03-01")


def erased(made: Company, when: str, *told: str, **said: Any) -> None:
    """The proof of what she chose is erased."""
    gone = {"of": "consent", "reason": "term", "actor": "system", **said}
    made.she("customer.class_erased", when, *told, **gone)


def erased_before_or_after(made: Company) -> None:
    erased(made, "2020-01-05")
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who, **OPENS)
    erased(made, "2020-01-20", who=OTHER)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def erased_and_told_the_other_way_round(made: Company) -> None:
    said(made, YES, "2020-01-10", **OPENS)
    for who in (SHE, OTHER):
        erased(made, "2020-01-20", who=who)
    said(made, YES, "2020-01-10", "2020-01-22", who=OTHER, actor="import", **OPENS)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def erased_in_part(made: Company) -> None:
    for who, item in ((SHE, None), (OTHER, "i1")):
        said(made, YES, "2020-01-10", who=who, **OPENS)
        erased(made, "2020-01-20", who=who, item=item)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def erased_for_another_reason(made: Company) -> None:
    for who, reason in ((SHE, "term"), (OTHER, "request")):
        erased(made, "2020-01-20", who=who, reason=reason)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **SURVEY)


def archived_instead(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who, **OPENS)
    erased(made, "2020-01-20")
    archived(made, 20301231, of="consent", when="2020-01-20", who=OTHER)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def erasure_not_known_yet(made: Company) -> None:
    for who, told in ((SHE, "2020-01-20"), (OTHER, "2020-03-01")):
        said(made, YES, "2020-01-10", who=who, **OPENS)
        erased(made, "2020-01-20", told, who=who)
        sent(made, "2020-02-01", "2020-04-01", who=who, **OPENS)


def erasure_corrected(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, YES, "2020-01-10", who=who, **OPENS)
        erased(made, "2020-01-20", who=who)
    at = made.events[-1].row.position
    made.she("fact.voided", "2020-01-21", ref=at, klass="rights", who=OTHER)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **OPENS)


def no_longer_so_young(made: Company) -> None:
    for who, ages in ((SHE, ("under_18", "under_15")), (OTHER, ("under_15", "under_18"))):
        for age, when in zip(ages, ("2020-01-10T10:00:00Z", "2020-01-20T10:00:00Z"), strict=True):
            made.she("customer.minor_signalled", when, age=age, source="parent", who=who)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **SURVEY)


def restricted_still(made: Company) -> None:
    for who, ground in ((SHE, "claims"), (OTHER, "accuracy")):
        made.she("customer.restricted", "2020-01-10", ground="accuracy", who=who)
        lifted = {"ground": ground, "informed": 20200115}
        made.she("customer.restriction_lifted", "2020-01-20", who=who, **lifted)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, **SURVEY)


def whose_heirs_objected(made: Company) -> None:
    for who, wish in ((SHE, "closing"), (OTHER, "objection")):
        made.she("customer.logged_in", "2020-01-05", who=who)
        made.she("customer.died", "2020-01-10", source="notary", who=who)
        made.she("customer.heir_requested", "2020-01-20", wish=wish, who=who)
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, purpose="service_message")


def by_a_machine(made: Company) -> None:
    machine = {"purpose": "automated_call", "channel": "automated_call"}
    said(made, YES, "2023-05-10", grade="proved", **machine)
    for when in ("2023-06-06T09:00:00Z", "2023-06-11T09:00:00Z"):  # a Tuesday, a Sunday
        for who in (SHE, OTHER):
            made.she("call.placed", when, who=who, outcome="answered", **machine)


def sent_as_corrected(made: Company) -> None:
    for who in (SHE, OTHER):
        said(made, NO, "2020-01-10", who=who)
    at, _ = (sent(made, "2020-02-01", who=who, **SURVEY) for who in (SHE, OTHER))
    restated = {"ref": at, "root": "message.sent.v1", "class": "message"}
    made.she("fact.corrected", "2020-02-01", "2020-02-03", **corrected_to(restated), **LETTER)


def served_as_corrected(made: Company) -> None:
    at = [made.she("order.placed", "2020-01-10", item="i1", who=who) for who in (SHE, OTHER)][1]
    restated = {"ref": at, "root": "order.placed.v1", "class": "order"}
    made.she("fact.corrected", "2020-03-01", "2020-01-20", who=OTHER, **corrected_to(restated))
    for who in (SHE, OTHER):
        sent(made, "2020-02-01", who=who, purpose="service_message")


def known_by_what_was_voided(made: Company) -> None:
    third = UUID(int=3)
    at = made.she("customer.logged_in", "2020-01-10", who=third)
    made.she("fact.voided", "2020-01-20", ref=at, klass="security_log", who=third)
    for who in (SHE, third):
        sent(made, "2020-02-01", who=who, **SURVEY)


STORIES = (
    *(imported_before_and_after, imported_ahead, told_late, declared_ahead, of_another_edition),
    *(known_at_that_very_instant, declared_of_that_very_instant, not_known_yet, at_one_instant),
    *(
        beside_a_no,
        only_later,
        to_somebody_unknown,
        young,
        proof_erased,
        dated_back,
        old,
        old_as_declared,
    ),
    *(old_as_known_since, served, voided, without_channel, overridden, inferred),
    *(the_other_way_round, of_another_purpose, over_all_channels, softly, beside_a_call),
    *(only_assessed, corrected, archived_before_she_came_back),
    *(archived_before_she_will_come_back, archived_beside_another, archived_after_a_void),
    *(archived_after_what_moves_no_clock, archived_by_an_edition_that_keeps_less),
    *(erased_before_or_after, erased_and_told_the_other_way_round, erased_in_part),
    *(erased_for_another_reason, archived_instead, erasure_not_known_yet, erasure_corrected),
    *(no_longer_so_young, restricted_still, whose_heirs_objected, by_a_machine),
    *(sent_as_corrected, served_as_corrected, known_by_what_was_voided),
)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_of_two_who_differ_in_one_thing(story: Callable[[Company], None], tmp_path: Path) -> None:
    """In the end, and before the last of it had happened or was known."""
    made = Company()
    for who in (SHE, OTHER):
        made.she("customer.registered", "2018-12-01", who=who)
    story(made)
    made.as_of = parse_as_of("2026-01-05")
    agree(made, OPENERS["one share"], tmp_path)
    made.as_of = made.events[-1].row.occurred_at - 1
    agree(made, OPENERS["one share"], tmp_path)
    made.as_of, made.known = parse_as_of("2026-01-05"), made.known - 1
    agree(made, OPENERS["one share"], tmp_path)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
def test_each_of_these_stories_is_of_a_difference(story: Callable[[Company], None]) -> None:
    """Else it would be told in vain: of what was permitted, or of what is kept too long."""
    made = Company()
    for who in (SHE, OTHER):
        made.she("customer.registered", "2018-12-01", who=who)
    story(made)
    made.as_of = parse_as_of("2026-01-05")
    scene, _ = scene_of(made)
    looks = [Look(life, scene) for life in made.lives()]
    answers = {
        tuple((send.then.reasons, send.now and send.now.reasons) for send in look.sends)
        for look in looks
    }
    kept = any(True for look in looks for _ in kept_longer(look))
    assert (len(answers) > 1 or kept) == (story is not only_later)
