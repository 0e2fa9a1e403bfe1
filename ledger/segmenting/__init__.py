"""Segments: the sealed log written as a folder of Parquet files (docs/segments.md).

`export.py` writes only what is new, while others record; `plan.py` says which files that takes;
`rows.py` turns a batch of the database into the rows of a segment.

What this room never does: write what is not sealed, open a sealed part, or change a file that a
manifest has named. Read next: `ledger/segmenting/export.py`.
"""
