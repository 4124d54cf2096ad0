"""anvil in a process of its own: a chain with a real mempool, which reorganizes when it is told to.

Prints its address once it answers, and ends when its standard input does, so also when its parent was killed.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from threading import Thread

from scripts.dev_accounts import FUNDED, MNEMONIC

_FOLDER = Path(__file__).resolve().parents[2] / ".stoa" / "anvil"
_LISTENING = "Listening on "


def anvil_command() -> list[str]:
    """Return how to start anvil.

    Raises:
        FileNotFoundError: it is not there, with the reason.
    """
    for program in sorted(_FOLDER.glob("node_modules/@foundry-rs/anvil-*/bin/anvil*")):
        return [str(program)]
    if found := shutil.which("anvil"):
        return [found]
    note = _FOLDER / "missing"
    why = note.read_text("utf-8").strip() if note.exists() else "scripts/ensure-anvil.sh has not been run"
    raise FileNotFoundError(f"anvil is missing: {why}")


def _serve() -> None:
    command = [*anvil_command(), "--port", "0", "--mnemonic", MNEMONIC, "--balance", str(FUNDED // 10**18)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as anvil:
        assert anvil.stdout
        address = next(line for line in anvil.stdout if line.startswith(_LISTENING)).removeprefix(_LISTENING)
        sys.stdout.write(f"http://{address.strip()}\n")
        sys.stdout.flush()
        # What it goes on saying is read, or it would wait for a reader.
        Thread(target=anvil.stdout.read, daemon=True).start()
        sys.stdin.read()
        anvil.kill()


if __name__ == "__main__":
    _serve()
