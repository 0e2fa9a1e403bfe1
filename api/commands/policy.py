"""The policy of a ledger: show the edition in force on a day, publish the next one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.keeping import read_file
from api.options import Run, command
from api.screen import Screen, table
from ledger.calendar import day_of, format_day, parse_day
from ledger.errors import Misuse, NotFound

if TYPE_CHECKING:
    from ledger.policy.book import Published
    from ledger.policy.model import DataClass, Purpose


CLASS_HEAD = ("class", "clause", "article", "months", "archive")
PURPOSE_HEAD = ("purpose", "basis", "clause", "channels")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    policy = typer.Typer(help="The policy: its editions and what they rule.", no_args_is_help=True)
    command(policy, "show")(show)
    command(policy, "publish")(publish)
    app.add_typer(policy, name="policy")


def show(
    run: Run,
    edition: Annotated[
        str | None, typer.Option("--edition", metavar="DAY", help="In force on that day.")
    ] = None,
) -> None:
    """The edition in force: classes with their terms, purposes with their lawful bases."""
    try:
        asked = None if edition is None else parse_day(edition)
    except ValueError as error:
        raise Misuse(f"--edition: {error}") from None
    with run.ledger() as ledger:
        day = asked or day_of(ledger.clock.now())
        book = ledger.book(ledger.epoch())
    found = [published for published in book.entries if published.edition.effective_from <= day]
    if not found:
        raise NotFound("no edition of this ledger was in force on that day")
    content = _edition(found[-1])
    content["editions"] = [format_day(one.edition.effective_from) for one in book.entries]
    run.screen.answer(content, lambda: list(_lines(content, run.screen)))


def publish(
    run: Run,
    file: Annotated[Path, typer.Argument(help="The edition (TOML).", metavar="FILE")],
) -> None:
    """Publish an edition: a fact like any other. Editions are added, never edited."""
    toml = read_file("FILE", file)
    from ledger.handlers import publish as publish_edition

    with run.ledger() as ledger:
        written = publish_edition(ledger, toml)
        book = ledger.book(ledger.epoch())
    content = _edition(next(p for p in book.entries if p.position == written.position))
    said = {"id": content["id"], "position": content["position"], "day": content["effective_from"]}
    run.screen.answer(content, lambda: [run.screen.word("policy.published", **said)])


def _edition(published: Published) -> dict[str, Any]:
    edition = published.edition
    return {
        "id": edition.id,
        "title": edition.title,
        "company": edition.company,
        "effective_from": format_day(edition.effective_from),
        "position": published.position,
        "sha256": edition.pol,
        "published_sha256": edition.published_sha256,
        "classes": {name: _class(found) for name, found in edition.classes.items()},
        "purposes": {name: _purpose(found) for name, found in edition.purposes.items()},
    }


def _class(c: DataClass) -> dict[str, Any]:
    archive = None
    if c.archive is not None:
        archive = {
            "months": c.archive.months,
            "from": c.archive.counted_from,
            "article": c.archive.article,
        }
    return {
        "label_fr": c.label_fr,
        "label_en": c.label_en,
        "clock": c.clock,
        "operational_months": c.operational_months,
        "archive": archive,
        "moved_by": list(c.moved_by),
        "suspended_by": list(c.suspended_by),
        "rule": c.rule,
        "clause": c.clause,
        "article": c.article,
        "choice": c.choice,
        "why_fr": c.why_fr,
        "why_en": c.why_en,
    }


def _purpose(p: Purpose) -> dict[str, Any]:
    return {
        "label_fr": p.label_fr,
        "label_en": p.label_en,
        "basis": p.basis,
        "channels": list(p.channels),
        "marketing": p.marketing,
        "validity_months": p.validity_months,
        "clause": p.clause,
        "article": p.article,
    }


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
