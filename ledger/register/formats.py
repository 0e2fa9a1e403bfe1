"""The register as a file: CSV, Markdown, or a spreadsheet (ODS) after the CNIL's model. Pure.

Each takes what `telling.content` answers. A cell that a spreadsheet could take for a formula is
written with a quote before it. Read next: `api/commands/registering.py`.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Sequence
from typing import Any

from ledger.packages.rendering import unformula
from ledger.policy.explain import Language
from ledger.register.telling import words

Rows = Sequence[Sequence[str]]
MEDIA = {
    "json": "application/json",
    "csv": "text/csv; charset=utf-8",
    "md": "text/markdown; charset=utf-8",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
}
"""The formats, and the media type of each."""


def written(content: dict[str, Any], kind: str, lang: Language) -> bytes:
    """The register in one of `MEDIA`: what is written to a file or sent."""
    if kind == "json":
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()
    return {"csv": to_csv, "md": to_markdown, "ods": to_ods}[kind](content, lang)


def to_csv(content: dict[str, Any], lang: Language) -> bytes:
    """One line per activity, the columns of the CNIL's model; UTF-8 with a mark, for spreadsheets
    that expect one."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(_head(lang))
    writer.writerows([unformula(cell) for cell in row] for row in _activities(content, lang))
    return out.getvalue().encode("utf-8-sig")


def to_markdown(content: dict[str, Any], lang: Language) -> bytes:
    """One section per activity, then security measures, gaps and limits."""
    return ("\n".join(_markdown(content, lang)) + "\n").encode()


def to_ods(content: dict[str, Any], lang: Language) -> bytes:
    """A spreadsheet of four sheets: who answers, activities, retention, gaps."""
    from odfdo import Document, Table

    say = words(lang)["sheet"]
    document = Document("spreadsheet")
    document.body.clear()
    sheets = (
        (say["identity"], _identity(content, lang)),
        (say["activities"], [_head(lang), *_activities(content, lang)]),
        (say["retention"], [_retention_head(lang), *_retention(content)]),
        (say["gaps"], [_gap_head(lang), *_gaps(content, lang)]),
    )
    for name, rows in sheets:
        sheet = Table(name)
        for row in rows:
            sheet.append_row(_ods_row(row))
        document.body.append(sheet)
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _ods_row(cells: Sequence[str]) -> Any:
    from odfdo import Cell, Row

    row = Row()
    for cell in cells:
        row.append_cell(Cell(text=cell, value=cell, cell_type="string"))
    return row


def _head(lang: Language) -> list[str]:
    return list(words(lang)["column"].values())


def _activities(content: dict[str, Any], lang: Language) -> Iterator[list[str]]:
    """One row per activity, its cells in the order of the words' `column` section."""
    say = words(lang)["cell"]
    security = "; ".join(content["security"])
    controller = (content["controller"] or {}).get("controller") or say["undeclared"]
    for one in content["activities"]:
        outside = [to for to in one["recipients"] if to["outside"]]
        seen = one["observed"]
        yield [
            one["name"],
            one["id"],
            one["created"],
            one["updated"],
            controller,
            one["owner"] or say["undeclared"],
            f"{one['basis_said']} ({one['article']})",
            one["clause"],
            ", ".join(one["people"]) or say["undeclared"],
            "; ".join(f"{d['said']}: {', '.join(d['fields'])}" for d in one["data"]),
            say["no_sensitive"],
            "; ".join(f"{kept['label']}: {kept['said']}" for kept in one["classes"]),
            "; ".join(_recipient(to) for to in one["recipients"]) or say["none"],
            ", ".join(f"{to['recipient']} ({to['country']})" for to in outside) or say["none"],
            security,
            str(seen["facts"]),
            seen["last"] or say["none"],
            str(seen["people"]),
            say["yes"] if not seen["past_term"] else say["no"].format(n=seen["past_term"]),
        ]


def _recipient(to: dict[str, Any]) -> str:
    country = f", {to['country']}" if to["country"] else ""
    return f"{to['recipient']} ({to['type_said']}{country})"


def _identity(content: dict[str, Any], lang: Language) -> Rows:
    say, none = words(lang)["identity"], words(lang)["cell"]["undeclared"]
    controller, dpo = content["controller"] or {}, content["dpo"] or {}
    return [
        [say["company"], content["company"]],
        [say["controller"], controller.get("controller") or none],
        [say["registration"], controller.get("registration") or none],
        [say["dpo"], dpo.get("dpo") or none],
        [say["designation"], dpo.get("designation") or none],
        [say["day"], content["day"]],
        [say["edition"], content["edition"]],
        [say["position"], str(content["position"])],
    ]


def _retention_head(lang: Language) -> list[str]:
    return list(words(lang)["retention"].values())


def _retention(content: dict[str, Any]) -> Iterator[list[str]]:
    """One row per class, once, whichever activities use it."""
    seen: dict[str, list[str]] = {}
    for one in content["activities"]:
        for kept in one["classes"]:
            row = [
                kept["label"],
                kept["class"],
                kept["said"],
                str(kept["operational_months"]),
                "" if kept["archive_months"] is None else str(kept["archive_months"]),
                kept["clause"],
                "; ".join((kept["article"], *kept["obligations"])),
                str(kept["people"]),
                str(kept["past_term"]),
            ]
            seen.setdefault(kept["class"], row)
    yield from seen.values()


def _gap_head(lang: Language) -> list[str]:
    return list(words(lang)["gaps"].values())


def _gaps(content: dict[str, Any], lang: Language) -> Iterator[list[str]]:
    severity = words(lang)["severity"]
    for gap in content["gaps"]:
        at = ", ".join(map(str, gap["positions"]))
        yield [severity[gap["severity"]], gap["said"], gap["clause"], gap["article"], at]


def _markdown(content: dict[str, Any], lang: Language) -> Iterator[str]:
    say, heads = words(lang)["markdown"], _head(lang)
    yield f"# {say['title'].format(company=content['company'], day=content['day'])}"
    yield ""
    yield from (f"- {name}: {value}" for name, value in _identity(content, lang))
    for row in _activities(content, lang):
        yield from ("", f"## {row[0]}", "")
        yield from (
            f"- {head}: {cell}" for head, cell in zip(heads[1:], row[1:], strict=True) if cell
        )
    yield from ("", f"## {say['retention']}", "")
    yield from _grid(_retention_head(lang), list(_retention(content)))
    yield from ("", f"## {say['gaps']}", "")
    found = list(_gaps(content, lang))
    yield from _grid(_gap_head(lang), found) if found else (say["no_gap"],)
    yield from ("", f"## {say['limits']}", "")
    yield from (f"- {limit}" for limit in content["limits"])


def _grid(head: Sequence[str], rows: Rows) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"
