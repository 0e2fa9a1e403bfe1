"""What a browser needs to check by itself that an event is in the log (`static/receipts.js`), and
that the log was only added to (`static/grown.js`)."""

from __future__ import annotations

from base64 import b64encode

from starlette.responses import JSONResponse

from api import sealed
from api.console.visiting import Visit
from ledger.sealing.files import read_if_there
from ledger.sealing.keys import LOG_KEYS


def proof_of(visit: Visit, position: int, entry: bytes) -> JSONResponse:
    """The entry as it was sealed, and its proof. Raises Problem while it waits for its seal."""
    proof = sealed.inclusion_now(visit.request.app.state.seal, position)
    return JSONResponse(
        {
            "position": position,
            "entry": b64encode(entry).decode("ascii"),
            "proof": proof.decode("utf-8"),
        }
    )


def growth_of(visit: Visit, size: int) -> JSONResponse:
    """The newest checkpoint, and what proves that it extends the log of `size` events."""
    found = sealed.growth(visit.request.app.state.seal, size)
    root, proof = found.root, found.proof
    return JSONResponse(
        {
            "newest": found.newest.decode("utf-8"),
            "root": None if root is None else b64encode(root).decode("ascii"),
            "proof": None if proof is None else proof.decode("utf-8"),
        }
    )


def key_of(visit: Visit) -> str:
    """The public key that this server states: to be compared with one from elsewhere."""
    seal = visit.request.app.state.seal
    raw = read_if_there(seal.folder / LOG_KEYS) if seal is not None else None
    return raw.decode("ascii").strip().splitlines()[-1] if raw else ""
