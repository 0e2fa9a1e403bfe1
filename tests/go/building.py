"""Builds the verifier that is not ours: Go's `sumdb/note` and `sumdb/tlog`, from Debian packages.

Nothing is downloaded: GO111MODULE=off makes the compiler look where the package
golang-golang-x-mod-dev puts its sources. Where Go or the sources are missing the tests fail and say
so; they never skip, for a second verifier that nobody runs verifies nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).resolve().parent / "verify_bundle" / "main.go"
GOPATH = Path("/usr/share/gocode")
NEEDED = "on Debian: apt-get install golang-go golang-golang-x-mod-dev"


class GoVerifier(NamedTuple):
    """The compiled program."""

    program: Path

    def verify(
        self, folder: Path, *vkeys: str, redacted: bool = False, proofs: bool = False
    ) -> Verdict:
        """Run it on a folder with these pinned keys; on that of one person with `proofs`."""
        flags = ["-redacted"] * redacted + ["-proofs"] * proofs
        command = [str(self.program), *flags, str(folder), *vkeys]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        return Verdict(done.returncode == 0, (done.stdout + done.stderr).strip())


class Verdict(NamedTuple):
    """What it said, and whether that was yes."""

    accepted: bool
    said: str


def build(folder: Path) -> GoVerifier:
    """Compile into `folder`, cache included. Raises AssertionError, in words, when it cannot."""
    go = shutil.which("go")
    assert go, f"the second verifier needs the Go compiler; {NEEDED}"
    assert (GOPATH / "src/golang.org/x/mod/sumdb/tlog").is_dir(), (
        f"the second verifier needs Go's sumdb packages; {NEEDED}"
    )
    program = folder / "verify_bundle"
    settings = {
        "GO111MODULE": "off",
        "GOPATH": str(GOPATH),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
        "GOTOOLCHAIN": "local",
        "CGO_ENABLED": "0",
    }
    command = [go, "build", "-o", str(program), str(SOURCE)]
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **settings}, check=False
    )
    assert done.returncode == 0, f"the second verifier does not compile:\n{done.stderr}"
    return GoVerifier(program)
