"""The lints of a policy: where an edition is looser than the law, or against it, on a given day.

Each rule says since when it is in force, what it looks at, the clause, the article, how grave it
is. Where the edition does not declare what a rule looks at, the report says that it could not
judge. Never reads prose, never changes an edition, never decides for the company. The words are in
`words/`, docs/policy.md explains. Read next: `rules.py`.
"""

from __future__ import annotations

from typing import NamedTuple

from ledger.calendar import Day
from ledger.policy.explain import Language, words
from ledger.policy.lint.rules import RULES
from ledger.policy.lint.sayings import Rule, Sayings, Unsaid
from ledger.policy.model import Edition


class Finding(NamedTuple):
    """One rule that an edition does not keep, the clause to cite, and what was seen: values."""

    rule: Rule
    clause: str
    seen: str


class Report(NamedTuple):
    """One edition against the law of one day. `undeclared`: rules that could not judge, with the
    topic that the edition leaves out; `to_come`: rules that are not in force yet."""

    edition: str
    day: Day
    findings: tuple[Finding, ...]
    undeclared: dict[str, str]
    to_come: tuple[str, ...]

    @property
    def is_contrary(self) -> bool:
        """Whether something is contrary to the law."""
        return any(found.rule.severity == "error" for found in self.findings)


def lint(edition: Edition, day: Day) -> Report:
    """The edition judged by the rules in force on that day, in the order of their ids."""
    said = Sayings(edition)
    findings: list[Finding] = []
    undeclared: dict[str, str] = {}
    to_come: list[str] = []
    for rule in RULES:
        if rule.since > day:
            to_come.append(rule.id)
            continue
        try:
            seen = rule.test(said)
        except Unsaid as unsaid:
            undeclared[rule.id] = unsaid.topic
            continue
        if seen is not None:
            findings.append(Finding(rule, said.clause(rule), seen))
    return Report(edition.id, day, tuple(findings), undeclared, tuple(to_come))


def described(found: Finding, lang: Language) -> dict[str, str]:
    """A finding in words: what is wrong, what was looked at, which wording would do."""
    sections = words(lang)
    return {
        "found": sections["lint_found"][found.rule.id],
        "looked": sections["lint_looked"][found.rule.id],
        "proposed": sections["lint_proposed"][found.rule.id],
    }
