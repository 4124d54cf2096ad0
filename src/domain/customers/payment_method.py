"""A payment method: a provider's token for a customer's card, account or wallet, never its number."""

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Self

from attrs import define, field, frozen

from domain.shared.entity import SoftDeletable
from domain.shared.errors import BusinessRuleViolation, Conflict, Invalid, ValidationError
from domain.shared.events import DomainEvent
from domain.shared.ids import CustomerId, OrganizationId, PaymentMethodId
from domain.shared.metadata import looks_like_card_number
from domain.shared.text import TextRule

BRAND = TextRule(max_length=40)

_TOKEN = re.compile(r"[\x21-\x7e]{8,255}")
_LAST_FOUR = re.compile(r"[0-9]{4}")
_DIGITS = re.compile(r"[0-9]+")
_YEARS = range(2000, 2101)


class InvalidProviderToken(ValidationError):
    """The text is no token of a provider; it is never repeated, for it may be a card number."""

    code = "provider_token_invalid"
    summary = "A provider token has 8 to 255 printable ASCII characters and holds no card number."


class PaymentMethodInUse(Conflict):
    """A payment on its way uses the method."""

    code = "payment_method_in_use"
    summary = "A payment in progress uses this payment method."


class PaymentMethodExpired(BusinessRuleViolation):
    """The method's last month is over."""

    code = "payment_method_expired"
    summary = "The payment method has expired."


class PaymentMethodMismatch(Invalid):
    """The method is another customer's."""

    code = "payment_method_mismatch"
    summary = "The payment method belongs to another customer."


class PaymentMethodType(StrEnum):
    """What stands behind the token."""

    CARD = "card"
    BANK = "bank"
    WALLET = "wallet"


@frozen(kw_only=True)
class PaymentMethodAddedEvent(DomainEvent):
    """A customer can pay in one more way."""

    verb: ClassVar[str] = "added"
    customer_id: CustomerId
    type: str


@define(kw_only=True, eq=False)
class PaymentMethod(SoftDeletable):
    """A way a customer pays. A card is good until the end of its expiry month, in UTC."""

    kind: ClassVar[str] = "payment_method"

    id: PaymentMethodId
    customer_id: CustomerId
    type: PaymentMethodType
    provider_token: str = field(repr=False)
    brand: str | None
    last_four: str | None
    expiry_month: int | None
    expiry_year: int | None
    is_default: bool

    @classmethod
    def add(
        cls,
        siblings: Sequence["PaymentMethod"],
        *,
        id: PaymentMethodId,
        organization_id: OrganizationId,
        customer_id: CustomerId,
        type: PaymentMethodType,
        provider_token: str,
        brand: str | None = None,
        last_four: str | None = None,
        expiry_month: int | None = None,
        expiry_year: int | None = None,
        now: datetime,
    ) -> Self:
        """Add a method beside the customer's present ones; the first becomes the default.

        Raises:
            InvalidProviderToken: no token, or a card number in its place.
            ValidationError: the last four digits or the expiry are not acceptable.
            PaymentMethodExpired: the expiry is over.
        """
        method = cls(
            id=id,
            organization_id=organization_id,
            created_at=now,
            updated_at=now,
            customer_id=customer_id,
            type=type,
            provider_token=_check_token(provider_token),
            brand=_check_brand(brand),
            last_four=_check_last_four(last_four),
            expiry_month=expiry_month,
            expiry_year=expiry_year,
            is_default=not siblings,
        )
        _check_expiry(expiry_month, expiry_year)
        method._refuse_expired(now)
        method.record(PaymentMethodAddedEvent(customer_id=customer_id, type=type.value), now)
        return method

    def expired(self, now: datetime) -> bool:
        """Say whether the expiry month is over."""
        if self.expiry_year is None or self.expiry_month is None:
            return False
        return (self.expiry_year, self.expiry_month) < (now.year, now.month)

    def ensure_usable_by(self, customer_id: CustomerId, now: datetime) -> None:
        """Let the customer pay with this method, or say why not.

        Raises:
            PaymentMethodMismatch: it is another customer's.
            PaymentMethodExpired: its last month is over.
        """
        if self.customer_id != customer_id:
            raise PaymentMethodMismatch
        self._refuse_expired(now)

    def remove(self, now: datetime, by: str, *, in_use: bool) -> None:
        """Stop using the method, which gives up being the default.

        Raises:
            PaymentMethodInUse: a payment on its way uses it.
        """
        if in_use:
            raise PaymentMethodInUse
        self.is_default = False
        self.delete(now, by)

    def make_default(self, now: datetime) -> None:
        """Become the one that is used when none is named."""
        self.amend(now, is_default=True)

    def _refuse_expired(self, now: datetime) -> None:
        if self.expired(now):
            raise PaymentMethodExpired


def keep_a_default(methods: Sequence[PaymentMethod], now: datetime) -> None:
    """Make the newest of a customer's methods the default when none of them is."""
    if methods and not any(method.is_default for method in methods):
        max(methods, key=lambda method: (method.created_at, method.id)).make_default(now)


def _check_token(token: str) -> str:
    # Every run of digits also by itself, since in free text digits between letters are not suspected.
    if _TOKEN.fullmatch(token) is None or any(map(looks_like_card_number, [token, *_DIGITS.findall(token)])):
        raise InvalidProviderToken
    return token


def _check_brand(brand: str | None) -> str | None:
    if brand is not None and looks_like_card_number(brand):
        raise ValidationError("A card number is no brand.", path="brand")
    return None if brand is None else BRAND.check(brand)


def _check_last_four(digits: str | None) -> str | None:
    if digits is not None and _LAST_FOUR.fullmatch(digits) is None:
        raise ValidationError("The last four are four digits.", path="last_four")
    return digits


def _check_expiry(month: int | None, year: int | None) -> None:
    if (month is None) != (year is None):
        raise ValidationError("Expiry month and year come together.", path="expiry_month")
    if month is not None and month not in range(1, 13):
        raise ValidationError("The month is 1 to 12.", path="expiry_month")
    if year is not None and year not in _YEARS:
        raise ValidationError("The year has four digits, 2000 to 2100.", path="expiry_year")
