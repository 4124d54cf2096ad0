"""The limit behind one uvicorn worker: FastAPI and asyncpg, by hand.

``python -m benchmarks.load.raw_server URL ORGANIZATION`` prints its port. It looks the key up, reads and writes under
the tenant's row security, and leaves an event and an audit entry with what it writes, as Stoa does.
"""

import socket
import sys
from typing import Annotated
from uuid import UUID

import msgspec
import uvicorn
import uvloop
from fastapi import FastAPI, Header, HTTPException, Request, Response

from benchmarks.answers import struct
from benchmarks.raw import Raw, open_raw
from benchmarks.stoa import KEYS
from domain.shared.ids import OrganizationId, decode_id

POOL = 10
_FIND = "SELECT organization_id, id, scopes, expires_at, revoked_at, last_used_at FROM stoa_authenticate_key($1)"
type Authorization = Annotated[str, Header()]


def build(raw: Raw) -> FastAPI:
    """Return the application."""
    app = FastAPI(openapi_url=None)

    async def authenticate(authorization: str) -> None:
        digest = KEYS.digest(authorization.removeprefix("Bearer "))
        key = None if digest is None else await raw.pool.fetchrow(_FIND, digest)
        if key is None or key["revoked_at"] is not None:
            raise HTTPException(401)

    @app.get("/v1/products/{id}")
    async def _get(id: str, authorization: Authorization) -> Response:
        await authenticate(authorization)
        return _json(struct(await raw.get_product(decode_id("prod", id))))

    @app.get("/v1/products")
    async def _list(authorization: Authorization, limit: int) -> Response:
        await authenticate(authorization)
        return _json({"data": [struct(each) for each in await raw.list_products(limit)], "next_cursor": None})

    @app.post("/v1/products")
    async def _create(request: Request, authorization: Authorization) -> Response:
        await authenticate(authorization)
        msgspec.json.decode(await request.body())
        return _json(struct(await raw.create(with_entry=True)), status=201)

    return app


def _json(body: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(body), status, media_type="application/json")


async def _serve(url: str, organization_id: OrganizationId) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        async with open_raw(url, organization_id, size=POOL) as raw:
            config = uvicorn.Config(
                build(raw), log_level="warning", access_log=False, lifespan="off", server_header=False
            )
            print(listener.getsockname()[1], flush=True)
            await uvicorn.Server(config).serve(sockets=[listener])


if __name__ == "__main__":
    uvloop.run(_serve(sys.argv[1], OrganizationId(UUID(sys.argv[2]))))
