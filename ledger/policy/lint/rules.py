"""The twenty-six rules, each with the day it is in force from.

A law is a dated rule: changing one means adding a rule and its day, never editing an edition. The
days are those of the texts named beside them; where a rule of ours is a benchmark (24 months for an
account), the regulator's text it comes from is named. Read next: `sayings.py`.
"""

from __future__ import annotations

from ledger.calendar import Day
from ledger.policy.lint.sayings import Rule, Sayings, Severity, Test, Unsaid
from ledger.policy.statements import ELEMENTS, SOFT_OPT_IN

GDPR: Day = 20180525  # applies from that day (art. 99(2))
LCEN: Day = 20040622  # CPCE art. L34-5, loi 2004-575 art. 22
CARDS: Day = 20180906  # CNIL délib. 2018-303
TRACKERS: Day = 20200917  # CNIL guidelines and recommendation on LIL art. 82
LOGS: Day = 20211014  # CNIL délib. 2021-122
CUSTOMERS: Day = 20220203  # CNIL référentiel on the management of customers
PHONE: Day = 20260811  # loi 2025-594 art. 13
OPENS: Day = 20260414  # CNIL délib. 2026-042 is published

LONGEST_ACCOUNT = 24  # months without activity
LONGEST_MARKETING = 36  # months after the end of the relation, or the last contact
LONGEST_LOG = 36  # months, and then for a documented internal control only
LONGEST_ARCHIVE = 120  # months: no longer term was found in any text
CONTACTED = "customer.contacted_us.v1"
OPENED_ACCOUNT = "customer.account_opened.v1"


def _says(topic: str, *wrong: str) -> Test:
    """The text says one of these words of a topic."""

    def test(said: Sayings) -> str | None:
        found = str(said.value(topic))
        return found if found in wrong else None

    return test


def _answers_late(said: Sayings) -> str | None:
    months = said.number("answer_months")
    return f"{months}" if months > 1 else None


def _keeps_rights_from_dpo(said: Sayings) -> str | None:
    return None if said.value("rights_through_dpo") else "false"


def _soft_opt_in_lacks(said: Sayings) -> str | None:
    """Marketing by e-mail or text message without prior consent, and without all of the five
    conditions that would allow it."""
    purposes = [
        p.id
        for p in said.edition.purposes.values()
        if p.marketing and p.basis == "legitimate_interest" and {"email", "sms"} & set(p.channels)
    ]
    if not purposes:
        return None
    lacking = [one for one in SOFT_OPT_IN if one not in said.words("soft_opt_in")]
    return ", ".join((*purposes, *lacking)) if lacking else None


def _measures_opens(said: Sayings) -> str | None:
    purpose = said.edition.purposes.get("email_open_tracking")
    if purpose is not None and purpose.basis != "consent":
        return purpose.basis
    return _says("open_tracking", "without_consent")(said)


def _calls_without_consent(said: Sayings) -> str | None:
    calling = [
        p.id
        for p in said.edition.purposes.values()
        if p.marketing and "phone" in p.channels and p.basis != "consent"
    ]
    return ", ".join(calling) if calling and said.value("consumers") else None


def _archives_prospects(said: Sayings) -> str | None:
    """A published archive of prospects' messages for which the edition found no article."""
    for c in said.classes_with(CONTACTED):
        least, most = said.archive(c.name)
        if most and c.archive is None:
            return f"{c.name}: {least}-{most}"
    return None


def _keeps_accounts_long(said: Sayings) -> str | None:
    for c in said.classes_with(OPENED_ACCOUNT):
        months = c.published_months or c.operational_months
        if months > LONGEST_ACCOUNT:
            try:
                said.value("long_term_ground", c.name)
            except Unsaid:
                return f"{c.name}: {months}"
    return None


def _longer_than(topic: str, most: int) -> Test:
    """The text states no term, or one that is too long."""

    def test(said: Sayings) -> str | None:
        months = said.number(topic)
        return None if 0 < months <= most else f"{months}"

    return test


def _archive_is_a_range(said: Sayings) -> str | None:
    """A range, or longer than any text allows."""
    wrong = [
        f"{klass}: {least}-{most}"
        for klass in said.about("archive_months")
        for least, most in (said.archive(klass),)
        if least != most or most > LONGEST_ARCHIVE
    ]
    return ", ".join(wrong) or None


def _card_proof_runs_wrong(said: Sayings) -> str | None:
    start, kinds = said.value("card_proof_start"), said.value("card_proof_kinds")
    wrong = [str(one) for one in (start, kinds) if one in ("payment", "all_alike")]
    return ", ".join(wrong) or None


def _hides_recipients(said: Sayings) -> str | None:
    named = said.words("recipients")
    hidden = [one for one in said.words("hands_over_to") if one not in named]
    return ", ".join(hidden) or None


def _lacks_bases(said: Sayings) -> str | None:
    return ", ".join(said.words("purposes_without_basis")) or None


def _leaves_untold(said: Sayings) -> str | None:
    told = said.words("elements_told")
    return ", ".join(one for one in ELEMENTS if one not in told) or None


def _no_signal_of_age(said: Sayings) -> str | None:
    """Consent is asked for, and nothing tells when it is a child who gives it."""
    if all(p.basis != "consent" for p in said.edition.purposes.values()):
        return None
    return _says("minors", "not_meant")(said)


def _rule(
    number: int, severity: Severity, clause: str, law: tuple[str, Day], looks: str, test: Test
) -> Rule:
    article, since = law
    return Rule(f"L{number:02d}", severity, clause, article, since, tuple(looks.split()), test)


