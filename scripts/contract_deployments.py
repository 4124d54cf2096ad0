"""Prints what has to be sent to a chain that has not got our contracts yet: one JSON object a line, in order.

Anybody may send it, from any address; the contracts have no owner.
"""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from infrastructure.chain.contracts import DEPLOYER, deployments


def main() -> None:
    """Print name, resulting address, recipient and data of every transaction."""
    for each in deployments():
        print(json.dumps({"name": each.name, "address": each.address, "to": DEPLOYER, "data": f"0x{each.data.hex()}"}))


if __name__ == "__main__":
    main()
