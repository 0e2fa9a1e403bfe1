"""Card numbers in any column: the lines a regular expression suspects are judged cell by cell."""

from __future__ import annotations

from collections.abc import Iterable

from ledger import pan
from ledger.audit.report import CARD_PROBLEMS
from ledger.importing.maps import ImportMap


class Gate:
    """The judge of suspected lines: which columns are declared as another number."""

    def __init__(self, mapping: ImportMap, header: list[str]) -> None:
        self._date = header.index(mapping.occurred_column)
        declared = {mapping.person_column: mapping.person_kind}
        if mapping.thing_column and mapping.thing_kind:
            declared[mapping.thing_column] = mapping.thing_kind
        declared |= {f.column: f.spec.key for f in mapping.fields if f.column}
        self._forms = {
            header.index(column): pan.FORMS[kind]
            for column, kind in declared.items()
            if kind in pan.FORMS and kind != "psp_id"  # sealed and kept: a form is no proof
        }

    def judge(self, suspects: Iterable[tuple[int, str]], apart: str) -> dict[str, list[int]]:
        """The numbers of the lines that hold each kind of card data, in order."""
        found: dict[str, list[int]] = {problem: [] for problem in CARD_PROBLEMS}
        for line, text in sorted(suspects):
            for problem in {self._problem(*cell) for cell in enumerate(text.split(apart))} - {None}:
                found[problem or ""].append(line)
        return found

    def _problem(self, column: int, cell: str) -> pan.Problem | None:
        form = self._forms.get(column)
        if column == self._date or (form is not None and form(cell.strip())):
            return None
        return pan.problem(cell)
