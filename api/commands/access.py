"""The API keys of a ledger: who holds one, for which roles and until when.

A secret is shown once, when it is made. Running servers follow within a request.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from api.options import Run, command, instant
from api.screen import Screen, table
from ledger.calendar import HOUR, Instant, SystemClock, format_instant

OVERLAP: Instant = 24 * HOUR  # for which a rotated secret is still accepted, unless said
HEAD = (
    "access.head_id",
    "access.head_name",
    "access.head_roles",
    "access.head_recipient",
    "access.head_created",
    "access.head_rotated",
    "access.head_state",
)

Id = Annotated[str, typer.Argument(help="The key, by its id (see list).", metavar="ID")]


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    access = typer.Typer(help="API keys, and what roles open.", no_args_is_help=True)
    command(access, "list")(list_)
    command(access, "add")(add)
    command(access, "revoke")(revoke)
    command(access, "rotate")(rotate)
    command(access, "roles")(roles)
    app.add_typer(access, name="access")


def list_(run: Run) -> None:
    """Every key, revoked ones too: what they recorded or read names their id."""
    from api import keys

    now = SystemClock().now()
    content = {"keys": [_shown(key, now) for key in keys.read(run.settings.api_keys)]}
    run.screen.answer(content, lambda: list(_listed(content, run.screen)))


def add(
    run: Run,
    name: Annotated[str, typer.Option("--name", help="A machine or a post, never a person.")],
    role: Annotated[
        list[str],
        typer.Option("--role", help="recorder, reader, agent, dpo, auditor or operator; repeat."),
    ],
    expires: Annotated[
        str | None, typer.Option("--expires", help="YYYY-MM-DD (end of that day) or RFC 3339.")
    ] = None,
    recipient: Annotated[
        str | None,
        typer.Option("--recipient", help="Whose key: it may acknowledge for this recipient."),
    ] = None,
) -> None:
    """One more key. Its secret is shown once."""
    from api import keys

    now, until = SystemClock().now(), instant("--expires", expires)
    key, secret = keys.add(run.settings.api_keys, name, frozenset(role), now, until, recipient)
    _answer(run, "access.added", key, now, secret)


def revoke(run: Run, id: Id) -> None:
    """This key opens nothing from now on."""
    from api import keys

    now = SystemClock().now()
    _answer(run, "access.ended", keys.revoke(run.settings.api_keys, id, now), now)


def rotate(
    run: Run,
    id: Id,
    until: Annotated[
        str | None,
        typer.Option("--until", help="The secret before it is accepted until then (24 hours)."),
    ] = None,
) -> None:
    """A new secret for a key; the one before is accepted a while longer."""
    from api import keys

    now, said = SystemClock().now(), instant("--until", until)
    key, secret = keys.rotate(
        run.settings.api_keys, id, now, now + OVERLAP if said is None else said
    )
    _answer(run, "access.turned", key, now, secret)


def roles(run: Run) -> None:
    """What each role opens, route by route, in Markdown (docs/access.md)."""
    from api.access import markdown
    from api.routes.table import TABLE

    content = [
        {"method": route.method, "path": route.path, "roles": sorted(route.roles)}
        for route in TABLE
    ]
    run.screen.answer({"routes": content}, lambda: markdown(TABLE).splitlines())


def _answer(run: Run, word: str, key: Any, now: Instant, secret: str | None = None) -> None:
    content = {**_shown(key, now), "secret": secret}
    said = {**content, "roles": ", ".join(content["roles"])}
    lines = [run.screen.word(word, **said)]
    if secret is not None:
        lines.append(run.screen.word("access.secret", **said))
    if content["old_until"] is not None:
        lines.append(run.screen.word("access.overlap", until=content["old_until"]))
    run.screen.answer(content, lambda: lines)


def _shown(key: Any, now: Instant) -> dict[str, Any]:
    """A key for people and programs, without its hash."""
    times = {
        "created": key.created,
        "expires": key.expires,
        "rotated": key.rotated,
        "revoked": key.revoked,
        "old_until": key.old and key.old.until,
    }
    shown = {name: None if at is None else format_instant(at) for name, at in times.items()}
    named = {"id": key.id, "name": key.name, "roles": sorted(key.roles)}
    named["recipient"] = key.recipient
    return {**named, "live": key.is_live(now), **shown}


def _listed(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    if not content["keys"]:
        yield screen.word("access.none")
        return
    rows = [
        (
            key["id"],
            key["name"],
            ", ".join(key["roles"]),
            key["recipient"] or "-",
            (key["created"] or "")[:10],
            (key["rotated"] or "")[:10],
            _state(key, screen),
        )
        for key in content["keys"]
    ]
    yield from table([screen.word(name) for name in HEAD], rows, left=len(HEAD))


def _state(key: dict[str, Any], screen: Screen) -> str:
    if key["revoked"]:
        return screen.word("access.revoked", revoked=key["revoked"][:10])
    if key["expires"]:
        word = "expires" if key["live"] else "expired"
        return screen.word(f"access.{word}", expires=key["expires"][:16])
    return screen.word("access.live")
