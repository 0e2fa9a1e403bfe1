"""Every sentence with which this house refuses or fails, collected from its source by `ast`.

A sentence is what a failure of ours is built with (`Refusal`, `BadData`, `Problem` and all that is
derived from them), by whatever road it came: a constant, a variable, an `if`, a parameter of a
function that makes the failure for others. The values of an f-string are written `{}`. What cannot
be followed is handed over too, so that a test may say by name what it lets pass.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("ledger", "api", "replay")
# Where a failure takes its sentence: the place among its arguments, and the name.
FAMILIES = {"ProbantError": (0, "detail"), "Refusal": (1, "detail"), "Problem": (1, "detail")}
FAMILIES |= {"Wrong": (0, "message"), "said": (0, "sentence")}
PIECES = {"Topic": (1, "form")}  # what stands in a sentence
ELSEWHERE = {"said": "api/cli.py", "Wrong": "api/opendsr.py"}  # of these files only
# A codec says what a field must be; its sentence ends one that names the field.
CODECS = ("ledger/fields.py", "ledger/calendar.py")
# Speaks both languages by itself (`WORDS`), and is used alone.
ALONE = ("replay/verify.py",)
Function = ast.FunctionDef | ast.AsyncFunctionDef
DEEPEST = 6  # a constant of a constant of a constant…
_SENTENCE, _PIECE = r"[a-z]|\}.*\{", r"[a-z] \S|, "
_NAMED = re.compile(r"\{[a-z_]*\}")


class Sentence(NamedTuple):
    """One sentence, with where it is said first."""

    text: str
    where: str


class Place(NamedTuple):
    """Where among the arguments of a call a sentence is, or only a piece of one."""

    at: int
    name: str
    is_piece: bool = False


class Found(NamedTuple):
    """What was collected: the sentences, and the expressions that could not be followed."""

    sentences: tuple[Sentence, ...]
    unknown: tuple[str, ...]


class Source:
    """One file: its tree, its imports, its constants, and in which function each node is."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.tree = ast.parse(path.read_text("utf-8"))
        self.imports: dict[str, tuple[str, str]] = {}  # name here -> module, name there
        self.inside: dict[ast.AST, ast.AST] = {}
        for node in ast.walk(self.tree):
            for child in ast.iter_child_nodes(node):
                self.inside[child] = node
            if isinstance(node, ast.ImportFrom) and node.module:
                for one in node.names:
                    self.imports[one.asname or one.name] = (node.module, one.name)

    def functions_around(self, node: ast.AST) -> Iterator[Function]:
        """The functions that a node is in, the innermost first."""
        at = self.inside.get(node)
        while at is not None:
            if isinstance(at, Function):
                yield at
            at = self.inside.get(at)


@cache
def source(module: str) -> Source | None:
    """The file of a module of ours; None for one of others."""
    path = ROOT.joinpath(*module.split("."))
    for one in (path.with_suffix(".py"), path / "__init__.py"):
        if module.split(".", 1)[0] in PACKAGES and one.exists():
            return _source(one)
    return None


@cache
def _source(path: Path) -> Source:
    return Source(path)


