"""The policy of a ledger: show the edition in force on a day, publish the next one, compare two."""

from __future__ import annotations

import sys
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands import linting, supposing
from api.commands.keeping import read_file
from api.options import Run, command
from api.policies import edition_json
from api.screen import Screen, table
from ledger.calendar import day_of, end_of, format_day, parse_day
from ledger.errors import Misuse, NotFound

if TYPE_CHECKING:
    from ledger.application import Ledger
    from ledger.policy.book import Book, Published
    from ledger.policy.diff import Change
    from ledger.policy.model import Edition


CLASS_HEAD = ("class", "clause", "article", "months", "archive")
PURPOSE_HEAD = ("purpose", "basis", "clause", "channels")
EFFECTS = {
    "longer": "policy.longer",
    "shorter": "policy.shorter",
    "appears": "policy.appears",
    "disappears": "policy.disappears",
    "changed": "policy.changed",
}


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    policy = typer.Typer(help="The policy: its editions and what they rule.", no_args_is_help=True)
    command(policy, "show")(show)
    command(policy, "publish")(publish)
    command(policy, "diff")(diff)
    linting.register(policy)
    supposing.register(policy)
    app.add_typer(policy, name="policy")


def show(
    run: Run,
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="DAY", help="In force on that day.")
    ] = None,
    document: Annotated[
        bool, typer.Option("--document", help="The text the company published, as it was given.")
    ] = False,
) -> None:
    """The edition in force: classes with their terms, purposes with their lawful bases."""
    try:
        asked = None if edition is None else parse_day(edition)
    except ValueError as error:
        raise Misuse(f"--edition: {error}") from None
    with run.ledger() as ledger:
        book = ledger.book(ledger.epoch())
        published = _in_force(book, asked or day_of(ledger.clock.now()))
        if document:
            _show_document(run, ledger, published.edition)
            return
    content = edition_json(published)
    content["editions"] = [format_day(one.edition.effective_from) for one in book.entries]
    run.screen.answer(content, lambda: list(_lines(content, run.screen)))


def publish(
    run: Run,
    file: Annotated[Path, typer.Argument(help="The edition (TOML).", metavar="FILE")],
    document: Annotated[
        Path | None, typer.Option("--document", help="The published text; its hash must fit.")
    ] = None,
    notified: Annotated[
        bool,
        typer.Option("--notified", help="People were told; a longer term may take effect at once."),
    ] = False,
) -> None:
    """Publish an edition: a fact like any other. Editions are added, never edited."""
    toml = read_file("FILE", file)
    text = None if document is None else read_file("--document", document)
    from ledger.handlers import publish as publish_edition
    from ledger.policy.diff import lengthened
    from ledger.store.editions import untold

    with run.ledger() as ledger:
        written = publish_edition(ledger, toml, document=text, notified=notified)
        entries = ledger.book(ledger.epoch()).entries
        place = next(i for i, p in enumerate(entries) if p.position == written.position)
        new = entries[place].edition
        longer = lengthened(entries[place - 1].edition, new) if place else ()
        with ledger.database.read() as connection:
            people = untold(connection, new.number)
    content = edition_json(entries[place]) | {"lengthens": list(longer), "untold": people}
    said = {"id": content["id"], "position": content["position"], "day": content["effective_from"]}
    lines = [run.screen.word("policy.published", **said)]
    if longer:
        lines.append(run.screen.word("policy.lengthens", classes=", ".join(longer), n=people))
    run.screen.answer(content, lambda: lines)


def diff(
    run: Run,
    old: Annotated[str, typer.Argument(help="A day (the edition in force then) or a file.")],
    new: Annotated[str, typer.Argument(help="The same.")],
    people: Annotated[
        bool,
        typer.Option("--people", help="How many people are past their term, before and after."),
    ] = False,
) -> None:
    """What an edition changes in another: what is kept shorter or longer, what comes, what goes."""
    from ledger.policy.diff import diff as compare
    from ledger.policy.diff import lengthened

    before, after = (_named(run, name, text) for name, text in (("OLD", old), ("NEW", new)))
    changes = compare(before, after)
    content: dict[str, Any] = {
        "old": before.id,
        "new": after.id,
        "lengthens": list(lengthened(before, after)),
        "changes": [change._asdict() for change in changes],
    }
    if people:
        content["people"] = _counted(run, before, after)
    run.screen.answer(content, lambda: list(_differences(content, changes, run.screen)))


