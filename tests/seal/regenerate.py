"""Write the golden files of the seal again: `python -m tests.seal.regenerate`.

Needed when a golden file is added. One that *changes* means that evidence written by an earlier
release no longer reads as what the code writes: that is a new format, not a new golden file.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

from ledger.seal import merkle, proof
from ledger.seal.checkpoint import Checkpoint, format_checkpoint
from ledger.seal.note import add_lines
from ledger.seal.tiles import Edge, entry_bundles
from ledger.seal.witnesses import format_policy
from tests.seal.trees import AUDITOR, DPO, LOG, ORIGIN, TIME, entry_of, read, signed_head

FOLDER = Path(__file__).resolve().parent / "golden"
SIZE, OLD, INDEX = 700, 300, 513


def main() -> None:
    """One file for each format, its exact bytes."""
    FOLDER.mkdir(exist_ok=True)
    for name, content in files().items():
        (FOLDER / name).write_bytes(content)


def files() -> dict[str, bytes]:
    """Name -> bytes, from fixed keys, entries and times."""
    edge, full = Edge.empty().extend(merkle.leaf_hash(entry_of(at)) for at in range(SIZE))
    root = edge.frontier.root()
    text = format_checkpoint(Checkpoint(ORIGIN, SIZE, root))
    note = signed_head(SIZE, root)
    lines = [DPO.cosign(text, TIME), AUDITOR.cosign(text, TIME + 1)]
    inclusion = tuple(merkle.prove_inclusion(INDEX, SIZE, read))
    consistency = tuple(merkle.prove_consistency(OLD, SIZE, read))
    tiles = [*full, *edge.partial_tiles(), *entry_bundles(0, map(entry_of, range(SIZE)))]
    sums = [f"{sha256(tile.content).hexdigest()}  {tile.path}\n" for tile in sorted(tiles)]
    return {
        "log.vkey": LOG.vkey.encode() + b"\n",
        "witnesses.vkey": f"{DPO.vkey}\n{AUDITOR.vkey}\n".encode(),
        "receipt.vkey": LOG.named(f"{ORIGIN}/receipt").vkey.encode() + b"\n",
        "checkpoint": note,
        "checkpoint.cosigned": add_lines(note, *lines),
        "policy.txt": format_policy([LOG.vkey], [DPO.vkey, AUDITOR.vkey], 2),
        "frontier.hex": edge.frontier.to_bytes().hex().encode() + b"\n",
        "513.tlog-proof": proof.format_inclusion(proof.InclusionProof(INDEX, inclusion, note)),
        "300-700.txt": proof.format_consistency(proof.ConsistencyProof(OLD, consistency, note)),
        "tiles.sha256": "".join(sums).encode(),
        "tile-1-000.p-2": b"".join(read([(8, 0), (8, 1)])),
    }


if __name__ == "__main__":
    main()
