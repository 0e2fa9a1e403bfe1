"""One audit from the file to the report: read, count, ask, look at what was left out."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from ledger.audit import answers, columns, sanctions
from ledger.audit.blocks import Source
from ledger.audit.cards import Gate
from ledger.audit.counting import WORKERS, Counter
from ledger.audit.past import PastTerm
from ledger.audit.plan import Plan, Terms
from ledger.audit.report import Report
from ledger.calendar import Instant, format_day
from ledger.importing.maps import ImportMap
from ledger.importing.reading import opened
from ledger.policy.model import Edition

Progress = Callable[[int, int, int], None]  # bytes done, bytes in all, lines read


class Audited(NamedTuple):
    """A finished audit, while what it counted is still there."""

    report: Report
    past: PastTerm


def audit(
    path: Path,
    mapping: ImportMap,
    edition: Edition,
    *,
    now: Instant,
    as_of: Instant | None = None,
    progress: Progress | None = None,
) -> Report:
    """What a file would come to under an edition, as of a date (by default now).

    Raises BadData if the file as a whole cannot be read.
    """
    with audited(path, mapping, edition, now=now, as_of=as_of, progress=progress) as found:
        return found.report


@contextmanager
def audited(
    path: Path,
    mapping: ImportMap,
    edition: Edition,
    *,
    now: Instant,
    as_of: Instant | None = None,
    progress: Progress | None = None,
) -> Iterator[Audited]:
    """The same, with the people past their term at hand until the block ends: what
    `import --reject past-term` asks line by line."""
    began = time.monotonic()
    terms = Terms(now if as_of is None else as_of, now)
    report = Report(path.name, mapping.source, format_day(terms.day), _edition(edition))
    with opened(path) as file:
        source = Source(file, mapping)
        plan = Plan(mapping, source.header, edition, terms)
        with Counter(plan, report, Gate(mapping, source.header)) as counter:
            _count(file, source, counter, max(path.stat().st_size, 1), progress)
            for reason, lines in source.rejected.items():
                report.read += lines.count
                report.rejected[reason].extend(lines.count, lines.numbers)
            people = answers.people(counter)
            answers.answer(counter, people)
            report.columns = columns.undeclared(mapping, source)
            report.sanction = sanctions.nearest(report)
            report.seconds = round(time.monotonic() - began, 3)
            yield Audited(report, PastTerm(counter, people))


def _count(
    file: BinaryIO, source: Source, counter: Counter, size: int, progress: Progress | None
) -> None:
    """Blocks go to the workers, a few at a time."""
    waiting: deque[Future[None]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        for block in source.blocks():
            waiting.append(pool.submit(counter.add, block))
            if len(waiting) > WORKERS:
                waiting.popleft().result()
            if progress:
                progress(file.tell(), size, counter.report.read)
        while waiting:
            waiting.popleft().result()


def _edition(edition: Edition) -> dict[str, str]:
    return {
        "id": edition.id,
        "title": edition.title,
        "company": edition.company,
        "effective_from": format_day(edition.effective_from),
    }
