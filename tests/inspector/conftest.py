"""The HTTP interface, as the other rooms call it."""

from __future__ import annotations

from tests.api.conftest import anywhere, open_caller

__all__ = ["anywhere", "open_caller"]
