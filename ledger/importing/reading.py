"""The lines of a file, whatever is wrong with some of them. Knows CSV and NDJSON, nothing of facts.

A line that cannot be read is rejected with its number and a reason; the next one is read all the
same. Only a file that cannot be what the map says (empty, another encoding, no such column) is
refused as a whole. Read next: `job.py`.
"""

from __future__ import annotations

import csv
import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TextIO

from ledger.errors import BadData
from ledger.importing.maps import ImportMap

REJECTS_WAITING = 10_000  # rejects kept until their chunk is done
LINE_LIMIT = 1 << 20  # bytes; a longer line is a mistake, and is not kept in memory
QUOTED_LIMIT = 100_000  # characters of a record whose quoted text goes over several lines
UNCLOSED = "a quote is opened on this line and not closed"
INSIDE = "this line is inside a quoted text that another line opened"


class Counting(Protocol):
    """Whoever counts the lines read."""

    read: int


RawRow = tuple[int, list[str]]  # line number, the texts of the mapped columns and then the rest


class Rejects:
    """The rejects file: line number, reason and field, one JSON object a line. Never a value."""

    def __init__(self, path: Path | None) -> None:
        self.path, self.count = path, 0
        self.written_to: str | None = None
        self._file: TextIO | None = None
        self._waiting: list[tuple[int, str, str]] = []

    def __enter__(self) -> Rejects:
        """Nothing is created until something is rejected."""
        return self

    def __exit__(self, *_: object) -> None:
        """Write what is left and close the file if there is one."""
        self.flush()
        if self._file:
            self._file.close()

    def add(self, line: int, reason: str, problem: str = "malformed") -> None:
        """One bad line."""
        self.count += 1
        if self.path is not None:
            self._waiting.append((line, problem, reason))
            if len(self._waiting) >= REJECTS_WAITING:
                self.flush()

    def flush(self, up_to: int | None = None) -> None:
        """Write the rejects up to a line (None: all) in the order of their lines."""
        if not self._waiting or self.path is None:
            return
        ready = sorted(r for r in self._waiting if up_to is None or r[0] <= up_to)
        self._waiting = [r for r in self._waiting if up_to is not None and r[0] > up_to]
        if not ready:
            return
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("w", encoding="utf-8")
            self.written_to = str(self.path)
        for line, problem, reason in ready:
            said = {"line": line, "problem": problem, "reason": reason}
            self._file.write(json.dumps(said, ensure_ascii=False) + "\n")


def rows(file: BinaryIO, mapping: ImportMap, bad: Rejects, report: Counting) -> Iterator[RawRow]:
    """The readable lines of a file, the mapped columns first. Raises BadData for a file that does
    not have them."""
    lines = _lines(file, mapping.encoding, bad, report)
    if mapping.format == "csv":
        yield from _csv_rows(lines, mapping, bad, report)
    else:
        yield from _ndjson_rows(lines, mapping, bad, report)


def opened(path: Path) -> BinaryIO:
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise BadData(f"there is no file at {path}") from error
    except OSError as error:
        raise BadData(f"{path.name} cannot be opened ({type(error).__name__})") from error
    head = file.read(4)
    file.seek(3 if head.startswith(b"\xef\xbb\xbf") else 0)
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in head:
        file.close()
        raise BadData(f"{path.name} is not in UTF-8 (it looks like UTF-16); convert it first")
    return file


def _lines(
    file: BinaryIO, encoding: str, bad: Rejects, report: Counting
) -> Iterator[tuple[int, str]]:
    """Decoded lines with their numbers, from 1."""
    number = 0
    while raw := file.readline(LINE_LIMIT):
        number += 1
        if len(raw) == LINE_LIMIT and not raw.endswith(b"\n"):
            while raw := file.readline(LINE_LIMIT):
                if raw.endswith(b"\n"):
                    break
            report.read += 1
            bad.add(number, "this line is longer than 1 MiB")
            continue
        try:
            text = raw.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError:
            report.read += 1
            bad.add(number, f"this line is not {encoding} text; is the map's 'encoding' right?")
            continue
        yield number, text


