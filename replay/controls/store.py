"""C06, C09, C13, C14, C17: what the store's own checks found, as it is now.

History cannot say whether a key lives, a leaf was changed or a backup brought somebody back: the
store is asked (`ledger/store/verify.py`, the erasure journal; files: `replay/segments/verify.py`),
and its findings are told here. They speak of the store as it is, whatever the two times; positions
beyond R are left out. What files have not is said to be not checked (`FILES`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from replay.controls.model import Finding, Stored, Unseen
from replay.controls.scene import Scene

FILES: Mapping[str, Unseen] = MappingProxyType(
    {
        "C06": Unseen("keys"),
        "C09": Unseen("parts"),
        "C14": Unseen("live_tables", wholly=True),
        "C17": Unseen("journal", wholly=True),
    }
)
"""What no folder of segments can show, whoever made it."""
NOES = ("C01", "C02", "C10", "C11", "C15")
"""The controls by the gate's rules: they look at what somebody erased had said no to."""
ERASURES = ("destroyed", "sealed")
PROJECTIONS = ("live",)
_WHERE = {
    "C06": ("SS-RET-3", "GDPR art. 17"),
    "C13": ("SS-RET-3", "GDPR art. 5(1)(f), 5(2)"),
    "C14": ("SS-RET-3", "GDPR art. 5(1)(d)"),
}


def incomplete(stored: Stored, scene: Scene) -> Iterator[Finding]:
    """C06: a key that lives although it was destroyed, an envelope still there (rule R1)."""
    yield from _found(stored, scene.known, "C06", lambda code: code in ERASURES)


def altered(stored: Stored, scene: Scene) -> Iterator[Finding]:
    """C13: an entry, a leaf, a column, a version, a document that is not what was recorded."""
    other = (*ERASURES, *PROJECTIONS)
    yield from _found(stored, scene.known, "C13", lambda code: code not in other)


def diverging(stored: Stored, scene: Scene) -> Iterator[Finding]:
    """C14: a live row that is not what history says."""
    yield from _found(stored, scene.known, "C14", lambda code: code in PROJECTIONS)


def revived(stored: Stored, scene: Scene) -> Iterator[Finding]:
    """C17: every erasure that the journal remembers holds in this database, restored or not."""
    where = "SS-RET-3", "GDPR art. 17, 32(1)(c)"
    for subject, klass, _item in stored.revived:
        yield Finding("C17", "revived", (), subject, *where, {"class": scene.klass(klass)})
    if stored.unfinished is not None:
        at = (stored.unfinished,)
        yield Finding("C17", "restore_unfinished", at, None, *where)
    if stored.carried_out > stored.journal:
        values = {"n": stored.carried_out, "known": stored.journal}
        yield Finding("C17", "journal_short", (), None, *where, values)


def cards_in_parts(stored: Stored, scene: Scene) -> Iterator[Finding]:
    """C09: what looks like card data in a sealed part, where the parts were opened to look."""
    where = "SS-PAY-1", "GDPR art. 5(1)(c)"
    for position in stored.cards_in_parts or ():
        if position <= scene.known:
            yield Finding("C09", "in_a_part", (position,), None, *where)


def _found(
    stored: Stored, known: int, control: str, of: Callable[[str], bool]
) -> Iterator[Finding]:
    told = 0
    for wrong in stored.findings:
        if of(wrong.code):
            told += 1
            if wrong.position is None or wrong.position <= known:
                at = () if wrong.position is None else (wrong.position,)
                said = {**wrong.values, "check": wrong.check, "sentence": wrong.said}
                yield Finding(control, "store", at, None, *_WHERE[control], said)
    more = sum(n for code, n in stored.counts.items() if of(code)) - told
    if more > 0:
        yield Finding(control, "store_more", (), None, *_WHERE[control], {"n": more})
