"""The book: which editions were published, at which position, and which one was in force when.

A book never changes; publishing gives a new book. Editions join in order of their effective day,
and a later edition may not drop a class or change what its clock runs for: facts recorded under it
would be left without an end (SS-RET-3).

Two times as everywhere: an edition is *known* from its position on, and *in force* from its
effective day on. Read `evaluate.py` next.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from typing import NamedTuple

from ledger.calendar import Day, format_day
from ledger.policy.loader import load_edition
from ledger.policy.model import Edition, PolicyError

SHIPPED = "softsystem-2018-11-20"


class Published(NamedTuple):
    """An edition and the position of the fact that published it."""

    edition: Edition
    position: int


@dataclass(frozen=True)
class Book:
    """All editions published so far, in order of effective day."""

    entries: tuple[Published, ...] = ()

    def with_edition(self, edition: Edition, position: int) -> Book:
        """The book with one more edition, published at `position`. Raises PolicyError."""
        if self.entries:
            _check_follows(self.entries[-1], edition, position)
        return Book((*self.entries, Published(edition, position)))

    def publishing(self, edition: Edition, position: int) -> Book:
        """The book with one more edition, as it may be published: under an id of its own, for an
        answer names its edition by it. History is not asked: what was published stands. Raises
        PolicyError."""
        made = self.with_edition(edition, position)
        if any(one.edition.id == edition.id for one in self.entries):
            raise PolicyError(f"{edition.id}: this id is another edition's; choose a new one.")
        return made

    def known(self, position: int | None) -> tuple[Edition, ...]:
        """The editions published at or before this position (None: all), oldest first."""
        if position is None or not self.entries or self.entries[-1].position <= position:
            return self._editions
        return tuple(e.edition for e in self.entries if e.position <= position)

    @cached_property
    def _editions(self) -> tuple[Edition, ...]:
        return tuple(e.edition for e in self.entries)

    def chain(self, on_day: Day, position: int | None) -> tuple[Edition, ...]:
        """The known editions in force up to that day, oldest first.

        Before the first one takes effect: the earliest known alone. Empty when none is known.
        """
        known = self.known(position)
        if known and known[-1].effective_from <= on_day:
            return known
        return tuple(e for e in known if e.effective_from <= on_day) or known[:1]

    def in_force(self, on_day: Day, position: int | None) -> Edition | None:
        """The edition that governs that day (SS-POL-1, SS-POL-2), as known at that position; None
        when none is known."""
        chain = self.chain(on_day, position)
        return chain[-1] if chain else None

    def edition(self, number: int) -> Edition | None:
        """The edition with that number (its effective day), or None."""
        return next((e.edition for e in self.entries if e.edition.number == number), None)


def shipped(name: str = SHIPPED) -> Edition:
    """An edition shipped with this package, by default SoftSystem's of 20 November 2018."""
    return load_edition(shipped_bytes(name), f"{name}.toml")


def shipped_bytes(name: str = SHIPPED) -> bytes:
    """The TOML bytes of a shipped edition, exactly as their SHA-256 (`pol`) covers them."""
    return resources.files("ledger.policy").joinpath("editions", f"{name}.toml").read_bytes()


def _check_follows(last: Published, edition: Edition, position: int) -> None:
    before = last.edition
    if edition.effective_from <= before.effective_from:
        raise PolicyError(
            f"{edition.id}: an edition must take effect after the previous one, "
            f"{before.id} of {format_day(before.effective_from)}."
        )
    if position <= last.position:
        raise PolicyError(f"{edition.id}: its position must come after that of {before.id}.")
    for name, data_class in before.classes.items():
        following = edition.classes.get(name)
        if following is None:
            raise PolicyError(
                f"{edition.id}: class {name} has vanished; what was recorded in it would never end."
            )
        if following.clock != data_class.clock:
            raise PolicyError(
                f"{edition.id}: class {name} changes its clock from {data_class.clock} to "
                f"{following.clock}; give the new clock to a new class."
            )
