"""The evidence report for the authority (CNIL): a PDF made from the ledger as of a date.

`gathering.py` asks the very functions behind the API and the command line, so that every number is
the one they give; `sections.py` puts it in words and tables; `rendering.py` sets it with typst, as
a tagged PDF with its fonts inside (PDF/UA-1). The hash of each file is a fact (`report.issued`).
This room never counts anything itself and names nobody: a person is a random id. Read next:
`gathering.py`.
"""
