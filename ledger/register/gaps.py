"""Where what events show differs from what was declared, and what art. 30 asks that nobody said.

One small rule each, from the register to its gaps; the words are in `words/`. Pure. Read next:
`reading.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import format_day
from ledger.register.model import Activity, Register, is_outside

Severity: TypeAlias = Literal["error", "warning", "review"]
PROCESSORS = frozenset(("psp", "hosting", "mailing", "telephony", "accountant"))


class Gap(NamedTuple):
    """One difference: what it is about (codes, never a person), with the facts it rests on."""

    code: str
    severity: Severity
    about: str
    seen: str
    clause: str
    article: str
    positions: tuple[int, ...] = ()


def gaps(found: Register) -> tuple[Gap, ...]:
    """Every gap of the register, gravest first, then by code and subject matter."""
    order = {"error": 0, "warning": 1, "review": 2}
    all_of_them = [gap for rule in RULES for gap in rule(found)]
    return tuple(sorted(all_of_them, key=lambda g: (order[g.severity], g.code, g.about)))


def _nobody(found: Register) -> Iterator[Gap]:
    if found.declared.controller is None:
        yield Gap("no_controller", "error", "", "", "SS-CTL-1", "GDPR art. 30(1)(a)")
    if found.declared.dpo is None:
        yield Gap("no_dpo", "warning", "", "", "SS-DPO-1", "GDPR art. 30(1)(a), 37")


def _used_undeclared(found: Register) -> Iterator[Gap]:
    declared = {one.purpose.id for one in found.activities}
    for purpose, use in sorted(found.observed.uses.items()):
        if purpose not in declared:
            seen = str(use.facts)
            yield Gap("undeclared_use", "error", purpose, seen, "SS-CTL-2", "GDPR art. 30(1)(b)")


def _past_term(found: Register) -> Iterator[Gap]:
    for name, count in sorted(found.observed.classes.items()):
        past = count.items.past_operational + count.items.past_archive
        if past:
            yield Gap("past_term", "error", name, str(past), "SS-RET-3", "GDPR art. 5(1)(e)")


def _class_without_purpose(found: Register) -> Iterator[Gap]:
    named = {kept.data_class.name for one in found.activities for kept in one.kept}
    for name, count in sorted(found.observed.classes.items()):
        if count.subjects.present and name not in named:
            seen = str(count.subjects.present)
            yield Gap("class_unnamed", "warning", name, seen, "SS-CTL-2", "GDPR art. 30(1)(c)")


def _disclosed_beyond(found: Register) -> Iterator[Gap]:
    for position, fact in found.observed.disclosures:
        declared = found.declared.recipients.get(fact.recipient)
        if declared is None:
            yield _disclosure("undeclared_recipient", fact.recipient, fact.purpose, position)
            continue
        allowed = declared[1]
        if allowed.purposes is not None and fact.purpose not in allowed.purposes:
            yield _disclosure("disclosed_other_purpose", fact.recipient, fact.purpose, position)
        beyond = set(fact.classes) - set(allowed.classes or fact.classes)
        if beyond:
            what = ", ".join(sorted(beyond))
            yield _disclosure("disclosed_other_classes", fact.recipient, what, position)


def _disclosure(code: str, recipient: str, seen: str, position: int) -> Gap:
    return Gap(code, "error", recipient, seen, "SS-REC-1", "GDPR art. 30(1)(d)", (position,))


def _processors(found: Register) -> Iterator[Gap]:
    """A processor without its contract, with a lapsed attestation, or outside the area (art. 28,
    44 to 46)."""
    assessed = {fact.recipient for _, fact in found.declared.assessments}
    for code, (position, fact) in sorted(found.declared.recipients.items()):
        at = (position,)
        if fact.type in PROCESSORS and fact.contract is None:
            yield Gap("no_contract", "warning", code, fact.type, "SS-REC-1", "GDPR art. 28(3)", at)
        if fact.attested_until is not None and fact.attested_until < found.day:
            until = format_day(fact.attested_until)
            yield Gap("lapsed", "warning", code, until, "SS-PAY-2", "GDPR art. 28(1)", at)
        country = fact.country
        if is_outside(country) and code not in assessed:
            article = "GDPR art. 30(1)(e), 46"
            yield Gap("outside", "warning", code, country or "", "SS-REC-1", article, at)


def _assessments(found: Register) -> Iterator[Gap]:
    for one in found.activities:
        kinds = {type_ for type_, _, _ in one.assessments}
        if one.purpose.basis == "legitimate_interest" and "balancing_test" not in kinds:
            yield _about("no_balancing", "review", one, "", "GDPR art. 6(1)(f)")
        for type_, outcome, position in one.assessments:
            if outcome == "unfavourable":
                yield _about("unfavourable", "warning", one, type_, "GDPR art. 35", position)


def _unsaid(found: Register) -> Iterator[Gap]:
    """One gap for all activities that leave the same thing out."""
    silent = [one for one in found.activities if not one.kept]
    alike = (
        ("no_classes", silent, "GDPR art. 30(1)(c)"),
        ("no_people", [a for a in found.activities if not a.purpose.people], "GDPR art. 30(1)(c)"),
        ("unused", [a for a in found.activities if _is_unused(a)], "GDPR art. 5(1)(b)"),
    )
    for code, activities, article in alike:
        if activities:
            about = ", ".join(one.purpose.id for one in activities)
            yield Gap(code, "review", about, str(len(activities)), "SS-CTL-2", article)


def _is_unused(one: Activity) -> bool:
    """Nobody's data is there, and no fact names it: an activity that says which data it uses."""
    return bool(one.kept) and not one.use.facts and not any(kept.people for kept in one.kept)


def _about(code: str, severity: Severity, one: Activity, seen: str, article: str, *at: int) -> Gap:
    return Gap(code, severity, one.purpose.id, seen, one.purpose.clause, article, at)


RULES: tuple[Callable[[Register], Iterator[Gap]], ...] = (
    _nobody,
    _used_undeclared,
    _past_term,
    _class_without_purpose,
    _disclosed_beyond,
    _processors,
    _assessments,
    _unsaid,
)
