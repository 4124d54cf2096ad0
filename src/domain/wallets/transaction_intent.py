"""What a wallet is to do on its chain, before anything is known of nonces and fees."""

import re
from typing import Self
from uuid import UUID

from attrs import frozen

from domain.shared.errors import ValidationError
from domain.shared.evm_types import NOTHING, Address, BaseUnits
from domain.shared.text import TextRule
from domain.shared.token_calls import transfer_call

PURPOSE = TextRule(max_length=500, min_length=0)
NO_DATA = "0x"
LONGEST_DATA = 2 * 128 * 1024
"""Hexadecimal digits of call data; chains take no longer transactions."""

_DATA = re.compile("0x(?:[0-9a-f]{2})*")


class InvalidTransaction(ValidationError):
    """What is to be sent makes no transaction; ``reason`` in the details says why."""

    code = "transaction_invalid"
    summary = "A transaction sends coins, or an amount of one token, or calls a contract."


@frozen(kw_only=True)
class Origin:
    """Who asked for a transaction, to be told its end: a kind that somebody declared, and which one of them."""

    kind: str
    id: UUID


@frozen(kw_only=True)
class Intent:
    """What is sent where. Without ``to`` it creates a contract.

    Attributes:
        data: the call's input, in lower-case hexadecimal digits after 0x.
        token: the contract of the token that moves, if it is one; ``token_amount`` is how much of it.
        counterparty: who gets it, as block lists, allow lists and statistics see it.
        purpose: what it is for, in words.
    """

    to: Address | None
    value: BaseUnits = NOTHING
    data: str = NO_DATA
    token: Address | None = None
    token_amount: BaseUnits | None = None
    counterparty: Address | None = None
    purpose: str = ""

    @classmethod
    def requested(
        cls, to: Address, value: BaseUnits, *, data: str = NO_DATA, token: Address | None = None,
        token_amount: BaseUnits | None = None, purpose: str = "",
    ) -> Self:  # fmt: skip
        """Read what somebody asks for: coins and a call of ``to``, or an amount of a token for ``to``.

        Raises:
            InvalidTransaction: it is both, or neither.
            InvalidText: the purpose is not acceptable.
        """
        data, purpose = read_data(data), PURPOSE.check(purpose)
        if (token is None) != (token_amount is None):
            raise InvalidTransaction(reason="token_without_amount")
        if token is None or token_amount is None:
            if not value and data == NO_DATA:
                raise InvalidTransaction(reason="nothing_to_send")
            return cls(to=to, value=value, data=data, counterparty=to, purpose=purpose)
        if value or data != NO_DATA:
            raise InvalidTransaction(reason="token_and_coins")
        if not token_amount:
            raise InvalidTransaction(reason="nothing_to_send")
        call = f"0x{transfer_call(to, token_amount).hex()}"
        return cls(to=token, data=call, token=token, token_amount=token_amount, counterparty=to, purpose=purpose)


def read_data(text: str) -> str:
    """Read call data, in either case.

    Raises:
        InvalidTransaction: it is no hexadecimal text of whole bytes, or too long.
    """
    if len(text) > LONGEST_DATA + 2 or _DATA.fullmatch(text.lower()) is None:
        raise InvalidTransaction(reason="data_malformed", path="data")
    return text.lower()
