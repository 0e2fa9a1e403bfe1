"""What signs statements of this ledger, where a signer answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from api.options import Run
from ledger.errors import Broken

if TYPE_CHECKING:
    from ledger.erasing.certificate import Sign


@contextmanager
def signer_of(run: Run) -> Iterator[Sign | None]:
    """What signs statements, if a signer answers now."""
    from ledger.sealing.client import SignerClient

    client = SignerClient(run.settings.signer)
    try:
        client.state()
        answers = True
    except Broken:
        answers = False
    try:
        yield (lambda text: client.statements([text.decode()])[0]) if answers else None
    finally:
        client.close()
