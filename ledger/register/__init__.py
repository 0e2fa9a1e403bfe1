"""The register of processing activities (GDPR art. 30), as it stood at any two times.

It is never written by hand, so it cannot drift: each activity comes from the edition in force and
from what was declared beside it; next to it stands what events show (facts under that purpose,
people, disclosures, people past their term), and each difference is a *gap* with its article.
`model.py` and `gaps.py` are rules without I/O; `reading.py` asks the ledger; `formats.py` writes
CSV, Markdown and ODS. This room never records anything and never names a person: only codes and
counts. Read next: `model.py`.
"""
