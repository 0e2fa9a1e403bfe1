"""What `probant` runs first: the command line takes a moment to come, and who interrupts it before
it can speak is not shown where in our code that was. Read next: `cli.py`.
"""

from __future__ import annotations

import signal


def main() -> None:
    """The entry point of the `probant` command. Exit codes are told in `cli.py`."""
    try:
        from api.cli import main as begin

        begin()
    except KeyboardInterrupt:  # as whoever never heard of the signal: a shell says 130
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
