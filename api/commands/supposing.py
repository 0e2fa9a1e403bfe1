"""`probant policy what-if`: what a draft edition would change, and for whom. Nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.keeping import read_file
from api.options import (
    AsOf,
    ByEngine,
    FromSegments,
    OnMaster,
    Run,
    WithMemory,
    command,
    files_of,
    instant,
)
from api.screen import Screen, table
from ledger.errors import Misuse

HEAD = ("class", "to_archive", "to_erase", "people")


def register(policy: typer.Typer) -> None:
    """Add this command to those of the policy."""
    command(policy, "what-if")(what_if)


def what_if(  # noqa: PLR0913, PLR0917 - its options
    run: Run,
    file: Annotated[Path, typer.Argument(help="The draft edition (TOML).", metavar="FILE")],
    as_of: AsOf = None,
    klass: Annotated[
        str | None, typer.Option("--class", help="List the items of this class only.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="List so many of each at most.")] = 20,
    segments: FromSegments = None,
    engine: ByEngine = None,
    memory: WithMemory = None,
    master: OnMaster = None,
) -> None:
    """Who would be archived, erased or asked again if this draft were the policy."""
    if not 0 <= limit <= 100_000:
        raise Misuse("--limit must be between 0 and 100000")
    asked = instant("--as-of", as_of)
    files = files_of(run, segments, engine, memory, master)
    from api.supposing import supposed_json
    from ledger.events import KINDS
    from ledger.policy.loader import load_edition
    from ledger.supposing import suppose

    draft = load_edition(read_file("FILE", file), "FILE", KINDS)
    if klass is not None and klass not in draft.classes:
        raise Misuse("--class must be a class of the draft")
    if files is not None:
        from api.replaying import weighed

        found = supposed_json(weighed(files, draft, asked, klass, limit))
    else:
        with run.ledger() as ledger:
            found = supposed_json(suppose(ledger, draft, asked, klass, limit))
    run.screen.answer(found, lambda: list(_lines(found, run.screen)))


def _lines(found: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("suppose.header", **found)
    changed = {n: e for n, e in found["classes"].items() if e["before"] != e["after"]}
    if changed:
        yield ""
        head = [screen.word(f"suppose.{name}") for name in HEAD]
        rows = [
            [
                name,
                f"{effect['before']['archive']} → {effect['after']['archive']}",
                f"{effect['before']['erase']} → {effect['after']['erase']}",
                str(effect["people"]),
            ]
            for name, effect in changed.items()
        ]
        yield from table(head, rows)
    else:
        yield screen.word("suppose.nothing")
    if found["lengthens"]:
        yield screen.word("suppose.lengthens", classes=", ".join(found["lengthens"]))
    for one in found["asked"]:
        yield screen.word("suppose.asked", **one)
    if found["changes"] or found["asked_again"]:
        yield ""
        yield screen.word("suppose.listed")
    for one in found["changes"]:
        fates = {side: screen.word(f"suppose.{one[side]}") for side in ("before", "after")}
        what = one["class"] if one["scope"] is None else f"{one['class']}/{one['scope']}"
        yield f"  {one['subject']}  {what}: {fates['before']} → {fates['after']}"
    for one in found["asked_again"]:
        yield f"  {one['subject']}  {one['purpose']}/{one['channel']}: {one['after']}"
    yield screen.word("suppose.limits")
