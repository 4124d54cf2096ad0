"""Writers through the dispatcher that never give up, and know what was acknowledged to them."""

import asyncio
from dataclasses import dataclass, field
from time import perf_counter
from uuid import uuid4

from application.kernel.actor import Actor
from application.kernel.idempotency import IdempotencyInProgress
from domain.shared.errors import Unavailable
from tests.support.stack import Stack


@dataclass
class Writers:
    """Tasks that create products, and keep who was promised what and when."""

    stack: Stack
    actor: Actor
    acknowledged: dict[str, str] = field(default_factory=dict)
    last_at: float = 0.0
    failures: int = 0
    stopping: bool = False

    async def write(self) -> None:
        """Create one product after the other until told to stop, and the last one until it is acknowledged."""
        while not self.stopping:
            key = str(uuid4())
            made = None
            while made is None:
                try:
                    made = await self.stack.run(
                        "products.create", self.actor, key=key, name="Beans", sku=None, description="", metadata={}
                    )
                except (Unavailable, IdempotencyInProgress):
                    self.failures += 1
                    await asyncio.sleep(0.01)
            self.acknowledged[key] = str(made["id"])
            self.last_at = perf_counter()

    async def next_acknowledgement(self, *, within: float) -> float:
        """Return the seconds until something is acknowledged from now on."""
        now = perf_counter()
        async with asyncio.timeout(within):
            while self.last_at <= now:
                await asyncio.sleep(0.005)
        return self.last_at - now
