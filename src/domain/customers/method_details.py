"""What may be known of a payment method besides its token: other things of a card, an account and a wallet."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from attrs import evolve, frozen

from domain.customers.countries import COUNTRIES
from domain.shared.card_numbers import looks_like_card_number, refuse_card_number
from domain.shared.errors import ValidationError
from domain.shared.text import TextRule

BRAND = TextRule(max_length=40)
BANK_NAME = TextRule(max_length=100)
BILLING_NAME = TextRule(max_length=200)

_TOKEN = re.compile(r"[\x21-\x7e]{8,255}")
_LAST_FOUR = re.compile(r"[0-9]{4}")
_ADDRESS = re.compile(r"0x[0-9a-f]{40}")
_DIGITS = re.compile(r"[0-9]+")
_YEARS = range(2000, 2101)


class InvalidProviderToken(ValidationError):
    """The text is no token of a provider; it is never repeated, for it may be a card number."""

    code = "provider_token_invalid"
    summary = "A provider token has 8 to 255 printable ASCII characters and holds no card number."


class InvalidWalletAddress(ValidationError):
    """The text is no address of an account on an EVM chain."""

    code = "wallet_address_invalid"
    summary = "A wallet address is 0x and 40 hexadecimal digits."


class PaymentMethodType(StrEnum):
    """What stands behind the token."""

    CARD = "card"
    BANK = "bank"
    WALLET = "wallet"


class CardFunding(StrEnum):
    """Whose money a card spends."""

    CREDIT = "credit"
    DEBIT = "debit"
    PREPAID = "prepaid"
    UNKNOWN = "unknown"


class WalletNetwork(StrEnum):
    """Chains whose addresses are written in hexadecimal and mean the same in either case."""

    ETHEREUM = "ethereum"
    BASE = "base"
    POLYGON = "polygon"
    ARBITRUM = "arbitrum"
    OPTIMISM = "optimism"


_FIELDS: Mapping[PaymentMethodType, tuple[str, ...]] = {
    PaymentMethodType.CARD: ("brand", "funding", "last_four", "expiry_month", "expiry_year"),
    PaymentMethodType.BANK: ("bank_name", "country", "last_four"),
    PaymentMethodType.WALLET: ("network", "address"),
}
_REQUIRED: Mapping[PaymentMethodType, tuple[str, ...]] = {
    PaymentMethodType.CARD: (),
    PaymentMethodType.BANK: ("bank_name", "country", "last_four"),
    PaymentMethodType.WALLET: ("network", "address"),
}


@frozen(kw_only=True)
class MethodDetails:
    """What may be shown of a method. ``last_four`` is all there is of a card's or an account's number."""

    brand: str | None = None
    funding: CardFunding | None = None
    last_four: str | None = None
    expiry_month: int | None = None
    expiry_year: int | None = None
    bank_name: str | None = None
    country: str | None = None
    network: WalletNetwork | None = None
    address: str | None = None

    def checked(self, type: PaymentMethodType) -> Self:
        """Return the canonical form for a type of method.

        Raises:
            ValidationError: a detail that the type does not have, lacks, or that is not acceptable.
        """
        for name in (field for fields in _FIELDS.values() for field in fields):
            if getattr(self, name) is not None and name not in _FIELDS[type]:
                raise ValidationError(f"A {type.value} has no such detail.", path=name)
        for name in _REQUIRED[type]:
            if getattr(self, name) is None:
                raise ValidationError(f"A {type.value} needs this detail.", path=name)
        check_expiry(self.expiry_month, self.expiry_year)
        return evolve(
            self, brand=_check_plain("brand", self.brand, BRAND), last_four=_check_last_four(self.last_four),
            bank_name=_check_plain("bank_name", self.bank_name, BANK_NAME), country=_check_country(self.country),
            address=_check_address(self.address),
        )  # fmt: skip


def check_token(type: PaymentMethodType, token: str | None, details: MethodDetails) -> str:
    """Return the provider's token; a wallet has none and is named by its network and address.

    Raises:
        InvalidProviderToken: none, no token of a provider, or a card number in its place.
        ValidationError: a wallet comes with a token.
    """
    if type is PaymentMethodType.WALLET:
        if token is not None:
            raise ValidationError("A wallet has no provider token.", path="provider_token")
        return f"{details.network}:{details.address}"
    # Every run of digits also by itself, since in free text digits between letters are not suspected.
    if (
        token is None
        or _TOKEN.fullmatch(token) is None
        or any(map(looks_like_card_number, [token, *_DIGITS.findall(token)]))
    ):
        raise InvalidProviderToken(path="provider_token")
    return token


def check_expiry(month: int | None, year: int | None) -> None:
    """Refuse what is no month of a year.

    Raises:
        ValidationError: half an expiry, or none that there is.
    """
    if (month is None) != (year is None):
        raise ValidationError("Expiry month and year come together.", path="expiry_month")
    if month is not None and month not in range(1, 13):
        raise ValidationError("The month is 1 to 12.", path="expiry_month")
    if year is not None and year not in _YEARS:
        raise ValidationError("The year has four digits, 2000 to 2100.", path="expiry_year")


def check_billing_name(name: str | None) -> str | None:
    """Return the canonical name of whom the method belongs to.

    Raises:
        CardNumberMisplaced: a card number in its place.
        InvalidText: the name is not acceptable.
    """
    return _check_plain("billing_name", name, BILLING_NAME)


def _check_plain(name: str, text: str | None, rule: TextRule) -> str | None:
    if text is None:
        return None
    refuse_card_number(text, name)
    return rule.check(text)


def _check_last_four(digits: str | None) -> str | None:
    if digits is not None and _LAST_FOUR.fullmatch(digits) is None:
        raise ValidationError("The last four are four digits.", path="last_four")
    return digits


def _check_country(country: str | None) -> str | None:
    if country is not None and country not in COUNTRIES:
        raise ValidationError("A country is two upper-case letters (ISO 3166-1 alpha-2).", path="country")
    return country


def _check_address(address: str | None) -> str | None:
    lowered = None if address is None else address.lower()
    if lowered is not None and _ADDRESS.fullmatch(lowered) is None:
        raise InvalidWalletAddress(path="address")
    return lowered
