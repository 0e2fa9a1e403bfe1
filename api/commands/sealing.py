"""The sealed log: the signer's process, sealing once or for as long as one wants, and its state.

`probant serve` seals by itself; these commands are for whoever runs the signer under an account of
its own, seals from a timer, or wants to know how far the seal reaches.
"""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.commands import witnessing
from api.options import Run, command
from ledger.calendar import format_instant
from ledger.errors import Broken

if TYPE_CHECKING:
    from ledger.log_keys import Rotated

STOP_SECONDS = 10
AGAIN_SECONDS = 5  # until a process that failed us is begun again
TOLD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    signer = typer.Typer(help="The process that signs checkpoints.", no_args_is_help=True)
    command(signer, "init")(signer_init)
    command(signer, "serve")(signer_serve)
    command(signer, "rotate")(signer_rotate)
    command(signer, "retire")(signer_retire)
    app.add_typer(signer, name="signer")
    log = typer.Typer(help="The sealed log.", no_args_is_help=True)
    command(log, "status")(status)
    witnessing.register(app, log)
    app.add_typer(log, name="log")
    command(app, "seal")(seal)


def signer_init(run: Run) -> None:
    """Make the key that signs this ledger's checkpoints; auditors pin what is printed."""
    from ledger.sealing.signer import Signer

    with run.ledger() as ledger:
        made = Signer.create(run.settings.signer_home, ledger.keyring.origin)
    content = {"origin": made.origin, "vkey": made.key.vkey}
    run.screen.answer(content, lambda: [run.screen.word("seal.key", **content)])


def signer_serve(run: Run) -> None:
    """Sign for whoever asks on the socket, until told to stop. Needs no database."""
    from ledger.sealing.signer import Signer, serve

    vkey = Signer(run.settings.signer_home).key.vkey
    content = {"socket": str(run.settings.signer), "vkey": vkey}
    run.screen.answer(content, lambda: [run.screen.word("seal.signing", **content)])
    serve(run.settings.signer_home, run.settings.signer)


def signer_rotate(run: Run) -> None:
    """Begin to sign with a new key beside the present one (again: complete what was cut off)."""
    from ledger.log_keys import rotate

    _replaced(run, rotate, "seal.rotated")


def signer_retire(run: Run) -> None:
    """End the older of two signing keys and destroy its private half."""
    from ledger.log_keys import retire

    _replaced(run, retire, "seal.retired")


def _replaced(run: Run, step: Callable[..., Rotated], word: str) -> None:
    from ledger.sealing.client import running_signer
    from ledger.sealing.sealer import Sealer

    settings = run.settings
    with run.ledger() as ledger:
        origin = ledger.keyring.origin
        with running_signer(settings.signer_home, settings.signer, origin) as signer:
            done = step(ledger, signer, Sealer(ledger.database, origin, signer, settings.log))
    content = {"origin": origin, **done._asdict()}
    run.screen.answer(content, lambda: [run.screen.word(word, **content)])


def seal(
    run: Run,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on, a round a second, until told to stop.")
    ] = False,
) -> None:
    """Grow the tree over what was committed, have its head signed, and export both as files."""
    from ledger.sealing.client import running_signer
    from ledger.sealing.sealer import Sealer
    from ledger.store import log

    settings = run.settings
    with run.ledger() as ledger:
        origin, is_new = ledger.keyring.origin, log.sealed(ledger.database).size == 0
        where = settings.signer_home, settings.signer, origin
        with running_signer(*where, is_new=is_new) as signer:
            sealer = Sealer(ledger.database, origin, signer, settings.log)
            if watch:
                sealer.watch()
                return
            made = sealer.round()
            size = signer.state().size
    content = {
        "origin": origin,
        "size": size,
        "sealed": 0 if made is None else made.size - made.before,
        "folder": str(settings.log),
    }
    run.screen.answer(content, lambda: [run.screen.word("seal.done", **content)])


def status(run: Run) -> None:
    """How far the seal reaches, under which key, and what waits for it."""
    from ledger.seal.text import to_base64
    from ledger.sealing.files import read_if_there
    from ledger.sealing.keys import LOG_KEYS
    from ledger.store import log

    with run.ledger() as ledger:
        sealed, last = log.sealed(ledger.database), log.head_position(ledger.database)
        vkeys = (read_if_there(run.settings.log / LOG_KEYS) or b"").decode().split()
        at = log.recorded_at(ledger.database, sealed.size)
        content: dict[str, Any] = {
            "origin": ledger.keyring.origin,
            "size": sealed.size,
            "root": to_base64(sealed.root) if sealed.size else None,
            "last_event": None if at is None else format_instant(at),
            "waiting": last - sealed.size,
            "vkey": vkeys[-1] if vkeys else None,  # the newer one, while there are two
            "vkeys": vkeys,
            "folder": str(run.settings.log),
        }
    run.screen.answer(content, lambda: list(_told(content, run)))


def _told(content: dict[str, Any], run: Run) -> Iterator[str]:
    word = "seal.status" if content["size"] else "seal.nothing"
    yield run.screen.word(word, **content)
    for vkey in content["vkeys"]:
        yield run.screen.word("seal.pinned", vkey=vkey)


@contextmanager
def sealed_meanwhile(run: Run) -> Iterator[None]:
    """A sealer of its own beside the server, with a signer if none answers; both end with us,
    however we end: the sealer watches its standard input, the signer the sealer's."""
    with running_beside(run, "seal", "--watch"):
        yield


@contextmanager
def running_beside(run: Run, *arguments: str) -> Iterator[None]:
    """A command of ours in a process of its own, that ends when its standard input does. One that
    was killed, or could not begin for want of a database, is followed by another."""
    home = ["--home", str(run.settings.home)]
    beside = _Beside([sys.executable, "-m", "api.cli", *home, *arguments], _environment(run))
    try:
        yield
    finally:
        beside.end()


class _Beside:
    """A process, and the thread that sees to it."""

    def __init__(self, line: list[str], environment: dict[str, str]) -> None:
        self._line, self._environment = line, environment
        self._over, self._turn = Event(), Lock()
        self._child = self._begun()
        self._thread = Thread(target=self._follow, daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Hang up, and wait for it; whoever does not hear that is killed."""
        with self._turn:
            self._over.set()
        self._hang_up()
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()

    def _begun(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(  # noqa: S603
            self._line, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, env=self._environment
        )

    def _follow(self) -> None:
        """Another after each that failed us; none after one that was told to end, or refuses."""
        while (code := self._child.wait()) == Broken.exit_code or (code < 0 and -code not in TOLD):
            if self._over.wait(AGAIN_SECONDS):
                return
            log = logging.getLogger("probant")
            log.warning("%s ended (%s) and is begun again", " ".join(self._line[5:]), code)
            with self._turn:
                if self._over.is_set():
                    return
                self._hang_up()
                self._child = self._begun()

    def _hang_up(self) -> None:
        assert self._child.stdin is not None
        self._child.stdin.close()


def _environment(run: Run) -> dict[str, str]:
    """Our settings for a child: the URL may hold a password, and stays off its command line."""
    settings = run.settings
    return {
        **os.environ,
        "PROBANT_URL": settings.url,
        "PROBANT_KEYRING": str(settings.keyring),
        "PROBANT_SIGNER": str(settings.signer),
        "PROBANT_LOG": str(settings.log),
        "PROBANT_LANG": settings.lang,
    }
