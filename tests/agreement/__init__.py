"""Four ways to derive the same answer, held against each other on histories nobody thought of."""
