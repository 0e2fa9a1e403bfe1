"""The lints of a policy: each has an edition that breaks it alone, and one that does not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from ledger.events import KINDS
from ledger.policy.book import shipped, shipped_bytes
from ledger.policy.diff import lengthened
from ledger.policy.explain import words
from ledger.policy.lint import described, lint
from ledger.policy.lint.rules import RULES
from ledger.policy.loader import load_edition
from ledger.policy.model import Edition, PolicyError
from ledger.policy.statements import TOPICS
from tests.stories.policy_room import BOOK

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"
CORRECTED = (EXAMPLES / "softsystem-corrected.toml").read_text("utf-8")
TODAY = 20270101
NUMBERS = tuple(f"L{n:02d}" for n in range(1, 27))


def said(topic: str, value: str, about: str = "") -> tuple[str, str]:
    """The corrected edition's statement on a topic, and what to say instead."""
    of = f'class = "{about}"\n' if about else ""
    found = re.search(rf'topic = "{topic}"\n{of}value = .*\n', CORRECTED)
    assert found, topic
    return found[0], f'topic = "{topic}"\n{of}value = {value}\n'


def basis(purpose: str, value: str) -> tuple[str, str]:
    """The basis of a purpose of the corrected edition, and another."""
    found = re.search(rf'id = "{purpose}"\n.*?basis = "\w+"\n', CORRECTED, re.DOTALL)
    assert found, purpose
    return found[0], re.sub(r'basis = "\w+"', f'basis = "{value}"', found[0])


def changed(*changes: tuple[str, str]) -> Edition:
    """The corrected edition with these texts replaced."""
    text = CORRECTED
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return load_edition(text.encode(), "variant.toml", KINDS)


def of_class(name: str, old: str, new: str) -> tuple[str, str]:
    """A key of a class of the corrected edition, and another value."""
    found = re.search(rf'\[\[class\]\]\nname = "{name}"\n.*?{re.escape(old)}', CORRECTED, re.DOTALL)
    assert found, name
    return found[0], found[0][: -len(old)] + new


FOUR = '["at_sale", "own_analogous", "optout_offered", "optout_in_each"]'
BREAKING = [
    ("L01", said("answer_months", "2"), "2"),
    ("L02", said("identity_proof", '"systematic"'), "systematic"),
    ("L03", said("rights_through_dpo", "false"), "false"),
    ("L04", said("soft_opt_in", FOUR), "newsletter, from_person"),
    ("L05", said("open_tracking", '"without_consent"'), "without_consent"),
    ("L05", basis("email_open_tracking", "legitimate_interest"), "legitimate_interest"),
    ("L06", basis("phone_marketing", "legitimate_interest"), "phone_marketing"),
    ("L07", said("archive_months", "[60, 60]", "contact"), "contact: 60-60"),
    ("L08", of_class("account", "published_months = 24", "published_months = 36"), "account: 36"),
    ("L09", said("marketing_months", "0"), "0"),
    ("L09", said("marketing_months", "60"), "60"),
    ("L10", said("archive_months", "[60, 120]", "order"), "order: 60-120"),
    ("L10", said("archive_months", "[180, 180]", "order"), "order: 180-180"),
    ("L11", said("archive_content", '"everything"'), "everything"),
    ("L12", said("card_proof_start", '"payment"'), "payment"),
    ("L12", said("card_proof_kinds", '"all_alike"'), "all_alike"),
    ("L13", said("subscription_card_end", '"none"'), "none"),
    ("L14", said("wallet_consent", '"bundled"'), "bundled"),
    ("L15", said("recipients", '["psp"]'), "hosting, mailing"),
    ("L16", said("security_log_months", "0"), "0"),
    ("L17", said("audience_measure", '"without_consent"'), "without_consent"),
    ("L18", said("objection_to_marketing", '"conditional"'), "conditional"),
    ("L19", said("contract_and_consent", '"mixed"'), "mixed"),
    ("L20", said("purposes_without_basis", '["surveys"]'), "surveys"),
    ("L21", said("elements_told", '["transfers", "source", "consequence"]'), "automated_decisions"),
    ("L22", said("changes", '"any_time"'), "any_time"),
    ("L23", said("account_closure", '"closure_only"'), "closure_only"),
    ("L24", said("rights_mailbox", '"shared"'), "shared"),
    ("L25", said("minors", '"not_meant"'), "not_meant"),
    ("L26", said("wallet_expiry", '"undeclared"'), "undeclared"),
]


def test_the_corrected_example_is_clean_and_every_rule_could_judge() -> None:
    report = lint(changed(), TODAY)
    assert (report.findings, report.undeclared, report.to_come) == ((), {}, ())
    assert not report.is_contrary


@pytest.mark.parametrize(("rule", "change", "seen"), BREAKING, ids=lambda v: str(v)[:12])
def test_an_edition_that_breaks_one_rule_breaks_it_alone(
    rule: str, change: tuple[str, str], seen: str
) -> None:
    (found,) = lint(changed(change), TODAY).findings
    assert (found.rule.id, found.seen) == (rule, seen)


def test_every_rule_has_a_story() -> None:
    assert {rule for rule, _, _ in BREAKING} == {rule.id for rule in RULES} == set(NUMBERS)


