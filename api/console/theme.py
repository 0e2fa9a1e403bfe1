"""The colours, corners and letters of the pages a company shows in its own: CSS variables, no more.

A theme is a file of lines `--name: value;`. Only the variables of `static/console.css` may be set,
and a value names nothing to be fetched: what else is in the file is refused when the server starts.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

from api.console import assets
from ledger.errors import Misuse

_LINE = re.compile(r"--([a-z-]{1,30})\s*:\s*([#A-Za-z0-9.,%()\"' /-]{1,200});")
_FETCHING = re.compile(r"url|image|expression|import", re.IGNORECASE)


@lru_cache(maxsize=1)
def variables() -> frozenset[str]:
    """The names that may be set."""
    css = assets.files()["console.css"].decode("utf-8")
    return frozenset(re.findall(r"^  --([a-z-]+):", css, re.MULTILINE))


def read(path: Path) -> bytes:
    """The style sheet of a theme file. Raises Misuse, naming the line."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        raise Misuse("PROBANT_THEME names no file that can be read") from None
    said = []
    for n, line in enumerate(lines, start=1):
        if not line.strip() or line.strip().startswith("/*"):
            continue
        found = _LINE.fullmatch(line.strip())
        if found is None or found[1] not in variables() or _FETCHING.search(found[2]):
            raise Misuse(
                f"PROBANT_THEME, line {n}: write --name: value; with a variable of the pages"
                f" ({', '.join(sorted(variables()))})"
            )
        said.append(f"--{found[1]}: {found[2]};")
    return f":root {{ {' '.join(said)} }}\n".encode()
