"""Tokens of SoftHSM for the tests: a real PKCS#11 module, its tokens in a temporary folder."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
)
PIN = "4711-probant"
TOKENS = 60  # more than one run of the tests uses


class SoftHsmMissing(Exception):
    """There is no SoftHSM here: `apt-get install softhsm2`."""


def module() -> str:
    """The library of SoftHSM 2."""
    for path in MODULES:
        if Path(path).exists():
            return path
    raise SoftHsmMissing("SoftHSM is missing; on Debian: apt-get install softhsm2")


@contextmanager
def tokens(folder: Path) -> Iterator[Callable[[], str]]:
    """Makes tokens below `folder`, for this process and its children. Yields a maker of URIs."""
    where = folder / "tokens"
    where.mkdir()
    configuration, pin = folder / "softhsm2.conf", folder / "pin"
    configuration.write_text(
        f"directories.tokendir = {where}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    pin.touch(0o600)
    pin.write_text(PIN + "\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(configuration)

    # All at once: SoftHSM looks for tokens when it is loaded, and never again.
    command = ["softhsm2-util", "--module", module(), "--init-token", "--free"]
    labels = [f"probant token {n}" for n in range(TOKENS)]
    for label in labels:
        said = [*command, "--label", label, "--pin", PIN, "--so-pin", PIN]
        subprocess.run(said, check=True, capture_output=True)

    def make() -> str:
        label = quote(labels.pop())
        return f"pkcs11:token={label}?module-path={module()}&pin-source=file:{pin}"

    try:
        yield make
    finally:
        if before is None:
            del os.environ["SOFTHSM2_CONF"]
        else:
            os.environ["SOFTHSM2_CONF"] = before
