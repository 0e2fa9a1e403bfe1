"""Time stamps (RFC 3161): an authority says that a checkpoint existed, no later than then.

What is stamped are the exact bytes of `checkpoints/<size>`; one token covers every event before it.
The steps, each of which may be the last before a crash:

1. `ask` keeps the request (SHA-256, nonce, certReq) as `pending/<size>.tsq`, and gives the same one
   again until it is answered. A crash: it is sent once more.
2. The answer is verified against pinned roots, the nonce and the bytes, then kept as
   `tsa/<size>.tsr`, behind the certificates that somebody needs to check it. A crash before that:
   as if there had been no answer.
3. `record` writes `ledger.anchored` for every kept token that history does not name, on a stream
   that follows from the size: the same size is never anchored twice.

What this file never does: trust a certificate because it came with the token, or because its name
is right. Its keeper pins roots (`PROBANT_TSA_ROOTS`). Read next: `docs/evidence.md`.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)
from rfc3161_client._rust import parse_timestamp_request
from rfc3161_client.verify import SHA256_OID

from ledger.acting import act, act_of
from ledger.application import Ledger
from ledger.calendar import Instant, moment_of_instant, parse_instant
from ledger.entry import derived_id, to_base64
from ledger.errors import BadData, Broken, Misuse
from ledger.events import Anchored
from ledger.sealing.files import read_if_there, sync_folder, write_whole

TIMEOUT_SECONDS = 30
ANSWER_BYTES_MAX = 1 << 20

Send = Callable[[bytes], bytes]
"""Takes a request to an authority, returns its answer."""


class Token(NamedTuple):
    """What a verified token says: when, and by which certificate (a code of its digest)."""

    at: Instant
    tsa: str
    certificates: tuple[x509.Certificate, ...]


class Stamp(NamedTuple):
    """A size of the log that is anchored now, and the token that does it."""

    size: int
    at: Instant
    token: str  # base64url SHA-256 of the token file
    tsa: str


def stamp(ledger: Ledger, log: Path, roots: Path, send: Send) -> list[Stamp]:
    """Have the newest checkpoint dated, unless it is; what was anchored by this, oldest first."""
    size, _ = _newest(log)
    if not _token(log, size).exists():
        keep(log, roots, send(ask(log)))
    return record(ledger, log, roots)


def ask(log: Path) -> bytes:
    """The request for the newest checkpoint. Raises Misuse where there is none, or it is dated."""
    size, content = _newest(log)
    if _token(log, size).exists():
        raise Misuse(f"the checkpoint of size {size} is time-stamped already")
    pending = log / "pending" / f"{size}.tsq"
    raw = read_if_there(pending)
    if raw is None:
        builder = TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256)
        raw = builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()
        write_whole(pending, raw)
    return raw


def keep(log: Path, roots: Path, answer: bytes) -> int:
    """Verify an answer to a pending request, keep its token; the size it dates. Raises BadData."""
    nonce: int | None = _opened(answer).tst_info.nonce
    for pending in sorted((log / "pending").glob("*.tsq")):
        if nonce is not None and parse_timestamp_request(pending.read_bytes()).nonce == nonce:
            break
    else:
        raise BadData("the time stamp answers none of our requests")
    size = int(pending.stem)
    token = verify(answer, _checkpoint(log, size), _roots(roots))
    _add_certificates(log / "tsa" / "roots.pem", _roots(roots))
    _add_certificates(log / "tsa" / "chain.pem", token.certificates)
    write_whole(_token(log, size), answer)
    pending.unlink()
    sync_folder(pending.parent)
    return size


def record(ledger: Ledger, log: Path, roots: Path) -> list[Stamp]:
    """Write `ledger.anchored` for the kept tokens that have none yet, oldest first."""
    made = []
    with ledger.recorder.alone():
        streams = {size: _stream(ledger, size) for size in _sizes(log / "tsa", ".tsr")}
        told = ledger.recorder.tips(set(streams.values()))
        for size, stream in streams.items():
            if stream in told:
                continue
            raw = _token(log, size).read_bytes()
            at, tsa, _ = verify(raw, _checkpoint(log, size), _roots(roots))
            new = Stamp(size, at, to_base64(sha256(raw).digest()), tsa)
            fact = Anchored(
                occurred=moment_of_instant(ledger.clock.now()),
                actor="system",
                size=size,
                token=new.token,
                tsa=tsa,
            )
            act(ledger, [act_of(fact, stream)])
            made.append(new)
    return made


def verify(raw: bytes, data: bytes, roots: Iterable[x509.Certificate]) -> Token:
    """What a token says of `data`, checked at the token's own time against pinned roots only.

    Raises BadData: not granted, other bytes, another hash than SHA-256, a signer that no root
    vouches for, or a certificate that is not for time stamping.
    """
    answer = _opened(raw)
    builder = VerifierBuilder(roots=list(roots))
    try:
        info = answer.tst_info
        if info.message_imprint.hash_algorithm.dotted_string != SHA256_OID:
            raise BadData("a time stamp is over a digest that is not SHA-256")
        builder.build().verify_message(answer, data)
        signed = answer.signed_data
        found = [x509.load_der_x509_certificate(raw) for raw in sorted(signed.certificates)]
        (signer,) = signed.signer_infos
        who = next(
            one
            for one in found
            if (one.issuer, one.serial_number) == (signer.issuer, signer.serial_number)
        )
    except (ValueError, VerificationError, StopIteration) as error:
        raise BadData("a time stamp does not hold: other bytes, or no pinned root") from error
    digest = sha256(who.public_bytes(Encoding.DER)).hexdigest()
    return Token(parse_instant(info.gen_time.isoformat()), f"tsa-{digest[:16]}", tuple(found))


def sender(url: str) -> Send:
    """Sends requests to an authority over HTTP (RFC 3161 section 3.4). Raises Broken when away."""
    if not url.startswith(("https://", "http://")):
        raise Misuse("a time-stamping authority is reached by http:// or https://")

    def send(request: bytes) -> bytes:
        headers = {"Content-Type": "application/timestamp-query"}
        asked = urllib.request.Request(url, request, headers)  # noqa: S310
        try:
            with urllib.request.urlopen(asked, timeout=TIMEOUT_SECONDS) as answer:  # noqa: S310
                raw: bytes = answer.read(ANSWER_BYTES_MAX)
        except (OSError, ValueError, http.client.HTTPException):
            # Without the cause: it may hold the URL, and the password in it.
            raise Broken("the time-stamping authority does not answer; try again later") from None
        return raw

    return send


def _opened(raw: bytes) -> TimeStampResponse:
    try:
        answer = decode_timestamp_response(raw)
        if answer.status != 0:
            raise BadData("the time-stamping authority refused")
        answer.tst_info  # noqa: B018  a token must be there
    except ValueError as error:
        raise BadData("an answer is no time stamp") from error
    return answer


def _stream(ledger: Ledger, size: int) -> UUID:
    return derived_id(f"probant/anchored\x00{ledger.keyring.origin}\x00{size}".encode())


def _newest(log: Path) -> tuple[int, bytes]:
    sizes = _sizes(log / "checkpoints", "")
    if not sizes:
        raise Misuse("nothing is sealed yet; run `probant seal` first")
    return sizes[-1], _checkpoint(log, sizes[-1])


def _sizes(folder: Path, ending: str) -> list[int]:
    """The sizes that files of a folder are named after, ascending."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    found = [name.removesuffix(ending) for name in names if name.endswith(ending)]
    return sorted(int(name) for name in found if name.isascii() and name.isdigit())


def _checkpoint(log: Path, size: int) -> bytes:
    raw = read_if_there(log / "checkpoints" / str(size))
    if raw is None:
        raise BadData(f"the checkpoint of size {size} is missing from the log's folder")
    return raw


def _token(log: Path, size: int) -> Path:
    return log / "tsa" / f"{size}.tsr"


def _roots(path: Path) -> list[x509.Certificate]:
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        raise Misuse("PROBANT_TSA_ROOTS must name a file of certificates (PEM)") from None
    return list(dict.fromkeys(found))


def _add_certificates(path: Path, more: Iterable[x509.Certificate]) -> None:
    """Those of earlier tokens stay: each token is checked with what it was made under."""
    raw = read_if_there(path)
    known = [] if raw is None else x509.load_pem_x509_certificates(raw)
    every = dict.fromkeys([*known, *more])
    write_whole(path, b"".join(one.public_bytes(Encoding.PEM) for one in every))
