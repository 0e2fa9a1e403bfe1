"""Was she told when her data was collected? The notice of each moment of collection (GDPR art. 13).

The policy names five moments: an account is opened (SS-COL-1), an order is placed (SS-COL-2), the
site is visited (SS-COL-3), she writes or calls (SS-COL-4), she posts a comment (SS-COL-5). A notice
says at which of them it is shown; one that names none is shown at all of them.

Pure: whoever calls hands over the notices that stand. Nothing is refused here: a fact that happened
is recorded whether she was told or not, and control C12 says that she was not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ledger.calendar import Instant
from ledger.events import (
    MOMENTS,
    AccountOpened,
    AudienceMeasured,
    Commented,
    ContactedUs,
    Fact,
    NoticePublished,
    OrderPlaced,
)


class Moment(NamedTuple):
    """A moment of collection and the clause that names it."""

    name: str
    clause: str


_BY_KIND: dict[type[Fact], Moment] = {
    AccountOpened: Moment("account", "SS-COL-1"),
    OrderPlaced: Moment("order", "SS-COL-2"),
    AudienceMeasured: Moment("visit", "SS-COL-3"),
    ContactedUs: Moment("contact", "SS-COL-4"),
    Commented: Moment("comment", "SS-COL-5"),
}
COLLECTED: Mapping[str, Moment] = MappingProxyType(
    {cls.kind: moment for cls, moment in _BY_KIND.items()}
)
"""Kind of fact -> the moment at which its data was collected."""


def shown_since(notices: Iterable[NoticePublished]) -> dict[str, Instant]:
    """Moment -> since when (UTC) a notice is shown at it; a moment without one is left out."""
    found: dict[str, Instant] = {}
    for notice in notices:
        for name in notice.moments or MOMENTS:
            at = notice.occurred.at
            found[name] = min(at, found.get(name, at))
    return found
