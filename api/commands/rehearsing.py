"""`probant drill restore`: the loss of a disk, rehearsed on a made-up ledger.

It works in a scratch place, of the same kind of database as ours, and clears it away; it needs no
ledger and touches none. Exit code 0 only if everything held.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from api.options import Run

FAILED = 1
RESTORE = (
    *("drill.backup", "drill.events", "drill.lost", "drill.half", "drill.restore", "drill.same"),
    *("drill.erased", "drill.pruned", "drill.live", "drill.named", "drill.whole"),
    *("drill.extension", "drill.stranger"),
)
"""What each step says, in their order."""


def restore(run: Run) -> int:
    """Back up, go on, erase, lose the database, restore: and look at every promise."""
    from ledger.restoring.drill import drill

    screen = run.screen
    with (
        screen.progress(screen.word("drill.title")),
        tempfile.TemporaryDirectory(prefix="probant-") as folder,
    ):
        steps = drill(run.settings.url, Path(folder), _judge)
    holds = all(step.holds for step in steps)
    content = {
        "holds": holds,
        "database": run.settings.database,
        "steps": [step._asdict() for step in steps],
    }
    marks = {True: screen.word("drill.yes"), False: screen.word("drill.no")}
    lines = [
        f"{marks[step.holds]}  {screen.word(word)}"
        for step, word in zip(steps, RESTORE, strict=True)
    ]
    lines.append(screen.word("drill.held" if holds else "drill.broken"))
    screen.answer(content, lambda: lines)
    return 0 if holds else FAILED


def _judge(bundle: Path, origin: str, vkey: str) -> bool:
    """Whether the verifier that knows nothing but the key accepts a bundle."""
    from replay import verify as verifier

    anchors = bundle.with_name("anchors.toml")
    anchors.write_text(f'origin = "{origin}"\nlog = ["{vkey}"]\n', "utf-8")
    return verifier.verify(bundle, verifier.Trust.load(anchors), "en").ok
