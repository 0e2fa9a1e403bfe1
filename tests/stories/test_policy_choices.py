"""What a person chose, as one of ten statuses, and why we say so."""

from __future__ import annotations

import pytest

from ledger import calendar as cal
from ledger.policy.evaluate import choice, choices
from ledger.policy.explain import either, explain
from ledger.policy.verdicts import ChoiceState
from ledger.projections.model import ChoiceKey, Expression, SubjectState, empty_state
from tests.stories.policy_room import BOOK, FIRST, edition, on

LETTER = ChoiceKey("newsletter", "email")


def said(
    kind: str, day: int = 20190310, position: int = 5, last_stop: int | None = None
) -> SubjectState:
    rank = 0 if kind in ("consent.given", "consent.renewed", "objection.lifted") else 1
    expression = Expression(
        at=cal.start_of(day),
        rank=rank,
        position=position,
        kind=f"{kind}.v1",
        day=day,
        edition=FIRST,
        grade="proved",
        actor="self",
        first_stop=last_stop,
        last_stop=last_stop,
    )
    return empty_state()._replace(consents={LETTER: expression})


def judged(state: SubjectState, day: str = "2020-01-01") -> ChoiceState:
    (found,) = choices(state, BOOK, on(day))
    return found


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("consent.given", "ConsentGiven", None),
        ("consent.renewed", "RenewedConsentGiven", None),
        ("consent.refused", "ConsentRefused", None),
        ("consent.withdrawn", "ConsentWithdrawn", None),
        ("consent.invalidated", "ConsentInvalidated", None),
        ("consent.requested", "ConsentRequested", None),
        ("objection.raised", "ConsentRefused", "objected"),
        ("objection.lifted", "ConsentUnknown", "objection_lifted"),
        ("objection.assessed", "ConsentUnknown", "objection_overridden"),
    ],
)
def test_each_expression_has_its_status(kind: str, status: str, reason: str | None):
    found = judged(said(kind))
    assert (found.state, found.reason, found.position) == (status, reason, 5)
    assert (found.edition, found.edition_number, found.grade) == (
        "softsystem-2018-11-20",
        FIRST,
        "proved",
    )
    assert (found.clause, found.article) == ("SS-COM-2", "CPCE art. L34-5")
    assert found.would_change


def test_a_person_who_said_nothing_is_unknown():
    assert choices(empty_state(), BOOK, on("2020-01-01")) == []
    found = choice(empty_state(), BOOK, on("2020-01-01"), None, "newsletter", "sms")
    assert (found.state, found.reason) == ("ConsentUnknown", "nothing_expressed")
    assert explain(found, "en")[-3:] == [
        "Nothing was ever expressed.",
        "With no new fact, the answer no longer changes.",
        "What would change it: consent or objection.",
    ]


def test_many_facts_that_would_change_an_answer_are_a_sentence():
    kinds = ("order.placed.v1", "customer.logged_in.v1", "contract.ended.v1")
    said = {n: either(kinds[:n], "en") for n in range(4)}
    assert said[3] == "order, login or end of a contract"
    assert (said[0], said[1], said[2]) == ("", "order", "order or login")
    assert either(kinds, "fr") == "commande, connexion ou fin de contrat"


def test_a_consent_expires_the_day_after_its_validity_ends():
    limited = edition(
        "2019-01-01",
        replace={
            'channels = ["email", "sms"]\nmarketing = true': (
                'channels = ["email", "sms"]\nmarketing = true\nvalidity_months = 13'
            )
        },
    )
    book = BOOK.with_edition(limited, 2)
    (fresh,) = choices(said("consent.given"), book, on("2020-04-10"))
    assert (fresh.state, fresh.flips_on) == ("ConsentGiven", 20200411)
    (stale,) = choices(said("consent.given"), book, on("2020-04-11"))
    assert (stale.state, stale.flips_on, stale.would_change) == (
        "ConsentExpired",
        None,
        ("consent.renewed.v1",),
    )
    (refused,) = choices(said("consent.refused"), book, on("2030-01-01"))
    assert refused.state == "ConsentRefused"  # a refusal does not wear out


@pytest.mark.parametrize(
    ("kind", "last_stop", "expected"),
    [
        ("consent.given", 9, True),  # a letter keyed later, dated before the grant
        ("consent.given", 3, False),
        ("consent.given", None, False),
        ("consent.withdrawn", 9, False),
    ],
)
def test_a_grant_with_a_withdrawal_recorded_after_it_asks_for_a_person(kind, last_stop, expected):
    found = judged(said(kind, last_stop=last_stop))
    assert found.needs_review is expected
    assert found.rests_on == ((5, 9) if expected else (5,))


def test_a_purpose_the_policy_does_not_declare_has_no_clause_and_is_still_answered():
    state = empty_state()._replace(
        consents={ChoiceKey("astrology", ""): said("consent.given").consents[LETTER]}
    )
    found = judged(state)
    assert (found.state, found.clause, found.label_fr) == ("ConsentGiven", None, "astrology")


def test_a_choice_is_explained_in_french():
    assert explain(judged(said("objection.raised")), "fr") == [
        "Lettres d'information et offres (par e-mail) : refus.",
        "Pourquoi : la personne s'est opposée.",
        "Clause SS-COM-2, CPCE art. L34-5.",
        "D'après : opposition du 10 mars 2019 (position 5), édition softsystem-2018-11-20, "
        "preuve : établie.",
        "Sans fait nouveau, la réponse ne change plus.",
        "Ce qui la changerait : accord ou levée d'une opposition.",
    ]
