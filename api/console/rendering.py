"""From a template and values to HTML: everything is escaped, and a name that is missing fails.

Read next: `templates/base.html`, which every page extends.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from api.console import assets

GRANTED = (
    *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self'"),
    *("connect-src 'self'", "form-action 'self'", "base-uri 'none'"),
    *("require-trusted-types-for 'script'", "trusted-types 'none'"),
)


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The templates of this room, compiled once."""
    made = Environment(
        loader=PackageLoader("api.console", "templates"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.globals["asset"] = asset
    return made


def asset(name: str) -> str:
    """The address of a file of `static/`."""
    if name not in assets.files():
        raise LookupError(f"no such asset: {name}")
    return f"/console/static/{assets.edition()}/{name}"


def html(template: str, values: dict[str, Any]) -> str:
    """The whole page."""
    return environment().get_template(template).render(values)


def headers(framed_by: tuple[str, ...] = ()) -> dict[str, str]:
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
