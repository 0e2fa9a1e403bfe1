"""Backup and restore: a copy taken while the ledger is used, and the way back.

Nothing is decided here. What a backup is worth without the exported log, the journal and the keys
is on the page docs/backup.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import Run, command
from api.screen import Screen


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    command(app, "backup")(backup)
    command(app, "restore")(restore)


def backup(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A folder that does not exist.", metavar="DEST")],
) -> None:
    """Copy the database as it is now, while others write; no key and no journal goes with it."""
    from ledger.restoring.backup import backup as taken

    began = time.monotonic()
    title = run.screen.word("backup.title")
    with run.ledger() as ledger, run.screen.progress(title) as advance:
        made = taken(ledger, folder, advance)
    size = sum(path.stat().st_size for path in folder.iterdir())
    content = made.to_json() | {"path": str(folder), "bytes": size}
    content["seconds"] = round(time.monotonic() - began, 1)
    run.screen.answer(content, lambda: list(_taken(content, run.screen)))


def _taken(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("backup.done", **content)
    if behind := content["position"] - content["sealed"]:
        yield screen.word("backup.unsealed", n=behind)
    yield screen.word("backup.beside")


def restore(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="A backup.", metavar="BACKUP")],
    entries: Annotated[
        Path | None,
        typer.Option(
            "--entries", help="The exported log, or a whole bundle; PROBANT_LOG by default."
        ),
    ] = None,
) -> None:
    """Restore into an empty database: backup, then exported entries, then the erasure journal."""
    from ledger.restoring.restore import Places
    from ledger.restoring.restore import restore as restored
    from ledger.sealing.client import remembered

    settings = run.settings
    if entries is None and (settings.log / "checkpoint").exists():
        entries = settings.log
    places = Places(
        settings.url,
        settings.keyring,
        folder,
        entries,
        settings.journal,
        settings.archive_recipient,
        remembered(settings.signer_home, settings.signer),
        settings.log,
    )
    began = time.monotonic()
    with run.screen.progress(run.screen.word("restore.title")) as advance:
        done = restored(places, progress=advance)
    content = done._asdict() | {"signer": places.signed is not None}
    content["seconds"] = round(time.monotonic() - began, 1)
    run.screen.answer(content, lambda: list(_restored(content, run.screen)))


def _restored(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("restore.done", **content)
    for word in ("erased", "archived", "pruned", "lost", "unnamed"):
        if content[word]:
            yield screen.word(f"restore.{word}", n=content[word])
    if not content["signer"]:
        yield screen.word("restore.unsigned")
    yield screen.word("restore.next")
