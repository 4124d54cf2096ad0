"""Card numbers, for the sandbox's tokenizer alone: nothing else in Stoa accepts, stores or forwards one."""

import re
from enum import StrEnum
from typing import NoReturn, Self

from domain.shared.errors import ValidationError

_DIGITS = re.compile(r"[0-9]{13,19}")
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


class InvalidCardNumber(ValidationError):
    """Not a card number. The rejected text is never repeated."""

    code = "card_number_invalid"
    summary = "The card number is invalid."


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


class CardNumber:
    """A valid card number that shows its last four digits and nothing else, and cannot be stored by accident.

    It is neither equal to nor ordered with anything: comparing card numbers is no business of ours.
    """

    __slots__ = ("__digits", "brand")

    brand: CardBrand

    def __init__(self, digits: str, brand: CardBrand) -> None:
        """Trust the arguments; what comes from outside goes through `parse`."""
        self.__digits = digits
        self.brand = brand

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a number as people type it, in groups separated by single spaces or hyphens.

        Raises:
            InvalidCardNumber: not 13 to 19 digits, a wrong check digit, or no known network.
        """
        digits = re.sub(r"(?<=[0-9])[ -](?=[0-9])", "", text)
        if _DIGITS.fullmatch(digits) is None or not luhn_holds(digits):
            raise InvalidCardNumber
        brand = brand_of(digits)
        if brand is None:
            raise InvalidCardNumber
        return cls(digits, brand)

    @property
    def last_four(self) -> str:
        return self.__digits[-4:]

    @property
    def masked(self) -> str:
        """The number with all but the last four digits hidden."""
        return "•" * (len(self.__digits) - 4) + self.last_four

    def reveal(self) -> str:
        """Return the digits themselves. The tokenizer is the only caller."""
        return self.__digits

    def __repr__(self) -> str:
        return f"<CardNumber {self.masked}>"

    def __str__(self) -> str:
        return self.masked

    def __format__(self, spec: str) -> str:
        return format(self.masked, spec)

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        """Refuse pickling and copying alike: both go through here."""
        raise TypeError("a card number cannot be serialised")
