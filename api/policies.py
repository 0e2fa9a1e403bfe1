"""The policy as JSON: its editions, their clauses, what a lint finds in one, what one changes.

Both faces give exactly these. Read next: `ledger/policy/lint/`, `ledger/policy/diff.py`,
`routes/policy.py`.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from api.settings import Language
from ledger.calendar import Day, day_of, format_day
from ledger.errors import NotFound
from ledger.policy.explain import article

if TYPE_CHECKING:
    from ledger.application import Ledger
    from ledger.policy.book import Published
    from ledger.policy.lint import Finding, Report
    from ledger.policy.model import DataClass, Edition, Purpose


def in_force(ledger: Ledger, day: Day | None) -> Published:
    """The edition in force on a day (None: today). Raises NotFound where none was."""
    at = day_of(ledger.clock.now()) if day is None else day
    entries = ledger.book(ledger.epoch()).entries
    found = [one for one in entries if one.edition.effective_from <= at]
    if not found:
        raise NotFound("no edition of this ledger was in force on that day")
    return found[-1]


def editions_answer(ledger: Ledger) -> dict[str, Any]:
    """Every edition published so far, in the order of their days."""
    entries = ledger.book(ledger.epoch()).entries
    today = day_of(ledger.clock.now())
    current = [one for one in entries if one.edition.effective_from <= today][-1:]
    return {
        "items": [
            {
                "id": one.edition.id,
                "title": one.edition.title,
                "effective_from": format_day(one.edition.effective_from),
                "position": one.position,
                "sha256": one.edition.pol,
                "published_sha256": one.edition.published_sha256,
                "in_force": one in current,
            }
            for one in entries
        ]
    }


def clauses_answer(edition: Edition, lang: Language) -> dict[str, Any]:
    """The table of its clauses, retold, each with its article."""
    return {
        "edition": edition.id,
        "items": [
            {
                "clause": clause.id,
                "article": article(clause.article, lang),
                "text": clause.fr if lang == "fr" else clause.en,
            }
            for clause in edition.clauses.values()
        ],
    }


def lint_answer(edition: Edition, day: Day, lang: Language) -> dict[str, Any]:
    """The edition judged by the law of a day."""
    from ledger.policy.lint import lint

    return report_json(lint(edition, day), lang)


def diff_answer(old: Edition, new: Edition) -> dict[str, Any]:
    """What one edition changes in another."""
    from ledger.policy.diff import diff, lengthened

    return {
        "old": old.id,
        "new": new.id,
        "lengthens": list(lengthened(old, new)),
        "changes": [change._asdict() for change in diff(old, new)],
    }


def report_json(report: Report, lang: Language) -> dict[str, Any]:
    """A lint's report as plain values, in the words of a language."""
    return {
        "edition": report.edition,
        "day": format_day(report.day),
        "findings": [_finding(found, lang) for found in report.findings],
        "undeclared": report.undeclared,
        "to_come": list(report.to_come),
    }


def _finding(found: Finding, lang: Language) -> dict[str, Any]:
    from ledger.policy.lint import described

    rule = found.rule
    return {
        "id": rule.id,
        "severity": rule.severity,
        "clause": found.clause,
        "article": rule.article,
        "in_force_since": format_day(rule.since),
        "looks_at": list(rule.looks_at),
        "seen": found.seen,
        **described(found, lang),
    }


def edition_json(published: Published) -> dict[str, Any]:
    """An edition as plain values: its classes with their terms, its purposes."""
    edition = published.edition
    return {
        "id": edition.id,
        "title": edition.title,
        "company": edition.company,
        "effective_from": format_day(edition.effective_from),
        "position": published.position,
        "sha256": edition.pol,
        "published_sha256": edition.published_sha256,
        "classes": {name: class_json(found) for name, found in edition.classes.items()},
        "purposes": {name: purpose_json(found) for name, found in edition.purposes.items()},
        "labels": {name: asdict(found) for name, found in edition.labels.items()},
    }


def class_json(c: DataClass) -> dict[str, Any]:
    """A retention class."""
    archive = None
    if c.archive is not None:
        archive = {
            "months": c.archive.months,
            "from": c.archive.counted_from,
            "article": c.archive.article,
        }
    return {
        "label_fr": c.label_fr,
        "label_en": c.label_en,
        "clock": c.clock,
        "operational_months": c.operational_months,
        "archive": archive,
        "moved_by": list(c.moved_by),
        "suspended_by": list(c.suspended_by),
        "rule": c.rule,
        "clause": c.clause,
        "article": c.article,
        "choice": c.choice,
        "why_fr": c.why_fr,
        "why_en": c.why_en,
    }


def purpose_json(p: Purpose) -> dict[str, Any]:
    """A purpose."""
    return {
        "label_fr": p.label_fr,
        "label_en": p.label_en,
        "basis": p.basis,
        "channels": list(p.channels),
        "marketing": p.marketing,
        "validity_months": p.validity_months,
        "clause": p.clause,
        "article": p.article,
    }
