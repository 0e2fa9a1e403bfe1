"""The help of the command line in the language of its reader.

The English sentence in the code is its own name: `words/help.fr.toml` holds its French one. Nothing
is read unless help is shown.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import typer

from api.settings import Language

# What the library writes around our sentences, by the name it has there.
AROUND: dict[Language, dict[str, str]] = {
    "en": {
        "COMMANDS_PANEL_TITLE": "Commands",
        "REQUIRED_LONG_STRING": "[required]",
        "DEFAULT_STRING": "[default: {}]",
    },
    "fr": {
        "COMMANDS_PANEL_TITLE": "Commandes",
        "REQUIRED_LONG_STRING": "[nécessaire]",
        "DEFAULT_STRING": "[par défaut : {}]",
    },
}


@cache
def sentences() -> dict[str, str]:
    """Every English sentence of the help with its French one."""
    text = resources.files("api").joinpath("words", "help.fr.toml").read_text("utf-8")
    found: dict[str, str] = tomllib.loads(text)
    return found


def shows_help(command: Any, arguments: Sequence[str]) -> bool:
    """Whether this command line asks for help, or names a group of commands alone."""
    for one in arguments:
        command = getattr(command, "commands", {}).get(one, command)
    return "--help" in arguments or hasattr(command, "commands")


def tell_in(lang: Language, command: Any) -> None:
    """Put the help of a command, and of those below it, in this language."""
    from typer import rich_utils  # imported late: it is slow to load

    for name, text in AROUND[lang].items():
        setattr(rich_utils, name, text)
    for one in helped(command) if lang == "fr" else ():
        one.help = sentences().get(one.help, one.help)


def helped(command: Any) -> Iterator[Any]:
    """All that has help: a command, its options and arguments, and the commands below it."""
    for one in (command, *command.get_params(typer.Context(command))):
        if getattr(one, "help", None):
            yield one
    for inner in getattr(command, "commands", {}).values():
        yield from helped(inner)
