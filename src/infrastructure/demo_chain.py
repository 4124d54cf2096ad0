"""The demo's chain: eth-tester's, in a process of its own that ends with the demo."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
from pydantic import SecretStr

from application.kernel.start_error import StartError
from infrastructure.settings import Settings

CONFIRMATIONS = 2
_ROOT = Path(__file__).resolve().parents[2]
_PROCESS, _TOKEN = _ROOT / "scripts" / "dev_chain.py", _ROOT / "contracts" / "TestToken.json"
_NEEDS = {"eth_tester": "eth-tester", "eth": "py-evm", "web3": "web3", "eth_account": "eth-account"}


class ChainDidNotStart(StartError):
    """Everything that the demo's chain needs is there, and yet it does not answer."""

    exit_code = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoChain:
    """Where the chain answers; ``missing`` says why there is none."""

    missing: str = ""
    url: str = ""
    chain_id: int = 0
    token_code: bytes = field(default=b"", repr=False)

    def added_to(self, settings: Settings) -> Settings:
        """Return the settings with this chain among those that are there already."""
        if self.missing:
            return settings
        own = {str(self.chain_id): {"rpc": [self.url], "confirmations": CONFIRMATIONS}}
        chains = json.loads(settings.chains.get_secret_value() or "{}") | own
        return settings.model_copy(update={"chains": SecretStr(json.dumps(chains))})


@contextmanager
def demo_chain() -> Iterator[DemoChain]:
    """Start a chain for the length of the block, where what it needs is installed.

    Raises:
        ChainDidNotStart: it is installed, and does not answer.
    """
    if missing := _missing():
        yield DemoChain(missing=missing)
        return
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join((str(_ROOT / "src"), str(_ROOT)))}
    command = [sys.executable, "-m", "scripts.dev_chain"]
    # Its standard input stays open for as long as this process lives; that is what ends it.
    with subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
        env=environment,
        start_new_session=True,
    ) as process:
        if process.stdin is None or process.stdout is None:
            raise ChainDidNotStart("the demo's chain has no standard input or output")
        try:
            yield _answering(process.stdout.readline().strip())
        finally:
            process.stdin.close()


def _missing() -> str:
    packages = [package for module, package in _NEEDS.items() if importlib.util.find_spec(module) is None]
    if packages:
        return f"not installed: {', '.join(packages)}"
    files = [path.name for path in (_PROCESS, _TOKEN) if not path.exists()]
    return f"only in a checkout: {', '.join(files)}" if files else ""


def _answering(url: str) -> DemoChain:
    if not url:
        raise ChainDidNotStart("the demo's chain ended before it answered")
    request = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    try:
        chain_id = int(httpx2.post(url, json=request, trust_env=False).json()["result"], 16)
    except (httpx2.HTTPError, KeyError, ValueError) as error:
        raise ChainDidNotStart(f"the demo's chain does not answer: {type(error).__name__}") from None
    code = bytes.fromhex(json.loads(_TOKEN.read_text("utf-8"))["bytecode"].removeprefix("0x"))
    return DemoChain(url=url, chain_id=chain_id, token_code=code)
