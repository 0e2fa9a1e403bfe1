"""Signed notes (C2SP signed-note): a text, an empty line, one line for each signature.

    example.com/foo              the text, which may hold empty lines itself
    the last line of the text
                                 the last empty line ends it
    — example.com/foo Uw2QOk…    U+2014, key name, base64(key id || signature)

A key is known by its name and id, id = SHA-256(name || 0x0A || algorithm || public key)[:4]. Lines
of unknown keys are set apart, never believed; one bad line of a known key condemns the note. What
is signed is the text with its last newline, byte for byte.

A public key is written `name+id+base64(algorithm || public key)` (a vkey), a private one
`PRIVATE+KEY+name+id+base64(algorithm || seed)`, as Go's `sumdb/note` writes them: the name and the
id travel with the key, so that a key file cannot be taken for another's.

What this file never does: believe a name, keep a key, know what a text says. Only Ed25519 (0x01)
here; witnesses sign in their own way (`cosign.py`). Read next: `checkpoint.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import ClassVar, Generic, NamedTuple, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from ledger.errors import BadData, Misuse
from ledger.seal.text import from_base64, read_text, to_base64

ED25519 = 0x01
KEY_BYTES = 32  # a public key, and a seed
MAX_NOTE_BYTES = 1 << 20
MAX_LINES = 100  # C2SP asks for at least 16; a post-quantum line is 5 kB
_MARK = "— "
_PRIVATE = "PRIVATE+KEY+"


class NoteError(BadData):
    """A text is not a signed note, or not signed as it must be. Nothing in it may be believed."""

    code = "note"


class Signature(NamedTuple):
    """One signature line: whose it says it is, and the signature without the key id."""

    name: str
    key_id: bytes
    signature: bytes

    @property
    def line(self) -> str:
        """The line as it stands in a note, newline included."""
        return f"{_MARK}{self.name} {to_base64(self.key_id + self.signature)}\n"


class Opened(NamedTuple):
    """A note of which at least one known key signed the text. Believe `verified` only."""

    text: str
    verified: tuple[Signature, ...]
    unverified: tuple[Signature, ...]


class PublicKey:
    """A named public key of one algorithm; what its signatures mean is the subclass's business."""

    algorithm: ClassVar[int]
    __slots__ = ("key_id", "name", "public")

    def __init__(self, name: str, public: bytes) -> None:
        if len(public) != KEY_BYTES:
            raise BadData("an Ed25519 public key is 32 bytes long")
        self.name, self.public = _valid_name(name), public
        self.key_id = _key_id(name, bytes([self.algorithm]) + public)

    @classmethod
    def parse(cls, vkey: str) -> Self:
        """The key that a vkey names. Raises BadData: another algorithm, a wrong id, any slip."""
        name, key_id, raw = _parse_key(vkey)
        if raw[0] != cls.algorithm:
            raise BadData("a key is of another algorithm than is asked for here")
        found = cls(name, raw[1:])
        if found.key_id != key_id:
            raise BadData("a key's id does not follow from its name and bytes")
        return found

    @property
    def vkey(self) -> str:
        """`name+id+base64(algorithm || public key)`, what verifiers pin."""
        return _format_key(self.name, self.key_id, self.algorithm, self.public)

    def named(self, name: str) -> Self:
        """The same key bytes under another name: another key id, never mistaken for this one."""
        return type(self)(name, self.public)

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether this key signed the text."""
        raise NotImplementedError

    def _verify_raw(self, message: bytes, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PublicKey):
            return NotImplemented
        return self.vkey == other.vkey

    def __hash__(self) -> int:
        return hash(self.vkey)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.vkey!r})"


Public = TypeVar("Public", bound=PublicKey)


class VerifyKey(PublicKey):
    """The public key of a log, or of its statements: Ed25519 over the text (0x01)."""

    algorithm = ED25519
    __slots__ = ()

    def verify(self, text: bytes, signature: bytes) -> bool:
        """Whether this key signed the text."""
        return self._verify_raw(text, signature)


class PrivateKey(Generic[Public]):
    """A named Ed25519 private key. It never shows its seed except by `to_bytes`."""

    public_type: type[Public]
    __slots__ = ("_private", "public")

    def __init__(self, name: str, seed: bytes) -> None:
        if len(seed) != KEY_BYTES:
            raise BadData("an Ed25519 seed is 32 bytes long")
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public: Public = self.public_type(name, self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, name: str) -> Self:
        """A fresh key from the operating system's generator."""
        return cls(name, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_bytes(cls, raw: bytes) -> Self:
        """Strict inverse of `to_bytes`. Raises BadData, without repeating any of it."""
        # Not decoded strictly: the error of Python's decoder carries the bytes it could not read.
        text = raw.decode("utf-8", "replace")
        if not text.startswith(_PRIVATE):
            raise BadData("a private key is not one that was written here")
        name, key_id, secret = _parse_key(text.removeprefix(_PRIVATE))
        if secret[0] != cls.public_type.algorithm:
            raise BadData("a private key is of another algorithm than is asked for here")
        found = cls(name, secret[1:])
        if found.public.key_id != key_id or found.to_bytes() != raw:
            raise BadData("a private key's id does not follow from its name and bytes")
        return found

    def to_bytes(self) -> bytes:
        """The secret, for a file of mode 0600: `PRIVATE+KEY+name+id+base64(algorithm || seed)`."""
        public, seed = self.public, self._private.private_bytes_raw()
        key = _format_key(public.name, public.key_id, public.algorithm, seed)
        return (_PRIVATE + key).encode("utf-8")

    @property
    def name(self) -> str:
        """The key's name; for a log, its origin."""
        return self.public.name

    @property
    def vkey(self) -> str:
        """The public half, as verifiers pin it."""
        return self.public.vkey

    def named(self, name: str) -> Self:
        """The same key under another name (a log's receipts and certificates)."""
        return type(self)(name, self._private.private_bytes_raw())

    def _sign_raw(self, message: bytes) -> bytes:
        return self._private.sign(message)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"


class SigningKey(PrivateKey[VerifyKey]):
    """The private key of a log, or of its statements. Deterministic: the same text, the same line.

    Crash recovery rests on that (RFC 8032): signing again what may have been signed is harmless.
    """

    public_type = VerifyKey
    __slots__ = ()

    def sign(self, text: bytes) -> bytes:
        """The 64-byte signature over the text."""
        return self._sign_raw(text)


def sign(text: str, *keys: SigningKey) -> bytes:
    """A note: the text, an empty line, one line for each key. Raises Misuse for an unfit text."""
    try:
        raw = text.encode("utf-8")
        read_text(raw)
    except (BadData, UnicodeEncodeError) as error:
        raise Misuse("a note's text is lines of Unicode without control characters") from error
    if not keys or len({(key.name, key.public.key_id) for key in keys}) != len(keys):
        raise Misuse("a note is signed by at least one key, each of them once")
    lines = [Signature(key.name, key.public.key_id, key.sign(raw)).line for key in keys]
    return add_lines(raw + b"\n", *lines)


def add_lines(note: bytes, *lines: str) -> bytes:
    """The note with more signature lines below those it has. Nothing above them changes."""
    longer = note + "".join(lines).encode("utf-8")
    _split(longer)
    return longer


def open_note(raw: bytes, keys: Iterable[PublicKey]) -> Opened:
    """The text of a note, once a known key is seen to have signed it.

    Raises NoteError: not a note (see the module), no line of a known key, or a bad line of one,
    even beside a good one. Raises Misuse where two of `keys` answer to a line's name and id.
    Repeated lines count once.
    """
    text, signatures = _split(raw)
    signed = text.encode("utf-8")
    known: dict[tuple[str, bytes], list[PublicKey]] = {}
    for key in keys:
        known.setdefault((key.name, key.key_id), []).append(key)
    verified, unverified = [], []
    for one in dict.fromkeys(signatures):
        matching = known.get((one.name, one.key_id), [])
        if len(matching) > 1:
            raise Misuse("two of the known keys have the same name and id")
        if not matching:
            unverified.append(one)
        elif matching[0].verify(signed, one.signature):
            verified.append(one)
        else:
            raise NoteError("a signature of a known key does not fit the text")
    if not verified:
        raise NoteError("no known key signed this note")
    return Opened(text, tuple(verified), tuple(unverified))


def _split(raw: bytes) -> tuple[str, Sequence[Signature]]:
    """The text and every signature line, well-formed or refused."""
    if len(raw) > MAX_NOTE_BYTES:
        raise NoteError("a note is larger than 1 MiB")
    try:
        whole = read_text(raw)
    except BadData as error:
        raise NoteError(f"not a signed note: {error}") from error
    above, empty_line, below = whole.rpartition("\n\n")
    lines = below.split("\n")[:-1]  # the last piece is what follows the last newline: nothing
    if not empty_line or not 1 <= len(lines) <= MAX_LINES:
        raise NoteError("a note ends in an empty line and 1 to 100 signature lines")
    return above + "\n", [_parse_line(line) for line in lines]


def _parse_line(line: str) -> Signature:
    name, space, encoded = line.removeprefix(_MARK).partition(" ")
    if not line.startswith(_MARK) or not space:
        raise NoteError("a signature line is not: em dash, key name, base64")
    try:
        raw = from_base64(encoded)
        _valid_name(name)
    except BadData as error:
        raise NoteError(f"a signature line is malformed: {error}") from error
    if len(raw) < 5:
        raise NoteError("a signature line has no signature behind the key id")
    return Signature(name, raw[:4], raw[4:])


def _valid_name(name: str) -> str:
    if not name or "+" in name or any(char.isspace() or char < " " for char in name):
        raise BadData("a key's name is not empty and has no space, plus or control character")
    if any("\ud800" <= char <= "\udfff" for char in name):
        raise BadData("a key's name is not Unicode text")
    return name


def _key_id(name: str, key: bytes) -> bytes:
    """The first four bytes of SHA-256(name || 0x0A || algorithm || public key)."""
    return sha256(name.encode("utf-8") + b"\n" + key).digest()[:4]


def _format_key(name: str, key_id: bytes, algorithm: int, key: bytes) -> str:
    return f"{name}+{key_id.hex()}+{to_base64(bytes([algorithm]) + key)}"


def _parse_key(text: str) -> tuple[str, bytes, bytes]:
    """Name, id, and algorithm || key, of the right length. The base64 may hold a plus itself."""
    name, _, rest = text.partition("+")
    written, _, encoded = rest.partition("+")
    key = from_base64(encoded)
    if len(key) != 1 + KEY_BYTES:
        raise BadData("a key is not one algorithm byte and 32 bytes")
    try:
        key_id = bytes.fromhex(written)
    except ValueError:
        key_id = b""
    if len(key_id) != 4 or key_id.hex() != written:
        raise BadData("a key's id is not 8 hexadecimal digits")
    return _valid_name(name), key_id, key
