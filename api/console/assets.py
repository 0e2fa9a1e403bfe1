"""Style sheet, scripts and pictures of the pages: read once, served under a name that changes with
them, so that a browser asks once for each version."""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from importlib import resources

MEDIA = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}


@lru_cache(maxsize=1)
def files() -> dict[str, bytes]:
    """Every file of `static/`, by its name."""
    found = resources.files("api.console").joinpath("static").iterdir()
    return {one.name: one.read_bytes() for one in found if one.name.rpartition(".")[2] in MEDIA}


@lru_cache(maxsize=1)
def edition() -> str:
    """A short hash of all of them: part of their address."""
    digest = sha256()
    for name, content in sorted(files().items()):
        digest.update(name.encode() + b"\x00" + content)
    return digest.hexdigest()[:12]
