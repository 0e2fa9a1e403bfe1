"""A time-stamping authority of our own for tests: OpenSSL behind a small HTTP server.

A root, an intermediate, and a certificate that may only stamp, as real authorities have them.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

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


@contextmanager
def listening(authority: Authority) -> Iterator[str]:
    """The authority behind HTTP on the loopback interface; its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            right = self.headers["Content-Type"] == "application/timestamp-query"
            self.send_response(200 if right else 415)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(authority.answer(request) if right else b"")

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/tsa"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def openssl(*arguments: str | Path) -> str:
    """Run OpenSSL; what it printed. Raises CalledProcessError when it says no."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    return done.stdout + done.stderr
