"""What a form brings: its fields, and on a page that takes one, a file. Both have their limits, and
nothing of either is repeated in a refusal."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from urllib.parse import parse_qs

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser

from api.problems import Problem

FORM, WITH_FILE = "application/x-www-form-urlencoded", "multipart/form-data"
MAX_FORM, MAX_FIELDS = 256 * 1024, 400  # characters; fields
MAX_FILE = 4 * 2**20  # bytes

Fields = Mapping[str, list[str]]


def fields(raw: bytes) -> Fields:
    """The fields of a form. Raises ValueError."""
    if len(raw) > MAX_FORM:
        raise ValueError
    text = raw.decode("ascii")
    return parse_qs(text, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")


async def with_file(headers: Headers, raw: bytes, takes: str) -> tuple[Fields, bytes | None]:
    """The fields of a form, and the file of its field `takes`: None when it brought none, or an
    empty one. The file's name is not looked at, and nothing of it touches a disk.

    Raises ValueError, and Problem for a file that is too large.
    """
    reader = MultiPartParser(
        headers, _whole(raw), max_files=1, max_fields=MAX_FIELDS, max_part_size=MAX_FORM
    )
    reader.spool_max_size = len(raw) + 1  # in memory: a disk would keep what it let go
    try:
        form = await reader.parse()
    except (MultiPartException, KeyError) as error:
        raise ValueError from error
    found: dict[str, list[str]] = {}
    file = None
    try:
        for name, value in form.multi_items():
            if isinstance(value, str):
                found.setdefault(name, []).append(value)
            elif name != takes:
                raise ValueError
            else:
                file = await value.read()
    finally:
        await form.close()
    if sum(len(one) for values in found.values() for one in values) > MAX_FORM:
        raise ValueError
    if file is not None and len(file) > MAX_FILE:
        raise Problem("too-large", f"a file has at most {MAX_FILE // 2**20} MiB")
    return found, file or None


async def _whole(raw: bytes) -> AsyncGenerator[bytes, None]:
    yield raw
