"""PostgreSQL's own programs for backups, of the embedded server's version."""

import asyncio
import subprocess
from pathlib import Path

from infrastructure.persistence.embedded import _binaries


async def dump(url: str, file: Path) -> None:
    """Write a backup as docs/operations.md says, while others go on writing."""
    await _run("pg_dump", "--format=custom", f"--file={file}", url)


async def restore(file: Path, url: str) -> None:
    """Read a backup into an empty database; whatever cannot be restored is an error."""
    await _run("pg_restore", "--exit-on-error", f"--dbname={url}", str(file))


async def _run(program: str, *arguments: str) -> None:
    command = [str(_binaries() / program), *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
