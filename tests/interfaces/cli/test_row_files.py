"""Files of rows, read a row at a time."""

import json
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from application.kernel.imports import Checked
from interfaces.cli import row_files
from interfaces.cli.row_files import MAX_ROW, BrokenRows, RowFile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text('ab"\\[]{},', max_size=4), inner, max_size=3),
    max_leaves=8,
)


def a_file(text: str | bytes) -> RowFile:
    body = text.encode() if isinstance(text, str) else text
    return RowFile(BytesIO(body), len(body))


@given(
    rows=st.lists(JSON, max_size=6), block=st.sampled_from([1, 2, 3, 17, 65_536]),
    indent=st.sampled_from([None, 2]), escaped=st.booleans(),
)  # fmt: skip
def test_an_array_is_read_as_what_it_holds(
    rows: list[object], block: int, indent: int | None, *, escaped: bool
) -> None:
    """However it is laid out, and wherever reading it is cut."""
    text = " \n" + json.dumps(rows, indent=indent, ensure_ascii=escaped) + "\n "
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(row_files, "_BLOCK", block)
        assert list(a_file(text).rows()) == rows


@given(st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=6))
def test_lines_are_read_as_what_they_hold(rows: list[dict[str, object]]) -> None:
    """Blank ones are no rows."""
    text = "\n\n".join(["", *(json.dumps(row) for row in rows)])
    assert list(a_file(text).rows()) == rows


@pytest.mark.parametrize("text", ['[{"a": 1}, {"a": tru}, {"a": 2}]', '{"a": 1}\n{"a": tru}\n{"a": 2}\n'])
def test_a_row_that_is_not_json_is_one_bad_row(text: str) -> None:
    """The others are read."""
    first, bad, last = a_file(text).rows()
    assert (first, last) == ({"a": 1}, {"a": 2})
    assert isinstance(bad, Checked)
    assert [problem.code for problem in bad.problems] == ["json_malformed"]


@pytest.mark.parametrize("text", ["[1, 2", "[1] x", "[1]]", '["a]', "[" + "1" * (MAX_ROW + 2) + "]"])
def test_what_is_no_sequence_of_rows_is_refused_from_the_row_on(text: str) -> None:
    """An end that is missing, something behind it, or a row without an end."""
    with pytest.raises(BrokenRows) as refused:
        list(a_file(text).rows())
    assert isinstance(refused.value.details["row"], int)


def test_a_line_without_an_end_is_not_read_to_its_end() -> None:
    """Memory stays bounded whatever the file holds."""
    with pytest.raises(BrokenRows):
        list(a_file("x" * (MAX_ROW * 3)).rows())


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("[]", True), ("\n \n[1]", True), ('{"email": "a@b.org"}\n', True), ('{"rows": []}', False),
        ('{\n"rows": []}', False), ("", False), ("name", False),
    ],
)  # fmt: skip
def test_rows_are_told_from_the_fields_of_a_command(text: str, *, rows: bool) -> None:
    """Only those are an object with the field ``rows``."""
    assert a_file(text).holds_rows() is rows
