"""Importing: every line its own outcome, nothing lost, nothing twice."""
