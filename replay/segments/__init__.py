"""Segments: the sealed log as a folder of Parquet files that any tool can read (docs/segments.md).

`layout.py` is the shape of the files and of the manifest, `reading.py` opens a folder for an
engine, `verify.py` judges one against its signed checkpoint. They are written by
`ledger/segmenting/`, or made up by a generator.

What this room never does: open a database, write into a folder, or open a sealed part (segments
hold none). Read next: `replay/segments/layout.py`.
"""
