"""The tests: stories told as sentences, contracts run on every database, and the house rules.

`conftest.py` holds the fixtures that every room shares; `postgres.py` starts the real server.
"""
