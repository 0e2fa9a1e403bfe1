"""By whose keys a folder of segments is judged, what its checks found, and proofs from its leaves.

Pinned keys are the reader's own: those of her anchors file, or of the log that this very machine
seals. Without either, the keys that came with the folder show that it agrees with itself, and no
more. Read next: `replay/segments/verify.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from api.inspecting import proofs_written
from ledger.errors import BadData, Misuse
from ledger.seal.checkpoint import parse_checkpoint
from ledger.seal.tiles import TILE_WIDTH, Edge, Tile
from ledger.sealing import keys
from replay import verify as verifier
from replay.controls.model import Named, Stored, Wrong
from replay.segments.reading import Segments, leaves
from replay.segments.verify import verify_segments
from replay.verify import FRENCH_NAMES, NAMES, Key, Trust

LOWEST = "tile/0/"


def own(log: Path) -> Trust | None:
    """The keys of the log in this folder, all that it ever had; None where there is no log."""
    found = keys.every_key(log)
    if not found:
        return None
    return Trust(found[-1].name, tuple(Key.parse(one.vkey, 1) for one in found))


def pinned(anchors: Path | None, log: Path | None, origin: str) -> Trust | None:
    """What the reader pinned: her anchors file if she names one, else the keys of our own log if
    it is the one that is judged. Raises Misuse for a file that is none."""
    if anchors is not None:
        try:
            return Trust.load(anchors)
        except verifier.Misuse as misuse:
            raise Misuse(verifier.WORDS[str(misuse)][0]) from None
    found = own(log) if log is not None else None
    return found if found is not None and found.origin == origin else None


def proofs_from(segments: Segments, positions: Collection[int], folder: Path) -> int:
    """Write the inclusion proofs of these positions, made from the leaves of a folder of segments
    and its checkpoint; how many. Raises Misuse where there is no checkpoint, BadData where the
    leaves are not those that it sealed."""
    note = segments.manifest.checkpoint.encode()
    if not note:
        raise Misuse("these segments have no checkpoint: nothing in them can be proven")
    wanted = {Tile(0, (position - 1) // TILE_WIDTH).path for position in positions}
    edge, kept = Edge.empty(), dict[str, bytes]()
    for some in leaves(segments):
        edge, full = edge.extend(some)
        kept |= {path: raw for path, raw in full if path in wanted or not path.startswith(LOWEST)}
    kept |= dict(edge.partial_tiles())
    if edge.frontier.root() != parse_checkpoint(note.decode().partition("\n\n")[0] + "\n").root:
        raise BadData("the leaves do not give the root that was sealed: `probant segments verify`")
    return proofs_written(positions, note, kept.get, folder)


def stored_in(folder: Path, trust: Trust) -> Stored:
    """What every check of the folder found, each sentence in both languages."""
    report = verify_segments(folder, trust)
    kept, said = report.found.kept, dict[str, list[str]]()
    for report.lang in ("fr", "en"):
        said[report.lang] = [report.word(key, values) for _, key, values in kept]
    findings = tuple(
        Wrong(
            NAMES[check - 1],
            values.get("position"),
            Named(NAMES[check - 1], FRENCH_NAMES[check - 1], NAMES[check - 1]),
            Named(key, *sentences),
            {name: value for name, value in values.items() if isinstance(value, str | int)},
        )
        for (check, key, values), *sentences in zip(kept, said["fr"], said["en"], strict=True)
    )
    counts = {NAMES[check - 1]: n for check, n in report.found.counts.items() if n}
    return Stored(findings, counts, report.about["entries"], keys=False)
