"""What every registered use-case declares, so that all faces can be generated from it."""

import ast
import inspect
import re
import textwrap

import pytest

from application.kernel.actor import PERSONAL_SCOPES, TENANT_SCOPES, Scope
from application.kernel.limits import Importance, importance_of
from domain.shared.entity import Entity
from interfaces.cli.run import UseCaseCommand
from interfaces.http.operation import read_operations
from interfaces.http.routes import ROUTES
from interfaces.mcp.tools import read_tools
from tests.support.stack import Stack
from tests.support.use_cases import EVERY, REGISTRY, ROUTED
from tests.support.world import World

HANDLER_LINES = 15
SHARED = {
    "accepted_tokens": "settlements",
    "address_listings": "wallets",
    "messages": "conversations",
    "playbook_runs": "playbooks",
    "token_settlements": "settlements",
    "wallet_challenges": "wallets",
    "wallet_transactions": "wallets",
    "workflow_approvals": "approvals",
    "workflow_executions": "workflows",
}
"""Resources that are read and written with the scopes of another one."""

NOT_THE_HANDLERS_BUSINESS = re.compile(r"\b(commit|rollback|begin|log|logger|logging|print)\b")


@pytest.mark.parametrize("name", EVERY)
def test_a_use_case_has_a_name_a_scope_and_a_text(name: str) -> None:
    """The name is resource.verb; exactly the public use-cases have no scope; the text says its first sentence."""
    use_case = REGISTRY[name]
    assert re.fullmatch(r"[a-z][a-z_]*\.[a-z][a-z_]*", name)
    assert (use_case.scope is None) == use_case.public
    assert use_case.doc[0].isupper()
    assert use_case.doc.splitlines()[0].endswith((".", ","))


def test_whatever_is_read_with_get_only_reads() -> None:
    """Under a flood a GET is refused as a read before anybody looks which operation is meant."""
    reads = [row.use_case for row in ROUTES if row.method == "GET"]
    assert {importance_of(REGISTRY[name]) for name in reads} == {Importance.READ}


def test_what_ends_a_kept_answer_is_the_kind_of_an_aggregate() -> None:
    """A name that nothing has would end nothing, and answers would be kept until they are too old anyway."""
    ending = {kind for each in REGISTRY.values() if each.cached is not None for kind in each.cached.changed_by}
    kinds, below = set[str](), [Entity]
    while below:
        each = below.pop()
        kinds |= {each.kind} if "kind" in vars(each) else set()
        below += each.__subclasses__()
    assert ending
    assert ending <= kinds


@pytest.mark.parametrize("name", EVERY)
def test_a_use_case_without_a_route_says_why(name: str) -> None:
    """A use-case is routed exactly once, or gives a full sentence as the reason."""
    rows = [row for row in ROUTES if row.use_case == name]
    reason = REGISTRY[name].internal
    assert len(rows) == (1 if reason is None else 0)
    assert reason is None or (reason.endswith(".") and len(reason) > 20)


@pytest.mark.parametrize("name", EVERY)
def test_reading_and_writing_scopes_follow_what_a_use_case_does(name: str) -> None:
    """A use-case with a tenant's scope asks for :read exactly when it only reads, of the resource it is named after."""
    use_case = REGISTRY[name]
    if use_case.scope is None or use_case.scope is Scope.PLATFORM_OPERATE:
        return
    resource, action = use_case.scope.value.split(":")
    assert (action == "read") == use_case.read_only
    assert action in ("read", "write", "purge", "work", "keys", "send")
    assert SHARED.get(use_case.resource, use_case.resource) in (resource, f"{resource}_entries")
    assert use_case.scope in TENANT_SCOPES | PERSONAL_SCOPES


@pytest.mark.parametrize("name", EVERY)
async def test_the_example_is_valid(name: str, stack: Stack, world: World) -> None:
    """The example, as it is written, makes a command once ids are filled in."""
    fields = await world.fields(name)
    example = REGISTRY[name].example
    assert stack.command(name, **{**fields, **example})


def test_every_tool_and_operation_derives_its_name() -> None:
    """HTTP operations and MCP tools are the use-cases that are not internal; the command line has all of them."""
    operations = {operation.use_case.name for operation in read_operations(ROUTES, REGISTRY)}
    tools = {tool.use_case.name: tool.name for tool in read_tools(REGISTRY).values()}
    assert operations == set(tools) == set(ROUTED)
    assert all(tool == name.replace(".", "_") for name, tool in tools.items())
    assert [UseCaseCommand(REGISTRY[name]).name for name in EVERY] == EVERY


@pytest.mark.parametrize("name", EVERY)
def test_a_handler_is_short_and_never_ends_the_transaction(name: str) -> None:
    """A handler is at most 15 lines, has no try, no log and no commit: those belong to the dispatcher."""
    source = textwrap.dedent(inspect.getsource(REGISTRY[name].handler))
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    assert find_faults(function) == []


@pytest.mark.parametrize(
    "body",
    [
        "await uow.commit()",
        "uow.session.rollback()",
        "log.info('x')",
        "print(1)",
        "try:\n  x()\nfinally:\n  y()",
        "a()\n" * (HANDLER_LINES + 1),
    ],
)
def test_the_rule_for_handlers_has_teeth(body: str) -> None:
    """Each thing a handler must not do is found."""
    function = ast.parse(f'async def handler(cmd, uow):\n    """Do."""\n{textwrap.indent(body, "    ")}').body[0]
    assert isinstance(function, ast.AsyncFunctionDef)
    assert find_faults(function)


def find_faults(function: ast.AsyncFunctionDef) -> list[str]:
    """Say what a handler does that it must not."""
    body = function.body[1:] if ast.get_docstring(function) else function.body
    lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
    faults = [f"{lines} lines"] if lines > HANDLER_LINES else []
    for node in (inner for statement in body for inner in ast.walk(statement)):
        if isinstance(node, ast.Try | ast.TryStar):
            faults.append("try")
        name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
        if NOT_THE_HANDLERS_BUSINESS.fullmatch(name):
            faults.append(name)
    return faults
