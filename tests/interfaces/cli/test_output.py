"""Answers in every format."""

import json

import pytest

from application.kernel.dispatcher import Outcome
from application.kernel.wire import Wire
from interfaces.cli import output
from tests.interfaces.cli.fakes import THING, FakeOperations, invoke

OTHER: dict[str, Wire] = {**THING, "id": "plink_2", "name": "Another\x1b[31m\nthing [bold]", "metadata": {"a": 1}}
LIST = ("run", "things.list")


@pytest.fixture
def page() -> FakeOperations:
    return FakeOperations(answer=Outcome({"data": [THING, OTHER], "next_cursor": "more", "total": 9}))


def test_json_is_the_whole_answer(page: FakeOperations) -> None:
    """It is what HTTP would have said."""
    answer = json.loads(invoke(page, *LIST, "-o", "json").stdout)
    assert answer["next_cursor"] == "more"
    assert len(answer["data"]) == 2


def test_jsonl_is_one_item_per_line(page: FakeOperations) -> None:
    """What is no data goes to standard error."""
    result = invoke(page, *LIST, "-o", "jsonl")
    assert [json.loads(line)["id"] for line in result.stdout.splitlines()] == [THING["id"], "plink_2"]
    assert "--cursor more" in result.stderr
    assert "9 in total" in result.stderr


def test_id_is_one_id_per_line(page: FakeOperations) -> None:
    """It feeds the next command."""
    assert invoke(page, *LIST, "-o", "id").stdout.split() == [THING["id"], "plink_2"]
    assert (
        invoke(FakeOperations(), "run", "things.get", "--id", str(THING["id"]), "-o", "id").stdout.strip()
        == THING["id"]
    )


def test_a_table_is_for_people(page: FakeOperations) -> None:
    """Money is written as money, and nothing in the data can play with the terminal."""
    text = invoke(page, *LIST, "-o", "table").stdout
    assert "12.50 EUR" in text
    assert "[bold]" in text
    assert "\x1b" not in text
    assert len(text.splitlines()) == 4


def test_one_resource_is_a_table_of_its_fields() -> None:
    """Everything is shown, nested values as JSON."""
    text = invoke(FakeOperations(answer=Outcome(OTHER)), *LIST, "-o", "table").stdout
    assert '{"a":1}' in text
    assert "12.50 EUR" in text


def test_an_empty_table_is_not_silence() -> None:
    """Nothing is on standard output, and a person is told so."""
    result = invoke(FakeOperations(answer=Outcome({"data": [], "next_cursor": None})), *LIST, "-o", "table")
    assert result.stdout == ""
    assert "Nothing found" in result.stderr


def test_a_terminal_gets_a_table_and_a_pipe_gets_json(page: FakeOperations, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``-o`` the reader decides."""
    assert json.loads(invoke(page, *LIST).stdout)
    monkeypatch.setattr(output, "preferred", lambda: output.Format.TABLE)
    monkeypatch.setattr("interfaces.cli.execute.preferred", output.preferred)
    assert "12.50 EUR" in invoke(page, *LIST).stdout


def test_an_unknown_format_is_a_usage_error(page: FakeOperations) -> None:
    """It is found before anything runs."""
    assert invoke(page, *LIST, "-o", "yaml").exit_code == 2
    assert not page.ran
