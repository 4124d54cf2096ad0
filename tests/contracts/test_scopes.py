"""Function-level authorization: every use-case against every single scope."""

from dataclasses import replace

import pytest

from application.kernel.actor import PERSONAL_SCOPES, TENANT_SCOPES, Scope
from domain.shared.errors import InsufficientPermissions
from tests.support.http import HttpFace
from tests.support.use_cases import EVERY, REGISTRY, ROUTED
from tests.support.world import World

SCOPES = sorted(TENANT_SCOPES)
WITHIN = {"api_keys.create": {"scopes": [Scope.API_KEYS_WRITE]}, "agents.create_key": {"scopes": [Scope.TASKS_WORK]}}
"""What a key with only the declared scope has to leave out to succeed."""
BESIDES = {
    "agents.create_key": Scope.TASKS_WORK,
    "conversations.create_with_task": Scope.TASKS_WRITE,
    "conversations.find_with_tasks": Scope.TASKS_READ,
}
"""What a key has to have besides the declared scope to succeed, since nobody gives away what they do not have,
and what shows or makes two things asks for both."""


@pytest.fixture(scope="module")
async def keys(world: World) -> dict[Scope, str]:
    """Return one API key per scope, with nothing but that scope."""
    return {scope: str((await world.run("api_keys.create", scopes=[scope]))["secret"]) for scope in SCOPES}


def _offered(name: str, engine: str) -> list[Scope]:
    """Return all scopes; on SQLite every eighth, another eighth for each use-case, as no database is asked here."""
    return SCOPES if engine == "postgres" else SCOPES[ROUTED.index(name) % 8 :: 8]


@pytest.mark.parametrize("name", ROUTED)
async def test_only_the_declared_scope_opens_a_use_case(
    name: str, http: HttpFace, world: World, keys: dict[Scope, str], engine: str
) -> None:
    """Of all keys with one scope, exactly the one with the declared scope gets past 403, and it succeeds.

    What is about a person no key opens at all; their session does.
    """
    fields, declared = {**await world.fields(name), **WITHIN.get(name, {})}, REGISTRY[name].scope
    offered = [scope for scope in keys if scope in _offered(name, engine) or scope is declared]
    refused = []
    for scope in offered:
        key = keys[scope]
        # Anybody may run a public use-case, also one that works only once with the same fields.
        given = await world.fields(name) if declared is None else fields
        if scope is declared and name in BESIDES:
            key = str((await world.run("api_keys.create", scopes=[scope, BESIDES[name]]))["secret"])
        response = await http.send(name, given, key=key)
        if response.status_code == 403:
            assert response.json()["code"] == InsufficientPermissions.code
            refused.append(scope)
        else:
            assert response.is_success, response.text
    assert refused == [scope for scope in offered if declared not in (scope, None)]
    if declared in PERSONAL_SCOPES:
        assert (await http.send(name, fields, key=world.person.token)).is_success


@pytest.mark.parametrize("name", [name for name in ROUTED if not REGISTRY[name].public])
async def test_without_the_scope_nothing_is_said_of_the_command(
    name: str, http: HttpFace, world: World, keys: dict[Scope, str]
) -> None:
    """Who may not call a use-case hears that and nothing about their fields, however wrong those are."""
    key = next(key for scope, key in keys.items() if scope != REGISTRY[name].scope)
    response = await http.send(name, {**await world.fields(name), "surprise": "x", "id": "nonsense"}, key=key)
    assert (response.status_code, response.json()["code"]) == (403, InsufficientPermissions.code)


@pytest.mark.parametrize("name", EVERY)
async def test_all_other_scopes_together_do_not_open_a_use_case(name: str, world: World) -> None:
    """The core itself refuses, whichever face forgot to ask, before the command is looked at."""
    scope = REGISTRY[name].scope
    if scope is None:
        return
    actor = world.actor_for(name)
    with pytest.raises(InsufficientPermissions):
        await world.send(name, await world.fields(name), replace(actor, scopes=actor.scopes - {scope}))


@pytest.mark.parametrize("scope", sorted(PERSONAL_SCOPES))
async def test_what_is_about_a_person_is_never_given_to_a_key(http: HttpFace, world: World, scope: Scope) -> None:
    """An API key belongs to an organization: nobody can give it a say in a person's account."""
    fields = {**await world.fields("api_keys.create"), "scopes": [scope]}
    response = await http.send("api_keys.create", fields, key=world.key)
    assert response.status_code in {403, 422}, response.text


async def test_the_platforms_scope_is_never_given_to_a_key(http: HttpFace, world: World) -> None:
    """An API key asked for with platform:operate is refused, also to a key that has everything else."""
    fields = {**await world.fields("api_keys.create"), "scopes": [Scope.PLATFORM_OPERATE]}
    response = await http.send("api_keys.create", fields, key=world.key)
    assert response.status_code in {403, 422}, response.text


async def test_a_key_cannot_give_more_than_it_has(http: HttpFace, world: World, keys: dict[Scope, str]) -> None:
    """A key that may create keys gives only its own scopes away."""
    fields = {**await world.fields("api_keys.create"), "scopes": [Scope.API_KEYS_WRITE, Scope.PRODUCTS_READ]}
    response = await http.send("api_keys.create", fields, key=keys[Scope.API_KEYS_WRITE])
    assert (response.status_code, response.json()["code"]) == (403, "scope_missing")
