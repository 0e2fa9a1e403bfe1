"""From plain values to a PDF: tagged (PDF/UA-1), its fonts inside, set by typst from its own wheel.

The values reach the template as data, never as markup. Nothing is fetched: the fonts are those that
the typesetter carries.
"""

from __future__ import annotations

import json
import tempfile
from importlib import resources
from pathlib import Path
from typing import Any, Final

import typst

STANDARD: Final = "ua-1"


def pdf(document: dict[str, Any]) -> bytes:
    """The bytes of the file."""
    template = resources.files("api.report").joinpath("template.typ").read_text("utf-8")
    with tempfile.TemporaryDirectory(prefix="probant-") as made:
        folder = Path(made)
        (folder / "report.typ").write_text(template, "utf-8")
        (folder / "report.json").write_text(json.dumps(document), "utf-8")
        content: bytes = typst.compile(
            str(folder / "report.typ"),
            root=str(folder),
            format="pdf",
            ignore_system_fonts=True,
            pdf_standards=STANDARD,
        )
    return content
