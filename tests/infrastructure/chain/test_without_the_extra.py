"""Whoever deals with no chain installs nothing for it: everything else runs, and nothing is imported too early."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PROGRAM = """
import asyncio, json, sys
from uuid import UUID

def blocked():
    return [n for n in ("web3", "eth_account", "eth_keys", "eth_utils", "eth_abi", "hexbytes") if n in sys.modules]

if sys.argv[1] == "blocked":
    for name in ("web3", "eth_account", "eth_keys", "eth_utils", "eth_abi", "hexbytes", "rlp"):
        sys.modules[name] = None

from application.wallets.ports import Fees, UnsignedTransaction
from application.wallets.signing_ports import SigningKey
from domain.wallets.errors import ChainSupportMissing
from infrastructure.chain.chains import Chains
from infrastructure.chain.keystore import Keystore
from infrastructure.chain.signatures import Secp256k1Signatures
from infrastructure.chain.signer import Signer
from infrastructure.container import Container
from infrastructure.locations import locate
from infrastructure.settings import load_settings

settings = load_settings({"STOA_CHAINS": '{"1": {"rpc": ["https://rpc.example"]}}', "STOA_DATABASE_URL": "sqlite:///x.db"})
container = Container(settings=settings, locations=locate(settings))
container.dispatcher()
early = blocked() if sys.argv[1] == "open" else []
key = UUID(int=1)
kept = container.keystore().create(key, key)
signing = SigningKey(organization_id=key, wallet_id=key, address=kept.address, sealed=kept.sealed)
transaction = UnsignedTransaction(
    chain_id=1, nonce=0, to=None, value=0, data=b"", gas=60_000, fees=Fees(max_fee=2, priority_fee=1)
)

def told(act):
    try:
        act()
    except ChainSupportMissing as error:
        return error.code
    return "done"

print(json.dumps({
    "early": early,
    "use_cases": len(container.registry()),
    "of": told(lambda: container.chains().of(1)),
    "sign": told(lambda: asyncio.run(container.signer().sign(signing, transaction))),
    "signer_of": told(lambda: container.signatures().signer_of_digest(b"1" * 32, b"1" * 65)),
    "keystore": kept.address[:2],
}))
"""


def run(how: str, folder: Path) -> dict[str, object]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("STOA_", "PG"))}
    environment["PYTHONPATH"] = str(ROOT / "src")
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_without_the_extra_chains_alone_are_missing(tmp_path: Path) -> None:
    """Chains, signing and recovery say so; use-cases, settings and the making of keys are there."""
    found = run("blocked", tmp_path)

    missing = "chain_support_missing"
    assert (found["of"], found["sign"], found["signer_of"]) == (missing, missing, missing)
    assert found["keystore"] == "0x"
    assert found["use_cases"] == run("open", tmp_path)["use_cases"]


def test_nothing_is_imported_before_it_is_used(tmp_path: Path) -> None:
    """Seconds of imports are not paid by those who never ask a chain."""
    found = run("open", tmp_path)

    assert found["early"] == []
    assert (found["of"], found["sign"], found["signer_of"]) == ("done", "done", "done")
