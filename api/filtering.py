"""`POST /v1/permissions/filter`: recipients in, short verdicts out, one a line, in order.

The body is read in chunks of lines, each judged in a thread from one state of the ledger, while the
next one arrives. What is answered waits in a file without a name until it is taken: a caller may
send everything before reading anything, and neither side waits for the other for ever. The file
holds verdicts, of nobody in particular; memory is that of a few chunks. The last line is a summary:
an answer without it was cut. Read next: `ledger/permitting/filtering.py`.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

import msgspec
from anyio import CapacityLimiter, to_thread
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api import problems
from api.facts import MAX_REFERENCE, an_object, check_keys, check_strict, parse_json, reference_of
from api.problems import Problem
from api.settings import Language
from ledger.commands import Reference
from ledger.errors import BadData, ProbantError, Refusal, Refused
from ledger.fields import IDENTIFIER
from ledger.naming import unusable
from ledger.permitting.filtering import Campaign, Short
from ledger.permitting.gate import Gate, Who

FILTER = "/v1/permissions/filter"
MEDIA = "application/x-ndjson"
LINES = 50_000  # judged together
CHUNK = 2**21  # bytes read before they are cut into lines
MAX_LINE = 8 * 1024
IN_FLIGHT = 2  # chunks: one waits for the database while another is read or written
_PIECE = 2**18  # bytes sent at a time

Line: TypeAlias = Who | Refusal


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    person: Reference | None = None
    subject: str | None = None


_decoder = msgspec.json.Decoder(_Line)
_encoder = msgspec.json.Encoder()


# --- lines ----------------------------------------------------------------------------------------


class Reading:
    """Reads lines; remembers which kinds of reference are well formed."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._kinds: set[str] = set()

    def read(self, raw: bytes) -> list[Line]:
        """Whom each line names, or why it names nobody; blank lines are passed over."""
        plain = self._plain(raw)
        return self._one_by_one(raw) if plain is None else plain

    def _one_by_one(self, raw: bytes) -> list[Line]:
        found: list[Line] = []
        for line in filter(bytes.strip, raw.split(b"\n")):
            found += self._plain(line) or [self._read_slowly(line)]
        return found

    def _plain(self, raw: bytes) -> list[Line] | None:
        """The same of lines that are all plain: a person each, of a kind that is known, nothing
        twice and nothing escaped; None of all others."""
        lines = raw.count(b"\n") + 1
        # Ten quotes are two keys, their two values and "person". That is the least a line may have
        # that is a person, so that none has more; and an object ends where a line does.
        if raw.count(b'"') != 10 * lines or raw.count(b"}\n{") != lines - 1:
            return None
        try:
            said = _decoder.decode_lines(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        found: list[Line] = []
        kinds, blinded = self._kinds, self._gate.blinded
        for person in [line.person for line in said]:
            if person is None or person.kind not in kinds:
                return None
            if not 0 < len(person.value) <= MAX_REFERENCE or not person.value.strip():
                return None
            found.append(blinded(person))
        return found if len(found) == lines else None

    def _read_slowly(self, line: bytes) -> Line:
        try:
            (value,) = parse_json(line).items
            check_strict(value)
            item = an_object("line", value)
            check_keys("line", item, ("person", "subject"))
            subject, person = item.get("subject"), reference_of("person", item.get("person"))
            if (subject is None) == (person is None):
                raise BadData('name one person: "person" {"kind", "value"} or "subject" (an id)')
            if person is None:
                return UUID(str(IDENTIFIER.load(subject)))
            refusal = unusable(person)
            if refusal is not None:
                return refusal
            self._kinds.add(person.kind)
            return self._gate.blinded(person)
        except Problem as problem:
            return problem.refusal
        except Refused as refused:
            return refused.refusal
        except BadData as error:
            return Refusal("malformed", str(error))
        except ValueError as error:
            return Refusal("malformed", f"field 'subject': {error}")


class Judged(NamedTuple):
    """The lines that answer a chunk, and how many of them say what."""

    lines: bytes
    counts: Counter[str]
    reasons: Counter[str]


class Judge:
    """Judges chunks of lines for one request."""

    def __init__(self, gate: Gate, campaign: Callable[[], Campaign], lang: Language = "en") -> None:
        self._reading, self._campaign, self.lang = Reading(gate), campaign, lang

    def __call__(self, raw: bytes) -> Judged:
        """The answers to whole lines, in order; blank lines are passed over."""
        read = self._reading.read(raw)
        people = [who for who in read if not isinstance(who, Refusal)]
        campaign = self._campaign()
        found: list[Short] = []
        for start in range(0, len(people), LINES):
            found += campaign.judge(people[start : start + LINES])
        return _told(read, found, self.lang)


def _told(read: Sequence[Line], found: Sequence[Short], lang: Language) -> Judged:
    # Alike verdicts are one object, mostly: by identity, none is compared with another.
    times, told = Counter(map(id, found)), {id(short): short for short in found}
    encoded = {key: _encoder.encode(short._asdict()) for key, short in told.items()}
    verdicts = map(encoded.__getitem__, map(id, found))
    malformed = len(read) - len(found)
    lines = list(verdicts) if not malformed else [_line(one, verdicts, lang) for one in read]
    lines.append(b"")
    counts: Counter[str] = Counter(malformed=malformed)
    reasons: Counter[str] = Counter()
    for key, short in told.items():
        counts["allowed" if short.allowed else "refused"] += times[key]
        reasons[short.reason] += times[key]
    return Judged(b"\n".join(lines), counts, reasons)


def _line(read: Line, verdicts: Iterator[bytes], lang: Language) -> bytes:
    if isinstance(read, Refusal):
        return _encoder.encode(problems.told(problems.body(read), lang))
    return next(verdicts)


# --- streams --------------------------------------------------------------------------------------


class FilterResponse(Response):
    """Reads the body while it answers; see the head of this file."""

    def __init__(self, body: AsyncIterator[bytes], judge: Judge) -> None:
        super().__init__(media_type=MEDIA)
        del self.headers["content-length"]  # nobody knows it yet
        self._chunks, self._judge = body, judge
        self._thread = CapacityLimiter(IN_FLIGHT)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """The whole exchange."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        with tempfile.TemporaryFile(prefix="probant-filter-") as file:
            spool = _Spool(file.fileno())
            sending = asyncio.create_task(spool.send(send))
            try:
                await self._answer(spool)
                await sending
            finally:
                sending.cancel()

    async def _answer(self, spool: _Spool) -> None:
        counts: Counter[str] = Counter(allowed=0, refused=0, malformed=0)
        reasons: Counter[str] = Counter()
        running: deque[asyncio.Task[Judged]] = deque()

        async def finish_one() -> None:
            judged = await running.popleft()
            counts.update(judged.counts)
            reasons.update(judged.reasons)
            await to_thread.run_sync(spool.add, judged.lines)

        try:
            async for raw in _whole_lines(self._chunks):
                running.append(asyncio.create_task(self._judged(raw)))
                if len(running) >= IN_FLIGHT:
                    await finish_one()
            while running:
                await finish_one()
            last: dict[str, Any] = {
                "summary": {"lines": sum(counts.values()), **counts, "reasons": dict(reasons)}
            }
        except Problem as problem:
            last = problems.told(problems.body(problem.refusal), self._judge.lang)
        except ProbantError as error:
            last = problems.told(problems.body(problems.refusal_of(error)), self._judge.lang)
        finally:
            for task in running:
                task.cancel()
        spool.add(_encoder.encode(last) + b"\n")
        spool.close()

    async def _judged(self, raw: bytes) -> Judged:
        return await to_thread.run_sync(self._judge, raw, limiter=self._thread)


async def _whole_lines(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The body in pieces of whole lines. Raises Problem for a line without an end."""
    parts: list[bytes] = []
    size = 0
    async for part in body:
        parts.append(part)
        size += len(part)
        if size < CHUNK:
            continue
        whole, newline, rest = b"".join(parts).rpartition(b"\n")
        if newline:
            yield whole
        if len(rest) > MAX_LINE:
            raise Problem("too-large", f"a line has at most {MAX_LINE} bytes")
        parts, size = [rest], len(rest)
    last = b"".join(parts)
    if last.strip():
        yield last


class _Spool:
    """What was answered and not taken yet: a file written at its end, read where it was left."""

    def __init__(self, descriptor: int) -> None:
        self._file = descriptor
        self._written, self._is_closed = 0, False
        self._more = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def add(self, lines: bytes) -> None:
        """Write at the end, from any thread."""
        view = memoryview(lines)
        while view:
            n = os.pwrite(self._file, view, self._written)
            self._written, view = self._written + n, view[n:]
        self._loop.call_soon_threadsafe(self._more.set)

    def close(self) -> None:
        """Nothing more will be written."""
        self._is_closed = True
        self._more.set()

    async def send(self, send: Send) -> None:
        """Send everything as it comes, until it is closed and taken."""
        at = 0
        while True:
            self._more.clear()
            while at < self._written:
                piece = os.pread(self._file, _PIECE, at)
                at += len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            if self._is_closed and at >= self._written:
                break
            await self._more.wait()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
