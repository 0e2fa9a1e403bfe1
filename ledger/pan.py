"""Card numbers, security codes and magnetic tracks, found in any text. Pure, and fast on the rest.

What is taken for a card number: 13 to 19 digits, up to three characters that are neither letter
nor digit between any two of them, that pass Luhn's check *and* have the prefix and the length of a
brand (SS-PAY-1). It may stand inside a longer text, but not glued to more digits: it begins and
ends where a group of digits does. Luhn alone would refuse every SIRET and one order number in ten.

Some fields are declared as another number (`FORMS`): a value that is valid as such is not taken for
a card, whatever its digits. In running text only a SIRET that is called one, and an IBAN whose
check holds, are let through; any other number that looks like a card is refused as one.

What this file never does: keep, return or name a value. Read next: `ledger/aggregates/door.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

Problem = Literal["pan-detected", "cvv-detected", "track-data-detected"]

SEPARATORS = r"[\W_]{0,3}"  # between two digits of one number
FEWEST, MOST = 13, 19
FEWEST_CODE = 3  # digits of a security code

# First digits (from, to) and lengths, by brand, as the networks publish them. Cartes Bancaires are
# co-badged and carry Visa's or Mastercard's digits.
_BRANDS: tuple[tuple[str, str, str, tuple[int, ...]], ...] = (
    ("visa", "4", "4", (13, 16, 19)),
    ("mastercard", "51", "55", (16,)),
    ("mastercard", "2221", "2720", (16,)),
    ("amex", "34", "34", (15,)),
    ("amex", "37", "37", (15,)),
    ("diners", "300", "305", (14, 16, 17, 18, 19)),
    ("diners", "3095", "3095", (14, 16, 17, 18, 19)),
    ("diners", "36", "36", (14, 15, 16, 17, 18, 19)),
    ("diners", "38", "39", (14, 16, 17, 18, 19)),
    ("discover", "6011", "6011", (16, 17, 18, 19)),
    ("discover", "644", "649", (16, 17, 18, 19)),
    ("discover", "65", "65", (16, 17, 18, 19)),
    ("jcb", "3528", "3589", (16, 17, 18, 19)),
    ("jcb", "1800", "1800", (15,)),
    ("jcb", "2131", "2131", (15,)),
    ("unionpay", "62", "62", (16, 17, 18, 19)),
    ("unionpay", "8100", "8171", (16, 17, 18, 19)),
    ("maestro", "50", "50", (13, 14, 15, 16, 17, 18, 19)),
    ("maestro", "56", "58", (13, 14, 15, 16, 17, 18, 19)),
    ("maestro", "63", "63", (13, 14, 15, 16, 17, 18, 19)),
    ("maestro", "67", "67", (13, 14, 15, 16, 17, 18, 19)),
    ("mir", "2200", "2204", (16, 17, 18, 19)),
    ("borica", "2205", "2205", (16,)),
    ("rupay", "60", "60", (16,)),
    ("rupay", "81", "82", (16,)),
    ("rupay", "353", "353", (16,)),
    ("rupay", "356", "356", (16,)),
    ("uzcard", "8600", "8600", (16,)),
    ("napas", "9704", "9704", (16, 19)),
    ("troy", "9792", "9792", (16,)),
    ("humo", "9860", "9860", (16,)),
)
BRANDS = tuple(dict.fromkeys(brand for brand, *_ in _BRANDS))

_NOT_DIGITS = bytes(set(range(256)) - set(b"0123456789"))
_DIGIT = re.compile(r"\d")
_GROUP = re.compile(r"\d+")
_RUN = re.compile(rf"\d(?:{SEPARATORS}\d){{{FEWEST - 1},}}")
_TWICE = str.maketrans("0123456789", "0246813579")  # a digit doubled, its own digits added

_CODE_WORD = (
    r"(?:c[. -]?v[. -]?[vcn]2?|cav2"
    r"|cryptogr?amme?(?:\s+visuel)?|code\s+de\s+s[ée]curit[ée]|num[ée]ro\s+de\s+contr[ôo]le"
    r"|security\s+code|card\s+(?:verification|validation)(?:\s+(?:code|value|number))?)"
)
_CODE_DIGITS = r"(?<!\d)\d(?:\s?\d){2,3}(?!\d)"
_CODE = re.compile(
    rf"(?<![a-zà-ÿ]){_CODE_WORD}(?![a-zà-ÿ])[^\d\n]{{0,16}}{_CODE_DIGITS}"
    rf"|{_CODE_DIGITS}[^\d\n]{{0,6}}(?<![a-zà-ÿ]){_CODE_WORD}(?![a-zà-ÿ])",
    re.IGNORECASE,
)
_TRACK_1 = re.compile(r"%?\s?b\s?\d[\d ]{11,22}\^[^\^\n]{2,26}\^\d{4}", re.IGNORECASE)
_TRACK_2 = re.compile(r";\s?\d{12,19}\s?=\s?\d{4}")
_TRACK_2_BARE = re.compile(r"(?<!\d)(\d{13,19})[=D]\d{7,}")

# Without a look-around, for engines that have none, and a few characters too much: it is found in
# whatever `problem` finds something in, and in the JSON of it. A backslash may hide a separator.
MAY_HOLD = (
    rf"\d(?:{SEPARATORS}\d){{{FEWEST - 1}}}|\\|\^[^\^\n]{{2,26}}\^\d{{4}}"
    rf"|(?i:{_CODE_WORD}[^\d\n]{{0,16}}\d(?:\s?\d){{2}}|\d(?:\s?\d){{2}}[^\d\n]{{0,6}}{_CODE_WORD})"
)

_CODE_NAME = re.compile(
    r"(?:card|carte|cb|code)?(?:cvv2?|cvc2?|cvn2?|csc|cav2|cryptogramme(?:visuel)?"
    r"|codedesecurite|securitycode|cardverification(?:code|value|number)?)(?:code|value)?"
)
_TRACK_NAME = re.compile(r"(?:card|carte|mag|magnetic)?(?:track|piste)(?:[123]|data)*")

_CALLED_SIRET = re.compile(r"\bsiret\b\D{0,12}$", re.IGNORECASE)
# Lengths of the IBANs met in France; others are judged by their digits.
_IBAN_LENGTHS = {
    **dict.fromkeys(("FR", "MC", "IT"), 27),
    **dict.fromkeys(("DE", "GB", "IE"), 22),
    **dict.fromkeys(("BE",), 16),
    **dict.fromkeys(("ES",), 24),
    **dict.fromkeys(("LU", "AT"), 20),
    **dict.fromkeys(("NL",), 18),
    **dict.fromkeys(("CH",), 21),
    **dict.fromkeys(("PT",), 25),
    **dict.fromkeys(("PL",), 28),
}
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]){11,30}\b")
_PRINTED = re.compile(r"(?:\d{4}\D){3}\d{1,7}(?:\D\d{1,3})?|\d{4}\D\d{6}\D\d{4,5}")
_ORDER_REF = re.compile(r"[A-Za-z0-9#][A-Za-z0-9_./#-]{0,63}", re.ASCII)
_PSP_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:/-]{0,254}", re.ASCII)


class Span(NamedTuple):
    """Where in a text a card number stands."""

    start: int
    end: int


def problem(text: str) -> Problem | None:
    """The worst thing this text holds, or None. Never says which digits."""
    if text.isascii():
        count = len(text.encode("ascii").translate(None, _NOT_DIGITS))
    else:
        count = len(_DIGIT.findall(text))
    if count < FEWEST_CODE:
        return None
    if count >= FEWEST:
        if _holds_track(text):
            return "track-data-detected"
        if next(card_numbers(text), None) is not None:
            return "pan-detected"
    return "cvv-detected" if _may_name_a_code(text.lower()) and _CODE.search(text) else None


def problem_of_name(name: str) -> Problem | None:
    """What a field of this name would hold, whatever its value ('CVV2', 'card_track')."""
    plain = re.sub(r"[\W_]", "", name.lower().replace("é", "e"))
    if _CODE_NAME.fullmatch(plain):
        return "cvv-detected"
    return "track-data-detected" if _TRACK_NAME.fullmatch(plain) else None


def card_numbers(text: str) -> Iterator[Span]:
    """Each card number of a text, from the left, overlapping ones once."""
    for run in _RUN.finditer(text):
        groups = [(m.start(), m.end(), _plain(m.group())) for m in _GROUP.finditer(run.group())]
        past = 0
        for first, (start, _, _) in enumerate(groups):
            if start < past:
                continue
            digits = ""
            for _, end, group in groups[first:]:
                digits += group
                if len(digits) > MOST:
                    break
                if len(digits) >= FEWEST and is_card(digits):
                    found = Span(run.start() + start, run.start() + end)
                    if not _is_another_number(text, found, digits):
                        yield found
                        past = end
                        break


def is_card(digits: str) -> bool:
    """Whether these ASCII digits alone are a card number: Luhn, and a brand of that length."""
    return luhn(digits) and brand_of(digits) is not None


def brand_of(digits: str) -> str | None:
    """The brand whose prefix and length these digits have, or None."""
    size = len(digits)
    for brand, low, high, lengths in _BRANDS:
        if size in lengths and low <= digits[: len(low)] <= high:
            return brand
    return None


def luhn(digits: str) -> bool:
    """Whether the last of these ASCII digits is the check digit of the others (ISO/IEC 7812-1)."""
    kept, doubled = digits[-1::-2], digits[-2::-2].translate(_TWICE)
    return (sum(map(int, kept)) + sum(map(int, doubled))) % 10 == 0


# --- numbers declared as something else ---------------------------------------------------------


def is_siren(text: str) -> bool:
    """Nine digits that pass Luhn."""
    digits = _compact(text)
    return len(digits) == 9 and digits.isdigit() and luhn(digits)


def is_siret(text: str) -> bool:
    """Fourteen digits, Luhn over all and over the SIREN they begin with; La Poste's own
    establishments are checked by the plain sum of their digits instead."""
    digits = _compact(text)
    if len(digits) != 14 or not digits.isdigit() or not luhn(digits[:9]):
        return False
    la_poste = digits.startswith("356000000") and sum(map(int, digits)) % 5 == 0
    return la_poste or luhn(digits)


def is_ean(text: str) -> bool:
    """EAN-13 or EAN-8: glued digits, the last one the check digit (GS1)."""
    if len(text) not in (8, 13) or not (text.isascii() and text.isdigit()):
        return False
    return (sum(map(int, text[-1::-2])) + 3 * sum(map(int, text[-2::-2]))) % 10 == 0


def is_order_ref(text: str) -> bool:
    """One word of 64 characters at most, and not written in groups as on a card."""
    return bool(_ORDER_REF.fullmatch(text)) and not _PRINTED.fullmatch(text)


def is_psp_id(text: str) -> bool:
    """One word of 255 characters at most, and not written in groups as on a card."""
    return bool(_PSP_ID.fullmatch(text)) and not _PRINTED.fullmatch(text)


FORMS: dict[str, Callable[[str], bool]] = {
    "siren": is_siren,
    "siret": is_siret,
    "ean": is_ean,
    "order_ref": is_order_ref,
    "order": is_order_ref,
    "psp_id": is_psp_id,
}
CHECKED = ("siren", "siret", "ean")  # they carry a check digit: what fails it is a mistake


# --- helpers ------------------------------------------------------------------------------------


def _plain(digits: str) -> str:
    return digits if digits.isascii() else "".join(str(int(digit)) for digit in digits)


def _compact(text: str) -> str:
    """Without the spaces and dots that people put into a SIRET; '' for anything but ASCII."""
    compact = re.sub(r"[\s.]", "", text)
    return compact if compact.isascii() else ""


def _may_name_a_code(low: str) -> bool:
    """A quick look that lets most texts go; written out because it is asked of every field."""
    return (
        "cv" in low
        or "crypt" in low
        or "curit" in low
        or "c.v" in low
        or "c v" in low
        or "c-v" in low
        or "card v" in low
        or "cav" in low
        or "contr" in low
    )


def _holds_track(text: str) -> bool:
    if "^" in text and _TRACK_1.search(text):
        return True
    if "=" in text and _TRACK_2.search(text):
        return True
    bare = _TRACK_2_BARE.search(text) if "=" in text or "D" in text else None
    return bare is not None and is_card(_plain(bare.group(1)))


def _is_another_number(text: str, found: Span, digits: str) -> bool:
    """A SIRET that the text calls one, or part of an IBAN whose check holds."""
    before = text[max(0, found.start - 24) : found.start]
    if _CALLED_SIRET.search(before) and is_siret(digits):
        return True
    return any(
        m.start() <= found.start and found.end <= m.end() and _is_iban(m.group())
        for m in _IBAN.finditer(text)
    )


def _is_iban(text: str) -> bool:
    compact = text.replace(" ", "")
    if _IBAN_LENGTHS.get(compact[:2]) != len(compact):
        return False
    turned = compact[4:] + compact[:4]
    return int("".join(str(int(c, 36)) for c in turned)) % 97 == 1
