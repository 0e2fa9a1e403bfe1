"""How log lines are written: plain text for people, or one JSON object a line for machines.

A record may carry members of its own (`extra={"members": {…}}`), which JSON lines show as they are.
Nothing here adds a value of a request: what is logged is said where it is logged, without personal
data. An exception is told by the name of its class: its message may hold anything.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import IO

from ledger.calendar import format_instant


class JsonLines(logging.Formatter):
    """One object a line: time, level, logger, message, and the members of the record."""

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end."""
        said = {
            "time": format_instant(int(record.created * 1_000_000)),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "members", {}),
        }
        if record.exc_info and record.exc_info[0]:
            said["error"] = record.exc_info[0].__name__
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))


class TextLines(logging.Formatter):
    """Time, level and message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")


def log_to(stream: IO[str] | None = None, form: str = "text") -> None:
    """Send our records, and warnings of the server's, to a stream (standard error by default)."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    for name, level in (("probant", logging.INFO), ("uvicorn", logging.WARNING)):
        logger = logging.getLogger(name)
        logger.handlers[:] = [handler]
        logger.setLevel(level)
        logger.propagate = False
