"""``stoa run``: flags in, data out, one exit code per kind of failure."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from application.kernel.actor import PLATFORM, PUBLIC_ACTOR, ActorKind, Scope
from application.kernel.dispatcher import Outcome
from application.kernel.idempotency import IdempotencyKeyMissing, OutcomeUnknown
from domain.shared.errors import (
    Conflict,
    DuplicateError,
    Forbidden,
    InsufficientPermissions,
    InvalidReference,
    NotFound,
    RateLimited,
    StoaError,
    Unauthenticated,
    Unavailable,
)
from domain.shared.money import Money
from tests.interfaces.cli.fakes import ABROAD, HOME, LINK, THING, FakeOperations, invoke
from tests.interfaces.toy import REGISTRY, Address, CreateThing, Kind, ListThings, UpdateThing

CREATE = ("run", "things.create", "--name", "A thing", "--price.amount", "1250", "--price.currency", "EUR")


@pytest.fixture
def operations() -> FakeOperations:
    return FakeOperations()


def test_flags_become_the_command(operations: FakeOperations) -> None:
    """Every kind of field can be given by flags alone."""
    result = invoke(
        operations, *CREATE, "--quantity", "3", "--gift", "--kind", "recurring", "--tags", "a", "--tags", "b",
        "--metadata", "color=red", "--metadata", '{"size": 4}', "--address.city", "Zürich", "--address.zip", "8001",
        "--starts-at", "2030-01-01T00:00:00Z",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout) == THING
    assert result.stderr == ""
    command = operations.ran[0].command
    assert isinstance(command, CreateThing)
    assert (command.price, command.quantity, command.gift) == (Money(1250, "EUR"), 3, True)
    assert (command.kind, command.tags, command.metadata) == (Kind.RECURRING, ["a", "b"], {"color": "red", "size": 4})
    assert command.address == Address(city="Zürich", zip="8001")


@pytest.mark.parametrize(
    ("flags", "expected"),
    [(["--gift"], True), (["--gift", "true"], True), (["--gift", "false"], False), (["--no-gift"], False), ([], None)],
)
def test_a_boolean_is_a_flag_or_a_value(operations: FakeOperations, flags: list[str], expected: object) -> None:
    """All usual ways to say yes and no are understood."""
    assert invoke(operations, "run", "things.list", *flags).exit_code == 0
    command = operations.ran[0].command
    assert isinstance(command, ListThings)
    assert command.gift is expected


def test_a_value_may_begin_with_a_dash(operations: FakeOperations) -> None:
    """``--sort -created_at`` is how sorting is written."""
    assert invoke(operations, "run", "things.list", "--sort", "-created_at").exit_code == 0
    assert isinstance(operations.ran[0].command, ListThings)


def test_all_problems_are_told_at_once(operations: FakeOperations) -> None:
    """Each names its flag, none repeats the input, and nothing was opened to find them."""
    result = invoke(
        operations, "run", "things.create", "--quantity", "secret-input", "--price.amount", "1.5", "--kind", "weekly",
        "--tags", "", "--metadata", "no-separator", "--json", '{"unknown": 1}',
    )  # fmt: skip
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.splitlines()
    assert {line.split(": ")[1] for line in lines} == {
        "--name", "--quantity", "--price.amount", "--price.currency", "--kind", "--tags[0]", "--metadata", "--json",
    }  # fmt: skip
    assert "Error: --name: This field is required." in lines
    assert "Error: --json: unknown: There is no such field." in lines
    assert "secret-input" not in result.stderr
    assert operations.opened == 0


@pytest.mark.parametrize("given", ["inline", "file", "stdin"])
def test_json_lies_under_the_flags(operations: FakeOperations, given: str, tmp_path: Path) -> None:
    """Fields of ``--json`` that no flag names stay; within an object, flags replace single parts."""
    text = json.dumps({"name": "From JSON", "price": {"amount": 1, "currency": "EUR"}, "metadata": {"a": True}})
    (tmp_path / "thing.json").write_text(text)
    source = {"inline": text, "file": f"@{tmp_path / 'thing.json'}", "stdin": "-"}[given]
    result = invoke(operations, "run", "things.create", "--json", source, "--price.amount", "7", text=text)
    assert result.exit_code == 0, result.stderr
    command = operations.ran[0].command
    assert isinstance(command, CreateThing)
    assert (command.name, command.price, command.metadata) == ("From JSON", Money(7, "EUR"), {"a": True})


def test_structures_are_flags_of_json_too(operations: FakeOperations) -> None:
    """Money and nested objects may be given whole."""
    price, address = '{"amount": 5, "currency": "JPY"}', '{"city": "Kyōto"}'
    result = invoke(operations, "run", "things.create", "--name", "x", "--price", price, "--address", address)
    assert result.exit_code == 0, result.stderr
    command = operations.ran[0].command
    assert isinstance(command, CreateThing)
    assert (command.price, command.address) == (Money(5, "JPY"), Address(city="Kyōto"))


def test_null_can_be_said_in_json(operations: FakeOperations) -> None:
    """A flag has text, so a field is cleared through ``--json``."""
    given = ("--id", LINK, "--expected-version", "1", "--json", '{"note": null}')
    assert invoke(operations, "run", "things.update", *given).exit_code == 0
    command = operations.ran[0].command
    assert isinstance(command, UpdateThing)
    assert command.note is None


@pytest.mark.parametrize("source", ["{", "[1]", "@/does/not/exist", '{"a": 1, "a": 2}'])
def test_json_that_is_no_object_is_refused(operations: FakeOperations, source: str) -> None:
    """One line says what is wrong with the source."""
    result = invoke(operations, "run", "things.create", "--json", source)
    assert result.exit_code == 2
    assert "Error: --json: " in result.stderr
    assert operations.opened == 0


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidReference(), 2),
        (IdempotencyKeyMissing(), 2),
        (NotFound(), 3),
        (Conflict(), 4),
        (DuplicateError(), 4),
        (Forbidden(), 5),
        (Unauthenticated(), 5),
        (RateLimited(), 6),
        (Unavailable(), 6),
        (OutcomeUnknown(), 6),
        (StoaError(), 70),
    ],
)
def test_each_kind_of_failure_has_its_exit_code(operations: FakeOperations, error: StoaError, code: int) -> None:
    """A program can tell what to do from the code alone."""
    operations.answer = error
    result = invoke(operations, *CREATE)
    assert result.exit_code == code
    assert result.stdout == ""
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_facts_of_a_failure_are_shown(operations: FakeOperations) -> None:
    """The code and the details are safe to show, and tell what to change."""
    operations.answer = InsufficientPermissions(scope="customers:write")
    assert "(scope_missing, scope=customers:write)" in invoke(operations, *CREATE).stderr


def test_a_bug_is_one_line_without_its_cause(operations: FakeOperations) -> None:
    """The cause could hold a secret; the request id finds it in the log."""
    operations.answer = RuntimeError("password=hunter2")
    result = invoke(operations, *CREATE)
    assert result.exit_code == 70
    assert "request-1" in result.stderr
    assert "hunter2" not in result.output


def test_without_a_key_the_operator_acts_for_the_default_organization(operations: FakeOperations) -> None:
    """Whoever has the machine may do everything."""
    invoke(operations, *CREATE)
    actor = operations.ran[0].call.actor
    assert (actor.kind, actor.organization_id) == (ActorKind.OPERATOR, HOME)


def test_the_operator_names_another_organization(operations: FakeOperations) -> None:
    """An unknown one ends the run."""
    invoke(operations, *CREATE, "--organization", "abroad")
    assert operations.ran[0].call.actor.organization_id == ABROAD
    assert invoke(operations, *CREATE, "--organization", "nowhere").exit_code == 3


def test_a_key_brings_its_own_organization(operations: FakeOperations) -> None:
    """It comes by flag or by environment; an organization that is not the key's is absent, and a wrong key denied."""
    invoke(operations, *CREATE, "--api-key", "good")
    invoke(operations, *CREATE, env={"STOA_API_KEY": "good"})
    assert [ran.call.actor.kind for ran in operations.ran] == [ActorKind.API_KEY] * 2
    assert invoke(operations, *CREATE, "--api-key", "good", "--organization", "home").exit_code == 3
    assert invoke(operations, *CREATE, "--api-key", "bad").exit_code == 5
    assert len(operations.ran) == 2


