"""Engines: the same questions of segments, asked of each and compared."""
