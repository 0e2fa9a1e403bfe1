"""Benchmarks, run by `make bench`: never tests, never asserted, always beside a peer or a limit."""
