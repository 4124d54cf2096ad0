"""How often a password may be tried for one address.

An attempt is counted before the password is compared, so that a hundred at once are a hundred counted attempts and not
a hundred first ones. The right password forgives them all.
"""

FREE_ATTEMPTS = 5
"""So many in a row cost nothing; the last of them closes the door behind it."""

FIRST_PAUSE, LONGEST_PAUSE = 30, 900  # seconds
FORGIVEN_AFTER = 3_600  # seconds without an attempt

DOUBLINGS = (LONGEST_PAUSE // FIRST_PAUSE).bit_length() - 1
"""So many times the pause doubles before it is the longest."""


def pause_after(attempts: int) -> int:
    """Return for how many seconds the door stays closed once so many attempts were made, 0 for not at all."""
    if attempts < FREE_ATTEMPTS:
        return 0
    beyond = attempts - FREE_ATTEMPTS
    return LONGEST_PAUSE if beyond > DOUBLINGS else FIRST_PAUSE << beyond