def records(
    lines: Iterator[tuple[int, str]],
    delimiter: str,
    reject: Callable[[int, str], None],
    beyond: Iterable[tuple[int, str]] = (),
) -> Iterator[tuple[int, str]]:
    """Records of CSV: a line each, but where a quoted text has line breaks. What people wrote may
    look like a line of its own: none of it is ever taken for one. A quote that no later line closes
    spoils its own line only. `beyond`: what follows these lines, read only inside a quote."""
    waiting: deque[tuple[int, str]] = deque()
    after = iter(beyond)

    def following() -> tuple[int, str] | None:
        return waiting.popleft() if waiting else next(lines, None)

    while line := following():
        number, text = line
        if not text:
            continue
        if '"' not in text:
            yield line
        elif not _is_open(text, delimiter):
            if text.count('"') % 2:
                reject(number, UNCLOSED)
            else:
                yield line
        else:
            taken, is_whole, is_closed = _quoted(
                line, lambda: following() or next(after, None), reject
            )
            text = "\n".join(each for _, each in taken)
            if is_whole and is_closed and _is_record(text, delimiter):
                yield number, text
                continue
            reject(number, UNCLOSED)
            if is_whole:
                waiting.extendleft(reversed(taken[1:]))


def _quoted(
    line: tuple[int, str],
    following: Callable[[], tuple[int, str] | None],
    reject: Callable[[int, str], None],
) -> tuple[list[tuple[int, str]], bool, bool]:
    """The lines up to the one that closes the quote this one opens; whether all could be read and
    are few enough to be one record (else they are rejected here), and whether one closes it."""
    taken, size, is_whole = [line], len(line[1]), True
    while more := following():
        number, text = more
        size += len(text)
        if is_whole and (number != taken[-1][0] + 1 or size > QUOTED_LIMIT):
            is_whole = False
            for one, inside in taken[1:]:
                if inside:
                    reject(one, INSIDE)
        if is_whole:
            taken.append(more)
        elif text:
            reject(number, INSIDE)
        if text.count('"') % 2:
            return taken, is_whole, True
    return taken, is_whole, False


def _is_open(text: str, delimiter: str) -> bool:
    """Whether a quoted text goes on after this line."""
    try:
        next(csv.reader([text], delimiter=delimiter, strict=True))
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


def _is_record(text: str, delimiter: str) -> bool:
    try:
        return len(list(csv.reader([text], delimiter=delimiter, strict=True))) == 1
    except csv.Error:
        return False


def _csv_rows(
    lines: Iterator[tuple[int, str]], mapping: ImportMap, bad: Rejects, report: Counting
) -> Iterator[RawRow]:
    at = 0

    def reject(number: int, reason: str) -> None:
        report.read += 1
        bad.add(number, reason)

    def fed() -> Iterator[str]:
        nonlocal at
        for number, text in records(lines, mapping.delimiter, reject):
            at = number
            report.read += 1
            yield text

    reader = csv.reader(fed(), delimiter=mapping.delimiter, strict=True)
    try:
        header = next(reader)
    except StopIteration:
        raise BadData("the file is empty: not even a line of column names") from None
    except csv.Error as error:
        raise BadData("the first line does not hold column names") from error
    report.read -= 1  # column names are no line of data
    order, rest = _positions(header, mapping)
    width = len(header)
    pick = order + rest
    straight = pick == list(range(width))
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            bad.add(at, "this line is not CSV")
            continue
        if len(row) != width:
            bad.add(at, f"this line has {len(row)} columns, the first line names {width}")
            continue
        yield at, row if straight else [row[i] for i in pick]


def _positions(header: list[str], mapping: ImportMap) -> tuple[list[int], list[int]]:
    names = [name.strip() for name in header]
    for name in mapping.columns:
        if names.count(name) != 1:
            what = "has no column" if name not in names else "has two columns"
            raise BadData(f"the file {what} '{name}', which the map reads")
    order = [names.index(name) for name in mapping.columns]
    return order, [i for i in range(len(names)) if i not in order]


def _ndjson_rows(
    lines: Iterator[tuple[int, str]], mapping: ImportMap, bad: Rejects, report: Counting
) -> Iterator[RawRow]:
    for number, text in lines:
        if not text:
            continue
        report.read += 1
        try:
            said = json.loads(text)
        except ValueError:
            bad.add(number, "this line is not JSON")
            continue
        if not isinstance(said, dict):
            bad.add(number, "this line is not a JSON object")
            continue
        absent = [n for n in (mapping.person_column, mapping.occurred_column) if n not in said]
        if absent:
            bad.add(number, f"this line has no '{absent[0]}', which the map reads")
            continue
        values = [_cell(said.pop(name, "")) for name in mapping.columns]
        yield number, [*values, json.dumps(said, sort_keys=True)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def chunks(source: Iterator[RawRow], size: int) -> Iterator[list[RawRow]]:
    chunk: list[RawRow] = []
    for row in source:
        chunk.append(row)
        if len(chunk) == size:
            yield chunk
            chunk = []
    yield chunk
