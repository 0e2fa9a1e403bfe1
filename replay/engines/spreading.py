"""Work on people, in shares, by the executors of a cluster: what crosses over, and what comes back.

An executor is handed rows in the order of (owner, position): a person's own, and those of whoever
she is or was joined with. It makes persons of them, one in memory at a time, and hands them to the
work, a callable that was pickled. What it gives comes back pickled; where it refuses, the sentence
comes back, not a stack. Executors need Python, of the driver's version, and Probant.

What this file never does: import Spark, or know what a person is asked. Read next: `spark.py`.
"""

from __future__ import annotations

import copyreg
import pickle
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import groupby
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from ledger.errors import ProbantError
from ledger.events import Row
from replay.engines.asking import row_of
from replay.segments.layout import whole

Owned: TypeAlias = tuple[UUID, list[tuple[Row, bytes]]]
"""A person, and the rows with their entries of her and of her family, in position order."""
Work: TypeAlias = Callable[[Iterator[Owned]], Any]


def _proxy(mapping: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    return MappingProxyType(mapping)


# `pickle` cannot by itself, and mappings that nobody may change are all over our types.
copyreg.pickle(MappingProxyType, lambda mapping: (_proxy, (dict(mapping),)))


@runtime_checkable
class Spreading(Protocol):
    """An engine that has work done where the rows are."""

    def shares(
        self, work: Work, families: Mapping[UUID, Collection[UUID]], known: int | None = None
    ) -> Iterator[Any]:
        """What the work gave of each share of the people, in the order of their ids. `families`:
        who is handed over with whom. Raises what the work raised."""


class Sent:
    """What an executor runs: the work, as the driver pickled it."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw  # a broadcast: each executor fetches it once

    def __call__(self, rows: Iterable[tuple[Any, ...]]) -> Iterator[bytes]:
        """Nothing where there is nobody, else one answer."""
        owned = _owned(rows)
        first = next(owned, None)
        if first is None:
            return
        work: Work = pickle.loads(self._raw.value)  # noqa: S301 - from our own driver
        try:
            yield pickle.dumps((None, work(_again(first, owned))))
        except ProbantError as error:
            yield pickle.dumps((type(error), str(error)))


def packed(work: Any) -> bytes:
    """A work, to be handed to `Sent`."""
    return pickle.dumps(work)


def opened(raw: bytes) -> Any:
    """What an executor gave back. Raises what it refused with."""
    refused, found = pickle.loads(raw)  # noqa: S301 - from our own executors
    if refused is not None:
        raise refused(found)
    return found


def _owned(rows: Iterable[tuple[Any, ...]]) -> Iterator[Owned]:
    for (hi, lo), hers in groupby(rows, key=lambda row: (row[0], row[1])):
        yield whole(hi, lo), [(row_of(typed), bytes(entry)) for _, _, *typed, entry in hers]


def _again(first: Owned, rest: Iterator[Owned]) -> Iterator[Owned]:
    yield first
    yield from rest
