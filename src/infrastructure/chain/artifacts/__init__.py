"""ABI and creation code of the contracts in ``contracts/``, written by ``scripts/compile_contracts.py``."""
