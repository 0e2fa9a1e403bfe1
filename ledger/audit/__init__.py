"""How far a file is from the published policy, before anything of it is kept.

`audit` reads a company's export with the map that an import would use and answers with counts:
people past the published term by class and by age of their last activity, people who could be
written to without a proof, lines without a usable date, columns that nobody declared, card numbers.
Nothing is recorded and no ledger is needed. On disk there is only what the counting spills: keyed
64-bit hashes of people and days, in a closed temporary folder that goes with the run.

`blocks.py` reads lines, `plan.py` says in SQL what the importer says in Python, `counting.py` runs
it block by block, `answers.py` asks the questions at the end; `columns.py` and `cards.py` look at
what the map leaves out, `sanctions.py` names the nearest decision on record, `picture.py` draws.
What this room never does: write to a ledger, or let a value of the file into an answer. Read next:
`report.py`.
"""

from __future__ import annotations

from ledger.audit.past import PastTerm
from ledger.audit.picture import picture
from ledger.audit.report import Report
from ledger.audit.run import Audited, audit, audited

__all__ = ["Audited", "PastTerm", "Report", "audit", "audited", "picture"]