def _in_force(book: Book, day: int) -> Published:
    found = [published for published in book.entries if published.edition.effective_from <= day]
    if not found:
        raise NotFound("no edition of this ledger was in force on that day")
    return found[-1]


def _show_document(run: Run, ledger: Ledger, edition: Edition) -> None:
    """The published text itself, byte for byte; with --json in base64."""
    from ledger.store.editions import document

    with ledger.database.read() as connection:
        found = document(connection, bytes.fromhex(edition.published_sha256))
    if found is None:
        raise NotFound("the published text of this edition was not given: only its hash is known")
    if run.screen.as_json:
        content = {
            "id": edition.id,
            "sha256": edition.published_sha256,
            "media": found.media,
            "base64": b64encode(found.content).decode(),
        }
        run.screen.answer(content, list)
    else:
        sys.stdout.flush()
        sys.stdout.buffer.write(found.content)
        sys.stdout.buffer.flush()


def _named(run: Run, name: str, text: str) -> Edition:
    """The edition that a day or a file names."""
    try:
        day = parse_day(text)
    except ValueError:
        from ledger.events import KINDS
        from ledger.policy.loader import load_edition

        return load_edition(read_file(name, Path(text)), name, KINDS)
    with run.ledger() as ledger:
        return _in_force(ledger.book(ledger.epoch()), day).edition


def _counted(run: Run, old: Edition, new: Edition) -> dict[str, Any]:
    """People past their operational term, by class: with the editions up to `old`, then with `new`
    too, on the day it takes effect or today, whichever is later."""
    from ledger.policy.book import Book
    from ledger.store.population import population

    with run.ledger() as ledger:
        entries = ledger.book(ledger.epoch()).entries
        kept = tuple(one for one in entries if one.edition.number <= old.number)
        if not kept or kept[-1].edition != old:
            raise Misuse("--people compares with an edition of this ledger: give OLD as a day")
        day = max(day_of(ledger.clock.now()), new.effective_from)
        books = Book(kept), Book(kept).with_edition(new, kept[-1].position + 1)
        with ledger.database.read() as connection:
            counts = [population(connection, book, end_of(day)).classes for book in books]
    past: list[dict[str, int]] = [
        {name: count.subjects.past_operational for name, count in found.items()} for found in counts
    ]
    names = sorted({*past[0], *past[1]})
    return {
        "day": format_day(day),
        "past": {
            name: {"before": past[0].get(name, 0), "after": past[1].get(name, 0)} for name in names
        },
    }


def _differences(
    content: dict[str, Any], changes: tuple[Change, ...], screen: Screen
) -> Iterator[str]:
    if not changes:
        yield screen.word("policy.same", **content)
        return
    yield screen.word("policy.compared", **content)
    for change in changes:
        what = " ".join(one for one in (change.name, change.field) if one)
        effect = screen.word(EFFECTS[change.effect])
        before, after = ("-" if v is None else v for v in (change.before, change.after))
        if change.field:
            yield f"  {change.part} {what}: {before} → {after} ({effect})"
        else:
            yield f"  {change.part} {what}: {effect}"
    if content["lengthens"]:
        yield screen.word("policy.needs_notice", classes=", ".join(content["lengthens"]))
    if "people" in content:
        yield screen.word("policy.people", day=content["people"]["day"])
        for name, counted in content["people"]["past"].items():
            yield f"  {name}: {counted['before']} → {counted['after']}"


def _lines(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("policy.edition", **content, day=content["effective_from"])
    yield ""
    head = [screen.word(f"policy.{name}") for name in CLASS_HEAD]
    rows = [
        [
            f"{name} ({c['label_' + screen.lang]})",
            c["clause"],
            c["article"].replace("GDPR", "RGPD") if screen.lang == "fr" else c["article"],
            str(c["operational_months"]),
            str(c["archive"]["months"]) if c["archive"] else "-",
        ]
        for name, c in content["classes"].items()
    ]
    yield from table(head, rows, left=3)
    yield ""
    head = [screen.word(f"policy.{name}") for name in PURPOSE_HEAD]
    rows = [
        [
            f"{name} ({p['label_' + screen.lang]})",
            p["basis"],
            p["clause"],
            ", ".join(p["channels"]) or "-",
        ]
        for name, p in content["purposes"].items()
    ]
    yield from table(head, rows, left=4)