E: Severity = "error"
W: Severity = "warning"
R: Severity = "review"
RULES: tuple[Rule, ...] = (
    _rule(1, E, "SS-DSR-10", ("GDPR art. 12(3)", GDPR), "answer_months", _answers_late),
    _rule(
        2,
        E,
        "SS-DSR-9",
        ("GDPR art. 12(2), 12(6)", GDPR),
        "identity_proof",
        _says("identity_proof", "systematic"),
    ),
    _rule(
        3,
        E,
        "SS-DPO-1",
        ("GDPR art. 38(4)", GDPR),
        "rights_through_dpo",
        _keeps_rights_from_dpo,
    ),
    _rule(
        4,
        R,
        "SS-COM-2",
        ("CPCE art. L34-5; CJEU C-654/23", LCEN),
        "soft_opt_in purpose.basis",
        _soft_opt_in_lacks,
    ),
    _rule(
        5,
        E,
        "SS-COM-4",
        ("LIL art. 82; CNIL délib. 2026-042", OPENS),
        "open_tracking purpose.basis",
        _measures_opens,
    ),
    _rule(
        6,
        E,
        "SS-COM-5",
        ("C. conso. art. L223-1 (loi 2025-594)", PHONE),
        "consumers purpose.basis",
        _calls_without_consent,
    ),
    _rule(
        7,
        E,
        "SS-RET-4",
        ("GDPR art. 5(1)(e)", GDPR),
        "archive_months class.archive",
        _archives_prospects,
    ),
    _rule(
        8,
        W,
        "SS-RET-6",
        ("GDPR art. 5(1)(e); CNIL référentiel 2022", CUSTOMERS),
        "class.published_months long_term_ground",
        _keeps_accounts_long,
    ),
    _rule(
        9,
        W,
        "SS-COM-2",
        ("GDPR art. 5(1)(e), 13(2)(a)", GDPR),
        "marketing_months",
        _longer_than("marketing_months", LONGEST_MARKETING),
    ),
    _rule(
        10,
        E,
        "SS-RET-7",
        ("GDPR art. 13(2)(a), 30(1)(f)", GDPR),
        "archive_months",
        _archive_is_a_range,
    ),
    _rule(
        11,
        E,
        "SS-RET-2",
        ("GDPR art. 5(1)(c), 5(1)(e)", GDPR),
        "archive_content",
        _says("archive_content", "everything"),
    ),
    _rule(
        12,
        W,
        "SS-CARD-1",
        ("CMF art. L133-24; CNIL délib. 2018-303", CARDS),
        "card_proof_start card_proof_kinds",
        _card_proof_runs_wrong,
    ),
    _rule(
        13,
        W,
        "SS-CARD-2",
        ("CNIL délib. 2018-303", CARDS),
        "subscription_card_end",
        _says("subscription_card_end", "none"),
    ),
    _rule(
        14,
        W,
        "SS-CARD-3",
        ("GDPR art. 7; CNIL délib. 2018-303", CARDS),
        "wallet_consent",
        _says("wallet_consent", "unspecified", "bundled"),
    ),
    _rule(
        15,
        E,
        "SS-REC-1",
        ("GDPR art. 13(1)(e), 28, 30(1)(d)", GDPR),
        "recipients hands_over_to",
        _hides_recipients,
    ),
    _rule(
        16,
        W,
        "SS-SEC-1",
        ("CNIL délib. 2021-122", LOGS),
        "security_log_months",
        _longer_than("security_log_months", LONGEST_LOG),
    ),
    _rule(
        17,
        W,
        "SS-AUD-1",
        ("LIL art. 82", TRACKERS),
        "audience_measure",
        _says("audience_measure", "without_consent"),
    ),
    _rule(
        18,
        E,
        "SS-LB-3",
        ("GDPR art. 21(2), 21(3)", GDPR),
        "objection_to_marketing",
        _says("objection_to_marketing", "conditional"),
    ),
    _rule(
        19,
        W,
        "SS-LB-1",
        ("GDPR art. 6(1)(a), 6(1)(b), 7(4)", GDPR),
        "contract_and_consent",
        _says("contract_and_consent", "mixed"),
    ),
    _rule(
        20,
        E,
        "SS-LB-1",
        ("GDPR art. 13(1)(c), 13(1)(d)", GDPR),
        "purposes_without_basis",
        _lacks_bases,
    ),
    _rule(
        21,
        W,
        "SS-DATA-1",
        ("GDPR art. 13(1)(f), 13(2)(e), 13(2)(f), 14(2)(f)", GDPR),
        "elements_told",
        _leaves_untold,
    ),
    _rule(
        22,
        E,
        "SS-POL-2",
        ("GDPR art. 13(3)", GDPR),
        "changes",
        _says("changes", "any_time"),
    ),
    _rule(
        23,
        E,
        "SS-CH-6",
        ("GDPR art. 17", GDPR),
        "account_closure",
        _says("account_closure", "closure_only"),
    ),
    _rule(
        24,
        R,
        "SS-DPO-1",
        ("GDPR art. 32, 38(3), 38(6)", GDPR),
        "rights_mailbox",
        _says("rights_mailbox", "shared"),
    ),
    _rule(
        25,
        R,
        "SS-MIN-1",
        ("GDPR art. 8; LIL art. 45", GDPR),
        "minors purpose.basis",
        _no_signal_of_age,
    ),
    _rule(
        26,
        W,
        "SS-CARD-3",
        ("GDPR art. 5(1)(c), 13", GDPR),
        "wallet_expiry",
        _says("wallet_expiry", "undeclared"),
    ),
)
