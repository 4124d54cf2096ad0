"""A process that is nothing but a relay, publishing to a file: ``python -m tests.faults.relay_process URL FILE``."""

import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from application.kernel.ports import IEventPublisher
from domain.shared.events import EventEnvelope
from infrastructure.persistence.database import Database
from infrastructure.workers.relay import Relay


class FilePublisher(IEventPublisher):
    """One line per event, which is published as soon as it is written; a batch is confirmed when it is on disk."""

    def __init__(self, path: Path) -> None:
        """Go on at the end of the file."""
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    async def publish(self, event: EventEnvelope) -> None:
        """Write a line."""
        os.write(self._file, f"{event.event_id} {event.aggregate_id} {event.aggregate_version}\n".encode())

    async def publish_batch(self, events: Sequence[EventEnvelope]) -> None:
        """Write all lines, giving others a turn after each, as a real broker's delivery reports do."""
        for event in events:
            await self.publish(event)
            await asyncio.sleep(0)
        os.fsync(self._file)


async def main(url: str, path: Path) -> None:
    """Relay until killed."""
    await Relay(Database(url, pool_size=2), FilePublisher(path)).run()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
