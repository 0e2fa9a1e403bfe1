"""A retention run that a server was asked for: carried out beside what it serves, and resumed.

What is true when the server is killed: every batch is wholly done or not at all, its numbers with
it; the run stays `running`, and the next server, or another one after a minute of silence, goes on
with what is still due. Only the numbers may then lack one batch, whose erasures were in the journal
and not yet in the log: they are carried out when the ledger is opened, and counted by nobody. When
the server is told to stop, the run is let go between two batches, or two certificates, and taken up
at the next start: what was erased and not certified is certified then.

One run at a time for a ledger. What this file never does: judge, archive or erase (`run.py`). Read
next: `ledger/store/runs.py`.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from typing import Any
from uuid import UUID, uuid4

from ledger.application import Ledger
from ledger.erasing.certificate import Desk
from ledger.errors import Misuse, NotFound, ProbantError, Refusal, Refused
from ledger.retention.judging import Judged, judge, known_now
from ledger.retention.run import AT_ONCE, Ran, batch, finish, people_due, ran, record_run
from ledger.store import runs
from ledger.store.database import speaking
from ledger.store.recipient import ArchiveRecipient
from ledger.store.runs import Asked, Overtaken

TICK_SECONDS = 10  # between two looks for a run that somebody left
UNDER_WAY = Refusal("conflict", "a retention run is under way; see GET /v1/retention/runs")
NO_JOURNAL = Refusal("refused", "this server was given no erasure journal: it may only rehearse")

_log = logging.getLogger("probant.retention")


class Stopping(Exception):
    """The server stops: the run is let go."""


class Keeper:
    """The thread of one server that carries out retention runs. Close it, or it stays.

    `journal` is the folder of the erasure journal, `recipient` the file of the archive's public
    key, read when a run begins, `desk` where its erasures are certified (None: by the next run that
    has one)."""

    def __init__(
        self,
        ledger: Ledger,
        journal: Path | None,
        recipient: Path | None,
        desk: Desk | None = None,
    ) -> None:
        self.ledger, self.journal, self.recipient, self.desk = ledger, journal, recipient, desk
        self.holder = uuid4()
        self._stopping, self._wake = Event(), Event()
        self._thread = Thread(target=self._watch, name="probant-retention", daemon=True)
        self._thread.start()

    def ask(self, asked_by: str, *, rehearsal: bool) -> Asked:
        """Have a run carried out. Raises Refused while another is, or where none can be."""
        if not rehearsal and self.journal is None:
            raise Refused(NO_JOURNAL)
        now = self.ledger.clock.now()
        state = ("running", None, now, now)
        one = Asked(uuid4(), rehearsal, asked_by, *state, 0, 0, 0, 0, 0, None, None, None)

        with speaking(), self.ledger.database.write() as connection:
            runs.begin(connection, one, Refused(UNDER_WAY))
        self._wake.set()
        return one

    def close(self) -> None:
        """Let go of what is under way, between two batches."""
        self._stopping.set()
        self._wake.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                one = self._taken()
                if one is not None:
                    self._carry_out(one)
            except Exception as error:  # its text may hold what was read
                _log.warning("retention waits (%s)", type(error).__name__)
            self._wake.wait(TICK_SECONDS)
            self._wake.clear()

    def _taken(self) -> Asked | None:
        """The run that waits for somebody, now ours."""
        with self.ledger.database.read() as connection:
            one = runs.under_way(connection)
        if one is None:
            return None
        with speaking(), self.ledger.database.write() as connection:
            is_ours = runs.take(connection, one.id, self.holder, self.ledger.clock.now())
        return find(self.ledger, one.id) if is_ours else None

    def _carry_out(self, one: Asked) -> None:
        try:
            (self._rehearse if one.rehearsal else self._run)(one)
        except Overtaken:
            _log.warning("a retention run was taken over by another server")
        except Stopping:
            self._let_go(one)
        except ProbantError:
            self._let_go(one)  # the database failed, or others wrote: taken up again
            raise
        except Exception as error:
            self._finish(one, state="failed", error=type(error).__name__)
            raise

    def _run(self, one: Asked) -> None:
        assert self.journal is not None
        there = self.recipient is not None and self.recipient.exists()
        recipient = ArchiveRecipient.parse(self.recipient.read_bytes()) if there else None  # type: ignore[union-attr]

        why: Counter[str] = Counter()  # of this beginning, like `held`

        def note(connection: Any, looked: int, found: Sequence[Judged]) -> None:
            counts = Counter(judged.what for judged in found)
            numbers = {
                "looked": looked,
                "people": len({j.scope.subject for j in found if j.what != "held"}),
                "archived": counts["archive"],
                "erased": counts["erase"],
                "held": counts["held"],
            }
            runs.beat(connection, one.id, self.holder, self.ledger.clock.now(), **numbers)

        everybody = people_due(self.ledger, self.ledger.clock.now())
        is_cut = False
        while some := list(islice(everybody, AT_ONCE)):
            self._go_on()
            try:
                found = batch(self.ledger, some, recipient, self.journal, note)
            except Misuse:  # something must be archived and there is no key to archive it for
                is_cut = True
                break
            why.update(article for judged in found for article in judged.why)
        certified = finish(self.ledger, self.desk, self.journal, partial(self._certified, one))
        if is_cut:
            self._finish(one, state="failed", error="no-archive-key")
            return
        done = find(self.ledger, one.id)
        made = Ran(done.people, done.archived, done.erased, done.held)
        after = self._ending(one, held_by=dict(why), certified=certified)
        record_run(self.ledger, made, rehearsal=False, after=after)

    def _certified(self, one: Asked, _number: int) -> None:
        """Some more was certified: we are alive, and stop here when we are told to."""
        self._go_on()
        with speaking(), self.ledger.database.write() as connection:
            runs.beat(connection, one.id, self.holder, self.ledger.clock.now())

    def _rehearse(self, one: Asked) -> None:
        ledger, at = self.ledger, self.ledger.clock.now()
        known, everybody = known_now(ledger), people_due(ledger, at)
        classes: dict[str, Counter[str]] = {}
        totals: Counter[str] = Counter()
        why: Counter[str] = Counter()
        people = 0
        while some := list(islice(everybody, AT_ONCE)):
            self._go_on()
            for subject in some:
                found = judge(ledger, known, subject, at)
                people += bool(found)
                for judged in found:
                    classes.setdefault(judged.scope.data_class, Counter())[judged.what] += 1
                    totals[judged.what] += 1
                    why.update(judged.why)
            with speaking(), ledger.database.write() as connection:
                runs.beat(connection, one.id, self.holder, ledger.clock.now(), looked=len(some))
        made = ran(people, totals, why)
        counted = {name: dict(counts) for name, counts in sorted(classes.items())}
        numbers = {**made._asdict(), "classes": counted, "held_by": dict(why), "certified": None}
        record_run(ledger, made, rehearsal=True, after=self._ending(one, **numbers))

    def _go_on(self) -> None:
        if self._stopping.is_set():
            raise Stopping

    def _ending(self, one: Asked, **numbers: Any) -> Callable[[Any, Any], None]:
        """The run is done, in the transaction that puts it on record."""

        def after(connection: Any, written: Any) -> None:
            said = {"state": "done", "position": written[-1].position, **numbers}
            runs.finish(connection, one.id, self.holder, **said)

        return after

    def _finish(self, one: Asked, **said: Any) -> None:
        with suppress(Overtaken), speaking(), self.ledger.database.write() as connection:
            runs.finish(connection, one.id, self.holder, **said)

    def _let_go(self, one: Asked) -> None:
        with suppress(Overtaken), speaking(), self.ledger.database.write() as connection:
            runs.let_go(connection, one.id, self.holder)


def find(ledger: Ledger, id: UUID) -> Asked:
    """The run of this id. Raises NotFound."""
    with ledger.database.read() as connection:
        found = runs.find(connection, id)
    if found is None:
        raise NotFound("this ledger knows no such retention run")
    return found
