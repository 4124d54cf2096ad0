"""Card numbers are validated, named by network, and never shown."""

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from infrastructure.payments.card_number import CardNumber, InvalidCardNumber


@pytest.mark.parametrize(
    ("text", "brand"),
    [
        ("4242 4242 4242 4242", "visa"),
        ("4222222222222", "visa"),
        ("5555-5555-5555-4444", "mastercard"),
        ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"),
        ("6011111111111117", "discover"),
        ("30569309025904", "diners"),
        ("3530111333300000", "jcb"),
        ("6200000000000005", "unionpay"),
        ("6759649826438453", "maestro"),
    ],
)
def test_networks_are_recognised(text: str, brand: str) -> None:
    """By the first digits and the length, however the number is grouped."""
    card = CardNumber.parse(text)
    assert card.brand == brand
    assert card.last_four == text[-4:]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4242424242424241",
        "424242424242",
        "42424242424242424242",
        "4242  4242 4242 4242",
        " 4242424242424242",
        "4242424242424242\n",
        "4242a42424242424242",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
        "9999999999999995",
        "0000000000000000",
    ],
)
def test_anything_else_is_refused_without_repeating_it(text: str) -> None:
    """The error says nothing about what was rejected."""
    with pytest.raises(InvalidCardNumber) as caught:
        CardNumber.parse(text)
    assert str(caught.value) == "The card number is invalid."
    assert caught.value.details == {"path": "number"}


def test_a_single_wrong_digit_is_always_found() -> None:
    """That is what the check digit is for."""
    number = "4242424242424242"
    for place in range(1, 16):
        for digit in set("0123456789") - {number[place]}:
            with pytest.raises(InvalidCardNumber):
                CardNumber.parse(number[:place] + digit + number[place + 1 :])


def test_a_card_number_shows_its_last_four_digits_only() -> None:
    """In print, in debuggers, in format strings and among attributes."""
    card = CardNumber.parse("4242424242424242")
    assert card.masked == "••••••••••••4242"
    for shown in (str(card), repr(card), f"{card}", f"{card!r:>40}", repr([card]), "%s" % card, str(dir(card))):  # noqa: UP031 - this spelling is one to check
        assert "42424" not in shown


@pytest.mark.parametrize("store", [pickle.dumps, json.dumps, copy.copy, copy.deepcopy, vars])
def test_a_card_number_cannot_be_stored_by_accident(store: Callable[[object], object]) -> None:
    """No serialiser gets at the digits."""
    with pytest.raises(TypeError):
        store(CardNumber.parse("4242424242424242"))
