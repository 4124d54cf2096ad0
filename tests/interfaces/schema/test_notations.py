"""Addresses, hashes and amounts of chains: read, shown and described."""

from dataclasses import dataclass

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # reason: it ships no types

from application.kernel.wire import to_wire
from domain.shared.evm_types import MAX_UNITS, Address, BaseUnits, TransactionHash
from interfaces.schema.command import CommandSchema, result_schema
from interfaces.schema.problems import InvalidCommand

SHOWN = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """What a transaction moved."""

    to: Address
    amount: BaseUnits
    hash: TransactionHash | None = None


SCHEMA = CommandSchema(Payment)
LARGEST = {"to": SHOWN, "amount": str(MAX_UNITS), "hash": "0x" + "ab" * 32}


def test_the_largest_amount_goes_in_and_out_unchanged() -> None:
    payment = SCHEMA.validate(LARGEST)
    assert isinstance(payment, Payment)
    assert (payment.to, payment.amount) == (SHOWN.lower(), MAX_UNITS)
    assert to_wire(payment) == LARGEST


def test_what_goes_out_is_as_it_is_described() -> None:
    Draft202012Validator(result_schema(Payment)).validate(to_wire(SCHEMA.validate(LARGEST)))
    Draft202012Validator(SCHEMA.json_schema()).validate(LARGEST)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("to", SHOWN.replace("5aA", "5aa"), "address_invalid"),
        ("to", "0x12", "address_invalid"),
        ("amount", "1.5", "base_units_invalid"),
        ("amount", str(MAX_UNITS + 1), "base_units_invalid"),
        ("amount", 5, "type_invalid"),
        ("hash", "0x00", "transaction_hash_invalid"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_code(field: str, value: object, code: str) -> None:
    with pytest.raises(InvalidCommand) as caught:
        SCHEMA.validate({**LARGEST, field: value})
    assert [(error.path, error.code) for error in caught.value.errors] == [(field, code)]
