"""The keys above the keys: what depends on each epoch, rotation, and deaths that are due.

Nothing is decided here, and no key is shown: there is no command that prints one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from api.options import Run, command
from api.screen import Screen, table
from ledger.calendar import format_day

HEAD = (
    "keys.head_epoch",
    "keys.head_state",
    "keys.head_operational",
    "keys.head_archived",
    "keys.head_destroyed",
    "keys.head_retired",
    "keys.head_dies",
)
STATES = {
    "current": "keys.current",
    "rotating": "keys.rotating",
    "retired": "keys.retired",
    "destroyed": "keys.destroyed",
    "missing": "keys.missing",
    "returned": "keys.returned",
}
DAYS = ("retired_on", "dies_on", "destroyed_on")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    keys = typer.Typer(help="Key-encryption keys: status, rotation, death.", no_args_is_help=True)
    command(keys, "status")(status)
    command(keys, "rotate")(rotate)
    command(keys, "destroy-due")(destroy_due)
    app.add_typer(keys, name="keys")


def status(run: Run) -> None:
    """The epochs of the key-encryption keys: the data keys under each, and when it dies."""
    from ledger.rotating import status as asked

    settings = run.settings
    with run.ledger() as ledger:
        content = asked(ledger, settings.horizon)
    content["today"] = format_day(content["today"])
    for row in content["epochs"]:
        row |= {name: row[name] and format_day(row[name]) for name in DAYS}
    content["keyring"] = "pkcs11" if isinstance(settings.keyring, str) else "file"
    content["archive_recipient"] = _recipient(run)
    run.screen.answer(content, lambda: list(_told(content, run.screen)))


def rotate(run: Run) -> None:
    """Begin a new key-encryption key, rewrap every data key under it, retire the old one.

    Interrupted, it is completed by running it again. Destroys what is due, too.
    """
    from ledger.rotating import rotate as turned

    with run.ledger() as ledger, run.screen.progress(run.screen.word("keys.title")) as advance:
        done = turned(ledger, run.settings.horizon, lambda n, total: advance(n, total, ""))
    content = {
        "epoch": done.epoch,
        "resumed": done.resumed,
        "rewrapped": done.rewrapped,
        "retired": [
            {"epoch": epoch, "dies_on": format_day(day)} for epoch, day in done.retired.items()
        ],
        "destroyed": list(done.destroyed),
    }
    run.screen.answer(content, lambda: list(_rotated(content, run.screen)))


def destroy_due(run: Run) -> None:
    """Destroy, for ever, the retired key-encryption keys whose day has come (run it daily)."""
    from ledger.rotating import destroy_due as destroyed

    with run.ledger() as ledger, run.screen.progress(run.screen.word("keys.title")) as advance:
        done = destroyed(ledger, lambda n, total: advance(n, total, ""))
    content = {"destroyed": list(done)}
    run.screen.answer(
        content, lambda: list(_destroyed(done, run.screen)) or [run.screen.word("keys.none_due")]
    )


def _recipient(run: Run) -> str | None:
    """The digest of the archive's public key; None when there is none yet."""
    from ledger.entry import to_base64
    from ledger.store.recipient import ArchiveRecipient

    file = run.settings.archive_recipient
    return to_base64(ArchiveRecipient.parse(file.read_bytes()).digest) if file.exists() else None


def _told(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("keys.status", **content)
    recipient = content["archive_recipient"] or screen.word("keys.no_recipient")
    yield screen.word("keys.recipient", recipient=recipient)
    rows = [
        (
            str(row["epoch"]),
            screen.word(STATES[row["state"]]),
            *(str(row[name]) for name in ("operational", "archived", "destroyed")),
            row["retired_on"] or "",
            row["destroyed_on"] or row["dies_on"] or "",
        )
        for row in content["epochs"]
    ]
    yield from table([screen.word(name) for name in HEAD], rows, left=2)
    for row in content["epochs"]:
        if row["due"]:
            yield screen.word("keys.due", **row)


def _rotated(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("keys.resumed" if content["resumed"] else "keys.began", **content)
    yield screen.word("keys.rewrapped", **content)
    for row in content["retired"]:
        yield screen.word("keys.has_retired", **row)
    yield from _destroyed(content["destroyed"], screen)


def _destroyed(epochs: list[int] | tuple[int, ...], screen: Screen) -> Iterator[str]:
    for epoch in epochs:
        yield screen.word("keys.has_died", epoch=epoch)
