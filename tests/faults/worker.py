"""One worker of a server, as a process: `python -m tests.faults.worker URL KEYRING KEYS`.

Listens on a free port of loopback, which it prints, until it is stopped.
"""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import uvicorn

from api.app import create_app
from api.keys import Keys
from ledger.opening import open_ledger


def main(url: str, keyring: str, keys: str) -> None:
    """Serve."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    sys.stdout.write(f"{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    app = create_app(lambda: open_ledger(url, Path(keyring)), Keys.load(Path(keys)))
    config = uvicorn.Config(app, log_config=None, access_log=False)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
