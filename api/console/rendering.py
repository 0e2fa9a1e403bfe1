"""From a template and values to HTML: everything is escaped, and a name that is missing fails.

Read next: `templates/base.html`, which every page extends.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from importlib import resources
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template, nodes, select_autoescape
from jinja2.compiler import CodeGenerator
from jinja2.runtime import Macro
from markupsafe import Markup, escape

from api.console import assets
from api.console.texts import as_it_is, escaped, speech
from api.settings import Language

GRANTED = (
    *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"),
    *("connect-src 'self'", "form-action 'self'", "base-uri 'none'"),
    *("require-trusted-types-for 'script'", "trusted-types 'none'"),
)


_NAMED = re.compile(r"\{\{ t\('([a-z0-9_.]+)'\) \}\}")


def _read(lang: Language, name: str) -> tuple[str, str, None]:
    """A template in one language: each sentence that it names outright stands in its place."""
    folder = resources.files("api.console").joinpath("templates")
    say, text = speech(lang), folder.joinpath(*name.split("/")).read_text("utf-8")
    return _NAMED.sub(lambda found: escape(say(found[1])), text), name, None


class _Outright(CodeGenerator):
    """What speaks (`t`), what classes are called and the pieces that pages share are called as they
    stand, without being asked first what they are."""

    def visit_Call(self, node: nodes.Call, frame: Any, forward_caller: bool = False) -> None:
        """Python for a call."""
        named, method = node.node, ""
        if isinstance(named, nodes.Getattr):
            method, named = f".{named.attr}", named.node
        is_ours = isinstance(named, nodes.Name) and named.name in ("t", "labels", *PIECES)
        if not is_ours or forward_caller:
            super().visit_Call(node, frame, forward_caller=forward_caller)
            return
        self.visit(named, frame)
        self.write(f"{method}(")
        for argument in (*node.args, *node.kwargs):
            if isinstance(argument, nodes.Concat):  # the name of a sentence
                self._joined(argument, frame)
            else:
                self.visit(argument, frame)
            self.write(", ")
        self.write(")")

    def _joined(self, node: nodes.Concat, frame: Any) -> None:
        self.write(f"('{'%s' * len(node.nodes)}' % (")
        for piece in node.nodes:
            self.visit(piece, frame)
            self.write(", ")
        self.write("))")


class _Templates(Environment):
    """Ours: a field of an answer is mostly no method of its."""

    code_generator_class = _Outright

    def getattr(self, found: Any, name: str) -> Any:
        """As any environment finds it, without missing it first."""
        if type(found) is dict and name in found and name not in _METHODS:
            return found[name]
        try:
            return getattr(found, name)
        except AttributeError:
            return super().getattr(found, name)


_METHODS = frozenset(dir(dict))
PIECES = {"part": "parts.html", "my": "my/pieces.html", "desk": "audit/pieces.html"}
"""The templates whose macros every template may use, and what it calls them."""


class Pieces:
    """The macros of a template, called as they mostly are: with each argument in its place."""

    def __init__(self, of: Template) -> None:
        for name, found in vars(of.module).items():
            if isinstance(found, Macro):
                setattr(self, name, _placed(found))


def _placed(macro: Macro) -> Callable[..., str]:
    draw, n = macro._func, len(macro.arguments)
    if macro.caller or macro.catch_kwargs or macro.catch_varargs:
        return macro

    def drawn(*args: Any, **named: Any) -> str:
        if len(args) != n or named:
            return macro(*args, **named)
        return as_it_is(draw(*args))

    return drawn


class _Compiled(Template):
    """A template whose values are escaped by the shortest way."""

    @classmethod
    def from_code(cls, *args: Any, **more: Any) -> Template:
        """As any, and then what its code calls `escape`."""
        made = super().from_code(*args, **more)
        made.root_render_func.__globals__["escape"] = escaped
        return made


_Templates.template_class = _Compiled


@lru_cache(maxsize=2)
def environment(lang: Language) -> Environment:
    """The templates of this room, compiled once for each language: a sentence that nothing is
    filled into is part of them."""
    made = _Templates(
        loader=FunctionLoader(partial(_read, lang)),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.globals["asset"] = asset
    made.globals |= {name: Pieces(made.get_template(file)) for name, file in PIECES.items()}
    return made


@lru_cache(maxsize=256)
def _template(lang: Language, name: str) -> Template:
    return environment(lang).get_template(name)


def asset(name: str) -> str:
    """The address of a file of `static/`."""
    if name not in assets.files():
        raise LookupError(f"no such asset: {name}")
    return f"/console/static/{assets.edition()}/{name}"


def html(template: str, values: dict[str, Any]) -> str:
    """The whole page, in the language `lang` of the values."""
    lang = values["lang"]
    found = _template(lang, template)
    # What `render` comes to; it would lay the same few globals under the values each time.
    context = found.new_context({**environment(lang).globals, **values}, shared=True)
    return "".join(found.root_render_func(context))


def piece(template: str, values: dict[str, Any]) -> Markup:
    """A part of a page, to be put into one as it is."""
    return as_it_is(html(template, values))  # it was escaped when it was made


def slot(name: str) -> str:
    """What stands in a piece that is drawn for many, where something of a visit is put."""
    return f"\x02{name}\x02"


def slotted(drawn: str) -> tuple[str, ...]:
    """Such a piece, cut: every second part names what is put there."""
    return tuple(_SLOT.split(drawn))


def filled(parts: Sequence[str], hers: Mapping[str, str]) -> Markup:
    """The piece as one visit sees it."""
    said = list(parts)
    said[1::2] = [escaped(hers[name]) for name in said[1::2]]
    return as_it_is("".join(said))


_SLOT = re.compile("\x02([a-z]+)\x02")


@lru_cache(maxsize=8)
def headers(framed_by: tuple[str, ...] = ()) -> Mapping[str, str]:
    """What is said of every page: it loads from here only, and nobody frames it but `framed_by`."""
    ancestors = " ".join(framed_by) or "'none'"
    said = {
        "Content-Security-Policy": "; ".join([*GRANTED, f"frame-ancestors {ancestors}"]),
        # Our own forms must tell where they come from; nobody else is told anything.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
    }
    # Where the policy above names who may frame a page, the older header must not forbid it: an
    # empty one is no rule, and keeps the guard from adding its own.
    return said | {"X-Frame-Options": ""} if framed_by else said
