"""JSON documents."""

import pytest

from domain.shared.documents import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, Document, InvalidDocument, check_document


def nested(depth: int) -> Document:
    document: Document = {}
    for _ in range(depth - 1):
        document = {"in": document}
    return document


@pytest.mark.parametrize(
    "document",
    [
        {},
        {
            "text": "Robert'); DROP TABLE tasks;--",
            "n": 2**53,
            "f": 0.1,
            "yes": True,
            "nothing": None,
            "list": [1, "a", {}],
        },
        {"verbatim": "\x1b[31mred\x1b[0m <b>\u202e"},
        {"é": "é" * 1000},
        nested(MAX_DEPTH),
    ],
    ids=["empty", "every type", "terminal colours", "letters", "deep"],
)
def test_a_document_is_kept_as_it_is(document: Document) -> None:
    """Whatever JSON can say comes back the same."""
    assert check_document(document) == document


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (nested(MAX_DEPTH + 1), "too_deep"),
        ({"many": [0] * MAX_NODES}, "too_large"),
        ({"long": "x" * MAX_CHARACTERS}, "too_large"),
        ({"n": 2**53 + 1}, "integer_out_of_range"),
        ({"n": float("inf")}, "number_not_finite"),
        ({"n": float("nan")}, "number_not_finite"),
        ({"a\0b": 1}, "control_character"),
        ({"half": "\ud800"}, "control_character"),
        ({"set": {1, 2}}, "type"),
    ],
)
def test_what_some_reader_would_lose_is_refused(document: Document, reason: str) -> None:
    """The error names the rule and nothing of what was sent."""
    with pytest.raises(InvalidDocument) as caught:
        check_document(document)
    assert caught.value.details == {"reason": reason}
