"""A clock that stands still until a test moves it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def micros(moment: str) -> int:
    """Microseconds since the epoch of an ISO moment; without an offset it is UTC."""
    parsed = datetime.fromisoformat(moment)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return (parsed - EPOCH) // MICROSECOND


class StepClock:
    """Satisfies `ledger.calendar.Clock`: `now()` in µs since the epoch, UTC.

    `step` µs pass at each reading (0: time stands still). It only moves forward by `advance`;
    `set` may also move it back, as a badly kept server does.
    """

    def __init__(self, start: str | int = "2026-01-05T09:00:00", *, step: int = 0) -> None:
        self._now = start if isinstance(start, int) else micros(start)
        self._step = step

    def now(self) -> int:
        """The current instant, µs since the epoch; then `step` µs pass."""
        instant = self._now
        self._now += self._step
        return instant

    def advance(
        self,
        *,
        days: int = 0,
        hours: int = 0,
        minutes: int = 0,
        seconds: int = 0,
        microseconds: int = 0,
    ) -> int:
        """Let time pass, forward only; answers the new instant."""
        passed = timedelta(
            days=days, hours=hours, minutes=minutes, seconds=seconds, microseconds=microseconds
        )
        if passed < timedelta():
            raise ValueError("a clock advances; to move it back say set()")
        self._now += passed // MICROSECOND
        return self._now

    def set(self, moment: str | int) -> int:
        """Move to an ISO moment or an instant in µs, forward or back; answers the new instant."""
        self._now = moment if isinstance(moment, int) else micros(moment)
        return self._now
