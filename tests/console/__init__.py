"""Tests of the pages: as an ASGI client sees them, and as a real browser does."""
