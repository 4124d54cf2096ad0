"""What makes the address of a new wallet its own."""

from domain.shared.ids import WalletId
from domain.wallets.contracts import SALT_BYTES
from domain.wallets.errors import InvalidWallet


def read_salt(text: str | None, wallet_id: WalletId) -> bytes:
    """Read 0x and 64 hexadecimal digits; without them the wallet's id is the salt.

    Raises:
        InvalidWallet: it is anything else.
    """
    if text is None:
        return wallet_id.bytes.rjust(SALT_BYTES, b"\0")
    digits = text.removeprefix("0x").lower()
    if len(text) != len(digits) + 2 or len(digits) != 2 * SALT_BYTES or not set(digits) <= set("0123456789abcdef"):
        raise InvalidWallet(reason="salt", path="salt")
    return bytes.fromhex(digits)
