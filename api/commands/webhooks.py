"""What leaves the house: webhooks and their deliveries; who outside was told, and who acknowledged.

`probant serve` delivers by itself; `probant webhooks run` is for whoever serves elsewhere.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.commands.asking import ByReference, reference_of, subject_of
from api.commands.sealing import running_beside
from api.options import Run, command
from ledger.errors import Misuse

if TYPE_CHECKING:
    from ledger.outbound.posting import Post

Webhook = Annotated[str, typer.Argument(help="Id of a webhook.", metavar="WEBHOOK")]
LISTED = 1000


def register(app: typer.Typer) -> None:
    """Add these commands to the application."""
    hooks = typer.Typer(help="Messages to outside systems.", no_args_is_help=True)
    command(hooks, "add")(add)
    command(hooks, "list")(show)
    command(hooks, "remove")(remove)
    command(hooks, "ping")(ping)
    command(hooks, "deliveries")(deliveries)
    command(hooks, "redeliver")(redeliver)
    command(hooks, "run")(deliver)
    app.add_typer(hooks, name="webhooks")
    outside = typer.Typer(help="Who outside was told of what, and confirmed.", no_args_is_help=True)
    command(outside, "show")(recipients)
    command(outside, "overdue")(late)
    command(outside, "acknowledge")(acknowledge)
    app.add_typer(outside, name="recipients")


def add(
    run: Run,
    to: Annotated[str, typer.Argument(help="Where to send: https://…", metavar="URL")],
    recipient: Annotated[str, typer.Option("--recipient", help="Whose it is, as declared.")],
    kinds: Annotated[str, typer.Option("--kinds", help="Kinds of fact, separated by commas.")] = "",
    confirmations: Annotated[
        bool,
        typer.Option("--confirmations", help="The mailer that carries tokens of confirmation."),
    ] = False,
    opendsr: Annotated[
        bool, typer.Option("--opendsr", help="Status callbacks of OpenDSR, and nothing else.")
    ] = False,
) -> None:
    """Register a webhook for a declared recipient; its secret is shown once."""
    from api.webhooks import endpoint_json
    from ledger.outbound import endpoints

    chosen = [kind.strip() for kind in kinds.split(",") if kind.strip()]
    if (confirmations or opendsr) and (chosen or (confirmations and opendsr)):
        raise Misuse("--confirmations and --opendsr are each for a webhook of its own, no --kinds")
    with run.ledger() as ledger:
        if confirmations:
            made = endpoints.register_carrier(ledger, to, recipient)
        elif opendsr:
            made = endpoints.register_opendsr(ledger, to, recipient)
        else:
            made = endpoints.register(ledger, to, recipient, chosen)
    content = {**endpoint_json(made.endpoint), "secret": made.secret}
    named = {**content, "kinds": ", ".join(content["kinds"])}
    lines = [
        run.screen.word("webhooks.added", **named),
        run.screen.word("webhooks.secret", **named),
    ]
    run.screen.answer(content, lambda: lines)


def show(run: Run) -> None:
    """Every webhook, and how its deliveries stand."""
    from api.webhooks import listed

    with run.ledger() as ledger:
        content = listed(ledger)
    lines = [
        run.screen.word("webhooks.line", **one, **one["deliveries"]) for one in content["items"]
    ]
    run.screen.answer(content, lambda: lines or [run.screen.word("webhooks.none")])


def remove(run: Run, webhook: Webhook) -> None:
    """Send nothing there any more; what waited is forgotten."""
    from ledger.outbound import endpoints

    with run.ledger() as ledger:
        endpoints.remove(ledger, _id(webhook))
    run.screen.answer({"removed": webhook}, lambda: [run.screen.word("webhooks.removed")])


def ping(run: Run, webhook: Webhook) -> int:
    """Send a message that says nothing, now. Exit code 1 when it is not taken."""
    from api.webhooks import pinged

    with run.ledger() as ledger:
        content = pinged(ledger, _id(webhook), poster_of(run))
    why = content["status"] or content["error"]
    word = "webhooks.taken" if content["delivered"] else "webhooks.not_taken"
    run.screen.answer(content, lambda: [run.screen.word(word, status=why, why=why)])
    return 0 if content["delivered"] else 1


def deliveries(
    run: Run,
    webhook: Webhook,
    state: Annotated[
        str | None, typer.Option("--state", help="pending, delivered or dead.")
    ] = None,
    after: Annotated[int, typer.Option("--after", help="Only after this position.")] = 0,
) -> None:
    """The delivery log of a webhook: how each went, never what it said."""
    from api.webhooks import deliveries as page

    with run.ledger() as ledger:
        content = page(ledger, _id(webhook), state, after, LISTED)
    screen = run.screen
    lines = [
        screen.word(
            "webhooks.delivery", **one, last=one["last_status"] or one["last_error"] or ""
        ).rstrip()
        for one in content["items"]
    ]
    screen.answer(content, lambda: lines or [screen.word("webhooks.no_delivery")])


def redeliver(
    run: Run,
    webhook: Webhook,
    position: Annotated[
        list[int] | None, typer.Option("--position", help="Of the fact; may be given again.")
    ] = None,
) -> None:
    """Send facts again under the ids they had: those named, or all that were given up."""
    from ledger.outbound import endpoints

    with run.ledger() as ledger:
        waiting = endpoints.redeliver(ledger, _id(webhook), position or None)
    content = {"waiting": waiting}
    run.screen.answer(content, lambda: [run.screen.word("webhooks.again", **content)])


def deliver(
    run: Run,
    once: Annotated[
        bool, typer.Option("--once", help="One batch for each webhook, then end.")
    ] = False,
    beside: Annotated[bool, typer.Option("--beside", help="End when standard input ends.")] = False,
) -> None:
    """Deliver what waits, until told to stop. One at a time on a machine: a second one waits."""
    from api.logs import log_to
    from ledger.outbound.courier import Courier, turn

    log_to(form=run.settings.log_format)
    settings, screen = run.settings, run.screen
    with _told_to_stop() as stopping, turn(settings.courier_lock, stopping) as is_ours:
        if beside:
            Thread(target=_until_left_alone, args=(stopping,), daemon=True).start()
        if not is_ours:
            return
        with run.ledger() as ledger:
            courier = Courier(ledger, poster_of(run), days=settings.acknowledge_days)
            if once:
                content = {"delivered": courier.round()}
                screen.answer(content, lambda: [])
                return
            screen.answer({"running": True}, lambda: [screen.word("webhooks.running")])
            courier.watch(stopping)


@contextmanager
def _told_to_stop() -> Iterator[Event]:
    """Set by SIGTERM or SIGINT; afterwards they do what they did before."""
    stopping = Event()
    signs = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(sign, lambda *_: stopping.set()) for sign in signs]
    try:
        yield stopping
    finally:
        for sign, handler in zip(signs, before, strict=True):
            signal.signal(sign, handler)


def recipients(
    run: Run,
    subject: Annotated[str | None, typer.Option("--subject", help="Subject id (a UUID).")] = None,
    reference: ByReference = None,
) -> None:
    """Who outside was told of what one person decided, and who acknowledged."""
    if (subject is None) == (reference is None):
        raise Misuse("name one person: --subject ID, or --reference KIND=VALUE")
    named = subject_of(subject) if subject is not None else reference_of(reference or "")
    from api.answers import find
    from api.webhooks import recipients_of

    with run.ledger() as ledger:
        who = named if isinstance(named, UUID) else find(ledger, named)
        content = recipients_of(ledger, who, run.settings.acknowledge_days)
    lines = [line for one in content["items"] for line in _about(run, one)]
    run.screen.answer(content, lambda: lines or [run.screen.word("recipients.nobody")])


def late(run: Run) -> None:
    """Every fact about which somebody outside is overdue, oldest first."""
    from api.webhooks import all_overdue

    with run.ledger() as ledger:
        content = all_overdue(ledger, run.settings.acknowledge_days)
    lines = []
    for one in content["items"]:
        lines.append(run.screen.word("recipients.of", subject=one["subject"]))
        lines += _about(run, one)
    run.screen.answer(content, lambda: lines or [run.screen.word("recipients.none_overdue")])


def acknowledge(
    run: Run,
    recipient: Annotated[str, typer.Argument(help="Who did its part.", metavar="RECIPIENT")],
    position: Annotated[
        list[int], typer.Option("--position", help="Of the fact; may be given again.")
    ],
    receipt: Annotated[
        str | None, typer.Option("--receipt", help="Its reference: a code that names nobody.")
    ] = None,
) -> None:
    """Record that an outside system did its part: for those who confirm by letter or by mail."""
    from api.webhooks import acknowledged

    said: dict[str, Any] = {"recipient": recipient, "positions": position}
    with run.ledger() as ledger:
        content = acknowledged(ledger, said | ({"receipt": receipt} if receipt else {}))
    new = sum(one["recorded"] for one in content["items"])
    known = len(content["items"]) - new
    run.screen.answer(content, lambda: [run.screen.word("recipients.recorded", n=new, known=known)])


def poster_of(run: Run) -> Post:
    """What hands messages over, as the settings allow."""
    from ledger.outbound.posting import poster

    return poster(private=run.settings.webhooks_private)


def delivered_meanwhile(run: Run) -> AbstractContextManager[None]:
    """A courier of its own beside the server; it ends with us, however we end."""
    return running_beside(run, "webhooks", "run", "--beside")


def _about(run: Run, one: dict[str, Any]) -> Iterator[str]:
    word = run.screen.word
    yield word("recipients.fact", position=one["position"], kind=one["kind"], at=one["recorded_at"])
    if one.get("joins"):
        by = ", ".join(str(position) for position in one["joins"])
        yield word("recipients.joined", subject=one["subject"], positions=by)
    for standing in one["recipients"]:
        said = (standing["acknowledged"] or {}).get("receipt")
        yield word(
            "recipients.standing",
            recipient=standing["recipient"],
            state=word(_STATES[standing["state"]]),
            due=standing["due"],
            receipt=word("recipients.receipt", receipt=said) if said else "",
        )


_STATES = {
    "to_tell": "recipients.to_tell",
    "told": "recipients.told",
    "acknowledged": "recipients.acknowledged",
    "overdue": "recipients.overdue",
}


def _until_left_alone(stopping: Event) -> None:
    sys.stdin.read()
    stopping.set()


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise Misuse("WEBHOOK must be the id of a webhook (a UUID); see `webhooks list`") from None
