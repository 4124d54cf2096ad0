"""Card numbers, for the sandbox's tokenizer alone: nothing else in Stoa accepts, stores or forwards one."""

import re
from typing import NoReturn, Self

from domain.shared.card_numbers import LENGTHS, CardBrand, brand_of, luhn_holds
from domain.shared.errors import ValidationError

_DIGITS = re.compile(rf"[0-9]{{{LENGTHS.start},{LENGTHS.stop - 1}}}")


class InvalidCardNumber(ValidationError):
    """Not a card number. The rejected text is never repeated."""

    code = "card_number_invalid"
    summary = "The card number is invalid."


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
            raise InvalidCardNumber(path="number")
        brand = brand_of(digits)
        if brand is None:
            raise InvalidCardNumber(path="number")
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
