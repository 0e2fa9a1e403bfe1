"""Columns that the map leaves out and that look personal: by their name, or by what is in them.

Only names leave this file, and only those that look like a name: where a file has no proper header,
a name in its place is somebody's value.
"""

from __future__ import annotations

import re

from ledger import pan
from ledger.audit.blocks import Source
from ledger.audit.report import Column
from ledger.importing.maps import ImportMap

_NAME = re.compile(r"[^\W\d][\w .()'/-]{0,39}")
_DIGITS = re.compile(r"\d{4}")
SHARE = 0.2  # of the non-empty cells of the sample

# What a column's name says, without case, accents or separators.
_BY_NAME: tuple[tuple[str, str], ...] = (
    ("security-code", r"cvv|cvc|cryptogr|securitycode"),
    ("track", r"(card|mag)?track[12]?(data)?$|piste[12]"),
    ("card", r"cardn|ccnum|creditcard|cartebancaire|numerodecarte|(^|card)pan$|carte$"),
    ("iban", r"iban|^rib$|bankaccount|comptebancaire"),
    ("email", r"e?mail|courriel"),
    ("phone", r"phone|^tel|mobile|portable|gsm|^fax"),
    ("ip", r"^ip$|ipaddr|adresseip|remoteaddr"),
    ("geolocation", r"^lat$|^lng$|^lon$|latitude|longitude|geoloc|gpscoord"),
    ("birth", r"birth|naissance|^dob$|^age$"),
    ("national-id", r"^nir$|secu$|ssn|nationalid|passport|passeport"),
    ("health", r"health|sante|allerg|handicap"),
    ("gender", r"gender|^sexe?$|civilite|^title$|salutation"),
    ("address", r"address|adresse|street|^rue|postcode|zip|codepostal|^cp$|^city$|ville|commune"),
    ("name", r"^(last|first|sur|full|nick|user|customer|client)?name$|^nom|prenom|lastname|pseudo"),
    ("free-text", r"comment|remarque|message|^notes?$|memo|observation|description"),
    ("social-network", r"facebook|twitter|instagram|linkedin|tiktok"),
    ("password", r"passw|motdepasse|^mdp$|pwd"),
)
_BY_CONTENT: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[^\s@]+@[^\s@]+\.[A-Za-z]{2,}")),
    ("iban", re.compile(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]){11,30}")),
    ("ip", re.compile(r"(?:\d{1,3}\.){3}\d{1,3}|(?:[0-9a-fA-F]{0,4}:){3,7}[0-9a-fA-F]{1,4}")),
    ("phone", re.compile(r"(?:\+|00)?33[ .-]?\(?0?\)?(?:[ .-]?\d){9}|0[1-9](?:[ .-]?\d{2}){4}")),
    ("national-id", re.compile(r"[12] ?\d{2} ?(?:0[1-9]|1[0-2]) ?\w{2} ?\d{3} ?\d{3} ?\d{0,2}")),
    ("geolocation", re.compile(r"-?\d{1,3}\.\d{4,}(?:[,; ]+-?\d{1,3}\.\d{4,})?")),
)
_PLAIN = str.maketrans("éèêëàâäîïôöùûüç", "eeeeaaaiioouuuc")


def undeclared(mapping: ImportMap, source: Source) -> list[Column]:
    """The columns that the map does not read and that look personal, in the file's order."""
    if mapping.format == "csv":
        names, first = source.header, 0
        read = set(mapping.columns)
    else:
        names, first, read = source.extra, 0, set()
    found = []
    for index, name in enumerate(names, start=first):
        if name in read:
            continue
        said = _by_name(name)
        seen = _by_content([row[index] for row in source.sample if index < len(row)])
        if said or seen:
            by = "both" if said and seen else "name" if said else "content"
            found.append(Column(_shown(name, index), seen or said or "", by))
    return found


def _by_name(name: str) -> str | None:
    plain = re.sub(r"[\W_]", "", name.lower().translate(_PLAIN))
    return next((what for what, form in _BY_NAME if re.search(form, plain)), None)


def _by_content(cells: list[str]) -> str | None:
    """What a fifth of the cells look like."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    enough = max(1, SHARE * len(filled))
    if sum(pan.problem(cell) == "pan-detected" for cell in filled) >= enough:
        return "card"
    for what, form in _BY_CONTENT:
        if sum(bool(form.fullmatch(cell)) for cell in filled) >= enough:
            return what
    return None


def _shown(name: str, index: int) -> str:
    """The name, if it looks like one; else its number."""
    fine = _NAME.fullmatch(name) and not _DIGITS.search(name)
    return name if fine else f"#{index + 1}"
