"""The real registry on the command line: every use-case has flags, help, an example and a description."""

import json
import shlex
from collections import Counter

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import CliRunner

from application.kernel.use_case import UseCase
from domain.shared.ids import encode_id, uuid7
from interfaces.cli.app import stoa
from interfaces.cli.examples import command_line
from interfaces.cli.flags import FieldOption, read_flags
from interfaces.cli.run import UseCaseCommand
from interfaces.cli.session import Session, registered
from interfaces.schema.command import CommandSchema
from interfaces.schema.reader import read_record

REGISTRY = registered()
CASES = [pytest.param(use_case, id=name) for name, use_case in sorted(REGISTRY.items())]


def _session() -> Session:
    return Session(lambda: pytest.fail("describing opens nothing"))


@pytest.mark.parametrize("use_case", CASES)
def test_no_two_flags_are_the_same(use_case: UseCase) -> None:
    """A field that is called like one of our own options would hide it."""
    command = UseCaseCommand(use_case)
    flags = Counter(flag for p in command.params for flag in (*p.opts, *p.secondary_opts))
    assert [flag for flag, times in flags.items() if times > 1] == []


@pytest.mark.parametrize("use_case", CASES)
def test_the_example_is_a_command(use_case: UseCase) -> None:
    """What help and ``describe`` show can be run, once its ids are real."""
    record = read_record(use_case.command)
    words = shlex.split(command_line(use_case, record))
    words = [encode_id(w.removesuffix("_…"), uuid7(1, 1)) if w.endswith("_…") else w for w in words]
    command = UseCaseCommand(use_case)
    context = command.make_context("x", words[3:], obj=_session())
    fields = [p for p in command.params if isinstance(p, FieldOption)]
    data = read_flags(record, fields, context.params)
    assert isinstance(CommandSchema(use_case.command).validate(data), use_case.command)


@pytest.mark.parametrize("use_case", CASES)
def test_help_and_description_can_be_shown(use_case: UseCase) -> None:
    """Both work without settings or a database."""
    runner = CliRunner()
    shown = runner.invoke(stoa, ["run", use_case.name, "--help"], obj=_session(), prog_name="stoa")
    assert shown.exit_code == 0, shown.output
    described = runner.invoke(stoa, ["describe", use_case.name], obj=_session(), prog_name="stoa")
    assert described.exit_code == 0, described.output
    facts = json.loads(described.stdout)
    assert facts["command"]["type"] == "object"
    assert facts["result"]["$defs"]
    assert (facts["route"] is None) == (use_case.internal is not None)


def test_the_list_of_use_cases_is_the_registry() -> None:
    """A program finds everything there is, with route and scope."""
    result = CliRunner().invoke(stoa, ["use-cases", "--json"], obj=_session(), prog_name="stoa")
    rows = {row["name"]: row for row in json.loads(result.stdout)}
    assert rows.keys() == REGISTRY.keys()
    assert rows["prices.create"]["route"] == {"method": "POST", "path": "/v1/prices"}
    assert rows["payment_links.open"]["scope"] is None
    assert rows["payment_orders.pay"]["money"] is True


def test_an_unknown_name_to_describe_suggests_known_ones() -> None:
    """The same help as for ``run``."""
    result = CliRunner().invoke(stoa, ["describe", "price.create"], obj=_session(), prog_name="stoa")
    assert result.exit_code == 2
    assert "prices.create" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "incomplete", "expected"),
    [
        ([], "desc", {"describe"}),
        (["run"], "prices.c", {"prices.create"}),
        (["describe"], "prices.a", {"prices.archive"}),
        (["run", "prices.create"], "--unit-amount.c", {"--unit-amount.currency"}),
        (["run", "prices.list", "--sort"], "c", {"created_at"}),
    ],
)
def test_the_shell_completes_names_flags_and_choices(arguments: list[str], incomplete: str, expected: set[str]) -> None:
    """Completion comes from the registry, like everything else."""
    items = ShellComplete(stoa, {"obj": _session()}, "stoa", "_STOA_COMPLETE").get_completions(arguments, incomplete)
    assert {item.value for item in items} & expected == expected


def test_every_command_in_the_help_exists_under_its_line() -> None:
    """The lazily loaded commands and the lines that announce them do not drift apart."""
    context = click.Context(stoa)
    for name in stoa.list_commands(context):
        command = stoa.get_command(context, name)
        assert command is not None
        line = next(entry.help for key, entry in stoa.lazy.items() if key == name)
        assert (command.help or "").startswith(line.removesuffix(".")), name
