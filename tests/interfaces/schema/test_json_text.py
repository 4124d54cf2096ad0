"""JSON text is refused for every reason there is to doubt it."""

import json
from time import process_time

import pytest

from domain.shared.errors import MalformedInput
from interfaces.schema.json_text import MAX_MEMBERS, MAX_VALUES, decode_json


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "json_malformed"),
        (b"{", "json_malformed"),
        (b"{} {}", "json_malformed"),
        (b"{'a': 1}", "json_malformed"),
        (b"\xef\xbb\xbf{}", "json_malformed"),
        (b'{"a": "\x00"}', "json_malformed"),
        (b'{"a": 01}', "json_malformed"),
        (b'{"a": "\xff"}', "json_encoding"),
        (b'{"a": "\xed\xa0\x80"}', "json_encoding"),
        ('{"a": 1}'.encode("utf-16"), "json_encoding"),
        (rb'{"a": "\ud800"}', "json_encoding"),
        (rb'{"a": ["x", {"b": "\uDC00x"}]}', "json_encoding"),
        (rb'{"\udfff": 1}', "json_encoding"),
        (b'{"a": NaN}', "json_number"),
        (b'{"a": Infinity}', "json_number"),
        (b'{"a": -Infinity}', "json_number"),
        (b'{"a": 1e999}', "json_number"),
        (b'{"a": ' + b"9" * 41 + b"}", "json_number"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "json_number"),
        (b'{"a": 1, "a": 1}', "json_duplicate_key"),
        (rb'{"a": {"b": 1, "\u0062": 2}}', "json_duplicate_key"),
        (b"[" * 33 + b"]" * 33, "json_depth"),
        (b'{"a":' * 33 + b"1" + b"}" * 33, "json_depth"),
        (b'{"a":' * 100_000, "json_depth"),
    ],
)
def test_doubtful_text_is_refused_with_a_code(body: bytes, code: str) -> None:
    """Everything that readers could disagree about, or that would hurt one, is malformed."""
    with pytest.raises(MalformedInput) as caught:
        decode_json(body)
    assert caught.value.code == code


@pytest.mark.parametrize("body", [b"[" * 100_000, b"[" * 1_000_000, b"9" * 1_000_000, b"[" + b"[]," * 300_000 + b"[]]"])
def test_hostile_text_is_cheap(body: bytes) -> None:
    """Depth, digits and mere number of lists cost no more than reading the text does."""
    started = process_time()
    try:
        decode_json(body)
    except MalformedInput:
        assert process_time() - started < 0.05
    assert process_time() - started < 1


def test_thirty_two_levels_are_read() -> None:
    """The limit itself is allowed."""
    assert decode_json(b"[" * 32 + b"]" * 32)


def test_pairs_of_surrogates_are_one_character() -> None:
    """Escaped characters beyond the basic plane are fine."""
    assert decode_json(rb'{"\ud83d\ude00": "\ud83d\ude00"}') == {"\U0001f600": "\U0001f600"}


def test_numbers_keep_their_kind() -> None:
    """An integer with a fraction or an exponent is not an integer any more."""
    value = decode_json(b"[1, 1.0, 1e3, -0, 9223372036854775808]")
    assert isinstance(value, list)
    assert [type(number) for number in value] == [int, float, float, int, int]


@pytest.mark.parametrize("value", ["0", '"a"', '","', r'"\","', r'"a\\"', "{}", '["",""]', '{"a":"b,c"}'])
def test_more_values_than_anybody_needs_are_refused(value: str) -> None:
    """However they are written; commas and quotes within text do not count and do not hide others."""
    inner = value.count(",") if value[0] == "[" else 0
    at_most = (MAX_VALUES + 1) // (1 + inner)
    decode_json(f"[{','.join([value] * at_most)}]".encode())
    with pytest.raises(MalformedInput) as refused:
        decode_json(f"[{','.join([value] * (MAX_VALUES + 2))}]".encode())
    assert refused.value.code == "json_values"


def test_commas_in_text_are_no_values() -> None:
    text = "a,b," * 100_000
    assert decode_json(f'{{"text":"{text}"}}'.encode()) == {"text": text}


def test_an_object_has_a_largest_number_of_members() -> None:
    members = {f"k{n}": n for n in range(MAX_MEMBERS)}
    assert decode_json(json.dumps(members).encode()) == members
    with pytest.raises(MalformedInput) as refused:
        decode_json(json.dumps(members | {"more": 1}).encode())
    assert refused.value.code == "json_values"
