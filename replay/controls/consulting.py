"""C07: every consultation of the archive has its motive, its case and a grant that allowed it.

It is on record before anything is opened because the opener, who alone holds the archive's key,
asks for its proof (`ledger/archiving/opener.py`); here history is asked whether that was right.
"""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

from ledger.aggregates import AGGREGATES, fold
from ledger.aggregates.archive import ARTICLE, CLAUSE, refuse_consultation
from ledger.events import ArchiveConsulted, ClassArchived, Fact
from replay.controls.life import Look
from replay.controls.model import Finding

CONSULTED = frozenset({ArchiveConsulted.kind})
ARTICLE_EN = ARTICLE.replace("RGPD", "GDPR")


def consultations(look: Look) -> Iterator[Finding]:
    """C07: one finding for each thing that a consultation lacks."""
    archived: set[UUID] = set()
    asked: dict[UUID, list[tuple[int, Fact]]] = {}  # by stream: asked for once, approved once
    aggregate = AGGREGATES["archive"]
    for event, fact in look.of(ClassArchived, ArchiveConsulted):
        row = event.row
        if isinstance(fact, ClassArchived):
            archived |= set(fact.keys or ())
        if not isinstance(fact, ArchiveConsulted) or row.occurred_at > look.scene.as_of:
            continue
        granted = [one for one in look.scene.grants.get(fact.grant, ()) if one[0] < row.position]
        given = fold(aggregate, granted)
        before = asked.setdefault(row.stream, [])
        refused = aggregate.decide(fold(aggregate, before), fact)
        before.append((row.position, fact))
        problem = refused.problem if refused is not None else None
        lacks = {
            "no_grant": refuse_consultation(given, fact.reader, fact.of, row.local_day) is not None,
            "four_eyes": problem == "four-eyes",
            "not_as_asked": problem == "conflict",
            "no_case": not event.parts,
            "not_archived": not archived.issuperset(fact.keys),
        }
        for why in (why for why, is_so in lacks.items() if is_so):
            positions = (row.position, *(position for position, _ in granted))
            values = {"class": look.scene.klass(fact.of), "reader": fact.reader}
            yield Finding("C07", why, positions, look.subject, CLAUSE, ARTICLE_EN, values)
