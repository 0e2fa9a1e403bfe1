"""Where a ledger lives: every setting, its option, its environment variable and its default.

An option of the command line wins over the environment, the environment over the default. The page
`docs/settings.md` lists the same; a test compares them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, NamedTuple, cast, get_args
from urllib.parse import urlsplit

from api.access import HELD, RETURN, Client, Trusted
from ledger.errors import Misuse
from ledger.store.keyrings import Where, where

Language = Literal["fr", "en"]
LANGUAGES: tuple[str, ...] = get_args(Language)
HORIZON, HORIZON_MAX = 35, 3650  # days
LOG_FORMATS = ("text", "json")
# Scheme and host: `*` is no origin here, for a preference centre has an address.
ORIGIN = re.compile(r"https?://([a-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?")
DAYS, DAYS_MAX = 7, 365


class Setting(NamedTuple):
    """One setting as people meet it."""

    variable: str
    option: str
    default: str
    meaning: str


SETTINGS = (
    Setting(
        "PROBANT_HOME",
        "--home",
        "probant-data",
        "The folder of the keyring, of the API keys and, on SQLite, of the ledger.",
    ),
    Setting(
        "PROBANT_URL",
        "--url",
        "sqlite:///HOME/ledger.sqlite",
        "The database: sqlite:///FILE or postgresql+psycopg2://… (one schema is one ledger).",
    ),
    Setting(
        "PROBANT_KEYRING",
        "--keyring",
        "HOME/keyring.json",
        "The keys above the keys: a file, kept apart from the database and its backups, "
        "or a pkcs11: URI (docs/keys.md).",
    ),
    Setting(
        "PROBANT_PIN",
        "–",
        "none",
        "The PIN of the HSM, when the pkcs11: URI names no pin-source.",
    ),
    Setting(
        "PROBANT_HORIZON",
        "–",
        "35",
        "Days for which backups are kept: a retired key-encryption key is destroyed after them.",
    ),
    Setting(
        "PROBANT_PASSPHRASE",
        "--passphrase-file",
        "none",
        "The passphrase of the archive key, for `archive init` and `opener serve` only; "
        "the option names a file that holds it.",
    ),
    Setting(
        "PROBANT_SIGNER",
        "–",
        "HOME/signer/socket",
        "The socket on which the signer answers; run it under an account of its own.",
    ),
    Setting(
        "PROBANT_LOG",
        "–",
        "HOME/log",
        "The folder of the sealed log: plain files, to be copied elsewhere.",
    ),
    Setting(
        "PROBANT_TSA",
        "–",
        "none",
        "The URL of the time-stamping authority (RFC 3161) that `probant log stamp` asks.",
    ),
    Setting(
        "PROBANT_TSA_ROOTS",
        "–",
        "none",
        "A PEM file of the root certificates that time stamps are checked against.",
    ),
    Setting(
        "PROBANT_OIDC_ISSUER",
        "–",
        "none",
        "The identity provider whose tokens staff may show instead of an API key (docs/access.md).",
    ),
    Setting(
        "PROBANT_OIDC_AUDIENCE",
        "–",
        "none",
        "The audience that those tokens must name; required with an issuer.",
    ),
    Setting(
        "PROBANT_OIDC_CLAIM",
        "–",
        "roles",
        "The claim that holds their roles; dots lead inside, as in realm_access.roles.",
    ),
    Setting(
        "PROBANT_OIDC_ROLES",
        "–",
        "our own names",
        "What the values of the claim mean here: support=agent,privacy-office=dpo.",
    ),
    Setting(
        "PROBANT_OIDC_CLIENT",
        "–",
        "none",
        "The client id of this server there: staff then sign in on the pages with their company's "
        "account (docs/pages.md).",
    ),
    Setting(
        "PROBANT_OIDC_SECRET",
        "–",
        "none",
        "The secret of that client, where it has one; PKCE is used either way.",
    ),
    Setting(
        "PROBANT_OIDC_REDIRECT",
        "–",
        "none",
        "The one address that it leads back to: https://HOST/console/sign-in/return; required with "
        "a client.",
    ),
    Setting(
        "PROBANT_OIDC_SCOPE",
        "–",
        "openid",
        "What is asked for there, in words with blanks between: the first is openid.",
    ),
    Setting(
        "PROBANT_CORS_ORIGINS",
        "–",
        "none",
        "The origins of your preference centre, with commas: their scripts may ask what one person "
        "may, with her token.",
    ),
    Setting(
        "PROBANT_THEME",
        "–",
        "none",
        "A file of CSS variables (`--accent: #104060;`) for the pages of a person, which your own "
        "site shows in a frame.",
    ),
    Setting(
        "PROBANT_LOG_FORMAT",
        "–",
        "text",
        "How `serve` writes its log to standard error: text, or json (an object a line).",
    ),
    Setting(
        "PROBANT_ACKNOWLEDGE_DAYS",
        "–",
        "7",
        "Days that an outside system has to acknowledge what it was told; then it is overdue.",
    ),
    Setting(
        "PROBANT_WEBHOOKS_PRIVATE",
        "–",
        "no",
        "yes: webhooks may call addresses of private networks (docs/webhooks.md).",
    ),
    Setting(
        "PROBANT_LANG",
        "--lang",
        "en when LANG begins with en, else fr",
        "The language of what is said to people: fr or en. JSON keys never change.",
    ),
)


class Settings(NamedTuple):
    """The settings of one run, every default filled in."""

    home: Path
    url: str
    keyring: Where
    horizon: int  # days
    lang: Language
    signer: Path  # the socket
    log: Path
    tsa: str | None
    tsa_roots: Path | None
    oidc: Trusted | None
    origins: tuple[str, ...]  # of the preference centre
    theme: Path | None
    log_format: str
    acknowledge_days: int
    webhooks_private: bool  # whether webhooks may call private networks

    @property
    def sqlite_file(self) -> Path | None:
        """The file of a SQLite ledger; None on PostgreSQL."""
        prefix, _, path = self.url.partition(":///")
        named = prefix.partition("+")[0] == "sqlite" and path.partition("?")[0]
        return Path(named) if named else None

    @property
    def database(self) -> str:
        """The kind of database, for people: the URL itself may hold a password."""
        return "sqlite" if self.url.startswith("sqlite") else "postgresql"

    @property
    def journal(self) -> Path:
        """The folder of the erasure journal: never part of a backup of the database."""
        return self.home / "journal"

    @property
    def certificates(self) -> Path:
        """The folder of the certificates of erasure."""
        return self.home / "certificates"

    @property
    def archive_recipient(self) -> Path:
        """The file of the public key that archived data keys are wrapped for."""
        return self.home / "archive.pub"

    @property
    def checked(self) -> Path:
        """The note of the last `verify`, for the first screen: it proves nothing."""
        return self.home / "verified.json"

    @property
    def opener(self) -> Path:
        """The folder of the opener: its key, rules, memory and socket."""
        return self.home / "opener"

    @property
    def courier_lock(self) -> Path:
        """The file that keeps it to one courier a machine."""
        return self.home / "webhooks.lock"

    @property
    def signer_home(self) -> Path:
        """The folder of the signer's key and memory."""
        return self.home / "signer"

    @property
    def api_keys(self) -> Path:
        """The file of the API keys: hashes only."""
        return self.home / "api-keys.json"


