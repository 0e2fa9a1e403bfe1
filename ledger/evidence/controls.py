"""A run of the controls put on record, and its result signed for whoever checks us without us.

The result (counts, and the positions of what was found, no person) is hashed; the fact
`control.ran` carries the hash and the counts; the result, with the position of that fact, is signed
under `<origin>/certificate` as certificates of erasure are, rests in their folder, and travels in
every whole bundle. A verifier checks the signature and looks the cited fact up (its check 13).

Crash after the fact is recorded: its result was never signed; the controls are asked again.
What this file never does: judge (`replay/controls/`). Read next: `ledger/erasing/certificate.py`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import Day, Instant, format_day, format_instant, moment_of_instant
from ledger.entry import to_base64
from ledger.erasing.certificate import SIGNED, Sign, write
from ledger.events import ControlRan
from ledger.store import controlling

FORMAT = "probant-controls/1"


class Ran(NamedTuple):
    """One run on record: where, when it was recorded, what was asked and what was found."""

    position: int
    recorded_at: Instant
    as_of: Day
    known: int
    violations: int
    found: Mapping[str, int]  # by control
    result: str


def digest_of(result: Mapping[str, Any]) -> str:
    """The SHA-256 (base64url) of a result: of its JSON, keys sorted, ASCII, without spaces."""
    said = json.dumps(result, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return to_base64(sha256(said.encode()).digest())


def record_run(
    ledger: Ledger, result: Mapping[str, Any], as_of: Day, found: Mapping[str, int]
) -> dict[str, Any]:
    """Put a run on record. `result`: the plain values that are signed; `found`: violations by
    control. Returns the document to sign."""
    now = ledger.clock.now()
    digest = digest_of(result)
    fact = ControlRan(
        occurred=moment_of_instant(now),
        actor="system",
        as_of=as_of,
        known=result["known"],
        violations=sum(found.values()),
        found=tuple(f"{control.lower()}:{n}" for control, n in found.items()),
        result=digest,
    )
    told = act_of(fact)
    (written,) = act(ledger, [told])
    return {
        "format": FORMAT,
        "id": str(uuid4()),
        "origin": ledger.keyring.origin,
        "issued_at": format_instant(now),
        "subject": None,
        "erased": [{"position": written.position, "event": str(told.id), "class": None}],
        "digest": digest,
        "result": dict(result),
    }


def file_result(folder: Path, document: dict[str, Any], sign: Sign | None) -> tuple[Path, bool]:
    """Write the document among the certificates; whether it is signed. Without a signer it waits
    for `probant certify`."""
    path = write(folder, document, sign)
    return path, path.name.endswith(SIGNED) and sign is not None


def runs(ledger: Ledger, limit: int = 100, before: int | None = None) -> list[Ran]:
    """The runs on record, newest first."""
    with ledger.database.read() as connection:
        return list(_told(controlling.newest(connection, ControlRan.kind, limit, before)))


def _told(found: list[controlling.Whole]) -> Iterator[Ran]:
    for one in found:
        fact = one.fact
        assert isinstance(fact, ControlRan)
        counts = dict(said.split(":") for said in fact.found)
        yield Ran(
            one.row.position,
            one.row.recorded_at,
            fact.as_of,
            fact.known,
            fact.violations,
            {control.upper(): int(n) for control, n in counts.items()},
            fact.result,
        )


def run_json(one: Ran) -> dict[str, Any]:
    """A run as plain values."""
    return {
        "position": one.position,
        "recorded_at": format_instant(one.recorded_at),
        "as_of": format_day(one.as_of),
        "known": one.known,
        "violations": one.violations,
        "found": dict(one.found),
        "result": one.result,
    }
