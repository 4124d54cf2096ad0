"""What a card number looks like: the one copy of these rules, by which Stoa keeps card numbers out.

Everything but the sandbox's tokenizer uses them to refuse or hide a number; nothing stores or forwards one.
"""

import re
import unicodedata
from enum import StrEnum

from domain.shared.errors import ValidationError

LENGTHS = range(13, 20)
"""How many digits a card number has."""

_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
# No card network issues numbers that begin otherwise, while timestamps in milliseconds begin with 1.
_BEGINNINGS = ("2", "3", "4", "5", "6", "81")
# Groups of digits with single spaces or dashes between, standing free of letters (a UUID is none).
_DIGIT_GROUPS = re.compile("(?<![0-9A-Za-z])[0-9]+(?:[ -][0-9]+)*(?![0-9A-Za-z])")
_SIGNS = re.compile(r"[\W_]+")
_DIGITS = re.compile("[0-9]+")


class CardNumberMisplaced(ValidationError):
    """A card number stands where none may; it is never repeated."""

    code = "card_number_misplaced"
    summary = "A card number does not belong here; it goes to the payment provider and nowhere else."


class CardBrand(StrEnum):
    """Whose network a card belongs to."""

    VISA = "visa"
    MASTERCARD = "mastercard"
    AMEX = "amex"
    DISCOVER = "discover"
    DINERS = "diners"
    JCB = "jcb"
    UNIONPAY = "unionpay"
    MAESTRO = "maestro"


# First digits from, to, and how many digits there are. The first match wins: Maestro takes what the others leave.
_RANGES: tuple[tuple[CardBrand, str, str, range], ...] = (
    (CardBrand.VISA, "4", "4", range(13, 20, 3)),
    (CardBrand.MASTERCARD, "51", "55", range(16, 17)),
    (CardBrand.MASTERCARD, "2221", "2720", range(16, 17)),
    (CardBrand.AMEX, "34", "34", range(15, 16)),
    (CardBrand.AMEX, "37", "37", range(15, 16)),
    (CardBrand.DINERS, "300", "305", range(14, 20)),
    (CardBrand.DINERS, "36", "36", range(14, 20)),
    (CardBrand.DINERS, "38", "39", range(14, 20)),
    (CardBrand.JCB, "3528", "3589", range(16, 20)),
    (CardBrand.DISCOVER, "6011", "6011", range(16, 20)),
    (CardBrand.DISCOVER, "644", "659", range(16, 20)),
    (CardBrand.UNIONPAY, "62", "62", range(16, 20)),
    (CardBrand.UNIONPAY, "81", "81", range(16, 20)),
    (CardBrand.MAESTRO, "50", "50", range(13, 20)),
    (CardBrand.MAESTRO, "56", "69", range(13, 20)),
)


def luhn_holds(digits: str) -> bool:
    """Say whether the last digit is the check digit of the others (ISO/IEC 7812-1)."""
    odd, even = digits[-1::-2], digits[-2::-2]
    return (sum(map(int, odd)) + sum(_DOUBLED[int(digit)] for digit in even)) % 10 == 0


def brand_of(digits: str) -> CardBrand | None:
    """Return the network of a number by its first digits and its length, or None when no network has it."""
    for brand, low, high, lengths in _RANGES:
        if len(digits) in lengths and low <= digits[: len(low)] <= high:
            return brand
    return None


def could_be_card_number(digits: str) -> bool:
    """Say whether a run of digits is to be kept out: wider than ``brand_of``, for networks come and go."""
    return len(digits) in LENGTHS and digits.startswith(_BEGINNINGS) and luhn_holds(digits)


def looks_like_card_number(text: str) -> bool:
    """Say whether 13 to 19 digits somewhere in the text, plain or grouped, could be a card number."""
    for groups in _DIGIT_GROUPS.findall(unicodedata.normalize("NFKC", text)):
        parts = re.split("[ -]", groups)
        for start in range(len(parts)):
            digits = ""
            for part in parts[start:]:
                digits += part
                if could_be_card_number(digits):
                    return True
                if len(digits) >= LENGTHS.stop:
                    break
    return False


def holds_card_number(text: str) -> bool:
    """Say it of short texts that no digits belong in, such as names: strictly, whatever stands around the digits.

    In longer text and in identifiers this would suspect too much; there it is ``looks_like_card_number``.
    """
    normal = unicodedata.normalize("NFKC", text)
    plain = "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in normal)
    return any(map(looks_like_card_number, [plain, _SIGNS.sub(" ", plain), *_DIGITS.findall(plain)]))


def refuse_card_number(text: str, path: str) -> None:
    """Keep a card number out of the field ``path``.

    Raises:
        CardNumberMisplaced: the text holds one.
    """
    if holds_card_number(text):
        raise CardNumberMisplaced(path=path)
