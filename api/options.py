"""What all commands share: the options that say where the ledger is and how to answer.

`@command(app)` adds `--home --url --keyring --lang --json` to a function's own options and hands it
a `Run`. The same options may stand before the command's name; those after it win.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.screen import Screen
from api.settings import Settings, settle
from ledger.calendar import Clock, FarAway, Instant, parse_as_of
from ledger.errors import Misuse

if TYPE_CHECKING:
    from api.replaying import Source
    from ledger.application import Ledger

Home = Annotated[str | None, typer.Option("--home", help="Folder of the ledger and its keys.")]
Url = Annotated[
    str | None, typer.Option("--url", help="Database URL (better: PROBANT_URL, not in history).")
]
Keyring = Annotated[str | None, typer.Option("--keyring", help="Keyring: a file or pkcs11: URI.")]
Lang = Annotated[str | None, typer.Option("--lang", help="fr or en.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on stdout.")]

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="When it was true: YYYY-MM-DD (end of that day) or RFC 3339."),
]
FromSegments = Annotated[
    str | None,
    typer.Option("--segments", metavar="DIR", help="From these files, without the database."),
]
ByEngine = Annotated[
    str | None,
    typer.Option("--engine", help="With --segments: duck (by default), fold or spark."),
]
WithMemory = Annotated[
    str | None,
    typer.Option("--memory", metavar="SIZE", help="For the engine, as 256MB (segments)."),
]
OnMaster = Annotated[
    str | None,
    typer.Option(
        "--master",
        metavar="URL",
        help="For --engine spark: spark://…, yarn, local[4]; by default this machine's cores.",
    ),
]
KnownAt = Annotated[
    str | None, typer.Option("--known-at", help="When we had learnt it: same forms as --as-of.")
]

SHARED: dict[str, tuple[Any, Any]] = {
    "home": (Home, None),
    "url": (Url, None),
    "keyring": (Keyring, None),
    "lang": (Lang, None),
    "as_json": (AsJson, False),
}


class Run:
    """One run of one command: its settings, and its screen."""

    def __init__(self, settings: Settings, screen: Screen) -> None:
        self.settings, self.screen = settings, screen

    @contextmanager
    def ledger(self) -> Iterator[Ledger]:
        """The ledger, open. Raises Misuse when there is none."""
        opened = self.open()
        try:
            yield opened
        finally:
            opened.close()

    def open(self, clock: Clock | None = None) -> Ledger:
        """The ledger, to be closed by the caller; `clock`: other than the machine's. Raises Misuse
        when there is none."""
        file = self.settings.sqlite_file
        if file is not None and not file.exists():
            raise Misuse(f"there is no ledger at {file}; run `probant init` first")
        from ledger.opening import open_ledger

        settings = self.settings
        return open_ledger(settings.url, settings.keyring, clock=clock, journal=settings.journal)


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function of (run, its own options) as a command with the shared options too."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        shared = [
            inspect.Parameter(key, keyword, default=default, annotation=annotation)
            for key, (annotation, default) in SHARED.items()
        ]
        context = inspect.Parameter("context", keyword, annotation=typer.Context)
        parameters = [p.replace(kind=keyword) for p in own] + [*shared, context]

        def started(**given: Any) -> Any:
            before: dict[str, Any] = given.pop("context").obj or {}
            chosen = {key: given.pop(key) or before.get(key) for key in SHARED}
            return function(_run(chosen), **given)

        started.__name__, started.__doc__ = function.__name__, function.__doc__
        started.__annotations__ = {p.name: p.annotation for p in parameters}
        started.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        app.command(name)(started)
        return function

    return register


def _run(chosen: dict[str, Any]) -> Run:
    as_json = bool(chosen.pop("as_json"))
    settings = settle(os.environ, **chosen)
    return Run(settings, Screen(as_json=as_json, lang=settings.lang))


def pins_of(run: Run) -> Path:
    """Where the digests of what is kept aside are pinned: out of the folder it lies in."""
    return run.settings.home / "aside.json"


def files_of(
    run: Run, segments: str | None, engine: str | None, memory: str | None, master: str | None
) -> Source | None:
    """The files that a command is asked of, and by whom; None: the database. Raises Misuse."""
    if segments is None:
        if engine or memory or master:
            raise Misuse("--engine, --memory and --master go with --segments")
        return None
    from api.replaying import Source

    return Source(segments, engine or "duck", memory, master, pins_of(run))


def instant(option: str, text: str | None) -> Instant | None:
    """What was typed after `option` as an instant. Raises Misuse, never repeating the text."""
    if text is None:
        return None
    try:
        return parse_as_of(text)
    except FarAway as error:
        raise Misuse(f"{option}: {error}") from None
    except ValueError:
        raise Misuse(
            f"{option} must be a day (YYYY-MM-DD) or a date and time with its zone (RFC 3339)"
        ) from None
