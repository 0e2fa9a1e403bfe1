"""A company with one customer; and, for whoever asks, every run repeated over files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.controls.room import Company, furnished


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Every run is asked of files too."""
    monkeypatch.setattr(Company, "files", tmp_path)


@pytest.fixture
def shop() -> Company:
    """A company that has published its policy and one form, and one person who is known."""
    return furnished()
