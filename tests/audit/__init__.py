"""Auditing: what a file would bring in, counted before anything is."""
