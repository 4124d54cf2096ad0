"""Keeping server and client out of each other's way."""

import os

SERVER_CORE, CLIENT_CORE = 0, 1


def pin(core: int) -> bool:
    """Keep this process, and the children it starts from now on, on one core; says whether that is possible."""
    if not hasattr(os, "sched_setaffinity") or (os.cpu_count() or 1) < 2:
        return False
    try:
        os.sched_setaffinity(0, {core})
    except OSError:
        return False
    return True
