"""Witnesses and time: cosign somebody's log, take cosignatures in, have a head time-stamped.

`witness cosign` needs no ledger: it runs on a machine of somebody else, over a bundle.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import Run, command
from ledger.calendar import format_instant
from ledger.errors import BadData, Misuse


def register(app: typer.Typer, log: typer.Typer) -> None:
    """Add these commands to the application and to its group `log`."""
    witness = typer.Typer(help="Witness a log that is not yours.", no_args_is_help=True)
    # A callback keeps `cosign` a word of its own while the group has no other command.
    witness.callback()(lambda: None)
    command(witness, "cosign")(cosign)
    app.add_typer(witness, name="witness")
    command(log, "cosign")(add)
    command(log, "stamp")(stamp)


def cosign(
    run: Run,
    bundle: Annotated[Path, typer.Argument(help="A bundle: folder or .zip.")],
    state: Annotated[Path, typer.Option("--state", help="The witness's own file; a secret.")],
    name: Annotated[
        str | None, typer.Option("--name", help="The new witness's name, e.g. dpo.example.org/w1.")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", help="The log's key, pinned at the first visit.")
    ] = None,
    out: Annotated[
        Path, typer.Option("--out", help="The folder for the cosigned checkpoint.")
    ] = Path("cosignatures"),
) -> None:
    """Cosign a bundle's checkpoint, if it extends what this witness saw before."""
    from ledger.sealing.files import write_whole
    from ledger.witnessing.witness import cosign as cosigned

    made = cosigned(bundle, state, int(time.time()), name, key)
    file = out / made.file
    write_whole(file, made.note)  # a crash before this line: ask again, the answer is the same head
    content: dict[str, Any] = {
        "origin": made.origin,
        "size": made.size,
        "before": made.before,
        "vkey": made.vkey,
        "file": str(file),
    }
    word = "witness.grown" if made.before else "witness.new"
    run.screen.answer(content, lambda: [run.screen.word(word, **content)])


def add(
    run: Run,
    file: Annotated[Path, typer.Argument(help="A checkpoint that a witness cosigned.")],
    witness: Annotated[
        list[str] | None,
        typer.Option("--witness", help="A witness's key, beside those of policy.txt."),
    ] = None,
) -> None:
    """Take the lines of known witnesses into the log's folder."""
    from ledger.witnessing.cosigned import add_cosignatures

    added = add_cosignatures(run.settings.log, _read(file), witness or ())
    kept = str(run.settings.log / "cosigned" / str(added.size))
    content = {
        "size": added.size,
        "witnesses": list(added.witnesses),
        "head": added.is_head,
        "file": kept,
    }

    def told() -> Iterator[str]:
        yield run.screen.word("witness.added", size=added.size, witnesses=", ".join(added[1]))
        if not added.is_head:
            yield run.screen.word("witness.behind", file=kept)

    run.screen.answer(content, lambda: list(told()))


def stamp(
    run: Run,
    tsa: Annotated[
        str | None, typer.Option("--tsa", help="The authority's URL (default: PROBANT_TSA).")
    ] = None,
    request: Annotated[
        Path | None, typer.Option("--request", help="Write the request to this file instead.")
    ] = None,
    response: Annotated[
        Path | None, typer.Option("--response", help="Take the authority's answer from this file.")
    ] = None,
) -> None:
    """Have the newest checkpoint dated by a time-stamping authority (RFC 3161)."""
    from ledger.sealing.files import write_whole
    from ledger.witnessing import stamping

    if sum(one is not None for one in (tsa, request, response)) > 1:
        raise Misuse("--tsa, --request and --response exclude one another")
    settings = run.settings
    if request is not None:
        write_whole(request, stamping.ask(settings.log))
        content: dict[str, Any] = {"file": str(request)}
        run.screen.answer(content, lambda: [run.screen.word("stamp.asked", **content)])
        return
    if settings.tsa_roots is None:
        raise Misuse("PROBANT_TSA_ROOTS must name the roots that time stamps are checked against")
    where = tsa or settings.tsa
    with run.ledger() as ledger:
        if response is not None:
            stamping.keep(settings.log, settings.tsa_roots, _read(response))
            made = stamping.record(ledger, settings.log, settings.tsa_roots)
        elif where is not None:
            send = stamping.sender(where)
            made = stamping.stamp(ledger, settings.log, settings.tsa_roots, send)
        else:
            raise Misuse("name the authority: --tsa or PROBANT_TSA, or exchange files")
    anchored = [one._asdict() | {"at": format_instant(one.at)} for one in made]
    run.screen.answer({"anchored": anchored}, lambda: list(_told(anchored, run)))


def _told(anchored: list[dict[str, Any]], run: Run) -> Iterator[str]:
    for one in anchored:
        yield run.screen.word("stamp.done", **one)
    if not anchored:
        yield run.screen.word("stamp.nothing")


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        raise BadData("that file cannot be read") from None
