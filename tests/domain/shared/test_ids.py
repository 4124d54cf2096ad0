"""Ids and their TypeID text."""

from contextlib import suppress
from uuid import UUID

import pytest
import typeid
import uuid_utils
from asyncpg.pgproto import pgproto
from hypothesis import given
from hypothesis import strategies as st

from domain.shared import ids
from domain.shared.ids import ID_PREFIXES, ID_TYPES, InvalidId, decode_id, encode_id, uuid7

KNOWN = UUID("0188bac7-4afa-78aa-bc3b-bd1eef28d881")
KNOWN_TEXT = "cus_01h2xcejqtf2nbrexx3vqjhp41"


@given(st.sampled_from(sorted(ID_TYPES)), st.uuids())
def test_text_reads_back_as_the_same_id(prefix: str, value: UUID) -> None:
    """Encoding and decoding are inverse for every prefix."""
    assert decode_id(prefix, encode_id(prefix, value)) == value


@given(st.uuids())
def test_the_text_is_what_the_reference_library_writes(value: UUID) -> None:
    """Any TypeID library can read Stoa's ids."""
    assert encode_id("plink", value) == str(typeid.TypeID.from_uuid(uuid_utils.UUID(int=value.int), "plink"))


@given(st.uuids(), st.uuids())
def test_text_sorts_like_the_ids(one: UUID, other: UUID) -> None:
    """Sorting by the text outside equals sorting by the column inside."""
    assert (encode_id("ord", one) < encode_id("ord", other)) == (one < other)


@pytest.mark.parametrize("number", [0, 1, 2**128 - 1, KNOWN.int])
def test_the_ends_of_the_range_survive(number: int) -> None:
    """No bit is lost at either end of the 128."""
    assert decode_id("evt", encode_id("evt", UUID(int=number))).int == number


def test_a_published_example_has_its_published_text() -> None:
    """The codec agrees with an example of the TypeID specification."""
    assert encode_id("cus", KNOWN) == KNOWN_TEXT


def test_ids_from_the_database_driver_encode_alike() -> None:
    """The driver's own UUID class needs no conversion."""
    assert encode_id("cus", pgproto.UUID(str(KNOWN))) == KNOWN_TEXT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "cus_",
        "_" + KNOWN_TEXT[4:],
        KNOWN_TEXT[4:],
        "ord_" + KNOWN_TEXT[4:],
        KNOWN_TEXT.replace("_", "-"),
        KNOWN_TEXT.upper(),
        "cus_" + KNOWN_TEXT[4:].upper(),
        KNOWN_TEXT[:-1],
        KNOWN_TEXT + "0",
        KNOWN_TEXT + "\n",
        KNOWN_TEXT[:-1] + "\n",
        KNOWN_TEXT[:-1] + "u",
        KNOWN_TEXT[:-1] + "i",
        KNOWN_TEXT[:-1] + "_",
        KNOWN_TEXT[:-1] + "١",
        "cus_8" + KNOWN_TEXT[5:],
        "cus_ " + KNOWN_TEXT[5:],
        str(KNOWN),
    ],
)
def test_anything_but_canonical_text_is_refused_without_an_echo(text: str) -> None:
    """Wrong prefix, alphabet, case, length and overflow are one error that repeats nothing."""
    with pytest.raises(InvalidId) as refused:
        decode_id("cus", text)
    assert refused.value.code == "id_invalid"
    assert not refused.value.details
    assert not text or text not in str(refused.value)


@given(st.text(max_size=40))
def test_no_text_breaks_the_decoder(text: str) -> None:
    """Whatever arrives is an id or the named error."""
    with suppress(InvalidId):
        assert encode_id("tx", decode_id("tx", text)) == text


@given(st.integers(0, 2**48 - 1), st.integers(0, 2**74 - 1))
def test_uuid7_has_the_layout_of_the_standard(unix_ms: int, random_bits: int) -> None:
    """Version, variant, timestamp and all random bits are where RFC 9562 puts them."""
    value = uuid7(unix_ms, random_bits)
    assert value.version == 7
    assert value.variant == "specified in RFC 4122"
    assert value.int >> 80 == unix_ms
    assert (value.int >> 64 & 0xFFF) << 62 | value.int & (1 << 62) - 1 == random_bits


def test_uuid7_writes_the_example_of_the_standard() -> None:
    """RFC 9562 appendix A.6, bit by bit."""
    assert uuid7(0x017F22E279B0, 0xCC3 << 62 | 0x18C4DC0C0C07398F) == UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


@pytest.mark.parametrize(("unix_ms", "random_bits"), [(-1, 0), (2**48, 0), (0, -1), (0, 2**74)])
def test_uuid7_refuses_what_does_not_fit(unix_ms: int, random_bits: int) -> None:
    """Silent truncation would make ids collide."""
    with pytest.raises(ValueError, match="must fit"):
        uuid7(unix_ms, random_bits)


def test_every_id_type_has_a_prefix_of_its_own() -> None:
    """The two tables are complete and each other's reverse."""
    declared = {value for name, value in vars(ids).items() if name.endswith("Id") and hasattr(value, "__supertype__")}
    assert declared == set(ID_PREFIXES)
    assert {prefix: id_type for id_type, prefix in ID_PREFIXES.items()} == ID_TYPES
    assert len(ID_TYPES) == len(ID_PREFIXES)