def settle(
    environment: Mapping[str, str],
    *,
    home: str | None = None,
    url: str | None = None,
    keyring: str | None = None,
    lang: str | None = None,
) -> Settings:
    """The settings of this run. Raises Misuse for a ledger in memory or a senseless value."""
    folder = Path(home or environment.get("PROBANT_HOME") or "probant-data")
    url_of = url or environment.get("PROBANT_URL") or f"sqlite:///{folder / 'ledger.sqlite'}"
    keys = keyring or environment.get("PROBANT_KEYRING") or folder / "keyring.json"
    settings = Settings(
        folder,
        url_of,
        where(keys),
        _days(environment, "PROBANT_HORIZON", HORIZON, HORIZON_MAX),
        _language(environment, lang),
        Path(environment.get("PROBANT_SIGNER") or folder / "signer" / "socket"),
        Path(environment.get("PROBANT_LOG") or folder / "log"),
        environment.get("PROBANT_TSA") or None,
        Path(environment["PROBANT_TSA_ROOTS"]) if environment.get("PROBANT_TSA_ROOTS") else None,
        _oidc(environment),
        _origins(environment),
        Path(environment["PROBANT_THEME"]) if environment.get("PROBANT_THEME") else None,
        _log_format(environment),
        _days(environment, "PROBANT_ACKNOWLEDGE_DAYS", DAYS, DAYS_MAX),
        _yes(environment, "PROBANT_WEBHOOKS_PRIVATE"),
    )
    if settings.database == "sqlite":
        file = settings.sqlite_file
        if file is None or ":memory:" in str(file):
            raise Misuse("a ledger in memory would be gone at the end of this command: name a file")
    return settings


