"""Rights requests from the command line: the queue, one of them, receiving, each step.

What people wrote never stands on a command line, where the shell would remember it: it comes as
JSON from a file or from stdin (`--data`). Codes and days may be set with `--set`. Read next:
`api/requests.py`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

import typer

from api.commands.asking import ByReference, reference_of, subject_of
from api.commands.erasing import cited, desk, labels_of
from api.options import AsOf, KnownAt, Run, command, instant
from api.screen import Screen, table
from ledger.errors import BadData, Misuse, unwritten

Id = Annotated[str, typer.Argument(help="The request, by its id.", metavar="REQUEST")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="FIELD=CODE", help="A field of the fact; codes with commas."),
]
Data = Annotated[
    str | None,
    typer.Option("--data", metavar="FILE", help="More fields, as a JSON object; - reads stdin."),
]
LISTS = ("asked", "classes", "grounds", "kept", "remedies", "recipients")


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    requests = typer.Typer(help="Rights requests: queue, steps, clocks.", no_args_is_help=True)
    for name, function in (
        ("list", list_),
        ("show", show),
        ("receive", receive),
        ("step", step),
        ("certificate", certificate),
    ):
        command(requests, name)(function)
    app.add_typer(requests, name="requests")


def list_(
    run: Run,
    status: Annotated[
        str | None, typer.Option("--status", help="overdue, due_soon, on_track, answered_in_time…")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    after: Annotated[int, typer.Option("--after", help="Go on after this position.")] = 0,
    limit: Annotated[int, typer.Option("--limit", help="So many at most.")] = 50,
) -> None:
    """The queue of requests at two times, in the order in which they were recorded."""
    asked = instant("--as-of", as_of), instant("--known-at", known_at)
    from api.requests import page_json
    from ledger.policy.requests import STATUSES
    from ledger.requests.reading import queue

    if status is not None and status not in STATUSES:
        raise Misuse(f"--status must be one of: {', '.join(STATUSES)}")
    if not 1 <= limit <= 100_000 or after < 0:
        raise Misuse("--limit must be between 1 and 100000, --after a position")
    with run.ledger() as ledger:
        page = queue(
            ledger,
            as_of=asked[0],
            known_at=asked[1],
            after=after,
            limit=limit,
            wanted=lambda found: status in (None, found.status),
        )
    content = page_json(page, run.screen.lang)
    run.screen.answer(content, lambda: list(_queue(content, run.screen)))


def show(run: Run, id: Id, as_of: AsOf = None, known_at: KnownAt = None) -> None:
    """One request at two times: both clocks, what they rest on, what would change it."""
    asked = instant("--as-of", as_of), instant("--known-at", known_at)
    stream = _id(id)
    from api.requests import request_json
    from ledger.requests.reading import one

    with run.ledger() as ledger:
        content = request_json(one(ledger, stream, *asked), run.screen.lang)
    run.screen.answer(content, lambda: content["explanation"])


def receive(
    run: Run,
    right: Annotated[str, typer.Option("--right", help="access, erasure, objection…")],
    channel: Annotated[str, typer.Option("--channel", help="letter, email, phone, page…")],
    subject: Annotated[str | None, typer.Option("--subject", help="Subject id (a UUID).")] = None,
    reference: ByReference = None,
    occurred: Annotated[
        str | None, typer.Option("--received", help="The day it reached us; now by default.")
    ] = None,
    more: Set = None,
    data: Data = None,
) -> None:
    """Record that a request reached us, on the day it did; an objection takes effect at once
    (`--set over=email` narrows it to one channel)."""
    if (subject is None) == (reference is None):
        raise Misuse("name one person: --subject ID, or --reference KIND=VALUE")
    fields = {**_fields(more, data), "right": right, "channel": channel}
    body: dict[str, Any] = {"actor": "agent", "over": fields.pop("over", None), "data": fields}
    if subject is not None:
        body["subject"] = str(subject_of(subject))
    else:
        named = reference_of(reference or "")
        body["person"] = {"kind": named.kind, "value": named.value}
    if occurred:
        body["occurred"] = occurred
    from api.requests import received

    with run.ledger() as ledger:
        content = received(ledger, body, run.screen.lang)
    run.screen.answer(content, lambda: list(_recorded(content, run.screen)))


def step(
    run: Run,
    id: Id,
    name: Annotated[
        str, typer.Argument(help="acknowledge, extend, fulfil, refuse, close…", metavar="STEP")
    ],
    occurred: Annotated[
        str | None, typer.Option("--occurred", help="When it happened; now by default.")
    ] = None,
    more: Set = None,
    data: Data = None,
    yes: Annotated[bool, typer.Option("--yes", help="Erase without asking again.")] = False,
) -> None:
    """Record a step of a request; `fulfil` does what was asked and answers it."""
    stream = _id(id)
    body: dict[str, Any] = {"data": _fields(more, data)}
    if occurred:
        body["occurred"] = occurred
    from api.requests import FULFIL, STEPS, stepped
    from ledger.requests.reading import one

    if name not in (*STEPS, FULFIL):
        raise Misuse(f"STEP must be one of: {', '.join((*STEPS, FULFIL))}")
    with run.ledger() as ledger:
        if name == FULFIL and not yes and one(ledger, stream).right == "erasure":
            raise Misuse("erasing cannot be undone: say --yes")
        lang, journal = run.screen.lang, run.settings.journal
        with desk(run) as where:
            content = stepped(ledger, stream, name, body, lang, journal, where)
        labels = labels_of(ledger, run.screen)
    run.screen.answer(content, lambda: list(_recorded(content, run.screen, labels)))


def certificate(
    run: Run,
    id: Id,
    now: Annotated[bool, typer.Option("--now", help="Made again, checks and all.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write the signed note there.")
    ] = None,
) -> None:
    """The certificate of an erasure that was asked for, and who was told of it."""
    stream = _id(id)
    from api.certificates import certificate_answer
    from ledger.sealing.files import write_whole

    with run.ledger() as ledger, desk(run) as where:
        content = certificate_answer(ledger, stream, where, run.settings.journal, is_now=now)
    if out is not None:
        try:
            write_whole(out, content["note"].encode())
        except OSError as error:
            raise unwritten("--out", error) from None
    run.screen.answer(content, lambda: list(_certificate(content, run.screen)))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Misuse("REQUEST must be the id of a request (a UUID); see `requests list`") from None


def _fields(more: list[str] | None, data: str | None) -> dict[str, Any]:
    """The fields of a fact: those of a JSON object, then those set one by one."""
    found: dict[str, Any] = {}
    if data is not None:
        try:
            raw = sys.stdin.read() if data == "-" else Path(data).read_text("utf-8")
            found = json.loads(raw)
        except (OSError, ValueError):
            raise BadData("--data must be a file (or -) that holds a JSON object") from None
        if not isinstance(found, dict):
            raise BadData("--data must be a file (or -) that holds a JSON object")
    for one in more or ():
        key, equals, value = one.partition("=")
        if not equals:
            raise Misuse("--set is written FIELD=CODE")
        found[key] = value.split(",") if key in LISTS else value
    return found


# --- lines for people -----------------------------------------------------------------------------


def _queue(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    if not content["items"]:
        yield screen.word("requests.none")
        return
    head = [screen.word(f"requests.{name}") for name in ("id", "right", "status", "due")]
    rows = [
        [item["id"], _word("right", item, screen), _word("status", item, screen), item["due"]]
        for item in content["items"]
    ]
    yield from table(head, rows, left=4)
    if content["next"] is not None:
        yield screen.word("requests.more", next=content["next"])


def _recorded(
    content: dict[str, Any], screen: Screen, labels: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    found = content["request"]
    yield screen.word("requests.recorded", position=content["position"], id=found["id"])
    yield from (screen.word("requests.at_once", kind=kind) for kind in content.get("at_once", ()))
    for one in content.get("outcomes", ()):
        label = labels.get(one["class"], one["class"])
        if one["outcome"] == "erased":
            yield screen.word("erasing.erased", label=label)
        else:
            yield screen.word("requests.kept", label=label, ground=cited(one["ground"], screen))
    if content.get("to_tell"):
        yield screen.word("requests.to_tell", recipients=", ".join(content["to_tell"]))
    if content.get("certificate"):
        yield _named(content["certificate"], screen)
    yield found["explanation"][0]


def _certificate(content: dict[str, Any], screen: Screen) -> Iterator[str]:
    yield _named(content, screen)
    for one in content["recipients"]:
        yield screen.word("requests.standing", **one)


def _named(certificate: dict[str, Any], screen: Screen) -> str:
    state = "certificate_signed" if certificate["is_signed"] else "certificate_unsigned"
    return screen.word(
        "requests.certificate", id=certificate["id"], state=screen.word(f"requests.{state}")
    )


def _word(name: str, item: dict[str, Any], screen: Screen) -> str:
    from ledger.policy.explain import words

    section = {"right": "right", "status": "request_status"}[name]
    return words(screen.lang)[section][item[name]]
