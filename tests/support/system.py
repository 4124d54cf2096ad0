"""The whole system as a process composes it, on a test's database and without a socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import uuid4

from httpx2 import ASGITransport, AsyncClient

from application.identity.api_keys import CreateAPIKey
from application.identity.organizations import CreateOrganization
from application.kernel.actor import TENANT_SCOPES, operator
from application.kernel.dispatcher import Call
from domain.shared.ids import OrganizationId, decode_id
from infrastructure import lifecycle
from infrastructure.container import Container
from infrastructure.health import Health
from infrastructure.settings import load_settings
from infrastructure.workers.supervisor import Supervisor
from interfaces.http.main import build_app
from tests.support.databases import DatabaseUrls


@dataclass(frozen=True, slots=True)
class System:
    """An open container, and a client of its API with a key to everything in one organization."""

    container: Container
    client: AsyncClient
    key: str
    organization_id: OrganizationId

    async def work(self) -> int:
        """Publish what is in the outbox and perform the jobs that are due; returns how many those were."""
        done: int = await self.container.jobs().run_due_once()
        await self.container.relay().drain_once()
        return done


@asynccontextmanager
async def open_system(urls: DatabaseUrls, folder: Path, **settings: str) -> AsyncIterator[System]:
    """Open everything on a database of its own; ``settings`` are variables of the environment."""
    given = {
        "STOA_DATABASE_URL": urls.app, "STOA_RELAY_DATABASE_URL": urls.relay, "STOA_SEALER_DATABASE_URL": urls.sealer,
        "STOA_DATA_DIR": str(folder), "STOA_EVENTS": "memory", **settings,
    }  # fmt: skip
    async with lifecycle.opened(load_settings(given), work=True) as container:
        organization_id, key = await _organization(container)
        transport = ASGITransport(build_app(container, Health(container, Supervisor({}))))
        headers = {"authorization": f"Bearer {key}"}
        async with AsyncClient(transport=transport, base_url="http://stoa.test", headers=headers) as client:
            yield System(container, client, key, organization_id)


async def _organization(container: Container) -> tuple[OrganizationId, str]:
    dispatch, slug = container.dispatcher(), f"org-{uuid4().hex[:20]}"
    command = CreateOrganization(
        name="Harbour Coffee", slug=slug, default_currency="EUR", owner_email=f"{slug}@harbour.example",
        owner_name="Inês Duarte",
    )  # fmt: skip
    made = (await dispatch("organizations.create", command, Call(actor=operator(), request_id=str(uuid4())))).body
    organization = OrganizationId(decode_id("org", str(cast("dict[str, object]", made)["id"])))
    key = CreateAPIKey(name="Everything", scopes=sorted(TENANT_SCOPES), expires_at=None)
    call = Call(actor=operator(organization), request_id=str(uuid4()))
    issued = (await dispatch("api_keys.create", key, call)).body
    return organization, str(cast("dict[str, object]", issued)["secret"])
