"""The certificate of an erasure: what is gone, how it was checked, what was kept, and until when.

A statement `<origin>/certificate` and one JSON document, signed like a checkpoint by the signer's
key under that name (`ledger/seal/note.py`), so that the verifier of the log reads it too. Without a
signer it is written with its name ending in `.unsigned`, and signed later, byte for byte.

It holds ids, positions, codes and days, nothing personal. Every claim about a copy is one of:
*checked* after the commit, *kept* with its reason, *dies* on a day, or *out of reach* and said so.
Of each outside system it says whether it was told, and whether it acknowledged, with its receipt;
who acknowledged since is in a later certificate of the same erasure. Of a person known under
several references it is one certificate, each line of which says whose it is.
What this file never does: erase, or sign. Read next: `ledger/erasing/erase.py`, docs/erasure.md.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from ledger.application import Ledger
from ledger.calendar import Day, add_days, day_of, format_day, format_instant
from ledger.entry import to_base64
from ledger.erasing.erase import Erased, history
from ledger.erasing.journal import Journal
from ledger.errors import Broken
from ledger.outbound.standing import DAYS, About, Declared, declared, standing
from ledger.policy.erasures import Outcome
from ledger.policy.telling import Standing
from ledger.sealing.files import write_whole
from ledger.store import epochs, erasure

SIGNED, UNSIGNED = ".certificate", ".certificate.unsigned"
FORMAT = "probant-certificate/2"
Sign = Callable[[bytes], bytes]
"""Makes a signed note of a statement's text."""

Kept = Mapping[UUID, Sequence[Outcome]]
"""What is kept of each reference of one person."""


class Desk(NamedTuple):
    """Where certificates are written, what they state, and who signs them (None: nobody yet)."""

    folder: Path
    horizon: int  # days that backups live
    days: int = DAYS  # that outside systems have to acknowledge
    sign: Sign | None = None


class Issued(NamedTuple):
    """A certificate on the disk: its document, SHA-256 of its text (base64url), whether signed."""

    content: dict[str, Any]
    digest: str
    path: Path
    is_signed: bool


def of_request(
    ledger: Ledger,
    desk: Desk,
    journal: Path,
    kept: Kept,
    request: UUID,
    *,
    id: UUID | None = None,
) -> dict[str, Any] | None:
    """The document about all that was erased for one request, under every reference in `kept` (the
    first is the person's own), with every check done now; None when nothing was. It is called `id`,
    or by the id of the request: made again after a crash, it takes the place of the first."""
    book = Journal(journal, ledger.keyring.origin)
    done = [one for who in kept for one in history(ledger, book, who, request)]
    if not done:
        return None
    return certificate(
        ledger,
        next(iter(kept)),
        done,
        kept,
        reason="request",
        horizon=desk.horizon,
        request=request,
        days=desk.days,
        id=id or request,
    )


def issue(desk: Desk, content: dict[str, Any]) -> Issued:
    """Write a certificate, signed if a signer answers."""
    digest = to_base64(sha256(text_of(content)).digest())
    try:
        path = write(desk.folder, content, desk.sign)
    except Broken:  # no signer answers: `probant certify` signs the same bytes later
        path = write(desk.folder, content)
    return Issued(content, digest, path, path.suffix == SIGNED)


def found(folder: Path, id: UUID) -> tuple[bytes, bool] | None:
    """The certificate of this id, and whether it is signed; None when there is none."""
    for name, is_signed in ((SIGNED, True), (UNSIGNED, False)):
        try:
            return (folder / f"{id}{name}").read_bytes(), is_signed
        except FileNotFoundError:
            continue
    return None


def document_of(raw: bytes) -> dict[str, Any]:
    """The document in a certificate of ours, its signature unlooked at."""
    body = raw.partition(b"\n")[2].partition(b"\n\n")[0]
    content: dict[str, Any] = json.loads(body)
    return content


