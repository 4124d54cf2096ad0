"""One contestant behind one uvicorn worker: ``python -m benchmarks.http_server NAME URL ORGANIZATION`` prints its port.

All of them recognise the caller by the same look-up of the key's hash, read the product in a transaction of the
tenant, and answer the same bytes.
"""

import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Annotated
from uuid import UUID

import msgspec
import uvicorn
import uvloop
from fastapi import FastAPI, Header, HTTPException, Response
from sqlalchemy import text
from starlette.types import ASGIApp

from benchmarks.answers import ProductOut, stoa_app, struct
from benchmarks.peer import open_peer
from benchmarks.raw import open_raw
from benchmarks.stoa import KEYS, open_stoa
from domain.shared.ids import OrganizationId, decode_id

PATH = "/v1/products/{id}"
_POOL = 8
_FIND = "SELECT organization_id, id, scopes, expires_at, revoked_at, last_used_at FROM stoa_authenticate_key({})"
type Authorization = Annotated[str, Header()]


def _digest(authorization: str) -> str:
    digest = KEYS.digest(authorization.removeprefix("Bearer "))
    if digest is None:
        raise HTTPException(401)
    return digest


@asynccontextmanager
async def _raw(url: str, organization_id: OrganizationId, *, authenticated: bool) -> AsyncIterator[ASGIApp]:
    app = FastAPI(openapi_url=None)
    async with open_raw(url, organization_id, size=_POOL) as raw:

        @app.get(PATH)
        async def _get(id: str, authorization: Authorization) -> Response:
            if authenticated:
                key = await raw.pool.fetchrow(_FIND.format("$1"), _digest(authorization))
                if key is None or key["revoked_at"] is not None:
                    raise HTTPException(401)
            product = await raw.get_product(decode_id("prod", id))
            headers = {"etag": f'"{product.version}"'}
            return Response(msgspec.json.encode(struct(product)), media_type="application/json", headers=headers)

        yield app


@asynccontextmanager
async def _peer(url: str, organization_id: OrganizationId) -> AsyncIterator[ASGIApp]:
    app = FastAPI(openapi_url=None)
    find = text(_FIND.format(":digest"))
    async with open_peer(url, organization_id, size=_POOL) as peer:

        @app.get(PATH, response_model=ProductOut)
        async def _get(id: str, authorization: Authorization, response: Response) -> object:
            async with peer.sessions() as session:
                key = (await session.execute(find, {"digest": _digest(authorization)})).one_or_none()
            if key is None or key.revoked_at is not None:
                raise HTTPException(401)
            product = await peer.get_product(decode_id("prod", id))
            response.headers["etag"] = f'"{product.version}"'
            return product

        yield app


@asynccontextmanager
async def _stoa(url: str, organization_id: OrganizationId) -> AsyncIterator[ASGIApp]:
    async with open_stoa(url, organization_id, size=_POOL) as stoa:
        yield stoa_app(stoa, stoa.dispatch, stoa.authenticate)


async def _serve(name: str, url: str, organization_id: OrganizationId) -> None:
    opened: dict[str, Callable[[], AbstractAsyncContextManager[ASGIApp]]] = {
        "raw": lambda: _raw(url, organization_id, authenticated=True),
        "raw without key": lambda: _raw(url, organization_id, authenticated=False),
        "peer": lambda: _peer(url, organization_id),
        "Stoa": lambda: _stoa(url, organization_id),
    }
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        async with opened[name]() as app:
            config = uvicorn.Config(app, log_level="warning", access_log=False, lifespan="off", server_header=False)
            print(listener.getsockname()[1], flush=True)
            await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], sys.argv[2], OrganizationId(UUID(sys.argv[3]))))
