"""The parts that somebody who tries Probant may play with one click: in demo mode, on loopback.

Each is a key that lives in the memory of this run and is never in the file of the keys; the
customer is one of the made-up people, with a token of her own. Read next: `entrance.py`.
"""

from __future__ import annotations

from api import tokens
from api.answers import find
from api.demo.sandbox import Sandbox
from api.keys import Keys
from api.routes import AUDITOR, DPO
from ledger.application import Ledger
from ledger.calendar import Instant
from ledger.commands import Reference
from ledger.errors import NotFound

CUSTOMER = Reference("shop", "D-0052")


class Demo:
    """The parts, and a proof for each; and the clock that may be moved, where there is one."""

    parts = ("dpo", "auditor", "customer")

    def __init__(self, keys: Keys, clock: Sandbox | None = None) -> None:
        self.clock = clock
        self._proofs = {
            role: keys.lend(f"demo {role}", frozenset({role})) for role in (DPO, AUDITOR)
        }

    def proof(self, ledger: Ledger, part: str, now: Instant) -> str:
        """What opens the pages of this part. Raises NotFound."""
        if part == "customer":
            return tokens.issue(ledger, find(ledger, CUSTOMER), now)[0]
        if part not in self._proofs:
            raise NotFound("there is no such part to play")
        return self._proofs[part]
