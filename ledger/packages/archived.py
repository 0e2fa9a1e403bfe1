"""The archived parts of a package: opened by the opener, for consultations already on record.

Access covers what is archived (GDPR art. 15; CNIL SAN-2021-021), but the service cannot read it:
somebody with a grant consults each class with the motive `rights_request`, and the opener answers
once that is sealed. What this file never does: record a consultation (`ledger/archiving/`), or keep
what it was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

from ledger import entry
from ledger.application import Ledger
from ledger.archiving.asking import Ask, gather
from ledger.errors import Refusal, Refused
from ledger.store import archive as questions

MOTIVE = "rights_request"
Opened = dict[int, dict[str, str]]
"""The fields of archived parts in clear, by the position of their fact."""


def opened(
    ledger: Ledger, log: Path, people: Sequence[UUID], consultations: Sequence[int], ask: Ask
) -> Opened:
    """What these consultations of her archived data open; `people` are her ids, `log` the folder of
    the sealed log.

    Raises Refused for a consultation of somebody else's data, or for another motive than a request
    of hers; whatever the opener refuses; NotFound where there is no consultation.
    """
    for position in consultations:
        _check(ledger, people, position)
    found: Opened = {}
    for position in consultations:
        answer = ask(gather(ledger, log, position))
        found |= {part["position"]: part["fields"] for part in answer["opened"]}
    return found


def _check(ledger: Ledger, people: Sequence[UUID], position: int) -> None:
    raw = questions.entry_at(ledger.database, position)
    meta = entry.read(raw)["meta"] if raw is not None else {}
    of = {str(one) for one in people}
    if meta.get("subject") not in of or meta.get("motive") != MOTIVE:
        raise Refused(
            Refusal(
                "archived-motive-required",
                f"a package opens consultations of this person's archive for {MOTIVE} only",
                "SS-RET-2",
                "RGPD art. 15",
                "consultations",
            )
        )
