"""Evidence files: made when they are asked for, handed over as a zip, kept nowhere.

That it was handed over is recorded before a byte of it is written. Read next:
`ledger/evidence/export.py`.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path
from uuid import UUID

from starlette.responses import Response

from api.console.visiting import Visit
from api.problems import Problem
from api.sealed import Seal
from ledger.evidence.disclosing import record_disclosure
from ledger.evidence.export import Wanted, export
from ledger.sealing.files import read_if_there

RECIPIENTS = {"cnil": "authority", "auditor": "authority"}  # who may receive it: code, type


def person_bundle(visit: Visit, subject: UUID) -> Response:
    """One person's events, each with its proof; no personal part is opened. Raises Problem when
    nothing is sealed yet."""
    seal: Seal | None = visit.request.app.state.seal
    if seal is None or read_if_there(seal.folder / "checkpoint") is None:
        raise Problem("not-sealed-yet", "nothing is sealed yet, so nothing can be proven")
    recipient = visit.field("recipient")
    if recipient not in RECIPIENTS:
        raise Problem("malformed", "field 'recipient' names nobody who receives evidence")
    ledger = visit.ledger
    size = ledger.recorder.head().position
    record_disclosure(ledger, recipient, RECIPIENTS[recipient], subject, size)
    with tempfile.TemporaryDirectory(prefix="probant-") as made:
        folder = Path(made) / "bundle"
        export(ledger, seal.folder, folder, Wanted("subject", subject=subject))
        content = _zipped(folder)
    name = f"evidence-{str(subject)[:8]}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/zip", headers=headers)


def _zipped(folder: Path) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder).as_posix())
    return made.getvalue()
