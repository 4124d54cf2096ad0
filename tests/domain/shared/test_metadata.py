"""Metadata is small, typed and holds neither card data nor secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.card_numbers import looks_like_card_number
from domain.shared.metadata import InvalidMetadata, check_metadata

CARD = "4242424242424242"


def refusal(mapping: dict[str, object]) -> object:
    with pytest.raises(InvalidMetadata) as refused:
        check_metadata(mapping)
    assert refused.value.code == "metadata_invalid"
    assert refused.value.message == InvalidMetadata.summary
    assert refused.value.details["path"] == "metadata"
    return refused.value.details["reason"]


def test_ordinary_metadata_passes_in_canonical_form() -> None:
    """Text is composed, types and order are kept."""
    given_metadata = {"crm.id": "Rene\N{COMBINING ACUTE ACCENT}", "seats": 3, "vip": True, "note": "<b>\n", "empty": ""}
    checked = check_metadata(given_metadata)
    assert checked == {"crm.id": "René", "seats": 3, "vip": True, "note": "<b>\n", "empty": ""}
    assert checked["vip"] is True
    assert list(checked) == list(given_metadata)


@pytest.mark.parametrize("key", ["", "x" * 41, "a b", "a\n", "é", "a/b", "a$"])
def test_keys_are_short_plain_names(key: str) -> None:
    """Forty characters of a small alphabet."""
    assert refusal({key: 1}) == "key_invalid"


@pytest.mark.parametrize(
    "key",
    ["pan", "PAN", "card.cvv", "CVC", "cvv2", "card_number", "Card-Number", "cardNumber", "password", "user_passWord",
     "client_secret", "p.a.n", "private-key", CARD, "4242-4242-4242-4242", "x_4242424242424242"],
)  # fmt: skip
def test_keys_that_ask_for_secrets_are_refused(key: str) -> None:
    """Whatever the case and the separators."""
    assert refusal({key: "x"}) == "key_sensitive"


@pytest.mark.parametrize("key", ["company", "japan_office", "panel", "card_brand", "last4", "expansion"])
def test_keys_that_only_resemble_them_pass(key: str) -> None:
    """Words that contain three unlucky letters are words."""
    assert check_metadata({key: "x"}) == {key: "x"}


def test_there_are_at_most_fifty_keys() -> None:
    """Fifty pass and one more does not."""
    fifty: dict[str, object] = {f"k{number}": number for number in range(50)}
    assert len(check_metadata(fifty)) == 50
    assert refusal({**fifty, "more": 1}) == "too_many_keys"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (1.5, "type"),
        (None, "type"),
        ([], "type"),
        ({}, "type"),
        (2**53 + 1, "integer_out_of_range"),
        (-(2**53) - 1, "integer_out_of_range"),
        ("x" * 501, "too_long"),
        ("a\x00", "control_character"),
        (CARD, "card_number"),
        (int(CARD), "card_number"),
        (-int(CARD), "card_number"),
        ("4242 4242 4242 4242", "card_number"),
        ("card 4242-4242-4242-4242, thanks", "card_number"),
        ("2026-01-01 4242424242424242 12/30", "card_number"),
        ("378282246310005", "card_number"),
        ("４２４２４２４２４２４２４２４２", "card_number"),
    ],
)
def test_values_that_do_not_belong_are_refused(value: object, reason: str) -> None:
    """Types, sizes, and card numbers in any usual way of writing them."""
    assert refusal({"key": value}) == reason


@pytest.mark.parametrize(
    "value",
    ["4242424242424241", "1767225600000", "0188bac7-4afa-78aa-bc3b-bd1eef28d881", "+49 30 1234567", "x" * 500,
     "00000000000000", "f4242424242424242", 2**53, -(2**53), False],
)  # fmt: skip
def test_numbers_that_are_no_cards_pass(value: object) -> None:
    """Wrong check digits, timestamps, ids and telephone numbers."""
    assert check_metadata({"key": value}) == {"key": value}


@given(st.integers(10**11, 10**17 - 1).map(lambda n: f"4{n}"), st.sampled_from(["", " ", "-"]))
def test_some_last_digit_makes_every_number_a_card(prefix: str, separator: str) -> None:
    """Exactly one of ten check digits is right, however the digits are grouped."""
    numbers = [f"{prefix}{last}" for last in range(10)]
    grouped = [separator.join(number[i : i + 4] for i in range(0, len(number), 4)) for number in numbers]
    plain = [number for number in numbers if looks_like_card_number(number)]
    assert len(plain) == 1
    assert looks_like_card_number(grouped[numbers.index(plain[0])])


@given(st.text(max_size=60))
def test_no_text_breaks_the_search(text: str) -> None:
    """Without digits there is no card."""
    assert not looks_like_card_number(text) or any(character.isdigit() for character in text)
