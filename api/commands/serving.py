"""Serving a ledger over HTTP on loopback, and a made-up shop to try it with."""

from __future__ import annotations

import ipaddress
import socket
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from api.commands.erasing import desk_of
from api.commands.sealing import sealed_meanwhile
from api.commands.webhooks import delivered_meanwhile, poster_of
from api.options import Run, command
from ledger.calendar import SystemClock
from ledger.errors import Misuse, unwritten

GRACE_SECONDS = 10  # given to requests that are under way when the server is told to stop


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    command(app, "serve")(serve)
    command(app, "demo-shop")(demo_shop)


def serve(
    run: Run,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", help="0 takes a free one.")] = 8000,
    new_key: Annotated[
        bool, typer.Option("--new-key", help="Revoke every API key and show a new one.")
    ] = False,
    i_know: Annotated[
        bool, typer.Option("--i-know", help="Accept an address that others can reach, over HTTP.")
    ] = False,
    demo: Annotated[
        bool, typer.Option("--demo", help="Let anybody on this machine sign in with one click.")
    ] = False,
) -> None:
    """Serve the HTTP interface, on loopback unless told otherwise."""
    if not i_know and not _is_loopback(host):
        raise Misuse(
            "this address can be reached by others, and plain HTTP shows them the key: put a proxy"
            " with TLS in front, or insist with --i-know"
        )
    if demo and not _is_loopback(host):
        raise Misuse("--demo lets anybody in: on loopback only")
    from api.demo.sandbox import sandbox_of

    opened = run.open()  # says what is wrong before anything listens
    clock = sandbox_of(opened) if demo else None
    opened.close()
    listener = _listen(host, port)
    import uvicorn

    from api import keys
    from api.app import create_app
    from api.console import theme
    from api.console.demo import Demo
    from api.logs import log_to
    from api.oidc import Issuer
    from api.sealed import Seal
    from api.signing_on import SignOn
    from api.webhooks import Outbound
    from ledger.archiving import asking
    from ledger.grouping import collect_seldom
    from ledger.sealing.client import SignerClient

    path, signer = run.settings.api_keys, SignerClient(run.settings.signer)
    now = SystemClock().now()
    key = keys.create(path, now=now) if new_key or not keys.Keys.load(path) else None
    url = f"http://{_shown(host)}:{listener.getsockname()[1]}"
    said = [run.screen.word("serve.listening", url=url)]
    roles = ", ".join(sorted(keys.FIRST))
    shown = run.screen.word("serve.key", key=key, roles=roles)
    said.append(shown if key else run.screen.word("serve.kept"))
    said += [run.screen.word("serve.demo", url=url)] if demo else []
    run.screen.answer({"url": url, "api_key": key}, lambda: said)
    log_to(form=run.settings.log_format)
    known, trusted = keys.Keys.load(path), run.settings.oidc
    issuer = Issuer(trusted) if trusted else None
    client = trusted.client if trusted else None
    sign_on = SignOn(issuer, client) if issuer and client else None
    config = uvicorn.Config(
        create_app(
            partial(run.open, clock),
            known,
            Seal(run.settings.log, signer),
            issuer,
            journal=run.settings.journal,
            desk=desk_of(run, signer),
            outbound=Outbound(run.settings.acknowledge_days, poster_of(run)),
            # Whether an opener listens there is found out when it is asked.
            opener=partial(asking.ask, run.settings.opener / "socket"),
            origins=run.settings.origins,
            demo=Demo(known, clock) if demo else None,
            archive=run.settings.archive_recipient,
            checked=run.settings.checked,
            theme=theme.read(run.settings.theme) if run.settings.theme else None,
            sign_on=sign_on,
        ),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    collect_seldom()
    with sealed_meanwhile(run), delivered_meanwhile(run):
        uvicorn.Server(config).run(sockets=[listener])


def demo_shop(
    run: Run,
    folder: Annotated[Path, typer.Argument(help="Where to write it.", metavar="DIR")],
    people: Annotated[int, typer.Option("--people", help="So many customers.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Another seed, another shop.")] = 7,
) -> None:
    """Write a made-up shop: purchases and choices, each with its map. Something to import."""
    if not 1 <= people <= 9999:
        raise Misuse("--people must be between 1 and 9999")
    from api.demo.shop import write

    try:
        orders, choices = write(folder, people, seed)
    except OSError as error:
        raise unwritten("DIR", error) from None
    content: dict[str, Any] = {
        "people": people,
        "orders": orders,
        "choices": choices,
        "folder": str(folder),
        "files": ["shop", "choices"],
    }
    lines = [run.screen.word("demo.done", **content)]
    lines += [run.screen.word("demo.next", folder=folder, name=n) for n in content["files"]]
    run.screen.answer(content, lambda: lines)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        name = type(error).__name__
        raise Misuse(f"cannot listen there ({name}): is the port taken? try --port 0") from None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host
