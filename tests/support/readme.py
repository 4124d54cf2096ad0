"""Documents as tests read them, and a server as their reader starts it."""

import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ANYTHING = "…"
PATIENCE = 300  # seconds; everybody else may be at work on the machine
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and the line of the document it begins at."""

    language: str
    text: str
    line: int


def document(path: str) -> str:
    """Return a document of the repository."""
    return (ROOT / path).read_text("utf-8")


def section(text: str, first: str, last: str) -> str:
    """Return what stands between two headings."""
    return text[text.index(f"\n## {first}\n") : text.index(f"\n## {last}\n")]


def blocks(text: str, *languages: str) -> list[Block]:
    """Return the fenced blocks, all or those in one of the languages."""
    found = [Block(m[1], m[2], text.count("\n", 0, m.start()) + 1) for m in _FENCE.finditer(text)]
    return [block for block in found if not languages or block.language in languages]


def steps(text: str) -> list[tuple[str, str]]:
    """Return each ``bash`` block with the output that a ``text`` block right after it promises, or with none."""
    found = blocks(text)
    following = [*found[1:], Block("", "", 0)]
    return [
        (block.text, after.text if after.language == "text" else "")
        for block, after in zip(found, following, strict=True)
        if block.language == "bash"
    ]


def matches(promised: str, came: str) -> bool:
    """Compare line by line; ``…`` stands for any text within its line."""
    pattern = re.escape(promised.strip()).replace(re.escape(ANYTHING), "[^\n]*")
    return re.fullmatch(pattern, came.replace("\r", "").strip()) is not None


def without_settings() -> dict[str, str]:
    """Return the environment of somebody who has set nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith("STOA_")}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Start a server in a folder and give what it said until it was ready; at the end press Ctrl-C, which ends well."""
    log = folder / "said"
    with log.open("w") as file:
        server = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=file, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        yield _said(log, server, "Stoa is listening")
        server.send_signal(signal.SIGINT)
        assert server.wait(timeout=30) == 0, log.read_text("utf-8")
    finally:
        server.kill()
        server.wait()


def _said(log: Path, server: subprocess.Popen[bytes], text: str) -> str:
    for _ in range(PATIENCE * 10):
        said = log.read_text("utf-8")
        if text in said:
            return said
        try:
            server.wait(0.1)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError(log.read_text("utf-8"))
