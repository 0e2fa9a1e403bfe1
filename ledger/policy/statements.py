"""What a published text says beyond terms and purposes, as declared values: what lints look at.

A lint never reads prose. Whoever writes an edition says, topic by topic, what the text promises: a
number, a word of a closed list, a list of such words. `TOPICS` is that closed dictionary; a topic
that an edition leaves out is unknown, which is neither good nor bad. 0 months: the text states no
term. This file never judges. Read next: `lint.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

Value: TypeAlias = bool | int | str | tuple[str, ...] | tuple[int, int]

LONGEST_DAYS = 365
LONGEST_MONTHS = 1200  # as for terms: beyond a century is a typing error
SOFT_OPT_IN = ("from_person", "at_sale", "own_analogous", "optout_offered", "optout_in_each")
ELEMENTS = ("transfers", "automated_decisions", "source", "consequence")
RECIPIENTS = (
    *("psp", "hosting", "mailing", "telephony", "carrier", "accountant", "authority"),
    *("group", "partner", "other"),
)
MEASURES = (
    *("access_control", "traceability", "software_protection", "backup", "encryption"),
    *("processors_control", "other"),
)


class Topic(NamedTuple):
    """One thing a text may say. `takes` reads its TOML value, None if it is not one; `form` says so
    in words; `of_class`: it is said of one class."""

    takes: Callable[[Any], Value | None]
    form: str
    of_class: bool = False


def _months() -> Topic:
    def takes(value: Any) -> Value | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and 0 <= value <= LONGEST_MONTHS else None

    return Topic(takes, "a whole number of months, 0 where the text states none")


def _days() -> Topic:
    def takes(value: Any) -> Value | None:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return value if whole and 1 <= value <= LONGEST_DAYS else None

    return Topic(takes, f"a whole number of days, 1 to {LONGEST_DAYS}")


def _flag() -> Topic:
    return Topic(lambda value: value if isinstance(value, bool) else None, "true or false")


def _word(*allowed: str) -> Topic:
    def takes(value: Any) -> Value | None:
        return value if isinstance(value, str) and value in allowed else None

    return Topic(takes, f"one of {', '.join(allowed)}")


def _words(*allowed: str) -> Topic:
    """A list of words; without `allowed`, of any codes."""

    def takes(value: Any) -> Value | None:
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            return None
        known = not allowed or set(value) <= set(allowed)
        return tuple(value) if known and len(set(value)) == len(value) else None

    return Topic(takes, f"a list of {', '.join(allowed) or 'ids'}, each once")


def _range_of_class() -> Topic:
    def takes(value: Any) -> Value | None:
        if not isinstance(value, list) or len(value) != 2:
            return None
        ends = [one for one in value if isinstance(one, int) and not isinstance(one, bool)]
        if len(ends) != 2 or not 0 <= ends[0] <= ends[1] <= LONGEST_MONTHS:
            return None
        return (ends[0], ends[1])

    return Topic(takes, "[least, most] months, [0, 0] for no archive", of_class=True)


def _text_of_class() -> Topic:
    def takes(value: Any) -> Value | None:
        return value if isinstance(value, str) and value.strip() else None

    return Topic(takes, "a text", of_class=True)


TOPICS: dict[str, Topic] = {
    # How people exercise their rights.
    "answer_months": _months(),
    "identity_proof": _word("systematic", "on_doubt"),
    "rights_through_dpo": _flag(),
    "objection_to_marketing": _word("conditional", "absolute"),
    "account_closure": _word("closure_only", "erasure_answered"),
    "rights_mailbox": _word("shared", "separate"),
    # What we send and measure.
    "consumers": _flag(),
    "soft_opt_in": _words(*SOFT_OPT_IN),
    "open_tracking": _word("without_consent", "consent", "aggregate", "none"),
    "audience_measure": _word("without_consent", "exempt", "consent", "none"),
    # How long.
    "archive_months": _range_of_class(),
    "long_term_ground": _text_of_class(),
    "archive_content": _word("everything", "sorted"),
    "marketing_months": _months(),
    "security_log_months": _months(),
    # Cards.
    "card_proof_start": _word("payment", "debit"),
    "card_proof_kinds": _word("all_alike", "by_kind"),
    "subscription_card_end": _word("none", "termination"),
    "wallet_consent": _word("unspecified", "bundled", "separate"),
    "wallet_expiry": _word("undeclared", "declared", "from_psp"),
    # What the text must tell.
    "recipients": _words(*RECIPIENTS),
    "hands_over_to": _words(*RECIPIENTS),
    "contract_and_consent": _word("mixed", "apart"),
    "purposes_without_basis": _words(),
    "elements_told": _words(*ELEMENTS),
    "changes": _word("any_time", "after_notice"),
    "minors": _word("not_meant", "age_signal"),
    # How long she is waited for, who was asked to confirm from her own address.
    "confirmation_days": _days(),
    # For the register of processing, beside the text (GDPR art. 30(1)(g)).
    "security_measures": _words(*MEASURES),
}
