"""`probant policy lint`: where an edition is looser than the law, or against it, on a given day."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands.keeping import read_file
from api.options import Run, command
from api.policies import report_json
from api.screen import Screen
from ledger.calendar import Day, SystemClock, day_of, parse_day
from ledger.errors import Misuse, NotFound

if TYPE_CHECKING:
    from ledger.policy.model import Edition

SEVERITIES = {"error": "lint.error", "warning": "lint.warning", "review": "lint.review"}


def register(policy: typer.Typer) -> None:
    """Add this command to those of the policy."""
    command(policy, "lint")(lint)


def lint(
    run: Run,
    file: Annotated[
        Path | None,
        typer.Argument(help="An edition (TOML); by default the ledger's in force.", metavar="FILE"),
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", metavar="DAY", help="By the law of that day.")
    ] = None,
) -> int:
    """Judge an edition by the law of a day. Exit code 1 if something is contrary to it."""
    try:
        asked = None if as_of is None else parse_day(as_of)
    except ValueError as error:
        raise Misuse(f"--as-of: {error}") from None
    from ledger.policy.lint import lint as judge

    if file is None:
        edition, day = _of_the_ledger(run, asked)
    else:
        edition, day = _in(file), asked or day_of(SystemClock().now())
    report = judge(edition, day)
    content = report_json(report, run.screen.lang)
    run.screen.answer(content, lambda: list(_lines(content, run.screen)))
    return 1 if report.is_contrary else 0


def _of_the_ledger(run: Run, asked: Day | None) -> tuple[Edition, Day]:
    """The ledger's edition in force on the day asked about, or today."""
    with run.ledger() as ledger:
        day = asked or day_of(ledger.clock.now())
        entries = ledger.book(ledger.epoch()).entries
    found = [one.edition for one in entries if one.edition.effective_from <= day]
    if not found:
        raise NotFound("no edition of this ledger was in force on that day")
    return found[-1], day


def _in(file: Path) -> Edition:
    from ledger.events import KINDS
    from ledger.policy.loader import load_edition

    return load_edition(read_file("FILE", file), "FILE", KINDS)


def _lines(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    counted = len(content["findings"])
    head = "lint.clean" if not counted else "lint.header"
    yield screen.word(head, edition=content["edition"], day=content["day"], n=counted)
    for found in content["findings"]:
        article = found["article"].replace("GDPR", "RGPD") if screen.lang == "fr" else None
        told = {**found, "article": article or found["article"]}
        told["severity"] = screen.word(SEVERITIES[found["severity"]])
        yield ""
        yield screen.word("lint.finding", **told)
        yield f"  {found['found']} ({found['seen']})"
        yield screen.word("lint.looked", **told)
        yield screen.word("lint.proposed", **told)
    if content["undeclared"]:
        yield ""
        yield screen.word("lint.undeclared")
        yield from (f"  {name}: {topic}" for name, topic in content["undeclared"].items())
    if content["to_come"]:
        yield ""
        yield screen.word("lint.to_come", rules=", ".join(content["to_come"]))
