"""The documentation page at `/docs`: plain HTML made from the OpenAPI description, no scripts.

It asks nothing of any other server: a reader behind a closed network sees all of it, and nobody
learns who reads it. Its one style sheet is named by its hash in the Content-Security-Policy.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from html import escape
from typing import Any

from api.problems import KINDS as PROBLEMS
from api.schema import is_recordable
from ledger.events import KINDS, Fact

STYLE = """
:root { color-scheme: light dark; }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid; } h3 { margin-top: 2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; }
caption { text-align: left; padding: .3rem 0; }
th, td { text-align: left; vertical-align: top; padding: .2rem .8rem .2rem 0; }
pre { overflow-x: auto; padding: .8rem; border: 1px solid; }
"""
_HASH = base64.b64encode(sha256(STYLE.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'"
)

QUICKSTART = """curl -H "Authorization: Bearer $KEY" -H 'Content-Type: application/json' -d '
  {"kind": "order.placed", "person": {"kind": "shop", "value": "0042"},
   "thing": {"kind": "order_ref", "value": "A-1"}, "occurred": "2026-01-05",
   "data": {"amount": {"minor": 4990, "currency": "EUR"}}}' $URL/v1/facts

curl -H "Authorization: Bearer $KEY" "$URL/v1/subjects/$SUBJECT?lang=en"

curl -H "Authorization: Bearer $KEY" "$URL/v1/subjects/$SUBJECT?as_of=2032-01-01&lang=en"
"""


def render(description: dict[str, Any]) -> str:
    """The whole page."""
    info = description["info"]
    title = f"{info['title']} {info['version']}"
    parts = [
        f"<h1>{escape(title)}</h1><p>{escape(info['description'])}</p>",
        '<p>For programs: <a href="/openapi.json">openapi.json</a>.</p>',
        f"<h2>Three calls</h2><pre>{escape(QUICKSTART)}</pre>",
        "<h2>Operations</h2>",
        *_operations(description["paths"]),
        '<h2 id="kinds">Kinds of facts</h2>',
        "<p>Say whom it concerns: <code>subject</code> (an id) or <code>person</code> (a"
        " reference); and which order, contract or message: <code>stream</code> or"
        " <code>thing</code>. A correction is"
        ' <code>{"correct": {"position": 7, "changes": {…}}}</code>, a withdrawal'
        ' <code>{"void": {"position": 7}}</code>.</p>',
        *(_kind(cls) for cls in KINDS.values() if is_recordable(cls)),
        '<h2 id="problems">Problems</h2>',
        *_problems(),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>"
    )


def _operations(paths: dict[str, Any]) -> Iterator[str]:
    for path, methods in paths.items():
        for method, operation in methods.items():
            yield f"<h3><code>{method.upper()} {escape(path)}</code></h3>"
            locked = f" Open to: {', '.join(operation['x-roles'])}."
            yield f"<p>{escape(operation['summary'])}.{locked}</p>"
            if "description" in operation:
                yield f"<p>{escape(operation['description'])}</p>"
            rows = [
                (p["name"], p["in"], p.get("description", ""))
                for p in operation.get("parameters", ())
            ]
            if rows:
                yield _table("Parameters", ("name", "in", "meaning"), rows)
            answers = [(code, a["description"]) for code, a in operation["responses"].items()]
            yield _table("Answers", ("status", "meaning"), answers)


def _kind(cls: type[Fact]) -> str:
    name = cls.kind.removesuffix(".v1")
    rows = []
    for spec in cls.specs:
        kind = (
            ", ".join(spec.one_of) or spec.codec.schema.get("format") or spec.codec.schema["type"]
        )
        marks = [
            word for word, on in (("required", spec.required), ("personal", spec.personal)) if on
        ]
        rows.append((spec.key, kind, ", ".join(marks)))
    described = f"<p>{escape(' '.join((cls.__doc__ or '').split()))}</p>"
    fields = _table("Fields of data", ("field", "value", ""), rows) if rows else ""
    return f'<h3 id="{escape(name)}"><code>{escape(name)}</code></h3>{described}{fields}'


def _problems() -> Iterator[str]:
    for slug, kind in PROBLEMS.items():
        yield f'<h3 id="problem-{slug}"><code>{slug}</code></h3>'
        yield f"<p>{kind.status}, {escape(kind.title)}. {escape(kind.meaning)}</p>"


def _table(caption: str, head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    heads = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return (
        f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table>"
    )
