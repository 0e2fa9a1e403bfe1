"""The two outward faces: the command line and the HTTP interface.

They turn what people and programs say into wishes and questions, and answers into words, tables and
JSON. They never decide anything, never speak SQL, never repeat a reference or any other personal
value: not in an answer, a log line or an error. Read next: `cli.py`, then `app.py`; both give the
answers of `answers.py`.
"""
