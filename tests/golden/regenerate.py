"""Write the golden entries again: `python -m tests.golden.regenerate`.

Needed when a kind is added. A file that *changes* means that entries written by an earlier release
would no longer be what the code writes: that is a new version of the kind, not a new golden file.
"""

from __future__ import annotations

import json
from pathlib import Path

from ledger.entry import leaf_hash
from ledger.store.mapper import row_from
from tests.golden.examples import EDITION, POL, entries

FOLDER = Path(__file__).resolve().parent / "entries"
LEAVES = FOLDER / "leaves.txt"
COLUMNS = FOLDER.parent / "columns.json"


def main() -> None:
    """One file per kind, its exact bytes; and the leaf of each."""
    FOLDER.mkdir(exist_ok=True)
    made = entries()
    for kind, raw in made.items():
        (FOLDER / f"{kind}.json").write_bytes(raw)
    LEAVES.write_text(leaves_of(made), encoding="ascii")
    COLUMNS.write_text(columns_of(made), encoding="ascii")


def leaves_of(made: dict[str, bytes]) -> str:
    """One line for each kind: the hex of its leaf, two spaces, its name."""
    return "".join(f"{leaf_hash(raw).hex()}  {kind}\n" for kind, raw in made.items())


def columns_of(made: dict[str, bytes]) -> str:
    """The typed columns that each entry implies, those that are not empty."""
    found = {}
    for kind, raw in made.items():
        row = row_from(raw, 7, {POL: EDITION}.__getitem__)._asdict()
        found[kind] = {name: _plain(value) for name, value in row.items() if value is not None}
    return json.dumps(found, indent=1) + "\n"


def _plain(value: object) -> object:
    return value if isinstance(value, int) else str(value)


if __name__ == "__main__":
    main()
