"""Cursors of wallets' histories: signed places in a chain."""

import msgspec

from application.wallets.ports import HistoryPosition, IHistoryCursors
from infrastructure.persistence.cursor import CursorSecret, InvalidCursor, read_signed, write_signed

_decoder = msgspec.json.Decoder(HistoryPosition, strict=True)
_PURPOSE = "wallet history"


class HistoryCursors(IHistoryCursors):
    """Signed like the cursors of lists, with the same secret."""

    def __init__(self, secret: CursorSecret) -> None:
        """Sign with a secret."""
        self._secret = secret

    def write(self, binding: str, position: HistoryPosition) -> str:
        return write_signed(self._secret, (_PURPOSE, binding), msgspec.json.encode(position))

    def read(self, binding: str, text: str) -> HistoryPosition:
        try:
            return _decoder.decode(read_signed(self._secret, (_PURPOSE, binding), text))
        except msgspec.MsgspecError as error:
            raise InvalidCursor from error