@pytest.mark.clause("SS-DSR-10", "SS-DSR-9", "SS-DPO-1", "SS-RET-7", "SS-RET-4", "SS-REC-1")
def test_the_softsystem_edition_breaks_all_twenty_six_today() -> None:
    report = lint(shipped(), 20261127)
    assert [found.rule.id for found in report.findings] == list(NUMBERS)
    assert (report.undeclared, report.to_come) == ({}, ())
    assert report.is_contrary
    severities = [found.rule.severity for found in report.findings]
    assert [severities.count(s) for s in ("error", "warning", "review")] == [13, 10, 3]
    clauses = {found.rule.id: found.clause for found in report.findings}
    assert (clauses["L01"], clauses["L10"], clauses["L22"]) == (
        *("SS-DSR-10", "SS-RET-7"),
        "SS-POL-2",
    )
    assert set(clauses.values()) <= shipped().clauses.keys()


@pytest.mark.parametrize(
    ("day", "to_come"),
    [
        (20181120, {"L05", "L06", "L08", "L16", "L17"}),
        (20260413, {"L05", "L06"}),
        (20260414, {"L06"}),
        (20260810, {"L06"}),
        (20260811, set()),
    ],
)
def test_a_law_is_a_dated_rule(day: int, to_come: set[str]) -> None:
    report = lint(shipped(), day)
    assert set(report.to_come) == to_come
    assert {found.rule.id for found in report.findings} == set(NUMBERS) - to_come


def test_what_an_edition_does_not_declare_is_not_guessed() -> None:
    """An edition of before there were statements is read, and most rules cannot judge it."""
    old = re.sub(r"\[\[statement\]\]\n(?:\w+ = .*\n)+", "", shipped_bytes().decode())
    report = lint(load_edition(old.encode(), "old.toml", KINDS), 20261127)
    assert [found.rule.id for found in report.findings] == ["L08"]
    assert report.undeclared.keys() == set(NUMBERS) - {"L08"}
    assert report.undeclared["L01"] == "answer_months"


def test_a_recorded_ground_justifies_a_long_account_and_consent_needs_no_conditions() -> None:
    longer = of_class("account", "published_months = 24", "published_months = 36")
    ground = '[[statement]]\ntopic = "long_term_ground"\nclass = "account"\nvalue = "fraud"\n'
    first = "[[statement]]\n" + 'topic = "answer_months"'
    excused = (first, f'{ground}clause = "SS-RET-6"\n\n{first}')
    assert lint(changed(longer, excused), TODAY).findings == ()
    none_stated = said("soft_opt_in", "[]")
    assert lint(changed(none_stated, basis("newsletter", "consent")), TODAY).findings == ()
    companies_only = said("consumers", "false")
    opt_out = basis("phone_marketing", "legitimate_interest")
    assert lint(changed(companies_only, opt_out), TODAY).findings == ()


@pytest.mark.parametrize("lang", ["fr", "en"])
def test_each_finding_speaks_both_languages(lang: str) -> None:
    for found in lint(shipped(), 20261127).findings:
        told = described(found, "fr" if lang == "fr" else "en")
        assert all(sentence.endswith(".") for sentence in told.values()), found.rule.id
    for section in ("lint_found", "lint_looked", "lint_proposed"):
        assert tuple(words("fr")[section]) == tuple(words("en")[section]) == NUMBERS


def test_the_example_can_follow_the_edition_of_2018_and_keeps_nothing_longer() -> None:
    corrected = changed()
    assert BOOK.with_edition(corrected, 2).entries[-1].edition == corrected
    assert lengthened(shipped(), corrected) == ()
    text = (EXAMPLES / "softsystem-corrected.txt").read_bytes()
    assert corrected.published_sha256 == hashlib.sha256(text).hexdigest()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (said("answer_months", '"2 months"'), "a whole number of months"),
        (said("answer_months", "true"), "a whole number of months"),
        (said("identity_proof", '"sometimes"'), "one of systematic, on_doubt"),
        (said("rights_through_dpo", '"no"'), "true or false"),
        (said("elements_told", '["source", "source"]'), "each once"),
        (said("elements_told", '["weather"]'), "a list of transfers"),
        (said("archive_months", "[120, 60]", "order"), "least, most"),
        (said("archive_months", "60", "order"), "least, most"),
        (('topic = "answer_months"', 'topic = "manners"'), "'topic' must be one of"),
        (('topic = "answer_months"', 'topic = "answer_months"\nclass = "order"'), "unknown key"),
        (('topic = "archive_months"\nclass = "order"', 'topic = "archive_months"'), "is missing"),
        (('class = "order"\nvalue = [60', 'class = "account"\nvalue = [60'), "said twice"),
    ],
)
def test_a_statement_is_of_a_known_topic_has_its_form_and_is_made_once(
    change: tuple[str, str], what: str
) -> None:
    with pytest.raises(PolicyError, match=re.escape(what)):
        changed(change)


def test_every_topic_is_looked_at_by_a_rule_by_the_register_or_is_a_term() -> None:
    looked = {name for rule in RULES for name in rule.looks_at}
    assert TOPICS.keys() - looked == {"security_measures", "confirmation_days"}
