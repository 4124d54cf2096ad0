"""The pages' languages: complete, chosen by the reader, and right about money."""

from datetime import datetime, timedelta, timezone
from string import Formatter

import pytest

from domain.shared.money import Money
from interfaces.web.language import LANGUAGES, choose, language


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_says_everything(code: str) -> None:
    """All catalogues have the same keys and placeholders, and no empty text."""
    first, other = language(LANGUAGES[0]).texts, language(code).texts
    assert first.keys() == other.keys()
    assert all(other.values())
    assert {key: placeholders(text) for key, text in first.items()} == {
        key: placeholders(text) for key, text in other.items()
    }


@pytest.mark.parametrize(
    ("wanted", "accepted", "code"),
    [
        ("de", "en", "de"),
        (None, "de-AT,de;q=0.9,en;q=0.8", "de"),
        (None, "en-GB,de;q=0.9", "en"),
        (None, "fr,de;q=0.4,en;q=0.5", "en"),
        (None, "fr;q=1,en;q=0", "en"),
        (None, "de;q=0, fr", "en"),
        ("xx", "de", "de"),
        ("../de", None, "en"),
        (None, "de;q=nan, *;q=x,,;;", "en"),
        (None, "", "en"),
    ],
)
def test_the_reader_chooses_the_language(wanted: str | None, accepted: str | None, code: str) -> None:
    """What was asked for wins, then what the browser likes best among ours, then English."""
    assert choose(wanted, accepted).code == code


@pytest.mark.parametrize(
    ("minor", "currency", "english", "german"),
    [
        (123456, "EUR", "€1,234.56", "1.234,56\xa0€"),
        (1250, "JPY", "¥1,250", "1.250\xa0¥"),
        (1234, "KWD", "KWD\xa01.234", "1,234\xa0KWD"),
        (100, "IDR", "IDR\xa01.00", "1,00\xa0IDR"),
        (2**62, "USD", "$46,116,860,184,273,879.04", "46.116.860.184.273.879,04\xa0$"),
    ],
)
def test_money_keeps_all_its_decimals(minor: int, currency: str, english: str, german: str) -> None:
    """An amount shows the decimals of ISO 4217, also where a country does without them, and is never rounded."""
    amount = Money.of(minor, currency)
    assert (language("en").money(amount), language("de").money(amount)) == (english, german)


def test_a_moment_says_which_time_it_is() -> None:
    """Times are in UTC and say so, in the reader's words."""
    at = datetime(2026, 3, 14, 1, 5, tzinfo=timezone(timedelta(hours=2)))
    assert language("en").moment(at) == "March 13, 2026, 23:05 UTC"
    assert language("de").moment(at) == "13. März 2026, 23:05 UTC"
