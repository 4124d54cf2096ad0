"""Text that comes in has one canonical form, and nothing in it deceives."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.shared.text import (
    DESCRIPTION,
    FREE_TEXT,
    NAME,
    InvalidEmail,
    InvalidSku,
    InvalidSlug,
    InvalidText,
    TextRule,
    check_email,
    check_sku,
    check_slug,
)

ACUTE = "\N{COMBINING ACUTE ACCENT}"


def refusal(rule: TextRule, value: str) -> object:
    with pytest.raises(InvalidText) as refused:
        rule.check(value)
    assert refused.value.code == "text_invalid"
    assert refused.value.message == InvalidText.summary
    return refused.value.details["reason"]


@pytest.mark.parametrize(
    "value",
    ["Ada Lovelace", "O'Brien; DROP TABLE users;--", "1 = 1", "日本語", "עברית", "👩‍👩‍👧", "Nguyễn", "a & b", "संस्कृतम्"],
)
def test_names_of_people_and_things_pass_unchanged(value: str) -> None:
    """All scripts, emoji and SQL-looking text are literal."""
    assert NAME.check(value) == unicodedata.normalize("NFC", value)


def test_text_is_composed_and_single_lines_are_stripped() -> None:
    """Two ways of writing one name are one name."""
    assert NAME.check(f"  Rene{ACUTE}\N{NO-BREAK SPACE}") == "René"
    assert FREE_TEXT.check("  kept\n") == "  kept\n"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a\x00", "control_character"),
        ("a\nb", "control_character"),
        ("a\tb", "control_character"),
        ("a\x7fb", "control_character"),
        ("a\x85b", "control_character"),
        ("a\N{LINE SEPARATOR}b", "control_character"),
        ("a\ud800", "no_character"),
        ("a\U000e0041", "no_character"),
        ("a\U0001ffff", "no_character"),
        ("a\N{RIGHT-TO-LEFT OVERRIDE}b", "bidi_control"),
        ("a\N{FIRST STRONG ISOLATE}b", "bidi_control"),
        ("a" + ACUTE * 10, "combining_marks"),
        ("a" + (ACUTE * 4 + "\N{ZERO WIDTH JOINER}") * 3, "combining_marks"),
        ("a" + "\N{COMBINING GREEK DIALYTIKA TONOS}" * 8, "combining_marks"),
        ("\N{ZERO WIDTH SPACE}", "invisible"),
        ("\N{ZERO WIDTH SPACE} \N{WORD JOINER}", "invisible"),
        ("\N{HANGUL FILLER}", "invisible"),
        ("", "too_short"),
        ("   ", "too_short"),
        ("a" * 201, "too_long"),
        ("a" * 100_000, "too_long"),
        ("<b>", "markup"),
        ("a > b", "markup"),
        ("Java\N{SOFT HYPHEN}Script : alert(1)", "markup"),
        ('x" onerror = alert(1)', "markup"),
    ],
)
def test_a_name_that_deceives_is_refused_with_its_reason(value: str, reason: str) -> None:
    """Programs get the reason, nobody gets the input back."""
    assert refusal(NAME, value) == reason


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "a\tb\nc\r\nd", "javascript:", "onclick=1", "", " \n"])
def test_descriptions_are_kept_verbatim(value: str) -> None:
    """Markup is only ever served as JSON, and may be empty."""
    assert DESCRIPTION.check(value) == value


@pytest.mark.parametrize("value", ["a\rb", "a\x1b[31m", "\x00", "\N{LEFT-TO-RIGHT OVERRIDE}"])
def test_free_text_has_no_control_characters_besides_lines_and_tabs(value: str) -> None:
    """A lone carriage return overwrites a line of a terminal."""
    assert refusal(FREE_TEXT, value) in {"control_character", "bidi_control"}


def test_optional_text_still_refuses_what_cannot_be_seen() -> None:
    """Empty is fine, invisible is not."""
    assert refusal(DESCRIPTION, "\N{ZERO WIDTH SPACE}") == "invisible"


def test_lengths_count_the_normalised_text() -> None:
    """Two hundred accented letters are two hundred, however they were typed."""
    assert len(NAME.check(("e" + ACUTE) * 200)) == 200
    assert refusal(NAME, ("e" + ACUTE) * 201) == "too_long"


@given(st.text(max_size=30), st.sampled_from([NAME, DESCRIPTION, FREE_TEXT]))
def test_canonical_text_is_canonical(value: str, rule: TextRule) -> None:
    """Checking twice changes nothing more."""
    try:
        checked = rule.check(value)
    except InvalidText:
        return
    assert rule.check(checked) == checked
    assert unicodedata.is_normalized("NFC", checked)


@pytest.mark.parametrize(("shortest", "longest"), [(-1, 5), (6, 5), (1, 10_001)])
def test_rules_themselves_are_bounded(shortest: int, longest: int) -> None:
    """Ten thousand characters are the limit of any text."""
    with pytest.raises(ValueError, match="lengths"):
        TextRule(max_length=longest, min_length=shortest)


@pytest.mark.parametrize(
    ("given_address", "canonical"),
    [
        (" Ada.Lovelace+tag@Example.COM ", "ada.lovelace+tag@example.com"),
        ("a@example.com.", "a@example.com"),
        ("a@Bücher.example", "a@xn--bcher-kva.example"),
        ("a@xn--bcher-kva.example", "a@xn--bcher-kva.example"),
        (f"RENE{ACUTE}@example.com", "rené@example.com"),
        ("用户@例え.jp", "用户@xn--r8jz45g.jp"),
        ("o'brien@a.b.co", "o'brien@a.b.co"),
    ],
)
def test_an_address_has_one_canonical_form(given_address: str, canonical: str) -> None:
    """Case, composition, trailing dot and script of the domain do not make another identity."""
    assert check_email(given_address) == canonical


@pytest.mark.parametrize(
    "address",
    [
        "",
        "@",
        "a",
        "a@",
        "@example.com",
        "a@b@example.com",
        "a@localhost",
        "a@127.0.0.1",
        "a@[127.0.0.1]",
        "a@example..com",
        "a@example.com..",
        "a@.com",
        "a@-x.com",
        "a@x-.com",
        "a@ex_ample.com",
        "a@exa mple.com",
        "a@\N{ACCOUNT OF}.com",
        ".a@example.com",
        "a.@example.com",
        "a..b@example.com",
        "a b@example.com",
        '"a b"@example.com',
        "a\n@example.com",
        "a@example.com\n",
        "a\x00@example.com",
        "a\ud800@example.com",
        "a@\ud800.com",
        "a\N{ZERO WIDTH SPACE}@example.com",
        "a\N{RIGHT-TO-LEFT OVERRIDE}@example.com",
        "a\N{FULLWIDTH COMMERCIAL AT}example.com",
        "<a@example.com>",
        "x" * 65 + "@example.com",
        "é" * 33 + "@example.com",
        "a@" + "x" * 64 + ".com",
        "a@" + ".".join(["x" * 60] * 5) + ".com",
        "a@" + "é" * 10_000 + ".com",
    ],
)
def test_what_is_no_address_is_refused_without_an_echo(address: str) -> None:
    """Structure, characters and lengths; the input is in neither message nor details."""
    with pytest.raises(InvalidEmail) as refused:
        check_email(address)
    assert refused.value.code == "email_invalid"
    assert refused.value.message == InvalidEmail.summary
    assert refused.value.details == {"path": "email"}


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_canonical_address_is_canonical(local: str, domain: str) -> None:
    """Any text is an address in canonical form or the named error."""
    try:
        address = check_email(f"{local}@{domain}.com")
    except InvalidEmail:
        return
    assert check_email(address) == address


@pytest.mark.parametrize(("value", "slug"), [("abc", "abc"), (" Acme-Corp-2 ", "acme-corp-2"), ("x" * 64, "x" * 64)])
def test_slugs_are_lower_case(value: str, slug: str) -> None:
    """Case is no difference between links."""
    assert check_slug(value) == slug


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ab",
        "-abc",
        "abc-",
        "a--b",
        "a_b",
        "a b",
        "abc\n",
        "x" * 65,
        "café",
        "\N{KELVIN SIGN}elvin",
        "a/b",
        "ａｂｃ",
    ],
)
def test_slugs_are_ascii_words_joined_by_hyphens(value: str) -> None:
    """Lookalikes are refused and not folded."""
    with pytest.raises(InvalidSlug) as refused:
        check_slug(value)
    assert refused.value.code == "slug_invalid"


@pytest.mark.parametrize(("value", "sku"), [("ab-1", "AB-1"), (" a.b_c. ", "A.B_C"), ("X" * 64, "X" * 64)])
def test_skus_are_upper_case(value: str, sku: str) -> None:
    """One article has one code."""
    assert check_sku(value) == sku


@pytest.mark.parametrize("value", ["", ".", "-A", "A B", "A\n", "X" * 65, "ſku", "ß1", "A/B"])
def test_skus_are_short_codes(value: str) -> None:
    """Letters that only become ASCII by raising their case are refused too."""
    with pytest.raises(InvalidSku) as refused:
        check_sku(value)
    assert refused.value.code == "sku_invalid"
