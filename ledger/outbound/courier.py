"""The courier: takes what waits in the outbox, hands it over, notes how it went.

1. The messages of one endpoint go one after another, in the order of their facts; endpoints do not
   wait for each other. After a failure the rest of the batch waits for the next round.
2. A message is sent first and noted afterwards, in one transaction with the fact that its recipient
   was told. Killed in between, it is sent again under the same id: at least once, never lost.
3. What is not taken is tried again later and later, a little earlier or later each time; a receiver
   may say when (Retry-After). After `ATTEMPTS` it is dead, and waits for `redeliver`.
4. A receiver that answers 410 is gone: nothing is sent there any more.
5. What is nothing to a recipient is not sent to it (`ledger/policy/telling.py`).
6. A callback of OpenDSR says where the request stands when it is sent; it says the same again, or
   newer, if it is sent again.
7. A token of confirmation is made for its message and kept nowhere; void or too old, it stays.
8. A request that is owed an answer is looked at once a day until it has one, and a reminder sent
   on the days that its clock names then: an extension or a correction moves them. A day on which
   nobody could be reached is made up for; the last reminder that has come is the one that is sent.

Two couriers at once would do no harm but send twice; a lock on a file keeps it to one a machine.
What this file never does: put anything into the outbox. Read next: `ledger/store/outbox.py`.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from threading import Event
from typing import Any
from uuid import UUID

from ledger.application import Ledger
from ledger.calendar import Instant, add_days, day_of, start_of
from ledger.choosing.optin import Confirmation, confirmation_of
from ledger.errors import NotFound, ProbantError
from ledger.outbound import envelope, recording
from ledger.outbound.endpoints import CONFIRMATIONS, OPENDSR, REMINDERS, headers_of
from ledger.outbound.posting import GONE, Answer, Post
from ledger.outbound.recording import Taken
from ledger.outbound.standing import DAYS, declared, due_day
from ledger.policy.telling import CONCERNING
from ledger.requests import opendsr
from ledger.requests import reading as requests
from ledger.store import outbox, telling
from ledger.store.outbox import Delivery, Endpoint
from ledger.store.telling import Stated

ATTEMPTS = 10  # over about two and a half days; then it is dead
FIRST_SECONDS, FACTOR, LONGEST_SECONDS = 5, 4, 24 * 3600
BATCH = 32  # messages noted together
HANDS = 8  # endpoints served at once
POLL_SECONDS = 0.5
KEPT_MICROSECONDS = 90 * 24 * 3600 * 10**6  # the log of what succeeded

Special = Callable[[Endpoint, Delivery, Stated], Delivery | None]
"""Sends one message; None when there is nothing to be sent of this fact."""

_log = logging.getLogger("probant.outbound")


def delay_seconds(attempts: int, wanted: int | None, chance: float) -> float:
    """How long to wait after this many attempts: 5 s, 20 s, 80 s … a day at most, give or take a
    fifth (`chance`, 0 to 1), and never less than the receiver `wanted`."""
    planned: float = min(FIRST_SECONDS * FACTOR ** (attempts - 1), LONGEST_SECONDS)
    return max(planned * (0.8 + 0.4 * chance), wanted or 0)


class Courier:
    """Delivers for one ledger."""

    def __init__(
        self, ledger: Ledger, post: Post, *, days: int = DAYS, chance: Random | None = None
    ) -> None:
        self.ledger, self.post, self.days = ledger, post, days
        self.chance = chance or Random()  # noqa: S311 (spreads retries, keeps no secret)

    def round(self) -> int:
        """Serve every endpoint once, one batch each. Returns how many messages were taken."""
        return sum(self.visit(endpoint) for endpoint in self._live())

    def visit(self, endpoint: Endpoint) -> int:
        """One batch of one endpoint, up to the first failure. Returns how many were taken."""
        now = self.ledger.clock.now()
        with self.ledger.database.read() as connection:
            rows = outbox.due(connection, endpoint.id, now, BATCH)
            facts = telling.at(connection, {row.position for row in rows})
        if not rows:
            return 0
        known, is_gone, special = declared(self.ledger), False, self._special(endpoint)
        done: list[Delivery] = []
        taken: list[Taken] = []
        foreign: list[int] = []
        for row in rows:
            one = facts.get(row.position)
            if one is None:  # pruned: there is nothing left to say
                done.append(row._replace(state="dead", last_error="pruned"))
                continue
            if special is not None:
                sent = special(endpoint, row, one)
                if sent is None:
                    foreign.append(row.position)
                    continue
                done.append(sent)
                if sent.state == "delivered" or sent.attempts <= row.attempts:
                    continue
                is_gone = sent.last_status == GONE
                break
            asked = one.row.kind in CONCERNING
            if asked and endpoint.recipient not in known.concerned(one):
                foreign.append(row.position)
                continue
            answer = self._send(endpoint, one, asked)
            done.append(self._noted(row, answer))
            if not answer.is_taken:
                is_gone = answer.status == GONE
                break
            if asked:
                message = self._message(endpoint, row.position)
                taken.append(Taken(row.position, endpoint.recipient, message))
        self._settle(endpoint, done, taken, foreign)
        if is_gone:
            self.ledger.recorder.redo(lambda connection: outbox.close(connection, endpoint.id))
        return sum(row.state == "delivered" for row in done)

    def watch(self, stopping: Event) -> None:
        """Serve until told to stop. A failure of ours is logged, and tried again."""
        busy: dict[UUID, Future[int]] = {}
        swept = 0
        with ThreadPoolExecutor(HANDS, "courier") as pool:
            while not stopping.is_set():
                try:
                    live = self._live()
                    busy = {one.id: busy[one.id] for one in live if one.id in busy}
                    for endpoint in live:
                        if endpoint.id not in busy or busy[endpoint.id].done():
                            busy[endpoint.id] = pool.submit(self._guarded, endpoint)
                    if self.ledger.clock.now() - swept > KEPT_MICROSECONDS // 90:
                        swept = self._sweep()
                except ProbantError as error:
                    _log.warning("the courier waits (%s)", error.code)
                has_more = any(one.done() and one.result() for one in busy.values())
                stopping.wait(POLL_SECONDS / 50 if has_more else POLL_SECONDS)

    def _live(self) -> list[Endpoint]:
        with self.ledger.database.read() as connection:
            return [one for one in outbox.listed(connection) if one.state == "live"]

    def _guarded(self, endpoint: Endpoint) -> int:
        try:
            return self.visit(endpoint)
        except Exception as error:
            # Nothing was noted: what was sent is sent again. Its text may hold what was sent.
            _log.warning("a round of %s failed (%s)", endpoint.id, type(error).__name__)
            return 0

    def _message(self, endpoint: Endpoint, position: int) -> UUID:
        return envelope.message_of(self.ledger.keyring.origin, position, endpoint.id)

    def _send(self, endpoint: Endpoint, one: Stated, asked: bool) -> Answer:
        message = self._message(endpoint, one.row.position)
        due = due_day(one.row.recorded_at, self.days) if asked else None
        body = envelope.body(self.ledger.keyring.origin, message, one, due)
        now = self.ledger.clock.now()
        return self.post(endpoint.url, body, headers_of(self.ledger, endpoint, message, now, body))

    def _special(self, endpoint: Endpoint) -> Special | None:
        """How an endpoint is sent to that is sent something else than the facts themselves."""
        if CONFIRMATIONS in endpoint.kinds:
            return self._confirmed
        if REMINDERS in endpoint.kinds:
            return self._reminded
        return self._called if OPENDSR in endpoint.kinds else None

    def _confirmed(self, endpoint: Endpoint, row: Delivery, one: Stated) -> Delivery | None:
        """What became of a token for our mailer; None for a request that has none."""
        to_her = confirmation_of(self.ledger, row.position)
        if to_her is None:
            return None
        if not isinstance(to_her, Confirmation):
            return row._replace(state="dead", last_error=to_her)
        message = self._message(endpoint, one.row.position)
        body = envelope.confirmation(self.ledger.keyring.origin, message, one, to_her)
        now = self.ledger.clock.now()
        headers = headers_of(self.ledger, endpoint, message, now, body)
        return self._noted(row, self.post(endpoint.url, body, headers))

    def _reminded(self, endpoint: Endpoint, row: Delivery, one: Stated) -> Delivery | None:
        """What became of the reminder that is owed today, if one is; None once the request needs
        none and nobody was ever reminded of it."""
        was_sent = row.last_status is not None and row.last_status // 100 == 2
        try:
            request = requests.one(self.ledger, one.row.stream)
        except NotFound:
            return None
        if not request.is_open:
            return row._replace(state="delivered") if was_sent else None
        origin, now = self.ledger.keyring.origin, self.ledger.clock.now()
        today = day_of(now)
        tomorrow = start_of(add_days(today, 1))
        come = [day for day in request.reminders if day <= today]
        if not come or (was_sent and row.last_at is not None and day_of(row.last_at) >= come[-1]):
            return row._replace(next_at=tomorrow)
        message = envelope.reminder_of(origin, row.position, endpoint.id, come[-1])
        body = envelope.reminder(origin, message, row.position, request, today)
        headers = headers_of(self.ledger, endpoint, message, now, body)
        noted = self._noted(row, self.post(endpoint.url, body, headers))
        if noted.state != "delivered":
            return noted
        return noted._replace(state="pending", attempts=0, next_at=tomorrow)

    def _called(self, endpoint: Endpoint, row: Delivery, one: Stated) -> Delivery | None:
        """What became of a status callback; None for a request that came by another way."""
        keyring = self.ledger.keyring
        try:
            request = requests.one(self.ledger, one.row.stream)
        except NotFound:
            return None
        if request.channel != opendsr.CHANNEL:
            return None
        body = opendsr.callback(request, endpoint.recipient, endpoint.url, keyring)
        message = self._message(endpoint, one.row.position)
        signed = headers_of(self.ledger, endpoint, message, self.ledger.clock.now(), body)
        headers = {**signed, **opendsr.headers(keyring, body), "Content-Type": "application/json"}
        return self._noted(row, self.post(endpoint.url, body, headers))

    def _noted(self, row: Delivery, answer: Answer) -> Delivery:
        now, attempts = self.ledger.clock.now(), row.attempts + 1
        noted = row._replace(
            attempts=attempts,
            last_at=now,
            last_status=answer.status,
            last_error=answer.error,
        )
        _log.info(
            "%s position %d attempt %d: %s",
            *(row.endpoint, row.position, attempts, answer.status or answer.error),
        )
        if answer.is_taken:
            return noted._replace(state="delivered")
        if attempts >= ATTEMPTS:
            return noted._replace(state="dead")
        wait = delay_seconds(attempts, answer.retry_after, self.chance.random())
        return noted._replace(next_at=now + round(wait * 10**6))

    def _settle(
        self, endpoint: Endpoint, done: list[Delivery], taken: list[Taken], foreign: list[int]
    ) -> None:
        def note(connection: Any, _written: Any) -> None:
            outbox.mark(connection, done)
            outbox.drop(connection, endpoint.id, foreign)

        recording.tell(self.ledger, taken, note)

    def _sweep(self) -> Instant:
        now = self.ledger.clock.now()
        with self.ledger.database.write() as connection:
            outbox.forget(connection, now - KEPT_MICROSECONDS)
        return now


@contextmanager
def turn(lock: Path, stopping: Event) -> Iterator[bool]:
    """Wait until no other courier of this machine works, or until told to stop (False)."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        yield _taken(descriptor, stopping)
    finally:
        os.close(descriptor)


def _taken(descriptor: int, stopping: Event) -> bool:
    while not stopping.is_set():
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stopping.wait(POLL_SECONDS)
        else:
            return True
    return False
