"""Where a keyring is: a file named by its path, or an HSM named by a `pkcs11:` URI (RFC 7512).

Nothing here touches a key. Read next: `ledger/store/keyring.py`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ledger.store.keyring import Keyring

Where = Path | str
"""A path, or the text of a `pkcs11:` URI."""


def where(text: str | Path) -> Where:
    """What a setting means: a URI stays text, anything else is a path."""
    return text if isinstance(text, str) and text.startswith("pkcs11:") else Path(text)


def load(place: Where) -> Keyring:
    """The keyring of an existing ledger. Raises Misuse if it is missing, Broken if damaged."""
    if isinstance(place, Path):
        from ledger.store.keyring import FileKeyring

        return FileKeyring.load(place)
    from ledger.store.hsm import HsmKeyring

    return HsmKeyring.load(place)


def create(place: Where, origin: str) -> Keyring:
    """A new keyring for the ledger of this origin. Raises Misuse if one is there."""
    if isinstance(place, Path):
        from ledger.store.keyring import FileKeyring

        return FileKeyring.create(place, origin)
    from ledger.store.hsm import HsmKeyring

    return HsmKeyring.create(place, origin)


def exists(place: Where) -> bool:
    """Whether a whole keyring is there. Raises Misuse for an HSM that cannot be reached."""
    if isinstance(place, Path):
        return place.exists()
    from ledger.store.hsm import HsmKeyring

    return HsmKeyring.exists(place)
