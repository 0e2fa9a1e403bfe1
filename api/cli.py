"""The `probant` command: its list of commands, and how it fails.

Exit codes that scripts can trust: 0 done, 1 `verify`, `policy lint` or `controls run` found
something, 2 you asked for something that makes no sense, 3 the data is bad (or, with
`import --strict`, some of it), 4 we are broken, 130 interrupted (143: told to stop). A failure is
one sentence, never a stack trace, in the language of everything else (`wording.py`), and never
repeats what was typed: it may be somebody's name. Read next: `commands/asking.py`, then
`answers.py`.
"""

from __future__ import annotations

import codecs
import errno
import io
import json
import os
import re
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import typer

from api.commands import (
    access,
    archive,
    asking,
    auditing,
    benching,
    checking,
    controls,
    covering,
    demonstrating,
    drilling,
    erasing,
    evidence,
    inspecting,
    keeping,
    keys,
    packaging,
    policy,
    registering,
    reporting,
    requests,
    restoring,
    retaining,
    sealing,
    segments,
    serving,
    webhooks,
)
from api.helping import shows_help, tell_in
from api.options import AsJson, Home, Keyring, Lang, Url
from api.screen import Screen
from api.settings import language_of
from api.wording import said, spoken
from ledger.errors import ProbantError

INTERRUPTED = 130
_OPTION = re.compile(r"--?[a-z][a-z-]{0,20}")

app = typer.Typer(
    name="probant",
    help="A ledger that can prove what you did with people's data, and forget the people.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def shared(
    context: typer.Context,
    home: Home = None,
    url: Url = None,
    keyring: Keyring = None,
    lang: Lang = None,
    as_json: AsJson = False,
) -> None:
    """A ledger that can prove what you did with people's data, and forget the people."""
    context.obj = {"home": home, "url": url, "keyring": keyring, "lang": lang, "as_json": as_json}


keeping.register(app)
auditing.register(app)
asking.register(app)
packaging.register(app)
checking.register(app)
policy.register(app)
registering.register(app)
reporting.register(app)
keys.register(app)
sealing.register(app)
retaining.register(app)
erasing.register(app)
requests.register(app)
evidence.register(app)
segments.register(app)
archive.register(app)
restoring.register(app)
serving.register(app)
access.register(app)
webhooks.register(app)
demonstrating.register(app)
benching.register(app)
drilling.register(app)
controls.register(app)
inspecting.register(app)
covering.register(app)


def main() -> None:
    """The whole of the `probant` command. Told to stop, or left by its terminal, it ends as
    when interrupted, putting away what it holds, and then by that signal: a shell says 143."""
    _open_streams()
    told: list[int] = []

    def stop(sign: int, _frame: object) -> None:
        told.append(sign)
        raise KeyboardInterrupt

    for sign in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(sign) == signal.SIG_DFL:  # `nohup` is obeyed
            signal.signal(sign, stop)
    code = run(sys.argv[1:])
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # nothing is left that a second one could spoil
    if told and code == INTERRUPTED:
        signal.signal(told[0], signal.SIG_DFL)
        signal.raise_signal(told[0])
    sys.exit(code)


def _open_streams() -> None:
    """Something to write to, where whoever called us closed it; and what its encoding has no sign
    for is written as JSON escapes it, which is legible in a text and right in `--json`."""
    codecs.register_error("escaped", _escaped)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="escaped")


def _escaped(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    return json.dumps(error.object[error.start : error.end])[1:-1], error.end


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; whatever goes wrong becomes one sentence."""
    lang = language_of(os.environ, _lang(arguments))
    screen = Screen(as_json="--json" in arguments, lang=lang)
    try:
        command = typer.main.get_command(app)
        if shows_help(command, arguments):
            tell_in(lang, command)
        code = command(args=list(arguments), prog_name="probant", standalone_mode=False)
    except ProbantError as error:
        screen.fail(error.code, spoken(error, lang))
        return error.exit_code
    except typer.TyperException as error:
        return _misused(error, screen)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except BrokenPipeError:
        # Whoever read us has enough; what is left in the buffer must not raise at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        sentence = f"a file cannot be read or written ({type(error).__name__})"
        if error.errno == errno.ENOSPC:
            sentence = "no space is left on the disk"
        elif isinstance(error, PermissionError) or error.errno == errno.EROFS:
            sentence = "a file or a folder may not be read or written as who you are"
        screen.fail("broken", said(f"{sentence}; nothing more was done", lang).text)
        return 4
    except Exception as error:  # the family "we are broken": its text may hold what was submitted
        sentence = f"unexpected failure ({type(error).__name__}); nothing more was done"
        screen.fail("broken", said(sentence, lang).text)
        return 4
    if code == INTERRUPTED:
        screen.fail("interrupted", said("interrupted; what was acknowledged is kept", lang).text)
    return int(code or 0)


def _lang(arguments: Sequence[str]) -> str | None:
    """What follows the last `--lang`, be it a language or not."""
    given = [one.partition("=")[2] for one in arguments if one.startswith("--lang=")]
    given += [after for one, after in pairwise(arguments) if one == "--lang"]
    return given[-1] if given else None


def _misused(error: typer.TyperException, screen: Screen) -> int:
    """The sentence for a wrong command line, without the words that were typed."""
    kind = type(error).__name__
    if kind == "NoArgsIsHelpError":
        sys.stderr.write(error.format_message() + "\n")
        return 2
    sentence = "this command line cannot be understood"
    named = getattr(error, "option_name", None)
    parameter = getattr(error, "param", None)
    if kind == "NoSuchOption" and isinstance(named, str) and _OPTION.fullmatch(named):
        sentence = f"there is no option {named}"
    elif parameter is not None:
        shown = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.name.upper()
        lacking = kind == "MissingParameter"
        sentence = f"{shown} is required" if lacking else f"the value of {shown} is not valid"
    elif "No such command" in error.message:
        sentence = "there is no such command"
    elif "unexpected extra argument" in error.message:
        sentence = "there are too many words on this command line"
    screen.fail("misuse", said(f"{sentence}; see `probant --help`", screen.lang).text)
    return 2


if __name__ == "__main__":
    main()
