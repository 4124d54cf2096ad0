"""A watched wallet on a chain in memory, and workers that look after it."""

from typing import cast

from application.wallets.ports import IChains
from application.wallets.watching import Watching
from domain.shared.evm_types import Address
from tests.support.model_chain import ModelChain, ModelChains
from tests.support.rows import Rows
from tests.support.stack import Body, Stack
from tests.support.till import Till

TOKENS = tuple(Address(f"0x{digit * 40}") for digit in "12")


class Watchman:
    """Has a till's wallet watched, for two tokens besides the coin."""

    def __init__(self, till: Till) -> None:
        self.till, self.chain, self.stack, self.drifts = till, till.chain, till.stack, 0

    @classmethod
    async def begin(cls, stack: Stack, chain: ModelChain | None = None) -> "Watchman":
        """Open a till, and look for the first time."""
        till = await Till.open(stack, chain)
        watchman = cls(till)
        await watchman.name_tokens(*TOKENS)
        await watchman.run("watch")
        await watchman.look()
        return watchman

    async def name_tokens(self, *tokens: str) -> None:
        """Change which tokens the wallet has."""
        version = (await self.run("get"))["version"]
        await self.run("update", expected_version=version, tokens=list(tokens))

    async def run(self, verb: str, **fields: object) -> Body:
        """Do something about the wallet."""
        return await self.stack.run(f"wallets.{verb}", self.till.actor, id=self.till.wallet_id, **fields)

    def worker(self, chains: IChains | None = None) -> Watching:
        """Return a worker."""
        chains = chains or ModelChains(self.chain)
        return Watching(self.stack.units, self.stack.dispatcher, chains, drifted=self.count)

    async def look(self, worker: Watching | None = None) -> None:
        """Have one round read."""
        await (worker or self.worker()).look(self.till.actor.organization_id, self.till.wallet.id)

    async def settle(self, worker: Watching | None = None) -> None:
        """Let everything become final, and read until nothing is left."""
        self.chain.mine(self.chain.confirmations)
        final = len(self.chain.blocks) - self.chain.confirmations
        while (await self.run("get_watch"))["read_to"] != final:
            await self.look(worker)

    async def compare(self) -> dict[str, object]:
        """Compare, and return what people see then, by token."""
        await self.worker().compare(self.till.actor.organization_id, self.till.wallet.id)
        seen = await self.run("get_watch")
        return {str(each["token"]).lower(): each["drift"] for each in cast("list[Body]", seen["assets"])}

    async def arrivals(self, rows: Rows) -> list[tuple[str, int]]:
        """Return hash and index of every row that says that something came in."""
        found = await rows.of("wallet_transactions", self.till.actor.organization_id)
        came = [row for row in found if row["direction"] == "in"]
        return sorted((str(row["transaction_hash"]), cast("int", row["log_index"])) for row in came)

    def count(self, drifts: int) -> None:
        """Add up."""
        self.drifts += drifts
