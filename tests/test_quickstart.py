"""`docs/quickstart.md` is pasted into a shell, block by block, and answers what it shows.

One shell runs all `sh` blocks in turn, in an empty folder, with the command that was installed; the
`json` block after one shows members of what it printed last. Only the port is another, a free one.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.test_readme import ROOT, assert_shown

PAGE = ROOT / "docs" / "quickstart.md"
PORT = "8000"
MARK = "--- next block ---"
PATIENCE = 240  # seconds for a whole session, on a machine that does other things too


class Block(NamedTuple):
    """What is pasted, and what its last line of output shows; None when nothing is shown."""

    pasted: str
    shown: Any


def pasted_blocks() -> Iterator[Block]:
    """The blocks of the page in order."""
    fences = re.findall(r"^```(sh|json)\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.M)
    for number, (language, text) in enumerate(fences):
        if language == "sh":
            after = fences[number + 1] if number + 1 < len(fences) else ("", "")
            yield Block(text, json.loads(after[1]) if after[0] == "json" else None)


def free_port() -> str:
    """A port where nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return str(listener.getsockname()[1])


def session(blocks: list[Block], folder: Path) -> list[str]:
    """What each block printed."""
    port = free_port()
    script = f"\necho '{MARK}'\n".join(block.pasted.replace(PORT, port) for block in blocks)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    shell = subprocess.Popen(
        ["bash", "-eu", "-o", "pipefail", "-c", script],
        cwd=folder,
        env={"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, wrong = shell.communicate(timeout=PATIENCE)
    finally:
        stop(shell.pid)
    assert (shell.returncode, wrong) == (0, ""), said
    return said.split(f"{MARK}\n")


def stop(group: int) -> None:
    """Nobody of a session outlives its test."""
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def test_the_quickstart_is_what_happens(tmp_path: Path) -> None:
    """Record, check with its reason, history: three calls and their answers."""
    blocks = list(pasted_blocks())
    assert len(blocks) == 6
    for block, said in zip(blocks, session(blocks, tmp_path), strict=True):
        if block.shown is not None:
            assert_shown(block.shown, json.loads(said.splitlines()[-1]), block.pasted)
    log = (tmp_path / "server.log").read_text("utf-8")
    assert "POST /v1/permissions/check 200" in log
    assert "0042" not in log
