"""The lines of a file in blocks, ready for counting: text decoded, cells apart, numbers kept.

Most blocks pass as they are. Where a line has quotes (or the file is NDJSON) its cells are parsed
here and put apart by a control character. A line that cannot be read becomes an empty one, so that
the numbers of the others hold. Memory holds a few blocks, whatever the size of the file.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from typing import Any, BinaryIO, NamedTuple

from ledger.audit.report import Lines
from ledger.errors import BadData
from ledger.importing.maps import ImportMap
from ledger.importing.reading import LINE_LIMIT, records

BLOCK = 4 << 20  # bytes
APART = "\x1f"  # between cells that were parsed here
SAMPLED = 1000  # lines looked at for columns that the map does not read
_UNREAD = APART + APART  # a line that could not be decoded, until its cells are apart
_GAPS = str.maketrans({APART: " ", "\n": " ", "\x00": " "})


class Block(NamedTuple):
    """Some lines. `first` is the number of the first one; `apart` separates cells."""

    first: int
    text: str
    apart: str


class Source:
    """A file being read: its columns, then its blocks."""

    def __init__(self, file: BinaryIO, mapping: ImportMap) -> None:
        self.file, self.mapping, self._number = file, mapping, 1
        self.rejected: dict[str, Lines] = {}  # lines that cannot be read; never in a block
        self.sample: list[list[str]] = []
        self.extra: list[str] = []  # NDJSON: keys the map does not read, as met in the sample
        self.header = self._header() if mapping.format == "csv" else [*mapping.columns, ""]

    def blocks(self) -> Iterator[Block]:
        """The blocks, to the end of the file."""
        for first, raw in self._raw():
            parse = self._csv if self.mapping.format == "csv" else self._ndjson
            block = parse(first, self._decoded(first, raw))
            if len(self.sample) < SAMPLED and self.mapping.format == "csv":
                lines = block.text.split("\n", SAMPLED + 1)[:SAMPLED]
                self.sample += [line.split(block.apart) for line in lines if line]
            yield block

    # -- bytes to text -------------------------------------------------------------------------

    def _header(self) -> list[str]:
        """The column names. Raises BadData for a file without them, or without one that the map
        reads."""
        names: list[str] = []
        while not names:
            raw = self.file.readline(LINE_LIMIT)
            if not raw:
                raise BadData("the file is empty: not even a line of column names")
            text = self._line(self._number, raw)
            self._number += 1
            if text and text != _UNREAD:
                try:
                    names = next(csv.reader([text], delimiter=self.mapping.delimiter, strict=True))
                except csv.Error as error:
                    raise BadData("the first line does not hold column names") from error
        header = [name.strip() for name in names]
        for name in self.mapping.columns:
            if header.count(name) != 1:
                what = "has no column" if name not in header else "has two columns"
                raise BadData(f"the file {what} '{name}', which the map reads")
        return header

    def _raw(self) -> Iterator[tuple[int, bytes]]:
        """Whole lines, some megabytes at a time, with the number of the first one."""
        while raw := self.file.read(BLOCK):
            if not raw.endswith(b"\n"):
                tail = self.file.readline(LINE_LIMIT)
                raw += tail
                if len(tail) == LINE_LIMIT and not tail.endswith(b"\n"):
                    while (more := self.file.readline(LINE_LIMIT)) and not more.endswith(b"\n"):
                        pass
                    raw += b"\n"
            yield self._number, raw
            self._number += raw.count(b"\n") + (not raw.endswith(b"\n"))

    def _decoded(self, first: int, raw: bytes) -> str:
        raw = raw.removesuffix(b"\n")
        if not _has_long_line(raw):
            try:
                return raw.decode(self.mapping.encoding).replace("\r\n", "\n").rstrip("\r")
            except UnicodeDecodeError:
                pass
        lines = enumerate(raw.split(b"\n"), start=first)
        return "\n".join(self._line(number, line) for number, line in lines)

    def _line(self, number: int, raw: bytes) -> str:
        """One line; if it cannot be read its number is noted, and it is `_UNREAD`."""
        if len(raw) >= LINE_LIMIT:
            return self._bad("too-long", number) or _UNREAD
        try:
            return raw.decode(self.mapping.encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            return self._bad("not-text", number) or _UNREAD

    def _bad(self, reason: str, number: int) -> str:
        self._note(reason, number)
        return ""

    def _note(self, reason: str, number: int) -> None:
        self.rejected.setdefault(reason, Lines()).add(number)

    # -- text to cells ---------------------------------------------------------------------------

    def _csv(self, first: int, text: str) -> Block:
        apart = self.mapping.delimiter
        text = text.replace("\x00", " ") if "\x00" in text else text
        if not any(mark in text for mark in '"\r\x1f'):
            return Block(first, text, apart)
        cells: dict[int, str] = {}
        last = first + text.count("\n")
        lines = _readable(enumerate(text.split("\n"), start=first))
        beyond = _readable(self._beyond(last + 1))
        for number, line in records(lines, apart, lambda n, _: self._note("quote", n), beyond):
            if '"' in line:
                cells[number] = self._quoted(number, line)
            else:
                cells[number] = line.translate(_GAPS).replace(apart, APART)
        last += self._number - first
        return Block(first, "\n".join(cells.get(n, "") for n in range(first, last + 1)), APART)

    def _beyond(self, number: int) -> Iterator[tuple[int, str]]:
        """The lines behind the block in hand, one by one: they are part of it then."""
        while raw := self.file.readline(LINE_LIMIT):
            if len(raw) == LINE_LIMIT and not raw.endswith(b"\n"):
                while (more := self.file.readline(LINE_LIMIT)) and not more.endswith(b"\n"):
                    pass
            self._number += 1
            yield number, self._line(number, raw).replace("\x00", " ")
            number += 1

    def _quoted(self, number: int, line: str) -> str:
        try:
            row = next(csv.reader([line], delimiter=self.mapping.delimiter, strict=True))
        except (csv.Error, StopIteration):
            return self._bad("not-csv", number)
        if row == [""]:  # put apart it would be an empty line
            return self._bad("columns", number)
        return APART.join(cell.translate(_GAPS) for cell in row)

    def _ndjson(self, first: int, text: str) -> Block:
        lines = enumerate(text.split("\n"), start=first)
        return Block(
            first, "\n".join(self._object(n, line.strip("\r")) for n, line in lines), APART
        )

    def _object(self, number: int, line: str) -> str:
        if not line or line == _UNREAD:
            return ""
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            return self._bad("not-json", number)
        needed = (self.mapping.person_column, self.mapping.occurred_column)
        if not isinstance(said, dict) or any(name not in said for name in needed):
            return self._bad("not-json" if not isinstance(said, dict) else "columns", number)
        cells = [_cell(said.pop(name, "")) for name in self.mapping.columns]
        if len(self.sample) < SAMPLED:
            self.extra += [name for name in said if name not in self.extra]
            self.sample.append([_cell(said.get(name, "")) for name in self.extra])
        return APART.join([*cells, _cell(said)])


def _readable(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    return ((number, line.rstrip("\r")) for number, line in lines if line != _UNREAD)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text.encode("utf-8", "replace").decode().translate(_GAPS)  # half a character is none


def _has_long_line(raw: bytes) -> bool:
    """Whether a line has no end within its first megabyte. Looks at one end per megabyte."""
    start = 0
    while len(raw) - start >= LINE_LIMIT:
        end = raw.rfind(b"\n", start, start + LINE_LIMIT)
        if end < start:
            return True
        start = end + 1
    return False
