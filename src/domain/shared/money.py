"""Exact money: integer minor units of one currency, and no binary fraction anywhere."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Self

from attrs import frozen

from domain.shared.currencies import EXPONENTS
from domain.shared.errors import Invalid, ValidationError

MAX_MINOR = 2**63 - 1


class InvalidAmount(ValidationError):
    """The amount is no integer of minor units within 64 bits."""

    code = "amount_invalid"
    summary = "The amount must be a whole number of minor units within 64 bits."


class InvalidCurrency(ValidationError):
    """The currency is no upper-case active ISO 4217 code that payments can be made in."""

    code = "currency_invalid"
    summary = "The currency must be an active ISO 4217 code in upper case."


class InvalidAllocation(ValidationError):
    """The ratios do not say how to share the amount."""

    code = "allocation_invalid"
    summary = "The ratios must be whole numbers, none negative and at least one above zero."


class CurrencyMismatch(Invalid):
    """Two currencies met where only one makes sense. Nothing in Stoa converts silently."""

    code = "currency_mismatch"
    summary = "Amounts of different currencies cannot be combined or compared."


def _within_bounds(minor: int) -> int:
    if not -MAX_MINOR <= minor <= MAX_MINOR:
        raise InvalidAmount
    return minor


def _exponent_of(currency: str) -> int:
    try:
        return EXPONENTS[currency]
    except (KeyError, TypeError):
        raise InvalidCurrency from None


@frozen
class Money:
    """An amount in the currency's minor unit (``1250``, ``"EUR"`` is 12.50 EUR); it may be negative.

    The constructor trusts its arguments because hydration calls it for every row. Whatever comes from outside
    goes through ``of`` or ``from_decimal``; arithmetic stays within 64 bits or raises ``InvalidAmount``.
    """

    minor: int
    currency: str

    @classmethod
    def of(cls, minor: int, currency: str) -> Self:
        """Validate an amount from outside.

        Raises:
            InvalidAmount: not an integer (a bool is none), or outside 64 bits.
            InvalidCurrency: not an upper-case active ISO 4217 code with a minor unit.
        """
        if type(minor) is not int:
            raise InvalidAmount
        _exponent_of(currency)
        return cls(_within_bounds(minor), currency)

    @classmethod
    def zero(cls, currency: str) -> Self:
        """Nothing, in a currency: the start value of a sum."""
        return cls.of(0, currency)

    @classmethod
    def from_decimal(cls, amount: Decimal, currency: str) -> Self:
        """Read a decimal view; one written with more decimals than the currency has is refused, never rounded.

        Raises:
            InvalidAmount: too many decimals, not finite, or outside 64 bits.
            InvalidCurrency: as in ``of``.
        """
        exponent = _exponent_of(currency)
        # The magnitude is checked before anything is computed: Decimal("1E+999999") is short to write and huge.
        if not amount.is_finite() or amount.adjusted() > len(str(MAX_MINOR)):
            raise InvalidAmount
        sign, digits, scale = amount.as_tuple()
        if not isinstance(scale, int) or -scale > exponent:
            raise InvalidAmount
        return cls(_within_bounds(int(Decimal((sign, digits, scale + exponent)))), currency)

    @property
    def exponent(self) -> int:
        """Decimals of the currency's minor unit."""
        return _exponent_of(self.currency)

    @property
    def decimal(self) -> Decimal:
        """The exact amount in major units, always with all decimals of the currency (``12.50``)."""
        # Built from text, since arithmetic on decimals rounds to whatever context is active.
        return Decimal(f"{self.minor}E-{self.exponent}")

    @property
    def is_zero(self) -> bool:
        return self.minor == 0

    @property
    def is_positive(self) -> bool:
        return self.minor > 0

    @property
    def is_negative(self) -> bool:
        return self.minor < 0

    def allocate(self, ratios: Sequence[int]) -> list[Self]:
        """Share the amount in proportion to ``ratios`` without losing or inventing a unit.

        Shares are rounded towards zero and the left-over units go one each to the largest remainders, the earlier
        ratio first when they tie. Negative amounts share like positive ones.

        Raises:
            InvalidAllocation: no ratio, a negative one, one that is no integer, or nothing but zeros.
        """
        if any(type(ratio) is not int or ratio < 0 for ratio in ratios) or not any(ratios):
            raise InvalidAllocation
        whole, total = abs(self.minor), sum(ratios)
        divided = [divmod(whole * ratio, total) for ratio in ratios]
        shares = [share for share, _ in divided]
        by_remainder = sorted(range(len(divided)), key=lambda index: -divided[index][1])
        for index in by_remainder[: whole - sum(shares)]:
            shares[index] += 1
        sign = -1 if self.minor < 0 else 1
        return [type(self)(sign * share, self.currency) for share in shares]

    def __add__(self, other: Self) -> Self:
        if not isinstance(other, Money):
            return NotImplemented
        return type(self)(_within_bounds(self.minor + self._comparable(other)), self.currency)

    def __sub__(self, other: Self) -> Self:
        if not isinstance(other, Money):
            return NotImplemented
        return type(self)(_within_bounds(self.minor - self._comparable(other)), self.currency)

    def __mul__(self, factor: int) -> Self:
        if type(factor) is not int:
            return NotImplemented
        return type(self)(_within_bounds(self.minor * factor), self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Self:
        return type(self)(-self.minor, self.currency)

    def __abs__(self) -> Self:
        return type(self)(abs(self.minor), self.currency)

    def __lt__(self, other: Self) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor < self._comparable(other)

    def __le__(self, other: Self) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor <= self._comparable(other)

    def __gt__(self, other: Self) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor > self._comparable(other)

    def __ge__(self, other: Self) -> bool:
        if not isinstance(other, Money):
            return NotImplemented
        return self.minor >= self._comparable(other)

    def _comparable(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise CurrencyMismatch
        return other.minor
