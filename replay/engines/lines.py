"""Lines of violations as an engine hands them over: a batch of columns, of which no row becomes an
object unless somebody asks whose it is."""

from __future__ import annotations

from uuid import UUID

import pyarrow as pa

from replay.segments.layout import whole


class BatchOfLines:
    """A batch with the columns hi, lo and line (`replay.controls.at_once.Lines`)."""

    def __init__(self, batch: pa.RecordBatch) -> None:
        self._hi, self._lo = batch.column("hi"), batch.column("lo")
        self._said = batch.column("line")

    def __len__(self) -> int:
        return len(self._said)

    def subject(self, at: int) -> UUID:
        """Whose one of them is."""
        return whole(self._hi[at].as_py(), self._lo[at].as_py())

    def said(self, since: int, until: int) -> bytes:
        """The lines from one on, before another."""
        return "".join(self._said.slice(since, until - since).to_pylist()).encode()
