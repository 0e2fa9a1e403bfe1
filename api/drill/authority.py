"""A time-stamping authority of the drill's own: OpenSSL, on this machine, for an hour.

A root, an intermediate, and a certificate that may only stamp, as real authorities have them. Its
tokens prove nothing to anybody outside of the drill, and its roots are pinned nowhere else.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from ledger.errors import Broken, Misuse

CONFIG = """
[tsa]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
certs = {folder}/middle.pem
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = no
tsa_name = no
ess_cert_id_chain = no
ess_cert_id_alg = sha256
[ca]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[stamping]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
"""


class Authority:
    """Answers requests; `asked` counts them."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        self.folder, self.asked = folder, 0
        self.roots = folder / "root.pem"
        (folder / "serial").write_text("01\n")
        (folder / "openssl.cnf").write_text(CONFIG.format(folder=folder))
        self._certify("root", "ca", None)
        self._certify("middle", "ca", "root")
        self._certify("tsa", "stamping", "middle")

    def answer(self, request: bytes) -> bytes:
        """The response of `openssl ts -reply`."""
        self.asked += 1
        asked, answered = self.folder / "asked.tsq", self.folder / "answered.tsr"
        asked.write_bytes(request)
        config: list[str | Path] = ["-config", self.folder / "openssl.cnf", "-section", "tsa"]
        openssl("ts", "-reply", *config, "-queryfile", asked, "-out", answered)
        return answered.read_bytes()

    def _certify(self, name: str, extensions: str, issuer: str | None) -> None:
        at = self.folder
        config: list[str | Path] = ["-extfile", at / "openssl.cnf"]
        key, wish = at / f"{name}.key", at / f"{name}.csr"
        curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        # The root's long name makes the intermediate the longer of the two certificates in a token:
        # OpenSSL sends the signer's first, and the library wants a DER set in order of size.
        subject = f"/O={'Trust ' * 9}/CN=Test root" if name == "root" else f"/CN=Test {name}"
        openssl("req", "-new", *curve, "-subj", subject, "-keyout", key, "-out", wish)
        signed: list[str | Path] = ["-signkey", key]
        if issuer:
            by = at / issuer
            signed = ["-CA", f"{by}.pem", "-CAkey", f"{by}.key", "-CAcreateserial"]
        made: list[str | Path] = ["-days", "30", "-out", at / f"{name}.pem"]
        openssl("x509", "-req", "-in", wish, *signed, *config, "-extensions", extensions, *made)


def openssl(*arguments: str | Path) -> str:
    """Run OpenSSL; what it printed. Raises Misuse where there is none, Broken when it says no."""
    program = shutil.which("openssl")
    if program is None:
        raise Misuse("openssl is not on this machine; install it to have time stamps")
    done = subprocess.run(  # noqa: S603
        [program, *map(str, arguments)], capture_output=True, check=False, text=True
    )
    if done.returncode:
        raise Broken(f"openssl {arguments[0]} failed")
    return done.stdout + done.stderr
