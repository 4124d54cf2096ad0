"""The accounts of chains for development, the same on every kind of chain."""

MNEMONIC = "test test test test test test test test test test test junk"
FUNDED = 10**22
"""Wei of each of the ten accounts."""
