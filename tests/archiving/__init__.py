"""Tests of the archive: grants, consultations, and the opener."""
