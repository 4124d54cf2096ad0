"""A process that was told to stop and cannot: ``python -m tests.faults.stuck_process hanging|finished``."""

import sys
import threading

from infrastructure.drain import LastResort


def main(how: str) -> None:
    """Arm the last resort, and leave a thread behind that nobody can interrupt."""
    last_resort = LastResort(0.2)
    last_resort.arm()
    threading.Thread(target=threading.Event().wait).start()
    last_resort.finished = how == "finished"


if __name__ == "__main__":
    main(sys.argv[1])
