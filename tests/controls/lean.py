"""Violations of which no more is known than what goes into a digest."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from replay.controls.at_once import line_of


class Lean(NamedTuple):
    """Whose, the code of its sentence, its positions."""

    subject: UUID
    why: str
    positions: tuple[int, ...]


class LeanLines(NamedTuple):
    """Some of them (`replay.controls.at_once.Lines`)."""

    each: tuple[Lean, ...]

    def __len__(self) -> int:
        return len(self.each)

    def subject(self, at: int) -> UUID:
        """Whose one of them is."""
        return self.each[at].subject

    def said(self, since: int, until: int) -> bytes:
        """The lines from one on, before another."""
        return "".join(line_of(one.why, one.positions) for one in self.each[since:until]).encode()
