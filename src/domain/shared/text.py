"""What text may come in: one canonical form per kind of text, and nothing invisible or deceptive.

Text is stored as it was written once it has passed. SQL-looking text passes: it is a value, and values never become
statements. The errors say which rule was broken and never repeat the input.
"""

import re
import unicodedata
from typing import NoReturn

from attrs import frozen

from domain.shared.errors import ValidationError

_MAX_COMBINING_RUN = 8
_MAX_LENGTH = 10_000

# Embeddings, overrides and isolates reorder the text around them; the two plain direction marks do not.
_BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and symbols by category, but drawn as nothing: Hangul fillers and the empty Braille cell.
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_INVISIBLE_CATEGORIES = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp", "Mn", "Me"})
_EVENT_HANDLER = re.compile(r"\bon\w+\s*=", re.IGNORECASE)
_SLUG = re.compile("[a-z0-9]+(?:-[a-z0-9]+)*")
_SKU = re.compile("[A-Z0-9][A-Z0-9._-]{0,63}")
_MAX_ADDRESS = 254
_MAX_LOCAL_OCTETS = 64
_LOCAL_PUNCTUATION = frozenset(".!#$%&'*+/=?^_`{|}~-")
_LABEL = re.compile("[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class InvalidText(ValidationError):
    """The text breaks a rule; ``reason`` in the details names it."""

    code = "text_invalid"
    summary = "The text is not acceptable."


class InvalidEmail(ValidationError):
    """The text is no address that mail could be sent to. It is never repeated."""

    code = "email_invalid"
    summary = "The e-mail address is not valid."


class InvalidSlug(ValidationError):
    """No slug can be read from the text."""

    code = "slug_invalid"
    summary = "A slug has 3 to 64 letters a-z and digits, in groups joined by single hyphens."


class InvalidSku(ValidationError):
    """No stock keeping unit can be read from the text."""

    code = "sku_invalid"
    summary = "A SKU has 1 to 64 letters A-Z, digits, dots, underscores and hyphens, and begins with a letter or digit."


@frozen
class TextRule:
    """A kind of text. Lengths count characters (code points) of the normalised text.

    Attributes:
        max_length: at most 10,000.
        min_length: with 0 the empty text passes, and in multi-line text white space alone does.
        markup: free text may hold markup, since it is only ever served as JSON; names may not.
        multiline: line breaks and tabs are allowed and the surrounding white space is kept.
    """

    max_length: int
    min_length: int = 1
    markup: bool = False
    multiline: bool = False

    def __attrs_post_init__(self) -> None:
        if not 0 <= self.min_length <= self.max_length <= _MAX_LENGTH:
            msg = f"lengths must be ordered and at most {_MAX_LENGTH}"
            raise ValueError(msg)

    def check(self, value: str) -> str:
        """Return the canonical form: NFC, and without surrounding white space on a single line.

        Checking a canonical text again returns it unchanged.

        Raises:
            InvalidText: with ``reason`` control_character, surrogate, bidi_control, combining_marks, invisible,
                markup, too_short or too_long.
        """
        # No text shrinks to less than a quarter under NFC; the bound keeps the scan short whatever is sent.
        if len(value) > 4 * self.max_length + 64:
            _refuse("too_long")
        self._scan(value)
        if not value.isascii():
            # Normalising can lengthen a run of marks, but only a run that was already short; hence the order.
            value = unicodedata.normalize("NFC", value)
            self._scan(value)
        if not self.multiline:
            value = value.strip()
        self._check_content(value)
        return value

    def _check_content(self, value: str) -> None:
        if len(value) > self.max_length:
            _refuse("too_long")
        if len(value) < self.min_length:
            _refuse("too_short")
        blank = not value.strip()
        if not _has_visible(value) and (self.min_length or not blank):
            _refuse("too_short" if blank else "invisible")
        if not self.markup and _looks_like_markup(value):
            _refuse("markup")

    def _scan(self, value: str) -> None:
        text = value.replace("\r\n", "\n").replace("\n", "").replace("\t", "") if self.multiline else value
        # All printable ASCII is by far the most frequent text, and needs no look at single characters.
        if text.isascii() and text.isprintable():
            return
        run = 0
        for character in text:
            category = unicodedata.category(character)
            if category == "Cc" or (category in {"Zl", "Zp"} and not self.multiline):
                _refuse("control_character")
            if _is_no_character(character, category):
                _refuse("no_character")
            if character in _BIDI_CONTROLS:
                _refuse("bidi_control")
            if category in {"Mn", "Me"}:
                run += 1
            elif category != "Cf":
                # An invisible joiner does not end a run, else it would hide a long one.
                run = 0
            if run > _MAX_COMBINING_RUN:
                _refuse("combining_marks")


NAME = TextRule(max_length=200)
DESCRIPTION = TextRule(max_length=2_000, min_length=0, markup=True, multiline=True)
FREE_TEXT = TextRule(max_length=10_000, markup=True, multiline=True)


def canonical_label(rule: TextRule, value: str) -> str:
    """Return a short text as identity, by which things are sorted and found: in lower case, with single spaces.

    Raises:
        InvalidText: the rule is broken.
    """
    # Lowering can decompose a letter, so that the text is normalised and measured once more afterwards.
    return rule.check(unicodedata.normalize("NFC", " ".join(rule.check(value).lower().split())))


def check_email(value: str) -> str:
    """Return the address as identity: NFC, stripped, all of it in lower case, the domain in ASCII.

    The local part is lowered too. Strictly it may be case-sensitive, but no provider in use treats it so, while two
    accounts for ``Ada@`` and ``ada@`` would be a real mistake. Dots and plus tags are kept. Domains follow IDNA 2003,
    which the standard library has (``ß`` becomes ``ss``); quoted local parts, comments, IP literals and domains of a
    single label are refused.

    Raises:
        InvalidEmail: the address is anything else, or longer than 254 characters.
    """
    # Bounded before anything else, because the IDNA codec is slow on long labels.
    if len(value) > _MAX_ADDRESS + 64:
        raise InvalidEmail(path="email")
    # Lowering can decompose (a dotted capital I), so that the text is normalised once more afterwards.
    address = unicodedata.normalize("NFC", unicodedata.normalize("NFC", value.strip(" ")).lower())
    if address.count("@") != 1:
        raise InvalidEmail(path="email")
    local, domain = address.split("@")
    canonical = f"{_check_local(local)}@{_ascii_domain(domain)}"
    if len(canonical) > _MAX_ADDRESS:
        raise InvalidEmail(path="email")
    return canonical


def check_slug(value: str) -> str:
    """Return the slug in lower case, without surrounding white space.

    Characters outside ASCII are refused rather than folded, since compatibility folding would silently give two
    different-looking names one slug.

    Raises:
        InvalidSlug: it does not read ``[a-z0-9]+(-[a-z0-9]+)*`` in 3 to 64 characters.
    """
    slug = value.strip(" ").lower()
    if not value.isascii() or not 3 <= len(slug) <= 64 or _SLUG.fullmatch(slug) is None:
        raise InvalidSlug(path="slug")
    return slug


def check_sku(value: str) -> str:
    """Return the stock keeping unit in upper case, without surrounding spaces and trailing dots.

    Raises:
        InvalidSku: it does not read ``[A-Z0-9][A-Z0-9._-]{0,63}`` after that.
    """
    sku = value.lstrip(" ").rstrip(" .").upper()
    if not value.isascii() or _SKU.fullmatch(sku) is None:
        raise InvalidSku(path="sku")
    return sku


def _refuse(reason: str) -> NoReturn:
    raise InvalidText(reason=reason)


def _is_no_character(character: str, category: str) -> bool:
    """Recognise halves of characters, code points that are none for ever, and tags that nobody sees."""
    never = category == "Cn" and ord(character) & 0xFFFE == 0xFFFE
    return category == "Cs" or never or "\U000e0000" <= character <= "\U000e007f"


def _has_visible(value: str) -> bool:
    return any(
        unicodedata.category(character) not in _INVISIBLE_CATEGORIES and character not in _BLANK_LETTERS
        for character in value
    )


def _looks_like_markup(value: str) -> bool:
    if "<" in value or ">" in value or _EVENT_HANDLER.search(value) is not None:
        return True
    # Browsers skip white space and invisible characters inside a scheme, and so does this.
    squeezed = "".join(c for c in value.lower() if not c.isspace() and unicodedata.category(c) not in {"Cc", "Cf"})
    return "javascript:" in squeezed


def _check_local(local: str) -> str:
    if any(not _is_local_character(character) for character in local):
        raise InvalidEmail(path="email")
    if not all(local.split(".")) or len(local.encode()) > _MAX_LOCAL_OCTETS:
        raise InvalidEmail(path="email")
    return local


def _is_local_character(character: str) -> bool:
    if character.isascii():
        return character.isalnum() or character in _LOCAL_PUNCTUATION
    # Letters, marks and numbers of any script; no symbols, separators, controls or surrogates.
    return unicodedata.category(character)[0] in "LMN"


def _ascii_domain(domain: str) -> str:
    try:
        ascii_domain = domain.encode("idna").decode("ascii").lower().removesuffix(".")
    except UnicodeError:
        raise InvalidEmail(path="email") from None
    labels = ascii_domain.split(".")
    if len(labels) < 2 or any(_LABEL.fullmatch(label) is None for label in labels) or labels[-1].isdigit():
        raise InvalidEmail(path="email")
    return ascii_domain
