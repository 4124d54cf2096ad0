"""Which way a transaction of a wallet goes."""

from enum import StrEnum


class TransactionDirection(StrEnum):
    """From the wallet, or to it."""

    OUT = "out"
    IN = "in"