def _days(environment: Mapping[str, str], name: str, default: int, most: int) -> int:
    said = environment.get(name) or str(default)
    if not (said.isascii() and said.isdigit() and int(said) <= most):
        raise Misuse(f"{name} must be a number of days, at most {most}")
    return int(said)


def _oidc(environment: Mapping[str, str]) -> Trusted | None:
    issuer = environment.get("PROBANT_OIDC_ISSUER")
    if not issuer:
        return None
    audience = environment.get("PROBANT_OIDC_AUDIENCE")
    if not audience:
        raise Misuse("PROBANT_OIDC_ISSUER needs PROBANT_OIDC_AUDIENCE beside it")
    claim = environment.get("PROBANT_OIDC_CLAIM") or "roles"
    said = environment.get("PROBANT_OIDC_ROLES")
    mapping = _mapping(said) if said else None
    return Trusted(issuer, audience, claim, mapping, _client(environment))


def _client(environment: Mapping[str, str]) -> Client | None:
    id, redirect = (
        environment.get(f"PROBANT_OIDC_{name}") or None for name in ("CLIENT", "REDIRECT")
    )
    if id is None:
        return None
    parts = urlsplit(redirect or "")
    if parts.path != RETURN or parts.query or parts.fragment:
        raise Misuse(
            f"PROBANT_OIDC_CLIENT needs PROBANT_OIDC_REDIRECT beside it: https://HOST{RETURN}"
        )
    scope = environment.get("PROBANT_OIDC_SCOPE") or "openid"
    if scope.split()[:1] != ["openid"]:
        raise Misuse("PROBANT_OIDC_SCOPE must begin with openid")
    return Client(id, environment.get("PROBANT_OIDC_SECRET") or None, redirect or "", scope)


def _origins(environment: Mapping[str, str]) -> tuple[str, ...]:
    said = environment.get("PROBANT_CORS_ORIGINS") or ""
    named = tuple(one.strip() for one in said.split(",") if one.strip())
    if not all(ORIGIN.fullmatch(one) for one in named):
        raise Misuse(
            "PROBANT_CORS_ORIGINS must be origins with commas between them, in small letters and"
            " without a path: https://choices.example.org"
        )
    return named


def _log_format(environment: Mapping[str, str]) -> str:
    said = environment.get("PROBANT_LOG_FORMAT") or LOG_FORMATS[0]
    if said not in LOG_FORMATS:
        raise Misuse(f"PROBANT_LOG_FORMAT must be one of: {', '.join(LOG_FORMATS)}")
    return said


def _mapping(said: str) -> dict[str, str]:
    pairs = [pair.strip().partition("=") for pair in said.split(",")]
    if not all(name and role in HELD for name, _, role in pairs):
        raise Misuse(f"PROBANT_OIDC_ROLES must be NAME=ROLE,…; roles: {', '.join(sorted(HELD))}")
    return {name: role for name, _, role in pairs}


def _yes(environment: Mapping[str, str], name: str) -> bool:
    said = environment.get(name) or "no"
    if said not in ("yes", "no"):
        raise Misuse(f"{name} must be yes or no")
    return said == "yes"


def language_of(environment: Mapping[str, str], lang: str | None) -> Language:
    """The language of a failure, before there are settings: a choice that is none counts for
    nothing."""
    chosen = lang if lang in LANGUAGES else environment.get("PROBANT_LANG")
    return _language({**environment, "PROBANT_LANG": chosen if chosen in LANGUAGES else ""}, None)


def _language(environment: Mapping[str, str], lang: str | None) -> Language:
    chosen = lang or environment.get("PROBANT_LANG")
    if not chosen:
        spoken = environment.get("LC_ALL") or environment.get("LANG") or ""
        return "en" if spoken.lower().startswith("en") else "fr"
    if chosen not in LANGUAGES:
        raise Misuse("the language must be fr or en")
    return cast(Language, chosen)