def sources() -> Iterator[Source]:
    """Every file that may refuse something."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.relative_to(ROOT).as_posix() not in ALONE:
                yield _source(path)


@cache
def collected() -> Found:
    """Every sentence of the house, each once, in the order of its files."""
    return Collector().collect()


class Collector:
    """Follows sentences to where they are written."""

    def __init__(self) -> None:
        self.sinks = {name: Place(*place) for name, place in FAMILIES.items()}
        self.sinks |= {name: Place(*place, is_piece=True) for name, place in PIECES.items()}
        for _ in range(4):  # who is derived from whom is written in no order
            for one in sources():
                for node in ast.walk(one.tree):
                    if isinstance(node, ast.ClassDef):
                        self._derived(node)
        self.wrappers: dict[tuple[str, str], list[Place]] = {}  # by file and function
        self.sentences: dict[str, str] = {}
        self.unknown: dict[str, None] = {}

    def _derived(self, node: ast.ClassDef) -> None:
        for base in node.bases:
            if isinstance(base, ast.Name) and base.id in self.sinks and node.name != "Refused":
                self.sinks.setdefault(node.name, Place(0, "detail"))

    def collect(self) -> Found:
        """All of it; again until no further function is found that makes failures for others."""
        before = -1
        while before != (now := sum(map(len, self.wrappers.values()))):
            before = now
            self.sentences, self.unknown = {}, {}
            for one in sources():
                self._read(one)
        sentences = (Sentence(*pair) for pair in self.sentences.items())
        return Found(tuple(sentences), tuple(self.unknown))

    def _read(self, here: Source) -> None:
        for node in ast.walk(here.tree):
            if isinstance(node, ast.Call):
                for place in self._places(here, node):
                    said = _argument(node, place)
                    if said is not None and not _is_passed_on(said):
                        self._keep(here, said, node, place)

    def _keep(self, here: Source, said: ast.expr, node: ast.AST, place: Place) -> None:
        for text in self.texts(here, said, node, place):
            if text is None and not place.is_piece:
                self.unknown[f"{here.name}: {ast.unparse(said)}"] = None
            elif text and re.search(_PIECE if place.is_piece else _SENTENCE, text):
                self.sentences.setdefault(text, here.name)
        if place.is_piece:
            return
        for one in ast.walk(said):  # what stands in a placeholder and is more than a word
            if isinstance(one, ast.FormattedValue) and isinstance(one.value, ast.Name | ast.IfExp):
                self._keep(here, one.value, node, place._replace(is_piece=True))

    def _places(self, here: Source, node: ast.Call) -> list[Place]:
        """Which arguments of a call are sentences, or pieces of one."""
        name = _called(node) or ""
        if name in self.sinks:
            return [self.sinks[name]] if _is_ours(here, name) else []
        if name == "ValueError" and here.name in CODECS:
            return [Place(0, "")]
        far: Source | None = None
        if isinstance(node.func, ast.Name):
            module, name = here.imports.get(name, ("", name))
            far = source(module) if module else here
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            owner = node.func.value.id
            if owner in ("self", "visit") or _is_given(here, node, owner):
                every = self.wrappers.items()
                return [one for (_, key), found in every if key == f".{name}" for one in found]
            module, there = here.imports.get(owner, ("", ""))
            far = source(f"{module}.{there}") if module else None
        return self.wrappers.get((far.name, name), []) if far is not None else []

    # --- following ------------------------------------------------------------------------------

    def texts(
        self, here: Source, said: ast.expr, at: ast.AST, place: Place, depth: int = 0
    ) -> list[str | None]:
        """What an expression may say; None stands for what cannot be followed."""
        inner: list[ast.expr] = []
        found: list[str | None] = []
        match said:
            case _ if depth > DEEPEST:
                found = [None]
            case ast.Constant(value=str(text)):
                found = [text]
            case ast.Constant(value=None):
                pass
            case ast.JoinedStr(values=values):
                found = [_joined(values)]
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                both = [self.texts(here, one, at, place, depth + 1) for one in (left, right)]
                found = [None if a is None or b is None else a + b for a, b in product(*both)]
            case ast.IfExp(body=body, orelse=orelse):
                inner = [body, orelse]
            case ast.BoolOp(values=inner) | ast.Dict(values=inner):
                pass
            case ast.Subscript(value=ast.Name() as told):
                inner = [told]
            case ast.Name(id=name):
                found = self._named(here, name, at, place, depth)
            case ast.Attribute(value=ast.Name(id=where), attr=name) if where in here.imports:
                far = source(".".join(here.imports[where]))
                found = self._constant(far, name, place, depth) if far is not None else [None]
            case ast.Call(func=ast.Attribute(value=told, attr="format")):
                every = self.texts(here, told, at, place, depth + 1)
                found = [one and _NAMED.sub("{}", one) for one in every]
            case _:
                found = [None]
        return found + [t for one in inner for t in self.texts(here, one, at, place, depth + 1)]

    def _named(
        self, here: Source, name: str, at: ast.AST, place: Place, depth: int
    ) -> list[str | None]:
        for function in here.functions_around(at):
            given = _assigned(function, name)
            if given:
                return [t for one in given for t in self.texts(here, one, at, place, depth + 1)]
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
            alone = [one.arg for one in function.args.kwonlyargs]
            if name in names or name in alone:
                self._wraps(here, function, name, names, place)
                return []
        return self._constant(here, name, place, depth)

    def _wraps(
        self, here: Source, function: Function, name: str, names: list[str], place: Place
    ) -> None:
        """`function` makes failures for others of what it is given as `name`."""
        owner = here.inside.get(function)
        at = names.index(name) if name in names else len(names) + 9
        if not isinstance(owner, ast.ClassDef):
            key, made = function.name, Place(at, name, place.is_piece)
        else:
            static = any(ast.unparse(one) == "staticmethod" for one in function.decorator_list)
            made = Place(at - (not static), name, place.is_piece)
            if function.name == "__init__" or made.at < 0:
                return
            key = f".{function.name}"
        found = self.wrappers.setdefault((here.name, key), [])
        if made not in found:
            found.append(made)

    def _constant(self, here: Source, name: str, place: Place, depth: int) -> list[str | None]:
        for node in here.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=named)], value=value) if named == name:
                    return self.texts(here, value, node, place, depth + 1)
                case ast.AnnAssign(target=ast.Name(id=named), value=ast.expr() as value):
                    if named == name:
                        return self.texts(here, value, node, place, depth + 1)
        module, there = here.imports.get(name, ("", ""))
        far = source(module) if module and depth < DEEPEST else None
        return [None] if far is None else self._constant(far, there, place, depth + 1)


def _is_ours(here: Source, name: str) -> bool:
    """Whether this name is one of our failures here: other rooms use these words otherwise."""
    if name in ELSEWHERE:
        file, module = ELSEWHERE[name], here.imports.get(name, ("", ""))[0]
        return file in (here.name, module.replace(".", "/") + ".py")
    return here.imports.get(name, ("", ""))[0].replace(".", "/") + ".py" not in ALONE


def _is_given(here: Source, node: ast.AST, name: str) -> bool:
    """Whether this is a parameter, of a class of the same file."""
    classes = {one.name for one in here.tree.body if isinstance(one, ast.ClassDef)}
    return any(
        one.arg == name and one.annotation is not None and ast.unparse(one.annotation) in classes
        for function in here.functions_around(node)
        for one in function.args.args
    )


def _called(node: ast.Call) -> str | None:
    match node.func:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return None


def _argument(node: ast.Call, place: Place) -> ast.expr | None:
    at, name, _ = place
    if any(isinstance(one, ast.Starred) for one in node.args[: at + 1]):
        return None
    if len(node.args) > at:
        return node.args[at]
    return next((k.value for k in node.keywords if k.arg == name), None)


def _is_passed_on(said: ast.expr) -> bool:
    """Whether it is the sentence of another failure, collected where that one was made."""
    match said:
        case ast.Call(func=ast.Name(id="str"), args=[ast.Name()]):
            return True
        case ast.Attribute(attr="detail") | ast.Call(func=ast.Attribute(attr="speak")):
            return True
    return False


def _joined(values: list[ast.expr]) -> str:
    return "".join(str(v.value) if isinstance(v, ast.Constant) else "{}" for v in values)


def _assigned(function: ast.AST, name: str) -> list[ast.expr]:
    """What a variable of a function is given, wherever in it."""
    found: list[ast.expr] = []
    for node in ast.walk(function):
        match node:
            case ast.Assign(targets=[ast.Name(id=named)], value=value) if named == name:
                found.append(value)
            case ast.AnnAssign(target=ast.Name(id=named), value=ast.expr() as value):
                if named == name:
                    found.append(value)
            case ast.NamedExpr(target=ast.Name(id=named), value=value) if named == name:
                found.append(value)
            case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
                for one, value in zip(names, values, strict=False):
                    if isinstance(one, ast.Name) and one.id == name:
                        found.append(value)
    return found
