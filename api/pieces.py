"""What is written in pieces: an answer may be longer than memory holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any


class Rows(Sequence[Any]):
    """Values made one after the other of others, each time somebody reads them: there may be more
    than fit in memory."""

    def __init__(self, of: Sequence[Any], make: Callable[[Any], Any]) -> None:
        self._of, self._make = of, make

    def __len__(self) -> int:
        return len(self._of)

    def __iter__(self) -> Iterator[Any]:
        return map(self._make, self._of)

    def __getitem__(self, index: Any) -> Any:
        found = self._of[index]
        return list(map(self._make, found)) if isinstance(index, slice) else self._make(found)


def json_pieces(content: Any, indent: str = "\n") -> Iterator[str]:
    """JSON in pieces, indented by one; of `Rows` each on a line of its own."""
    deeper = f"{indent} "
    match content:
        case dict() if content:
            before = "{"
            for key, value in content.items():
                yield f"{before}{deeper}{_json(key)}: "
                yield from json_pieces(value, deeper)
                before = ","
            yield f"{indent}}}"
        case Rows() | list() | tuple() if len(content):
            before = "["
            for value in content:
                yield f"{before}{deeper}"
                whole = isinstance(content, Rows)
                yield from (_json(value),) if whole else json_pieces(value, deeper)
                before = ","
            yield f"{indent}]"
        case Rows():
            yield "[]"
        case _:
            yield _json(content)


_json = json.JSONEncoder(ensure_ascii=False).encode
