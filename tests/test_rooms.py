"""The import table: who may look into which room. A new file must be placed in it.

`ROOMS` names each room and what it may import of ours; `GATES` names the foreign libraries that
only some rooms may touch. A failure says where, and the way round.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "api", "replay")
LINES_MAX = 600  # a ratchet: it may go down, never up
# One file by design, in two languages, with nothing of ours to lean on: a ratchet of its own.
LONGER = {"replay/verify.py": 1770}

PURE = (
    "ledger.calendar",
    "ledger.sqltime",
    "ledger.errors",
    "ledger.entry",
    "ledger.fields",
    "ledger.facts",
    "ledger.events",
    "ledger.commands",
    "ledger.policy",
    "ledger.projections",
)

# Room -> what it may import of ours, itself always. A name covers the module and all below it.
ROOMS: dict[str, tuple[str, ...]] = {
    "ledger.calendar": (),
    "ledger.sqltime": (),
    "ledger.errors": (),
    "ledger.entry": ("ledger.errors", "ledger.calendar"),
    "ledger.fields": ("ledger.calendar", "ledger.errors"),
    "ledger.facts": ("ledger.calendar", "ledger.errors", "ledger.fields"),
    "ledger.events": ("ledger.calendar", "ledger.errors", "ledger.facts", "ledger.fields"),
    "ledger.pan": (),
    "ledger.commands": ("ledger.calendar", "ledger.errors", "ledger.entry", "ledger.events"),
    "ledger.policy": (
        "ledger.calendar",
        "ledger.errors",
        "ledger.events",
        *("ledger.projections.model", "ledger.projections.joins"),
    ),
    "ledger.projections": ("ledger.events", "ledger.calendar"),
    "ledger.aggregates": (
        "ledger.events",
        "ledger.commands",
        "ledger.errors",
        "ledger.calendar",
        "ledger.fields",
        "ledger.pan",
        "ledger.policy",
    ),
    "ledger.seal": ("ledger.errors", "ledger.entry"),
    "ledger.store": PURE,
    "ledger.audit": ("ledger",),
    "ledger.handlers": ("ledger",),
    "ledger.application": ("ledger",),
    "ledger.deciding": ("ledger",),
    "ledger.naming": ("ledger",),
    "ledger.streams": ("ledger",),
    "ledger.acting": ("ledger",),
    "ledger.grouping": ("ledger",),
    "ledger.evidence": ("ledger",),
    "ledger.segmenting": ("ledger", "replay.segments.layout"),
    "ledger.witnessing": ("ledger",),
    "ledger.log_keys": ("ledger",),
    "ledger.sealing": (
        "ledger.seal",
        "ledger.entry",
        "ledger.store.log",
        "ledger.store.database",
        "ledger.errors",
        "ledger.calendar",
    ),
    "ledger.permitting": ("ledger",),
    "ledger.rotating": ("ledger",),
    "ledger.erasing": ("ledger",),
    "ledger.outbound": ("ledger",),
    "ledger.restoring": ("ledger",),
    "ledger.retention": ("ledger",),
    "ledger.today": ("ledger",),
    "ledger.packages": ("ledger",),
    "ledger.packages.page": ("ledger.policy.explain",),
    "ledger.register": ("ledger",),
    "ledger.register.model": PURE,
    "ledger.register.gaps": (*PURE, "ledger.register.model"),
    "ledger.requests": ("ledger",),
    "ledger.archive_key": ("ledger.entry", "ledger.errors", "ledger.store.recipient"),
    "ledger.archiving": ("ledger",),
    "ledger.archiving.wire": ("ledger.entry", "ledger.errors"),
    "ledger.archiving.opener": (
        "ledger.archive_key",
        "ledger.archiving.wire",
        "ledger.calendar",
        "ledger.entry",
        "ledger.errors",
        "ledger.seal",
        "ledger.store.vault",
    ),
    "ledger.importing": ("ledger",),
    "ledger.choosing": ("ledger",),
    "ledger.supposing": ("ledger",),
    "ledger.beginnings": ("ledger.events",),
    "ledger.opening": ("ledger",),
    "replay": (
        "ledger.calendar",
        "ledger.sqltime",
        "ledger.errors",
        "ledger.entry",
        "ledger.events",
        "ledger.policy",
        "ledger.projections.model",
        "ledger.projections.population",
    ),
    "replay.verify": (),  # an auditor runs it alone
    "replay.segments": (
        *("ledger.calendar", "ledger.entry", "ledger.errors", "ledger.policy"),
        "replay.verify",
    ),
    "replay.generating": (
        *("ledger.calendar", "ledger.errors", "ledger.entry", "ledger.events", "ledger.policy"),
        "replay.segments.layout",
    ),
    # Rules that judge history again, by those that judged it first: the doors', the gate's.
    "replay.controls": (
        *("ledger.calendar", "ledger.errors", "ledger.events", "ledger.policy"),
        *("ledger.aggregates", "ledger.permitting.joined", "ledger.projections"),
        "replay.fold",
    ),
    "replay.inspect": (
        *("ledger.calendar", "ledger.errors", "ledger.events", "ledger.policy"),
        *("ledger.aggregates", "ledger.projections", "ledger.register.model"),
        *("replay.fold", "replay.controls"),
    ),
    "api": ("ledger", "replay"),
    "api.console": ("api", "ledger", "replay"),
}

NAMED = {*ROOMS, *(name for allowed in ROOMS.values() for name in allowed)}

# Doors: packages that hold rooms; their own `__init__` imports nothing of ours.
DOORS = ("ledger",)

WAY_ROUND = {
    "ledger.calendar": "the calendar stands alone: pass it what it needs",
    "ledger.errors": "errors stand alone: give them plain values",
    "ledger.policy": "policy is pure: let the caller read, and pass rows or a SubjectState",
    "ledger.projections": "projections are pure: take a Row, answer a row change",
    "ledger.aggregates": "an aggregate decides from its state: let the handler load what it asks",
    "ledger.seal": "the seal is pure: let the sealer read and write, and pass bytes or a Reader",
    "ledger.store": "the store is called, it never calls: let ledger.application wire it",
    "replay": "replay reads through what it is handed: let the caller pass rows or open the ledger",
}


class Gate(NamedTuple):
    """A foreign library, the rooms or files that may import it, and what the others do instead."""

    library: str
    allowed: tuple[str, ...]
    way_round: str


SQL = "only ledger.store speaks SQL: add a named question to its reader"
SPARK = ("replay.engines.cluster", "replay.engines.spark")
GATES = (
    Gate("sqlalchemy", ("ledger.store",), SQL),
    Gate("psycopg2", ("ledger.store",), SQL),
    Gate("sqlite3", ("ledger.store", "replay.verify"), SQL),
    Gate("alembic", ("ledger.store",), SQL),
    Gate("adbc_driver_postgresql", ("ledger.store",), SQL),
    Gate(
        "eventsourcing",
        ("ledger.application", "ledger.store"),
        "facts are plain classes; only the application and the store know the library",
    ),
    Gate(
        "duckdb",
        ("ledger.audit", "replay.engines.duck", "replay.generating.copying"),
        "only the audit, one engine and the generator speak to DuckDB: the ledger's own questions"
        " are SQL of the store, those of segments are replay.engines.sql",
    ),
    Gate(
        "cryptography",
        (
            *("ledger.store.vault", "ledger.store.keyring", "ledger.store.recipient"),
            *("ledger.archive_key", "ledger.seal.note", "replay.verify"),
            "ledger.witnessing.stamping",  # certificates only
        ),
        "only the vault and the keyring touch people's keys, only notes sign: ask them",
    ),
    Gate(
        "rfc3161_client",
        ("ledger.witnessing.stamping",),
        "only the room of the time stamps speaks to their library: ask its `verify`",
    ),
    Gate("pyspark", SPARK, "only the engine spark speaks to the cluster"),
    Gate("py4j", SPARK, "only the engine spark speaks to the cluster"),
    Gate("sqlglot", SPARK, "only the engine spark needs another dialect: write SQL for DuckDB"),
    Gate("typst", ("api.report.rendering",), "only the report is typeset"),
    Gate("odfdo", ("ledger.register.formats",), "only the register is written as a spreadsheet"),
    Gate(
        "jwt",
        ("api.oidc", "ledger.packages.signing"),
        "only the door of the identity provider reads tokens, only `packages/signing.py` makes any",
    ),
    Gate("httpx2", ("api.oidc",), "nothing else here asks another server"),
    Gate("prometheus_client", ("api.metrics",), "only the metrics count: call their `count`"),
    Gate("jinja2", ("api.console.rendering",), "only the pages have templates: hand them values"),
    Gate("pkcs11", ("ledger.store.hsm",), "only the HSM's keyring speaks to it"),
    Gate(
        "ledger.archive_key",
        ("ledger.archive_key", "ledger.archiving.opener"),
        "only the opener holds the private half of the archive key: wrap for its recipient",
    ),
    Gate(
        "ledger.store.tampering",
        ("ledger.store.tampering", "api.drill"),
        "only the drill attacks a ledger, one that it made itself",
    ),
)


class Import(NamedTuple):
    """One import statement of `module`, at `path:line`, of the dotted name `target`."""

    module: str
    path: Path
    line: int
    target: str

    def __str__(self) -> str:
        where = self.path.relative_to(ROOT)
        return f"{where}:{self.line}: {self.module} imports {self.target}"


def covers(name: str, target: str) -> bool:
    """Whether `target` is `name` or lies below it."""
    return target == name or target.startswith(f"{name}.")


@cache
def modules() -> dict[str, Path]:
    """Every module of the three packages: dotted name -> file."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def room_of(module: str) -> str | None:
    """The innermost room that `module` sits in."""
    return max((room for room in ROOMS if covers(room, module)), key=len, default=None)