def test_what_stands_above_organizations_needs_none(
    operations: FakeOperations, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator creates organizations from the platform, and members in a named organization."""
    above = replace(REGISTRY["things.create"], scope=Scope.PLATFORM_OPERATE, internal="a reason")
    monkeypatch.setitem(REGISTRY, "things.create", above)
    invoke(operations, *CREATE)
    invoke(operations, *CREATE, "--organization", "abroad")
    assert [ran.call.actor.organization_id for ran in operations.ran] == [PLATFORM, ABROAD]


def test_a_public_use_case_is_run_as_the_public(operations: FakeOperations) -> None:
    """As over HTTP, a credential does not change the answer."""
    assert invoke(operations, "run", "things.open", "--slug", "x", "--api-key", "good").exit_code == 0
    assert operations.ran[0].call.actor is PUBLIC_ACTOR


def test_the_circumstances_reach_the_dispatcher(operations: FakeOperations) -> None:
    """Key, dry run and request id are part of the call, and are told to the person."""
    operations.answer = Outcome(THING, replayed=True)
    result = invoke(operations, *CREATE, "--idempotency-key", '"k-1"', "--dry-run")
    call = operations.ran[0].call
    assert (call.idempotency_key, call.dry_run, call.request_id) == ("k-1", True, "request-1")
    assert "Replayed" in result.stderr
    assert "Dry run" in result.stderr
    assert json.loads(result.stdout) == THING


def test_an_impossible_idempotency_key_is_named(operations: FakeOperations) -> None:
    """It is refused before anything is opened."""
    result = invoke(operations, *CREATE, "--idempotency-key", "")
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: --idempotency-key: ")


def test_an_unknown_use_case_suggests_known_ones(operations: FakeOperations) -> None:
    """A slip of the finger costs one look."""
    result = invoke(operations, "run", "thing.create")
    assert result.exit_code == 2
    assert "things.create" in result.stderr


def test_run_alone_lists_the_use_cases(operations: FakeOperations) -> None:
    """Nothing has to be known in advance."""
    result = invoke(operations, "run")
    assert result.exit_code == 0
    assert all(name in result.stdout for name in REGISTRY)


def test_help_shows_fields_scope_and_an_example(operations: FakeOperations) -> None:
    """One page says all there is to know."""
    result = invoke(operations, "run", "things.create", "--help")
    assert result.exit_code == 0
    for part in (
        "Do things.create.",
        "--price.currency",
        "[one_off|recurring]",
        "[default: 1]",
        "Scope: customers:write",
    ):
        assert part in result.stdout
    assert "--name 'A thing' --price.amount 1250 --price.currency EUR" in result.stdout
