"""Drills: what one hopes never to need, rehearsed on a made-up ledger."""

from __future__ import annotations

import typer

from api.commands import rehearsing, tampering
from api.options import command


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    drill = typer.Typer(help="Rehearse what one hopes never to need.", no_args_is_help=True)
    command(drill, "tamper")(tampering.tamper)
    command(drill, "restore")(rehearsing.restore)
    app.add_typer(drill, name="drill")