def certificate(  # noqa: PLR0913 - all that it states
    ledger: Ledger,
    subject: UUID,
    erased: Sequence[Erased],
    kept: Kept,
    *,
    reason: str,
    horizon: int,
    request: UUID | None = None,
    days: int = DAYS,
    id: UUID | None = None,
    known: Declared | None = None,
) -> dict[str, Any]:
    """The document about one erasure, with every check done now. `kept` names every reference of
    the person; `horizon`: days backups live; `days`: those that outside systems have to
    acknowledge; `known`: who they are (None: asked of the ledger)."""
    now = ledger.clock.now()
    keys = [kid for one in erased for kid in one.keys]
    people = list(dict.fromkeys([subject, *kept, *(one.scope.subject for one in erased)]))
    with ledger.database.read() as connection:
        seen = erasure.read_back(connection, people, keys)
        dead = [epochs.death_of(connection, e, day_of(now), horizon) for e in seen.epochs]
        disclosed = erasure.disclosed(connection, {one.scope.data_class for one in erased})
    died = {death.state for death in dead}
    last = add_days(day_of(now), horizon)  # of the last backup that still holds her references
    return {
        "format": FORMAT,
        "id": str(id or uuid4()),
        "origin": ledger.keyring.origin,
        "issued_at": format_instant(now),
        "subject": str(subject),
        "joined": [str(other) for other in people[1:]],
        "reason": reason,
        "request": request and str(request),
        "erased": [
            {
                "subject": str(one.scope.subject),
                "class": one.scope.data_class,
                "item": one.scope.item or None,
                "event": str(one.event),
                "position": one.position,
                "keys": [str(kid) for kid in one.keys],
                "intent": str(one.intent),
            }
            for one in erased
        ],
        "kept": [
            {"subject": str(who), **outcome_json(one)}
            for who, outcomes in kept.items()
            for one in outcomes
            if one.is_kept
        ],
        "checks": {
            "keys_destroyed": seen.living_keys == 0,
            "envelopes_deleted": seen.envelopes == 0,
            "references": "deleted" if seen.lookups == 0 else "kept with the classes kept",
            "write_ahead_log_empty": erasure.is_log_empty(ledger.database),
        },
        "copies": _copies(ledger, seen, disclosed),
        "recipients": [
            {"position": about.position, **standing_json(one)}
            for about in told_of(ledger, people, erased, days, known)
            for one in about.recipients
        ],
        "backups": {
            "dead_on": format_day(max([last, *(death.day for death in dead)])),
            "horizon_days": horizon,
            "certain": died <= {"destroyed"},
            "rests_on": sorted(died),
        },
    }


def told_of(
    ledger: Ledger,
    people: Sequence[UUID],
    erased: Sequence[Erased],
    days: int,
    known: Declared | None = None,
) -> list[About]:
    """Where the outside systems stand about each of these erasures, now."""
    known = known or declared(ledger)
    positions = {one.position for one in erased}
    return [about for who in people for about in standing(ledger, who, days, positions, known)]


def outcome_json(one: Outcome) -> dict[str, Any]:
    """An outcome as plain values."""
    return {
        "class": one.klass,
        "item": one.scope or None,
        "outcome": "kept" if one.is_kept else "erased",
        "why": one.why,
        "ground": one.ground,
        "article": one.article,
        "until": one.until and format_day(one.until),
    }


def standing_json(one: Standing) -> dict[str, Any]:
    """Where an outside system stands, as plain values: delivered (told) is not done."""
    return {
        "recipient": one.recipient,
        "state": one.state,
        "due": format_day(one.due),
        "told": one.told and {"position": one.told.position, "at": format_instant(one.told.at)},
        "acknowledged": one.acknowledged
        and {
            "position": one.acknowledged.position,
            "at": format_instant(one.acknowledged.at),
            "receipt": one.acknowledged.receipt,
            "in_place": one.acknowledged.in_place,
        },
    }


def text_of(content: dict[str, Any]) -> bytes:
    """The text that is signed."""
    document = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=True)
    return f"{content['origin']}/certificate\n{document}\n".encode()


def write(folder: Path, content: dict[str, Any], sign: Sign | None = None) -> Path:
    """Put the certificate in its folder, signed if there is a signer. Returns its path.

    A crash leaves no half certificate under a name: it is written aside and renamed. One that was
    never written is written by erasing the same person again, or by the next retention run.
    """
    text = text_of(content)
    name = content["id"] + (SIGNED if sign else UNSIGNED)
    return _put(folder / name, sign(text) if sign else text)


def certify(folder: Path, sign: Sign) -> list[Path]:
    """Sign every certificate that was written without a signer, and remove the unsigned one."""
    done = []
    for path in sorted(folder.glob(f"*{UNSIGNED}")):
        done.append(
            _put(path.with_name(path.name.removesuffix(".unsigned")), sign(path.read_bytes()))
        )
        path.unlink()  # a crash before this line signs it again, over the same bytes
    return done


def _copies(
    ledger: Ledger, seen: erasure.Seen, disclosed: Sequence[tuple[int, Day, str]]
) -> list[dict[str, Any]]:
    file = "sqlite" if ledger.database.is_sqlite else "postgresql"
    return [
        {"where": "tables keys, sealed, lookups, imports, commands", "state": "checked: gone"},
        {"where": f"database file ({file})", "state": _FILE[file]},
        {
            "where": "log entries and exported bundles",
            "state": "kept: pseudonymous entries (ids, codes, days, commitments) until pruned",
            "entries": seen.entries,
        },
        {"where": "suppressions", "state": "kept: blinded references, so that nothing comes back"},
        {
            "where": "exports handed to recipients",
            "state": "out of reach: cannot be recalled; recipients must be told (GDPR art. 19)",
            "disclosures": [
                {"position": at, "day": format_day(day), "recipient": who}
                for at, day, who in disclosed
            ],
        },
        {"where": "backups and replicas", "state": "dies: see backups.dead_on"},
    ]


_FILE = {
    "sqlite": "overwritten (secure_delete), write-ahead log truncated",
    "postgresql": "dead rows vacuumed; free space of pages, the server's own write-ahead log and "
    "its archives hold ciphertext only and die with the backups",
}


def _put(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_whole(path, content)
    return path
