"""The reader's language: which one, what the pages say in it, and how money and dates are written."""

import re
import tomllib
from collections.abc import Mapping
from copy import copy
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import cast

from babel import Locale
from babel.dates import format_date

from domain.shared.money import Money

LANGUAGES = ("en", "de")
_FOLDER = Path(__file__).parent / "texts"
_MOST_CHOICES = 20
_TOUCHING = re.compile(r"(?<=[A-Za-z])(?=[0-9])")


class Language:
    """One language's texts, called with a dotted key and the values of its placeholders."""

    def __init__(self, code: str) -> None:
        """Read the catalogue."""
        self.code = code
        self.texts = _flat(tomllib.loads((_FOLDER / f"{code}.toml").read_text("utf-8")))
        self._locale = Locale.parse(code)

    def __call__(self, key: str, **values: object) -> str:
        """Return a text. A key that is not there is a mistake of ours and raises ``KeyError``."""
        return self.texts[key].format_map(values)

    def has(self, key: str) -> bool:
        """Say whether there is such a text."""
        return key in self.texts

    def money(self, amount: Money) -> str:
        """Write an amount with all decimals its currency has by ISO 4217, whatever is usual in shops."""
        pattern = copy(self._locale.currency_formats["standard"])
        pattern.frac_prec = (amount.exponent, amount.exponent)
        written: str = pattern.apply(amount.decimal, self._locale, currency=amount.currency, currency_digits=False)
        # A code made of letters does not touch the digits (Unicode TR 35, currency spacing).
        return _TOUCHING.sub("\N{NO-BREAK SPACE}", written)

    def moment(self, at: datetime) -> str:
        """Write a moment in UTC, and say so: where the reader is, nobody told us."""
        here = at.astimezone(UTC)
        return f"{format_date(here, 'long', locale=self._locale)}, {here:%H:%M} UTC"

    @property
    def direction(self) -> str:
        """Return where lines begin: ``ltr`` or ``rtl``."""
        return str(self._locale.text_direction)


@cache
def language(code: str) -> Language:
    """Return one of ``LANGUAGES``, read once."""
    return Language(code)


def choose(wanted: str | None, accepted: str | None) -> Language:
    """Return the language that was asked for, else the browser's favourite among ours, else the first of ours."""
    if wanted in LANGUAGES:
        return language(wanted)
    for tag in _preferred(accepted or ""):
        found = tag.partition("-")[0]
        if found in LANGUAGES:
            return language(found)
    return language(LANGUAGES[0])


def _preferred(header: str) -> list[str]:
    """Return the tags of an ``Accept-Language`` header, the most wanted first; what cannot be read is left out."""
    weighed: list[tuple[float, str]] = []
    for choice in header.split(",")[:_MOST_CHOICES]:
        tag, _, parameter = choice.strip().lower().partition(";")
        _, _, quality = parameter.strip().partition("q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        if 0 < weight <= 1:
            weighed.append((weight, tag.strip()))
    return [tag for _, tag in sorted(weighed, key=lambda pair: -pair[0])]


def _flat(tables: Mapping[str, object], prefix: str = "") -> dict[str, str]:
    texts: dict[str, str] = {}
    for name, value in tables.items():
        if isinstance(value, dict):
            texts |= _flat(cast("Mapping[str, object]", value), f"{prefix}{name}.")
        else:
            texts[f"{prefix}{name}"] = str(value)
    return texts
