"""Questions: one person (`show`), or everybody (`replay`), at any two times."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

import typer

from api.options import (
    AsOf,
    ByEngine,
    FromSegments,
    KnownAt,
    OnMaster,
    Run,
    WithMemory,
    command,
    files_of,
    instant,
    pins_of,
)
from api.screen import Screen, table
from ledger.errors import Misuse
from ledger.projections.population import TALLIES

if TYPE_CHECKING:
    from api.answers import Engine, Times
    from api.replaying import Source
    from ledger.commands import Reference

Subject = Annotated[str | None, typer.Argument(help="Subject id (a UUID).", metavar="SUBJECT")]
ByReference = Annotated[
    str | None,
    typer.Option(
        "--reference",
        metavar="KIND=VALUE",
        help="A business identifier instead. KIND=- reads the value from stdin or asks for it, so"
        " that it stays out of the shell's history.",
    ),
]
ENGINES = ("live", "sql", "fold")
PARTS = {
    "sealed": "timeline.sealed",
    "archived": "timeline.archived",
    "erased": "timeline.erased",
    "lost": "timeline.lost",
}


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    command(app, "show")(show)
    command(app, "replay")(replay)
    command(app, "timeline")(timeline)


def show(
    run: Run,
    subject: Subject = None,
    reference: ByReference = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    klass: Annotated[str | None, typer.Option("--class", help="One class only.")] = None,
) -> None:
    """One person: last activity, deadlines and choices, each with its reasons."""
    asked = instant("--as-of", as_of), instant("--known-at", known_at)
    if (subject is None) == (reference is None):
        raise Misuse("name one person: a SUBJECT, or --reference KIND=VALUE")
    named = subject_of(subject) if subject is not None else reference_of(reference or "")
    from api.answers import Times, find, subject_answer

    with run.ledger() as ledger:
        who = named if isinstance(named, UUID) else find(ledger, named)
        answer = subject_answer(ledger, who, Times(*asked), run.screen.lang, klass)
    run.screen.answer(answer, lambda: list(_person(answer, run.screen)))


def replay(  # noqa: PLR0913, PLR0917 - its options
    run: Run,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    engine: Annotated[
        str | None,
        typer.Option(
            "--engine",
            help="live, sql or fold; by default live if it can, else sql. With --segments: duck"
            " (by default), fold or spark.",
        ),
    ] = None,
    past: Annotated[
        str | None, typer.Option("--past", metavar="CLASS", help="List who is past this term.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many at most, with --past.")] = 100,
    segments: FromSegments = None,
    ages: Annotated[
        bool, typer.Option("--ages", help="Also by years since what counted last.")
    ] = False,
    explain: Annotated[
        bool, typer.Option("--explain", help="Also where the time went (segments).")
    ] = False,
    memory: WithMemory = None,
    master: OnMaster = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Count in the ledger too, tell what differs.")
    ] = False,
    at_random: Annotated[
        int | None,
        typer.Option(
            "--at-random",
            metavar="N",
            help="With --compare: at N random pairs of times, by fold and duck, or by --engine.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Of --at-random; the same makes the same times.")
    ] = None,
) -> int:
    """Everybody at two times: facts, people by class and tier, choices."""
    asked = instant("--as-of", as_of), instant("--known-at", known_at)
    if not 1 <= limit <= 1_000_000:
        raise Misuse("--limit must be between 1 and 1000000")
    if segments is None and (explain or memory or master or compare):
        raise Misuse("--explain, --memory, --master and --compare go with --segments")
    if at_random is None and seed is not None:
        raise Misuse("--seed goes with --at-random")
    if at_random is not None and (not compare or asked != (None, None)):
        raise Misuse("--at-random goes with --compare, and chooses the times itself")
    if segments is None and engine is not None and engine not in ENGINES:
        raise Misuse(f"--engine must be one of: {', '.join(ENGINES)}")
    from api.answers import Past, Times, population_answer

    wanted = Past(past, limit) if past else None
    screen = run.screen
    if segments is not None:
        from api.replaying import Source, segments_answer

        source = Source(segments, engine or "duck", memory, master, pins_of(run))
        if at_random is not None:
            each = [replace(source, engine=name) for name in (engine,) if name]
            both = [replace(source, engine=name) for name in ("fold", "duck")]
            return _compared_at_random(run, each or both, at_random, seed)
        if compare:
            return _compared(run, source, Times(*asked))
        with screen.progress(screen.word("replay.title")) as advance:
            advance(0, 0, source.engine)
            answer, report = segments_answer(source, Times(*asked), wanted, ages=ages)
        if explain:
            answer["report"] = report.to_json()
    else:
        with run.ledger() as ledger, screen.progress(screen.word("replay.title")) as advance:
            answer = population_answer(
                ledger,
                Times(*asked),
                cast("Engine | None", engine),
                wanted,
                lambda done, total: advance(done, total, ""),
                with_ages=ages,
            )
    screen.answer(answer, lambda: list(_everybody(answer, screen)))
    return 0


def timeline(  # noqa: PLR0913, PLR0917 - its options
    run: Run,
    subject: Subject = None,
    reference: ByReference = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    after: Annotated[int, typer.Option("--after", min=0, help="After this position.")] = 0,
    limit: Annotated[int, typer.Option("--limit", min=1, max=100_000)] = 100,
    segments: FromSegments = None,
    engine: ByEngine = None,
    memory: WithMemory = None,
    master: OnMaster = None,
) -> None:
    """One person: every fact as it was recorded, and what amended it; sealed parts stay sealed."""
    asked = instant("--as-of", as_of), instant("--known-at", known_at)
    if (subject is None) == (reference is None):
        raise Misuse("name one person: a SUBJECT, or --reference KIND=VALUE")
    files = files_of(run, segments, engine, memory, master)
    if files is not None and subject is None:
        raise Misuse("only the database knows a reference: name the person by her id")
    named = subject_of(subject) if subject is not None else reference_of(reference or "")
    from api.answers import Times, find
    from api.timeline import timeline_answer
    from api.timeline_files import timeline_alone

    times = Times(*asked)
    if files is not None and isinstance(named, UUID):
        answer = timeline_alone(files, named, times, after, limit)
    else:
        with run.ledger() as ledger:
            who = named if isinstance(named, UUID) else find(ledger, named)
            answer = timeline_answer(ledger, who, times, after, limit)
    run.screen.answer(answer, lambda: list(_history(answer, run.screen)))


def _compared(run: Run, source: Source, times: Times) -> int:
    """Segments against the ledger: exit code 1 where they differ."""
    from api.comparing import compared_answer

    screen = run.screen
    with run.ledger() as ledger, screen.progress(screen.word("replay.title")) as advance:
        advance(0, 0, source.engine)
        answer = compared_answer(source, ledger, times)
    found = answer["differences"]
    told = "replay.differs" if found else "replay.agrees"
    lines = [screen.word(told, n=len(found), **answer)]
    lines += [f"  {one['what']}: {one['ledger']} ≠ {one['segments']}" for one in found]
    screen.answer(answer, lambda: lines)
    return 1 if found else 0


def _compared_at_random(run: Run, sources: list[Source], n: int, seed: int | None) -> int:
    """Segments against the ledger at times that a seed chose: exit code 1 where they differ."""
    from secrets import randbelow

    from api.comparing import compared_at_random

    screen = run.screen
    seed = randbelow(10**8) if seed is None else seed
    with run.ledger() as ledger, screen.progress(screen.word("replay.title")) as advance:
        answer = compared_at_random(
            sources, ledger, n, seed, lambda done, total: advance(done, total, "")
        )
    by, differing = ", ".join(answer["engines"]), answer["differing"]
    lines = []
    for one in answer["asked"]:
        told = "replay.differs" if one["differences"] else "replay.agrees"
        lines.append(screen.word(told, engine=by, n=len(one["differences"]), **one))
        lines += [
            f"  {d['what']}: {d['ledger']} ≠ {d['segments']} ({d['engine']})"
            for d in one["differences"]
        ]
    lines.append(screen.word("replay.seed", n=n, seed=seed))
    screen.answer(answer, lambda: lines)
    return 1 if differing else 0


def subject_of(text: str) -> UUID:
    """The id of a person. Raises Misuse, never repeating the text."""
    try:
        return UUID(text)
    except ValueError:
        raise Misuse("SUBJECT must be the id of a subject (a UUID); see --reference") from None


def reference_of(text: str) -> Reference:
    """A reference typed as KIND=VALUE; the value of KIND=- (or of KIND alone) is read apart."""
    from ledger.commands import Reference

    kind, _, value = text.partition("=")
    if not (kind.isascii() and kind.replace("_", "").isalnum() and len(kind) <= 40):
        raise Misuse("--reference is written KIND=VALUE, or KIND=- to read the value from stdin")
    if value in ("", "-"):
        if sys.stdin.isatty():
            from getpass import getpass

            value = getpass(f"{kind}: ")
        else:
            value = sys.stdin.readline()
    if not value.strip():
        raise Misuse("the value of --reference is empty")
    return Reference(kind, value.strip())


# --- lines for people -----------------------------------------------------------------------------


def _person(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    known = screen.word("show.known", position=answer["position"]) if answer["known_at"] else ""
    header = screen.word("show.header", subject=answer["subject"], day=answer["day"], known=known)
    yield f"{header} {screen.word('show.path_' + answer['path'])}"
    yield from (screen.word(f"show.{flag}") for flag in answer["flags"])
    if not answer["facts"]:
        yield screen.word("show.nothing")
        return
    last = answer["last_activity"]
    if last is None:
        yield screen.word("show.no_activity")
    else:
        yield screen.word(
            "show.last_activity", **{**last, "kind": _word("kind", last["kind"], screen)}
        )
    yield screen.word("show.facts", facts=_facts(answer["facts"], screen))
    after_death = [answer["death"]] if answer["death"] else []
    for found in (*after_death, *answer["deadlines"], *answer["consents"]):
        first, *others = found["explanation"]
        yield ""
        yield first
        yield from (f"  {line}" for line in others)


def _history(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield screen.word("timeline.header", n=len(answer["items"]), **answer)
    for item in answer["items"]:
        said = [f"{key}={_flat(value)}" for key, value in item["data"].items()]
        said += [f"{name}: {screen.word(PARTS[of])}" for name, of in item["personal"].items()]
        what = _word("kind", item["kind"], screen)
        yield f"{item['position']:>9}  {item['occurred'][:10]}  {what}  {', '.join(said)}".rstrip()
        if item.get("amended_by"):
            by = ", ".join(map(str, item["amended_by"]))
            key = "timeline.voided" if item["stands"] == "voided" else "timeline.corrected"
            yield " " * 11 + screen.word(key, by=by)
        elif "amends" in item:
            yield " " * 11 + screen.word("timeline.amends", position=item["amends"])
    if answer["next"] is not None:
        yield screen.word("timeline.more", after=answer["next"])


def _stated(choice: dict[str, Any], screen: Screen) -> str:
    state = _word("state", choice["state"], screen)
    if choice["reason"] is None:
        return state
    return f"{state} ({_word('choice_reason', choice['reason'], screen)})"


def _flat(value: Any) -> str:
    if isinstance(value, dict) and value.keys() == {"minor", "currency"}:
        return f"{value['minor'] / 100:.2f} {value['currency']}"
    if isinstance(value, dict):
        return " ".join(_flat(one) for one in value.values())
    return ",".join(map(_flat, value)) if isinstance(value, list) else str(value)


def _everybody(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    edition = answer["edition"]
    yield screen.word(
        "replay.header",
        day=answer["day"],
        position=answer["position"],
        engine=answer["engine"],
        edition=edition["id"] if edition else screen.word("replay.no_edition"),
    )
    yield from (screen.word(f"show.{flag}") for flag in answer["flags"])
    gone = answer.get("unreadable")
    if gone and (gone["erased"] or gone["pruned"]):
        yield screen.word("replay.unreadable", erased=gone["erased"], pruned=gone["pruned"])
    if answer.get("pruned"):
        yield screen.word("replay.pruned", n=answer["pruned"])
    people = answer["people"]
    if not people:
        yield screen.word("replay.nobody")
        return
    facts = _facts(answer["events"], screen)
    yield screen.word("replay.subjects", n=people, facts=facts)
    if answer["joined"]:
        yield screen.word("replay.joined", n=answer["joined"])
    yield ""
    head = [screen.word(f"replay.{name}") for name in ("class", *TALLIES)]
    classes = answer["classes"].items()
    yield from table(head, [[name, *(str(c[t]) for t in TALLIES)] for name, c in classes])
    if answer["consents"]:
        yield ""
        head = [screen.word(f"replay.{name}") for name in ("choice", "state", "present")]
        rows = [
            [
                _over(c["purpose"], c["channel"]),
                _stated(c, screen),
                str(c["subjects"]),
            ]
            for c in answer["consents"]
        ]
        yield from table(head, rows, left=2)
    if answer.get("ages"):
        yield ""
        yield from _ages(answer["ages"], screen)
    if "past" in answer:
        yield ""
        yield screen.word("replay.past", klass=answer["past"]["class"])
        for item in answer["past"]["items"]:
            scope = screen.word("replay.scope", scope=item["scope"]) if item["scope"] else ""
            shown = {"subject": item["subject"], "due": item["due"], "scope": scope}
            yield screen.word("replay.past_item", **shown)
    if "report" in answer:
        yield ""
        yield from _report(answer["report"], screen)


def _ages(ages: list[dict[str, Any]], screen: Screen) -> Iterator[str]:
    head = [
        screen.word(f"replay.{name}") for name in ("class", "years", "where", "present", "items")
    ]
    still = screen.word("replay.still")
    yield from table(
        head,
        [
            [
                age["klass"],
                still if age["years"] is None else str(age["years"]),
                screen.word("replay.past_operational") if age["past"] else "",
                str(age["subjects"]),
                str(age["items"]),
            ]
            for age in ages
        ],
    )


def _report(report: dict[str, Any], screen: Screen) -> Iterator[str]:
    sizes = {
        name: "-" if report[name] is None else f"{report[name] / 2**20:.1f}"
        for name in ("bytes_read", "memory", "spilled")
    }
    yield screen.word("replay.report", **{**report, **sizes})
    yield from (f"  {line}" for line in report["plan"].splitlines())


def _facts(counted: dict[str, int], screen: Screen) -> str:
    return ", ".join(f"{n} × {_word('kind', kind, screen)}" for kind, n in counted.items())


def _over(purpose: str, channel: str) -> str:
    return f"{purpose} / {channel}" if channel else purpose


def _word(section: str, code: str, screen: Screen) -> str:
    """What people call a kind of fact, or a state."""
    from ledger.policy.explain import words

    return words(screen.lang)[section].get(code, code)
