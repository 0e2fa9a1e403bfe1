"""Keeping a ledger: bring it into being, fill it, rebuild what is derived, verify it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import typer

from api.options import Run, command
from api.screen import Screen
from ledger.calendar import format_instant
from ledger.errors import Misuse

FOUND, INCOMPLETE = 1, 3  # exit codes: verify found something; --strict and some lines rejected
PAST_TERM = "past-term"
SHOWN = 20  # findings printed for people


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    command(app, "init")(init)
    command(app, "import")(import_)
    command(app, "rebuild")(rebuild)
    command(app, "verify")(verify)


def init(
    run: Run,
    if_missing: Annotated[
        bool, typer.Option("--if-missing", help="Leave a ledger that is there as it is.")
    ] = False,
    origin: Annotated[
        str | None, typer.Option("--origin", help="The ledger's name for ever, e.g. shop.eu/1.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option("--policy", help="First edition (TOML); SoftSystem's by default.")
    ] = None,
) -> None:
    """Create a ledger: schema, keyring, and the first edition of the policy as position 1."""
    first = read_file("--policy", policy) if policy is not None else None
    from ledger.opening import create
    from ledger.store import reader

    settings = run.settings
    existed = _exists(run)
    if existed and not if_missing:
        raise Misuse("there is a ledger already; nothing changed (--if-missing accepts that)")
    if not existed:
        _make_home(settings.home)
    ledger = (
        run.open()
        if existed
        else create(settings.url, settings.keyring, origin=origin, policy=first)
    )
    try:
        head = ledger.recorder.head()
        edition = ledger.edition(head.epoch, ledger.clock.now())
        with ledger.database.read() as connection:
            name = reader.origin(connection)
    finally:
        ledger.close()
    content = {
        "origin": name,
        "created": not existed,
        "database": settings.database,
        "position": head.position,
        "edition": edition.id,
        "keyring": str(settings.keyring),
    }
    run.screen.answer(content, lambda: _created(content, run.screen))


def _exists(run: Run) -> bool:
    """Whether `init` once came to its end here; what is half made is completed."""
    from ledger.store import keyrings

    file = run.settings.sqlite_file
    if (file is not None and not file.exists()) or not keyrings.exists(run.settings.keyring):
        return False
    try:
        with run.ledger() as ledger:
            return ledger.recorder.head().position > 0
    except Misuse:
        return False  # `create` says what is wrong, or completes it


def _make_home(home: Path) -> None:
    """The folder of keys and ledger, closed to others."""
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Misuse(f"the home folder cannot be made ({type(error).__name__})") from None


def _created(content: dict[str, Any], screen: Screen) -> list[str]:
    first = screen.word("init.created" if content["created"] else "init.kept", **content)
    where = "init.token" if content["keyring"].startswith("pkcs11:") else "init.keyring"
    return [first, screen.word(where, **content)] if content["created"] else [first]


def import_(
    run: Run,
    file: Annotated[Path, typer.Argument(help="CSV or NDJSON.", metavar="FILE")],
    map_: Annotated[Path, typer.Option("--map", help="What its columns mean (TOML).")],
    rejects: Annotated[
        Path | None, typer.Option("--rejects", help="Where rejected lines are explained.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit with 3 when a line was rejected.")
    ] = False,
    reject: Annotated[
        str | None,
        typer.Option("--reject", help="past-term: leave out people past the published term."),
    ] = None,
) -> int:
    """Import a file: audited first, streaming, resumable, and a second run adds nothing."""
    if not map_.is_file():
        raise Misuse("--map: there is no such file")
    if not file.is_file():
        raise Misuse("FILE does not exist, or is no file")
    if reject not in (None, PAST_TERM):
        raise Misuse(f"--reject knows only {PAST_TERM}")
    from ledger.audit import audited
    from ledger.importing import import_file, load_map

    mapping = load_map(map_)
    refused = rejects or run.settings.home / f"{file.name}.rejects.ndjson"
    with run.ledger() as ledger, ExitStack() as open_until_done:
        now = ledger.clock.now()
        edition = ledger.edition(ledger.epoch(), now)
        with run.screen.progress(run.screen.word("audit.title")) as advance:
            counting = audited(file, mapping, edition, now=now, progress=_told(advance))
            found = open_until_done.enter_context(counting)
        with run.screen.progress(run.screen.word("import.title")) as advance:
            past = found.past if reject else None
            report = import_file(
                ledger, file, mapping, rejects=refused, progress=_told(advance), past=past
            )
    answer = report.to_json() | {"audit": found.report.to_json()}
    run.screen.answer(answer, lambda: list(_imported(answer, run.screen)))
    return INCOMPLETE if strict and report.rejected else 0


def _told(advance: Any) -> Any:
    """Progress in bytes, with the lines read."""
    return lambda done, total, lines: advance(done, total, str(lines))


def _imported(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    recorded = sum(answer["recorded"].values())
    seconds = round(answer["seconds"], 1)
    yield screen.word("import.done", **{**answer, "recorded": recorded, "seconds": seconds})
    for kind, n in answer["recorded"].items():
        yield screen.word("import.kinds", n=n, kind=kind)
    if answer["rejects_file"]:
        yield screen.word("import.rejects", path=answer["rejects_file"])
    counted = answer["audit"]
    yield screen.word("audit.people", n=counted["people"], past=counted["past"])


def rebuild(run: Run) -> None:
    """Recompute the live tables from history. Readers see the old rows until then; on PostgreSQL
    writers go on too."""
    from ledger.store.rebuild import rebuild as rebuild_tables

    began = time.monotonic()
    with run.ledger() as ledger, run.screen.progress(run.screen.word("rebuild.title")) as advance:
        rebuilt = rebuild_tables(ledger.database, lambda table, _rows: advance(0, 0, table))
    content = rebuilt._asdict() | {"seconds": round(time.monotonic() - began, 3)}
    lines = [run.screen.word("rebuild.done", **content)]
    lines += [run.screen.word("rebuild.row", table=t, rows=n) for t, n in rebuilt.rows.items()]
    if rebuilt.stall_ms is not None:
        content["stall_ms"] = round(rebuilt.stall_ms, 1)
        lines += [run.screen.word(key, **content) for key in ("rebuild.differing", "rebuild.stall")]
    run.screen.answer(content, lambda: lines)


def verify(
    run: Run,
    projections: Annotated[
        bool, typer.Option("--projections", help="Only compare the live tables with history.")
    ] = False,
) -> int:
    """Recompute every leaf, compare columns with entries and live tables with history."""
    with run.ledger() as ledger, run.screen.progress(run.screen.word("verify.title")) as advance:
        answer = _compared(ledger) if projections else _verified(ledger, advance, run.screen.lang)
        if not projections:
            _note(run, ledger, answer)
    run.screen.answer(answer, lambda: list(_findings(answer, run.screen)))
    return 0 if answer["ok"] else FOUND


def _note(run: Run, ledger: Any, answer: dict[str, Any]) -> None:
    """When it was done and how it went, for the first screen."""
    from api.today import note_check

    said = {"at": format_instant(ledger.clock.now()), "position": answer["events"]}
    note_check(
        run.settings.checked,
        {**said, "ok": answer["ok"], "findings": sum(answer["counts"].values())},
    )


def _verified(ledger: Any, advance: Any, lang: Any) -> dict[str, Any]:
    from ledger.store.verify import verify as verify_all

    report = verify_all(ledger.database, lambda done, total: advance(done, total, ""))
    return report.to_json(lang)


def _compared(ledger: Any) -> dict[str, Any]:
    """The differences between live tables and history, without the rows themselves."""
    from ledger.store.rebuild import differences

    counts: Counter[str] = Counter()
    for difference in differences(ledger.database):
        code = "extra" if difference.derived is None else "differs"
        code = "missing" if difference.live is None else code
        counts[f"{difference.table}.{code}"] += 1
    return {"ok": not counts, "projections_only": True, "counts": dict(sorted(counts.items()))}


def _findings(answer: dict[str, Any], screen: Screen) -> Iterator[str]:
    only = "projections_only" in answer
    if answer["ok"]:
        yield screen.word("verify.ok_projections" if only else "verify.ok", **answer)
        return
    count = sum(answer["counts"].values())
    yield screen.word("verify.found", n=count)
    if only:
        for name, n in answer["counts"].items():
            table, _, code = name.partition(".")
            yield screen.word(f"verify.{code}", table=table, n=n)
        return
    shown = answer["findings"][:SHOWN]
    for finding in shown:
        where = "verify.nowhere" if finding["position"] is None else "verify.finding"
        yield screen.word(where, **finding)
    if count > len(shown):
        yield screen.word("verify.more", n=count - len(shown))


def read_file(option: str, path: Path) -> bytes:
    """The bytes of a file that was named. Raises Misuse, naming the option and not the file."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Misuse(f"{option}: the file cannot be read ({type(error).__name__})") from None
