"""Evidence files: made when they are asked for, handed over as a zip, kept nowhere.

That it was handed over is recorded before a byte of it is written. The zip is a file without a name
while it is sent: however the sending ends, nothing of it stays. Read next:
`ledger/evidence/export.py`.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO
from uuid import UUID

from starlette.responses import Response, StreamingResponse

from api import sealed
from api.console.visiting import Visit
from api.problems import Problem
from api.sealed import Seal
from ledger.evidence.disclosing import record_disclosure
from ledger.evidence.export import Wanted, export

RECIPIENTS = {"cnil": "authority", "auditor": "authority"}  # who may receive it: code, type
BLOCK = 1 << 18  # bytes sent at a time


def person_bundle(visit: Visit, subject: UUID) -> Response:
    """One person's events, each with its proof; no personal part is opened. Raises Problem when
    nothing is sealed yet."""
    wanted = Wanted("subject", subject=subject)
    return handed_over(visit, wanted, f"evidence-{str(subject)[:8]}.zip")


def handed_over(visit: Visit, wanted: Wanted, name: str) -> Response:
    """A bundle for whom the form names, as a file of this name. Raises Problem when nothing is
    sealed yet, or the form names nobody who receives evidence."""
    state = visit.request.app.state
    seal: Seal | None = state.seal
    if seal is None or sealed.size_of(seal) == 0:
        raise Problem("not-sealed-yet", "nothing is sealed yet, so nothing can be proven")
    recipient = visit.field("recipient")
    if recipient not in RECIPIENTS:
        raise Problem("malformed", "field 'recipient' names nobody who receives evidence")
    ledger, desk = visit.ledger, state.desk
    size = ledger.recorder.head().position
    record_disclosure(ledger, recipient, RECIPIENTS[recipient], wanted.subject, size)
    with tempfile.TemporaryDirectory(prefix="probant-") as made:
        folder = Path(made) / "bundle"
        certificates = None if desk is None else desk.folder
        export(ledger, seal.folder, folder, wanted, certificates=certificates)
        content = _zipped(folder)
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Length": str(content.seek(0, 2)),
    }
    return StreamingResponse(_blocks(content), media_type="application/zip", headers=headers)


def _zipped(folder: Path) -> IO[bytes]:
    made = tempfile.TemporaryFile(prefix="probant-")  # noqa: SIM115 - closed by whoever sends it
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return made


def _blocks(content: IO[bytes]) -> Iterator[bytes]:
    with content:
        content.seek(0)
        while block := content.read(BLOCK):
            yield block
