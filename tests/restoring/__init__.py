"""Backup, restore, drills."""
