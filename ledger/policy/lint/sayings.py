"""What a rule is, and what it may ask of an edition: declared values, never prose.

Asked for a topic that the edition leaves out, `Sayings` raises `Unsaid`: nothing is guessed. Read
next: `rules.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple, TypeAlias

from ledger.calendar import Day
from ledger.policy.model import DataClass, Edition
from ledger.policy.statements import Value

Severity: TypeAlias = Literal["error", "warning", "review"]
"""Contrary to the law; insufficient; to be looked at by somebody who knows the case."""


class Unsaid(Exception):
    """The edition does not declare this topic."""

    def __init__(self, topic: str) -> None:
        super().__init__(topic)
        self.topic = topic


class Sayings:
    """What one edition declares, asked topic by topic."""

    def __init__(self, edition: Edition) -> None:
        self.edition = edition
        self._said = {(one.topic, one.about): one for one in edition.statements}

    def value(self, topic: str, about: str = "") -> Value:
        """The declared value. Raises Unsaid."""
        if (topic, about) not in self._said:
            raise Unsaid(topic)
        return self._said[topic, about].value

    def words(self, topic: str) -> tuple[str, ...]:
        """The declared list of words. Raises Unsaid."""
        found = self.value(topic)
        assert isinstance(found, tuple)
        return tuple(str(one) for one in found)

    def number(self, topic: str) -> int:
        """The declared number. Raises Unsaid."""
        found = self.value(topic)
        assert isinstance(found, int)
        return found

    def archive(self, klass: str) -> tuple[int, int]:
        """The least and the most months of the published archive of a class. Raises Unsaid."""
        found = self.value("archive_months", klass)
        assert isinstance(found, tuple)
        least, most = (int(one) for one in found)
        return least, most

    def about(self, topic: str) -> list[str]:
        """The classes of which a topic is said; Unsaid if of none."""
        found = [about for name, about in self._said if name == topic]
        if not found:
            raise Unsaid(topic)
        return found

    def classes_with(self, kind: str) -> list[DataClass]:
        """The classes in which facts of this kind live."""
        return [c for c in self.edition.classes.values() if kind in c.home]

    def clause(self, rule: Rule) -> str:
        """The clause to cite: the rule's, or the edition's own for what the rule looks at."""
        own = (one.clause for (name, _), one in self._said.items() if name in rule.looks_at)
        return rule.clause if rule.clause in self.edition.clauses else next(own, rule.clause)


Test: TypeAlias = Callable[[Sayings], "str | None"]
"""None where the edition keeps the rule; else what was seen, as values ('' where no value helps).
Raises Unsaid."""


class Rule(NamedTuple):
    """One dated rule. `looks_at`: the keys of an edition file that it reads."""

    id: str
    severity: Severity
    clause: str
    article: str
    since: Day
    looks_at: tuple[str, ...]
    test: Test
