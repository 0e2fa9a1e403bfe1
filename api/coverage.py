"""The coverage table: what the code does about each clause of the policy, read from the code.

Clause -> events -> derivation -> enforcement -> control -> tests, and why a cell is empty.
Nothing is run and nothing is stored: docstrings, literals and markers are
read. An id that is no clause of the shipped edition is listed in `Table.unknown`; a test refuses
it. Only a source tree has its tests beside it: an installed package cannot make this table.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from ledger.errors import Misuse
from ledger.events import KINDS
from ledger.policy.book import shipped_bytes
from ledger.policy.loader import load_edition
from ledger.policy.model import Edition
from replay.controls.catalogue import CONTROLS as CATALOGUE

ROOT = Path(__file__).resolve().parent.parent
_ID = r"SS-[A-Z]+-[0-9]+"
_RANGE = re.compile(rf"({_ID}) to ({_ID})")
_CLAUSE = re.compile(_ID)
# Where a clause that a refusal cites may stand, and what deduces something from facts.
REFUSING = (
    "ledger/aggregates",
    "ledger/deciding.py",
    "ledger/handlers.py",
    "ledger/choosing",
    "ledger/policy/diff.py",
)
DEDUCING = ("ledger/policy", "ledger/projections", "ledger/register", "replay")
CHECKING = "replay/controls/"
SAYING = ("ledger", "api", "replay")
Found = dict[str, list[str]]

CONTROLS = {control.id: control.clauses for control in CATALOGUE.values()}
# What the edition itself enforces: a class ends when a retention run comes to its term, and a
# purpose is asked of the gate before each use.
ENFORCED = "retention run", "permission gate"
# Why a cell is empty, by column: an empty cell without a reason is refused by a test, and so is a
# reason for a cell that is not empty.
BLANK: dict[str, dict[str, str]] = {
    "events": {
        "SS-PERS-1 SS-PERS-2 SS-AUD-2": "done by the shop, which asks the gate first",
        "SS-LB-1 SS-RET-7": "a property of the policy's text, not of what happens",
        "SS-SOC-1 SS-GEO-1": "nothing of it may be recorded",
    },
    "derivation": {
        "SS-DATA-2": "nothing is computed from an asterisk",
        "SS-SOC-1 SS-GEO-1": "nothing of it may be recorded",
    },
    "enforcement": {
        "SS-CTL-1 SS-DATA-3 SS-DPO-1": "a declaration that is missing is a gap, not a refusal",
        "SS-COL-1 SS-COL-2 SS-COL-3 SS-COL-4": "what happened is recorded, told or untold",
        "SS-RET-1": "class by class, under SS-RET-4 to SS-RET-6",
        "SS-COM-3": "the same purpose and gate as SS-COM-2",
        "SS-PAY-2": "a full number is refused under SS-PAY-1",
        "SS-CH-1 SS-CH-2": "every way to say no is taken: nothing to refuse",
        "SS-CH-5": "an agreed phrase is applied: nothing to refuse",
        "SS-DSR-1 SS-DSR-4 SS-DSR-6 SS-DSR-8": "a request is taken: nothing to refuse",
        "SS-ACT-1 SS-RET-7": "a way to count: nothing to refuse",
        "SS-POL-1": "an edition without its day is no edition",
    },
    "controls": {
        "SS-CTL-1": "the register says so: gap `no_controller`",
        "SS-DSR-8": "a request is never asked for its reference",
        "SS-DSR-11": "a refusal without remedies cannot be recorded",
    },
}


COLUMNS = ("events", "derivation", "enforcement", "controls", "tests")


class Row(NamedTuple):
    """What is done about one clause, and why a cell is empty, by column."""

    clause: str
    says: str
    events: tuple[str, ...]
    derivation: tuple[str, ...]
    enforcement: tuple[str, ...]
    controls: tuple[str, ...]
    tests: tuple[str, ...]
    blank: Mapping[str, str]

    @property
    def unsaid(self) -> tuple[str, ...]:
        """The columns that are empty and do not say why."""
        empty = (name for name in COLUMNS if not getattr(self, name))
        return tuple(name for name in empty if name not in self.blank)

    @property
    def stale(self) -> tuple[str, ...]:
        """The columns that say why they are empty, and are not."""
        return tuple(name for name in self.blank if getattr(self, name))


class Table(NamedTuple):
    """All clauses in the order of the edition, and every id that is none: 'id in place'."""

    rows: tuple[Row, ...]
    unknown: tuple[str, ...]


def table(root: Path = ROOT) -> Table:
    """Read the table from the source tree. Raises Misuse where there is none."""
    if not (root / "tests").is_dir():
        raise Misuse("the tests are not installed with the package: run this in a source tree")
    edition = load_edition(shipped_bytes(), "the shipped edition", KINDS)
    events, derivation = _events(edition), _derivation(edition, root)
    enforcement, tests = refusals(root), marked(root)
    controls = _turned(CONTROLS)
    _enforce(edition, enforcement)
    blank = {name: _turned(_swapped(why)) for name, why in BLANK.items()}
    rows = tuple(
        Row(
            clause.id,
            clause.en,
            tuple(events.get(clause.id, ())),
            tuple(derivation.get(clause.id, ())),
            tuple(enforcement.get(clause.id, ())),
            tuple(controls.get(clause.id, ())),
            tuple(tests.get(clause.id, ())),
            {name: why[0] for name, said in blank.items() if (why := said.get(clause.id))},
        )
        for clause in edition.clauses.values()
    )
    said = (events, enforcement, tests, controls, *blank.values(), _said(root))
    unknown = {
        f"{clause} in {place}"
        for found in said
        for clause, places in found.items()
        if clause not in edition.clauses
        for place in places
    }
    return Table(rows, tuple(sorted(unknown)))


def cited(text: str) -> list[str]:
    """The clause ids of a text, those inside 'SS-COL-1 to SS-COL-5' too."""
    found = _CLAUSE.findall(text)
    for first, last in _RANGE.findall(text):
        stem, low = first.rsplit("-", 1)
        found += [f"{stem}-{n}" for n in range(int(low), int(last.rsplit("-", 1)[1]) + 1)]
    return list(dict.fromkeys(found))


def refusals(root: Path) -> Found:
    """Clause -> 'file: function' of every `Refusal(...)` that cites it, as a literal or through a
    name or a helper of the same function."""
    found: Found = defaultdict(list)
    for path, tree in _modules(root, REFUSING):
        for name, node in _functions(tree):
            if _refuses(node):
                for clause in _literals(node):
                    _add(found, clause, f"{path}: {name}")
    return found


def marked(root: Path) -> Found:
    """Clause -> 'file::test' of every test marked `clause(...)`; its class or module may be."""
    found: Found = defaultdict(list)
    for path, tree in _modules(root, ("tests",)):
        for name, node in _functions(tree):
            if name.startswith("test_"):
                for clause in _marks(node):
                    _add(found, clause, f"{path}::{name}")
    return found


def _events(edition: Edition) -> Found:
    """By what the docstring of a kind, or of what it shares, says; or by the class it lives in."""
    found: Found = defaultdict(list)
    for kind, cls in KINDS.items():
        said = {c for base in cls.__mro__ for c in cited(base.__dict__.get("__doc__") or "")}
        homes = (c.clause for c in edition.classes.values() if kind in (*c.home, *c.parts_of))
        for clause in sorted({*said, *homes}):
            _add(found, clause, kind)
    return found


def _derivation(edition: Edition, root: Path) -> Found:
    found: Found = defaultdict(list)
    for data_class in edition.classes.values():
        _add(found, data_class.clause, data_class.rule)
    for purpose in edition.purposes.values():
        _add(found, purpose.clause, f"purpose {purpose.id}")
    for path, tree in _modules(root, DEDUCING):
        if path.startswith(CHECKING):  # a control proves; what it proves is deduced elsewhere
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for clause in cited(node.value):
                    _add(found, clause, path)
    return found


def _enforce(edition: Edition, found: Found) -> None:
    """What is enforced without naming a clause: by the terms and purposes of the edition."""
    run, gate = ENFORCED
    for data_class in edition.classes.values():
        _add(found, data_class.clause, run)
    for purpose in edition.purposes.values():
        _add(found, purpose.clause, gate)


def _swapped(said: Mapping[str, str]) -> dict[str, str]:
    return {why: clauses for clauses, why in said.items()}


def _said(root: Path) -> Found:
    """Every id that stands anywhere in the packages, comments included."""
    found: Found = defaultdict(list)
    for package in SAYING:
        for path in sorted((root / package).rglob("*.py")):
            for clause in cited(path.read_text(encoding="utf-8")):
                _add(found, clause, path.relative_to(root).as_posix())
    return found


def _modules(root: Path, places: tuple[str, ...]) -> Iterator[tuple[str, ast.Module]]:
    for place in places:
        top = root / place
        for path in [top] if top.is_file() else sorted(top.rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """The functions of a module and of its classes, with its other statements as 'module'."""
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                yield getattr(inner, "name", node.name), inner
        else:
            yield getattr(node, "name", "module"), node


def _refuses(node: ast.stmt) -> bool:
    """Whether a refusal is made here, or this is the part of one: a clause that is handed back."""
    made = {c.func.id for c in _calls(node) if isinstance(c.func, ast.Name)}
    if made & {"Refusal", "Undeclared"}:
        return True
    returned = (n.value for n in ast.walk(node) if isinstance(n, ast.Return))
    return any(isinstance(r, ast.Constant) and str(r.value).startswith("SS-") for r in returned)


def _calls(node: ast.stmt) -> Iterator[ast.Call]:
    return (n for n in ast.walk(node) if isinstance(n, ast.Call))


def _literals(node: ast.stmt) -> list[str]:
    """The string literals that are a clause id and nothing else."""
    values = (n.value for n in ast.walk(node) if isinstance(n, ast.Constant))
    return [v for v in values if isinstance(v, str) and _CLAUSE.fullmatch(v)]


def _marks(node: ast.stmt) -> list[str]:
    found: list[str] = []
    for decorator in getattr(node, "decorator_list", ()):
        if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("mark.clause"):
            found += [str(a.value) for a in decorator.args if isinstance(a, ast.Constant)]
    return found


def _turned(table_: Mapping[str, str]) -> Found:
    """{'C01': 'SS-COM-2 …'} as clause -> ['C01', …]."""
    found: Found = defaultdict(list)
    for name, clauses in table_.items():
        for clause in clauses.split():
            _add(found, clause, name)
    return found


def _add(found: Found, clause: str, place: str) -> None:
    if place not in found[clause]:
        found[clause].append(place)


def markdown(made: Table) -> str:
    """The table as `docs/coverage.md` holds it."""
    lines = [
        "# Coverage: what the code does about each clause",
        "",
        "Generated from the code by `probant coverage --markdown`; a test fails when this page is"
        " stale.",
        "`--json` names every refusal and every test. A cell that is empty says why.",
        "",
        f"{len(made.rows)} clauses.",
        "",
        "| clause | events | derivation | enforcement | control | tests |",
        "|---|---|---|---|---|---|",
    ]
    lines += [f"| {' | '.join(_cells(row))} |" for row in made.rows]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> Iterator[str]:
    cells = {
        "events": _list(kind.removesuffix(".v1") for kind in row.events),
        "derivation": _list(row.derivation),
        "enforcement": _list(dict.fromkeys(place.split(":")[0] for place in row.enforcement)),
        "controls": ", ".join(row.controls),
        "tests": _list(dict.fromkeys(test.split("::")[0] for test in row.tests)),
    }
    yield f"**{row.clause}** {row.says}"
    for name, cell in cells.items():
        yield cell or f"*{row.blank.get(name, 'missing')}*"


def _list(items: Iterator[str] | tuple[str, ...] | dict[str, None]) -> str:
    return "<br>".join(f"`{item}`" for item in items)
