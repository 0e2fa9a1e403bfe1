"""The words under which a choice is asked here, published before the first answer is recorded.

Each purpose, in each language, is a form of its own: its words are kept by their SHA-256 and
declared by a `form.published` fact, so that a consent given here is *proved* and names what was
shown (SS-DATA-2, SS-CH-1; GDPR art. 7(1)). New words are a new publication. Read next:
`choices.py`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from api.console.texts import Speech
from ledger.acting import act, act_of
from ledger.aggregates import standing
from ledger.application import Ledger, digest
from ledger.calendar import moment_of_instant
from ledger.entry import from_base64, to_base64
from ledger.events import Fact, FieldDeclared, FormPublished
from ledger.policy.model import Purpose
from ledger.store import reader
from ledger.store.editions import document

TEXT = "text/plain"
FIELD = "choice"  # the one field of these forms: yes or no


class Asked(NamedTuple):
    """What a purpose is asked with: the name of the form, and its whole text."""

    form: str
    text: str


def asked(purpose: Purpose, say: Speech) -> Asked:
    """The form of one purpose in one language."""
    label = purpose.label_fr if say.lang == "fr" else purpose.label_en
    lines = (
        label,
        say(f"my_basis.{purpose.basis}"),
        f"{purpose.clause} · {say.article(purpose.article)}",
        f"[{say('my_choices.yes')}] [{say('my_choices.no')}]",
        say("my_choices.any_time"),
    )
    return Asked(f"choices.{purpose.id}.{say.lang}", "\n".join(lines) + "\n")


def published(ledger: Ledger, shown: Asked) -> str:
    """The name of the form, once the words shown are those last published under it."""
    content = shown.text.encode()
    name = to_base64(digest(content))
    if _last(ledger).get(shown.form) != name:
        when: Any = {"occurred": moment_of_instant(ledger.clock.now()), "actor": "agent"}
        epoch = ledger.epoch()
        facts: list[Fact] = []
        if FIELD not in ledger.declared(epoch).fields:
            facts.append(FieldDeclared(**when, name=FIELD, classes=("consent",), source="provided"))
        facts.append(FormPublished(**when, form=shown.form, fields=(FIELD,), document=name))
        act(
            ledger,
            [act_of(fact, ledger.book_stream(epoch)) for fact in facts],
            new_epoch=True,
            documents=[] if _is_kept(ledger, name) else [(digest(content), TEXT, content)],
        )
    return shown.form


def text_of(ledger: Ledger, form: str, position: int) -> str | None:
    """The words that a form had at a position, where they are kept here."""
    names = [f.document for at, f in _published(ledger) if at <= position and f.form == form]
    if not names:
        return None
    with ledger.database.read() as connection:
        found = document(connection, from_base64(names[-1]))
    return found.content.decode("utf-8", "replace") if found and found.media == TEXT else None


def _last(ledger: Ledger) -> dict[str, str]:
    """The document last published under each form."""
    return {fact.form: fact.document for _, fact in _published(ledger)}


def _published(ledger: Ledger) -> list[tuple[int, FormPublished]]:
    """Every form that stands, as published, in position order: the stream of the book is read,
    however long the log is."""
    stream = ledger.book_stream(ledger.epoch())
    if stream is None:
        return []
    with ledger.database.read() as connection:
        told = reader.histories(connection, {stream})[stream]
    return [(at, fact) for at, fact in standing(told) if isinstance(fact, FormPublished)]


def _is_kept(ledger: Ledger, name: str) -> bool:
    with ledger.database.read() as connection:
        return document(connection, from_base64(name)) is not None
