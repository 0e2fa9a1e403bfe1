"""Rotating the key-encryption keys (KEKs), so that forgotten keys die in backups too.

What must hold at every step, whoever crashes:

1. Every living data key can be unwrapped: a KEK is destroyed only when nothing living needs it,
   looked at under the head lock in the moment of its destruction.
2. A retired epoch wraps nothing new: retiring follows a move of the head's epoch, which makes every
   process look into its keyring again, and whose newest epoch is retired refuses to go on.
3. History never claims a death that has not happened: the KEK is destroyed first, then the event.
4. Running again completes: everything is read from the keyring, the keys and history; there is no
   state of our own.

A rotation: begin an epoch, rewrap what lives, retire the older epochs, and destroy those whose day
has come. What this file never does: touch a key. Read next: `ledger/store/epochs.py`, docs/keys.md.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import Day, add_days, day_of, moment_of_instant
from ledger.errors import Broken
from ledger.events import KekDestroyed, KekRetired
from ledger.store import epochs

Progress = Callable[[int, int], None]
"""Hears (keys done, keys in all)."""


class Rotation(NamedTuple):
    """What one run did."""

    epoch: int
    resumed: bool  # an unfinished rotation was completed; no new epoch was begun
    rewrapped: int
    retired: dict[int, Day]  # epoch -> the day it dies
    destroyed: tuple[int, ...]


def rotate(
    ledger: Ledger, horizon: int, progress: Progress = lambda _done, _total: None
) -> Rotation:
    """Begin a KEK epoch (or finish the rotation that was interrupted), and destroy what is due.

    `horizon`: days for which backups are kept. Raises Broken when a KEK that is still needed is
    missing, or a service has an outdated keyring; everything is readable as before.
    """
    destroyed = destroy_due(ledger, progress)
    epoch, is_new = epochs.begin(ledger.database, ledger.keyring)
    ledger.forget()
    rewrapped, retired = rewrap(ledger, progress), {}
    with ledger.database.read() as connection:
        unretired = epochs.unretired(connection, epoch)
    for old in unretired:
        # Whoever lost a race against `begin` is refused and decides again: one pass was enough.
        dies_on = _retire(ledger, old, horizon)
        if dies_on is None:
            raise Broken(epochs.OUTDATED)
        retired[old] = dies_on
    return Rotation(epoch, not is_new, rewrapped, retired, destroyed)


def rewrap(ledger: Ledger, progress: Progress = lambda _done, _total: None) -> int:
    """Wrap every living data key under the newest KEK. Returns how many were not.

    A restore calls it too: what comes from a backup may need a KEK that is about to die.
    """
    newest = ledger.keyring.epoch
    with ledger.database.read() as connection:
        total = epochs.wrapped_under(connection, range(1, newest))
    done, last = 0, None
    while True:
        n, last = epochs.rewrap_some(ledger.database, ledger.vault, newest, last)
        if last is None:
            return done
        done += n
        progress(done, max(done, total))


def destroy_due(ledger: Ledger, progress: Progress = lambda _done, _total: None) -> tuple[int, ...]:
    """Destroy the KEKs whose day has come. Returns their epochs, oldest first.

    To be run daily: a certificate promised that day. A KEK that came back (with an old copy of the
    keyring) is destroyed again.
    """
    keyring = ledger.keyring
    keyring.refresh()
    today, done = day_of(ledger.clock.now()), []
    for epoch, said in _told(ledger).items():
        if epoch == keyring.epoch or not said.is_due(today):
            continue
        if epoch in keyring.epochs:
            _destroy_unneeded(ledger, epoch, progress)
            done.append(epoch)
        # A crash here leaves a KEK that is dead and an event that is missing: the next run, which
        # finds the KEK gone, records it.
        if _record_destroyed(ledger, epoch) and epoch not in done:
            done.append(epoch)
    return tuple(done)


def status(ledger: Ledger, horizon: int) -> dict[str, Any]:
    """Every epoch with what depends on it, as JSON. Days are YYYYMMDD integers or None."""
    keyring = ledger.keyring
    keyring.refresh()
    today = day_of(ledger.clock.now())
    with ledger.database.read() as connection:
        counted = {count.epoch: count for count in epochs.counts(connection)}
        numbers = range(1, max(keyring.epoch, *counted, 1) + 1)
        said = epochs.told(connection, numbers)
    rows = [
        {
            "epoch": n,
            "state": _state(n, said[n], keyring.epoch, n in keyring.epochs),
            "operational": counted[n].operational if n in counted else 0,
            "archived": counted[n].archived if n in counted else 0,
            "destroyed": counted[n].destroyed if n in counted else 0,
            "retired_on": said[n].retired_on,
            "dies_on": said[n].dies_on,
            "destroyed_on": said[n].destroyed_on,
            "due": n in keyring.epochs and said[n].is_due(today),
        }
        for n in numbers
    ]
    return {
        "origin": keyring.origin,
        "epoch": keyring.epoch,
        "pepper": keyring.pepper,
        "horizon_days": horizon,
        "today": today,
        "epochs": rows,
    }


def _state(epoch: int, said: epochs.Told, newest: int, held: bool) -> str:
    if said.destroyed_on is not None:
        return "returned" if held else "destroyed"
    if not held:
        return "missing"
    if said.retired_on is not None:
        return "retired"
    return "current" if epoch == newest else "rotating"


def _told(ledger: Ledger) -> dict[int, epochs.Told]:
    with ledger.database.read() as connection:
        return epochs.told(connection, range(1, ledger.keyring.epoch + 1))


def _retire(ledger: Ledger, epoch: int, horizon: int) -> Day | None:
    """Record that an epoch wraps nothing living, and the day it dies; None if it still does."""
    with ledger.recorder.alone():
        now = ledger.clock.now()
        with ledger.database.read() as connection:
            said = epochs.told(connection, [epoch])[epoch]
            if said.dies_on is not None:
                return said.dies_on  # somebody else did, or we did and were told otherwise
            if epochs.wrapped_under(connection, [epoch]):
                return None
        fact = KekRetired(
            occurred=moment_of_instant(now),
            actor="system",
            epoch=epoch,
            dies_on=add_days(day_of(now), horizon),
        )
        act(ledger, [act_of(fact, epochs.stream_of(epochs.RETIRED, epoch))], new_epoch=True)
        return fact.dies_on


def _destroy_unneeded(ledger: Ledger, epoch: int, progress: Progress) -> None:
    """Destroy a KEK while nobody can begin to need it."""
    rewrap(ledger, progress)
    with ledger.recorder.alone():
        with ledger.database.read() as connection:
            needed = epochs.wrapped_under(connection, [epoch])
        if needed:
            raise Broken(epochs.OUTDATED)
        ledger.keyring.destroy_epoch_forever(epoch)


def _record_destroyed(ledger: Ledger, epoch: int) -> bool:
    """Record that a KEK is no more, unless history says so already."""
    with ledger.recorder.alone():
        with ledger.database.read() as connection:
            if epochs.told(connection, [epoch])[epoch].destroyed_on is not None:
                return False
        now = moment_of_instant(ledger.clock.now())
        fact = KekDestroyed(occurred=now, actor="system", epoch=epoch)
        act(ledger, [act_of(fact, epochs.stream_of(epochs.DESTROYED, epoch))], new_epoch=True)
        return True
