"""Why Stoa could not start."""


class StartError(Exception):
    """One clear line for a person; ``exit_code`` is the process's answer to a program."""

    exit_code = 2
