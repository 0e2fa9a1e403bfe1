"""Telling equal lines of a file apart, in memory that does not grow with the file."""

from __future__ import annotations

import sqlite3
import tempfile
from pathlib import Path

ORDINALS_IN_MEMORY = 200_000


class Ordinals:
    """How many equal lines came before: in memory, and beyond a limit in a temporary file that
    holds keyed fingerprints only."""

    def __init__(self) -> None:
        self._counts: dict[bytes, int] = {}
        self._spilled: sqlite3.Connection | None = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Ordinals:
        """Nothing to open yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Remove the temporary file."""
        if self._spilled:
            self._spilled.close()
        if self._folder:
            self._folder.cleanup()

    def next(self, mac: bytes) -> int:
        """0 for the first line of this content, then 1, 2, …"""
        count = self._counts.get(mac)
        if count is None:
            if len(self._counts) >= ORDINALS_IN_MEMORY:
                self._spill()
            count = self._seen_before(mac)
        self._counts[mac] = count + 1
        return count

    def _seen_before(self, mac: bytes) -> int:
        if self._spilled is None:
            return 0
        row = self._spilled.execute("SELECT n FROM seen WHERE mac = ?", (mac,)).fetchone()
        return row[0] if row else 0

    def _spill(self) -> None:
        if self._spilled is None:
            self._folder = tempfile.TemporaryDirectory(prefix="probant-")
            self._spilled = sqlite3.connect(Path(self._folder.name) / "ordinals.sqlite")
            self._spilled.execute("PRAGMA synchronous=OFF")
            self._spilled.execute("PRAGMA journal_mode=OFF")
            self._spilled.execute("CREATE TABLE seen (mac BLOB PRIMARY KEY, n INT) WITHOUT ROWID")
        put = "INSERT INTO seen VALUES (?, ?) ON CONFLICT (mac) DO UPDATE SET n = excluded.n"
        self._spilled.executemany(put, sorted(self._counts.items()))
        self._counts.clear()
