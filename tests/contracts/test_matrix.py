"""The declared matrix of who may call what is what the code says, and what the running application does."""

import re

import pytest

import application
from application.kernel.actor import Scope
from application.kernel.unit_of_work import IUnitOfWork
from application.kernel.use_case import DeclarationError, load_registry, use_case
from domain.shared.errors import InsufficientPermissions
from interfaces.http.operation import read_operations
from interfaces.http.routes import ROUTES
from scripts.security_matrix import HOLDERS, PAGE, PUBLIC, computed, declared, page
from tests.support.callers import NO_FIELD, Caller, knock
from tests.support.http import HttpFace, app_of
from tests.support.stack import Stack
from tests.support.use_cases import REGISTRY, ROUTED
from tests.support.world import World

DECLARED = declared()
OUTSIDE_THE_TABLE = {"/v1", "/docs", "/docs/oauth2-redirect", "/openapi.json", "/static-offline-docs"}
OUTSIDE_THE_TABLE |= {"/livez", "/readyz", "/metrics"}
"""What is served without a use-case, and without anything that belongs to anybody; `/mcp` asks for a key itself."""


@pytest.fixture(scope="module")
def stack(pg_stack: Stack) -> Stack:
    """One database is enough: what is attacked is in front of it."""
    return pg_stack


def test_the_committed_page_is_what_the_code_says() -> None:
    """``python -m scripts.security_matrix`` writes it; a difference is a change of rights, to be reviewed."""
    assert PAGE.read_text("utf-8") == page(computed(load_registry(application)))
    assert set(DECLARED) == set(REGISTRY)


def expected(name: str, who: str) -> tuple[int, str]:
    """Return what the page promises a caller: let in, unknown, or not allowed."""
    if who in DECLARED[name].holders or DECLARED[name].scope == PUBLIC:
        return 422, "validation_error"
    return (401, "unauthenticated") if who == PUBLIC else (403, InsufficientPermissions.code)


async def test_everybody_is_let_in_exactly_where_the_page_says(http: HttpFace, everybody: dict[str, Caller]) -> None:
    """Every route over HTTP as everybody, strangers too: in, unknown or not allowed, and never anything else."""
    differing = {}
    for name in ROUTED:
        for who in (*HOLDERS, PUBLIC):
            answer = await knock(http, name, everybody[who])
            said = answer.status_code, answer.json()["code"]
            if said != expected(name, who) or (said[0] == 422 and NO_FIELD not in answer.text):
                differing[name, who] = answer.text
    assert differing == {}


async def test_a_key_is_let_in_by_the_one_scope_that_the_page_names(http: HttpFace, world: World) -> None:
    """A key with only that scope is let in; one with all others that a key can have is not."""
    differing = []
    for scope in sorted({row.scope for row in DECLARED.values()} & HOLDERS["key"]):
        names = [name for name in ROUTED if DECLARED[name].scope == scope]
        only = Caller(str((await world.run("api_keys.create", scopes=[scope]))["secret"]), {})
        rest = sorted(HOLDERS["key"] - {Scope(scope)})
        others = Caller(str((await world.run("api_keys.create", scopes=rest))["secret"]), {})
        for name in names:
            statuses = [(await knock(http, name, caller)).status_code for caller in (only, others)]
            differing += [(name, statuses)] if statuses != [422, 403] else []
    assert differing == []


def test_without_a_declared_scope_nothing_starts() -> None:
    """A use-case says its scope or that it is public, a route belongs to a use-case, or the import fails."""
    declare = use_case("nothing.do", scope=None, example={})

    async def handler(cmd: Scope, uow: IUnitOfWork) -> None:
        """Do nothing."""

    with pytest.raises(DeclarationError, match="scope"):
        declare(handler)
    without = {name: each for name, each in REGISTRY.items() if name != "products.list"}
    with pytest.raises(DeclarationError, match="products"):
        read_operations(ROUTES, without)


def test_nothing_is_served_beside_the_table_that_is_not_known(stack: Stack) -> None:
    """A route that somebody adds to the framework itself would have no scope: there are these, and no others."""
    assert {getattr(route, "path", "") for route in app_of(stack).router.routes} == OUTSIDE_THE_TABLE


def test_no_secret_travels_in_an_address() -> None:
    """Passwords, tokens and secrets are fields of bodies: neither a query nor a path has one."""
    secret = re.compile("password|token$|secret|signature|private")
    for operation in read_operations(ROUTES, REGISTRY):
        in_query = () if operation.has_body else tuple(field.name for field in operation.fields)
        assert not [name for name in (*operation.path_fields, *in_query) if secret.search(name)]
