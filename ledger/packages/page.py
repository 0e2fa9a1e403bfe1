"""A package as a page for people: everything in it, in French or English, made to be printed.

Plain HTML in one file: no script, no picture, nothing fetched from anywhere. Every text from the
document is escaped. What this file never does: decide what is told. Read next: `gathering.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Any
from zoneinfo import ZoneInfo

from ledger.policy.explain import words

PARIS = ZoneInfo("Europe/Paris")
STYLE = """
body{font:16px/1.5 Georgia,serif;max-width:52rem;margin:2rem auto;padding:0 1rem;color:#111}
h1,h2,h3{font-family:system-ui,sans-serif;line-height:1.2}
table{border-collapse:collapse;width:100%;font-size:.85rem;margin:.5rem 0 1rem}
th,td{border:1px solid #999;padding:.25rem .4rem;text-align:left;vertical-align:top;
overflow-wrap:anywhere}
th{background:#eee}
.note{border-left:4px solid #a40;padding-left:.7rem}
@media print{body{margin:0;max-width:none;font-size:11pt}h2{break-after:avoid}tr{break-inside:avoid}
thead{display:table-header-group}}
"""


def page(document: Mapping[str, Any]) -> Iterator[str]:
    """The page of a package, hers or her heirs', in its language, piece by piece."""
    return _Page(document).lines()


class _Page:
    """One page on its way."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.document, self.lang = document, document["language"]
        self.vocabulary = words(self.lang)
        self.say = self.vocabulary["package"]

    def lines(self) -> Iterator[str]:
        """The whole, in reading order."""
        d, say = self.document, self.say
        kind = "estate_" if d["scope"] == "estate" else ""
        title = escape(say[f"{kind}title"])
        yield f'<!doctype html>\n<html lang="{self.lang}">\n<head>\n<meta charset="utf-8">\n'
        yield '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        yield f"<title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        yield f"<h1>{title}</h1>\n"
        intro = say[f"{kind}intro"].format(**d["controller"], day=_shown(d["made_at"]))
        yield _paragraph(intro)
        yield _paragraph(
            say[f"{kind}reference"].format(subject=d["subject"], position=d["position"])
        )
        yield from self._missing()
        yield from self._table("details", ("field", "value", *_TRUE, *_KNOWN))
        yield from self._table("classes", ("label", "facts", "sources"))
        yield from self._explained("deadlines")
        yield from self._of_heirs() if kind else self._of_hers()
        yield _paragraph(say["complaint"].format(**d["complaint"]))
        yield from self._facts()
        yield "</main>\n</body>\n</html>\n"

    def _of_heirs(self) -> Iterator[str]:
        """What is kept back from heirs and why, and what they may still ask."""
        yield from self._table("kept_back", ("label", "facts", "why", "clause", "article"))
        may = [f"{one['text']} ({one['article']})" for one in self.document["heirs"]]
        yield from self._list("heirs", may)

    def _of_hers(self) -> Iterator[str]:
        """What she chose, what her data is for, who has it and looked at it, and her rights."""
        d, say = self.document, self.say
        yield from self._explained("choices")
        yield from self._table("purposes", ("label", "basis", "article"))
        yield from self._table("recipients", ("recipient", "type", "country", "disclosures"))
        yield _paragraph(say["recipients_note"])
        yield from self._table("consultations", ("occurred", "archive", "classes", "reason"))
        yield _paragraph(say["consultations_note"])
        yield from self._list("automated", [one["text"] for one in d["automated"]])
        rights = [f"{one['text']} ({one['article']})" for one in d["rights"]]
        yield from self._list("rights", rights)

    def _missing(self) -> Iterator[str]:
        """What is not in the package, first of all: nobody should believe that it is whole."""
        if not self.document["missing"]:
            yield _paragraph(self.say["whole"])
            return
        yield self._heading("missing")
        for one in self.document["missing"]:
            state = one["state"] + ("_consulted" if one["consulted"] else "")
            said = self.say[f"missing_{state}"]
            yield _paragraph(said.format(**{**one, "until": one["until"] or "–"}), "note")

    def _explained(self, name: str) -> Iterator[str]:
        yield self._heading(name)
        for one in self.document[name]:
            first, *others = one["explanation"]
            yield f"<h3>{escape(first)}</h3>\n<ul>\n"
            yield "".join(f"<li>{escape(line)}</li>\n" for line in others)
            yield "</ul>\n"
        if not self.document[name]:
            yield _paragraph(self.say["none"])

    def _table(self, name: str, columns: Sequence[str]) -> Iterator[str]:
        yield self._heading(name)
        rows = self.document[name]
        if not rows:
            yield _paragraph(self.say["none"])
            return
        yield "<table>\n<thead><tr>"
        yield "".join(f'<th scope="col">{escape(self.say[f"col_{c}"])}</th>' for c in columns)
        yield "</tr></thead>\n<tbody>\n"
        for row in rows:
            cells = (f"<td>{escape(self._cell(row, column))}</td>" for column in columns)
            yield f"<tr>{''.join(cells)}</tr>\n"
        yield "</tbody>\n</table>\n"

    def _list(self, name: str, texts: Sequence[str]) -> Iterator[str]:
        yield self._heading(name)
        yield f"<ul>\n{''.join(f'<li>{escape(text)}</li>{chr(10)}' for text in texts)}</ul>\n"

    def _facts(self) -> Iterator[str]:
        yield self._heading("facts")
        yield "<table>\n<thead><tr>"
        columns = ("occurred", "kind", "said", "recorded_at")
        yield "".join(f'<th scope="col">{escape(self.say[f"col_{c}"])}</th>' for c in columns)
        yield "</tr></thead>\n<tbody>\n"
        for fact in self.document["facts"]:
            said = "; ".join(self._said(fact))
            cells = (_shown(fact["occurred"]), fact["label"], said, _shown(fact["recorded_at"]))
            yield f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>\n"
        yield "</tbody>\n</table>\n"

    def _said(self, fact: Mapping[str, Any]) -> Iterator[str]:
        """What one fact says, and what is known of it."""
        fields = {**fact["data"], **fact["personal"]}
        yield from (f"{name}: {_plain(value)}" for name, value in fields.items())
        if fact["state"] not in ("none", "opened"):
            yield self.say[f"state_{fact['state']}"]
        if fact["withheld"]:
            yield self.say["withheld"]
        if fact["stands"] not in ("as_recorded", "in_force"):
            yield self.say[f"stands_{fact['stands']}"].format(day=_shown(fact["known_until"] or ""))

    def _cell(self, row: Mapping[str, Any], column: str) -> str:
        value = row[column]
        if column == "value" and value is None:
            return self.say[f"state_{row['state']}"]
        if column == "disclosures":
            return ", ".join(one["day"] for one in value) or "–"
        if isinstance(value, bool):
            return self.say["yes" if value else "no"]
        if isinstance(value, list):
            return ", ".join(self.say.get(f"source_{one}", str(one)) for one in value)
        if value is None:
            return "–"
        return self.say.get(f"{column}_{value}", _shown(str(value)))

    def _heading(self, name: str) -> str:
        return f"<h2>{escape(self.say[f'h_{name}'])}</h2>\n"


_TRUE, _KNOWN = ("true_from", "true_until"), ("known_from", "known_until")


def _paragraph(text: str, kind: str = "") -> str:
    shown = f' class="{kind}"' if kind else ""
    return f"<p{shown}>{escape(text)}</p>\n"


def _shown(text: str) -> str:
    """An instant as the day and time in Paris, for people; any other text as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{at.astimezone(PARIS):%Y-%m-%d %H:%M}" if at.tzinfo else text


def _plain(value: Any) -> str:
    """A clear field as text: an amount in its currency, a list with commas."""
    if isinstance(value, dict) and value.keys() == {"minor", "currency"}:
        return f"{value['minor'] / 100:.2f} {value['currency']}"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
