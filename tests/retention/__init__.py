"""The retention run on whole ledgers."""
