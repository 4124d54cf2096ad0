"""Compiles the contracts, and writes what the product, the demo and the tests need of them: ABI and creation code.

``python scripts/compile_contracts.py`` writes, with ``--check`` it compares what is written instead.
"""

import json
import sys
from pathlib import Path
from typing import Any

from vyper import compile_code  # type: ignore[import-untyped]  # reason: it ships no types

ROOT = Path(__file__).resolve().parents[1]
ARTIFACTS = {
    "SmartWallet": ROOT / "src/infrastructure/chain/artifacts",
    "MultiSig": ROOT / "src/infrastructure/chain/artifacts",
    "WalletFactory": ROOT / "src/infrastructure/chain/artifacts",
    "TestToken": ROOT / "contracts",
}


def compiled(name: str) -> str:
    """Return a contract's artifact as it is written."""
    source = (ROOT / "contracts" / f"{name}.vy").read_text("utf-8")
    made: dict[str, Any] = compile_code(source, output_formats=["abi", "bytecode"])
    return json.dumps({"abi": made["abi"], "bytecode": made["bytecode"]}, indent=1) + "\n"


def stale() -> list[str]:
    """Return the contracts whose artifacts are missing or of another source."""
    paths = {name: folder / f"{name}.json" for name, folder in ARTIFACTS.items()}
    return [name for name, path in paths.items() if not path.exists() or path.read_text("utf-8") != compiled(name)]


def main() -> int:
    """Write all artifacts, or name those that would change."""
    if "--check" in sys.argv:
        print(*(found := stale()))
        return 1 if found else 0
    for name, folder in ARTIFACTS.items():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(compiled(name), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