def imports_of(module: str, path: Path, tree: ast.Module) -> Iterator[Import]:
    """Each import of a file, inside functions and under TYPE_CHECKING too, made absolute."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, path, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = package.split(".")
                above = parts[: len(parts) - node.level + 1]
                base = ".".join([*above, *([base] if base else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                known = inner in modules() or inner in NAMED
                yield Import(module, path, node.lineno, inner if known else base)


def all_imports() -> Iterator[Import]:
    for module, path in modules().items():
        yield from imports_of(module, path, parsed(path))


def breach(found: Import) -> str | None:
    """What is wrong with an import, with the way round; None when it is allowed."""
    for gate in GATES:
        if covers(gate.library, found.target):
            if any(covers(name, found.module) for name in gate.allowed):
                return None
            return f"{found}\n    way round: {gate.way_round}"
    if not any(covers(package, found.target) for package in PACKAGES):
        return None
    room = room_of(found.module)
    if room is not None:
        allowed = (room, *ROOMS[room])
        if any(covers(name, found.target) for name in allowed):
            return None
        way = WAY_ROUND.get(room, "move the code to the room it needs, or pass it as an argument")
        return (
            f"{found}\n    {room} may import: {', '.join(allowed[1:]) or 'nothing of ours'}"
            f"\n    way round: {way}"
        )
    return f"{found}\n    way round: a door imports nothing of ours; its readers name the room"


def fail_with(lines: list[str]) -> None:
    if lines:
        pytest.fail("\n" + "\n".join(dict.fromkeys(lines)), pytrace=False)


def test_every_import_keeps_to_the_table() -> None:
    """No room looks into one that the table does not open to it."""
    fail_with([wrong for found in all_imports() if (wrong := breach(found))])


def test_every_module_sits_in_a_room() -> None:
    """A new file is placed in the table before it is merged."""
    homeless = [
        f"{path.relative_to(ROOT)}: no room for {module}; place it in ROOMS"
        for module, path in modules().items()
        if module not in DOORS and room_of(module) is None
    ]
    fail_with(homeless)


def test_every_package_has_its_door() -> None:
    """Each folder with Python files has an `__init__`, so that its sign can be read."""
    folders = {path.parent for path in modules().values()} | {ROOT / p for p in PACKAGES}
    bare = [f for f in sorted(folders) if not (f / "__init__.py").exists()]
    fail_with([f"{f.relative_to(ROOT)}: no __init__.py" for f in bare])


def test_every_module_opens_with_a_sign() -> None:
    """A module's docstring says what it is for; a package's also what it never does."""
    unsigned = [path for path in modules().values() if not ast.get_docstring(parsed(path))]
    fail_with([f"{path.relative_to(ROOT)}:1: no docstring" for path in unsigned])


def test_no_file_outgrows_an_afternoon() -> None:
    """The ratchet on length, over the packages and their tests."""
    files = [*modules().values(), *sorted((ROOT / "tests").rglob("*.py"))]
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in files}
    fail_with(
        [
            f"{path.relative_to(ROOT)}: {length} lines, at most {most}; split it by subject"
            for path, length in lengths.items()
            if length > (most := LONGER.get(path.relative_to(ROOT).as_posix(), LINES_MAX))
        ]
    )


@pytest.mark.parametrize(
    ("module", "source", "refused"),
    [
        ("ledger.calendar", "from ledger.errors import Refusal", True),
        ("ledger.policy.evaluate", "from ledger.projections import model", False),
        ("ledger.policy.evaluate", "import ledger.projections.activity", True),
        ("ledger.store.reader", "from ledger.application import Ledger", True),
        ("ledger.store.reader", "import sqlalchemy as sa", False),
        ("replay.fold", "def f():\n    import sqlite3", True),
        ("replay.fold", "from ledger.store import reader", True),
        ("replay.engines.sql", "import duckdb", True),
        ("replay.engines.duck", "from ledger.store import population", True),
        ("ledger.aggregates.order", "from ..store import tables", True),
        ("ledger.handlers", "import eventsourcing.application", True),
        ("ledger.store.tables", "from cryptography.hazmat.primitives import hashes", True),
        ("ledger.store.vault", "from cryptography.hazmat.primitives import hashes", False),
        ("ledger.seal.tiles", "from ledger.store import tables", True),
        ("ledger.seal.merkle", "from cryptography.hazmat.primitives import hashes", True),
        ("ledger.seal.note", "from cryptography.exceptions import InvalidSignature", False),
        ("api.cli", "import ledger.application, replay", False),
        ("api.app", "from ledger.archive_key import ArchiveKey", True),
        ("ledger.archiving.asking", "from ledger.archive_key import ArchiveKey", True),
        ("ledger.archiving.opener", "from ledger.archive_key import ArchiveKey", False),
        ("ledger.archiving.opener", "from ledger.store import database", True),
        ("ledger.store.vault", "import pkcs11", True),
        ("api.commands.keeping", "from ledger.store import tampering", True),
        ("api.drill.stage", "from ledger.store import tampering", False),
        ("ledger.witnessing.witness", "import rfc3161_client", True),
        ("ledger.store.rows", "import api", True),
    ],
)
def test_the_table_refuses_what_it_should(module: str, source: str, refused: bool) -> None:
    """The guard itself is tried on small wrong and right files."""
    path = ROOT / f"{module.replace('.', '/')}.py"
    found = list(imports_of(module, path, ast.parse(source)))
    assert found
    assert any(breach(one) for one in found) is refused
